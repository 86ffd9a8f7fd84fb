//! Timers that the application sets.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::callback::Done;
use super::event_loop::EventLoop;
use super::standing::{Occasion, Standing};
use crate::error::Result;

struct Timer {
    due: Cell<Instant>,
    /// How long from one time to the next; None: once.
    interval: Option<Duration>,
}

impl EventLoop {
    /// Calls `tick` after so long, and then each time the interval has passed. The number of the
    /// operation.
    pub fn start_timer(
        self: &Rc<Self>,
        delay: Duration,
        interval: Option<Duration>,
        tick: Done<()>,
    ) -> Result<u64> {
        let now = Instant::now();
        // Beyond the clock's range is some thirty years from now.
        let due = Cell::new(now.checked_add(delay).unwrap_or(now + Duration::from_secs(1 << 30)));
        Standing::begin(self, Timer { due, interval }, tick)
    }
}

impl Timer {
    fn next(&self, interval: Duration) {
        // What was missed is not made up for.
        let now = Instant::now();
        let next = self.due.get().checked_add(interval).filter(|next| *next > now);
        self.due
            .set(next.or_else(|| now.checked_add(interval)).unwrap_or(now + Duration::from_secs(1 << 30)));
    }
}

impl Occasion for Timer {
    fn begin(&self, core: &EventLoop, place: usize) -> Result<u64> {
        let number = core.next_number(place);
        core.add_timer(self.due.get(), number);
        Ok(number)
    }

    fn due(own: &Standing<Timer>) {
        let timer = &own.occasion;
        match timer.interval {
            Some(interval) => {
                timer.next(interval);
                own.core.add_timer(timer.due.get(), own.number.get());
            }
            None => own.finish(),
        }
        own.tell.call(Ok(()));
    }

    fn end(&self, core: &EventLoop, number: u64) {
        core.remove_timer(self.due.get(), number);
    }
}
