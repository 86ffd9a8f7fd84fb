//! The descriptors of a connection that the loop watches.
//!
//! A socket of ours is told of once each time something has come, and read until nothing is left; for
//! room to write it is watched only while there is none. A transport of the application's own may want
//! to wait with something left, and for either direction: it is watched anew each time it wants
//! something.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{AsyncClient, Live};
use crate::attempt::{GLANCE, Interest, LOOK_AGAIN};
use crate::endpoint::Connection;
use crate::error::{EN_EOPNOTSUPP, EN_EPERM, Error, Result};
use crate::reactor::descriptors::SideSet;
use crate::reactor::due::Due;
use crate::reactor::event_loop::EventLoop;
use crate::transport::Transport;

/// What is watched for a connection: the one descriptor of its own, unless it says more.
pub(super) struct Watches(Option<Box<Several>>);

struct Several {
    /// Each descriptor with what it tells of.
    watches: Vec<(Watch, Interest)>,
    /// Of a transport of the application's own: what it has asked for.
    wants: Option<Wants>,
    /// Something is waited for that is soon over, and of which nobody tells.
    looks_soon: bool,
    /// When it is looked at again.
    look: Option<Due>,
}

enum Watch {
    /// By the loop itself.
    Own,
    /// The loop watches the descriptor for somebody else: one more that the loop watches in its place, and
    /// which only says that something has happened.
    Side(SideSet),
}

impl Watches {
    /// Has the loop watch the descriptors of a connection.
    pub(super) fn begin(core: &EventLoop, connection: &Connection, place: usize) -> Result<Watches> {
        let transport = connection.sender.transport();
        let [read, write] = [Interest::Read, Interest::Write].map(|interest| transport.fd(interest));
        let is_one = read.is_some() && write.map(|fd| fd.as_raw_fd()) == read.map(|fd| fd.as_raw_fd());
        if let Some(fd) = read
            && is_one
            && !connection.is_shared
            && !transport.runs_callbacks()
        {
            return core.descriptors.register_to_read(fd, place).map(|()| Watches(None));
        }
        Several::begin(core, connection, place).map(|several| Watches(Some(Box::new(several))))
    }

    /// Has the loop watch them no more.
    pub(super) fn end(&self, core: &EventLoop, transport: &dyn Transport) {
        match (&self.0, transport.fd(Interest::Read)) {
            (Some(several), _) => several.end(core, transport),
            (None, Some(fd)) => core.descriptors.deregister(fd),
            (None, None) => {}
        }
    }

    /// Whether the loop tells of everything by itself.
    pub(super) fn are_plain(&self) -> bool {
        self.0.is_none()
    }

    /// Whether an event may mean anything.
    fn are_vague(&self) -> bool {
        self.0.as_ref().is_some_and(|several| several.are_vague())
    }

    /// What a transport of the application's own has asked for.
    fn wants(&mut self) -> Option<&mut Wants> {
        self.0.as_mut()?.wants.as_mut()
    }

    /// It has to be looked at again soon.
    pub(super) fn look_soon(&mut self) {
        debug_assert!(!self.are_plain(), "somebody else may have what is not plain");
        if let Some(several) = &mut self.0 {
            several.looks_soon = true;
        }
    }
}

impl Several {
    fn begin(core: &EventLoop, connection: &Connection, place: usize) -> Result<Several> {
        let transport = &*connection.sender.transport();
        let wants = transport.runs_callbacks().then(Wants::default);
        let mut several = Several { watches: Vec::new(), wants, looks_soon: false, look: None };
        let [read, write] = [Interest::Read, Interest::Write].map(|interest| transport.fd(interest));
        let is_one = read.map(|fd| fd.as_raw_fd()) == write.map(|fd| fd.as_raw_fd());
        let each: &[_] = match is_one {
            true => &[(read, Interest::Either)],
            false => &[(read, Interest::Read), (write, Interest::Write)],
        };
        for (fd, interest) in each {
            let is_needed = interest.has(connection.directions) || connection.directions.has(*interest);
            match fd.map_or_else(no_descriptor, |fd| Watch::begin(core, connection, fd, place)) {
                Ok(watch) => several.watches.push((watch, *interest)),
                // Nobody waits for what is always ready, and a transport of callbacks is looked at again.
                Err(error) if !is_needed && matches!(error.code(), EN_EPERM | EN_EOPNOTSUPP) => {}
                Err(error) => {
                    several.end(core, transport);
                    return Err(error);
                }
            }
        }
        Ok(several)
    }

    fn end(&self, core: &EventLoop, transport: &dyn Transport) {
        for (watch, interest) in &self.watches {
            match watch {
                Watch::Own => {
                    if let Some(fd) = descriptor(transport, *interest) {
                        core.descriptors.deregister(fd);
                    }
                }
                Watch::Side(set) => core.descriptors.deregister(set.as_fd()),
            }
        }
    }

    /// Whether an event may mean anything.
    fn are_vague(&self) -> bool {
        self.watches.iter().any(|(watch, _)| matches!(watch, Watch::Side(_)))
    }

    /// Has the loop look at it again after this time, if not before.
    fn look_again_in(&mut self, time: Duration, core: &Rc<EventLoop>, place: usize) {
        let when = Instant::now() + time;
        if self.look.as_ref().is_none_or(|before| when < before.when()) {
            self.look = Some(Due::set(core, when, place));
        }
    }

    /// Has the loop tell what a transport of the application's own waits for.
    fn watch_anew(&mut self, core: &Rc<EventLoop>, transport: &dyn Transport, place: usize) {
        if std::mem::take(&mut self.looks_soon) {
            self.look_again_in(GLANCE, core, place);
        }
        let Some(wants) = self.wants.as_mut().filter(|wants| wants.is_new) else { return };
        wants.is_new = false;
        let wants = *wants;
        // Nobody tells of a transport that others have closed.
        if self.look.is_none() {
            self.look_again_in(LOOK_AGAIN, core, place);
        }
        for (watch, interest) in &self.watches {
            if let Some(wanted) = wants.of(*interest)
                && let Some(fd) = descriptor(transport, *interest)
            {
                // It fails where the application has closed the descriptor: that is seen by looking again.
                let _ = match watch {
                    Watch::Own => core.descriptors.rearm(fd, place, wanted),
                    Watch::Side(set) => set.rearm(fd, wanted),
                };
            }
        }
    }
}

impl Watch {
    fn begin(core: &EventLoop, connection: &Connection, fd: BorrowedFd<'_>, place: usize) -> Result<Watch> {
        match connection.is_shared {
            true => Ok(core.descriptors.register_in_side_set(fd, place)?.map_or(Watch::Own, Watch::Side)),
            false => core.descriptors.register(fd, place).map(|()| Watch::Own),
        }
    }
}

#[cold]
fn no_descriptor() -> Result<Watch> {
    Err(Error::new(EN_EOPNOTSUPP, "this transport has no descriptor that a loop could wait for"))
}

/// The one that tells of this.
fn descriptor(transport: &dyn Transport, interest: Interest) -> Option<BorrowedFd<'_>> {
    match interest {
        Interest::Write => transport.fd(Interest::Write),
        Interest::Read | Interest::Either => transport.fd(Interest::Read),
    }
}

/// What a transport of the application's own has asked for.
#[derive(Clone, Copy, Default)]
struct Wants {
    read: bool,
    write: bool,
    /// Since it was watched anew.
    is_new: bool,
}

impl Wants {
    /// What of it a descriptor tells that is there for this.
    fn of(self, told: Interest) -> Option<Interest> {
        match (self.read && told.has(Interest::Read), self.write && told.has(Interest::Write)) {
            (true, true) => Some(Interest::Either),
            (true, false) => Some(Interest::Read),
            (false, true) => Some(Interest::Write),
            (false, false) => None,
        }
    }
}

impl Live {
    /// It is told of.
    pub(super) fn has_become(&mut self, readable: bool, writable: bool, to_the_end: bool) {
        let is_vague = self.watches.are_vague();
        // Who wants to read may have said that it has to write first.
        let is_foreign = match self.watches.wants() {
            None => false,
            Some(wants) => {
                *wants = Wants::default();
                true
            }
        };
        self.is_writable |= writable || is_foreign || is_vague;
        if let Some(incoming) = &mut self.incoming {
            incoming.has_become(readable || is_foreign, to_the_end || is_vague);
        }
    }

    /// An attempt has to wait.
    pub(super) fn wants(&mut self, interest: Interest) {
        if let Some(wants) = self.watches.wants() {
            wants.read |= interest.has(Interest::Read);
            wants.write |= interest.has(Interest::Write);
            wants.is_new = true;
        }
    }

    fn watch_anew(&mut self, core: &Rc<EventLoop>, place: usize) -> Result<()> {
        match &mut self.watches.0 {
            Some(several) => {
                several.watch_anew(core, &*self.sender.transport(), place);
                Ok(())
            }
            None if self.is_watched_for_room != self.is_writable => Ok(()),
            None => {
                self.is_watched_for_room = !self.is_writable;
                let interest = if self.is_writable { Interest::Read } else { Interest::Either };
                self.sender
                    .transport()
                    .fd(Interest::Read)
                    .map_or(Ok(()), |fd| core.descriptors.rearm(fd, place, interest))
            }
        }
    }
}

impl AsyncClient {
    /// Sees to it that the loop tells of what is waited for.
    pub(super) fn watch_anew(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        let Some(live) = inner.live() else { return };
        if let Err(error) = live.watch_anew(&self.core, self.place()) {
            drop(inner);
            self.abort(&error);
        }
    }

    /// The time has come to look at it again.
    pub(super) fn look_again(self: &Rc<Self>, number: u64) {
        let Ok(mut inner) = self.access() else { return };
        let Some(live) = inner.live() else { return };
        if let Some(several) = &mut live.watches.0
            && several.look.as_ref().is_some_and(|look| look.is(number))
        {
            several.look = None;
            if several.wants.is_some() {
                live.has_become(true, true, false);
            }
        }
    }
}
