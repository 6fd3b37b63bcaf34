//! `helptop init`: sets a source up. Asks what it needs, tries it, says what can and can't be read, writes the config and
//! shows the first snapshot. Nothing is written of a source that can't be read.

mod dialog;
mod draft;
mod given;
mod section;
mod twin;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tracing_appender::non_blocking::WorkerGuard;

use super::failure::Failure;
use super::once::Built;
use super::{attend, cli, doctor, flags_of, logging, snapshot};
use crate::config::{self, Config, ConfigError, Environment, Request, file, paths};
use crate::output::doctor::write_doctor;
use crate::source::{Ask, Kind, REGISTRY, Setup};
use crate::text::{harmless, nearest};
use dialog::{Dialog, say};
use draft::Draft;
use given::{Lack, answers, given, questions};
use section::{Place, Written};

/// A kind that can be set up, and how.
type Chosen = (&'static Kind, Setup);

/// Sets a source up.
pub fn run(flags: &cli::Init, global: &cli::Global) -> Result<(), Failure> {
    let dialog = Dialog::begin()?;
    let mut log = None;
    match set_up(flags, global, dialog.as_ref(), &mut log) {
        Ok(config) => show(config),
        // A person has been told along the way.
        Err(failure) if dialog.is_none() => Err(failure.and("nothing is written")),
        Err(failure) => Err(failure),
    }
}

/// The config with the new source alone, once it is written.
fn set_up(
    flags: &cli::Init,
    global: &cli::Global,
    dialog: Option<&Dialog>,
    log: &mut Option<WorkerGuard>,
) -> Result<Config, Failure> {
    let target = target(global)?;
    let (kind, setup) = choose(flags, dialog)?;
    let given = given(flags, kind, setup)?;
    // A config that can't be read is told before anybody is asked.
    written_sources(&target)?;
    if dialog.is_some() && questions(setup, &given, None).next().is_some() {
        say(&format!("\n{}\n{}\n", kind.title, setup.key))?;
    }
    let (mut known, mut needed) = (given.clone(), None);
    loop {
        let settings = answers(kind, setup, &known, needed, dialog).map_err(|lack| lack.in_words(flags, global))?;
        let (name, place) = place(flags, &target, (kind, setup), &settings, dialog)?;
        let source = Written { name: &name, kind: kind.name, settings: &settings };
        let draft = Draft::write(&target, &source, &place)?;
        let keep = |draft: Draft, config| {
            draft.keep()?;
            say(&format!("written to {} (mode 0600)\n", target.display()))?;
            Ok(config)
        };
        let failure = match (attend_to(&draft, &name, (setup, global), log), dialog) {
            (Ok(Tried::Whole(config)), _) => return keep(draft, config),
            (Ok(Tried::Partly(config)), _) if flags.anyway => return keep(draft, config),
            (Ok(Tried::Partly(config)), Some(dialog)) => {
                if dialog.agrees("A part of it can't be read. Write it all the same?")? {
                    return keep(draft, config);
                }
                Failure::silent()
            }
            (Ok(Tried::Partly(_)), None) => {
                return Err(Failure::failed("a part of it can't be read\n  to write it all the same: --anyway"));
            }
            // The other answers were good.
            (Ok(Tried::Needs(ask)), Some(_)) => {
                known = settings;
                known.remove(ask.key);
                needed = Some(ask);
                continue;
            }
            (Ok(Tried::Needs(ask)), None) if !given.contains_key(ask.key) => {
                let lack = Lack::of(kind, &[ask], &given).map(|lack| lack.in_words(flags, global));
                return Err(lack.unwrap_or_else(Failure::silent));
            }
            (Ok(Tried::Needs(_)), None) => Failure::silent(),
            (Err(failure), _) => failure,
        };
        // Whoever gave everything by flags gets one answer.
        let Some(dialog) = dialog.filter(|_| settings.len() > given.len()) else { return Err(failure) };
        let said = failure.to_string();
        if !said.is_empty() {
            say(&line_by_line(&said))?;
        }
        if !dialog.agrees("Nothing is written. Try other answers?")? {
            return Err(Failure::silent());
        }
        (known, needed) = (given.clone(), None);
    }
}

/// Under which name the source is written, and where: a desk that the config has already is not counted twice unless that
/// is wanted.
fn place(
    flags: &cli::Init,
    target: &Path,
    (kind, setup): Chosen,
    settings: &Map<String, Value>,
    dialog: Option<&Dialog>,
) -> Result<(String, Place), Failure> {
    if let Some(name) = &flags.name {
        return Ok((name.clone(), Place::Behind));
    }
    let sources = written_sources(target)?;
    let free = free_name(kind, &sources);
    let Some(twin) = twin::find(&sources, kind, settings) else { return Ok((free, Place::Behind)) };
    let path = target.display();
    let said = format!("{path}: source `{}` reads that desk already; a second one counts all of it twice", twin.name);
    let Some(dialog) = dialog else {
        return Err(Failure::usage(format!(
            "{said}\n  to have both, for another account or another part of it, name this one: --name {free}"
        )));
    };
    say(&said)?;
    if dialog.decides(&format!("Replace `{}`?", twin.name), twin.has_same_key.then_some("yes"))? {
        let asked = setup.ask.iter().flat_map(Ask::keys).collect();
        return Ok((twin.name, Place::InsteadOf { index: twin.index, asked }));
    }
    Ok((dialog.ask("Name of the second one", &free, Some(&free))?, Place::Behind))
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
    /// It can't do without the answer to this.
    Needs(&'static Ask),
}

/// Tries the source of that name, and says what was found.
fn attend_to(
    draft: &Draft,
    name: &str,
    (setup, global): (Setup, &cli::Global),
    log: &mut Option<WorkerGuard>,
) -> Result<Tried, Failure> {
    let environment = Environment::of_process();
    let flags = flags_of(global);
    let request = Request { named: Some(draft.path()), environment: &environment, flags, kinds: REGISTRY };
    let refused = |error: ConfigError| Failure::usage(draft.in_words(error));
    let mut config = config::load(&request).map_err(refused)?;
    if log.is_none() {
        *log = logging::begin(&config.log, "init")?;
    }
    config.sources.retain(|source| source.spec.name == name);
    let build =
        |source: &config::SourceConfig| config.build(source).map(|made| Built { config: source.clone(), source: made });
    let built: Result<Vec<Built>, _> = config.sources.iter().map(build).collect();
    let built = built.map_err(|problem| refused(problem.into()))?;
    let diagnoses = attend(async { Ok(doctor::ask(built).await) })?;
    let is_whole = write_doctor(&mut io::stdout().lock(), &diagnoses)?;
    let failed = diagnoses.iter().find_map(|diagnosis| diagnosis.findings.as_ref().err());
    match (is_whole, failed) {
        (true, _) => Ok(Tried::Whole(config)),
        (false, None) => Ok(Tried::Partly(config)),
        (false, Some(error)) => setup.needed_after(error).map(Tried::Needs).ok_or_else(Failure::silent),
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

/// The sources that the config has as yet.
fn written_sources(target: &Path) -> Result<Vec<file::Source>, Failure> {
    if !target.exists() {
        return Ok(Vec::new());
    }
    let environment = Environment::of_process();
    let request = Request { named: Some(target), environment: &environment, flags: Vec::new(), kinds: REGISTRY };
    config::written_sources(&request).map_err(|error| Failure::usage(error.to_string()))
}

/// The kind's name, with a number where there is a source of that name.
fn free_name(kind: &Kind, sources: &[file::Source]) -> String {
    let is_free = |name: &String| !sources.iter().any(|source| source.name.as_ref().unwrap_or(&source.kind) == name);
    let numbered = (2..).map(|number| format!("{}-{number}", kind.name));
    std::iter::once(kind.name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_stands_below_its_message() {
        assert_eq!(line_by_line("token: is empty\n  give one\u{1b}"), "token: is empty\n  give one\u{fffd}");
    }
}
