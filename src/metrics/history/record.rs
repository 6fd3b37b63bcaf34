//! What a report is made from: the desk, and what the stream says that is about no conversation.

use std::io;

use rustc_hash::FxHashSet;

use crate::desk::{Desk, SourceIx};
use crate::event::{ArticleId, CustomerId, Event, EventKind, Opened, Timestamp};

/// Everything that happened, whole: nothing is let go.
#[derive(Debug, Default)]
pub struct History {
    pub(super) desk: Desk,
    pub(super) sources: Vec<String>,
    pub(super) votes: FxHashSet<Vote>,
    pub(super) answers: FxHashSet<Answer>,
    /// When customers opened conversations of which nothing else is told, for they were over before the range.
    pub(super) openings: Vec<(SourceIx, Timestamp)>,
    first_at: Option<Timestamp>,
    is_lean: bool,
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

    /// Nothing yet; what only groups and filters by customer, channel, segment and tag ask for will be left out.
    pub fn lean() -> Self {
        Self { is_lean: true, ..Self::default() }
    }

    /// Adds a source and gives its number.
    pub fn add_source(&mut self, name: impl Into<String>) -> SourceIx {
        self.sources.push(name.into());
        self.desk.add_source()
    }

    /// Takes an event in, in whatever order they come. For a range that ends at `to` no event at or after `to` may be
    /// taken: names, segments and teams of agents are those of the last event.
    pub fn take(&mut self, source: SourceIx, event: Event) {
        if let Some(event) = self.note(source, event) {
            self.desk.apply(source, event);
        }
    }

    /// Takes in everything that `feed` hands out, as [`History::take`] does, on another core besides. Only for a history
    /// that has taken nothing yet.
    pub fn load<R>(&mut self, feed: impl FnOnce(&mut dyn FnMut(SourceIx, Event)) -> R) -> io::Result<R> {
        let mut desk = std::mem::take(&mut self.desk);
        let fed = desk.load(|loading| {
            feed(&mut |source, event| {
                if let Some(event) = self.note(source, event) {
                    loading.apply(source, event);
                }
            })
        });
        self.desk = desk;
        fed
    }

    /// Keeps what is about no conversation, and gives what the desk is to be told.
    fn note(&mut self, source: SourceIx, mut event: Event) -> Option<Event> {
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
        match &mut event.kind {
            EventKind::Customer { .. } if self.is_lean => return None,
            EventKind::Opened(opened) if self.is_lean => {
                let (conversation, team) = (opened.conversation.clone(), opened.team.take());
                **opened = Opened { team, direction: opened.direction, ..Opened::new(conversation) };
            }
            _ => {}
        }
        Some(event)
    }

    /// Counts a conversation that its customer opened among those new before a range, without its events: it was over
    /// before the range, so nothing else of it counts in a report without a filter by what a conversation has.
    pub fn pass_over(&mut self, source: SourceIx, opened_at: Timestamp) {
        self.openings.push((source, opened_at));
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
