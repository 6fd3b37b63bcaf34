//! What can be wrong with a vendor's key, server or records: every line of it is shown for every vendor, or it is said
//! there why it can't be. 100,000 open chats are read by the bench `sources`, size XL.

mod cases;
mod desk;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use helptop::source::{Source, Spec, kind};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::agree::{SMALL, Watch, start};
use crate::contract::{Bench, active, benches};
use crate::server::{Fault, Simulator, Vendor};
use crate::world::World;
use crate::{callbell, chatwoot, gorgias, intercom, zammad, zendesk};

use self::cases::Comes;
pub use self::cases::{
    Case, Line, WRONG_KEY, Wrong, answer, each, edited, emptied, fails, fails_as, is_taken, loses, loses_it, never,
    no_id, no_time, no_time_of_message, novel_word, one, renamed, reply, rows, wrong_address, wrong_token,
};

/// Half minutes after which any vendor shows what happened.
const LATE: usize = 6;

/// What a vendor has to say of what can be wrong.
pub struct Bad {
    /// The settings of a source on a server at that address.
    pub settings: fn(&str) -> Value,
    /// Words of requests for lists of chats, where the records are in the answers, and the field of their ids.
    pub chats: (&'static str, &'static str, &'static str),
    /// What is said where that list is `null`, and where it is called otherwise.
    pub no_list: [&'static str; 2],
    /// Fields of a chat that may lack, or be `null`.
    pub may_lack: &'static [&'static str],
    /// Its own rows: what fails a first read, and what the rest is told beside.
    pub cases: [Vec<Case>; 2],
    /// What makes its account an empty one.
    pub empty: Vec<(&'static str, Fault)>,
    /// Its server with pages so small that a desk of size S has several.
    pub paged: fn(World) -> BoxFuture<'static, Simulator>,
    /// Half minutes until a chat that was deleted is missed.
    pub missed: usize,
    pub looks: Looks,
    /// What a check finds with a weak key: what is looked at, whether it is good, and words.
    pub weak: &'static [(&'static str, Option<bool>, &'static str)],
    /// Settings that can't work, and how the refusal begins.
    pub refused: Vec<(Value, &'static str)>,
}

/// By which clock an agent's state is dated.
pub enum Looks {
    /// No state is told.
    None,
    /// Each has an instant of its own.
    Own,
    /// By the server's, where this fault takes an instant of its own from each.
    Server(Option<(&'static str, Fault)>),
}

/// For each vendor its table, and a test of it.
macro_rules! vendors {
    ($($kind:ident),*) => {
        fn table(kind: &str) -> Bad {
            match kind {
                $(stringify!($kind) => $kind::bad::table(),)*
                _ => panic!("{kind} has no table"),
            }
        }

        $(
            #[tokio::test]
            async fn $kind() {
                whatever_is_wrong_is_said_and_nothing_good_is_lost_with_it($kind::bench()).await;
            }
        )*
    };
}

vendors!(callbell, chatwoot, gorgias, intercom, zammad, zendesk);

/// Every vendor and what it has to say.
fn all() -> impl Iterator<Item = (Bench, Bad)> {
    benches().into_iter().map(|bench| {
        let bad = table(bench.kind);
        (bench, bad)
    })
}

impl Bad {
    /// A source, or why it is refused.
    fn source(&self, bench: &Bench, base: &str, other: &Value, hours: u64) -> Result<Box<dyn Source>, String> {
        let mut settings = (self.settings)(base);
        settings.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        settings.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let backfill = Duration::from_hours(hours);
        (kind(bench.kind).unwrap().build)(&Spec { name: "desk".into(), backfill, settings, base: ".".into() })
    }

    /// From now on it is wrong: with these settings, or with answers to requests with these words.
    fn put(&self, wrong: Wrong, bench: &Bench, simulator: &Simulator) -> (Value, Option<&'static str>) {
        let (chats, place, key) = self.chats;
        let (words, fault) = match wrong {
            Wrong::Nothing => return (json!({}), None),
            Wrong::Setting(settings) => return (settings, None),
            Wrong::Answer(words, fault) => (words, fault),
            Wrong::Each(edit) => {
                (chats, Fault::edited(move |body| records(body, place, key).iter_mut().for_each(&edit)))
            }
            Wrong::One(edit) => {
                let (met, open, number) = (OnceCell::new(), open(simulator), (bench.terms)().chat);
                let fault = Fault::edited(move |body| {
                    for row in records(body, place, key) {
                        let id = row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
                        let is_open = number(&id).is_some_and(|number| open.contains(&number));
                        if is_open && *met.get_or_init(|| id.clone()) == id {
                            edit(row);
                        }
                    }
                });
                (chats, fault)
            }
        };
        simulator.fault(words, fault);
        (json!({}), Some(words))
    }
}

/// The records of a list, or the one that is the whole answer.
fn records<'a>(body: &'a mut Value, place: &str, key: &str) -> &'a mut [Value] {
    if body.pointer(place).is_some_and(Value::is_array) {
        return body.pointer_mut(place).and_then(Value::as_array_mut).unwrap();
    }
    if body.get(key).is_some() { std::slice::from_mut(body) } else { &mut [] }
}

/// A few chats at nine in the morning, as a vendor shows them.
pub async fn few(vendor: impl Vendor) -> Simulator {
    Simulator::start(nine(), vendor).await
}

fn nine() -> World {
    let mut world = World::new(SMALL, start());
    world.advance(start() + TimeDelta::hours(9));
    world
}

fn open(simulator: &Simulator) -> BTreeSet<u64> {
    simulator.inside().world.open().map(|chat| chat.number).collect()
}

/// The numbers of chats that are active by what was told.
pub fn told(watch: &Watch<'_>, bench: &Bench) -> BTreeSet<u64> {
    let number = (bench.terms)().chat;
    active(&watch.told).iter().map(|id| number(id.as_str()).unwrap()).collect()
}

/// Reads all, and finds out that nothing is told that is not so: how many active chats are missing.
pub async fn lost(watch: &mut Watch<'_>, bench: &Bench) -> usize {
    watch.settle().await;
    let (told, open) = (told(watch, bench), open(watch.simulator));
    assert_eq!(told.difference(&open).collect::<Vec<_>>(), Vec::<&u64>::new(), "{}: are not active", bench.kind);
    open.difference(&told).count()
}

/// Nothing happens for so many half minutes.
async fn stand_still(watch: &mut Watch<'_>, halves: usize) {
    for _ in 0..halves {
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
}

/// What came of it, and whether that was to come.
async fn outcome(bench: &Bench, watch: &mut Watch<'_>, line: Line, comes: &Comes) -> (String, bool) {
    match comes {
        Comes::Never(why, holds) => ((*why).to_owned(), holds(bench)),
        Comes::Failure(word, words) => {
            let Some(error) = watch.first_error().await else { return ("no error".to_owned(), false) };
            let said = error.to_string();
            let mut is_expected = error.word() == *word && said.contains(words);
            if line == Line::WrongKey {
                let now = watch.simulator.inside().world.now;
                let checked = watch.source.check(now).await;
                is_expected &=
                    checked.is_err_and(|error| error.word() == "auth" && !error.to_string().contains(WRONG_KEY));
            }
            (format!("{}: {said}", error.word()), is_expected)
        }
        Comes::Loss(chats, skipped, words) => {
            let (missing, at_once) = (lost(watch, bench).await, watch.skipped);
            // However often it is met, and however the desk goes on, it is named once.
            for _ in 0..if *skipped == 1 { 40 } else { 4 } {
                watch.later(60).await;
            }
            stand_still(watch, LATE).await;
            let is_lost_later = *chats == 0 && lost(watch, bench).await > 0;
            let reasons = watch.reasons.join("\n");
            let is_named = at_once.min(2) == *skipped && (*skipped != 1 || watch.skipped == 1);
            let is_expected = missing.min(2) == *chats && !is_lost_later && is_named && reasons.contains(words);
            (format!("{missing} missing, {at_once} skipped, later {}: {reasons}", watch.skipped), is_expected)
        }
    }
}

async fn whatever_is_wrong_is_said_and_nothing_good_is_lost_with_it(bench: Bench) {
    let mut bad = table(bench.kind);
    let cases = bad.take_cases();
    let missing: Vec<Line> = Line::iter().filter(|line| !cases.iter().any(|case| case.line == *line)).collect();
    assert_eq!(missing, [], "is neither shown nor said to be impossible");
    let mut surprises = Vec::new();
    for Case { line, wrong, comes } in cases {
        let simulator = (bench.serve)(nine()).await;
        let hours = if line == Line::OtherIds { 2 } else { 0 };
        let (settings, words) = bad.put(wrong, &bench, &simulator);
        let mut source = bad.source(&bench, &simulator.base, &settings, hours).unwrap();
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let (came, is_expected) = outcome(&bench, &mut watch, line, &comes).await;
        let is_met = words.is_none_or(|words| simulator.asked().iter().any(|line| line.contains(words)));
        if !is_expected || !is_met || [bench.secret, WRONG_KEY].iter().any(|secret| came.contains(secret)) {
            surprises.push(format!("{line:?}, met {is_met}: {came}"));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
