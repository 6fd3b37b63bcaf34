//! Two looks at a record become events: for what a vendor shows only as it is now.
//!
//! Pure: no I/O, no clock. A first look tells the whole record, later ones only what changed. What the vendor dates is
//! told at that time, so that the same look after a start anew tells the same events; what it does not date is told at
//! the instant of the look, which is late by an interval at most. Instants, those of looks too, are of the vendor's clock.
//!
//! Invariants: of one field (status, holder, team) a later look is never told before an earlier one; what is only known
//! from a look is never told before anything that was told of the conversation; a conversation that is ended at a look
//! is ended by what is told; of a record that was told before, and forgotten, where it stands is told again; one that was
//! ended here because it was gone, and is there again, waits again if it waited; a target that is moved or taken back
//! before it is told was never told. What is kept of a record does not grow
//! with what happens in it.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::event::{
    AgentId, Assigned, Author, ConversationId, Event, EventKind, Message, Status, StatusBy, TeamId, Timestamp,
};
use crate::source::running::Running;

mod record;
mod targets;
#[cfg(test)]
mod tests;

pub use record::{Due, Ended, Rating, Record, Said, Since};

/// So long after a message was told, an older one may still come to light.
const LATE: TimeDelta = TimeDelta::minutes(2);
/// Prints of messages that are kept for that; of more the oldest are let go, and told again if they are shown again.
const PRINTS: usize = 16;
/// Records that are remembered as told though nothing of them is kept.
const TOLD: usize = 100_000;

/// What is kept of a record between two looks.
#[derive(Debug, Clone)]
struct Known {
    looked_at: Timestamp,
    /// The latest that was told of it.
    last_at: Timestamp,
    opened: u64,
    tags: u64,
    status: (Status, Timestamp),
    holder: Option<(Option<AgentId>, Timestamp)>,
    team: Option<(Option<TeamId>, Timestamp)>,
    heard: Heard,
    /// Whether a person's answer to the customer is awaited by what the vendor showed, endings of our own left out.
    waits: bool,
    /// The latest ending that was told.
    ended_at: Timestamp,
    rated_at: Timestamp,
    /// Where any was shown.
    targets: Option<Box<[Running; 3]>>,
    /// By the sort of target, when one was answered last.
    answered_at: [Option<Timestamp>; 3],
    merged: bool,
}

/// Which messages were told.
#[derive(Debug, Clone)]
struct Heard {
    whole: bool,
    newest: Timestamp,
    prints: Vec<(Timestamp, u64)>,
}

/// Turns looks into events, and keeps a little of each record for that.
#[derive(Debug, Default)]
pub struct Differ {
    known: HashMap<ConversationId, Known>,
    /// Active by what an earlier run told, and not looked at since.
    remembered: HashSet<ConversationId>,
    /// Ended here because they were gone, and when.
    left: HashMap<ConversationId, Timestamp>,
    /// What began up to then may have been told by an earlier run.
    resumed_at: Option<Timestamp>,
    /// Prints of the ids of records that were told, and of which nothing is kept.
    told: HashSet<u64>,
    /// When the last of those began, at the latest.
    told_to: Timestamp,
}

impl Differ {
    /// One that goes on where an earlier run came to `told_to`: what began before that may have been told otherwise.
    pub fn resumed(told_to: Option<Timestamp>, remembered: impl IntoIterator<Item = ConversationId>) -> Self {
        let remembered: HashSet<_> = remembered.into_iter().collect();
        let resumed_at = told_to.or_else(|| (!remembered.is_empty()).then_some(Timestamp::MAX));
        Self { remembered, resumed_at, ..Self::default() }
    }

    /// Whether it was looked at, and not forgotten.
    pub fn knows(&self, id: &ConversationId) -> bool {
        self.known.contains_key(id)
    }

    /// Whether it was told, in this run or, as active, in an earlier one.
    pub fn expects(&self, id: &ConversationId) -> bool {
        self.knows(id) || self.remembered.contains(id)
    }

    /// Whether its messages were told from the first on.
    pub fn is_whole(&self, id: &ConversationId) -> bool {
        self.known.get(id).is_some_and(|known| known.heard.whole)
    }

    /// Whether it is known, and neither ended nor merged.
    pub fn is_active(&self, id: &ConversationId) -> bool {
        self.known.get(id).is_some_and(Known::is_active)
    }

    /// Whether an agent holds any that is active, by what was told.
    pub fn is_holder(&self, agent: &AgentId) -> bool {
        let is_theirs = |known: &Known| known.holder.as_ref().is_some_and(|(holder, _)| holder.as_ref() == Some(agent));
        self.known.values().any(|known| known.is_active() && is_theirs(known))
    }

    /// How many records are active.
    pub fn active(&self) -> usize {
        self.known.values().filter(|known| known.is_active()).count()
    }

    /// Tells what is new in a record that was looked at then.
    pub fn look(&mut self, record: Record, looked_at: Timestamp, out: &mut Vec<Event>) {
        let id = record.opened.conversation.clone();
        let is_remembered = self.remembered.remove(&id);
        let known = self.known.remove(&id);
        let left_at = self.left.remove(&id);
        let is_forgotten = self.told.remove(&xxh3_64(id.as_str().as_bytes()));
        let is_told = is_remembered || is_forgotten || left_at.is_some();
        let is_fresh = !is_told && self.resumed_at.is_none_or(|told_to| record.opened_at > told_to);
        let mut telling = Telling { id: id.clone(), looked_at, events: Vec::new() };
        let mut known = match known {
            Some(known) => telling.changes(record, known),
            None => telling.all(record, is_fresh),
        };
        telling.events.sort_by_key(|event| event.at);
        known.waits = waits(known.waits, &telling.events);
        if left_at.is_some() {
            telling.come_back(&mut known);
        }
        self.known.insert(id, known);
        out.append(&mut telling.events);
    }

    /// Notes that a record is still there, without looking at what it holds.
    pub fn saw(&mut self, id: &ConversationId, looked_at: Timestamp) {
        if let Some(known) = self.known.get_mut(id) {
            known.looked_at = known.looked_at.max(looked_at);
        }
    }

    /// Active records that were not looked at since the look at all active ones began, those remembered among them.
    pub fn missing(&self, began_at: Timestamp) -> Vec<ConversationId> {
        let gone = self.known.iter().filter(|(_, known)| known.is_active() && known.looked_at < began_at);
        let mut missing: Vec<_> = gone.map(|(id, _)| id).chain(&self.remembered).cloned().collect();
        missing.sort_unstable();
        missing
    }

    /// Ends a record that is not there any more, as closed by the system at the look.
    pub fn vanish(&mut self, id: &ConversationId, looked_at: Timestamp, out: &mut Vec<Event>) {
        let at = match self.known.get_mut(id) {
            Some(known) if known.is_active() => {
                let at = looked_at.max(known.last_at);
                (known.status, known.last_at) = ((Status::Closed, at), at);
                at
            }
            None if self.remembered.remove(id) => looked_at,
            _ => return,
        };
        self.left.insert(id.clone(), at);
        let (conversation, status) = (id.clone(), Status::Closed);
        out.push(Event::new(at, EventKind::Status { conversation, status, by: Some(StatusBy::System), agent: None }));
    }

    /// Notes that a record was told without a look of this one, as those of the past are: if it is looked at later, where it
    /// stands by then is told. `began_at` is when it was opened, or later.
    pub fn recounted(&mut self, id: &ConversationId, began_at: Timestamp) {
        self.told_to = self.told_to.max(began_at);
        self.told.insert(xxh3_64(id.as_str().as_bytes()));
        if self.told.len() > TOLD {
            // Too many to remember each: whatever began before the last of them may be one of them.
            self.told.clear();
            self.resumed_at = self.resumed_at.max(Some(self.told_to));
        }
    }

    /// Forgets what was in records that ended before then, but not that they were told.
    pub fn forget(&mut self, before: Timestamp) {
        let is_old = |known: &Known| !known.is_active() && known.last_at.max(known.looked_at) < before;
        let old: Vec<_> =
            self.known.extract_if(|_, known| is_old(known)).map(|(id, known)| (id, known.last_at)).collect();
        let gone = self.left.extract_if(|_, at| *at < before);
        let old: Vec<_> = old.into_iter().chain(gone).collect();
        for (id, at) in old {
            self.recounted(&id, at);
        }
    }
}

impl Known {
    fn is_active(&self) -> bool {
        !self.merged && !self.status.0.is_ended()
    }
}

/// The events of one look. Of one instant they stand in the order in which they are said here.
struct Telling {
    id: ConversationId,
    looked_at: Timestamp,
    events: Vec<Event>,
}

impl Telling {
    fn say(&mut self, at: Timestamp, kind: impl Into<EventKind>) {
        self.events.push(Event::new(at, kind));
    }

    /// A record that was not looked at before. A fresh one has told nothing yet, so what it begins with is left out.
    fn all(&mut self, record: Record, is_fresh: bool) -> Known {
        let Record { mut opened, opened_at, holder, team, tags, messages, whole, .. } = record;
        (opened.team, opened.tags) = (None, None);
        let print = print_of(&opened);
        let tags_print = tags.as_ref().map_or(0, print_of);
        if is_fresh {
            opened.team = team.as_ref().filter(|team| team.at.is_none()).and_then(|team| team.value.clone());
            opened.tags = tags.clone().filter(|tags| !tags.is_empty());
        }
        let begins_in = opened.team.clone();
        self.say(opened_at, opened);

        let look = self.looked_at.max(opened_at);
        let held_at = |since: &Since<Option<AgentId>>| {
            let of_holder = |said: &&Said| said.public && said.agent.is_some() && said.agent == since.value;
            let first_reply = messages.iter().filter(of_holder).map(|said| said.at).min().filter(|_| is_fresh);
            since.at.unwrap_or_else(|| first_reply.unwrap_or(look).clamp(opened_at, look))
        };
        let holder = holder.map(|since| (held_at(&since), since.value));
        let team = team.map(|since| (since.at.unwrap_or(if is_fresh { opened_at } else { look }), since.value));
        let new_holder = holder.clone().filter(|(_, holder)| !is_fresh || holder.is_some());
        let new_team = team.clone().filter(|(_, team)| if is_fresh { *team != begins_in } else { true });
        self.assign(new_holder, new_team);

        let mut heard = Heard { whole, newest: Timestamp::MIN, prints: Vec::new() };
        let endings = untold(record.endings, &record.status, Timestamp::MIN);
        let ended_at = endings.iter().map(|one| one.at).max();
        self.messages(messages, endings, &mut heard);
        if let (Some(tags), false) = (tags, is_fresh) {
            self.say(look, EventKind::Tagged { conversation: self.id.clone(), tags });
        }
        let mut known = Known {
            looked_at: self.looked_at,
            last_at: opened_at,
            opened: print,
            tags: tags_print,
            status: (Status::Open, opened_at),
            holder: holder.map(|(at, holder)| (holder, at)),
            team: team.map(|(at, team)| (team, at)),
            heard,
            waits: false,
            ended_at: ended_at.unwrap_or(Timestamp::MIN),
            rated_at: Timestamp::MIN,
            targets: None,
            answered_at: [None; 3],
            merged: false,
        };
        if !is_fresh || ended_at.is_some() || record.status.value != Status::Open {
            let least = record.status.at.map_or_else(|| self.latest(look), |_| opened_at);
            self.status(&record.status, record.by, record.by_agent, least, &mut known);
        }
        self.rest(record.ratings, record.merged, &mut known);
        self.targets(&record.dues, &mut known);
        known
    }

    /// A record that was looked at before.
    fn changes(&mut self, record: Record, mut known: Known) -> Known {
        let Record { mut opened, holder, team, tags, messages, whole, .. } = record;
        (opened.team, opened.tags) = (None, None);
        let look = self.looked_at.max(known.last_at);
        let print = print_of(&opened);
        if std::mem::replace(&mut known.opened, print) != print {
            self.say(look, opened);
        }
        let holder = change(holder, &mut known.holder, look);
        let team = change(team, &mut known.team, look);
        self.assign(holder, team);
        known.heard.whole |= whole && {
            // What came before the first that was told is told now.
            if !known.heard.whole {
                (known.ended_at, known.waits) = (Timestamp::MIN, false);
                known.heard = Heard { whole: true, newest: Timestamp::MIN, prints: Vec::new() };
            }
            true
        };
        let endings = untold(record.endings, &record.status, known.ended_at);
        let ended_at = endings.iter().map(|one| one.at).max();
        known.ended_at = known.ended_at.max(ended_at.unwrap_or(known.ended_at));
        let asked_at = self.messages(messages, endings, &mut known.heard);
        if let Some(tags) = tags {
            let print = print_of(&tags);
            if std::mem::replace(&mut known.tags, print) != print {
                self.say(look, EventKind::Tagged { conversation: self.id.clone(), tags });
            }
        }
        // A customer's message reopens what is ended: if it is ended all the same, it was ended again.
        let ended_again = record.status.value.is_ended() && asked_at >= Some(known.status.1);
        if known.status.0 != record.status.value || ended_again || ended_at.is_some() {
            let least = if record.status.at.is_some() { known.status.1 } else { self.latest(look) };
            let least =
                asked_at.filter(|_| record.status.value.is_ended()).map_or(least, |asked_at| least.max(asked_at));
            self.status(&record.status, record.by, record.by_agent, least, &mut known);
        }
        self.rest(record.ratings, record.merged, &mut known);
        self.targets(&record.dues, &mut known);
        known.looked_at = known.looked_at.max(self.looked_at);
        known
    }

    /// The ending that is taken back has ended the wait in the stream: a customer who waits still is told to wait from
    /// now on, which is too short but not hidden.
    fn come_back(&mut self, known: &mut Known) {
        if known.is_active() && known.waits {
            known.last_at = self.looked_at.max(known.last_at);
            self.say(known.last_at, Message::public(self.id.clone(), Author::Customer, None));
        }
    }

    /// The latest instant that was told so far, at least `least`.
    fn latest(&self, least: Timestamp) -> Timestamp {
        self.events.iter().filter_map(|event| event.at).fold(least, Timestamp::max)
    }

    /// Holder and team, in one event where they changed at one moment.
    fn assign(&mut self, holder: Option<(Timestamp, Option<AgentId>)>, team: Option<(Timestamp, Option<TeamId>)>) {
        let conversation = self.id.clone();
        match (holder, team) {
            (Some((at, agent)), Some((then, team))) if at == then => {
                self.say(at, Assigned { conversation, agent: Some(agent), team: Some(team), by: None });
            }
            (holder, team) => {
                if let Some((at, team)) = team {
                    let conversation = conversation.clone();
                    self.say(at, Assigned { conversation, agent: None, team: Some(team), by: None });
                }
                if let Some((at, agent)) = holder {
                    self.say(at, Assigned::to(conversation, agent));
                }
            }
        }
    }

    /// Messages that were not told before, and earlier endings, each before what came after it; gives when the last
    /// message of the customer's among them was.
    fn messages(&mut self, mut messages: Vec<Said>, mut endings: Vec<Ended>, heard: &mut Heard) -> Option<Timestamp> {
        messages.sort_by_key(|said| said.at);
        let mut asked_at = None;
        for said in messages {
            let is_before = |one: &mut Ended| one.before.as_ref() == Some(&said.key);
            endings.extract_if(.., is_before).for_each(|one| self.ending(one));
            let print = xxh3_64_with_seed(said.key.as_bytes(), said.at.millis() as u64);
            if said.at < heard.newest - LATE || heard.prints.contains(&(said.at, print)) {
                continue;
            }
            heard.newest = heard.newest.max(said.at);
            heard.prints.push((said.at, print));
            if said.public && said.from == Author::Customer {
                asked_at = asked_at.max(Some(said.at));
            }
            let Said { key: _, at, from, agent, public, text } = said;
            let public = (!public).then_some(false);
            self.say(at, Message { conversation: self.id.clone(), from, agent, public, text });
        }
        let (newest, prints) = (heard.newest, &mut heard.prints);
        prints.retain(|(at, _)| *at >= newest - LATE);
        prints.drain(..prints.len().saturating_sub(PRINTS));
        prints.shrink_to_fit();
        for one in endings {
            self.ending(one);
        }
        asked_at
    }

    fn ending(&mut self, Ended { at, by, agent, before: _ }: Ended) {
        let (conversation, status) = (self.id.clone(), Status::Resolved);
        self.say(at, EventKind::Status { conversation, status, by, agent });
    }

    fn status(
        &mut self,
        status: &Since<Status>,
        by: Option<StatusBy>,
        agent: Option<AgentId>,
        least: Timestamp,
        known: &mut Known,
    ) {
        let at = status.at.unwrap_or(self.looked_at).max(least);
        known.status = (status.value, at);
        if status.value.is_ended() {
            known.ended_at = known.ended_at.max(at);
        }
        self.say(at, EventKind::Status { conversation: self.id.clone(), status: status.value, by, agent });
    }

    /// Answers and the merge; and notes the latest that was told.
    fn rest(&mut self, ratings: Vec<Rating>, merged: Option<Since<ConversationId>>, known: &mut Known) {
        let rated_at = known.rated_at;
        for Rating { at, score, scale, comment } in ratings.into_iter().filter(|rating| rating.at > rated_at) {
            known.rated_at = known.rated_at.max(at);
            self.say(at, EventKind::Rated { conversation: self.id.clone(), score, scale, comment });
        }
        if let Some(into) = merged.filter(|_| !known.merged) {
            known.merged = true;
            let at = into.at.unwrap_or_else(|| self.latest(self.looked_at));
            self.say(at, EventKind::Merged { conversation: self.id.clone(), into: into.value });
        }
        known.last_at = self.latest(known.last_at);
    }
}

/// Of earlier endings those that came after what was told, but not the one that it is ended by.
fn untold(mut endings: Vec<Ended>, status: &Since<Status>, told_to: Timestamp) -> Vec<Ended> {
    let is_earlier = |at| !status.value.is_ended() || status.at.is_some_and(|ended_at| at < ended_at);
    endings.retain(|one| one.at > told_to && is_earlier(one.at));
    endings
}

/// Whether a person's answer is awaited after these events, in order.
fn waits(before: bool, events: &[Event]) -> bool {
    events.iter().fold(before, |waits, event| match &event.kind {
        EventKind::Message(said) if said.public == Some(false) || said.from == Author::Bot => waits,
        EventKind::Message(said) => said.from == Author::Customer,
        EventKind::Status { status, .. } if status.is_ended() => false,
        _ => waits,
    })
}

/// What a field changed to and when, if it did; never before it changed the last time.
fn change<T: Clone + PartialEq>(
    now: Option<Since<T>>,
    known: &mut Option<(T, Timestamp)>,
    look: Timestamp,
) -> Option<(Timestamp, T)> {
    let Since { value, at } = now?;
    let last_at = match known {
        Some((before, _)) if *before == value => return None,
        Some((_, last_at)) => *last_at,
        None => Timestamp::MIN,
    };
    let at = at.unwrap_or(look).max(last_at);
    *known = Some((value.clone(), at));
    Some((at, value))
}

/// A print of what may be long; 0 never stands for something.
fn print_of(value: &impl serde::Serialize) -> u64 {
    serde_json::to_vec(value).map_or(0, |json| xxh3_64(&json).max(1))
}
