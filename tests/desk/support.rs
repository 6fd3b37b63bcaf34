//! A short form for events.

use helptop::desk::{Conversation, Desk, SourceIx};
use helptop::event::{Event, Timestamp, parse_line};

/// An instant of 2 March 2026, UTC.
pub(crate) fn at(clock: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-03-02T{clock}Z")).unwrap()
}

/// One event from a short form: `09:00:00 message conversation=c1 from=customer public=false tags=a,b agent=null`.
pub(crate) fn event(short: &str) -> Event {
    let mut words = short.split_whitespace();
    let clock = words.next().unwrap();
    let kind = words.next().unwrap();
    let mut line = serde_json::json!({"type": kind});
    if clock != "-" {
        line["at"] = at(clock).to_string().into();
    }
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        line[key] = match value {
            "null" => serde_json::Value::Null,
            "true" => true.into(),
            "false" => false.into(),
            list if list.contains(',') || key == "capabilities" || key == "tags" || key == "teams" => {
                list.split(',').filter(|item| !item.is_empty()).collect::<Vec<_>>().into()
            }
            clock if key == "due" => at(clock).to_string().into(),
            number if number.parse::<f64>().is_ok() => serde_json::from_str(number).unwrap(),
            text => {
                text.replace('_', if key == "state" || key == "status" || key == "metric" { "_" } else { " " }).into()
            }
        };
    }
    parse_line(line.to_string().as_bytes()).unwrap_or_else(|reject| panic!("{short}: {reject}"))
}

/// A desk of one source, from lines in short form; lines that begin with `#` are remarks.
pub(crate) fn desk(lines: &str) -> Desk {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        desk.apply(source, event(line));
    }
    desk.settle();
    desk
}

/// The conversation of that id.
pub(crate) fn conversation<'a>(desk: &'a Desk, id: &str) -> &'a Conversation {
    let found = desk.conversations().find(|(_, one)| one.id.as_str() == id && one.source == SourceIx(0));
    found.unwrap_or_else(|| panic!("no conversation {id}")).1
}
