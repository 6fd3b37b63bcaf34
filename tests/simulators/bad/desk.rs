//! What goes on while all is read, an empty account, a clock that is off, a weak key, settings that can't work: for
//! every vendor in the same way.

use chrono::TimeDelta;
use helptop::event::{Author, Event, EventKind, Message, Status, StatusBy};
use helptop::source::{Finding, kind};
use serde_json::json;

use super::{LATE, Looks, all, nine, open, stand_still, told};
use crate::agree::{Watch, params, start};
use crate::contract::{agrees, small};
use crate::server::Fault;
use crate::world::World;

#[tokio::test]
async fn what_moves_ends_or_goes_between_two_pages_is_neither_lost_nor_kept() {
    for (bench, bad) in all() {
        let mut world = World::new(params(), start());
        world.advance(start() + TimeDelta::hours(9));
        let mut stream = world.take_stream();
        let simulator = (bad.paged)(world).await;
        let chats: Vec<_> = simulator.inside().world.open().map(|chat| (chat.id.clone(), chat.number)).collect();
        // Of the first page and of the last, whatever their order.
        let both = |nth: usize| [chats[nth].clone(), chats[chats.len() - 1 - nth].clone()];
        let (writes, ends, goes) = (both(0), both(1), both(2));
        let ended = ends.clone().map(|(_, number)| number);
        let mut gone = goes.clone().map(|(_, number)| number).to_vec();
        let mut is_first = true;
        let meanwhile = move |world: &mut World| {
            if !std::mem::take(&mut is_first) {
                return;
            }
            for (id, _) in &writes {
                world.happen(Message::public(id.clone(), Author::Customer, None));
            }
            for (conversation, _) in ends.clone() {
                let (status, by) = (Status::Resolved, Some(StatusBy::System));
                world.happen(EventKind::Status { conversation, status, by, agent: None });
            }
            for (_, number) in &goes {
                world.delete(*number);
            }
        };
        simulator.fault(bad.chats.0, Fault::Then(Box::new(meanwhile)));
        let mut watch = Watch::begun(bad.source(&bench, &simulator.base, &json!({}), 0).unwrap(), &simulator).await;
        let lost: Vec<u64> = open(&simulator).difference(&told(&watch, &bench)).copied().collect();
        assert_eq!(lost, Vec::<u64>::new(), "{}: were lost", bench.kind);
        stand_still(&mut watch, LATE).await;
        let active = told(&watch, &bench);
        assert!(!ended.iter().any(|number| active.contains(number)), "{}: one of {ended:?} was kept", bench.kind);
        gone.push(chats[3].1);
        simulator.inside().world.delete(chats[3].1);
        stand_still(&mut watch, bad.missed).await;
        let number = (bench.terms)().chat;
        for gone in gone {
            let of_it = |event: &&Event| event.kind.conversation().and_then(|id| number(id.as_str())) == Some(gone);
            let last = watch.told.iter().rfind(of_it).map(|event| &event.kind);
            let by = Some(StatusBy::System);
            let closed = |kind: &EventKind| matches!(kind, EventKind::Status { status: Status::Closed, by: said, .. } if *said == by);
            assert!(last.is_none_or(closed), "{}: {last:?}", bench.kind);
        }
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &bench);
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_loses_nothing() {
    for ahead in [-90, 90] {
        for (bench, bad) in all() {
            let simulator = small(&bench).await;
            let mut stream = simulator.inside().world.take_stream();
            let there = simulator.inside().world.now;
            let mut source = bad.source(&bench, &simulator.base, &json!({}), 0).unwrap();
            let findings = source.check(there + TimeDelta::seconds(ahead)).await.unwrap();
            let clock = findings.into_iter().find(|finding| finding.what == "clock").unwrap();
            assert_eq!((clock.good, clock.says), (Some(false), format!("{:+} s against this machine", -ahead)));
            let (is_told, by_server) = (!matches!(bad.looks, Looks::None), matches!(bad.looks, Looks::Server(_)));
            if let Looks::Server(Some((words, fault))) = bad.looks {
                simulator.fault(words, fault);
            }
            let mut watch = Watch::new(source.as_mut(), &simulator);
            watch.ahead = TimeDelta::seconds(ahead);
            watch.settle().await;
            let looks = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Presence { .. }));
            let newest = looks.filter_map(|event| event.at).max();
            assert_eq!((newest.is_some(), newest == Some(there)), (is_told, by_server), "{}: {newest:?}", bench.kind);
            for _ in 0..10 {
                watch.later(30).await;
            }
            stand_still(&mut watch, LATE).await;
            stream.extend(simulator.inside().world.take_stream());
            agrees(&watch, &stream, &bench);
            assert_eq!(watch.reasons, Vec::<String>::new(), "{}", bench.kind);
        }
    }
}

#[tokio::test]
async fn an_empty_account_is_an_empty_board_on_which_the_first_chats_are_seen() {
    for (bench, bad) in all() {
        let simulator = (bench.serve)(nine()).await;
        let mut source = bad.source(&bench, &simulator.base, &json!({}), 24).unwrap();
        for (words, fault) in bad.empty {
            simulator.fault(words, fault);
        }
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let (_, batch) = watch.settle().await;
        assert!(!batch.partial && watch.skipped == 0, "{}: {batch:?}", bench.kind);
        assert_eq!(watch.told.len(), 1, "{}: hello, and nothing else: {:?}", bench.kind, watch.told);
        assert!(watch.later(30).await.0 <= bench.quiet, "{}", bench.kind);
        simulator.mend();
        let chat = simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
        simulator.inside().world.happen(Message::public(chat.0, Author::Customer, None));
        watch.later(60).await;
        assert!(told(&watch, &bench).contains(&chat.1), "{}", bench.kind);
    }
}

#[tokio::test]
async fn a_check_says_what_a_weak_key_may_not_read() {
    for (bench, bad) in all() {
        let Some(serve) = bench.weak else {
            assert!(bad.weak.is_empty());
            continue;
        };
        let simulator = serve(nine()).await;
        let now = simulator.inside().world.now;
        let mut source = bad.source(&bench, &simulator.base, &json!({}), 0).unwrap();
        let findings = source.check(now).await.unwrap();
        let strong = (bench.serve)(nine()).await;
        let of_strong = bad.source(&bench, &strong.base, &json!({}), 0).unwrap().check(now).await.unwrap();
        for (what, good, words) in bad.weak {
            let find = |all: &[Finding]| all.iter().find(|finding| finding.what == *what).unwrap().clone();
            let one = find(&findings);
            assert_eq!((one.good, find(&of_strong).good), (*good, Some(true)), "{}: {one:?}", bench.kind);
            assert!(format!("{one:?}").contains(words), "{}: {one:?}", bench.kind);
        }
        let said = |good| bad.weak.iter().filter(|(_, one, _)| *one == good).count();
        let found = findings.iter().filter(|finding| finding.good == Some(false)).count();
        assert_eq!(found, said(Some(false)), "{}: {findings:?}", bench.kind);
        assert!(!format!("{findings:?}").contains(bench.secret), "{}: {findings:?}", bench.kind);
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (bench, bad) in all() {
        let readable = (json!({"base_url": "http://desk.example.com"}), "base_url: http://");
        for (settings, words) in bad.refused.iter().chain([&readable]) {
            let refusal = bad.source(&bench, "https://desk.example.com", settings, 0).err().unwrap_or_default();
            assert!(refusal.starts_with(words), "{} {settings}: {refusal}", bench.kind);
            let secrets = kind(bench.kind).unwrap().secrets.iter().filter_map(|key| settings[key].as_str());
            assert!(secrets.filter(|one| !one.trim().is_empty()).all(|one| !refusal.contains(one)), "{refusal}");
        }
    }
}
