//! The rows of a vendor's table: what can be wrong, how it is made so, and what comes of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Bad;
use crate::contract::Bench;
use crate::server::{Fault, Reply};

/// A key of nobody, which no message may hold.
pub const WRONG_KEY: &str = "wr0ng-k3y-of-nobody";

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub enum Line {
    WrongKey,
    /// The key may not read what is needed.
    WeakKey,
    /// Another subdomain, region or installation.
    WrongAddress,
    /// The plan does not include the API, or it is switched off.
    Plan,
    /// With the vendor's own body and headers.
    Throttled,
    Maintenance,
    ServerFault,
    WebPage,
    CutOff,
    Slow,
    ListRenamed,
    ListNull,
    FieldRenamed,
    FieldNull,
    /// `null` in each field that may lack.
    Nulls,
    /// None of the fields that may lack.
    Absent,
    NovelField,
    /// A word of an enum that nobody knows.
    NovelWord,
    BadRecord,
    /// Numbers as texts and texts as numbers.
    OtherIds,
    /// Each record twice in its page.
    Twice,
    /// What this vendor alone can get wrong.
    Own,
}

impl Line {
    /// The word of the error that a first read fails with.
    fn word(self) -> &'static str {
        match self {
            Self::WrongKey => "auth",
            Self::WeakKey | Self::Plan => "forbidden",
            Self::WrongAddress => "unsupported",
            Self::Throttled => "throttled",
            Self::Maintenance | Self::ServerFault => "failing",
            Self::WebPage
            | Self::CutOff
            | Self::ListRenamed
            | Self::ListNull
            | Self::FieldRenamed
            | Self::FieldNull => "schema",
            other => panic!("{other:?} has no word that is the same for all"),
        }
    }
}

/// One thing that is wrong, and what comes of it.
pub struct Case {
    pub(super) line: Line,
    pub(super) wrong: Wrong,
    pub(super) comes: Comes,
}

pub(super) enum Comes {
    /// The first read fails, with this word and these words.
    Failure(&'static str, &'static str),
    /// So many active chats are not told, and so many records are named as skipped, with these words; 2 is some.
    Loss(usize, u64, &'static str),
    /// It can't be, for this reason, which holds.
    Never(&'static str, fn(&Bench) -> bool),
}

pub enum Wrong {
    Nothing,
    Setting(Value),
    /// With what is answered to requests with these words.
    Answer(&'static str, Fault),
    /// With each record of a chat.
    Each(Edit),
    /// With that of the first active chat that is met.
    One(Edit),
}

type Edit = Box<dyn Fn(&mut Value) + Send>;

/// The first read fails, with the word that the line has for every vendor.
pub fn fails(line: Line, wrong: Wrong, words: &'static str) -> Case {
    fails_as(line.word(), line, wrong, words)
}

/// The same with another word.
pub fn fails_as(word: &'static str, line: Line, wrong: Wrong, words: &'static str) -> Case {
    Case { line, wrong, comes: Comes::Failure(word, words) }
}

pub fn loses(line: Line, wrong: Wrong, chats: usize, skipped: u64, words: &'static str) -> Case {
    Case { line, wrong, comes: Comes::Loss(chats, skipped, words) }
}

/// The chat is not told, and named.
pub fn loses_it(line: Line, edit: impl Fn(&mut Value) + Send + 'static, words: &'static str) -> Case {
    loses(line, one(edit), 1, 1, words)
}

/// Nothing is lost, and there is nothing to tell.
pub fn is_taken(line: Line, wrong: Wrong) -> Case {
    loses(line, wrong, 0, 0, "")
}

pub fn never(line: Line, why: &'static str, holds: fn(&Bench) -> bool) -> Case {
    Case { line, wrong: Wrong::Nothing, comes: Comes::Never(why, holds) }
}

/// The key is that of nobody.
pub fn wrong_token(words: &'static str) -> Case {
    fails(Line::WrongKey, Wrong::Setting(json!({"token": WRONG_KEY})), words)
}

/// There is no API where it is looked for.
pub fn wrong_address(words: &'static str, body: &str) -> Case {
    fails(Line::WrongAddress, answer(words, 404, body), "is base_url right?")
}

/// A field that every record has is called otherwise.
pub fn renamed(key: &'static str, words: &'static str) -> Case {
    fails(Line::FieldRenamed, each(move |row| lack(row, &[key])), words)
}

/// A field that every record has is `null`.
pub fn emptied(key: &'static str, words: &'static str) -> Case {
    fails(Line::FieldNull, each(move |row| row[key] = Value::Null), words)
}

/// A chat's status is a word that nobody knows.
pub fn novel_word(key: &'static str, words: &'static str) -> Case {
    loses_it(Line::NovelWord, move |row| row[key] = "parked".into(), words)
}

/// A time of a chat is none.
pub fn no_time(key: &'static str, words: &'static str) -> Case {
    loses_it(Line::BadRecord, move |row| row[key] = "soon".into(), words)
}

/// The id of a chat is none.
pub fn no_id(words: &'static str) -> Case {
    loses_it(Line::BadRecord, |row| row["id"] = json!([1]), words)
}

/// The time of the first message of each answer, which is at that place, is none: no chat is lost by that.
pub fn no_time_of_message(asked: &'static str, place: &'static str, words: &'static str) -> Case {
    let edit = move |body: &mut Value| {
        if let Some(time) = body.pointer_mut(place) {
            *time = "soon".into();
        }
    };
    loses(Line::BadRecord, edited(asked, edit), 0, 2, words)
}

/// It answers this instead.
pub fn answer(words: &'static str, status: u16, body: &str) -> Wrong {
    Wrong::Answer(words, Fault::said(status, body))
}

pub fn reply(words: &'static str, reply: Reply) -> Wrong {
    Wrong::Answer(words, Fault::Answer(reply))
}

pub fn edited(words: &'static str, edit: impl Fn(&mut Value) + Send + 'static) -> Wrong {
    Wrong::Answer(words, Fault::edited(edit))
}

/// Each record of the list at that place of an answer is changed.
pub fn rows(words: &'static str, place: &'static str, edit: impl Fn(&mut Value) + Send + 'static) -> Wrong {
    Wrong::Answer(words, Fault::rows(place, edit))
}

pub fn each(edit: impl Fn(&mut Value) + Send + 'static) -> Wrong {
    Wrong::Each(Box::new(edit))
}

pub fn one(edit: impl Fn(&mut Value) + Send + 'static) -> Wrong {
    Wrong::One(Box::new(edit))
}

fn lack(row: &mut Value, keys: &[&str]) {
    row.as_object_mut().unwrap().retain(|key, _| !keys.contains(&key.as_str()));
}

/// The list at that place of an answer is called otherwise.
fn rename(body: &mut Value, place: &str) {
    let Some((above, key)) = place.rsplit_once('/') else {
        *body = json!({"renamed": body.take()});
        return;
    };
    if let Some(fields) = body.pointer_mut(above).and_then(Value::as_object_mut)
        && let Some(list) = fields.remove(key)
    {
        fields.insert("renamed".to_owned(), list);
    }
}

impl Bad {
    /// What can be wrong with every server, but for that which can't be here, and its own.
    pub(super) fn take_cases(&mut self) -> Vec<Case> {
        use Line::{
            Absent, CutOff, ListNull, ListRenamed, Maintenance, NovelField, Nulls, OtherIds, ServerFault, Slow, Twice,
            WebPage,
        };
        let ((chats, place, _), may_lack) = (self.chats, self.may_lack);
        let [null, renamed] = self.no_list;
        let nothing = move |body: &mut Value| {
            if let Some(list) = body.pointer_mut(place) {
                *list = Value::Null;
            }
        };
        let twice = move |body: &mut Value| {
            if let Some(list) = body.pointer_mut(place).and_then(Value::as_array_mut) {
                list.extend(list.clone());
            }
        };
        let nulls = move |row: &mut Value| may_lack.iter().for_each(|key| row[*key] = Value::Null);
        let page = Reply::text(200, "text/html", "<!DOCTYPE html><title>Shop</title>");
        let mut cases = vec![
            fails(Maintenance, reply(chats, Reply::maintenance()), "the server failed (503)"),
            fails(ServerFault, answer(chats, 500, ""), "(500)"),
            fails(WebPage, reply("", page), "a web page instead of JSON"),
            fails(CutOff, Wrong::Answer(chats, Fault::Truncated), "ends too early"),
            fails(ListNull, edited(chats, nothing), null),
            fails(ListRenamed, edited(chats, move |body| rename(body, place)), renamed),
            is_taken(Slow, Wrong::Answer(chats, Fault::Slow(Duration::from_millis(20)))),
            is_taken(Nulls, each(nulls)),
            is_taken(Absent, each(move |row| lack(row, may_lack))),
            is_taken(NovelField, each(|row| row["novel"] = json!({"a": [1]}))),
            is_taken(OtherIds, edited("", other_ids)),
            is_taken(Twice, edited(chats, twice)),
        ];
        let own: Vec<Case> = self.cases.iter_mut().flat_map(std::mem::take).collect();
        cases.retain(|case| !own.iter().any(|own| own.line == case.line && matches!(own.comes, Comes::Never(..))));
        cases.extend(own);
        cases
    }
}

/// Ids that are numbers become texts, and the other way round.
fn other_ids(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "id" || key.ends_with("_id") {
                    let number = value.as_str().and_then(|text| text.parse::<u64>().ok());
                    *value = match number {
                        Some(number) => number.into(),
                        None if value.is_number() => value.to_string().into(),
                        None => value.take(),
                    };
                }
                other_ids(value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(other_ids),
        _ => {}
    }
}
