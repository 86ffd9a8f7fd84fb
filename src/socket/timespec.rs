//! How long something takes, in the system's words.

use std::time::Duration;

/// The same time; the longest there is if it is longer than that. The parts are as wide as the platform
/// has them.
#[inline]
pub(super) fn timespec(time: Duration) -> libc::timespec {
    // SAFETY: all fields may be zero; some platforms have more than the two.
    let mut same: libc::timespec = unsafe { std::mem::zeroed() };
    same.tv_sec = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
    same.tv_nsec = time.subsec_nanos() as _;
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_too_long_is_the_longest() {
        let same = timespec(Duration::new(7, 999_999_999));
        assert_eq!((same.tv_sec, same.tv_nsec), (7, 999_999_999));
        assert_eq!(timespec(Duration::MAX).tv_sec, libc::time_t::MAX);
    }
}
