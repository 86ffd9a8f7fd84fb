//! What the operating system gives: sockets, addresses, names, locks, waiting. The only place with
//! raw system calls. Nothing here waits but the two that are made for it: `poll` and `lock`.

#![allow(unsafe_code)]

pub mod address;
pub mod connect;
pub mod eventfd;
pub mod fork;
mod getaddrinfo;
pub mod handle;
pub mod lock;
pub mod options;
pub mod poll;
pub mod resolve;
mod tcp_dialer;

pub use handle::Socket;
