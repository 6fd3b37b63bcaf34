//! Snapshots in every form: the contract of docs/metrics.md, and nothing of a stranger's text that does harm.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use helptop::board::{BoardSnapshot, Engine, Options, SourceHealth};
use helptop::event::{Reader, Timestamp};
use helptop::output::{SnapshotReport, write_csv, write_json, write_markdown, write_table};
use helptop::text::{Mask, is_harmful};
use serde_json::{Value, json};

const AT: &str = "2026-03-02T10:00:00Z";

const MORNING: &str = r#"
{"type":"hello","version":1,"capabilities":["presence","messages","assignments","statuses"]}
{"type":"team","id":"t1","name":"Billing"}
{"type":"agent","id":"a2","name":"Bogdan"}
{"type":"agent","id":"a1","name":"Ana","capacity":4}
{"type":"agent","id":"a3","name":"Ana"}
{"type":"agent","id":"a4","name":"Zoe"}
{"type":"agent","id":"a5","name":"Chiara"}
{"type":"customer","id":"c1","name":"M. Rossi","segment":"vip"}
{"type":"presence","agent":"a1","state":"online","at":"2026-03-02T08:00:00Z"}
{"type":"presence","agent":"a2","state":"away","at":"2026-03-02T09:00:00Z"}
{"type":"presence","agent":"a3","state":"busy","at":"2026-03-02T09:00:00Z"}
{"type":"presence","agent":"a4","state":"offline","at":"2026-03-02T09:00:00Z"}
{"type":"opened","conversation":"17","customer":"c1","channel":"whatsapp","team":"t1","at":"2026-03-02T09:00:00Z"}
{"type":"message","conversation":"17","from":"customer","at":"2026-03-02T09:00:00.500Z"}
{"type":"assigned","conversation":"17","agent":"a2","at":"2026-03-02T09:10:00Z"}
{"type":"opened","conversation":"18","at":"2026-03-02T09:30:00Z"}
{"type":"message","conversation":"18","from":"customer","at":"2026-03-02T09:30:00Z"}
{"type":"opened","conversation":"19","at":"2026-03-02T09:30:00Z"}
{"type":"assigned","conversation":"19","agent":"a2","at":"2026-03-02T09:31:00Z"}
{"type":"status","conversation":"19","status":"on_hold","at":"2026-03-02T09:32:00Z"}
{"type":"opened","conversation":"20","at":"2026-03-02T09:30:00Z"}
{"type":"message","conversation":"20","from":"customer","at":"2026-03-02T09:30:00Z"}
{"type":"status","conversation":"20","status":"resolved","at":"2026-03-02T09:40:00Z"}
"#;

/// A board over streams, one a source.
fn snapshot(streams: &[(&str, &str)]) -> BoardSnapshot {
    let at = Timestamp::parse(AT).unwrap();
    let midnight = |at: Timestamp| Timestamp::from_millis(at.millis() - at.millis().rem_euclid(86_400_000));
    let mut engine =
        Engine::new(Options { thresholds: Arc::default(), keep_text: false, midnight: Arc::new(midnight) }, at);
    for (name, lines) in streams {
        let source =
            engine.add_source(SourceHealth { name: (*name).to_owned(), kind: "replay", ..SourceHealth::default() });
        let lines = lines.trim();
        let mut reader = Reader::new(lines.as_bytes());
        while let Some(line) = reader.next_line().unwrap() {
            engine.take(source, [line.event.expect(lines)], at);
        }
        engine.set_health(source, |health| {
            health.good_at = Some(Timestamp::parse("2026-03-02T09:59:56Z").unwrap());
            health.interval = std::time::Duration::from_secs(15);
            health.state = helptop::board::SourceState::Fresh;
        });
    }
    engine.settle(at);
    engine.snapshot(at)
}

fn json_of(snapshot: &BoardSnapshot) -> Value {
    let mut out = Vec::new();
    write_json(&mut out, &SnapshotReport::of(snapshot)).unwrap();
    let value: Value = serde_json::from_slice(&out).unwrap();
    let validator = jsonschema::validator_for(&SnapshotReport::schema()).unwrap();
    let faults: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(faults.is_empty(), "{faults:?}");
    value
}

fn text_of(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn json_is_the_contract() {
    let value = json_of(&snapshot(&[("desk", MORNING)]));
    assert_eq!(value["at"], AT);
    assert_eq!(
        value["queues"],
        json!([
            {"agent": "a1", "name": "Ana", "open": 0, "unanswered": 0, "pending": 0, "longest_wait": null},
            {"agent": "a3", "name": "Ana", "open": 0, "unanswered": 0, "pending": 0, "longest_wait": null},
            {"agent": "a2", "name": "Bogdan", "open": 2, "unanswered": 1, "pending": 1, "longest_wait": 3599.5},
        ])
    );
    assert_eq!(
        value["unanswered"],
        json!([
            {"conversation": "17", "customer": "c1", "agent": "a2", "team": "t1", "channel": "whatsapp",
             "waiting_since": "2026-03-02T09:00:00.500Z", "wait": 3599.5},
            {"conversation": "18", "customer": null, "agent": null, "team": null, "channel": null,
             "waiting_since": "2026-03-02T09:30:00Z", "wait": 1800},
        ])
    );
    assert_eq!(
        value["agents"],
        json!([
            {"agent": "a1", "name": "Ana", "state": "online", "since": "2026-03-02T08:00:00Z"},
            {"agent": "a3", "name": "Ana", "state": "busy", "since": "2026-03-02T09:00:00Z"},
            {"agent": "a2", "name": "Bogdan", "state": "away", "since": "2026-03-02T09:00:00Z"},
            {"agent": "a5", "name": "Chiara", "state": null, "since": null},
            {"agent": "a4", "name": "Zoe", "state": "offline", "since": "2026-03-02T09:00:00Z"},
        ])
    );
    assert_eq!(value["unassigned"], json!({"open": 1, "unanswered": 1, "longest_wait": 1800}));
    assert_eq!(value["totals"], json!({"active": 3, "unanswered": 2, "online": 2}));
    let source = &value["sources"][0];
    assert_eq!((&source["name"], &source["state"], &source["age"]), (&json!("desk"), &json!("fresh"), &json!(4)));
    assert_eq!(source["good_at"], "2026-03-02T09:59:56Z");
}

#[test]
fn a_whole_second_is_an_integer() {
    let mut out = Vec::new();
    write_json(&mut out, &SnapshotReport::of(&snapshot(&[("desk", MORNING)]))).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("\"wait\": 1800\n") && text.contains("\"wait\": 3599.5\n"), "{text}");
}

#[test]
fn where_nobody_tells_states_online_is_unknown_and_not_none() {
    let silent = r#"{"type":"agent","id":"a1","name":"Ana"}"#;
    assert_eq!(json_of(&snapshot(&[("desk", silent)]))["totals"]["online"], Value::Null);
    let away = r#"{"type":"presence","agent":"a1","state":"away","at":"2026-03-02T09:00:00Z"}"#;
    assert_eq!(json_of(&snapshot(&[("desk", away)]))["totals"]["online"], 0);
}

#[test]
fn who_was_online_is_unknown_once_the_source_can_not_tell_any_more() {
    let (can, can_not) = (r#"["presence","messages"]"#, r#"["messages"]"#);
    let hello = |list: &str| format!(r#"{{"type":"hello","version":1,"capabilities":{list}}}"#);
    let state =
        |state: &str| format!(r#"{{"type":"presence","agent":"a1","state":"{state}","at":"2026-03-02T09:00:00Z"}}"#);
    let of = |lines: &[String]| json_of(&snapshot(&[("desk", &lines.join("\n"))]));
    let told = [hello(can), state("online")];
    let [before, lost] = [of(&told), of(&[&told[..], &[hello(can_not)]].concat())];
    assert_eq!((&before["totals"]["online"], &before["agents"][0]["state"]), (&json!(1), &json!("online")));
    assert_eq!((&lost["totals"]["online"], &lost["agents"][0]["state"]), (&Value::Null, &Value::Null));
    let again = of(&[&told[..], &[hello(can_not), hello(can), state("away").replace("09:00", "09:30")]].concat());
    assert_eq!((&again["totals"]["online"], &again["agents"][0]["state"]), (&json!(0), &json!("away")));
}

#[test]
fn of_several_sources_each_row_names_its_own() {
    let value = json_of(&snapshot(&[("one", MORNING), ("two", MORNING)]));
    for (list, rows) in [("queues", 6), ("unanswered", 4), ("agents", 10)] {
        let sources: Vec<&str> =
            value[list].as_array().unwrap().iter().map(|row| row["source"].as_str().unwrap()).collect();
        assert_eq!(sources.len(), rows, "{list}");
        assert_eq!(sources.iter().filter(|name| **name == "two").count(), rows / 2, "{list}");
    }
    let first: Vec<_> =
        value["queues"].as_array().unwrap().iter().map(|r| (&r["agent"], &r["source"])).take(2).collect();
    assert_eq!(first, [(&json!("a1"), &json!("one")), (&json!("a1"), &json!("two"))]);
    assert!(value["totals"].get("source").is_none());
}

#[test]
fn an_empty_board_is_valid_in_every_form() {
    let empty = BoardSnapshot::default();
    let value = json_of(&empty);
    assert_eq!(value["queues"], json!([]));
    assert_eq!(value["unassigned"]["longest_wait"], Value::Null);
    let report = SnapshotReport::of(&empty);
    assert!(text_of(|out| write_table(out, &report, Mask::None)).contains("nobody waits"));
    assert!(text_of(|out| write_markdown(out, &report, Mask::None)).contains("nobody waits"));
    assert_eq!(text_of(|out| write_csv(out, &report, Mask::None)).lines().count(), 3);
}

#[test]
fn the_table_is_aligned_and_shows_names() {
    let snapshot = snapshot(&[("desk", MORNING)]);
    let report = SnapshotReport::of(&snapshot);
    insta::assert_snapshot!(text_of(|out| write_table(out, &report, Mask::None)));
}

#[test]
fn markdown_holds_the_same() {
    let snapshot = snapshot(&[("one", MORNING), ("two", MORNING)]);
    let report = SnapshotReport::of(&snapshot);
    insta::assert_snapshot!(text_of(|out| write_markdown(out, &report, Mask::Initials)));
}

#[test]
fn csv_holds_every_row() {
    let snapshot = snapshot(&[("desk", MORNING)]);
    let report = SnapshotReport::of(&snapshot);
    insta::assert_snapshot!(text_of(|out| write_csv(out, &report, Mask::None)));
}

#[test]
fn a_mask_hides_customers_everywhere_but_in_json() {
    let snapshot = snapshot(&[("desk", &MORNING.replace("\"c1\"", "\"m.rossi@example.com\""))]);
    let report = SnapshotReport::of(&snapshot);
    for mask in [Mask::Initials, Mask::All] {
        for text in [
            text_of(|out| write_table(out, &report, mask)),
            text_of(|out| write_markdown(out, &report, mask)),
            text_of(|out| write_csv(out, &report, mask)),
        ] {
            assert!(!text.to_lowercase().contains("rossi") && text.contains("Bogdan"), "{text}");
        }
    }
    assert_eq!(json_of(&snapshot)["unanswered"][0]["customer"], "m.rossi@example.com");
}

/// Everything a stranger can name holds an attack; none of it gets through.
#[test]
fn nothing_hostile_gets_through() {
    let evil = "=cmd|' /C calc'!A0\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{200b}\n|<b>`x`[y](http://z)";
    let word = serde_json::to_string(evil).unwrap();
    let lines = [
        r#"{"type":"agent","id":EVIL,"name":EVIL}"#,
        r#"{"type":"team","id":EVIL,"name":EVIL}"#,
        r#"{"type":"customer","id":EVIL,"name":EVIL}"#,
        r#"{"type":"opened","conversation":EVIL,"customer":EVIL,"channel":EVIL,"team":EVIL,"subject":EVIL,"at":"2026-03-02T09:00:00Z"}"#,
        r#"{"type":"assigned","conversation":EVIL,"agent":EVIL,"at":"2026-03-02T09:00:01Z"}"#,
        r#"{"type":"message","conversation":EVIL,"from":"customer","at":"2026-03-02T09:00:02Z"}"#,
    ];
    let snapshot = snapshot(&[("desk", &lines.join("\n").replace("EVIL", &word))]);
    let report = SnapshotReport::of(&snapshot);
    let table = text_of(|out| write_table(out, &report, Mask::None));
    let csv = text_of(|out| write_csv(out, &report, Mask::None));
    let markdown = text_of(|out| write_markdown(out, &report, Mask::None));
    let json = text_of(|out| write_json(out, &report));
    for text in [&table, &csv, &markdown, &json] {
        assert!(text.contains("owned"), "the row is there: {text}");
        assert!(!text.contains(|c: char| c != '\n' && is_harmful(c)), "{text:?}");
    }
    assert_eq!(json_of(&snapshot)["unanswered"][0]["conversation"], evil);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    for cell in reader.records().flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
    assert!(!markdown.contains("<b>") && !markdown.contains("`x`") && !markdown.contains("](http"), "{markdown}");
    let row = markdown.lines().find(|line| line.contains("owned")).unwrap();
    assert_eq!(row.matches('|').count(), 7, "{row}");
}

/// A name of a megabyte makes no cell of a megabyte where people read; a spreadsheet and a program get it whole.
#[test]
fn what_people_read_is_cut_and_what_programs_read_is_not() {
    let long = format!("K. {}", "ö".repeat(500_000));
    let customer = format!(r#"{{"type":"customer","id":"c1","name":"{long}"}}"#);
    let snapshot = snapshot(&[(
        "desk",
        &MORNING.replace(r#"{"type":"customer","id":"c1","name":"M. Rossi","segment":"vip"}"#, &customer),
    )]);
    let report = SnapshotReport::of(&snapshot);
    let cut = format!("K. {}…", "ö".repeat(57));
    for text in
        [text_of(|out| write_table(out, &report, Mask::None)), text_of(|out| write_markdown(out, &report, Mask::None))]
    {
        assert!(text.contains(&cut) && text.lines().all(|line| line.chars().count() < 400), "{} bytes", text.len());
    }
    assert!(text_of(|out| write_csv(out, &report, Mask::None)).contains(&long));
}

/// What JSON says of a source, a spreadsheet can read, too.
#[test]
fn csv_tells_of_a_source_what_json_tells() {
    let mut snapshot = snapshot(&[("desk", MORNING)]);
    let mut health = snapshot.sources[0].clone();
    let since = Timestamp::parse("2026-03-02T09:59:00Z").unwrap();
    health.error = Some(("it broke".into(), "mend it".into(), since));
    (health.skipped_total, health.events_total) = (3, 24);
    snapshot.sources = Arc::from([health]);
    let csv = text_of(|out| write_csv(out, &SnapshotReport::of(&snapshot), Mask::None));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, head: &str| row[heads.iter().position(|it| it == head).unwrap()].to_owned();
    assert!(rows.iter().all(|row| cell(row, "at") == AT), "{csv}");
    let source = rows.iter().find(|row| &row[0] == "source").unwrap();
    let json = &json_of(&snapshot)["sources"][0];
    for head in ["kind", "state", "good_at", "age", "events", "skipped"] {
        let told = json[head].as_str().map_or_else(|| json[head].to_string(), str::to_owned);
        assert_eq!(cell(source, head), told, "{head}");
    }
    assert_eq!(cell(source, "source"), "desk");
    assert_eq!(cell(source, "capabilities"), "presence messages assignments statuses");
    let fault = [cell(source, "error"), cell(source, "hint"), cell(source, "error_since")];
    assert_eq!(fault, ["it broke", "mend it", "2026-03-02T09:59:00Z"]);
    let states: Vec<_> = rows.iter().filter(|row| &row[0] == "queue").map(|row| cell(row, "state")).collect();
    assert_eq!(states, ["online", "busy", "away"]);
}
