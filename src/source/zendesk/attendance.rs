//! Who is there: the list of agents' states, read some pages a poll, each told as it comes.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::Zendesk;
use super::ask::{Ask, place};
use super::people::agent;
use super::presence::{Availability, availabilities};
use crate::event::{AgentId, Timestamp};
use crate::source::SourceError;
use crate::source::sight::LOST;

const PATH: &str = "/agent_availabilities";
/// How often it is read, where it fits on two pages.
const EVERY: TimeDelta = TimeDelta::seconds(10);
/// Pages of one poll, and of the whole list at most.
const PAGES: usize = 20;
const MAX_PAGES: usize = 100;

/// A reading that goes over several polls.
#[derive(Debug)]
pub(super) struct Attendance {
    /// When it was due, by this machine's clock.
    began_at: Timestamp,
    after: Option<String>,
    pages: usize,
    /// Those who were met, and how many can't be read.
    met: HashSet<AgentId>,
    odd: usize,
}

impl Attendance {
    fn begin(now: Timestamp) -> Self {
        Self { began_at: now, after: None, pages: 0, met: HashSet::new(), odd: 0 }
    }

    /// When the next one begins: the larger the list, the later, and a slow one takes no more than half of the time.
    fn next_at(&self, now: Timestamp) -> Timestamp {
        let pages = self.pages.div_ceil(2).max(1) as i32;
        self.began_at + (EVERY * pages).max((now - self.began_at) * 2)
    }
}

impl Zendesk {
    /// Reads on in the list, as far as one poll may. Where the key may not read it, the rest goes on without.
    pub(super) async fn look_at_presence(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let is_due = self.state.presence.is_open(ask.now) && ask.now >= self.state.presence_at;
        if self.state.attendance.is_none() && is_due {
            self.state.attendance = Some(Attendance::begin(ask.now));
        }
        for _ in 0..PAGES {
            let Some(walk) = &self.state.attendance else { break };
            if ask.enough.is_come() {
                break;
            }
            match attendance_page(ask, walk.after.as_deref()).await {
                Ok(page) => {
                    self.state.presence.given();
                    self.met(page, ask);
                }
                Err(error) => {
                    self.state.attendance = None;
                    self.state.sight.looks();
                    if let Some(error) = self.state.presence.failed(error, ask.now)? {
                        ask.skips.note(place(PATH), ".", &error.to_string());
                    }
                }
            }
        }
        // What was seen before grows old where this takes too long.
        if self.state.attendance.as_ref().is_some_and(|walk| ask.now - walk.began_at >= LOST) {
            self.state.sight.looks();
        }
        Ok(())
    }

    /// Tells what a page shows, and after the last one who is missing.
    fn met(&mut self, page: Found, ask: &mut Ask) {
        let Some(mut walk) = self.state.attendance.take() else { return };
        walk.pages += 1;
        walk.odd += page.odd;
        walk.met.extend(page.states.iter().map(|one| agent(one.agent)));
        self.state.seen(page.states, ask.there());
        if page.next.is_some() && page.next != walk.after && walk.pages < MAX_PAGES {
            walk.after = page.next;
            self.state.attendance = Some(walk);
            return;
        }
        if walk.odd > 0 {
            let what = format!("{} of {} can't be read", walk.odd, walk.met.len() + walk.odd);
            ask.skips.note(place(PATH), "data", &what);
        }
        self.state.presence_at = walk.next_at(ask.now);
        // Where pages never end, or some can't be read, nobody is missing.
        if page.next.is_none() && walk.odd == 0 && !walk.met.is_empty() {
            self.state.met_only(&walk.met, ask.there());
        }
        self.state.sight.looked(ask.there() - (ask.now - walk.began_at));
    }
}

/// What a page of the list shows, how much of it can't be read, and where the next one begins.
struct Found {
    states: Vec<Availability>,
    odd: usize,
    next: Option<String>,
}

async fn attendance_page(ask: &mut Ask, after: Option<&str>) -> Result<Found, SourceError> {
    let mut query = vec![("page[size]", "100")];
    query.extend(after.map(|after| ("page[after]", after)));
    let page = ask.optional(PATH, &query).await?;
    let (states, odd) = availabilities(&page).ok_or_else(|| SourceError::Schema {
        place: place(PATH),
        path: "data".into(),
        what: "a list is missing there".into(),
    })?;
    Ok(Found { states, odd, next: page.linked().or_else(|| page.after()) })
}
