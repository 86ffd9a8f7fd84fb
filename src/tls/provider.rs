//! Who computes: aws-lc-rs, or ring where that alone was chosen. Never the default of the process,
//! which belongs to the program and not to us.

use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, hash};

#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as chosen;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as chosen;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("the feature \"tls\" needs \"aws-lc-rs\" or \"ring\"");

/// The provider of everything in this library.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(chosen::default_provider())).clone()
}

/// How it checks signatures.
pub(super) fn algorithms() -> WebPkiSupportedAlgorithms {
    provider().signature_verification_algorithms
}

/// Its SHA-256, which is part of a suite that every provider has.
pub(super) fn sha256(bytes: &[u8]) -> hash::Output {
    let suite = chosen::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13();
    suite.expect("a suite of TLS 1.3").common.hash_provider.hash(bytes)
}
