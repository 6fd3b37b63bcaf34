//! The event stream as it is printed: docs/events.md lines that are safe to look at in a terminal.

use std::io::{self, Write};

use super::json::escaped;
use crate::event::{Event, EventKind, write_event};

/// Writes one event as one line; a reader gets the very same event. Where several sources share the output, the
/// name of the event's source stands beside its ids.
pub fn write_line(out: &mut impl Write, event: &Event, source: Option<&str>) -> io::Result<()> {
    let mut line = Vec::with_capacity(160);
    match (source, &event.kind) {
        (None, _) => write_event(&mut line, event)?,
        (Some(name), EventKind::Hello { version, capabilities, .. }) => {
            let source = Some(name.to_owned());
            let kind = EventKind::Hello { version: *version, source, capabilities: capabilities.clone() };
            write_event(&mut line, &Event { kind, at: event.at })?;
        }
        (Some(name), _) => {
            let mut named = serde_json::to_value(event)?;
            named["source"] = name.into();
            serde_json::to_writer(&mut line, &named)?;
            line.push(b'\n');
        }
    }
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
        message.text = Some("\u{9b}31m\u{202E}hi\n\u{1b}[2J".into());
        let event = Event::new(Timestamp::from_millis(1_772_442_904_250), message);
        let mut out = Vec::new();
        write_line(&mut out, &event, None).unwrap();
        let line = String::from_utf8(out.clone()).unwrap();
        let body = line.strip_suffix('\n').unwrap();
        assert!(!body.contains(crate::text::is_harmful), "{body:?}");
        assert_eq!(parse_line(body.as_bytes()).unwrap(), event);
    }

    #[test]
    fn of_several_sources_each_line_names_its_own() {
        let mut out = Vec::new();
        let hello = EventKind::Hello { version: 1, source: None, capabilities: Vec::new() };
        write_line(&mut out, &Event::undated(hello), Some("desk")).unwrap();
        let message = Message::public("17".into(), crate::event::Author::Customer, None);
        let message = Event::new(Timestamp::from_millis(0), message);
        write_line(&mut out, &message, Some("desk")).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            assert!(line.contains("\"source\":\"desk\""), "{line}");
            parse_line(line.as_bytes()).unwrap();
        }
    }
}
