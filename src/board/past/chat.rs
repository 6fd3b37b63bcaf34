//! A conversation that the desk of now no longer knows.

use std::sync::Arc;

use crate::board::page::ConversationPage;
use crate::board::timeline::conversation_page;
use crate::desk::SourceIx;
use crate::event::{ConversationId, Timestamp};
use crate::metrics::history::History;
use crate::metrics::live::ConversationRow;

/// The page of a conversation from what was kept; `None` where nothing of it was.
pub(super) fn page(
    history: &History,
    source: SourceIx,
    id: &ConversationId,
    at: Timestamp,
) -> Option<ConversationPage> {
    let desk = history.desk();
    let page = conversation_page(desk, desk.find_conversation(source, id)?)?;
    // The numbers of a loaded past mean nothing on the board.
    let row = ConversationRow { customer_ix: None, team: None, holder: None, ..(*page.row).clone() };
    Some(ConversationPage { row: Arc::new(row), as_of: Some(at), ..page })
}
