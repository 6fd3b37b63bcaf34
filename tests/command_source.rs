//! Child programs that print the event stream, well and badly.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use helptop::event::{Capability, EventKind, Timestamp, Words};
use helptop::source::command::{Feed, Settings};
use helptop::source::{Batch, Retry, Source, SourceError};

/// Nothing here takes that long on a machine that is not stuck.
const DEADLINE: Duration = Duration::from_mins(2);

fn now() -> Timestamp {
    Timestamp::from(Utc::now())
}

fn feed(script: &str, base: &Path) -> Feed {
    let command = ["sh", "-c", script].map(str::to_owned).to_vec();
    Feed::new(Settings { command, ..Settings::default() }, base).unwrap()
}

/// What a feed gave until it failed, or until there was enough.
#[derive(Default)]
struct Heard {
    events: Vec<EventKind>,
    skipped: Vec<String>,
    skipped_total: u64,
    largest: usize,
    error: Option<SourceError>,
}

/// Polls until `enough`, or an error, which is the last thing heard.
async fn hear(feed: &mut Feed, enough: impl Fn(&Heard) -> bool) -> Heard {
    let (begun, mut heard) = (Instant::now(), Heard::default());
    while !enough(&heard) {
        assert!(begun.elapsed() < DEADLINE, "{} events, then nothing more", heard.events.len());
        match feed.poll(None, now()).await {
            Ok(batch) => heard.add(batch),
            Err(error) => {
                heard.error = Some(error);
                break;
            }
        }
    }
    heard
}

impl Heard {
    fn add(&mut self, batch: Batch) {
        self.largest = self.largest.max(batch.events.len());
        self.events.extend(batch.events.into_iter().map(|event| event.kind));
        self.skipped.extend(batch.skipped.into_iter().map(|skipped| format!("{}: {}", skipped.place, skipped.reason)));
        self.skipped_total += batch.skipped_total;
    }

    fn error(&self) -> String {
        self.error.as_ref().unwrap().to_string()
    }
}

const CLOCK: &str = r#"{"type":"clock","at":"2026-03-02T09:00:00Z"}"#;

/// Polls until its progress says so.
async fn hear_progress(feed: &mut Feed, words: &str) -> String {
    let mut last = String::new();
    for _ in 0..20 {
        let batch = feed.poll(None, now()).await.unwrap();
        last = batch.progress.map_or(last, |(said, _)| said);
        if last.contains(words) {
            break;
        }
    }
    last
}

#[tokio::test]
async fn five_lines_of_shell_are_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"echo '{"type":"hello","version":1,"capabilities":["messages"]}'
        echo '{"type":"opened","conversation":"1","at":"2026-03-02T09:00:00Z"}'
        printf '{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:00:01Z"}'
        sleep 1000"#;
    let mut feed = feed(script, folder.path());
    let heard = hear(&mut feed, |heard| heard.events.len() >= 2).await;
    assert!(matches!(heard.events[0], EventKind::Hello { .. }));
    assert_eq!(feed.capabilities(), [Capability::Messages]);
    assert_eq!(heard.events.len(), 2, "a line that has not ended is not read");
}

#[tokio::test]
async fn one_that_dies_at_once_says_how_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut feed = feed("echo first >&2; echo 'no token: set FEED_TOKEN' >&2; exit 3", folder.path());
    let heard = hear(&mut feed, |_| false).await;
    assert!(matches!(heard.error, Some(SourceError::Transient { until: None, .. })));
    assert_eq!(heard.error(), "command sh: ended with exit code 3; it last said: first / no token: set FEED_TOKEN");
    let again = hear(&mut feed, |_| false).await;
    assert!(again.error().contains("exit code 3"), "it is started again: {}", again.error());
    let aside = feed.aside();
    assert_eq!(aside.len(), 5, "{aside:?}");
    assert_eq!(aside[2], "(started again)");
}

#[tokio::test]
async fn one_that_dies_after_good_lines_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut feed = feed(&format!("for i in 1 2 3; do echo '{CLOCK}'; done; kill -9 $$"), folder.path());
    let heard = hear(&mut feed, |_| false).await;
    assert_eq!(heard.events.len(), 3);
    assert_eq!(heard.error(), "command sh: was killed by signal 9");
    let again = hear(&mut feed, |heard| heard.events.len() >= 3).await;
    assert_eq!(again.events.len(), 3);
}

#[tokio::test]
async fn a_million_lines_come_in_bounded_batches() {
    let folder = tempfile::tempdir().unwrap();
    let mut feed = feed(&format!("yes '{CLOCK}' | head -n 1000000; sleep 1000"), folder.path());
    let (begun, mut events, mut largest) = (Instant::now(), 0, 0);
    while events < 1_000_000 {
        assert!(begun.elapsed() < DEADLINE, "{events} events");
        let batch = feed.poll(None, now()).await.unwrap();
        events += batch.events.len();
        largest = largest.max(batch.events.len());
    }
    assert_eq!(events, 1_000_000);
    assert!(largest <= 13_000, "{largest} events in a batch");
}

#[tokio::test]
async fn garbage_between_good_lines_costs_itself_only() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"echo '{CLOCK}'; echo 'no json'; echo; printf '\377\376\n'; printf '\033]0;owned\007\n'
        echo '{{"type":"clock","at":"yesterday"}}'; echo '{{"type":"party"}}'; echo '{{"type":"party"}}'
        echo '{{"type":"message","conversation":"1","from":"alien","at":"2026-03-02T09:00:00Z"}}'; echo '{CLOCK}'; sleep 1000"#
    );
    let mut feed = feed(&script, folder.path());
    let heard = hear(&mut feed, |heard| heard.events.len() >= 2).await;
    assert_eq!((heard.events.len(), heard.skipped_total), (2, 7));
    let expected = [
        "sh line 2: not a JSON object",
        "sh line 4: not UTF-8 at byte 1",
        "sh line 5: not a JSON object",
        "sh line 6: field `at`: \"yesterday\" is not RFC 3339 with a zone",
        "sh line 7: unknown type `party`",
        "sh line 9: field `from`: is \"alien\", must be one of customer, agent, bot",
    ];
    assert_eq!(heard.skipped.len(), expected.len(), "{:#?}", heard.skipped);
    for (skipped, begin) in heard.skipped.iter().zip(expected) {
        assert!(skipped.starts_with(begin), "{skipped}");
        assert!(!skipped.contains('\u{1b}'));
    }
}

/// `yes` never ends and never waits: were it not ended, a poll would follow a poll for ever.
#[tokio::test]
async fn a_flood_of_garbage_is_ended_and_named() {
    for (flood, last) in [("yes garbage", "line 10001: not a JSON object"), ("yes ''", "line 110001: blank, as the")] {
        let folder = tempfile::tempdir().unwrap();
        let mut feed = feed(&format!("echo $$ > pid; echo '{CLOCK}'; exec {flood}"), folder.path());
        let heard = hear(&mut feed, |_| false).await;
        assert_eq!((heard.events.len(), heard.skipped_total), (1, 10_000), "{flood}: all that was read is counted");
        let error = heard.error.as_ref().unwrap();
        let begin = "command sh: printed 10000 lines in a row that can't be read, and was ended; the last, ";
        assert!(error.to_string().starts_with(&format!("{begin}{last}")), "{error}");
        assert!(matches!(error, SourceError::Transient { until: None, .. }), "it is started again, later and later");
        assert!(error.hint(Retry::Board).contains("docs/events.md"));
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap().trim().to_owned();
        let begun = Instant::now();
        while lives(&pid) {
            assert!(begun.elapsed() < DEADLINE, "{flood} is still there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let again = hear(&mut feed, |heard| !heard.events.is_empty()).await;
        assert_eq!(again.events.len(), 1, "{flood}: the next poll starts it again");
    }
}

#[tokio::test]
async fn an_event_now_and_then_and_types_of_a_later_version_are_no_flood() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"for i in 1 2 3; do yes garbage | head -n 9999; echo '{CLOCK}'; done
        yes '{{"type":"party"}}' | head -n 30000; echo '{CLOCK}'; sleep 1000"#
    );
    let mut feed = feed(&script, folder.path());
    let heard = hear(&mut feed, |heard| heard.events.len() >= 4).await;
    assert_eq!((heard.error, heard.skipped_total), (None, 59_997));
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_read_and_one_of_twenty_refused() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"long() {{ printf '{{"type":"message","conversation":"1","from":"customer","at":"2026-03-02T09:00:00Z","text":"'
            head -c "$1" /dev/zero | tr '\0' x; printf '"}}\n'; }}
        long 1000000; long 20000000; echo '{CLOCK}'; sleep 1000"#
    );
    let mut feed = feed(&script, folder.path());
    let heard = hear(&mut feed, |heard| heard.events.len() >= 2).await;
    let EventKind::Message(message) = &heard.events[0] else { panic!("{:?}", heard.events[0]) };
    assert_eq!(message.text.as_ref().and_then(Words::text).map(str::len), Some(1_000_000));
    assert_eq!(heard.skipped, ["sh line 2: the line is longer than 16 MiB"]);
}

#[tokio::test]
async fn a_line_without_an_end_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let mut feed = feed("head -c 3500000 /dev/zero | tr '\\0' x; sleep 1000", folder.path());
    let said = hear_progress(&mut feed, "3 MiB so far").await;
    assert_eq!(said, "is printing a line that has not ended yet, 3 MiB so far");
    let error = feed.poll(None, now() + TimeDelta::minutes(11)).await.unwrap_err().to_string();
    assert!(
        error.contains("has ended no line for 66")
            && error.ends_with("): it is printing a line that has not ended yet, 3 MiB so far"),
        "{error}"
    );
    let finding = feed.check(now()).await.unwrap().remove(0);
    assert!(finding.good == Some(false) && finding.says.contains("ended no line in 5 s"), "{finding:?}");
}

#[tokio::test]
async fn one_that_hangs_is_starting_then_old_and_heard_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("while [ ! -e go ]; do sleep 0.05; done; echo '{CLOCK}'; sleep 1000");
    let mut feed = feed(&script, folder.path());
    let batch = feed.poll(None, now()).await.unwrap();
    assert!(batch.progress.unwrap().0.contains("has printed nothing yet"));
    let later = now() + TimeDelta::minutes(11);
    let error = feed.poll(None, later).await.unwrap_err();
    let SourceError::Transient { what, until: Some(until), .. } = error else { panic!("{error:?}") };
    assert!(what.starts_with("printed nothing for 66"), "{what}");
    assert_eq!(until - later, TimeDelta::seconds(1));
    std::fs::write(folder.path().join("go"), "").unwrap();
    let heard = hear(&mut feed, |heard| !heard.events.is_empty()).await;
    assert_eq!(heard.events.len(), 1, "it was not started again for being silent");
}

#[tokio::test]
async fn its_complaints_are_kept_cut_and_tamed() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        r#"i=0; while [ $i -lt 80 ]; do echo "line $i" >&2; i=$((i+1)); done
        printf '\033[31mred\n' >&2; head -c 5000 /dev/zero | tr '\0' y >&2; echo >&2; exit 1; # {CLOCK}"#
    );
    let mut feed = feed(&script, folder.path());
    hear(&mut feed, |_| false).await;
    let aside = feed.aside();
    assert_eq!(aside.len(), 50);
    assert_eq!(aside[0], "line 32");
    assert_eq!(aside[48], "\u{fffd}[31mred");
    assert_eq!(aside[49].chars().count(), 401);
}

/// Whether a process is there and not merely waiting to be buried.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| state != 'Z')
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn all_it_has_started_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("sleep 1000 & echo $! > grandchild; echo '{CLOCK}'; wait");
    let mut feed = feed(&script, folder.path());
    hear(&mut feed, |heard| !heard.events.is_empty()).await;
    let pid = std::fs::read_to_string(folder.path().join("grandchild")).unwrap().trim().to_owned();
    assert!(lives(&pid));
    drop(feed);
    let begun = Instant::now();
    while lives(&pid) {
        assert!(begun.elapsed() < DEADLINE, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_pipe_held_open_by_a_grandchild_does_not_hide_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut feed = feed(&format!("echo '{CLOCK}'; sleep 1000 & exit 4"), folder.path());
    let heard = hear(&mut feed, |_| false).await;
    assert_eq!(heard.error(), "command sh: ended with exit code 4");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { command: vec!["./feed.sh".to_owned()], ..Settings::default() };
    let error = Feed::new(settings, folder.path()).unwrap().poll(None, now()).await.unwrap_err();
    assert!(matches!(error, SourceError::Unsupported { .. }));
    let path = folder.path().join("feed.sh");
    let expected = format!("command ./feed.sh: {} can't be started: No such file", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    let settings = Settings { command: vec!["./feed.sh".to_owned()], ..Settings::default() };
    let error = Feed::new(settings, folder.path()).unwrap().poll(None, now()).await.unwrap_err();
    let expected = format!("; is it a program? `chmod +x {}` makes it one", path.display());
    assert!(error.to_string().contains("Permission denied") && error.to_string().ends_with(&expected), "{error}");
    let error = Feed::new(Settings::default(), folder.path()).unwrap_err();
    assert!(error.starts_with("command is missing"), "{error}");
}

#[tokio::test]
async fn it_runs_beside_the_config_file_with_the_environment_of_helptop() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("feed.sh");
    std::fs::write(
        &script,
        "#!/bin/sh\npwd >&2\necho \"path is $PATH\" >&2\nread line || echo 'no input' >&2\nexit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let settings = Settings { command: vec!["./feed.sh".to_owned()], ..Settings::default() };
    let mut feed = Feed::new(settings, folder.path()).unwrap();
    hear(&mut feed, |_| false).await;
    let here = folder.path().canonicalize().unwrap();
    let path = std::env::var("PATH").unwrap();
    assert_eq!(feed.aside(), [here.display().to_string(), format!("path is {path}"), "no input".to_owned()]);
}

#[tokio::test]
async fn doctor_hears_the_first_lines_and_shows_three_of_the_bad_ones() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8; do echo nonsense; done > part; echo '{CLOCK}' >> part; cat part; sleep 1000"
    );
    let mut feed = feed(&script, folder.path());
    let findings = feed.check(now()).await.unwrap();
    let said: Vec<_> = findings.iter().map(|it| (it.what.as_str(), it.good)).collect();
    let (good, bad) = (Some(true), Some(false));
    let lines = [("sh line 1", bad), ("sh line 2", bad), ("sh line 3", bad), ("and", bad)];
    assert_eq!(said, [[("reachable", good), ("age", None)].as_slice(), &lines].concat());
    assert_eq!(findings[5].says, "5 more that can't be read");
    assert!(findings[1].says.contains("2026-03-02T09:00:00Z"), "{findings:?}");
    assert!(findings[0].says.ends_with("runs; its first lines hold 1 event"), "{findings:?}");
}

#[tokio::test]
async fn doctor_sees_a_clock_that_is_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let ahead = now() + TimeDelta::hours(1);
    let mut feed = feed(&format!(r#"echo '{{"type":"clock","at":"{ahead}"}}'; sleep 1000"#), folder.path());
    let findings = feed.check(now()).await.unwrap();
    assert!(findings.iter().any(|it| it.what == "clock" && it.good == Some(false)), "{findings:?}");
}
