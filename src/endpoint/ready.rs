//! Outcomes that were decided earlier.

use crate::error::Result;
use crate::packet::{Packet, Places};

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

    /// Moves the next packets into places; whether nothing is left. A failure comes alone: behind packets
    /// it stays.
    #[cold]
    pub(super) fn put_into(&mut self, places: &mut Places<'_>) -> Result<bool> {
        while places.has_room()
            && let Some(outcome) = self.take()
        {
            match outcome {
                Ok(packet) => {
                    places.put(packet);
                }
                Err(error) if places.is_empty() => return Err(error),
                failure => {
                    self.put_back(failure);
                    break;
                }
            }
        }
        Ok(self.is_empty())
    }

    fn take(&mut self) -> Option<Result<Packet>> {
        let First { outcome, behind } = *self.0.take()?;
        *self = behind;
        Some(outcome)
    }
}
