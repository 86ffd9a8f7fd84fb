//! Bytes in and out, by attempts that never wait longer than they are told.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;

use crate::attempt::{Attempt, Hold, Interest};
use crate::error::{EN_EOPNOTSUPP, Error, Result};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;

pub mod socket;

/// What every transport has, whatever it carries.
pub trait Transport: Send + Sync {
    /// Wakes whoever receives, and makes receiving end.
    fn stop_receiving(&self);

    /// Wakes everybody, and makes everything end.
    fn abort(&self);

    /// What to poll when an attempt wants something; None: nothing can be polled, so look again
    /// after a while.
    fn fd(&self, interest: Interest) -> Option<BorrowedFd<'_>>;

    /// Whether the kernel may hold a thread in an attempt: [`Self::abort`] must wake it.
    fn can_hold(&self) -> bool {
        true
    }

    /// Reads a socket option; see getsockopt(2).
    fn getsockopt(&self, _level: i32, _name: i32, _value: &mut [u8]) -> Result<usize> {
        Err(no_socket())
    }

    /// Sets a socket option; see setsockopt(2).
    fn setsockopt(&self, _level: i32, _name: i32, _value: &[u8]) -> Result<()> {
        Err(no_socket())
    }
}

/// A stream of bytes in each direction.
///
/// Receiving and sending may run at the same time in two threads; two of the same direction never
/// do, whoever owns the transport sees to that.
pub trait StreamTransport: Transport {
    /// Receives up to `buffer.len()` bytes; 0 is the end of the stream.
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize>;

    /// Sends as much of the slices as goes at once, at least one byte.
    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize>;

    /// Receives bytes and what came with them, with room for so much of that.
    fn recv_with_ancillary(
        &self,
        _buffer: &mut [u8],
        _ancillary: &mut Ancillary,
        _room: usize,
        _hold: Hold,
    ) -> Attempt<usize> {
        Err(no_ancillary().into())
    }

    /// Sends bytes and a control message.
    fn send_with_ancillary(&self, _slices: &[IoSlice<'_>], _control: &[u8], _hold: Hold) -> Attempt<usize> {
        Err(no_ancillary().into())
    }

    /// Sends the end of the stream. Errors of a connection that is down already are none.
    fn send_eof(&self, hold: Hold) -> Attempt<()>;
}

/// Datagrams in each direction. As with streams, receiving and sending may run at the same time.
pub trait DatagramTransport: Transport {
    /// Receives one datagram, or several of one size.
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived>;

    /// How many bytes several datagrams may have that come at once; 0: they come one by one.
    fn most_at_once(&self) -> usize {
        0
    }

    /// Sends the first of the datagrams, as many as go at once, and says how many.
    fn send(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize>;

    /// The same for datagrams of `size` bytes each that lie one behind the other; the last may be
    /// shorter.
    fn send_alike(&self, bytes: &[u8], size: usize, hold: Hold) -> Attempt<usize> {
        self.send(&bytes.chunks(size).collect::<Vec<_>>(), hold)
    }

    /// Receives one datagram and what came with it, with room for so much of that.
    fn recv_with_ancillary(
        &self,
        _buffer: &mut [u8],
        _ancillary: &mut Ancillary,
        _room: usize,
        _hold: Hold,
    ) -> Attempt<Arrived> {
        Err(no_ancillary().into())
    }

    /// Sends one datagram and a control message.
    fn send_with_ancillary(&self, _slices: &[IoSlice<'_>], _control: &[u8], _hold: Hold) -> Attempt<usize> {
        Err(no_ancillary().into())
    }
}

fn no_ancillary() -> Error {
    Error::new(EN_EOPNOTSUPP, "this transport carries no ancillary data: only Unix sockets do")
}

fn no_socket() -> Error {
    Error::new(EN_EOPNOTSUPP, "this transport is no socket and has no socket options")
}
