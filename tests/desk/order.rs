//! Apart from ties the desk depends only on the set of events, never on their order or repetition.

use std::sync::Arc;

use helptop::desk::{Counts, Desk};
use helptop::event::{Event, EventKind, Timestamp};
use helptop::metrics::live::{ConversationRow, LiveIndex};
use helptop::metrics::thresholds::Thresholds;
use helptop::metrics::today::TodayIndex;
use proptest::prelude::*;
use proptest::sample::Index;

/// Events of few conversations and agents: each at an instant of its own, or all at `instants` instants.
fn stream(instants: Option<usize>) -> impl Strategy<Value = Vec<Event>> {
    let line = prop_oneof![
        Just("opened conversation=C customer=k1 team=t1 channel=email".to_owned()),
        Just("opened conversation=C direction=outbound subject=late".to_owned()),
        Just("opened conversation=C customer=k2".to_owned()),
        "(Kim|Kit)".prop_map(|name| format!("customer id=k1 name={name} segment=vip")),
        Just("message conversation=C from=customer".to_owned()),
        Just("message conversation=C from=customer public=false".to_owned()),
        Just("message conversation=C from=bot".to_owned()),
        "[ab]".prop_map(|a| format!("message conversation=C from=agent agent={a}")),
        "[ab]".prop_map(|a| format!("assigned conversation=C agent={a} by=b")),
        Just("assigned conversation=C agent=null team=t2".to_owned()),
        "(open|pending|on_hold|snoozed|resolved|closed)".prop_map(|s| format!("status conversation=C status={s}")),
        Just("merged conversation=C into=c9".to_owned()),
        Just("tagged conversation=C tags=x,y".to_owned()),
        "[1-5]".prop_map(|s| format!("rated conversation=C score={s} scale=5")),
        "(online|busy|away|offline)".prop_map(|s| format!("presence agent=a state={s}")),
        Just("sla conversation=C metric=resolution due=23:00:00".to_owned()),
        Just("agent id=a name=Ana teams=t1".to_owned()),
        Just("agent id=a name=Anna capacity=4".to_owned()),
        Just("hello version=1 capabilities=assignments".to_owned()),
        Just("hello version=1 capabilities=".to_owned()),
    ];
    let one = (line, "c[1-3]", any::<Index>());
    prop::collection::vec(one, 1..40).prop_map(move |lines| {
        let numbered = lines.into_iter().enumerate();
        numbered
            .map(|(i, (line, id, pick))| {
                let i = instants.map_or(i, |instants| pick.index(instants));
                let clock = format!("{:02}:{:02}:{:02}", 8 + i / 3600, i / 60 % 60, i % 60);
                crate::support::event(&format!("{clock} {}", line.replace("=C", &format!("={id}"))))
            })
            .collect()
    })
}

/// Everything a viewer could tell, with ids instead of numbers, which go by arrival.
fn told(desk: &mut Desk, live: &mut LiveIndex, now: Timestamp) -> Vec<String> {
    let changes = desk.take_changes();
    live.refresh(desk, &changes, now);
    let agent = |desk: &Desk, ix: Option<helptop::desk::AgentIx>| ix.map(|ix| desk.agent(ix).id.to_string());
    let mut lines: Vec<String> = desk
        .conversations()
        .map(|(_, one)| {
            let s = one.state();
            format!(
                "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
                one.id,
                s.started_at,
                s.status,
                s.merged,
                s.direction,
                s.subject,
                s.tags,
                agent(desk, s.holder),
                s.waiting_since,
                s.first_response().map(|f| (f.at, agent(desk, Some(f.agent)), f.millis)),
                s.ending.map(|e| (e.at, e.by_agent, agent(desk, e.agent))),
                s.ratings,
                s.sla_due(),
                one.log().len(),
            )
        })
        .collect();
    let risk = live.risk(now);
    let figures = live.figures();
    lines.extend(figures.agents.values().map(|row| {
        let mut held: Vec<_> = live.held_by(row.ix).map(|row| row.id.to_string()).collect();
        held.sort();
        let longest = row.longest.as_ref().map(|key| key.id.to_string());
        let state = (row.state, row.state_since, row.last_active_at, row.longest_since(), longest);
        let queue = (row.open, row.unanswered, row.pending, held);
        format!("{} {} {:?} {} {:?} {queue:?}", row.id, row.name, row.capacity, row.teams.len(), state)
    }));
    lines.push(format!("{:?}", figures.totals));
    let waits_for =
        |row: &ConversationRow| row.customer.as_ref().map(|one| format!("{} {} {:?}", one.id, one.name, one.segment));
    lines.extend(figures.waiting.values().map(|row| format!("{} {:?}", row.id, waits_for(row))));
    lines.extend(figures.waiting.keys().map(|key| format!("{} {:?}", key.id, key.since)));
    lines.push(format!("{risk:?}"));
    let mut today = TodayIndex::new(crate::support::at("08:00:05"));
    today.begin(crate::support::at("08:00:05"), desk);
    lines.push(format!("{:?}", today.figures()));
    let waiting = figures.waiting.len();
    lines.sort();
    lines.push(format!("waiting {waiting}"));
    lines
}

/// Folds events in, in that order; the figures are brought up to date after those `cuts`, the desk alone is settled
/// after those `pauses`.
fn fold(events: &[Event], cuts: &[usize], pauses: &[usize]) -> (Vec<String>, Counts) {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    let mut live = LiveIndex::new(Arc::new(Thresholds::default()));
    let now = crate::support::at("20:00:00");
    for (i, event) in events.iter().enumerate() {
        desk.apply(source, event.clone());
        if pauses.contains(&i) {
            desk.settle();
        }
        if cuts.contains(&i) {
            let changes = desk.take_changes();
            live.refresh(&desk, &changes, now);
        }
    }
    (told(&mut desk, &mut live, now), desk.counts())
}

/// Folds events in that are told all at once, on two cores.
fn load(events: &[Event]) -> (Vec<String>, Counts) {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    desk.load(|loading| events.iter().for_each(|event| loading.apply(source, event.clone()))).unwrap();
    let mut live = LiveIndex::new(Arc::new(Thresholds::default()));
    (told(&mut desk, &mut live, crate::support::at("20:00:00")), desk.counts())
}

/// Places in a stream, chosen at random.
fn places() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..60usize, 0..30)
}

proptest! {
    #[test]
    fn any_order_repetition_and_cut_into_batches_give_the_same_desk(
        events in stream(None),
        shuffle in prop::collection::vec(any::<Index>(), 40),
        repeats in prop::collection::vec(any::<Index>(), 0..20),
        cuts in places(),
        pauses in places(),
    ) {
        let (in_order, _) = fold(&events, &[], &[]);
        let mut other = events.clone();
        for repeat in repeats {
            let event = repeat.get(&events).clone();
            other.push(event);
        }
        for (i, pick) in shuffle.iter().enumerate().take(other.len()) {
            let j = pick.index(other.len());
            other.swap(i, j);
        }
        prop_assert_eq!(fold(&other, &cuts, &pauses).0, in_order);
    }

    #[test]
    fn of_one_instant_the_order_of_arrival_counts_however_late_and_in_whatever_batches(
        events in stream(Some(4)),
        repeats in prop::collection::vec(any::<Index>(), 0..20),
        cuts in places(),
        pauses in places(),
    ) {
        let mut other = events.clone();
        for repeat in &repeats {
            other.push(repeat.get(&events).clone());
        }
        // The same, told in order and without repeats.
        let is_of_the_latest = |event: &Event| {
            matches!(event.kind, EventKind::Agent(_) | EventKind::Customer { .. } | EventKind::Hello { .. })
        };
        let counts_once = |event: &Event| !is_of_the_latest(event);
        let mut plain: Vec<Event> = Vec::new();
        for event in &other {
            if !(counts_once(event) && plain.contains(event)) {
                plain.push(event.clone());
            }
        }
        plain.sort_by_key(|event| event.at);
        let (in_order, counts) = fold(&plain, &[], &[]);
        prop_assert_eq!(counts, Counts { folded: plain.len() as u64, ..Counts::default() });
        let dropped = (other.len() - plain.len()) as u64;
        prop_assert_eq!(fold(&other, &cuts, &pauses), (in_order, Counts { repeats: dropped, ..counts }));
    }

    #[test]
    fn two_cores_fold_as_one_does(
        mut events in prop_oneof![stream(None), stream(Some(4))],
        repeats in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let repeated: Vec<_> = repeats.iter().map(|repeat| repeat.get(&events).clone()).collect();
        events.extend(repeated);
        prop_assert_eq!(load(&events), fold(&events, &[], &[]));
    }

    #[test]
    fn figures_kept_change_by_change_equal_figures_made_at_once(events in stream(None)) {
        let always: Vec<_> = (0..events.len()).collect();
        prop_assert_eq!(fold(&events, &always, &[]), fold(&events, &[], &[]));
    }
}
