//! How fast the receives of a client follow each other.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::socket::moment::Moment;

/// Nobody waits for a packet and is woken by it in less time, in nanoseconds: a receive that begins so
/// soon after the one before it shows that a packet was there.
const HASTE: u32 = 2000;

/// Packets are there before they are asked for.
const FAST: u32 = 0;

/// They are not, or nothing is known. Times are kept with this bit set, so that none of them is [`FAST`].
const UNKNOWN: u32 = 1;

/// When the last receive began, as far as that matters; for who holds the receiving half. As long as
/// packets are there before they are asked for, a receive looks before it prepares to wait: then it need
/// not know what time it is.
pub(super) struct Pace(AtomicU32);

impl Pace {
    pub(super) const fn new() -> Pace {
        Pace(AtomicU32::new(UNKNOWN))
    }

    /// Whether the next packet should be there.
    #[inline]
    pub(super) fn is_fast(&self) -> bool {
        self.0.load(Ordering::Relaxed) == FAST
    }

    /// A packet was not there.
    pub(super) fn falter(&self) {
        self.0.store(UNKNOWN, Ordering::Relaxed);
    }

    /// A receive begins that may have to wait.
    #[inline]
    pub(super) fn step(&self, now: Moment) {
        let now = now.nanoseconds() | UNKNOWN;
        let is_fast = now.wrapping_sub(self.0.load(Ordering::Relaxed)) < HASTE;
        self.0.store(if is_fast { FAST } else { now }, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: u64) -> Moment {
        Moment::at(std::time::Duration::from_nanos(nanoseconds))
    }

    #[test]
    fn receives_that_follow_each_other_at_once_are_fast_until_one_must_wait() {
        let pace = Pace::new();
        for start in [5_000, 15_000, 18_000] {
            pace.step(at(start));
            assert!(!pace.is_fast(), "{start}");
        }
        pace.step(at(18_800));
        assert!(pace.is_fast());
        pace.falter();
        assert!(!pace.is_fast());
        pace.step(at(19_500));
        assert!(!pace.is_fast(), "it had to wait before that one");
    }

    #[test]
    fn the_clock_may_go_round() {
        let pace = Pace::new();
        let round = 1 << 32;
        pace.step(at(round - 400));
        pace.step(at(round + 400));
        assert!(pace.is_fast());
    }
}
