//! How long a customer may wait: a warning and a limit, per team and channel.

use std::collections::HashMap;

use chrono::TimeDelta;

/// A warning and a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// From here on the wait is at risk.
    pub warn: TimeDelta,
    /// From here on it has breached.
    pub limit: TimeDelta,
}

/// How bad a wait is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Below the warning.
    Fine,
    /// Past the warning.
    AtRisk,
    /// Past the limit.
    Breached,
}

impl Threshold {
    /// How bad a wait of that length is.
    pub fn severity(&self, wait: TimeDelta) -> Severity {
        if wait >= self.limit {
            Severity::Breached
        } else if wait >= self.warn {
            Severity::AtRisk
        } else {
            Severity::Fine
        }
    }
}

/// The thresholds of the config: one for all, then by channel, then by team (the narrowest wins: team over channel).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Where nothing narrower is said.
    pub general: Threshold,
    /// By the channel's word.
    pub by_channel: HashMap<String, Threshold>,
    /// By the team's id or display name.
    pub by_team: HashMap<String, Threshold>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            general: Threshold { warn: TimeDelta::minutes(5), limit: TimeDelta::minutes(15) },
            by_channel: HashMap::new(),
            by_team: HashMap::new(),
        }
    }
}

impl Thresholds {
    /// The threshold of a conversation, given its team's names and its channel.
    pub fn of<'a>(&self, team_names: impl IntoIterator<Item = &'a str>, channel: Option<&str>) -> Threshold {
        let team = team_names.into_iter().find_map(|name| self.by_team.get(name));
        team.or_else(|| channel.and_then(|word| self.by_channel.get(word))).copied().unwrap_or(self.general)
    }
}
