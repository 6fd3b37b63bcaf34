//! `helptop events` as a shell sees it: what goes where, when, and how it ends.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes that long on a machine that is not stuck.
const DEADLINE: Duration = Duration::from_secs(30);
const HELLO: &str = r#"{"type":"hello","version":1,"capabilities":["messages"]}"#;
const CLOCK: &str = r#"{"type":"clock","at":"2026-03-02T09:00:00Z"}"#;

/// A home whose only source is a shell script.
fn home(script: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("feed.sh"), script).unwrap();
    let config = "[[source]]\nname = \"ours\"\nkind = \"command\"\ncommand = [\"sh\", \"./feed.sh\"]\n";
    fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

/// The program, reading that home; ended when the test is.
struct Program(Child);

impl Program {
    fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("helptop"));
        command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap()).current_dir(home);
        command.args(["--config", "config.toml"]).args(arguments);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn stdout(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.0.stdout.take().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Exit code and standard error, once it has ended.
    fn end(&mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
            assert!(begun.elapsed() < DEADLINE, "it does not end");
        };
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It mostly has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn line(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
fn each_event_comes_once_and_at_once_until_a_signal(#[case] signal: Signal) {
    let home = home(&format!(
        "echo '{HELLO}'\necho garbage\necho '{CLOCK}'\nwhile [ ! -e go ]; do sleep 0.05; done\n\
         echo '{{\"type\":\"opened\",\"conversation\":\"17\",\"at\":\"2026-03-02T09:01:00Z\"}}'\nexec sleep 1000\n"
    ));
    let mut program = Program::start(home.path(), &["events", "--follow"]);
    let mut out = program.stdout();
    assert_eq!(line(&mut out).trim_end(), HELLO);
    assert_eq!(line(&mut out).trim_end(), CLOCK, "a clock is passed on, garbage is not");
    fs::write(home.path().join("go"), "").unwrap();
    assert!(line(&mut out).contains("\"conversation\":\"17\""), "it comes while the source goes on");
    program.signal(signal);
    let (code, said) = program.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("helptop: source `ours`: sh line 2: not a JSON object"), "{said}");
    assert_eq!(line(&mut out), "", "nothing comes twice");
}

#[test]
fn a_reader_that_leaves_ends_it_though_there_is_no_news() {
    let home = home(&format!("echo '{HELLO}'; exec sleep 1000"));
    let mut program = Program::start(home.path(), &["events", "--follow"]);
    let mut out = program.stdout();
    assert_eq!(line(&mut out).trim_end(), HELLO);
    drop(out);
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn a_reader_that_stops_reading_holds_up_no_signal() {
    let home = home(&format!("exec yes '{CLOCK}'"));
    let mut program = Program::start(home.path(), &["events", "--follow"]);
    let mut out = program.stdout();
    assert_eq!(line(&mut out).trim_end(), CLOCK);
    // Once nearly all of its 64 KiB is taken, whoever writes to the pipe waits.
    let begun = Instant::now();
    while rustix::io::ioctl_fionread(out.get_ref()).unwrap() < 60_000 {
        assert!(begun.elapsed() < DEADLINE, "the pipe does not fill");
        std::thread::sleep(Duration::from_millis(10));
    }
    program.signal(Signal::TERM);
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn a_recording_is_followed_to_its_last_line_and_that_is_the_end() {
    let home = home("");
    let recording: Vec<String> = (0..3000).map(|nth| format!(r#"{{"type":"customer","id":"c{nth}"}}"#)).collect();
    fs::write(home.path().join("day.jsonl"), recording.join("\n")).unwrap();
    fs::write(home.path().join("config.toml"), "[[source]]\nname = \"day\"\nkind = \"replay\"\nfile = \"day.jsonl\"\n")
        .unwrap();
    let mut program = Program::start(home.path(), &["events", "--follow"]);
    let told: Vec<String> = program.stdout().lines().map(Result::unwrap).collect();
    assert_eq!(program.end(), (Some(0), String::new()));
    assert_eq!(told, recording);
}

#[test]
fn a_source_that_fails_is_told_on_standard_error_and_tried_again() {
    let home = home("echo x >> runs\nexit 3\n");
    let mut program = Program::start(home.path(), &["events", "--follow"]);
    let begun = Instant::now();
    while fs::read_to_string(home.path().join("runs")).unwrap_or_default().lines().count() < 2 {
        assert!(begun.elapsed() < DEADLINE, "it is not started again");
        std::thread::sleep(Duration::from_millis(20));
    }
    program.signal(Signal::TERM);
    let mut out = String::new();
    program.stdout().read_to_string(&mut out).unwrap();
    let (code, said) = program.end();
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("source `ours`: command sh: ended with exit code 3\n  run the command by hand"), "{said}");
    assert!(said.contains("helptop tries again by itself"), "{said}");
}

/// Whether a process is there and not merely waiting to be buried.
#[cfg(target_os = "linux")]
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| state != 'Z')
}

#[cfg(target_os = "linux")]
#[rstest]
#[case(&["events", "--follow"], 0)]
#[case(&["events"], 1)]
#[case(&["snapshot"], 1)]
#[case(&["doctor"], 1)]
fn no_program_is_left_behind(#[case] arguments: &[&str], #[case] expected: i32) {
    let home = home("echo $$ > part; mv part pid; exec sleep 1000");
    let mut program = Program::start(home.path(), arguments);
    let begun = Instant::now();
    while !home.path().join("pid").exists() {
        assert!(begun.elapsed() < DEADLINE, "it is not started");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = fs::read_to_string(home.path().join("pid")).unwrap().trim().to_owned();
    program.signal(Signal::INT);
    let (code, said) = program.end();
    assert_eq!(code, Some(expected), "{said}");
    while lives(&pid) {
        assert!(begun.elapsed() < DEADLINE, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}
