//! Keeps the live figures equal to the desk, change by change.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::LiveFigures;
use super::risk::{Deadlines, Risk, RiskAhead, RiskCounts};
use super::rows::{AgentRow, ConversationRow, Target, TeamRow, Totals, WaitKey};
use crate::desk::{AgentIx, Changes, ConversationIx, CustomerIx, Desk, TeamIx};
use crate::event::{PresenceState, Timestamp};
use crate::metrics::thresholds::{Threshold, Thresholds};

/// The live figures and what it takes to keep them up to date.
#[derive(Debug, Default)]
pub struct LiveIndex {
    figures: LiveFigures,
    rows: FxHashMap<ConversationIx, Arc<ConversationRow>>,
    /// How many unanswered conversations each customer has; none are left out.
    waiting_of: FxHashMap<CustomerIx, Vec<ConversationIx>>,
    holdings: Vec<Holding>,
    unassigned: BTreeSet<WaitKey>,
    full: BTreeSet<(Load, AgentIx)>,
    risk: Risk,
    thresholds: Arc<Thresholds>,
}

/// Queue by capacity in millionths, so that it has an order.
type Load = u64;

/// What one agent holds.
#[derive(Debug, Default)]
struct Holding {
    open: FxHashSet<ConversationIx>,
    pending: u32,
    waiting: BTreeSet<WaitKey>,
    /// When each target among them is at risk.
    warnings: BTreeSet<(Timestamp, ConversationIx)>,
    /// When each target among them is missed.
    dues: BTreeSet<(Timestamp, ConversationIx)>,
}

impl Holding {
    /// The nearest deadlines of the targets.
    fn target(&self) -> Option<Target> {
        let (warn_at, due) = (self.warnings.first()?.0, self.dues.first()?.0);
        Some(Target { warn_at, due })
    }
}

impl LiveIndex {
    /// Nothing yet.
    pub fn new(thresholds: Arc<Thresholds>) -> Self {
        Self { thresholds, ..Self::default() }
    }

    /// The figures as of the last refresh; a clone is cheap and never changes.
    pub fn figures(&self) -> &LiveFigures {
        &self.figures
    }

    /// What an agent holds, in no order.
    pub fn held_by(&self, agent: AgentIx) -> impl Iterator<Item = &Arc<ConversationRow>> {
        let open = self.holdings.get(agent.at()).map(|holding| &holding.open);
        open.into_iter().flatten().filter_map(|ix| self.rows.get(ix))
    }

    /// How many waits and targets are past a warning or a limit at `now`.
    pub fn risk(&mut self, now: Timestamp) -> RiskCounts {
        self.risk.at(now)
    }

    /// The deadlines behind the instant that the risk was last asked for.
    pub fn risk_ahead(&self) -> RiskAhead {
        self.risk.ahead()
    }

    /// Takes over what has changed in the desk.
    pub fn refresh(&mut self, desk: &Desk, changes: &Changes, now: Timestamp) {
        for &ix in &changes.teams {
            self.set_team(desk, ix);
        }
        for &ix in &changes.customers {
            self.set_customer(desk, ix);
        }
        let mut agents: FxHashSet<AgentIx> = changes.agents.iter().copied().collect();
        self.holdings.resize_with(desk.agents().len(), Holding::default);
        for &ix in &changes.conversations {
            self.set_conversation(desk, ix, now, &mut agents);
        }
        if !changes.teams.is_empty() && !self.thresholds.by_team.is_empty() {
            self.measure_all(now, &mut agents);
        }
        for ix in agents {
            self.set_agent(desk, ix);
        }
        self.figures.fullest = self.full.last().map(|(_, ix)| *ix);
        self.figures.totals.unassigned_longest_since = self.unassigned.first().map(|key| key.since);
    }

    fn set_team(&mut self, desk: &Desk, ix: TeamIx) {
        let team = desk.team(ix);
        let row = Arc::new(TeamRow { source: team.source, id: team.id.clone(), name: team.name() });
        put(&mut self.figures.teams, ix.at(), row);
    }

    fn set_customer(&mut self, desk: &Desk, ix: CustomerIx) {
        for at in self.waiting_of.get(&ix).into_iter().flatten() {
            let Some(row) = self.rows.get_mut(at) else { continue };
            Arc::make_mut(row).customer = Some(Arc::clone(desk.customer(ix)));
            if let Some(key) = row.wait_key() {
                self.figures.waiting.insert(key, Arc::clone(row));
            }
        }
    }

    fn set_conversation(&mut self, desk: &Desk, ix: ConversationIx, now: Timestamp, agents: &mut FxHashSet<AgentIx>) {
        let new = conversation_row(desk, ix).filter(|_| desk.conversation(ix).is_some_and(|c| c.state().is_active()));
        let old = self.rows.get(&ix).cloned();
        if old.as_deref() == new.as_ref() {
            return;
        }
        let new = new.map(Arc::new);
        self.set_wait(old.as_deref(), new.as_ref());
        self.set_waiting_of(ix, old.as_deref(), new.as_deref());
        self.set_holding(ix, old.as_deref(), new.as_deref(), agents);
        if let Some(row) = &old {
            self.figures.totals.count_conversation(row, -1);
        }
        let target = self.risk.target(ix);
        if let Some(row) = &new {
            self.figures.totals.count_conversation(row, 1);
            self.measure(row, now);
        } else {
            self.risk.set(ix, None, None, self.thresholds.general, now);
        }
        self.set_target(ix, (old.as_deref(), target), new.as_deref(), agents);
        match new {
            Some(row) => self.rows.insert(ix, row),
            None => self.rows.remove(&ix),
        };
    }

    fn set_wait(&mut self, old: Option<&ConversationRow>, new: Option<&Arc<ConversationRow>>) {
        let was = old.and_then(ConversationRow::wait_key);
        let is = new.and_then(|row| Some((row.wait_key()?, row)));
        if let Some(key) = &was {
            if old.is_some_and(|row| row.holder.is_none()) {
                self.unassigned.remove(key);
            }
            if is.as_ref().is_none_or(|(new, _)| new != key) {
                self.figures.waiting.remove(key);
            }
        }
        if let Some((key, row)) = is {
            if row.holder.is_none() {
                self.unassigned.insert(key.clone());
            }
            self.figures.waiting.insert(key, Arc::clone(row));
        }
    }

    /// Keeps who asks in the unanswered, for their names may change.
    fn set_waiting_of(&mut self, ix: ConversationIx, old: Option<&ConversationRow>, new: Option<&ConversationRow>) {
        let customer = |row: &ConversationRow| row.customer_ix.filter(|_| row.waiting_since.is_some());
        let (was, is) = (old.and_then(customer), new.and_then(customer));
        if was == is {
            return;
        }
        if let Some(customer) = is {
            self.waiting_of.entry(customer).or_default().push(ix);
        }
        if let Some(Entry::Occupied(mut waiting)) = was.map(|customer| self.waiting_of.entry(customer)) {
            waiting.get_mut().retain(|other| *other != ix);
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }

    /// Moves a conversation between what agents hold; notes those for whom something is different.
    fn set_holding(
        &mut self,
        ix: ConversationIx,
        old: Option<&ConversationRow>,
        new: Option<&ConversationRow>,
        agents: &mut FxHashSet<AgentIx>,
    ) {
        let place = |row: &ConversationRow| Some((row.holder?, row.status.is_pending(), row.wait_key()));
        let (was, is) = (old.and_then(place), new.and_then(place));
        if was == is {
            return;
        }
        if let Some((agent, pending, key)) = was {
            let holding = &mut self.holdings[agent.at()];
            holding.pending -= u32::from(pending);
            key.map(|key| holding.waiting.remove(&key));
            if is.as_ref().is_none_or(|(holder, ..)| *holder != agent) {
                holding.open.remove(&ix);
            }
            agents.insert(agent);
        }
        if let Some((agent, pending, key)) = is {
            let holding = &mut self.holdings[agent.at()];
            holding.pending += u32::from(pending);
            key.map(|key| holding.waiting.insert(key));
            holding.open.insert(ix);
            agents.insert(agent);
        }
    }

    /// Moves a conversation's target, as it is measured now, between what agents hold; notes those for whom something
    /// is different.
    fn set_target(
        &mut self,
        ix: ConversationIx,
        (old, target): (Option<&ConversationRow>, Option<Deadlines>),
        new: Option<&ConversationRow>,
        agents: &mut FxHashSet<AgentIx>,
    ) {
        let held = |row: Option<&ConversationRow>, target: Option<Deadlines>| Some((row?.holder?, target?));
        let (was, is) = (held(old, target), held(new, self.risk.target(ix)));
        if was == is {
            return;
        }
        if let Some((agent, (warn_at, due))) = was {
            let holding = &mut self.holdings[agent.at()];
            holding.warnings.remove(&(warn_at, ix));
            holding.dues.remove(&(due, ix));
            agents.insert(agent);
        }
        if let Some((agent, (warn_at, due))) = is {
            let holding = &mut self.holdings[agent.at()];
            holding.warnings.insert((warn_at, ix));
            holding.dues.insert((due, ix));
            agents.insert(agent);
        }
    }

    fn measure(&mut self, row: &ConversationRow, now: Timestamp) {
        let threshold = self.threshold(row);
        self.risk.set(row.ix, row.waiting_since, row.sla_due.map(|(_, due)| due), threshold, now);
    }

    fn measure_all(&mut self, now: Timestamp, agents: &mut FxHashSet<AgentIx>) {
        let rows: Vec<_> = self.rows.values().cloned().collect();
        for row in rows {
            let target = self.risk.target(row.ix);
            self.measure(&row, now);
            self.set_target(row.ix, (Some(&row), target), Some(&row), agents);
        }
    }

    fn threshold(&self, row: &ConversationRow) -> Threshold {
        self.figures.threshold(&self.thresholds, row)
    }

    fn set_agent(&mut self, desk: &Desk, ix: AgentIx) {
        let row = Arc::new(agent_row(desk, ix, &self.holdings[ix.at()]));
        let old = self.figures.agents.get(&ix).cloned();
        if old.as_ref() == Some(&row) {
            return;
        }
        if let Some(old) = &old {
            self.figures.totals.count_presence(old, -1);
        }
        self.figures.totals.count_presence(&row, 1);
        let (old_key, key) = (old.as_deref().map(AgentRow::key), row.key());
        if old_key.as_ref() != Some(&key) {
            if let Some(old_key) = old_key {
                self.figures.ranking.remove(&old_key);
            }
            self.figures.ranking.insert(key, ());
        }
        let (old_load, load) = (old.as_deref().and_then(overload), overload(&row));
        if old_load != load {
            old_load.map(|load| self.full.remove(&(load, ix)));
            load.map(|load| self.full.insert((load, ix)));
        }
        self.figures.agents.insert(ix, row);
    }
}

impl Totals {
    fn count_conversation(&mut self, row: &ConversationRow, by: i32) {
        let (waits, free) = (row.waiting_since.is_some(), row.holder.is_none());
        let sums = [
            (&mut self.active, true),
            (&mut self.unanswered, waits),
            (&mut self.unassigned, free),
            (&mut self.unassigned_unanswered, waits && free),
        ];
        for (sum, counts) in sums {
            if counts {
                *sum = sum.saturating_add_signed(by);
            }
        }
    }

    fn count_presence(&mut self, row: &AgentRow, by: i32) {
        let sum = match row.state {
            Some(PresenceState::Online | PresenceState::Busy) => &mut self.online,
            Some(PresenceState::Away) => &mut self.away,
            Some(PresenceState::Offline) => &mut self.offline,
            None if row.active => &mut self.unknown,
            None => return,
        };
        *sum = sum.saturating_add_signed(by);
    }
}

fn put<T: Clone>(list: &mut imbl::Vector<T>, at: usize, row: T) {
    if at < list.len() {
        list.set(at, row);
    } else {
        list.push_back(row);
    }
}

/// The load of an agent who is at or over its capacity.
fn overload(row: &AgentRow) -> Option<Load> {
    let capacity = row.capacity.filter(|capacity| row.active && row.open >= (*capacity).max(1))?;
    Some(u64::from(row.open) * 1_000_000 / u64::from(capacity.max(1)))
}

/// The row of a conversation, active or ended.
pub fn conversation_row(desk: &Desk, ix: ConversationIx) -> Option<ConversationRow> {
    let conversation = desk.conversation(ix)?;
    let state = conversation.state();
    Some(ConversationRow {
        ix,
        source: conversation.source,
        id: conversation.id.clone(),
        customer_ix: state.customer,
        customer: state.customer.map(|ix| Arc::clone(desk.customer(ix))),
        channel: state.channel.clone(),
        team: state.team,
        holder: state.holder,
        status: state.status,
        tags: state.tags.clone().unwrap_or_default(),
        subject: state.subject.clone(),
        url: state.url.clone(),
        priority: state.priority.clone(),
        started_at: state.started_at,
        waiting_since: state.waiting_since,
        sla_due: state.sla_due().filter(|_| state.is_active()),
    })
}

fn agent_row(desk: &Desk, ix: AgentIx, holding: &Holding) -> AgentRow {
    let agent = desk.agent(ix);
    let state = desk.state_of(ix);
    AgentRow {
        ix,
        source: agent.source,
        id: agent.id.clone(),
        name: agent.name(),
        teams: agent.teams().clone(),
        capacity: agent.capacity(),
        active: agent.is_active(),
        state: state.map(|(presence, _)| presence.state),
        state_since: state.map(|(_, since)| since),
        reason: state.and_then(|(presence, _)| presence.reason.clone()),
        last_active_at: agent.last_active_at,
        open: holding.open.len() as u32,
        unanswered: holding.waiting.len() as u32,
        pending: holding.pending,
        longest: holding.waiting.first().cloned(),
        target: holding.target(),
    }
}
