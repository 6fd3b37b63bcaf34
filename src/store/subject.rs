//! What an event is about, and what it says of how long that goes on.

use crate::event::{AgentId, Author, Direction, Event, EventKind, Timestamp};

/// A kind of thing that events are about, in the order in which a desk is best told of them. Files hold the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SubjectKind {
    /// What a source says of itself.
    Source = 0,
    /// A team.
    Team = 1,
    /// An agent: who it is.
    Agent = 2,
    /// A customer.
    Customer = 3,
    /// An agent's states.
    Presence = 4,
    /// A conversation.
    Conversation = 5,
    /// A help-centre page.
    Article = 6,
    /// What is about no conversation and nobody.
    Loose = 7,
}

impl SubjectKind {
    /// Of such a subject the last thing that was said counts, whatever was said before: a repeat counts as said again.
    pub(super) const fn is_said(self) -> bool {
        matches!(self, Self::Source | Self::Team | Self::Agent | Self::Customer)
    }
}

/// What an event is about; `None` where it only says that time has passed.
pub(super) fn subject(event: &EventKind) -> Option<(SubjectKind, &str)> {
    Some(match event {
        EventKind::Hello { .. } => (SubjectKind::Source, ""),
        EventKind::Team { id, .. } => (SubjectKind::Team, id.as_str()),
        EventKind::Agent(agent) => (SubjectKind::Agent, agent.id.as_str()),
        EventKind::Customer { id, .. } => (SubjectKind::Customer, id.as_str()),
        EventKind::Presence { agent, .. } => (SubjectKind::Presence, agent.as_str()),
        EventKind::ArticleVote { article, .. } => (SubjectKind::Article, article.as_str()),
        EventKind::Nps { conversation: None, .. } => (SubjectKind::Loose, ""),
        EventKind::Clock {} => return None,
        _ => (SubjectKind::Conversation, event.conversation()?.as_str()),
    })
}

/// The agents that an event names besides its subject: they exist from then on, introduced or not.
pub(super) fn agents(event: &EventKind) -> [Option<&AgentId>; 2] {
    match event {
        EventKind::Presence { agent, .. } | EventKind::ReturnedToBot { agent, .. } => [Some(agent), None],
        EventKind::Message(message) => [message.agent.as_ref(), None],
        EventKind::Assigned(to) => {
            let by = to.by.as_ref().filter(|by| by.as_str() != "bot");
            [to.agent.as_ref().and_then(Option::as_ref), by]
        }
        EventKind::Status { agent, .. } | EventKind::Macro { agent, .. } => [agent.as_ref(), None],
        _ => [None, None],
    }
}

/// How long a subject goes on, as far as the events say that were kept; the same in whatever order they came.
///
/// It may take an ended conversation for an active one, never the reverse: what is quiet may be passed over by a
/// report on a later time, and let go when it is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// Its last dated event.
    pub last_at: Timestamp,
    /// The last event that ends a conversation; a merged one stays ended.
    pub ended_at: Timestamp,
    /// The last event that makes a conversation active.
    pub stirred_at: Timestamp,
    /// The last target that falls due.
    pub due_at: Timestamp,
    /// When it was opened, where that was told.
    pub opened_at: Option<Timestamp>,
    /// Who began it, and when that was said last.
    pub begun_by: Option<(Timestamp, Direction)>,
}

impl Life {
    pub(super) const NONE: Self = Self {
        last_at: Timestamp::MIN,
        ended_at: Timestamp::MIN,
        stirred_at: Timestamp::MIN,
        due_at: Timestamp::MIN,
        opened_at: None,
        begun_by: None,
    };

    pub(super) fn note(&mut self, event: &Event) {
        let at = event.at.unwrap_or(Timestamp::MIN);
        self.last_at = self.last_at.max(at);
        match &event.kind {
            EventKind::Status { status, .. } if status.is_ended() => self.ended_at = self.ended_at.max(at),
            EventKind::Status { .. } => self.stirred_at = self.stirred_at.max(at),
            EventKind::Message(said) if said.from == Author::Customer && said.public.unwrap_or(true) => {
                self.stirred_at = self.stirred_at.max(at);
            }
            EventKind::Merged { .. } => self.ended_at = Timestamp::MAX,
            EventKind::Sla { due, .. } => self.due_at = self.due_at.max(*due),
            EventKind::Opened(opened) => {
                self.opened_at = Some(self.opened_at.map_or(at, |known| known.min(at)));
                self.begun_by = later(self.begun_by, opened.direction.map(|direction| (at, direction)));
            }
            _ => {}
        }
    }

    /// With what was appended to it.
    pub(super) fn and(self, appended: Self) -> Self {
        Self {
            last_at: self.last_at.max(appended.last_at),
            ended_at: self.ended_at.max(appended.ended_at),
            stirred_at: self.stirred_at.max(appended.stirred_at),
            due_at: self.due_at.max(appended.due_at),
            opened_at: [self.opened_at, appended.opened_at].into_iter().flatten().min(),
            begun_by: later(self.begun_by, appended.begun_by),
        }
    }

    /// When it was opened by its customer; nothing where it was not.
    pub(super) fn asked_at(&self) -> Option<Timestamp> {
        let is_inbound = self.begun_by.is_none_or(|(_, direction)| direction == Direction::Inbound);
        self.opened_at.filter(|_| is_inbound)
    }

    /// The last instant at which anything about a conversation can complete; [`Timestamp::MAX`] while it may be active.
    pub(super) fn quiet_at(&self, kind: SubjectKind) -> Timestamp {
        if kind != SubjectKind::Conversation || self.ended_at > self.stirred_at {
            self.last_at.max(self.due_at)
        } else {
            Timestamp::MAX
        }
    }
}

/// The later of two things that were said; of one instant, the one that came last.
pub(super) fn later<T>(known: Option<(Timestamp, T)>, said: Option<(Timestamp, T)>) -> Option<(Timestamp, T)> {
    match (known, said) {
        (Some(known), Some(said)) if known.0 > said.0 => Some(known),
        (known, said) => said.or(known),
    }
}
