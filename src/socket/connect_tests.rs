use super::*;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

use crate::error::{EN_ECANCELED, EN_EINVAL, EN_EMFILE};

const DELAY: Duration = Duration::from_millis(250);

/// What a made-up address does: its port says it.
const HANGS: u16 = 1;
const ANSWERS: u16 = 2;
const REFUSES: u16 = 3;

/// A socket that is alive as long as its address is.
type Fake = Rc<IpAddress>;

/// A network in which addresses do what the test says, when it says so.
#[derive(Clone, Default)]
struct Network(Rc<RefCell<World>>);

#[derive(Default)]
struct World {
    dialed: Vec<String>,
    alive: Vec<Weak<IpAddress>>,
    /// What the addresses have come to.
    ends: Vec<(String, Result<()>)>,
}

impl Network {
    fn end(&self, address: &str, result: Result<()>) {
        self.0.borrow_mut().ends.push((address.into(), result));
    }

    fn dialed(&self) -> Vec<String> {
        self.0.borrow().dialed.clone()
    }

    fn alive(&self) -> Vec<String> {
        let world = self.0.borrow();
        world.alive.iter().filter_map(Weak::upgrade).map(|address| address.to_string()).collect()
    }
}

impl Dialer for Network {
    type Socket = Fake;

    fn bind_to(&mut self, _: Vec<IpAddress>) {}

    fn dial(&mut self, to: &IpAddress) -> Result<Dialing<Fake>> {
        let mut world = self.0.borrow_mut();
        world.dialed.push(to.to_string());
        let socket = Rc::new(to.clone());
        world.alive.push(Rc::downgrade(&socket));
        match to.port() {
            HANGS => Ok(Dialing::Pending(socket)),
            ANSWERS => Ok(Dialing::Done(socket)),
            REFUSES => Err(refused()),
            _ => Err(unreachable()),
        }
    }

    fn check(&mut self, socket: &mut Fake) -> Option<Result<()>> {
        let world = self.0.borrow();
        let text = socket.to_string();
        world.ends.iter().find(|(address, _)| *address == text).map(|(_, result)| result.clone())
    }
}

fn refused() -> Error {
    Error::new(EN_ECONNREFUSED, "connection refused")
}

fn unreachable() -> Error {
    Error::new(EN_ENETUNREACH, "network unreachable")
}

fn address(text: &str) -> IpAddress {
    text.parse::<std::net::SocketAddr>().expect("an address").into()
}

fn attempts(addresses: &[&str], delay: Option<Duration>) -> (Network, Attempts<Network>) {
    let network = Network::default();
    let mut attempts = Attempts::new(network.clone(), delay);
    attempts.add(addresses.iter().map(|text| address(text)).collect(), Vec::new());
    (network, attempts)
}

fn wait(progress: &Progress<Fake>) -> Option<Instant> {
    match progress {
        Course::Wait { until } => *until,
        other => panic!("not waiting: {other:?}"),
    }
}

fn failed(progress: Progress<Fake>) -> (i32, String) {
    match progress {
        Course::Failed(error) => (error.code(), error.reason().to_owned()),
        other => panic!("not failed: {other:?}"),
    }
}

fn connected(progress: Progress<Fake>) -> String {
    match progress {
        Course::Done((socket, address)) => {
            assert_eq!(*socket, address);
            address.to_string()
        }
        other => panic!("not connected: {other:?}"),
    }
}

#[test]
fn families_take_turns() {
    let order = |addresses: &[&str]| -> Vec<String> {
        let addresses = addresses.iter().map(|host| IpAddress::parse(host, 1).expect("numeric")).collect();
        interleave(addresses).iter().map(IpAddress::host).collect()
    };
    assert_eq!(
        order(&["::1", "::2", "::3", "127.0.0.1", "127.0.0.2"]),
        ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]
    );
    assert_eq!(
        order(&["127.0.0.2", "::1", "127.0.0.1", "127.0.0.3", "127.0.0.4"]),
        ["127.0.0.2", "::1", "127.0.0.1", "127.0.0.3", "127.0.0.4"]
    );
    assert_eq!(order(&["127.0.0.2", "127.0.0.1"]), ["127.0.0.2", "127.0.0.1"]);
    assert!(order(&[]).is_empty());
}

#[test]
fn one_that_answers_at_once_is_taken() {
    let (network, mut attempts) = attempts(&["[::1]:2", "127.0.0.1:2"], Some(DELAY));
    assert_eq!(connected(attempts.advance(Instant::now())), "[::1]:2");
    assert_eq!(network.dialed(), ["[::1]:2"]);
}

#[test]
fn the_next_begins_beside_one_that_takes_its_time() {
    let (network, mut attempts) = attempts(&["[::1]:1", "[::2]:1", "127.0.0.1:1"], Some(DELAY));
    let start = Instant::now();
    assert_eq!(wait(&attempts.advance(start)), Some(start + DELAY));
    let early = start + DELAY - Duration::from_nanos(1);
    assert_eq!(wait(&attempts.advance(early)), Some(start + DELAY));
    assert_eq!(network.dialed(), ["[::1]:1"]);
    // Late, but only one attempt is begun, and the next delay counts from now.
    let late = start + DELAY * 3;
    assert_eq!(wait(&attempts.advance(late)), Some(late + DELAY));
    assert_eq!(network.dialed(), ["[::1]:1", "127.0.0.1:1"]);
    assert_eq!(attempts.pending().count(), 2);
    // After the last one there is nothing to begin any more.
    assert_eq!(wait(&attempts.advance(late + DELAY)), None);
    assert_eq!(network.alive(), ["[::1]:1", "127.0.0.1:1", "[::2]:1"]);
}

#[test]
fn the_first_to_answer_wins_and_the_others_are_dropped() {
    let (network, mut attempts) = attempts(&["[::1]:1", "127.0.0.1:1", "[::2]:1"], Some(DELAY));
    let start = Instant::now();
    wait(&attempts.advance(start));
    wait(&attempts.advance(start + DELAY));
    network.end("127.0.0.1:1", Ok(()));
    let progress = attempts.advance(start + DELAY);
    assert_eq!(network.alive(), ["127.0.0.1:1"]);
    assert_eq!(connected(progress), "127.0.0.1:1");
    assert_eq!(network.dialed(), ["[::1]:1", "127.0.0.1:1"]);
    assert_eq!(attempts.pending().count(), 0);
}

#[test]
fn an_earlier_attempt_may_still_win() {
    let (network, mut attempts) = attempts(&["[::1]:1", "127.0.0.1:1"], Some(DELAY));
    let start = Instant::now();
    wait(&attempts.advance(start));
    wait(&attempts.advance(start + DELAY));
    network.end("127.0.0.1:1", Err(refused()));
    assert_eq!(wait(&attempts.advance(start + DELAY)), None);
    assert_eq!(network.alive(), ["[::1]:1"]);
    network.end("[::1]:1", Ok(()));
    assert_eq!(connected(attempts.advance(start + DELAY)), "[::1]:1");
}

#[test]
fn the_next_begins_at_once_when_one_fails() {
    let (network, mut attempts) = attempts(&["[::1]:1", "127.0.0.1:1", "[::2]:1"], Some(DELAY));
    let start = Instant::now();
    wait(&attempts.advance(start));
    wait(&attempts.advance(start + DELAY));
    let soon = start + DELAY + Duration::from_millis(1);
    // One fails while another is still pending: the third does not wait for its time.
    network.end("[::1]:1", Err(refused()));
    assert_eq!(wait(&attempts.advance(soon)), None);
    assert_eq!(network.dialed(), ["[::1]:1", "127.0.0.1:1", "[::2]:1"]);
    assert_eq!(network.alive(), ["127.0.0.1:1", "[::2]:1"]);
}

#[test]
fn what_fails_at_once_costs_no_time() {
    let (network, mut attempts) = attempts(&["[::1]:3", "127.0.0.1:4", "[::2]:2"], Some(DELAY));
    assert_eq!(connected(attempts.advance(Instant::now())), "[::2]:2");
    assert_eq!(network.dialed(), ["[::1]:3", "127.0.0.1:4", "[::2]:2"]);
}

#[test]
fn without_a_delay_there_is_one_at_a_time() {
    let (network, mut attempts) = attempts(&["[::1]:1", "127.0.0.1:1"], None);
    let start = Instant::now();
    assert_eq!(wait(&attempts.advance(start)), None);
    assert_eq!(wait(&attempts.advance(start + Duration::from_secs(3600))), None);
    assert_eq!(network.dialed(), ["[::1]:1"]);
    network.end("[::1]:1", Err(refused()));
    assert_eq!(wait(&attempts.advance(start)), None);
    assert_eq!(network.alive(), ["127.0.0.1:1"]);
}

#[test]
fn extreme_delays_do_no_harm() {
    let (network, mut attempts) = attempts(&["[::1]:1", "127.0.0.1:1"], Some(Duration::MAX));
    assert_eq!(wait(&attempts.advance(Instant::now())), None);
    assert_eq!(network.dialed(), ["[::1]:1"]);
    let (network, mut attempts) = self::attempts(&["[::1]:1", "127.0.0.1:1"], Some(Duration::ZERO));
    assert_eq!(wait(&attempts.advance(Instant::now())), None);
    assert_eq!(network.dialed(), ["[::1]:1", "127.0.0.1:1"]);
}

#[test]
fn a_single_failure_is_plain_and_several_are_listed() {
    let now = Instant::now();
    let (_, mut one) = attempts(&["[::1]:3"], Some(DELAY));
    assert_eq!(failed(one.advance(now)), (EN_ECONNREFUSED, "connection refused".into()));
    let (_, mut two) = attempts(&["[::1]:4", "127.0.0.1:3"], Some(DELAY));
    let list = "[::1]:4: network unreachable; 127.0.0.1:3: connection refused";
    assert_eq!(failed(two.advance(now)), (EN_ECONNREFUSED, list.into()));
    let (_, name) = attempts(&["[::1]:3"], Some(DELAY));
    let found = "[::1]:3: connection refused";
    assert_eq!(failed(name.of_host("a.name").advance(now)), (EN_ECONNREFUSED, found.into()));
    let (_, address) = attempts(&["[::1]:3"], Some(DELAY));
    assert_eq!(failed(address.of_host("::1").advance(now)), (EN_ECONNREFUSED, "connection refused".into()));
    let (_, mut none) = attempts(&[], Some(DELAY));
    assert_eq!(failed(none.advance(now)).0, EN_EINVAL);
}

#[test]
fn the_code_is_that_of_the_attempt_that_says_most() {
    let rising = [
        EN_EAFNOSUPPORT,
        EN_EADDRNOTAVAIL,
        EN_EMFILE,
        EN_ECONNTIMEDOUT,
        EN_ENETUNREACH,
        EN_EHOSTUNREACH,
        EN_ECONNREFUSED,
    ];
    let code = |codes: [i32; 2]| {
        let (network, mut attempts) = attempts(&["[::1]:1", "127.0.0.1:1"], Some(Duration::ZERO));
        wait(&attempts.advance(Instant::now()));
        network.end("[::1]:1", Err(Error::new(codes[0], "first")));
        network.end("127.0.0.1:1", Err(Error::new(codes[1], "second")));
        failed(attempts.advance(Instant::now())).0
    };
    for pair in rising.windows(2) {
        assert_eq!(code([pair[0], pair[1]]), pair[1]);
        assert_eq!(code([pair[1], pair[0]]), pair[1]);
    }
    assert_eq!(code([EN_EHOSTUNREACH, EN_ECONNRESET]), EN_EHOSTUNREACH, "the first of equals");
    assert_eq!(code([EN_ETIMEDOUT, EN_EACCES]), EN_EACCES, "what a firewall says");
}

#[test]
fn an_invalid_argument_is_explained() {
    let why = |local: Option<&str>, to| {
        let refusal = io::Error::from_raw_os_error(libc::EINVAL);
        let parse = |host| IpAddress::parse(host, 9).expect("numeric");
        let error = not_begun(refusal, local.map(parse).as_ref(), &parse(to));
        assert_eq!(error.code(), EN_EINVAL);
        error.reason().to_owned()
    };
    assert!(why(None, "fe80::1").contains("is link-local"));
    assert!(why(None, "192.0.2.1").contains("\"blackhole\" route"));
    assert!(why(Some("127.0.0.1"), "192.0.2.1").contains("from the local one"));
}

#[test]
fn what_lacks_on_this_machine_is_not_the_address_of_the_peer() {
    for errno in [libc::EADDRNOTAVAIL, libc::EAGAIN] {
        let to = IpAddress::parse("192.0.2.1", 1).expect("numeric");
        let error = not_begun(io::Error::from_raw_os_error(errno), None, &to);
        assert_eq!(error.code(), EN_EADDRNOTAVAIL);
        assert!(error.reason().contains("no free port to connect from"), "{error}");
    }
}

#[test]
fn giving_up_tells_what_was_tried() {
    let timed_out = || Error::new(EN_ETIMEDOUT, "timed out");
    let start = Instant::now();
    let (_, attempts) = attempts(&["[::1]:1"], Some(DELAY));
    assert_eq!(attempts.expire(timed_out()).reason(), "timed out");

    let (_, mut attempts) = self::attempts(&["[::1]:1"], Some(DELAY));
    wait(&attempts.advance(start));
    assert_eq!(attempts.expire(timed_out()).reason(), "timed out");

    let (_, attempts) = self::attempts(&["[::1]:1"], Some(DELAY));
    let mut attempts = attempts.of_host("a.name");
    wait(&attempts.advance(start));
    assert_eq!(attempts.expire(timed_out()).reason(), "timed out: [::1]:1: no answer yet");

    let (network, mut attempts) = self::attempts(&["[::1]:3", "127.0.0.1:1", "[::2]:1"], Some(DELAY));
    wait(&attempts.advance(start));
    let error = attempts.expire(Error::new(EN_ECANCELED, "cancelled"));
    assert_eq!(error.code(), EN_ECANCELED);
    let list = "cancelled: [::1]:3: connection refused; 127.0.0.1:1: no answer yet";
    assert_eq!(error.reason(), list);
    assert!(network.alive().is_empty());
}

#[test]
fn addresses_that_come_later_are_tried_too() {
    let (network, mut attempts) = attempts(&["127.0.0.1:1", "127.0.0.2:1"], Some(DELAY));
    let start = Instant::now();
    assert_eq!(wait(&attempts.advance(start)), Some(start + DELAY));
    attempts.add(Vec::new(), Vec::new());
    attempts.add(["[::1]:1", "127.0.0.1:1", "127.0.0.2:1"].map(address).into(), Vec::new());
    assert_eq!(wait(&attempts.advance(start + DELAY)), Some(start + DELAY * 2));
    assert_eq!(wait(&attempts.advance(start + DELAY * 2)), None);
    assert_eq!(network.dialed(), ["127.0.0.1:1", "[::1]:1", "127.0.0.2:1"]);
}

#[test]
fn families_take_turns_in_what_is_left_when_others_come() {
    let (network, mut attempts) = attempts(&["127.0.0.1:1", "127.0.0.2:1"], Some(DELAY));
    let start = Instant::now();
    attempts.advance(start);
    attempts.add(["[::1]:1", "[::2]:1", "127.0.0.1:1", "127.0.0.2:1"].map(address).into(), Vec::new());
    for step in 1..4 {
        attempts.advance(start + DELAY * step);
    }
    assert_eq!(network.dialed(), ["127.0.0.1:1", "[::1]:1", "127.0.0.2:1", "[::2]:1"]);
}

#[test]
fn what_comes_when_all_have_failed_is_tried_at_once() {
    let (network, mut attempts) = attempts(&["127.0.0.1:3"], None);
    let start = Instant::now();
    assert_eq!(failed(attempts.advance(start)).0, EN_ECONNREFUSED);
    attempts.add(vec![address("[::1]:2")], Vec::new());
    assert_eq!(connected(attempts.advance(start)), "[::1]:2");
    assert_eq!(network.dialed(), ["127.0.0.1:3", "[::1]:2"]);
}
