//! `helptop init`: sets a source up. Asks what it needs, tries it, says what can and can't be read, writes the config and
//! shows the first snapshot. Nothing is written of a source that can't be read.

mod dialog;
mod draft;
mod given;

use std::io::{self, Write};
use std::path::PathBuf;

use super::failure::Failure;
use super::once::Built;
use super::{attend, build, cli, doctor, snapshot};
use crate::config::{self, Config, ConfigError, Environment, Request, paths};
use crate::output::doctor::write_doctor;
use crate::source::{Kind, REGISTRY, Setup};
use crate::text::{harmless, nearest};
use dialog::{Dialog, say};
use draft::Draft;
use given::{answers, given, questions};

/// A kind that can be set up, and how.
type Chosen = (&'static Kind, Setup);

/// Sets a source up.
pub fn run(flags: &cli::Init, global: &cli::Global) -> Result<(), Failure> {
    let target = target(global)?;
    let dialog = Dialog::begin()?;
    let dialog = dialog.as_ref();
    let (kind, setup) = choose(flags, dialog)?;
    let given = given(flags, kind, setup)?;
    let name = match &flags.name {
        Some(name) => name.clone(),
        None => free_name(kind, &target)?,
    };
    if dialog.is_some() && questions(setup, &given).next().is_some() {
        say(&format!("\n{}\n{}\n", kind.title, setup.key))?;
    }
    loop {
        let settings = answers(kind, setup, &given, dialog).map_err(|missing| missing.in_words(flags, global))?;
        let draft = Draft::write(&target, &name, kind.name, &settings)?;
        let tried = attend_to(&draft, &name).and_then(|tried| match (tried, dialog) {
            (Tried::Whole(config), _) => Ok(config),
            (Tried::Partly(config), _) if flags.anyway => Ok(config),
            (Tried::Partly(config), Some(dialog)) => {
                let written = dialog.agrees("A part of it can't be read. Write it all the same?")?;
                if written { Ok(config) } else { Err(Failure::silent()) }
            }
            (Tried::Partly(_), None) => {
                say("\nnothing is written; to write what can be read in part: --anyway")?;
                Err(Failure::silent())
            }
        });
        match (tried, dialog) {
            (Ok(config), _) => {
                draft.keep()?;
                say(&format!("written to {} (mode 0600)\n", target.display()))?;
                return show(config);
            }
            (Err(failure), Some(dialog)) if settings.len() > given.len() => {
                let said = failure.to_string();
                if !said.is_empty() {
                    say(&line_by_line(&said))?;
                }
                if !dialog.agrees("Nothing is written. Try other answers?")? {
                    return Err(Failure::silent());
                }
            }
            // Whoever gave everything by flags gets one answer.
            (Err(failure), _) => return Err(failure),
        }
    }
}

/// A message and what to do about it, each in lines of its own.
fn line_by_line(said: &str) -> String {
    said.lines().map(harmless).collect::<Vec<_>>().join("\n")
}

/// What became of a try: the config with that source alone.
enum Tried {
    /// All of it can be read.
    Whole(Config),
    /// It answers, but not everything that it should.
    Partly(Config),
}

/// Tries the source of that name, and says what was found.
fn attend_to(draft: &Draft, name: &str) -> Result<Tried, Failure> {
    let environment = Environment::of_process();
    let request = Request { named: Some(draft.path()), environment: &environment, flags: Vec::new(), kinds: REGISTRY };
    let mut config = config::load(&request).map_err(|error| Failure::usage(draft.in_words(&error.to_string())))?;
    config.sources.retain(|source| source.spec.name == name);
    let built: Vec<Built> = build(&config).map_err(|failure| Failure::usage(draft.in_words(&failure.to_string())))?;
    let diagnoses = attend(async { Ok(doctor::ask(built).await) })?;
    let is_whole = write_doctor(&mut io::stdout().lock(), &diagnoses)?;
    let answers = diagnoses.iter().all(|diagnosis| diagnosis.findings.is_ok());
    match (is_whole, answers) {
        (true, _) => Ok(Tried::Whole(config)),
        (false, true) => Ok(Tried::Partly(config)),
        (false, false) => Err(Failure::silent()),
    }
}

fn show(config: Config) -> Result<(), Failure> {
    let mask = config.mask;
    let (found, failed) = attend(snapshot::of_sources(config))?;
    snapshot::write(io::stdout().lock(), &found, cli::Format::Table, mask)?;
    writeln!(io::stdout(), "\n`helptop` shows the board")?;
    if failed { Err(Failure::silent()) } else { Ok(()) }
}

/// The config file, which need not be there yet.
fn target(global: &cli::Global) -> Result<PathBuf, Failure> {
    let environment = Environment::of_process();
    let named = global.config.clone().or_else(|| environment.path("HELPTOP_CONFIG"));
    named.or_else(|| paths::default_path(&environment)).ok_or_else(|| {
        Failure::usage(
            "there is no place for a config: neither $XDG_CONFIG_HOME nor $HOME is set\n  name one: --config FILE",
        )
    })
}

fn choose(flags: &cli::Init, dialog: Option<&Dialog>) -> Result<Chosen, Failure> {
    let chosen: Vec<Chosen> = REGISTRY.iter().filter_map(|kind| Some((kind, kind.setup?))).collect();
    let names: Vec<&str> = chosen.iter().map(|(kind, _)| kind.name).collect();
    let name = match (&flags.vendor, dialog) {
        (Some(name), _) => name.as_str(),
        (None, Some(dialog)) => {
            say("What do you use?")?;
            let choices: Vec<_> = chosen.iter().map(|(kind, _)| (kind.name, kind.title)).collect();
            dialog.choose("Number or name", &choices)?
        }
        (None, None) => {
            return Err(Failure::usage(format!(
                "nobody can be asked here: name what to set up\n  helptop init --vendor NAME --set key=value --secret-env \
                 VARIABLE; the names are: {}",
                names.join(", ")
            )));
        }
    };
    chosen.into_iter().find(|(kind, _)| kind.name == name).ok_or_else(|| {
        let meant = nearest(name, names.iter().copied()).map(|meant| format!("did you mean `{meant}`? "));
        let names = names.join(", ");
        Failure::usage(format!(
            "--vendor {}: there is none of that name\n  {}the names are: {names}",
            harmless(name),
            meant.unwrap_or_default()
        ))
    })
}

/// The kind's name, with a number where the config has one of that name.
fn free_name(kind: &Kind, target: &std::path::Path) -> Result<String, Failure> {
    let environment = Environment::of_process();
    let taken: Vec<String> = if target.exists() {
        let request = Request { named: Some(target), environment: &environment, flags: Vec::new(), kinds: REGISTRY };
        config::source_names(&request).map_err(|error: ConfigError| Failure::usage(error.to_string()))?
    } else {
        Vec::new()
    };
    let numbered = (2..).map(|number| format!("{}-{number}", kind.name));
    let mut names = std::iter::once(kind.name.to_owned()).chain(numbered);
    Ok(names.find(|name| !taken.contains(name)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_stands_below_its_message() {
        assert_eq!(line_by_line("token: is empty\n  give one\u{1b}"), "token: is empty\n  give one\u{fffd}");
    }
}
