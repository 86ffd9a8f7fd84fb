//! No packets: bytes as they come.

use super::{Cut, Decoder, Decoding, Head, MaxSize, Protocol, Sink, Step, StreamProtocol};
use crate::error::Result;

/// Bytes go out as they are given, and come as they arrive.
#[derive(Debug)]
pub struct Raw {
    max: MaxSize,
}

impl Raw {
    /// With at most so many bytes at a time.
    pub fn new(max: MaxSize) -> Raw {
        Raw { max }
    }
}

impl Protocol for Raw {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        self.max.admit(parts)?;
        out.push_all(parts);
        Ok(())
    }

    fn head(&self) -> Option<Head> {
        Some(Head::nothing(self.max))
    }
}

impl StreamProtocol for Raw {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        Ok(Decoding::Gathered(Box::new(RawDecoder { max: self.max.lowered(at_most) })))
    }
}

struct RawDecoder {
    max: MaxSize,
}

impl Decoder for RawDecoder {
    fn decode(&mut self, bytes: &[u8], _ended: bool) -> Step {
        let end = bytes.len().min(self.max.bytes());
        Step::Packet(Cut { start: 0, end, used: end })
    }

    fn limit(&self) -> usize {
        self.max.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoder, decoder_at_most, encoded, feed, packet};
    use super::*;
    use crate::error::EN_EMSGSIZE;

    fn raw(max: usize) -> Raw {
        Raw::new(MaxSize::new(max).unwrap())
    }

    #[test]
    fn bytes_come_as_they_arrive() {
        let chunks = [&b"abc"[..], b"d", b"efghij"];
        let events = ["abc", "d", "efgh", "ij"].map(packet).to_vec();
        assert_eq!(feed(decoder(&raw(4)), chunks, None), (events, 0));
    }

    #[test]
    fn a_lower_limit_counts_and_a_higher_one_does_not() {
        for (limit, first) in [(2, "ab"), (5, "abc")] {
            let decoder = decoder_at_most(limit, &raw(3));
            assert_eq!(decoder.limit(), first.len());
            assert_eq!(feed(decoder, [&b"abc"[..]], None).0[0], packet(first));
        }
    }

    #[test]
    fn bytes_go_out_as_they_are() {
        assert_eq!(encoded(&raw(4), &[b"ab", b"", b"cd"]), Ok(b"abcd".to_vec()));
        assert_eq!(encoded(&raw(4), &[]), Ok(vec![]));
        assert_eq!(encoded(&raw(4), &[b"ab", b"cde"]), Err(EN_EMSGSIZE));
    }
}
