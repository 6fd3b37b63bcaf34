//! Questions and answers in a plain terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::run::failure::Failure;
use crate::text::harmless;

/// Whether anybody can be asked.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Says something.
pub fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Asks until there is an answer; an empty one is taken as the default, where there is one.
pub fn ask(question: &str, example: &str, default: Option<&str>) -> Result<String, Failure> {
    let hint = default.map_or_else(|| format!(" (such as {example})"), |default| format!(" [{default}]"));
    loop {
        let mut out = io::stdout();
        write!(out, "{question}{hint}: ")?;
        out.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(gone());
        }
        match (line.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Asks for what nobody may see over the shoulder.
pub fn ask_secret(question: &str) -> Result<String, Failure> {
    loop {
        let answer = rpassword::prompt_password(format!("{question} (it is not shown): "));
        let answer = answer.map_err(|_| gone())?;
        if !answer.trim().is_empty() {
            return Ok(answer.trim().to_owned());
        }
    }
}

/// Asks for one of these; by number or by name.
pub fn choose<'a>(question: &str, choices: &[(&'a str, &str)]) -> Result<&'a str, Failure> {
    for (i, (name, title)) in choices.iter().enumerate() {
        say(&format!("  {:>2}  {name:<10} {title}", i + 1))?;
    }
    let first = choices.first().map_or("", |choice| choice.0);
    loop {
        let answer = ask(question, first, None)?;
        let by_number = answer.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
        let by_name = || choices.iter().find(|(name, _)| answer.eq_ignore_ascii_case(name));
        match by_number.or_else(by_name) {
            Some((name, _)) => return Ok(name),
            None => say(&format!("  {} is none of these", harmless(&answer)))?,
        }
    }
}

/// Asks for yes or no; an empty answer is yes.
pub fn agrees(question: &str) -> Result<bool, Failure> {
    let answer = ask(question, "", Some("yes"))?;
    Ok(answer.to_ascii_lowercase().starts_with('y'))
}

fn gone() -> Failure {
    Failure::failed("nobody answers: nothing was written")
}
