//! The side that is connected to.

use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig};

use super::config::{check_both, needs_chain, versions};
use super::failure::failure;
use super::key_log::key_log;
use super::options::{ClientAuth, Sni, TlsOptions};
use super::provider::provider;
use super::sessions::ServerSessions;
use super::trust;
use super::verifier::{ClientVerifier, Demands, Pins};
use crate::error::{Result, invalid};

/// What all connections of a server's configuration share.
pub(super) fn config(options: &TlsOptions) -> Result<ServerConfig> {
    check(options)?;
    let identity = options.identity.clone().ok_or_else(|| {
        invalid("a server needs a certificate and its key: give them with en_tls_options_set_identity_files")
    })?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(options))
        .map_err(|error| failure(&error))?;
    let builder = match options.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        wanted => builder.with_client_cert_verifier(Arc::new(ClientVerifier {
            demands: demands(options)?,
            is_mandatory: wanted == ClientAuth::Required,
        })),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols.clone_from(&options.alpn);
    config.session_storage = match options.sessions {
        0 => Arc::new(NoServerSessionStorage {}),
        most => Arc::new(ServerSessions::new(most)),
    };
    if options.key_log {
        config.key_log = key_log()?;
    }
    Ok(config)
}

fn demands(options: &TlsOptions) -> Result<Demands<dyn ClientCertVerifier>> {
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

fn check(options: &TlsOptions) -> Result<()> {
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
        ClientAuth::None if knows || !options.revocation_lists.is_empty() => Err(invalid(
            "authorities, pins and revocation lists are for clients' certificates, and none are demanded (en_tls_options_set_client_auth)",
        )),
        ClientAuth::Optional | ClientAuth::Required if !knows => Err(invalid(
            "client certificates are demanded: from which authorities? (en_tls_options_add_ca_file)",
        )),
        _ => Ok(()),
    }
}
