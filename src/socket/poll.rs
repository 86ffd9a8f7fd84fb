//! Waiting for descriptors, exactly.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use super::timespec::timespec;
use crate::attempt::Interest;
use crate::error::{Error, Result};

/// How long to leave a descriptor alone that has nothing but an error.
const PAUSE: Duration = Duration::from_millis(1);

/// Descriptors to wait for, at most a handful.
#[derive(Default)]
pub struct PollSet {
    entries: Vec<libc::pollfd>,
}

impl PollSet {
    /// Waits for this one, too.
    pub fn add(&mut self, fd: BorrowedFd<'_>, interest: Interest) {
        let events = match interest {
            Interest::Read => libc::POLLIN,
            Interest::Write => libc::POLLOUT,
            Interest::Either => libc::POLLIN | libc::POLLOUT,
        };
        self.entries.push(libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 });
    }

    /// Waits until one is ready or a signal came; false: the time is over (None: never). The caller looks in
    /// any case.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
        let time = timeout.map(timespec);
        let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let count = self.entries.len() as libc::nfds_t;
        // SAFETY: the entries and the time are ours and live during the call.
        let ready = unsafe { libc::ppoll(self.entries.as_mut_ptr(), count, time, std::ptr::null()) };
        if ready > 0 && self.entries.iter().all(|entry| entry.revents & !libc::POLLERR == 0) {
            // Nothing that was waited for: somebody leaves a socket's error queue unread, which would make
            // whoever looks do so again and again.
            std::thread::sleep(PAUSE.min(timeout.unwrap_or(PAUSE)));
        }
        if ready >= 0 {
            return Ok(ready > 0);
        }
        match std::io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EINTR) => Ok(true),
            error => Err(Error::os(error)),
        }
    }
}
