//! The start: who is who, which tickets are open, and who waits on them.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::ask::{Ask, PER_PAGE, place};
use super::feed::{Fresh, LATE};
use super::late::Late;
use super::mark::Mark;
use super::people::People;
use super::sides::POLICIES;
use super::state::{Phase, State};
use super::team::Reading;
use super::wire::{Page, Ticket};
use super::{Step, Zendesk};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::http::words::excerpt;
use crate::source::lenient::Id;
use crate::source::sides::Sides;

/// The search that finds open tickets knows changes so late.
const SEARCH_LAG: TimeDelta = TimeDelta::minutes(10);

/// A reading of the team that began so long ago begins anew.
const STALE: TimeDelta = TimeDelta::minutes(30);

/// How many targets the account has set up; none where that may not be read.
pub(super) async fn targets(ask: &mut Ask) -> Result<usize, SourceError> {
    match ask.optional("/slas/policies", &[]).await {
        Ok(mut page) => Ok(page.take("sla_policies").map_or(0, |policies| policies.len())),
        Err(SourceError::Forbidden { .. } | SourceError::Unsupported { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Whether it has any, where it is time to ask for that, and it can be read.
pub(super) async fn has_targets(sides: &mut Sides, is_time: bool, ask: &mut Ask) -> Result<Option<bool>, SourceError> {
    if !sides.asks_for(POLICIES, is_time, ask.now) {
        return Ok(None);
    }
    let got = targets(ask).await.map(|count| count > 0);
    sides.came(POLICIES, got, &mut ask.skips)
}

impl Zendesk {
    /// Groups, agents, and where changes begin; the tickets follow page by page.
    pub(super) async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let reading = self.reading_people(ask.now);
        // What was read is kept for the next poll; else a slow answer to one of the next requests would end them all.
        if !reading.go_on(ask, usize::MAX).await? || ask.enough.is_come() {
            return Ok(Step::more_of("reading who is of the team", reading.read, reading.read + 1));
        }
        let failed = reading.failed.clone();
        let mut people = People::new(&self.settings.bots);
        if let Some(reading) = &self.reading {
            reading.take_into(&mut people, ask);
        }
        let watched = watched(&people, &self.settings.groups)?;
        // A few, to learn whether tickets can be read at all.
        let newest = ask.tickets("/tickets", &[("page[size]", "20"), ("sort", "-updated_at")]).await?;
        let newest = newest.items.iter().map(|ticket| ticket.updated_at).max();
        let mut sides = Sides::default();
        let has_targets = has_targets(&mut sides, true, ask).await?;

        let there = ask.there();
        let remembered = std::mem::take(&mut self.state.remembered);
        let mut state = State::default();
        (state.people, state.people_at, state.remembered) = (people, ask.now, remembered);
        (state.has_targets, state.policies_at, state.sides) = (has_targets == Some(true), ask.now, sides);
        state.begun_at = there;
        let mark = mark.filter(|mark| mark.settled);
        state.phase = Phase::Beside;
        if let Some(mark) = mark {
            state.fresh = Fresh::at(mark.watermark);
            (state.position, state.rated_to, state.past) = (mark.position, mark.rated_to, mark.past);
            state.late = Late::begin(mark.late_to.unwrap_or(mark.rated_to), ask.now);
            state.targets_to = mark.targets_to;
            state.left = mark.left.into_iter().collect();
            state.unread = mark.unread.into_iter().collect();
            state.settled = true;
        } else {
            // An empty account has no newest change; then everything is new.
            state.fresh = newest.map_or_else(Fresh::default, |newest| Fresh::at(newest.min(there) - SEARCH_LAG));
            state.position = (there - SEARCH_LAG).millis().div_euclid(1000);
            let span = TimeDelta::from_std(self.backfill).unwrap_or_else(|_| TimeDelta::days(3650));
            state.rated_to = there - span;
            state.late = Late::begin(state.rated_to, ask.now);
        }
        (self.state, self.reading) = (state, None);
        self.watched = watched;
        self.state.leave_failed(&failed, ask.now, &mut ask.skips)?;
        let lines: Vec<_> = self.state.people.groups.keys().map(|&id| self.state.people.team_line(id)).collect();
        // The hello comes first, once it is known what can be told, then teams, then who is in them.
        self.state.outbox.splice(0..0, lines);
        self.state.introduce_staff();
        Ok(Step::more_of("reading who is there", 0, 0))
    }

    /// Who is there, and satisfaction answers, for the first figures to have them; the tickets follow.
    pub(super) async fn beside(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        self.look_at_presence(ask).await?;
        self.look_at_ratings(ask).await?;
        if self.state.attendance.is_none() {
            self.state.hello(ask.there());
            self.state.phase = if self.state.settled { Phase::Recall } else { Phase::Open { after: None, read: 0 } };
        }
        Ok(Step::more_of("reading who is there", 0, 0))
    }

    /// The reading of the team that is under way, or a new one.
    pub(super) fn reading_people(&mut self, now: Timestamp) -> &mut Reading {
        let is_stale = |reading: &Reading| now - reading.began_at > STALE;
        if self.reading.as_ref().is_some_and(is_stale) {
            self.reading = None;
        }
        let needs_groups = self.state.phase == Phase::Cold && !self.settings.groups.is_empty();
        self.reading.get_or_insert_with(|| Reading::begin(now, needs_groups))
    }

    /// Whether a ticket is in a group that is watched.
    pub(super) fn is_watched(&self, ticket: &Ticket) -> bool {
        self.watched.is_empty() || ticket.group_id.is_some_and(|group| self.watched.contains(&group))
    }

    /// One page of open tickets.
    pub(super) async fn open_page(
        &mut self,
        ask: &mut Ask,
        after: Option<String>,
        read: usize,
    ) -> Result<Step, SourceError> {
        let mut query = "status<solved".to_owned();
        for group in &self.watched {
            query.push_str(" group:");
            query.push_str(&group.to_string());
        }
        let mut asked = vec![("filter[type]", "ticket"), ("query", &*query), ("page[size]", "100")];
        asked.extend(after.as_deref().map(|after| ("page[after]", after)));
        let page = match ask.page("/search/export", &asked).await {
            Ok(page) => page,
            // A place in this list is good for an hour only.
            Err(SourceError::Unsupported { .. }) if after.is_some() => {
                self.state.phase = Phase::Open { after: None, read: 0 };
                return Ok(Step::more_of("reading open tickets", 0, 0));
            }
            Err(error) => return Err(error),
        };
        let (ids, next) = found(page)?;
        let unknown: Vec<Id> = ids.iter().copied().filter(|id| !self.state.tickets.contains_key(id)).collect();
        let tickets = ask.tickets_with_last(&unknown).await?;
        self.state.meet(&tickets.users);
        for ticket in tickets.items {
            let is_open = !matches!(&*ticket.status, "solved" | "closed" | "deleted");
            if is_open && self.is_watched(&ticket) && !self.state.wanted.has(ticket.id) {
                let last = tickets.last.get(&ticket.id);
                self.state.find(ticket, last, &self.site, ask);
            }
        }
        let read = read + ids.len();
        match next {
            Some(next) if after.as_ref() != Some(&next) => {
                self.state.phase = Phase::Open { after: Some(next), read };
                Ok(Step::more_of("listing open tickets", read, read + PER_PAGE))
            }
            _ => {
                self.state.phase = Phase::Recall;
                Ok(Step::more_of("reading open tickets", 0, self.state.wanted.queue().len()))
            }
        }
    }

    /// Looks for what was open by what was told in an earlier run and is not known now: what changed is read, what is
    /// gone has left.
    pub(super) async fn recall(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let state = &self.state;
        let known = |id: &Id| state.tickets.contains_key(id) || state.wanted.has(*id) || state.missed.contains(id);
        let asked = self.state.remembered.union(&self.state.unread).copied();
        let some: Vec<Id> = asked.filter(|id| !known(id)).take(PER_PAGE).collect();
        if some.is_empty() {
            if !self.state.missed.is_empty() {
                self.ask_for_missed(ask, self.looks()).await?;
                return Ok(Step::more_of("reading open tickets", 0, self.state.missed.len()));
            }
            // What is still to be read may be found to be gone.
            let wanted = &self.state.wanted;
            self.state.remembered.retain(|id| wanted.has(*id));
            self.state.unread.clear();
            let total = self.state.wanted.queue().len();
            self.state.phase = Phase::Stories { total };
            return Ok(Step::more_of("reading open tickets", 0, total));
        }
        let tickets = ask.tickets_by_id(&some).await?;
        self.state.meet(&tickets.users);
        // What changed a little before became visible since then, it may be.
        let told_to = if self.state.settled { self.state.fresh.watermark - LATE } else { Timestamp::MIN };
        let mut unread = BTreeSet::new();
        for &id in &some {
            unread.extend(Some(id).filter(|id| self.state.unread.remove(id)));
            if !tickets.ids.contains(&id) {
                self.state.missed.insert(id);
            }
        }
        for ticket in tickets.items {
            if !self.is_watched(&ticket) {
                self.state.leave(ticket.id, ask.there());
            } else if ticket.updated_at < told_to && !unread.contains(&ticket.id) {
                self.state.recognise(&ticket);
            } else {
                self.state.wanted.want(ticket);
            }
        }
        for id in some {
            if !self.state.wanted.has(id) && !self.state.missed.contains(&id) {
                self.state.remembered.remove(&id);
            }
        }
        Ok(Step::more_of("reading open tickets", 0, self.state.remembered.len()))
    }

    /// Reads the updates of some of the tickets on which somebody may wait.
    pub(super) async fn stories(&mut self, ask: &mut Ask, total: usize) -> Result<Step, SourceError> {
        self.look(ask, self.looks()).await?;
        let left = self.state.wanted.queue().len();
        if left == 0 {
            self.state.phase = Phase::Steady;
            self.state.settled = true;
            self.plan_history();
            if self.state.past.reading.is_none() {
                // No history will tell their tickets.
                let wanted = &self.state.wanted;
                self.state.rated_of.retain(|id, _| wanted.has(*id));
            }
        }
        Ok(Step::more_of("reading who waits", total.saturating_sub(left), total))
    }
}

/// The ids of a page of search results, and where the next one begins.
fn found(mut page: Page) -> Result<(Vec<Id>, Option<String>), SourceError> {
    let next = page.after();
    let results = page.take("results").ok_or_else(|| SourceError::Schema {
        place: place("/search/export"),
        path: "results".into(),
        what: "a list is missing there".into(),
    })?;
    let ids = results.iter().filter_map(|ticket| ticket.get("id").and_then(crate::source::lenient::id_of)).collect();
    Ok((ids, next))
}

/// The groups of those names.
pub(super) fn watched(people: &People, names: &[String]) -> Result<std::collections::HashSet<Id>, SourceError> {
    let of = |name: &String| {
        let found = people.groups.iter().find(|(_, group)| group.trim().eq_ignore_ascii_case(name.trim()));
        found.map(|(&id, _)| id).ok_or_else(|| SourceError::Unsupported {
            place: "groups".into(),
            what: format!("no group is called `{}`", excerpt(name)),
        })
    };
    names.iter().map(of).collect()
}
