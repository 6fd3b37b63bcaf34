//! The board in this terminal: of the configured desks, of the simulated one, or over a recording.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::{self, Now};
use super::failure::Failure;
use super::feed::Watched;
use super::keep::{self, Keeper};
use super::past::{self, RecordingPast};
use super::watch::Watch;
use super::{Built, cli, logging, signals, viewer};
use crate::config::{self, Config, Environment, zone};
use crate::event::Timestamp;
use crate::poll;
use crate::source::replay::{self, Replay};
use crate::source::{
    self,
    demo::{self, Demo},
};
use crate::term;
use crate::ui::Mode;

impl From<Built> for Watched {
    fn from(built: Built) -> Self {
        let Built { config, source } = built;
        let (interval, quota_share) = (config.interval, config.quota_share);
        Self { name: config.spec.name, kind: config.kind, source, interval, quota_share, cursor: None }
    }
}

/// The board of the configured desks; of the simulated one where none is configured.
pub async fn live(config: Config) -> Result<(), Failure> {
    if config.sources.is_empty() {
        return demo(config, &cli::Demo::DEFAULT).await;
    }
    let sources = super::build(&config)?;
    let prints: Vec<_> =
        sources.iter().map(|built| (built.config.spec.name.clone(), keep::print(&built.config))).collect();
    let open = |store: &_| Keeper::open(store, &prints);
    show(config, sources.into_iter().map(Watched::from).collect(), open, clock::real(), Mode::Live).await
}

/// The board of the simulated desk.
pub async fn demo(config: Config, flags: &cli::Demo) -> Result<(), Failure> {
    let settings = demo::Settings { seed: flags.seed, agents: flags.agents as usize, chats: flags.chats as usize };
    let source = Demo::new(&settings).map_err(Failure::usage)?;
    let watched = Watched {
        name: "demo".to_owned(),
        kind: &demo::KIND,
        source: Box::new(source),
        interval: Duration::from_secs(1),
        quota_share: 1.0,
        cursor: None,
    };
    let now = if (flags.speed - 1.0).abs() < f64::EPSILON {
        clock::real()
    } else {
        clock::running_from(clock::real()(), flags.speed)
    };
    let open = |store: &_| Keeper::in_memory(store, &[("demo".to_owned(), 0)]);
    show(config, vec![watched], open, now, Mode::Demo).await
}

/// The board over a recording.
pub async fn replay(config: Config, flags: &cli::Replay) -> Result<(), Failure> {
    let path = flags.file.display();
    let first = replay::first_at(&flags.file)
        .map_err(|error| Failure::failed(format!("{path}: cannot read the recording: {error}\n  check the path")))?;
    let Some(first) = first else {
        return Err(Failure::failed(format!(
            "{path}: no line of it is an event with an instant, so there is nothing to show"
        )));
    };
    let origin = flags.at.map_or(first, Timestamp::from);
    let replay = Replay::kept(&flags.file);
    let read_to = replay.read_to();
    let name = flags.file.file_stem().map_or_else(|| "replay".to_owned(), |name| name.to_string_lossy().into_owned());
    let watched = Watched {
        name: name.clone(),
        kind: &replay::KIND,
        source: Box::new(replay),
        interval: Duration::from_secs(1),
        quota_share: 1.0,
        cursor: None,
    };
    let now = clock::bounded(clock::running_from(origin, flags.speed), origin, move || read_to.at());
    let past = RecordingPast::new(flags.file.clone(), name, now.clone());
    show(config, vec![watched], |_: &_| Keeper::none(Ok(Box::new(past))), now, Mode::Replay { speed: flags.speed })
        .await
}

async fn show(
    config: Config,
    sources: Vec<Watched>,
    open: impl FnOnce(&config::Store) -> Keeper,
    now: Now,
    mode: Mode,
) -> Result<(), Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "the board needs a terminal, and this is none\n  `helptop snapshot` prints the same figures anywhere",
        ));
    }
    let setup = viewer::setup(&config, mode)?;
    let _log = logging::start(&config.log)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), sources = sources.len(), ?mode, "the board starts");
    let cancel = CancellationToken::new();
    signals::cancel_on_signals(&cancel)?;
    term::install_panic_hook(|| poll::is_polling() || source::is_apart() || past::is_answering());
    let zone = zone::of_system(&Environment::of_process());
    let keeper = open(&config.store);
    let watch = Watch::start(sources, config.thresholds, keeper, (config.terms, zone), now, cancel.clone());
    let shown = term::run(watch.link.clone(), setup, cancel).await;
    watch.end().await;
    tracing::info!("the board ends");
    shown.map_err(|error| Failure::failed(format!("the terminal: {error}")))
}
