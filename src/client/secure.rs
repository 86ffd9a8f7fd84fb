//! How a client speaks TLS: with which configuration, to whom, and for how long it shakes hands.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

use crate::attempt::{Course, Hold, Interest, Stop, Undertaking};
use crate::deadline::{Deadline, Left};
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage, invalid};
use crate::tls::{TlsConfig, names};
use crate::transport::{self, StreamTransport};

/// How long shaking hands may take where nothing else is said.
const HANDSHAKE_TIMEOUT_MS: i64 = 60_000;

/// TLS of a client, or none.
#[derive(Clone, Default)]
pub struct Secure {
    /// With TLS: how it is spoken.
    pub config: Option<TlsConfig>,
    /// The peer's name, if it is not the host that is dialled; "" for none.
    pub server_name: Option<String>,
    /// How long shaking hands may take; negative: for ever.
    pub handshake_timeout_ms: Option<i64>,
    /// Whether the end of TLS must be said, and heard.
    pub standard_compatible: Option<bool>,
}

impl Secure {
    /// Whether the settings go together for a peer that was dialled by this name, if by any.
    pub fn check(&self, host: Option<&str>) -> Result<()> {
        let settings = [
            ("a server name", self.server_name.is_some()),
            ("a handshake time-out", self.handshake_timeout_ms.is_some()),
            ("standard_compatible", self.standard_compatible.is_some()),
        ];
        let Some(config) = &self.config else {
            return match settings.iter().find(|(_, is_set)| *is_set) {
                Some((name, _)) => Err(invalid(format!("{name} was set, but no TLS configuration"))),
                None => Ok(()),
            };
        };
        match (config.is_server(), host.is_some()) {
            (true, true) => Err(invalid("the TLS configuration is a server's: it cannot connect")),
            (true, false) if self.server_name.is_some() => {
                Err(invalid("the TLS configuration is a server's: a server name is for clients"))
            }
            (false, false) if self.server_name.is_none() => Err(invalid(
                "TLS needs the server's name here: no host was dialled that it could be taken from (\"\" for no name)",
            )),
            _ => self.check_name(config, host),
        }
    }

    /// A name that was set must be one; the host that was dialled, only where its name is verified.
    fn check_name(&self, config: &TlsConfig, host: Option<&str>) -> Result<()> {
        match (self.server_name.as_deref(), host) {
            (Some(""), _) | (None, None) => Ok(()),
            (Some(name), _) => names::check(name),
            (None, Some(host)) => config.check_host(host),
        }
    }

    /// Begins to make a transport ready: by TLS, if that is wanted.
    pub(super) fn begin(&self, inner: Arc<dyn StreamTransport>, host: Option<&str>) -> Result<Securing> {
        let Some(config) = &self.config else {
            return Ok(Securing { transport: inner, interest: Interest::Read, deadline: Deadline::Never });
        };
        let transport = self.over(inner, config, host)?;
        let deadline = Deadline::after_ms(self.handshake_timeout_ms());
        Ok(Securing { transport, interest: Interest::Write, deadline })
    }

    /// TLS over a transport, with hands not shaken yet.
    pub(super) fn over(
        &self,
        inner: Arc<dyn StreamTransport>,
        config: &TlsConfig,
        host: Option<&str>,
    ) -> Result<Arc<dyn StreamTransport>> {
        let name = self.server_name.as_deref().or(host).unwrap_or_default();
        transport::secure(inner, config, name, self.standard_compatible.unwrap_or(true))
            .map_err(|error| error.at(Stage::Handshake))
    }

    /// How long shaking hands may take; negative: for ever.
    pub(super) fn handshake_timeout_ms(&self) -> i64 {
        self.handshake_timeout_ms.unwrap_or(HANDSHAKE_TIMEOUT_MS)
    }
}

/// A transport that is being made ready.
pub(super) struct Securing {
    transport: Arc<dyn StreamTransport>,
    interest: Interest,
    deadline: Deadline,
}

impl Securing {
    /// How long the kernel may hold who waits for the peer.
    fn longest_hold(&mut self, now: Instant) -> Hold {
        match self.deadline.left_at(|| now) {
            Left::Nothing => Hold::No,
            Left::Time(time) => Hold::within(time),
            Left::Forever => Hold::Forever,
        }
    }
}

impl Undertaking for Securing {
    type Outcome = Arc<dyn StreamTransport>;

    fn advance(&mut self, now: Instant, hold: Hold) -> Course<Arc<dyn StreamTransport>> {
        let mut hold = hold.min(self.longest_hold(now));
        loop {
            match self.transport.handshake(std::mem::replace(&mut hold, Hold::No)) {
                Ok(()) => return Course::Done(self.transport.clone()),
                Err(Stop::Failed(error)) => return Course::Failed(error.at(Stage::Handshake)),
                Err(Stop::Again) => {}
                Err(Stop::Want(interest)) => {
                    self.interest = interest;
                    break;
                }
                Err(Stop::Soon(_)) => break,
            }
        }
        match self.deadline.left_at(|| now) {
            Left::Nothing => Course::Failed(self.give_up(Error::new(EN_ETIMEDOUT, ""))),
            _ => Course::Wait { until: self.deadline.instant() },
        }
    }

    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        self.transport.fd(self.interest).map(|fd| (fd, self.interest)).into_iter().collect()
    }

    fn give_up(&mut self, error: Error) -> Error {
        let error = match error.code() {
            EN_ETIMEDOUT => {
                Error::new(EN_ETIMEDOUT, "the time-out has passed in the midst of the TLS handshake")
            }
            _ => error,
        };
        error.at(Stage::Handshake)
    }
}
