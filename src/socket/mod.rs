//! What the operating system gives: sockets, addresses, names, slots, waiting. The only place with
//! raw system calls. A call waits as long as its `Hold` says; `poll` and `slot` are there to wait, and
//! `getaddrinfo` waits in threads that nobody waits for.

#![allow(unsafe_code)]

pub mod address;
pub mod ancillary;
pub mod connect;
mod control_message;
pub mod datagram;
pub mod eventfd;
pub mod fork;
mod getaddrinfo;
pub mod given_fd;
pub mod handle;
pub mod message;
pub mod names;
pub mod options;
pub mod per_process;
pub mod poll;
pub mod question;
pub mod resolve;
pub mod single_threaded;
pub mod slot;
mod tcp_dialer;
mod time_out;
pub mod timerfd;
mod timespec;
pub mod udp_dialer;
pub mod unix_address;
pub mod unix_socket;

pub use handle::Socket;
