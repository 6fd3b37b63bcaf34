//! Questions and answers in a plain terminal.

use std::io::{self, IsTerminal, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::run::failure::Failure;
use crate::run::{runtime, signals};
use crate::term::Hidden;
use crate::text::harmless;

/// A signal is noticed after at most so long, in nanoseconds.
const NOTICED: i64 = 50_000_000;

/// Whoever sits at the terminal. A signal ends the dialog like an end of input, so that the terminal is as it was before.
pub struct Dialog {
    cancel: CancellationToken,
    /// The signals are waited for by its threads.
    _signals: Runtime,
}

impl Dialog {
    /// Somebody to ask; `None` where nobody is there.
    pub fn begin() -> Result<Option<Self>, Failure> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let (cancel, waiting) = (CancellationToken::new(), runtime()?);
        waiting.block_on(async { signals::cancel_on_signals(&cancel) })?;
        Ok(Some(Self { cancel, _signals: waiting }))
    }

    /// Asks until there is an answer; an empty one is taken as the default, where there is one.
    pub fn ask(&self, question: &str, example: &str, default: Option<&str>) -> Result<String, Failure> {
        let hint = default.map_or_else(|| format!("(such as {example})"), |default| format!("[{default}]"));
        self.answer(&format!("{question} {hint}: "), default, &format!("an answer is needed, such as {example}"))
    }

    /// Asks until there is an answer, and says what is wanted where there is none.
    fn answer(&self, question: &str, default: Option<&str>, wanted: &str) -> Result<String, Failure> {
        loop {
            let line = self.line(question)?;
            match (line.trim(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => say(&format!("  {wanted}"))?,
                (answer, _) => return Ok(answer.to_owned()),
            }
        }
    }

    /// Asks for what nobody may see over the shoulder.
    pub fn ask_secret(&self, question: &str) -> Result<String, Failure> {
        // Before the question: who pastes the answer is quicker than the eye.
        let _hidden = Hidden::begin()?;
        self.answer(
            &format!("{question} (it is not shown): "),
            None,
            "it is needed: paste or type it, then press enter",
        )
    }

    /// Asks for one of these; by number or by name.
    pub fn choose<'a>(&self, question: &str, choices: &[(&'a str, &str)]) -> Result<&'a str, Failure> {
        for (i, (name, title)) in choices.iter().enumerate() {
            say(&format!("  {:>2}  {name:<10} {title}", i + 1))?;
        }
        let first = choices.first().map_or("", |choice| choice.0);
        let wanted = format!("a number from 1 to {}, or a name, such as {first}", choices.len());
        loop {
            let answer = self.answer(&format!("{question} (such as {first}): "), None, &wanted)?;
            let by_number = answer.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
            let by_name = || choices.iter().find(|(name, _)| answer.eq_ignore_ascii_case(name));
            match by_number.or_else(by_name) {
                Some((name, _)) => return Ok(name),
                None => say(&format!("  {} is none of these: {wanted}", harmless(&answer)))?,
            }
        }
    }

    /// Asks for yes or no; an empty answer is yes.
    pub fn agrees(&self, question: &str) -> Result<bool, Failure> {
        self.decides(question, Some("yes"))
    }

    /// Asks until the answer is yes or no.
    pub fn decides(&self, question: &str, default: Option<&str>) -> Result<bool, Failure> {
        let hint = default.map_or_else(|| "(yes or no)".to_owned(), |default| format!("[{default}]"));
        loop {
            let answer = self.answer(&format!("{question} {hint}: "), default, "yes or no?")?.to_ascii_lowercase();
            match answer.chars().next() {
                Some('y') => return Ok(true),
                Some('n') => return Ok(false),
                _ => say("  yes or no?")?,
            }
        }
    }

    /// A line that is typed. It is read byte by byte: what is typed ahead stays in the terminal for the next question.
    fn line(&self, question: &str) -> Result<String, Failure> {
        let mut out = io::stdout();
        write!(out, "{question}")?;
        out.flush()?;
        let (stdin, soon) = (io::stdin(), Timespec { tv_sec: 0, tv_nsec: NOTICED });
        let mut line = Vec::new();
        loop {
            if self.cancel.is_cancelled() {
                say("")?;
                return Err(gone());
            }
            match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&soon)) {
                Ok(0) | Err(Errno::INTR) => continue,
                ready => ready.map_err(io::Error::from)?,
            };
            let mut byte = [0];
            match rustix::io::read(&stdin, &mut byte) {
                Ok(0) => return Err(gone()),
                Ok(_) if byte == *b"\n" => return Ok(String::from_utf8_lossy(&line).into_owned()),
                Ok(_) => line.extend(byte),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

/// Says something.
pub fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

fn gone() -> Failure {
    Failure::failed("nobody answers: nothing was written")
}
