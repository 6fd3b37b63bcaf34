//! A short form for events.

use helptop::event::{Event, Timestamp, parse_line};
use serde_json::{Value, json};

/// An instant of 2026 in UTC: `02 09:00:00` the day of March and the time, `10-25 09:00:00` with another month.
pub(crate) fn at(day: &str, clock: &str) -> Timestamp {
    let month = if day.contains('-') { "" } else { "03-" };
    Timestamp::parse(&format!("2026-{month}{day}T{clock}Z")).unwrap_or_else(|error| panic!("{day} {clock}: {error}"))
}

/// One event: `02 09:00:00 message c1 from=customer`, or `agent id=ana name=Ana` for what has no instant. The word after
/// the type is the conversation, or the agent of a `presence`. `tags`, `teams` and `capabilities` are lists with commas,
/// `due` is an instant as `02_09:30:00`.
pub(crate) fn event(short: &str) -> Event {
    let mut words = short.split_whitespace().peekable();
    let mut line = json!({});
    if words.peek().unwrap().starts_with(|c: char| c.is_ascii_digit()) {
        line["at"] = at(words.next().unwrap(), words.next().unwrap()).to_string().into();
    }
    let kind = words.next().unwrap();
    line["type"] = kind.into();
    if kind == "hello" {
        line["version"] = 1.into();
    }
    if let Some(subject) = words.next_if(|word| !word.contains('=')) {
        line[if kind == "presence" { "agent" } else { "conversation" }] = subject.into();
    }
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        line[key] = match (key, value) {
            ("due", value) => {
                let (day, clock) = value.split_once('_').unwrap();
                at(day, clock).to_string().into()
            }
            ("tags" | "teams" | "capabilities", list) => list.split(',').filter(|item| !item.is_empty()).collect(),
            (_, "null") => Value::Null,
            (_, "true") => true.into(),
            (_, "false") => false.into(),
            ("score" | "scale" | "amount", number) => serde_json::from_str(number).unwrap(),
            (_, text) => text.into(),
        };
    }
    parse_line(line.to_string().as_bytes()).unwrap_or_else(|reject| panic!("{short}: {reject}"))
}

/// The events of lines in short form; lines that begin with `#` are remarks.
pub(crate) fn events(lines: &str) -> Vec<Event> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(event).collect()
}
