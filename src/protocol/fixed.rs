//! Packets that all have the same size.

use super::{Cut, Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};
use crate::error::{Result, invalid};

/// Every packet has the same number of bytes, and nothing stands between them.
#[derive(Debug)]
pub struct Fixed {
    size: usize,
}

impl Fixed {
    /// With so many bytes in each packet.
    pub fn new(size: usize) -> Result<Fixed> {
        match size {
            1..=MaxSize::LARGEST => Ok(Fixed { size }),
            0 => Err(invalid("packets of 0 bytes cannot be told apart")),
            _ => Err(invalid(format!("a packet size of {size} bytes is more than {}", MaxSize::LARGEST))),
        }
    }
}

impl Protocol for Fixed {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        let given = parts.iter().fold(0usize, |size, part| size.saturating_add(part.len()));
        if given != self.size {
            let size = self.size;
            return Err(invalid(format!("a packet of {given} bytes where every packet has {size}")));
        }
        out.push_all(parts);
        Ok(())
    }
}

impl StreamProtocol for Fixed {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        Ok(Decoding::Gathered(Box::new(FixedDecoder {
            size: self.size,
            max: MaxSize(self.size).lowered(at_most),
        })))
    }
}

struct FixedDecoder {
    size: usize,
    max: MaxSize,
}

impl Decoder for FixedDecoder {
    fn decode(&mut self, bytes: &[u8], _ended: bool) -> Step {
        let size = self.size;
        if size > self.max.bytes() {
            return Step::Broken(self.max.exceeded());
        }
        match bytes.len() < size {
            true => Step::More { used: 0 },
            false => Step::Packet(Cut { start: 0, end: size, used: size }),
        }
    }

    fn limit(&self) -> usize {
        self.max.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Event, assert_received, decoder_at_most, encoded, feed, packet};
    use super::*;
    use crate::error::{EN_EINVAL, EN_EMSGSIZE};

    #[test]
    fn packets_are_cut_to_size() {
        for (size, input, packets, rest) in [
            (1, "abc", &["a", "b", "c"][..], 0),
            (3, "abcdefg", &["abc", "def"], 1),
            (3, "ab", &[], 2),
            (3, "abcdef", &["abc", "def"], 0),
        ] {
            let events: Vec<_> = packets.iter().map(packet).collect();
            assert_received(&Fixed::new(size).unwrap(), None, input.as_bytes(), &events, rest);
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        let fixed = Fixed::new(3).unwrap();
        assert_eq!(encoded(&fixed, &[b"a", b"bc"]), Ok(b"abc".to_vec()));
        for parts in [&[][..], &[&b"ab"[..]], &[b"ab", b"cd"]] {
            assert_eq!(encoded(&fixed, parts), Err(EN_EINVAL));
        }
        for size in [0, MaxSize::LARGEST + 1, usize::MAX] {
            assert_eq!(Fixed::new(size).unwrap_err().code(), EN_EINVAL);
        }
        assert!(Fixed::new(MaxSize::LARGEST).is_ok());
    }

    #[test]
    fn a_limit_below_the_size_lets_nothing_through() {
        for (limit, event) in [(2, Event::Broken(EN_EMSGSIZE)), (3, packet("abc")), (4, packet("abc"))] {
            let decoder = decoder_at_most(limit, &Fixed::new(3).unwrap());
            assert_eq!(feed(decoder, [&b"abc"[..]], None), (vec![event], 0));
        }
    }
}
