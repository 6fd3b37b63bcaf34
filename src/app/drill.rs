//! One step into a row: the page behind it, asked for and kept up to date.

use std::cmp::Reverse;

use super::cursor::{Cursor, Rest, Rows};
use super::derive::ChatSort;
use super::past::PastSlot;
use super::view::Pane;
use crate::board::past::{AgentPast, CustomerAnswer, CustomerPage, Dealt, EndedChat, PastChat, Typical};
use crate::board::{ConversationPage, Page, PastPage, PastQuery, Query, TimelineItem};
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
    /// What was kept of it.
    pub past: PastSlot,
    /// A customer beside all others.
    pub typical: PastSlot,
    /// The chats that an agent holds.
    pub open: Cursor<ConversationIx>,
    /// The other lists; their rows are numbered from the oldest so that new ones do not move them.
    cursors: [Cursor<usize>; LISTS.len()],
    /// The order of the chats of the past.
    pub sort: ChatSort,
    /// Which list of the page has the keys.
    pub pane: Pane,
}

/// The lists of pages whose rows are numbers.
const LISTS: [Pane; 6] = [Pane::Timeline, Pane::Activity, Pane::Chats, Pane::Figures, Pane::Dealt, Pane::Answers];

impl Drill {
    /// A step that has not been answered yet.
    pub fn new(query: Query) -> Self {
        let pane = panes(&query)[0];
        Self {
            query,
            page: None,
            waiting_for: None,
            generation: 0,
            past: PastSlot::default(),
            typical: PastSlot::default(),
            open: Cursor::default(),
            cursors: Default::default(),
            sort: ChatSort::default(),
            pane,
        }
    }

    /// The parts of the page in the order of Tab, also those that the screen has no room for until they have the keys.
    pub fn panes(&self) -> &'static [Pane] {
        panes(&self.query)
    }

    /// Whether it is the page of something, by whatever name that is known.
    pub fn shows(&self, query: &Query) -> bool {
        let is_row = |page: &ConversationPage, query: &Query| match query {
            Query::Conversation(ix) => page.as_of.is_none() && page.row.ix == *ix,
            Query::Named(source, id) => page.row.source == *source && page.row.id == *id,
            _ => false,
        };
        self.query == *query || matches!(&self.page, Some(Page::Conversation(page)) if is_row(page, query))
    }

    /// What the page asks of the past, and where the answer goes.
    pub(super) fn past_shown(&mut self) -> Option<(PastQuery, &mut PastSlot)> {
        match (&self.query, &self.page) {
            (Query::Agent(_), Some(Page::Agent(page))) => {
                Some((PastQuery::Agent(page.agent.source, page.agent.id.clone()), &mut self.past))
            }
            (Query::Customer(source, id), _) => {
                let own = PastQuery::Customer(*source, id.clone());
                // All other customers are much to read: first the one that was asked for.
                let is_next = self.customer().is_some() && !self.past.is_waiting() && !self.past.is_due(&own, false);
                if is_next || self.typical.is_waiting() {
                    return Some((PastQuery::Typical(*source, id.clone()), &mut self.typical));
                }
                Some((own, &mut self.past))
            }
            (Query::Named(source, id), Some(Page::Gone)) => {
                Some((PastQuery::Conversation(*source, id.clone()), &mut self.past))
            }
            (_, Some(Page::Conversation(page))) if !page.is_whole => {
                Some((PastQuery::Conversation(page.row.source, page.row.id.clone()), &mut self.past))
            }
            _ => None,
        }
    }

    /// What an agent did in the last days.
    pub fn agent_past(&self) -> Option<&AgentPast> {
        if let Some(PastPage::Agent(page)) = self.past.page.as_deref() { Some(page) } else { None }
    }

    /// The customer that is shown.
    pub fn customer(&self) -> Option<&CustomerPage> {
        if let Some(PastPage::Customer(page)) = self.past.page.as_deref() { Some(page) } else { None }
    }

    /// The customer beside all others.
    pub fn typical(&self) -> Option<&Typical> {
        if let Some(PastPage::Typical(page)) = self.typical.page.as_deref() { Some(page) } else { None }
    }

    /// The chat that is shown: as the desk knows it, or as it was kept where the desk no longer knows all of it.
    pub fn conversation(&self) -> Option<&ConversationPage> {
        let kept = match self.past.page.as_deref() {
            Some(PastPage::Conversation(page)) => Some(&**page),
            _ => None,
        };
        match &self.page {
            Some(Page::Conversation(page)) if page.is_whole => Some(page),
            Some(Page::Conversation(page)) => Some(kept.unwrap_or(page)),
            _ => kept,
        }
    }

    /// The chats that the agent holds.
    pub fn open_rows(&self) -> Rows<'static, ConversationIx> {
        let Some(Page::Agent(page)) = &self.page else { return Rows::Made(Vec::new()) };
        Rows::Made(page.open.iter().map(|row| row.ix).collect())
    }

    /// The rows of another list in the order they are shown: newest first, but for a chat's timeline.
    pub fn rows(&self, pane: Pane) -> Rows<'static, usize> {
        let newest_first = |listed: usize, all: usize| (all - listed.min(all)..all).rev().collect::<Vec<usize>>();
        Rows::Made(match (pane, &self.page) {
            (Pane::Activity, Some(Page::Agent(page))) => newest_first(page.activity.len(), page.activity.len()),
            (Pane::Timeline, _) => self
                .conversation()
                .map_or_else(Vec::new, |page| (page.earlier..page.earlier + page.timeline.len()).collect()),
            (Pane::Chats, _) => {
                let mut rows = match (self.agent_past(), self.customer()) {
                    (Some(past), _) => newest_first(past.ended.len(), past.ended_total),
                    (_, Some(page)) => newest_first(page.chats.len(), page.totals.chats as usize),
                    _ => Vec::new(),
                };
                match self.sort {
                    ChatSort::Newest => {}
                    ChatSort::Longest => rows.sort_by_cached_key(|row| Reverse(self.length(*row))),
                    ChatSort::Rated => rows.sort_by_cached_key(|row| self.contentment(*row)),
                }
                rows
            }
            (Pane::Figures, _) => {
                let figures = self.agent_past().and_then(|past| past.ranges.first()).map_or(0, |one| one.figures.len());
                (0..figures).collect()
            }
            (Pane::Dealt, _) => (0..self.customer().map_or(0, |page| page.dealt.len())).collect(),
            (Pane::Answers, _) => {
                let answers = self.customer().map_or(0, |page| page.answers.len());
                newest_first(answers, answers)
            }
            _ => Vec::new(),
        })
    }

    /// How long a chat of the past took, in milliseconds.
    fn length(&self, row: usize) -> Option<i64> {
        self.ended(row).map_or_else(|| self.chat(row).and_then(|chat| chat.resolution), |chat| chat.handled)
    }

    /// How content the customer was, from 0 to 1000; more where nothing was said.
    fn contentment(&self, row: usize) -> u64 {
        let answer = self
            .ended(row)
            .map_or_else(|| self.chat(row).and_then(|chat| chat.answer.as_ref()), |chat| chat.answer.as_ref());
        answer.map_or(u64::MAX, |answer| (answer.rating.place() * 1000.0) as u64)
    }

    /// Where another list stands.
    pub fn cursor(&self, pane: Pane) -> &Cursor<usize> {
        &self.cursors[place(pane)]
    }

    pub(super) fn cursor_mut(&mut self, pane: Pane) -> &mut Cursor<usize> {
        &mut self.cursors[place(pane)]
    }

    /// A reply or an ending of an agent's day.
    pub fn activity(&self, row: usize) -> Option<&TimelineItem> {
        let Some(Page::Agent(page)) = &self.page else { return None };
        page.activity.get(page.activity.len().checked_sub(row + 1)?)
    }

    /// An ended chat of an agent.
    pub fn ended(&self, row: usize) -> Option<&EndedChat> {
        let past = self.agent_past()?;
        past.ended.get(past.ended_total.checked_sub(row + 1)?)
    }

    /// A chat of a customer.
    pub fn chat(&self, row: usize) -> Option<&PastChat> {
        let page = self.customer()?;
        page.chats.get((page.totals.chats as usize).checked_sub(row + 1)?)
    }

    /// Who dealt with chats of a customer.
    pub fn dealt(&self, row: usize) -> Option<&Dealt> {
        self.customer()?.dealt.get(row)
    }

    /// A satisfaction answer of a customer.
    pub fn answer(&self, row: usize) -> Option<&CustomerAnswer> {
        let page = self.customer()?;
        page.answers.get(page.answers.len().checked_sub(row + 1)?)
    }
}

/// Which end of a list shows while nothing is selected.
pub(super) const fn rest(pane: Pane) -> Rest {
    if matches!(pane, Pane::Timeline) { Rest::Bottom } else { Rest::Top }
}

fn place(pane: Pane) -> usize {
    LISTS.iter().position(|known| *known == pane).unwrap_or(0)
}

fn panes(query: &Query) -> &'static [Pane] {
    match query {
        Query::Agent(_) => &[Pane::Open, Pane::Chats, Pane::Activity, Pane::Figures, Pane::Spread],
        Query::Conversation(_) | Query::Named(..) => &[Pane::Timeline],
        Query::Customer(..) => &[Pane::Chats, Pane::Typical, Pane::Dealt, Pane::Answers],
    }
}
