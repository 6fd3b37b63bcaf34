use super::*;
use crate::event::{Opened, SlaMetric};

const C: &str = "7";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + seconds * 1000)
}

/// A record that began at 0 and is open.
fn record() -> Record {
    Record::new(Opened::new(C.into()), at(0), Since::seen(Status::Open))
}

fn with(change: impl FnOnce(&mut Record)) -> Record {
    let mut record = record();
    change(&mut record);
    record
}

fn said(seconds: i64, who: &str) -> Said {
    let (from, agent) = match who {
        "customer" => (Author::Customer, None),
        "bot" => (Author::Bot, None),
        name => (Author::Agent, Some(AgentId::new(name))),
    };
    Said { key: format!("{seconds}{who}").into(), at: at(seconds), from, agent, public: true, text: None }
}

/// `seconds what`, one a word, of what a look tells.
fn look(differ: &mut Differ, record: Record, seconds: i64) -> Vec<String> {
    let mut out = Vec::new();
    differ.look(record, at(seconds), &mut out);
    out.iter().map(word).collect()
}

fn word(event: &Event) -> String {
    let json = serde_json::to_value(event).unwrap();
    let seconds = (event.at.unwrap() - at(0)).num_seconds();
    let value = match &event.kind {
        EventKind::Message(message) => {
            message.agent.as_ref().map_or(json["from"].clone(), |agent| agent.as_str().into())
        }
        EventKind::Assigned(Assigned { agent, team, .. }) => {
            let agent = agent.as_ref().map(|agent| agent.as_ref().map_or("nobody", |agent| agent.as_str()));
            let team = team.as_ref().map(|team| team.as_ref().map_or("none", |team| team.as_str()));
            [agent, team].into_iter().flatten().collect::<Vec<_>>().join("+").into()
        }
        EventKind::Opened(opened) => opened.subject.clone().unwrap_or_default().into(),
        EventKind::Status { .. } => json["status"].clone(),
        EventKind::Tagged { tags, .. } => tags.join("+").into(),
        EventKind::Rated { score, .. } => score.to_string().into(),
        EventKind::Merged { into, .. } => into.as_str().into(),
        EventKind::Sla { due, .. } => format!("{}", (*due - at(0)).num_seconds()).into(),
        _ => panic!("{event:?}"),
    };
    format!("{seconds} {} {}", json["type"].as_str().unwrap(), value.as_str().unwrap()).trim_end().to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "as the field of a record has it")]
fn held(agent: &str) -> Option<Since<Option<AgentId>>> {
    Some(Since::seen(Some(agent.into())))
}

#[test]
fn a_first_look_tells_the_whole_record() {
    for (record, told) in [
        (record(), vec!["0 opened"]),
        (with(|r| r.status = Since::seen(Status::Pending)), vec!["0 opened", "100 status pending"]),
        (with(|r| r.status = Since::dated(Status::Resolved, at(30))), vec!["0 opened", "30 status resolved"]),
        (with(|r| r.holder = held("ana")), vec!["0 opened", "100 assigned ana"]),
        (with(|r| r.holder = Some(Since::seen(None))), vec!["0 opened"]),
        (with(|r| r.holder = Some(Since::dated(Some("ana".into()), at(20)))), vec!["0 opened", "20 assigned ana"]),
        (
            with(|r| {
                r.holder = held("ana");
                r.messages = vec![said(50, "ana"), said(0, "customer"), said(40, "bo"), said(60, "ana")];
            }),
            vec![
                "0 opened",
                "0 message customer",
                "40 message bo",
                "50 assigned ana",
                "50 message ana",
                "60 message ana",
            ],
        ),
        (
            with(|r| {
                (r.holder, r.team) =
                    (Some(Since::dated(Some("ana".into()), at(9))), Some(Since::dated(Some("billing".into()), at(9))));
            }),
            vec!["0 opened", "9 assigned ana+billing"],
        ),
        (
            with(|r| {
                r.messages = vec![said(110, "customer")];
                r.status = Since::seen(Status::Closed);
            }),
            vec!["0 opened", "110 message customer", "110 status closed"],
        ),
        (
            with(|r| {
                r.ratings = vec![Rating { at: at(70), score: 4.0, scale: 5.0, comment: None }];
                r.dues = vec![Due { metric: SlaMetric::FirstResponse, set_at: at(0), due: at(900) }];
                r.merged = Some(Since::seen("8".into()));
            }),
            vec!["0 opened", "0 sla 900", "70 rated 4", "100 merged 8"],
        ),
    ] {
        assert_eq!(look(&mut Differ::default(), record, 100), told);
    }
}

#[test]
fn what_a_fresh_record_begins_with_is_said_when_it_is_opened() {
    let mut out = Vec::new();
    let record = with(|r| {
        r.team = Some(Since::seen(Some("billing".into())));
        r.tags = Some(vec!["vip".into()]);
    });
    Differ::default().look(record, at(100), &mut out);
    let EventKind::Opened(opened) = &out[0].kind else { panic!("{out:?}") };
    assert_eq!(
        (out.len(), opened.team.as_ref().unwrap().as_str(), opened.tags.clone()),
        (1, "billing", Some(vec!["vip".into()]))
    );
}

#[test]
fn a_later_look_tells_what_changed_and_nothing_else() {
    let before = || {
        with(|r| {
            r.holder = held("ana");
            r.team = Some(Since::seen(None));
            r.tags = Some(vec![]);
            r.messages = vec![said(10, "customer")];
        })
    };
    for (change, told) in [
        ((|_| {}) as fn(&mut Record), vec![]),
        (|r| r.holder = held("bo"), vec!["200 assigned bo"]),
        (|r| r.holder = Some(Since::seen(None)), vec!["200 assigned nobody"]),
        (|r| r.holder = Some(Since::dated(Some("bo".into()), at(150))), vec!["150 assigned bo"]),
        (|r| r.holder = Some(Since::dated(Some("bo".into()), at(90))), vec!["100 assigned bo"]),
        (|r| r.holder = None, vec![]),
        (|r| (r.holder, r.team) = (held("bo"), Some(Since::seen(Some("t".into())))), vec!["200 assigned bo+t"]),
        (|r| r.status = Since::seen(Status::Snoozed), vec!["200 status snoozed"]),
        (|r| r.status = Since::dated(Status::Resolved, at(170)), vec!["170 status resolved"]),
        (|r| r.tags = Some(vec!["a".into(), "b".into()]), vec!["200 tagged a+b"]),
        (|r| r.tags = None, vec![]),
        (|r| r.opened.subject = Some("refund".into()), vec!["200 opened refund"]),
        (|r| r.messages.push(said(160, "ana")), vec!["160 message ana"]),
        (|r| r.messages = vec![said(160, "ana"), said(160, "bot")], vec!["160 message ana", "160 message bot"]),
        (|r| r.merged = Some(Since::seen("8".into())), vec!["200 merged 8"]),
        (
            |r| {
                r.messages.push(said(160, "customer"));
                r.status = Since::dated(Status::Resolved, at(150));
            },
            vec!["160 message customer", "160 status resolved"],
        ),
        (
            |r| {
                r.messages.push(said(205, "customer"));
                r.status = Since::seen(Status::Resolved);
            },
            vec!["205 message customer", "205 status resolved"],
        ),
    ] {
        let mut differ = Differ::default();
        look(&mut differ, before(), 100);
        let mut after = before();
        change(&mut after);
        assert_eq!(look(&mut differ, after.clone(), 200), told);
        assert_eq!(look(&mut differ, after, 300), Vec::<String>::new(), "told once: {told:?}");
    }
}

#[test]
fn what_was_ended_and_asked_and_ended_again_between_two_looks_is_ended() {
    let ended = |messages: Vec<Said>| {
        with(|r| {
            r.status = Since::seen(Status::Resolved);
            r.messages = messages;
        })
    };
    let mut differ = Differ::default();
    assert_eq!(look(&mut differ, ended(vec![]), 100), ["0 opened", "100 status resolved"]);
    assert_eq!(
        look(&mut differ, ended(vec![said(120, "customer")]), 130),
        ["120 message customer", "130 status resolved"]
    );
    assert_eq!(
        look(&mut differ, ended(vec![said(140, "ana")]), 150),
        ["140 message ana"],
        "an agent's does not reopen"
    );
    let again = with(|r| r.messages = vec![said(160, "customer")]);
    assert_eq!(look(&mut differ, again, 170), ["160 message customer", "170 status open"]);
}

#[test]
fn an_earlier_ending_that_is_shown_is_told_once_and_what_came_after_it_holds() {
    let ended = |seconds| Ended { at: at(seconds), by: None, agent: None, before: None };
    let reopened = || {
        with(|r| {
            r.messages = vec![said(5, "customer"), said(30, "customer")];
            r.endings = vec![ended(20)];
            r.whole = true;
        })
    };
    let mut differ = Differ::default();
    let told = ["0 opened", "5 message customer", "20 status resolved", "30 message customer", "100 status open"];
    assert_eq!(look(&mut differ, reopened(), 100), told);
    assert_eq!(look(&mut differ, reopened(), 200), Vec::<String>::new());
    let again = with(|r| {
        r.endings = vec![ended(20), ended(210), ended(250)];
        r.messages = vec![said(230, "customer")];
        r.status = Since::dated(Status::Resolved, at(250));
    });
    let told = ["210 status resolved", "230 message customer", "250 status resolved"];
    assert_eq!(look(&mut differ, again.clone(), 300), told);
    assert_eq!(look(&mut differ, again, 400), Vec::<String>::new());
}

#[test]
fn an_ending_goes_before_what_was_said_after_it_in_that_very_instant() {
    let reopened = |before: Option<&str>| {
        with(|r| {
            r.messages = vec![said(5, "customer"), said(20, "ana"), said(20, "customer")];
            r.endings = vec![Ended { at: at(20), by: None, agent: None, before: before.map(Into::into) }];
        })
    };
    let (ana, asked, ended) = ("20 message ana", "20 message customer", "20 status resolved");
    for (before, told, is_awaited) in [
        (Some("20ana"), [ended, ana, asked], true),
        (Some("20customer"), [ana, ended, asked], true),
        (None, [ana, asked, ended], false),
    ] {
        let mut first = Differ::default();
        let all: Vec<_> =
            ["0 opened", "5 message customer"].into_iter().chain(told).chain(["30 status open"]).collect();
        assert_eq!(look(&mut first, reopened(before), 30), all, "{before:?}");
        let mut later = Differ::default();
        look(&mut later, with(|r| r.messages = vec![said(5, "customer")]), 10);
        assert_eq!(look(&mut later, reopened(before), 30), all[2..], "{before:?}");
        assert_eq!([first, later].map(|differ| differ.known[&C.into()].waits), [is_awaited; 2], "{before:?}");
    }
}

#[test]
fn messages_from_the_first_on_are_told_when_they_are_shown() {
    let mut differ = Differ::default();
    let last = with(|r| r.messages = vec![said(900, "ana")]);
    assert_eq!(look(&mut differ, last, 1000), ["0 opened", "900 message ana"]);
    let older = with(|r| r.messages = vec![said(10, "customer"), said(900, "ana")]);
    assert_eq!(look(&mut differ, older.clone(), 1100), Vec::<String>::new(), "long before what was told");
    assert!(!differ.is_whole(&C.into()));
    let whole = Record { whole: true, ..older };
    assert_eq!(
        look(&mut differ, whole.clone(), 1200),
        ["10 message customer", "900 message ana"],
        "a repeat is harmless"
    );
    assert!(differ.is_whole(&C.into()));
    assert_eq!(look(&mut differ, whole, 1300), Vec::<String>::new());
    let late = with(|r| r.messages = vec![said(850, "bot"), said(900, "customer")]);
    assert_eq!(look(&mut differ, late, 1400), ["850 message bot", "900 message customer"], "a little late");
}

#[test]
fn what_is_not_there_any_more_is_ended_by_the_system() {
    let mut differ = Differ::resumed(Some(at(-500)), ["6".into(), "7".into()]);
    assert_eq!(look(&mut differ, record(), 100), ["0 opened", "100 status open"], "it may have been told otherwise");
    assert_eq!(differ.missing(at(50)), ["6".into()]);
    assert_eq!(differ.missing(at(101)), ["6".into(), "7".into()]);
    differ.saw(&C.into(), at(105));
    assert_eq!(differ.missing(at(101)), ["6".into()]);
    let mut out = Vec::new();
    for id in ["6", "6", "7", "7", "8"] {
        differ.vanish(&id.into(), at(200), &mut out);
    }
    let told: Vec<_> = out.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains(r#""status":"closed","by":"system""#), "{told:?}");
    assert_eq!((differ.missing(at(999)), differ.active()), (vec![], 0));
    assert_eq!(look(&mut differ, record(), 300), ["300 status open"], "it was not gone after all");
}

#[test]
fn who_waited_in_what_was_not_gone_after_all_waits_again() {
    let note = |seconds| Said { public: false, ..said(seconds, "ana") };
    for (messages, whole, told) in [
        (vec![said(10, "customer")], true, vec!["300 status open", "300 message customer"]),
        (vec![said(10, "customer"), said(20, "bot"), note(30)], true, vec!["300 status open", "300 message customer"]),
        (vec![said(10, "customer"), said(20, "ana")], true, vec!["300 status open"]),
        (vec![], true, vec!["300 status open"]),
    ] {
        let record = || with(|r| (r.messages, r.whole) = (messages.clone(), whole));
        let mut differ = Differ::default();
        look(&mut differ, record(), 100);
        differ.vanish(&C.into(), at(200), &mut Vec::new());
        // Only what is new is shown then, or all of it again.
        assert_eq!(look(&mut differ, with(|_| {}), 300), told, "{messages:?}");
        assert_eq!(look(&mut differ, record(), 400), Vec::<String>::new(), "once: {messages:?}");

        // The same where what was gone was only remembered.
        let mut differ = Differ::resumed(Some(at(-500)), [C.into()]);
        differ.vanish(&C.into(), at(200), &mut Vec::new());
        let back = look(&mut differ, record(), 300);
        assert!(back.ends_with(&told.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()), "{back:?} {told:?}");
    }
    let mut differ = Differ::default();
    look(&mut differ, with(|r| r.messages = vec![said(10, "customer")]), 100);
    differ.vanish(&C.into(), at(200), &mut Vec::new());
    let ended = with(|r| r.status = Since::dated(Status::Resolved, at(250)));
    assert_eq!(look(&mut differ, ended, 300), ["250 status resolved"], "ended all the same");
    assert_eq!(look(&mut differ, record(), 400), ["400 status open"], "a true ending ends the wait");
}

#[test]
fn what_may_have_been_told_by_an_earlier_run_is_told_as_of_the_look() {
    let all = || {
        with(|r| {
            (r.holder, r.team, r.tags) = (held("ana"), Some(Since::seen(None)), Some(vec![]));
            r.messages = vec![said(5, "ana")];
        })
    };
    let old = ["0 opened", "5 message ana", "100 assigned ana+none", "100 tagged", "100 status open"];
    assert_eq!(look(&mut Differ::resumed(Some(at(50)), []), all(), 100), old);
    assert_eq!(look(&mut Differ::resumed(None, [C.into()]), all(), 100), old);
    let new = ["0 opened", "5 assigned ana", "5 message ana"];
    assert_eq!(look(&mut Differ::resumed(Some(at(-1)), ["6".into()]), all(), 100), new, "opened since");
}

#[test]
fn ended_records_are_forgotten_and_active_ones_are_not() {
    let mut differ = Differ::default();
    look(&mut differ, with(|r| r.status = Since::dated(Status::Closed, at(10))), 20);
    look(&mut differ, with(|r| r.opened.conversation = "8".into()), 20);
    differ.forget(at(20));
    assert!(differ.knows(&C.into()));
    differ.forget(at(21));
    assert!(!differ.knows(&C.into()) && differ.knows(&"8".into()));
}

#[test]
fn where_a_record_stands_that_was_told_and_is_not_known_any_more_is_told() {
    let ended = || {
        with(|r| {
            r.holder = held("ana");
            r.status = Since::dated(Status::Closed, at(10));
        })
    };
    // Reopened by an agent, without a word of the customer, and given back.
    let again = || with(|r| r.holder = Some(Since::seen(None)));
    let told = ["0 opened", "300 assigned nobody", "300 status open"];
    let mut forgotten = Differ::default();
    look(&mut forgotten, ended(), 20);
    forgotten.forget(at(21));
    let mut recounted = Differ::default();
    recounted.recounted(&C.into(), at(0));
    let mut crowded = Differ::default();
    crowded.recounted(&C.into(), at(0));
    (0..TOLD).for_each(|nth| crowded.recounted(&format!("o{nth}").as_str().into(), at(-5)));
    for (nth, mut differ) in [forgotten, recounted, crowded].into_iter().enumerate() {
        assert!(differ.told.len() <= TOLD && !differ.knows(&C.into()));
        assert_eq!(look(&mut differ, again(), 300), told, "{nth}");
        assert_eq!(look(&mut differ, again(), 400), Vec::<String>::new(), "{nth}: told once");
        let newer = with(|r| (r.opened.conversation, r.opened_at) = ("9".into(), at(400)));
        assert_eq!(look(&mut differ, newer, 500), ["400 opened"], "{nth}: another is fresh");
    }
}

#[test]
fn a_record_takes_the_same_room_whatever_happens_in_it() {
    let mut differ = Differ::default();
    for second in 0..5000 {
        look(&mut differ, with(|r| r.messages = vec![said(second / 10, "customer"), said(second, "ana")]), second);
    }
    let known = &differ.known[&C.into()];
    assert!(known.heard.prints.len() <= PRINTS && known.heard.prints.capacity() <= 4 * PRINTS);
    assert!(size_of::<Known>() <= 248, "{}", size_of::<Known>());
}
