//! Descriptors of the application's own that a loop watches for it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use super::callback::Done;
use super::event_loop::EventLoop;
use super::standing::{Occasion, Standing};
use crate::attempt::Interest;
use crate::error::{Error, Result};
use crate::socket::poll::PollSet;

struct Watch {
    /// A duplicate: the loop may watch the descriptor for others, too.
    fd: OwnedFd,
    interest: Interest,
}

impl EventLoop {
    /// Calls `tell` whenever the descriptor is ready, as long as it is. The number of the operation.
    pub fn start_watch(
        self: &Rc<Self>,
        fd: BorrowedFd<'_>,
        interest: Interest,
        tell: Done<()>,
    ) -> Result<u64> {
        let fd = fd.try_clone_to_owned().map_err(Error::os)?;
        Standing::begin(self, Watch { fd, interest }, tell)
    }
}

impl Watch {
    fn is_ready(&self) -> bool {
        let mut set = PollSet::default();
        set.add(self.fd.as_fd(), self.interest);
        set.wait(Some(Duration::ZERO)).unwrap_or(true)
    }
}

impl Occasion for Watch {
    fn begin(&self, core: &EventLoop, place: usize) -> Result<u64> {
        core.descriptors.register_for(self.fd.as_fd(), place, self.interest)?;
        Ok(core.next_number(place))
    }

    fn ready(own: &Standing<Watch>) {
        let watch = &own.occasion;
        // What was told may be over, or may have been meant for who had this place before.
        if watch.is_ready() {
            own.tell.call(Ok(()));
        }
        if own.is_over.get() {
            return;
        }
        // The loop tells of it once, unless it is asked again.
        if let Err(error) = own.core.descriptors.rearm(watch.fd.as_fd(), own.place.get(), watch.interest) {
            own.finish();
            own.tell.call(Err(error));
        }
    }

    fn end(&self, core: &EventLoop, _number: u64) {
        core.descriptors.deregister(self.fd.as_fd());
    }
}
