//! Sockets as transports.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};

use super::{StreamTransport, Transport};
use crate::attempt::{Attempt, Hold, Interest};
use crate::error::Result;
use crate::socket::{Socket, options};

/// A stream socket: TCP or Unix.
pub struct StreamSocket(Socket);

impl StreamSocket {
    /// The transport of a connected socket.
    pub fn new(socket: Socket) -> StreamSocket {
        StreamSocket(socket)
    }
}

impl StreamTransport for StreamSocket {
    #[inline]
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.0.recv(buffer, hold)
    }

    #[inline]
    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize> {
        self.0.send(slices, hold)
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        // The only errors are those of a connection that is down.
        let _ = self.0.shutdown(libc::SHUT_WR);
        Ok(())
    }
}

impl Transport for StreamSocket {
    fn stop_receiving(&self) {
        let _ = self.0.shutdown(libc::SHUT_RD);
    }

    fn abort(&self) {
        let _ = self.0.shutdown(libc::SHUT_RDWR);
    }

    fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    fn getsockopt(&self, level: i32, name: i32, value: &mut [u8]) -> Result<usize> {
        self.0.getsockopt(level, name, value)
    }

    fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        options::setsockopt(self.0.as_fd(), level, name, value)
    }
}
