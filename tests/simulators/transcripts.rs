//! What `helptop init` and `helptop doctor` say of a good, a weak and a bad key of each vendor: the pages in
//! docs/sources/transcripts hold it. `HELPTOP_UPDATE=1` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Utc};
use helptop::event::Timestamp;
use helptop::source::demo::Params;
use helptop::source::kind;
use tokio::process::Command;

use crate::chatwoot;
use crate::contract::{Bench, benches};
use crate::server::Simulator;
use crate::terminal::Terminal;
use crate::world::World;

const DESK: Params = Params { seed: 1, agents: 4, chats: 24 };
const BAD: &str = "wr0ng-k3y-0123456789";

/// A desk at the machine's time, which the program reads, at work since yesterday.
fn desk() -> World {
    let now = Timestamp::from(Utc::now());
    let mut world = World::new(DESK, now - TimeDelta::hours(20));
    world.advance(now);
    world
}

/// Runs the program at home; its exit code, and all that it said as a reader of the docs would see it.
async fn helptop(bench: &Bench, home: &Path, simulator: &Simulator, key: &str, arguments: &[String]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helptop"));
    command.env_clear().env("HOME", home).env("NO_COLOR", "1").env("TZ", "UTC").env(bench.variable, key);
    let output = command.args(arguments).current_dir(home).output().await.unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!said.contains(key), "{}: {said}", bench.kind);
    let host = bench.address.trim_start_matches("https://");
    let said = said.replace(&simulator.base, bench.address).replace("127.0.0.1", host);
    (output.status.code().unwrap(), said.replace(&*home.to_string_lossy(), "~"))
}

/// The same with every number as `0`, as they are others each time.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if shape.ends_with('0') => {}
            '0'..='9' => shape.push('0'),
            c => shape.push(c),
        }
    }
    // One ticket, and several tickets.
    let mut is_counted = false;
    let words = shape.split(' ').map(|word| {
        let was_counted = std::mem::replace(&mut is_counted, word == "0");
        if was_counted { word.trim_end_matches('s') } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What does not depend on what goes on at the desk: all but the first picture of it.
fn steady(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_picture = false;
    for line in page.lines() {
        is_picture = (is_picture || line.starts_with("written to ")) && !line.starts_with("```");
        let is_of_now = ["  · age: ", "  ✓ clock: "].iter().any(|begin| line.starts_with(begin));
        if !is_picture && !is_of_now {
            lines.push(shape(line));
        }
    }
    lines
}

fn page_of(bench: &Bench) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/sources/transcripts/{}.md", bench.kind))
}

async fn transcripts(bench: &Bench) -> String {
    let title = kind(bench.kind).unwrap().title;
    let mut page = format!(
        "# {title}: a good, a weak and a bad key\n\nWhat the program says, run against a server that answers as the vendor's \
         would: `cargo test --test simulators transcripts`, with\n`HELPTOP_UPDATE=1` to write this page anew. \
         [The source's own page](../{}.md) says what to do.\n",
        bench.kind
    );
    let set = format!("--set base_url={}", bench.address);
    let shown = format!("helptop init --vendor {} {set} {} --secret-env {}", bench.kind, bench.flags, bench.variable);
    let good = (bench.serve)(desk()).await;
    let mut runs = vec![("A good key", &good, bench.secret, 0), ("A bad key", &good, BAD, 1)];
    let weak = match bench.weak {
        Some(serve) => Some(serve(desk()).await),
        None => None,
    };
    if let Some(weak) = &weak {
        runs.insert(1, ("A weak key", weak, bench.secret, 0));
    }
    for (title, simulator, key, expected) in runs {
        let home = tempfile::tempdir().unwrap();
        let words = shown.replace(bench.address, &simulator.base);
        let words: Vec<String> = words.split_whitespace().skip(1).map(str::to_owned).collect();
        let (code, said) = helptop(bench, home.path(), simulator, key, &words).await;
        assert!(code == expected || title == "A weak key", "{}: {code}: {said}", bench.kind);
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(page, "\n## {title}\n```text\n$ {shown}\n{}\n```\n", said.trim_end()).unwrap();
        if code == 0 {
            let (_, said) = helptop(bench, home.path(), simulator, key, &["doctor".to_owned()]).await;
            write!(page, "```text\n$ helptop doctor\n{}\n```\n", said.trim_end()).unwrap();
        }
    }
    page
}

#[tokio::test]
async fn the_docs_show_what_is_said_of_a_good_a_weak_and_a_bad_key() {
    for bench in benches() {
        let (said, path) = (transcripts(&bench).await, page_of(&bench));
        if std::env::var_os("HELPTOP_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &said).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        let (page, said) = (steady(&page), steady(&said));
        let first = page.iter().zip(&said).find(|(shown, said)| shown != said);
        assert_eq!(first, None, "{}: HELPTOP_UPDATE=1 writes the page anew", bench.kind);
        assert_eq!(page.len(), said.len(), "{}", bench.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_reads_a_part_is_written_only_where_that_is_wanted() {
    let bench = chatwoot::bench();
    let simulator = bench.weak.unwrap()(desk()).await;
    let words = format!("init --vendor chatwoot --set base_url={}", simulator.base);
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let by_flags = [&words[..], &["--secret-env".to_owned(), bench.variable.to_owned()]].concat();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".config/helptop/config.toml");
    let (code, said) = helptop(&bench, home.path(), &simulator, bench.secret, &by_flags).await;
    assert!(code == 1 && said.contains("--anyway") && !config.exists(), "{code} {said}");
    let anyway = [&by_flags[..], &["--anyway".to_owned()]].concat();
    let (code, said) = helptop(&bench, home.path(), &simulator, bench.secret, &anyway).await;
    assert!(code == 0 && said.contains("shows the board") && config.exists(), "{code} {said}");
    // Nothing makes a key good that is refused.
    let other = [&anyway[..], &["--name".to_owned(), "other".to_owned()]].concat();
    let (code, said) = helptop(&bench, home.path(), &simulator, BAD, &other).await;
    assert!(code == 1 && !std::fs::read_to_string(&config).unwrap().contains("other"), "{code} {said}");

    // A person is asked.
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (answer, is_written) in [("no\r", false), ("\r", true)] {
        let home = std::sync::Arc::new(tempfile::tempdir().unwrap());
        let mut terminal = Terminal::start_at(home.clone(), &[], env!("CARGO_BIN_EXE_helptop"), &words, (120, 60));
        terminal.wait_for("it is not shown");
        terminal.keys(&format!("{}\r", bench.secret));
        terminal.wait_for("Write it all the same?");
        terminal.keys(answer);
        if is_written {
            terminal.wait_for("shows the board");
        } else {
            terminal.wait_for("Try other answers?");
            terminal.keys("no\r");
        }
        assert_eq!(terminal.end().exit_code(), u32::from(!is_written));
        assert_eq!(home.path().join("helptop/config.toml").exists(), is_written);
    }
}
