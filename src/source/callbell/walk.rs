//! The polls: a start, the walk through all contacts, and the steady refresh from the top of the list.

use std::collections::HashSet;

use chrono::TimeDelta;
use compact_str::CompactString;

use super::ask::{Ask, Page, Place};
use super::order::Order;
use super::past::Past;
use super::people::People;
use super::state::{LATE, Mark, Phase, State, Why};
use super::wire::{Closed, Contact, Message};
use super::{Callbell, Step};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::backfill::begins_at;
use crate::source::differ::Differ;

/// Contacts of a page.
const PER_PAGE: usize = 20;
/// Pages that a poll reads while all contacts are read.
const FILL_PAGES: usize = 20;
/// Pages of a walk that a refresh reads.
const WALK_PAGES: usize = 10;
/// Pages from the top of the list that a refresh reads; where even more has moved, all is read anew.
const HEAD_PAGES: u64 = 30;
/// Between two walks: at first, and as long as they find something.
pub(super) const SHORTEST_PAUSE: TimeDelta = TimeDelta::minutes(2);
/// Where they find nothing, the pause doubles up to this.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);
/// What was read so shortly before is read on without looking at the top of the list first.
const JUST_READ: TimeDelta = TimeDelta::seconds(10);
/// After so many pages without anything new a server turns in circles.
const CIRCLES: u32 = 3;

/// A walk through the list of contacts, from its top.
///
/// What moves up meanwhile moves the others to pages that are still to come, so that they are met twice rather than not
/// at all; what moved itself is seen at the top of the list by the next refresh.
#[derive(Debug)]
pub(super) struct Walk {
    began_at: Option<Timestamp>,
    place: Option<Place>,
    read: u64,
    pages: Option<u64>,
    /// In the order in which they were met first.
    ids: Vec<CompactString>,
    met: HashSet<CompactString>,
    empty: u32,
    /// How many had changed without having moved.
    found: usize,
}

/// What the next page of a walk came to.
#[derive(Debug)]
enum Turn {
    /// It is this one, of that place.
    Page(Place, Page),
    /// There is none there: the walk goes on here, or is over.
    To(Option<Place>),
}

impl Walk {
    pub(super) fn new() -> Self {
        Self {
            began_at: None,
            place: Some(Place::Number(1)),
            read: 0,
            pages: None,
            ids: Vec::new(),
            met: HashSet::new(),
            empty: 0,
            found: 0,
        }
    }

    /// Reads the next page.
    async fn read(&self, ask: &mut Ask) -> Result<Turn, SourceError> {
        let Some(place) = self.place.clone() else { return Ok(Turn::To(None)) };
        match ask.contacts(&place).await {
            Ok(page) => Ok(Turn::Page(place, page)),
            // The list goes on behind what can be reached by numbers, and this server gives no tokens.
            Err(SourceError::Unsupported { what, .. })
                if what.contains("Pagination limit exceeded") && self.read > 0 =>
            {
                Ok(Turn::To(None))
            }
            Err(SourceError::Unsupported { what, .. })
                if what.contains("Invalid pagination cursor") && matches!(place, Place::After(_)) =>
            {
                Ok(Turn::To(Some(Place::Number(self.read + 1))))
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on behind a page that was read then.
    fn pass(&mut self, place: Place, page: &Page, at: Timestamp) {
        self.began_at.get_or_insert(at);
        self.read += 1;
        self.pages = page.meta.pages.or(self.pages);
        let known = self.ids.len();
        for contact in &page.contacts {
            if self.met.insert(contact.uuid.clone()) {
                self.ids.push(contact.uuid.clone());
            }
        }
        self.empty = if self.ids.len() == known { self.empty + 1 } else { 0 };
        self.place = match (place, &page.meta.next) {
            _ if page.count == 0 || self.empty >= CIRCLES => None,
            (_, Some(token)) => Some(Place::After(token.clone())),
            (Place::After(_), None) => None,
            (Place::Number(number), None) => {
                let is_last = page.meta.pages.map_or(page.count < PER_PAGE, |pages| number >= pages);
                (!is_last).then_some(Place::Number(number + 1))
            }
        };
    }

    fn progress(&self) -> (String, f32) {
        let part = self.read as f32 / self.pages.unwrap_or(0).max(self.read).max(1) as f32;
        ("reading contacts".to_owned(), part)
    }
}

impl Callbell {
    /// Teams and agents; the walk through all contacts begins behind them.
    pub(super) async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let (mut people, mut told) = (People::default(), Vec::new());
        let read = people.read_all(ask, self.unassigned_answers, &mut told).await;
        people.set_aside(read, ask)?;
        let state = &mut self.state;
        let remembered = std::mem::take(&mut state.remembered);
        state.forget();
        state.unassigned_answers = self.unassigned_answers;
        state.outbox.append(&mut told);
        state.people = people;
        state.told_to = mark.as_ref().and_then(|mark| mark.told_to);
        state.differ = Differ::resumed(state.told_to, remembered.iter().cloned());
        state.recalled = remembered.into_iter().collect();
        state.recalled_to = state.told_to.map(|told_to| told_to - LATE);
        state.left = mark.iter().flat_map(|mark| mark.left.iter().cloned()).collect();
        state.past = Past::new(mark, begins_at(ask.now, self.backfill));
        state.walk = Some(Walk::new());
        state.pause = SHORTEST_PAUSE;
        state.phase = Phase::Fill;
        let progress = Some(("reading agents and teams".to_owned(), 0.0));
        Ok(Step { more: true, partial: true, history: false, progress })
    }

    /// A part of all contacts, then the messages of those that are open.
    pub(super) async fn fill(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let mut progress = self.state.walk.as_ref().map(Walk::progress);
        for _ in 0..FILL_PAGES {
            if !self.walk_on(ask, Why::Fill).await? || ask.enough.is_come() {
                break;
            }
        }
        let is_walked = self.state.walk.is_none();
        if is_walked {
            self.look_up(ask).await?;
            self.threads(ask).await?;
        }
        let done = is_walked && !self.state.is_behind(ask.now);
        if done {
            self.state.phase = Phase::Steady;
            self.state.past.plan();
            self.state.walk_at = ask.now + self.state.pause;
        } else if is_walked {
            progress = Some(("reading messages".to_owned(), 1.0));
        }
        // At once on to what happened meanwhile.
        Ok(Step { more: true, partial: !done, history: false, progress })
    }

    /// What moved to the top of the list, a part of a walk, and who is there; in every other poll some history instead.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if std::mem::take(&mut self.state.is_past_next) {
            return self.history(ask).await;
        }
        let is_behind = self.state.is_behind(ask.now);
        let is_time = !is_behind || ask.now - self.state.asked_at > JUST_READ;
        let step = self.chats(ask, is_time).await?;
        if is_time {
            self.people(ask).await?;
        }
        Ok(step)
    }

    /// What moved, from the top of the list where that is wanted, and a part of a walk.
    async fn chats(&mut self, ask: &mut Ask, from_top: bool) -> Result<Step, SourceError> {
        if from_top && !self.head(ask).await? {
            // Nobody knows any more what has moved.
            (self.state.walk, self.state.phase) = (Some(Walk::new()), Phase::Fill);
            return self.fill(ask).await;
        }
        self.look_up(ask).await?;
        self.threads(ask).await?;
        let mut is_drained = self.state.is_drained(ask.now);
        if is_drained && ask.now >= self.state.walk_at {
            self.state.walk.get_or_insert_with(Walk::new);
            for _ in 0..WALK_PAGES {
                if !self.walk_on(ask, Why::Walk).await? {
                    break;
                }
            }
            self.look_up(ask).await?;
            self.threads(ask).await?;
            is_drained = self.state.is_drained(ask.now);
        }
        self.state.is_past_next = is_drained && self.state.past.is_due(ask.now, &self.state.troubles);
        let progress = self.state.past.progress();
        Ok(Step { more: !is_drained || self.state.is_past_next, partial: false, history: false, progress })
    }

    /// What has moved up in the list since it was last read; whether its end was found.
    ///
    /// A contact moves to the top when something happens in it: so those in which something did are the first ones. All
    /// that stand higher than they did are among them, and those below these that have new messages, up to the first one
    /// that has none.
    async fn head(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let (mut rows, mut ids) = (Vec::<Contact>::new(), Vec::new());
        let (mut heard_at, mut number, mut is_last) = (None, 0, false);
        // The first ones moved up; behind them may be some that were written to in the order in which they stood.
        let (mut moved, mut same) = (0, Vec::new());
        let mut has_failed = false;
        loop {
            if let Some(row) = rows.get(moved + same.len()) {
                match self.glance(ask, row).await {
                    Err(error) if error.is_of_all() => return Err(error),
                    // What can't be read is passed over: whoever stands below it may have written. Two such may be all.
                    Err(_) if std::mem::replace(&mut has_failed, true) => break,
                    Ok((_, false)) => break,
                    glance => same.push(glance.ok().and_then(|(newest, _)| newest)),
                }
                if same.len() > PER_PAGE && ask.enough.is_come() {
                    return Ok(false);
                }
                continue;
            }
            if is_last {
                break;
            }
            number += 1;
            if number > HEAD_PAGES || number > 1 && ask.enough.is_come() {
                return Ok(false);
            }
            let page = ask.contacts(&Place::Number(number)).await?;
            heard_at.get_or_insert(ask.at());
            is_last = page.meta.pages.map_or(page.count < PER_PAGE, |pages| number >= pages) || page.count == 0;
            let known = ids.len();
            for contact in page.contacts {
                if !ids.contains(&contact.uuid) {
                    ids.push(contact.uuid.clone());
                    rows.push(contact);
                }
            }
            // A server that turns in circles has no more.
            is_last |= ids.len() == known;
            let unseen = rows.iter().rposition(|row| !self.state.has_seen(row)).map_or(0, |place| place + 1);
            let before = std::mem::replace(&mut moved, self.state.order.moved(&ids).max(unseen));
            same.drain(..same.len().min(moved.saturating_sub(before)));
        }
        let at = heard_at.unwrap_or(ask.at());
        let firsts = std::iter::repeat_n(None, moved).chain(same).map(Some).chain(std::iter::repeat(None));
        for (contact, first) in rows.into_iter().zip(firsts) {
            // Nothing has happened in the others, but one may have been blocked without moving.
            if first.is_none() && !contact.blocked_at {
                continue;
            }
            let uuid = contact.uuid.clone();
            self.state.note(contact, at, Why::Moved);
            if let Some(waiting) = self.state.waiting.get_mut(&uuid) {
                waiting.first = first.flatten();
            }
        }
        self.state.order.begins(ids);
        (self.state.heard_at, self.state.asked_at) = (self.state.heard_at.max(at), ask.now);
        Ok(true)
    }

    /// The newest messages of a contact of the list, where they can be read, and whether something happened in it since the
    /// top of the list was read. Of one of which the list leaves out whether it is closed, it alone tells that.
    async fn glance(&self, ask: &mut Ask, row: &Contact) -> Result<(Option<Vec<Message>>, bool), SourceError> {
        if row.blocked_at || self.state.troubles.holds(&row.uuid) {
            return Ok((None, true));
        }
        let Some(newest) = ask.newest(&row.uuid).await? else { return Ok((None, true)) };
        let mut is_news = self.state.has_news(row, &newest);
        if !is_news && row.closed_at == Closed::Untold {
            let itself = ask.contact(&row.uuid).await?;
            is_news = itself.is_none_or(|contact| !self.state.is_as_seen(&contact));
        }
        Ok((Some(newest), is_news))
    }

    /// A page of the walk, if there is one under way; whether there are more. At its end what was not met is noted.
    async fn walk_on(&mut self, ask: &mut Ask, why: Why) -> Result<bool, SourceError> {
        let Some(walk) = &self.state.walk else { return Ok(false) };
        let turn = walk.read(ask).await?;
        let Some(mut walk) = self.state.walk.take() else { return Ok(false) };
        match turn {
            Turn::To(place) => walk.place = place,
            Turn::Page(place, page) => {
                if why == Why::Fill && walk.read == 0 {
                    self.state.heard_at = self.state.heard_at.max(ask.at());
                }
                walk.pass(place, &page, ask.at());
                for contact in page.contacts {
                    walk.found += usize::from(self.state.note(contact, ask.at(), why));
                }
            }
        }
        let began_at = walk.began_at.unwrap_or(ask.at());
        let is_over = walk.place.is_none();
        if !is_over && (why == Why::Fill || !self.state.missing(began_at).is_empty()) {
            self.state.walk = Some(walk);
            return Ok(true);
        }
        if why == Why::Fill {
            self.state.order = Order::of(walk.ids);
        } else {
            // Where nothing changes without moving up, there is little to look for.
            let pause = if walk.found > 0 { SHORTEST_PAUSE } else { (self.state.pause * 2).min(LONGEST_PAUSE) };
            (self.state.pause, self.state.walk_at) = (pause, ask.now + pause);
        }
        for id in self.state.missing(began_at) {
            self.state.seek(id.as_str().into(), Why::Walk);
        }
        Ok(false)
    }
}

impl State {
    /// One that a walk had looked up has changed: the next walk comes soon.
    pub(super) fn has_found(&mut self, now: Timestamp) {
        if let Some(walk) = &mut self.walk {
            walk.found += 1;
        } else {
            (self.pause, self.walk_at) = (SHORTEST_PAUSE, self.walk_at.min(now + SHORTEST_PAUSE));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::wire::Pages;
    use super::*;
    use crate::source::skips;

    /// A page of so many contacts from that number on, which says so many pages and this token.
    fn page(from: usize, count: usize, pages: Option<u64>, next: Option<&str>) -> Page {
        let contacts = (from..from + count).map(|nth| skips::read(json!({"uuid": format!("c{nth}")})).unwrap());
        Page { contacts: contacts.collect(), count, meta: Pages { pages, next: next.map(str::to_owned) } }
    }

    #[test]
    fn a_walk_goes_on_by_token_or_number_until_there_is_no_more() {
        let (number, token) = (|| Place::Number(2), || Place::After("t1".to_owned()));
        let after = |token: &str| Some(Place::After(token.to_owned()));
        for (place, count, pages, next, expected) in [
            (number(), 20, None, Some("t2"), after("t2")),
            (number(), 20, Some(2), Some("t2"), after("t2")),
            (number(), 3, None, Some("t2"), after("t2")),
            (token(), 20, None, Some("t2"), after("t2")),
            (token(), 20, Some(9), None, None),
            (number(), 20, None, None, Some(Place::Number(3))),
            (number(), 19, None, None, None),
            (number(), 3, Some(3), None, Some(Place::Number(3))),
            (number(), 20, Some(2), None, None),
            (number(), 0, Some(9), Some("t2"), None),
        ] {
            let mut walk = Walk::new();
            walk.pass(place.clone(), &page(0, count, pages, next), Timestamp::default());
            assert_eq!(walk.place, expected, "{place:?} {count} {pages:?} {next:?}");
        }
    }

    #[test]
    fn pages_that_only_repeat_are_passed_over_until_there_are_too_many_of_them() {
        let mut walk = Walk::new();
        // Some move up while the walk goes down, and are met again.
        for (nth, from) in [0, 0, 0, 20, 0, 0].into_iter().enumerate() {
            walk.pass(Place::Number(1), &page(from, 20, Some(99), None), Timestamp::from_millis(nth as i64));
            assert!(walk.place.is_some(), "page {nth}");
        }
        assert_eq!((walk.ids.len(), walk.read, walk.began_at), (40, 6, Some(Timestamp::from_millis(0))));
        walk.pass(Place::Number(1), &page(0, 20, None, None), Timestamp::default());
        assert_eq!((walk.place, walk.pages), (None, Some(99)));
    }
}
