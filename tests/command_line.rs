//! The program as a shell sees it: exit codes, what goes to which stream, recordings from start to end.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

/// The program, in a home of its own with nothing in it.
fn helptop(home: &tempfile::TempDir) -> Command {
    let mut command = Command::cargo_bin("helptop").unwrap();
    command.env_clear().env("HOME", home.path()).current_dir(home.path());
    command
}

/// Exit code, standard output and standard error.
fn run(home: &tempfile::TempDir, line: &str) -> (i32, String, String) {
    let output = helptop(home).args(line.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const RECORDING: &str = r#"{"type":"agent","id":"a1","name":"Ana"}
{"type":"opened","conversation":"17","at":"2026-03-02T09:00:00Z"}
{"type":"message","conversation":"17","from":"customer","at":"2026-03-02T09:00:00Z"}
{"type":"assigned","conversation":"17","agent":7,"at":"2026-03-02T09:01:00Z"}
{"type":"message","conversation":"17","from":"agent","agent":"a1","at":"2026-03-02T09:10:00Z"}
{"type":"clock","at":"2026-03-02T09:20:00Z"}
"#;

fn home_with_recording() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("monday.jsonl"), RECORDING).unwrap();
    home
}

#[test]
fn help_is_for_everybody_and_wrong_usage_is_two() {
    let home = tempfile::tempdir().unwrap();
    for line in
        ["--help", "demo --help", "replay --help", "snapshot --help", "events --help", "doctor --help", "print --help"]
    {
        let (code, out, err) = run(&home, line);
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        assert!(out.contains("Example"), "{line}: {out}");
    }
    let (code, out, err) = run(&home, "snapshto");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("snapshot"), "{err}");
}

#[test]
fn what_is_printed_is_what_it_says() {
    let home = tempfile::tempdir().unwrap();
    let (code, example, _) = run(&home, "print config");
    assert_eq!((code, example.as_str()), (0, helptop::config::EXAMPLE));
    let (code, schema, _) = run(&home, "print schema snapshot");
    assert_eq!((code, serde_json::from_str::<Value>(&schema).unwrap()["title"].clone()), (0, "SnapshotReport".into()));
    for (line, word) in [
        ("print keys", "filter"),
        ("print themes", "dark"),
        ("print completions bash", "complete"),
        ("print man", ".TH helptop"),
    ] {
        let (code, out, err) = run(&home, line);
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        assert!(out.contains(word), "{line}: {out}");
    }
}

#[test]
fn a_recording_is_read_as_of_an_instant_and_broken_lines_are_named() {
    let home = home_with_recording();
    let (code, out, err) = run(&home, "snapshot --format json --events monday.jsonl --at 2026-03-02T09:05:00Z");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["unanswered"][0]["wait"], &report["totals"]["online"]), (0, &300.into(), &Value::Null));
    assert!(err.contains("monday.jsonl:4: ") && err.contains("agent"), "{err}");
    let (_, out, _) = run(&home, "snapshot --format json --events monday.jsonl");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((report["unanswered"].as_array().unwrap().len(), &report["at"]), (0, &"2026-03-02T09:20:00Z".into()));
    assert_eq!(report["queues"][0]["agent"], "a1");
}

#[test]
fn strict_makes_a_broken_line_fatal() {
    let home = home_with_recording();
    let (code, out, err) = run(&home, "snapshot --strict --events monday.jsonl");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("monday.jsonl:4"), "{err}");
}

#[test]
fn the_same_recording_comes_by_standard_input() {
    let home = home_with_recording();
    let assert = helptop(&home).args(["snapshot", "--events", "-", "--format", "csv"]).write_stdin(RECORDING).assert();
    let out = String::from_utf8(assert.success().get_output().stdout.clone()).unwrap();
    assert!(
        out.starts_with("row,at,source,kind,agent,") && out.contains("\nqueue,2026-03-02T09:20:00Z,,,a1,Ana,"),
        "{out}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (code, _, err) = run(&home, "snapshot --events gone.jsonl");
    assert_eq!(code, 1);
    assert!(err.contains("gone.jsonl") && err.contains("No such file"), "{err}");
    let (code, _, err) = run(&home, "--config gone.toml print keys");
    assert_ne!(code, 0);
    assert!(err.contains("gone.toml: there is no such config file (--config names it)"), "{err}");
}

#[test]
fn a_broken_config_is_located_on_standard_error() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/helptop")).unwrap();
    fs::write(home.path().join(".config/helptop/config.toml"), "[board]\ntehme = \"light\"\n").unwrap();
    let (code, out, err) = run(&home, "print keys");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.ends_with("config.toml:2: unknown key `board.tehme`\n  did you mean `theme`?\n"), "{err}");
}

/// A home whose config is that text.
fn home_with_config(config: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/helptop")).unwrap();
    fs::write(home.path().join(".config/helptop/config.toml"), config).unwrap();
    home
}

#[test]
fn doctor_without_a_source_says_what_is_shown_instead() {
    let home = tempfile::tempdir().unwrap();
    let (code, out, err) = run(&home, "doctor");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("no source is configured") && out.contains("demo") && out.contains("print config"), "{out}");
}

#[test]
fn doctor_fails_for_a_source_that_is_not_there_and_promises_nothing() {
    let config = "[[source]]\nname = \"desk\"\nkind = \"rt\"\nbase_url = \"http://127.0.0.1:1\"\ntoken = \"x-secret\"\n\n\
                  [[source]]\nname = \"ours\"\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n";
    let home = home_with_config(config);
    let path = home.path().join(".config/helptop/config.toml");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (code, out, err) = run(&home, "doctor");
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("cannot connect: Connection refused") && out.contains("→ is base_url right"), "{out}");
    assert!(out.contains("ended with exit code 3") && out.contains("→ run the command by hand"), "{out}");
    assert!(out.ends_with("2 of 2 sources can't be read as they should: desk, ours\n"), "{out}");
    for promise in ["tries again", "comes back", "press r", "x-secret"] {
        assert!(!out.contains(promise), "{promise}: {out}");
    }
}
