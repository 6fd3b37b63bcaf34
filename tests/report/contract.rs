//! The JSON of a report holds what docs/metrics.md promises to programs: which figures, of which shape, in which groups.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use helptop::event::{Event, EventKind};
use helptop::metrics::history::{Costs, Filter, Grouping, History, Query, Report, Terms};
use helptop::output::history::JsonReport;
use serde_json::Value;
use strum::IntoEnumIterator;

use super::properties::weekend;
use super::support::{at, events, json_report};

/// The table of figures: key, shape, and what it is grouped by besides team, channel and day. `-` = by day only,
/// `*` = by team and day, for it is about agents.
const FIGURES: &str = "
    new count customer segment keyword hour weekday_hour
    new_change change
    backlog count agent
    worked count agent
    closed count agent
    handling_time duration agent
    online_time seconds * agent
    first_response_time duration agent segment
    response_time duration agent segment
    first_assign_time duration agent
    resolved count agent customer tag
    resolution_time duration agent tag
    interaction_time duration agent
    within_24h share agent
    one_touch share agent
    fcr share agent
    reopened share agent
    replies_to_resolve duration agent
    reassigned count agent tag
    abandoned share
    automated share
    csat share agent customer
    nps score
    self_service share - article
    routed count keyword
    routed_handled count agent keyword
    redirected count agent keyword
    reroute_time duration agent keyword
    macros counts agent
    sla_met shares agent segment
    converted count agent
    converted_amounts amounts agent
    labour_cost money * agent
    cost_per_resolved money * agent";

/// Key, shape and groupings of each figure.
fn figures() -> impl Iterator<Item = (&'static str, &'static str, BTreeSet<Grouping>)> {
    FIGURES.trim().lines().map(|line| {
        let mut words = line.split_whitespace();
        let (key, shape) = (words.next().unwrap(), words.next().unwrap());
        let mut by = BTreeSet::from([Grouping::Day, Grouping::Team, Grouping::Channel]);
        for word in words {
            match word {
                "-" => by = BTreeSet::from([Grouping::Day]),
                "*" => by = BTreeSet::from([Grouping::Day, Grouping::Team]),
                word => drop(by.insert(word.parse().unwrap())),
            }
        }
        (key, shape, by)
    })
}

fn query(by: Option<Grouping>) -> Query {
    Query { from: at("27", "16:00:00"), to: at("30", "15:00:00"), zone: Tz::UTC, by, filter: Filter::default() }
}

/// Whether a figure has its shape, with null for what there is nothing to count of, and for nothing else.
fn has_shape(shape: &str, figure: &Value) -> bool {
    let has = |keys: &[&str]| {
        let found: Vec<&str> =
            figure.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
        found == keys
    };
    let every = |is_so: fn(&Value) -> bool| figure.as_object().is_some_and(|map| map.values().all(is_so));
    let is_known = |key: &str, counted: &str| figure[key].is_number() == (figure[counted].as_u64() != Some(0));
    let is_empty = |key: &str, counted: &str| figure[key].is_null() == (figure[counted].as_u64() == Some(0));
    let follows =
        |keys: &[&str], counted: &str| keys.iter().all(|key| is_known(key, counted) && is_empty(key, counted));
    match shape {
        "count" => figure.is_u64(),
        "change" | "money" => figure.is_number() || figure.is_null(),
        "seconds" => figure.is_number(),
        "duration" => {
            has(&["mean", "median", "n", "p90"]) && figure["n"].is_u64() && follows(&["mean", "median", "p90"], "n")
        }
        "share" => {
            has(&["n", "of", "rate"]) && figure["n"].is_u64() && figure["of"].is_u64() && follows(&["rate"], "of")
        }
        "score" => has(&["n", "score"]) && figure["n"].is_u64() && follows(&["score"], "n"),
        "counts" => every(Value::is_u64),
        "amounts" => every(Value::is_number),
        "shares" => has(&["first_response", "next_response", "resolution"]) && every(|share| has_shape("share", share)),
        other => panic!("{other}"),
    }
}

fn terms() -> Terms {
    Terms { costs: Some(Costs { hourly: Some(30.0), ..Costs::default() }), ..Terms::default() }
}

#[test]
fn each_group_holds_the_figures_of_the_contract_in_their_shapes() {
    let mut events = weekend(5);
    events.extend(super::support::events("28 10:00:00 article_vote article=p helpful=true"));
    let (mut groups_seen, mut nulls) = (BTreeSet::new(), 0);
    for by in Grouping::iter() {
        let report = json_report(&events, &query(Some(by)), &terms());
        let mut sets = vec![(None, &report["total"])];
        sets.extend(report["groups"].as_array().unwrap().iter().map(|group| (Some(by), group)));
        for (by, set) in sets {
            let mut keys: BTreeSet<&str> = set.as_object().unwrap().keys().map(String::as_str).collect();
            if let Some(by) = by {
                assert!(keys.remove("key") && keys.remove("name") && !keys.remove("source"), "{by}");
                groups_seen.insert(by);
            }
            let expected = figures().filter(|(.., groupings)| by.is_none_or(|by| groupings.contains(&by)));
            assert_eq!(keys, expected.map(|(key, ..)| key).collect(), "by {by:?}");
            for (key, shape, _) in figures().filter(|(key, ..)| set.get(key).is_some()) {
                assert!(has_shape(shape, &set[key]), "{key} by {by:?}: {}", set[key]);
                nulls += usize::from(set[key].get("rate").is_some_and(Value::is_null));
            }
        }
    }
    assert_eq!(groups_seen, Grouping::iter().collect(), "the desk has something to group by everything");
    assert!(nulls > 5, "some have nothing to count: {nulls}");
}

#[test]
fn every_agent_of_the_stream_is_a_group_by_name() {
    let events = weekend(5);
    let idle = super::support::events("agent id=zzz name=Aaron\n28 10:00:00 assigned c1 by=zoe team=t");
    let events: Vec<Event> = events.into_iter().chain(idle).collect();
    let report = json_report(&events, &query(Some(Grouping::Agent)), &terms());
    let groups = report["groups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names[0] == "Aaron", "{names:?}");
    let keys: BTreeSet<&str> = groups.iter().map(|group| group["key"].as_str().unwrap()).collect();
    let introduced = events.iter().filter_map(|event| match &event.kind {
        EventKind::Agent(agent) => Some(agent.id.as_str()),
        _ => None,
    });
    assert_eq!(keys, introduced.chain(["zoe"]).collect(), "also who was named only once");
    let idle = groups.iter().find(|group| group["key"] == "zzz").unwrap();
    assert_eq!(
        (&idle["closed"], &idle["response_time"]["median"], &idle["online_time"]),
        (&0.into(), &Value::Null, &0.into())
    );
}

/// The same desk read as two sources.
fn twice(by: Grouping) -> Value {
    let mut history = History::new();
    for name in ["north", "south"] {
        let source = history.add_source(name);
        let lines = "
            agent id=ana name=Ana
            customer id=k name=Kim segment=vip
            team id=t name=Billing
            28 09:00:00 opened c1 customer=k channel=web team=t tags=g
            28 09:00:00 routed c1 keyword=bill
            28 09:10:00 message c1 from=agent agent=ana";
        for event in events(lines) {
            history.take(source, event);
        }
    }
    history.settle();
    let report: Report = history.report(&query(Some(by)), &terms());
    serde_json::to_value(JsonReport::of(&report)).unwrap()
}

#[test]
fn of_several_sources_each_id_has_its_own_group_with_its_source_beside_it() {
    for (by, key) in [(Grouping::Agent, "ana"), (Grouping::Team, "t"), (Grouping::Customer, "k")] {
        let report = twice(by);
        let groups: Vec<_> =
            report["groups"].as_array().unwrap().iter().map(|one| (&one["source"], &one["key"])).collect();
        let key = Value::from(key);
        assert_eq!(groups, [(&"north".into(), &key), (&"south".into(), &key)], "{by}");
    }
    // A word means the same everywhere.
    for (by, word) in [
        (Grouping::Channel, "web"),
        (Grouping::Segment, "vip"),
        (Grouping::Keyword, "bill"),
        (Grouping::Tag, "g"),
        (Grouping::Day, "2026-03-28"),
    ] {
        let report = twice(by);
        let group = report["groups"].as_array().unwrap().iter().find(|group| group["key"] == word).unwrap();
        assert_eq!(group.get("source"), None, "{by}");
        let count = if by == Grouping::Tag { "resolved" } else { "new" };
        assert_eq!(group[count], if by == Grouping::Tag { 0 } else { 2 }, "{by}");
    }
    assert_eq!(twice(Grouping::Agent)["total"]["worked"], 2, "two conversations with one id");
}
