//! The write buffer: bytes that are put aside, to be sent with what follows.

use super::Encoder;
use crate::error::Result;
use crate::protocol::filled::Filled;
use crate::protocol::sink::{COPY_BELOW, Sink};
use crate::protocol::{Gather, Head};

/// To move so many bytes takes no longer than to send them.
const SOON_MOVED: usize = 64 << 10;

/// A write buffer.
#[derive(Debug)]
pub struct WriteBuffer {
    bytes: Filled,
    /// So many of the bytes have been sent.
    gone: usize,
    /// Part of it has gone, which may end anywhere.
    begun: bool,
    /// How many bytes are put aside at most.
    size: usize,
    /// What goes before each packet, if that is all that is done to it.
    head: Option<Head>,
}

impl WriteBuffer {
    /// For so many bytes, of packets that have such heads.
    pub fn new(size: usize, head: Option<Head>) -> WriteBuffer {
        WriteBuffer { bytes: Filled::new(), gone: 0, begun: false, size, head }
    }

    /// What is to be sent.
    pub fn rest(&self) -> &[u8] {
        &self.bytes.bytes()[self.gone..]
    }

    /// Whether there is nothing to send.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.gone == self.bytes.end()
    }

    /// Whether part of what was put aside has gone, which may end anywhere.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// So many more bytes have been sent.
    pub fn advance(&mut self, count: usize) {
        self.gone += count;
        self.begun |= count > 0;
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets what is to be sent.
    pub fn clear(&mut self) {
        self.bytes.truncate(0);
        (self.gone, self.begun) = (0, false);
    }

    /// Puts gathered bytes behind those that are there, if they fit.
    pub fn put(&mut self, out: &mut Gather<'_>) -> bool {
        debug_assert!(out.sent() == 0 || out.len() > self.size, "only what never fits is sent in part");
        if !self.has_room(out.len()) {
            return false;
        }
        out.copy_to(self.bytes.append(out.len()));
        out.advance(out.len());
        true
    }

    /// Whether so many bytes fit behind those that are there, which may have to move for it.
    fn has_room(&mut self, count: usize) -> bool {
        let rest = self.rest().len();
        if rest + count > self.size {
            return false;
        }
        if self.bytes.end() + count > self.size {
            // Who moved many for a few that have been sent would move more than he sends.
            if rest > self.gone.max(SOON_MOVED) {
                return false;
            }
            self.bytes.drop_first(std::mem::take(&mut self.gone));
        }
        let end = self.bytes.end() + count;
        if end > self.bytes.capacity() {
            // And as much again, for what follows.
            self.bytes.enlarge((2 * end).min(self.size));
        }
        true
    }

    /// Whether [`Self::push`] ever does something.
    pub fn pushes(&self) -> bool {
        self.head.is_some()
    }

    /// Puts a packet with its head right behind what is there, into memory that is there; whether that could
    /// be done.
    #[inline(always)]
    pub fn push(&mut self, packet: &[u8]) -> bool {
        let Some(head) = &self.head else { return false };
        if !head.admits(packet.len()) {
            return false;
        }
        // Encoding may have left memory for more than may be put aside.
        self.bytes.fill_to(
            self.size,
            #[inline(always)]
            |room| head.before(packet, room).map(<[u8]>::len),
        )
    }

    /// Encodes a packet right behind what is there, without any code of the application's. False: it
    /// does not fit there.
    #[inline(always)]
    pub fn append(&mut self, encoder: &Encoder, parts: &[&[u8]]) -> Result<bool> {
        // What is long is sent from where it lies.
        if parts.iter().any(|part| part.len() >= COPY_BELOW) {
            return Ok(false);
        }
        let end = self.bytes.end();
        let outcome = encoder.write(parts, &mut Sink::copying(&mut self.bytes));
        let fits = self.bytes.end() <= self.size;
        if !fits {
            self.bytes.truncate(end);
        }
        outcome.map(|()| fits)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::EN_EMSGSIZE;
    use crate::protocol::delimited::Delimited;
    use crate::protocol::head::ByteOrder;
    use crate::protocol::length_prefixed::{Prefix, length_prefixed};
    use crate::protocol::sink::COPY_BELOW;
    use crate::protocol::{MaxSize, StreamProtocol};

    fn lines(max: usize) -> Encoder {
        let max = MaxSize::new(max).expect("a maximum");
        let protocol: Arc<dyn StreamProtocol> = Arc::new(Delimited::new(b"\n", max).expect("a delimiter"));
        (&protocol).into()
    }

    #[test]
    fn packets_lie_one_behind_the_other_as_long_as_they_fit() {
        let (encoder, mut buffer) = (lines(0), WriteBuffer::new(8, None));
        assert!(buffer.append(&encoder, &[b"a", b"b"]).expect("encoded"));
        assert!(buffer.append(&encoder, &[b"cdef"]).expect("encoded"));
        assert_eq!(buffer.rest(), b"ab\ncdef\n");
        assert!(!buffer.append(&encoder, &[b""]).expect("encoded"));
        assert_eq!(buffer.rest(), b"ab\ncdef\n");
        assert!(!buffer.is_empty());
        buffer.clear();
        assert!(buffer.is_empty());
    }

    #[test]
    fn short_packets_go_behind_their_heads_where_there_is_memory() {
        let protocol =
            length_prefixed(Prefix::U16, ByteOrder::Big, false, MaxSize::new(9).expect("a maximum"));
        let mut buffer = WriteBuffer::new(24, protocol.head());
        assert!(buffer.pushes());
        assert!(!buffer.push(b"abc"), "there is no memory yet");
        let mut out = Gather::default();
        out.push(b"first+second");
        assert!(buffer.put(&mut out), "it brings memory for as much again");
        assert!(buffer.push(b"abcd"));
        assert_eq!(buffer.rest(), b"first+second\0\x04abcd");
        assert!(!buffer.push(b""), "there is no room for the widest head");
        buffer.clear();
        assert!(!buffer.push(&[7; 10]), "it is larger than the maximum");
        assert!(buffer.push(b"") && buffer.push(&[7; 9]));
        assert_eq!(buffer.rest(), b"\0\0\0\x09\x07\x07\x07\x07\x07\x07\x07\x07\x07");
        buffer.advance(1);
        assert!(buffer.push(b"a"), "what has begun to go is in nobody's way");
        assert_eq!(buffer.rest(), b"\0\0\x09\x07\x07\x07\x07\x07\x07\x07\x07\x07\0\x01a");
    }

    #[test]
    fn memory_that_encoding_left_makes_no_more_room() {
        let protocol =
            length_prefixed(Prefix::U16, ByteOrder::Big, false, MaxSize::new(99).expect("a maximum"));
        let head = protocol.head();
        let (encoder, mut buffer) = (Encoder::from(&protocol), WriteBuffer::new(24, head));
        assert!(!buffer.append(&encoder, &[&[7; 60]]).expect("encoded"));
        assert!(buffer.push(&[7; 12]) && !buffer.push(&[7; 8]));
        assert_eq!(buffer.rest().len(), 14);
    }

    #[test]
    fn what_cannot_be_encoded_leaves_nothing() {
        let (encoder, mut buffer) = (lines(2), WriteBuffer::new(100, None));
        assert!(buffer.append(&encoder, &[b"ab"]).expect("encoded"));
        assert_eq!(buffer.append(&encoder, &[b"abc"]).expect_err("too large").code(), EN_EMSGSIZE);
        assert_eq!(buffer.rest(), b"ab\n");
    }

    #[test]
    fn long_pieces_are_not_for_it() {
        let (encoder, mut buffer) = (lines(0), WriteBuffer::new(1 << 20, None));
        assert!(!buffer.append(&encoder, &[&[7; COPY_BELOW]]).expect("encoded"));
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_has_begun_to_go_makes_room() {
        let (encoder, mut buffer) = (lines(0), WriteBuffer::new(8, None));
        assert!(buffer.append(&encoder, &[b"abc"]).expect("encoded"));
        buffer.advance(3);
        assert!(buffer.append(&encoder, &[b"d"]).expect("encoded"), "there is room behind");
        assert_eq!(buffer.rest(), b"\nd\n");
        assert!(!buffer.append(&encoder, &[b"ef"]).expect("encoded"));
        let mut out = Gather::default();
        out.push(b"ef\n");
        assert!(buffer.put(&mut out) && out.is_sent());
        assert_eq!(buffer.rest(), b"\nd\nef\n");
        buffer.advance(6);
        assert!(buffer.is_empty());
    }

    #[test]
    fn many_are_not_moved_for_few() {
        let size = 4 * SOON_MOVED;
        let (piece, mut buffer) = (vec![7; 100], WriteBuffer::new(size, None));
        let put = |buffer: &mut WriteBuffer, bytes: &[u8]| {
            let mut out = Gather::default();
            out.push(bytes);
            buffer.put(&mut out)
        };
        assert!(put(&mut buffer, &vec![7; size]));
        buffer.advance(size / 2 - 1);
        assert!(!put(&mut buffer, &piece));
        buffer.advance(1);
        assert!(put(&mut buffer, &piece));
        assert_eq!(buffer.rest().len(), size / 2 + 100);
        assert!(put(&mut buffer, &vec![7; size / 2 - 100]));
        buffer.advance(size - SOON_MOVED);
        assert!(put(&mut buffer, &piece));
    }
}
