//! The requests of one poll, and the pages of each list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use futures_util::FutureExt;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::map::{Names, Thread};
use super::people::{Crew, Crews};
use super::wire::{Contact, Contacts, Me, Member, Members, Message, Messages, OneContact, Pages, Team, Teams};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::enough::Enough;
use crate::source::http::words::excerpt;
use crate::source::http::{Answer, Client};
use crate::source::skips::{self, Named, Skips, id_words};

/// Requests that are under way at once.
const AT_ONCE: usize = 8;
/// Pages of a contact's messages that are read at most.
const MESSAGE_PAGES: u32 = 40;
/// Pages of teams, or of a team's members, that are read at most: no list is known to reach further by numbers.
const PEOPLE_PAGES: u32 = 500;
/// A contact is made a moment before or after the first message that it sends. Where we wrote first, the desk's note of
/// who did may stand before that.
const BIRTH: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// Where the members of a team are read, in messages.
const MEMBERS: &str = "GET /v1/teams/:uuid/members";

/// The requests of one poll, and what they brought besides their answers.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    pub date: Option<Timestamp>,
    pub skips: Skips,
    /// Records that were told as unreadable before.
    pub told: Named,
    /// Messages of some contact were read.
    pub has_read_messages: bool,
    /// A poll reads on for so long.
    span: Duration,
    /// Whether it has read for long enough.
    pub enough: Enough,
}

/// A page of contacts, as it came.
#[derive(Debug)]
pub(super) struct Page {
    pub contacts: Vec<Contact>,
    /// Records on it, those that can't be read among them.
    pub count: usize,
    pub meta: Pages,
}

/// Which page of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// By its number, from 1 on.
    Number(u64),
    /// The one behind another, by the token that the other gave.
    After(String),
}

/// Whose messages are to be read, and how far back.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub uuid: CompactString,
    pub created_at: Option<Timestamp>,
    pub back: Back,
    /// The first page, where it was read already.
    pub first: Option<Vec<Message>>,
}

/// How far back messages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// To what was read before.
    To(Timestamp),
    /// To a message that an agent sent, or the last closing that is known: then nothing before it is waited for. Where the
    /// chat was in somebody's hands and no note says in whose, what was sent is taken to be that agent's.
    ToAnswer { closed_at: Option<Timestamp>, is_held: bool },
}

impl Ask {
    /// Those of a poll that reads on for so long; where that is no time at all, it stops behind each reading.
    pub(super) fn new(client: Arc<Client>, now: Timestamp, span: Duration) -> Self {
        let (skips, told, enough) = (Skips::default(), Named::default(), Enough::after(span));
        Self { client, now, date: None, skips, told, has_read_messages: false, span, enough }
    }

    /// The instant by the server's clock.
    pub(super) fn at(&self) -> Timestamp {
        self.date.unwrap_or(self.now)
    }

    /// Requests sent by the client so far.
    pub(super) fn sent(&self) -> u64 {
        self.client.sent()
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &str, query: &[(&str, &str)]) -> Result<T, SourceError> {
        let Answer { body, date, .. } = self.client.get(path, query, self.now).await?;
        self.date = date.or(self.date);
        Ok(body)
    }

    /// Whose key it is.
    pub(super) async fn me(&mut self) -> Result<Me, SourceError> {
        self.get("/v1/auth/me", &[]).await
    }

    /// One page of contacts. A record that can't be read is skipped; where none of several can, it is the answer that
    /// is not understood.
    pub(super) async fn contacts(&mut self, place: &Place) -> Result<Page, SourceError> {
        let query = match place {
            Place::Number(number) => ("page", number.to_string()),
            Place::After(token) => ("after", token.clone()),
        };
        let Contacts { contacts, meta } = self.get("/v1/contacts", &[(query.0, &query.1)]).await?;
        let (count, before) = (contacts.len(), self.skips.named.len());
        let contacts: Vec<Contact> = self.read_all("GET /v1/contacts", "contacts", contacts);
        self.skips.understood(before, contacts.len(), count, "contacts")?;
        Ok(Page { contacts, count, meta })
    }

    /// One contact; `None` where it is not there any more. One that can't be read is an error.
    pub(super) async fn contact(&mut self, uuid: &str) -> Result<Option<Contact>, SourceError> {
        let path = format!("/v1/contacts/{}", safe(uuid));
        let found = self.client.find_unless_silent::<OneContact>(&path, &[], self.now).await?;
        let Some(Answer { body, date, .. }) = found else { return Ok(None) };
        self.date = date.or(self.date);
        let one = match body.contact {
            Value::Array(mut list) => list.pop().unwrap_or_default(),
            other => other,
        };
        skips::read(one).map(Some).map_err(|(inner, what)| {
            let path = if inner == "." { "contact".to_owned() } else { format!("contact.{inner}") };
            SourceError::Schema { place: "GET /v1/contacts/:uuid".into(), path, what: excerpt(&what) }
        })
    }

    /// The first page of a contact's messages, oldest first; `None` where the contact is not there any more.
    pub(super) async fn newest(&mut self, uuid: &str) -> Result<Option<Vec<Message>>, SourceError> {
        let page = page_of(Arc::clone(&self.client), uuid.into(), 1, self.now).await?;
        self.has_read_messages = true;
        Ok(page.map(|raw| self.in_order(raw)))
    }

    /// The messages of contacts, several read at once, each as it comes; `None` where the contact is not there any more.
    pub(super) fn threads(&self, wanted: Vec<Wanted>, names: &Names) -> Threads {
        let (now, span, names) = (self.now, self.span, Arc::new(names.clone()));
        let client = Arc::clone(&self.client);
        let read = move |one: Wanted| {
            let (client, names) = (Arc::clone(&client), Arc::clone(&names));
            async move { (one.uuid.clone(), read_thread(client, one, names, now, span).await) }.boxed()
        };
        stream::iter(wanted).map(read).buffer_unordered(AT_ONCE).boxed()
    }

    /// Messages as they came, in order.
    pub(super) fn thread(&mut self, raw: Raw) -> Thread {
        let Raw { read, pages, whole } = raw;
        let mut messages = Vec::new();
        for page in pages.into_iter().rev() {
            messages.extend(self.in_order(page));
        }
        messages.extend(read.into_iter().flatten());
        messages.sort_by_key(|message| message.created_at);
        Thread { messages, whole }
    }

    /// All teams and their members.
    pub(super) async fn everybody(&mut self) -> Result<(Vec<Team>, Vec<Crew>), SourceError> {
        let teams: Vec<Team> = self.teams().await?;
        let ids: Vec<CompactString> = teams.iter().map(|team| team.uuid.clone()).collect();
        let Crews { read, dark } = self.crews(&ids).await?;
        match dark.into_values().next() {
            Some(error) => Err(error),
            None => Ok((teams, read)),
        }
    }

    /// The members of teams, several pages at once. Where some of them can be read, the others are left out; an error where
    /// none can.
    pub(super) async fn crews(&mut self, teams: &[CompactString]) -> Result<Crews, SourceError> {
        let mut crews: Vec<Crew> = teams.iter().cloned().map(Crew::of).collect();
        let mut dark: BTreeMap<CompactString, SourceError> = BTreeMap::new();
        let mut places: Vec<(usize, u32)> = (0..crews.len()).map(|nth| (nth, 1)).collect();
        while !places.is_empty() {
            let read = |(nth, page): &(usize, u32)| {
                members_of(Arc::clone(&self.client), teams[*nth].clone(), *page, self.now).boxed()
            };
            let reads: Vec<_> = places.iter().map(read).collect();
            let mut answers = stream::iter(reads).buffered(AT_ONCE);
            // How many there are is told by each page: the first one, and it may grow meanwhile.
            let mut last = vec![0; crews.len()];
            for (nth, page) in places {
                let answer: Answer<Members> = match answers.next().await {
                    Some(Ok(answer)) => answer,
                    Some(Err(error)) if error.is_of_all() => return Err(error),
                    Some(Err(error)) => {
                        let is_hopeless = dark.len() + 1 >= AT_ONCE && crews.iter().all(|crew| crew.pages == 0);
                        if is_hopeless {
                            return Err(error);
                        }
                        dark.insert(teams[nth].clone(), error);
                        continue;
                    }
                    None => break,
                };
                self.date = answer.date.or(self.date);
                let Members { users, meta } = answer.body;
                let pages = meta.pages.filter(|_| !users.is_empty()).unwrap_or(0);
                last[nth] = u32::try_from(pages).unwrap_or(u32::MAX).min(PEOPLE_PAGES);
                crews[nth].pages = page;
                let members: Vec<Member> = self.read_all(MEMBERS, "users", users);
                self.note_untold(&members);
                crews[nth].members.extend(members);
            }
            let behind = |(nth, crew): (usize, &Crew)| (crew.pages + 1..=last[nth]).map(move |page| (nth, page));
            let lit = crews.iter().enumerate().filter(|(_, crew)| !dark.contains_key(&crew.team));
            places = lit.flat_map(behind).collect();
        }
        crews.retain(|crew| !dark.contains_key(&crew.team));
        match dark.pop_first() {
            Some((_, error)) if crews.is_empty() => Err(error),
            first => {
                dark.extend(first);
                Ok(Crews { read: crews, dark })
            }
        }
    }

    /// Says once that agents' states are not told.
    fn note_untold(&mut self, members: &[Member]) {
        let untold = members.iter().position(|member| member.is_available().is_none());
        if let Some(nth) = untold.filter(|_| self.told.is_new(format!("{MEMBERS} available"))) {
            let reason = "expected true or false: the state of such agents is not told";
            self.skips.note(format!("{MEMBERS} users[{nth}]"), "available", reason);
        }
    }

    /// The teams of the account.
    pub(super) async fn teams(&mut self) -> Result<Vec<Team>, SourceError> {
        let mut all = Vec::new();
        for page in 1..=PEOPLE_PAGES {
            let Teams { teams, meta } = self.get("/v1/teams", &[("page", &page.to_string())]).await?;
            let is_last = teams.is_empty() || meta.pages.is_none_or(|pages| u64::from(page) >= pages);
            all.extend(self.read_all("GET /v1/teams", "teams", teams));
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// Messages of a page, which has the newest first: oldest first.
    fn in_order(&mut self, mut raw: Vec<Value>) -> Vec<Message> {
        raw.reverse();
        self.read_all("GET /v1/contacts/:uuid/messages", "messages", raw)
    }

    /// A list of records, each by itself.
    fn read_all<T: DeserializeOwned>(&mut self, place: &str, path: &str, raw: Vec<Value>) -> Vec<T> {
        let mut read = Vec::with_capacity(raw.len());
        for (nth, one) in raw.into_iter().enumerate() {
            let id = id_words(&one);
            match skips::read(one) {
                Ok(record) => read.push(record),
                Err((inner, reason)) => {
                    // The place in the list changes from answer to answer, the record does not; one without an id is
                    // told once of its kind.
                    if self.told.is_new(format!("{place}{id} {inner}")) {
                        self.skips.note(format!("{place} {path}[{nth}]{id}"), &inner, &reason);
                    }
                }
            }
        }
        read
    }
}

/// An id as a part of a path: one that would lead elsewhere is none.
fn safe(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    excerpt(&id.chars().filter(|c| is_plain(*c)).collect::<String>())
}

/// Whose messages were asked for, and what came of it.
pub(super) type Threads = BoxStream<'static, (CompactString, Result<Option<Raw>, SourceError>)>;

/// Messages as they came, newest first.
#[derive(Debug)]
pub(super) struct Raw {
    /// The page that was read before.
    read: Option<Vec<Message>>,
    pages: Vec<Vec<Value>>,
    whole: bool,
}

async fn members_of(
    client: Arc<Client>,
    team: CompactString,
    page: u32,
    now: Timestamp,
) -> Result<Answer<Members>, SourceError> {
    let (path, page) = (format!("/v1/teams/{}/members", safe(&team)), page.to_string());
    client.get(&path, &[("page", &page)], now).await
}

async fn page_of(
    client: Arc<Client>,
    uuid: CompactString,
    page: u32,
    now: Timestamp,
) -> Result<Option<Vec<Value>>, SourceError> {
    let (path, page) = (format!("/v1/contacts/{}/messages", safe(&uuid)), page.to_string());
    let answer = client.find_unless_silent::<Messages>(&path, &[("page", &page)], now).await?;
    Ok(answer.map(|answer| answer.body.messages))
}

/// Reads back until nothing before is of interest, or for so long: one that could never be read to its end within a poll
/// is told as far as it was read. How many messages a page has is documented nowhere: one that has
/// fewer than the first one is the last.
async fn read_thread(
    client: Arc<Client>,
    wanted: Wanted,
    names: Arc<Names>,
    now: Timestamp,
    span: Duration,
) -> Result<Option<Raw>, SourceError> {
    let mut enough = Enough::after(span);
    let is_first = |at: Timestamp| wanted.created_at.is_some_and(|created_at| at <= created_at + BIRTH);
    let mut raw = Raw { read: wanted.first.clone(), pages: Vec::new(), whole: false };
    let mut page = 1;
    let mut first_count = raw.read.as_ref().map_or(0, Vec::len);
    let mut seen: Vec<Message> = raw.read.iter().flatten().rev().cloned().collect();
    loop {
        if page > 1 || raw.read.is_none() {
            let Some(values) = page_of(Arc::clone(&client), wanted.uuid.clone(), page, now).await? else {
                return Ok(None);
            };
            let count = values.len();
            seen.extend(values.iter().filter_map(|value| skips::read::<Message>(value.clone()).ok()));
            let is_short = count < first_count;
            raw.pages.push(values);
            first_count = first_count.max(count);
            if count == 0 || is_short {
                raw.whole = true;
            }
        }
        raw.whole |=
            first_count == 0 || seen.last().is_some_and(|oldest| oldest.is_received() && is_first(oldest.created_at));
        let is_all = raw.whole || page >= MESSAGE_PAGES || is_far_enough(&seen, wanted.back, &names);
        if is_all || enough.is_come() {
            return Ok(Some(raw));
        }
        page += 1;
    }
}

/// Whether nothing before the messages, newest first, is of interest.
fn is_far_enough(seen: &[Message], back: Back, names: &Names) -> bool {
    let reaches = |at: Timestamp| seen.last().is_some_and(|oldest| oldest.created_at < at);
    match back {
        Back::To(at) => reaches(at),
        Back::ToAnswer { closed_at, is_held } => {
            let is_noted = |some: &[Message]| some.iter().any(|one| one.assigned(names).is_some());
            let last_sent = seen.iter().position(Message::is_sent);
            let is_answer = |place: usize| is_noted(&seen[place..]) || is_held && !is_noted(seen);
            closed_at.is_some_and(reaches) || last_sent.is_some_and(is_answer)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_read_back_to_an_answer_and_no_further() {
        let message = |(nth, word): (usize, &str)| {
            let (status, text) = match word {
                "note" => ("note", "Conversation was assigned to Lia"),
                "nota" => ("note", "Conversa atribuída a Lia"),
                other => (other, "words"),
            };
            let at = Timestamp::from_millis(1_000_000 - nth as i64 * 1000);
            skips::read::<Message>(json!({"status": status, "text": text, "createdAt": at})).unwrap()
        };
        let names = Names::default();
        // The newest first; whether it is enough where the chat is held, and where it is not.
        for (words, held, free) in [
            ("received received", false, false),
            ("received sent", true, false),
            ("received sent nota", true, false),
            ("received sent received note", true, true),
            // It was given to somebody behind what was sent: who had it before, an older note may say.
            ("received note sent", false, false),
            ("", false, false),
        ] {
            let seen: Vec<Message> = words.split_whitespace().enumerate().map(message).collect();
            for (is_held, expected) in [(true, held), (false, free)] {
                let back = Back::ToAnswer { closed_at: None, is_held };
                assert_eq!(is_far_enough(&seen, back, &names), expected, "{words}, held: {is_held}");
            }
            let back = Back::ToAnswer { closed_at: Some(Timestamp::from_millis(999_001)), is_held: false };
            assert_eq!(is_far_enough(&seen, back, &names), seen.len() > 1 || free, "{words}, back to its closing");
        }
    }
}
