//! Certificates of X.509 version 1, for the tests: nothing in Rust makes them any more.

use rcgen::{KeyPair, SigningKey};

/// The certificate in the way of X.509 version 1, which has neither a version nor extensions.
pub(crate) fn of(der: &[u8], issuer: &KeyPair) -> Vec<u8> {
    const VERSION: u8 = 0xa0;
    const EXTENSIONS: u8 = 0xa3;
    let (certificate, _) = element(der);
    let (to_be_signed, behind) = element(certificate.content);
    let (algorithm, _) = element(behind);
    let mut kept = Vec::new();
    let mut rest = to_be_signed.content;
    while !rest.is_empty() {
        let (part, behind) = element(rest);
        if part.tag != VERSION && part.tag != EXTENSIONS {
            kept.extend_from_slice(part.whole);
        }
        rest = behind;
    }
    let to_be_signed = encoded(SEQUENCE, &kept);
    let signature = [&[0][..], &issuer.sign(&to_be_signed).expect("a signature")].concat();
    let parts = [&to_be_signed, algorithm.whole, &encoded(BIT_STRING, &signature)].concat();
    encoded(SEQUENCE, &parts)
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// An element of DER (X.690, 8.1).
struct Element<'d> {
    tag: u8,
    content: &'d [u8],
    whole: &'d [u8],
}

/// The first element, and what is behind it.
fn element(der: &[u8]) -> (Element<'_>, &[u8]) {
    let long = usize::from(der[1]).saturating_sub(0x80);
    let length = match long {
        0 => usize::from(der[1]),
        _ => der[2..2 + long].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
    };
    let (whole, behind) = der.split_at(2 + long + length);
    (Element { tag: der[0], content: &whole[2 + long..], whole }, behind)
}

fn encoded(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|digit| *digit == 0).collect();
    let head = match content.len() {
        short @ ..0x80 => vec![tag, short as u8],
        _ => [&[tag, 0x80 | digits.len() as u8][..], &digits].concat(),
    };
    [&head, content].concat()
}
