//! The polls: a start, the walk through all that is active, and the steady refresh.

use chrono::TimeDelta;

use super::ask::{Ask, PER_PAGE};
use super::people::{read_agents, read_inboxes, read_teams, watched};
use super::sides::{AGENTS, COUNT, RATINGS, TEAMS, WALK};
use super::state::{Mark, Phase};
use super::wire::{Person, Row};
use super::{Chatwoot, Step, capabilities};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::differ::Differ;

/// Statuses of what is active, in the API's words.
const ACTIVE: [&str; 3] = ["open", "pending", "snoozed"];
/// Pages that a poll reads while the active conversations are read for the first time.
const PAGES: usize = 8;
/// How often what is active is counted, and ratings are asked for.
pub(super) const EVERY: TimeDelta = TimeDelta::minutes(10);
/// Changes are asked for so much further back than they were the last time.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// After a longer pause all that is active is read anew: its changes would be a long list.
const LONG_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Pages of changes, of a server that does not know the question and answers with pages of everything.
const CHANGE_PAGES: u32 = 40;
/// So many walks may follow each other at once while the count does not fit.
const WALKS: u8 = 3;
/// Every so many counts all that is active is walked through even where the count fits.
const THOROUGH: u32 = 6;

/// A walk through all that is active.
///
/// From the last page to the first, by creation: what ends meanwhile moves the others to pages that are still to come,
/// so that they are met twice rather than not at all. What comes back meanwhile can still move one past the walk, which
/// the count after it shows. The first page is read at the begin for the number of pages, and again.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Something is amiss: it is not to take long.
    is_urgent: bool,
    began_at: Option<Timestamp>,
    /// What is to be read of each status, the next one last.
    todo: Vec<(&'static str, Page)>,
    /// Records read, and how many there are as far as it is known.
    read: u64,
    total: u64,
}

/// A page of a walk, and why it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// The first tells how many there are.
    First,
    /// There is no count: a full one is followed by another.
    Blind(u64),
    /// The last one by the count, which may not be true; `size` is that of the first.
    Last { page: u64, size: u64, told: u64 },
    /// The last one lies between one that holds something and one that does not.
    Between { full: u64, empty: u64, size: u64, told: u64 },
    /// One that is there; the one before it is next.
    Down(u64),
}

impl Page {
    fn number(self) -> u64 {
        match self {
            Self::First => 1,
            Self::Blind(page) | Self::Last { page, .. } | Self::Down(page) => page,
            Self::Between { full, empty, .. } => full.midpoint(empty),
        }
    }

    /// What follows a page that held so many, where so many were told to be in all; and by how much the sum of what was
    /// told was too great.
    fn next(self, count: u64, told: Option<u64>) -> (Option<Self>, u64) {
        let between = |full: u64, empty: u64, size: u64, told: u64| {
            if empty - full > 1 {
                return (Some(Self::Between { full, empty, size, told }), 0);
            }
            (Some(Self::Down(full)), told.saturating_sub(full * size))
        };
        match (self, told) {
            (Self::First, Some(told)) if count > 0 && told > count => {
                // Servers refuse greater numbers.
                let page = told.div_ceil(count).min(u64::from(u32::MAX));
                (Some(Self::Last { page, size: count, told }), 0)
            }
            (Self::First, None) | (Self::Blind(_), _) if count >= PER_PAGE as u64 => {
                (Some(Self::Blind(self.number() + 1)), 0)
            }
            (Self::Last { page, size, told }, _) if count == 0 && page > 1 => between(1, page, size, told),
            (Self::Between { empty, size, told, .. }, _) if count > 0 => between(self.number(), empty, size, told),
            (Self::Between { full, size, told, .. }, _) => between(full, self.number(), size, told),
            (Self::Last { page, .. } | Self::Down(page), _) if page > 1 => (Some(Self::Down(page - 1)), 0),
            _ => (None, 0),
        }
    }
}

impl Walk {
    pub(super) fn new(is_urgent: bool) -> Self {
        let todo = ACTIVE.map(|status| (status, Page::First)).to_vec();
        Self { is_urgent, began_at: None, todo, read: 0, total: 0 }
    }

    /// Reads the next page; gives its rows and the walk behind it.
    async fn step(&self, ask: &mut Ask) -> Result<(Self, Vec<Row>), SourceError> {
        let mut next = self.clone();
        let Some((status, page)) = next.todo.pop() else { return Ok((next, Vec::new())) };
        let number = page.number().to_string();
        let query = [("status", status), ("sort_by", "created_at_asc"), ("page", &*number)];
        let (rows, count, told) = ask.page(&query).await?;
        next.began_at.get_or_insert(ask.at());
        next.read += count as u64;
        if page == Page::First {
            next.total = next.total.saturating_add(told.unwrap_or(0));
        }
        let (following, too_many) = page.next(count as u64, told);
        next.total = next.total.saturating_sub(too_many);
        next.todo.extend(following.map(|page| (status, page)));
        Ok((next, rows))
    }

    fn progress(&self) -> (String, f32) {
        let part = self.read as f32 / self.total.max(self.read).max(1) as f32;
        ("reading active conversations".to_owned(), part)
    }
}

/// How many are active, where it is told.
async fn count_all(ask: &mut Ask) -> Result<Option<u64>, SourceError> {
    let mut there = Some(0);
    for status in ACTIVE {
        there = ask.count(status).await?.zip(there).map(|(count, sum)| count + sum);
    }
    Ok(there)
}

impl Chatwoot {
    /// Who may ask, agents, teams, inboxes, and whether ratings may be read.
    pub(super) async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let account = self.account(ask).await?;
        ask.account = account.id;
        let agents = self.first_agents(ask).await?;
        let inboxes = read_inboxes(ask).await?;
        let watched = watched(&self.settings.inboxes, &inboxes)?;
        let mut teams = None;
        if self.state.sides.may_ask(TEAMS, ask.now) {
            let got = read_teams(ask).await;
            teams = self.state.sides.came(TEAMS, got, &mut ask.skips)?;
        }
        let begins_at = crate::source::backfill::begins_at(ask.now, self.backfill);
        let since = mark.as_ref().and_then(|mark| mark.rated_to).unwrap_or(begins_at);
        let ratings = self.may_rate(ask, since).await?.then_some(since);

        let state = &mut self.state;
        let (remembered, sides) = (std::mem::take(&mut state.remembered), std::mem::take(&mut state.sides));
        state.forget();
        state.sides = sides;
        state.account = account.id;
        state.inboxes = watched;
        state.rated_to = ratings;
        state.capabilities = Some(capabilities(ratings.is_some()));
        state.people.known.pages = format!("{}/app/accounts/{}/conversations/", self.site, account.id);
        state.people.take_inboxes(inboxes);
        if let Some(teams) = teams {
            state.people.take_teams(teams, ask.now, &mut state.outbox);
        }
        state.people.roster.sight.looks();
        if let Some(agents) = agents {
            state.people.take_agents(agents, ask.at(), &mut state.outbox);
        }
        state.resumed_at = mark.as_ref().map(|mark| mark.looked_at);
        state.differ = Differ::resumed(state.resumed_at, remembered);
        state.looked_at = state.resumed_at.unwrap_or(Timestamp::MIN);
        let missed_from = mark.as_ref().map(|mark| mark.missed_from.unwrap_or(mark.looked_at));
        let gap = missed_from.map_or(TimeDelta::zero(), |from| (ask.at() - from).max(TimeDelta::zero()));
        // What ended in a short gap is among its changes, what did in a long one is history.
        let is_long = gap > LONG_PAUSE;
        state.heard_at = if is_long { ask.now } else { ask.now - gap };
        state.unheard_from = missed_from.filter(|_| !is_long);
        let missed_from = missed_from.filter(|_| is_long);
        let (past_from, untold) = mark.map_or((None, Vec::new()), |mark| (mark.past_from, mark.untold));
        state.untold.extend(untold);
        state.past.plan(past_from, missed_from, begins_at, ask.now);
        state.walk = Some(Walk::new(true));
        state.phase = Phase::Fill;
        Ok(Step {
            more: true,
            partial: true,
            history: false,
            progress: Some(("reading agents and teams".to_owned(), 0.0)),
        })
    }

    /// The agents at the start; a key that may not read them is not good enough.
    async fn first_agents(&mut self, ask: &mut Ask) -> Result<Option<Vec<Person>>, SourceError> {
        if !self.state.sides.may_ask(AGENTS, ask.now) {
            return Ok(None);
        }
        let got = read_agents(ask).await;
        if let Err(error @ SourceError::Forbidden { .. }) = got {
            self.state.sides.end(AGENTS);
            return Err(error);
        }
        self.state.sides.came(AGENTS, got, &mut ask.skips)
    }

    /// Whether the key may read ratings; where it is not answered, that is left open.
    async fn may_rate(&mut self, ask: &mut Ask, since: Timestamp) -> Result<bool, SourceError> {
        if !self.state.sides.may_ask(RATINGS, ask.now) {
            return Ok(true);
        }
        let got = ask.ratings((since, ask.at() + TimeDelta::minutes(1)), 1).await;
        if let Err(SourceError::Forbidden { .. } | SourceError::Auth { .. } | SourceError::Unsupported { .. }) = got {
            self.state.sides.end(RATINGS);
            return Ok(false);
        }
        self.state.sides.came(RATINGS, got, &mut ask.skips).map(|_| true)
    }

    /// A part of what is active: pages, then messages, then what was active before and is not met any more.
    pub(super) async fn fill(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let mut progress = self.state.walk.as_ref().map(Walk::progress);
        for _ in 0..PAGES {
            if !self.walk_on(ask, true).await? || ask.enough.is_come() {
                break;
            }
        }
        let is_walked = self.state.walk.is_none();
        if is_walked {
            self.ratings(ask).await?;
            self.look_up(ask).await?;
            self.threads(ask).await?;
        }
        let done = is_walked && !self.state.has_work(ask.now);
        if done {
            self.state.phase = Phase::Steady;
            // What was moved past the walk is found by a count at once.
            (self.state.counted_at, self.state.walks_left) = (Timestamp::MIN, WALKS);
        } else if is_walked {
            progress = Some(("reading messages".to_owned(), 1.0));
        }
        // At once on to what happened meanwhile.
        Ok(Step { more: true, partial: !done, history: false, progress })
    }

    /// What changed, who is there, and a page of the walk; in every other poll a page of history instead.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if ask.now - self.state.heard_at > LONG_PAUSE {
            let heard_to = ask.now - self.state.heard_at + OVERLAP;
            self.state.past.miss(ask.at() - heard_to, ask.now);
            self.state.heard_at = ask.now;
            self.state.walk = Some(Walk::new(true));
            self.state.phase = Phase::Fill;
            return self.fill(ask).await;
        }
        if std::mem::take(&mut self.state.is_past_next) {
            return self.history(ask).await;
        }
        self.changes(ask).await?;
        self.agents(ask).await?;
        self.look_for_freed();
        self.state.take_up(ask.now);
        self.look_up(ask).await?;
        self.threads(ask).await?;
        let mut more = self.state.has_work(ask.now);
        if !more {
            if self.state.walk.is_none() && ask.now - self.state.counted_at >= EVERY {
                self.count(ask).await?;
            }
            self.teams(ask).await?;
            self.ratings(ask).await?;
            self.walk_a_while(ask).await?;
            let is_surveying = self.state.survey.is_some() && !self.state.sides.rests(RATINGS, ask.now);
            more = self.state.has_work(ask.now) || is_surveying;
        }
        let progress = self.state.past.progress(ask.now);
        self.state.is_past_next = !more && self.is_past_due(ask.now);
        Ok(Step { more: more || self.state.is_past_next, partial: false, history: false, progress })
    }

    /// Where somebody has left who held something, walks through all that is active: that nobody holds it any more is no
    /// change of which the list of changes tells. A walk that is not to take long comes to its end before that.
    fn look_for_freed(&mut self) {
        let state = &mut self.state;
        if !state.people.gone.is_empty() && !state.walk.as_ref().is_some_and(|walk| walk.is_urgent) {
            let gone = std::mem::take(&mut state.people.gone);
            if gone.iter().any(|agent| state.is_holder(agent)) {
                state.walk = Some(Walk::new(true));
            }
        }
    }

    /// Some pages of the walk that is under way.
    async fn walk_a_while(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let Some(walk) = &self.state.walk else { return Ok(()) };
        let pages = if walk.is_urgent { PAGES } else { 1 };
        if !self.state.sides.may_ask(WALK, ask.now) {
            return Ok(());
        }
        for _ in 0..pages {
            let got = self.walk_on(ask, false).await;
            if self.state.sides.came(WALK, got, &mut ask.skips)? != Some(true) || ask.enough.is_come() {
                break;
            }
        }
        Ok(())
    }

    /// The conversations that changed since they were last asked for, in one answer.
    async fn changes(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let span = (ask.now - self.state.heard_at).max(TimeDelta::zero()) + OVERLAP;
        let within = span.num_seconds().to_string();
        let mut since = None;
        for page in 1..=CHANGE_PAGES {
            let number = page.to_string();
            let query = [("status", "all"), ("updated_within", &*within), ("page", &*number)];
            let (rows, count, _) = ask.page(&query).await?;
            // A server that does not know the question answers with a page of all there is, the last active first: what is
            // news lies within the span before the newest change, by the clock of the rows, for the answer's may be another.
            let newest = rows.iter().map(Row::changed_at).fold(None, |a, b| a.max(Some(b)));
            let since = *since.get_or_insert(newest.unwrap_or(ask.at()).min(ask.at()) - span - OVERLAP);
            let is_new = |row: &Row| row.changed_at() >= since;
            let is_paged = count == PER_PAGE && rows.iter().all(is_new);
            let known = self.state.waiting.len();
            for row in rows.into_iter().filter(is_new) {
                self.state.note(row, ask.at(), false);
            }
            if !is_paged || page > 1 && self.state.waiting.len() == known {
                break;
            }
        }
        self.state.looked_at = self.state.looked_at.max(ask.at());
        self.state.heard_at = ask.now;
        self.state.unheard_from = None;
        Ok(())
    }

    /// Counts what is active, and walks through it where the count does not fit or it is time to.
    async fn count(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let mut there = None;
        if self.state.inboxes.is_empty() && self.state.sides.may_ask(COUNT, ask.now) {
            let got = count_all(ask).await.map_err(|error| match error {
                // It has a limit of its own.
                SourceError::RateLimited { place, .. } => SourceError::passing(place, "too many requests"),
                error => error,
            });
            there = self.state.sides.came(COUNT, got, &mut ask.skips)?.flatten();
        }
        let fits = self.state.inboxes.is_empty() && there.is_none_or(|there| there == self.state.active());
        let is_time = there.is_none() || !self.state.inboxes.is_empty() || self.state.counts.is_multiple_of(THOROUGH);
        self.state.counts += 1;
        self.state.counted_at = ask.now;
        self.state.prune();
        self.state.walks_left = if fits { WALKS } else { self.state.walks_left.saturating_sub(1) };
        let is_urgent = !fits && self.state.inboxes.is_empty();
        if is_urgent || is_time && self.state.counts > 1 {
            self.state.walk = Some(Walk::new(is_urgent));
        }
        Ok(())
    }

    /// A page of the walk, if there is one under way; whether there are more. At its end what was not met is noted.
    async fn walk_on(&mut self, ask: &mut Ask, is_fill: bool) -> Result<bool, SourceError> {
        let Some(walk) = &self.state.walk else { return Ok(false) };
        let (walk, rows) = walk.step(ask).await?;
        for row in rows {
            self.state.note(row, ask.at(), is_fill);
        }
        let is_over = walk.todo.is_empty();
        let (began_at, is_urgent) = (walk.began_at.unwrap_or(ask.at()), walk.is_urgent);
        self.state.walk = Some(walk);
        if !is_over {
            return Ok(true);
        }
        if is_fill {
            self.state.walk = None;
            self.state.look_up_missing(began_at);
            self.state.look_up_untold();
        } else if !self.state.has_unread(ask.now) {
            // Not before all that was met is told: what is not told yet would be missed.
            self.state.walk = None;
            self.state.look_up_missing(began_at);
            if is_urgent && self.state.walks_left > 0 {
                self.state.counted_at = Timestamp::MIN;
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages that a walk through one status reads, where so many are told and so many are there.
    fn pages(told: Option<u64>, there: u64, size: u64) -> Vec<u64> {
        let (mut page, mut read) = (Page::First, Vec::new());
        loop {
            read.push(page.number());
            assert!(read.len() < 200, "{read:?}");
            let count = there.saturating_sub((page.number() - 1).saturating_mul(size)).min(size);
            match page.next(count, told).0 {
                Some(next) => page = next,
                None => return read,
            }
        }
    }

    #[test]
    fn a_walk_reads_each_page_that_is_there_from_the_last_to_the_first() {
        for (told, there, expected) in [
            (Some(0), 0, vec![1]),
            (Some(25), 25, vec![1]),
            (Some(26), 26, vec![1, 2, 1]),
            (Some(80), 80, vec![1, 4, 3, 2, 1]),
            // Some ended since they were counted.
            (Some(76), 75, vec![1, 4, 2, 3, 3, 2, 1]),
            (Some(26), 25, vec![1, 2, 1]),
            (None, 60, vec![1, 2, 3]),
        ] {
            assert_eq!(pages(told, there, 25), expected, "{told:?} {there}");
        }
    }

    #[test]
    fn a_count_that_is_not_true_costs_a_few_requests() {
        for told in [5_000, 1_000_000_000, 100_000_000_000, u64::MAX] {
            for there in [26, 80, 2_000] {
                let read = pages(Some(told), there, 25);
                let last = there.div_ceil(25);
                assert!(read.len() as u64 <= last + 70, "{told} {there}: {} pages", read.len());
                let down: Vec<u64> = (1..=last).rev().collect();
                assert!(read.ends_with(&down), "{told} {there}: {read:?}");
            }
        }
    }
}
