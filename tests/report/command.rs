//! `helptop report` as people and programs run it.

use std::fs;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

const STREAM: &str = r#"{"type":"hello","version":1,"capabilities":["assignments","presence"]}
{"type":"agent","id":"a1","name":"Ana"}
{"type":"customer","id":"k@example.com","name":"=HYPERLINK(1)"}
{"type":"opened","conversation":"1","customer":"k@example.com","channel":"email","at":"2026-03-02T09:00:00Z"}
{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:00:00Z"}
{"type":"assigned","conversation":"1","agent":"a1","at":"2026-03-02T09:01:00Z"}
{"type":"message","conversation":"1","from":"agent","agent":"a1","at":"2026-03-02T09:05:00Z"}
{"type":"status","conversation":"1","status":"resolved","by":"agent","at":"2026-03-02T10:00:00.500Z"}
{"type":"opened","at":"2026-03-02T11:00:00Z"}
{"type":"novelty","at":"2026-03-02T11:00:00Z"}
{"type":"opened","conversation":"2","channel":"e\u001b[2Jvil","at":"2026-03-03T09:00:00Z"}
"#;

fn run(config: &str, arguments: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("stream.jsonl"), STREAM).unwrap();
    fs::write(dir.path().join("config.toml"), config).unwrap();
    let mut command = Command::cargo_bin("helptop").unwrap();
    command.current_dir(dir.path()).env_clear().env("HELPTOP_CONFIG", dir.path().join("config.toml")).env("TZ", "UTC");
    command.arg("report").args(arguments.split_whitespace()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_past_that_is_not_read_to_the_end_is_said_to_be_incomplete() {
    use helptop::store::{Mark, SqliteStore, Store};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    let mut store = SqliteStore::open(&path, false).unwrap();
    let event = helptop::event::parse_line(STREAM.lines().nth(3).unwrap().as_bytes()).unwrap();
    let config = format!("[store]\npath = \"{}\"\n", path.display());
    for (name, is_told) in [("desk", false), ("well", true), ("desk", true)] {
        let source = store.source(name).unwrap();
        let mark = Mark { history_told: Some(is_told), ..Mark::default() };
        store.append(source, std::slice::from_ref(&event), &mark).unwrap();
        let output = run(&config, "--from 2026-03-02 --to 2026-03-03 --format json");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let is_said = text(&output.stderr).contains("source `desk`: its past is not read to the end");
        assert_eq!(is_said, !(name == "desk" && is_told), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("`well`"));
    }
}

#[test]
fn json_keeps_to_its_schema_and_to_the_contract() {
    let output =
        run("", "--events stream.jsonl --from 2026-03-02 --to 2026-03-03 --tz Europe/Berlin --by agent --format json");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema: Value = serde_json::from_str(&fs::read_to_string("docs/schema/report.json").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(report["from"], "2026-03-01T23:00:00Z");
    assert_eq!(report["to"], "2026-03-02T23:00:00Z");
    assert_eq!(report["tz"], "Europe/Berlin");
    assert_eq!(report["total"]["resolved"], 1);
    assert_eq!(report["groups"][0]["key"], "a1");
    assert_eq!(report["groups"][0]["name"], "Ana");
    assert_eq!(report["groups"][0]["handling_time"]["mean"], 3540.5);
    let mut wrong = report.clone();
    wrong["total"]["new"] = "many".into();
    assert!(!validator.is_valid(&wrong), "the schema says what a figure looks like");
    // The order is that of docs/metrics.md, in the text itself.
    let printed = text(&output.stdout);
    let places: Vec<_> = ["\"new\"", "\"backlog\"", "\"closed\"", "\"resolved\"", "\"csat\"", "\"cost_per_resolved\""]
        .map(|key| printed.find(key).unwrap())
        .into();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn what_cannot_be_read_is_said_and_counted() {
    let output = run("", "--events stream.jsonl --format json");
    let said = text(&output.stderr);
    assert!(said.contains("stream.jsonl:9: field `conversation`: is missing: skipped"), "{said}");
    assert!(said.contains("stream.jsonl:10: unknown type `novelty`: skipped"), "{said}");
    assert!(said.contains("stream.jsonl: skipped 2 of its lines, read 9 events"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["from"], &report["to"]), (&"2026-03-02T09:00:00Z".into(), &"2026-03-03T09:00:00.001Z".into()));
    let strict = run("", "--events stream.jsonl --strict");
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict.stderr).contains("stream.jsonl:9:"), "{}", text(&strict.stderr));
}

#[test]
fn csv_has_a_cell_for_every_head_and_runs_no_formula() {
    let output = run("", "--events stream.jsonl --by customer --format csv");
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let heads = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    let cell = |row: usize, head: &str| &rows[row][heads.iter().position(|one| one == head).unwrap()];
    assert_eq!((cell(0, "row"), cell(0, "resolved"), cell(0, "new")), ("total", "1", "2"));
    assert_eq!((cell(1, "row"), cell(1, "key"), cell(1, "name")), ("group", "k@example.com", "'=HYPERLINK(1)"));
    assert_eq!((cell(0, "handling_time_mean"), cell(0, "csat_rate"), cell(0, "csat_of")), ("3540.5", "", "0"));
    assert_eq!((cell(1, "resolved"), cell(1, "closed")), ("1", ""));
    assert_eq!(cell(0, "sla_met_first_response_of"), "0");
    let masked = run("[privacy]\nmask = \"all\"\n", "--events stream.jsonl --by customer --format csv");
    assert!(!text(&masked.stdout).contains("k@example.com") && text(&masked.stdout).contains("•••"));
}

#[test]
fn tables_are_for_people_and_harmless() {
    let table = text(&run("", "--events stream.jsonl --by channel").stdout);
    assert!(table.starts_with("2026-03-02 09:00:00 to 2026-03-03 09:00:00 (UTC)\n"), "{table}");
    assert!(table.contains("handling time") && table.contains("59m 00s") && table.contains("By channel"), "{table}");
    assert!(!table.contains('\u{1b}') && table.contains("e\u{fffd}[2Jvil"), "{table}");
    assert!(table.contains("59m 00s n 1 "), "n stands beside it: {table}");
    let markdown = text(&run("", "--events stream.jsonl --by channel --format markdown").stdout);
    assert!(markdown.contains("| figure | value | n |\n| --- | --: | --: |"), "{markdown}");
    assert!(!markdown.contains('\u{1b}') && markdown.contains("\\[2Jvil"), "{markdown}");
}

#[test]
fn hours_and_costs_of_the_config_count() {
    let config = "[hours]\nzone = \"UTC\"\nmonday = [\"09:30-17:00\"]\n\n[costs]\nhourly = 20\nfixed_per_month = 3100\n\n\
                  [business]\ngross_margin = 10.5\n";
    let output = run(config, "--events stream.jsonl --from 2026-03-02 --to 2026-03-03 --format json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["total"]["handling_time"]["mean"], 1800.5);
    assert_eq!(report["total"]["first_response_time"]["mean"], 0.0);
    assert_eq!(report["total"]["cost_per_resolved"], 100.0);
    assert_eq!(report["total"]["gross_margin"], 10.5);
}

#[test]
fn time_online_that_nobody_tells_of_is_unknown() {
    let row = |stream: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("stream.jsonl"), stream).unwrap();
        let mut command = Command::cargo_bin("helptop").unwrap();
        command.current_dir(dir.path()).env_clear().env("XDG_CONFIG_HOME", dir.path()).env("TZ", "UTC");
        let table = text(&command.args(["report", "--events", "stream.jsonl"]).output().unwrap().stdout);
        let row = table.lines().find(|line| line.contains("online time")).unwrap();
        row.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(row(STREAM), "0s");
    assert_eq!(row(&STREAM.replace(",\"presence\"", "")), "–");
}

#[test]
fn wrong_usage_is_refused_with_words() {
    for (arguments, words) in [
        ("--events stream.jsonl --from 2026-03-03 --to 2026-03-02", "the range is empty"),
        ("--events stream.jsonl --tz Europe/Berlln", "did you mean Europe/Berlin?"),
        ("--events stream.jsonl --by agnet", "agent, team, channel"),
        ("--events stream.jsonl --agent Anna", "did you mean `Ana`?"),
        ("--events stream.jsonl --source nope", "before the end of the range\n  the sources: stream.jsonl\n"),
        ("--events stream.jsonl --team t", "--team t: no team of that id or name"),
        ("--events stream.jsonl --month march", "--month march: not a month"),
        ("--events stream.jsonl --month 2026-03 --since 7d", "cannot be used with"),
        ("--events stream.jsonl --by day --from 1800-01-01", "a report by day at most"),
        ("--last-week", "there is no place for a store"),
    ] {
        let output = run("", arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(words) && output.stdout.is_empty(), "{arguments}: {said}");
    }
    let output = run("[store]\npath = \"kept/here.db\"", "--last-week");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("kept/here.db: there is no store yet\n  run the board for a while, or `helptop import"),
        "{said}"
    );
    let output = run("", "--events missing.jsonl");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("missing.jsonl: cannot read the recording"));
}
