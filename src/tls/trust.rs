//! Whose word is taken for who a peer is.
//!
//! The order: authorities that were given, if any; otherwise those of the system. The system's are
//! those in `SSL_CERT_FILE` and `SSL_CERT_DIR` (directories with colons between them) if either is set,
//! and otherwise those where the distributions keep them. Extra roots come on top.

use std::env;
use std::ffi::OsString;

use rustls::RootCertStore;
use rustls_native_certs::{CertificateResult, ErrorKind, load_certs_from_paths, load_native_certs};

use super::certificate::Description;
use super::options::TlsOptions;
use super::pem::Certificate;
use crate::error::{EN_ETLS_NO_TRUST, Error, Result, invalid, lack_of_descriptors};

/// Where distributions keep them, for people who look for them.
const USUAL: &str = "/etc/ssl/certs/ca-certificates.crt, /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem, \
                     /etc/pki/tls/certs/ca-bundle.crt, /etc/ssl/ca-bundle.pem, /etc/pki/tls/cacert.pem, \
                     /etc/ssl/cert.pem, and the directories /etc/ssl/certs and /etc/pki/tls/certs";

/// What the environment says of where to look.
struct CertificatePlaces {
    file: Option<OsString>,
    directories: Option<OsString>,
}

impl CertificatePlaces {
    fn of_environment() -> CertificatePlaces {
        CertificatePlaces { file: env::var_os("SSL_CERT_FILE"), directories: env::var_os("SSL_CERT_DIR") }
    }

    fn load(&self) -> CertificateResult {
        if self.file.is_none() && self.directories.is_none() {
            return load_native_certs();
        }
        let mut all = CertificateResult::default();
        let mut add = |found: CertificateResult| {
            all.certs.extend(found.certs);
            all.errors.extend(found.errors);
        };
        if let Some(file) = &self.file {
            add(load_certs_from_paths(Some(file.as_ref()), None));
        }
        for directory in self.directories.iter().flat_map(env::split_paths) {
            if !directory.as_os_str().is_empty() {
                add(load_certs_from_paths(None, Some(&directory)));
            }
        }
        all
    }

    fn told(&self) -> String {
        let told = |name: &str, value: &Option<OsString>| {
            value.as_ref().map(|value| format!("{name}={}", value.to_string_lossy()))
        };
        let set = [told("SSL_CERT_FILE", &self.file), told("SSL_CERT_DIR", &self.directories)];
        let set: Vec<String> = set.into_iter().flatten().collect();
        match set.is_empty() {
            true => format!("in {USUAL}"),
            false => format!("where the environment says ({})", set.join(", ")),
        }
    }
}

/// Everybody who is trusted for servers; never nobody.
pub(super) fn for_servers(options: &TlsOptions) -> Result<RootCertStore> {
    let mut roots = match options.authorities.is_empty() {
        true => of_system(&CertificatePlaces::of_environment(), options.extra_roots.is_empty())?,
        false => RootCertStore::empty(),
    };
    add(&mut roots, &options.authorities)?;
    add(&mut roots, &options.extra_roots)?;
    Ok(roots)
}

/// Everybody who is trusted for clients: those who were named, and not the whole world.
pub(super) fn for_clients(options: &TlsOptions) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    add(&mut roots, &options.authorities)?;
    Ok(roots)
}

fn add(roots: &mut RootCertStore, certificates: &[Certificate]) -> Result<()> {
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| {
            let subject = Description::of(certificate).map(|it| it.subject).unwrap_or_default();
            invalid(format!("the certificate of {subject} cannot be trusted as an authority: {error}"))
        })?;
    }
    Ok(())
}

/// The system's; that there are none is an error if `needed`. Single ones that cannot be read are
/// left out, as everywhere; but without descriptors nobody knows what there is.
fn of_system(places: &CertificatePlaces, needed: bool) -> Result<RootCertStore> {
    let found = places.load();
    if let Some(error) = found.errors.iter().find_map(not_looked_at) {
        return Err(error);
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    for error in &found.errors {
        log::warn!("trusted certificates: {error}");
    }
    match roots.is_empty() && needed {
        true => Err(nothing_found(places, &found.errors)),
        false => Ok(roots),
    }
}

fn not_looked_at(error: &rustls_native_certs::Error) -> Option<Error> {
    let ErrorKind::Io { inner, path } = &error.kind else { return None };
    let lack = lack_of_descriptors(inner.raw_os_error()?)?;
    Some(Error::new(lack.code(), format!("{}: {}", path.display(), lack.reason())))
}

fn nothing_found(places: &CertificatePlaces, errors: &[rustls_native_certs::Error]) -> Error {
    let mut reason = format!("no trusted certificates were found {}", places.told());
    for error in errors.iter().take(4) {
        reason.push_str(&format!("; {error}"));
    }
    reason.push_str(
        ". Install the package ca-certificates, set SSL_CERT_FILE, or give authorities with \
         en_tls_options_add_ca_file",
    );
    Error::new(EN_ETLS_NO_TRUST, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_certificates_say_where_they_were_looked_for() {
        let places = CertificatePlaces {
            file: Some("/nowhere/ca.pem".into()),
            directories: Some("/not:/there".into()),
        };
        let error = of_system(&places, true).expect_err("nothing there");
        assert_eq!(error.code(), EN_ETLS_NO_TRUST);
        for part in
            ["SSL_CERT_FILE=/nowhere/ca.pem", "SSL_CERT_DIR=/not:/there", "at '/there'", "ca-certificates"]
        {
            assert!(error.reason().contains(part), "{part}: {error}");
        }
        assert!(of_system(&places, false).expect("not needed").is_empty());
    }

    #[test]
    fn without_an_environment_the_usual_places_are_told() {
        let error = nothing_found(&CertificatePlaces { file: None, directories: None }, &[]);
        assert!(error.reason().contains("/etc/ssl/certs/ca-certificates.crt"), "{error}");
    }
}
