//! The source `rt` against a tiny Request Tracker: what it tells, what it asks for, and that nothing is lost.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod fake_rt;
#[path = "source_rt/restart.rs"]
mod restart;
#[path = "source_rt/rights.rs"]
mod rights;

use std::time::Duration;

use fake_rt::watch::{Watch, spec, waits};
use fake_rt::{Desk, at};
use helptop::event::{EventKind, Timestamp};
use helptop::source::Source;
use helptop::source::http::Limits;
use helptop::source::rt::Rt;
use serde_json::json;

#[tokio::test]
async fn a_ticket_from_its_creation_to_its_reopening() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    let mut watch = Watch::new(desk).await;
    let first = watch.poll().await.unwrap();
    assert!(first.more && first.progress.is_some());
    assert!(
        matches!(&watch.told[0].kind, EventKind::Hello { version: 1, capabilities, .. } if capabilities.len() == 3)
    );
    watch.settle().await;
    assert_eq!(watch.board().0, waits(&[("1 -", 0)]));

    watch.desk().owner(102, 60, 1, "ana", "bogdan");
    watch.desk().reply(103, 90, 1, "kim@x");
    assert_eq!(watch.later(15).await.requests, 1, "who holds it and who writes is known");
    assert_eq!(watch.board(), (waits(&[("1 bogdan", 0)]), vec!["bogdan 1".to_owned()]));

    watch.desk().reply(104, 120, 1, "ana");
    watch.desk().status(105, 120, 1, "RT_System", "open");
    watch.desk().reply(106, 130, 1, "partner@y");
    watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[]), "answered by another than its holder; a third party waits for nobody");

    watch.desk().status(107, 140, 1, "bogdan", "resolved");
    watch.later(15).await;
    assert_eq!(watch.board(), (vec![], vec![]));
    watch.desk().reply(108, 150, 1, "kim@x");
    watch.desk().status(109, 150, 1, "RT_System", "open");
    watch.later(15).await;
    assert_eq!(watch.board(), (waits(&[("1 bogdan", 150)]), vec!["bogdan 1".to_owned()]));

    let opened = &watch.events("1")[0];
    assert_eq!(opened["customer"], "kim@x");
    assert_eq!(
        (&opened["team"], &opened["channel"], &opened["direction"]),
        (&json!("3"), &json!("email"), &json!("inbound"))
    );
    assert!(opened["url"].as_str().unwrap().ends_with("/Ticket/Display.html?id=1"));
    let given = watch.events("1").into_iter().find(|e| e["type"] == "assigned").unwrap();
    assert_eq!((&given["agent"], &given["by"], &given["at"]), (&json!("bogdan"), &json!("ana"), &json!(at(60))));
    let by: Vec<_> = watch.events("1").into_iter().filter(|e| e["type"] == "status").map(|e| e["by"].clone()).collect();
    assert_eq!(by, ["system", "agent", "system"]);
}

#[tokio::test]
async fn the_beginning_is_what_it_was_before_the_first_change() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "ana", "kim@x");
    desk.ticket(1).owner = "ana";
    desk.ticket(1).status = "stalled".into();
    desk.owner(101, 50, 1, "ana", "bogdan");
    desk.row(102, 60, 1, "Set", "Queue", "ana", "4", "3");
    desk.status(103, 70, 1, "ana", "open");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    let told: Vec<_> = watch.events("1").iter().map(|e| format!("{} {}", e["type"], e["at"])).collect();
    let expected = [
        ("opened", 0),
        ("assigned", 0),
        ("message", 0),
        ("status", 0),
        ("assigned", 50),
        ("assigned", 60),
        ("status", 70),
    ];
    assert_eq!(told, expected.map(|(kind, seconds)| format!("\"{kind}\" \"{}\"", at(seconds))));
    let events = watch.events("1");
    assert_eq!((&events[0]["team"], &events[0]["direction"]), (&json!("4"), &json!("outbound")));
    assert_eq!(
        (&events[1]["agent"], &events[2]["from"], &events[3]["status"]),
        (&json!("ana"), &json!("agent"), &json!("pending"))
    );
    assert_eq!(
        (&events[5]["team"], events[5].get("agent")),
        (&json!("3"), None),
        "the holder stays when the team changes"
    );
    assert_eq!(watch.board().0, waits(&[]), "opened by an agent: the customer has not asked yet");
}

#[tokio::test]
async fn a_refresh_without_news_costs_one_request_whatever_is_open() {
    let mut desk = Desk::new();
    for id in 1..=250 {
        desk.create(id, id * 3, id as i64, "kim@x", "kim@x");
        desk.owner(id * 3 + 1, id as i64 + 1, id, "ana", "ana");
    }
    let mut watch = Watch::new(desk).await;
    let mut shown = Vec::new();
    loop {
        let batch = watch.poll().await.unwrap();
        shown.push(watch.board().0.len());
        if !batch.more {
            break;
        }
    }
    assert_eq!(shown, [0, 100, 200, 250, 250], "page by page");
    assert_eq!(watch.board().1, ["ana 250"]);
    let told = watch.told.len();
    for (seconds, requests) in [(15, 1), (15, 1), (15, 1), (120, 1), (15, 1), (15, 1), (120, 2), (15, 1)] {
        assert_eq!(watch.later(seconds).await.requests, requests);
    }
    assert_eq!(watch.later(600).await.requests, 3, "counted and staff read every ten minutes");
    assert_eq!(watch.told.len(), told, "nothing is told twice");
    let last = watch.desk().asked.iter().rev().find(|asked| asked.starts_with("/transactions")).cloned().unwrap();
    assert!(last.ends_with("AND id > 751"), "after two minutes, nothing is fetched again: {last}");
}

#[tokio::test]
async fn a_row_that_becomes_visible_late_is_not_lost() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    watch.desk().reply(101, 60, 1, "ana");
    watch.desk().reply(102, 70, 1, "kim@x");
    watch.desk().late.insert(101);
    watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[("1 -", 0)]));
    watch.desk().late.clear();
    watch.later(60).await;
    assert_eq!(watch.board().0, waits(&[("1 -", 70)]));
}

#[tokio::test]
async fn hidden_rows_do_not_stop_the_feed() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    watch.later(150).await;
    for row in 200..550 {
        watch.desk().reply(row, 50, 999, "lee@x");
        watch.desk().hidden.insert(row);
    }
    watch.desk().reply(600, 60, 1, "ana");
    watch.desk().changed = 1;
    let mut requests = Vec::new();
    while watch.board().0 == waits(&[("1 -", 0)]) {
        requests.push(watch.later(60).await.requests);
        assert!(requests.len() < 10, "never seen: {requests:?}");
    }
    assert!(requests.iter().all(|&requests| requests <= 3), "{requests:?}");
    watch.desk().reply(601, 70, 1, "kim@x");
    watch.later(60).await;
    assert_eq!(watch.board().0, waits(&[("1 -", 70)]), "and from there it goes on");
}

#[tokio::test]
async fn an_ended_ticket_that_comes_back_is_read_whole() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    desk.owner(101, 10, 1, "ana", "ana");
    desk.reply(102, 20, 1, "kim@x");
    desk.status(103, 30, 1, "ana", "resolved");
    for row in 0..60 {
        desk.create(1000 + row, 200 + row, 40, "ana", "kim@x");
    }
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    assert_eq!(watch.events("1").len(), 0, "ended before the start, and no history was asked for");
    watch.desk().reply(500, 90, 1, "kim@x");
    watch.desk().status(501, 90, 1, "RT_System", "open");
    assert_eq!(watch.later(15).await.requests, 3);
    assert_eq!(watch.board().0, waits(&[("1 ana", 90)]));
    assert_eq!(watch.events("1")[0]["type"], "opened");
}

#[tokio::test]
async fn messages_of_merged_tickets_live_on_in_their_target() {
    let mut desk = Desk::new();
    for (id, seconds) in [(1, 0), (2, 10), (3, 20)] {
        desk.create(id, 100 + id, seconds, "kim@x", "kim@x");
    }
    desk.create(4, 104, 30, "lee@x", "lee@x");
    desk.merge(110, 40, 2, 1, "ana");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    assert_eq!(watch.board().0, waits(&[("1 -", 0), ("3 -", 20), ("4 -", 30)]));
    let copied: Vec<_> =
        watch.events("1").into_iter().filter(|e| e["type"] == "message").map(|e| e["at"].clone()).collect();
    assert_eq!(copied, [at(0), at(10)]);

    watch.desk().reply(112, 50, 1, "ana");
    watch.desk().reply(113, 60, 4, "lee@x");
    watch.desk().merge(114, 70, 4, 3, "ana");
    watch.desk().merge(116, 80, 3, 1, "ana");
    watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[("1 -", 60)]), "through two merges, and of another requestor");
    for (ticket, into) in [("2", "1"), ("4", "3"), ("3", "1")] {
        let merged: Vec<_> = watch.events(ticket).into_iter().filter(|e| e["type"] == "merged").collect();
        assert!(!merged.is_empty() && merged.iter().all(|e| e["into"] == into), "{ticket}");
    }
    assert_eq!(watch.later(600).await.requests, 3, "and the count is right");
    assert!(!watch.desk().asked.iter().rev().take(3).any(|asked| asked.contains("id > 0")));
}

#[tokio::test]
async fn words_of_other_lifecycles_are_asked_about() {
    let mut desk = Desk::new();
    desk.active.push("triage");
    desk.create(1, 100, 0, "kim@x", "kim@x");
    desk.ticket(1).status = "triage".into();
    desk.create(2, 101, 0, "kim@x", "kim@x");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    assert_eq!(watch.board().0, waits(&[("1 -", 0), ("2 -", 0)]));
    watch.desk().status(102, 10, 1, "ana", "shipped");
    watch.desk().status(103, 10, 2, "ana", "o'hara");
    assert_eq!(watch.later(15).await.requests, 3);
    assert_eq!(watch.board().0, waits(&[("2 -", 0)]), "a word that can't be asked about hides nothing");
    watch.desk().status(104, 20, 2, "ana", "shipped");
    assert_eq!(watch.later(15).await.requests, 1, "and is known from then on");
    assert_eq!(watch.board().0, waits(&[]));
}

#[tokio::test]
async fn programs_answer_nobody_and_owners_who_left_have_a_name() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "root", "kim@x");
    desk.reply(101, 10, 1, "root");
    desk.owner(102, 20, 1, "root", "gone");
    desk.row(103, 30, 1, "Set", "Owner", "ana", "99", "12345");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    assert_eq!(watch.board(), (waits(&[("1 user 12345", 0)]), vec!["user 12345 1".to_owned()]));
    let names = watch.told.iter().filter_map(|e| match &e.kind {
        EventKind::Agent(agent) => Some((agent.id.as_str(), agent.name.as_str(), agent.active)),
        _ => None,
    });
    let expected = [
        ("ana", "Ana Petrović", Some(true)),
        ("bogdan", "Bogdan Ilie", Some(true)),
        ("gone", "Gone Person", None),
        ("user 12345", "user 12345", None),
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected, "neither root nor the account that asks");
}

#[tokio::test]
async fn who_becomes_staff_has_answered_before() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    desk.reply(101, 10, 1, "chiara");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    assert_eq!(watch.board().0, waits(&[("1 -", 0)]));
    watch.desk().staff.push("chiara");
    watch.later(600).await;
    watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[]));
}

#[tokio::test]
async fn where_the_group_of_all_staff_is_hidden_the_privileged_in_other_groups_are_staff() {
    let mut desk = Desk::new();
    desk.guests = Some(vec!["chiara"]);
    for (id, who) in [(1, "ana"), (2, "chiara")] {
        desk.create(id, 100 + id, 0, "kim@x", "kim@x");
        desk.reply(110 + id, 10, id, who);
    }
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    assert_eq!(watch.board().0, waits(&[("2 -", 0)]), "a guest answers nobody");
    let asked = |watch: &mut Watch| watch.desk().asked.iter().filter(|asked| asked.starts_with("/user/")).count();
    let count = asked(&mut watch);
    watch.later(600).await;
    watch.later(15).await;
    assert_eq!(asked(&mut watch), count, "each is looked up once");
}

#[tokio::test]
async fn what_leaves_no_row_is_found_by_counting() {
    let mut desk = Desk::new();
    for id in 1..=3 {
        desk.create(id, 100 + id, id as i64, "kim@x", "kim@x");
    }
    let mut watch = Watch::with(desk, json!({"queues": ["support"]}), Duration::ZERO).await;
    watch.settle().await;
    watch.desk().ticket(1).gone = true;
    watch.desk().ticket(2).queue = 4;
    watch.later(60).await;
    assert_eq!(watch.board().0.len(), 3);
    assert!(watch.later(600).await.requests <= 3);
    watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[("3 -", 3)]));
    let feed = watch.desk().asked.iter().rev().find(|asked| asked.starts_with("/transactions")).cloned().unwrap();
    assert!(feed.contains("AND (TicketQueue='3') AND id > "), "other queues' rows are not asked for: {feed}");
    let ended = watch.events("1").pop().unwrap();
    assert_eq!((&ended["status"], &ended["by"]), (&json!("closed"), &json!("system")), "counted for nobody");
    assert_eq!(watch.later(600).await.requests, 3);

    watch.desk().ticket(2).queue = 3;
    watch.desk().row(200, 30_000, 2, "Set", "Queue", "ana", "4", "3");
    watch.later(15).await;
    let board = watch.board().0;
    assert_eq!(board[0], format!("3 - {}", at(3)));
    assert_eq!(board[1], format!("2 - {}", watch.now), "moved back: it waits, though not since when");
}

#[tokio::test]
async fn a_poll_that_fails_anywhere_loses_nothing() {
    let desk = || {
        let mut desk = Desk::new();
        for id in 1..=120 {
            desk.create(id, id * 2, id as i64, "kim@x", "kim@x");
        }
        desk.merge(300, 500, 2, 1, "ana");
        desk
    };
    let news = |desk: &mut Desk| {
        desk.create(200, 400, 600, "lee@x", "lee@x");
        desk.reply(401, 610, 5, "ana");
        desk.row(402, 620, 6, "Set", "Owner", "ana", "6", "99");
        desk.status(403, 620, 7, "ana", "shipped");
        desk.merge(404, 630, 9, 8, "ana");
    };
    let mut whole = Watch::with(desk(), json!({}), Duration::from_hours(24)).await;
    whole.settle().await;
    news(&mut whole.desk());
    whole.later(15).await;
    let (requests, expected) = (whole.desk().asked.len(), whole.board());
    for number in 1..=requests + 3 {
        let mut watch = Watch::with(desk(), json!({}), Duration::from_hours(24)).await;
        watch.desk().fails = Some(number);
        let mut changed = false;
        loop {
            match watch.poll().await {
                Err(error) => assert_eq!(error.word(), "failing"),
                Ok(batch) if batch.more => {}
                Ok(_) if changed => break,
                Ok(_) => {
                    news(&mut watch.desk());
                    changed = true;
                }
            }
        }
        assert_eq!(watch.board(), expected, "request {number} failed");
    }
}

#[tokio::test]
async fn a_bad_transaction_is_skipped_named_and_counted_once() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    watch.desk().reply(101, 10, 1, "ana");
    watch.desk().rows.last_mut().unwrap()["Created"] = json!("yesterday");
    watch.desk().reply(102, 20, 1, "ana");
    watch.desk().rows.last_mut().unwrap().as_object_mut().unwrap().remove("Type");
    watch.desk().reply(103, 30, 1, "bogdan");
    watch.desk().rows.last_mut().unwrap()["NewField"] = json!({"x": 1});
    let batch = watch.later(15).await;
    assert_eq!(watch.board().0, waits(&[]), "the good one counts");
    assert_eq!(batch.skipped_total, 2);
    assert_eq!(batch.skipped[0].place, "GET /REST/2.0/transactions items[1], id 101");
    assert!(batch.skipped[0].reason.starts_with("at `Created`: "), "{:?}", batch.skipped);
    assert_eq!(batch.skipped[1].reason, "missing field `Type`");
    assert_eq!(watch.later(15).await.skipped_total, 0);
}

#[tokio::test]
async fn history_is_read_after_the_board_stands() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    for id in 2..=160 {
        desk.create(id, id * 100, 0, "kim@x", "kim@x");
        desk.status(id * 100 + 1, 50, id, "ana", "resolved");
    }
    let mut watch = Watch::with(desk, json!({}), Duration::from_hours(48)).await;
    let mut progress = Vec::new();
    loop {
        let batch = watch.poll().await.unwrap();
        progress.push(batch.progress.map(|(what, share)| format!("{what} {share:.2}")));
        if !batch.more {
            break;
        }
        assert!(watch.board().0.len() <= 1, "an ended ticket is never shown as waiting");
    }
    let said: Vec<&str> = progress.iter().map(|said| said.as_deref().unwrap_or("-")).collect();
    let expected = [
        "reading open tickets 0.00",
        "reading open tickets 1.00",
        "reading history 0.00",
        "reading history 0.63",
        "reading history 0.63",
        "-",
        "-",
    ];
    assert_eq!(said, expected, "between two pages the news are asked for");
    assert_eq!(watch.told.iter().filter(|e| matches!(e.kind, EventKind::Opened(_))).count(), 160);
    assert!(watch.desk().asked.iter().any(|asked| asked.contains("LastUpdated > '48 hours ago'")));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_by_name() {
    let base = json!({"base_url": "https://desk.example.com", "token": "1-29-secret"});
    for (change, message) in [
        (json!({"base_url": "http://desk.example.com"}), "base_url: http:// would send the token readable"),
        (json!({"token": null}), "token: is missing"),
        (json!({"token": " "}), "token: is empty"),
        (json!({"user": "ana"}), "token: give either"),
        (json!({"token": null, "user": "ana"}), "password: is missing"),
        (json!({"queue": ["x"]}), "queue: unknown field `queue`"),
        (json!({"queues": "Support"}), "queues: invalid type: string"),
    ] {
        let mut settings = base.clone();
        settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = Rt::new(&spec("https://desk.example.com", &settings), Limits::default()).unwrap_err();
        assert!(error.starts_with(message) && !error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_an_error_not_an_empty_board() {
    let mut watch = Watch::with(Desk::new(), json!({"queues": ["Suport"]}), Duration::ZERO).await;
    let error = watch.poll().await.unwrap_err();
    assert_eq!(error.word(), "unsupported");
    assert!(
        error.to_string().ends_with("queues: the account sees no queue `Suport`; did you mean `Support`?"),
        "{error}"
    );
    let findings = watch.rt.check(watch.now).await.unwrap();
    let bad: Vec<_> = findings.iter().filter(|finding| finding.good == Some(false)).map(|f| f.what.as_str()).collect();
    assert_eq!(bad, ["clock", "queues"]);
}

#[tokio::test]
async fn doctor_tells_all_there_is_to_know() {
    let mut desk = Desk::new();
    desk.create(1, 1, 0, "ana", "rossi");
    desk.reply(2, 600, 1, "ana");
    desk.left = Some((312, 700));
    let mut watch = Watch::new(desk).await;
    watch.now = Timestamp::from(chrono::Utc::now());
    let findings = watch.rt.check(watch.now).await.unwrap();
    let said: Vec<_> = findings.iter().map(|it| (it.what.as_str(), it.good, it.says.as_str())).collect();
    let good = Some(true);
    assert_eq!(said[0], ("reachable", good, "Request Tracker 5.0.3"));
    assert_eq!(said[1], ("authorised", good, "token"));
    assert_eq!((said[2].0, said[2].1), ("clock", good));
    assert_eq!(said[3], ("queues", good, "Support, Billing"));
    assert_eq!((said[4].0, said[4].1), ("staff", good));
    assert_eq!(said[5], ("tickets", good, "1 open"));
    assert_eq!(said[6], ("history", good, "up to transaction 2"));
    assert_eq!(said[7], ("quota", good, "312 of 700 requests left"));
    assert_eq!((said[8].0, said[8].1), ("age", None));
    assert!(said[8].2.starts_with("the newest that it tells of is of 2026-11-20T12:10:00Z, "), "{}", said[8].2);
    assert_eq!(watch.rt.capabilities().len(), 3);
}

#[tokio::test]
async fn doctor_tells_a_spent_quota_and_an_empty_log() {
    let mut desk = Desk::new();
    desk.left = Some((0, 700));
    let mut watch = Watch::new(desk).await;
    let findings = watch.rt.check(Timestamp::from(chrono::Utc::now())).await.unwrap();
    let bad: Vec<_> = findings.iter().filter(|it| it.good == Some(false)).map(|it| it.says.as_str()).collect();
    assert_eq!(bad, ["0 of 700 requests left"]);
    assert_eq!(findings.last().unwrap().says, "it tells of nothing dated yet");
}
