//! Timers that the application sets.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::callback::Done;
use super::event_loop::EventLoop;
use super::operation::cancelled;
use super::sources::Source;
use crate::error::Result;

struct Timer {
    core: Rc<EventLoop>,
    place: Cell<usize>,
    number: Cell<u64>,
    due: Cell<Instant>,
    /// How long from one time to the next; None: once.
    interval: Option<Duration>,
    /// Called each time, and once with an error when it ends before its time.
    tick: Done<()>,
    is_over: Cell<bool>,
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
        let timer = Rc::new(Timer {
            core: self.clone(),
            place: Cell::new(0),
            number: Cell::new(0),
            // Beyond the clock's range is some thirty years from now.
            due: Cell::new(now.checked_add(delay).unwrap_or(now + Duration::from_secs(1 << 30))),
            interval,
            tick,
            is_over: Cell::new(false),
        });
        let place = self.add(timer.clone())?;
        timer.place.set(place);
        let (_, number) = self.set_timer(timer.due.get(), place);
        timer.number.set(number);
        self.hold();
        Ok(number)
    }
}

impl Timer {
    fn finish(&self) {
        if !self.is_over.replace(true) {
            self.core.remove_timer(self.due.get(), self.number.get());
            self.core.remove(self.place.get());
            self.core.release();
        }
    }

    fn next(&self, interval: Duration) {
        // What was missed is not made up for.
        let now = Instant::now();
        let next = self.due.get().checked_add(interval).filter(|next| *next > now);
        self.due
            .set(next.or_else(|| now.checked_add(interval)).unwrap_or(now + Duration::from_secs(1 << 30)));
        self.core.add_timer(self.due.get(), self.number.get());
    }
}

impl Source for Timer {
    fn ready(self: Rc<Self>, _readable: bool, _writable: bool, _to_the_end: bool) {}

    fn go_on(self: Rc<Self>) {
        self.tick.call(Err(cancelled()));
    }

    fn due(self: Rc<Self>, number: u64) {
        if number != self.number.get() || self.is_over.get() {
            return;
        }
        match self.interval {
            Some(interval) => self.next(interval),
            None => self.finish(),
        }
        self.tick.call(Ok(()));
    }

    fn cancel(self: Rc<Self>, number: u64) {
        if number == self.number.get() && !self.is_over.get() {
            self.finish();
            self.core.clone().go_on_later(self);
        }
    }

    fn end(self: Rc<Self>) {
        self.finish();
        self.tick.call(Err(cancelled()));
    }
}
