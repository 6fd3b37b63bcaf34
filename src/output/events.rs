//! The event stream as it is printed: docs/events.md lines that are safe to look at in a terminal.

use std::io::{self, Write};

use super::json::escaped;
use crate::event::{Event, write_event};

/// Writes one event as one line; a reader gets the very same event.
pub fn write_line(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut line = Vec::with_capacity(160);
    write_event(&mut line, event)?;
    match std::str::from_utf8(&line) {
        Ok(text) => out.write_all(escaped(text).as_bytes()),
        Err(e) => Err(io::Error::new(io::ErrorKind::InvalidData, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Message, Timestamp, parse_line};

    #[test]
    fn a_line_is_harmless_and_reads_back_the_same() {
        let mut message = Message::public("17".into(), crate::event::Author::Customer, None);
        message.text = Some("\u{9b}31m\u{202E}hi\n\u{1b}[2J".to_owned());
        let event = Event::new(Timestamp::from_millis(1_772_442_904_250), message);
        let mut out = Vec::new();
        write_line(&mut out, &event).unwrap();
        let line = String::from_utf8(out.clone()).unwrap();
        let body = line.strip_suffix('\n').unwrap();
        assert!(!body.contains(crate::text::is_harmful), "{body:?}");
        assert_eq!(parse_line(body.as_bytes()).unwrap(), event);
    }
}
