//! Sockets as transports.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};

use super::{DatagramTransport, StreamTransport, Transport};
use crate::attempt::{Attempt, Hold, Interest};
use crate::error::Result;
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::{Arrived, SegmentLimit};
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

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<usize> {
        self.0.recv_with_ancillary(buffer, ancillary, room, 0, hold)
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], hold: Hold) -> Attempt<usize> {
        self.0.send_message(slices, control, hold)
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        // The only errors are those of a connection that is down.
        let _ = self.0.shutdown(libc::SHUT_WR);
        Ok(())
    }
}

/// A connected datagram socket.
pub struct DatagramSocket {
    socket: Socket,
    kind: DatagramKind,
    segment_limit: SegmentLimit,
}

/// What a datagram socket can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramKind {
    /// UDP.
    Udp {
        /// Whether several datagrams may come at once.
        offload: bool,
    },
    /// A Unix datagram socket.
    Unix,
}

impl DatagramSocket {
    /// The transport of a connected socket.
    pub fn new(socket: Socket, kind: DatagramKind) -> DatagramSocket {
        DatagramSocket { socket, kind, segment_limit: SegmentLimit::default() }
    }
}

impl DatagramTransport for DatagramSocket {
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived> {
        match self.kind {
            DatagramKind::Udp { offload: true } => self.socket.recv_coalesced(buffer, hold),
            _ => self.socket.recv_datagram(buffer, hold),
        }
    }

    fn most_at_once(&self) -> usize {
        match self.kind {
            DatagramKind::Udp { offload: true } => usize::from(u16::MAX),
            _ => 0,
        }
    }

    fn send(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize> {
        match self.kind {
            DatagramKind::Udp { .. } => self.socket.send_datagrams(datagrams, &self.segment_limit, hold),
            // A thread that the kernel holds because the peer's queue is full is not woken by a
            // shutdown; one in poll is.
            DatagramKind::Unix => self.socket.send_messages(datagrams, Hold::No),
        }
    }

    fn send_alike(&self, bytes: &[u8], size: usize, hold: Hold) -> Attempt<usize> {
        match self.kind {
            DatagramKind::Udp { .. } => self.socket.send_alike(bytes, size, &self.segment_limit, hold),
            DatagramKind::Unix => {
                self.socket.send_messages(&bytes.chunks(size).collect::<Vec<_>>(), Hold::No)
            }
        }
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<Arrived> {
        let size = self.socket.recv_with_ancillary(buffer, ancillary, room, libc::MSG_TRUNC, hold)?;
        Ok(Arrived { size, segment: 0 })
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], _hold: Hold) -> Attempt<usize> {
        self.socket.send_message(slices, control, Hold::No)
    }
}

/// What all sockets have in common as transports.
macro_rules! socket_transport {
    ($transport:ty, $socket:tt) => {
        impl Transport for $transport {
            fn stop_receiving(&self) {
                let _ = self.$socket.shutdown(libc::SHUT_RD);
            }

            fn abort(&self) {
                let _ = self.$socket.shutdown(libc::SHUT_RDWR);
            }

            fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
                Some(self.$socket.as_fd())
            }

            fn getsockopt(&self, level: i32, name: i32, value: &mut [u8]) -> Result<usize> {
                self.$socket.getsockopt(level, name, value)
            }

            fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
                options::setsockopt(self.$socket.as_fd(), level, name, value)
            }
        }
    };
}

socket_transport!(StreamSocket, 0);
socket_transport!(DatagramSocket, socket);
