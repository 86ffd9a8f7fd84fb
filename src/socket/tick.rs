//! The system's clock of ticks: it goes in steps of some milliseconds, and is read six times as fast as
//! the exact one. See clock_gettime(2), CLOCK_MONOTONIC_COARSE.

use std::time::{Duration, Instant};

/// The time of a tick of the system: the last one before it was asked for.
#[derive(Clone, Copy)]
pub struct Tick(libc::timespec);

impl Tick {
    /// The last one.
    #[inline]
    pub fn last() -> Tick {
        Tick(read(libc::CLOCK_MONOTONIC_COARSE))
    }

    /// When the next one comes, or came: whatever was done while this tick was the last, was done before.
    #[cold]
    pub fn next(self) -> Instant {
        // In this order: what comes in between makes it later, never too early.
        let since = duration(read(libc::CLOCK_MONOTONIC)).saturating_sub(duration(self.0));
        let now = Instant::now();
        now.checked_sub(since).unwrap_or(now) + length()
    }
}

/// From one tick to the next.
fn length() -> Duration {
    let mut time = NEVER;
    // SAFETY: the time is ours; the clock is there since Linux 2.6.32.
    unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    duration(time)
}

#[inline]
fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut time = NEVER;
    // SAFETY: the time is ours; these clocks are always there.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time
}

fn duration(time: libc::timespec) -> Duration {
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

const NEVER: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_is_never_before_the_question_and_one_tick_later_at_most() {
        for _ in 0..1000 {
            let before = Instant::now();
            let tick = Tick::last();
            let next = tick.next();
            assert!(next >= before, "{:?} too early", before - next);
            assert!(next <= Instant::now() + length());
        }
    }
}
