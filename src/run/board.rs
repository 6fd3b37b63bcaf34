//! The board in this terminal: of the configured desks, of the simulated one, or over a recording.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::{self, Now};
use super::failure::Failure;
use super::watch::{Watch, Watched};
use super::{Built, cli, signals, viewer};
use crate::config::Config;
use crate::source::demo::{self, Demo};
use crate::term;
use crate::ui::Mode;

impl From<Built> for Watched {
    fn from(built: Built) -> Self {
        let Built { config, source } = built;
        let (interval, quota_share) = (config.interval, config.quota_share);
        Self { name: config.spec.name, kind: config.kind, source, interval, quota_share }
    }
}

/// The board of the configured desks; of the simulated one where none is configured.
pub async fn live(mut config: Config) -> Result<(), Failure> {
    if config.sources.is_empty() {
        return demo(config, &cli::Demo::DEFAULT).await;
    }
    let sources = super::build(std::mem::take(&mut config.sources))?.into_iter().map(Watched::from).collect();
    show(config, sources, clock::real(), Mode::Live).await
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
    };
    let now = if (flags.speed - 1.0).abs() < f64::EPSILON {
        clock::real()
    } else {
        clock::running_from(clock::real()(), flags.speed)
    };
    show(config, vec![watched], now, Mode::Demo).await
}

async fn show(config: Config, sources: Vec<Watched>, now: Now, mode: Mode) -> Result<(), Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "the board needs a terminal, and this is none\n  `helptop snapshot` prints the same figures anywhere",
        ));
    }
    let setup = viewer::setup(&config, mode)?;
    let cancel = CancellationToken::new();
    signals::cancel_on_signals(&cancel)?;
    term::install_panic_hook();
    let watch = Watch::start(sources, config.thresholds, now, cancel.clone());
    let shown = term::run(watch.link.clone(), setup, cancel).await;
    watch.end().await;
    shown.map_err(|error| Failure::failed(format!("the terminal: {error}")))
}
