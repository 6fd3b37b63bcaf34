//! Which rows of each list the screen shows.

use super::cursor::{Cursor, Rest, Rows, Window};
use super::drill::{Drill, rest};
use super::history::HistoryView;
use super::view::{Pane, ViewState};
use crate::board::BoardSnapshot;
use crate::desk::ConversationIx;
use crate::metrics::live::{AgentKey, WaitKey};

/// An agent's place in the list now.
pub(super) fn fresh_agent(snapshot: &BoardSnapshot, key: &AgentKey) -> Option<AgentKey> {
    snapshot.live.agents.get(&key.ix).map(|row| row.key())
}

/// A chat's place in the list now.
pub(super) fn fresh_wait(snapshot: &BoardSnapshot, key: &WaitKey) -> Option<WaitKey> {
    snapshot.live.waiting.contains_key(key).then(|| key.clone())
}

/// The numbers of the sources as rows.
pub(super) fn source_rows(snapshot: &BoardSnapshot) -> Rows<'static, usize> {
    Rows::Made((0..snapshot.sources.len()).collect())
}

fn window<K: Ord + Clone, V>(
    rows: &Rows<'_, K, V>,
    cursor: &Cursor<K>,
    height: usize,
    rest: Rest,
    fresh: impl Fn(&K) -> Option<K>,
) -> Window<K> {
    rows.window(rows.resolve(cursor, fresh).as_ref(), cursor.line, height, rest)
}

impl ViewState {
    /// The agents that fit on so many lines.
    pub fn agents_window(&self, snapshot: &BoardSnapshot, height: usize) -> Window<AgentKey> {
        let rows = self.lists.agents(snapshot);
        window(&rows, &self.agents, height, Rest::Top, |key| fresh_agent(snapshot, key))
    }

    /// The unanswered chats that fit on so many lines.
    pub fn unanswered_window(&self, snapshot: &BoardSnapshot, height: usize) -> Window<WaitKey> {
        let rows = self.lists.unanswered(snapshot);
        window(&rows, &self.unanswered, height, Rest::Top, |key| fresh_wait(snapshot, key))
    }

    /// The sources that fit on so many lines.
    pub fn sources_window(&self, snapshot: &BoardSnapshot, height: usize) -> Window<usize> {
        window(&source_rows(snapshot), &self.sources, height, Rest::Top, |_| None)
    }
}

impl HistoryView {
    /// The figures that fit on so many lines.
    pub fn figures_window(&self, height: usize) -> Window<usize> {
        window(&self.figure_rows(), &self.figures, height, Rest::Top, |_| None)
    }

    /// The groups that fit on so many lines.
    pub fn groups_window(&self, height: usize) -> Window<usize> {
        window(&self.group_rows(), &self.groups, height, Rest::Top, |_| None)
    }
}

impl Drill {
    /// The chats of an agent's page that fit on so many lines.
    pub fn open_window(&self, height: usize) -> Window<ConversationIx> {
        window(&self.open_rows(), &self.open, height, Rest::Top, |_| None)
    }

    /// The rows of another list of the page that fit on so many lines.
    pub fn window(&self, pane: Pane, height: usize) -> Window<usize> {
        window(&self.rows(pane), self.cursor(pane), height, rest(pane), |_| None)
    }
}
