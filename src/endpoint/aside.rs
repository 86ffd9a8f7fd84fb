//! Bytes that are put aside, to be sent with what follows.

use super::Encoder;
use crate::error::Result;
use crate::protocol::sink::{COPY_BELOW, Sink};
use crate::protocol::{Gather, Head};

/// A write buffer.
#[derive(Debug)]
pub struct Aside {
    /// The first `gone` of them have been sent.
    bytes: Vec<u8>,
    gone: usize,
    /// How many bytes are put aside at most.
    size: usize,
}

impl Aside {
    /// For so many bytes.
    pub fn new(size: usize) -> Aside {
        Aside { bytes: Vec::new(), gone: 0, size }
    }

    /// What is to be sent.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.gone..]
    }

    /// Whether there is nothing to send.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.gone == self.bytes.len()
    }

    /// So many more bytes have been sent.
    pub fn advance(&mut self, count: usize) {
        self.gone += count;
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets what is to be sent.
    pub fn clear(&mut self) {
        self.gone = 0;
        self.bytes.clear();
    }

    /// Puts gathered bytes behind those that are there, if they fit.
    pub fn put(&mut self, out: &mut Gather<'_>) -> bool {
        if out.sent() > 0 || self.rest().len() + out.len() > self.size {
            return false;
        }
        if self.gone > 0 {
            self.bytes.drain(..self.gone);
            self.gone = 0;
        }
        out.copy_to(&mut self.bytes);
        out.advance(out.len());
        true
    }

    /// Puts a short packet with its head right behind what is there; whether that could be done.
    #[inline(always)]
    pub fn push(&mut self, head: &Head, packet: &[u8]) -> bool {
        let fits = self.bytes.len() + Head::WIDEST + packet.len() <= self.size;
        // What is long is sent from where it lies.
        if self.gone > 0 || packet.len() >= COPY_BELOW || !fits || !head.admits(packet.len()) {
            return false;
        }
        head.write(packet.len(), &mut self.bytes);
        self.bytes.extend_from_slice(packet);
        true
    }

    /// Encodes a packet right behind what is there, without any code of the application's. False: it
    /// does not fit there.
    #[inline(always)]
    pub fn append(&mut self, encoder: &Encoder, parts: &[&[u8]]) -> Result<bool> {
        // What is long is sent from where it lies.
        if self.gone > 0 || parts.iter().any(|part| part.len() >= COPY_BELOW) {
            return Ok(false);
        }
        let before = self.bytes.len();
        encoder.write(parts, &mut Sink::copying(&mut self.bytes))?;
        let fits = self.bytes.len() <= self.size;
        if !fits {
            self.bytes.truncate(before);
        }
        Ok(fits)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::EN_EMSGSIZE;
    use crate::protocol::delimited::Delimited;
    use crate::protocol::sink::COPY_BELOW;
    use crate::protocol::{MaxSize, StreamProtocol};

    fn lines(max: usize) -> Encoder {
        let max = MaxSize::new(max).expect("a maximum");
        let protocol: Arc<dyn StreamProtocol> = Arc::new(Delimited::new(b"\n", max).expect("a delimiter"));
        protocol.into()
    }

    #[test]
    fn packets_lie_one_behind_the_other_as_long_as_they_fit() {
        let (encoder, mut aside) = (lines(0), Aside::new(8));
        assert!(aside.append(&encoder, &[b"a", b"b"]).expect("encoded"));
        assert!(aside.append(&encoder, &[b"cdef"]).expect("encoded"));
        assert_eq!(aside.rest(), b"ab\ncdef\n");
        assert!(!aside.append(&encoder, &[b""]).expect("encoded"));
        assert_eq!(aside.rest(), b"ab\ncdef\n");
        assert!(!aside.is_empty());
        aside.clear();
        assert!(aside.is_empty());
    }

    #[test]
    fn what_cannot_be_encoded_leaves_nothing() {
        let (encoder, mut aside) = (lines(2), Aside::new(100));
        assert!(aside.append(&encoder, &[b"ab"]).expect("encoded"));
        assert_eq!(aside.append(&encoder, &[b"abc"]).expect_err("too large").code(), EN_EMSGSIZE);
        assert_eq!(aside.rest(), b"ab\n");
    }

    #[test]
    fn long_pieces_are_not_for_it() {
        let (encoder, mut aside) = (lines(0), Aside::new(1 << 20));
        assert!(!aside.append(&encoder, &[&[7; COPY_BELOW]]).expect("encoded"));
        assert!(aside.is_empty());
    }

    #[test]
    fn behind_what_has_begun_to_go_packets_are_put_in_one_piece() {
        let (encoder, mut aside) = (lines(0), Aside::new(8));
        assert!(aside.append(&encoder, &[b"abc"]).expect("encoded"));
        aside.advance(3);
        assert!(!aside.append(&encoder, &[b"d"]).expect("encoded"));
        let mut out = Gather::default();
        out.push(b"d\n");
        assert!(aside.put(&mut out) && out.is_sent());
        assert_eq!(aside.rest(), b"\nd\n");
        aside.advance(3);
        assert!(aside.is_empty());
    }
}
