//! How fast the receives of a client follow each other.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::socket::moment::Moment;

/// Nobody waits for a packet and is woken by it in less time, which is some two microseconds: a receive
/// that begins so soon after the one before it shows that a packet was there.
const HASTE: u16 = time(2000);

/// After so many hasty receives in a row the next packet is expected to be there. To look for one that is
/// not takes as long as to read the clock ten times: short bursts are not worth it.
const FAST: u16 = 8;

/// The bits that count hasty receives. Those above are when the last one began: the clock goes round in a
/// quarter of a millisecond, and a count of some in a row is not had by chance.
const COUNT: u16 = 15;

/// So many nanoseconds, in steps of 64, above the count.
const fn time(nanoseconds: u32) -> u16 {
    (nanoseconds / 64 * (COUNT as u32 + 1)) as u16
}

/// How hasty the last receives were; for who holds the receiving half. As long as packets are there before
/// they are asked for, a receive looks before it prepares to wait: then it need not know what time it is.
pub(super) struct Pace(AtomicU16);

impl Pace {
    pub(super) const fn new() -> Pace {
        Pace(AtomicU16::new(0))
    }

    /// Whether the next packet should be there.
    #[inline]
    pub(super) fn is_fast(&self) -> bool {
        self.0.load(Ordering::Relaxed) & COUNT == FAST
    }

    /// A packet was not there.
    pub(super) fn falter(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// A receive begins that may have to wait.
    #[inline]
    pub(super) fn step(&self, now: Moment) {
        let now = time(now.nanoseconds());
        let before = self.0.load(Ordering::Relaxed);
        let since = now.wrapping_sub(before & !COUNT);
        let count = if since < HASTE { (before & COUNT) + 1 } else { 0 };
        self.0.store(now | count.min(FAST), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(pace: &Pace, nanoseconds: u64) {
        pace.step(Moment::at(std::time::Duration::from_nanos(nanoseconds)));
    }

    #[test]
    fn receives_that_follow_each_other_at_once_are_fast_until_one_must_wait() {
        let pace = Pace::new();
        for start in 0..=u64::from(FAST) {
            assert!(!pace.is_fast(), "{start}");
            step(&pace, 50_000 + start * 1800);
        }
        assert!(pace.is_fast());
        pace.falter();
        step(&pace, 90_000);
        assert!(!pace.is_fast());
    }

    #[test]
    fn one_that_has_waited_begins_anew() {
        let pace = Pace::new();
        (0..u64::from(FAST)).for_each(|start| step(&pace, 50_000 + start * 800));
        step(&pace, 70_000);
        assert!(!pace.is_fast());
        (1..u64::from(FAST)).for_each(|start| step(&pace, 70_000 + start * 800));
        assert!(!pace.is_fast());
        step(&pace, 70_000 + u64::from(FAST) * 800);
        assert!(pace.is_fast());
    }

    #[test]
    fn the_clock_may_go_round() {
        let pace = Pace::new();
        let round = 1 << 32;
        (0..=u64::from(FAST)).for_each(|start| step(&pace, round - 8000 + start * 1000));
        assert!(pace.is_fast());
    }
}
