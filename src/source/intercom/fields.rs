//! What the fields of a conversation say. Pure.

use compact_str::CompactString;

use super::story::{Who, conversation};
use super::wire::{Actor, Conversation, Part, some_id};
use crate::event::{CustomerId, Direction, EventKind, Opened, Timestamp, Words};

/// The highest satisfaction answer.
const SCALE: f64 = 5.0;

impl Conversation {
    /// When it last changed.
    pub(super) fn changed_at(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.created_at).max(self.created_at)
    }

    /// Whether it has ended.
    pub(super) fn is_ended(&self) -> bool {
        self.state == "closed"
    }

    /// Since when its customer waits, by the vendor's word: older answers hold a far future instead of null.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        let latest = self.changed_at() + chrono::TimeDelta::days(1);
        self.waiting_since.filter(|since| *since <= latest && !self.is_ended())
    }

    /// Whether its fields do not say if its customer waits: they say nobody does, and yet the last word may be the
    /// customer's, or a bot's.
    pub(super) fn is_doubtful(&self) -> bool {
        if self.is_ended() || self.waiting_since().is_some() {
            return false;
        }
        let statistics = self.statistics.clone().unwrap_or_default();
        let first = self.first_contact_reply.as_ref().and_then(|first| first.created_at);
        let asked_at = statistics.contact_reply.max(first);
        let replied_at = statistics.admin_reply.max(statistics.close);
        asked_at > replied_at
    }

    /// When the team answered, where nobody waits since and it goes on.
    pub(super) fn answered_at(&self) -> Option<Timestamp> {
        let is_answered = !self.is_ended() && self.waiting_since().is_none() && !self.is_doubtful();
        self.statistics.as_ref().and_then(|statistics| statistics.admin_reply).filter(|_| is_answered)
    }

    /// The customer, and the name where it is shown.
    pub(super) fn customer(&self) -> Option<(CustomerId, Option<&str>)> {
        let author = self.source.as_ref().and_then(|source| source.author.as_ref());
        let author = author.filter(|author| author.who() == Who::Customer);
        let contact = self.contacts.iter().flat_map(|all| &all.contacts).find_map(|one| some_id(one.id.as_ref()));
        let own = author.and_then(|author| some_id(author.id.as_ref()));
        let id = contact.or(own)?;
        let name = author.filter(|_| own == Some(id)).and_then(|author| author.name.as_deref());
        Some((CustomerId::new(id.clone()), name))
    }

    /// The names of its tags, and when the last was put on.
    pub(super) fn tags(&self) -> (Vec<String>, Option<Timestamp>) {
        let all = self.tags.iter().flat_map(|tags| &tags.tags);
        let mut names: Vec<String> = all.clone().filter_map(|tag| tag.name.clone()).collect();
        names.sort_unstable();
        (names, all.filter_map(|tag| tag.applied_at).max())
    }

    /// What is said of it.
    pub(super) fn opened(&self) -> Opened {
        let source = self.source.as_ref();
        let word = |word: Option<&CompactString>| word.map(CompactString::as_str).unwrap_or_default().to_owned();
        let delivered = word(source.and_then(|source| source.delivered_as.as_ref()));
        let is_outbound = ["admin_initiated", "automated", "campaigns_initiated"].contains(&delivered.as_str());
        let channel = match source.and_then(|source| source.kind.as_deref()) {
            Some("conversation") => Some("web"),
            Some("facebook") => Some("messenger"),
            Some("phone_call" | "phone_switch") => Some("phone"),
            other => other,
        };
        let subject = source.and_then(|source| source.subject.as_deref()).map(without_tags);
        Opened {
            customer: self.customer().map(|(id, _)| id),
            channel: channel.map(str::to_owned),
            subject: self.title.clone().or(subject).filter(|subject| !subject.is_empty()),
            direction: Some(if is_outbound { Direction::Outbound } else { Direction::Inbound }),
            priority: self.priority.as_deref().filter(|one| !["none", "not_priority"].contains(one)).map(str::to_owned),
            ..Opened::new(conversation(&self.id))
        }
    }

    /// Whose the first message is. Bots and campaigns write in an admin's name.
    pub(super) fn first_author(&self) -> Who {
        let Some(source) = &self.source else { return Who::Nobody };
        match source.delivered_as.as_deref() {
            Some("automated" | "operator_initiated" | "campaigns_initiated") => Who::Bot,
            Some("customer_initiated") => match source.author.as_ref().map(Actor::who) {
                None | Some(Who::Nobody) => Who::Customer,
                Some(who) => who,
            },
            _ => source.author.as_ref().map_or(Who::Nobody, Actor::who),
        }
    }

    /// The satisfaction answer; dated by the part that brought it, else by its own last change.
    pub(super) fn rated(&self, parts: &[Part]) -> Option<(Timestamp, EventKind)> {
        let rating = self.rated.as_ref()?;
        let score = rating.score.filter(|score| (1.0..=SCALE).contains(score))?;
        let part = parts.iter().find(|part| part.kind() == "conversation_rating_changed").map(|part| part.created_at);
        let at = part.or(rating.updated_at).or(rating.created_at).unwrap_or(self.changed_at());
        let (conversation, comment) = (conversation(&self.id), rating.remark.clone().map(Words::from));
        Some((at, EventKind::Rated { conversation, score, scale: SCALE, comment }))
    }
}

/// Characters that HTML names; `&` last, lest it makes another.
const NAMED: [(&str, &str); 6] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];

/// A text without its HTML tags, and with the characters that it names: a conversation that is read by itself comes as plain
/// text, and is the same as in a list.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    NAMED.iter().fold(text, |text, (name, character)| text.replace(name, character)).trim().to_owned()
}
