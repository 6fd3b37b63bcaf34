//! What every panel draws from.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta};
use ratatui::style::Style;

use super::theme::{Palette, Role};
use crate::app::ViewState;
use crate::board::{BoardSnapshot, SourceHealth, SourceState};
use crate::desk::SourceIx;
use crate::event::Timestamp;
use crate::metrics::history::AsOf;
use crate::metrics::live::{AgentRow, ConversationRow, LiveFigures, Target};
use crate::metrics::thresholds::Severity;

/// The offset of the board's time zone at an instant.
pub type Zone = Arc<dyn Fn(Timestamp) -> FixedOffset + Send + Sync>;

/// The sign of a figure of which a part is stale or missing.
pub(super) const PARTLY_OLD: &str = "~";

/// Where the picture comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// From the configured sources.
    Live,
    /// From the simulated desk.
    Demo,
    /// From a recording, so many times as fast.
    Replay {
        /// Recorded seconds a second.
        speed: f64,
    },
}

/// What a frame needs besides picture and view.
#[derive(Clone)]
pub struct ViewContext {
    /// The board's name.
    pub title: String,
    /// Where the picture comes from.
    pub mode: Mode,
    /// The instant that is drawn.
    pub now: Timestamp,
    /// What the board showed at the same hour a week ago, where that is known.
    pub last_week: Option<Arc<AsOf>>,
    /// The board's time zone.
    pub zone: Zone,
    /// Whether the day has twice twelve hours.
    pub twelve_hours: bool,
}

impl fmt::Debug for ViewContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewContext").field("title", &self.title).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// So far an instant may be from another and be of the same hour: clocks change, and figures are looked up now and then.
const SAME_HOUR: TimeDelta = TimeDelta::minutes(90);

/// What every panel draws from.
pub(super) struct Scene<'a> {
    pub(super) snapshot: &'a BoardSnapshot,
    pub(super) view: &'a ViewState,
    pub(super) context: &'a ViewContext,
    /// The instant that waits are measured at: stands still while the picture is held.
    pub(super) instant: Timestamp,
    palette: &'a Palette,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        snapshot: &'a BoardSnapshot,
        view: &'a ViewState,
        palette: &'a Palette,
        context: &'a ViewContext,
    ) -> Self {
        Self { snapshot, view, context, instant: view.instant(context.now), palette }
    }

    pub(super) fn style(&self, role: Role) -> Style {
        self.palette.get(role)
    }

    pub(super) fn live(&self) -> &'a LiveFigures {
        &self.snapshot.live
    }

    /// The time since an instant, as of the picture.
    pub(super) fn since(&self, at: Timestamp) -> TimeDelta {
        (self.instant - at).max(TimeDelta::zero())
    }

    /// What the board showed at the same hour a week ago; nothing where that is not known, or of another hour.
    pub(super) fn last_week(&self) -> Option<&'a AsOf> {
        let as_of = self.context.last_week.as_deref()?;
        let off = self.instant - as_of.at - TimeDelta::weeks(1);
        (off.abs() <= SAME_HOUR).then_some(as_of)
    }

    /// An instant on the board's wall clock.
    pub(super) fn local(&self, at: Timestamp) -> DateTime<FixedOffset> {
        at.to_utc().with_timezone(&(self.context.zone)(at))
    }

    /// Whether no source has answered yet: until then nothing is known, not even that there is nothing.
    pub(super) fn is_unheard(&self) -> bool {
        !self.snapshot.knows_anything() && self.live().totals.active == 0
    }

    /// Whether what a source said is old.
    pub(super) fn is_stale(&self, source: SourceIx) -> bool {
        let health = self.snapshot.sources.get(source.at());
        health.is_some_and(|health| health.state_at(self.instant) == SourceState::Stale)
    }

    /// Whether every source is stale, so that no figure is fresh.
    pub(super) fn is_old(&self) -> bool {
        let sources = &self.snapshot.sources;
        !sources.is_empty() && sources.iter().all(|health| health.state_at(self.instant) == SourceState::Stale)
    }

    /// Whether some sources are stale, or have never answered, and others are fresh.
    pub(super) fn is_partly_old(&self) -> bool {
        let is_stale = |health: &SourceHealth| health.state_at(self.instant) == SourceState::Stale;
        let is_missing = |health: &SourceHealth| health.good_at.is_none() || is_stale(health);
        !self.is_old() && self.snapshot.sources.iter().any(is_missing)
    }

    /// How bad a conversation is: the worse of its wait and of the help desk's own target.
    pub(super) fn severity(&self, row: &ConversationRow) -> Severity {
        self.wait_severity(row).max(self.target_severity(row))
    }

    /// How bad a conversation's wait is, by the board's thresholds.
    pub(super) fn wait_severity(&self, row: &ConversationRow) -> Severity {
        let threshold = self.live().threshold(&self.snapshot.thresholds, row);
        row.waiting_since.map_or(Severity::Fine, |since| threshold.severity(self.since(since)))
    }

    /// How bad the help desk's own target of a conversation is, whether a customer waits or not.
    pub(super) fn target_severity(&self, row: &ConversationRow) -> Severity {
        let Some((_, due)) = row.sla_due else { return Severity::Fine };
        let warn = self.live().threshold(&self.snapshot.thresholds, row).warn;
        Target { warn_at: due - warn, due }.severity(self.instant)
    }

    /// The worse of an agent's longest wait, as the list of the unanswered says of that conversation, and of the worst
    /// target among all that it holds.
    pub(super) fn agent_severity(&self, row: &AgentRow) -> Severity {
        let longest = row.longest.as_ref().and_then(|key| self.live().waiting.get(key));
        let wait = longest.map_or(Severity::Fine, |row| self.severity(row));
        wait.max(row.target.map_or(Severity::Fine, |target| target.severity(self.instant)))
    }
}

/// The sign of a severity, so that it survives without colour.
pub(super) const fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Fine => " ",
        Severity::AtRisk => "▲",
        Severity::Breached => "‼",
    }
}

/// The role of a severity.
pub(super) const fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Fine => Role::Canvas,
        Severity::AtRisk => Role::Warning,
        Severity::Breached => Role::Breach,
    }
}
