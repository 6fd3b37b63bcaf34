//! Taking in a great many events at once: one core finds out whom each is about, another puts it where it belongs.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::Desk;
use super::conversation::{Conversation, Put};
use super::entry::Entry;
use super::fold::Rules;
use super::index::{ConversationIx, SourceIx};
use crate::event::{ConversationId, Event, Timestamp};

/// Entries that are handed over at once, and how many times that many may wait.
const PART: usize = 512;
const PARTS: usize = 8;

/// A desk that is being told everything. Good to read when it was settled.
pub struct Loading<'a> {
    desk: &'a mut Desk,
    /// The conversations' ids, by number: the conversations themselves are with the other core.
    ids: Vec<ConversationId>,
    part: Vec<Told>,
    parts: SyncSender<Vec<Told>>,
}

/// An entry on its way to its conversation.
struct Told {
    ix: ConversationIx,
    /// Of a new one.
    id: Option<ConversationId>,
    source: SourceIx,
    rules: Rules,
    entry: Entry,
}

impl Desk {
    /// Lets `feed` tell the desk, which has to be empty, everything; what comes of it is the same as by [`Desk::apply`].
    pub fn load<R>(&mut self, feed: impl FnOnce(&mut Loading<'_>) -> R) -> io::Result<R> {
        debug_assert!(self.conversations.is_empty(), "numbers of conversations begin anew");
        // A panic of either thread is told by the name of the one that asked.
        let name = thread::current().name().unwrap_or("fold").to_owned();
        thread::scope(|scope| {
            let (parts, received) = sync_channel(PARTS);
            let placing = thread::Builder::new().name(name).spawn_scoped(scope, move || Placed::of(&received))?;
            let mut loading = Loading { desk: self, ids: Vec::new(), part: Vec::with_capacity(PART), parts };
            let fed = feed(&mut loading);
            loading.hand_over();
            drop(loading);
            self.take_over(placing.join().unwrap_or_else(|panic| resume_unwind(panic)));
            Ok(fed)
        })
    }

    fn take_over(&mut self, placed: Placed) {
        let numbers = 0..placed.conversations.len();
        self.conversations = placed.conversations;
        self.changes.conversations.extend(numbers.map(|i| ConversationIx(i as u32)));
        self.unsettled.conversations.extend(placed.unsettled);
        self.counts.folded += placed.folded;
        self.counts.repeats += placed.repeats;
    }
}

impl Loading<'_> {
    /// Folds in one event of a source.
    pub fn apply(&mut self, source: SourceIx, event: Event) {
        if event.kind.conversation().is_none() {
            self.desk.apply(source, event);
            return;
        }
        if let Some(at) = event.at {
            self.desk.last_at = self.desk.last_at.max(at);
        }
        let at = event.at.unwrap_or(Timestamp::MIN);
        let Some((id, actor, fact)) = self.desk.fact(source, event.kind) else { return };
        let (ix, is_new) = self.number(source, &id);
        let (rules, entry) = (self.desk.rules(source), Entry { at, fact });
        self.part.push(Told { ix, id: is_new.then_some(id), source, rules, entry });
        if self.part.len() == PART {
            self.hand_over();
        }
        if let Some(actor) = actor {
            self.desk.act(actor, at);
        }
    }

    fn number(&mut self, source: SourceIx, id: &ConversationId) -> (ConversationIx, bool) {
        let next = ConversationIx(self.ids.len() as u32);
        let known = &mut self.desk.sources[source.at()].conversations;
        let (ix, is_new) = known.of(id, next, |ix| self.ids.get(ix.at()));
        if is_new {
            self.ids.push(id.clone());
        }
        (ix, is_new)
    }

    fn hand_over(&mut self) {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART));
        // Nobody listens any more only after a panic, which is told when the thread is joined.
        let _ = self.parts.send(part);
    }
}

/// What the other core makes of the entries.
#[derive(Default)]
struct Placed {
    conversations: Vec<Option<Conversation>>,
    unsettled: Vec<ConversationIx>,
    folded: u64,
    repeats: u64,
}

impl Placed {
    fn of(parts: &Receiver<Vec<Told>>) -> Self {
        let mut placed = Self::default();
        for part in parts {
            for told in part {
                placed.put(told);
            }
        }
        placed
    }

    fn put(&mut self, told: Told) {
        if let Some(id) = told.id {
            let mut conversation = Conversation::new(told.source, id);
            conversation.dirty = true;
            self.conversations.push(Some(conversation));
        }
        let Some(Some(conversation)) = self.conversations.get_mut(told.ix.at()) else { return };
        match conversation.put(told.entry, told.rules) {
            Put::New => self.folded += 1,
            // Counted when the desk is settled; of an empty desk nothing was let go.
            Put::Late | Put::TooLate => {}
            Put::Repeat => self.repeats += 1,
        }
        if !conversation.is_settled() && !std::mem::replace(&mut conversation.unsettled, true) {
            self.unsettled.push(told.ix);
        }
    }
}
