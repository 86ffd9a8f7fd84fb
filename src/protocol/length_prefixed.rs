//! Packets that each begin with their length.

use std::sync::Arc;

use super::head::{ByteOrder, Head};
use super::{Cut, Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};
use crate::error::{EN_EBADMSG, EN_EMSGSIZE, Error, Result};

/// The most bytes a varint has.
const VARINT_LONGEST: usize = 10;

/// How the length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// One byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
    /// Seven bits in each byte, the lowest first; the highest bit says that more follow.
    Varint,
}

/// Each packet begins with its length, and comes and goes without it: packets of at most `max` bytes, not
/// counting the length. If `includes_length`, the number on the wire counts its own bytes, too.
pub fn length_prefixed(
    prefix: Prefix,
    order: ByteOrder,
    includes_length: bool,
    max: MaxSize,
) -> Arc<dyn StreamProtocol> {
    match prefix {
        Prefix::U8 => FixedWidth::<1>::shared(order, includes_length, max),
        Prefix::U16 => FixedWidth::<2>::shared(order, includes_length, max),
        Prefix::U32 => FixedWidth::<4>::shared(order, includes_length, max),
        Prefix::U64 => FixedWidth::<8>::shared(order, includes_length, max),
        Prefix::Varint => Arc::new(Varint { includes_length, max }),
    }
}

/// With a length that always has the same number of bytes: each is on its own, as one for all would do a
/// good deal more for each packet.
#[derive(Clone, Copy)]
struct FixedWidth<const WIDTH: usize> {
    order: ByteOrder,
    /// How many bytes the length counts beside the packet's.
    counted: u8,
    max: MaxSize,
}

/// With a varint.
#[derive(Clone, Copy)]
struct Varint {
    includes_length: bool,
    max: MaxSize,
}

impl<const WIDTH: usize> FixedWidth<WIDTH> {
    fn shared(order: ByteOrder, includes_length: bool, max: MaxSize) -> Arc<dyn StreamProtocol> {
        let counted = if includes_length { WIDTH as u8 } else { 0 };
        Arc::new(FixedWidth::<WIDTH> { order, counted, max })
    }

    #[inline]
    fn prefix(&self) -> Head {
        Head::length(WIDTH, self.order, self.counted, self.max)
    }
}

impl<const WIDTH: usize> Protocol for FixedWidth<WIDTH> {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        let size = self.max.admit(parts)?;
        if size as u64 > Head::largest(WIDTH, self.counted) {
            return Err(too_large(size, WIDTH));
        }
        out.push_head(&self.prefix(), size);
        out.push_all(parts);
        Ok(())
    }

    fn head(&self) -> Option<Head> {
        Some(self.prefix())
    }
}

impl<const WIDTH: usize> StreamProtocol for FixedWidth<WIDTH> {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        Ok(Decoding::Gathered(Box::new(Self { max: self.max.lowered(at_most), ..*self })))
    }
}

impl Varint {
    /// The number that is shown for a packet of `size` bytes.
    fn number(self, size: usize) -> u64 {
        let size = size as u64;
        match self.includes_length {
            // The smallest one that counts as many bytes as it has itself.
            true => (1..).map(|own| size + own).find(|sum| varint_len(*sum) == sum - size).unwrap_or(size),
            false => size,
        }
    }
}

impl Protocol for Varint {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        push_varint(out, self.number(self.max.admit(parts)?));
        out.push_all(parts);
        Ok(())
    }
}

impl StreamProtocol for Varint {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        Ok(Decoding::Gathered(Box::new(Self { max: self.max.lowered(at_most), ..*self })))
    }
}

#[cold]
fn too_large(size: usize, width: usize) -> Error {
    Error::new(EN_EMSGSIZE, format!("a packet of {size} bytes is too large for a length of {width} bytes"))
}

/// How many bytes a number has as a varint.
fn varint_len(number: u64) -> u64 {
    let bits = u64::from(64 - (number | 1).leading_zeros());
    bits.div_ceil(7)
}

fn push_varint(out: &mut Sink<'_, '_>, mut number: u64) {
    let mut bytes = [0; VARINT_LONGEST];
    let mut length = 0;
    while number >= 0x80 {
        bytes[length] = number as u8 | 0x80;
        number >>= 7;
        length += 1;
    }
    bytes[length] = number as u8;
    out.push_copy(&bytes[..=length]);
}

/// The packet behind a prefix of `width` bytes, if it is there.
#[inline]
fn behind(width: usize, size: usize, bytes: &[u8]) -> Step {
    let end = width + size;
    match bytes.len() < end {
        true => Step::More { used: 0 },
        false => Step::Packet(Cut { start: width, end, used: end }),
    }
}

/// What a receive says to a length that no packet has.
#[cold]
fn refusal(length: u64, counted: u64, max: MaxSize) -> Error {
    if length < counted {
        let reason = format!("a length of {length} has come that should count its own {counted} bytes");
        return Error::new(EN_EBADMSG, reason);
    }
    let size = length - counted;
    let reason = format!("a packet of {size} bytes is coming, and the maximum is {}", max.bytes());
    Error::new(EN_EMSGSIZE, reason)
}

impl<const WIDTH: usize> FixedWidth<WIDTH> {
    #[inline]
    fn length(&self, prefix: &[u8; WIDTH]) -> u64 {
        let mut wide = [0; 8];
        match self.order {
            ByteOrder::Big => {
                wide[8 - WIDTH..].copy_from_slice(prefix);
                u64::from_be_bytes(wide)
            }
            ByteOrder::Little => {
                wide[..WIDTH].copy_from_slice(prefix);
                u64::from_le_bytes(wide)
            }
        }
    }
}

impl<const WIDTH: usize> Decoder for FixedWidth<WIDTH> {
    #[inline]
    fn decode(&mut self, bytes: &[u8], _ended: bool) -> Step {
        let Some(prefix) = bytes.first_chunk() else {
            return Step::More { used: 0 };
        };
        let length = self.length(prefix);
        // One that is too small wraps around and becomes one that is too large.
        let counted = u64::from(self.counted);
        let size = length.wrapping_sub(counted);
        match size > self.max.bytes() as u64 {
            true => Step::Broken(refusal(length, counted, self.max)),
            false => behind(WIDTH, size as usize, bytes),
        }
    }

    fn limit(&self) -> usize {
        self.max.bytes() + WIDTH
    }
}

/// The number a varint shows and how many bytes it has, if it is whole; an error if it never will.
#[inline]
fn read_varint(bytes: &[u8]) -> Result<Option<(u64, usize)>> {
    let mut number = 0;
    for (place, byte) in bytes.iter().take(VARINT_LONGEST).enumerate() {
        if place == VARINT_LONGEST - 1 && *byte > 1 {
            return Err(endless());
        }
        number |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            return Ok(Some((number, place + 1)));
        }
    }
    Ok(None)
}

#[cold]
fn endless() -> Error {
    Error::new(EN_EBADMSG, "a length has come that has more than 64 bits or ten bytes")
}

impl Decoder for Varint {
    #[inline]
    fn decode(&mut self, bytes: &[u8], _ended: bool) -> Step {
        let (length, width) = match read_varint(bytes) {
            Ok(Some(found)) => found,
            Ok(None) => return Step::More { used: 0 },
            Err(error) => return Step::Broken(error),
        };
        let counted = if self.includes_length { width as u64 } else { 0 };
        let size = length.wrapping_sub(counted);
        match size > self.max.bytes() as u64 {
            true => Step::Broken(refusal(length, counted, self.max)),
            false => behind(width, size as usize, bytes),
        }
    }

    fn limit(&self) -> usize {
        self.max.bytes() + VARINT_LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        Event, Random, assert_received, decoder, decoder_at_most, encoded, feed, packet,
    };
    use super::ByteOrder::{Big, Little};
    use super::Prefix::{U8, U16, U32, U64, Varint};
    use super::*;

    fn prefixed(
        prefix: Prefix,
        order: ByteOrder,
        includes_length: bool,
        max: usize,
    ) -> Arc<dyn StreamProtocol> {
        length_prefixed(prefix, order, includes_length, MaxSize::new(max).unwrap())
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn packets_may_be_larger_than_32_bits_can_tell() {
        // The same memory many times over, which is not copied.
        let part = vec![0; 16 << 20];
        let parts = vec![&part[..]; 257];
        let size = part.len() * parts.len();
        for (prefix, goes) in [(U64, true), (U32, false)] {
            let protocol = prefixed(prefix, Big, false, 1 << 40);
            let mut out = crate::protocol::Gather::default();
            let outcome = protocol.encode(&parts, &mut out.sink());
            assert_eq!(outcome.is_ok(), goes);
            assert_eq!(out.len(), if goes { 8 + size } else { 0 });
        }
    }

    #[test]
    fn a_length_and_its_packet() {
        for (prefix, order, includes_length, wire) in [
            (U8, Big, false, &b"\x02ab"[..]),
            (U8, Big, true, b"\x03ab"),
            (U16, Big, false, b"\0\x02ab"),
            (U16, Little, false, b"\x02\0ab"),
            (U16, Big, true, b"\0\x04ab"),
            (U32, Big, false, b"\0\0\0\x02ab"),
            (U32, Little, false, b"\x02\0\0\0ab"),
            (U32, Little, true, b"\x06\0\0\0ab"),
            (U64, Big, false, b"\0\0\0\0\0\0\0\x02ab"),
            (U64, Little, true, b"\x0a\0\0\0\0\0\0\0ab"),
            (Varint, Big, false, b"\x02ab"),
            (Varint, Big, true, b"\x03ab"),
        ] {
            let protocol = prefixed(prefix, order, includes_length, 2);
            assert_eq!(encoded(&*protocol, &[b"a", b"", b"b"]), Ok(wire.to_vec()), "{prefix:?} {order:?}");
            let (cut, input) = (wire.len() - 1, [wire, wire].concat());
            let events = [packet("ab"), packet("ab")];
            assert_received(&*protocol, None, &input, &events, 0);
            assert_received(&*protocol, None, &input[..wire.len() + cut], &events[..1], cut);
            assert_eq!(encoded(&*protocol, &[b"ab", b"c"]), Err(EN_EMSGSIZE));
        }
    }

    #[test]
    fn lengths_that_cannot_be_break_the_stream() {
        let (large, bad) = (Event::Broken(EN_EMSGSIZE), Event::Broken(EN_EBADMSG));
        for (prefix, order, includes_length, input, event) in [
            (U8, Big, false, &b"\x04"[..], large.clone()),
            (U8, Big, true, b"\x05", large.clone()),
            (U8, Big, true, b"\0", bad.clone()),
            (U16, Big, true, b"\0\x01", bad.clone()),
            (U32, Little, true, b"\x03\0\0\0", bad.clone()),
            (U32, Big, false, b"\xff\xff\xff\xff", large.clone()),
            (U64, Big, false, b"\xff\xff\xff\xff\xff\xff\xff\xff", large.clone()),
            (U64, Big, true, b"\xff\xff\xff\xff\xff\xff\xff\xff", large.clone()),
            (U64, Little, false, b"\0\0\0\0\x01\0\0\0", large.clone()),
            (U64, Big, true, b"\0\0\0\0\0\0\0\x07", bad.clone()),
            (Varint, Big, false, b"\x04", large.clone()),
            (Varint, Big, true, b"\0", bad.clone()),
            (Varint, Big, true, b"\x81\0", bad.clone()),
            (Varint, Big, false, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", large.clone()),
            (Varint, Big, false, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", bad.clone()),
            (Varint, Big, false, b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", bad.clone()),
        ] {
            // The error comes with the last byte of the length, not later.
            let protocol = prefixed(prefix, order, includes_length, 3);
            assert_received(&*protocol, None, input, std::slice::from_ref(&event), 0);
            let (_, all_but_one) = input.split_last().unwrap();
            assert_eq!(feed(decoder(&*protocol), [all_but_one], None), (vec![], all_but_one.len()));
        }
    }

    #[test]
    fn a_packet_too_large_for_its_length_is_refused() {
        let large = vec![0; 65536];
        for (prefix, includes_length, largest) in
            [(U8, false, 255), (U8, true, 254), (U16, false, 65535), (U16, true, 65533)]
        {
            let protocol = prefixed(prefix, Big, includes_length, 0);
            let wire = encoded(&*protocol, &[&large[..largest]]).unwrap();
            assert_eq!(feed(decoder(&*protocol), [&wire[..]], None), (vec![packet(&large[..largest])], 0));
            assert_eq!(encoded(&*protocol, &[&large[..largest + 1]]), Err(EN_EMSGSIZE));
        }
    }

    #[test]
    fn varints_have_as_many_bytes_as_they_need() {
        for (includes_length, size, start) in [
            (false, 0, &[0][..]),
            (false, 127, &[127]),
            (false, 128, &[0x80, 1]),
            (false, 300, &[0xac, 2]),
            (false, 16383, &[0xff, 0x7f]),
            (false, 16384, &[0x80, 0x80, 1]),
            (true, 0, &[1]),
            (true, 126, &[127]),
            (true, 127, &[0x81, 1]),
            (true, 16381, &[0xff, 0x7f]),
            (true, 16382, &[0x81, 0x80, 1]),
        ] {
            let protocol = prefixed(Varint, Big, includes_length, 0);
            let bytes = vec![7; size];
            let wire = encoded(&*protocol, &[&bytes]).unwrap();
            assert_eq!(wire, [start, &bytes].concat());
            assert_eq!(feed(decoder(&*protocol), [&wire[..]], None), (vec![packet(&bytes)], 0));
        }
        assert_eq!(varint_len(u64::MAX), VARINT_LONGEST as u64);
    }

    #[test]
    fn varints_may_be_padded() {
        let padded = b"\x82\x80\0ab\x82\x80\x80\x80\x80\x80\x80\x80\x80\0ab";
        let events = [packet("ab"), packet("ab")];
        assert_received(&*prefixed(Varint, Big, false, 2), None, padded, &events, 0);
        assert_received(&*prefixed(Varint, Big, true, 2), None, b"\x84\0ab\x85\x80\0ab", &events, 0);
    }

    #[test]
    fn a_lower_limit_counts_and_a_higher_one_does_not() {
        for (prefix, width) in [(U8, 1), (Varint, VARINT_LONGEST)] {
            for (limit, event) in [(2, Event::Broken(EN_EMSGSIZE)), (3, packet("abc")), (9, packet("abc"))] {
                let decoder = decoder_at_most(limit, &*prefixed(prefix, Big, false, 3));
                assert_eq!(decoder.limit(), limit.min(3) + width);
                assert_eq!(feed(decoder, [&b"\x03abc"[..]], None), (vec![event], 0));
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_is_received() {
        let mut random = Random::new(3);
        for prefix in [U8, U16, U32, U64, Varint] {
            for (order, includes_length) in [(Big, false), (Little, true), (Big, true), (Little, false)] {
                let protocol = prefixed(prefix, order, includes_length, 300);
                let packets: Vec<_> = (0..50).map(|_| random.bytes(247, b"\0\x01\x02\x80\xff")).collect();
                let wire: Vec<_> =
                    packets.iter().flat_map(|bytes| encoded(&*protocol, &[bytes]).unwrap()).collect();
                let chunks = random.chunks(&wire, 100);
                let events = packets.iter().map(packet).collect();
                assert_eq!(feed(decoder(&*protocol), chunks, None), (events, 0), "{prefix:?} {order:?}");
            }
        }
    }
}
