//! How long the kernel holds who calls: a socket's own time-out, which is set only when it changes.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::c_int;

use super::options;
use crate::attempt::Hold;

/// The option SO_RCVTIMEO or SO_SNDTIMEO of a socket, as far as we know: milliseconds, or one of these.
#[derive(Debug)]
pub(super) struct TimeOut<const OPTION: c_int>(AtomicU32);

/// None is set.
const FOR_EVER: u32 = 0;

/// It may be any.
const UNKNOWN: u32 = u32::MAX;

/// It is not for us to set. Without a limit of time it is left to what others have set, otherwise poll holds.
const NOT_OURS: u32 = u32::MAX - 1;

/// From so many milliseconds on it is not made longer.
const LONG: u32 = 1000;

impl<const OPTION: c_int> TimeOut<OPTION> {
    pub(super) fn unknown() -> Self {
        TimeOut(AtomicU32::new(UNKNOWN))
    }

    pub(super) fn not_ours() -> Self {
        TimeOut(AtomicU32::new(NOT_OURS))
    }

    pub(super) fn is_ours(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NOT_OURS
    }

    /// Sees to it that the kernel holds a call no longer; the flags that the call needs.
    #[inline(always)]
    pub(super) fn flags(&self, fd: BorrowedFd<'_>, hold: Hold) -> c_int {
        let wanted = match hold {
            Hold::No => return libc::MSG_DONTWAIT,
            Hold::Milliseconds(time) => time,
            Hold::Forever => FOR_EVER,
        };
        match self.0.load(Ordering::Relaxed) {
            known if is_as_good(known, wanted) => 0,
            NOT_OURS => libc::MSG_DONTWAIT,
            _ => self.set(fd, wanted),
        }
    }

    /// Where that is not to be had, in a sandbox, poll does as well.
    #[cold]
    fn set(&self, fd: BorrowedFd<'_>, wanted: u32) -> c_int {
        let (known, flags) = match options::set_time_out(fd, OPTION, wanted) {
            Ok(()) => (wanted, 0),
            Err(_) => (NOT_OURS, libc::MSG_DONTWAIT),
        };
        self.0.store(known, Ordering::Relaxed);
        flags
    }
}

/// Whether a time-out that is set may stay where another is wanted: it is the same, or shorter and yet long
/// enough that waking up in between does not count.
#[inline]
fn is_as_good(known: u32, wanted: u32) -> bool {
    known == wanted || (known >= LONG && known != UNKNOWN && (wanted == FOR_EVER || known < wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_one_will_do_if_it_is_long() {
        assert!(is_as_good(700, 700) && is_as_good(2000, 60_000) && is_as_good(2000, FOR_EVER));
        assert!(!is_as_good(500, 700) && !is_as_good(2000, 1500) && !is_as_good(FOR_EVER, 2000));
        assert!(is_as_good(NOT_OURS, FOR_EVER) && !is_as_good(NOT_OURS, 2000));
        assert!(!is_as_good(UNKNOWN, FOR_EVER) && !is_as_good(UNKNOWN, 2000));
    }
}
