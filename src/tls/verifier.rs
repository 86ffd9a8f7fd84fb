//! Who a peer must be: a chain to somebody trusted, a pinned key, both, or (said loudly) anybody.
//!
//! Whatever is switched off, the signature of the handshake is checked: the peer has the key of the
//! certificate that it shows.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore};

use super::certificate::public_key;
use super::options::Pin;
use super::provider::{algorithms, sha256};
use super::refusal::Refusal;
use super::signature::{verify_tls12, verify_tls13};

pub(super) type Verdict<T> = Result<T, Error>;

/// The peer's certificate is none of those pinned.
#[derive(Debug)]
pub(super) struct NotPinned {
    /// SHA-256 of the public key that it has.
    pub(super) sha256: Vec<u8>,
}

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate is not one of those pinned")
    }
}

impl std::error::Error for NotPinned {}

/// What is asked of a certificate beside the chain.
#[derive(Debug)]
pub(super) struct Pins(pub(super) Vec<Pin>);

impl Pins {
    fn check(&self, end_entity: &CertificateDer<'_>) -> Verdict<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let key = public_key(end_entity).ok_or(CertificateError::BadEncoding)?;
        let digest = sha256(key);
        let found = self.0.iter().any(|pin| match pin {
            Pin::Certificate(certificate) => certificate == end_entity,
            Pin::PublicKey(wanted) => wanted == digest.as_ref(),
        });
        match found {
            true => Ok(()),
            false => Err(other(NotPinned { sha256: digest.as_ref().to_vec() })),
        }
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

/// What all peers of a configuration must be, whatever their names.
#[derive(Debug)]
pub(super) struct Demands<Chain: ?Sized> {
    /// None: any certificate will do, if it is pinned where there are pins.
    pub(super) chain: Option<Arc<Chain>>,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) pins: Pins,
}

impl<Chain: ?Sized> Demands<Chain> {
    /// Checks the chain with what is given and then the pins, and remembers what was refused.
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        check_chain: impl FnOnce(&Chain) -> Verdict<()>,
    ) -> Verdict<()> {
        let verdict = self.chain.as_deref().map_or(Ok(()), check_chain);
        verdict.and_then(|()| self.pins.check(end_entity)).inspect_err(|error| {
            let chain = std::iter::once(end_entity).chain(intermediates);
            let refusal = Refusal {
                error: error.clone(),
                chain: chain.map(|certificate| certificate.clone().into_owned()).collect(),
                is_trusted: self.trusts(end_entity),
                is_of_key: false,
            };
            refusal.leave();
        })
    }

    /// Whether its key is that of somebody trusted; names alone may be the same by chance.
    fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        let key = public_key(certificate).unwrap_or_default();
        self.roots.roots.iter().any(|anchor| key.ends_with(&anchor.subject_public_key_info))
    }
}

/// Verifies servers, of one name or of any.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    pub(super) demands: Arc<Demands<WebPkiServerVerifier>>,
    /// The name that the certificate must have; None: any.
    pub(super) name: Option<ServerName<'static>>,
}

/// Nobody's name: verified where any name will do, and the verdict on it ignored.
pub(super) fn nobody() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into())
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _asked_for: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Verdict<ServerCertVerified> {
        let checked = self.demands.check(end_entity, intermediates, |chain| {
            let name = self.name.clone().unwrap_or_else(nobody);
            let verdict = chain.verify_server_cert(end_entity, intermediates, &name, ocsp_response, now);
            match verdict {
                // The name is looked at last: the chain was found good.
                Err(error) if self.name.is_none() && is_of_name(&error) => Ok(()),
                verdict => verdict.map(drop),
            }
        });
        checked.map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        of_key(certificate, verify_tls12(message, certificate, signed))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        of_key(certificate, verify_tls13(message, certificate, signed))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

/// Remembers whose key did not sign the handshake.
fn of_key(
    certificate: &CertificateDer<'_>,
    verdict: Verdict<HandshakeSignatureValid>,
) -> Verdict<HandshakeSignatureValid> {
    verdict.inspect_err(|error| {
        let chain = vec![certificate.clone().into_owned()];
        Refusal { error: error.clone(), chain, is_trusted: false, is_of_key: true }.leave();
    })
}

fn is_of_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// Verifies clients.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    pub(super) demands: Demands<dyn ClientCertVerifier>,
    /// Whether a client without a certificate is turned away.
    pub(super) is_mandatory: bool,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.demands.chain.as_deref().map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Verdict<ClientCertVerified> {
        let checked = self.demands.check(end_entity, intermediates, |chain| {
            chain.verify_client_cert(end_entity, intermediates, now).map(drop)
        });
        checked.map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        of_key(certificate, verify_tls12(message, certificate, signed))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verdict<HandshakeSignatureValid> {
        of_key(certificate, verify_tls13(message, certificate, signed))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}
