//! Alerts: what a peer sends when it refuses.

use rustls::AlertDescription;

use crate::error::{EN_ETLS_ALERT, Error};

/// What the peer's alert usually means, and what to do.
pub(super) fn of_alert(alert: AlertDescription) -> Error {
    let (name, meaning) = match alert {
        AlertDescription::UnexpectedMessage => ("unexpected_message", "it may not speak TLS on this port"),
        AlertDescription::BadRecordMac => ("bad_record_mac", "what it received was changed on its way"),
        AlertDescription::HandshakeFailure => (
            "handshake_failure",
            "there is no cipher suite, key exchange or signature in common, or it wants a client certificate",
        ),
        AlertDescription::NoCertificate => ("no_certificate", "it wants a client certificate"),
        AlertDescription::BadCertificate => {
            ("bad_certificate", "it found our certificate bad, or for another name")
        }
        AlertDescription::UnsupportedCertificate => {
            ("unsupported_certificate", "it does not take our kind of certificate, or not for this purpose")
        }
        AlertDescription::CertificateRevoked => ("certificate_revoked", "our certificate was revoked"),
        AlertDescription::CertificateExpired => {
            ("certificate_expired", "our certificate has expired or is not valid yet, by its clock")
        }
        AlertDescription::CertificateUnknown => ("certificate_unknown", "it refused our certificate"),
        AlertDescription::IllegalParameter => {
            ("illegal_parameter", "it found something wrong in the handshake")
        }
        AlertDescription::UnknownCA => (
            "unknown_ca",
            "it does not trust the authority of our certificate; intermediate certificates may be missing",
        ),
        AlertDescription::AccessDenied => ("access_denied", "our certificate is good, but not welcome"),
        AlertDescription::DecodeError => ("decode_error", "it could not read a message"),
        AlertDescription::DecryptError => ("decrypt_error", "a signature or the handshake did not verify"),
        AlertDescription::ProtocolVersion => {
            ("protocol_version", "it accepts none of our TLS versions (en_tls_options_set_versions)")
        }
        AlertDescription::InsufficientSecurity => ("insufficient_security", "it wants stronger ciphers"),
        AlertDescription::InternalError => ("internal_error", "something failed there: its log may say what"),
        AlertDescription::InappropriateFallback => {
            ("inappropriate_fallback", "it speaks a newer version of TLS than was offered")
        }
        AlertDescription::UserCanceled => ("user_canceled", "somebody ended the handshake"),
        AlertDescription::MissingExtension => ("missing_extension", "it misses something in the handshake"),
        AlertDescription::UnsupportedExtension => {
            ("unsupported_extension", "it was sent what it did not ask for")
        }
        AlertDescription::UnrecognisedName => {
            ("unrecognized_name", "it does not know the name that was asked for (SNI)")
        }
        AlertDescription::CertificateRequired => (
            "certificate_required",
            "it wants a client certificate: give one with en_tls_options_set_identity_files",
        ),
        AlertDescription::NoApplicationProtocol => {
            ("no_application_protocol", "it speaks none of the application protocols offered (ALPN)")
        }
        _ => ("of a kind not known here", "its log may say why"),
    };
    let number = u8::from(alert);
    Error::new(EN_ETLS_ALERT, format!("the peer refused with the alert {name} ({number}): {meaning}"))
}
