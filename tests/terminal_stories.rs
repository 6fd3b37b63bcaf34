//! Stories in a real terminal: the program as people use it, on the simulated desk.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a story that can't go on has failed")]

#[path = "terminal_stories/history.rs"]
mod history;
#[path = "terminal_stories/settings.rs"]
mod settings;
#[path = "support/terminal.rs"]
mod terminal;

use std::sync::Arc;

use chrono::Offset;
use helptop::board::BoardSnapshot;
use helptop::event::Timestamp;
use rustix::process::Signal;
use terminal::{Terminal, is_restored};
use tokio_util::sync::CancellationToken;

const HELPTOP: &str = env!("CARGO_BIN_EXE_helptop");

fn demo(cells: (u16, u16)) -> Terminal {
    let terminal = Terminal::start(HELPTOP, &["demo", "--seed", "7"], cells);
    terminal.wait_for("Unanswered");
    terminal.wait_gone("starting");
    terminal
}

#[test]
fn the_board_fits_wide_usual_and_narrow_terminals() {
    for (cells, wanted) in [
        ((120, 36), ["DEMO", "Agents", "Satisfaction"]),
        ((80, 24), ["DEMO", "Agents", "Longest"]),
        ((60, 20), ["DEMO", "Unanswered", "Longest"]),
    ] {
        let mut terminal = demo(cells);
        for text in wanted {
            terminal.wait_for(text);
        }
        let shown = terminal.contents();
        assert!(cells.0 > 60 || !shown.contains("Agents"), "{shown}");
        terminal.keys("q");
        assert_eq!(terminal.end().exit_code(), 0);
    }
}

#[test]
fn a_lead_filters_and_goes_into_an_agent_and_a_chat_and_back() {
    let mut terminal = demo((120, 36));
    terminal.keys("/zzzz");
    terminal.wait_for("no agent matches");
    terminal.wait_for("/zzzz");
    terminal.keys("\x1b");
    terminal.wait_gone("no agent matches");

    terminal.keys("2");
    terminal.wait_gone("Unanswered");
    terminal.keys("sss\r");
    terminal.wait_for("Holds");
    terminal.wait_for("Ended, 30 days");
    terminal.keys("\r");
    terminal.wait_for("Timeline");
    terminal.wait_for("opened");
    terminal.keys("\x1b");
    terminal.wait_for("Holds");
    terminal.keys("\x1b");
    terminal.wait_gone("Holds");
    terminal.keys("1");
    terminal.wait_for("Unanswered");
    terminal.keys("q");
    assert_eq!(terminal.end().exit_code(), 0);
}

#[test]
fn help_theme_freeze_and_sources_do_what_they_say() {
    let mut terminal = demo((120, 36));
    terminal.keys("?");
    terminal.wait_for("hold the picture");
    terminal.keys("\x1b");
    terminal.wait_gone("hold the picture");

    let dark = terminal.background(0, 0);
    terminal.keys("t");
    terminal.wait("another ground", |screen| screen.cell(0, 0).unwrap().bgcolor() != dark);

    terminal.keys("f");
    terminal.wait_for("FROZEN 2s");
    terminal.keys("f");
    terminal.wait_gone("FROZEN");

    terminal.keys("6");
    terminal.wait_for("tells");
    terminal.keys(":boa\r");
    terminal.wait_for("Unanswered");
    terminal.keys(":nonsense\r");
    terminal.wait_for("there is no command `nonsense`");
    terminal.keys("\x03");
    assert_eq!(terminal.end().exit_code(), 0);
}

#[test]
fn the_mouse_selects_and_steps_in() {
    let mut terminal = demo((120, 36));
    let click = "\x1b[<0;10;8M\x1b[<0;10;8m";
    terminal.wait_for(" of 12");
    // While the picture is held no row moves away under the pointer.
    terminal.keys("f");
    terminal.wait_for("FROZEN");
    let ground = terminal.background(3, 7);
    terminal.keys(click);
    terminal.wait("a selected row", |screen| screen.cell(7, 3).unwrap().bgcolor() != ground);
    terminal.keys(click);
    terminal.wait_for("Holds");
    terminal.keys("q");
    terminal.end();
}

#[test]
fn a_burst_of_keys_or_wheel_turns_does_not_deafen_the_board() {
    for burst in ["j".repeat(6000), "\x1b[<65;10;10M".repeat(1000)] {
        let mut terminal = demo((120, 36));
        terminal.keys(&burst);
        terminal.keys("?");
        terminal.wait_for("hold the picture");
        terminal.keys("\x03");
        assert_eq!(terminal.end().exit_code(), 0);
    }
}

#[test]
fn a_terminal_of_one_cell_does_no_harm() {
    let mut terminal = demo((120, 36));
    terminal.resize((1, 1));
    terminal.wait("one cell", |screen| !screen.contents().trim().is_empty());
    terminal.keys("jG\r?\x1b");
    terminal.resize((100, 30));
    terminal.wait_for("helptop");
    terminal.keys("1");
    terminal.wait_for("Unanswered");
    terminal.keys("q");
    assert_eq!(terminal.end().exit_code(), 0);
}

#[test]
fn every_ending_restores_the_terminal() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let terminal = demo((80, 24));
        terminal.wait("the board", |screen| screen.alternate_screen() && screen.hide_cursor());
        terminal.signal(signal);
        assert_eq!(terminal.end().exit_code(), 0, "{signal:?}");
    }
}

#[test]
fn a_closed_window_ends_the_program() {
    assert_eq!(demo((80, 24)).close().exit_code(), 0);
}

#[test]
fn it_goes_to_the_shell_and_comes_back() {
    let mut shell = Terminal::start("bash", &["--norc", "--noprofile", "-i"], (100, 30));
    shell.wait_for("ready>");
    shell.keys(&format!("{HELPTOP} demo --seed 7\n"));
    shell.wait_for("Unanswered");
    shell.keys("\x1a");
    shell.wait_for("Stopped");
    shell.wait("a restored terminal", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    shell.keys("echo $((41 + 1))\n");
    shell.wait_for("42");
    shell.keys("fg\n");
    shell.wait("the board again", |screen| screen.alternate_screen() && screen.contents().contains("Unanswered"));
    shell.keys("j/zz");
    shell.wait_for("/zz");
    shell.keys("\x1b");
    shell.wait_gone("/zz");
    shell.keys("q");
    let prompts = |screen: &vt100::Screen| screen.contents().matches("ready>").count();
    shell.wait("a fourth prompt", |screen| !screen.alternate_screen() && prompts(screen) == 4);
    shell.keys("exit\n");
    let status = shell.end();
    assert!(status.success());
}

#[test]
fn a_stop_from_outside_gives_the_terminal_back_like_the_key() {
    let home = tempfile::tempdir().unwrap();
    let pid_file = home.path().join("pid");
    // The shell asks for pastes in brackets itself.
    let is_given_back = |screen: &vt100::Screen| {
        let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
        !screen.alternate_screen() && !screen.hide_cursor() && !mouse
    };
    let mut shell = Terminal::start_in(home, &[], "bash", &["--norc", "--noprofile", "-i"], (100, 30));
    shell.wait_for("ready>");
    shell.keys(&format!("sh -c 'echo $$ > pid; exec {HELPTOP} demo --seed 7'\n"));
    shell.wait_for("Unanswered");
    let pid = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    for _ in 0..2 {
        rustix::process::kill_process(pid, Signal::TSTP).unwrap();
        shell.wait("a restored terminal", |screen| is_given_back(screen) && screen.contents().contains("Stopped"));
        shell.keys("clear; echo $((41 + 1))\n");
        shell.wait("what was typed and its answer", |screen| screen.contents().starts_with("42\n"));
        shell.keys("clear; fg\n");
        shell.wait("the board again", |screen| screen.alternate_screen() && screen.contents().contains("Unanswered"));
        shell.keys("?");
        shell.wait_for("hold the picture");
        shell.keys("\x1b");
        shell.wait_gone("hold the picture");
    }
    shell.keys("q");
    shell.wait("the shell again", |screen| is_given_back(screen) && screen.contents().contains("ready>"));
    shell.keys("exit\n");
    assert!(shell.end().success());
}

#[test]
fn a_board_that_no_shell_could_wake_is_not_stopped() {
    for stop in [None, Some(Signal::TSTP)] {
        let mut terminal = demo((100, 30));
        match stop {
            Some(signal) => terminal.signal(signal),
            None => terminal.keys("\x1a"),
        }
        terminal.keys("?");
        terminal.wait_for("hold the picture");
        terminal.keys("\x03");
        assert_eq!(terminal.end().exit_code(), 0);
    }
}

#[test]
fn a_panic_restores_the_terminal_before_it_is_told() {
    let this = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--nocapture", "--exact", "a_program_that_panics"];
    let mut terminal = Terminal::start(this.to_str().unwrap(), &arguments, (100, 30));
    terminal.wait("the board", |screen| screen.alternate_screen() && screen.contents().contains("Unanswered"));
    terminal.keys("r");
    terminal.wait("a restored terminal", is_restored);
    terminal.wait_for("the desk fell over");
    assert_ne!(terminal.end().exit_code(), 0);
}

#[test]
fn a_desk_that_ends_before_the_board_does_no_harm_when_both_were_told_to() {
    let this = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--nocapture", "--exact", "a_program_whose_desk_ends_first"];
    let terminal = Terminal::start(this.to_str().unwrap(), &arguments, (100, 30));
    assert_eq!(terminal.end().exit_code(), 0);
}

/// The program of the story before: which of the two is noticed first is left to chance, so it ends many times.
#[test]
#[ignore = "needs a terminal; a story runs it"]
fn a_program_whose_desk_ends_first() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for _ in 0..20 {
        let (board, pictures) = tokio::sync::watch::channel(Arc::default());
        let (ask, _asked) = tokio::sync::mpsc::channel(4);
        let cancel = CancellationToken::new();
        cancel.cancel();
        drop(board);
        let ((past, _), (_, last_week)) = (tokio::sync::mpsc::channel(1), tokio::sync::watch::channel(None));
        let link = helptop::term::Link { board: pictures, ask, past, last_week, now: Arc::new(Timestamp::default) };
        runtime.block_on(helptop::term::run(link, setup(), cancel)).unwrap();
    }
}

/// The program of the story of a panic: a refresh makes its engine panic.
#[test]
#[ignore = "needs a terminal; a story runs it"]
fn a_program_that_panics() {
    helptop::term::install_panic_hook(|| false);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        let (board, pictures) =
            tokio::sync::watch::channel(Arc::new(BoardSnapshot { generation: 1, ..BoardSnapshot::default() }));
        let (ask, mut asked) = tokio::sync::mpsc::channel(4);
        tokio::spawn(async move {
            let question = asked.recv().await;
            assert!(question.is_none(), "the desk fell over");
            drop(board);
        });
        let ((past, _), (_, last_week)) = (tokio::sync::mpsc::channel(1), tokio::sync::watch::channel(None));
        let link = helptop::term::Link { board: pictures, ask, past, last_week, now: Arc::new(Timestamp::default) };
        helptop::term::run(link, setup(), CancellationToken::new()).await
    });
    ended.unwrap();
}

fn setup() -> helptop::term::Setup {
    helptop::term::Setup {
        title: String::new(),
        mode: helptop::ui::Mode::Live,
        themes: helptop::ui::Themes::built_in().unwrap(),
        theme: "dark".to_owned(),
        privacy: helptop::app::Privacy::None,
        keymap: Arc::new(helptop::app::Keymap::new([]).unwrap()),
        depth: helptop::ui::ColorDepth::Ansi16,
        zone: Arc::new(|_| chrono::Utc.fix()),
        twelve_hours: false,
        mouse: true,
    }
}

#[test]
fn restored_means_restored() {
    let mut parser = vt100::Parser::new(5.try_into().unwrap(), 20.try_into().unwrap(), 0);
    assert!(is_restored(parser.screen()));
    for left_over in ["\x1b[?1049h", "\x1b[?25l", "\x1b[?2004h", "\x1b[?1000h"] {
        parser.process(left_over.as_bytes());
        assert!(!is_restored(parser.screen()), "{left_over:?}");
        parser.process(left_over.replace('h', "l").replace("25l", "25h").as_bytes());
    }
}
