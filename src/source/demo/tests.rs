//! What the simulated desk looks like, by a fold of its own.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::event::{Author, Event, EventKind, PresenceState, Status};

/// What the events say of a chat.
#[derive(Debug, Default, Clone)]
struct Seen {
    ended: bool,
    merged: bool,
    holder: Option<String>,
    waits_since: Option<Timestamp>,
}

/// A desk, folded the slow and obvious way.
#[derive(Debug, Default)]
struct Desk {
    chats: HashMap<String, Seen>,
    states: HashMap<String, PresenceState>,
    capacities: HashMap<String, u32>,
    seen: HashMap<&'static str, usize>,
    last_at: Option<Timestamp>,
}

impl Desk {
    fn fold(&mut self, event: &Event) {
        *self.seen.entry((&event.kind).into()).or_default() += 1;
        if let Some(at) = event.at {
            assert!(self.last_at.is_none_or(|last| last <= at), "{event:?} comes after {:?}", self.last_at);
            self.last_at = Some(at);
        }
        match &event.kind {
            EventKind::Presence { agent, state, .. } => {
                self.states.insert(agent.to_string(), *state);
            }
            EventKind::Agent(agent) => drop(self.capacities.insert(agent.id.to_string(), agent.capacity.unwrap())),
            EventKind::Opened(opened) => {
                let before = self.chats.insert(opened.conversation.to_string(), Seen::default());
                assert!(before.is_none(), "{opened:?} is opened twice");
            }
            EventKind::Message(message) if message.public != Some(false) => {
                let chat = self.chat(message.conversation.as_str());
                match message.from {
                    Author::Customer => {
                        chat.ended = false;
                        chat.waits_since = chat.waits_since.or(event.at);
                    }
                    Author::Agent => {
                        assert!(!chat.ended, "{message:?} answers an ended chat");
                        chat.waits_since = None;
                    }
                    Author::Bot => {}
                }
            }
            EventKind::Assigned(assigned) => {
                let holder = assigned.agent.clone().flatten().map(|id| id.to_string());
                self.chat(assigned.conversation.as_str()).holder = holder;
            }
            EventKind::Status { conversation, status, .. } => {
                let chat = self.chat(conversation.as_str());
                chat.ended = matches!(status, Status::Resolved | Status::Closed);
                chat.waits_since = chat.waits_since.filter(|_| !chat.ended);
            }
            EventKind::Merged { conversation, .. } => self.chat(conversation.as_str()).merged = true,
            _ => {}
        }
    }

    fn chat(&mut self, id: &str) -> &mut Seen {
        self.chats.get_mut(id).expect("a chat is opened before anything happens in it")
    }

    fn active(&self) -> impl Iterator<Item = &Seen> {
        self.chats.values().filter(|chat| !chat.ended && !chat.merged)
    }

    /// Waits in minutes, longest first.
    fn waits(&self, now: Timestamp) -> Vec<f64> {
        let mut waits: Vec<f64> = self
            .active()
            .filter_map(|chat| chat.waits_since)
            .map(|since| (now - since).num_milliseconds() as f64 / 60_000.0)
            .collect();
        waits.sort_by(|a, b| b.total_cmp(a));
        waits
    }

    /// Queue by capacity of everybody who is online or busy, with the state.
    fn loads(&self) -> Vec<(PresenceState, f64)> {
        let mut held: HashMap<&str, u32> = HashMap::new();
        for holder in self.active().filter_map(|chat| chat.holder.as_deref()) {
            *held.entry(holder).or_default() += 1;
        }
        let here = self.states.iter().filter(|(_, state)| state.is_online());
        let load =
            |agent: &str| f64::from(held.get(agent).copied().unwrap_or_default()) / f64::from(self.capacities[agent]);
        here.map(|(agent, state)| (*state, load(agent))).collect()
    }

    fn online(&self) -> usize {
        self.states.values().filter(|state| state.is_online()).count()
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const SMALL_DESK: Params = Params { seed: 1, agents: 12, chats: 300 };

/// Looks at the desk at every full hour of so many days.
fn each_hour(params: Params, from: &str, days: i64, mut look: impl FnMut(Timestamp, &Desk)) -> Desk {
    let mut simulation = Simulation::new(params, at(from));
    let (mut desk, mut events) = (Desk::default(), Vec::new());
    for hour in 1..=24 * days {
        let now = at(from) + chrono::TimeDelta::hours(hour);
        simulation.advance_to(now, &mut events);
        for event in events.drain(..) {
            desk.fold(&event);
        }
        look(now, &desk);
    }
    desk
}

#[test]
fn waits_are_a_mix_at_any_hour_and_never_days() {
    let (mut shares, mut longest, mut calm) = (Vec::new(), 0.0_f64, 0);
    each_hour(SMALL_DESK, "2026-11-16T00:00:00Z", 7, |now, desk| {
        let waits = desk.waits(now);
        shares.push(waits.len() as f64 / desk.active().count() as f64);
        longest = longest.max(waits.first().copied().unwrap_or_default());
        calm += usize::from(waits.iter().all(|wait| *wait < 5.0));
    });
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((0.05..0.10).contains(&mean), "{:.1} % are unanswered", 100.0 * mean);
    assert!(longest < 60.0, "somebody waits {longest} minutes");
    assert!(calm <= 8, "at {calm} of {} hours nobody waits above the warning", shares.len());
}

#[test]
fn the_desk_is_full_in_the_afternoon_and_manned_at_night() {
    let (mut afternoons, mut online) = (0, 0);
    each_hour(SMALL_DESK, "2026-11-16T00:00:00Z", 5, |now, desk| {
        let hour = now.to_utc().format("%H").to_string();
        let open = desk.active().count();
        match hour.as_str() {
            "13" | "14" | "15" => {
                assert!((230..380).contains(&open), "{open} open at {now}");
                (afternoons, online) = (afternoons + 1, online + desk.online());
            }
            "03" | "04" => {
                assert!((110..260).contains(&open), "{open} open at {now}");
                assert!(desk.online() >= 1, "nobody online at {now}");
            }
            _ => {}
        }
    });
    assert!(online > 6 * afternoons, "{online} online in {afternoons} afternoon hours: not most of twelve");
}

#[test]
fn loads_are_believable_and_states_follow_them() {
    let (mut loads, mut busy) = (Vec::new(), Vec::new());
    let desk = each_hour(SMALL_DESK, "2026-11-16T00:00:00Z", 7, |now, desk| {
        let hour: u32 = now.to_utc().format("%H").to_string().parse().unwrap();
        let here = desk.loads();
        busy.extend(here.iter().filter(|(state, _)| *state == PresenceState::Busy).map(|(_, load)| *load));
        if (8..18).contains(&hour) {
            loads.extend(here.iter().map(|(_, load)| *load));
        }
    });
    assert!(desk.capacities.values().all(|capacity| capacity % 5 == 0), "{:?}", desk.capacities);
    loads.sort_by(f64::total_cmp);
    let at = |tenths: usize| loads[loads.len() * tenths / 10];
    assert!((0.6..0.9).contains(&at(5)) && at(1) > 0.3 && at(9) < 1.15, "{} {} {}", at(1), at(5), at(9));
    let easy = busy.iter().filter(|load| **load < 0.5).count();
    assert!(busy.len() > 20 && easy == 0, "{easy} of {} are busy with little to do", busy.len());
}

#[test]
fn everything_a_help_desk_does_happens() {
    let desk = each_hour(SMALL_DESK, "2026-11-16T00:00:00Z", 2, |_, _| {});
    for kind in [
        "hello",
        "team",
        "agent",
        "customer",
        "presence",
        "opened",
        "message",
        "assigned",
        "status",
        "routed",
        "returned_to_bot",
        "tagged",
        "macro",
        "sla",
        "rated",
        "nps",
        "article_vote",
        "converted",
        "merged",
    ] {
        assert!(desk.seen.contains_key(kind), "no {kind} in two days: {:?}", desk.seen);
    }
}

#[test]
fn a_seed_gives_the_same_day_however_it_is_looked_at() {
    let start = at("2026-11-22T00:00:00Z");
    let until = at("2026-11-22T07:00:00Z");
    let (mut once, mut often) = (Vec::new(), Vec::new());
    Simulation::new(SMALL_DESK, start).advance_to(until, &mut once);
    let mut simulation = Simulation::new(SMALL_DESK, start);
    for minute in 0..=7 * 60 {
        while simulation.advance(start + chrono::TimeDelta::minutes(minute), 3, &mut often) {}
    }
    assert!(once.len() > 1000);
    assert!(once == often, "in one go and minute by minute");
    let taken: Vec<Event> = Simulation::new(SMALL_DESK, start).take(once.len()).collect();
    assert!(once == taken, "as an iterator");
    let mut other = Vec::new();
    Simulation::new(Params { seed: 2, ..SMALL_DESK }, start).advance_to(until, &mut other);
    assert!(once != other, "another seed gives another day");
}

#[test]
fn months_take_no_more_room_than_days() {
    let params = Params { seed: 5, agents: 3, chats: 40 };
    let mut simulation = Simulation::new(params, at("2026-01-05T00:00:00Z"));
    let mut events = Vec::new();
    let mut rooms = Vec::new();
    for day in 1..=90 {
        simulation.advance_to(at("2026-01-05T00:00:00Z") + chrono::TimeDelta::days(day), &mut events);
        assert!(!events.is_empty(), "nothing happened on day {day}");
        events.clear();
        rooms.push(simulation.room());
    }
    assert!(rooms[89] <= rooms[9] * 2, "{} after ten days, {} after ninety", rooms[9], rooms[89]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_begins_with_hello_and_goes_on_where_it_was() {
    let mut demo = Demo::new(&Settings::default()).unwrap();
    let now = at("2026-11-22T03:00:00Z");
    let first = demo.poll(None, now).await.unwrap();
    assert!(matches!(first.events[0].kind, EventKind::Hello { .. }));
    let mut more = first.more;
    while more {
        more = demo.poll(None, now).await.unwrap().more;
    }
    let past = demo.poll(None, now).await.unwrap();
    assert!(past.history && past.events.iter().all(|event| event.at.is_none_or(|at| at < now)));
    let next = demo.poll(None, now + chrono::TimeDelta::minutes(10)).await.unwrap();
    assert!(!next.events.is_empty() && !next.history);
    assert!(next.events.iter().all(|event| event.at.is_none_or(|at| at > now)));
}

#[test]
fn a_size_out_of_range_names_its_key() {
    let error = Demo::new(&Settings { chats: 0, ..Settings::default() }).unwrap_err();
    assert!(error.starts_with("chats is 0"), "{error}");
}

#[rstest::rstest]
#[case(1, 8, 4)]
#[case(3, 40, 4)]
#[case(60, 1500, 1)]
#[case(200, 5000, 1)]
fn desks_of_any_size_are_believable(#[case] agents: usize, #[case] chats: usize, #[case] days: i64) {
    let (mut waiting, mut open, mut longest) = (0, 0, 0.0_f64);
    let params = Params { seed: 3, agents, chats };
    let desk = each_hour(params, "2026-11-16T00:00:00Z", days, |_, desk| {
        let waits = desk.waits(desk.last_at.unwrap());
        waiting += waits.len();
        open += desk.active().count();
        longest = longest.max(waits.first().copied().unwrap_or_default());
    });
    let share = waiting as f64 / open as f64;
    assert!((0.01..0.12).contains(&share), "{:.1} % are unanswered", 100.0 * share);
    assert!(longest < 75.0, "somebody waits {longest} minutes");
    let mean_open = open as f64 / (24 * days) as f64;
    assert!((0.5..1.2).contains(&(mean_open / chats as f64)), "{mean_open} of {chats} open");
    assert!(desk.states.len() == agents);
}

const TINY: Settings = Settings { seed: 4, agents: 3, chats: 10 };

/// Polls once a simulated second; every batch with what it was marked as.
async fn poll_on(
    demo: &mut Demo,
    cursor: &mut Option<Cursor>,
    now: &mut Timestamp,
    told: &mut Vec<(bool, Event)>,
) -> Batch {
    let mut batch = demo.poll(cursor.as_ref(), *now).await.unwrap();
    *cursor = batch.cursor.clone().or(cursor.take());
    told.extend(std::mem::take(&mut batch.events).into_iter().map(|event| (batch.history, event)));
    *now = *now + TimeDelta::seconds(1);
    batch
}

/// All that is told until the past is over, with a start anew after each of these polls.
async fn all_told(restarts: &[usize]) -> Vec<(bool, Event)> {
    let (mut demo, mut cursor, mut now) = (Demo::new(&TINY).unwrap(), None, at("2026-11-17T15:00:00Z"));
    let mut told = Vec::new();
    let mut polls = 0;
    loop {
        let batch = poll_on(&mut demo, &mut cursor, &mut now, &mut told).await;
        polls += 1;
        if restarts.contains(&polls) {
            demo = Demo::new(&TINY).unwrap();
        }
        if !batch.more && !batch.history && batch.progress.is_none() {
            // Up to one moment, however many polls it took to come here.
            now = at("2026-11-17T15:30:00Z");
            poll_on(&mut demo, &mut cursor, &mut now, &mut told).await;
            return told;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_past_is_told_after_the_present_and_fits_it() {
    let told = all_told(&[]).await;
    let first = told.iter().position(|(history, _)| *history).unwrap();
    let anchor = at("2026-11-16T00:00:00Z");
    assert!(
        told[..first].iter().any(|(_, event)| event.at >= Some(at("2026-11-17T14:00:00Z"))),
        "the present comes first"
    );
    let (past, present): (Vec<_>, Vec<_>) = told.iter().partition(|(history, _)| *history);
    let (mut chats, mut opened, mut agents, mut first_states) =
        (Desk::default(), HashSet::new(), HashSet::new(), HashMap::new());
    for (_, event) in &present {
        match &event.kind {
            EventKind::Agent(agent) => {
                agents.insert(agent.id.clone());
            }
            EventKind::Presence { agent, .. } => {
                first_states.entry(agent.clone()).or_insert(event.at);
            }
            _ => {}
        }
        if let Some(chat) = event.kind.conversation() {
            opened.insert(chat.clone());
        }
    }
    let mut days = HashMap::new();
    for (_, event) in &past {
        let day = event.at.map(|at| at.to_utc().date_naive());
        assert!(event.at.is_none_or(|at| at < anchor));
        // Chat by chat, so not in the order of time.
        chats.last_at = None;
        match &event.kind {
            EventKind::Customer { .. } => {}
            EventKind::Presence { agent, .. } => {
                assert!(agents.contains(agent) && event.at < first_states[agent], "{event:?}");
            }
            kind => {
                assert!(kind.conversation().is_none_or(|chat| !opened.contains(chat)), "{event:?}");
                chats.fold(event);
                *days.entry(day).or_insert(0) += usize::from(matches!(kind, EventKind::Opened(_)));
            }
        }
    }
    assert_eq!(chats.active().count(), 0, "all of it is over");
    let full = days.values().filter(|opened| **opened > 10).count();
    assert!((85..=95).contains(&full), "{full} days with chats: {days:?}");
    assert!((30_000..60_000).contains(&past.len()), "{} events", past.len());
}

#[tokio::test(start_paused = true)]
async fn a_start_anew_goes_on_where_it_was() {
    let set = |told: Vec<(bool, Event)>| {
        let mut lines: Vec<String> = told.iter().map(|told| format!("{told:?}")).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    let through = all_told(&[]).await;
    let count = through.len();
    let through = set(through);
    for restarts in [&[1][..], &[2], &[3], &[6], &[9, 10, 11], &[30]] {
        let told = all_told(restarts).await;
        assert!(told.len() < count + 4_000 * restarts.len(), "what was told is not told again: {}", told.len());
        assert!(set(told) == through, "after restarts behind the polls {restarts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_means_nothing_begins_a_new_desk_and_ends_the_chats_of_the_old_one() {
    for shape in [
        serde_json::json!({"anchor": 7}),
        serde_json::json!({"anchor": "2020-01-01T00:00:00Z",
        "told_to": "2020-01-02T00:00:00Z", "past_from": null, "past_told": 0, "past_over": true}),
    ] {
        let mut demo = Demo::new(&TINY).unwrap();
        demo.remember(&["c-old-1".into()]);
        let (mut cursor, mut now, mut told) = (Some(Cursor(shape)), at("2026-11-17T15:00:00Z"), Vec::new());
        while poll_on(&mut demo, &mut cursor, &mut now, &mut told).await.more {}
        assert!(matches!(&told[0].1.kind, EventKind::Hello { .. }));
        let ended = |event: &Event| matches!(&event.kind, EventKind::Status { conversation, status: Status::Closed, .. } if conversation.as_str() == "c-old-1");
        assert_eq!(told.iter().filter(|(_, event)| ended(event)).count(), 1);
        assert!(!told.iter().any(|(history, _)| *history));
    }
}

#[tokio::test(start_paused = true)]
async fn without_backfill_there_is_no_past_and_a_large_desk_has_little() {
    let spec = Spec {
        name: "demo".into(),
        backfill: Duration::ZERO,
        settings: serde_json::to_value(TINY).unwrap(),
        base: ".".into(),
    };
    let mut demo = Demo::from_spec(&spec).unwrap();
    let (mut cursor, mut now, mut told) = (None, at("2026-11-17T15:00:00Z"), Vec::new());
    for _ in 0..20 {
        poll_on(&mut demo, &mut cursor, &mut now, &mut told).await;
    }
    assert!(!told.iter().any(|(history, _)| *history));
    assert_eq!([300, 5_000, 25_000, 100_000].map(bygone::days), [30, 1, 0, 0]);
}
