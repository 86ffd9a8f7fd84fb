//! Authorities, certificates and handshakes for the tests: two connections side by side in memory.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use rustls::{CommonState, ConnectionCommon};

use super::provider::provider;
use super::source::Source;
use super::version_1;
use super::{TlsConfig, TlsFacts, TlsOptions, failure};
use crate::error::Error;

/// A certificate and its key, as PEM and DER.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) der: Vec<u8>,
}

impl Owner {
    /// Options that say who one is.
    pub(crate) fn options(&self) -> TlsOptions {
        let mut options = TlsOptions::default();
        options.set_identity(&memory(&self.chain), &memory(&self.key)).expect("an identity");
        options
    }

    pub(crate) fn server(&self) -> TlsConfig {
        TlsConfig::server(&self.options()).expect("a server")
    }

    /// A server that shows the certificate, though its key is another's.
    pub(crate) fn thief(&self, key: &str) -> TlsConfig {
        let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let key = provider().key_provider.load_private_key(der).expect("a key");
        let identity = Arc::new(CertifiedKey::new(vec![self.der.clone().into()], key));
        let options = TlsOptions { identity: Some(identity), ..TlsOptions::default() };
        TlsConfig::server(&options).expect("a server")
    }
}

pub(crate) fn memory(text: &str) -> Source<'_> {
    Source::memory(text.as_bytes(), "data")
}

/// Who issues certificates.
pub(crate) struct Authority {
    pub(crate) pem: String,
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let params = authority_params(name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { pem, params, key }
    }

    /// Another authority that this one vouches for.
    pub(crate) fn below(&self, name: &str) -> Authority {
        self.below_with(name, |_| ())
    }

    pub(crate) fn below_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = authority_params(name);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let pem = params.signed_by(&key, &self.issuer()).expect("a certificate").pem();
        Authority { pem, params, key }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// Itself as if it were a peer.
    pub(crate) fn owner(&self) -> Owner {
        let der = pem_to_der(&self.pem);
        Owner { chain: self.pem.clone(), key: self.key.serialize_pem(), der }
    }

    /// A certificate for these names, changed as wanted.
    pub(crate) fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Owner {
        let key = KeyPair::generate().expect("a key");
        let mut params = leaf_params(names);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer()).expect("a certificate");
        Owner { chain: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    pub(crate) fn issue(&self, names: &[&str]) -> Owner {
        self.issue_with(names, |_| ())
    }

    /// A list that revokes these serial numbers, good until this year.
    pub(crate) fn revoke(&self, serials: &[u64], until: i32) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer()).expect("a list").pem().expect("PEM")
    }

    /// Options that trust this authority.
    pub(crate) fn options(&self) -> TlsOptions {
        let mut options = TlsOptions::default();
        options.add_authorities(&memory(&self.pem)).expect("an authority");
        options
    }

    pub(crate) fn client(&self) -> TlsConfig {
        TlsConfig::client(&self.options()).expect("a client")
    }
}

/// A certificate that is its own issuer, as a peer's is that has no authority.
pub(crate) fn self_signed(names: &[&str]) -> Owner {
    let key = KeyPair::generate().expect("a key");
    let certificate = leaf_params(names).self_signed(&key).expect("a certificate");
    Owner { chain: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
}

/// The same of X.509 version 1, for no name at all.
pub(crate) fn self_signed_version_1() -> Owner {
    let key = KeyPair::generate().expect("a key");
    let der = version_1::of(leaf_params(&[]).self_signed(&key).expect("a certificate").der(), &key);
    let chain = pem::encode(&pem::Pem::new("CERTIFICATE", der.clone()));
    Owner { chain, key: key.serialize_pem(), der }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from(1));
    params
}

fn leaf_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "peer");
    params.serial_number = Some(SerialNumber::from(77));
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

pub(crate) fn pem_to_der(pem: &str) -> Vec<u8> {
    super::pem::certificates(&memory(pem)).expect("PEM")[0].to_vec()
}

pub(crate) fn client(options: &TlsOptions) -> TlsConfig {
    TlsConfig::client(options).expect("a client")
}

pub(crate) fn server(options: &TlsOptions) -> TlsConfig {
    TlsConfig::server(options).expect("a server")
}

/// How a handshake ended on each side.
pub(crate) struct Outcome {
    pub(crate) client: Result<TlsFacts, Error>,
    pub(crate) server: Result<TlsFacts, Error>,
}

impl Outcome {
    pub(crate) fn facts(self) -> TlsFacts {
        self.server.expect("the server is content");
        self.client.expect("the client is content")
    }

    /// The client's error, which must have this code and these words.
    pub(crate) fn client_fails(self, code: i32, words: &[&str]) {
        check(self.client, code, words);
    }

    pub(crate) fn server_fails(self, code: i32, words: &[&str]) {
        check(self.server, code, words);
    }
}

fn check(result: Result<TlsFacts, Error>, code: i32, words: &[&str]) {
    let error = result.expect_err("a failure");
    assert_eq!(error.code(), code, "{error}");
    for word in words {
        assert!(error.reason().contains(word), "\"{word}\" is not in: {error}");
    }
}

/// Shakes hands until both are done or one has failed, and then once more for what comes after:
/// session tickets, and the alert with which a server of TLS 1.3 answers a client that believes it is
/// done.
pub(crate) fn shake_hands(client: &TlsConfig, server: &TlsConfig, name: &str) -> Outcome {
    let (mut client_side, verified) = client.connect(name).expect("a client connection");
    let mut server_side = server.accept().expect("a server connection");
    let (mut client_error, mut server_error) = (None, None);
    for _ in 0..8 {
        deliver(&mut client_side, &mut server_side, &mut server_error);
        deliver(&mut server_side, &mut client_side, &mut client_error);
    }
    let facts = |connection: &CommonState, error: Option<Error>, verified| match error {
        Some(error) => Err(error),
        None if connection.is_handshaking() => panic!("neither done nor failed"),
        None => Ok(TlsFacts::of(connection, verified)),
    };
    let client_result = match (&server_error, client_error) {
        (Some(_), None) if client_side.is_handshaking() => panic!("the client was not told"),
        (_, error) => facts(&client_side, error, verified.as_deref().cloned()),
    };
    let server_result = match (&client_result, server_error) {
        (Err(_), None) if server_side.is_handshaking() => panic!("the server was not told"),
        (_, error) => facts(&server_side, error, None),
    };
    Outcome { client: client_result, server: server_result }
}

/// Carries what one side has to say to the other, which keeps its first error.
fn deliver<A, B>(from: &mut ConnectionCommon<A>, to: &mut ConnectionCommon<B>, error: &mut Option<Error>) {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).expect("memory");
    }
    if let Err(met) = feed(to, &bytes) {
        error.get_or_insert(met);
    }
}

/// Lets a connection read bytes.
pub(crate) fn feed<D>(connection: &mut ConnectionCommon<D>, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match connection.read_tls(&mut bytes) {
            Ok(_) => {}
            Err(_) => break,
        }
        connection.process_new_packets().map_err(|error| failure(&error))?;
    }
    Ok(())
}
