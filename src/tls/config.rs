//! A configuration: what all connections that share it have in common. It never changes.

use std::fmt;
use std::fs::OpenOptions;
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{
    ClientConfig, ClientConnection, Connection, KeyLogFile, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};

use super::failure::failure;
use super::names::server_name;
use super::options::{ClientAuth, Sni, TlsOptions, Version};
use super::provider::provider;
use super::sessions::Sessions;
use super::trust;
use super::verifier::{ClientVerifier, Demands, Pins, ServerVerifier, nobody};
use crate::error::{Error, Result, invalid};

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
        Ok(TlsConfig(Arc::new(Side::Server(Arc::new(server(options)?)))))
    }

    /// Which of the two it is.
    pub fn is_server(&self) -> bool {
        matches!(*self.0, Side::Server(_))
    }

    /// Begins a connection to the host that was dialled; its name is asked for and verified unless
    /// the configuration has names of its own. Without a name ("") neither is done.
    pub fn connect(&self, name: &str) -> Result<Connection> {
        match &*self.0 {
            Side::Client(client) => client.connect(name).map(Connection::Client),
            Side::Server(_) => Err(invalid("this TLS configuration is a server's: it cannot connect")),
        }
    }

    /// Begins a connection that a client has opened.
    pub fn accept(&self) -> Result<Connection> {
        match &*self.0 {
            Side::Server(config) => {
                let accepted = ServerConnection::new(config.clone());
                accepted.map(Connection::Server).map_err(|error| failure(&error))
            }
            Side::Client(_) => Err(invalid("this TLS configuration is a client's: it cannot accept")),
        }
    }

    /// The name that is verified when this host is dialled; None if none is.
    pub fn verified_name(&self, name: &str) -> Option<String> {
        match &*self.0 {
            Side::Client(client) => client.verified(name).ok()?.map(|name| name.to_str().into_owned()),
            Side::Server(_) => None,
        }
    }
}

struct Client {
    /// Without the verifier and the sessions, which each name has its own of.
    base: ClientConfig,
    demands: Arc<Demands<WebPkiServerVerifier>>,
    checks_name: bool,
    verified_name: Option<ServerName<'static>>,
    sni: Sni,
    sessions: Sessions,
}

impl Client {
    fn new(options: &TlsOptions) -> Result<Client> {
        check_client(options)?;
        let demands = Arc::new(server_demands(options)?);
        let any_name = ServerVerifier { demands: demands.clone(), name: None };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions(options))
            .map_err(|error| failure(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(any_name));
        let mut base = match &options.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())))
            }
            None => builder.with_no_client_auth(),
        };
        base.alpn_protocols.clone_from(&options.alpn);
        if options.key_log {
            base.key_log = key_log()?;
        }
        Ok(Client {
            base,
            checks_name: demands.chain.is_some() && !options.no_name_check,
            demands,
            verified_name: options.verified_name.as_deref().map(server_name).transpose()?,
            sni: options.sni.clone(),
            sessions: Sessions::new(options.sessions),
        })
    }

    fn connect(&self, name: &str) -> Result<ClientConnection> {
        let verified = self.verified(name)?;
        let sni = self.sni(name)?;
        let asked_for = sni.clone().or_else(|| verified.clone()).unwrap_or_else(nobody);
        let config = match self.may_resume(name, &verified) {
            true => self.sessions.of(name, || self.config(verified, sni.is_some(), true)),
            false => Arc::new(self.config(verified, sni.is_some(), false)),
        };
        ClientConnection::new(config, asked_for).map_err(|error| failure(&error))
    }

    /// The name that the certificate must have.
    fn verified(&self, name: &str) -> Result<Option<ServerName<'static>>> {
        match &self.verified_name {
            _ if !self.checks_name => Ok(None),
            Some(verified) => Ok(Some(verified.clone())),
            None if name.is_empty() => Ok(None),
            None => server_name(name).map(Some),
        }
    }

    /// The name to ask for; addresses are not asked for (RFC 6066, 3).
    fn sni(&self, name: &str) -> Result<Option<ServerName<'static>>> {
        let name = match &self.sni {
            Sni::Off => None,
            Sni::Name(name) => Some(server_name(name)?),
            Sni::Dialled => server_name(name).ok(),
        };
        Ok(name.filter(|name| matches!(name, ServerName::DnsName(_))))
    }

    /// A session stands for a peer that proved who it is: by its name, or by a pinned key.
    fn may_resume(&self, name: &str, verified: &Option<ServerName<'static>>) -> bool {
        verified.is_some()
            || (self.demands.chain.is_none() && !self.demands.pins.0.is_empty() && !name.is_empty())
    }

    fn config(&self, name: Option<ServerName<'static>>, asks: bool, resumes: bool) -> ClientConfig {
        let mut config = self.base.clone();
        let verifier = ServerVerifier { demands: self.demands.clone(), name };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        config.enable_sni = asks;
        config.resumption = match resumes && self.sessions.are_kept() {
            // One peer, in rustls's count.
            true => Resumption::in_memory_sessions(1),
            false => Resumption::disabled(),
        };
        config
    }
}

fn server_demands(options: &TlsOptions) -> Result<Demands<WebPkiServerVerifier>> {
    let pins = Pins(options.pins.clone());
    if !needs_chain(options) {
        return Ok(Demands { chain: None, roots: Arc::new(RootCertStore::empty()), pins });
    }
    let roots = Arc::new(trust::for_servers(options)?);
    let mut builder = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider())
        .with_crls(options.revocation_lists.iter().cloned());
    builder = match options.accept_unknown_revocation {
        true => builder.allow_unknown_revocation_status(),
        false => builder.enforce_revocation_expiration(),
    };
    let chain = builder.build().map_err(|error| invalid(error.to_string()))?;
    Ok(Demands { chain: Some(chain), roots, pins })
}

fn client_demands(options: &TlsOptions) -> Result<Demands<dyn ClientCertVerifier>> {
    let pins = Pins(options.pins.clone());
    if !needs_chain(options) {
        return Ok(Demands { chain: None, roots: Arc::new(RootCertStore::empty()), pins });
    }
    let roots = Arc::new(trust::for_clients(options)?);
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider())
        .with_crls(options.revocation_lists.iter().cloned());
    builder = match options.accept_unknown_revocation {
        true => builder.allow_unknown_revocation_status(),
        false => builder.enforce_revocation_expiration(),
    };
    let chain = builder.build().map_err(|error| invalid(error.to_string()))?;
    Ok(Demands { chain: Some(chain), roots, pins })
}

/// Pins alone stand in for the chain; along with authorities both must hold.
fn needs_chain(options: &TlsOptions) -> bool {
    let names_authorities = !options.authorities.is_empty() || !options.extra_roots.is_empty();
    !options.no_verification && (options.pins.is_empty() || names_authorities)
}

fn server(options: &TlsOptions) -> Result<ServerConfig> {
    check_server(options)?;
    let identity = options.identity.clone().ok_or_else(|| {
        invalid("a server needs a certificate and its key: give them with en_tls_options_set_identity_files")
    })?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(options))
        .map_err(|error| failure(&error))?;
    let builder = match options.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        wanted => builder.with_client_cert_verifier(Arc::new(ClientVerifier {
            demands: client_demands(options)?,
            is_mandatory: wanted == ClientAuth::Required,
        })),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols.clone_from(&options.alpn);
    config.session_storage = match options.sessions {
        0 => Arc::new(NoServerSessionStorage {}),
        most => ServerSessionMemoryCache::new(most),
    };
    if options.key_log {
        config.key_log = key_log()?;
    }
    Ok(config)
}

fn versions(options: &TlsOptions) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(Version::Tls13, &rustls::version::TLS13), (Version::Tls12, &rustls::version::TLS12)];
    let wanted = all.into_iter().filter(|(version, _)| (options.least..=options.most).contains(version));
    wanted.map(|(_, version)| version).collect()
}

/// rustls would be silent about a file that it cannot write.
fn key_log() -> Result<Arc<KeyLogFile>> {
    if let Some(path) = std::env::var_os("SSLKEYLOGFILE") {
        OpenOptions::new().append(true).create(true).open(&path).map_err(|error| {
            let error = Error::os(error);
            Error::new(error.code(), format!("SSLKEYLOGFILE={}: {}", path.to_string_lossy(), error.reason()))
        })?;
    }
    Ok(Arc::new(KeyLogFile::new()))
}

/// Settings that say the opposite of each other.
fn check_both(options: &TlsOptions) -> Result<()> {
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
    Ok(())
}

fn check_client(options: &TlsOptions) -> Result<()> {
    check_both(options)?;
    if options.client_auth != ClientAuth::None {
        return Err(invalid("client certificates are demanded by servers, and this is to be a client"));
    }
    if options.verified_name.is_some() && (options.no_name_check || !needs_chain(options)) {
        return Err(invalid("a name to verify, and yet no name check (or pins alone): which is meant?"));
    }
    Ok(())
}

fn check_server(options: &TlsOptions) -> Result<()> {
    check_both(options)?;
    if options.sni != Sni::Dialled || options.verified_name.is_some() || options.no_name_check {
        return Err(invalid("names are asked for and verified by clients, and this is to be a server"));
    }
    if !options.extra_roots.is_empty() {
        return Err(invalid(
            "a server does not trust the system's authorities: en_tls_options_add_ca_file is meant, not extra roots",
        ));
    }
    let knows = !options.authorities.is_empty() || !options.pins.is_empty() || options.no_verification;
    match options.client_auth {
        ClientAuth::None if knows => Err(invalid(
            "authorities or pins are for clients' certificates, and none are demanded (en_tls_options_set_client_auth)",
        )),
        ClientAuth::Optional | ClientAuth::Required if !knows => Err(invalid(
            "client certificates are demanded: from which authorities? (en_tls_options_add_ca_file)",
        )),
        _ => Ok(()),
    }
}
