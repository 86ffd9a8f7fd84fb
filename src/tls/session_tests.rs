//! Which sessions are resumed, and which must not be.

use std::sync::Arc;

use rustls::server::StoresServerSessions;

use super::client::Client;
use super::options::Version;
use super::sessions::{ServerSessions, Sessions};
use super::testing::*;
use super::{TlsConfig, TlsOptions};
use crate::socket::fork::in_a_child;

#[test]
fn sessions_are_resumed_within_a_configuration_and_name() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["one.example", "two.example"]).server();
    for most in [Version::Tls12, Version::Tls13] {
        let mut options = authority.options();
        options.set_versions(Version::Tls12, most).expect("versions");
        let config = client(&options);
        let resumed = |config: &TlsConfig, name: &str| shake_hands(config, &peer, name).facts().resumed;
        assert!(!resumed(&config, "one.example"));
        assert!(resumed(&config, "one.example"));
        assert!(resumed(&config.clone(), "one.example"), "{most:?}");
        assert!(!resumed(&config, "two.example"), "not across names");
        assert!(resumed(&config, "two.example"));
        assert!(!resumed(&client(&options), "one.example"), "not across configurations");
    }
}

#[test]
fn a_resumed_session_has_the_facts_of_the_first() {
    let authority = Authority::new("Test CA");
    let owner = authority.issue(&["localhost"]);
    let (peer, config) = (owner.server(), authority.client());
    shake_hands(&config, &peer, "localhost").facts();
    let facts = shake_hands(&config, &peer, "localhost").facts();
    assert!(facts.resumed);
    assert_eq!(facts.peer_chain, [owner.der]);
    assert_eq!(facts.verified_name.as_deref(), Some("localhost"));
}

#[test]
fn the_name_asked_for_does_not_mix_the_sessions_of_names_verified() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["one.example", "two.example"]).server();
    let mut options = authority.options();
    options.set_sni(Some("front.example")).expect("a name");
    let config = client(&options);
    assert!(!shake_hands(&config, &peer, "one.example").facts().resumed);
    assert!(!shake_hands(&config, &peer, "two.example").facts().resumed);
    assert!(shake_hands(&config, &peer, "one.example").facts().resumed);
}

#[test]
fn nothing_is_resumed_where_no_name_is_verified() {
    let authority = Authority::new("Test CA");
    let peer = authority.issue(&["localhost"]).server();
    let mut any_name = authority.options();
    any_name.set_no_name_check(true);
    let mut anybody = TlsOptions::default();
    anybody.set_no_verification(true);
    let mut forgetful = authority.options();
    forgetful.set_session_cache(0).expect("a size");
    for (options, name) in
        [(any_name, "localhost"), (anybody, "localhost"), (authority.options(), ""), (forgetful, "localhost")]
    {
        let config = client(&options);
        assert!(!shake_hands(&config, &peer, name).facts().resumed);
        assert!(!shake_hands(&config, &peer, name).facts().resumed);
    }
}

#[test]
fn a_pinned_peer_is_resumed_by_the_name_it_was_dialled_with() {
    let owner = self_signed(&["localhost"]);
    let mut options = TlsOptions::default();
    options.add_pinned_certificates(&memory(&owner.chain)).expect("a pin");
    let (config, peer) = (client(&options), owner.server());
    assert!(!shake_hands(&config, &peer, "one").facts().resumed);
    assert!(shake_hands(&config, &peer, "one").facts().resumed);
    assert!(!shake_hands(&config, &peer, "two").facts().resumed);
    for _ in 0..2 {
        assert!(!shake_hands(&config, &peer, "").facts().resumed);
    }
}

#[test]
fn a_pin_proves_a_peer_whose_name_is_not_checked() {
    let authority = Authority::new("Test CA");
    let owner = authority.issue(&["other"]);
    let mut options = authority.options();
    options.add_pinned_certificates(&memory(&owner.chain)).expect("a pin");
    options.set_no_name_check(true);
    let (config, peer) = (client(&options), owner.server());
    assert!(!shake_hands(&config, &peer, "one").facts().resumed);
    assert!(shake_hands(&config, &peer, "one").facts().resumed);
}

#[test]
fn the_cache_forgets_whom_it_has_not_met_for_longest() {
    let authority = Authority::new("Test CA");
    let names = ["one.example", "two.example", "three.example"];
    let peer = authority.issue(&names).server();
    let mut options = authority.options();
    options.set_session_cache(2).expect("a size");
    let config = client(&options);
    let resumed = |name: &str| shake_hands(&config, &peer, name).facts().resumed;
    let met: Vec<bool> =
        ["one", "two", "one", "three", "one", "two"].map(|it| resumed(&format!("{it}.example"))).into();
    assert_eq!(met, [false, false, true, false, true, false]);
}

#[test]
fn a_server_that_remembers_nothing_resumes_nothing() {
    let authority = Authority::new("Test CA");
    let mut options = authority.issue(&["localhost"]).options();
    options.set_session_cache(0).expect("a size");
    let (config, peer) = (authority.client(), server(&options));
    for _ in 0..2 {
        assert!(!shake_hands(&config, &peer, "localhost").facts().resumed);
    }
}

#[test]
fn a_configuration_serves_many_threads() {
    let authority = Authority::new("Test CA");
    let names = ["one.example", "two.example", "three.example"];
    let (config, peer) = (authority.client(), authority.issue(&names).server());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for name in names.iter().cycle().take(30) {
                    let facts = shake_hands(&config, &peer, name).facts();
                    assert_eq!(facts.verified_name.as_deref(), Some(*name));
                }
            });
        }
    });
    assert!(shake_hands(&config, &peer, names[0]).facts().resumed);
}

#[test]
fn clients_of_one_name_share_a_configuration_without_sessions_too() {
    let mut options = Authority::new("Test CA").options();
    for peers in [0, 8] {
        options.set_session_cache(peers).expect("a size");
        let client = Client::new(&options).expect("a configuration");
        let of = |name| client.peer(name).expect("a good name").config.clone();
        assert!(Arc::ptr_eq(&of("one.example"), &of("one.example")), "{peers}");
        assert!(!Arc::ptr_eq(&of("one.example"), &of("two.example")), "{peers}");
    }
}

#[test]
fn a_forked_child_does_not_wait_for_who_is_gone() {
    let peers = Client::new(&Authority::new("Test CA").options()).expect("a client");
    let peer = || peers.new_peer("localhost", true);
    let sessions = Sessions::new(1);
    let forked = sessions.of("parents.example", || {
        // A thread of the parent is within; of that the child has nothing but the lock.
        assert!(in_a_child(|| sessions.of("childs.example", peer).is_ok()));
        peer()
    });
    forked.expect("a peer");
}

#[test]
fn a_forked_child_remembers_sessions_of_its_own() {
    let sessions = ServerSessions::new(2);
    let put = |key: &[u8]| sessions.put(key.to_vec(), b"session".to_vec());
    let knows = |key: &[u8]| sessions.get(key).is_some();
    assert!(put(b"parents") && knows(b"parents"));
    assert!(in_a_child(|| !knows(b"parents") && put(b"childs") && knows(b"childs")));
    assert!(knows(b"parents") && !knows(b"childs"));
}
