//! Opens what a board keeps: the store of the config, one for as long as the program runs, or none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::gap::Gap;
use super::shared::Shared;
use crate::board::{Past, StoreHealth, StoreState};
use crate::config::{self, SourceConfig};
use crate::event::ConversationId;
use crate::run::past::kept::KeptPast;
use crate::source;
use crate::store::{Recording, SourceNo, SqliteStore, Store, StoreError};

/// What a board keeps, and who keeps it.
pub struct Keeper {
    /// Where it is kept, and by whom.
    pub kept: Kept,
    /// Where the past is read; the reason where there is none.
    pub past: Result<Box<dyn Past>, String>,
    /// What is said of it at the start.
    pub health: StoreHealth,
    /// How long.
    pub keep: Duration,
    /// How much.
    pub most_bytes: u64,
    /// Whether the words of messages are kept.
    pub keep_text: bool,
}

/// Where what happens is kept, and by whom.
pub enum Kept {
    /// By this program.
    Here(Own),
    /// By another helptop, which polls; this one shows what it keeps.
    Elsewhere {
        /// What it keeps.
        store: Box<dyn Store>,
        /// How to go on once it has ended.
        take_over: TakeOver,
    },
    /// By nobody.
    Nowhere,
}

/// A store that this program writes.
pub struct Own {
    /// Where.
    pub store: Box<dyn Store>,
    /// The sources of the board, in their order.
    pub sources: Vec<Kin>,
    /// The right to record into a file; `None` where it ends with the program.
    pub recording: Option<Recording>,
    /// Whether the words of messages are kept.
    pub keep_text: bool,
}

/// Opens a store to write once nobody else records into it; `None` while somebody does.
pub type TakeOver = Box<dyn FnMut() -> Result<Option<Own>, StoreError> + Send>;

impl Kept {
    /// Whether another helptop polls.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Elsewhere { .. })
    }
}

/// A source of the board and what was kept of it.
#[derive(Debug, Clone)]
pub struct Kin {
    /// Its number in the store.
    pub no: SourceNo,
    /// A print of the settings that its cursor belongs to.
    pub settings: u64,
    /// How far it was read with these settings.
    pub cursor: Option<source::Cursor>,
    /// Its conversations that may be active.
    pub active: Vec<ConversationId>,
    /// Who was there when it was last looked at.
    pub gap: Gap,
}

/// A print of what the config says of a source, but for its secrets, its name and its pace.
pub fn print(config: &SourceConfig) -> u64 {
    let mut settings = config.spec.settings.clone();
    if let Some(keys) = settings.as_object_mut() {
        keys.retain(|key, _| !config.kind.secrets.contains(&key.as_str()));
    }
    xxh3_64(format!("{} {settings}", config.kind.name).as_bytes())
}

impl Keeper {
    /// Keeps nothing; `past` is read elsewhere.
    pub fn none(past: Result<Box<dyn Past>, String>) -> Self {
        let health = StoreHealth::default();
        Self { kept: Kept::Nowhere, past, health, keep: Duration::MAX, most_bytes: u64::MAX, keep_text: false }
    }

    /// Keeps in the file of the config; where that can't be, for as long as the program runs, and says why.
    pub fn open(config: &config::Store, sources: &[(String, u64)]) -> Self {
        let Some(path) = &config.path else {
            let what = "there is no place for a store: neither $XDG_DATA_HOME nor $HOME is set";
            return Self::in_memory(config, sources).failing(what, "name a file: store.path in the config");
        };
        match Self::in_file(path, config, sources) {
            Ok(keeper) => keeper,
            Err(error) => Self::in_memory(config, sources).failing(&error.to_string(), error.hint()),
        }
    }

    fn in_file(path: &Path, config: &config::Store, sources: &[(String, u64)]) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let names = sources.iter().map(|(name, _)| name.clone()).collect();
        let mut take_over = take_over(path.to_owned(), config.text, sources.to_vec());
        let own = take_over()?;
        let past = Box::new(KeptPast::new(Box::new(SqliteStore::open_to_read(path)?), names));
        let (kept, state) = if let Some(own) = own {
            (Kept::Here(own), StoreState::Keeping)
        } else {
            let store = Box::new(SqliteStore::open_to_read(path)?);
            (Kept::Elsewhere { store, take_over }, StoreState::Following)
        };
        Ok(Self::of(kept, past, StoreHealth { place, state, ..StoreHealth::default() }, config))
    }

    /// Keeps for as long as the program runs.
    pub fn in_memory(config: &config::Store, sources: &[(String, u64)]) -> Self {
        let open = || {
            let mut store = Shared::new(SqliteStore::temporary(config.text)?);
            let kin = kin(&mut store, sources)?;
            Ok::<_, StoreError>((store, kin))
        };
        match open() {
            Ok((store, kin)) => {
                let names = sources.iter().map(|(name, _)| name.clone()).collect();
                let past = KeptPast::new(Box::new(store.clone()), names);
                let kept =
                    Kept::Here(Own { store: Box::new(store), sources: kin, recording: None, keep_text: config.text });
                let health = StoreHealth { state: StoreState::Remembering, ..StoreHealth::default() };
                Self::of(kept, Box::new(past), health, config)
            }
            Err(error) => {
                Self::none(Err(format!("nothing is kept: {error}"))).failing(&error.to_string(), error.hint())
            }
        }
    }

    fn of(kept: Kept, past: Box<dyn Past>, health: StoreHealth, config: &config::Store) -> Self {
        let config::Store { keep, most_bytes, text, .. } = *config;
        Self { kept, past: Ok(past), health, keep, most_bytes, keep_text: text }
    }

    fn failing(mut self, what: &str, hint: &str) -> Self {
        tracing::error!(what, "the history is not kept");
        self.health.state = StoreState::Failing;
        self.health.error = Some((format!("{what}; what happens is remembered until the end only"), hint.to_owned()));
        self
    }
}

fn take_over(path: PathBuf, text: bool, sources: Vec<(String, u64)>) -> TakeOver {
    let mut is_made = false;
    Box::new(move || {
        if !std::mem::replace(&mut is_made, true) {
            // Makes the file and its folder, so that there is a place for the lock.
            drop(SqliteStore::open(&path, text)?);
        }
        let of_lock = |error: std::io::Error| StoreError::ReadOnly {
            path: format!("{}.lock", path.display()),
            what: error.to_string(),
        };
        let Some(recording) = Recording::take(&path).map_err(of_lock)? else { return Ok(None) };
        let mut store = SqliteStore::open(&path, text)?;
        let sources = kin(&mut store, &sources)?;
        Ok(Some(Own { store: Box::new(store), sources, recording: Some(recording), keep_text: text }))
    })
}

/// The sources in the store, with cursors that still mean something.
fn kin(store: &mut dyn Store, sources: &[(String, u64)]) -> Result<Vec<Kin>, StoreError> {
    let numbers = sources.iter().map(|(name, _)| store.source(name)).collect::<Result<Vec<_>, _>>()?;
    let kept = store.sources()?;
    let mut kin = Vec::with_capacity(sources.len());
    for (no, (_, settings)) in numbers.into_iter().zip(sources) {
        let kept = kept.iter().find(|kept| kept.no == no);
        let present = store.present(no)?.into_iter().collect();
        let gap = Gap { present, seen_at: kept.and_then(|kept| kept.good_at), ..Gap::default() };
        let cursor = kept.and_then(|kept| kept.cursor.clone());
        let cursor = cursor.filter(|cursor| cursor.settings == *settings).map(|cursor| source::Cursor(cursor.value));
        kin.push(Kin { no, settings: *settings, cursor, active: store.active(no)?, gap });
    }
    Ok(kin)
}
