//! Points in time, for who seldom has to know them: the clock is read, and nothing else. See
//! clock_gettime(2).

use std::time::{Duration, Instant};

/// A point in time, as the monotonic clock tells it.
#[derive(Clone, Copy)]
pub struct Moment(libc::timespec);

impl Moment {
    /// This one.
    #[inline]
    pub fn now() -> Moment {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the time is ours; this clock is always there.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        Moment(time)
    }

    /// The same to count with; later by what comes in between, never earlier.
    #[cold]
    pub fn instant(self) -> Instant {
        let since = Moment::now().on_the_clock().saturating_sub(self.on_the_clock());
        let now = Instant::now();
        now.checked_sub(since).unwrap_or(now)
    }

    /// When it is, in nanoseconds of which only the low bits are there: enough to see how near two are.
    #[inline]
    pub fn nanoseconds(self) -> u32 {
        (self.0.tv_sec as u32).wrapping_mul(1_000_000_000).wrapping_add(self.0.tv_nsec as u32)
    }

    /// The one at which the clock shows this.
    #[cfg(test)]
    pub fn at(shown: Duration) -> Moment {
        Moment(super::timespec::timespec(shown))
    }

    fn on_the_clock(self) -> Duration {
        Duration::new(self.0.tv_sec as u64, self.0.tv_nsec as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_between_what_was_before_it_and_what_comes_after() {
        for _ in 0..100 {
            let before = Instant::now();
            let moment = Moment::now();
            let later = moment.instant();
            assert!(before <= later && later <= Instant::now());
        }
    }
}
