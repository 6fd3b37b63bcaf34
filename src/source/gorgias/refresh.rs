//! The steady refresh: what is new, what no feed tells whole, and now and then all that is looked at seldom.

use chrono::TimeDelta;

use super::ask::{Ask, PER_PAGE};
use super::people::{Staff, read_teams, read_users};
use super::sides::{DELETED, EVENTS, TEAMS, USERS};
use super::start::{MOST, is_given};
use super::state::OVERLAP;
use super::{Gorgias, Step};
use crate::event::Timestamp;
use crate::source::SourceError;

/// Tickets that are read one by one in a poll that does more than that.
const SOME: usize = 2;
/// While many tickets are read one by one, the feeds are read so often.
const NEWS_EVERY: TimeDelta = TimeDelta::seconds(20);
/// After a longer pause all that is active is read anew.
const LONG_PAUSE: TimeDelta = TimeDelta::minutes(30);
/// How often a hundred active tickets are looked at whether they are still there.
const SWEEP_EVERY: TimeDelta = TimeDelta::minutes(2);
/// How often users and teams are read.
const PEOPLE_EVERY: TimeDelta = TimeDelta::minutes(30);
/// What a start does at its end.
const CHANGES: &str = "reading what has changed meanwhile";

impl Gorgias {
    /// What is new; in every other poll a part of the history instead, so that the news never wait for it.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let read_at = self.state.reading.as_ref().map_or(Timestamp::MIN, |reading| reading.read_at);
        if self.state.read_at != Timestamp::MIN && ask.now - read_at.max(self.state.read_at) > LONG_PAUSE {
            self.state.told_to = Some(self.state.mark);
            self.open_again(ask.at());
            return Ok(Step::part("reading open tickets", 0.0));
        }
        if std::mem::take(&mut self.state.is_past_next) {
            return self.history(ask).await;
        }
        let is_waiting = self.has_due(ask.now);
        // What is to be read one by one is not put off by news without end.
        let has_begun = self.state.reading.is_some() || (self.state.is_behind && !is_waiting);
        if has_begun || !is_waiting || ask.now - self.state.asked_at >= NEWS_EVERY {
            if !self.news(ask).await? {
                let is_partial = self.state.is_partial;
                return Ok(if is_partial { Step::part(CHANGES, 1.0) } else { Step::more(self.state.past.progress()) });
            }
            self.one_by_one(ask, SOME).await?;
        } else {
            self.one_by_one(ask, MOST as usize / 2).await?;
        }
        let mut more = self.state.is_behind || self.has_due(ask.now);
        if !more {
            // Where none of them can be read, the start is not at its end.
            let is_short = self.state.due(ask.now).next().is_some();
            self.state.is_partial &= is_short;
            self.sweep(ask).await?;
            self.try_events(ask).await?;
            self.reread_staff(ask).await?;
            more = self.rate(ask).await? || self.has_due(ask.now);
        }
        self.state.prune();
        let progress = self.state.past.progress();
        if self.state.is_partial {
            let what = match self.state.queue.len() {
                0 => CHANGES.to_owned(),
                count => format!("reading {count} tickets one by one"),
            };
            return Ok(Step { more, ..Step::part(&what, 1.0) });
        }
        self.state.is_past_next = !more && self.is_past_due(ask.now);
        let more = more || self.state.is_past_next;
        Ok(Step { more, partial: false, history: false, progress })
    }

    /// Looks at a hundred active tickets, the next ones each time: deleted ones vanish without a word.
    async fn sweep(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if ask.now - self.state.sweep_at < SWEEP_EVERY || self.state.sides.rests(DELETED, ask.now) {
            return Ok(());
        }
        let active = self.state.active_after(self.state.sweep_after, PER_PAGE);
        // Should one of them be at fault, the others are looked at all the same.
        self.state.sweep_after = active.last().copied().filter(|_| active.len() == PER_PAGE).unwrap_or(0);
        if !active.is_empty() && self.state.sides.may_ask(DELETED, ask.now) {
            let got = ask.tickets(&active).await;
            let Some(looked) = self.state.sides.came(DELETED, got, &mut ask.skips)? else { return Ok(()) };
            for id in active.iter().filter(|id| looked.is_gone(**id)) {
                self.state.vanish(*id, ask.at());
            }
            // What changed without a word in the list of changes; newer changes are told with what happened.
            let late = ask.at() - OVERLAP * 2;
            for ticket in looked.tickets {
                if self.state.remembered.contains(&ticket.id) {
                    // It can be read again.
                    self.state.queue.insert(ticket.id, Some(Box::new(ticket)));
                    continue;
                }
                self.state.look_at(&ticket, late, ask.at());
            }
        }
        self.state.sweep_at = ask.now;
        Ok(())
    }

    /// Whether what happened may be read by now, where it could not at the start: that need not be for good.
    async fn try_events(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let is_due = !self.state.events.is_given && ask.now - self.state.tried_at >= PEOPLE_EVERY;
        if is_due && self.state.sides.may_ask(EVENTS, ask.now) {
            ask.takes_types = true;
            let got = is_given(ask.events(None, None).await.map(drop));
            if let Some(is_given) = self.state.sides.came(EVENTS, got, &mut ask.skips)? {
                (self.state.events.is_given, self.state.tried_at) = (is_given, ask.now);
            }
        }
        Ok(())
    }

    async fn reread_staff(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if ask.now - self.state.teams_at >= PEOPLE_EVERY && self.state.sides.may_ask(TEAMS, ask.now) {
            let got = read_teams(ask).await;
            if let Some(teams) = self.state.sides.came(TEAMS, got, &mut ask.skips)? {
                let staff = Staff { teams, ..Staff::default() };
                self.state.people.take(staff, ask.at(), &mut self.state.outbox);
                self.state.teams_at = ask.now;
            }
        }
        if ask.now - self.state.users_at >= PEOPLE_EVERY && self.state.sides.may_ask(USERS, ask.now) {
            let got = read_users(ask).await;
            if let Some(users) = self.state.sides.came(USERS, got, &mut ask.skips)? {
                let staff = Staff { users, ..Staff::default() };
                self.state.people.take(staff, ask.at(), &mut self.state.outbox);
                self.state.users_at = ask.now;
            }
        }
        Ok(())
    }
}
