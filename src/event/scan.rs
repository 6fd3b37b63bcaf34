//! Lines as programs write them: one flat object without escapes. They are nearly all of a stream, and are read here at
//! a third of the cost; what looks in any way different is left to the reader of every JSON, which also finds the words
//! for what is wrong.

use std::borrow::Cow;

use super::fields::{Fields, Known, Value};

/// Fields that most lines have at most.
const USUAL: usize = 8;
/// So many digits make a number that a float holds exactly.
const DIGITS: usize = 15;

/// The known fields of a line; `None` where the line is not that simple, or broken.
pub(super) fn fields(line: &str) -> Option<Fields<'_>> {
    let mut scanner = Scanner { text: line, at: 0 };
    let mut fields = Vec::with_capacity(USUAL);
    scanner.skip(b'{')?;
    if scanner.peek()? == b'}' {
        scanner.at += 1;
    } else {
        loop {
            let name = scanner.string()?;
            scanner.skip(b':')?;
            let name = name.parse::<Known>().ok();
            // Most are text; put in place at once, they are not moved about.
            if scanner.peek()? == b'"' {
                let text = scanner.string()?;
                if let Some(name) = name {
                    fields.push((name, Value::Text(Cow::Borrowed(text))));
                }
            } else {
                let value = scanner.value()?;
                fields.extend(name.map(|name| (name, value)));
            }
            if !scanner.goes_on(b'}')? {
                break;
            }
        }
    }
    scanner.is_at_end().then_some(Fields(fields))
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn skip(&mut self, wanted: u8) -> Option<()> {
        let found = self.peek()? == wanted;
        self.at += 1;
        found.then_some(())
    }

    /// Whether a comma follows, or the end.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn string(&mut self) -> Option<&'a str> {
        self.skip(b'"')?;
        let length = plain(self.rest())?;
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length + 1;
        Some(text)
    }

    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'[' => self.list(),
            _ => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => Some(Value::Text(Cow::Borrowed(self.string()?))),
            b'0'..=b'9' => self.number(),
            b't' => self.word("true", Value::Flag(true)),
            b'f' => self.word("false", Value::Flag(false)),
            b'n' => self.word("null", Value::Null),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Value<'a>> {
        self.skip(b'[')?;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Value::List(items));
        }
        loop {
            items.push(self.scalar()?);
            if !self.goes_on(b']')? {
                return Some(Value::List(items));
            }
        }
    }

    /// A whole number; others are rare.
    fn number(&mut self) -> Option<Value<'a>> {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let follows_more = rest.get(length).is_some_and(|byte| matches!(byte, b'.' | b'e' | b'E'));
        if length > DIGITS || (length > 1 && rest[0] == b'0') || follows_more {
            return None;
        }
        let number = rest[..length].iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        self.at += length;
        Some(Value::Number(number as f64))
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let is_it = self.rest().starts_with(word.as_bytes());
        self.at += word.len();
        is_it.then_some(value)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How long a string is up to its closing quote; `None` where an escape or a control character comes before.
fn plain(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is_byte = |byte: u8| {
            let other = word ^ (ONES * u64::from(byte));
            other.wrapping_sub(ONES) & !other
        };
        let is_control = word.wrapping_sub(ONES * 0x20) & !word;
        // Borrows of the subtractions go upwards only: the lowest mark is a true one.
        let marks = (is_byte(b'"') | is_byte(b'\\') | is_control) & HIGH;
        if marks != 0 {
            let at = i * 8 + marks.trailing_zeros() as usize / 8;
            return (bytes[at] == b'"').then_some(at);
        }
    }
    let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
    (rest[at] == b'"').then_some(words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINES: [&str; 8] = [
        r#"{"type":"message","conversation":"c1","from":"agent","agent":"a1","text":"It’s on its way 🎉","at":"2026-03-02T09:00:00.250Z"}"#,
        r#"{"type":"message","conversation":"c1","from":"customer","text":"he said \"no\"\n\u00e9","at":"2026-03-02T09:00:00Z"}"#,
        r#"{ "type" : "tagged" , "conversation":"c2","tags":["a", "b c",""],"x":[1,true,null],"at":"2026-03-02T09:00:00+01:00"}"#,
        r#"{"type":"rated","conversation":"c2","score":4,"scale":5,"comment":null,"at":"2026-03-02T09:00:00Z"}"#,
        r#"{"type":"converted","conversation":"c2","amount":12.50,"currency":"EUR","at":"2026-03-02T09:00:00Z"}"#,
        r#"{"type":"agent","id":"a","name":"A","teams":[],"capacity":30,"active":true,"name":"B","more":{"y":[1]}}"#,
        r#"{"score":0,"scale":007,"amount":-1,"version":1e3,"due":9999999999999999999,"from":nul}"#,
        "{}",
    ];

    /// Whatever is read here is what the reader of every JSON reads.
    fn check(line: &str) -> Result<bool, TestCaseError> {
        let Some(found) = fields(line.trim()) else { return Ok(false) };
        let read = serde_json::from_str::<Fields<'_>>(line.trim());
        prop_assert_eq!(read.ok(), Some(found), "{}", line);
        Ok(true)
    }

    #[test]
    fn simple_lines_are_read_here_and_only_those() {
        let is_read = LINES.map(|line| check(line).unwrap());
        assert_eq!(is_read, [true, false, true, true, false, false, false, true]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_line_with_anything_put_in_its_place_is_read_alike(
            line in 0..LINES.len(),
            at in any::<prop::sample::Index>(),
            cut in 0_usize..12,
            put in r#"([{}\[\]",:\\\x00-\x1F\x7F 0-9.eE+-]|true|null|"at"|é|🎉){0,3}"#,
        ) {
            let line = LINES[line];
            let places: Vec<usize> = line.char_indices().map(|(at, _)| at).chain([line.len()]).collect();
            let from = at.index(places.len());
            let to = (from + cut).min(places.len() - 1);
            check(&format!("{}{put}{}", &line[..places[from]], &line[places[to]..]))?;
        }

        #[test]
        fn the_end_of_a_string_is_found_wherever_it_is(text in "[a-zé🎉\"\\\\\x01\x1F\x20\x21]{0,40}") {
            let mark = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
            prop_assert_eq!(plain(text.as_bytes()), mark.filter(|at| text.as_bytes()[*at] == b'"'));
        }
    }
}
