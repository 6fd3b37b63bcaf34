//! What flags, variables and the config change about the board, seen in a real terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::HELPTOP;
use crate::terminal::Terminal;

/// A home with a config and other files in the config's directory; files that begin with `#!` can be run.
fn home(config: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("helptop");
    fs::create_dir(&folder).unwrap();
    for (name, text) in files.iter().chain([&("config.toml", config)]) {
        fs::write(folder.join(name), text).unwrap();
        let mode = if text.starts_with("#!") { 0o755 } else { 0o600 };
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    home
}

fn demo_with(config: &str, variables: &[(&str, Option<&str>)], arguments: &[&str]) -> Terminal {
    let arguments = [&["demo", "--seed", "7"], arguments].concat();
    let terminal = Terminal::start_in(home(config, &[]), variables, HELPTOP, &arguments, (120, 36));
    terminal.wait_for("Unanswered");
    terminal.wait_gone("starting");
    terminal
}

const RECORDING: &str = r#"{"type":"agent","id":"a1","name":"Ana"}
{"type":"customer","id":"c1","name":"Mario Rossi"}
{"type":"opened","conversation":"17","customer":"c1","at":"2026-03-02T09:00:00Z"}
{"type":"message","conversation":"17","from":"customer","at":"2026-03-02T09:00:00Z"}
{"type":"assigned","conversation":"17","agent":"a1","at":"2026-03-02T09:01:00Z"}
{"type":"message","conversation":"17","from":"agent","agent":"a1","at":"2026-03-02T18:10:00Z"}
{"type":"clock","at":"2026-03-02T19:20:00Z"}
"#;

/// The board over the recording.
fn replay(variables: &[(&str, Option<&str>)], arguments: &[&str]) -> Terminal {
    let arguments = [&["replay", "helptop/monday.jsonl"], arguments].concat();
    Terminal::start_in(home("", &[("monday.jsonl", RECORDING)]), variables, HELPTOP, &arguments, (120, 36))
}

/// A code block of the README, by its language and how it begins.
fn readme(language: &str, begins: &str) -> String {
    let text = fs::read_to_string("README.md").unwrap();
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(language));
    let mut blocks = blocks.map(str::trim_start).filter(|block| block.contains(begins));
    blocks.next().unwrap().to_owned()
}

#[test]
fn the_script_of_the_readme_shows_up_on_the_board() {
    let (script, config) = (readme("sh\n", "#!/bin/sh"), readme("toml\n", "./feed.sh"));
    assert_eq!(script.lines().count(), 5);
    let home = home(&config, &[("feed.sh", &script)]);
    let mut terminal = Terminal::start_in(home, &[], HELPTOP, &[], (120, 36));
    terminal.wait("its agent and who waits for it", |screen| {
        let shown = screen.contents();
        let waits = |line: &str| line.contains("s   M. Rossi") && line.contains("phone") && line.contains("Ana");
        shown.lines().any(waits) && shown.contains("? Ana") && shown.contains("● ours")
    });
    terminal.keys("6");
    terminal.wait_for("feed.sh has started");
    let shown = terminal.contents();
    assert!(shown.contains("ours") && shown.contains("command") && shown.contains("fresh"), "{shown}");
    terminal.keys("q");
    assert_eq!(terminal.end().exit_code(), 0);
}

#[test]
fn the_clock_of_the_config_has_twelve_hours() {
    let terminal = demo_with("[board]\nclock = \"12h\"\n", &[], &[]);
    terminal.wait("am or pm behind the time", |screen| {
        let first = screen.contents().lines().next().unwrap_or_default().to_owned();
        first.contains(" am ·") || first.contains(" pm ·")
    });
}

/// The numbers of every look that was set (`ESC [ … m`).
fn looks(bytes: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(bytes);
    let sequences = text.split("\x1b[").skip(1);
    let looks = sequences.filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    looks.flat_map(|look| look.split([';', ':']).map(|n| n.parse().unwrap_or(0)).collect::<Vec<_>>()).collect()
}

/// Goes through pages and themes, so that every role has been seen.
fn look_around(terminal: &mut Terminal) -> Vec<u32> {
    terminal.keys("j?G");
    terminal.wait_for("past the warning");
    terminal.keys("6");
    terminal.wait_for("tells");
    terminal.keys("2tt");
    terminal.wait_for("theme: light");
    terminal.keys("j\r");
    terminal.wait_for("Holds");
    looks(&terminal.bytes())
}

#[test]
fn no_color_means_no_colour_at_all() {
    let mut terminal = replay(&[("NO_COLOR", Some("1"))], &["--at", "2026-03-02T10:30:00Z"]);
    terminal.wait_for("‼ 1h 30m");
    terminal.wait_for("‼ 1 breached");
    let looks = look_around(&mut terminal);
    let coloured = |n: &u32| matches!(n, 30..=49 | 58 | 90..=107);
    assert!(looks.contains(&7) && !looks.iter().any(coloured), "{looks:?}");
}

#[test]
fn a_terminal_of_sixteen_colours_gets_no_others() {
    let mut terminal = replay(&[("TERM", Some("xterm")), ("COLORTERM", None)], &["--at", "2026-03-02T10:30:00Z"]);
    terminal.wait_for("‼ 1h 30m");
    let looks = look_around(&mut terminal);
    assert!(looks.iter().any(|n| matches!(n, 30..=37 | 90..=97)), "{looks:?}");
    // 39 and 49 give the terminal's own colours back; 38, 48 and 58 would begin a longer colour.
    let known = |n: &u32| matches!(n, 0..=9 | 21..=29 | 30..=37 | 39..=47 | 49 | 90..=107);
    assert!(looks.iter().all(known), "{looks:?}");
}

#[test]
fn keys_of_the_config_work_and_help_shows_them() {
    let mut terminal = demo_with("[keys]\nfreeze = [\"z\"]\nquit = [\"Q\"]\n", &[], &[]);
    terminal.wait_for("z freeze");
    terminal.keys("z");
    terminal.wait_for("FROZEN");
    terminal.keys("z");
    terminal.wait_gone("FROZEN");
    terminal.keys("fq?");
    terminal.wait("the new keys in help", |screen| {
        let shown = screen.contents();
        let line = |key: &str, what: &str| {
            shown.lines().any(|line| line.contains(&format!("   {key} ")) && line.contains(what))
        };
        line("z", "hold the picture") && !line("f", "hold the picture") && !shown.contains("FROZEN")
    });
    terminal.keys("G");
    terminal.wait("quit under its new key", |screen| {
        screen.contents().lines().any(|line| line.starts_with("│   Q ") && line.contains("quit"))
    });
    terminal.keys("Q");
    assert_eq!(terminal.end().exit_code(), 0);
}

/// The seconds since midnight on the board's clock.
fn clock(screen: &vt100::Screen) -> Option<u32> {
    let shown = screen.contents();
    let time = shown.lines().next()?.split(" · ").find_map(|part| part.split(' ').rfind(|word| word.len() == 8))?;
    let parts: Vec<u32> = time.split(':').filter_map(|part| part.parse().ok()).collect();
    Some(parts.first()? * 3600 + parts.get(1)? * 60 + parts.get(2)?)
}

#[test]
fn a_demo_that_runs_fast_moves_its_time() {
    let terminal = demo_with("", &[], &["--speed", "600"]);
    let began = std::cell::Cell::new(None);
    terminal.wait("the clock go on by twenty minutes", |screen| {
        let Some(now) = clock(screen) else { return false };
        let began = began.get().unwrap_or_else(|| {
            began.set(Some(now));
            now
        });
        (now + 86_400 - began) % 86_400 >= 1_200
    });
}

#[test]
fn a_recording_is_shown_as_it_was_at_an_instant() {
    let mut terminal = replay(&[], &["--at", "2026-03-02T10:30:00Z", "--speed", "2"]);
    terminal.wait_for(" REPLAY ×2 ");
    terminal.wait("the wait of that instant", |screen| screen.contents().contains("‼ 1h 30m   Mario Rossi"));
    assert!(terminal.contents().contains("Mon 2 Mar 10:30:"), "{}", terminal.contents());
    assert!(!terminal.contents().contains("DEMO"));
    terminal.keys("p");
    terminal.wait_gone("Rossi");
    terminal.wait_for("M.R.");
    terminal.keys("p");
    terminal.wait_gone("Ana");
    terminal.keys("p");
    terminal.wait_for("Mario Rossi");
    terminal.keys("q");
    assert_eq!(terminal.end().exit_code(), 0);
}

#[test]
fn a_recording_that_has_ended_stands_still_and_says_so() {
    for at in ["2026-03-02T19:10:00Z", "2026-03-02T19:20:00Z"] {
        let mut terminal = replay(&[], &["--at", at, "--speed", "3600"]);
        terminal.wait_for(" REPLAY ended ");
        terminal.wait_for("Mon 2 Mar 19:20:00");
        for _ in 0..3 {
            // Some milliseconds on: a clock that still ran would be past that minute.
            terminal.keys("?");
            terminal.wait_for("hold the picture");
            terminal.keys("\x1b");
            terminal.wait_gone("hold the picture");
        }
        assert!(terminal.contents().contains("Mon 2 Mar 19:20:00"), "{}", terminal.contents());
        terminal.keys("q");
        assert_eq!(terminal.end().exit_code(), 0);
    }
}

#[test]
fn names_can_be_hidden_from_the_start() {
    let home = home("[privacy]\nmask = \"initials\"\n", &[("monday.jsonl", RECORDING)]);
    let arguments = ["replay", "helptop/monday.jsonl", "--at", "2026-03-02T10:30:00Z"];
    let terminal = Terminal::start_in(home, &[], HELPTOP, &arguments, (120, 36));
    terminal.wait_for("M.R.");
    assert!(!String::from_utf8_lossy(&terminal.bytes()).contains("Rossi"), "not for a moment");
}

#[test]
fn what_is_missing_is_said_in_the_terminal_and_by_the_exit_code() {
    for (arguments, code, wanted) in [
        (&["replay", "gone.jsonl"][..], 1, "gone.jsonl: cannot read the recording: No such file"),
        (&["--config", "gone.toml"], 2, "gone.toml: there is no such config file (--config names it)"),
        (&["--config", "gone.toml", "demo"], 2, "gone.toml: there is no such config file (--config names it)"),
        (&["--theme", "pink", "demo"], 2, "no theme is named `pink`"),
    ] {
        let terminal = Terminal::start(HELPTOP, arguments, (120, 36));
        terminal.wait_for(wanted);
        let bytes = terminal.bytes();
        assert!(!bytes.windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "{arguments:?}: the board was never begun");
        assert_eq!(terminal.end().exit_code(), code, "{arguments:?}");
    }
}
