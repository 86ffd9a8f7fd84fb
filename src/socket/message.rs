//! Bytes with control messages beside them; see sendmsg(2), recvmsg(2).

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd};

use libc::c_int;

use super::Socket;
use super::ancillary::Ancillary;
use super::handle::count;
use crate::attempt::{Attempt, Hold, Interest};

/// What one receive brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    /// Bytes; of a datagram as many as were sent, also if they did not fit.
    pub size: usize,
    /// Bytes of control messages.
    pub control: usize,
    /// MSG_CTRUNC and the like.
    pub flags: c_int,
}

#[cfg(not(target_env = "musl"))]
use libc::sendmsg;

/// sendmsg(2) itself. What musl has in front of it takes no more than 1024 bytes of control messages, which
/// is less than the kernel takes.
///
/// # Safety
/// As of sendmsg(2). What musl would set to zero is zero: what fills up the fields of the message, and of the
/// control messages.
#[cfg(target_env = "musl")]
unsafe fn sendmsg(fd: c_int, message: *const libc::msghdr, flags: c_int) -> isize {
    // SAFETY: by contract.
    unsafe { libc::syscall(libc::SYS_sendmsg, fd, message, flags) as isize }
}

impl Socket {
    /// Sends slices and control messages with one system call.
    #[inline]
    pub fn send_message(&self, slices: &[IoSlice<'_>], control: &[u8], hold: Hold) -> Attempt<usize> {
        // SAFETY: all fields may be zero.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        // An IoSlice has the layout of an iovec; sendmsg(2) writes neither to it nor to the control.
        message.msg_iov = slices.as_ptr().cast_mut().cast();
        message.msg_iovlen = slices.len() as _;
        if !control.is_empty() {
            message.msg_control = control.as_ptr().cast_mut().cast();
            message.msg_controllen = control.len() as _;
        }
        let flags = libc::MSG_NOSIGNAL | self.send_flags(hold);
        self.call(hold, Interest::Write, || {
            // SAFETY: the message and what it points to live during the call.
            count(unsafe { sendmsg(self.as_fd().as_raw_fd(), &raw const message, flags) })
        })
    }

    /// Receives bytes, and into `ancillary` what came beside them, with so much room for that; how
    /// many bytes. `extra` is MSG_TRUNC for datagrams, 0 for streams.
    #[inline(always)]
    pub fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        extra: c_int,
        hold: Hold,
    ) -> Attempt<usize> {
        let mut control = ancillary.take_room(room);
        match self.recv_message(buffer, &mut control[..room], extra, hold) {
            Ok(received) => {
                let is_truncated = received.flags & libc::MSG_CTRUNC != 0;
                // SAFETY: the kernel has just written it, and nobody else looks at it.
                unsafe { ancillary.received(control, received.control, is_truncated) };
                Ok(received.size)
            }
            Err(stop) => {
                ancillary.keep_room(control);
                Err(stop)
            }
        }
    }

    /// Receives bytes, and drops what came beside them; how many, and whether there was nothing: a
    /// receive also ends where there is something.
    #[inline]
    pub fn recv_dropping_ancillary(&self, buffer: &mut [u8], hold: Hold) -> Attempt<(usize, bool)> {
        let received = self.recv_message(buffer, &mut [], 0, hold)?;
        Ok((received.size, received.flags & libc::MSG_CTRUNC == 0))
    }

    /// Receives bytes and control messages with one system call; `extra` is MSG_TRUNC for datagrams,
    /// 0 for streams. Descriptors that come are close-on-exec.
    #[inline(always)]
    pub(super) fn recv_message(
        &self,
        buffer: &mut [u8],
        control: &mut [u8],
        extra: c_int,
        hold: Hold,
    ) -> Attempt<Received> {
        let flags = libc::MSG_CMSG_CLOEXEC | extra | self.receive_flags(hold);
        let mut slice = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        let received = self.call(hold, Interest::Read, || {
            // SAFETY: all fields may be zero.
            let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
            message.msg_iov = &raw mut slice;
            message.msg_iovlen = 1;
            if !control.is_empty() {
                message.msg_control = control.as_mut_ptr().cast();
                message.msg_controllen = control.len() as _;
            }
            // SAFETY: the message and what it points to live during the call.
            let size = count(unsafe { libc::recvmsg(self.as_fd().as_raw_fd(), &raw mut message, flags) })?;
            Ok(Received { size, control: message.msg_controllen as usize, flags: message.msg_flags })
        })?;
        if received.size == 0 && extra == 0 {
            self.at_end()?;
        }
        Ok(received)
    }
}
