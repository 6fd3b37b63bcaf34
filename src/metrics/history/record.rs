//! What a report is made from: the desk, and what the stream says that is about no conversation.

use rustc_hash::FxHashSet;

use crate::desk::{Desk, SourceIx};
use crate::event::{ArticleId, CustomerId, Event, EventKind, Timestamp};

/// Everything that happened, whole: nothing is let go.
#[derive(Debug, Default)]
pub struct History {
    pub(super) desk: Desk,
    pub(super) sources: Vec<String>,
    pub(super) votes: FxHashSet<Vote>,
    pub(super) answers: FxHashSet<Answer>,
    first_at: Option<Timestamp>,
}

/// A reader's vote on a help-centre page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Vote {
    pub at: Timestamp,
    pub source: SourceIx,
    pub article: ArticleId,
    pub helpful: bool,
    pub customer: Option<CustomerId>,
}

/// A net-promoter answer that names no conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub at: Timestamp,
    pub source: SourceIx,
    /// The bits of a number, for numbers can't be told apart as keys.
    score: u64,
    pub customer: Option<CustomerId>,
}

impl Answer {
    pub fn score(&self) -> f64 {
        f64::from_bits(self.score)
    }
}

impl History {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing yet; the words of messages will be kept, where they come along.
    pub fn keeping_text() -> Self {
        Self { desk: Desk::new(true), ..Self::default() }
    }

    /// Adds a source and gives its number.
    pub fn add_source(&mut self, name: impl Into<String>) -> SourceIx {
        self.sources.push(name.into());
        self.desk.add_source()
    }

    /// Takes an event in, in whatever order they come. For a range that ends at `to` no event at or after `to` may be
    /// taken: names, segments and teams of agents are those of the last event.
    pub fn take(&mut self, source: SourceIx, event: Event) {
        if let Some(at) = event.at {
            self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
            match &event.kind {
                EventKind::ArticleVote { article, helpful, customer } => {
                    let (article, customer) = (article.clone(), customer.clone());
                    self.votes.insert(Vote { at, source, article, helpful: *helpful, customer });
                }
                EventKind::Nps { customer, conversation: None, score } => {
                    let customer = customer.clone();
                    self.answers.insert(Answer { at, source, score: score.to_bits(), customer });
                }
                _ => {}
            }
        }
        self.desk.apply(source, event);
    }

    /// Puts late events in their places; what is read before may lack them.
    pub fn settle(&mut self) {
        self.desk.settle();
    }

    /// The desk that the events come to.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The names of the sources, by number.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The first instant at which one of its conversations had ended and was spoken of for the last time: a stream that
    /// begins in the middle of things holds nothing of what was over before.
    pub fn whole_from(&self) -> Option<Timestamp> {
        let over = self.desk.conversations().filter(|(_, one)| !one.state().is_active());
        over.map(|(_, one)| one.last_at()).min()
    }

    /// The first and the last instant that an event names.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.first_at.map(|first| (first, self.desk.last_at()))
    }
}
