//! What is kept from one run to the next.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tempfile::TempDir;

use super::HELPTOP;
use super::terminal::Terminal;

/// A home whose desk is a program that prints `lines` and then lives on, silent.
fn home(lines: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    set(home.path(), lines);
    home
}

fn set(home: &Path, lines: &str) {
    let folder = home.join("helptop");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lines.jsonl"), lines).unwrap();
    let config = "[[source]]\nname = \"desk\"\nkind = \"command\"\n\
                  command = [\"sh\", \"-c\", \"cat lines.jsonl; exec sleep 30\"]\n";
    fs::write(folder.join("config.toml"), config).unwrap();
}

fn waiting(conversation: &str, name: &str, minutes: u32) -> String {
    let at = (chrono::Utc::now() - chrono::TimeDelta::minutes(minutes.into())).to_rfc3339();
    format!(
        "{{\"type\":\"customer\",\"id\":\"k{conversation}\",\"name\":\"{name}\"}}\n\
         {{\"type\":\"opened\",\"conversation\":\"{conversation}\",\"customer\":\"k{conversation}\",\"at\":\"{at}\"}}\n\
         {{\"type\":\"message\",\"conversation\":\"{conversation}\",\"from\":\"customer\",\"at\":\"{at}\"}}\n"
    )
}

fn board(home: &Arc<TempDir>) -> Terminal {
    Terminal::start_at(Arc::clone(home), &[], HELPTOP, &[], (120, 36))
}

#[test]
fn a_new_start_shows_what_was_kept_and_a_second_board_follows_the_first() {
    let home = Arc::new(home(&waiting("17", "Rossi", 20)));
    let mut first = board(&home);
    first.wait_for("Rossi");
    first.keys("6");
    first.wait_for("kept in");
    first.keys("1");

    let second = board(&home);
    second.wait_for("another helptop polls");
    second.wait_for("Rossi");

    // Killed at once: what was on the board is there again before the desk says a word.
    first.signal(Signal::KILL);
    first.close();
    second.signal(Signal::TERM);
    second.end();
    set(home.path(), "");
    let mut third = board(&home);
    third.wait_for("Rossi");
    third.wait_gone("another helptop polls");
    third.keys("q");
    assert_eq!(third.end().exit_code(), 0);
}

#[test]
fn a_second_board_sees_what_the_first_one_hears_and_goes_on_when_that_ends() {
    let home = Arc::new(home(""));
    let folder = home.path().join("helptop");
    let config = "[[source]]\nname = \"desk\"\nkind = \"command\"\n\
                  command = [\"sh\", \"-c\", \"touch lines.jsonl; exec tail -f lines.jsonl\"]\n";
    fs::write(folder.join("config.toml"), config).unwrap();
    fs::write(folder.join("lines.jsonl"), waiting("1", "Okafor", 3)).unwrap();
    let mut first = board(&home);
    first.wait_for("Okafor");
    let mut second = board(&home);
    second.wait_for("Okafor");
    let more = format!("{}{}", waiting("1", "Okafor", 3), waiting("2", "Neri", 9));
    fs::write(folder.join("lines.jsonl"), more).unwrap();
    first.wait_for("Neri");
    second.wait_for("Neri");
    // The first one goes: the second polls from then on, and nobody has to touch it.
    first.keys("q");
    assert_eq!(first.end().exit_code(), 0);
    second.wait_gone("another helptop polls");
    let more = format!("{}{}", waiting("3", "Ilie", 4), waiting("2", "Neri", 9));
    fs::write(folder.join("lines.jsonl"), more).unwrap();
    second.wait_for("Ilie");
    second.keys("q");
    assert_eq!(second.end().exit_code(), 0);
}

#[test]
fn a_store_that_cannot_be_used_is_named_and_the_board_goes_on() {
    let home = Arc::new(home(&waiting("17", "Rossi", 20)));
    let folder = home.path().join(".local/share/helptop");
    fs::create_dir_all(&folder).unwrap();
    let letter = "this is a letter, not a database; it is longer than the head of one would be, and stays as it is.";
    fs::write(folder.join("history.db"), letter).unwrap();
    let mut terminal = board(&home);
    terminal.wait_for("Rossi");
    terminal.wait_for("history not kept");
    terminal.keys("6");
    terminal.wait_for("not a sound store");
    terminal.wait_for("move the file away");
    terminal.keys("q");
    assert_eq!(terminal.end().exit_code(), 0);
    assert_eq!(fs::read_to_string(folder.join("history.db")).unwrap(), letter);
}

#[test]
fn what_was_imported_and_polled_is_reported() {
    let home = Arc::new(home(&waiting("17", "Rossi", 20)));
    let mut terminal = board(&home);
    terminal.wait_for("Rossi");
    terminal.keys("q");
    terminal.end();
    let run = |arguments: &[&str]| {
        let output = Command::new(HELPTOP)
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .current_dir(home.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    fs::write(
        home.path().join("old.jsonl"),
        format!("{}broken\n{}", waiting("1", "Neri", 90), waiting("2", "Ilie", 70)),
    )
    .unwrap();
    let (code, said, told) = run(&["import", "old.jsonl"]);
    assert_eq!((code, &*said), (Some(0), "old.jsonl: 6 events new, 0 there already, 1 line skipped\n"), "{told}");
    assert!(told.starts_with("old.jsonl:4: not a JSON object"), "{told}");
    assert_eq!(run(&["import", "old.jsonl"]).1, "old.jsonl: 0 events new, 6 there already, 1 line skipped\n");
    let (code, report, told) = run(&["report", "--since", "3h", "--format", "json"]);
    assert_eq!(code, Some(0), "{told}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["total"]["new"], &report["total"]["backlog"]), (&3.into(), &3.into()));
}
