//! Moments: what completed, when, and for whom.

use std::sync::Arc;

use crate::desk::AgentIx;
use crate::event::{SlaMetric, Timestamp};

/// Something that completed at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    /// When it completed.
    pub at: Timestamp,
    /// The agent it belongs to.
    pub agent: Option<AgentIx>,
    /// The routing keyword it belongs to, for what is about routing.
    pub keyword: Option<&'a Arc<str>>,
    /// What it is.
    pub what: What<'a>,
}

/// What completed; lengths of time are in milliseconds, by the calendar.
#[derive(Debug, Clone, Copy)]
pub(super) enum What<'a> {
    /// An inbound conversation was opened.
    New,
    /// One was opened in the range just before.
    NewBefore,
    /// A conversation is active at the end of the range.
    Backlog,
    /// An agent sent a reply in the conversation; once for each agent and conversation.
    Worked,
    /// The first reply.
    FirstResponse(i64),
    /// A reply ended a wait.
    Response(i64),
    /// An agent held it for the first time.
    FirstAssign(i64),
    /// An ending by an agent.
    Closed,
    /// The same, from when its holder received it.
    Handling(i64),
    /// The conversation is ended at the end of the range, and this was its last ending.
    Resolved(Resolution),
    /// Its holder became another agent.
    Reassigned,
    /// A satisfaction answer, and whether it is positive.
    Rated(bool),
    /// An answer from 0 to 10.
    Nps(f64),
    /// The bot placed it.
    Routed,
    /// An ending by an agent of a conversation that the bot had placed.
    RoutedHandled,
    /// An agent gave it back to the bot.
    Redirected,
    /// The same, and how long it took.
    Reroute(i64),
    /// A macro was used.
    Macro(&'a Arc<str>),
    /// A target was met, or missed.
    Sla(SlaMetric, bool),
    /// The customer bought; the first time in the range, and for how much.
    Converted { first: bool, amount: Option<f64>, currency: Option<&'a Arc<str>> },
}

/// What an ending came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolution {
    /// From opened to the ending.
    pub millis: i64,
    /// From the first to the last message.
    pub interaction: Option<i64>,
    /// Replies up to it.
    pub replies: u64,
    /// Whether it was neither reopened nor reassigned; of those that a person dealt with.
    pub first_contact: Option<bool>,
    /// Whether it had been reopened.
    pub reopened: bool,
    /// Whether nobody dealt with it; of those that a customer began.
    pub abandoned: Option<bool>,
    /// Whether a bot did it all.
    pub automated: bool,
}
