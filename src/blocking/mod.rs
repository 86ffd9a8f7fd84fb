//! The driver that keeps the calling thread: attempt, wait until ready or until the deadline,
//! attempt again.

pub mod cancel;
pub mod client;
pub mod connect;
pub mod iter;
pub mod life;
pub mod wait;

pub use cancel::Cancel;
pub use client::{Client, Stats};
pub use iter::PacketIter;
