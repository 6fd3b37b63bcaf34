//! The polls: a start, the walk through all that is active, and the steady refresh.

use chrono::TimeDelta;
use compact_str::CompactString;

use super::ask::{AT_ONCE, Ask, Found, active, filter, seconds};
use super::sides::{COUNT, RATINGS, REASONS, TEAMMATES, TEAMS, WALK};
use super::state::{Hearing, Mark, PATIENCE, Phase, Walk};
use super::{Intercom, Step};
use crate::source::SourceError;
use crate::source::pauses::Pauses;

/// Pages of one list that a poll reads: what takes longer than a poll may take would be begun again for ever.
const PAGES: usize = 8;
/// Pages of satisfaction answers of one poll.
const RATING_PAGES: usize = 4;
/// How often the desk is looked over: counted, and asked for its teams and ratings.
const EVERY: TimeDelta = TimeDelta::minutes(10);
/// Changes are asked for so much further back than they were the last time: a search may show them late.
const OVERLAP: TimeDelta = TimeDelta::seconds(120);
/// After a longer stop what ended meanwhile is read as history.
const LONG_PAUSE: TimeDelta = TimeDelta::hours(6);
/// So many walks may follow each other at once while the count does not fit.
const WALKS: u8 = 3;
/// Every so many counts all that is active is walked through even where the count fits.
const THOROUGH: u32 = 6;

impl Intercom {
    /// Teammates and teams, and where the earlier run came to.
    pub(super) async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        self.teams(ask, true).await?;
        self.reasons(ask, true).await?;
        self.teammates(ask).await?;
        let at = ask.at();
        let state = &mut self.state;
        let told_to = mark.as_ref().map(|mark| mark.told_to.min(at));
        let is_long = told_to.is_some_and(|told_to| at - told_to > LONG_PAUSE);
        let begins_at = crate::source::backfill::begins_at(at, self.backfill);
        let stopped_at = told_to.filter(|_| is_long).map(|told_to| told_to - OVERLAP);
        state.rated_to =
            Some(mark.as_ref().and_then(|mark| mark.rated_to).or(told_to).map_or(at, |rated| rated.min(at)));
        let past = mark.map(|mark| {
            state.left = Pauses::of(mark.left);
            state.past.left = Pauses::of(mark.past_left);
            state.gone = mark.gone.into_iter().map(|(at, id)| (id, at)).collect();
            (mark.past_from, mark.gaps)
        });
        state.past.plan(past.unwrap_or_default(), stopped_at, begins_at, at);
        state.resume(told_to, told_to.filter(|_| !is_long).unwrap_or(at));
        state.looked_over_at = ask.now;
        state.walk = Some(Walk { is_urgent: true, ..Walk::default() });
        state.phase = Phase::Fill;
        Ok(step(true, true, Some(("reading teammates and teams".to_owned(), 0.0))))
    }

    /// A part of what is active: pages, then what changed meanwhile, then parts where the fields leave a doubt.
    pub(super) async fn fill(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let is_walk = self.state.walk.is_some();
        if is_walk {
            for _ in 0..PAGES {
                if !self.walk_on(ask).await? {
                    break;
                }
            }
            let read = self.state.walk.as_ref().map(|walk| (walk.read, walk.total));
            if let Some((read, total)) = read {
                let part = read as f32 / total.unwrap_or(0).max(read as u64).max(1) as f32;
                return Ok(step(true, true, Some(("reading active conversations".to_owned(), part))));
            }
        }
        if is_walk || self.state.hearing.is_some() {
            self.changes(ask).await?;
        }
        self.wholes(ask).await?;
        let is_done = self.state.queue.is_empty() && self.state.hearing.is_none();
        if is_done {
            self.state.phase = Phase::Steady;
            self.state.walks_left = WALKS;
        }
        let progress = (!is_done).then(|| ("reading what happened in conversations".to_owned(), 1.0));
        // At once on to what happened meanwhile.
        Ok(step(true, !is_done, progress))
    }

    /// What changed, who is away, and a page of the walk; in every other poll a part of the history instead.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if std::mem::take(&mut self.state.is_past_next) {
            return self.history(ask).await;
        }
        self.changes(ask).await?;
        self.teammates(ask).await?;
        self.look_over(ask).await?;
        let is_walking = self.walk(ask).await?;
        self.wholes(ask).await?;
        let is_heard = self.state.hearing.is_none();
        let more = !self.state.is_idle() || is_walking || !is_heard || self.state.rating.is_some();
        let progress = self.state.past.progress();
        self.state.is_past_next = self.state.queue.is_empty() && is_heard && self.is_past_due(ask.now);
        Ok(step(more || self.state.is_past_next, false, progress))
    }

    /// Pages of the conversations that changed since they were last asked for; what is left of them is read by the next
    /// polls.
    async fn changes(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        for _ in 0..PAGES {
            let before = self.state.hearing.clone();
            let (since, after) = match &before {
                Some(hearing) => (hearing.since, Some(hearing.after.as_str())),
                None => (self.state.heard_to - OVERLAP, None),
            };
            let query = filter("updated_at", ">", seconds(since));
            let page = match ask.page(&query, after).await {
                Ok(page) => page,
                Err(error) => {
                    if matches!(error, SourceError::Unsupported { .. }) {
                        // The place in the list is good no more.
                        self.state.hearing = None;
                    }
                    return Err(error);
                }
            };
            for row in &page.found {
                self.state.note(row, ask.at());
            }
            // What happens while the pages are read may be missed by them.
            let heard_to = before.map_or(ask.at(), |hearing| hearing.heard_to);
            self.state.hearing = page.next.map(|after| Hearing { since, after, heard_to });
            if self.state.hearing.is_none() {
                self.state.heard_to = heard_to.max(self.state.heard_to);
                break;
            }
        }
        Ok(())
    }

    /// The teammates, and whether they are away.
    async fn teammates(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        self.state.people.roster.sight.looks();
        if self.state.sides.asks_for(TEAMMATES, true, ask.now) {
            let got = ask.admins().await;
            if self.state.phase == Phase::Cold
                && let Err(SourceError::Forbidden { .. }) = &got
            {
                // A key that never could is to be mended: that is not to be overlooked.
                self.state.sides.end(TEAMMATES);
                return got.map(drop);
            }
            if let Some(admins) = self.state.sides.came(TEAMMATES, got, &mut ask.skips)? {
                let unknown = self.state.people.take_admins(admins, ask.at(), &mut self.state.outbox);
                if let Some(first) = unknown.first() {
                    let count = unknown.len();
                    let reason = format!("is neither true nor false for {count}, first for {first}: no state is told");
                    ask.skip("GET /admins".to_owned(), "admins[].away_mode_enabled", &reason);
                }
            }
        }
        Ok(())
    }

    async fn teams(&mut self, ask: &mut Ask, is_time: bool) -> Result<(), SourceError> {
        if self.state.sides.asks_for(TEAMS, is_time, ask.now) {
            let got = ask.teams().await;
            if let Some(teams) = self.state.sides.came(TEAMS, got, &mut ask.skips)? {
                self.state.people.take_teams(teams, &mut self.state.outbox);
            }
        }
        Ok(())
    }

    /// Why people are away.
    async fn reasons(&mut self, ask: &mut Ask, is_time: bool) -> Result<(), SourceError> {
        if self.state.sides.asks_for(REASONS, is_time, ask.now) {
            let got = ask.reasons().await;
            if let Some(reasons) = self.state.sides.came(REASONS, got, &mut ask.skips)? {
                self.state.people.take_reasons(reasons);
            }
        }
        Ok(())
    }

    /// Counts what is active, and asks for teams, why people are away, and ratings, where it is time to.
    async fn look_over(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let is_time = self.state.walk.is_none() && ask.now - self.state.looked_over_at >= EVERY;
        if self.state.walk.is_none() && self.state.sides.asks_for(COUNT, is_time, ask.now) {
            let got = ask.count(&active()).await;
            if let Some(there) = self.state.sides.came(COUNT, got, &mut ask.skips)? {
                self.weigh(there);
            }
        }
        self.teams(ask, is_time).await?;
        self.reasons(ask, is_time).await?;
        let is_rating = is_time || self.state.rating.is_some();
        if self.state.rated_to.is_some() && self.state.sides.asks_for(RATINGS, is_rating, ask.now) {
            let got = self.ratings(ask).await;
            self.state.sides.came(RATINGS, got, &mut ask.skips)?;
        }
        if is_time {
            self.state.looked_over_at = ask.now;
            self.state.prune();
        }
        Ok(())
    }

    /// Walks through all that is active where so many are there as are not known, or where it is time to.
    fn weigh(&mut self, there: Option<u64>) {
        let state = &mut self.state;
        let fits = there.is_some_and(|there| there == state.active());
        state.counts += 1;
        let is_urgent = !fits && there.is_some() && state.walks_left > 0;
        state.walks_left = if fits { WALKS } else { state.walks_left.saturating_sub(1) };
        if is_urgent || there.is_none() || state.counts.is_multiple_of(THOROUGH) {
            state.walk = Some(Walk { is_urgent, ..Walk::default() });
        }
    }

    /// A part of the walk, if there is one under way; whether the rest is not to wait.
    async fn walk(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let Some(is_urgent) = self.state.walk.as_ref().map(|walk| walk.is_urgent) else { return Ok(false) };
        if !self.state.sides.asks_for(WALK, true, ask.now) {
            return Ok(false);
        }
        let mut got = Ok(true);
        for _ in 0..if is_urgent { PAGES } else { 1 } {
            got = self.walk_on(ask).await;
            if !matches!(got, Ok(true)) {
                break;
            }
        }
        let more = self.state.sides.came(WALK, got, &mut ask.skips)?;
        if more.is_none() {
            // A place in a list may not be good for so long.
            self.state.walk = Some(Walk { is_urgent, ..Walk::default() });
        }
        Ok(more == Some(true) && is_urgent)
    }

    /// A page of the walk, if there is one under way; whether there are more. At its end what was not met is looked up.
    async fn walk_on(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let Some(walk) = &self.state.walk else { return Ok(false) };
        let page = match ask.page(&active(), walk.after.as_deref()).await {
            Err(SourceError::Unsupported { place, what }) if walk.after.is_some() => {
                // Its place in the list is good no more: it begins anew, and no setting is wrong.
                self.state.walk = Some(Walk { is_urgent: walk.is_urgent, ..Walk::default() });
                return Err(SourceError::passing(place, what));
            }
            got => got?,
        };
        for row in &page.found {
            self.state.note(row, ask.at());
        }
        let Some(walk) = &mut self.state.walk else { return Ok(false) };
        walk.read += page.found.len();
        walk.total = page.total.or(walk.total);
        walk.after = page.next;
        if walk.after.is_some() {
            return Ok(true);
        }
        if let Some(walk) = self.state.walk.take() {
            self.state.look_up_missing(&walk);
        }
        Ok(false)
    }

    /// Reads some of those that are queued, with their parts, and tells them: each at once, so that a poll that is given
    /// up loses none of it.
    async fn wholes(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        self.state.retry(ask.now);
        let some = self.state.next(PATIENCE);
        let mut has_read = false;
        for few in some.chunks(AT_ONCE) {
            let (found, error) = ask.wholes(few, || self.state.witness(&some).filter(|_| !has_read)).await;
            has_read |= !found.iter().all(Found::has_failed);
            let read = &few[..found.len()];
            for (id, found) in read.iter().zip(found) {
                self.tell(ask, id, found);
            }
            self.state.done(read);
            if let Some(error) = error {
                return Err(error);
            }
            if ask.enough.is_come() {
                break;
            }
        }
        Ok(())
    }

    /// Tells what became of one that was asked for.
    fn tell(&mut self, ask: &mut Ask, id: &CompactString, found: Found) {
        match found {
            Found::Whole(whole) => self.state.tell(&whole, ask.at()),
            Found::Gone => self.state.vanish(id, ask.at()),
            Found::Failed(error) => {
                ask.skip_whole(id, &error);
                self.state.failed(id, ask.now, ask.at());
                return;
            }
        }
        if self.state.left.end(id) {
            ask.is_read_again(id);
        }
    }

    /// Conversations that were rated since the last time; what is left of them is read by the next polls. A vendor's
    /// refusal of the question switches it off.
    async fn ratings(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        for _ in 0..RATING_PAGES {
            let before = self.state.rating.take();
            let (since, after) = match (&before, self.state.rated_to) {
                (Some(rating), _) => (rating.since, Some(rating.after.as_str())),
                (None, Some(rated_to)) => (rated_to - OVERLAP, None),
                (None, None) => return Ok(()),
            };
            let query = filter("conversation_rating.replied_at", ">", seconds(since));
            let page = match ask.page(&query, after).await {
                Ok(page) => page,
                Err(error @ (SourceError::Forbidden { .. } | SourceError::Unsupported { .. })) if after.is_none() => {
                    ask.skip(RATINGS.to_owned(), ".", &error.to_string());
                    self.state.rated_to = None;
                    return Ok(());
                }
                // A place in a list may not be good for so long: it is read from its beginning.
                Err(error) => return Err(error),
            };
            let new = page.found.iter().filter(|row| !self.state.is_rated(&row.id) && row.rated(&[]).is_some());
            let new: Vec<_> = new.map(|row| row.id.clone()).collect();
            for id in new {
                self.state.put(id);
            }
            let heard_to = before.map_or(ask.at(), |rating| rating.heard_to);
            self.state.rating = page.next.map(|after| Hearing { since, after, heard_to });
            if self.state.rating.is_none() {
                self.state.rated_to = Some(heard_to);
                break;
            }
        }
        Ok(())
    }
}

/// What becomes of a poll that tells of what goes on now.
fn step(more: bool, partial: bool, progress: Option<(String, f32)>) -> Step {
    Step { more, partial, history: false, progress }
}
