//! What holds for every stream: order and repetition don't matter, days add up, the board agrees.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use helptop::board::{BoardSnapshot, Engine, Options, Page, Query as BoardQuery, SourceHealth};
use helptop::desk::ConversationIx;
use helptop::event::{ConversationId, Event, EventKind, Reader, Timestamp, parse_line, write_event};
use helptop::metrics::calendar::{Calendars, Schedule};
use helptop::metrics::history::{Filter, Grouping, History, Query, Terms};
use helptop::metrics::thresholds::Thresholds;
use helptop::output::SnapshotReport;
use helptop::output::history::JsonReport;
use helptop::source::demo::{Params, Simulation};
use proptest::prelude::*;
use serde_json::Value;

use super::support::{event, json_report};

/// Figures of which the days of a range add up to the range's, with where their number stands.
const ADD_UP: [&str; 20] = [
    "/new",
    "/closed",
    "/handling_time/n",
    "/online_time",
    "/first_response_time/n",
    "/response_time/n",
    "/first_assign_time/n",
    "/reassigned",
    "/csat/n",
    "/csat/of",
    "/nps/n",
    "/self_service/of",
    "/routed",
    "/routed_handled",
    "/redirected",
    "/reroute_time/n",
    "/sla_met/first_response/of",
    "/sla_met/first_response/n",
    "/sla_met/next_response/of",
    "/sla_met/resolution/of",
];

fn query(from: &str, to: &str, by: Option<Grouping>) -> Query {
    let at = |text: &str| Timestamp::parse(text).unwrap();
    Query { from: at(from), to: at(to), zone: Tz::Europe__Berlin, by, filter: Filter::default() }
}

/// The simulated desk from Friday noon to Monday evening; on the Sunday the clocks of Berlin change.
pub(crate) fn weekend(seed: u64) -> Vec<Event> {
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let mut events = Vec::new();
    let params = Params { seed, agents: 5, chats: 20 };
    Simulation::new(params, at("2026-03-27T12:00:00Z")).advance_to(at("2026-03-30T18:00:00Z"), &mut events);
    events
}

fn number(figures: &Value, path: &str) -> f64 {
    figures.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn what_was_over_before_the_range_is_passed_by_and_nothing_is_lost() {
    let mut events = weekend(3);
    // Ended on Friday; the target that nobody met is missed on Monday.
    events.extend(
        [
            r#"{"type":"opened","conversation":"x","channel":"web","at":"2026-03-27T13:00:00Z"}"#,
            r#"{"type":"sla","conversation":"x","metric":"next_response","due":"2026-03-30T07:00:00Z","at":"2026-03-27T13:00:00Z"}"#,
            r#"{"type":"status","conversation":"x","status":"closed","by":"bot","at":"2026-03-27T14:00:00Z"}"#,
        ]
        .map(|line| parse_line(line.as_bytes()).unwrap()),
    );
    for (from, to) in
        [("2026-03-29T04:00:00Z", "2026-03-30T12:00:00Z"), ("2026-03-30T06:00:00Z", "2026-03-30T09:00:00Z")]
    {
        let total = |by| json_report(&events, &query(from, to, by), &Terms::default())["total"].clone();
        // By channel no conversation is passed by.
        let walked = total(Some(Grouping::Channel));
        assert!(walked["new_change"].is_number() && number(&walked, "/sla_met/next_response/of") > 0.0, "{walked}");
        assert_eq!(total(None), walked);
        assert_eq!(total(Some(Grouping::Agent)), walked);
    }
}

#[test]
fn what_only_other_groups_ask_for_may_be_left_out() {
    let events = weekend(4);
    let mut text = Vec::new();
    for event in &events {
        write_event(&mut text, event).unwrap();
    }
    let read = |reader: Reader<_>, mut history: History| {
        let source = history.add_source("test");
        let read = |take: &mut dyn FnMut(_, _)| reader.for_each(|line| take(source, line.unwrap().event.unwrap()));
        history.load(read).unwrap();
        history.settle();
        history
    };
    let lean = read(Reader::new(&text[..]).lean(), History::lean());
    let stripped = read(Reader::new(&text[..]), History::lean());
    assert_eq!((lean.desk().customers().count(), stripped.desk().customers().count()), (0, 0));
    // Hours that each team has of its own: whose a conversation is counts.
    let team = stripped.desk().teams()[0].name().to_string();
    let week = std::array::from_fn(|_| vec![(9 * 60, 12 * 60)]);
    let schedule = Schedule { zone: Tz::Europe__Berlin, week, holidays: BTreeSet::new() };
    let calendars = Calendars { by_team: [(team, schedule)].into(), ..Calendars::default() };
    let terms = Terms { calendars, ..Terms::default() };
    let by_time = [Grouping::Agent, Grouping::Day, Grouping::Hour, Grouping::WeekdayHour];
    for by in std::iter::once(None).chain(by_time.map(Some)) {
        let query = query("2026-03-28T04:00:00Z", "2026-03-30T18:00:00Z", by);
        let wanted = json_report(&events, &query, &terms);
        for history in [&lean, &stripped] {
            let report = history.report(&query, &terms);
            assert_eq!(serde_json::to_value(JsonReport::of(&report)).unwrap(), wanted, "{by:?}");
        }
    }
}

#[test]
fn the_days_of_a_range_add_up_to_it() {
    let events = weekend(1);
    let query = query("2026-03-27T16:00:00Z", "2026-03-30T15:00:00Z", Some(Grouping::Day));
    let report = json_report(&events, &query, &Terms::default());
    let days = report["groups"].as_array().unwrap();
    assert_eq!(days.len(), 4);
    for path in ADD_UP {
        let sum: f64 = days.iter().map(|day| number(day, path)).sum();
        let total = number(&report["total"], path);
        assert!((sum - total).abs() < 1e-6, "{path}: {sum} of {total}");
    }
    assert!(number(&report["total"], "/closed") > 20.0 && number(&report["total"], "/sla_met/first_response/of") > 5.0);
}

#[test]
fn a_day_of_a_report_is_the_report_of_that_day() {
    let events = weekend(2);
    let whole = query("2026-03-27T16:00:00Z", "2026-03-30T15:00:00Z", Some(Grouping::Day));
    let report = json_report(&events, &whole, &Terms::default());
    let bounds = [
        "2026-03-27T16:00:00Z",
        "2026-03-27T23:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
        "2026-03-30T15:00:00Z",
    ];
    for (day, ends) in report["groups"].as_array().unwrap().iter().zip(bounds.windows(2)) {
        let alone = json_report(&events, &query(ends[0], ends[1], None), &Terms::default());
        for (key, figure) in alone["total"].as_object().unwrap() {
            assert_eq!(&day[key], figure, "{} {key}", day["key"]);
        }
    }
}

#[test]
fn counts_that_partition_add_up_over_channels_agents_and_hours() {
    let events = weekend(3);
    for (by, paths) in [
        (Grouping::Channel, &["/new", "/closed", "/resolved", "/backlog"][..]),
        (Grouping::Agent, &["/closed", "/online_time", "/response_time/n"]),
        (Grouping::Hour, &["/new"]),
        (Grouping::WeekdayHour, &["/new"]),
        (Grouping::Keyword, &["/routed", "/routed_handled"]),
        (Grouping::Article, &["/self_service/of"]),
    ] {
        let query = query("2026-03-27T16:00:00Z", "2026-03-30T15:00:00Z", Some(by));
        let report = json_report(&events, &query, &Terms::default());
        for path in paths {
            let sum: f64 = report["groups"].as_array().unwrap().iter().map(|group| number(group, path)).sum();
            assert!((sum - number(&report["total"], path)).abs() < 1e-6, "{path} by {by}");
        }
    }
}

/// How often, in a range, a conversation was given back to the bot that had not placed it in the stream before: there
/// are desks and channels that know no bot, and conversations older than the stream.
fn given_back_unrouted(events: &[Event], query: &Query) -> u64 {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| event.at);
    let mut routed: HashSet<&ConversationId> = HashSet::new();
    let mut unrouted = 0;
    for event in events {
        match &event.kind {
            EventKind::Routed { conversation, .. } => drop(routed.insert(conversation)),
            EventKind::ReturnedToBot { conversation, .. } if !routed.contains(conversation) => {
                unrouted += u64::from(event.at.is_some_and(|at| at >= query.from && at < query.to));
            }
            _ => {}
        }
    }
    unrouted
}

#[test]
fn all_that_was_given_back_has_the_word_it_was_routed_by_but_for_what_was_never_routed() {
    let query = query("2026-03-27T16:00:00Z", "2026-03-30T15:00:00Z", Some(Grouping::Keyword));
    let (mut named, mut nameless) = (0, 0);
    for seed in 1..=12 {
        let events = weekend(seed);
        let report = json_report(&events, &query, &Terms::default());
        let unrouted = given_back_unrouted(&events, &query);
        for path in ["/redirected", "/reroute_time/n"] {
            let count = |figures: &Value| figures.pointer(path).and_then(Value::as_u64).unwrap();
            let sum: u64 = report["groups"].as_array().unwrap().iter().map(count).sum();
            assert_eq!(sum + unrouted, count(&report["total"]), "{path} of seed {seed}");
            named += sum;
        }
        nameless += unrouted;
    }
    assert!(named > 10 && nameless > 3, "{named} {nameless}");
}

#[test]
fn the_backlog_is_what_the_board_shows_as_open() {
    let events = weekend(4);
    let mut seen = 0;
    for hour in (0..72).step_by(5) {
        let to = Timestamp::parse("2026-03-27T18:00:00Z").unwrap() + TimeDelta::hours(hour);
        let from = to - TimeDelta::hours(1);
        let query = Query { from, to, zone: Tz::UTC, by: Some(Grouping::Agent), filter: Filter::default() };
        let report = json_report(&events, &query, &Terms::default());
        let snapshot = snapshot(&events, to);
        let board = serde_json::to_value(SnapshotReport::of(&snapshot)).unwrap();
        assert_eq!(report["total"]["backlog"], board["totals"]["active"], "at {to}");
        for queue in board["queues"].as_array().unwrap() {
            let agent = report["groups"].as_array().unwrap().iter().find(|agent| agent["key"] == queue["agent"]);
            assert_eq!(agent.unwrap()["backlog"], queue["open"], "{} at {to}", queue["agent"]);
            seen += queue["open"].as_u64().unwrap();
        }
    }
    assert!(seen > 100, "{seen}");
}

/// The board over the events before an instant.
fn snapshot(events: &[Event], at: Timestamp) -> BoardSnapshot {
    engine(events, at).snapshot(at)
}

fn engine(events: &[Event], at: Timestamp) -> Engine {
    let options =
        Options { thresholds: Arc::new(Thresholds::default()), keep_text: false, midnight: Arc::new(|at| at) };
    let mut engine = Engine::new(options, at);
    let source = engine.add_source(SourceHealth { name: "demo".into(), good_at: Some(at), ..SourceHealth::default() });
    engine.take(source, events.iter().filter(|event| event.at.is_none_or(|one| one < at)).cloned(), at);
    engine.settle(at);
    engine
}

/// A stream of a few conversations in which no two lines of one thing share an instant.
pub(crate) fn streams() -> impl Strategy<Value = Vec<Event>> {
    let what = prop::sample::select(vec![
        "opened {c} team=t channel=web customer=k",
        "opened {c} direction=outbound tags=g",
        "message {c} from=customer",
        "message {c} from=customer text=more",
        "message {c} from=agent agent=ana",
        "message {c} from=agent agent=bo",
        "message {c} from=bot",
        "message {c} from=agent agent=ana public=false",
        "assigned {c} agent=ana",
        "assigned {c} agent=bo team=u",
        "assigned {c} agent=null",
        "status {c} status=resolved by=agent agent=bo",
        "status {c} status=closed",
        "status {c} status=open",
        "status {c} status=pending",
        "routed {c} keyword=billing",
        "returned_to_bot {c} agent=ana",
        "tagged {c} tags=g,h",
        "macro {c} agent=ana macro=greet",
        "sla {c} metric=first_response due=02_12:00:00",
        "sla {c} metric=next_response due=02_14:00:00",
        "sla {c} metric=resolution due=02_16:00:00",
        "sla {c} metric=first_response due=02_09:30:00",
        "sla {c} metric=next_response due=02_16:30:00",
        "sla {c} metric=resolution due=02_11:30:00",
        "rated {c} score=5 scale=5",
        "nps {c} score=9",
        "converted {c} amount=0.1 currency=EUR",
        "merged {c} into=c9",
        "presence ana state=online",
        "presence ana state=away",
        "presence bo state=busy",
        "article_vote article=p helpful=true",
        "nps customer=k score=3",
        "customer id=k segment=vip",
        "agent id=ana name=Ana teams=t",
        "hello capabilities=assignments",
    ]);
    prop::collection::vec((what, 0..3_usize), 1..40).prop_map(|lines| {
        let line = |(i, (what, conversation)): (usize, (&str, usize))| {
            let (hour, minute) = (8 + i / 5, i % 5 * 11);
            event(&format!("02 {hour:02}:{minute:02}:00 {}", what.replace("{c}", &format!("c{conversation}"))))
        };
        lines.into_iter().enumerate().map(line).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn neither_order_nor_repetition_changes_a_report(
        (events, shuffled) in streams().prop_flat_map(|events| {
            let twice = [events.clone(), events.clone()].concat();
            (Just(events), Just(twice).prop_shuffle())
        }),
        by in prop::sample::select(vec![Grouping::Agent, Grouping::Team, Grouping::Tag, Grouping::Keyword, Grouping::Day]),
    ) {
        let query = query("2026-03-02T09:00:00Z", "2026-03-02T15:00:00Z", Some(by));
        let once = json_report(&events, &query, &Terms::default());
        prop_assert_eq!(&once, &json_report(&shuffled, &query, &Terms::default()));
    }

    #[test]
    fn two_halves_of_a_range_add_up(events in streams(), minute in 1..350_i64) {
        // What a source claims later holds for its whole stream.
        let events: Vec<_> = events.into_iter().filter(|one| !matches!(one.kind, EventKind::Hello { .. })).collect();
        let whole = query("2026-03-02T09:00:00Z", "2026-03-02T15:00:00Z", None);
        let middle = whole.from + TimeDelta::minutes(minute);
        let part = |from, to| json_report(&events, &Query { from, to, ..whole.clone() }, &Terms::default());
        let (first, second) = (part(whole.from, middle), part(middle, whole.to));
        let whole = json_report(&events, &whole, &Terms::default());
        // An `opened` that comes late, and a target that is told late, change what was before.
        for path in ["/closed", "/response_time/n", "/reassigned", "/routed", "/redirected", "/csat/of", "/online_time"] {
            let of = |report: &Value| number(&report["total"], path);
            prop_assert!((of(&first) + of(&second) - of(&whole)).abs() < 1e-6, "{}", path);
        }
    }

    #[test]
    fn a_day_of_a_filtered_report_is_the_filtered_report_of_that_day(
        events in streams(),
        filter in prop::sample::select(vec![
            Filter::default(),
            Filter { team: vec!["t".to_owned()], ..Filter::default() },
            Filter { tag: vec!["g".to_owned()], ..Filter::default() },
            Filter { keyword: vec!["billing".to_owned()], ..Filter::default() },
            Filter { agent: vec!["ana".to_owned()], ..Filter::default() },
        ]),
    ) {
        // What is said of people and sources holds for the whole range.
        let is_of_people = |kind: &EventKind| {
            matches!(kind, EventKind::Hello { .. } | EventKind::Agent(_) | EventKind::Customer { .. })
        };
        let events: Vec<_> = events.into_iter().filter(|one| !is_of_people(&one.kind)).collect();
        // It is midnight there at noon.
        let query = |from, to, by| Query { zone: Tz::Etc__GMTMinus12, filter: filter.clone(), ..query(from, to, by) };
        let whole = query("2026-03-02T09:00:00Z", "2026-03-02T15:00:00Z", Some(Grouping::Day));
        let report = json_report(&events, &whole, &Terms::default());
        let bounds = ["2026-03-02T09:00:00Z", "2026-03-02T12:00:00Z", "2026-03-02T15:00:00Z"];
        for (day, ends) in report["groups"].as_array().unwrap().iter().zip(bounds.windows(2)) {
            let alone = json_report(&events, &query(ends[0], ends[1], None), &Terms::default());
            for (key, figure) in alone["total"].as_object().unwrap() {
                prop_assert_eq!(&day[key], figure, "{} {}", day["key"], key);
            }
        }
    }

    /// What the board shows as a chat's target is the first that the report will count as missed, if nothing happens.
    #[test]
    fn the_target_on_the_board_is_the_next_that_the_report_misses(events in streams(), minute in 30..500_i64) {
        let now = Timestamp::parse("2026-03-02T08:00:00Z").unwrap() + TimeDelta::minutes(minute);
        let chat = ConversationId::new("c0");
        let is_known = |one: &Event| {
            one.at.is_none_or(|at| at < now) && one.kind.conversation().is_none_or(|id| *id == chat)
        };
        let events: Vec<Event> = events.into_iter().filter(is_known).collect();
        let page = engine(&events, now).page(BoardQuery::Conversation(ConversationIx(0)), now);
        let Page::Conversation(page) = page else { return Ok(()) };
        let is_merged = events.iter().any(|one| matches!(one.kind, EventKind::Merged { .. }));
        prop_assume!(!page.row.status.is_ended() && !is_merged);
        let never = Timestamp::parse("2026-03-09T00:00:00Z").unwrap();
        let missed = |from, to| {
            let query = Query { from, to, zone: Tz::UTC, by: None, filter: Filter::default() };
            let report = json_report(&events, &query, &Terms::default());
            ["first_response", "next_response", "resolution"].map(|metric| {
                let of = |what| report["total"]["sla_met"][metric][what].as_u64().unwrap();
                of("of") - of("n")
            })
        };
        match page.row.sla_due {
            None => prop_assert_eq!(missed(now, never), [0; 3]),
            Some((metric, due)) => {
                prop_assert!(missed(due, now.max(due + TimeDelta::milliseconds(1)))[metric as usize] > 0);
                if due > now {
                    prop_assert_eq!(missed(now, due), [0; 3]);
                }
            }
        }
    }
}
