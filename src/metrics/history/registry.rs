//! Every figure, once: its key, its shape, what it means, and what it can be grouped by.

use super::cost::{self, Business};
use super::grouping::Grouping;
use super::tally::Tally;
use super::value::{Shape, Value};
use super::{conversion, endings, quality, replies, routing, sla, volume};

/// What a figure is made of.
pub struct Context<'a> {
    pub(super) tally: &'a Tally,
    pub(super) business: &'a Business,
}

/// A figure of the report.
pub struct Row {
    /// Its stable name: in JSON, in heads of columns, on the page.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it looks like.
    pub shape: Shape,
    /// What it counts or measures.
    pub definition: &'static str,
    /// What it is about.
    pub about: About,
    /// What it is grouped by besides what goes with what it is about, with whose group is meant.
    pub by: &'static [Grouping],
    /// Among the columns of a table for people.
    pub headline: bool,
    /// Which way is good.
    pub better: Better,
    pub(super) value: fn(&Context<'_>) -> Option<Value>,
}

/// What a figure is about, which decides what it can be grouped and chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Conversations: by team, channel and day.
    Conversations,
    /// The time of agents: by agent, by the agent's teams and by day.
    Agents,
    /// Readers of the help centre: by day.
    Readers,
    /// The business: the same whatever is asked.
    Business,
}

/// Which way a figure has to change for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The more, the better.
    More,
    /// The less, the better.
    Less,
    /// Neither is good or bad by itself.
    Either,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key)
    }
}

impl Row {
    /// What it can be grouped by.
    pub fn groupings(&self) -> Vec<Grouping> {
        let common: &[Grouping] = match self.about {
            About::Conversations => &[Grouping::Team, Grouping::Channel, Grouping::Day],
            About::Agents => &[Grouping::Team, Grouping::Day],
            About::Readers => &[Grouping::Day],
            About::Business => &[],
        };
        common.iter().chain(self.by).copied().collect()
    }

    /// Whether it has a meaning in a group, for what was chosen.
    pub(super) fn applies(&self, by: Option<Grouping>, mut chosen: impl Iterator<Item = Grouping>) -> bool {
        let groupings = self.groupings();
        by.is_none_or(|by| groupings.contains(&by))
            && chosen.all(|dimension| match dimension {
                Grouping::Agent | Grouping::Team => groupings.contains(&dimension),
                _ => self.about == About::Conversations,
            })
    }
}

macro_rules! rows {
    ($($key:ident $shape:ident $about:ident $better:ident [$($by:ident)*] $headline:literal $title:literal $definition:literal $value:expr;)+) => {
        &[$(Row {
            key: stringify!($key),
            title: $title,
            shape: Shape::$shape,
            definition: $definition,
            about: About::$about,
            by: &[$(Grouping::$by),*],
            headline: $headline,
            better: Better::$better,
            value: $value,
        }),+]
    };
}

/// Every figure, in the order of docs/metrics.md.
pub const REGISTRY: &[Row] = rows! {
    new Count Conversations Either [Customer Segment Keyword Hour WeekdayHour] true
        "new" "inbound conversations opened"
        |c| Some(volume::new(c.tally));
    new_change Change Conversations Either [] false
        "new, change" "(new − new in the equal-length range just before) / the latter; null when that is 0"
        |c| Some(volume::new_change(c.tally));
    backlog Count Conversations Less [Agent] true
        "backlog" "conversations active at the end of the range; agent: who holds them"
        |c| Some(volume::backlog(c.tally));
    worked Count Conversations Either [Agent] true
        "worked" "distinct conversations in which the agent sent a reply"
        |c| Some(volume::worked(c.tally));
    closed Count Conversations More [Agent] true
        "closed" "endings by an agent; each counts, also after a reopening; agent: the event's, else the holder"
        |c| Some(endings::closed(c.tally));
    handling_time Duration Conversations Less [Agent] true
        "handling time" "from when the holder received it (took hold of it while it was active, or it was reopened in the holder's hands) to its ending, for endings by an agent; agent: the holder"
        |c| Some(endings::handling_time(c.tally));
    online_time Seconds Agents Either [Agent] true
        "online time" "time in `online` or `busy` inside the range; a state open at its end is cut there"
        |c| Some(cost::online_time(c.tally));
    first_response_time Duration Conversations Less [Agent Segment] true
        "first response" "inbound: from opened; outbound: from the first customer message; to the first reply after it; once per conversation; agent: who replied"
        |c| Some(replies::first_response_time(c.tally));
    response_time Duration Conversations Less [Agent Segment] true
        "response" "each wait that a reply ended: from waiting since to that reply, first ones included; agent: who replied"
        |c| Some(replies::response_time(c.tally));
    first_assign_time Duration Conversations Less [Agent] false
        "first assignment" "from opened to the first time an agent held it; agent: who got it"
        |c| Some(replies::first_assign_time(c.tally));
    resolved Count Conversations More [Agent Customer Tag] true
        "resolved" "conversations with an ending in the range and ended, not merged, at its end; once each, at their last ending in the range; agent: the holder at that ending"
        |c| Some(endings::resolved(c.tally));
    resolution_time Duration Conversations Less [Agent Tag] true
        "resolution time" "of those: from opened to that ending"
        |c| Some(endings::resolution_time(c.tally));
    interaction_time Duration Conversations Either [Agent] false
        "interaction time" "of those with a public message of a customer or an agent: from the first to the last up to that ending"
        |c| Some(endings::interaction_time(c.tally));
    within_24h Share Conversations More [Agent] false
        "within 24 h" "share of resolved whose resolution time is at most 86,400 s"
        |c| Some(endings::within_24h(c.tally));
    one_touch Share Conversations More [Agent] false
        "one-touch" "share of resolved with exactly one reply in their life up to that ending"
        |c| Some(endings::one_touch(c.tally));
    fcr Share Conversations More [Agent] true
        "first contact" "of resolved that had a reply or were ended by an agent: the share never reopened and never reassigned before that ending"
        |c| Some(endings::fcr(c.tally));
    reopened Share Conversations Less [Agent] true
        "reopened" "share of resolved that had been reopened before that ending"
        |c| Some(endings::reopened(c.tally));
    replies_to_resolve Numbers Conversations Less [Agent] false
        "replies to resolve" "replies per resolved conversation up to that ending"
        |c| Some(endings::replies_to_resolve(c.tally));
    reassigned Count Conversations Less [Agent Tag] false
        "reassigned" "times a conversation's holder became another agent than the last agent who held it; agent: who gave it away"
        |c| Some(endings::reassigned(c.tally));
    abandoned Share Conversations Less [] false
        "abandoned" "of resolved inbound: share never replied to, not ended by an agent, and not automated"
        |c| Some(endings::abandoned(c.tally));
    automated Share Conversations Either [] false
        "automated" "of resolved: share with no reply ever, never held by an agent, not ended by an agent, and with a public bot message after the last customer message"
        |c| Some(endings::automated(c.tally));
    csat Share Conversations More [Agent Customer] true
        "satisfaction" "share of `rated` answers that are positive: (score − lowest) / (scale − lowest) ≥ 0.75; lowest is 1, or 0 when scale is 10; agent: the holder when rated, else the last"
        |c| Some(quality::csat(c.tally));
    nps Score Conversations More [] false
        "net promoter score" "100 × (share of 9–10 − share of 0–6)"
        |c| Some(quality::nps(c.tally));
    self_service Share Readers More [Article] false
        "self-service" "share of `article_vote` that are helpful"
        |c| Some(quality::self_service(c.tally));
    routed Count Conversations Either [Keyword] false
        "routed" "`routed` events"
        |c| Some(routing::routed(c.tally));
    routed_handled Count Conversations More [Agent Keyword] false
        "routed, handled" "endings by an agent of conversations that were ever routed before it; keyword: the last before it"
        |c| Some(routing::routed_handled(c.tally));
    redirected Count Conversations Less [Agent Keyword] false
        "redirected" "`returned_to_bot` events; keyword: the last `routed` before it"
        |c| Some(routing::redirected(c.tally));
    reroute_time Duration Conversations Less [Agent Keyword] false
        "re-routing time" "for each `returned_to_bot`: from the latest of opened, last reopening, previous `returned_to_bot`, to it"
        |c| Some(routing::reroute_time(c.tally));
    macros Counts Conversations Either [Agent] false
        "macros used" "`macro` events, by name"
        |c| Some(routing::macros(c.tally));
    sla_met Shares Conversations More [Agent Segment] false
        "targets met" "of the help desk's own targets met or missed in the range (met at the reply or ending that answers it if that is ≤ due; missed at due otherwise): share met, per metric; agent: who replied, or the holder then"
        |c| Some(sla::sla_met(c.tally));
    converted Count Conversations More [Agent] false
        "converted" "conversations with a `converted` event ≤ 5 days after opened; agent: the last holder"
        |c| Some(conversion::converted(c.tally));
    converted_amounts Amounts Conversations More [Agent] false
        "converted, amounts" "what their `converted` events say, summed per currency"
        |c| Some(conversion::converted_amounts(c.tally));
    labour_cost Money Agents Either [Agent] false
        "labour cost" "online hours × the agent's hourly cost; null when that is not known"
        |c| Some(cost::labour_cost(c.tally));
    cost_per_resolved Money Agents Less [Agent] false
        "cost per resolved" "(labour cost + fixed costs of the range) / resolved; fixed costs belong to no agent and no team"
        |c| Some(cost::cost_per_resolved(c.tally));
    gross_margin Number Business Either [] false
        "gross margin" "as the config says"
        |c| c.business.gross_margin.map(|margin| Value::Number(Some(margin)));
    customer_lifetime_value Number Business Either [] false
        "customer lifetime value" "gross margin / customers, as the config says them"
        |c| c.business.lifetime_value().map(|value| Value::Number(Some(value)));
    training_days Number Business Either [] false
        "training days" "as the config says"
        |c| c.business.training_days.map(|days| Value::Number(Some(days)));
};
