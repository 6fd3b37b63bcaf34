//! `helptop doctor` and `helptop snapshot` as a person runs them.

use std::process::Output;

use chrono::TimeDelta;
use helptop::event::{Author, Message, Timestamp};
use tokio::process::Command;

use super::{Installation, TOKEN};
use crate::agree::SMALL;
use crate::server::Simulator;
use crate::world::World;

/// Runs the program with a config for that server, and gives its exit code and all it said.
async fn helptop(command: &str, base: &str, token: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let store = folder.path().join("store.db");
    let text = format!(
        "[store]\npath = \"{}\"\n[[source]]\nkind = \"chatwoot\"\nname = \"chats\"\nbase_url = \"{base}\"\ntoken = {{ env = \
         \"CHATWOOT_TOKEN\" }}\nbackfill = \"0s\"\n",
        store.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_helptop"));
    program.arg(command).arg("--config").arg(&config).env("CHATWOOT_TOKEN", token).env("NO_COLOR", "1");
    let Output { status, stdout, stderr } = program.output().await.unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[tokio::test]
async fn doctor_tells_a_good_key_from_a_weak_and_a_bad_one() {
    // By the machine's clock, which the program reads.
    let now = Timestamp::from(chrono::Utc::now());
    for (role, token, code, words) in [
        (
            "administrator",
            TOKEN,
            0,
            &["account 1 (ACME)", "administrator", "never marks the key's owner as online"][..],
        ),
        (
            "agent",
            TOKEN,
            1,
            &[
                "sees the conversations of its own inboxes only",
                "make the key with an administrator",
                "messages, assignments, statuses\n",
            ],
        ),
        ("administrator", "wrong-0815-token", 1, &["not authorised", "Invalid Access Token"]),
    ] {
        let mut world = World::new(SMALL, now - TimeDelta::hours(3));
        world.advance(now);
        let simulator = Simulator::start(world, Installation { role, ..Installation::usual() }).await;
        let (exit, said) = helptop("doctor", &simulator.base, token).await;
        assert_eq!(exit, Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!said.contains(token), "{said}");
    }
}

#[tokio::test]
async fn the_first_snapshot_shows_who_waits() {
    let now = Timestamp::from(chrono::Utc::now());
    let mut world = World::new(SMALL, now - TimeDelta::hours(3));
    world.advance(now);
    let asked = world.open().next().unwrap().id.clone();
    world.happen(Message::public(asked, Author::Customer, None));
    let waits: Vec<u64> = world.open().filter(|chat| chat.waiting_since.is_some()).map(|chat| chat.number).collect();
    let simulator = Simulator::start(world, Installation::usual()).await;
    let (exit, said) = helptop("snapshot", &simulator.base, TOKEN).await;
    assert_eq!(exit, Some(0), "{said}");
    assert!(!waits.is_empty() && waits.iter().all(|number| said.contains(&number.to_string())), "{waits:?} {said}");
}
