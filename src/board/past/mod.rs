//! Questions about the past: what they need of what was kept, where it comes from, and what they are answered with.

mod agent;
mod chat;
mod customer;
mod overview;
mod spread;
mod typical;

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;

pub use agent::{AgentPast, AgentRange, Beside, EndedChat, Peers};
pub use customer::{CustomerAnswer, CustomerPage, CustomerTotals, Dealt, PastChat};
pub use overview::{Change, Heat, OverviewFigure, OverviewGroup, OverviewPage};
pub use spread::{EDGES, PARTS, Spread};
pub use typical::{Comparison, Typical, Unit};

use super::page::ConversationPage;
use crate::desk::SourceIx;
use crate::event::{AgentId, ConversationId, CustomerId, Timestamp};
use crate::metrics::calendar::{Measure, instant_at, local, midnight};
use crate::metrics::history::{Grouping, History, Terms};

/// A stretch of time, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// The day a week before, up to the same time of day.
pub fn week_before(now: Timestamp, zone: Tz) -> Span {
    let then = local(zone, now) - TimeDelta::weeks(1);
    let from = midnight(zone, then.date());
    Span { from, to: instant_at(zone, then).max(from) }
}

/// What has to be there to answer a question: the union of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Want {
    /// Every conversation that was active, or about which anything was said, at any time in this stretch, whole up to
    /// its end; and all agents with their states.
    pub span: Option<Span>,
    /// Every conversation of this customer, whole.
    pub customer: Option<(SourceIx, CustomerId)>,
    /// This conversation, whole.
    pub conversation: Option<(SourceIx, ConversationId)>,
}

/// Where the past is kept. Its sources have the same numbers as those of the board.
pub trait Past: Send {
    /// Reads what is wanted, settled; `progress` is told how many of how many events are read. The error is a sentence.
    fn load(&mut self, want: &Want, progress: &mut dyn FnMut(u64, u64)) -> Result<History, String>;

    /// The first instant from which what happened is kept whole: of a conversation that fell quiet before, nothing is
    /// kept. One that did not may have begun long before, when nobody was watching.
    fn begins_at(&mut self) -> Result<Option<Timestamp>, String>;

    /// Whether all that was asked for of the past is there: while it is read, days may lack any part of what happened.
    fn is_told(&mut self) -> Result<bool, String> {
        Ok(true)
    }

    /// Until when all is there that has happened; an error where what goes on now is not told to its end yet, for
    /// figures of a part are wrong figures.
    fn known_until(&mut self, now: Timestamp) -> Result<Timestamp, String> {
        Ok(now)
    }
}

/// What a viewer asks of the past. A loaded past has numbers of its own, so it names things by source and id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PastQuery {
    /// The figures of the last days, today included.
    Overview {
        /// How many days; 1 = today.
        days: u16,
        /// What the table beside them is grouped by.
        by: Option<Grouping>,
    },
    /// What an agent did, beside its team.
    Agent(SourceIx, AgentId),
    /// A customer and all its chats.
    Customer(SourceIx, CustomerId),
    /// A customer beside all others.
    Typical(SourceIx, CustomerId),
    /// A conversation that the desk of now no longer knows whole.
    Conversation(SourceIx, ConversationId),
}

/// The answer to a [`PastQuery`].
#[derive(Debug, Clone)]
pub enum PastPage {
    /// The figures of the last days.
    Overview(Box<OverviewPage>),
    /// What an agent did, beside its team.
    Agent(Box<AgentPast>),
    /// A customer and all its chats.
    Customer(Box<CustomerPage>),
    /// A customer beside all others.
    Typical(Box<Typical>),
    /// A conversation.
    Conversation(Box<ConversationPage>),
    /// Nothing is kept of what was asked about.
    Unknown,
    /// It could not be read, and why.
    Failed(String),
    /// Nothing of the past is kept here, and why.
    Unkept(String),
}

/// How far an answer is.
#[derive(Debug, Clone)]
pub enum PastAnswer {
    /// So much of so much is read.
    Loading(u64, u64),
    /// All of it.
    Page(Arc<PastPage>),
}

/// When a question about the past is asked, and by which rules it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Standpoint<'a> {
    /// The end of everything that is looked at.
    pub now: Timestamp,
    /// Whose days and hours count.
    pub zone: Tz,
    /// What the config adds to the events.
    pub terms: &'a Terms,
    /// The first instant from which what happened is kept whole.
    pub begins_at: Option<Timestamp>,
    /// Whether all of the past is told that was asked for.
    pub is_told: bool,
}

impl PastQuery {
    /// What has to be there to answer it.
    pub fn want(&self, now: Timestamp, zone: Tz) -> Want {
        match self {
            Self::Overview { days, .. } => Want { span: Some(overview::needed(*days, now, zone)), ..Want::default() },
            Self::Agent(..) => Want { span: Some(agent::needed(now, zone)), ..Want::default() },
            Self::Customer(source, id) => Want { customer: Some((*source, id.clone())), ..Want::default() },
            Self::Typical(source, id) => {
                let span = Some(typical::needed(now, zone));
                Want { span, customer: Some((*source, id.clone())), ..Want::default() }
            }
            Self::Conversation(source, id) => Want { conversation: Some((*source, id.clone())), ..Want::default() },
        }
    }

    /// The answer, from what it [wants](Self::want) or more.
    pub fn page(&self, history: &History, from: &Standpoint<'_>) -> PastPage {
        match self {
            Self::Overview { days, by } => PastPage::Overview(Box::new(OverviewPage::new(history, *days, *by, from))),
            Self::Agent(source, id) => found(AgentPast::new(history, *source, id, from), PastPage::Agent),
            Self::Customer(source, id) => found(CustomerPage::new(history, *source, id, from), PastPage::Customer),
            Self::Typical(source, id) => found(Typical::new(history, *source, id, from), PastPage::Typical),
            Self::Conversation(source, id) => found(chat::page(history, *source, id, from.now), PastPage::Conversation),
        }
    }
}

fn found<T>(page: Option<T>, wrap: impl FnOnce(Box<T>) -> PastPage) -> PastPage {
    page.map_or(PastPage::Unknown, |page| wrap(Box::new(page)))
}

impl Standpoint<'_> {
    /// Measures lengths of time in what was loaded, by the calendars.
    fn measure(&self, history: &History) -> Measure {
        let begun_at = history.span().map_or(self.now, |(first, _)| first.min(self.now));
        Measure::new(&self.terms.calendars, history.desk(), begun_at, self.now)
    }
}

impl Want {
    /// Whether what was loaded for this, up to about the same instant, answers another question as well.
    pub fn covers(&self, other: &Self) -> bool {
        let has_span = other.span.is_none_or(|span| self.span.is_some_and(|mine| mine.from <= span.from));
        has_span
            && (other.customer.is_none() || other.customer == self.customer)
            && (other.conversation.is_none() || other.conversation == self.conversation)
    }
}
