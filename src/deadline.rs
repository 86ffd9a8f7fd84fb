//! Time-outs: from milliseconds to a deadline on the monotonic clock, and what is left of it.

use std::time::{Duration, Instant};

use crate::error::{Result, invalid};

/// When a call has to end. Its clock starts when somebody first asks what is left, so that a call
/// that need not wait never asks the system for the time.
#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    /// Never.
    Never,
    /// So many milliseconds after the clock starts.
    AfterMs(u64),
    /// So long after the clock starts.
    After(Duration),
    /// Then.
    At(Instant),
}

/// What is left until a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// There is no deadline.
    Forever,
    /// So much, and it is not zero.
    Time(Duration),
    /// It has passed.
    Nothing,
}

impl Deadline {
    /// As time-outs are given: negative is for ever, 0 is not at all.
    #[inline]
    pub fn after_ms(timeout_ms: i64) -> Deadline {
        u64::try_from(timeout_ms).map_or(Deadline::Never, Deadline::AfterMs)
    }

    /// What is left; starts the clock.
    pub fn left(&mut self) -> Left {
        if let Deadline::AfterMs(0) | Deadline::After(Duration::ZERO) = self {
            return Left::Nothing;
        }
        self.left_at(Instant::now)
    }

    /// What is left at the time that `now` tells, which is asked only if need be.
    pub fn left_at(&mut self, now: impl FnOnce() -> Instant) -> Left {
        match *self {
            Deadline::Never => Left::Forever,
            Deadline::AfterMs(time) => self.start(Duration::from_millis(time), now()),
            Deadline::After(time) => self.start(time, now()),
            Deadline::At(end) => match end.checked_duration_since(now()) {
                Some(time) if !time.is_zero() => Left::Time(time),
                _ => Left::Nothing,
            },
        }
    }

    /// The whole time in milliseconds, if the clock has not started.
    #[inline]
    pub fn whole_ms(&self) -> Option<u64> {
        match *self {
            Deadline::AfterMs(time) => Some(time),
            _ => None,
        }
    }

    /// Starts the clock.
    fn start(&mut self, time: Duration, now: Instant) -> Left {
        // A time-out beyond the clock's range is no deadline.
        *self = now.checked_add(time).map_or(Deadline::Never, Deadline::At);
        if time.is_zero() { Left::Nothing } else { Left::Time(time) }
    }

    /// The point in time; starts the clock. None: never.
    pub fn instant(&mut self) -> Option<Instant> {
        self.left_at(Instant::now);
        match *self {
            Deadline::At(end) => Some(end),
            Deadline::Never | Deadline::AfterMs(_) | Deadline::After(_) => None,
        }
    }

    /// The same amount of time that is left now, with its clock not started.
    pub fn paused(mut self) -> Deadline {
        if let Deadline::At(_) = self {
            return match self.left() {
                Left::Time(time) => Deadline::After(time),
                Left::Nothing => Deadline::After(Duration::ZERO),
                Left::Forever => Deadline::Never,
            };
        }
        self
    }

    /// Whichever ends first.
    pub fn earlier(mut self, mut other: Deadline) -> Deadline {
        match (self.instant(), other.instant()) {
            (Some(one), Some(two)) => Deadline::At(one.min(two)),
            (Some(end), None) | (None, Some(end)) => Deadline::At(end),
            (None, None) => Deadline::Never,
        }
    }
}

/// A time-out that is kept, in little room: one of more than 49 days is for ever.
#[derive(Clone, Copy, Debug)]
pub struct Timeout(u32);

impl Timeout {
    /// As time-outs are given.
    pub fn from_ms(timeout_ms: i64) -> Timeout {
        Timeout(u32::try_from(timeout_ms).unwrap_or(u32::MAX))
    }

    /// Its deadline, with the clock not started.
    pub fn deadline(self) -> Deadline {
        match self.0 {
            u32::MAX => Deadline::Never,
            time => Deadline::AfterMs(time.into()),
        }
    }
}

impl Left {
    /// The shorter of what is left and `limit`; None: for ever.
    pub fn at_most(self, limit: Option<Duration>) -> Option<Duration> {
        match (self, limit) {
            (Left::Forever, limit) => limit,
            (Left::Time(time), Some(limit)) => Some(time.min(limit)),
            (Left::Time(time), None) => Some(time),
            (Left::Nothing, _) => Some(Duration::ZERO),
        }
    }
}

/// How long to look before sleeping.
pub fn busy_poll(microseconds: u32) -> Result<Duration> {
    match microseconds {
        0..=1_000_000 => Ok(Duration::from_micros(microseconds.into())),
        _ => Err(invalid(format!("busy_poll is {microseconds}: it may be 1000000 at most"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_with_the_first_question() {
        let start = Instant::now();
        let mut deadline = Deadline::after_ms(100);
        assert_eq!(deadline.left_at(|| start), Left::Time(Duration::from_millis(100)));
        let later = start + Duration::from_millis(40);
        assert_eq!(deadline.left_at(|| later), Left::Time(Duration::from_millis(60)));
        assert_eq!(deadline.left_at(|| start + Duration::from_millis(100)), Left::Nothing);
        assert_eq!(deadline.left_at(|| start + Duration::from_millis(900)), Left::Nothing);
    }

    #[test]
    fn negative_is_for_ever_zero_is_now_and_huge_is_no_deadline() {
        assert_eq!(Deadline::after_ms(-1).left(), Left::Forever);
        assert_eq!(Deadline::after_ms(i64::MIN).left(), Left::Forever);
        assert_eq!(Deadline::after_ms(0).left(), Left::Nothing);
        let mut huge = Deadline::after_ms(i64::MAX);
        huge.left();
        assert!(matches!(huge.left(), Left::Forever | Left::Time(_)));
    }

    #[test]
    fn what_is_kept_is_as_it_was_given() {
        assert!(matches!(Timeout::from_ms(30_000).deadline(), Deadline::AfterMs(30_000)));
        assert!(matches!(Timeout::from_ms(0).deadline(), Deadline::AfterMs(0)));
        for for_ever in [-1, i64::MIN, i64::MAX, i64::from(u32::MAX)] {
            assert!(matches!(Timeout::from_ms(for_ever).deadline(), Deadline::Never));
        }
    }

    #[test]
    fn a_pause_keeps_what_is_left() {
        assert!(matches!(Deadline::after_ms(50).paused(), Deadline::AfterMs(50)));
        let passed = Deadline::At(Instant::now() - Duration::from_millis(1));
        assert!(matches!(passed.paused(), Deadline::After(Duration::ZERO)));
    }
}
