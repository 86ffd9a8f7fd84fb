//! The driver that lives in an event loop: attempts that are made when a descriptor is ready, when
//! their time has come, or when somebody asks.
//!
//! One thread at a time uses a loop and what is on it. Callbacks are called from the loop alone, with
//! nothing borrowed, so they may do everything, also end what they belong to.

pub mod callback;
pub mod client;
mod descriptors;
mod due;
pub mod event_loop;
mod operation;
mod remote;
mod sources;
mod standing;
mod timer;
mod timers;
mod watch;

pub use client::AsyncClient;
pub use event_loop::EventLoop;
pub use remote::Remote;
