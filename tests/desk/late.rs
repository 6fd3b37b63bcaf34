//! Late lines, repeats and crowds of one instant: put right when the desk is settled, at once and at a bounded cost.

use std::sync::Arc;

use crate::support::{at, conversation, desk, event};
use chrono::TimeDelta;
use helptop::board::{Engine, Options, Page, Query, SourceHealth};
use helptop::desk::{AgentIx, Desk, SourceIx};
use helptop::event::{Event, Status, Timestamp};
use helptop::metrics::thresholds::Thresholds;
use helptop::metrics::today::TodayIndex;
use rstest::rstest;

/// A desk of one source that has taken in the lines and is not settled.
fn unsettled(lines: &str) -> Desk {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    lines.lines().for_each(|line| desk.apply(source, event(line)));
    desk
}

#[test]
fn a_late_line_is_folded_when_the_desk_is_settled() {
    let mut desk = unsettled(
        "09:05:00 opened conversation=c\n09:03:00 message conversation=c from=customer\n09:02:00 message conversation=c from=customer",
    );
    assert_eq!(conversation(&desk, "c").state().waiting_since, None, "a late line alone folds nothing");
    assert_eq!(desk.counts().folded, 1);
    desk.settle();
    assert_eq!(conversation(&desk, "c").state().waiting_since, Some(at("09:02:00")));
    assert_eq!(desk.counts().folded, 3);
}

#[test]
fn a_closing_that_takes_a_reopening_back_is_folded_when_the_desk_is_settled() {
    let mut desk = unsettled(
        "09:00:00 status conversation=c status=closed\n09:05:00 message conversation=c from=customer\n09:05:00 status conversation=c status=closed",
    );
    assert_eq!(conversation(&desk, "c").state().status, Status::Open, "every such moment would fold the whole log");
    desk.settle();
    assert_eq!(conversation(&desk, "c").state().status, Status::Closed);
}

#[test]
fn a_hello_that_changes_the_rules_folds_anew_when_the_desk_is_settled() {
    let mut desk =
        unsettled("09:00:00 message conversation=c from=agent agent=a\n- hello version=1 capabilities=assignments");
    assert!(conversation(&desk, "c").state().holder.is_some(), "every hello would fold every log");
    desk.settle();
    assert_eq!(conversation(&desk, "c").state().holder, None);
}

#[rstest]
#[case::late_line("09:05:00 opened conversation=c\n09:03:00 message conversation=c from=agent agent=a")]
#[case::late_state("09:05:00 presence agent=a state=online\n09:03:00 presence agent=a state=away")]
#[case::late_hello("09:05:00 message conversation=c from=agent agent=a\n- hello version=1 capabilities=assignments")]
#[case::closed_at_the_moment_of_a_message(
    "09:00:00 status conversation=c status=closed\n09:05:00 message conversation=c from=customer\n09:05:00 status conversation=c status=closed"
)]
fn lines_heard_before_change_nothing(#[case] lines: &str) {
    let mut desk = desk(lines);
    desk.take_changes();
    for line in lines.lines().filter(|line| !line.contains("hello")).chain(lines.lines().rev()) {
        desk.apply(SourceIx(0), event(line));
    }
    let changes = desk.take_changes();
    assert!(changes.conversations.is_empty() && changes.agents.is_empty(), "{changes:?}");
}

#[test]
fn a_late_line_is_among_the_changes_that_are_taken_next() {
    let mut desk = desk("09:05:00 opened conversation=c\n09:05:00 presence agent=a state=online");
    desk.take_changes();
    desk.apply(SourceIx(0), event("09:04:00 message conversation=c from=customer"));
    desk.apply(SourceIx(0), event("09:04:00 presence agent=a state=online"));
    let changes = desk.take_changes();
    assert_eq!((changes.conversations.len(), changes.agents.len()), (1, 1));
    assert_eq!(desk.agents()[0].state().unwrap().1, at("09:04:00"));
}

#[test]
fn a_late_line_of_an_agent_does_not_make_it_look_idle_or_busy() {
    let desk = desk(
        "09:05:00 opened conversation=c\n09:03:00 message conversation=c from=agent agent=a\n09:02:00 message conversation=c from=agent agent=a",
    );
    assert_eq!(desk.agents()[0].last_active_at, Some(at("09:03:00")));
}

#[test]
fn a_crowd_of_messages_at_the_moment_of_a_closing_does_not_reopen_and_a_later_one_does() {
    let lines = "09:00:00 status conversation=c status=closed\n09:02:00 message conversation=c from=bot\n09:01:00 message conversation=c from=customer text=one\n09:01:00 message conversation=c from=customer text=two\n09:01:00 status conversation=c status=closed";
    let quiet = desk(lines);
    assert_eq!(conversation(&quiet, "c").state().status, Status::Closed);
    let reopened = desk(&format!("{lines}\n09:01:30 message conversation=c from=customer"));
    let state = conversation(&reopened, "c").state();
    assert_eq!((state.status, state.ending.unwrap().at), (Status::Open, at("09:00:00")));
}

#[test]
fn letting_go_sees_late_lines_first() {
    let mut desk = desk("08:00:00 opened conversation=c\n09:00:00 status conversation=c status=resolved");
    desk.take_changes();
    desk.apply(SourceIx(0), event("08:30:00 assigned conversation=c agent=a"));
    desk.let_go(at("12:00:00"), at("00:00:00"));
    desk.take_changes();
    desk.let_go(at("12:00:00"), at("00:00:00"));
    let one = conversation(&desk, "c");
    assert!(one.log().is_empty());
    assert_eq!(one.state().holder.map(|ix| desk.agent(ix).id.to_string()).as_deref(), Some("a"));
}

fn engine() -> (Engine, SourceIx) {
    let options = Options {
        thresholds: Arc::new(Thresholds::default()),
        keep_text: false,
        midnight: Arc::new(|at| Timestamp::from_millis(at.millis().div_euclid(86_400_000) * 86_400_000)),
    };
    let mut engine = Engine::new(options, at("12:00:00"));
    let source = engine.add_source(SourceHealth { good_at: Some(at("12:00:00")), ..SourceHealth::default() });
    (engine, source)
}

#[test]
fn ended_conversations_are_forgotten_sooner_where_they_are_told_again() {
    for (after, left) in [(None, 2), (Some(TimeDelta::days(3)), 1)] {
        let (mut engine, source) = engine();
        if let Some(after) = after {
            engine.forget_after(after);
        }
        let lines = ["09:00:00 status conversation=ended status=closed", "09:00:00 opened conversation=open"];
        engine.take(source, lines.map(event), at("12:00:00"));
        engine.settle(at("12:00:00"));
        engine.settle(at("12:00:00") + TimeDelta::days(4));
        assert_eq!(engine.desk().conversations().count(), left);
    }
}

#[test]
fn a_page_that_is_asked_for_between_two_pictures_has_the_late_lines_in_their_places() {
    let (mut engine, source) = engine();
    engine.take(source, [event("09:05:00 opened conversation=c")], at("12:00:00"));
    engine.settle(at("12:00:00"));
    engine.take(source, [event("09:03:00 message conversation=c from=customer")], at("12:00:00"));
    let ix = engine.desk().conversations().next().unwrap().0;
    let Page::Conversation(page) = engine.page(Query::Conversation(ix), at("12:00:00")) else {
        panic!("no page");
    };
    let times: Vec<_> = page.timeline.iter().map(|item| item.at).collect();
    assert_eq!(times, [at("09:03:00"), at("09:05:00")]);
    assert_eq!(page.row.waiting_since, Some(at("09:03:00")));
    assert!(engine.settle(at("12:00:00")), "the next picture shows it too");
    assert_eq!(engine.snapshot(at("12:00:00")).live.totals.unanswered, 1);
}

#[rstest]
#[case::one_conversation("c")]
#[case::many_conversations("cN")]
fn ten_thousand_lines_of_one_instant_that_come_late_and_twice(#[case] id: &str) {
    let line = |i: usize| {
        let id = id.replace('N', &i.to_string());
        event(&format!("09:00:00 message conversation={id} from=customer text=number{i}"))
    };
    let (mut engine, source) = engine();
    let last = |i: usize| event(&format!("09:01:00 opened conversation={}", id.replace('N', &i.to_string())));
    let lasts: Vec<Event> = if id == "c" { vec![last(0)] } else { (0..10_000).map(last).collect() };
    let (count, now) = (lasts.len(), at("12:00:00"));
    engine.take(source, lasts, now);
    engine.take(source, (0..10_000).chain((0..10_000).rev()).map(line), now);
    engine.settle(now);
    let counts = engine.desk().counts();
    assert_eq!((counts.folded, counts.repeats), (10_000 + count as u64, 10_000));
    let live = engine.snapshot(now).live;
    assert_eq!(live.totals.unanswered as usize, count);
    assert!(live.waiting.keys().all(|key| key.since == at("09:00:00")));
}

#[rstest]
#[case::one_by_one(1)]
#[case::few_at_once(7)]
#[case::many_at_once(40)]
#[case::all_at_once(1_000)]
fn the_days_first_replies_are_the_same_in_whatever_batches(#[case] batch: usize) {
    // Replies in no order, many alike; then the openings that they are measured from, some of them the same.
    let reply = |i: usize| event(&format!("09:{:02}:00 message conversation=c{i} from=agent agent=a", i * 7 % 40));
    let opened = |i: usize| event(&format!("08:{:02}:00 opened conversation=c{i}", i * 11 % 5));
    let events: Vec<Event> = (0..100).map(reply).chain((0..100).map(opened)).collect();
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    let mut kept = TodayIndex::new(at("00:00:00"));
    for batch in events.chunks(batch) {
        for event in batch {
            desk.apply(source, event.clone());
        }
        let changes = desk.take_changes();
        kept.refresh(&desk, &changes);
        kept.figures();
    }
    let seconds = |i: usize| (3600 + (i * 7 % 40) * 60 - (i * 11 % 5) * 60) as f64;
    let mut expected: Vec<f64> = (0..100).map(seconds).collect();
    expected.sort_by(f64::total_cmp);
    let figure = kept.figures().first_response;
    assert_eq!((figure.n, figure.median), (100, Some(expected[49].midpoint(expected[50]))));
    assert!((figure.mean.unwrap() - expected.iter().sum::<f64>() / 100.0).abs() < 1e-9);
    let mut counted_anew = TodayIndex::new(at("00:00:00"));
    counted_anew.begin(at("00:00:00"), &desk);
    assert_eq!(kept.figures(), counted_anew.figures());
}

#[test]
fn a_customer_who_gets_a_name_later_has_it_wherever_it_is_shown() {
    let (mut engine, source) = engine();
    let now = at("12:00:00");
    let lines = "09:00:00 opened conversation=w customer=k\n09:00:00 message conversation=w from=customer\n\
        09:00:00 opened conversation=q customer=k\n09:01:00 assigned conversation=q agent=a";
    engine.take(source, lines.lines().map(event), now);
    engine.settle(now);
    engine.take(source, [event("09:02:00 customer id=k name=Kim")], now);
    engine.settle(now);
    let live = engine.snapshot(now).live;
    let waiting = live.waiting.values().next().unwrap();
    assert_eq!(waiting.customer.as_ref().map(|one| one.name.to_string()).as_deref(), Some("Kim"));
    let Page::Agent(page) = engine.page(Query::Agent(AgentIx(0)), now) else { panic!("no page") };
    assert_eq!(page.open[0].customer.as_ref().map(|one| one.name.to_string()).as_deref(), Some("Kim"));
}
