//! What the tests of the protocols share: an endpoint without a connection.

use super::{Cut, Decoder, Decoding, Gather, MaxSize, Step, StreamProtocol};

/// What a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Packet(Vec<u8>),
    Bad(i32),
    Broken(i32),
}

/// Everything a receiver is told, and how many bytes are left over.
pub type Outcome = (Vec<Event>, usize);

pub fn packet(bytes: impl AsRef<[u8]>) -> Event {
    Event::Packet(bytes.as_ref().to_vec())
}

pub fn decoder(protocol: &dyn StreamProtocol) -> Box<dyn Decoder> {
    made(protocol, None)
}

pub fn decoder_at_most(size: usize, protocol: &dyn StreamProtocol) -> Box<dyn Decoder> {
    made(protocol, Some(MaxSize::new(size).unwrap()))
}

fn made(protocol: &dyn StreamProtocol, at_most: Option<MaxSize>) -> Box<dyn Decoder> {
    match protocol.decoder(at_most).unwrap() {
        Decoding::Gathered(decoder) => decoder,
        Decoding::Lent(_) => panic!("no protocol here lends memory"),
    }
}

/// The bytes on the wire, or the code of the error.
pub fn encoded(protocol: &dyn StreamProtocol, parts: &[&[u8]]) -> Result<Vec<u8>, i32> {
    let mut gather = Gather::default();
    protocol.encode(parts, &mut gather.sink()).map_err(|error| error.code())?;
    let bytes = gather.to_vec();
    if let (Some(head), [packet]) = (protocol.head(), parts) {
        assert!(head.admits(packet.len()));
        assert_eq!(bytes, [&head.wide(packet.len())[..head.width()], packet].concat());
    }
    Ok(bytes)
}

/// A receiver that does with a decoder what an endpoint does.
struct Receiver {
    decoder: Box<dyn Decoder>,
    /// What has come and is not spent.
    bytes: Vec<u8>,
    /// The same, as the decoder is shown it.
    shown: Vec<u8>,
    /// What replaces the bytes that the decoder has seen, to catch it looking at them again.
    poison: Option<u8>,
    events: Vec<Event>,
}

impl Receiver {
    fn spend(&mut self, used: usize) {
        self.bytes.drain(..used);
        self.shown.drain(..used);
    }

    fn receive(&mut self, chunk: &[u8], ended: bool) {
        self.bytes.extend_from_slice(chunk);
        self.shown.extend_from_slice(chunk);
        while !self.bytes.is_empty() {
            let step = self.decoder.decode(&self.shown, ended);
            if let Step::More { used } = step {
                self.spend(used);
                assert!(self.bytes.len() <= self.decoder.limit(), "more has gathered than the limit says");
                if let Some(poison) = self.poison {
                    self.shown.fill(poison);
                }
                return;
            }
            match step {
                Step::Packet(Cut { start, end, used }) => {
                    assert!(used > 0, "a packet that spends nothing comes again for ever");
                    self.events.push(packet(&self.bytes[start..end]));
                    self.spend(used);
                }
                Step::Bad { error, used } => {
                    self.events.push(Event::Bad(error.code()));
                    self.spend(used);
                }
                Step::Broken(error) => {
                    self.events.push(Event::Broken(error.code()));
                    self.spend(self.bytes.len());
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
    }
}

/// Feeds chunks to a new decoder. Nothing more is fed to a stream that is broken.
pub fn feed<'a>(
    decoder: Box<dyn Decoder>,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    poison: Option<u8>,
) -> Outcome {
    let (bytes, shown, events) = (Vec::new(), Vec::new(), Vec::new());
    let mut receiver = Receiver { decoder, bytes, shown, poison, events };
    for chunk in chunks {
        receiver.receive(chunk, false);
        if matches!(receiver.events.last(), Some(Event::Broken(_))) {
            return (receiver.events, 0);
        }
    }
    receiver.receive(&[], true);
    (receiver.events, receiver.bytes.len())
}

/// Feeds the input whole, split in two at every place, and byte by byte: each way must have the
/// same outcome.
pub fn assert_received(
    protocol: &dyn StreamProtocol,
    poison: Option<u8>,
    input: &[u8],
    events: &[Event],
    rest: usize,
) {
    let expected = (events.to_vec(), rest);
    let shown = String::from_utf8_lossy(input);
    assert_eq!(feed(decoder(protocol), [input], poison), expected, "{shown:?} whole");
    for place in 1..input.len() {
        let (first, second) = input.split_at(place);
        let outcome = feed(decoder(protocol), [first, second], poison);
        assert_eq!(outcome, expected, "{shown:?} split at {place}");
    }
    assert_eq!(feed(decoder(protocol), input.chunks(1), poison), expected, "{shown:?} byte by byte");
}

/// A small source of numbers that look random, and are the same at every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }

    /// From 0 to `most` bytes, each one of `alphabet`.
    pub fn bytes(&mut self, most: usize, alphabet: &[u8]) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// Cuts the input into chunks of from 1 to `most` bytes.
    pub fn chunks<'a>(&mut self, mut input: &'a [u8], most: usize) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        while !input.is_empty() {
            let (chunk, rest) = input.split_at((self.below(most) + 1).min(input.len()));
            chunks.push(chunk);
            input = rest;
        }
        chunks
    }
}
