//! Reading who is of the team, page by page: where the team is large over several polls.

use serde::de::DeserializeOwned;

use super::ask::{Ask, place};
use super::people::People;
use super::sides::{GROUPS, MEMBERSHIPS, STATUSES};
use super::wire::{CustomStatus, Group, Membership, User};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::http::words::excerpt;

/// Pages of one list; more are no list of agents or groups.
const MAX_PAGES: usize = 500;

/// How far it was read. A poll that is given up loses no more than the page that it waited for.
#[derive(Debug)]
pub(super) struct Reading {
    pub began_at: Timestamp,
    part: Part,
    after: Option<String>,
    /// Pages of this part, and of all.
    pages: usize,
    pub read: usize,
    users: Vec<User>,
    /// Without the groups nothing goes on.
    needs_groups: bool,
    groups: Option<Vec<Group>>,
    memberships: Option<Vec<Membership>>,
    statuses: Vec<CustomStatus>,
    /// What it does without.
    pub failed: Vec<(&'static str, SourceError)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Users,
    Groups,
    Memberships,
    Statuses,
    All,
}

impl Reading {
    pub(super) const fn begin(now: Timestamp, needs_groups: bool) -> Self {
        Self {
            began_at: now,
            part: Part::Users,
            after: None,
            pages: 0,
            read: 0,
            users: Vec::new(),
            needs_groups,
            groups: Some(Vec::new()),
            memberships: Some(Vec::new()),
            statuses: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Reads up to so many pages more, as far as one poll may; whether that was all. Without the groups, where none has to
    /// be found among them, who is in which, and the account's own statuses it goes on.
    pub(super) async fn go_on(&mut self, ask: &mut Ask, most: usize) -> Result<bool, SourceError> {
        for _ in 0..most {
            if self.part == Part::All || ask.enough.is_come() {
                break;
            }
            match self.page(ask).await {
                Ok(()) => {}
                Err(error) if self.goes_on_without() && !error.is_of_all() => self.leave(error),
                Err(error) => {
                    // The place in the list may be good no more.
                    if matches!(error, SourceError::Unsupported { .. }) {
                        *self = Self::begin(self.began_at, self.needs_groups);
                    }
                    return Err(error);
                }
            }
        }
        Ok(self.part == Part::All)
    }

    fn goes_on_without(&self) -> bool {
        match self.part {
            Part::Users | Part::All => false,
            Part::Groups => !self.needs_groups,
            Part::Memberships | Part::Statuses => true,
        }
    }

    /// Leaves out the part that can't be read.
    fn leave(&mut self, error: SourceError) {
        // An account without statuses of its own is as good as any.
        let is_missing = matches!(error, SourceError::Forbidden { .. } | SourceError::Unsupported { .. });
        match self.part {
            Part::Groups => self.groups = None,
            Part::Memberships => self.memberships = None,
            _ => {}
        }
        let what = match self.part {
            Part::Groups => Some(GROUPS),
            Part::Memberships => Some(MEMBERSHIPS),
            _ => Some(STATUSES).filter(|_| !is_missing),
        };
        self.failed.extend(what.map(|what| (what, error)));
        self.next();
    }

    async fn page(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let after = self.after.clone();
        match self.part {
            Part::Users => {
                let roles = [("role[]", "agent"), ("role[]", "admin")];
                let (users, next) = list(ask, "/users", "users", &roles, after.as_deref()).await?;
                self.users.extend::<Vec<User>>(users);
                self.moved(next, "/users")
            }
            Part::Groups => {
                let (groups, next) = list(ask, "/groups", "groups", &[], after.as_deref()).await?;
                self.groups.get_or_insert_default().extend::<Vec<Group>>(groups);
                self.moved(next, "/groups")
            }
            Part::Memberships => {
                let path = "/group_memberships";
                let (memberships, next) = list(ask, path, "group_memberships", &[], after.as_deref()).await?;
                self.memberships.get_or_insert_default().extend::<Vec<Membership>>(memberships);
                self.moved(next, path)
            }
            Part::Statuses => {
                let statuses = ask.list::<CustomStatus>("/custom_statuses", "custom_statuses", &[]).await?;
                self.statuses = statuses.items;
                self.next();
                Ok(())
            }
            Part::All => Ok(()),
        }
    }

    fn moved(&mut self, next: Option<String>, path: &str) -> Result<(), SourceError> {
        (self.pages, self.read) = (self.pages + 1, self.read + 1);
        let is_same = next.is_some() && next == self.after;
        if is_same || self.pages >= MAX_PAGES && next.is_some() {
            *self = Self::begin(self.began_at, self.needs_groups);
            let (place, what) = (place(path), "the pages never end".into());
            let path = "meta.after_cursor".into();
            return Err(SourceError::Schema { place, path, what });
        }
        match next {
            Some(next) => self.after = Some(next),
            None => self.next(),
        }
        Ok(())
    }

    fn next(&mut self) {
        self.part = match self.part {
            Part::Users => Part::Groups,
            Part::Groups => Part::Memberships,
            Part::Memberships => Part::Statuses,
            Part::Statuses | Part::All => Part::All,
        };
        (self.after, self.pages) = (None, 0);
    }

    /// The people as they now are, of whom those were known.
    pub(super) fn take_into(&self, people: &mut People, ask: &mut Ask) {
        if let Some(groups) = &self.groups {
            people.take_groups(groups);
        }
        let memberships = self.memberships.clone().unwrap_or_else(|| people.memberships());
        people.take_staff(&self.users, &memberships);
        for odd in people.take_statuses(&self.statuses) {
            let reason = format!("no category is called `{}`", excerpt(&odd));
            ask.skips.note(place("/custom_statuses"), "status_category", &reason);
        }
    }
}

/// A page of a list, and where the next one begins.
async fn list<T: DeserializeOwned>(
    ask: &mut Ask,
    path: &str,
    key: &str,
    query: &[(&str, &str)],
    after: Option<&str>,
) -> Result<(Vec<T>, Option<String>), SourceError> {
    let mut asked = query.to_vec();
    asked.push(("page[size]", "100"));
    asked.extend(after.map(|after| ("page[after]", after)));
    let page = ask.list(path, key, &asked).await?;
    Ok((page.items, page.after))
}
