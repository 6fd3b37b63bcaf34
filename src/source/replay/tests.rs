//! What a recording tells, when, and after a start anew.

use std::fmt::Write;
use std::io::Write as _;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const DAY: &str = r#"{"type":"hello","version":1,"capabilities":["messages"]}
{"type":"agent","id":"a","name":"Ana"}
{"type":"opened","conversation":"1","at":"2026-03-02T09:00:00Z"}
no json
{"type":"sla","conversation":"1","metric":"first_response","due":"2026-03-02T09:10:00Z","at":"2026-03-02T09:00:00Z"}
{"type":"clock","at":"2099-01-01T00:00:00Z"}
{"type":"party","at":"2026-03-02T09:01:00Z"}
{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:20:00Z"}
{"type":"message","conversation":"1","from":"bot","at":"2026-03-02T09:10:00Z"}
"#;

fn times(batch: &Batch) -> Vec<String> {
    batch.events.iter().filter_map(|event| event.at.map(|at| at.to_string())).collect()
}

#[tokio::test(start_paused = true)]
async fn kept_times_are_told_as_the_clock_reaches_them() {
    let file = file(DAY);
    let mut replay = Replay::kept(file.path());
    let first = replay.poll(None, at("2026-03-02T09:00:00Z")).await.unwrap();
    assert_eq!(first.events.len(), 4);
    assert_eq!(replay.capabilities(), [Capability::Messages]);
    let named: Vec<String> = first.skipped.iter().map(|it| format!("{}: {}", it.place, it.reason)).collect();
    let path = file.path().display();
    assert!(named[0].starts_with(&format!("{path}:4: not a JSON object")), "{named:?}");
    assert_eq!(named[1], format!("{path}:7: unknown type `party`"));
    let later = replay.poll(None, at("2026-03-02T09:30:00Z")).await.unwrap();
    assert_eq!(times(&later), ["2026-03-02T09:10:00Z", "2026-03-02T09:20:00Z"], "in order, past the stray line");
    assert!(!later.finished);
    let last = replay.poll(None, at("2099-01-01T00:00:00Z")).await.unwrap();
    assert!(last.finished && last.events.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn moved_times_begin_now_and_run_faster() {
    let file = file(DAY);
    let mut replay = Replay::moved(file.path(), 60.0).unwrap();
    let now = at("2026-11-22T12:00:00Z");
    let first = replay.poll(None, now).await.unwrap();
    assert_eq!(times(&first), ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"]);
    let EventKind::Sla { due, .. } = first.events[3].kind else { panic!("{:?}", first.events[3]) };
    assert_eq!(due.to_string(), "2026-11-22T12:00:10Z", "targets move along");
    let next = replay.poll(None, now + TimeDelta::seconds(30)).await.unwrap();
    assert_eq!(times(&next), ["2026-11-22T12:00:10Z", "2026-11-22T12:00:20Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_anew_goes_on_where_it_was() {
    let mut text =
        DAY.lines().filter(|line| !line.contains("2099")).fold(String::new(), |text, line| text + line + "\n");
    for nth in 0..30_000 {
        // Two lines of each instant, and one in ten a little late.
        let late = if nth % 10 == 0 { 7 } else { 0 };
        let at = at("2026-03-02T09:30:00Z") + TimeDelta::seconds(nth / 2 - late);
        writeln!(text, r#"{{"type":"opened","conversation":"{nth}","at":"{at}"}}"#).unwrap();
    }
    let file = file(&text);
    let begun = at("2026-11-22T12:00:00Z");
    let mut through = Vec::new();
    let mut whole = Replay::moved(file.path(), 60.0).unwrap();
    let (mut replay, mut cursor, mut told) = (Replay::moved(file.path(), 60.0).unwrap(), None, Vec::new());
    for poll in 0..1000 {
        // Late by so much that several polls in a row have a full batch.
        let now = begun + TimeDelta::seconds(if poll < 3 { 0 } else { 20 * poll });
        through.extend(whole.poll(None, now).await.unwrap().events);
        let batch = replay.poll(cursor.as_ref(), now).await.unwrap();
        cursor = batch.cursor.or(cursor);
        told.extend(batch.events);
        if poll % 4 == 1 || batch.finished {
            replay = Replay::moved(file.path(), 60.0).unwrap();
        }
        if batch.finished {
            break;
        }
    }
    let after = replay.poll(cursor.as_ref(), begun).await.unwrap();
    assert!(after.finished && after.events.is_empty(), "{after:?}");
    let lines = |events: &[Event]| {
        let mut lines: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    assert!(lines(&told) == lines(&through), "{} {}", told.len(), through.len());
    assert!(told.len() < through.len() + 200, "only what is of one instant is told again");
    let mut other = Replay::moved(file.path(), 60.0).unwrap();
    let first = other.poll(Some(&Cursor(serde_json::json!({"last": 9}))), begun).await.unwrap();
    assert!(matches!(first.events[0].kind, EventKind::Hello { .. }), "a cursor of another shape is none");
}

#[tokio::test(start_paused = true)]
async fn a_long_file_comes_in_parts_and_nothing_is_lost() {
    let mut text = String::new();
    for nth in 0..25_000 {
        writeln!(text, r#"{{"type":"clock","at":"2026-03-02T09:00:{:02}Z"}}"#, nth % 60).unwrap();
    }
    let file = file(&text);
    let mut replay = Replay::kept(file.path());
    let (mut told, mut polls) = (0, 0);
    loop {
        let batch = replay.poll(None, at("2026-03-03T00:00:00Z")).await.unwrap();
        assert!(batch.events.len() <= AT_MOST);
        (told, polls) = (told + batch.events.len(), polls + 1);
        if batch.finished {
            break;
        }
        assert!(batch.more);
    }
    assert_eq!((told, polls), (25_000, 3));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_follows_it_reaches_every_line_and_stays_at_the_last() {
    let mut text = String::new();
    for second in 0..5_000 {
        let at = at("2026-03-02T09:00:00Z") + TimeDelta::seconds(second);
        writeln!(text, r#"{{"type":"clock","at":"{at}"}}"#).unwrap();
    }
    let file = file(&text);
    let mut replay = Replay::kept(file.path());
    let read_to = replay.read_to();
    assert_eq!(read_to.at(), Timestamp::MIN);
    let (mut told, mut last_at) = (0, Timestamp::MIN);
    for _ in 0..20 {
        // A clock much too fast for the reader.
        let now = at("2027-01-01T00:00:00Z").min(read_to.at());
        assert!(now >= last_at, "it never goes back");
        last_at = now;
        let batch = replay.poll(None, now).await.unwrap();
        told += batch.events.len();
        if batch.finished {
            break;
        }
    }
    assert_eq!((told, read_to.at()), (5_000, at("2026-03-02T10:23:19Z")));
    assert_eq!(last_at, read_to.at());
}

#[tokio::test(start_paused = true)]
async fn a_file_of_nothing_but_garbage_is_read_to_its_end() {
    let file = file(&"\u{1b}[2J\n".repeat(25_000));
    let mut replay = Replay::kept(file.path());
    let mut skipped = 0;
    for _ in 0..10 {
        let batch = replay.poll(None, at("2026-03-03T00:00:00Z")).await.unwrap();
        skipped += batch.skipped_total;
        if batch.finished {
            break;
        }
    }
    assert_eq!(skipped, 25_000);
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_is_named() {
    let error = Replay::kept("/nowhere/day.jsonl").poll(None, at("2026-03-03T00:00:00Z")).await.unwrap_err();
    assert!(matches!(error, SourceError::Unsupported { .. }));
    assert!(error.to_string().starts_with("/nowhere/day.jsonl: can't be opened: No such file"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = Replay::kept(folder.path()).poll(None, at("2026-03-03T00:00:00Z")).await.unwrap_err();
    assert!(error.to_string().contains("no regular file"), "{error}");
}

#[test]
fn the_span_of_a_file_is_its_earliest_and_latest_instant() {
    let file = file(DAY);
    let span = span(file.path()).unwrap();
    assert_eq!(span.times, Some((at("2026-03-02T09:00:00Z"), at("2099-01-01T00:00:00Z"))));
    assert_eq!((span.events, span.rejected), (7, 2));
    assert_eq!(first_at(file.path()).unwrap(), Some(at("2026-03-02T09:00:00Z")));
    assert_eq!(span_of(io::Cursor::new(""), 10).unwrap(), Span::default());
}

#[test]
fn a_speed_that_is_none_is_refused() {
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Replay::moved("x", speed).unwrap_err().starts_with("speed is"));
    }
}
