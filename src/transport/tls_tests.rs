//! TLS over pipes in memory that give and take as many bytes as a test says.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;

use rustls::{ClientConnection, ServerConnection};

use super::*;
use crate::error::{EN_EBUSY, EN_EPIPE, EN_ETLS_PROTOCOL};
use crate::tls::testing::Authority;

/// One direction of a pipe.
struct Way {
    bytes: Mutex<VecDeque<u8>>,
    /// How many bytes there is room for.
    room: AtomicUsize,
    /// How many bytes go at once.
    step: AtomicUsize,
    ended: AtomicBool,
}

impl Way {
    fn new() -> Arc<Way> {
        let (room, step) = (AtomicUsize::new(usize::MAX), AtomicUsize::new(usize::MAX));
        Arc::new(Way { bytes: Mutex::default(), room, step, ended: AtomicBool::new(false) })
    }
}

/// A stream transport in memory.
struct Pipe {
    incoming: Arc<Way>,
    outgoing: Arc<Way>,
}

impl Transport for Pipe {
    fn stop_receiving(&self) {
        self.incoming.ended.store(true, Ordering::SeqCst);
    }

    fn close(&self) -> Result<()> {
        self.incoming.ended.store(true, Ordering::SeqCst);
        self.outgoing.ended.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl StreamTransport for Pipe {
    fn recv(&self, buffer: &mut [u8], _hold: Hold) -> Attempt<usize> {
        let mut bytes = lock(&self.incoming.bytes);
        let count = buffer.len().min(bytes.len()).min(self.incoming.step.load(Ordering::SeqCst));
        if count == 0 && !self.incoming.ended.load(Ordering::SeqCst) {
            return Err(Stop::Want(Interest::Read));
        }
        buffer.iter_mut().zip(bytes.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize> {
        assert_eq!(hold, Hold::No, "the session is locked, so nobody may wait");
        if self.outgoing.ended.load(Ordering::SeqCst) {
            return Err(Error::new(EN_EPIPE, "nobody reads").into());
        }
        let mut bytes = lock(&self.outgoing.bytes);
        let room = self.outgoing.room.load(Ordering::SeqCst).saturating_sub(bytes.len());
        let most = room.min(self.outgoing.step.load(Ordering::SeqCst));
        let taken: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(most).collect();
        bytes.extend(&taken);
        if taken.is_empty() { Err(Stop::Want(Interest::Write)) } else { Ok(taken.len()) }
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        self.outgoing.ended.store(true, Ordering::SeqCst);
        Ok(())
    }
}

struct Pair {
    client: TlsStream<ClientConnection>,
    server: TlsStream<ServerConnection>,
    /// To the server, and to the client.
    ways: [Arc<Way>; 2],
}

impl Pair {
    fn new(standard_compatible: bool) -> Pair {
        let authority = Authority::new("authority");
        let ways = [Way::new(), Way::new()];
        let pipe = |incoming: &Arc<Way>, outgoing: &Arc<Way>| {
            Arc::new(Pipe { incoming: incoming.clone(), outgoing: outgoing.clone() })
        };
        let client_config = authority.client();
        let server_config = authority.issue(&["localhost"]).server();
        let (client, name) = client_config.connect("localhost").expect("a client");
        let server = server_config.accept().expect("a server");
        Pair {
            client: TlsStream::new(pipe(&ways[1], &ways[0]), client, name, standard_compatible)
                .expect("alone"),
            server: TlsStream::new(pipe(&ways[0], &ways[1]), server, None, standard_compatible)
                .expect("alone"),
            ways,
        }
    }

    /// With hands shaken.
    fn connected(standard_compatible: bool) -> Pair {
        let pair = Pair::new(standard_compatible);
        pair.shake_hands();
        pair
    }

    fn shake_hands(&self) {
        let mut done = [false; 2];
        for _ in 0..100_000 {
            let streams: [&dyn StreamTransport; 2] = [&self.client, &self.server];
            for (stream, done) in streams.into_iter().zip(&mut done) {
                match stream.handshake(Hold::No) {
                    Ok(()) => *done = true,
                    Err(Stop::Failed(error)) => panic!("{error}"),
                    Err(_) => {}
                }
            }
            if done == [true; 2] {
                return;
            }
        }
        panic!("no handshake");
    }
}

fn send_all(stream: &dyn StreamTransport, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = stream.send(&[IoSlice::new(bytes)], Hold::No).expect("room");
        bytes = &bytes[count..];
    }
}

/// What there is, and why there is no more.
fn receive_all(stream: &dyn StreamTransport) -> (Vec<u8>, Attempt<()>) {
    let mut all = Vec::new();
    let mut buffer = [0; 1000];
    loop {
        match stream.recv(&mut buffer, Hold::No) {
            Ok(0) => return (all, Ok(())),
            Ok(count) => all.extend(&buffer[..count]),
            Err(Stop::Again) => {}
            Err(stop) => return (all, Err(stop)),
        }
    }
}

fn code<T>(attempt: Attempt<T>) -> Option<i32> {
    match attempt {
        Err(Stop::Failed(error)) => Some(error.code()),
        _ => None,
    }
}

#[test]
fn bytes_go_both_ways() {
    let pair = Pair::connected(true);
    let large: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    send_all(&pair.client, &large);
    send_all(&pair.server, b"there");
    assert_eq!(receive_all(&pair.server).0, large);
    assert_eq!(receive_all(&pair.client).0, b"there");
    assert_eq!(pair.client.facts().verified_name.as_deref(), Some("localhost"));
}

#[test]
fn one_byte_at_a_time_is_as_good() {
    let pair = Pair::new(true);
    pair.ways.iter().for_each(|way| way.step.store(1, Ordering::SeqCst));
    pair.shake_hands();
    send_all(&pair.client, b"hello");
    send_all(&pair.server, b"there");
    assert_eq!(receive_all(&pair.server).0, b"hello");
    assert_eq!(receive_all(&pair.client).0, b"there");
}

#[test]
fn slices_fill_one_record() {
    let pair = Pair::connected(true);
    let _tickets = receive_all(&pair.client);
    let slices: Vec<IoSlice<'_>> = (0..100).map(|_| IoSlice::new(b"0123456789")).collect();
    assert_eq!(pair.client.send(&slices, Hold::No).expect("room"), 1000);
    let sent = lock(&pair.ways[0].bytes).len();
    assert!(sent < 1100, "{sent} bytes for 1000: each slice has a record of its own");
}

#[test]
fn a_cut_stream_is_told_after_all_that_came() {
    for (standard_compatible, expected) in [(true, Some(EN_ETLS_TRUNCATED)), (false, None)] {
        let pair = Pair::connected(standard_compatible);
        send_all(&pair.server, &[7; 40_000]);
        pair.ways[1].ended.store(true, Ordering::SeqCst);
        let (came, end) = receive_all(&pair.client);
        assert_eq!(came.len(), 40_000);
        assert_eq!(code(end), expected);
        // The same at every later time.
        assert_eq!(code(receive_all(&pair.client).1), expected);
    }
}

#[test]
fn half_of_a_record_is_no_byte() {
    let pair = Pair::connected(true);
    let _tickets = receive_all(&pair.client);
    send_all(&pair.server, b"never whole");
    lock(&pair.ways[1].bytes).pop_back();
    let (came, end) = receive_all(&pair.client);
    assert!(came.is_empty() && matches!(end, Err(Stop::Want(Interest::Read))));
    pair.ways[1].ended.store(true, Ordering::SeqCst);
    assert_eq!(code(receive_all(&pair.client).1), Some(EN_ETLS_TRUNCATED));
}

#[test]
fn after_the_peers_farewell_sending_goes_on() {
    let pair = Pair::connected(true);
    send_all(&pair.server, b"last");
    // It is said, and the answer waited for.
    assert!(matches!(pair.server.farewell(Hold::No), Err(Stop::Want(Interest::Read))));
    let (came, end) = receive_all(&pair.client);
    assert!(came == b"last" && end.is_ok());
    send_all(&pair.client, b"and one more");
    assert!(pair.client.farewell(Hold::No).is_ok());
    assert_eq!(code(pair.client.send(&[IoSlice::new(b"too late")], Hold::No)), Some(EN_ESHUTDOWN));
    // What comes meanwhile is thrown away.
    let heard = loop {
        match pair.server.farewell(Hold::No) {
            Err(Stop::Again) => {}
            heard => break heard,
        }
    };
    assert!(heard.is_ok());
}

#[test]
fn bytes_that_differ_far_behind_are_told_apart() {
    let one = [0; 4096];
    let mut other = one;
    other[2048] = 1;
    let [one, other] = [&one, &other].map(|bytes| fingerprint(&[IoSlice::new(bytes)], bytes.len()));
    assert_ne!(one, other);
}

#[test]
fn a_send_that_waits_is_midway_and_goes_on() {
    let pair = Pair::connected(true);
    pair.ways[0].room.store(10, Ordering::SeqCst);
    assert!(matches!(
        pair.client.send(&[IoSlice::new(b"hello")], Hold::No),
        Err(Stop::Want(Interest::Write))
    ));
    assert!(pair.client.is_midway(&[IoSlice::new(b"hello")]));
    assert!(!pair.client.is_midway(&[IoSlice::new(b"other")]));
    let other = pair.client.send(&[IoSlice::new(b"other")], Hold::No);
    assert!(matches!(other, Err(Stop::Want(Interest::Write))));
    // The other direction does not care, and no farewell goes behind half a record.
    send_all(&pair.server, b"there");
    assert_eq!(receive_all(&pair.client).0, b"there");
    assert!(pair.client.farewell(Hold::No).is_ok());
    pair.ways[0].room.store(usize::MAX, Ordering::SeqCst);
    let other = pair.client.send(&[IoSlice::new(b"other bytes")], Hold::No);
    assert!(matches!(other, Err(Stop::Failed(error)) if error.code() == EN_EBUSY));
    assert_eq!(pair.client.send(&[IoSlice::new(b"hello, and more")], Hold::No).expect("room"), 5);
    assert!(!pair.client.is_midway(&[IoSlice::new(b", and more")]));
    assert_eq!(receive_all(&pair.server).0, b"hello");
}

#[test]
fn new_keys_are_nobodys_business() {
    let pair = Pair::connected(true);
    for _ in 0..3 {
        lock(&pair.server.session).connection.refresh_traffic_keys().expect("TLS 1.3");
        send_all(&pair.server, b"new keys");
        assert_eq!(receive_all(&pair.client).0, b"new keys");
        send_all(&pair.client, b"mine, too");
        assert_eq!(receive_all(&pair.server).0, b"mine, too");
    }
}

#[test]
fn a_changed_byte_ends_everything() {
    let pair = Pair::connected(true);
    let _tickets = receive_all(&pair.client);
    send_all(&pair.server, b"first");
    let whole = lock(&pair.ways[1].bytes).len();
    send_all(&pair.server, b"second");
    lock(&pair.ways[1].bytes)[whole + 8] ^= 1;
    let (came, end) = receive_all(&pair.client);
    assert_eq!(came, b"first");
    assert_eq!(code(end), Some(EN_ETLS_PROTOCOL));
    assert_eq!(code(receive_all(&pair.client).1), Some(EN_ETLS_PROTOCOL));
    assert_eq!(code(pair.client.send(&[IoSlice::new(b"x")], Hold::No)), Some(EN_ETLS_PROTOCOL));
    // The peer is told.
    assert!(code(receive_all(&pair.server).1).is_some());
}

#[test]
fn plain_text_is_no_handshake() {
    let pair = Pair::new(true);
    lock(&pair.ways[1].bytes).extend(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let error = match pair.client.handshake(Hold::No) {
        Err(Stop::Failed(error)) => error,
        _ => panic!("no failure"),
    };
    assert_eq!(error.code(), EN_ETLS_PROTOCOL);
    assert!(error.to_string().contains("plain text"), "{error}");
}

#[test]
fn a_peer_that_leaves_in_the_handshake_is_told_so() {
    let pair = Pair::new(true);
    pair.ways[1].ended.store(true, Ordering::SeqCst);
    assert_eq!(code(pair.client.handshake(Hold::No)), Some(EN_ECONNABORTED));
}

#[test]
fn one_direction_cannot_be_ended() {
    let pair = Pair::connected(true);
    assert_eq!(code(pair.client.send_eof(Hold::No)), Some(EN_EOPNOTSUPP));
    send_all(&pair.client, b"still");
    assert_eq!(receive_all(&pair.server).0, b"still");
}

#[test]
fn what_has_come_is_told_of() {
    let pair = Pair::connected(true);
    let _tickets = receive_all(&pair.client);
    send_all(&pair.server, &[1; 3000]);
    assert!(!pair.client.has_received());
    let mut buffer = [0; 1000];
    for left in [true, true, false] {
        assert_eq!(pair.client.recv(&mut buffer, Hold::No).expect("there"), 1000);
        // A buffer that was just filled says nothing; the next look does.
        assert!(pair.client.has_received() || !left);
    }
    assert!(matches!(pair.client.recv(&mut buffer, Hold::No), Err(Stop::Want(_))));
    assert!(!pair.client.has_received());
}

#[test]
fn a_farewell_is_not_waited_for_once_receiving_was_stopped() {
    let pair = Pair::connected(true);
    pair.client.stop_receiving();
    assert!(pair.client.farewell(Hold::No).is_ok());
    let (_, end) = receive_all(&pair.server);
    assert!(end.is_ok(), "it was said");
}
