//! Where a JSON text ends (RFC 8259), found by looking at each byte once.

use super::number::Number;

/// How deep arrays and objects may lie in each other.
const DEEPEST: usize = 1024;

/// What the bytes of a text have led to.
#[derive(Debug)]
pub enum Found {
    /// All of them belong to the text, and there may be or must be more.
    More,
    /// The text ends here.
    End(usize),
    /// There is no text with this byte, and why.
    Bad(usize, &'static str),
}

/// What one byte leads to.
enum Flow {
    On,
    EndsBefore,
    EndsBehind,
}

/// A text that is looked at piece by piece.
#[derive(Debug, Default)]
pub struct Text {
    place: Place,
    /// The brackets that must come, the next one last.
    closing: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Start,
    /// In an array or object, outside of strings.
    Inside,
    String,
    /// Behind the backslash in a string.
    Escape,
    /// In `true`, `false` or `null`, with the bytes that must come.
    Word(&'static [u8]),
    Number(Number),
}

impl Text {
    /// Looks at bytes that follow those it has seen. Behind an end and behind bad bytes, a new text
    /// begins.
    pub fn scan(&mut self, bytes: &[u8]) -> Found {
        let mut at = 0;
        let found = loop {
            at += match self.place {
                Place::String => plain_in_string(&bytes[at..]),
                Place::Inside => plain_inside(&bytes[at..]),
                _ => 0,
            };
            let Some(byte) = bytes.get(at) else { return Found::More };
            match self.step(*byte) {
                Ok(Flow::On) => at += 1,
                Ok(Flow::EndsBefore) => break Found::End(at),
                Ok(Flow::EndsBehind) => break Found::End(at + 1),
                Err(reason) => break Found::Bad(at, reason),
            }
        };
        self.restart();
        found
    }

    /// Whether the text is whole if nothing follows.
    pub fn is_whole(&self) -> bool {
        matches!(self.place, Place::Number(number) if number.is_whole())
    }

    /// Begins a new text.
    pub fn restart(&mut self) {
        self.place = Place::Start;
        self.closing.clear();
    }

    #[inline]
    fn step(&mut self, byte: u8) -> Result<Flow, &'static str> {
        match self.place {
            Place::Start => self.start(byte),
            Place::Inside => self.inside(byte),
            Place::String => self.string(byte),
            Place::Escape => self.escape(byte),
            Place::Word(rest) => self.word(rest, byte),
            Place::Number(number) => self.number(number, byte),
        }
    }

    fn start(&mut self, byte: u8) -> Result<Flow, &'static str> {
        match byte {
            b'{' | b'[' => return self.open(byte),
            b'"' => self.place = Place::String,
            b't' => self.place = Place::Word(b"rue"),
            b'f' => self.place = Place::Word(b"alse"),
            b'n' => self.place = Place::Word(b"ull"),
            _ => match Number::start(byte) {
                Some(number) => self.place = Place::Number(number),
                None => return Err("no JSON text begins with this byte"),
            },
        }
        Ok(Flow::On)
    }

    fn open(&mut self, byte: u8) -> Result<Flow, &'static str> {
        if self.closing.len() == DEEPEST {
            return Err("the JSON text is nested deeper than 1024");
        }
        self.closing.push(if byte == b'{' { b'}' } else { b']' });
        self.place = Place::Inside;
        Ok(Flow::On)
    }

    #[inline]
    fn inside(&mut self, byte: u8) -> Result<Flow, &'static str> {
        match byte {
            b'"' => self.place = Place::String,
            b'{' | b'[' => return self.open(byte),
            b'}' | b']' if self.closing.pop() == Some(byte) => return Ok(self.value_ends()),
            b'}' | b']' => return Err("a bracket closes that was not opened"),
            _ => return Err("a byte that JSON has in strings only"),
        }
        Ok(Flow::On)
    }

    #[inline]
    fn string(&mut self, byte: u8) -> Result<Flow, &'static str> {
        match byte {
            b'"' => return Ok(self.value_ends()),
            b'\\' => self.place = Place::Escape,
            _ => return Err("a control character in a JSON string"),
        }
        Ok(Flow::On)
    }

    fn escape(&mut self, byte: u8) -> Result<Flow, &'static str> {
        self.place = Place::String;
        match byte < b' ' {
            true => Err("a control character in a JSON string"),
            false => Ok(Flow::On),
        }
    }

    fn word(&mut self, rest: &'static [u8], byte: u8) -> Result<Flow, &'static str> {
        match rest {
            [last] if *last == byte => Ok(Flow::EndsBehind),
            [next, rest @ ..] if *next == byte => {
                self.place = Place::Word(rest);
                Ok(Flow::On)
            }
            _ => Err("a word that JSON does not have"),
        }
    }

    fn number(&mut self, number: Number, byte: u8) -> Result<Flow, &'static str> {
        match number.next(byte) {
            Some(next) => {
                self.place = Place::Number(next);
                Ok(Flow::On)
            }
            None if number.is_whole() && ends_number(byte) => Ok(Flow::EndsBefore),
            None => Err("a number that JSON does not have"),
        }
    }

    /// A string, array or object ends.
    #[inline]
    fn value_ends(&mut self) -> Flow {
        if self.closing.is_empty() {
            return Flow::EndsBehind;
        }
        self.place = Place::Inside;
        Flow::On
    }
}

/// Whether JSON takes this byte for white space.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A number ends where white space follows, or another text that is no number.
fn ends_number(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'"' | b'{' | b'[' | b't' | b'f' | b'n')
}

/// The bytes that may stand in arrays and objects and do not matter for their structure.
const PLAIN: [bool; 256] = {
    let bytes = b" \t\n\r,:+-.0123456789eEtrufalsn";
    let mut plain = [false; 256];
    let mut index = 0;
    while index < bytes.len() {
        plain[bytes[index] as usize] = true;
        index += 1;
    }
    plain
};

#[inline]
fn plain_inside(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !PLAIN[*byte as usize]).unwrap_or(bytes.len())
}

/// How many bytes there are before a quote, a backslash or a control character.
#[inline]
fn plain_in_string(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let special = special_in(u64::from_le_bytes(*word));
        if special != 0 {
            return 8 * index + special.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(*byte, b'"' | b'\\' | 0..b' ');
    let in_rest = rest.iter().position(special).unwrap_or(rest.len());
    bytes.len() - rest.len() + in_rest
}

/// Marks the quotes, backslashes and control characters among eight bytes with their highest bits.
/// Above the lowest mark there may be wrong ones: the subtractions borrow.
#[inline]
fn special_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Random;
    use super::*;

    #[test]
    fn eight_bytes_at_a_time_find_what_one_at_a_time_finds() {
        let mut random = Random::new(4);
        let alphabet: Vec<u8> = b"aaaaaaaaaaaaaaaa !#[]\"\\\x1f\0\x7f\x80\x9f\xa0\xa2\xdc\xff".to_vec();
        for _ in 0..20000 {
            let bytes = random.bytes(40, &alphabet);
            let one_at_a_time =
                bytes.iter().position(|byte| *byte < 0x20 || b"\"\\".contains(byte)).unwrap_or(bytes.len());
            assert_eq!(plain_in_string(&bytes), one_at_a_time, "{bytes:?}");
        }
    }

    #[test]
    fn every_byte_in_every_lane_is_classified() {
        for byte in 0..=255 {
            for lane in 0..8 {
                let mut bytes = [b'a'; 16];
                bytes[lane] = byte;
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(plain_in_string(&bytes), if special { lane } else { 16 }, "{byte}");
            }
        }
    }
}
