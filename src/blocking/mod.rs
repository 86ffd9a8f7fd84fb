//! The driver that keeps the calling thread: attempt, wait until ready or until the deadline,
//! attempt again.

use std::sync::Arc;

pub mod cancel;
pub mod channel;
pub mod client;
pub mod connect;
pub mod iter;
pub mod life;
pub mod wait;

mod datagram_channel;
mod holds;
#[cfg(test)]
mod panic_tests;
mod stream_channel;

pub use cancel::Cancel;
pub use channel::{Channel, Within};
pub use client::{Client, Inside};
pub use datagram_channel::cut;
pub use iter::PacketIter;

use crate::error::{EN_ECLOSED, Error, Result};

/// What a handle is, whose calls may wait and may run code of the application.
pub trait Closable: Send + Sync {
    /// Whether calls run code of the application, which may call back.
    fn runs_callbacks(&self) -> bool;

    /// Whether the handle may be used in this process, and has not panicked.
    fn check_usable(&self) -> Result<()>;

    /// Whether it is closed.
    fn is_closed(&self) -> bool;

    /// Closes it, with what is to be said last.
    fn close(&self) -> Result<()>;

    /// Closes it at once.
    fn abort(&self);

    /// The first step of an end, where the others must wait: calls begin no more, and receiving ends,
    /// but not when this handle `is_freed`: others may go on with the connection. Then
    /// [`Self::finish`] or [`Self::end`] does the rest.
    fn retire(&self, is_freed: bool);

    /// The rest of closing, after [`Self::retire`], within its time or without waiting.
    fn finish(&self, may_wait: bool) -> Result<()>;

    /// The end of the handle: closes, and waits until nobody is inside any more.
    fn end(self: Arc<Self>);
}

/// What calls answer on a client that is closed, before them or while they wait.
#[cold]
fn closed() -> Error {
    Error::new(EN_ECLOSED, "the client is closed")
}
