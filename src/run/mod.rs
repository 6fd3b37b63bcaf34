//! The wiring: what the commands do.

mod ahead;
mod board;
pub mod cli;
mod clock;
mod doctor;
mod engine;
mod events;
mod failure;
mod feed;
mod import;
mod init;
mod keep;
mod logging;
mod once;
mod past;
pub mod print;
mod progress;
mod range;
mod recording;
mod report;
mod signals;
mod snapshot;
mod trace;
mod viewer;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tokio_util::sync::CancellationToken;

use crate::app::ACTIONS;
use crate::config::{self, Config, ConfigError, Environment, Flag, Request};
use crate::source::REGISTRY;
use crate::text::harmless;
use cli::{Cli, Command, Global, Print};
use failure::Failure;
use once::Built;

/// Runs the program and gives its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let message = failure.to_string();
            if !message.is_empty() {
                // With no standard error there is nobody to tell.
                let _ = writeln!(io::stderr(), "helptop: {message}");
            }
            failure.code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match cli.command {
        Some(Command::Print { what }) => print(what, global),
        Some(Command::Snapshot(flags)) => {
            let config = if flags.events.is_some() { load_without_sources(global) } else { load(global) }?;
            logging::during(&config.log.clone(), "snapshot", || {
                let mask = config.mask;
                let (snapshot, failed) = match &flags.events {
                    Some(path) => (snapshot::of_recording(path, &flags, config.thresholds)?, false),
                    None => attend(snapshot::of_sources(config))?,
                };
                snapshot::write(io::stdout().lock(), &snapshot, flags.format, mask)?;
                if failed { Err(Failure::silent()) } else { Ok(()) }
            })
        }
        Some(Command::Report(flags)) => {
            let config = load_without_sources(global)?;
            logging::during(&config.log, "report", || report::run(&flags, &config, io::stdout().lock()))
        }
        Some(Command::Import(flags)) => {
            let config = load_without_sources(global)?;
            logging::during(&config.log, "import", || import::run(&flags, &config, io::stdout().lock()))
        }
        Some(Command::Events(flags)) => {
            let config = load(global)?;
            logging::during(&config.log, "events", || {
                let events = events::run(build(&config)?, flags.follow);
                if flags.follow { runtime()?.block_on(events) } else { attend(events) }
            })
        }
        Some(Command::Doctor(flags)) => {
            let mut config = load(global)?;
            let Some(name) = flags.trace else {
                let look = || attend(doctor::run(build(&config)?, config.store.clone()));
                return logging::during(&config.log, "doctor", look);
            };
            let names: Vec<String> = config.sources.iter().map(|source| source.spec.name.clone()).collect();
            config.sources.retain(|source| source.spec.name == name);
            let built = build(&config)?.pop().ok_or_else(|| {
                let names = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
                Failure::usage(format!("--trace {}: no source of that name\n  the sources: {names}", harmless(&name)))
            })?;
            attend(trace::run(built))
        }
        Some(Command::Init(flags)) => init::run(&flags, global),
        Some(Command::Demo(flags)) => runtime()?.block_on(board::demo(load_without_sources(global)?, &flags)),
        None => runtime()?.block_on(board::live(load(global)?)),
        Some(Command::Replay(flags)) => runtime()?.block_on(board::replay(load_without_sources(global)?, &flags)),
    }
}

/// The config for a command that reads the desks.
fn load(global: &Global) -> Result<Config, Failure> {
    load_with(global, config::load)
}

/// The config for a command that reads none of the desks: no secret is fetched.
fn load_without_sources(global: &Global) -> Result<Config, Failure> {
    load_with(global, config::load_without_sources)
}

fn load_with(global: &Global, load: fn(&Request<'_>) -> Result<Config, ConfigError>) -> Result<Config, Failure> {
    let environment = Environment::of_process();
    let flags = flags_of(global);
    let request = Request { named: global.config.as_deref(), environment: &environment, flags, kinds: REGISTRY };
    let config = load(&request).map_err(|error| Failure::usage(error.to_string()))?;
    viewer::look(&config)?;
    Ok(config)
}

/// The flags that stand for a key of the config.
fn flags_of(global: &Global) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut flag = |name, key, value: Option<serde_json::Value>| {
        flags.extend(value.map(|value| Flag { name, key, value }));
    };
    flag("--theme", "board.theme", global.theme.clone().map(Into::into));
    flag("--no-mouse", "board.mouse", global.no_mouse.then_some(false.into()));
    flag("--log-file", "log.file", global.log_file.as_ref().map(|path| path.to_string_lossy().into()));
    flag("--log-level", "log.level", global.log_level.map(|level| level.word().into()));
    flags
}

/// Two threads beside the main one: sources, engine and screen never wait for each other.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))
}

/// Runs a command that ends by itself. A signal ends it sooner, and the programs that it has started with it.
fn attend<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(async {
        let cancel = CancellationToken::new();
        signals::cancel_on_signals(&cancel)?;
        tokio::select! {
            done = command => done,
            () = cancel.cancelled() => Err(Failure::failed("interrupted before everything was read")),
        }
    })
}

/// Builds every source of the config; every one that can't be built is named.
fn build(config: &Config) -> Result<Vec<Built>, Failure> {
    let mut built = Vec::new();
    let mut problems = Vec::new();
    for source in &config.sources {
        match config.build(source) {
            Ok(made) => built.push(Built { config: source.clone(), source: made }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(built) } else { Err(Failure::usage(ConfigError { problems }.to_string())) }
}

fn print(what: Print, global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match what {
        Print::Config => print::config(&mut out)?,
        Print::Figures => crate::output::history::write_figures(&mut out)?,
        Print::Sources => crate::output::write_sources(&mut out, REGISTRY)?,
        Print::Schema { of } => print::schema(&mut out, of, REGISTRY)?,
        Print::Completions { shell } => print::completions(&mut out, shell)?,
        Print::Man => print::man(&mut out)?,
        Print::Keys => {
            let (keymap, _) = viewer::look(&load_without_sources(global)?)?;
            let rows = ACTIONS.iter().map(|row| (row.action.into(), keymap.keys(row.action).join(" "), row.help));
            print::keys(&mut out, &rows.collect::<Vec<_>>())?;
        }
        Print::Themes => {
            let (_, themes) = viewer::look(&load_without_sources(global)?)?;
            print::themes(&mut out, themes.names())?;
        }
    }
    Ok(())
}
