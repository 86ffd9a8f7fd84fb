//! Options that cannot be meant, and files that are not what they should be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::options::{ClientAuth, Version};
use super::source::Source;
use super::testing::*;
use super::{TlsConfig, TlsOptions};
use crate::error::*;

/// A folder that goes away again.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("easynet-{name}-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        Folder(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check<T>(result: Result<T>, code: i32, words: &[&str]) {
    let error = result.err().expect("a failure");
    assert_eq!(error.code(), code, "{error}");
    for word in words {
        assert!(error.reason().contains(word), "\"{word}\" is not in: {error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let mut options = TlsOptions::default();
    let missing = Source::file("/nowhere/ca.pem".as_ref());
    check(missing, EN_ENOENT, &["/nowhere/ca.pem", "no such file"]);
    check(Source::file("/".as_ref()), EN_EINVAL, &["/ is not a file"]);
    check(options.add_authorities(&Source::memory(b"", "data")), EN_EINVAL, &["data", "empty"]);
}

#[test]
fn what_is_wrong_with_pem_is_said() {
    let peer = self_signed(&["localhost"]);
    let mut options = TlsOptions::default();
    check(
        options.add_authorities(&Source::memory(&peer.der, "data")),
        EN_EINVAL,
        &["data", "DER", "openssl x509"],
    );
    check(
        options.add_authorities(&memory(&peer.key)),
        EN_EINVAL,
        &["no certificate", "begins with a PRIVATE KEY"],
    );
    check(options.add_authorities(&memory("hello")), EN_EINVAL, &["no certificate", "not PEM"]);
    let cut = &peer.chain[..peer.chain.len() / 2];
    check(options.add_authorities(&memory(cut)), EN_EINVAL, &["not whole PEM"]);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let two = format!("{}{broken}", peer.chain);
    check(options.add_authorities(&memory(&two)), EN_EINVAL, &["certificate 2", "not X.509"]);
    let list = broken.replace("CERTIFICATE", "X509 CRL");
    check(options.add_revocation_lists(&memory(&list)), EN_EINVAL, &["revocation list 1"]);
    check(
        options.add_revocation_lists(&memory(&peer.chain)),
        EN_EINVAL,
        &["no revocation list", "CERTIFICATE"],
    );
    assert!(options.authorities.is_empty() && options.revocation_lists.is_empty());
}

#[test]
fn a_key_must_be_that_of_the_certificate() {
    let (one, other) = (self_signed(&["one"]), self_signed(&["other"]));
    let folder = Folder::new("tls-identity");
    let (chain, key) = (folder.write("chain.pem", &one.chain), folder.write("key.pem", &other.key));
    let mut options = TlsOptions::default();
    let result =
        options.set_identity(&Source::file(&chain).expect("a file"), &Source::file(&key).expect("a file"));
    check(result, EN_EINVAL, &["chain.pem", "key.pem", "does not belong", "CN=peer"]);
    check(options.set_identity(&memory(&one.chain), &memory(&one.chain)), EN_EINVAL, &["no private key"]);
    let two = format!("{}{}", one.key, other.key);
    check(options.set_identity(&memory(&one.chain), &memory(&two)), EN_EINVAL, &["2 private keys"]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(
        options.set_identity(&memory(&one.chain), &memory(encrypted)),
        EN_EINVAL,
        &["encrypted", "openssl pkey"],
    );
    let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    check(options.set_identity(&memory(&one.chain), &memory(broken)), EN_EINVAL, &["the key cannot be used"]);
}

/// By openssl: `ecparam -genkey`, `genrsa -traditional`, `req -x509`.
const SEC1: &str = include_str!("testing/sec1.pem");
const PKCS1: &str = include_str!("testing/pkcs1.pem");

#[test]
fn kinds_of_keys_are_taken() {
    for (both, kind) in [(SEC1, "EC PRIVATE KEY"), (PKCS1, "RSA PRIVATE KEY")] {
        assert!(both.contains(kind));
        let mut options = TlsOptions::default();
        options.set_identity(&memory(both), &memory(both)).expect("an identity");
        let mut pinned = TlsOptions::default();
        pinned.add_pinned_certificates(&memory(both)).expect("a pin");
        let server = TlsConfig::server(&options).expect("a server");
        shake_hands(&TlsConfig::client(&pinned).expect("a client"), &server, "localhost").facts();
    }
    for kind in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(kind).expect("a key");
        let certificate = rcgen::CertificateParams::new(["localhost".to_string()])
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate");
        let both = format!("{}{}", key.serialize_pem(), certificate.pem());
        let mut options = TlsOptions::default();
        options.set_identity(&memory(&both), &memory(&both)).expect("an identity");
    }
}

#[test]
fn settings_alone_have_bounds() {
    let mut options = TlsOptions::default();
    check(options.add_pinned_public_key(&[0; 31]), EN_EINVAL, &["31 bytes", "32"]);
    check(options.add_alpn(b""), EN_EINVAL, &["0 bytes"]);
    check(options.add_alpn(&[b'x'; 256]), EN_EINVAL, &["256 bytes"]);
    check(options.set_versions(Version::Tls13, Version::Tls12), EN_EINVAL, &["above"]);
    check(options.set_session_cache((1 << 20) + 1), EN_EINVAL, &["peers"]);
    check(options.set_sni(Some("a b")), EN_EINVAL, &["\"a b\"", "port"]);
    check(options.set_sni(Some("192.0.2.1")), EN_EINVAL, &["192.0.2.1", "addresses"]);
    check(options.set_verified_name(Some("bücher.example")), EN_EINVAL, &["bücher.example", "xn--"]);
    check(options.set_verified_name(Some("")), EN_EINVAL, &["\"\""]);
}

#[test]
fn contradictions_are_refused() {
    let authority = Authority::new("Test CA");
    let change = |change: &dyn Fn(&mut TlsOptions)| {
        let mut options = authority.options();
        change(&mut options);
        TlsConfig::client(&options)
    };
    check(change(&|it| it.set_no_verification(true)), EN_EINVAL, &["no verification"]);
    check(change(&|it| it.set_client_auth(ClientAuth::Required)), EN_EINVAL, &["servers"]);
    let named = |it: &mut TlsOptions| {
        it.set_verified_name(Some("localhost")).expect("a name");
        it.set_no_name_check(true);
    };
    check(change(&named), EN_EINVAL, &["no name check"]);
    let mut pinned = TlsOptions::default();
    pinned.add_pinned_public_key(&[0; 32]).expect("a pin");
    pinned.add_revocation_lists(&memory(&authority.revoke(&[], 2999))).expect("a list");
    check(TlsConfig::client(&pinned), EN_EINVAL, &["revocation lists", "pins"]);
    let mut anybody = TlsOptions::default();
    anybody.set_no_verification(true);
    anybody.add_revocation_lists(&memory(&authority.revoke(&[], 2999))).expect("a list");
    check(TlsConfig::client(&anybody), EN_EINVAL, &["no verification"]);
}

#[test]
fn a_server_has_settings_of_its_own() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]);
    let change = |change: &dyn Fn(&mut TlsOptions)| {
        let mut options = peer.options();
        change(&mut options);
        TlsConfig::server(&options)
    };
    check(TlsConfig::server(&TlsOptions::default()), EN_EINVAL, &["certificate and its key"]);
    check(change(&|it| it.set_client_auth(ClientAuth::Required)), EN_EINVAL, &["from which authorities"]);
    let trusting = |it: &mut TlsOptions| it.add_authorities(&memory(&authority.pem)).expect("an authority");
    check(change(&trusting), EN_EINVAL, &["none are demanded"]);
    let revoking = |it: &mut TlsOptions| {
        it.add_revocation_lists(&memory(&authority.revoke(&[], 2999))).expect("a list");
    };
    check(change(&revoking), EN_EINVAL, &["none are demanded"]);
    let demanding = |it: &mut TlsOptions| {
        revoking(it);
        it.set_client_auth(ClientAuth::Optional);
    };
    check(change(&demanding), EN_EINVAL, &["from which authorities"]);
    let extra = |it: &mut TlsOptions| it.add_extra_roots(&memory(&authority.pem)).expect("an authority");
    check(change(&extra), EN_EINVAL, &["extra roots"]);
    check(change(&|it| it.set_no_name_check(true)), EN_EINVAL, &["by clients"]);
}

#[test]
fn each_side_does_its_own() {
    let authority = Authority::new("Test CA");
    let (client, server) = (authority.client(), authority.issue(&["localhost"]).server());
    assert!(server.is_server() && !client.is_server());
    check(client.accept(), EN_EINVAL, &["client's"]);
    check(server.connect("localhost"), EN_EINVAL, &["server's"]);
    check(client.connect("a b"), EN_EINVAL, &["\"a b\""]);
}

/// Told to the process that the test starts: where its files are.
const FOLDER: &str = "EASYNET_TEST_FOLDER";

/// The environment is that of a process: this test starts another one, with its own.
#[test]
fn the_environment_says_whom_to_trust_and_where_to_write_keys() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return trusts_and_logs(folder.as_ref());
    }
    let folder = Folder::new("tls-environment");
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]);
    folder.write("peer.pem", &format!("{}{}", peer.chain, peer.key));
    let (roots, log) = (folder.write("roots.pem", &authority.pem), folder.0.join("keys.log"));
    let test = "tls::settings_tests::the_environment_says_whom_to_trust_and_where_to_write_keys";
    let run = |log: &PathBuf| {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", test]).env(FOLDER, &folder.0).env_remove("SSL_CERT_DIR");
        command.env("SSL_CERT_FILE", &roots).env("SSLKEYLOGFILE", log).output().expect("it runs")
    };
    let output = run(&log);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let keys = fs::read_to_string(&log).expect("keys");
    assert_eq!(keys.matches("CLIENT_TRAFFIC_SECRET_0 ").count(), 2, "of each side: {keys}");

    let output = run(&folder.0.join("no/such/folder"));
    assert!(!output.status.success());
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no/such/folder: no such file or directory [EN_ENOENT"), "{said}");
}

fn trusts_and_logs(folder: &Path) {
    let peer = Source::file(&folder.join("peer.pem")).expect("a file");
    let mut options = TlsOptions::default();
    options.set_identity(&peer, &peer).expect("an identity");
    let server = TlsConfig::server(&options).expect("a server");
    let silent = TlsConfig::client(&TlsOptions::default()).expect("a client");
    shake_hands(&silent, &server, "localhost").facts();
    let mut options = TlsOptions::default();
    options.set_key_log(true);
    let logging = TlsConfig::client(&options).unwrap_or_else(|error| panic!("{error}"));
    shake_hands(&logging, &server, "localhost").facts();
    options.set_identity(&peer, &peer).expect("an identity");
    let logging = TlsConfig::server(&options).unwrap_or_else(|error| panic!("{error}"));
    shake_hands(&silent, &logging, "localhost").facts();
    let stranger = Authority::new("Stranger").issue(&["localhost"]);
    shake_hands(&silent, &stranger.server(), "localhost")
        .client_fails(EN_ETLS_UNKNOWN_ISSUER, &["CN=Stranger"]);
    let beside = |other: &Authority| {
        let mut options = TlsOptions::default();
        options.add_extra_roots(&memory(&other.pem)).expect("a root");
        TlsConfig::client(&options).expect("a client")
    };
    let extra = Authority::new("Extra");
    for server in [&server, &extra.issue(&["localhost"]).server()] {
        shake_hands(&beside(&extra), server, "localhost").facts();
    }
    let outcome = shake_hands(&extra.client(), &server, "localhost");
    outcome.client_fails(EN_ETLS_UNKNOWN_ISSUER, &["CN=Test CA"]);
}
