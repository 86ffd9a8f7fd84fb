//! One operation under way: its number, its time, and what to call when it is over.

use std::time::Instant;

use super::callback::Done;
use super::event_loop::EventLoop;
use crate::deadline::Deadline;
use crate::error::{EN_ECANCELED, EN_ETIMEDOUT, Error};

/// An operation under way. It holds its loop.
pub(super) struct Operation<T> {
    pub(super) number: u64,
    due: Option<Instant>,
    done: Option<Done<T>>,
}

impl<T> Operation<T> {
    /// Begins one of the source at this place, without a limit of time.
    pub(super) fn begin(core: &EventLoop, place: usize, done: Option<Done<T>>) -> Operation<T> {
        core.hold();
        Operation { number: core.next_number(place), due: None, done }
    }

    /// It has to wait, at most so long.
    pub(super) fn limit(&mut self, core: &EventLoop, timeout_ms: i64) {
        self.due = Deadline::after_ms(timeout_ms).instant();
        if let Some(due) = self.due {
            core.add_timer(due, self.number);
        }
    }

    /// It is over, once: what is to be called, with what came of it. The loop is held until it is called.
    pub(super) fn finish(&mut self, core: &EventLoop) -> Option<Done<T>> {
        if let Some(due) = self.due.take() {
            core.remove_timer(due, self.number);
        }
        if self.done.is_none() {
            core.release();
        }
        self.done.take()
    }
}

/// What an operation ends with whose time has passed.
pub(super) fn timed_out() -> Error {
    Error::new(EN_ETIMEDOUT, "the time-out of the operation has passed")
}

/// What an operation ends with that somebody has ended.
pub(super) fn cancelled() -> Error {
    Error::new(EN_ECANCELED, "the operation was cancelled")
}
