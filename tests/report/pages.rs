//! What pages say of the past, worked out by hand, and beside the report of the same events.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use helptop::board::past::{AgentPast, CustomerPage};
use helptop::board::{self, Engine, Options, Page, PastPage, PastQuery, SourceHealth, Standpoint, What};
use helptop::desk::SourceIx;
use helptop::event::{Event, Timestamp};
use helptop::metrics::calendar::{Calendars, Schedule};
use helptop::metrics::history::{Filter, History, Query, Terms, Value};

use super::customers::{CUSTOMERS, now};
use super::properties::weekend;
use super::support::{at, events};

pub const DESK: SourceIx = SourceIx(0);

pub fn history(events: &[Event]) -> History {
    let mut history = History::new();
    history.add_source("desk");
    // Another source may use the same ids; nothing of it is meant.
    let other = history.add_source("other");
    for event in super::support::events(
        "hello capabilities=assignments,presence
         agent id=ana name=Other teams=t
         01 08:00:00 presence ana state=online
         20 09:00:00 opened c1 customer=k
         20 09:00:00 message c1 from=customer
         20 09:01:00 assigned c1 agent=ana
         20 09:02:00 message c1 from=agent agent=ana
         20 10:00:00 status c1 status=closed by=agent agent=ana",
    ) {
        history.take(other, event);
    }
    for event in events {
        history.take(DESK, event.clone());
    }
    history.settle();
    history
}

pub fn standpoint(terms: &Terms, now: Timestamp) -> Standpoint<'_> {
    Standpoint { now, zone: Tz::UTC, terms, begins_at: None, is_told: true }
}

/// Ana and Bo in team t, Cy there but away all month, Di in another team.
const TEAM: &str = "
    hello capabilities=presence,assignments,statuses,ratings
    team id=t name=Billing
    team id=u name=Shipping
    agent id=ana name=Ana teams=t
    agent id=bo name=Bo teams=t,u
    agent id=cy name=Cy teams=t
    agent id=di name=Di teams=u
    customer id=k name=Kim
    20 08:00:00 presence ana state=online
    20 12:00:00 presence ana state=offline
    20 08:00:00 presence bo state=busy
    20 10:00:00 presence bo state=offline
    20 08:00:00 presence di state=online
";

/// Three chats of Ana (one twice ended), two of Bo, one of Di. The page is as of 20 March, 18:00.
const CHATS: &str = "
    # Ten days ago: Ana holds c0 for 30 minutes.
    10 09:00:00 opened c0 customer=k subject=old
    10 09:00:00 message c0 from=customer
    10 09:10:00 assigned c0 agent=ana
    10 09:20:00 message c0 from=agent agent=ana
    10 09:40:00 status c0 status=resolved by=agent agent=ana
    # Today c1 passes from Bo to Ana, who ends it after 20 minutes; it comes back and is ended after 5 more.
    20 09:00:00 opened c1 customer=k channel=email subject=twice
    20 09:00:00 message c1 from=customer
    20 09:05:00 assigned c1 agent=bo
    20 09:10:00 assigned c1 agent=ana
    20 09:15:00 message c1 from=agent agent=ana
    20 09:30:00 status c1 status=resolved by=agent agent=ana
    20 09:31:00 rated c1 score=2 scale=5
    20 11:00:00 message c1 from=customer
    20 11:02:00 message c1 from=agent agent=ana
    20 11:05:00 status c1 status=resolved by=agent agent=ana
    20 11:06:00 rated c1 score=5 scale=5
    # The customer ends c2, which Ana holds: no handling time, no ending by an agent.
    20 09:00:00 opened c2
    20 09:00:00 message c2 from=customer
    20 09:01:00 assigned c2 agent=ana
    20 10:00:00 status c2 status=closed by=customer
    # Bo ends c3 after two hours and c4 after one; Di c5 after a minute.
    20 08:00:00 opened c3
    20 08:00:00 message c3 from=customer
    20 08:00:00 assigned c3 agent=bo
    20 09:59:00 message c3 from=agent agent=bo
    20 10:00:00 status c3 status=closed by=agent agent=bo
    20 08:00:00 opened c4
    20 08:00:00 message c4 from=customer
    20 09:00:00 assigned c4 agent=bo
    20 10:00:00 status c4 status=closed by=agent agent=bo
    20 08:00:00 opened c5
    20 08:00:00 assigned c5 agent=di
    20 08:01:00 status c5 status=closed by=agent agent=di
    # Ana holds c6 still.
    20 17:00:00 opened c6
    20 17:00:00 assigned c6 agent=ana
";

fn page_of(agent: &str, stream: &str) -> AgentPast {
    let terms = Terms::default();
    let history = history(&events(stream));
    AgentPast::new(&history, DESK, &agent.into(), &standpoint(&terms, at("20", "18:00:00"))).unwrap()
}

/// A figure as `own / team's median (of so many)`.
fn beside(page: &AgentPast, days: u16, key: &str) -> String {
    let range = page.ranges.iter().find(|range| range.days == days).unwrap();
    let figure = range.figures.iter().find(|figure| figure.row.key == key).unwrap();
    let show = |number: Option<f64>| number.map_or("–".to_owned(), |number| number.to_string());
    format!("{} / {} of {}", show(figure.own.as_ref().and_then(Value::measure)), show(figure.team), figure.of)
}

#[test]
fn an_agent_stands_beside_the_median_of_its_team() {
    let page = page_of("ana", &format!("{TEAM}{CHATS}"));
    assert_eq!(page.peers.teams.iter().map(|team| &**team).collect::<Vec<_>>(), ["Billing"]);
    // Cy did nothing; Di is in another team.
    assert_eq!(
        page.ranges.iter().map(|range| (range.days, range.agents)).collect::<Vec<_>>(),
        [(1, 2), (7, 2), (30, 2)]
    );
    for (days, key, wanted) in [
        (1, "closed", "2 / 2 of 2"),
        (30, "closed", "3 / 2.5 of 2"),
        // Ana: 10 minutes for c1; Bo: 119 minutes for c3.
        (1, "worked", "1 / 1 of 2"),
        (1, "first_response_time", "900 / 4020 of 2"),
        // Ana: 20 and 5 minutes; Bo: 120 and 60.
        (1, "handling_time", "750 / 3075 of 2"),
        // With the 30 minutes of ten days ago: the middle of 5, 20 and 30.
        (7, "handling_time", "750 / 3075 of 2"),
        (30, "handling_time", "1200 / 3300 of 2"),
        // 08:00 to 12:00 and 08:00 to 10:00; busy is online.
        (1, "online_time", "14400 / 10800 of 2"),
        // Bo has no answers: the median is over Ana alone.
        (1, "csat", "0.5 / 0.5 of 1"),
        (1, "backlog", "1 / 0.5 of 2"),
    ] {
        assert_eq!(beside(&page, days, key), wanted, "{key} of {days} days");
    }
}

#[test]
fn who_has_no_team_stands_beside_all_and_who_tells_no_presence_has_no_time_online() {
    let page = page_of(
        "eli",
        "hello capabilities=assignments
         agent id=eli name=Eli
         agent id=fay name=Fay teams=t
         20 09:00:00 opened c1
         20 09:00:00 assigned c1 agent=eli
         20 09:30:00 status c1 status=closed by=agent
         20 09:00:00 opened c2
         20 09:00:00 assigned c2 agent=fay
         20 09:10:00 status c2 status=closed by=agent",
    );
    assert!(page.peers.teams.is_empty());
    assert_eq!(page.ranges[0].agents, 2);
    assert_eq!(beside(&page, 1, "handling_time"), "1800 / 1200 of 2");
    assert_eq!(beside(&page, 1, "online_time"), "– / – of 0");
}

#[test]
fn what_nobody_has_heard_of_has_no_page() {
    let terms = Terms::default();
    let from = standpoint(&terms, at("20", "18:00:00"));
    let history = history(&events(TEAM));
    for query in [
        PastQuery::Agent(DESK, "nobody".into()),
        PastQuery::Customer(DESK, "nobody".into()),
        PastQuery::Typical(DESK, "nobody".into()),
        PastQuery::Conversation(DESK, "nothing".into()),
    ] {
        assert!(matches!(query.page(&history, &from), PastPage::Unknown), "{query:?}");
    }
}

#[test]
fn ended_chats_come_newest_first_each_ending_with_its_own_answer() {
    let page = page_of("ana", &format!("{TEAM}{CHATS}"));
    let minutes = |millis: i64| millis as f64 / 60_000.0;
    let rows: Vec<_> = page
        .ended
        .iter()
        .map(|chat| {
            let answer = chat.answer.as_ref().map(|answer| answer.rating.score);
            (chat.id.as_str(), chat.handled.map(minutes), minutes(chat.resolution), answer, chat.replies, chat.by_agent)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("c1", Some(5.0), 125.0, Some(5.0), 2, true),
            ("c2", None, 60.0, None, 0, false),
            ("c1", Some(20.0), 30.0, Some(2.0), 1, true),
            ("c0", Some(30.0), 40.0, None, 1, true),
        ]
    );
    assert_eq!(page.ended_total, 4);
    let first = &page.ended[0];
    assert_eq!(first.customer.as_ref().unwrap().name, "Kim");
    assert_eq!((first.channel.as_deref(), first.subject.as_deref()), (Some("email"), Some("twice")));
}

#[test]
fn handling_times_are_spread_beside_those_of_the_team() {
    let page = page_of("ana", &format!("{TEAM}{CHATS}"));
    // 5, 20 and 30 minutes; the team's also 60 and 120.
    assert_eq!(page.handling.counts, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(page.team_handling.counts, [0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    assert_eq!((page.handling.figure.n, page.handling.figure.median), (3, Some(1200.0)));
    assert_eq!((page.team_handling.figure.n, page.team_handling.figure.median), (5, Some(1800.0)));
}

#[test]
fn a_chat_that_the_desk_forgot_is_told_whole_with_names() {
    let (terms, query) = (Terms::default(), PastQuery::Conversation(DESK, "c1".into()));
    let page = query.page(&history(&events(CUSTOMERS)), &standpoint(&terms, now()));
    let PastPage::Conversation(page) = page else { panic!("{page:?}") };
    assert_eq!((page.row.customer_ix, page.row.holder, page.row.team), (None, None, None));
    assert_eq!((page.timeline.len(), page.earlier, page.as_of), (12, 0, Some(now())));
    assert_eq!(page.holder.as_ref().map(|one| (one.id.as_str(), &*one.name)), Some(("bo", "Bo")));
    assert_eq!(
        (page.team.as_deref(), page.customer.as_deref(), page.first_response),
        (Some("Billing"), Some("Kim"), Some(600_000))
    );
    let passed = page.timeline.iter().find_map(|item| match &item.what {
        What::Holder { from: Some(from), to: Some(to), .. } => Some((from.to_string(), to.to_string())),
        _ => None,
    });
    assert_eq!(passed, Some(("Ana".to_owned(), "Bo".to_owned())));
}

/// An engine that knows these events.
fn engine(stream: &str, now: Timestamp) -> Engine {
    let midnight = |_: Timestamp| at("20", "00:00:00");
    let mut engine =
        Engine::new(Options { thresholds: Arc::default(), keep_text: false, midnight: Arc::new(midnight) }, now);
    let source = engine.add_source(SourceHealth { good_at: Some(now), ..SourceHealth::default() });
    engine.take(source, events(stream), now);
    engine.settle(now);
    engine
}

#[test]
fn the_board_counts_the_chats_that_an_agent_held_today_and_when_they_ended() {
    let now = at("20", "18:00:00");
    // c9 has been Ana's since yesterday without a word today.
    let before = "19 12:00:00 opened c9\n19 12:00:00 assigned c9 agent=ana\n";
    let mut engine = engine(&format!("{TEAM}{CHATS}{before}"), now);
    let snapshot = engine.snapshot(now);
    let ana = snapshot.live.agents.values().find(|row| row.id.as_str() == "ana").unwrap().ix;
    let Page::Agent(page) = engine.page(board::Query::Agent(ana), now) else { panic!() };
    let steps: Vec<_> = page.held.iter().map(|step| (step.from, step.chats)).collect();
    let wanted = [
        ("00:00:00", 1),
        ("09:01:00", 2),
        ("09:10:00", 3),
        ("09:30:00", 2),
        ("10:00:00", 1),
        ("11:00:00", 2),
        ("11:05:00", 1),
        ("17:00:00", 2),
    ];
    assert_eq!(steps, wanted.map(|(clock, chats)| (at("20", clock), chats)));
    assert_eq!(page.endings, ["09:30:00", "10:00:00", "11:05:00"].map(|clock| at("20", clock)));
}

#[test]
fn a_chat_is_found_by_its_name_and_says_whether_its_log_was_let_go() {
    let (now, name) = (at("20", "18:00:00"), board::Query::Named(DESK, "c0".into()));
    let mut engine = engine(&format!("{TEAM}{CHATS}"), now);
    let Page::Conversation(page) = engine.page(name.clone(), now) else { panic!() };
    assert_eq!((page.is_whole, page.timeline.len(), page.holder.unwrap().name), (true, 5, "Ana".into()));
    // An hour later the log of what ended ten days ago is let go.
    let later = now + TimeDelta::hours(2);
    engine.settle(later);
    let Page::Conversation(page) = engine.page(name, later) else { panic!() };
    assert_eq!((page.is_whole, page.timeline.len(), page.holder.unwrap().name), (false, 0, "Ana".into()));
    for strange in [board::Query::Named(SourceIx(7), "c0".into()), board::Query::Named(DESK, "none".into())] {
        assert_eq!(engine.page(strange, later), Page::Gone);
    }
}

#[test]
fn only_what_happened_before_the_instant_is_told() {
    let terms = Terms::default();
    let early = standpoint(&terms, at("02", "10:10:00"));
    let page = CustomerPage::new(&history(&events(CUSTOMERS)), DESK, &"k".into(), &early).unwrap();
    let chat = page.chats.iter().find(|chat| chat.id.as_str() == "c1").unwrap();
    assert_eq!((chat.ended_at, chat.reopened, chat.holders.len()), (Some(at("02", "10:00:00")), 0, 1));
    assert_eq!(page.dealt[0].held / 60_000, 50);
}

/// Of the total of a report.
fn figure(history: &History, query: &Query, terms: &Terms, key: &str) -> Value {
    let report = history.report(query, terms);
    report.total.into_iter().find(|(row, _)| row.key == key).unwrap().1
}

#[test]
fn pages_say_what_the_report_of_the_same_events_says() {
    let opening = vec![(8 * 60, 20 * 60)];
    let schedule =
        Schedule { zone: Tz::UTC, week: std::array::from_fn(|_| opening.clone()), holidays: BTreeSet::new() };
    let hours = Terms { calendars: Calendars { general: Some(schedule), ..Calendars::default() }, ..Terms::default() };
    for terms in [Terms::default(), hours] {
        let history = history(&weekend(3));
        let now = Timestamp::parse("2026-03-30T18:00:00Z").unwrap();
        let from = standpoint(&terms, now);
        let filter = Filter { source: vec!["desk".to_owned()], ..Filter::default() };
        let whole = Query { from: now - TimeDelta::days(40), to: now, zone: Tz::UTC, by: None, filter };
        let desk = history.desk();
        let (mut agents, mut customers) = (0, 0);
        for agent in desk.agents().iter().filter(|agent| agent.source == DESK) {
            let page = AgentPast::new(&history, DESK, &agent.id, &from).unwrap();
            let filter = Filter { agent: vec![agent.id.to_string()], ..whole.filter.clone() };
            let query = Query { filter, ..whole.clone() };
            assert_eq!(figure(&history, &query, &terms, "handling_time"), Value::Duration(page.handling.figure));
            let closed = page.ended.iter().filter(|chat| chat.handled.is_some()).count() as u64;
            assert_eq!(closed, page.handling.figure.n);
            agents += u64::from(closed > 0);
        }
        for customer in desk.customers().filter(|customer| customer.source == DESK) {
            let totals = CustomerPage::new(&history, DESK, &customer.id, &from).unwrap().totals;
            let filter = Filter { customer: vec![customer.id.to_string()], ..whole.filter.clone() };
            let query = Query { filter, ..whole.clone() };
            for (key, value) in [
                ("first_response_time", Value::Duration(totals.first_response)),
                ("response_time", Value::Duration(totals.response)),
                ("resolution_time", Value::Duration(totals.resolution)),
                ("reopened", Value::Share(totals.reopened)),
                ("csat", Value::Share(totals.csat)),
                ("backlog", Value::Count(totals.active)),
            ] {
                assert_eq!(figure(&history, &query, &terms, key), value, "{key} of {}", customer.id);
            }
            customers += u64::from(totals.resolution.n > 0);
        }
        assert!(agents >= 4 && customers >= 20, "{agents} agents, {customers} customers");
    }
}
