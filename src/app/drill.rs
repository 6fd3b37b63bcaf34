//! One step into a row: the page behind it, asked for and kept up to date.

use super::cursor::{Cursor, Rows};
use super::view::Pane;
use crate::board::{Page, Query};
use crate::desk::ConversationIx;

/// One step into a row.
#[derive(Debug, Clone)]
pub struct Drill {
    /// What is shown.
    pub query: Query,
    /// The newest answer; `None` until there is one.
    pub page: Option<Page>,
    /// The number of the question that is out; `None` = none is.
    pub waiting_for: Option<u64>,
    /// Of which picture the newest question was.
    pub generation: u64,
    /// The chats that an agent holds.
    pub open: Cursor<ConversationIx>,
    /// Lines of a timeline, counted from the oldest so that new ones do not move them.
    pub items: Cursor<usize>,
    /// Which list of the page has the keys.
    pub pane: Pane,
}

impl Drill {
    /// A step that has not been answered yet.
    pub fn new(query: Query) -> Self {
        let pane = match query {
            Query::Agent(_) => Pane::Open,
            Query::Conversation(_) => Pane::Timeline,
        };
        Self {
            query,
            page: None,
            waiting_for: None,
            generation: 0,
            open: Cursor::default(),
            items: Cursor::default(),
            pane,
        }
    }

    /// The chats that the agent holds.
    pub fn open_rows(&self) -> Rows<'static, ConversationIx> {
        let Some(Page::Agent(page)) = &self.page else { return Rows::Made(Vec::new()) };
        Rows::Made(page.open.iter().map(|row| row.ix).collect())
    }

    /// The lines of the page's timeline in the order they are shown: an agent's newest first, a chat's oldest first.
    pub fn item_rows(&self) -> Rows<'static, usize> {
        Rows::Made(match &self.page {
            Some(Page::Agent(page)) => (0..page.activity.len()).rev().collect(),
            Some(Page::Conversation(page)) => (page.earlier..page.earlier + page.timeline.len()).collect(),
            _ => Vec::new(),
        })
    }
}
