//! What the source remembers between two polls. Changed only by functions that do not wait, so a poll that is dropped
//! leaves it whole; events wait in `outbox` until a poll hands them over.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use compact_str::CompactString;

use super::access::{Access, Bucket};
use super::ask::{Ask, place};
use super::attendance::Attendance;
use super::audit::{Audit, Step};
use super::feed::Fresh;
use super::late::Late;
use super::mark::Mark;
use super::past::Past;
use super::people::{People, agent, customer_line};
use super::ratings::Sort;
use super::story::{Placed, RULE, Standing, Teller};
use super::targets::Targets;
use super::wire::{Ticket, User};
use crate::event::{AgentId, Capability, Event, EventKind, Status, Timestamp};
use crate::source::http::words::excerpt;
use crate::source::lenient::Id;
use crate::source::running::AHEAD;
use crate::source::sides::Sides;
use crate::source::sight::Sight;
use crate::source::wanted::Wanted;

/// Ended tickets that are remembered, so that a change of one costs no more than that of an open one.
const MAX_ENDED: usize = 20_000;
/// Customers who are remembered as told.
const MAX_CUSTOMERS: usize = 200_000;
/// A ticket that changed so shortly before it was read may change again in that same second.
const SAME_SECOND: TimeDelta = TimeDelta::seconds(2);
/// No update is older.
const BEFORE_ALL: (Timestamp, Id) = (Timestamp::MIN, 0);

/// Where the source is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Nothing was read yet.
    #[default]
    Cold,
    /// Who is there is read.
    Beside,
    /// Open tickets are listed, page by page.
    Open { after: Option<String>, read: usize },
    /// What was open by what was told in an earlier run is looked for.
    Recall,
    /// The updates of tickets on which somebody may wait are read, of so many in all.
    Stories { total: usize },
    /// Changes are followed.
    Steady,
}

/// A ticket, as far as its next update needs it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub requester: Option<Id>,
    pub standing: Standing,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// It was read in the very second of that change, and is read again from then on: it may have changed once more.
    pub again_at: Option<Timestamp>,
    /// The last update that was told; 0 where only its record was.
    pub last: Id,
    /// When the last of what was told happened.
    pub last_at: Timestamp,
    /// Where only its record was told: the update up to which that speaks, or the export has told since, by time and
    /// number. Before all others where nothing was told in this run.
    pub record_to: (Timestamp, Id),
    pub ended: bool,
    pub targets: Targets,
    /// Its record, where a target runs and it was only recognised.
    pub recognised: Option<Box<Ticket>>,
}

/// What the source remembers between two polls.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub people: People,
    pub people_at: Timestamp,
    /// Groups of tickets that were in no list of groups.
    strange_groups: HashSet<Id>,
    pub fresh: Fresh,
    /// Tickets to be read whole or further.
    pub wanted: Wanted<Ticket>,
    /// Since when each of them waits to be read, but for those that are left alone.
    queued_at: HashMap<Id, Timestamp>,
    /// Those that an earlier run has not read.
    pub unread: BTreeSet<Id>,
    /// Those that were read, but not who wrote there.
    pub nameless: Vec<(Ticket, Vec<Audit>)>,
    /// Since when nobody says who wrote there.
    pub nameless_since: Option<Timestamp>,
    /// What the rest goes on without, where it alone fails.
    pub sides: Sides,
    /// A ticket that could be read, and how often one was asked for that was not wanted.
    pub readable: Option<Id>,
    pub asked_for: usize,
    pub tickets: HashMap<Id, Known>,
    pub outbox: Vec<Event>,
    pub bucket: Bucket,
    pub export: Access,
    /// Where the export of events goes on, in seconds since 1970, and when it is asked next.
    pub position: i64,
    pub export_at: Timestamp,
    pub presence: Access,
    pub presence_at: Timestamp,
    /// A reading of who is there that is under way.
    pub attendance: Option<Attendance>,
    pub sight: Sight,
    /// Those with a state who were missing at the last look.
    absent: HashSet<AgentId>,
    pub ratings: Access,
    pub ratings_sort: Option<Sort>,
    pub ratings_at: Timestamp,
    /// When the list of before is asked for again while none has an answer.
    pub legacy_at: Timestamp,
    pub ratings_walk: Option<super::surveys::Walk>,
    pub rated_to: Timestamp,
    pub late: Late,
    pub rated: HashSet<CompactString>,
    /// Answers about tickets that are not told yet.
    pub rated_of: BTreeMap<Id, Vec<Event>>,
    pub has_targets: bool,
    /// When it was last found out whether there are any.
    pub policies_at: Timestamp,
    /// Targets that are due up to then were told.
    pub targets_to: Timestamp,
    pub sweep_after: Id,
    pub sweep_at: Timestamp,
    /// Those that an answer lacked: whether they are gone their own requests say.
    pub missed: BTreeSet<Id>,
    pub past: Past,
    /// What the history has told of tickets so far that had not ended by then.
    pub held: BTreeMap<Id, Vec<Audit>>,
    /// Ended tickets of the history whose beginning the export did not tell.
    pub headless: BTreeSet<Id>,
    pub is_history_next: bool,
    pub refreshes: u32,
    /// Tickets that were open by what was told before this start.
    pub remembered: BTreeSet<Id>,
    /// Tickets that left, and were therefore ended here.
    pub left: HashSet<Id>,
    pub settled: bool,
    pub begun_at: Timestamp,
    agents: HashSet<AgentId>,
    customers: HashSet<Id>,
}

impl State {
    /// Knows nothing any more but what it was told before the first poll.
    pub(super) fn forget(&mut self) {
        *self = Self { remembered: std::mem::take(&mut self.remembered), ..Self::default() };
    }

    pub(super) fn mark(&self) -> Mark {
        // Answers that wait for their ticket are not told yet.
        let nameless = self.nameless.iter().map(|(ticket, _)| ticket.id);
        // Before all was told once, a start anew reads all.
        let wanted = self.wanted.all().map(|ticket| ticket.id).chain(nameless).filter(|_| self.settled);
        let unread: BTreeSet<Id> = wanted.chain(self.unread.iter().copied()).collect();
        let waiting = self.rated_of.values().flatten().filter_map(|event| event.at).min();
        Mark {
            settled: self.settled,
            watermark: self.fresh.watermark,
            position: self.position,
            rated_to: waiting.map_or(self.rated_to, |at| at.min(self.rated_to)),
            late_to: Some(waiting.map_or(self.late.told_to, |at| at.min(self.late.told_to))),
            targets_to: self.targets_to,
            left: self.left.iter().copied().collect(),
            unread: unread.into_iter().collect(),
            past: self.past.clone(),
        }
    }

    /// What can be told with this key, as far as that was found out, whether or not anything of it is known now.
    pub(super) fn capabilities(&self) -> Vec<Capability> {
        let mut can = vec![Capability::Messages, Capability::Assignments, Capability::Statuses, Capability::Macros];
        let found = [
            (self.presence.is_given(), Capability::Presence),
            (self.ratings.is_given(), Capability::Ratings),
            (self.has_targets, Capability::Sla),
        ];
        can.extend(found.into_iter().filter_map(|(is_given, capability)| is_given.then_some(capability)));
        can
    }

    /// Says what can be told, where that was not said or is another now.
    pub(super) fn hello(&mut self, now: Timestamp) {
        let can = self.capabilities();
        self.sight.hello(can, now, &mut self.outbox);
    }

    /// Tickets known to be active.
    pub(super) fn active(&self) -> impl Iterator<Item = Id> {
        self.tickets.iter().filter(|(_, known)| !known.ended).map(|(&id, _)| id)
    }

    /// Whether there is anything to read about a ticket as it now looks. A solved ticket that an automation closes days
    /// later is no news.
    pub(super) fn is_news(&self, ticket: &Ticket, there: Timestamp) -> bool {
        let is_closed = matches!(&*ticket.status, "closed" | "deleted");
        let is_read = |(one, _): &(Ticket, _)| one.id == ticket.id && one.updated_at == ticket.updated_at;
        if self.nameless.iter().any(is_read) {
            return false;
        }
        match self.tickets.get(&ticket.id) {
            Some(known) => {
                let is_again = known.again_at.is_some_and(|at| there >= at) && ticket.updated_at == known.updated_at;
                (ticket.updated_at > known.updated_at || is_again) && !(known.ended && is_closed && known.last > 0)
            }
            None => !is_closed || ticket.created_at > there - TimeDelta::days(1),
        }
    }

    /// A group that nobody has told of makes the team due to be read anew; once, for some the key may not see.
    pub(super) fn meet_group(&mut self, group: Option<Id>) {
        if let Some(group) = group.filter(|group| !self.people.groups.contains_key(group))
            && self.strange_groups.insert(group)
        {
            self.people_at = Timestamp::MIN;
        }
    }

    /// Takes in people who were sent beside tickets; customers are told once.
    pub(super) fn meet(&mut self, users: &[User]) {
        for user in users {
            self.people.take_user(user);
            if self.people.staff.contains_key(&user.id) {
                continue;
            }
            if self.customers.len() >= MAX_CUSTOMERS {
                self.customers.clear();
            }
            if self.customers.insert(user.id) {
                self.outbox.push(customer_line(user));
            }
        }
    }

    /// Those of the authors and requesters who are not known at all.
    pub(super) fn strangers(&self, ticket: &Ticket, audits: &[Audit], into: &mut BTreeSet<Id>) {
        let requester = ticket.requester_id;
        into.extend(requester.filter(|id| !self.customers.contains(id) && !self.people.staff.contains_key(id)));
        self.unknown_authors(requester, audits, into);
    }

    /// Takes those for the team whom updates show to have been of it; who asks on the ticket is a customer there.
    pub(super) fn prove(&mut self, requester: Option<Id>, audits: &[Audit]) {
        for &id in audits.iter().flat_map(|audit| &audit.team).filter(|id| Some(**id) != requester) {
            self.was_of_the_team(id);
        }
    }

    /// The same of a ticket's record: whoever holds it is of the team, too.
    pub(super) fn prove_by(&mut self, ticket: &Ticket, audits: &[Audit]) {
        if let Some(id) = ticket.assignee_id.filter(|_| ticket.assignee_id != ticket.requester_id) {
            self.was_of_the_team(id);
        }
        self.prove(ticket.requester_id, audits);
    }

    fn was_of_the_team(&mut self, id: Id) {
        if self.people.was_of_the_team(id) && self.agents.contains(&agent(id)) {
            let line = self.people.agent_line(id);
            self.outbox.push(line);
        }
    }

    /// Those of the authors and assignees who are not known at all.
    pub(super) fn unknown_authors(&self, requester: Option<Id>, audits: &[Audit], into: &mut BTreeSet<Id>) {
        for audit in audits {
            let authors = audit.steps.iter().filter_map(|step| match step {
                Step::Comment { author, .. } => *author,
                _ => None,
            });
            let team = audit.team.iter().copied();
            into.extend(authors.chain([audit.author]).chain(team).filter(|&id| self.people.is_unknown(id, requester)));
        }
    }

    /// Tells what a ticket's record and its updates say: all of it, or what came after what was told.
    pub(super) fn adopt(&mut self, ticket: &Ticket, audits: &[Audit], site: &str, ask: &mut Ask) {
        self.prove_by(ticket, audits);
        let told = self.tickets.get(&ticket.id).filter(|known| known.last > 0).cloned();
        let mut teller = Teller::new(&self.people, site);
        let standing = match &told {
            None => teller.whole(ticket, audits),
            Some(known) => {
                let mut standing = known.standing;
                for audit in audits.iter().filter(|audit| audit.id > known.last) {
                    teller.audit(audit, ticket.requester_id, &mut standing);
                }
                if audits.last().is_none_or(|last| last.at <= ticket.updated_at) {
                    teller.assert(ticket, &mut standing);
                }
                standing
            }
        };
        let (mut out, odd) = (teller.out, teller.odd);
        skip_odd(&odd, ask);
        let mut targets = self.tickets.get(&ticket.id).map(|known| known.targets).unwrap_or_default();
        if told.is_none() {
            targets.begin();
        }
        set_targets(&mut targets, ticket, &mut out);
        let last = audits.iter().map(|audit| audit.id).max().unwrap_or(0);
        let ended = standing.status.is_some_and(Status::is_ended);
        if self.left.remove(&ticket.id) && !ended {
            gone::come_back(ticket.id, standing, &mut out, ask.there());
        }
        let known = Known {
            requester: ticket.requester_id,
            standing,
            updated_at: ticket.updated_at,
            again_at: again_at(ticket, ask.there()),
            last: last.max(told.as_ref().map_or(0, |known| known.last)),
            last_at: audits
                .iter()
                .map(|audit| audit.at)
                .chain(told.map(|known| known.last_at))
                .fold(ticket.updated_at, Timestamp::max),
            record_to: BEFORE_ALL,
            ended,
            targets,
            recognised: None,
        };
        self.remembered.remove(&ticket.id);
        self.unread.remove(&ticket.id);
        self.tickets.insert(ticket.id, known);
        out.extend(
            self.rated_of
                .remove(&ticket.id)
                .into_iter()
                .flatten()
                .filter_map(|event| Some((event.at?, Id::MAX, event))),
        );
        self.post(out);
    }

    /// Tells the whole story of a ticket that is history, and keeps nothing of it in mind.
    pub(super) fn recount(&mut self, ticket: &Ticket, audits: &[Audit], site: &str, ask: &mut Ask) {
        let mut teller = Teller::new(&self.people, site);
        teller.whole(ticket, audits);
        let (mut out, odd) = (teller.out, teller.odd);
        skip_odd(&odd, ask);
        let mut targets = Targets::default();
        set_targets(&mut targets, ticket, &mut out);
        out.extend(targets.ripe(ticket.id, ask.there() + AHEAD));
        out.extend(
            self.rated_of
                .remove(&ticket.id)
                .into_iter()
                .flatten()
                .filter_map(|event| Some((event.at?, Id::MAX, event))),
        );
        self.post(out);
    }

    /// Forgets the ended tickets once there are many; they are read anew when something happens to them.
    pub(super) fn prune(&mut self) {
        if self.tickets.len() > MAX_ENDED + self.active().count() {
            self.tickets.retain(|_, known| !known.ended);
        }
    }

    /// Lines of everybody of the team.
    pub(super) fn introduce_staff(&mut self) {
        for id in self.people.shown() {
            self.introduce(&agent(id));
        }
    }

    /// Staff came, went or changed: their lines are told again.
    pub(super) fn staff_changed(&mut self, before: &People) {
        let changed: Vec<Id> = self
            .people
            .staff
            .iter()
            .filter(|(id, person)| before.staff.get(id) != Some(person))
            .map(|(&id, _)| id)
            .collect();
        for id in changed {
            if self.agents.contains(&agent(id)) {
                let line = self.people.agent_line(id);
                self.outbox.push(line);
            }
        }
        self.introduce_staff();
    }

    fn introduce(&mut self, agent: &AgentId) {
        if agent.as_str() != RULE && self.agents.insert(agent.clone()) {
            let line = self.people.agent_line(agent.as_str().parse().unwrap_or_default());
            self.outbox.push(line);
        }
    }

    /// Puts events in their true order and introduces the agents that they name.
    fn post(&mut self, mut placed: Vec<Placed>) {
        placed.sort_by_key(|&(at, id, _)| (at, id));
        for (_, _, event) in placed {
            let agents = match &event.kind {
                EventKind::Message(message) => [message.agent.as_ref(), None],
                EventKind::Assigned(to) => [to.agent.as_ref().and_then(Option::as_ref), to.by.as_ref()],
                EventKind::Status { agent, .. } | EventKind::Macro { agent, .. } => [agent.as_ref(), None],
                _ => [None, None],
            };
            for agent in agents.into_iter().flatten() {
                self.introduce(agent);
            }
            self.outbox.push(event);
        }
    }
}

/// When a ticket is read again that changed in the very second in which it was read.
fn again_at(ticket: &Ticket, there: Timestamp) -> Option<Timestamp> {
    (there - ticket.updated_at < SAME_SECOND).then(|| there + SAME_SECOND)
}

/// Adds the targets that are answered to what is told of a ticket, and keeps those that run.
fn set_targets(targets: &mut Targets, ticket: &Ticket, out: &mut Vec<Placed>) {
    out.sort_by_key(|&(at, id, _)| (at, id));
    targets.hear(ticket.id, out, 0);
    targets.see(ticket);
}

/// Names the status words that nobody knows.
fn skip_odd(odd: &[(Id, CompactString)], ask: &mut Ask) {
    for (ticket, word) in odd {
        ask.skips.note(
            format!("{} {ticket}", place("/tickets")),
            "status",
            &format!("no status is called `{}`", excerpt(word)),
        );
    }
}

mod brief;
mod gone;
mod presence;
mod queued;
mod swept;
#[cfg(test)]
mod tests;
