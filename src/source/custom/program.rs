//! A jq program: one JSON value in, any number out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Native, Vars, unwrap_valr};
use jaq_json::{Val, read};
use serde_json::Value;

use super::watch::{STACK, Watch, Watched, watched};
use super::words;
use crate::source::apart::apart;
use crate::source::http::words::excerpt;

/// A program may take so long for one answer.
const LONGEST: Duration = Duration::from_secs(20);
/// A program that gives more values to one answer is taken for one that never ends.
const MOST: usize = 200_000;

/// What it gives may nest so deep.
const DEEPEST: usize = 100;

type Filter = jaq_core::compile::Filter<Native<Watched>>;

/// A jq program, compiled.
pub(super) struct Program {
    filter: Arc<Filter>,
    code: Arc<str>,
    /// It is at an answer; for ever, if it does not end.
    is_busy: Arc<AtomicBool>,
}

/// Says that a program is at an answer, until it is let go.
struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Program")
    }
}

impl Program {
    /// Compiles it; the error says what is wrong with it.
    pub(super) fn new(code: &str) -> Result<Self, String> {
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(defs).load(&arena, File { code, path: () }).map_err(|errors| wrong(code, &errors))?;
        let compiler = Compiler::default().with_funs(funs);
        let filter = compiler.compile(modules).map_err(|errors| unknown(&errors))?;
        Ok(Self { filter: Arc::new(filter), code: code.into(), is_busy: Arc::default() })
    }

    /// What it was compiled from.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// What it makes of an answer. One that does not end in time is left alone, and not begun a second time.
    pub(super) async fn run(&self, input: &Arc<Value>) -> Result<Vec<Value>, String> {
        if self.is_busy.swap(true, Ordering::AcqRel) {
            return Err("is still at an earlier answer: does it end?".to_owned());
        }
        let (filter, code) = (Arc::clone(&self.filter), Arc::clone(&self.code));
        let (input, busy) = (Arc::clone(input), Busy(Arc::clone(&self.is_busy)));
        let found = apart(LONGEST, STACK, move |awaited| {
            let is_awaited = || awaited.is_awaited();
            let found = watched(|| values(&filter, &code, &input, &is_awaited));
            drop(busy);
            found
        });
        let seconds = LONGEST.as_secs();
        found.await.unwrap_or_else(|| Err(format!("took more than {seconds} s for one answer: does it end?")))
    }
}

/// What a program gives, as long as somebody waits for it.
fn values(filter: &Filter, code: &str, input: &Value, is_awaited: &dyn Fn() -> bool) -> Result<Vec<Value>, String> {
    let input = read::parse_single(input.to_string().as_bytes()).map_err(|error| error.to_string())?;
    let context = Ctx::<Watched>::new(Watch::new(&filter.lut, is_awaited), Vars::new([]));
    let mut found = Vec::new();
    for value in filter.id.run((context, input)).map(unwrap_valr) {
        let value = value.map_err(|error| words::of_program(&error.to_string(), code))?;
        if nests_deeper(&value, DEEPEST) {
            return Err(format!("gives a value that nests more than {DEEPEST} deep: does it end?"));
        }
        let value = serde_json::from_str(&value.to_string())
            .map_err(|error| format!("gives what is no JSON: {}", excerpt(&error.to_string())))?;
        found.push(value);
        if found.len() > MOST {
            return Err(format!("gives more than {MOST} values to one answer: does it end?"));
        }
    }
    Ok(found)
}

fn nests_deeper(value: &Val, most: usize) -> bool {
    let Some(most) = most.checked_sub(1) else { return true };
    match value {
        Val::Arr(list) => list.iter().any(|one| nests_deeper(one, most)),
        Val::Obj(map) => map.values().any(|one| nests_deeper(one, most)),
        _ => false,
    }
}

/// Where the program can't be read.
fn wrong(code: &str, errors: &jaq_core::load::Errors<&str, ()>) -> String {
    use jaq_core::load::Error;
    let rest = errors.iter().find_map(|(_, error)| match error {
        Error::Io(_) => None,
        Error::Lex(errors) => errors.first().map(|(_, rest)| *rest),
        Error::Parse(errors) => errors.first().map(|(_, rest)| *rest),
    });
    match rest {
        Some("") => "ends too early".to_owned(),
        Some(rest) => {
            let before = code.len().saturating_sub(rest.len());
            let line = 1 + code.get(..before).map_or(0, |before| before.matches('\n').count());
            format!("can't be read from `{}` on, in its line {line}", excerpt(rest))
        }
        None => "can't be read; it may not import anything".to_owned(),
    }
}

/// Names that mean nothing.
fn unknown(errors: &jaq_core::compile::Errors<&str, ()>) -> String {
    let names: Vec<String> =
        errors.iter().flat_map(|(_, errors)| errors).map(|(name, _)| format!("`{}`", excerpt(name))).collect();
    format!("knows no {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn one_value_gives_any_number() {
        let program = Program::new(".items[] | {id, text: \"\\(.n) é\"} , (.n | select(. > 1))").unwrap();
        let input = json!({"items": [{"id": "a", "n": 1}, {"id": "b", "n": 2.5}]});
        let found = program.run(&Arc::new(input)).await.unwrap();
        assert_eq!(found, [json!({"id": "a", "text": "1 é"}), json!({"id": "b", "text": "2.5 é"}), json!(2.5)]);
    }

    /// Takes a while, and ends by itself so that it does not stay behind.
    const LONG: &str = "last(range(30000000))";

    #[tokio::test(start_paused = true)]
    async fn a_program_that_takes_too_long_is_left_alone_and_not_begun_again() {
        let program = Program::new(LONG).unwrap();
        let error = program.run(&Arc::default()).await.unwrap_err();
        assert_eq!(error, "took more than 20 s for one answer: does it end?");
        let error = program.run(&Arc::default()).await.unwrap_err();
        assert_eq!(error, "is still at an earlier answer: does it end?");
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_without_an_end_is_stopped_when_nobody_waits_any_more() {
        let program = Program::new("def f(x): f(x + 1); f(0)").unwrap();
        let error = program.run(&Arc::default()).await.unwrap_err();
        assert_eq!(error, "took more than 20 s for one answer: does it end?");
        let is_over = |_| {
            std::thread::sleep(Duration::from_millis(1));
            !program.is_busy.load(Ordering::Acquire)
        };
        assert!((0..60_000).any(is_over), "it goes on");
    }

    #[tokio::test]
    async fn what_nests_as_deep_as_an_answer_may_is_taken() {
        let program = Program::new("reduce range(98) as $i ([1]; [.])").unwrap();
        assert_eq!(program.run(&Arc::default()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_program_is_said() {
        for (code, said) in [
            (".a |", "ends too early"),
            (".a\n| .b )", "`)` on, in its line 2"),
            (".a | no_such_thing", "`no_such_thing`"),
        ] {
            let error = Program::new(code).unwrap_err();
            assert!(error.contains(said), "{code}: {error}");
        }
        let error = Program::new(".a.b").unwrap().run(&Arc::new(json!({"a": [1]}))).await.unwrap_err();
        assert!(error.contains("index"), "{error}");
        for (code, said) in [
            ("def f: [f]; f", "calls itself too deep"),
            ("def f: 1 + f; f", "calls itself too deep"),
            ("reduce range(100000) as $i (0; [.])", "nests more than 100 deep"),
            ("reduce range(100000) as $i (0; {a: .})", "nests more than 100 deep"),
        ] {
            let error = Program::new(code).unwrap().run(&Arc::default()).await.unwrap_err();
            assert!(error.contains(said), "{code}: {error}");
        }
        let error = Program::new("repeat(1)").unwrap().run(&Arc::default()).await.unwrap_err();
        assert!(error.contains("does it end"), "{error}");
    }
}
