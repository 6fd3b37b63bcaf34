//! The JSON Lines reader and writer: round trips, and rejects that name line, field and reason.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::io::{BufReader, Read};

use helptop::event::{Author, ConversationId, Event, Message, Reader, Reject, Timestamp, parse_line, write_event};
use proptest::prelude::*;
use rstest::rstest;

#[path = "support/kinds.rs"]
mod kinds;

use kinds::kinds;

#[rstest]
#[case::no_json("hello", "not a JSON object: expected value at column 1")]
#[case::truncated(r#"{"type":"clock","at":"2026-03-0"#, "not a JSON object: EOF while parsing a string at column 31")]
#[case::a_list(r#"["clock"]"#, "not a JSON object: invalid type: sequence, expected an object at column 0")]
#[case::no_type(r#"{"at":"2026-03-02T09:00:00Z"}"#, "field `type`: is missing")]
#[case::type_no_string(r#"{"type":3}"#, "field `type`: is a number, must be a string")]
#[case::unknown_type(r#"{"type":"teleported","at":"2026-03-02T09:00:00Z"}"#, "unknown type `teleported`")]
#[case::no_at(r#"{"type":"clock"}"#, "field `at`: is missing")]
#[case::at_null(r#"{"type":"clock","at":null}"#, "field `at`: is null, must be there")]
#[case::at_without_zone(
    r#"{"type":"clock","at":"2026-03-02T09:00:00"}"#,
    "field `at`: \"2026-03-02T09:00:00\" is not RFC 3339 with a zone (premature end of input)"
)]
#[case::at_a_number(r#"{"type":"clock","at":1772442000}"#, "field `at`: is a number, must be a string")]
#[case::no_conversation(
    r#"{"type":"message","from":"customer","at":"2026-03-02T09:00:00Z"}"#,
    "field `conversation`: is missing"
)]
#[case::empty_id(
    r#"{"type":"message","conversation":"","from":"customer","at":"2026-03-02T09:00:00Z"}"#,
    "field `conversation`: is empty"
)]
#[case::id_a_number(
    r#"{"type":"message","conversation":17,"from":"customer","at":"2026-03-02T09:00:00Z"}"#,
    "field `conversation`: is a number, must be a string"
)]
#[case::agent_message_without_agent(
    r#"{"type":"message","conversation":"c","from":"agent","at":"2026-03-02T09:00:00Z"}"#,
    "field `agent`: is missing"
)]
#[case::unknown_word(
    r#"{"type":"presence","agent":"a","state":"lunch","at":"2026-03-02T09:00:00Z"}"#,
    "field `state`: is \"lunch\", must be one of online, busy, away, offline"
)]
#[case::wrong_flag(
    r#"{"type":"message","conversation":"c","from":"customer","public":"no","at":"2026-03-02T09:00:00Z"}"#,
    "field `public`: is a string, must be true or false"
)]
#[case::tags_not_strings(
    r#"{"type":"tagged","conversation":"c","tags":["a",1],"at":"2026-03-02T09:00:00Z"}"#,
    "field `tags`: holds a number, must hold strings only"
)]
#[case::tags_no_list(
    r#"{"type":"tagged","conversation":"c","tags":{},"at":"2026-03-02T09:00:00Z"}"#,
    "field `tags`: is an object, must be a list of strings"
)]
#[case::capacity_zero(
    r#"{"type":"agent","id":"a","name":"A","capacity":0}"#,
    "field `capacity`: is 0, must be a whole number from 1"
)]
#[case::score_above_scale(
    r#"{"type":"rated","conversation":"c","score":6,"scale":5,"at":"2026-03-02T09:00:00Z"}"#,
    "field `score`: is 6, must be from 1 to 5"
)]
#[case::scale_one(
    r#"{"type":"rated","conversation":"c","score":1,"scale":1,"at":"2026-03-02T09:00:00Z"}"#,
    "field `scale`: is 1, must be from 2 to 1000000"
)]
#[case::another_version(r#"{"type":"hello","version":2}"#, "field `version`: is 2; this program reads version 1")]
fn a_line_that_cannot_be_read_says_why(#[case] line: &str, #[case] reason: &str) {
    assert_eq!(parse_line(line.as_bytes()).unwrap_err().to_string(), reason);
}

#[rstest]
#[case::unknown_fields(r#"{"type":"clock","at":"2026-03-02T09:00:00Z","x":{"y":[1]},"z":null}"#)]
#[case::a_field_of_another_type(r#"{"type":"clock","at":"2026-03-02T09:00:00Z","score":"high","tags":3}"#)]
#[case::null_for_left_out(
    r#"{"type":"opened","conversation":"c","customer":null,"tags":null,"at":"2026-03-02T09:00:00Z"}"#
)]
#[case::a_later_capability(r#"{"type":"hello","version":1,"capabilities":["presence","telepathy"]}"#)]
#[case::an_escaped_id(r#"{"type":"clock","at":"2026-03-02T09:00:00Z"}"#)]
fn what_the_contract_lets_pass_passes(#[case] line: &str) {
    parse_line(line.as_bytes()).unwrap();
}

#[test]
fn a_broken_line_costs_no_other_line() {
    let text = "\u{feff}{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:00Z\"}\n\n{broken\r\n{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:01Z\"}\r\n\u{1b}[2J\n{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:02Z\"}";
    let lines: Vec<_> = Reader::new(text.as_bytes()).map(|line| line.unwrap()).collect();
    let numbers: Vec<_> = lines.iter().map(|line| (line.number, line.event.is_ok())).collect();
    assert_eq!(numbers, [(1, true), (3, false), (4, true), (5, false), (6, true)]);
}

#[test]
fn bytes_that_are_no_text_are_a_reject() {
    let error = parse_line(b"{\"type\":\"clock\xff\"}").unwrap_err();
    assert_eq!(error, Reject::Line("not UTF-8 at byte 15".into()));
}

#[test]
fn a_line_over_the_limit_is_skipped_without_being_held() {
    let huge = std::io::repeat(b'x').take(helptop::event::lines::MAX_LINE_BYTES as u64 + 1);
    let good = "\n{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:00Z\"}\n";
    let mut lines = Reader::new(BufReader::new(huge.chain(good.as_bytes())));
    let first = lines.next().unwrap().unwrap();
    assert_eq!(first.event.unwrap_err().to_string(), "the line is longer than 16 MiB");
    let second = lines.next().unwrap().unwrap();
    assert_eq!((second.number, second.event.is_ok()), (2, true));
}

#[test]
fn a_megabyte_of_text_is_kept_as_it_came() {
    let text = "\u{202e}\u{1b}[31m\t🎉".repeat(80_000);
    let event = Event::new(
        Timestamp::from_millis(0),
        Message { text: Some(text.into()), ..Message::public(ConversationId::from("c"), Author::Customer, None) },
    );
    assert_eq!(through_a_line(&event), event);
}

fn through_a_line(event: &Event) -> Event {
    let mut line = Vec::new();
    write_event(&mut line, event).unwrap();
    assert_eq!(line.split(|byte| *byte == b'\n').count(), 2, "one line, ended");
    parse_line(&line).unwrap_or_else(|reject| panic!("{reject}: {}", String::from_utf8_lossy(&line)))
}

proptest! {
    #[test]
    fn every_event_survives_a_line(kind in kinds(), millis in 0i64..4_000_000_000_000) {
        let event = Event { kind, at: Some(Timestamp::from_millis(millis)) };
        prop_assert_eq!(through_a_line(&event), event);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let lines = Reader::new(bytes.as_slice()).map(|line| line.unwrap().event.is_ok()).filter(|good| *good).count();
        prop_assert_eq!(lines, 0);
    }
}
