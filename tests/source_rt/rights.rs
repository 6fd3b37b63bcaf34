//! What the source `rt` does where the account sees tickets but not how they began: it never tells zeros.

use std::fs;

use assert_cmd::Command;
use chrono::TimeDelta;
use serde_json::json;

use crate::fake_rt::watch::{Watch, waits};
use crate::fake_rt::{Desk, serve};

#[tokio::test]
async fn open_tickets_without_transactions_are_a_missing_right_not_zeros() {
    for tickets in [1, 120] {
        let mut desk = Desk::new();
        for id in 1..=tickets {
            desk.create(id, 100 + id, 0, "kim@x", "kim@x");
        }
        let rows = std::mem::take(&mut desk.rows);
        let mut watch = Watch::new(desk).await;
        let error = watch.poll().await.unwrap_err();
        assert_eq!(error.word(), "forbidden");
        let open = if tickets == 1 { "the 1 open ticket".to_owned() } else { "the 100 open tickets".to_owned() };
        let expected = format!(
            "GET /REST/2.0/transactions: forbidden: no transaction of {open} is seen, so nobody knows who waits: give \
             the account the right ShowTicket on these queues"
        );
        assert_eq!(error.to_string(), expected);
        watch.poll().await.unwrap_err();
        watch.desk().rows = rows;
        watch.settle().await;
        assert_eq!(watch.board().0.len() as u64, tickets, "once the right is given");
    }
}

#[tokio::test]
async fn tickets_whose_creation_is_of_an_unknown_type_are_no_zeros() {
    let mut desk = Desk::new();
    for id in 1..=120 {
        desk.create(id, 200 + id, 0, "kim@x", "kim@x");
        desk.rows.last_mut().unwrap()["Type"] = json!("Creation\u{1b}[2J");
    }
    let mut watch = Watch::new(desk).await;
    let mut error = None;
    for _ in 0..5 {
        error = error.or(watch.poll().await.err());
    }
    let error = error.unwrap();
    assert_eq!(error.word(), "schema");
    let expected = "GET /REST/2.0/transactions: unexpected answer at `items[0].Type`: no `Create` among the \
        transactions of the 120 open tickets, but `Creation\u{fffd}[2J`";
    assert_eq!(error.to_string(), expected);
    assert_eq!(watch.events("1").len(), 0);
}

#[tokio::test]
async fn a_ticket_without_its_creation_is_left_out_named_and_counted_once() {
    let mut desk = Desk::new();
    for id in 1..=103 {
        desk.create(id, 200 + id, id as i64, "kim@x", "kim@x");
    }
    let lost: Vec<_> = desk.rows.extract_if(..100, |row| row["ObjectId"] != "7").collect();
    desk.rows[0]["Type"] = json!("Birth");
    let mut watch = Watch::new(desk).await;
    let (mut named, mut total) = (Vec::new(), 0);
    loop {
        let batch = watch.poll().await.unwrap();
        total += batch.skipped_total;
        named.extend(batch.skipped);
        if !batch.more {
            break;
        }
    }
    assert_eq!(watch.board().0, waits(&[("101 -", 101), ("102 -", 102), ("103 -", 103)]), "no good one is lost");
    assert_eq!((total, watch.events("7").len()), (100, 0));
    let named: Vec<_> = named.iter().map(|one| format!("{}: {}", one.place, one.reason)).collect();
    let place = "GET /REST/2.0/transactions of ticket";
    let unseen = "none of its transactions is seen (right ShowTicket?), so it is left out";
    assert_eq!(named[0], format!("{place} 1: {unseen}"));
    let strange = "no `Create` among its transactions, the first is `Birth`, so it is left out";
    assert_eq!(named[6], format!("{place} 7: {strange}"));

    let counted = watch.later(600).await;
    assert_eq!((counted.requests, counted.skipped_total), (3, 0));
    assert_eq!(watch.later(15).await.requests, 1, "the count is right with those left out");
    watch.desk().rows.extend(lost);
    for _ in 0..6 {
        assert_eq!(watch.later(600).await.skipped_total, 0, "told once");
    }
    watch.later(15).await;
    watch.later(15).await;
    assert_eq!(watch.board().0.len(), 102, "those that can be seen by now are found");
    watch.desk().status(900, 900, 7, "ana", "resolved");
    assert_eq!(watch.later(15).await.skipped_total, 0);
    watch.later(600).await;
    assert_eq!(watch.later(15).await.requests, 1, "an ended one is counted no more");
}

#[tokio::test]
async fn a_right_that_is_missed_while_it_runs_is_an_error() {
    let mut watch = Watch::new(Desk::new()).await;
    watch.settle().await;
    watch.desk().create(1, 100, 0, "kim@x", "kim@x");
    let row = watch.desk().rows.pop().unwrap();
    watch.now = watch.now + TimeDelta::seconds(600);
    watch.poll().await.unwrap();
    watch.now = watch.now + TimeDelta::seconds(15);
    assert_eq!(watch.poll().await.unwrap_err().word(), "forbidden", "a ticket is counted, and no row is seen");
    watch.desk().rows.push(row);
    watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[("1 -", 0)]));
}

#[tokio::test]
async fn a_snapshot_of_what_is_not_seen_fails_and_prints_no_figures() {
    for kind in [None, Some("Creation")] {
        let mut desk = Desk::new();
        desk.create(1, 100, 0, "kim@x", "kim@x");
        match kind {
            Some(kind) => desk.rows[0]["Type"] = json!(kind),
            None => desk.rows.clear(),
        }
        let (server, _desk) = serve(desk).await;
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.toml");
        let text = format!(
            "[[source]]\nname = \"desk\"\nkind = \"rt\"\nbase_url = \"{}\"\ntoken = {{ env = \"RT_TOKEN\" }}\n",
            server.uri()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::cargo_bin("helptop").unwrap();
        command.env_clear().env("HOME", home.path()).env("RT_TOKEN", "1-29-secret");
        let output = command.arg("--config").arg(&config).arg("snapshot").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
        assert!(said.starts_with("helptop: source `desk`: GET /REST/2.0/transactions: "), "{said}");
    }
}
