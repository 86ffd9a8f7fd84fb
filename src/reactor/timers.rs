//! Points in time, and who is to be told then.

use std::collections::BTreeSet;
use std::time::Instant;

/// Operations with their points in time, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, u64)>);

impl Timers {
    pub(super) fn add(&mut self, when: Instant, number: u64) {
        self.0.insert((when, number));
    }

    pub(super) fn remove(&mut self, when: Instant, number: u64) {
        self.0.remove(&(when, number));
    }

    /// The earliest point in time.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(when, _)| *when)
    }

    /// Takes out one whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Option<u64> {
        match self.0.first() {
            Some((when, _)) if *when <= now => self.0.pop_first().map(|(_, number)| number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn they_come_in_their_order() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        for (ms, number) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
            timers.add(at(ms), number);
        }
        timers.remove(at(20), 3);
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.due(at(9)), None);
        assert_eq!(timers.due(at(25)), Some(2));
        assert_eq!(timers.due(at(25)), Some(4));
        assert_eq!(timers.due(at(25)), None);
        assert_eq!(timers.due(at(30)), Some(1));
        assert_eq!(timers.next(), None);
    }
}
