//! What a verifier leaves behind when it refuses a certificate.
//!
//! rustls hands on which kind of error it was (it becomes the alert that the peer gets), but not which
//! certificate it was about. Verifying and reading the error happen one after the other in the thread
//! that processes the bytes, so the certificate waits here in between.

use std::cell::RefCell;

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;

thread_local! {
    static LAST: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// A chain that was refused, and why.
pub(super) struct Refusal {
    pub(super) error: rustls::Error,
    /// The peer's certificate, and those it sent along.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether the peer's certificate is itself one of those that are trusted.
    pub(super) is_trusted: bool,
    /// The certificate may be good, but what the peer signed with its key is not.
    pub(super) is_of_key: bool,
}

impl Refusal {
    /// Leaves it for [`Refusal::take`].
    pub(super) fn leave(self) {
        LAST.set(Some(self));
    }

    /// The one that led to this error, if this thread has just met it.
    pub(super) fn take(error: &rustls::Error) -> Option<Refusal> {
        LAST.take().filter(|refusal| same(&refusal.error, error))
    }
}

/// Errors that carry others never compare equal.
fn same(one: &rustls::Error, other: &rustls::Error) -> bool {
    use rustls::Error::InvalidCertificate;
    match (one, other) {
        (
            InvalidCertificate(CertificateError::Other(one)),
            InvalidCertificate(CertificateError::Other(other)),
        ) => std::sync::Arc::ptr_eq(&one.0, &other.0),
        _ => one == other,
    }
}
