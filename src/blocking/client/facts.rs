//! What can be asked of a client without waiting: who is at its ends, its options, what it has done.

use std::os::fd::RawFd;

use super::Client;
use crate::blocking::{Closable, closed};
use crate::endpoint::Counters;
use crate::error::Result;
use crate::socket::names::{self, Names};
use crate::transport::Transport;

impl Client {
    /// Who is at the two ends.
    pub fn names(&self) -> Result<&Names> {
        self.names.as_ref().ok_or_else(names::unknown)
    }

    /// The descriptor, -1 once closed.
    pub fn fileno(&self) -> RawFd {
        if self.is_closed() { -1 } else { self.fd }
    }

    /// Works on the transport.
    pub fn with_transport<T>(&self, work: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T> {
        self.check_usable()?;
        // Keeps the client until the error is complete.
        let _inside = self.holds.control.visit();
        self.holds.run(|| {
            let outcome = match self.holds.transport() {
                Some(transport) if !self.is_done() => work(&*transport),
                _ => Err(closed()),
            };
            outcome.map_err(|error| self.name_peer(error))
        })
    }

    /// How many bytes each receive asks for.
    pub fn max_recv_size(&self) -> usize {
        usize::try_from(self.counters.max_recv_size.get()).unwrap_or(usize::MAX)
    }

    /// What the client has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
