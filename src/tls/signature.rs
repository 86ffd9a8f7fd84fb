//! What a peer signs in a handshake, checked with the key of the certificate that it shows.
//!
//! rustls reads certificates of X.509 version 3 only. Older ones lead to nobody who is trusted, but they may
//! be pinned, and tools still make them; then the key is all that is needed of them.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use webpki::{Error as PkiError, RawPublicKeyEntity};

use super::certificate::public_key;
use super::provider::algorithms;
use super::verifier::Verdict;

/// As TLS 1.2 has it (RFC 5246, 7.4.1.4.1).
pub(super) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Verdict<HandshakeSignatureValid> {
    match verify_tls12_signature(message, certificate, signed, &algorithms()) {
        Err(error) if is_of_version(&error) => verify_tls12_with_key(message, &key(certificate)?, signed),
        verdict => verdict,
    }
}

/// As TLS 1.3 has it (RFC 8446, 4.2.3).
pub(super) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Verdict<HandshakeSignatureValid> {
    match verify_tls13_signature(message, certificate, signed, &algorithms()) {
        Err(error) if is_of_version(&error) => {
            verify_tls13_signature_with_raw_key(message, &key(certificate)?, signed, &algorithms())
        }
        verdict => verdict,
    }
}

fn is_of_version(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(PkiError::UnsupportedCertVersion))
}

fn key<'c>(certificate: &'c CertificateDer<'_>) -> Verdict<SubjectPublicKeyInfoDer<'c>> {
    Ok(public_key(certificate).ok_or(CertificateError::BadEncoding)?.into())
}

fn verify_tls12_with_key(
    message: &[u8],
    key: &SubjectPublicKeyInfoDer<'_>,
    signed: &DigitallySignedStruct,
) -> Verdict<HandshakeSignatureValid> {
    let key = RawPublicKeyEntity::try_from(key).map_err(|_| CertificateError::BadEncoding)?;
    let algorithms = algorithms();
    let candidates = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let (_, candidates) = candidates.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    // The scheme does not say which curve it is: the one that fits the key decides.
    let is_valid = candidates
        .iter()
        .any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
    match is_valid {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(CertificateError::BadSignature.into()),
    }
}
