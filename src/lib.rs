//! easynet: network clients that send and receive packets, for C and everything that speaks C.
//!
//! One sentence holds the design:
//!
//! > Every socket operation is an attempt that either finishes or says what it waits for; it is told
//! > how long the kernel may hold it (on a loop: not at all). Two small drivers do the rest: one keeps
//! > the calling thread until a deadline, one lives in an event loop. Nothing else knows how to wait.
//!
//! The floors, from the ground up; each uses only what lies below it:
//!
//! - [`error`], [`deadline`], [`attempt`], [`packet`]: what everything speaks in: codes and their
//!   texts, time-outs, the outcome of an attempt, received bytes that nobody copies. (`seldom` saves
//!   the memory of what is not there most of the time, `threads` the locks of who is alone; [`version`] is
//!   Cargo.toml's.)
//! - [`socket`]: what the operating system gives. The only place with raw system calls.
//! - [`protocol`]: bytes and packets, without sockets: the framings of streams and of datagrams.
//! - [`tls`]: who is trusted and how TLS is spoken, without sockets, too.
//! - [`transport`]: bytes in and out, by attempts.
//! - [`endpoint`]: a transport and a protocol: packets, still by attempts.
//! - [`blocking`]: the driver that keeps the calling thread, with its closing.
//! - [`reactor`]: the driver that lives in an event loop, with its timers and operations.
//! - [`client`]: how each family of clients is made, and its options.
//! - `ffi`: the C interface, one file per handle family, no logic of its own. What can be asked of a client
//!   stands in `ffi/facts`, what callbacks of C become in `ffi/..._callback.rs`.
//!
//! To follow one call, read `en_tcp_client_recv_packet` in `ffi/tcp_client.rs` and `ffi/client.rs`, then
//! [`blocking::Client::recv_packet`], [`endpoint::stream::StreamReceiver`] and
//! [`endpoint::intake::Intake`], and, where it has to wait, `drive_any` in `blocking/wait.rs`.

pub mod attempt;
pub mod blocking;
pub mod client;
pub mod deadline;
pub mod endpoint;
pub mod error;
pub mod packet;
pub mod protocol;
pub mod reactor;
mod seldom;
pub mod socket;
mod threads;
pub mod tls;
pub mod transport;
pub mod version;

#[doc(hidden)]
pub mod ffi;
