//! What is shown or selected: the chat, its link, its customer, the agent of a row.

use std::sync::Arc;

use super::view::{Pane, ViewState};
use super::windows::fresh_wait;
use crate::board::{BoardSnapshot, Query};
use crate::desk::{ConversationIx, SourceIx};
use crate::event::{AgentId, ConversationId, CustomerId};
use crate::metrics::live::ConversationRow;

/// The chat that is shown or selected.
pub(super) struct Selected {
    /// Where a browser shows it.
    pub url: Option<Arc<str>>,
    /// Whose it is.
    pub customer: Option<(SourceIx, CustomerId)>,
}

impl Selected {
    fn of(row: &ConversationRow) -> Self {
        let customer = row.customer.as_ref().map(|customer| (customer.source, customer.id.clone()));
        Self { url: row.url.clone(), customer }
    }
}

/// What a row of a page leads to.
pub(super) enum InPage {
    /// A chat of the board.
    Live(ConversationIx),
    /// A chat by its name.
    Kept(SourceIx, ConversationId),
    /// An agent by its name.
    Agent(SourceIx, AgentId),
}

/// What the selected row of a page leads to; on a list nobody touched, the first where that is wanted.
pub(super) fn in_page(view: &ViewState, pane: Pane, or_first: bool) -> Option<InPage> {
    let drill = view.drills.last()?;
    if pane == Pane::Open {
        let rows = drill.open_rows();
        let ix = rows.resolve(&drill.open, |_| None).or_else(|| rows.first().filter(|_| or_first))?;
        return Some(InPage::Live(ix));
    }
    if pane == Pane::Timeline {
        let page = drill.conversation()?;
        return page.holder.as_ref().map(|holder| InPage::Agent(page.row.source, holder.id.clone()));
    }
    let rows = drill.rows(pane);
    let row = rows.resolve(drill.cursor(pane), |_| None).or_else(|| rows.first().filter(|_| or_first))?;
    let of_agent = || drill.agent_past().map(|past| past.source);
    let of_customer = || drill.customer().map(|page| page.customer.source);
    match (pane, &drill.query) {
        (Pane::Activity, _) => drill.activity(row).map(|item| InPage::Live(item.conversation)),
        (Pane::Chats, Query::Agent(_)) => Some(InPage::Kept(of_agent()?, drill.ended(row)?.id.clone())),
        (Pane::Chats, _) => Some(InPage::Kept(of_customer()?, drill.chat(row)?.id.clone())),
        (Pane::Answers, _) => Some(InPage::Kept(of_customer()?, drill.answer(row)?.id.clone())),
        (Pane::Dealt, _) => Some(InPage::Agent(of_customer()?, drill.dealt(row)?.id.clone())),
        _ => None,
    }
}

/// The chat that is shown, or the one that is selected.
pub(super) fn selected(view: &ViewState, snapshot: &BoardSnapshot) -> Option<Selected> {
    let Some(drill) = view.drills.last() else {
        let key = view.lists.unanswered(snapshot).resolve(&view.unanswered, |key| fresh_wait(snapshot, key))?;
        let is_there = view.pane() == Pane::Unanswered;
        return snapshot.live.waiting.get(&key).filter(|_| is_there).map(|row| Selected::of(row));
    };
    if let Some(page) = drill.conversation() {
        return Some(Selected::of(&page.row));
    }
    let row = drill.rows(drill.pane).resolve(drill.cursor(drill.pane), |_| None);
    match (drill.pane, &drill.page) {
        (Pane::Open | Pane::Activity, Some(crate::board::Page::Agent(page))) => {
            let Some(InPage::Live(ix)) = in_page(view, drill.pane, false) else { return None };
            page.open.iter().find(|row| row.ix == ix).map(|row| Selected::of(row))
        }
        (Pane::Chats, Some(_)) => drill.ended(row?).map(|chat| Selected {
            url: chat.url.clone(),
            customer: chat.customer.as_ref().map(|customer| (customer.source, customer.id.clone())),
        }),
        (Pane::Chats, None) => {
            let customer = drill.customer().map(|page| (page.customer.source, page.customer.id.clone()));
            drill.chat(row?).map(|chat| Selected { url: chat.url.clone(), customer })
        }
        _ => None,
    }
}
