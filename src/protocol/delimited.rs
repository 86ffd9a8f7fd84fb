//! Packets that each end with the same bytes.

use std::sync::Arc;

use memchr::memchr;

use super::{Cut, Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};
use crate::error::{Result, invalid};

/// The longest delimiter, in bytes.
const LONGEST: usize = 65536;

/// Each packet ends with the delimiter, and comes and goes without it.
#[derive(Debug)]
pub struct Delimited {
    delimiter: Arc<Delimiter>,
    strips_cr: bool,
    max: MaxSize,
}

impl Delimited {
    /// Packets of at most so many bytes, not counting the delimiter.
    pub fn new(delimiter: &[u8], max: MaxSize) -> Result<Delimited> {
        match delimiter.len() {
            1..=LONGEST => Ok(Delimited::lines(delimiter, false, max)),
            length => {
                Err(invalid(format!("a delimiter of {length} bytes: it must have from 1 to {LONGEST}")))
            }
        }
    }

    /// The same for a delimiter that is known to be good; if `strips_cr`, one CR before it belongs
    /// to it.
    pub(super) fn lines(delimiter: &[u8], strips_cr: bool, max: MaxSize) -> Delimited {
        Delimited { delimiter: Arc::new(Delimiter::new(delimiter)), strips_cr, max }
    }

    /// Refuses what the receiver would cut at another place.
    fn check(&self, parts: &[&[u8]]) -> Result<()> {
        let mut matched = 0;
        if parts.iter().any(|part| self.delimiter.find(&mut matched, part).is_some()) {
            return Err(invalid("the packet holds the delimiter: it would be cut there"));
        }
        if self.delimiter.ends_early(matched) {
            return Err(invalid("the end of the packet makes a delimiter with the one that follows"));
        }
        let last = parts.iter().rev().find_map(|part| part.last());
        match self.strips_cr && last == Some(&b'\r') {
            true => Err(invalid("the packet ends with CR, which would count as a part of the newline")),
            false => Ok(()),
        }
    }
}

impl Protocol for Delimited {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        self.max.admit(parts)?;
        self.check(parts)?;
        out.push_all(parts);
        out.push(&self.delimiter.bytes);
        Ok(())
    }
}

impl StreamProtocol for Delimited {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        Ok(Decoding::Gathered(Box::new(DelimitedDecoder {
            delimiter: self.delimiter.clone(),
            strips_cr: self.strips_cr,
            max: self.max.lowered(at_most),
            scanned: 0,
            matched: 0,
            discarding: false,
        })))
    }
}

/// The bytes to look for, one at a time and none twice, however they overlap with themselves
/// (Knuth, Morris and Pratt).
#[derive(Debug)]
struct Delimiter {
    bytes: Box<[u8]>,
    /// When so many bytes match and the next one does not: how many still match.
    fallback: Box<[u32]>,
}

impl Delimiter {
    fn new(bytes: &[u8]) -> Delimiter {
        let mut delimiter = Delimiter { bytes: bytes.into(), fallback: vec![0; bytes.len() + 1].into() };
        let mut matched = 0;
        for (place, byte) in bytes.iter().enumerate().skip(1) {
            matched = delimiter.follow(matched, *byte);
            delimiter.fallback[place + 1] = matched as u32;
        }
        delimiter
    }

    /// How many bytes match behind one more byte.
    #[inline]
    fn follow(&self, mut matched: usize, byte: u8) -> usize {
        while matched > 0 && self.bytes[matched] != byte {
            matched = self.fallback[matched] as usize;
        }
        matched + usize::from(self.bytes[matched] == byte)
    }

    /// Where the first delimiter ends. `matched` says how much of it the bytes before have brought,
    /// and then how much of it these bytes end with.
    #[inline]
    fn find(&self, matched: &mut usize, bytes: &[u8]) -> Option<usize> {
        let mut place = 0;
        loop {
            if *matched == 0 {
                place += memchr(self.bytes[0], &bytes[place..])? + 1;
                *matched = 1;
            }
            while *matched < self.bytes.len() {
                *matched = self.follow(*matched, *bytes.get(place)?);
                place += 1;
                if *matched == 0 {
                    break;
                }
            }
            if *matched == self.bytes.len() {
                *matched = 0;
                return Some(place);
            }
        }
    }

    /// Whether a delimiter that follows where so many bytes match already ends before its end.
    fn ends_early(&self, mut matched: usize) -> bool {
        let (_, but_last) = self.bytes.split_last().expect("a delimiter has bytes");
        let overlaps_itself = self.fallback[self.bytes.len()] > 0;
        overlaps_itself && matched > 0 && self.find(&mut matched, but_last).is_some()
    }
}

struct DelimitedDecoder {
    delimiter: Arc<Delimiter>,
    strips_cr: bool,
    max: MaxSize,
    /// How many bytes of the packet were looked at.
    scanned: usize,
    /// How much of the delimiter they end with.
    matched: usize,
    /// The packet is too large: its error was reported, its end has not come.
    discarding: bool,
}

impl DelimitedDecoder {
    /// Whether a CR at the end of these bytes counts as a part of the delimiter.
    #[inline]
    fn cr(&self, bytes: &[u8]) -> usize {
        usize::from(self.strips_cr && bytes.last() == Some(&b'\r'))
    }

    /// The packet ends here, with its delimiter before `used`.
    #[inline]
    fn whole(&mut self, bytes: &[u8], start: usize, used: usize) -> Step {
        self.scanned = 0;
        let end = used - self.delimiter.bytes.len();
        let end = end - self.cr(&bytes[start..end]);
        match end - start <= self.max.bytes() {
            true => Step::Packet(Cut { start, end, used }),
            false => Step::Bad { error: self.max.exceeded(), used },
        }
    }

    /// All bytes were looked at, and the packet does not end in them.
    fn partial(&mut self, bytes: &[u8], start: usize) -> Step {
        let packet = &bytes[start..];
        // What may turn out to be the delimiter is not held against the packet.
        if packet.len() - self.matched - self.cr(packet) > self.max.bytes() {
            self.discarding = true;
            self.scanned = 0;
            return Step::Bad { error: self.max.exceeded(), used: bytes.len() };
        }
        self.scanned = packet.len();
        Step::More { used: start }
    }
}

impl Decoder for DelimitedDecoder {
    fn decode(&mut self, bytes: &[u8], _ended: bool) -> Step {
        let mut start = 0;
        if self.discarding {
            let Some(end) = self.delimiter.find(&mut self.matched, bytes) else {
                return Step::More { used: bytes.len() };
            };
            self.discarding = false;
            start = end;
        }
        let from = start + self.scanned;
        match self.delimiter.find(&mut self.matched, &bytes[from..]) {
            Some(place) => self.whole(bytes, start, from + place),
            None => self.partial(bytes, start),
        }
    }

    fn limit(&self) -> usize {
        self.max.bytes() + self.delimiter.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        Event, Random, assert_received, decoder, decoder_at_most, encoded, feed, packet,
    };
    use super::*;
    use crate::error::{EN_EINVAL, EN_EMSGSIZE};

    fn delimited(delimiter: &[u8], max: usize) -> Delimited {
        Delimited::new(delimiter, MaxSize::new(max).unwrap()).unwrap()
    }

    /// Poisoned with the delimiter's bytes in turn: whoever looks twice finds what is not there.
    fn assert_cut(delimiter: &[u8], max: usize, input: &[u8], events: &[Event], rest: usize) {
        for poison in delimiter {
            assert_received(&delimited(delimiter, max), Some(*poison), input, events, rest);
        }
    }

    #[test]
    fn packets_end_at_the_delimiter() {
        for (delimiter, input, packets, rest) in [
            ("\0", "a\0\0bc\0d", &["a", "", "bc"][..], 1),
            ("--", "a-b---c--", &["a-b", "-c"], 0),
            ("aab", "aaabaab", &["a", ""], 0),
            ("aa", "aaaaa", &["", ""], 1),
            ("abab", "abaabababx", &["aba"], 3),
            ("\r\n\r\n", "a\r\n\r\r\n\r\nb\r\n\r", &["a\r\n\r"], 4),
            ("abcabd", "abcabcabd", &["abc"], 0),
        ] {
            let events: Vec<_> = packets.iter().map(packet).collect();
            assert_cut(delimiter.as_bytes(), 0, input.as_bytes(), &events, rest);
        }
    }

    #[test]
    fn receiving_goes_on_behind_a_packet_that_is_too_large() {
        let bad = Event::Bad(EN_EMSGSIZE);
        for (delimiter, input, events, rest) in [
            (";", "abc;abcd;ab;", vec![packet("abc"), bad.clone(), packet("ab")], 0),
            (";", "abcdefghij", vec![bad.clone()], 0),
            (";", "abcdefghij;a", vec![bad.clone()], 1),
            (";;", "abc;;abc;d;;ab;;", vec![packet("abc"), bad.clone(), packet("ab")], 0),
            (";;", "abcd;e;;;;", vec![bad.clone(), packet("")], 0),
            ("abac", "xxxabacxxxxabacyabac", vec![packet("xxx"), bad.clone(), packet("y")], 0),
            ("abac", "xxxababacabac", vec![bad.clone(), packet("")], 0),
            ("aaa", "bbbaaabbbbaabaaabaaa", vec![packet("bbb"), bad.clone(), packet("b")], 0),
        ] {
            assert_cut(delimiter.as_bytes(), 3, input.as_bytes(), &events, rest);
        }
    }

    #[test]
    fn a_packet_is_too_large_as_soon_as_that_is_certain() {
        let mut decoder = decoder(&delimited(b"--", 3));
        assert!(matches!(decoder.decode(b"abc", false), Step::More { used: 0 }));
        assert!(matches!(decoder.decode(b"abc-", false), Step::More { used: 0 }));
        assert!(matches!(decoder.decode(b"abc-d", false), Step::Bad { used: 5, .. }));
        assert!(matches!(decoder.decode(b"e-", false), Step::More { used: 2 }));
        assert!(matches!(decoder.decode(b"-f--", false), Step::Packet(Cut { start: 1, end: 2, used: 4 })));
    }

    #[test]
    fn a_lower_limit_counts_and_a_higher_one_does_not() {
        for (limit, event) in [(2, Event::Bad(EN_EMSGSIZE)), (3, packet("abc")), (9, packet("abc"))] {
            let decoder = decoder_at_most(limit, &delimited(b"--", 3));
            assert_eq!(decoder.limit(), limit.min(3) + 2);
            assert_eq!(feed(decoder, [&b"abc--"[..]], None), (vec![event], 0));
        }
    }

    #[test]
    fn what_the_receiver_would_cut_elsewhere_is_refused() {
        for (delimiter, packet, good) in [
            ("aa", "xa", false),
            ("aa", "ax", true),
            ("aa", "aax", false),
            ("abab", "xab", false),
            ("abab", "xaba", true),
            ("aba", "ab", false),
            ("aba", "a", true),
            ("aba", "xbab", false),
            ("--", "a-b", true),
            ("\r\n", "a\r", true),
        ] {
            let (delimiter, packet) = (delimiter.as_bytes(), packet.as_bytes());
            let wire = [packet, delimiter].concat();
            for place in 0..=packet.len() {
                let (first, second) = packet.split_at(place);
                let result = encoded(&delimited(delimiter, 0), &[first, b"", second]);
                assert_eq!(result.is_ok(), good, "{packet:?} before {delimiter:?}");
                assert_eq!(result, if good { Ok(wire.clone()) } else { Err(EN_EINVAL) });
            }
        }
        assert_eq!(encoded(&delimited(b"-", 3), &[b"ab", b"cd"]), Err(EN_EMSGSIZE));
    }

    #[test]
    fn delimiters_have_from_one_to_65536_bytes() {
        for delimiter in [vec![], vec![0; LONGEST + 1]] {
            assert_eq!(Delimited::new(&delimiter, MaxSize::DEFAULT).unwrap_err().code(), EN_EINVAL);
        }
        assert!(Delimited::new(&[0; LONGEST], MaxSize::DEFAULT).is_ok());
    }

    /// One byte at a time, and nearly the delimiter all the time: whoever looks back never ends.
    #[test]
    fn a_long_delimiter_costs_no_more_than_a_short_one() {
        let delimiter = [&[b'a'; LONGEST - 1][..], b"b"].concat();
        let input = [&[b'a'; 3 * LONGEST][..], b"b"].concat();
        let mut decoder = decoder(&delimited(&delimiter, 0));
        for end in 1..input.len() {
            assert!(matches!(decoder.decode(&input[..end], false), Step::More { used: 0 }));
        }
        let step = decoder.decode(&input, false);
        let expected = (2 * LONGEST + 1, input.len());
        assert!(
            matches!(step, Step::Packet(Cut { start: 0, end, used }) if (end, used) == expected),
            "{step:?}"
        );
    }

    /// What is found by looking at everything again and again.
    fn cut_slowly(delimiter: &[u8], mut input: &[u8]) -> (Vec<Event>, usize) {
        let mut events = Vec::new();
        while let Some(end) = input.windows(delimiter.len()).position(|bytes| bytes == delimiter) {
            events.push(packet(&input[..end]));
            input = &input[end + delimiter.len()..];
        }
        (events, input.len())
    }

    #[test]
    fn any_delimiter_is_found_in_any_bytes() {
        let mut random = Random::new(2);
        for _ in 0..3000 {
            let delimiter = [random.bytes(5, b"ab"), b"a".to_vec()].concat();
            let input = random.bytes(60, b"aab");
            let protocol = delimited(&delimiter, 0);
            let chunks = random.chunks(&input, 4);
            assert_eq!(feed(decoder(&protocol), chunks, Some(b'a')), cut_slowly(&delimiter, &input));

            let bytes = random.bytes(6, b"aab");
            let wire = [&bytes[..], &delimiter].concat();
            let good = cut_slowly(&delimiter, &wire) == (vec![packet(&bytes)], 0);
            assert_eq!(encoded(&protocol, &[&bytes]), if good { Ok(wire) } else { Err(EN_EINVAL) });
        }
    }
}
