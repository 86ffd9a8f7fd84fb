//! A descriptor that becomes readable at a point in time.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use crate::error::{Error, Result};

/// A timerfd(2) on the monotonic clock.
#[derive(Debug)]
pub struct TimerFd(OwnedFd);

impl TimerFd {
    /// One that is not armed.
    pub fn new() -> Result<TimerFd> {
        // SAFETY: the call takes no memory of ours.
        let fd =
            unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
        if fd < 0 {
            return Err(Error::last_os());
        }
        // SAFETY: the descriptor is new, so nobody else owns it.
        Ok(TimerFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes it readable after so long, or (None) never. Readable before, it is so no more.
    pub fn arm(&self, after: Option<Duration>) {
        let value = match after {
            // All zero would disarm it.
            Some(after) => libc::timespec {
                tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
                tv_nsec: after.max(Duration::from_nanos(1)).subsec_nanos().into(),
            },
            None => libc::timespec { tv_sec: 0, tv_nsec: 0 },
        };
        let setting =
            libc::itimerspec { it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        // SAFETY: the setting is ours; a valid one does not fail.
        unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const setting, std::ptr::null_mut()) };
    }
}

impl AsFd for TimerFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
