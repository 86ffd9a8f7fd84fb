//! The addresses at both ends of a connection to be: names on their way to addresses.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use super::local_address::LocalAddress;
use crate::attempt::Interest;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::address::{Family, IpAddress};
use crate::socket::question::Question;
use crate::socket::resolve;

/// The peer's addresses and our own.
pub(super) struct Resolving {
    remote: Host,
    local: Host,
}

struct Host {
    /// What was found, and is not told yet.
    addresses: Vec<IpAddress>,
    /// Something was told.
    is_told: bool,
    /// Where more may come from.
    asked: Option<Box<Question>>,
}

impl Resolving {
    /// Begins to resolve a host.
    pub(super) fn host(host: &str, port: u16, family: Family, local: &LocalAddress) -> Result<Resolving> {
        Resolving::begin(Host::new(host, port, family)?, local)
    }

    /// The peer's addresses are known.
    pub(super) fn addresses(addresses: Vec<IpAddress>, local: &LocalAddress) -> Result<Resolving> {
        Resolving::begin(Host::known(addresses), local)
    }

    fn begin(remote: Host, local: &LocalAddress) -> Result<Resolving> {
        let local = match &local.0 {
            None => Host::known(Vec::new()),
            Some((None, port)) => {
                Host::known(vec![IpAddress::parse("0.0.0.0", *port)?, IpAddress::parse("::", *port)?])
            }
            Some((Some(host), port)) => Host::new(host, *port, Family::Any)?,
        };
        Ok(Resolving { remote, local })
    }

    /// The addresses to connect to and those to connect from that were not told before; None: not enough is
    /// known to begin.
    pub(super) fn advance(&mut self, now: Instant) -> Result<Option<(Vec<IpAddress>, Vec<IpAddress>)>> {
        self.remote.look(now)?;
        self.local.look(now)?;
        Ok(self.is_known().then(|| (self.remote.tell(), self.local.tell())))
    }

    /// Whether there is enough to begin.
    pub(super) fn is_known(&self) -> bool {
        self.remote.is_known() && self.local.is_known()
    }

    /// Whether no more addresses will be told.
    pub(super) fn is_over(&self) -> bool {
        self.questions().next().is_none()
    }

    /// When it goes on by itself; None: never.
    pub(super) fn until(&self) -> Option<Instant> {
        self.questions().filter_map(|question| question.until()).min()
    }

    pub(super) fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        self.questions().flat_map(Question::fds).flatten().map(|fd| (fd, Interest::Read)).collect()
    }

    pub(super) fn give_up(&self, error: Error) -> Error {
        let unknown = [&self.remote, &self.local].into_iter().find(|host| !host.is_known());
        match (error.code(), unknown.and_then(|host| host.asked.as_deref())) {
            (EN_ETIMEDOUT, Some(question)) => {
                let host = question.host();
                let reason = format!("the connect time-out has passed while {host:?} was being resolved");
                Error::new(EN_ETIMEDOUT, reason).at(Stage::Resolve)
            }
            _ => error.at(Stage::Resolve),
        }
    }

    fn questions(&self) -> impl Iterator<Item = &Question> {
        [&self.remote, &self.local].into_iter().filter_map(|host| host.asked.as_deref())
    }
}

impl Host {
    fn known(addresses: Vec<IpAddress>) -> Host {
        Host { addresses, is_told: false, asked: None }
    }

    fn new(host: &str, port: u16, family: Family) -> Result<Host> {
        // A numeric host needs nobody to be asked.
        if let Some(addresses) = resolve::numeric(host, port, family) {
            return addresses.map(Host::known);
        }
        let asked = Some(Box::new(Question::new(host, port, family)?));
        Ok(Host { addresses: Vec::new(), is_told: false, asked })
    }

    /// Looks for the answer, or a part of it. That it cannot be had is an error only if no part of it was.
    fn look(&mut self, now: Instant) -> Result<()> {
        let Some(question) = &mut self.asked else { return Ok(()) };
        let answer = question.advance(now);
        if question.is_over() {
            self.asked = None;
        }
        match answer {
            Ok(Some(addresses)) => self.addresses = addresses,
            Err(error) if !self.is_told && self.addresses.is_empty() => return Err(error),
            _ => {}
        }
        Ok(())
    }

    fn is_known(&self) -> bool {
        self.asked.is_none() || self.is_told || !self.addresses.is_empty()
    }

    fn tell(&mut self) -> Vec<IpAddress> {
        self.is_told = true;
        std::mem::take(&mut self.addresses)
    }
}
