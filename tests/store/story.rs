//! What every store has to keep to: the same story for each.

use std::path::Path;

use chrono::TimeDelta;
use helptop::desk::SourceIx;
use helptop::event::{Event, EventKind, Timestamp};
use helptop::metrics::history::{Filter, Grouping, History, Query, Terms};
use helptop::output::history::JsonReport;
use helptop::source::demo::{Params, Simulation};
use helptop::store::{Appended, Cursor, Limits, Mark, Selection, SourceNo, SqliteStore, Store};
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use super::short::{at, event, events};

/// A store and what it needs to live.
pub(crate) struct Kept {
    pub(crate) store: Box<dyn Store>,
    _folder: TempDir,
}

fn in_a_file(keep_text: bool) -> Kept {
    let folder = TempDir::new().unwrap();
    Kept { store: Box::new(SqliteStore::open(&path(folder.path()), keep_text).unwrap()), _folder: folder }
}

fn in_memory(keep_text: bool) -> Kept {
    Kept { store: Box::new(SqliteStore::temporary(keep_text).unwrap()), _folder: TempDir::new().unwrap() }
}

pub(crate) fn path(folder: &Path) -> std::path::PathBuf {
    folder.join("deep/er/history.db")
}

/// Everything a selection holds, in the order it comes.
pub(crate) fn read(store: &mut dyn Store, selection: &Selection) -> Vec<(SourceNo, Event)> {
    let mut found = Vec::new();
    store
        .read(selection, &mut |source, event| {
            found.push((source, event));
            Ok(())
        })
        .unwrap();
    found
}

/// What a selection holds but for the clock, and for agents of whom nothing is known but their id.
pub(crate) fn said(store: &mut dyn Store, selection: &Selection) -> Vec<Event> {
    let all = read(store, selection).into_iter().map(|(_, event)| event);
    let is_mention = |event: &Event| {
        event.at.is_none() && matches!(&event.kind, EventKind::Agent(agent) if agent.id.as_str() == agent.name)
    };
    all.filter(|event| event.kind != EventKind::Clock {} && !is_mention(event)).collect()
}

pub(crate) fn history(store: &mut dyn Store, selection: &Selection, before: Timestamp) -> History {
    let mut history = History::new();
    let sources: Vec<_> = store.sources().unwrap();
    let ixs: Vec<_> = sources.iter().map(|source| history.add_source(&*source.name)).collect();
    let mut take = |no: SourceNo, event: Event| {
        let place = sources.iter().position(|source| source.no == no).unwrap();
        if event.at.is_none_or(|at| at < before) {
            history.take(ixs[place], event);
        }
        Ok(())
    };
    store.read(selection, &mut take).unwrap();
    history.settle();
    history
}

pub(crate) fn figures(history: &History, from: Timestamp, to: Timestamp, by: Option<Grouping>) -> serde_json::Value {
    let query = Query { from, to, zone: chrono_tz::Tz::Europe__Berlin, by, filter: Filter::default() };
    serde_json::to_value(JsonReport::of(&history.report(&query, &Terms::default()))).unwrap()
}

/// Two days and a half of the simulated desk.
pub(crate) fn simulated() -> (Vec<Event>, Timestamp, Timestamp) {
    let (from, to) = (at("02", "00:00:00"), at("04", "12:00:00"));
    let mut events = Vec::new();
    Simulation::new(Params { seed: 3, agents: 6, chats: 30 }, from).advance_to(to, &mut events);
    (events, from, to)
}

#[rstest]
fn what_is_appended_comes_back_by_subject_in_the_order_it_came(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(true);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let told = events(
        "02 09:00:00 opened c1 customer=k
         02 09:00:00 message c1 from=customer text=one
         02 09:00:00 message c1 from=customer text=two
         02 08:00:00 opened c2
         02 09:05:00 status c1 status=resolved
         02 09:04:00 message c1 from=agent agent=a
         02 09:01:00 presence a state=online
         agent id=a name=Ana",
    );
    let appended = store.append(source, &told, &Mark::default()).unwrap();
    assert_eq!(appended, Appended { new: 8, ..Appended::default() });
    let order = [7, 6, 0, 1, 2, 4, 5, 3];
    let expected: Vec<_> = order.iter().map(|&i| told[i].clone()).collect();
    assert_eq!(said(store, &Selection::All), expected);
    let other = store.source("other").unwrap();
    assert_eq!((store.source("desk").unwrap(), other == source), (source, false));
    store.append(other, &told[..1], &Mark::default()).unwrap();
    assert_eq!(store.size().unwrap().events, 9, "the same id of another source is another conversation");
}

#[rstest]
fn an_exact_repeat_is_kept_once_however_it_comes(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let (told, ..) = simulated();
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let twice = |part: &[Event]| [part, part].concat();
    let mut total = Appended::default();
    for part in told.chunks(700) {
        let appended = store.append(source, &twice(part), &Mark::default()).unwrap();
        total.new += appended.new;
        total.repeats += appended.repeats;
    }
    let clocks = told.iter().filter(|event| event.kind == EventKind::Clock {}).count() as u64;
    let (size, appends) = (store.size().unwrap(), store.appends().unwrap());
    assert_eq!((total.new, size.events), (told.len() as u64 - clocks, total.new));
    assert_eq!(total.repeats, total.new);
    let before = read(store, &Selection::All);
    let again = store.append(source, &told, &Mark::default()).unwrap();
    assert_eq!((again.new, again.repeats), (0, total.new));
    assert_eq!((store.size().unwrap().events, store.appends().unwrap()), (size.events, appends));
    assert!(read(store, &Selection::All) == before, "nothing was changed");
}

#[rstest]
fn what_is_said_again_of_somebody_holds_again(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let (ana, anna) = (event("agent id=a name=Ana"), event("agent id=a name=Anna"));
    let last = |store: &mut dyn Store| said(store, &Selection::All).pop().unwrap();
    store.append(source, &[ana.clone(), anna.clone()], &Mark::default()).unwrap();
    assert_eq!(last(store), anna);
    store.append(source, std::slice::from_ref(&ana), &Mark::default()).unwrap();
    assert_eq!((last(store), store.size().unwrap().events), (ana.clone(), 2));
    store.append(source, &[ana.clone(), anna, ana.clone()], &Mark::default()).unwrap();
    assert_eq!((last(store), store.size().unwrap().events), (ana, 2), "the same story told again ends the same");
}

#[rstest]
fn what_is_said_after_a_repeat_holds(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let [ana, anna, anne, anja] = ["Ana", "Anna", "Anne", "Anja"].map(|name| event(&format!("agent id=a name={name}")));
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    store.append(source, &[ana.clone(), anna.clone(), ana.clone(), anne.clone()], &Mark::default()).unwrap();
    assert_eq!(said(store, &Selection::All), [anna.clone(), ana.clone(), anne.clone()]);
    store.append(source, &[ana.clone(), anja.clone()], &Mark::default()).unwrap();
    assert_eq!(said(store, &Selection::All), [anna, anne, ana, anja]);
}

#[rstest]
fn the_cursor_and_the_age_of_a_source_stay_until_they_move(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let cursor = Cursor { value: json!({"last": 7}), settings: u64::MAX };
    let mark = Mark { cursor: Some(cursor.clone()), good_at: Some(at("02", "09:00:00")), ..Mark::default() };
    store.append(source, &events("02 08:00:00 opened c1\n02 08:30:00 clock"), &mark).unwrap();
    store.append(source, &[], &Mark::default()).unwrap();
    let found = store.sources().unwrap().remove(0);
    assert_eq!((found.cursor, found.good_at), (Some(cursor), mark.good_at));
    assert_eq!(found.span, Some((at("02", "08:00:00"), at("02", "08:30:00"))));
}

#[rstest]
fn a_report_of_the_store_is_that_of_the_stream(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let (mut told, from, to) = simulated();
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("test").unwrap();
    // Late lines: what belongs together still comes in its order.
    let half = told.len() / 2;
    told.rotate_left(half);
    for part in told.chunks(333) {
        store.append(source, part, &Mark::default()).unwrap();
    }
    let mut straight = History::new();
    let ix = straight.add_source("test");
    for event in &told {
        straight.take(ix, event.clone());
    }
    straight.settle();
    let stored = history(store, &Selection::All, to);
    assert_eq!(stored.span(), straight.span());
    for by in [None, Some(Grouping::Agent), Some(Grouping::Customer), Some(Grouping::Tag), Some(Grouping::Day)] {
        let wanted = figures(&straight, from, to, by);
        assert!(wanted["total"]["closed"].as_u64().unwrap() > 50);
        assert_eq!(figures(&stored, from, to, by), wanted, "{by:?}");
    }
}

#[rstest]
fn a_part_of_the_store_is_enough_for_a_late_range(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let (mut told, first, to) = simulated();
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("test").unwrap();
    // Somebody who is named once, long ago, and never introduced, is a group of every report.
    told.push(event("02 00:30:00 message gone from=agent agent=nobody"));
    told.push(event("02 00:31:00 status gone status=closed"));
    // Over before each range, and new before some: who began it was said late, twice and differently.
    told.extend(events(
        "04 02:00:00 opened theirs direction=inbound
         04 02:00:00 opened ours direction=inbound
         04 02:01:00 opened ours direction=outbound
         04 01:00:00 opened theirs direction=outbound
         04 02:02:00 status ours status=closed
         04 02:02:00 status theirs status=closed
         04 02:00:00 message unopened from=customer
         04 02:02:00 status unopened status=closed",
    ));
    for part in told.chunks(1000) {
        store.append(source, part, &Mark::default()).unwrap();
    }
    for hours in [1, 7, 20, 40] {
        let from = to - TimeDelta::hours(hours);
        let whole = history(store, &Selection::All, to);
        let mut part = history(store, &Selection::Since(from), to);
        for (_, at) in store.openings(from - TimeDelta::hours(hours.max(48)), from).unwrap() {
            part.pass_over(SourceIx(0), at);
        }
        let agent_or_time = [Grouping::Agent, Grouping::Hour, Grouping::WeekdayHour, Grouping::Day];
        for by in std::iter::once(None).chain(agent_or_time.map(Some)) {
            let wanted = figures(&whole, from, to, by);
            assert_eq!(figures(&part, from, to, by), wanted, "{hours} h {by:?}");
            assert!(wanted["total"]["new_change"].is_number(), "{hours} h: there is something to compare with");
        }
        let (until, since) = (from, from - TimeDelta::hours(3));
        let whole = history(store, &Selection::All, until);
        let part = history(store, &Selection::Between(since - TimeDelta::hours(3), until), until);
        for by in [None, Some(Grouping::Agent), Some(Grouping::Hour)] {
            assert_eq!(figures(&part, since, until, by), figures(&whole, since, until, by), "until {hours} h {by:?}");
        }
        assert_eq!(part.as_of(until, since), whole.as_of(until, since), "{hours} h");
    }
    let until = first + TimeDelta::hours(4);
    let between = said(store, &Selection::Between(first, until)).len();
    assert!(between * 2 < said(store, &Selection::Since(first)).len(), "what is later is passed over");
    let late = store.count(&Selection::Since(to - TimeDelta::hours(1))).unwrap();
    let all = store.count(&Selection::All).unwrap();
    assert!(late * 2 < all, "{late} of {all}: what is over is passed over");
}

#[rstest]
fn who_is_there_by_the_last_state_is_known(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let (source, other) = (store.source("desk").unwrap(), store.source("other").unwrap());
    // More than one chunk holds, the last of them late.
    let many = (0..300).map(|minute| {
        let state = ["online", "away"][minute % 2];
        format!("02 {:02}:{:02}:00 presence many state={state}\n", 9 + minute / 60, minute % 60)
    });
    let others = "02 09:00:00 presence here state=online\n02 09:01:00 presence busy state=busy\n\
                  02 09:00:00 presence gone state=online\n02 09:01:00 presence gone state=offline\n\
                  02 09:05:00 presence late state=online\n02 09:01:00 presence late state=offline\n\
                  02 13:59:30 presence many state=online";
    let states = many.collect::<String>() + others;
    store.append(source, &events(&states), &Mark::default()).unwrap();
    store.append(other, &events("02 09:00:00 presence elsewhere state=online"), &Mark::default()).unwrap();
    let mut present: Vec<_> = store.present(source).unwrap().iter().map(ToString::to_string).collect();
    present.sort();
    assert_eq!(present, ["busy", "here", "late", "many"]);
}

#[rstest]
fn every_active_conversation_is_among_those_that_may_be(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let (told, ..) = simulated();
    let (source, other) = (store.source("desk").unwrap(), store.source("other").unwrap());
    store.append(source, &told, &Mark::default()).unwrap();
    store.append(other, &[event("02 13:00:00 opened only-here")], &Mark::default()).unwrap();
    let mut found: Vec<_> = store.active(source).unwrap().iter().map(ToString::to_string).collect();
    found.sort();
    let history = history(store, &Selection::All, Timestamp::MAX);
    let active = history.desk().conversations().filter(|(_, one)| one.source.at() == 0 && one.state().is_active());
    let mut active: Vec<_> = active.map(|(_, one)| one.id.to_string()).collect();
    active.sort();
    assert!(active.len() > 10 && active.iter().all(|id| found.contains(id)));
    assert!(found.len() <= active.len() + 5, "hardly any besides: {} for {}", found.len(), active.len());
    assert_eq!(store.active(other).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>(), ["only-here"]);
}

#[rstest]
fn a_customer_and_a_conversation_are_found_alone(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let told = events(
        "customer id=k name=Kim
         customer id=l name=Lee
         02 09:00:00 opened c1 customer=k
         02 10:00:00 opened c2 customer=l
         02 11:00:00 opened c3 customer=l
         02 12:00:00 opened c3 customer=k
         02 11:30:00 opened c3 customer=l",
    );
    for line in &told {
        store.append(source, std::slice::from_ref(line), &Mark::default()).unwrap();
    }
    let of = |store: &mut dyn Store, selection| {
        said(store, &selection)
            .iter()
            .map(|event| told.iter().position(|one| one == event).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(store, Selection::Customer(source, "k".into())), [0, 2, 4, 5, 6], "whoever said last whose c3 is");
    assert_eq!(of(store, Selection::Customer(source, "l".into())), [1, 3]);
    assert_eq!(of(store, Selection::Conversation(source, "c2".into())), [1, 3]);
    assert_eq!(of(store, Selection::Customer(source, "nobody".into())), [0_usize; 0]);
    let appends = store.appends().unwrap();
    store.append(source, &[event("02 13:00:00 message c2 from=customer")], &Mark::default()).unwrap();
    assert_eq!(said(store, &Selection::Touched(appends)).len(), 2, "c2, whole");
    assert!(said(store, &Selection::Touched(appends + 1)).is_empty());
}

#[rstest]
fn the_words_of_messages_are_kept_only_when_asked_for(
    #[values(in_a_file, in_memory)] make: fn(bool) -> Kept,
    #[values(true, false)] keep_text: bool,
) {
    let mut kept = make(keep_text);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let told = events(
        "02 09:00:00 message c1 from=customer text=secret
         02 09:00:00 message c1 from=customer text=another
         02 09:00:00 rated c1 score=5 scale=5 comment=secret",
    );
    assert_eq!(store.append(source, &told, &Mark::default()).unwrap().new, 3);
    let found = format!("{:?}", said(store, &Selection::All));
    assert_eq!(found.matches("secret").count(), if keep_text { 2 } else { 0 });
    assert_eq!(said(store, &Selection::All).len(), 3, "a print tells two messages of one instant apart");
    assert_eq!(store.append(source, &told, &Mark::default()).unwrap().new, 0);
    let mut read_back = history(store, &Selection::All, Timestamp::MAX);
    read_back.settle();
    assert_eq!(read_back.desk().counts().repeats, 0, "nor does the desk take them for repeats");
}

#[rstest]
fn what_is_old_goes_but_never_what_may_be_open(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let told = events(
        "agent id=a name=Ana
         customer id=k name=Kim
         customer id=l name=Lee
         02 07:00:00 presence a state=online
         02 08:00:00 opened open customer=l
         02 08:00:00 opened ended customer=k
         02 09:00:00 status ended status=resolved
         02 08:00:00 opened reopened customer=l
         02 09:00:00 status reopened status=resolved
         02 09:30:00 message reopened from=customer
         02 08:00:00 opened due customer=l
         02 08:01:00 sla due metric=resolution due=05_00:00:00
         02 09:00:00 status due status=closed
         02 08:00:00 opened later customer=l
         04 09:00:00 status later status=resolved
         02 08:00:00 opened merged customer=l
         02 08:30:00 merged merged into=open
         02 08:40:00 message merged from=customer",
    );
    store.append(source, &told, &Mark::default()).unwrap();
    let limits = Limits { oldest: at("03", "00:00:00"), most_bytes: u64::MAX };
    assert_eq!(store.prune(&limits).unwrap().conversations, 2);
    let text = format!("{:?}", said(store, &Selection::All));
    for (id, stays) in [("open", true), ("ended", false), ("reopened", true), ("due", true), ("later", true)] {
        assert_eq!(text.contains(&format!("ConversationId({id:?})")), stays, "{id}");
    }
    assert!(!text.contains("Kim") && text.contains("Lee") && text.contains("Ana") && text.contains("Online"), "{text}");
    assert_eq!(store.prune(&limits).unwrap().conversations, 0);
}

#[rstest]
fn what_fell_quiet_first_tells_from_when_on_all_is_kept(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    assert_eq!(store.whole_from().unwrap(), None);
    let mut whole_from = |lines| {
        store.append(source, &events(lines), &Mark::default()).unwrap();
        store.whole_from().unwrap()
    };
    assert_eq!(whole_from("02 08:00:00 opened open"), None, "begun before anybody watched, for all that is known");
    assert_eq!(
        whole_from("02 08:00:00 opened late\n04 09:00:00 status late status=resolved"),
        Some(at("04", "09:00:00"))
    );
    assert_eq!(
        whole_from("02 08:00:00 opened soon\n03 07:00:00 status soon status=closed"),
        Some(at("03", "07:00:00"))
    );
}

#[rstest]
fn what_is_too_much_goes_oldest_first(#[values(in_a_file, in_memory)] make: fn(bool) -> Kept) {
    let (told, _, to) = simulated();
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("test").unwrap();
    store.append(source, &told, &Mark::default()).unwrap();
    let open = |store: &mut dyn Store| {
        figures(&history(store, &Selection::All, to), to - TimeDelta::hours(1), to, None)["total"]["backlog"].clone()
    };
    let (whole, backlog) = (store.size().unwrap(), open(store));
    let limits = Limits { oldest: Timestamp::MIN, most_bytes: whole.bytes * 2 / 3 };
    let pruned = store.prune(&limits).unwrap();
    let left = store.size().unwrap();
    assert!(left.bytes <= limits.most_bytes && left.bytes > limits.most_bytes / 2, "{left:?} of {whole:?}");
    assert!(pruned.before.unwrap() < to && open(store) == backlog);
    let nothing = Limits { oldest: Timestamp::MIN, most_bytes: 0 };
    store.prune(&nothing).unwrap();
    assert_eq!(open(store), backlog, "however little may be kept");
}

#[rstest]
fn a_conversation_that_was_quiet_for_long_and_is_spoken_of_again_is_named(
    #[values(in_a_file, in_memory)] make: fn(bool) -> Kept,
) {
    let mut kept = make(false);
    let store = &mut *kept.store;
    let source = store.source("desk").unwrap();
    let told = events(
        "02 08:00:00 opened long
         02 09:00:00 status long status=resolved
         02 08:00:00 opened open
         02 08:00:00 opened short
         04 09:00:00 status short status=resolved",
    );
    let mark = Mark { quiet_before: Some(at("03", "00:00:00")), ..Mark::default() };
    assert!(store.append(source, &told, &mark).unwrap().revived.is_empty(), "all of it is new");
    let mut tell = |short: &str| store.append(source, &[event(short)], &mark).unwrap().revived;
    assert!(tell("02 08:30:00 message long from=agent agent=a").is_empty(), "that is as old");
    let news = ["05 09:00:00 message long from=customer", "05 09:00:00 message open from=customer"];
    assert_eq!(news.map(&mut tell), [vec!["long".into()], vec![]]);
    assert!(tell("05 09:00:00 message short from=customer").is_empty());
    assert!(tell("05 09:01:00 message long from=customer").is_empty(), "named once");
}
