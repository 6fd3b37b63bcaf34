//! The fold of one conversation's log into its state (docs/events.md, "Derived state of a conversation").

use std::sync::Arc;

use super::entry::{Entry, Fact, Opening};
use super::index::{AgentIx, CustomerIx, TeamIx};
use crate::event::{Author, Direction, SlaMetric, Status, StatusBy, Timestamp};

/// The first reply of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstResponse {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub agent: AgentIx,
    /// Whose conversation it was then.
    pub team: Option<TeamIx>,
    /// From opened (inbound) or the first customer message (outbound), in milliseconds.
    pub millis: i64,
}

/// A change from active to resolved or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// Whether an agent ended it: said so, or not said and an agent is named or holds it.
    pub by_agent: bool,
    /// Whose ending it is: the named agent's, else the holder's.
    pub agent: Option<AgentIx>,
}

/// A reply that may be the first, who sent it, and whose conversation it was then.
type Reply = (Timestamp, AgentIx, Option<TeamIx>);

/// A conversation as of the last entry folded.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Its `opened` event, or its first event where none came.
    pub started_at: Timestamp,
    /// Whether an `opened` came.
    pub opened: bool,
    /// Who began.
    pub direction: Direction,
    /// Who asks.
    pub customer: Option<CustomerIx>,
    /// By which way.
    pub channel: Option<Arc<str>>,
    /// Whose it is.
    pub team: Option<TeamIx>,
    /// What it is about.
    pub subject: Option<Arc<str>>,
    /// Where a browser shows it.
    pub url: Option<Arc<str>>,
    /// In the vendor's words.
    pub priority: Option<Arc<str>>,
    /// All its tags.
    pub tags: Option<Arc<[Arc<str>]>>,
    /// Where it stands.
    pub status: Status,
    /// It ended by living on in another.
    pub merged: bool,
    /// Who holds it; kept when it ends.
    pub holder: Option<AgentIx>,
    /// The first public customer message after the last reply and the last ending.
    pub waiting_since: Option<Timestamp>,
    /// The first public customer message of all.
    pub first_customer_at: Option<Timestamp>,
    /// The first reply after it was opened.
    reply_to_opened: Option<Reply>,
    /// The first reply after the first customer message.
    reply_to_customer: Option<Reply>,
    /// The last ending.
    pub ending: Option<Ending>,
    /// Satisfaction answers: when, and whether positive.
    pub ratings: Vec<(Timestamp, bool)>,
    /// The earliest due of the targets that nobody has answered, by [`SlaMetric`]; whether a first response is still to
    /// come, the first reply says.
    dues: [Option<Timestamp>; 3],
    /// When the last of all targets that were ever set is due.
    pub last_due: Option<Timestamp>,
    /// The last instant whose `status` event says resolved or closed, as far as it is known.
    said_ended_at: Option<Timestamp>,
    /// The last instant at which a customer's message reopened it.
    pub(super) reopened_by_message_at: Option<Timestamp>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            started_at: Timestamp::MAX,
            opened: false,
            direction: Direction::Inbound,
            customer: None,
            channel: None,
            team: None,
            subject: None,
            url: None,
            priority: None,
            tags: None,
            status: Status::Open,
            merged: false,
            holder: None,
            waiting_since: None,
            first_customer_at: None,
            reply_to_opened: None,
            reply_to_customer: None,
            ending: None,
            ratings: Vec::new(),
            dues: [None; 3],
            last_due: None,
            said_ended_at: None,
            reopened_by_message_at: None,
        }
    }
}

/// What one entry changed, for those who walk a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transition {
    /// It went from active to resolved or closed.
    pub ending: Option<Ending>,
    /// It went from ended to active.
    pub reopened: bool,
    /// A reply ended a wait that began then.
    pub answered_since: Option<Timestamp>,
    /// The holder before, where it changed.
    pub holder_before: Option<Option<AgentIx>>,
}

/// What the fold must know of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// The source claims `assignments`, so a reply makes nobody a holder.
    pub assignments: bool,
}

impl State {
    /// Not resolved, closed or merged.
    pub fn is_active(&self) -> bool {
        !self.merged && !self.status.is_ended()
    }

    /// Active, and a customer waits.
    pub fn is_unanswered(&self) -> bool {
        self.is_active() && self.waiting_since.is_some()
    }

    /// The first reply: of an inbound conversation after it was opened, of an outbound one after its customer wrote.
    pub fn first_response(&self) -> Option<FirstResponse> {
        let (from, (at, agent, team)) = match self.direction {
            Direction::Inbound => (self.started_at, self.reply_to_opened?),
            Direction::Outbound => (self.first_customer_at?, self.reply_to_customer?),
        };
        Some(FirstResponse { at, agent, team, millis: (at - from).num_milliseconds() })
    }

    /// The earliest target that is still to be met.
    pub fn sla_due(&self) -> Option<(SlaMetric, Timestamp)> {
        let metrics = [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution];
        let due = |metric| Some((metric, self.dues[metric as usize]?));
        let is_open = |metric: &SlaMetric| *metric != SlaMetric::FirstResponse || self.first_response().is_none();
        metrics.into_iter().filter(is_open).filter_map(due).min_by_key(|(_, due)| *due)
    }

    /// Folds in `log[i]`, given that everything before it was folded in.
    pub fn step(&mut self, log: &[Entry], i: usize, rules: Rules) -> Transition {
        let at = log[i].at;
        if !self.opened {
            self.started_at = self.started_at.min(at);
        }
        match &log[i].fact {
            Fact::Opened(opening) => self.open(at, opening),
            Fact::Message { from, agent, public: true, .. } => return self.message(log, i, *from, *agent, rules),
            Fact::Assigned { agent, team, .. } => {
                if let Some(team) = team {
                    self.team = *team;
                }
                if let Some(agent) = *agent {
                    return self.hold(agent);
                }
            }
            Fact::Status { status, by, agent } => return self.set_status(at, *status, *by, *agent),
            Fact::Tagged(tags) => self.tags = Some(tags.clone()),
            Fact::Sla(metric, due) => {
                self.set_target(*metric, *due);
                self.last_due = self.last_due.max(Some(*due));
            }
            Fact::Rated(rating) => self.ratings.push((at, rating.is_positive())),
            Fact::Merged(_) => self.merged = true,
            Fact::Message { .. }
            | Fact::Routed(_)
            | Fact::ReturnedToBot(_)
            | Fact::Macro(..)
            | Fact::Nps(_)
            | Fact::Converted(_) => {}
        }
        Transition::default()
    }

    fn open(&mut self, at: Timestamp, opening: &Opening) {
        if !self.opened {
            self.opened = true;
            self.started_at = at;
            self.reply_to_opened = None;
        }
        self.direction = opening.direction.unwrap_or(self.direction);
        let Opening { customer, channel, team, subject, url, tags, priority, direction: _ } = opening;
        replace(&mut self.customer, customer.as_ref());
        replace(&mut self.channel, channel.as_ref());
        replace(&mut self.team, team.as_ref());
        replace(&mut self.subject, subject.as_ref());
        replace(&mut self.url, url.as_ref());
        replace(&mut self.tags, tags.as_ref());
        replace(&mut self.priority, priority.as_ref());
    }

    fn message(&mut self, log: &[Entry], i: usize, from: Author, agent: Option<AgentIx>, rules: Rules) -> Transition {
        let at = log[i].at;
        match (from, agent) {
            (Author::Customer, _) => {
                self.first_customer_at.get_or_insert(at);
                self.waiting_since.get_or_insert(at);
                let reopens = self.status.is_ended() && !self.merged && !self.is_said_ended(at, &log[i + 1..]);
                if reopens {
                    self.status = Status::Open;
                    self.reopened_by_message_at = Some(at);
                }
                Transition { reopened: reopens, ..Transition::default() }
            }
            (Author::Agent, Some(agent)) => self.reply(at, agent, rules),
            (Author::Agent, None) | (Author::Bot, _) => Transition::default(),
        }
    }

    fn reply(&mut self, at: Timestamp, agent: AgentIx, rules: Rules) -> Transition {
        let answered_since = self.waiting_since.take();
        let reply = (at, agent, self.team);
        self.reply_to_opened.get_or_insert(reply);
        if self.first_customer_at.is_some() {
            self.reply_to_customer.get_or_insert(reply);
        }
        self.dues[SlaMetric::NextResponse as usize] = None;
        let takes = !rules.assignments && self.holder.is_none();
        let held = if takes { self.hold(Some(agent)) } else { Transition::default() };
        Transition { answered_since, ..held }
    }

    /// A target does not take the place of another; one for the resolution of what is ended is answered.
    fn set_target(&mut self, metric: SlaMetric, due: Timestamp) {
        if metric != SlaMetric::Resolution || !self.status.is_ended() {
            let earliest = &mut self.dues[metric as usize];
            *earliest = Some(earliest.map_or(due, |known| known.min(due)));
        }
    }

    fn hold(&mut self, agent: Option<AgentIx>) -> Transition {
        let before = std::mem::replace(&mut self.holder, agent);
        Transition { holder_before: (before != agent).then_some(before), ..Transition::default() }
    }

    fn set_status(
        &mut self,
        at: Timestamp,
        status: Status,
        by: Option<StatusBy>,
        agent: Option<AgentIx>,
    ) -> Transition {
        if status.is_ended() {
            self.said_ended_at = Some(at);
        }
        if self.merged {
            return Transition::default();
        }
        let was_ended = std::mem::replace(&mut self.status, status).is_ended();
        if was_ended || !status.is_ended() {
            return Transition { reopened: was_ended && !status.is_ended(), ..Transition::default() };
        }
        let owner = agent.or(self.holder);
        let by_agent = by == Some(StatusBy::Agent) || (by.is_none() && owner.is_some());
        let ending = Ending { at, by_agent, agent: owner };
        self.ending = Some(ending);
        self.waiting_since = None;
        self.dues[SlaMetric::Resolution as usize] = None;
        Transition { ending: Some(ending), ..Transition::default() }
    }

    /// Whether a `status` event of that very instant, before or after, says resolved or closed; the answer yes is
    /// kept, for a crowd of messages would search the same instant again and again.
    fn is_said_ended(&mut self, at: Timestamp, later: &[Entry]) -> bool {
        let says_ended = |entry: &Entry| matches!(&entry.fact, Fact::Status { status, .. } if status.is_ended());
        if self.said_ended_at != Some(at) && later.iter().take_while(|entry| entry.at == at).any(says_ended) {
            self.said_ended_at = Some(at);
        }
        self.said_ended_at == Some(at)
    }
}

fn replace<T: Clone>(slot: &mut Option<T>, said: Option<&T>) {
    if let Some(said) = said {
        *slot = Some(said.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_found_for_one_message_of_a_moment_is_known_to_the_next() {
        let entry = |at: i64, fact| Entry { at: Timestamp::from_millis(at), fact };
        let closed = || Fact::Status { status: Status::Closed, by: None, agent: None };
        let asked = |digest| Fact::Message { from: Author::Customer, agent: None, public: true, digest, text: None };
        let log = [entry(0, closed()), entry(1, asked(1)), entry(1, asked(2)), entry(1, closed())];
        let mut state = State::default();
        state.step(&log, 0, Rules::default());
        state.step(&log, 1, Rules::default());
        let out_of_sight = &log[..3];
        state.step(out_of_sight, 2, Rules::default());
        assert_eq!(state.status, Status::Closed, "the first message found the closing, the second need not look");
    }
}
