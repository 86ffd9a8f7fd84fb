//! What the two sides agreed on.

#[cfg(feature = "tls")]
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

use super::options::Version;

/// What is known of a connection once its handshake is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// The version; None before the handshake is done.
    pub version: Option<Version>,
    /// The name of the cipher suite, as IANA has it; empty before the handshake is done.
    pub cipher_suite: String,
    /// The application protocol, if one was agreed on.
    pub alpn: Option<Vec<u8>>,
    /// The peer's certificates as DER, its own first; empty if it showed none.
    pub peer_chain: Vec<Vec<u8>>,
    /// The name that the peer's certificate was found to have, if one was asked for.
    pub verified_name: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

#[cfg(feature = "tls")]
impl TlsFacts {
    /// Reads them; which name was verified is what [`super::TlsConfig::connect`] says.
    pub fn of(connection: &CommonState, verified_name: Option<String>) -> TlsFacts {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => Some(Version::Tls12),
            Some(ProtocolVersion::TLSv1_3) => Some(Version::Tls13),
            _ => None,
        };
        TlsFacts {
            version,
            cipher_suite: connection.negotiated_cipher_suite().map(suite_name).unwrap_or_default(),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            peer_chain: connection
                .peer_certificates()
                .map(|chain| chain.iter().map(|certificate| certificate.to_vec()).collect())
                .unwrap_or_default(),
            verified_name,
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

/// rustls writes TLS13_ where IANA writes TLS_.
#[cfg(feature = "tls")]
fn suite_name(suite: rustls::SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or("unknown");
    name.replacen("TLS13_", "TLS_", 1)
}
