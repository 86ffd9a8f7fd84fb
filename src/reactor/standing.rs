//! What the application is told of again and again: timers and watches.

use std::cell::Cell;
use std::rc::Rc;

use super::callback::Done;
use super::event_loop::EventLoop;
use super::operation::cancelled;
use super::sources::Source;
use crate::error::Result;

/// On what occasions the application is told.
pub(super) trait Occasion: Sized + 'static {
    /// Has the loop tell of it, from its place on; its number.
    fn begin(&self, core: &EventLoop, place: usize) -> Result<u64>;

    /// Its descriptor may be ready.
    fn ready(_own: &Standing<Self>) {}

    /// Its time has come.
    fn due(_own: &Standing<Self>) {}

    /// Has the loop tell of it no more.
    fn end(&self, core: &EventLoop, number: u64);
}

/// An operation that goes on until it is ended.
pub(super) struct Standing<O> {
    pub(super) core: Rc<EventLoop>,
    pub(super) place: Cell<usize>,
    pub(super) number: Cell<u64>,
    pub(super) occasion: O,
    /// Called each time, and once with an error when it ends before its time.
    pub(super) tell: Done<()>,
    pub(super) is_over: Cell<bool>,
}

impl<O: Occasion> Standing<O> {
    /// Begins one; the number of the operation.
    pub(super) fn begin(core: &Rc<EventLoop>, occasion: O, tell: Done<()>) -> Result<u64> {
        let own = Rc::new(Standing {
            core: core.clone(),
            place: Cell::new(0),
            number: Cell::new(0),
            occasion,
            tell,
            is_over: Cell::new(false),
        });
        let place = core.add(own.clone())?;
        own.place.set(place);
        let number = own.occasion.begin(core, place).inspect_err(|_| core.remove(place))?;
        own.number.set(number);
        core.hold();
        Ok(number)
    }

    pub(super) fn finish(&self) {
        if !self.is_over.replace(true) {
            self.occasion.end(&self.core, self.number.get());
            self.core.remove(self.place.get());
            self.core.release();
        }
    }

    fn is(&self, number: u64) -> bool {
        number == self.number.get() && !self.is_over.get()
    }
}

impl<O: Occasion> Source for Standing<O> {
    fn ready(self: Rc<Self>, _readable: bool, _writable: bool, _to_the_end: bool) {
        O::ready(&self);
    }

    fn go_on(self: Rc<Self>) {
        self.tell.call(Err(cancelled()));
    }

    fn due(self: Rc<Self>, number: u64) {
        if self.is(number) {
            O::due(&self);
        }
    }

    fn cancel(self: Rc<Self>, number: u64) {
        if self.is(number) {
            self.finish();
            self.core.clone().go_on_later(self);
        }
    }

    fn end(self: Rc<Self>) {
        self.finish();
        self.tell.call(Err(cancelled()));
    }
}
