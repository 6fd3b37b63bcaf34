//! The export of all tickets' events, which an admin's key may read: complete, but a minute late, and with a limit of
//! its own that all exports of the account share.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Zendesk;
use super::ask::{Ask, place};
use super::audit::Audit;
use super::wire::Page;
use crate::event::Timestamp;
use crate::source::SourceError;

const PATH: &str = "/incremental/ticket_events";
/// How often the export is asked for what is new: what is there then is a minute old anyway.
const EVERY: TimeDelta = TimeDelta::seconds(60);
/// Events of the last minute are left out, and a start within it is refused; a little more, as their clock is not told
/// to the moment.
const HOLE: TimeDelta = TimeDelta::seconds(65);
/// Exports a minute: half of what an account has for all its programs, for what is new and for the history.
pub(super) const LIVE: usize = 5;
pub(super) const HISTORY: usize = 4;

/// A page of the export.
pub(super) struct Exported {
    pub audits: Vec<Audit>,
    pub end_time: Option<i64>,
    pub is_end: bool,
}

impl Zendesk {
    /// Whether the exports may be asked for now.
    pub(super) fn may_export(&mut self, most: usize, ask: &Ask) -> bool {
        self.state.export.is_open(ask.now) && self.state.bucket.allows(most, ask.now)
    }

    /// A page of events since a second. Nothing where the key may not read them, or not now: then the rest goes on.
    pub(super) async fn exported(&mut self, ask: &mut Ask, since: i64) -> Result<Option<Exported>, SourceError> {
        let since = allowed(since, ask.there()).to_string();
        self.state.bucket.send(ask.now);
        let page = ask.export(PATH, &[("start_time", &since), ("include", "comment_events")]).await;
        match page.and_then(|page| read(ask, page)) {
            Ok(exported) => {
                self.state.export.given();
                Ok(Some(exported))
            }
            Err(error) => {
                if let Some(error) = self.state.export.failed(error, ask.now)? {
                    ask.skips.note(place(PATH), ".", &error.to_string());
                }
                Ok(None)
            }
        }
    }

    /// What the export has new; whether there is more.
    pub(super) async fn export_page(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        if ask.now < self.state.export_at || !self.may_export(LIVE, ask) || ask.enough.is_come() {
            return Ok(false);
        }
        let Some(exported) = self.exported(ask, self.state.position).await? else { return Ok(false) };
        let mut strangers = BTreeSet::new();
        for audit in &exported.audits {
            if let Some(known) = self.state.tickets.get(&audit.ticket) {
                self.state.unknown_authors(known.requester, std::slice::from_ref(audit), &mut strangers);
            }
        }
        if !self.look_up(ask, strangers).await? {
            self.state.export_at = ask.now + EVERY;
            return Ok(false);
        }
        self.state.exported(&exported.audits, &self.site, ask);
        let moved = exported.end_time.is_some_and(|end_time| end_time > self.state.position);
        self.state.position = exported.end_time.unwrap_or(0).max(self.state.position);
        self.state.caught_up();
        let more = !exported.is_end && moved;
        self.state.export_at = if more { ask.now } else { ask.now + EVERY };
        Ok(more)
    }
}

/// The second to ask from: the export refuses one within the minute that it leaves out.
fn allowed(since: i64, there: Timestamp) -> i64 {
    since.min((there - HOLE).millis().div_euclid(1000))
}

/// Each update once, by its time: a page may repeat the last second of the one before.
fn read(ask: &mut Ask, mut page: Page) -> Result<Exported, SourceError> {
    let items = page.take("ticket_events").ok_or_else(|| SourceError::Schema {
        place: place(PATH),
        path: "ticket_events".into(),
        what: "a list is missing there".into(),
    })?;
    let mut audits = ask.read_audits(PATH, "ticket_events", &items);
    audits.sort_by_key(|audit| (audit.at, audit.id));
    audits.dedup_by_key(|audit| audit.id);
    Ok(Exported { audits, end_time: page.end_time(), is_end: page.is_end() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_more_than_a_minute_old() {
        let there = Timestamp::from_millis(1_800_000_000_900);
        for (since, expected) in [(1_800_000_000, 1_799_999_935), (1_799_999_900, 1_799_999_900)] {
            assert_eq!(allowed(since, there), expected);
        }
        assert!(there.millis() / 1000 - allowed(i64::MAX, there) > 60);
    }
}
