//! The side that connects: one verifier for each name, and the sessions that belong to it.

use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::config::{check_both, needs_chain, versions};
use super::failure::failure;
use super::key_log::key_log;
use super::names::server_name;
use super::options::{ClientAuth, Sni, TlsOptions};
use super::provider::provider;
use super::sessions::{Peer, Sessions};
use super::trust;
use super::verifier::{Demands, Pins, ServerVerifier, nobody};
use crate::error::{Result, invalid};

/// Of how many names a configuration without sessions is kept.
const WITHOUT_SESSIONS: usize = 16;

/// What all connections of a client's configuration share.
pub(super) struct Client {
    /// Without the verifier and the sessions, which each name has its own of.
    base: ClientConfig,
    demands: Arc<Demands<WebPkiServerVerifier>>,
    checks_name: bool,
    verified_name: Option<ServerName<'static>>,
    sni: Sni,
    sessions: Sessions,
    sessionless: Sessions,
}

impl Client {
    pub(super) fn new(options: &TlsOptions) -> Result<Client> {
        check(options)?;
        let demands = Arc::new(demands(options)?);
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
            sessionless: Sessions::new(WITHOUT_SESSIONS),
        })
    }

    /// Whether the name of this host can be verified, if it is to be.
    pub(super) fn check_host(&self, host: &str) -> Result<()> {
        self.verified(host).map(drop)
    }

    /// Begins a connection, and says which name is verified.
    pub(super) fn connect(&self, name: &str) -> Result<(ClientConnection, Option<Arc<String>>)> {
        let peer = self.peer(name)?;
        let connection = ClientConnection::new(peer.config.clone(), peer.asked_for.clone());
        Ok((connection.map_err(|error| failure(&error))?, peer.verified.clone()))
    }

    /// What the connections to a name share, whether sessions are resumed or not.
    pub(super) fn peer(&self, name: &str) -> Result<Arc<Peer>> {
        let resumes = self.may_resume(name);
        let kept = if resumes { &self.sessions } else { &self.sessionless };
        kept.of(name, || self.new_peer(name, resumes))
    }

    pub(super) fn new_peer(&self, name: &str, resumes: bool) -> Result<Peer> {
        let verified = self.verified(name)?;
        let sni = self.sni(name)?;
        Ok(Peer {
            verified: verified.as_ref().map(|name| name.to_str().into_owned().into()),
            asked_for: sni.clone().or_else(|| verified.clone()).unwrap_or_else(nobody),
            config: Arc::new(self.config(verified, sni.is_some(), resumes)),
        })
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

    /// The name to ask for. rustls asks for no addresses (RFC 6066, 3).
    fn sni(&self, name: &str) -> Result<Option<ServerName<'static>>> {
        match &self.sni {
            Sni::Off => Ok(None),
            Sni::Name(name) => server_name(name).map(Some),
            Sni::Dialled => Ok(server_name(name).ok()),
        }
    }

    /// A session stands for a peer that proved who it is: by its name, or by a pinned key.
    fn may_resume(&self, name: &str) -> bool {
        let is_proven = match self.checks_name {
            true => !name.is_empty() || self.verified_name.is_some(),
            false => !name.is_empty() && !self.demands.pins.0.is_empty(),
        };
        self.sessions.are_kept() && is_proven
    }

    fn config(&self, name: Option<ServerName<'static>>, asks: bool, resumes: bool) -> ClientConfig {
        let mut config = self.base.clone();
        let verifier = ServerVerifier { demands: self.demands.clone(), name };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        config.enable_sni = asks;
        config.resumption = match resumes {
            // One peer, in rustls's count.
            true => Resumption::in_memory_sessions(1),
            false => Resumption::disabled(),
        };
        config
    }
}

fn demands(options: &TlsOptions) -> Result<Demands<WebPkiServerVerifier>> {
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

fn check(options: &TlsOptions) -> Result<()> {
    check_both(options)?;
    if options.client_auth != ClientAuth::None {
        return Err(invalid("client certificates are demanded by servers, and this is to be a client"));
    }
    if options.verified_name.is_some() && (options.no_name_check || !needs_chain(options)) {
        return Err(invalid("a name to verify, and yet no name check (or pins alone): which is meant?"));
    }
    Ok(())
}
