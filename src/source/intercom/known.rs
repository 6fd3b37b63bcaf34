//! What was told of one conversation, and what a look at it shows that was not. Pure.

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use super::ask::{Whole, seconds};
use super::story::{Fold, Telling, Trust};
use super::wire::Conversation;
use crate::event::{Event, Timestamp};

/// What was told of a conversation.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub changed_at: Timestamp,
    /// Of all that its fields say.
    pub print: u64,
    opened: u64,
    tags: u64,
    pub is_rated: bool,
    /// Its last part that was told; nothing where only its fields were.
    last_part: Option<CompactString>,
    pub is_whole: bool,
    pub fold: Fold,
}

impl Known {
    pub(super) fn is_active(&self) -> bool {
        !self.fold.merged && !self.fold.status.is_ended()
    }
}

/// A look at a conversation.
pub(super) struct Look<'a> {
    pub row: &'a Conversation,
    /// With all that happened in it, where that was read.
    pub whole: Option<&'a Whole>,
    pub trust: Trust,
    /// What was told of it, where nothing else is known of that.
    pub told: Fold,
}

/// Tells what a look shows that was not told before.
pub(super) fn look(seen: &Look<'_>, before: Option<Known>, out: &mut Vec<Event>) -> Known {
    let Look { row, whole, trust, .. } = *seen;
    let (tags, tagged_at) = row.tags();
    let opened = xxh3_64(format!("{:?}", row.opened()).as_bytes());
    let tags_print = if tags.is_empty() { 0 } else { xxh3_64(format!("{tags:?}").as_bytes()).max(1) };
    let is_new = before.is_none();
    let mut known = before.unwrap_or(Known {
        changed_at: row.changed_at(),
        print: 0,
        opened,
        tags: 0,
        is_rated: false,
        last_part: None,
        is_whole: false,
        fold: seen.told.clone(),
    });
    let mut fold = std::mem::take(&mut known.fold);
    if let Some(whole) = whole.filter(|_| !known.is_whole) {
        // Read for the first time: it is told from its beginning, whatever its fields told.
        let told = fold;
        let mut telling = Telling::new(row, Fold { last_at: told.last_at, ..Fold::default() }, out);
        telling.beginning(row, &whole.parts, whole.begins);
        telling.parts(&whole.parts, whole.merged.as_ref());
        fold = telling.fold;
        fold.keep(&told);
        known.is_whole = true;
    } else if let Some(whole) = whole {
        let told = known.last_part.as_ref().and_then(|last| whole.parts.iter().rposition(|part| part.id == *last));
        // Without the last that was told, all of its moment are told again: the same thing counts once.
        let last_at = fold.last_at;
        let new = match told {
            Some(place) => &whole.parts[place + 1..],
            None if known.last_part.is_none() => &whole.parts[..],
            None => &whole.parts[whole.parts.partition_point(|part| seconds(part.created_at) < seconds(last_at))..],
        };
        let mut telling = Telling::new(row, fold, out);
        telling.parts(new, whole.merged.as_ref());
        fold = telling.fold;
    } else if is_new {
        let mut telling = Telling::new(row, fold, out);
        telling.outline(row);
        fold = telling.fold;
    }
    let mut telling = Telling::new(row, fold, out);
    if known.opened != opened {
        telling.opened_anew(row);
    }
    telling.correct(row, trust);
    if known.tags != tags_print || trust.all {
        let at = tagged_at.filter(|at| is_new || *at > known.changed_at);
        telling.tagged(tags, at.unwrap_or(row.changed_at().max(trust.not_before)));
    }
    let parts = whole.map(|whole| whole.parts.as_slice()).unwrap_or_default();
    let rated = row.rated(parts).filter(|_| whole.is_some() && !known.is_rated);
    if let Some(rated) = rated {
        telling.rated(rated);
        known.is_rated = true;
    }
    let last_part = parts.last().map(|part| part.id.clone()).or(known.last_part);
    Known {
        changed_at: row.changed_at().max(known.changed_at),
        print: print(row),
        opened,
        tags: tags_print,
        last_part,
        fold: telling.fold,
        ..known
    }
}

/// A print of all that the fields say and that is told.
pub(super) fn print(row: &Conversation) -> u64 {
    let rated = row.rated.as_ref().and_then(|rating| rating.score);
    let held = (&row.admin_assignee_id, &row.team_assignee_id);
    let said = (row.changed_at(), &row.state, held, row.waiting_since, row.tags(), row.opened(), rated);
    xxh3_64(format!("{said:?}").as_bytes())
}
