//! Outcomes that were decided earlier.

use crate::error::Result;
use crate::packet::Packet;

/// What the next receives answer. Seldom anything, so it is one pointer then.
#[derive(Default)]
pub(super) struct Ready(Option<Box<First>>);

struct First {
    outcome: Result<Packet>,
    behind: Ready,
}

impl Ready {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Puts an outcome before the others.
    pub(super) fn put_back(&mut self, outcome: Result<Packet>) {
        let behind = std::mem::take(self);
        self.0 = Some(Box::new(First { outcome, behind }));
    }

    /// The next outcome.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Result<Packet>> {
        match self.0 {
            None => None,
            Some(_) => self.take_first(),
        }
    }

    #[cold]
    fn take_first(&mut self) -> Option<Result<Packet>> {
        let First { outcome, behind } = *self.0.take()?;
        *self = behind;
        Some(outcome)
    }
}
