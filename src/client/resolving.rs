//! The addresses at both ends of a connection to be: names on their way to addresses.

use std::os::fd::BorrowedFd;

use super::local_address::LocalAddress;
use crate::attempt::Interest;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::address::{Family, IpAddress};
use crate::socket::resolve::{self, Lookup};

/// The peer's addresses and our own.
pub(super) struct Resolving {
    remote: Host,
    local: Host,
}

enum Host {
    Known(Vec<IpAddress>),
    Asked { host: String, lookup: Lookup },
}

impl Resolving {
    /// Begins to resolve a host.
    pub(super) fn host(host: &str, port: u16, family: Family, local: &LocalAddress) -> Result<Resolving> {
        Resolving::begin(Host::new(host, port, family)?, local)
    }

    /// The peer's addresses are known.
    pub(super) fn addresses(addresses: Vec<IpAddress>, local: &LocalAddress) -> Result<Resolving> {
        Resolving::begin(Host::Known(addresses), local)
    }

    fn begin(remote: Host, local: &LocalAddress) -> Result<Resolving> {
        let local = match &local.0 {
            None => Host::Known(Vec::new()),
            Some((None, port)) => {
                Host::Known(vec![IpAddress::parse("0.0.0.0", *port)?, IpAddress::parse("::", *port)?])
            }
            Some((Some(host), port)) => Host::new(host, *port, Family::Any)?,
        };
        Ok(Resolving { remote, local })
    }

    /// The addresses to connect to, and those to connect from; None: not all are known yet.
    pub(super) fn advance(&mut self) -> Result<Option<(Vec<IpAddress>, Vec<IpAddress>)>> {
        let is_known = self.remote.look()? & self.local.look()?;
        Ok(is_known.then(|| (self.remote.take(), self.local.take())))
    }

    pub(super) fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        [&self.remote, &self.local].into_iter().filter_map(Host::fd).map(|fd| (fd, Interest::Read)).collect()
    }

    pub(super) fn give_up(&self, error: Error) -> Error {
        let host = [&self.remote, &self.local].into_iter().find_map(|host| match host {
            Host::Asked { host, .. } => Some(host),
            Host::Known(_) => None,
        });
        match (error.code(), host) {
            (EN_ETIMEDOUT, Some(host)) => {
                let reason = format!("the connect time-out has passed while {host:?} was being resolved");
                Error::new(EN_ETIMEDOUT, reason).at(Stage::Resolve)
            }
            _ => error.at(Stage::Resolve),
        }
    }
}

impl Host {
    fn new(host: &str, port: u16, family: Family) -> Result<Host> {
        // A numeric host needs nobody to be asked.
        if let Some(addresses) = resolve::numeric(host, port, family) {
            return addresses.map(Host::Known);
        }
        Ok(Host::Asked { host: host.to_string(), lookup: resolve::lookup(host, port, family)? })
    }

    /// Looks for the answer; whether the addresses are known.
    fn look(&mut self) -> Result<bool> {
        if let Host::Asked { lookup, .. } = self {
            let Some(answer) = lookup.poll() else { return Ok(false) };
            *self = Host::Known(answer?);
        }
        Ok(true)
    }

    fn take(&mut self) -> Vec<IpAddress> {
        match self {
            Host::Known(addresses) => std::mem::take(addresses),
            Host::Asked { .. } => Vec::new(),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Host::Known(_) => None,
            Host::Asked { lookup, .. } => Some(lookup.fd()),
        }
    }
}
