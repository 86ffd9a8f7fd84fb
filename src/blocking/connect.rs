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
        let asked = match waiting.check() {
            Ok(asked) => asked,
            Err(error) => return Err(work.give_up(error)),
        };
        let hold = waiting.hold_unasked(deadline.left());
        let until = match work.advance(Instant::now(), hold) {
            Course::Done(outcome) => return Ok(outcome),
            Course::Failed(error) => return Err(error),
            Course::Wait { until } => until,
        };
        let left = deadline.left();
        if left == Left::Nothing {
            return Err(work.give_up(Error::new(EN_ETIMEDOUT, "the connect time-out has passed")));
        }
        let next = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.at_most(next).map_or(Left::Forever, Left::Time);
        let fds: Vec<_> = work.waits_for().into_iter().map(|(fd, interest)| (Some(fd), interest)).collect();
        waiting.poll(&fds, left, None, asked)?;
    }
}
