//! How long something takes, in the system's words.

use std::time::Duration;

/// The same time, but at most 68 years: the fields are as wide as the platform has them, and that fits
/// into the narrowest.
#[inline]
pub(super) fn timespec(time: Duration) -> libc::timespec {
    // SAFETY: all fields may be zero; some platforms have more than the two.
    let mut same: libc::timespec = unsafe { std::mem::zeroed() };
    same.tv_sec = time.as_secs().min(i32::MAX as u64) as _;
    same.tv_nsec = time.subsec_nanos() as _;
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_the_longest() {
        let same = timespec(Duration::new(7, 999_999_999));
        assert_eq!((same.tv_sec, same.tv_nsec), (7, 999_999_999));
        assert_eq!(timespec(Duration::MAX).tv_sec, i32::MAX.into());
    }
}
