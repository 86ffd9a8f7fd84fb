//! The driver that keeps the calling thread: attempt, wait until ready or until the deadline,
//! attempt again.

pub mod cancel;
pub mod client;
pub mod connect;
pub mod iter;
pub mod life;
pub mod wait;

pub use cancel::Cancel;
pub use client::Client;
pub use iter::PacketIter;

use crate::error::{EN_ECLOSED, Error};

/// What calls answer on a client that is closed, before them or while they wait.
#[cold]
fn closed() -> Error {
    Error::new(EN_ECLOSED, "the client is closed")
}
