//! One board over several vendors in a real terminal: one of them fails for a while, which costs the others nothing.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use helptop::event::Timestamp;
use helptop::source::demo::Params;
use tokio::task::JoinHandle;

use crate::contract::Bench;
use crate::fake_rt;
use crate::server::{Fault, Reply, Simulator};
use crate::terminal::Terminal;
use crate::world::World;
use crate::{chatwoot, zendesk};

const HELPTOP: &str = env!("CARGO_BIN_EXE_helptop");
const DESK: Params = Params { seed: 1, agents: 12, chats: 300 };

fn now() -> Timestamp {
    Timestamp::from(Utc::now())
}

/// A vendor whose desk goes on by itself, at the real time.
struct Living {
    simulator: Arc<Simulator>,
    going: JoinHandle<()>,
}

impl Living {
    async fn start(bench: &Bench) -> Self {
        let begun = now();
        let mut world = World::new(DESK, begun - TimeDelta::hours(1));
        world.advance(begun);
        let simulator = Arc::new((bench.serve)(world).await);
        let going = {
            let simulator = Arc::clone(&simulator);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    simulator.advance(now());
                }
            })
        };
        Self { simulator, going }
    }

    /// Nothing happens there any more; how many chats are open then.
    fn stop(&self) -> usize {
        self.going.abort();
        self.simulator.inside().world.open().count()
    }
}

/// The real Request Tracker where there is one, else a small one; how it is written in a config, and how many tickets
/// are open there where that is known.
#[expect(clippy::explicit_write, reason = "what stands for what is said past the test runner")]
async fn rt() -> (Option<(wiremock::MockServer, usize)>, String) {
    let source = |url: &str, token: &str| {
        format!("[[source]]\nkind = \"rt\"\ninterval = \"2s\"\nbase_url = \"{url}\"\ntoken = \"{token}\"\n")
    };
    if let Ok(file) = std::env::var("HELPTOP_RT_ENV") {
        let text = std::fs::read_to_string(file).unwrap();
        let of = |name: &str| {
            let value =
                text.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('='));
            value.unwrap().trim_matches('\'').to_owned()
        };
        return (None, source(&of("RT5_URL"), &of("RT5_WALLBOARD_TOKEN")));
    }
    // Past the test runner, which keeps what a passing test prints.
    writeln!(std::io::stderr(), "a small Request Tracker stands for a real one: HELPTOP_RT_ENV is not set").unwrap();
    let mut desk = fake_rt::Desk::new();
    desk.create(1, 10, -600, "kim@c.example", "kim@c.example");
    let (server, _) = fake_rt::serve(desk).await;
    let written = source(&server.uri(), "1-29-good");
    (Some((server, 1)), written)
}

fn config(zendesk: &Simulator, chatwoot: &Simulator, rt: &str) -> String {
    format!(
        "{rt}[[source]]\nkind = \"zendesk\"\ninterval = \"2s\"\nbase_url = \"{}\"\nclient_id = \"helptop\"\n\
         client_secret = \"{}\"\n[[source]]\nkind = \"chatwoot\"\ninterval = \"2s\"\nbase_url = \"{}\"\ntoken = \"{}\"\n",
        zendesk.base,
        zendesk::SECRET,
        chatwoot.base,
        chatwoot::TOKEN
    )
}

/// The age that the board shows of a source, in seconds; nothing where it is in trouble.
fn age(shown: &str, name: &str) -> Option<u64> {
    let behind = shown.lines().next()?.split(&format!("● {name} ")).nth(1)?;
    behind.split('s').next()?.trim().parse().ok()
}

/// How many open chats the board shows.
fn open(screen: &vt100::Screen) -> Option<usize> {
    let contents = screen.contents();
    let tiles = contents.lines().nth(2)?;
    // Behind those of who waits and how long.
    tiles.split("││").nth(2)?.trim().parse().ok()
}

/// For so long the failing one fails: half a minute, or `HELPTOP_FAILING` seconds.
fn failing() -> Duration {
    let seconds = std::env::var("HELPTOP_FAILING").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_fails_and_the_others_go_on() {
    let (zendesk, chatwoot) = (Living::start(&zendesk::bench()).await, Living::start(&chatwoot::bench()).await);
    let (fake, rt) = rt().await;
    let rt_open = fake.as_ref().map(|(_, open)| *open);
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("helptop");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    std::fs::write(&file, config(&zendesk.simulator, &chatwoot.simulator, &rt)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();

    let (failing_for, save) = (failing(), std::env::var("HELPTOP_SCREENS").ok());
    let story = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start_in(home, &[], HELPTOP, &[], (120, 36));
        let keep = |name: &str, terminal: &Terminal| {
            if let Some(folder) = &save {
                std::fs::write(format!("{folder}/{name}.txt"), terminal.contents()).unwrap();
            }
        };
        let well = |name: &str| {
            let name = name.to_owned();
            move |screen: &vt100::Screen| age(&screen.contents(), &name).is_some()
        };
        for name in ["rt", "zendesk", "chatwoot"] {
            terminal.wait(&format!("{name} well"), well(name));
        }
        terminal.wait("all that is open", |screen| {
            let there = |desk: &Living| desk.simulator.inside().world.open().count();
            open(screen).is_some_and(|shown| shown.abs_diff(there(&zendesk) + there(&chatwoot)) < 20)
                || rt_open.is_none()
        });
        keep("well", &terminal);

        chatwoot.simulator.fault("", Fault::Answer(Reply::text(502, "text/html", "<h1>Bad Gateway</h1>")));
        terminal.wait_for("▲ chatwoot failing");
        let until = std::time::Instant::now() + failing_for;
        let mut oldest = 0;
        while std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
            let shown = terminal.contents();
            assert!(shown.contains("▲ chatwoot"), "it does not answer, and the board says so:\n{shown}");
            for name in ["rt", "zendesk"] {
                let age = age(&shown, name).unwrap_or_else(|| panic!("{name} goes on:\n{shown}"));
                oldest = oldest.max(age);
            }
        }
        assert!(oldest <= 10, "the others are asked as before, not after {oldest} s");
        keep("failing", &terminal);
        // The third of the list says in full what is wrong.
        terminal.keys("6jjj");
        terminal.wait_for("Bad Gateway");
        keep("sources", &terminal);
        terminal.keys("1");

        chatwoot.simulator.mend();
        let back = std::time::Instant::now();
        while age(&terminal.contents(), "chatwoot").is_none() {
            std::thread::sleep(Duration::from_millis(200));
            assert!(back.elapsed() < Duration::from_mins(6), "never well again:\n{}", terminal.contents());
        }
        let there = zendesk.stop() + chatwoot.stop();
        if let Some(rt) = rt_open {
            terminal.wait("the open chats of all three", |screen| open(screen) == Some(there + rt));
        }
        keep("again", &terminal);
        terminal.keys("q");
        assert_eq!(terminal.end().exit_code(), 0);
    });
    story.await.unwrap();
}
