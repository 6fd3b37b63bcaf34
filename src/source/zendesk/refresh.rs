//! The steady refresh: what changed, who is there, and now and then what no change tells.

use chrono::TimeDelta;

use super::ask::{Ask, Tickets};
use super::sides::{PEOPLE, SWEEP};
use super::start::has_targets;
use super::{Step, Zendesk};
use crate::source::SourceError;

/// How often a hundred open tickets are looked at whether they still are.
const SWEEP_EVERY: TimeDelta = TimeDelta::minutes(2);
/// Tickets that were missing there are asked for by themselves, so many a poll.
const MISSED: usize = 5;
/// How often groups and agents are read, and whether there are targets.
const PEOPLE_EVERY: TimeDelta = TimeDelta::minutes(30);
/// Pages of the team in one poll while all else goes on.
const TEAM_PAGES: usize = 10;

impl Zendesk {
    /// What is new, or in every other poll a page of history, so that the news never wait for it.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if std::mem::take(&mut self.state.is_history_next) {
            return self.history_page(ask).await;
        }
        let mut more = self.news(ask).await?;
        more |= self.export_page(ask).await?;
        self.look_at_presence(ask).await?;
        more |= self.look_at_ratings(ask).await?;
        self.sweep(ask).await?;
        self.reread_people(ask).await?;
        self.reread_policies(ask).await?;
        self.state.hello(ask.there());
        self.state.note_queue(ask.now);
        self.state.prune();
        let told = self.history_progress();
        // Where there is always more, every fourth poll is for history.
        self.state.refreshes = self.state.refreshes.wrapping_add(1);
        let is_turn = !more || self.state.refreshes.is_multiple_of(4);
        self.state.is_history_next = is_turn && self.history_is_due(ask.now);
        Ok(match told {
            None if more => Step::more(None),
            None => Step::done(),
            told if more || self.state.is_history_next => Step::more(told),
            told => Step::wait(told),
        })
    }

    /// The tickets that changed, and as many of their updates as one poll may ask for; whether there are still more.
    async fn news(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let news = self.state.fresh.read(ask).await?;
        self.state.meet(&news.users);
        let there = ask.there();
        let mut changed = Vec::new();
        for ticket in &news.tickets {
            self.state.meet_group(ticket.group_id);
            if !self.is_watched(ticket) {
                self.state.leave(ticket.id, there);
            } else if self.state.is_news(ticket, there) {
                changed.push(ticket.clone());
            }
        }
        for ticket in changed {
            self.state.wanted.want(ticket);
        }
        self.state.fresh.moved(&news);
        self.state.line_up();
        self.look(ask, self.looks()).await?;
        Ok(news.more || self.state.wanted.queue().len() > 0)
    }

    /// Looks at a hundred open tickets: deleted ones vanish without a word.
    async fn sweep(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        self.ask_for_missed(ask, MISSED).await?;
        let is_due = ask.now - self.state.sweep_at >= SWEEP_EVERY && self.state.missed.is_empty();
        if !is_due || ask.enough.is_come() || !self.state.sides.may_ask(SWEEP, ask.now) {
            return Ok(());
        }
        let sweep = self.state.next_sweep();
        let got = if sweep.ids.is_empty() { Ok(Tickets::default()) } else { ask.tickets_by_id(&sweep.ids).await };
        let Some(found) = self.state.sides.came(SWEEP, got, &mut ask.skips)? else { return Ok(()) };
        self.state.meet(&found.users);
        self.state.missed = sweep.ids.iter().copied().filter(|id| !found.ids.contains(id)).collect();
        // What the list of changes has not told, for it knows nothing of changes that leave no update.
        let late = ask.there() - SWEEP_EVERY * 5;
        for ticket in found.items {
            let is_old_news =
                self.state.tickets.get(&ticket.id).is_some_and(|known| ticket.updated_at > known.updated_at);
            if !self.is_watched(&ticket) || ticket.status == "deleted" {
                self.state.leave(ticket.id, ask.there());
            } else if is_old_news && ticket.updated_at < late {
                self.state.wanted.want(ticket);
            } else {
                self.state.see_targets(&ticket);
            }
        }
        (self.state.sweep_after, self.state.sweep_at) = (sweep.after, ask.now);
        self.ask_for_missed(ask, MISSED).await
    }

    async fn reread_people(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if ask.enough.is_come() {
            return Ok(());
        }
        let is_time = ask.now - self.state.people_at >= PEOPLE_EVERY || self.reading.is_some();
        let is_time = self.state.lacks_of_the_team(ask.now) || is_time;
        if !self.state.sides.asks_for(PEOPLE, is_time, ask.now) {
            return Ok(());
        }
        let got = self.reading_people(ask.now).go_on(ask, TEAM_PAGES).await;
        if self.state.sides.came(PEOPLE, got, &mut ask.skips)? != Some(true) {
            return Ok(());
        }
        let Some(reading) = self.reading.take() else { return Ok(()) };
        let before = self.state.people.clone();
        reading.take_into(&mut self.state.people, ask);
        self.state.leave_failed(&reading.failed, ask.now, &mut ask.skips)?;
        self.state.people_at = ask.now;
        if self.state.people.groups != before.groups {
            let lines: Vec<_> = self.state.people.groups.keys().map(|&id| self.state.people.team_line(id)).collect();
            self.state.outbox.extend(lines);
        }
        self.state.staff_changed(&before);
        Ok(())
    }

    async fn reread_policies(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if ask.enough.is_come() {
            return Ok(());
        }
        let is_time = ask.now - self.state.policies_at >= PEOPLE_EVERY;
        if let Some(has_targets) = has_targets(&mut self.state.sides, is_time, ask).await? {
            (self.state.has_targets, self.state.policies_at) = (has_targets, ask.now);
        }
        Ok(())
    }
}
