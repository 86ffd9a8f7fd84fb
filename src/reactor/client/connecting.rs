//! Getting connected, on the loop.

use std::rc::Rc;
use std::time::Instant;

use super::{AsyncClient, Handshaking, Inner, Live, Over, State, Watches, Work, closed};
use crate::attempt::{Course, Hold};
use crate::deadline::Deadline;
use crate::endpoint::Connection;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::reactor::callback::Done;
use crate::reactor::due::Due;

/// A connection on its way, and its points in time.
pub(super) struct Connecting {
    work: Work,
    /// When it has to be there.
    due: Option<Due>,
    /// When it goes on by itself.
    until: Option<Due>,
}

impl Connecting {
    pub(super) fn is_its(&self, number: u64) -> bool {
        [&self.due, &self.until].into_iter().flatten().any(|due| due.is(number))
    }

    /// Why an operation has ended that waited for it.
    pub(super) fn explain(&self, error: &Error) -> Error {
        let reason = format!("{}: there is no connection yet", error.reason());
        self.work.explain(Error::new(error.code(), reason))
    }
}

impl AsyncClient {
    /// Waits until the client is connected; it begins to connect if need be.
    pub fn wait_connected(self: &Rc<Self>, timeout_ms: i64, done: Option<Done<()>>) -> Result<u64> {
        let mut inner = self.enter()?;
        let operation = self.begin(timeout_ms, done);
        let number = operation.number;
        inner.pending.put().operations.connects.push_back(operation);
        drop(inner);
        self.go_on_later();
        Ok(number)
    }

    /// Begins to connect, whether somebody waits for it or not.
    pub fn connect(self: &Rc<Self>) {
        self.begin_connecting();
    }

    /// Whether it is connected.
    pub fn is_connected(&self) -> Result<bool> {
        Ok(matches!(self.access()?.state, State::Connected(_)))
    }

    /// Begins to connect if somebody waits for it, and goes on with it.
    pub(super) fn connect_further(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        match &inner.state {
            State::Idle if self.wants_connection(&inner) => {
                drop(inner);
                self.begin_connecting();
            }
            State::Connecting(_) => {
                drop(inner);
                self.advance();
            }
            State::Connected(_) => {
                while let Some(operation) =
                    inner.pending.remove(|pending| pending.operations.connects.pop_front())
                {
                    self.finish(operation, Ok(()), Over::Done);
                }
            }
            State::Idle | State::Handshaking(_) | State::Closed => {}
        }
    }

    /// Whether somebody waits for a connection. One that is being closed only sends what waits for
    /// that.
    fn wants_connection(&self, inner: &Inner) -> bool {
        let has_operations = inner.pending.get().is_some_and(|pending| !pending.operations.are_none());
        match self.is_closing.get() {
            true => inner.sends_wait(),
            false => has_operations || inner.started.is_some(),
        }
    }

    fn begin_connecting(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        let beginning = inner.pending.get_mut().and_then(|pending| pending.beginning.as_mut());
        let Some(beginning) = beginning else { return };
        let mut due = Deadline::after_ms(beginning.timeout_ms);
        match (beginning.begin)() {
            Ok(work) => {
                let due = due.instant().map(|due| Due::set(&self.core, due, self.place()));
                inner.state = State::Connecting(Box::new(Connecting { work, due, until: None }));
                drop(inner);
                self.advance();
            }
            Err(error) => {
                drop(inner);
                self.connecting_failed(&error);
            }
        }
    }

    fn advance(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        let State::Connecting(connecting) = &mut inner.state else { return };
        match connecting.work.advance(Instant::now(), Hold::No) {
            Course::Done(connection) => {
                drop(inner);
                self.connected(connection);
            }
            Course::Failed(error) => {
                drop(inner);
                self.connecting_failed(&error);
            }
            Course::Wait { until } => {
                let watched = self.watch(connecting, until).map_err(|error| connecting.work.give_up(error));
                drop(inner);
                if let Err(error) = watched {
                    self.connecting_failed(&error);
                }
            }
        }
    }

    /// Waits for what the undertaking waits for.
    fn watch(&self, connecting: &mut Connecting, until: Option<Instant>) -> Result<()> {
        for (fd, _) in connecting.work.waits_for() {
            self.core.descriptors.register(fd, self.place())?;
        }
        connecting.until = until.map(|until| Due::set(&self.core, until, self.place()));
        Ok(())
    }

    fn connected(self: &Rc<Self>, connection: Connection) {
        let Ok(mut inner) = self.access() else { return };
        let State::Connecting(mut connecting) = std::mem::replace(&mut inner.state, State::Idle) else {
            return;
        };
        drop(inner);
        match self.take_over(connection) {
            Ok(()) => self.connect_further(),
            Err(error) => self.connecting_failed(&connecting.work.give_up(error.at(Stage::Connect))),
        }
    }

    /// Goes on with a connection.
    pub(super) fn take_over(self: &Rc<Self>, connection: Connection) -> Result<()> {
        let watches = Watches::begin(&self.core, &connection, self.place())?;
        let mut inner = self.access()?;
        self.remember(&connection);
        let handshake_timeout = connection.sender.transport().awaits_handshake();
        let live = Live::new(connection, watches);
        inner.state = match handshake_timeout {
            None => State::Connected(live),
            Some(timeout) => {
                self.go_on_later();
                State::Handshaking(Box::new(Handshaking::begin(live, timeout, &self.core, self.place())))
            }
        };
        // There is no second connection.
        inner.pending.remove(|pending| pending.beginning.take());
        Ok(())
    }

    /// All who wait for the connection learn why there is none; it may be tried again.
    pub(super) fn connecting_failed(self: &Rc<Self>, error: &Error) {
        let Ok(mut inner) = self.access() else { return };
        let before = std::mem::replace(&mut inner.state, State::Idle);
        let operations = inner.pending.remove(|pending| Some(std::mem::take(&mut pending.operations)));
        drop(inner);
        self.let_go(before);
        operations.unwrap_or_default().fail(self, error);
        self.end_started(error.clone());
    }

    /// One of its points in time has come.
    pub(super) fn connecting_is_due(self: &Rc<Self>, number: u64) {
        let Ok(mut inner) = self.access() else { return };
        let State::Connecting(connecting) = &mut inner.state else { return };
        if connecting.due.as_ref().is_some_and(|due| due.is(number)) {
            connecting.due = None;
            let error = connecting.work.give_up(Error::new(EN_ETIMEDOUT, "the connect time-out has passed"));
            drop(inner);
            self.connecting_failed(&error);
        } else {
            connecting.until = None;
        }
    }

    /// Nobody waits for the connection any more.
    pub(super) fn stop_connecting(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        let State::Connecting(connecting) = &mut inner.state else { return };
        let error = connecting.work.give_up(closed());
        drop(inner);
        self.connecting_failed(&error);
    }
}
