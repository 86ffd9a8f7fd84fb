//! Undertakings, such as connecting, with the calling thread waiting.

use std::time::Instant;

use super::wait::Waiting;
use crate::attempt::{Course, Undertaking};
use crate::deadline::{Deadline, Left};
use crate::error::{EN_ETIMEDOUT, Error, Result};

/// Sees an undertaking through, within the deadline.
pub fn see_through<T>(
    work: &mut dyn Undertaking<Outcome = T>,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<T> {
    loop {
        let asked = waiting.check().map_err(|error| work.give_up(error))?;
        let hold = waiting.hold_unasked(deadline.left());
        let until = match work.advance(Instant::now(), hold) {
            Course::Done(outcome) => return Ok(outcome),
            Course::Failed(error) => return Err(error),
            Course::Wait { until } => until,
        };
        let waited = wait_for(work, until, waiting, deadline.left(), asked);
        waited.map_err(|error| work.give_up(error))?;
    }
}

/// Waits until an undertaking can go on.
fn wait_for<T>(
    work: &dyn Undertaking<Outcome = T>,
    until: Option<Instant>,
    waiting: &Waiting,
    left: Left,
    asked: Option<Instant>,
) -> Result<()> {
    if left == Left::Nothing {
        return Err(Error::new(EN_ETIMEDOUT, "the connect time-out has passed"));
    }
    let next = until.map(|until| until.saturating_duration_since(Instant::now()));
    let left = left.at_most(next).map_or(Left::Forever, Left::Time);
    waiting.poll(&work.waits_for(), left, None, asked)
}
