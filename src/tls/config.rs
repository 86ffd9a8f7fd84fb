//! A configuration: what all connections that share it have in common. It never changes.

use std::fmt;
use std::sync::Arc;

use rustls::{ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::client::Client;
use super::failure::failure;
use super::options::{TlsOptions, Version};
use super::server;
use crate::error::{Result, invalid};

/// TLS of one side. Copies are the same configuration.
#[derive(Clone)]
pub struct TlsConfig(Arc<Side>);

enum Side {
    Client(Box<Client>),
    Server(Arc<ServerConfig>),
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_server() { "TlsConfig(server)" } else { "TlsConfig(client)" })
    }
}

impl TlsConfig {
    /// For those who connect.
    pub fn client(options: &TlsOptions) -> Result<TlsConfig> {
        Ok(TlsConfig(Arc::new(Side::Client(Box::new(Client::new(options)?)))))
    }

    /// For those who are connected to.
    pub fn server(options: &TlsOptions) -> Result<TlsConfig> {
        Ok(TlsConfig(Arc::new(Side::Server(Arc::new(server::config(options)?)))))
    }

    /// Which of the two it is.
    pub fn is_server(&self) -> bool {
        matches!(*self.0, Side::Server(_))
    }

    /// Whether a host that is dialled by this name can be verified, if its name is.
    pub fn check_host(&self, host: &str) -> Result<()> {
        match &*self.0 {
            Side::Client(client) => client.check_host(host),
            Side::Server(_) => Ok(()),
        }
    }

    /// Begins a connection to the host that was dialled; its name is asked for and verified unless
    /// the configuration has names of its own. Without a name ("") neither is done. Says which name
    /// is verified, if any is.
    pub fn connect(&self, name: &str) -> Result<(ClientConnection, Option<Arc<String>>)> {
        match &*self.0 {
            Side::Client(client) => client.connect(name),
            Side::Server(_) => Err(invalid("this TLS configuration is a server's: it cannot connect")),
        }
    }

    /// Begins a connection that a client has opened.
    pub fn accept(&self) -> Result<ServerConnection> {
        match &*self.0 {
            Side::Server(config) => ServerConnection::new(config.clone()).map_err(|error| failure(&error)),
            Side::Client(_) => Err(invalid("this TLS configuration is a client's: it cannot accept")),
        }
    }
}

/// Pins alone stand in for the chain; along with authorities both must hold.
pub(super) fn needs_chain(options: &TlsOptions) -> bool {
    let names_authorities = !options.authorities.is_empty() || !options.extra_roots.is_empty();
    !options.no_verification && (options.pins.is_empty() || names_authorities)
}

/// The newest first.
pub(super) fn versions(options: &TlsOptions) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(Version::Tls13, &rustls::version::TLS13), (Version::Tls12, &rustls::version::TLS12)];
    let wanted = all.into_iter().filter(|(version, _)| (options.least..=options.most).contains(version));
    wanted.map(|(_, version)| version).collect()
}

/// Settings that say the opposite of each other.
pub(super) fn check_both(options: &TlsOptions) -> Result<()> {
    let trusts = !options.authorities.is_empty() || !options.extra_roots.is_empty();
    if options.no_verification && (trusts || !options.pins.is_empty() || !options.revocation_lists.is_empty())
    {
        return Err(invalid(
            "no verification, and yet authorities, pins or revocation lists: which is meant?",
        ));
    }
    if !options.revocation_lists.is_empty() && !needs_chain(options) {
        return Err(invalid("revocation lists are of no use with pins alone: give the authorities, too"));
    }
    if options.no_verification {
        log::warn!("TLS without verification: anybody may be at the other end");
    }
    Ok(())
}
