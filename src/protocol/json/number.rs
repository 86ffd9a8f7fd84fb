//! The grammar of JSON's numbers.

/// How far a number has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Behind the minus.
    Minus,
    /// Behind a leading 0.
    Zero,
    /// In the integer part.
    Integer,
    /// Behind the point.
    Point,
    /// In the fraction.
    Fraction,
    /// Behind the `e`.
    E,
    /// Behind the sign of the exponent.
    Sign,
    /// In the exponent.
    Exponent,
}

impl Number {
    /// The number that begins with this byte.
    pub fn start(byte: u8) -> Option<Number> {
        match byte {
            b'-' => Some(Number::Minus),
            _ => Number::Minus.next(byte),
        }
    }

    /// The number with one more byte.
    pub fn next(self, byte: u8) -> Option<Number> {
        use Number::*;
        match (self, byte) {
            (Minus, b'0') => Some(Zero),
            (Minus, b'1'..=b'9') | (Integer, b'0'..=b'9') => Some(Integer),
            (Zero | Integer, b'.') => Some(Point),
            (Point | Fraction, b'0'..=b'9') => Some(Fraction),
            (Zero | Integer | Fraction, b'e' | b'E') => Some(E),
            (E, b'+' | b'-') => Some(Sign),
            (E | Sign | Exponent, b'0'..=b'9') => Some(Exponent),
            _ => None,
        }
    }

    /// Whether it may end here.
    pub fn is_whole(self) -> bool {
        matches!(self, Number::Zero | Number::Integer | Number::Fraction | Number::Exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_number(text: &str) -> bool {
        let (first, rest) = text.as_bytes().split_first().unwrap();
        let number = rest.iter().try_fold(Number::start(*first), |number, byte| Some(number?.next(*byte)));
        number.flatten().is_some_and(Number::is_whole)
    }

    #[test]
    fn only_numbers_are_numbers() {
        for text in ["0", "-0", "7", "-10", "0.0", "1.50", "0e0", "1E+9", "12.5e-07", "1e007"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["-", "00", "-01", "1.", ".5", "+1", "1e", "1e+", "1.e1", "1e1.0", "--1", "1-1", "0x1"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
