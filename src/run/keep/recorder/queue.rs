//! What the sources brought and the disk has not got yet. Nobody ever waits to put something in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::event::{Event, Timestamp};
use crate::source::{Batch, Cursor};
use crate::store::{Pack, Part};

/// What a source brought: some of its answers, joined, in the order in which they came.
#[derive(Debug)]
pub struct Record {
    /// Which source: its place in the config.
    pub source: usize,
    /// What happened.
    pub events: Pack,
    part: Part,
    /// How far the source has been read with that; unchanged when `None`.
    pub cursor: Option<Cursor>,
    /// What it has reached with that.
    pub reached: Reached,
}

/// What a source has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// When it gave a good answer; unchanged when `None`.
    pub good_at: Option<Timestamp>,
    /// Whether it has told all of the past that it was asked for; unchanged when `None`.
    pub history_told: Option<bool>,
}

impl Reached {
    /// What an answer has reached that was asked for at `tried_at`.
    pub fn of(batch: &Batch, tried_at: Timestamp) -> Self {
        let is_whole = !batch.partial;
        let tells_now = is_whole && !batch.history;
        let as_of = batch.as_of.map_or(tried_at, |at| at.min(tried_at));
        Self { good_at: tells_now.then_some(as_of), history_told: is_whole.then_some(batch.progress.is_none()) }
    }
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Answers of one source are joined up to so many events, which are then written at once.
    pub joined: usize,
    /// Above so many bytes the newest of what waits is let go, but for one record of each source.
    pub bytes: usize,
    /// So long a source may be in the midst of an answer before that is written: until the board shows it, the
    /// machine has better to do. Not when three quarters of the bytes are there.
    pub patience: Duration,
}

/// A queue for so many sources: where to put things, and where to get them.
pub fn queue(sources: usize, limits: Limits, keep_text: bool) -> (Inlet, Outlet) {
    let lines = (0..sources).map(|_| Line::default()).collect();
    let waiting = Waiting { limits, lines, bytes: 0, turn: 0, is_over: false };
    let shared = Arc::new(Shared { waiting: Mutex::new(waiting), news: Notify::new() });
    (Inlet { shared: Arc::clone(&shared), keep_text }, Outlet { shared })
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug)]
struct Waiting {
    limits: Limits,
    /// Of each source.
    lines: Vec<Line>,
    /// Of all events, with those that are being written.
    bytes: usize,
    /// The source whose turn it is.
    turn: usize,
    /// Nothing comes any more.
    is_over: bool,
}

/// What waits of one source.
#[derive(Debug, Default)]
struct Line {
    /// All of it: what is large is given back to the system once it is empty, what is in small pieces is not.
    events: Pack,
    /// Which of that is written at once.
    joined: VecDeque<Joined>,
    bytes: usize,
    /// It has been in the midst of an answer since then.
    telling_since: Option<Instant>,
    /// Something of it was lost: its cursor stays where it is, so that it is asked again at the next start.
    is_lost: bool,
}

/// What is written at once.
#[derive(Debug, Default)]
struct Joined {
    part: Part,
    cursor: Option<Cursor>,
    reached: Reached,
}

impl Shared {
    fn get(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done with it can end half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where what the sources bring is put; with it goes the hope for more.
#[derive(Debug)]
pub struct Inlet {
    shared: Arc<Shared>,
    keep_text: bool,
}

impl Inlet {
    /// Puts a copy of what a source brought behind what waits of it, and what it has reached with that.
    pub fn put(&self, source: usize, events: &[Event], cursor: Option<&Cursor>, reached: Reached) {
        let mut waiting = self.shared.get();
        let Limits { joined, bytes: most, .. } = waiting.limits;
        let Some(line) = waiting.lines.get_mut(source) else { return };
        let is_lost = line.is_lost;
        let cursor = cursor.filter(|_| !is_lost).cloned();
        if reached.good_at.is_some() {
            line.telling_since = None;
        } else {
            line.telling_since.get_or_insert_with(Instant::now);
        }
        let part = line.events.extend(events, self.keep_text);
        let Some(last) = line.last(joined) else { return };
        last.part += part;
        if cursor.is_some() {
            last.cursor = cursor;
        }
        last.reached = Reached {
            good_at: reached.good_at.or(last.reached.good_at),
            history_told: reached.history_told.map(|is_told| is_told && !is_lost).or(last.reached.history_told),
        };
        line.bytes += part.bytes;
        waiting.bytes += part.bytes;
        while waiting.bytes > most && waiting.let_go() {}
        drop(waiting);
        self.shared.news.notify_one();
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.shared.get().is_over = true;
        self.shared.news.notify_one();
    }
}

impl Line {
    /// What that which comes now is joined to.
    fn last(&mut self, most: usize) -> Option<&mut Joined> {
        if self.joined.back().is_none_or(|last| last.part.events >= most) {
            self.joined.push_back(Joined::default());
        }
        self.joined.back_mut()
    }
}

impl Waiting {
    /// The record that is written next: a source of which much waits does not hold up another.
    fn next(&mut self, now: Instant) -> Option<Record> {
        let count = self.lines.len();
        let is_due = |line: &Line| !line.joined.is_empty() && self.due_at(line).is_none_or(|at| at <= now);
        let place = (self.turn..self.turn + count).find(|place| is_due(&self.lines[place % count]))?;
        self.turn = (place + 1) % count;
        let line = &mut self.lines[place % count];
        let Joined { part, cursor, reached } = line.joined.pop_front()?;
        line.bytes -= part.bytes;
        Some(Record { source: place % count, events: line.events.split_first(part), part, cursor, reached })
    }

    /// When what waits of a source is to be written at the latest, though its answer is not whole; `None` = now.
    fn due_at(&self, line: &Line) -> Option<Instant> {
        let may_wait = !self.is_over && self.bytes <= self.limits.bytes / 4 * 3;
        line.telling_since.filter(|_| may_wait).map(|since| since + self.limits.patience)
    }

    /// When any of it is.
    fn next_at(&self) -> Option<Instant> {
        let waiting = self.lines.iter().filter(|line| !line.joined.is_empty());
        waiting.filter_map(|line| self.due_at(line)).min()
    }

    /// Lets go of the newest of what waits of the source of which the most does; false where that would be all of it.
    fn let_go(&mut self) -> bool {
        let lines = self.lines.iter_mut().enumerate().filter(|(_, line)| line.joined.len() > 1);
        let Some((source, line)) = lines.max_by_key(|(_, line)| line.bytes) else { return false };
        let Some(gone) = line.joined.pop_back() else { return false };
        if !std::mem::replace(&mut line.is_lost, true) {
            tracing::warn!(source, "the store is too slow: its events are kept from the next start on");
        }
        line.events.cut_last(gone.part);
        line.bytes -= gone.part.bytes;
        self.bytes -= gone.part.bytes;
        true
    }
}

/// Where what waits is taken out.
#[derive(Debug)]
pub struct Outlet {
    shared: Arc<Shared>,
}

impl Outlet {
    /// The next record, once there is one; `None` when nothing is left and nothing comes any more.
    pub async fn next(&self) -> Option<Record> {
        loop {
            let next_at = {
                let mut waiting = self.shared.get();
                let record = waiting.next(Instant::now());
                if record.is_some() || waiting.is_over {
                    return record;
                }
                waiting.next_at()
            };
            tokio::select! {
                () = self.shared.news.notified() => {}
                () = sleep_until(next_at.unwrap_or_else(Instant::now)), if next_at.is_some() => {}
            }
        }
    }

    /// Waits until nothing comes any more.
    pub async fn over(&self) {
        while !self.is_over() {
            self.shared.news.notified().await;
        }
    }

    /// Whether nothing comes any more.
    pub fn is_over(&self) -> bool {
        self.shared.get().is_over
    }

    /// This one waits no more: there is room for others.
    pub fn done(&self, record: &Record) {
        self.shared.get().bytes -= record.part.bytes;
    }

    /// Lets go of everything.
    pub fn lose_all(&self) {
        let mut waiting = self.shared.get();
        waiting.bytes = 0;
        for line in &mut waiting.lines {
            *line = Line { is_lost: true, ..Line::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::event::EventKind;

    const WELL: Reached = Reached { good_at: Some(Timestamp::from_millis(0)), history_told: None };
    const NONE: Limits = Limits { joined: 0, bytes: 0, patience: Duration::ZERO };

    fn clock(millis: i64) -> Event {
        Event::new(Timestamp::from_millis(millis), EventKind::Clock {})
    }

    fn put(inlet: &Inlet, source: usize, last: u64) {
        inlet.put(source, &[clock(last as i64)], Some(&Cursor(last.into())), WELL);
    }

    /// What waits: of each record its source, its events and its cursor.
    fn drain(outlet: &Outlet) -> Vec<(usize, usize, Option<u64>)> {
        let next = || outlet.next().now_or_never().flatten();
        let records = std::iter::from_fn(next).inspect(|record| outlet.done(record));
        let told =
            |record: Record| (record.source, record.part.events, record.cursor.and_then(|cursor| cursor.0.as_u64()));
        records.map(told).collect()
    }

    /// So many bytes does one event take.
    fn one() -> usize {
        Pack::default().extend(&[clock(1)], false).bytes
    }

    #[tokio::test]
    async fn answers_are_joined_up_to_a_limit() {
        let (inlet, outlet) = queue(2, Limits { joined: 2, bytes: usize::MAX, ..NONE }, false);
        (1..=5).for_each(|last| put(&inlet, 1, last));
        put(&inlet, 0, 9);
        assert_eq!(drain(&outlet), [(0, 1, Some(9)), (1, 2, Some(2)), (1, 2, Some(4)), (1, 1, Some(5))]);
    }

    #[tokio::test]
    async fn the_sources_take_turns() {
        let (inlet, outlet) = queue(3, Limits { joined: 1, bytes: usize::MAX, ..NONE }, false);
        (1..=3).for_each(|last| put(&inlet, 0, last));
        put(&inlet, 2, 9);
        let order: Vec<usize> = drain(&outlet).into_iter().map(|(source, ..)| source).collect();
        assert_eq!(order, [0, 2, 0, 0]);
    }

    #[tokio::test]
    async fn what_is_too_much_is_let_go_and_behind_that_the_cursor_stays() {
        let (inlet, outlet) = queue(1, Limits { joined: 1, bytes: 3 * one(), ..NONE }, false);
        (1..=5).for_each(|last| put(&inlet, 0, last));
        assert_eq!(drain(&outlet), [(0, 1, Some(1)), (0, 1, Some(2)), (0, 1, Some(3))]);
        put(&inlet, 0, 6);
        assert_eq!(drain(&outlet), [(0, 1, None)]);
    }

    #[tokio::test]
    async fn a_past_of_which_a_part_was_let_go_is_not_told() {
        let (inlet, outlet) = queue(1, Limits { joined: 9, bytes: usize::MAX, ..NONE }, false);
        let put = |history_told| inlet.put(0, &[clock(1)], None, Reached { history_told, ..WELL });
        let written = || outlet.next().now_or_never().flatten().unwrap().reached.history_told;
        for told in [Some(true), Some(false), None] {
            put(told);
        }
        assert_eq!(written(), Some(false), "the last that was said");
        put(None);
        assert_eq!(written(), None);
        inlet.shared.get().lines[0].is_lost = true;
        put(Some(true));
        assert_eq!(written(), Some(false));
    }

    #[test]
    fn a_past_is_told_when_an_answer_says_of_no_reading_that_it_goes_on() {
        let told = |partial, progress: Option<&str>| {
            let progress = progress.map(|words| (words.to_owned(), 0.5));
            Reached::of(&Batch { partial, progress, ..Batch::default() }, Timestamp::default()).history_told
        };
        assert_eq!((told(false, None), told(false, Some("reading history"))), (Some(true), Some(false)));
        assert_eq!((told(true, None), told(true, Some("reading open chats"))), (None, None));
    }

    #[tokio::test]
    async fn the_source_of_which_the_most_waits_loses() {
        let (inlet, outlet) = queue(2, Limits { joined: 1, bytes: 4 * one(), ..NONE }, false);
        (1..=4).for_each(|last| put(&inlet, 0, last));
        put(&inlet, 1, 1);
        put(&inlet, 1, 2);
        put(&inlet, 0, 5);
        assert_eq!(drain(&outlet), [(0, 1, Some(1)), (1, 1, Some(1)), (0, 1, Some(2)), (1, 1, Some(2))]);
    }

    #[tokio::test]
    async fn what_is_written_makes_room_and_not_before() {
        let (inlet, outlet) = queue(1, Limits { joined: 1, bytes: 2 * one(), ..NONE }, false);
        for last in 1..=9 {
            put(&inlet, 0, last);
            assert_eq!(drain(&outlet), [(0, 1, Some(last))]);
        }
        (11..=12).for_each(|last| put(&inlet, 0, last));
        let written = outlet.next().now_or_never().flatten().unwrap();
        (13..=14).for_each(|last| put(&inlet, 0, last));
        outlet.done(&written);
        assert_eq!(drain(&outlet), [(0, 1, Some(12))]);
    }

    #[tokio::test]
    async fn an_answer_that_is_too_much_by_itself_is_kept() {
        let (inlet, outlet) = queue(1, Limits { joined: 1, bytes: 2 * one(), ..NONE }, false);
        let events: Vec<Event> = (0..100).map(clock).collect();
        inlet.put(0, &events, Some(&Cursor(7.into())), Reached::default());
        assert_eq!(drain(&outlet), [(0, 100, Some(7))]);
    }

    #[tokio::test]
    async fn what_waits_when_the_store_breaks_is_lost_and_the_cursor_stays() {
        let (inlet, outlet) = queue(1, Limits { joined: 1, bytes: 2 * one(), ..NONE }, false);
        (1..=2).for_each(|last| put(&inlet, 0, last));
        outlet.lose_all();
        (3..=4).for_each(|last| put(&inlet, 0, last));
        assert_eq!(drain(&outlet), [(0, 1, None), (0, 1, None)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_whole_waits_for_its_rest_but_not_for_ever() {
        let patience = Duration::from_secs(9);
        let limits = Limits { joined: 9, bytes: 10 * one(), patience };
        let part = |inlet: &Inlet, source: usize| inlet.put(source, &[clock(1)], None, Reached::default());
        let (inlet, outlet) = queue(2, limits, false);
        part(&inlet, 0);
        put(&inlet, 1, 3);
        assert_eq!(drain(&outlet), [(1, 1, Some(3))], "another has told all");
        put(&inlet, 0, 4);
        assert_eq!(drain(&outlet), [(0, 2, Some(4))], "so has this one");

        part(&inlet, 0);
        let since = Instant::now();
        tokio::time::sleep(patience / 2).await;
        part(&inlet, 0);
        assert_eq!(outlet.next().await.unwrap().part.events, 2);
        assert_eq!(since.elapsed().as_secs(), patience.as_secs());
    }

    #[tokio::test]
    async fn an_answer_that_is_not_whole_waits_no_longer_when_room_or_time_runs_out() {
        let limits = Limits { joined: 1, bytes: 4 * one(), patience: Duration::from_hours(1) };
        let (inlet, outlet) = queue(1, limits, false);
        let part = |inlet: &Inlet| inlet.put(0, &[clock(1)], None, Reached::default());
        (0..3).for_each(|_| part(&inlet));
        assert_eq!(drain(&outlet), []);
        part(&inlet);
        assert_eq!(drain(&outlet), [(0, 1, None)], "as long as it is more than three quarters of what may wait");
        drop(inlet);
        assert_eq!(drain(&outlet), [(0, 1, None); 3]);
    }
}
