//! Lines.

use super::delimited::Delimited;
use super::{Decoding, MaxSize, Protocol, Sink, StreamProtocol};
use crate::error::Result;

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newline {
    /// LF.
    Lf,
    /// CR LF.
    CrLf,
    /// CR.
    Cr,
    /// LF or CR LF when received, LF when sent.
    Any,
}

/// Each packet is a line, and comes and goes without its newline.
#[derive(Debug)]
pub struct Line(Delimited);

impl Line {
    /// Lines of at most so many bytes, not counting the newline.
    pub fn new(newline: Newline, max: MaxSize) -> Line {
        let delimiter: &[u8] = match newline {
            Newline::Lf | Newline::Any => b"\n",
            Newline::CrLf => b"\r\n",
            Newline::Cr => b"\r",
        };
        Line(Delimited::lines(delimiter, newline == Newline::Any, max))
    }
}

impl Protocol for Line {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        self.0.encode(parts, out)
    }
}

impl StreamProtocol for Line {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        self.0.decoder(at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Event, Random, assert_received, decoder, encoded, feed, packet};
    use super::*;
    use crate::error::{EN_EINVAL, EN_EMSGSIZE};

    const ALL: [Newline; 4] = [Newline::Lf, Newline::CrLf, Newline::Cr, Newline::Any];

    fn line(newline: Newline, max: usize) -> Line {
        Line::new(newline, MaxSize::new(max).unwrap())
    }

    #[test]
    fn lines_end_at_their_newline_only() {
        let input = b"a\nb\r\n\r\r\nc\rd";
        for (newline, packets, rest) in [
            (Newline::Lf, &["a", "b\r", "\r\r"][..], 3),
            (Newline::CrLf, &["a\nb", "\r"], 3),
            (Newline::Cr, &["a\nb", "\n", "", "\nc"], 1),
            (Newline::Any, &["a", "b", "\r"], 3),
        ] {
            let events: Vec<_> = packets.iter().map(packet).collect();
            assert_received(&line(newline, 0), None, input, &events, rest);
        }
    }

    #[test]
    fn the_newline_does_not_count_as_size() {
        let bad = Event::Bad(EN_EMSGSIZE);
        for (newline, input, events) in [
            (Newline::Lf, "abc\nabcd\nab\n", [packet("abc"), bad.clone(), packet("ab")]),
            (Newline::Lf, "ab\r\nabc\r\nab\n", [packet("ab\r"), bad.clone(), packet("ab")]),
            (Newline::CrLf, "abc\r\nabcd\r\nab\r\n", [packet("abc"), bad.clone(), packet("ab")]),
            (Newline::CrLf, "ab\r\r\nabc\r\r\nab\r\n", [packet("ab\r"), bad.clone(), packet("ab")]),
            (Newline::Any, "abc\r\nabcd\r\nabc\n", [packet("abc"), bad.clone(), packet("abc")]),
            (Newline::Any, "ab\r\r\nabc\r\r\nabc\n", [packet("ab\r"), bad.clone(), packet("abc")]),
            (Newline::Any, "abc\nabc\rd\nabc\n", [packet("abc"), bad.clone(), packet("abc")]),
        ] {
            assert_received(&line(newline, 3), None, input.as_bytes(), &events, 0);
        }
    }

    #[test]
    fn what_the_receiver_would_see_otherwise_is_refused() {
        for (newline, packet, wire) in [
            (Newline::Lf, &b"a\r"[..], Some(&b"a\r\n"[..])),
            (Newline::Lf, b"a\nb", None),
            (Newline::CrLf, b"a\nb\r", Some(b"a\nb\r\r\n")),
            (Newline::CrLf, b"\n", Some(b"\n\r\n")),
            (Newline::CrLf, b"a\r\nb", None),
            (Newline::Cr, b"a\nb", Some(b"a\nb\r")),
            (Newline::Cr, b"a\r", None),
            (Newline::Any, b"a\rb", Some(b"a\rb\n")),
            (Newline::Any, b"", Some(b"\n")),
            (Newline::Any, b"a\nb", None),
            (Newline::Any, b"a\r", None),
        ] {
            for place in 0..=packet.len() {
                let (first, second) = packet.split_at(place);
                let result = encoded(&line(newline, 0), &[first, second, b""]);
                assert_eq!(result, wire.map(<[u8]>::to_vec).ok_or(EN_EINVAL), "{newline:?} {packet:?}");
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_is_received() {
        let mut random = Random::new(1);
        for newline in ALL {
            let protocol = line(newline, 8);
            let (mut wire, mut packets) = (Vec::new(), Vec::new());
            for _ in 0..2000 {
                let bytes = random.bytes(9, b"ab\r\n");
                match encoded(&protocol, &[&bytes]) {
                    Ok(sent) => {
                        wire.extend(sent);
                        packets.push(packet(bytes));
                    }
                    Err(EN_EMSGSIZE) => assert_eq!(bytes.len(), 9),
                    Err(code) => assert_eq!(code, EN_EINVAL),
                }
            }
            assert!(packets.len() > 200, "{newline:?}");
            let chunks = random.chunks(&wire, 20);
            assert_eq!(feed(decoder(&protocol), chunks, None), (packets, 0), "{newline:?}");
        }
    }
}
