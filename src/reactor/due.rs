//! A point in time at which a source on a loop is told.

use std::rc::Rc;
use std::time::Instant;

use super::event_loop::EventLoop;

/// It has a number of its own, by which the source is told. Dropped, it is taken back.
pub(super) struct Due {
    core: Rc<EventLoop>,
    when: Instant,
    number: u64,
}

impl Due {
    /// Has the source at this place told then.
    pub(super) fn set(core: &Rc<EventLoop>, when: Instant, place: usize) -> Due {
        let number = core.next_number(place);
        core.add_timer(when, number);
        Due { core: core.clone(), when, number }
    }

    pub(super) fn when(&self) -> Instant {
        self.when
    }

    /// Whether this is the number by which it is told of.
    pub(super) fn is(&self, number: u64) -> bool {
        self.number == number
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        self.core.remove_timer(self.when, self.number);
    }
}
