//! The program as a shell sees it: exit codes, what goes to which stream, recordings from start to end.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use assert_cmd::Command;
use helptop::event::{Timestamp, write_event};
use helptop::source::Source;
use helptop::source::demo::{Demo, Settings};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

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
    for line in [
        "--help",
        "demo --help",
        "replay --help",
        "snapshot --help",
        "events --help",
        "init --help",
        "doctor --help",
        "print --help",
    ] {
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
fn the_examples_that_write_a_file_work_on_a_machine_where_nothing_is_set_up() {
    let program = assert_cmd::cargo::cargo_bin("helptop");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut written = 0;
    for line in ["print --help", "print config --help", "print completions --help", "print schema --help"] {
        let (_, help, _) = run(&tempfile::tempdir().unwrap(), line);
        let examples = help.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
        let examples: Vec<_> =
            examples.take_while(|line| !line.is_empty()).filter(|line| !line.contains('|')).collect();
        let home = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.env_clear().env("HOME", home.path()).env("PATH", &path).current_dir(home.path());
        shell.args(["-ec", &examples.join("\n")]).assert().success().stdout("").stderr("");
        written += examples.iter().filter(|line| line.contains(" > ")).count();
    }
    assert_eq!(written, 5);
    let readme = fs::read_to_string("README.md").unwrap();
    for part in ["`mkdir -p ~/.config/helptop && helptop print config > ~/", "`chmod +x ~/.config/helptop/feed.sh`"] {
        assert!(readme.contains(part), "{part}");
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
fn a_pipe_named_as_config_is_refused_and_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    Command::new("mkfifo").arg(home.path().join("pipe.toml")).assert().success();
    for line in ["print keys", "snapshot", "doctor"] {
        let mut command = helptop(&home);
        command.args(["--config", "pipe.toml"]).args(line.split(' ')).timeout(std::time::Duration::from_secs(30));
        let assert = command.assert().code(2);
        let err = String::from_utf8_lossy(&assert.get_output().stderr);
        assert!(err.contains("pipe.toml: is no regular file\n  write the config to a file and name that"), "{err}");
    }
    // What the shell or the caller has opened is read.
    let mut command = helptop(&home);
    command.args(["--config", "/dev/stdin", "print", "keys"]).write_stdin("[keys]\nfreeze = [\"x\"]\n");
    let out = String::from_utf8_lossy(&command.assert().success().get_output().stdout).into_owned();
    assert!(out.lines().any(|line| line.contains("freeze") && line.contains(" x ")), "{out}");
}

#[test]
fn names_are_sorted_by_code_points_for_programs() {
    let home = tempfile::tempdir().unwrap();
    let agents =
        [("a9", "Zoe"), ("a3", "bob"), ("a2", "Bob"), ("a7", "Bob"), ("a4", "émile"), ("a5", "Anna"), ("a6", "Émile")];
    let lines = agents.map(|(id, name)| {
        let line = json!({"type": "agent", "id": id, "name": name});
        let held = json!({"type": "assigned", "conversation": id, "agent": id, "at": "2026-03-02T09:00:00Z"});
        format!("{line}\n{held}\n")
    });
    fs::write(home.path().join("day.jsonl"), lines.concat()).unwrap();
    let (_, out, _) = run(&home, "snapshot --format json --events day.jsonl");
    let report: Value = serde_json::from_str(&out).unwrap();
    for list in ["queues", "agents"] {
        let order: Vec<_> = report[list].as_array().unwrap().iter().map(|row| row["agent"].as_str().unwrap()).collect();
        assert_eq!(order, ["a5", "a2", "a7", "a9", "a3", "a6", "a4"], "{list}");
    }
}

#[test]
fn what_a_config_says_of_the_board_is_checked_by_every_command() {
    let home = home_with_recording();
    let config = home.path().join("helptop.toml");
    let faults = [
        (
            "[board]\ntheme = \"drak\"\n",
            "helptop.toml:2: no theme is named `drak`\n  did you mean `dark`? there are: dark,",
        ),
        ("\n[keys]\nfreze = [\"x\"]\n", "helptop.toml:3: there is no action `freze`; did you mean `freeze`?"),
        ("[keys]\nsort = [\"f\"]\n", "helptop.toml:2: \"f\" is bound to `sort` and to `freeze`"),
        ("[keys]\nhelp = [\"hyper-x\"]\n", "helptop.toml:2: [keys] help: \"hyper-x\" is no key"),
    ];
    for (text, wanted) in faults {
        fs::write(&config, text).unwrap();
        for line in
            ["snapshot", "snapshot --events monday.jsonl", "doctor", "events", "print keys", "print themes", "demo"]
        {
            let (code, out, err) = run(&home, &format!("--config helptop.toml {line}"));
            assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
            assert!(err.contains(wanted), "{line}: {err}");
        }
    }
    fs::write(&config, "").unwrap();
    let (code, _, err) = run(&home, "--config helptop.toml --theme lihgt snapshot --events monday.jsonl");
    assert_eq!(code, 2);
    assert!(err.contains("--theme: no theme is named `lihgt`\n  did you mean `light`?"), "{err}");
    let (code, ..) = run(&home, "--config helptop.toml --theme light snapshot --events monday.jsonl");
    assert_eq!(code, 0);
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
    assert!(out.contains("no source is configured") && out.contains("demo") && out.contains("helptop init"), "{out}");
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

#[test]
fn doctor_remarks_on_a_source_that_counts_twice() {
    let source = |name: &str| format!("[[source]]\nname = \"{name}\"\nkind = \"demo\"\nseed = 7\n");
    let other = "[[source]]\nname = \"c\"\nkind = \"demo\"\nseed = 8\n";
    let home = home_with_config(&[&source("a"), other, &source("b")].concat());
    let (code, out, _) = run(&home, "doctor");
    assert_eq!((code, out.matches("counts twice").count()), (0, 1), "{out}");
    assert!(out.split("\nb (demo)\n").last().unwrap().contains("· reads: the same as `a`: all of it"), "{out}");
}

#[test]
fn doctor_says_whether_the_history_is_sound() {
    let feed = r#"[[source]]
name = "ours"
kind = "command"
command = ["echo", '{"type":"hello","version":1}']
"#;
    let home = home_with_config(feed);
    let doctor = || run(&home, "doctor").1;
    let out = doctor();
    assert!(out.starts_with("the history\n  · kept: nothing yet, it will be in "), "{out}");
    fs::write(home.path().join("old.jsonl"), RECORDING).unwrap();
    assert_eq!(run(&home, "import old.jsonl").0, 0);
    let out = doctor();
    assert!(out.contains("  ✓ kept: in ") && out.contains("history.db, ") && out.contains(", sound\n"), "{out}");
    let store = home.path().join(".local/share/helptop/history.db");
    fs::write(&store, "this was a database once, and now it is a letter that is as long as the head of one").unwrap();
    let out = doctor();
    assert!(
        out.contains("  ✗ kept: ") && out.contains("not a sound store") && out.contains("→ move the file away"),
        "{out}"
    );
}

/// What `snapshot --events - --at` says, and its standard error.
fn snapshot_of(home: &tempfile::TempDir, stream: &str, at: &str) -> (Value, String) {
    let mut command = helptop(home);
    command.args(["snapshot", "--format", "json", "--events", "-", "--at", at]).write_stdin(stream);
    let output = command.assert().success().get_output().clone();
    (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Late, repeated, broken and unknown lines among good ones: the figures are those of docs/metrics.md.
#[test]
fn a_stream_with_everything_that_can_be_wrong_gives_the_right_figures() {
    let stream = r#"{"type":"message","conversation":"3","from":"customer","at":"2026-03-02T09:50:00Z"}
{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:05:00Z"}
{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:04:00Z"}
{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:04:00Z"}
{"type":"party","at":"2026-03-02T09:00:00Z"}
{"type":"status","conversation":"2","status":"resolved","by":"agent","agent":"ana","at":"2026-03-02T09:30:00Z"}
{"type":"message","conversation":"2","from":"customer","at":"2026-03-02T09:40:00Z"}
{"type":"message","conversation":"2","from":"agent","at":"2026-03-02T09:41:00Z"}
{"type":"status","conversation":"2","status":"sleeping","at":"2026-03-02T09:42:00Z"}
{"type":"message","conversation":"2"
{"type":"message","conversation":"1","from":"bot","at":"2026-03-02T09:10:00Z"}
{"type":"message","conversation":"1","from":"agent","agent":"ana","public":false,"at":"2026-03-02T09:11:00Z"}
{"type":"assigned","conversation":"1","agent":"ana","at":"2026-03-02T09:12:00Z"}
{"type":"opened","conversation":"1","customer":"c","channel":"email","team":"t","at":"2026-03-02T09:00:00Z"}
{"type":"merged","conversation":"3","into":"1","at":"2026-03-02T09:55:00Z"}
{"type":"assigned","conversation":"2","agent":"bo","at":"2026-03-02T09:01:00Z"}
{"type":"status","conversation":"1","status":"on_hold","at":"2026-03-02T09:13:00Z"}
{"type":"opened","conversation":"4","at":"2026-03-02T09:20:00Z"}
{"type":"presence","agent":"bo","state":"busy","at":"2026-03-02T08:00:00Z"}
{"type":"presence","agent":"bo","state":"busy","at":"2026-03-02T09:00:00Z"}
{"type":"message","conversation":"4","from":"customer","at":"2026-03-02T10:00:00Z"}
{"type":"agent","id":"ana","name":"Ana"}
"#;
    let home = tempfile::tempdir().unwrap();
    let (said, errors) = snapshot_of(&home, stream, "2026-03-02T10:00:00Z");
    let expected = json!([
        {"agent": "ana", "name": "Ana", "open": 1, "unanswered": 1, "pending": 1, "longest_wait": 3360},
        {"agent": "bo", "name": "bo", "open": 1, "unanswered": 1, "pending": 0, "longest_wait": 1200},
    ]);
    assert_eq!(said["queues"], expected, "a bot and a note answer nobody; a reopened chat waits anew");
    let waits: Vec<_> =
        said["unanswered"].as_array().unwrap().iter().map(|row| (&row["conversation"], &row["wait"])).collect();
    assert_eq!(waits, [(&json!("1"), &json!(3360)), (&json!("2"), &json!(1200))]);
    assert_eq!(said["unassigned"], json!({"open": 1, "unanswered": 0, "longest_wait": null}), "T itself is not seen");
    assert_eq!(said["totals"], json!({"active": 3, "unanswered": 2, "online": 1}));
    assert_eq!(
        said["agents"][1],
        json!({"agent": "bo", "name": "bo", "state": "busy", "since": "2026-03-02T08:00:00Z"})
    );
    assert_eq!(said["sources"][0]["skipped"], 4);
    for (line, words) in [(5, "unknown type `party`"), (8, "field `agent`"), (9, "field `status`"), (10, "JSON")] {
        let named = errors.lines().find(|one| one.starts_with(&format!("standard input:{line}: ")));
        assert!(named.is_some_and(|named| named.contains(words)), "{line}: {errors}");
    }
}

#[test]
fn lines_of_an_unknown_type_do_not_hide_one_that_is_broken() {
    let home = tempfile::tempdir().unwrap();
    let party = "{\"type\":\"party\",\"at\":\"2026-03-02T09:00:00Z\"}\n".repeat(30);
    let clock = "{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:00Z\"}\n";
    let (said, errors) = snapshot_of(&home, &format!("{party}no json\n{clock}"), "2026-03-02T10:00:00Z");
    assert_eq!(said["sources"][0]["skipped"], 31);
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    assert!(lines[0].contains(":1: unknown type `party`") && lines[1].contains(":31: not a JSON object"), "{errors}");
    assert!(lines[2].ends_with(": and 29 more not shown; skipped 31 of its lines, read 1 event"), "{errors}");
    let (_, errors) = snapshot_of(&home, &format!("{}{clock}{clock}", "no json\n".repeat(25)), "2026-03-02T10:00:00Z");
    assert_eq!(errors.lines().count(), 21);
    assert!(errors.ends_with(": and 5 more not shown; skipped 25 of its lines, read 2 events\n"), "{errors}");
}

#[test]
fn a_recording_without_an_instant_is_no_desk_of_1970_where_nobody_waits() {
    let home = tempfile::tempdir().unwrap();
    for stream in ["", "no json\n", "{\"type\":\"agent\",\"id\":\"a1\",\"name\":\"Ana\"}\n"] {
        fs::write(home.path().join("empty.jsonl"), stream).unwrap();
        let (code, out, err) = run(&home, "snapshot --events empty.jsonl");
        assert_eq!((code, out.as_str()), (1, ""), "{stream}");
        assert!(
            err.contains("empty.jsonl: no line of it is an event with an instant") && err.contains("--at"),
            "{err}"
        );
    }
}

#[test]
fn lines_that_are_no_events_are_no_desk_where_nobody_waits() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("bad.jsonl"), "no json\n{}\n").unwrap();
    let (code, out, err) = run(&home, "snapshot --format json --events bad.jsonl --at 2026-03-02T10:00:00Z");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.ends_with(
        "bad.jsonl: no line of it is an event, so there is nothing to look at\n  see docs/events.md for what a line has to \
         hold; or is it another file?\n"
    ));
}

#[test]
fn a_program_is_found_beside_a_config_that_is_named_from_elsewhere() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("conf");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("c.toml"), "[[source]]\nkind = \"command\"\ncommand = [\"./feed.sh\"]\n").unwrap();
    let script = folder.join("feed.sh");
    fs::write(&script, "#!/bin/sh\necho '{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:00Z\"}'\nsleep 1000\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, out, _) = run(&home, "--config conf/c.toml doctor");
    assert!(code == 0 && out.contains("command ./feed.sh runs; its first lines hold 1 event\n"), "{out}");
}

#[test]
fn of_an_instant_before_a_recording_begins_no_age_is_told() {
    let home = home_with_recording();
    let (code, out, _) = run(&home, "snapshot --format json --events monday.jsonl --at 2026-03-02T08:00:00Z");
    let report: Value = serde_json::from_str(&out).unwrap();
    let source = &report["sources"][0];
    assert_eq!((code, &source["state"]), (0, &"finished".into()));
    assert_eq!((&source["good_at"], &source["age"]), (&Value::Null, &Value::Null));
}

/// Some hundred lines of the demo's own stream, with their instants.
fn demo_lines(seed: u64) -> Vec<(Option<Timestamp>, String)> {
    let settings = Settings { seed, agents: 5, chats: 20 };
    let mut demo = Demo::new(&settings).unwrap();
    let now = Timestamp::parse("2026-03-03T14:00:00Z").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let events = runtime.block_on(demo.poll(None, now)).unwrap().events;
    let line = |event: &helptop::event::Event| {
        let mut line = Vec::new();
        write_event(&mut line, event).unwrap();
        (event.at, String::from_utf8(line).unwrap())
    };
    events.iter().take(800).map(line).collect()
}

/// The lines in another order, those of one instant (and those without one) among themselves in theirs.
fn shuffled(lines: &[(Option<Timestamp>, String)], dice: &mut ChaCha8Rng) -> Vec<String> {
    let mut places: Vec<usize> = (0..lines.len()).collect();
    for last in (1..places.len()).rev() {
        places.swap(last, dice.next_u64() as usize % (last + 1));
    }
    let mut of_instant = std::collections::BTreeMap::<_, Vec<usize>>::new();
    for (place, (at, _)) in places.iter().zip(lines) {
        of_instant.entry(*at).or_default().push(*place);
    }
    for places in of_instant.values_mut() {
        places.sort_unstable_by(|a, b| b.cmp(a));
    }
    let mut out = vec![String::new(); lines.len()];
    for (at, line) in lines {
        let place = of_instant.get_mut(at).and_then(Vec::pop).unwrap();
        out[place].clone_from(line);
    }
    out
}

#[test]
fn the_order_of_lines_repeats_and_bad_lines_change_nothing() {
    let home = tempfile::tempdir().unwrap();
    for seed in 1..=4 {
        let lines = demo_lines(seed);
        assert!(lines.len() > 300, "{} lines", lines.len());
        // Right after a customer wrote, somebody waits.
        let asked = lines.iter().rev().skip(lines.len() / 5).find(|(_, line)| line.contains(r#""from":"customer""#));
        let at = (asked.unwrap().0.unwrap() + chrono::TimeDelta::milliseconds(1)).to_string();
        let clean: String = lines.iter().map(|(_, line)| line.as_str()).collect();
        let (mut expected, errors) = snapshot_of(&home, &clean, &at);
        assert_eq!(errors, "");
        assert!(
            expected["totals"]["active"].as_u64() > Some(0) && !expected["unanswered"].as_array().unwrap().is_empty()
        );
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut more = lines.clone();
        more.extend(lines.iter().filter(|(at, _)| at.is_some()).step_by(7).cloned());
        let mut stream = shuffled(&more, &mut dice);
        assert_ne!(stream[..lines.len()], lines.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>());
        let bad =
            ["no json\n", "{\"type\":\"message\"}\n", "{\"type\":\"party\",\"at\":\"2026-03-02T09:00:00Z\"}\n", "\n"];
        for one in bad.iter().cycle().take(40) {
            stream.insert(dice.next_u64() as usize % stream.len(), (*one).to_owned());
        }
        let (mut said, errors) = snapshot_of(&home, &stream.concat(), &at);
        assert_eq!(said["sources"][0]["skipped"], 30, "{errors}");
        for report in [&mut said, &mut expected] {
            report["sources"] = Value::Null;
        }
        assert_eq!(said, expected, "seed {seed}");
    }
}
