//! The log of the commands that show no board.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use assert_cmd::Command;

const CONFIG: &str = "[[source]]\nname = \"ours\"\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n";
const RECORDING: &str = "{\"type\":\"opened\",\"conversation\":\"1\",\"at\":\"2026-03-02T09:00:00Z\"}\n";

/// What a command says in the log that is named by `flags` or by the config.
fn log_of(config: &str, line: &str, flags: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/helptop")).unwrap();
    fs::write(home.path().join(".config/helptop/config.toml"), config).unwrap();
    fs::write(home.path().join("monday.jsonl"), RECORDING).unwrap();
    let mut command = Command::cargo_bin("helptop").unwrap();
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin").env("T", "s3cret");
    command.current_dir(home.path()).args(line.split_whitespace()).args(flags).output().unwrap();
    fs::read_to_string(home.path().join("helptop.log")).unwrap_or_default()
}

#[test]
fn every_command_writes_the_log_that_is_asked_for() {
    for (line, said) in [
        ("snapshot", "ended with exit code 3"),
        ("snapshot --events monday.jsonl", "ends command=\"snapshot\""),
        ("events", "ended with exit code 3"),
        ("doctor", "can't be read source=\"ours\""),
        ("report --events monday.jsonl", "ends command=\"report\""),
        ("report --events nope.jsonl", "failed command=\"report\" what=\"nope.jsonl"),
        ("import monday.jsonl", "imported name=\"monday.jsonl\" new=1"),
        ("init --vendor rt --set base_url=http://127.0.0.1:1 --secret-env T", "can't be read source=\"rt\""),
    ] {
        let log = log_of(CONFIG, line, &["--log-file", "helptop.log"]);
        let command = line.split(' ').next().unwrap();
        assert!(log.contains(&format!("command=\"{command}\"")) && log.contains(said), "{line}: {log:?}");
        assert!(!log.contains("s3cret") && !log.contains('\u{1b}'), "{line}: {log}");
        let quiet = log_of(CONFIG, line, &["--log-file", "helptop.log", "--log-level", "off"]);
        assert_eq!(quiet, "", "{line}");
    }
}

#[test]
fn the_config_names_a_log_as_well() {
    let config = format!("{CONFIG}[log]\nfile = \"../../helptop.log\"\nlevel = \"error\"\n");
    let log = log_of(&config, "report --events nope.jsonl", &[]);
    assert!(log.contains("failed command=\"report\"") && !log.contains("begins"), "{log}");
}
