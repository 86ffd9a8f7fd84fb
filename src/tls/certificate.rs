//! What a message says of a certificate.

use std::net::IpAddr;

use x509_parser::asn1_rs::BmpString;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::*;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// No name in a message is longer, whatever a peer sends.
const LONGEST: usize = 200;
/// Nor are more names listed.
const MOST_NAMES: usize = 8;

/// The parts of a certificate that people speak of.
pub(super) struct Description {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// Host names and addresses, as many as a message can hold.
    pub(super) names: Vec<String>,
    /// The issuer is the subject.
    pub(super) is_self_issued: bool,
}

impl Description {
    /// None if it is no certificate.
    pub(super) fn of(der: &[u8]) -> Option<Description> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(Description {
            subject: distinguished_name(certificate.subject()),
            issuer: distinguished_name(certificate.issuer()),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            names: names(&certificate),
            is_self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        })
    }
}

/// The public key of a certificate with its algorithm (SubjectPublicKeyInfo).
pub(super) fn public_key(der: &[u8]) -> Option<&[u8]> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.tbs_certificate.subject_pki.raw)
}

/// A moment, such as "2024-01-31 12:00:00 UTC".
pub(super) fn moment(timestamp: i64) -> String {
    let Ok(time) = ASN1Time::from_timestamp(timestamp) else {
        return "a time without a date".to_string();
    };
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let all = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(tidy(name)),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    });
    let mut names: Vec<String> = all.take(MOST_NAMES + 1).collect();
    if names.len() > MOST_NAMES {
        names[MOST_NAMES] = "and others".to_string();
    }
    names
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

/// Such as "CN=peer, O=Example". (The parser's own text would bring all identifiers there are.)
fn distinguished_name(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = name.iter_attributes().map(attribute).collect();
    match parts.is_empty() {
        true => "(no name)".to_string(),
        false => tidy(&parts.join(", ")),
    }
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    const ABBREVIATIONS: [(Oid<'static>, &str); 8] = [
        (OID_X509_COMMON_NAME, "CN"),
        (OID_X509_ORGANIZATION_NAME, "O"),
        (OID_X509_ORGANIZATIONAL_UNIT, "OU"),
        (OID_X509_COUNTRY_NAME, "C"),
        (OID_X509_STATE_OR_PROVINCE_NAME, "ST"),
        (OID_X509_LOCALITY_NAME, "L"),
        (OID_DOMAIN_COMPONENT, "DC"),
        (OID_PKCS9_EMAIL_ADDRESS, "emailAddress"),
    ];
    let value = match attribute.as_str() {
        Ok(text) => text.to_string(),
        Err(_) => other_text(attribute),
    };
    let kind = attribute.attr_type();
    match ABBREVIATIONS.iter().find(|(oid, _)| oid == kind) {
        Some((_, abbreviation)) => format!("{abbreviation}={value}"),
        None => format!("{}={value}", kind.to_id_string()),
    }
}

/// Old certificates have strings of other kinds.
fn other_text(attribute: &AttributeTypeAndValue<'_>) -> String {
    match BmpString::try_from(attribute.attr_value().clone()) {
        Ok(text) => text.string(),
        Err(_) => String::from_utf8_lossy(attribute.as_slice()).into_owned(),
    }
}

/// What a peer says of itself must not write anything odd into a log.
fn tidy(text: &str) -> String {
    let mut tidy: String =
        text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        tidy.push_str("...");
    }
    tidy
}
