//! What can be asked of a client on a loop.

use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

use super::{AsyncClient, State};
use crate::attempt::Interest;
use crate::endpoint::{Connection, Counters};
use crate::error::{EN_ENOTCONN, Error, Result};
use crate::socket::names::{self, Names};
use crate::transport::Transport;

impl AsyncClient {
    pub(super) fn remember(&self, connection: &Connection) {
        let transport = connection.sender.transport();
        let [read, write] = [Interest::Read, Interest::Write].map(|interest| transport.fd(interest));
        self.fd.set(read.or(write).map_or(-1, |fd| fd.as_raw_fd()));
        self.counters.max_recv_size.set(connection.receiver.max_recv_size());
        // There is no second connection.
        let _ = self.names.set(connection.names.clone());
    }

    /// Completes an error with whom it is about.
    #[cold]
    pub(super) fn explain(&self, error: Error) -> Error {
        match self.names.get() {
            Some(Some(names)) => error.with_peer(&names.remote().to_string().into()),
            _ => error,
        }
    }

    /// Who is at the two ends; once it has been connected, also afterwards.
    pub fn names(&self) -> Result<&Names> {
        self.names.get().ok_or_else(not_connected)?.as_ref().ok_or_else(names::unknown)
    }

    /// The descriptor, -1 when there is none.
    pub fn fileno(&self) -> RawFd {
        if self.has_lost_transport() { -1 } else { self.fd.get() }
    }

    /// Whether the transport was closed: by others who have it, too, or because its handshake has failed.
    pub(super) fn has_lost_transport(&self) -> bool {
        self.access().is_ok_and(|mut inner| match inner.live() {
            Some(live) => live.is_shared && live.sender.transport().is_closed(),
            // There is no second connection.
            None => matches!(inner.state, State::Idle) && self.names.get().is_some(),
        })
    }

    /// What the client has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many bytes each receive asks for; once it has been connected.
    pub fn max_recv_size(&self) -> Result<usize> {
        self.names.get().ok_or_else(not_connected)?;
        Ok(usize::try_from(self.counters.max_recv_size.get()).unwrap_or(usize::MAX))
    }

    /// How many bytes of packets the system has not taken yet.
    pub fn send_queue_size(&self) -> Result<usize> {
        let mut inner = self.access()?;
        let waiting = inner.pending.get().map_or(0, |pending| pending.operations.sends.bytes());
        Ok(waiting + inner.live().map_or(0, |live| live.sender.unsent()))
    }

    /// Works on the transport.
    pub fn with_transport<T>(self: &Rc<Self>, work: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T> {
        self.core.check()?;
        let inner = self.access()?;
        let outcome = match &inner.state {
            State::Connected(live) => work(&*live.sender.transport()),
            State::Closed => Err(super::closed()),
            State::Idle | State::Connecting(_) | State::Handshaking(_) => Err(not_connected()),
        };
        self.leave(inner);
        outcome.map_err(|error| self.explain(error))
    }
}

fn not_connected() -> Error {
    Error::new(EN_ENOTCONN, "the client is not connected yet: see wait_connected")
}
