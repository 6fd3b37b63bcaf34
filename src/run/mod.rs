//! The wiring: what the commands do.

pub mod cli;
mod clock;
mod failure;
pub mod print;
mod recording;
mod snapshot;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::config::{self, Config, Environment, Flag, Request};
use crate::source::REGISTRY;
use cli::{Cli, Command, Global, Print};
use failure::Failure;

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
            let config = load(global)?;
            let snapshot = match &flags.events {
                Some(path) => snapshot::of_recording(path, &flags, config.thresholds)?,
                None => return Err(Failure::failed("not wired yet")),
            };
            snapshot::write(io::stdout().lock(), &snapshot, flags.format, config.mask)
        }
        _ => Err(Failure::failed("not wired yet")),
    }
}

fn load(global: &Global) -> Result<Config, Failure> {
    let mut flags = Vec::new();
    let mut flag = |name, key, value: Option<serde_json::Value>| {
        flags.extend(value.map(|value| Flag { name, key, value }));
    };
    flag("--theme", "board.theme", global.theme.clone().map(Into::into));
    flag("--no-mouse", "board.mouse", global.no_mouse.then_some(false.into()));
    flag("--log-file", "log.file", global.log_file.as_ref().map(|path| path.to_string_lossy().into()));
    flag("--log-level", "log.level", global.log_level.map(|level| level.word().into()));
    let environment = Environment::of_process();
    let request = Request { named: global.config.as_deref(), environment: &environment, flags, kinds: REGISTRY };
    config::load(&request).map_err(|error| Failure::usage(error.to_string()))
}

fn print(what: Print, _global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match what {
        Print::Config => print::config(&mut out)?,
        Print::Schema { of } => print::schema(&mut out, of, REGISTRY)?,
        Print::Completions { shell } => print::completions(&mut out, shell),
        Print::Man => print::man(&mut out)?,
        Print::Keys | Print::Themes => return Err(Failure::failed("not wired yet")),
    }
    Ok(())
}
