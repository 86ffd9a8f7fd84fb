//! Certificates, keys and revocation lists from PEM, looked at before they are needed.

use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use webpki::OwnedCertRevocationList;

use super::certificate::{Description, public_key};
use super::provider::provider;
use super::source::Source;
use crate::error::{Error, Result, invalid};

pub(super) type Certificate = CertificateDer<'static>;
pub(super) type RevocationList = CertificateRevocationListDer<'static>;
/// A chain of certificates and the key of the first.
pub(super) type Identity = Arc<CertifiedKey>;

/// All certificates in it, at least one.
pub(super) fn certificates(source: &Source) -> Result<Vec<Certificate>> {
    let found: Vec<Certificate> = sections(source, "certificate")?;
    match found.iter().position(|certificate| Description::of(certificate).is_none()) {
        Some(index) => Err(refused(source, format!("certificate {} in it is not X.509", index + 1))),
        None => Ok(found),
    }
}

/// All revocation lists in it, at least one.
pub(super) fn revocation_lists(source: &Source) -> Result<Vec<RevocationList>> {
    let found: Vec<RevocationList> = sections(source, "revocation list (X509 CRL)")?;
    for (index, list) in found.iter().enumerate() {
        OwnedCertRevocationList::from_der(list).map_err(|error| {
            refused(source, format!("revocation list {} in it cannot be used: {error}", index + 1))
        })?;
    }
    Ok(found)
}

/// A chain, one's own certificate first, and the key that belongs to it.
pub(super) fn identity(chain: &Source, key: &Source) -> Result<Identity> {
    let certificates = certificates(chain)?;
    let owner = Description::of(&certificates[0]).map(|owner| owner.subject).unwrap_or_default();
    let signing = provider().key_provider.load_private_key(private_key(key)?);
    let signing = signing.map_err(|error| match error {
        rustls::Error::General(reason) => refused(key, format!("the key cannot be used: {reason}")),
        error => refused(key, format!("the key cannot be used: {error}")),
    })?;
    // Not rustls's own check, which takes certificates of X.509 version 3 only.
    match signing.public_key() {
        Some(public) if public_key(&certificates[0]) != Some(public.as_ref()) => Err(invalid(format!(
            "the key in {} does not belong to the first certificate in {}, which is that of {owner}",
            key.name(),
            chain.name()
        ))),
        _ => Ok(Arc::new(CertifiedKey::new(certificates, signing))),
    }
}

fn private_key(source: &Source) -> Result<PrivateKeyDer<'static>> {
    if memchr::memmem::find(source.bytes(), b"ENCRYPTED").is_some() {
        return Err(refused(source, "the key is encrypted: decrypt it, for instance with \"openssl pkey\""));
    }
    let mut keys: Vec<PrivateKeyDer<'static>> = sections(source, "private key (PKCS#8, PKCS#1 or SEC1)")?;
    match keys.len() {
        1 => Ok(keys.remove(0)),
        count => Err(refused(source, format!("it has {count} private keys, and one is wanted"))),
    }
}

fn sections<T: PemObject>(source: &Source, what: &str) -> Result<Vec<T>> {
    let found = T::pem_slice_iter(source.bytes()).collect::<std::result::Result<Vec<T>, _>>();
    let found = found.map_err(|error| refused(source, format!("it is not whole PEM: {}", broken(&error))))?;
    match found.is_empty() {
        true => Err(refused(source, format!("there is no {what} in it{}", instead(source.bytes())))),
        false => Ok(found),
    }
}

fn broken(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end (\"-----END ...\")".to_string(),
        pem::Error::IllegalSectionStart { .. } => "a section does not begin as it should".to_string(),
        error => error.to_string(),
    }
}

/// What may be there in place of what is wanted.
fn instead(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return ": it is empty".to_string();
    }
    if bytes[0] == 0x30 {
        return ": it looks like DER; convert it to PEM, for instance with \"openssl x509 -inform der\""
            .to_string();
    }
    let text = String::from_utf8_lossy(bytes);
    let label = text.lines().find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    match label {
        Some(label) if label.len() < 64 => format!(": it begins with a {label}"),
        _ => ": it is not PEM (\"-----BEGIN ...\")".to_string(),
    }
}

fn refused(source: &Source, reason: impl AsRef<str>) -> Error {
    invalid(format!("{}: {}", source.name(), reason.as_ref()))
}
