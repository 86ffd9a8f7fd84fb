//! How a client speaks TLS: with which configuration, to whom, and for how long it shakes hands.

use std::sync::Arc;

use crate::blocking::connect;
use crate::blocking::wait::Waiting;
use crate::deadline::Deadline;
use crate::error::{Result, Stage, invalid};
use crate::tls::TlsConfig;
use crate::transport::StreamTransport;

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
            _ => Ok(()),
        }
    }

    /// TLS over a transport, with hands shaken; or the transport itself.
    pub fn over(
        &self,
        inner: Arc<dyn StreamTransport>,
        host: Option<&str>,
        waiting: &Waiting,
        deadline: Deadline,
    ) -> Result<Arc<dyn StreamTransport>> {
        match &self.config {
            None => Ok(inner),
            Some(config) => self.wrap(inner, config, host, waiting, deadline).map(Into::into),
        }
    }

    /// TLS over a transport, with hands shaken.
    pub fn wrap(
        &self,
        inner: Arc<dyn StreamTransport>,
        config: &TlsConfig,
        host: Option<&str>,
        waiting: &Waiting,
        deadline: Deadline,
    ) -> Result<Box<dyn StreamTransport>> {
        let name = self.server_name.as_deref().or(host).unwrap_or_default();
        let timeout = self.handshake_timeout_ms.unwrap_or(HANDSHAKE_TIMEOUT_MS);
        let mut deadline = deadline.earlier(Deadline::after_ms(timeout));
        connect::secure(inner, config, name, self.standard_compatible.unwrap_or(true), waiting, &mut deadline)
            .map_err(|error| error.at(Stage::Handshake))
    }
}
