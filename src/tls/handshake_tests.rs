//! Handshakes that go well, and every way in which they do not, each with its code and its words.

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, date_time_ymd};

use super::options::{ClientAuth, Version};
use super::provider::sha256;
use super::testing::*;
use super::{TlsOptions, certificate};
use crate::error::*;

/// What becomes of a client that trusts the issuer of this certificate and dials "localhost".
fn meets(change: impl FnOnce(&mut CertificateParams)) -> Outcome {
    let authority = Authority::new("Test CA");
    let peer = authority.issue_with(&["localhost"], change);
    shake_hands(&authority.client(), &peer.server(), "localhost")
}

#[test]
fn a_good_certificate_is_accepted() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]);
    let facts = shake_hands(&authority.client(), &peer.server(), "localhost").facts();
    assert_eq!(facts.version, Some(Version::Tls13));
    assert!(facts.cipher_suite.starts_with("TLS_AES_"), "{}", facts.cipher_suite);
    assert_eq!(facts.peer_chain, [peer.der]);
    assert_eq!(facts.verified_name.as_deref(), Some("localhost"));
    assert_eq!(facts.alpn, None);
    assert!(!facts.resumed);
}

#[test]
fn an_intermediate_authority_may_stand_between() {
    let root = Authority::new("Root");
    let middle = root.below("Middle");
    let mut peer = middle.issue(&["localhost"]);
    shake_hands(&root.client(), &peer.server(), "localhost").client_fails(
        EN_ETLS_UNKNOWN_ISSUER,
        &["CN=peer", "CN=Middle", "intermediate", "en_tls_options_add_ca_file"],
    );
    peer.chain.push_str(&middle.pem);
    let facts = shake_hands(&root.client(), &peer.server(), "localhost").facts();
    assert_eq!(facts.peer_chain.len(), 2);
}

#[test]
fn an_expired_certificate_says_since_when() {
    let change = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 3);
    };
    meets(change).client_fails(
        EN_ETLS_EXPIRED,
        &["CN=peer", "issued by", "CN=Test CA", "expired on 2020-02-03 00:00:00 UTC", "clock"],
    );
    let outcome = meets(change);
    outcome.server_fails(EN_ETLS_ALERT, &["certificate_expired (45)"]);
}

#[test]
fn an_expired_authority_is_named_instead_of_the_peer() {
    let root = Authority::new("Root");
    let middle = root.below_with("Middle", |params| params.not_after = date_time_ymd(2021, 5, 6));
    let mut peer = middle.issue(&["localhost"]);
    peer.chain.push_str(&middle.pem);
    shake_hands(&root.client(), &peer.server(), "localhost")
        .client_fails(EN_ETLS_EXPIRED, &["the certificate of CN=Middle", "2021-05-06"]);
}

#[test]
fn a_certificate_of_the_future_says_from_when_on() {
    let outcome = meets(|params| {
        params.not_before = date_time_ymd(2999, 1, 2);
        params.not_after = date_time_ymd(3000, 1, 1);
    });
    outcome.client_fails(EN_ETLS_NOT_YET_VALID, &["CN=peer", "before 2999-01-02 00:00:00 UTC", "clock"]);
}

#[test]
fn another_name_is_told_with_those_it_has() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["one.example", "two.example", "192.0.2.7"]);
    let words =
        ["\"three.example\"", "one.example, two.example, 192.0.2.7", "en_tls_options_set_verified_name"];
    shake_hands(&authority.client(), &peer.server(), "three.example")
        .client_fails(EN_ETLS_NAME_MISMATCH, &words);
    shake_hands(&authority.client(), &peer.server(), "192.0.2.8")
        .client_fails(EN_ETLS_NAME_MISMATCH, &["\"192.0.2.8\"", "192.0.2.7"]);
    let nameless = authority.issue(&[]);
    shake_hands(&authority.client(), &nameless.server(), "localhost")
        .client_fails(EN_ETLS_NAME_MISMATCH, &["no name at all"]);
}

#[test]
fn addresses_are_names_too() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["192.0.2.7", "2001:db8::1"]).server();
    for name in ["192.0.2.7", "2001:db8::1", "2001:db8::1%eth0"] {
        shake_hands(&authority.client(), &peer, name).facts();
    }
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["*.example.org"]).server();
    for name in ["www.example.org", "WWW.example.org", "www.example.org."] {
        shake_hands(&authority.client(), &peer, name).facts();
    }
    for name in ["example.org", "a.b.example.org"] {
        shake_hands(&authority.client(), &peer, name)
            .client_fails(EN_ETLS_NAME_MISMATCH, &["*.example.org", name]);
    }
}

#[test]
fn an_unknown_authority_is_named() {
    let peer = Authority::new("Stranger").issue(&["localhost"]);
    let outcome = shake_hands(&Authority::new("Friend").client(), &peer.server(), "localhost");
    outcome.client_fails(EN_ETLS_UNKNOWN_ISSUER, &["CN=peer", "CN=Stranger", "en_tls_options_add_ca_file"]);
    let outcome = shake_hands(&Authority::new("Friend").client(), &peer.server(), "localhost");
    outcome.server_fails(EN_ETLS_ALERT, &["unknown_ca (48)", "intermediate"]);
}

#[test]
fn a_forged_signature_is_found() {
    let real = Authority::new("Test CA");
    let forged = Authority::new("Test CA").issue(&["localhost"]);
    shake_hands(&real.client(), &forged.server(), "localhost")
        .client_fails(EN_ETLS_BAD_SIGNATURE, &["CN=peer", "not signed by that issuer"]);
}

#[test]
fn a_self_signed_certificate_can_be_pinned() {
    let peer = self_signed(&["elsewhere"]);
    let stranger = Authority::new("Friend").client();
    shake_hands(&stranger, &peer.server(), "localhost").client_fails(
        EN_ETLS_SELF_SIGNED,
        &["CN=peer", "signed by itself", "en_tls_options_add_pinned_certificate_file"],
    );
    let mut options = TlsOptions::default();
    options.add_pinned_certificates(&memory(&peer.chain)).expect("a pin");
    let facts = shake_hands(&client(&options), &peer.server(), "localhost").facts();
    assert_eq!(facts.verified_name, None);
}

#[test]
fn a_self_signed_authority_as_a_peer_is_self_signed_until_it_is_trusted() {
    let peer = Authority::new("Appliance");
    for other in ["Friend", "Appliance"] {
        shake_hands(&Authority::new(other).client(), &peer.owner().server(), "localhost")
            .client_fails(EN_ETLS_SELF_SIGNED, &["CN=Appliance"]);
    }
    shake_hands(&peer.client(), &peer.owner().server(), "localhost").client_fails(
        EN_ETLS_CA_AS_LEAF,
        &["CN=Appliance", "authority", "en_tls_options_add_pinned_certificate_file"],
    );
    let mut options = TlsOptions::default();
    options.add_pinned_certificates(&memory(&peer.pem)).expect("a pin");
    shake_hands(&client(&options), &peer.owner().server(), "localhost").facts();
}

#[test]
fn the_certificate_of_an_authority_is_no_peers() {
    let root = Authority::new("Root");
    let peer = root.below("Middle").owner();
    shake_hands(&root.client(), &peer.server(), "localhost")
        .client_fails(EN_ETLS_CA_AS_LEAF, &["CN=Middle", "CN=Root", "authority"]);
}

#[test]
fn a_pinned_key_counts_whatever_the_certificate() {
    let authority = Authority::new("Test CA");
    let (peer, other) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let digest = sha256(certificate::public_key(&peer.der).expect("a key"));
    let mut options = TlsOptions::default();
    options.add_pinned_public_key(digest.as_ref()).expect("a pin");
    let only_pin = client(&options);
    shake_hands(&only_pin, &peer.server(), "whatever").facts();
    let digest = sha256(certificate::public_key(&other.der).expect("a key"));
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    shake_hands(&only_pin, &other.server(), "localhost")
        .client_fails(EN_ETLS_NOT_PINNED, &["CN=peer", "pinned", hex.as_str()]);

    options.add_authorities(&memory(&authority.pem)).expect("an authority");
    let both = client(&options);
    shake_hands(&both, &peer.server(), "localhost").facts();
    shake_hands(&both, &peer.server(), "whatever").client_fails(EN_ETLS_NAME_MISMATCH, &["whatever"]);
    shake_hands(&both, &other.server(), "localhost").client_fails(EN_ETLS_NOT_PINNED, &["pinned"]);
}

#[test]
fn a_certificate_without_its_key_is_worth_nothing() {
    check_worthless(&self_signed(&["localhost"]));
    check_worthless(&self_signed_version_1());
}

fn check_worthless(peer: &Owner) {
    let thief = peer.thief(&self_signed(&["localhost"]).key);
    let mut pinned = TlsOptions::default();
    pinned.add_pinned_certificates(&memory(&peer.chain)).expect("a pin");
    let mut anybody = TlsOptions::default();
    anybody.set_no_verification(true);
    for mut options in [pinned, anybody] {
        for version in [Version::Tls12, Version::Tls13] {
            options.set_versions(version, version).expect("versions");
            shake_hands(&client(&options), &thief, "localhost").client_fails(
                EN_ETLS_BAD_SIGNATURE,
                &["does not have the key of the certificate of CN=peer"],
            );
        }
    }
}

#[test]
fn a_revoked_certificate_is_refused() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]).server();
    let with_list = |list: &str| {
        let mut options = authority.options();
        options.add_revocation_lists(&memory(list)).expect("a list");
        options
    };
    shake_hands(&client(&with_list(&authority.revoke(&[5], 2999))), &peer, "localhost").facts();
    let revoked = client(&with_list(&authority.revoke(&[5, 77], 2999)));
    shake_hands(&revoked, &peer, "localhost").client_fails(EN_ETLS_REVOKED, &["CN=peer", "revoked"]);
    shake_hands(&revoked, &peer, "localhost").server_fails(EN_ETLS_ALERT, &["certificate_revoked (44)"]);
}

#[test]
fn what_no_list_covers_is_refused_unless_said_otherwise() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]).server();
    for (list, words) in [
        (Authority::new("Other").revoke(&[], 2999), ["no revocation list covers", "CN=peer"]),
        (authority.revoke(&[], 2021), ["out of date since 2021-01-01", "CN=peer"]),
    ] {
        let mut options = authority.options();
        options.add_revocation_lists(&memory(&list)).expect("a list");
        shake_hands(&client(&options), &peer, "localhost").client_fails(EN_ETLS_UNKNOWN_REVOCATION, &words);
        options.set_accept_unknown_revocation(true);
        shake_hands(&client(&options), &peer, "localhost").facts();
    }
}

#[test]
fn an_outdated_list_still_revokes() {
    let authority = Authority::new("Test CA");
    let mut options = authority.options();
    options.add_revocation_lists(&memory(&authority.revoke(&[77], 2021))).expect("a list");
    options.set_accept_unknown_revocation(true);
    shake_hands(&client(&options), &authority.issue(&["localhost"]).server(), "localhost")
        .client_fails(EN_ETLS_REVOKED, &["CN=peer"]);
}

#[test]
fn a_certificate_for_clients_does_not_make_a_server() {
    let outcome = meets(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    outcome.client_fails(EN_ETLS_WRONG_PURPOSE, &["CN=peer", "extendedKeyUsage"]);
}

#[test]
fn without_a_name_the_rest_is_still_verified() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["elsewhere"]).server();
    let mut options = authority.options();
    options.set_no_name_check(true);
    let any_name = client(&options);
    let facts = shake_hands(&any_name, &peer, "localhost").facts();
    assert_eq!(facts.verified_name, None);
    shake_hands(&authority.client(), &peer, "").facts();
    let stranger = Authority::new("Stranger").issue(&["elsewhere"]).server();
    for config in [&any_name, &authority.client()] {
        shake_hands(config, &stranger, "").client_fails(EN_ETLS_UNKNOWN_ISSUER, &["CN=Stranger"]);
    }
    let expired = authority.issue_with(&["elsewhere"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    shake_hands(&any_name, &expired.server(), "localhost").client_fails(EN_ETLS_EXPIRED, &["2020-01-01"]);
}

#[test]
fn without_verification_anything_goes() {
    let mut options = TlsOptions::default();
    options.set_no_verification(true);
    shake_hands(&client(&options), &self_signed(&["elsewhere"]).server(), "localhost").facts();
}

#[test]
fn a_name_of_its_own_is_verified_whatever_is_dialled() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["db.internal"]).server();
    let mut options = authority.options();
    options.set_verified_name(Some("db.internal")).expect("a name");
    for dialled in ["192.0.2.1", "localhost", ""] {
        let facts = shake_hands(&client(&options), &peer, dialled).facts();
        assert_eq!(facts.verified_name.as_deref(), Some("db.internal"));
    }
    options.set_verified_name(Some("192.0.2.1")).expect("a name");
    shake_hands(&client(&options), &peer, "db.internal").client_fails(EN_ETLS_NAME_MISMATCH, &["192.0.2.1"]);
}

#[test]
fn the_name_asked_for_is_not_the_name_verified() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]).server();
    let mut options = authority.options();
    for (sni, dialled, asked) in [
        (None, "localhost", Some("localhost")),
        (Some("front.example"), "localhost", Some("front.example")),
        (Some(""), "localhost", None),
        (None, "", None),
    ] {
        options.set_sni(sni).expect("a name");
        let (mut one, _) = client(&options).connect(dialled).expect("a client");
        let mut other = peer.accept().expect("a server");
        let mut hello = Vec::new();
        one.write_tls(&mut hello).expect("memory");
        feed(&mut other, &hello).expect("a hello");
        assert_eq!(other.server_name(), asked, "{sni:?}");
        shake_hands(&client(&options), &peer, dialled).facts();
    }
}

#[test]
fn client_certificates_are_demanded_and_verified() {
    let authority = Authority::new("Test CA");
    let mut options = authority.issue(&["localhost"]).options();
    options.add_authorities(&memory(&Authority::new("Other").pem)).expect("an authority");
    options.add_authorities(&memory(&authority.pem)).expect("an authority");
    options.set_client_auth(ClientAuth::Required);
    let strict = server(&options);
    let anonymous = authority.client();
    let known = |owner: &Owner| {
        let mut options = owner.options();
        options.add_authorities(&memory(&authority.pem)).expect("an authority");
        client(&options)
    };
    shake_hands(&anonymous, &strict, "localhost").server_fails(EN_ETLS_NO_CERTIFICATE, &["no certificate"]);
    shake_hands(&anonymous, &strict, "localhost")
        .client_fails(EN_ETLS_ALERT, &["certificate_required (116)", "en_tls_options_set_identity_files"]);

    let good = authority.issue(&["me"]);
    let outcome = shake_hands(&known(&good), &strict, "localhost");
    assert_eq!(outcome.server.expect("content").peer_chain, [good.der]);
    let expired = authority.issue_with(&["me"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    shake_hands(&known(&expired), &strict, "localhost")
        .server_fails(EN_ETLS_EXPIRED, &["CN=peer", "2020-01-01"]);
    shake_hands(&known(&expired), &strict, "localhost")
        .client_fails(EN_ETLS_ALERT, &["certificate_expired (45)"]);

    options.set_client_auth(ClientAuth::Optional);
    let lenient = server(&options);
    let outcome = shake_hands(&anonymous, &lenient, "localhost");
    assert!(outcome.server.expect("content").peer_chain.is_empty());
    shake_hands(&known(&expired), &lenient, "localhost").server_fails(EN_ETLS_EXPIRED, &["CN=peer"]);
}

#[test]
fn clients_may_be_revoked() {
    let authority = Authority::new("Test CA");
    let mut options = authority.issue(&["me"]).options();
    options.add_authorities(&memory(&authority.pem)).expect("an authority");
    let me = client(&options);
    let meets = |list: &str, accepts: bool| {
        let mut options = authority.issue(&["localhost"]).options();
        options.add_authorities(&memory(&authority.pem)).expect("an authority");
        options.add_revocation_lists(&memory(list)).expect("a list");
        options.set_accept_unknown_revocation(accepts);
        options.set_client_auth(ClientAuth::Required);
        shake_hands(&me, &server(&options), "localhost")
    };
    meets(&authority.revoke(&[5], 2999), false).facts();
    meets(&authority.revoke(&[77], 2999), false).server_fails(EN_ETLS_REVOKED, &["CN=peer"]);
    for list in [Authority::new("Other").revoke(&[], 2999), authority.revoke(&[], 2021)] {
        meets(&list, false).server_fails(EN_ETLS_UNKNOWN_REVOCATION, &["CN=peer"]);
        meets(&list, true).facts();
    }
}

#[test]
fn clients_may_be_known_by_their_keys() {
    let (me, other) = (self_signed(&["me"]), self_signed(&["other"]));
    let authority = Authority::new("Test CA");
    let mut options = authority.issue(&["localhost"]).options();
    options.add_pinned_certificates(&memory(&me.chain)).expect("a pin");
    options.set_client_auth(ClientAuth::Required);
    let strict = server(&options);
    let known = |owner: &Owner| {
        let mut options = owner.options();
        options.add_authorities(&memory(&authority.pem)).expect("an authority");
        client(&options)
    };
    shake_hands(&known(&me), &strict, "localhost").facts();
    shake_hands(&known(&other), &strict, "localhost").server_fails(EN_ETLS_NOT_PINNED, &["CN=peer"]);
}

#[test]
fn application_protocols_are_agreed_on() {
    let authority = Authority::new("Test CA");
    let mut serving = authority.issue(&["localhost"]).options();
    serving.add_alpn(b"h2").expect("a protocol");
    let serving = server(&serving);
    let mut options = authority.options();
    options.add_alpn(b"mqtt").expect("a protocol");
    let outcome = shake_hands(&client(&options), &serving, "localhost");
    outcome.client_fails(EN_ETLS_ALERT, &["no_application_protocol (120)", "ALPN"]);
    shake_hands(&client(&options), &serving, "localhost").server_fails(EN_ETLS_INCOMPATIBLE, &["ALPN"]);
    options.add_alpn(b"h2").expect("a protocol");
    let facts = shake_hands(&client(&options), &serving, "localhost").facts();
    assert_eq!(facts.alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!(shake_hands(&authority.client(), &serving, "localhost").facts().alpn, None);
}

#[test]
fn versions_have_bounds() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]);
    let mut old = authority.options();
    old.set_versions(Version::Tls12, Version::Tls12).expect("versions");
    let facts = shake_hands(&client(&old), &peer.server(), "localhost").facts();
    assert_eq!(facts.version, Some(Version::Tls12));
    assert!(facts.cipher_suite.starts_with("TLS_ECDHE_"), "{}", facts.cipher_suite);
    let mut new = peer.options();
    new.set_versions(Version::Tls13, Version::Tls13).expect("versions");
    let new = server(&new);
    let words = ["no TLS version", "en_tls_options_set_versions"];
    shake_hands(&client(&old), &new, "localhost").server_fails(EN_ETLS_INCOMPATIBLE, &words);
    shake_hands(&client(&old), &new, "localhost").client_fails(EN_ETLS_ALERT, &["protocol_version (70)"]);
}

#[test]
fn what_a_peer_calls_itself_cannot_disturb_a_log() {
    let long = "x".repeat(1000);
    let outcome = meets(|params| {
        params.distinguished_name.push(DnType::CommonName, format!("a\nERROR\u{1b}[2J {long}"));
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let error = outcome.client.expect_err("expired");
    assert!(error.reason().contains("CN=a?ERROR?[2J xxx"), "{error}");
    assert!(error.reason().contains("xxx..."), "{error}");
    assert!(!error.reason().contains(char::is_control) && error.reason().len() < 600, "{error}");
}

#[test]
fn plain_text_is_recognised() {
    let authority = Authority::new("Test CA");
    for text in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"220 mail.example ESMTP\r\n", b"-ERR unknown command\r\n"]
    {
        let (mut connection, _) = authority.client().connect("localhost").expect("a client");
        let error = feed(&mut connection, text).expect_err("no TLS");
        assert_eq!(error.code(), EN_ETLS_PROTOCOL, "{error}");
        assert!(error.reason().contains("plain text"), "{error}");
    }
    let mut connection = authority.issue(&["localhost"]).server().accept().expect("a server");
    let error = feed(&mut connection, b"GET / HTTP/1.1\r\n\r\n").expect_err("no TLS");
    assert_eq!(error.code(), EN_ETLS_PROTOCOL, "{error}");
}
