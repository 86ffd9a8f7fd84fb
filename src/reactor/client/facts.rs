//! What can be asked of a client on a loop.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use super::{AsyncClient, State};
use crate::attempt::Interest;
use crate::endpoint::{Connection, Counters};
use crate::error::{EN_ENODATA, EN_ENOTCONN, Error, Result};
use crate::socket::names::{self, Names};
use crate::tls::TlsFacts;
use crate::transport::Transport;

/// What stays known of a connection when it is gone.
pub(super) struct Known {
    fd: RawFd,
    names: Option<Names>,
    counters: Arc<Counters>,
}

impl AsyncClient {
    pub(super) fn remember(&self, connection: &Connection) {
        *self.known.borrow_mut() = Some(Known {
            fd: (connection.transport.fd(Interest::Read))
                .or_else(|| connection.transport.fd(Interest::Write))
                .map_or(-1, |fd| fd.as_raw_fd()),
            names: connection.names.clone(),
            counters: connection.counters.clone(),
        });
    }

    /// Completes an error with whom it is about.
    #[cold]
    pub(super) fn explain(&self, error: Error) -> Error {
        match self.known.borrow().as_ref().and_then(|known| known.names.as_ref()) {
            Some(names) => error.with_peer(&names.remote.to_string().into()),
            None => error,
        }
    }

    /// Who is at the two ends; once it has been connected, also afterwards.
    pub fn names(&self) -> Result<Names> {
        let known = self.known.borrow();
        known.as_ref().ok_or_else(not_connected)?.names.clone().ok_or_else(names::unknown)
    }

    /// The descriptor, -1 when there is none.
    pub fn fileno(&self) -> RawFd {
        let is_connected = match self.inner.try_borrow() {
            Ok(inner) => matches!(inner.state, State::Connected(_)),
            // A protocol callback runs, so it is.
            Err(_) => true,
        };
        match &*self.known.borrow() {
            Some(known) if is_connected => known.fd,
            _ => -1,
        }
    }

    /// What the client has done so far.
    pub fn counters(&self) -> Option<Arc<Counters>> {
        self.known.borrow().as_ref().map(|known| known.counters.clone())
    }

    /// How many bytes each receive asks for; once it has been connected.
    pub fn max_recv_size(&self) -> Result<usize> {
        let counters = self.counters().ok_or_else(not_connected)?;
        Ok(usize::try_from(counters.max_recv_size.get()).unwrap_or(usize::MAX))
    }

    /// What TLS has agreed on.
    pub fn tls_facts(&self) -> Result<TlsFacts> {
        let missing = || Error::new(EN_ENODATA, "this client does not speak TLS");
        self.with_transport(|transport| transport.tls_facts().ok_or_else(missing))
    }

    /// Works on the transport.
    pub fn with_transport<T>(&self, work: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T> {
        self.core.check()?;
        let inner = self.access()?;
        match &inner.state {
            State::Connected(live) => work(&*live.transport),
            State::Closed => Err(super::closed()),
            State::Idle | State::Connecting(_) => Err(not_connected()),
        }
        .map_err(|error| self.explain(error))
    }
}

fn not_connected() -> Error {
    Error::new(EN_ENOTCONN, "the client is not connected yet: see wait_connected")
}
