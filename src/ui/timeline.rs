//! What happened, as one line each.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::figure::{UNKNOWN, duration};
use super::scene::Scene;
use super::text::{agent_name, customer_name, fit, free_text};
use super::theme::Role;
use crate::app::Privacy;
use crate::board::{TimelineItem, What};
use crate::event::{Author, SlaMetric, Timestamp};

/// Cells of a name inside a line.
const NAME: usize = 24;

/// One line of a timeline: a sign, who it was, and what they did.
pub(super) struct Line {
    pub(super) sign: &'static str,
    pub(super) role: Role,
    pub(super) who: String,
    pub(super) what: String,
}

fn line(sign: &'static str, role: Role, who: impl Into<String>, what: impl Into<String>) -> Line {
    Line { sign, role, who: who.into(), what: what.into() }
}

/// The time of an item: the clock, with the day where that is not today.
pub(super) fn when(scene: &Scene<'_>, at: Timestamp) -> String {
    let (local, today) = (scene.local(at), scene.local(scene.instant));
    let is_today = local.date_naive() == today.date_naive();
    let shape = match (is_today, scene.context.twelve_hours) {
        (true, false) => "%H:%M:%S",
        (true, true) => "%l:%M %P",
        (false, false) => "%-d %b %H:%M",
        (false, true) => "%-d %b %-I%P",
    };
    local.format(shape).to_string()
}

/// An item as a line.
pub(super) fn describe(scene: &Scene<'_>, item: &TimelineItem) -> Line {
    let privacy = scene.view.privacy;
    let agent = |name: &Option<std::sync::Arc<str>>| -> Option<String> {
        name.as_deref().map(|name| fit(&agent_name(name, privacy), NAME).into_owned())
    };
    // Who did it where the source said so; nobody is guessed.
    let doer = |name: &Option<std::sync::Arc<str>>| agent(name).unwrap_or_else(|| UNKNOWN.to_owned());
    let somebody = |name: Option<String>| name.unwrap_or_else(|| "nobody".to_owned());
    match &item.what {
        What::Opened { inbound: true } => line("◆", Role::Accent, "customer", "opened it"),
        What::Opened { inbound: false } => line("◆", Role::Accent, "team", "opened it"),
        What::Message { from, name, public, text, answered_after } => {
            let words = text.as_deref().map(|text| free_text(text, privacy));
            message(*from, name.as_deref(), *public, words, *answered_after, privacy)
        }
        What::Holder { from, to, by } => {
            let what = match (agent(from), agent(to)) {
                (from, None) => format!("taken from {}: nobody holds it", somebody(from)),
                (None, Some(to)) => format!("assigned to {to}"),
                (Some(from), Some(to)) => format!("passed from {from} to {to}"),
            };
            line("→", Role::Title, doer(by), what)
        }
        What::Team { to, by } => {
            let team = to.as_deref().map_or("no team".into(), |team| fit(team, NAME));
            line("→", Role::Title, doer(by), format!("team: {team}"))
        }
        What::Status { status, by, agent: who, ending, reopening } => {
            let who = agent(who).or_else(|| by.map(|by| by.to_string())).unwrap_or_else(|| UNKNOWN.to_owned());
            let (sign, role) = match (ending, reopening) {
                (true, _) => ("✓", Role::Good),
                (_, true) => ("↺", Role::Warning),
                _ => ("·", Role::Title),
            };
            let again = if *reopening { "reopened: " } else { "" };
            line(sign, role, who, format!("{again}{}", status.to_string().replace('_', " ")))
        }
        What::Routed { keyword } => line("·", Role::Title, "bot", format!("routed under {}", fit(keyword, NAME))),
        What::ReturnedToBot { agent: who } => {
            line("↩", Role::Warning, doer(&Some(who.clone())), "gave it back to the bot")
        }
        What::Tagged { tags } => line("·", Role::Title, UNKNOWN, format!("tags: {}", tag_list(tags))),
        What::Macro { name, by } => line("·", Role::Title, doer(by), format!("macro: {}", fit(name, 60))),
        What::Sla { metric, due } => {
            line("◷", Role::Title, "help desk", format!("target: {} by {}", target_name(*metric), when(scene, *due)))
        }
        What::Rated { score, scale } => line("☆", Role::Accent, "customer", format!("rated it {score} of {scale}")),
        What::Nps { score } => line("☆", Role::Accent, "customer", format!("would recommend: {score} of 10")),
        What::Converted { amount: None } => line("¤", Role::Good, "customer", "bought"),
        What::Converted { amount: Some((amount, currency)) } => {
            line("¤", Role::Good, "customer", format!("bought for {amount} {}", fit(currency, 8)))
        }
        What::Merged { into } => line("✓", Role::Title, UNKNOWN, format!("merged into {}", fit(into, NAME))),
    }
}

/// What a target is set for.
pub(super) const fn target_name(metric: SlaMetric) -> &'static str {
    match metric {
        SlaMetric::FirstResponse => "first reply",
        SlaMetric::NextResponse => "next reply",
        SlaMetric::Resolution => "resolution",
    }
}

fn message(
    from: Author,
    name: Option<&str>,
    public: bool,
    words: Option<&str>,
    answered_after: Option<i64>,
    privacy: Privacy,
) -> Line {
    let (sign, role, name): (_, _, Cow<'_, str>) = match from {
        Author::Customer => ("◂", Role::Warning, name.map_or("customer".into(), |name| customer_name(name, privacy))),
        Author::Agent => ("▸", Role::Good, name.map_or("agent".into(), |name| agent_name(name, privacy))),
        Author::Bot => ("▹", Role::Dim, "bot".into()),
    };
    let answered = answered_after.map(|ms| format!("answered after {}", duration(TimeDelta::milliseconds(ms))));
    let who = fit(&name, NAME).into_owned();
    if !public {
        return line("✎", Role::Dim, who, words.map_or("wrote a note".to_owned(), |words| format!("note: {words}")));
    }
    let what = match (answered, words) {
        (Some(answered), Some(words)) => format!("{answered} · {words}"),
        (Some(answered), None) => answered,
        (None, words) => words.unwrap_or("wrote").to_owned(),
    };
    line(sign, role, who, what)
}

/// Tags in a row, at most a line of them.
pub(super) fn tag_list(tags: &[std::sync::Arc<str>]) -> String {
    let shown: Vec<_> = tags.iter().take(12).map(|tag| fit(tag, NAME)).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
