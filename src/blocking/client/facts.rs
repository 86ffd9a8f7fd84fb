//! What can be asked of a client without waiting: who is at its ends, its options, what it has done.

use std::os::fd::RawFd;

use super::Client;
use crate::blocking::{Closable, closed};
use crate::endpoint::Counters;
use crate::error::{EN_ENODATA, Error, Result};
use crate::socket::names::{self, Names};
use crate::socket::options::SocketOption;
use crate::tls::TlsFacts;
use crate::transport::{Attribute, Transport, descriptor};

impl Client {
    /// Who is at the two ends.
    pub fn names(&self) -> Result<&Names> {
        self.names.as_ref().ok_or_else(names::unknown)
    }

    /// What the transport knows of itself.
    pub fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        self.with_transport(|transport| transport.attribute(which))
    }

    /// What TLS has agreed on.
    pub fn tls_facts(&self) -> Result<TlsFacts> {
        let missing = || Error::new(EN_ENODATA, "this client does not speak TLS");
        self.with_transport(|transport| transport.tls_facts().ok_or_else(missing))
    }

    /// The descriptor, -1 once closed.
    pub fn fileno(&self) -> RawFd {
        if self.is_closed() { -1 } else { self.fd }
    }

    /// Reads a socket option into `value`, and says how many bytes it has.
    pub fn getsockopt(&self, level: i32, name: i32, value: &mut [u8]) -> Result<usize> {
        self.with_transport(|transport| transport.getsockopt(level, name, value))
    }

    /// Sets a socket option.
    pub fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        self.with_transport(|transport| transport.setsockopt(level, name, value))
    }

    /// Reads an option of the table.
    pub fn get_option(&self, option: &SocketOption) -> Result<i64> {
        self.with_transport(|transport| option.get(descriptor(transport)?))
    }

    /// Sets an option of the table.
    pub fn set_option(&self, option: &SocketOption, value: i64) -> Result<()> {
        self.with_transport(|transport| option.set(descriptor(transport)?, value))
    }

    fn with_transport<T>(&self, work: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T> {
        self.check_usable()?;
        // Keeps the client until the error is complete.
        let _inside = self.holds.control.visit();
        let outcome = match self.holds.transport() {
            Some(transport) if !self.is_done() => work(&*transport),
            _ => Err(closed()),
        };
        outcome.map_err(|error| self.name_peer(error))
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
