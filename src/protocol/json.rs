//! JSON texts, one behind the other.

use memchr::memchr;

use super::{Cut, Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};
use crate::error::{EN_EBADMSG, Error, Result};
use text::{Found, Text, is_space};

mod number;
mod text;

/// Each packet is one JSON text, without the white space around it.
#[derive(Debug)]
pub struct Json {
    max: MaxSize,
}

impl Json {
    /// Texts of at most so many bytes.
    pub fn new(max: MaxSize) -> Json {
        Json { max }
    }
}

impl Protocol for Json {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        self.max.admit(parts)?;
        out.push_all(parts);
        out.push_copy(b"\n");
        Ok(())
    }
}

impl StreamProtocol for Json {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        let decoder = JsonDecoder {
            text: Text::default(),
            scanned: 0,
            discarding: Discarding::Nothing,
            max: self.max.lowered(at_most),
        };
        Ok(Decoding::Gathered(Box::new(decoder)))
    }
}

/// What is left of a packet whose error was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Discarding {
    Nothing,
    /// The rest of a text that is too large.
    Text,
    /// The rest of a line that holds no text.
    Line,
}

struct JsonDecoder {
    text: Text,
    /// How many bytes of the text were looked at and are not spent.
    scanned: usize,
    discarding: Discarding,
    max: MaxSize,
}

impl JsonDecoder {
    /// Skips what is discarded and white space from `start` on, up to the text.
    #[inline]
    fn begin(&mut self, bytes: &[u8], start: usize) -> usize {
        match self.discarding {
            Discarding::Nothing if self.scanned == 0 => skip_space(bytes, start),
            Discarding::Line => match line_end(bytes, start) {
                Some(end) => {
                    self.discarding = Discarding::Nothing;
                    skip_space(bytes, end)
                }
                None => bytes.len(),
            },
            Discarding::Nothing | Discarding::Text => start,
        }
    }

    /// The text ends here.
    fn whole(&mut self, bytes: &[u8], start: usize, end: usize) -> Step {
        self.scanned = 0;
        match end - start <= self.max.bytes() {
            true => Step::Packet(Cut { start, end, used: skip_space(bytes, end) }),
            false => Step::Bad { error: self.max.exceeded(), used: end },
        }
    }

    /// All bytes belong to the text, and it may not be whole.
    fn partial(&mut self, bytes: &[u8], start: usize, ended: bool) -> Step {
        if self.discarding == Discarding::Text {
            return Step::More { used: bytes.len() };
        }
        let size = bytes.len() - start;
        if size > self.max.bytes() {
            self.discarding = Discarding::Text;
            self.scanned = 0;
            return Step::Bad { error: self.max.exceeded(), used: bytes.len() };
        }
        if ended && self.text.is_whole() {
            return self.whole(bytes, start, bytes.len());
        }
        self.scanned = size;
        Step::More { used: start }
    }

    /// The byte at `place` belongs to no text: receiving goes on with the next line.
    #[cold]
    fn bad(&mut self, bytes: &[u8], start: usize, place: usize, reason: &'static str) -> Step {
        self.scanned = 0;
        let used = line_end(bytes, place).unwrap_or_else(|| {
            self.discarding = Discarding::Line;
            bytes.len()
        });
        // Had the bytes come one by one, the text would have been too large before it was bad.
        let error = match place - start > self.max.bytes() {
            true => self.max.exceeded(),
            false => Error::new(EN_EBADMSG, reason),
        };
        Step::Bad { error, used }
    }
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, bytes: &[u8], ended: bool) -> Step {
        let mut start = 0;
        loop {
            start = self.begin(bytes, start);
            let from = start + self.scanned;
            let silent = self.discarding == Discarding::Text;
            match self.text.scan(&bytes[from..]) {
                Found::More => return self.partial(bytes, start, ended),
                Found::End(place) if silent => {
                    self.discarding = Discarding::Nothing;
                    start = from + place;
                }
                Found::Bad(place, _) if silent => {
                    self.discarding = Discarding::Line;
                    start = from + place;
                }
                Found::End(place) => return self.whole(bytes, start, from + place),
                Found::Bad(place, reason) => return self.bad(bytes, start, from + place, reason),
            }
        }
    }

    fn limit(&self) -> usize {
        self.max.bytes()
    }
}

/// The first place from `start` on that holds no white space.
#[inline]
fn skip_space(bytes: &[u8], start: usize) -> usize {
    let space = bytes[start..].iter().take_while(|byte| is_space(**byte));
    start + space.count()
}

/// The place behind the next newline.
fn line_end(bytes: &[u8], start: usize) -> Option<usize> {
    memchr(b'\n', &bytes[start..]).map(|place| start + place + 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        Event, Random, assert_received, decoder, decoder_at_most, encoded, feed, packet,
    };
    use super::*;
    use crate::error::EN_EMSGSIZE;

    fn json(max: usize) -> Json {
        Json::new(MaxSize::new(max).unwrap())
    }

    /// Poisoned with what would end or spoil a text, if it were looked at again.
    fn assert_texts(max: usize, input: &[u8], events: &[Event], rest: usize) {
        for poison in [b'"', b'\n', b']', b'\\', 0] {
            assert_received(&json(max), Some(poison), input, events, rest);
        }
    }

    fn packets(texts: &[&str]) -> Vec<Event> {
        texts.iter().map(packet).collect()
    }

    #[test]
    fn texts_end_where_they_are_whole() {
        for (input, texts, rest) in [
            ("{}", &["{}"][..], 0),
            (" \r\n\t{\"a\": [1, {}]} \n", &["{\"a\": [1, {}]}"], 0),
            ("{}[]\"\"{}", &["{}", "[]", "\"\"", "{}"], 0),
            ("truefalse null", &["true", "false", "null"], 0),
            (r#""a\"b\\" "\\\"" "#, &[r#""a\"b\\""#, r#""\\\"""#], 0),
            ("\"{[\" [\"]}\",\"\\\"]\"]", &["\"{[\"", "[\"]}\",\"\\\"]\"]"], 0),
            ("\"gr\u{fc}\u{df}e \u{1f600} \u{7f}\"", &["\"gr\u{fc}\u{df}e \u{1f600} \u{7f}\""], 0),
            ("[\n1,\n2\n]\n[3]\n", &["[\n1,\n2\n]", "[3]"], 0),
            ("[-1.5e+3,true,false,null]", &["[-1.5e+3,true,false,null]"], 0),
            ("1 2\n-3\t4\r", &["1", "2", "-3", "4"], 0),
            ("1\"a\"2{}3[]4true", &["1", "\"a\"", "2", "{}", "3", "[]", "4", "true"], 0),
            ("0.5e-7", &["0.5e-7"], 0),
            ("12", &["12"], 0),
            ("1 -", &["1"], 1),
            ("1e", &[], 2),
            ("{\"a\":", &[], 5),
            ("1 \"abc", &["1"], 4),
            ("tru", &[], 3),
            (" \n \r\n", &[], 0),
            ("{} \n ", &["{}"], 0),
        ] {
            assert_texts(0, input.as_bytes(), &packets(texts), rest);
        }
    }

    #[test]
    fn receiving_goes_on_behind_the_line_of_a_bad_text() {
        for bad in [
            "x",
            "}",
            "]",
            ",",
            "[}",
            "{]",
            "[[}]",
            "{\"a\":[}",
            "trux",
            "nulL",
            "falsE",
            "True",
            "01",
            "-x",
            "-",
            "1.",
            "1.e",
            "1e",
            "1e+",
            "+1",
            ".5",
            "1x",
            "1,",
            "1]",
            "1-2",
            "1:",
            "[a\\]",
            "{'a'}",
            "[x]",
            "[\0]",
            "\"a\0",
            "\"a\x1f",
            "\"",
            "\"\\",
            "\"a\\\x01",
            "[\"a",
            "{\"a\":\"\t\"}",
            "\u{feff}{}",
            "[1;2]",
            "[\u{fc}]",
            "/",
        ] {
            let events = [packet("{}"), Event::Bad(EN_EBADMSG), packet("[1]")];
            for ignored in ["", " {} [] \" x"] {
                // A text that still may go on is bad because of the newline; nothing may follow it.
                let open = ["\"", "\"\\", "[\"a"].contains(&bad);
                let ignored = if open { "" } else { ignored };
                assert_texts(0, format!("{{}}{bad}{ignored}\n[1]").as_bytes(), &events, 0);
            }
        }
    }

    #[test]
    fn newlines_before_the_bad_byte_do_not_count() {
        let events = [Event::Bad(EN_EBADMSG), packet("2")];
        assert_texts(0, b"[\n1,\n} 1\n2\n", &events, 0);
        assert_texts(0, b"[\n1,\n} 1", &events[..1], 0);
    }

    #[test]
    fn receiving_goes_on_behind_a_text_that_is_too_large() {
        let bad = Event::Bad(EN_EMSGSIZE);
        for (input, events, rest) in [
            ("[12][123][1]", vec![packet("[12]"), bad.clone(), packet("[1]")], 0),
            ("\"12\"\"]}\\\"[\"\"1\"", vec![packet("\"12\""), bad.clone(), packet("\"1\"")], 0),
            ("[[[[[]\n]]]]1 ", vec![bad.clone(), packet("1")], 0),
            ("1234 12345 123", vec![packet("1234"), bad.clone(), packet("123")], 0),
            ("false true", vec![bad.clone(), packet("true")], 0),
            ("12345\"a\"", vec![bad.clone(), packet("\"a\"")], 0),
            ("[1234567", vec![bad.clone()], 0),
            ("12345", vec![bad.clone()], 0),
            ("1234", vec![packet("1234")], 0),
            ("      \n      1", vec![packet("1")], 0),
            // One text is one error, though it is bad, too.
            ("[12345} 1\n2", vec![bad.clone(), packet("2")], 0),
            ("\"12345\n2", vec![bad.clone(), packet("2")], 0),
            ("[123}\n2", vec![Event::Bad(EN_EBADMSG), packet("2")], 0),
            ("[1234}\n2", vec![bad.clone(), packet("2")], 0),
        ] {
            assert_texts(4, input.as_bytes(), &events, rest);
        }
    }

    #[test]
    fn nesting_may_be_1024_deep() {
        for (depth, event) in [(1024, None), (1025, Some(Event::Bad(EN_EBADMSG)))] {
            let text = "[".repeat(depth - 1) + "{}" + &"]".repeat(depth - 1);
            let events = vec![event.unwrap_or_else(|| packet(&text)), packet("1")];
            let input = text + "\n1";
            for size in [1, 7, 4096] {
                let chunks = input.as_bytes().chunks(size);
                assert_eq!(feed(decoder(&json(0)), chunks, Some(b'"')), (events.clone(), 0));
            }
        }
    }

    #[test]
    fn nothing_waits_and_white_space_does_not_gather() {
        let mut decoder = decoder(&json(0));
        assert!(matches!(decoder.decode(b" \n  ", false), Step::More { used: 4 }));
        assert!(matches!(decoder.decode(b"  {\"a\"", false), Step::More { used: 2 }));
        assert!(matches!(
            decoder.decode(b"{\"a\":1}", false),
            Step::Packet(Cut { start: 0, end: 7, used: 7 })
        ));
        assert!(matches!(decoder.decode(b"\r\n", false), Step::More { used: 2 }));
        assert!(matches!(decoder.decode(b"12", false), Step::More { used: 0 }));
        assert!(matches!(decoder.decode(b"12", true), Step::Packet(Cut { start: 0, end: 2, used: 2 })));
    }

    #[test]
    fn a_lower_limit_counts_and_a_higher_one_does_not() {
        for (limit, event) in [(3, Event::Bad(EN_EMSGSIZE)), (4, packet("true")), (9, packet("true"))] {
            let decoder = decoder_at_most(limit, &json(4));
            assert_eq!(decoder.limit(), limit.min(4));
            assert_eq!(feed(decoder, [&b"true"[..]], None), (vec![event], 0));
        }
    }

    #[test]
    fn what_is_sent_gets_a_newline_and_no_check() {
        assert_eq!(encoded(&json(4), &[b"[", b"", b"1]"]), Ok(b"[1]\n".to_vec()));
        assert_eq!(encoded(&json(4), &[b"}{"]), Ok(b"}{\n".to_vec()));
        assert_eq!(encoded(&json(4), &[b"[1", b"23]"]), Err(EN_EMSGSIZE));
    }

    fn any_text(random: &mut Random, depth: usize) -> String {
        let scalars = [
            "0",
            "-1.5e3",
            "true",
            "false",
            "null",
            r#""""#,
            r#""a\"\\b]}""#,
            r#""longer than eight bytes""#,
        ];
        match random.below(if depth == 0 { 1 } else { 3 }) {
            0 => scalars[random.below(scalars.len())].to_owned(),
            1 => {
                let items: Vec<_> = (0..random.below(4)).map(|_| any_text(random, depth - 1)).collect();
                format!("[{}]", items.join(", "))
            }
            _ => {
                let members: Vec<_> = (0..random.below(4))
                    .map(|_| format!("\"k{{\" : {}", any_text(random, depth - 1)))
                    .collect();
                format!("{{{}}}", members.join(",\n"))
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_is_received() {
        let mut random = Random::new(5);
        let texts: Vec<_> = (0..2000).map(|_| any_text(&mut random, 5)).collect();
        let wire: Vec<_> =
            texts.iter().flat_map(|text| encoded(&json(0), &[text.as_bytes()]).unwrap()).collect();
        let events: Vec<_> = texts.iter().map(packet).collect();
        for most in [1, 10, 10000] {
            let chunks = random.chunks(&wire, most);
            assert_eq!(feed(decoder(&json(0)), chunks, Some(b'"')), (events.clone(), 0));
        }
    }

    #[test]
    fn any_bytes_mean_the_same_however_they_arrive() {
        let mut random = Random::new(6);
        for _ in 0..2000 {
            let input = random.bytes(40, b"[]{}\"\"\\ \n10-.etrufalsnx,:\x01");
            let (events, rest) = feed(decoder(&json(6)), [&input[..]], None);
            assert_received(&json(6), Some(b'"'), &input, &events, rest);
        }
    }
}
