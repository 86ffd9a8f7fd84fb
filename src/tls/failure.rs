//! What an error of TLS means: the code, the certificate it is about, and what to do.

use rustls::{CertificateError, InvalidMessage, PeerIncompatible};

use super::alert::of_alert;
use super::certificate::{Description, moment};
use super::refusal::Refusal;
use super::verifier::NotPinned;
use crate::error::*;

/// What `rustls` says, as an error to act on. To be asked in the thread that met the error, right away:
/// the certificate that was refused is remembered for it.
pub fn failure(error: &rustls::Error) -> Error {
    use rustls::Error::*;
    match error {
        InvalidCertificate(reason) => of_certificate(reason, Refusal::take(error)),
        InvalidCertRevocationList(reason) => Error::new(
            EN_ETLS_UNKNOWN_REVOCATION,
            format!(
                "a revocation list for the peer's certificate cannot be used ({reason:?}): get a new one"
            ),
        ),
        NoCertificatesPresented => Error::new(
            EN_ETLS_NO_CERTIFICATE,
            "the peer showed no certificate: the client must be given one that this server accepts",
        ),
        AlertReceived(alert) => of_alert(*alert),
        PeerIncompatible(reason) => Error::new(EN_ETLS_INCOMPATIBLE, incompatible(reason)),
        NoApplicationProtocol => Error::new(
            EN_ETLS_INCOMPATIBLE,
            "the peer offers no application protocol (ALPN) that is spoken here: add the one it offers",
        ),
        InvalidMessage(reason) => Error::new(EN_ETLS_PROTOCOL, no_tls(*reason)),
        DecryptError => {
            Error::new(EN_ETLS_PROTOCOL, "what came was changed on its way: it cannot be decrypted")
        }
        PeerMisbehaved(reason) => protocol(format!("{reason:?}")),
        error @ (InappropriateMessage { .. }
        | InappropriateHandshakeMessage { .. }
        | PeerSentOversizedRecord) => protocol(error.to_string()),
        error => Error::new(EN_EIO, format!("TLS failed: {error}")),
    }
}

fn protocol(what: String) -> Error {
    Error::new(EN_ETLS_PROTOCOL, format!("the peer breaks the rules of TLS: {what}"))
}

/// Bytes that are no message of TLS; most often the other side speaks plain text.
fn no_tls(reason: InvalidMessage) -> String {
    match reason {
        InvalidMessage::InvalidContentType
        | InvalidMessage::UnknownProtocolVersion
        | InvalidMessage::MessageTooLarge => {
            "what the peer sent is not TLS: it may speak plain text on this \
                                              port, or want TLS to be asked for first (STARTTLS)"
                .to_string()
        }
        reason => format!("the peer breaks the rules of TLS: a message that cannot be read ({reason:?})"),
    }
}

fn incompatible(reason: &PeerIncompatible) -> String {
    let what = match reason {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => {
            "there is no TLS version that both sides accept: look at en_tls_options_set_versions, and know \
             that versions below 1.2 are not spoken here"
        }
        PeerIncompatible::NoCipherSuitesInCommon => "there is no cipher suite that both sides accept",
        PeerIncompatible::NoKxGroupsInCommon => "there is no key exchange that both sides accept",
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "there is no kind of signature that both sides accept: the kind of key may be the reason"
        }
        _ => "the peer lacks something of TLS that is needed here",
    };
    format!("{what} ({reason:?})")
}

/// The certificate that an error is about, in words.
struct Culprit {
    description: Option<Description>,
    is_trusted: bool,
    is_of_key: bool,
}

impl Culprit {
    fn among(refusal: Option<Refusal>, reason: &CertificateError) -> Culprit {
        let Some(refusal) = refusal else {
            return Culprit { description: None, is_trusted: false, is_of_key: false };
        };
        let mut chain = refusal.chain.iter().map(|certificate| Description::of(certificate));
        let own = chain.next().flatten();
        let is_it = |certificate: &Description| match reason {
            CertificateError::ExpiredContext { not_after, .. } => {
                u64::try_from(certificate.not_after) == Ok(not_after.as_secs())
            }
            CertificateError::NotValidYetContext { not_before, .. } => {
                u64::try_from(certificate.not_before) == Ok(not_before.as_secs())
            }
            _ => true,
        };
        let description = match own {
            Some(own) if !is_it(&own) => chain.flatten().find(is_it).or(Some(own)),
            own => own,
        };
        Culprit { description, is_trusted: refusal.is_trusted, is_of_key: refusal.is_of_key }
    }

    /// "the certificate of CN=localhost (issued by CN=Test)".
    fn name(&self) -> String {
        match &self.description {
            Some(it) => format!("the certificate of {} (issued by {})", it.subject, it.issuer),
            None => "the peer's certificate".to_string(),
        }
    }

    fn has_other_names(&self, expected: &str) -> String {
        match self.description.as_ref().map(|it| it.names.join(", ")).as_deref() {
            None => format!("is not for \"{expected}\""),
            Some("") => {
                "is for no name at all, having no subjectAltName: the peer needs a new one".to_string()
            }
            Some(names) => format!(
                "is not for \"{expected}\" but for {names}: dial one of these, or say which to expect with \
                 en_tls_options_set_verified_name"
            ),
        }
    }

    fn is_self_signed(&self) -> bool {
        self.description.as_ref().is_some_and(|it| it.is_self_issued)
    }

    fn until(&self) -> String {
        self.description.as_ref().map_or_else(String::new, |it| format!(" on {}", moment(it.not_after)))
    }

    fn from(&self) -> String {
        self.description.as_ref().map_or_else(String::new, |it| format!(" before {}", moment(it.not_before)))
    }
}

const PIN: &str =
    "if this is the peer that is meant, pin its certificate (en_tls_options_add_pinned_certificate_file)";

fn of_certificate(reason: &CertificateError, refusal: Option<Refusal>) -> Error {
    let culprit = Culprit::among(refusal, reason);
    let name = culprit.name();
    use CertificateError::*;
    #[allow(deprecated)]
    let (code, text) = match reason {
        Expired | ExpiredContext { .. } => (
            EN_ETLS_EXPIRED,
            format!(
                "{name} expired{}: the peer needs a new one, unless the clock here is wrong",
                culprit.until()
            ),
        ),
        NotValidYet | NotValidYetContext { .. } => (
            EN_ETLS_NOT_YET_VALID,
            format!("{name} is not valid{}: the clock here, or there, may be wrong", culprit.from()),
        ),
        UnknownIssuer if culprit.is_self_signed() => self_signed(&name),
        UnknownIssuer => (
            EN_ETLS_UNKNOWN_ISSUER,
            format!(
                "{name} leads to no trusted authority: trust it with en_tls_options_add_ca_file, unless the peer \
                 just does not send its intermediate certificates"
            ),
        ),
        NotValidForName => (EN_ETLS_NAME_MISMATCH, format!("{name} is for another name")),
        NotValidForNameContext { expected, .. } => {
            (EN_ETLS_NAME_MISMATCH, format!("{name} {}", culprit.has_other_names(&expected.to_str())))
        }
        Revoked => {
            (EN_ETLS_REVOKED, format!("{name}, or of one who issued it, has been revoked: do not trust it"))
        }
        UnknownRevocationStatus => (
            EN_ETLS_UNKNOWN_REVOCATION,
            format!(
                "no revocation list covers {name}: add the list of each authority in its chain, or accept that \
                 with en_tls_options_set_unknown_revocation"
            ),
        ),
        ExpiredRevocationList => (
            EN_ETLS_UNKNOWN_REVOCATION,
            format!("the revocation list for {name} is out of date: get a new one"),
        ),
        ExpiredRevocationListContext { next_update, .. } => (
            EN_ETLS_UNKNOWN_REVOCATION,
            format!(
                "the revocation list for {name} is out of date since {}: get a new one",
                moment(i64::try_from(next_update.as_secs()).unwrap_or(i64::MAX))
            ),
        ),
        InvalidPurpose | InvalidPurposeContext { .. } => {
            (EN_ETLS_WRONG_PURPOSE, format!("{name} is not made for this side of TLS (extendedKeyUsage)"))
        }
        BadSignature => (
            EN_ETLS_BAD_SIGNATURE,
            match culprit.is_of_key {
                true => format!("the peer does not have the key of {name}: it poses as another"),
                false => format!("{name} is not signed by that issuer: it is forged or damaged"),
            },
        ),
        UnsupportedSignatureAlgorithm
        | UnsupportedSignatureAlgorithmContext { .. }
        | UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            EN_ETLS_BAD_SIGNATURE,
            format!("{name} is signed in a way that is not accepted here, such as SHA-1"),
        ),
        BadEncoding | UnhandledCriticalExtension => {
            (EN_ETLS_BAD_ENCODING, format!("{name} cannot be read ({reason:?})"))
        }
        Other(other) => of_other(&*other.0, &culprit, &name),
        reason => (EN_ETLS_CERTIFICATE, format!("{name} was refused: {reason}")),
    };
    Error::new(code, text)
}

fn self_signed(name: &str) -> (i32, String) {
    (EN_ETLS_SELF_SIGNED, format!("{name} is signed by itself and nobody vouches for it: {PIN}"))
}

/// Bytes as they are written for people.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_other(error: &(dyn std::error::Error + 'static), culprit: &Culprit, name: &str) -> (i32, String) {
    if let Some(NotPinned { sha256 }) = error.downcast_ref() {
        let digest = hexadecimal(sha256);
        return (
            EN_ETLS_NOT_PINNED,
            format!("{name} is not one of those pinned: the SHA-256 of its public key is {digest}"),
        );
    }
    match error.downcast_ref::<webpki::Error>() {
        Some(webpki::Error::CaUsedAsEndEntity) if culprit.is_self_signed() && !culprit.is_trusted => {
            self_signed(name)
        }
        Some(webpki::Error::CaUsedAsEndEntity) => (
            EN_ETLS_CA_AS_LEAF,
            format!("{name} is that of an authority, and must not be used by a peer: {PIN}"),
        ),
        Some(webpki::Error::UnsupportedCertVersion) => (
            EN_ETLS_BAD_ENCODING,
            format!("{name} is not X.509 version 3: the peer needs a newer one; or, {PIN}"),
        ),
        _ => (EN_ETLS_CERTIFICATE, format!("{name} was refused: {error}")),
    }
}
