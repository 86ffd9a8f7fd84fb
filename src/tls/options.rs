//! What a TLS configuration is to be like. Everything that can be checked alone is checked when it
//! is set; what belongs together is checked when the configuration is made.

use std::net::IpAddr;

use super::names;
use super::pem::{self, Certificate, Identity, RevocationList};
use super::source::Source;
use crate::error::{Result, invalid};

/// How many peers' sessions are remembered unless something else is said.
const SESSIONS: usize = 256;
/// More names than any program connects to.
const MOST_SESSIONS: usize = 1 << 20;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Which name a client asks for in the open, so that a server with many names knows which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Sni {
    /// The dialled host, if it is a name.
    #[default]
    Dialled,
    /// This name.
    Name(String),
    /// None.
    Off,
}

/// What a peer may be known by, in place of a chain of certificates.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub(super) enum Pin {
    /// The very certificate.
    Certificate(Certificate),
    /// SHA-256 of the public key with its algorithm (SubjectPublicKeyInfo).
    PublicKey([u8; 32]),
}

/// What a server wants of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate.
    #[default]
    None,
    /// A certificate, if they have one.
    Optional,
    /// A certificate.
    Required,
}

/// What a configuration is made from.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    pub(super) authorities: Vec<Certificate>,
    pub(super) extra_roots: Vec<Certificate>,
    pub(super) pins: Vec<Pin>,
    pub(super) identity: Option<Identity>,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) least: Version,
    pub(super) most: Version,
    pub(super) sni: Sni,
    pub(super) verified_name: Option<String>,
    pub(super) no_name_check: bool,
    pub(super) no_verification: bool,
    pub(super) revocation_lists: Vec<RevocationList>,
    pub(super) accept_unknown_revocation: bool,
    pub(super) sessions: usize,
    pub(super) key_log: bool,
    pub(super) client_auth: ClientAuth,
}

impl Default for TlsOptions {
    fn default() -> TlsOptions {
        TlsOptions {
            authorities: Vec::new(),
            extra_roots: Vec::new(),
            pins: Vec::new(),
            identity: None,
            alpn: Vec::new(),
            least: Version::Tls12,
            most: Version::Tls13,
            sni: Sni::Dialled,
            verified_name: None,
            no_name_check: false,
            no_verification: false,
            revocation_lists: Vec::new(),
            accept_unknown_revocation: false,
            sessions: SESSIONS,
            key_log: false,
            client_auth: ClientAuth::None,
        }
    }
}

impl TlsOptions {
    /// Trusts these authorities in place of the system's.
    pub fn add_authorities(&mut self, source: &Source) -> Result<()> {
        self.authorities.extend(pem::certificates(source)?);
        Ok(())
    }

    /// Trusts these authorities beside the system's.
    pub fn add_extra_roots(&mut self, source: &Source) -> Result<()> {
        self.extra_roots.extend(pem::certificates(source)?);
        Ok(())
    }

    /// Accepts peers with one of these certificates.
    pub fn add_pinned_certificates(&mut self, source: &Source) -> Result<()> {
        self.pins.extend(pem::certificates(source)?.into_iter().map(Pin::Certificate));
        Ok(())
    }

    /// Accepts peers whose public key has this SHA-256.
    pub fn add_pinned_public_key(&mut self, sha256: &[u8]) -> Result<()> {
        let digest = sha256
            .try_into()
            .map_err(|_| invalid(format!("digest has {} bytes: a SHA-256 has 32", sha256.len())))?;
        self.pins.push(Pin::PublicKey(digest));
        Ok(())
    }

    /// Who one is: a chain of certificates, one's own first, and the key.
    pub fn set_identity(&mut self, chain: &Source, key: &Source) -> Result<()> {
        self.identity = Some(pem::identity(chain, key)?);
        Ok(())
    }

    /// One more application protocol, after those that are preferred to it.
    pub fn add_alpn(&mut self, protocol: &[u8]) -> Result<()> {
        match protocol.len() {
            1..=255 => self.alpn.push(protocol.to_vec()),
            size => return Err(invalid(format!("protocol has {size} bytes: it may have 1 to 255"))),
        }
        Ok(())
    }

    /// From which to which version.
    pub fn set_versions(&mut self, least: Version, most: Version) -> Result<()> {
        if least > most {
            return Err(invalid("the least version is above the most"));
        }
        (self.least, self.most) = (least, most);
        Ok(())
    }

    /// The name to ask for: None for the dialled host, an empty one for no name at all.
    pub fn set_sni(&mut self, name: Option<&str>) -> Result<()> {
        self.sni = match name {
            None => Sni::Dialled,
            Some("") => Sni::Off,
            Some(name) if name.parse::<IpAddr>().is_ok() => {
                return Err(invalid(format!("name is {name}: addresses cannot be asked for")));
            }
            Some(name) => Sni::Name(checked(name)?),
        };
        Ok(())
    }

    /// The name that the peer's certificate must have: None for the dialled host.
    pub fn set_verified_name(&mut self, name: Option<&str>) -> Result<()> {
        self.verified_name = name.map(checked).transpose()?;
        Ok(())
    }

    /// Whatever name the certificate has.
    pub fn set_no_name_check(&mut self, off: bool) {
        self.no_name_check = off;
    }

    /// Whatever certificate it is.
    pub fn set_no_verification(&mut self, off: bool) {
        self.no_verification = off;
    }

    /// Lists of certificates that have been revoked.
    pub fn add_revocation_lists(&mut self, source: &Source) -> Result<()> {
        self.revocation_lists.extend(pem::revocation_lists(source)?);
        Ok(())
    }

    /// Whether to accept a certificate of which no list says anything.
    pub fn set_accept_unknown_revocation(&mut self, accept: bool) {
        self.accept_unknown_revocation = accept;
    }

    /// How many peers' sessions are remembered; 0: none.
    pub fn set_session_cache(&mut self, peers: usize) -> Result<()> {
        if peers > MOST_SESSIONS {
            return Err(invalid(format!("peers is {peers}: it may be at most {MOST_SESSIONS}")));
        }
        self.sessions = peers;
        Ok(())
    }

    /// Whether to write keys to the file that `SSLKEYLOGFILE` names.
    pub fn set_key_log(&mut self, on: bool) {
        self.key_log = on;
    }

    /// What a server wants of its clients.
    pub fn set_client_auth(&mut self, wanted: ClientAuth) {
        self.client_auth = wanted;
    }
}

fn checked(name: &str) -> Result<String> {
    names::check(name)?;
    Ok(name.to_string())
}
