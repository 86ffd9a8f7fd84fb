//! Descriptors of the application's own that a loop watches for it.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use super::callback::Done;
use super::event_loop::EventLoop;
use super::operation::cancelled;
use super::sources::Source;
use crate::attempt::Interest;
use crate::error::{Error, Result};
use crate::socket::poll::PollSet;

struct Watch {
    core: Rc<EventLoop>,
    place: Cell<usize>,
    number: Cell<u64>,
    /// A duplicate: the loop may watch the descriptor for others, too.
    fd: OwnedFd,
    interest: Interest,
    /// Called each time it is ready, and once with an error when it is watched no more.
    tell: Done<()>,
    is_over: Cell<bool>,
}

impl EventLoop {
    /// Calls `tell` whenever the descriptor is ready, as long as it is. The number of the operation.
    pub fn start_watch(
        self: &Rc<Self>,
        fd: BorrowedFd<'_>,
        interest: Interest,
        tell: Done<()>,
    ) -> Result<u64> {
        let watch = Rc::new(Watch {
            core: self.clone(),
            place: Cell::new(0),
            number: Cell::new(0),
            fd: fd.try_clone_to_owned().map_err(Error::os)?,
            interest,
            tell,
            is_over: Cell::new(false),
        });
        let place = self.add(watch.clone())?;
        watch.place.set(place);
        if let Err(error) = self.register_for(watch.fd.as_fd(), place, interest) {
            self.remove(place);
            return Err(error);
        }
        watch.number.set(self.next_number(place));
        self.hold();
        Ok(watch.number.get())
    }
}

impl Watch {
    fn is_ready(&self) -> bool {
        let mut set = PollSet::default();
        set.add(self.fd.as_fd(), self.interest);
        set.wait(Some(Duration::ZERO)).unwrap_or(true)
    }

    fn finish(&self) {
        if !self.is_over.replace(true) {
            self.core.deregister(self.fd.as_fd());
            self.core.remove(self.place.get());
            self.core.release();
        }
    }
}

impl Source for Watch {
    fn ready(self: Rc<Self>, _readable: bool, _writable: bool, _to_the_end: bool) {
        // What was told may be over, or may have been meant for who had this place before.
        if self.is_ready() {
            self.tell.call(Ok(()));
        }
        if self.is_over.get() {
            return;
        }
        // The loop tells of it once, unless it is asked again.
        if let Err(error) = self.core.rearm(self.fd.as_fd(), self.place.get(), self.interest) {
            self.finish();
            self.tell.call(Err(error));
        }
    }

    fn go_on(self: Rc<Self>) {
        self.tell.call(Err(cancelled()));
    }

    fn due(self: Rc<Self>, _number: u64) {}

    fn cancel(self: Rc<Self>, number: u64) {
        if number == self.number.get() && !self.is_over.get() {
            self.finish();
            self.core.clone().go_on_later(self);
        }
    }

    fn end(self: Rc<Self>) {
        self.finish();
        self.tell.call(Err(cancelled()));
    }
}
