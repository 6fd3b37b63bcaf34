//! The cases of `tests/report/cases`, each worked out by hand: events, then for each range the figures expected.
//!
//! A file holds remarks (`#`), settings, `---`, events in short form, `---`, and ranges with what is expected of them:
//! ```text
//! == 02 00:00:00 to 03 00:00:00 [zone=Europe/Berlin] [agent=ana] …   a range, its zone, its filters
//! total first_response_time 2: 300 300 348                            n: mean median p90
//! agent/ana csat 1/2                                                  n/of
//! agent = ana bo                                                      the keys of all groups, in order
//! ```

use std::collections::{BTreeSet, HashMap};
use std::fs;

use chrono_tz::Tz;
use helptop::metrics::calendar::{Opening, Schedule};
use helptop::metrics::history::{Costs, Filter, Grouping, Query, REGISTRY, Terms};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::support::{at, events, json_report};

/// A case file in its three parts.
fn parts(text: &str) -> [&str; 3] {
    let parts: Vec<&str> = text.split("\n---\n").collect();
    parts.try_into().unwrap_or_else(|parts: Vec<&str>| panic!("{} parts", parts.len()))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// `costs hourly=30 fixed=3100 bo=60`, `business margin=1000 customers=4 training=3`, `hours all 09:00-17:00`.
fn terms(settings: &str) -> Terms {
    let mut terms = Terms::default();
    for line in lines(settings) {
        let mut words = line.split_whitespace();
        match words.next().unwrap() {
            "costs" => {
                let mut said: HashMap<String, f64> = numbers(words);
                let (hourly, fixed) = (said.remove("hourly"), said.remove("fixed"));
                terms.costs = Some(Costs { hourly, fixed_per_month: fixed.unwrap_or(0.0), by_agent: said });
            }
            "business" => {
                let said = numbers(words);
                terms.business.gross_margin = said.get("margin").copied();
                terms.business.customers = said.get("customers").map(|n| *n as u64);
                terms.business.training_days = said.get("training").copied();
            }
            "hours" => {
                let team = words.next().unwrap();
                let (opens, closes) = words.next().unwrap().split_once('-').unwrap();
                let minute = |text: &str| text[..2].parse::<u16>().unwrap() * 60 + text[3..].parse::<u16>().unwrap();
                let day: Vec<Opening> = vec![(minute(opens), minute(closes))];
                let schedule =
                    Schedule { zone: Tz::UTC, week: std::array::from_fn(|_| day.clone()), holidays: BTreeSet::new() };
                match team {
                    "all" => terms.calendars.general = Some(schedule),
                    team => drop(terms.calendars.by_team.insert(team.to_owned(), schedule)),
                }
            }
            other => panic!("{other}"),
        }
    }
    terms
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> HashMap<String, f64> {
    let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.parse().unwrap()));
    words.map(|word| pair(word).unwrap()).collect()
}

fn query(head: &str) -> Query {
    let words: Vec<&str> = head.split_whitespace().collect();
    let [_, day, clock, "to", to_day, to_clock, ref rest @ ..] = words[..] else { panic!("{head}") };
    let mut filter = Filter::default();
    let mut zone = Tz::UTC;
    for word in rest {
        let (key, value) = word.split_once('=').unwrap();
        match key {
            "zone" => zone = value.parse().unwrap(),
            "agent" => filter.agent.push(value.into()),
            "team" => filter.team.push(value.into()),
            "channel" => filter.channel.push(value.into()),
            "customer" => filter.customer.push(value.into()),
            "segment" => filter.segment.push(value.into()),
            "tag" => filter.tag.push(value.into()),
            "keyword" => filter.keyword.push(value.into()),
            other => panic!("{other}"),
        }
    }
    Query { from: at(day, clock), to: at(to_day, to_clock), zone, by: None, filter }
}

/// What a case says of a figure, as the JSON that it must be.
fn expected(text: &str) -> Value {
    let share = |text: &str| {
        let (n, of) = text.split_once('/').unwrap();
        let (n, of): (u64, u64) = (n.parse().unwrap(), of.parse().unwrap());
        json!({"n": n, "of": of, "rate": (of > 0).then(|| n as f64 / of as f64)})
    };
    if text.starts_with('{') || text == "null" {
        return serde_json::from_str(text).unwrap();
    }
    if let Some(score) = text.strip_prefix("score ") {
        let (n, score) = score.split_once(": ").unwrap();
        return json!({"n": n.parse::<u64>().unwrap(), "score": serde_json::from_str::<Value>(score).unwrap()});
    }
    if let Some((n, rest)) = text.split_once(':') {
        let numbers: Vec<f64> = rest.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let number = |i: usize| numbers.get(i).copied();
        return json!({"n": n.parse::<u64>().unwrap(), "mean": number(0), "median": number(1), "p90": number(2)});
    }
    if text.contains(", ") {
        let shares: Vec<Value> = text.split(", ").map(share).collect();
        return json!({"first_response": shares[0], "next_response": shares[1], "resolution": shares[2]});
    }
    if text.contains('/') { share(text) } else { serde_json::from_str(text).unwrap() }
}

/// Whether two figures are the same, up to the last digits of a fraction.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Number(one), Value::Number(other)) => {
            (one.as_f64().unwrap() - other.as_f64().unwrap()).abs() < 1e-6 && one.is_u64() >= other.is_u64()
        }
        _ => one == other,
    }
}

/// What is wrong with a report, by the lines of a case.
fn faults(name: &str, text: &str, checked: &mut BTreeSet<String>) -> Vec<String> {
    let [settings, stream, ranges] = parts(text);
    let (terms, events) = (terms(settings), events(stream));
    let mut faults = Vec::new();
    let mut range = None;
    for line in lines(ranges) {
        if line.starts_with("==") {
            range = Some(query(line));
            continue;
        }
        let mut query = range.clone().unwrap();
        let (subject, rest) = line.split_once(' ').unwrap();
        let (by, key) = subject.split_once('/').unwrap_or((subject, ""));
        query.by = (by != "total").then(|| by.parse::<Grouping>().unwrap());
        let report = json_report(&events, &query, &terms);
        if let Some(keys) = rest.strip_prefix("= ") {
            let found: Vec<&str> =
                report["groups"].as_array().unwrap().iter().map(|g| g["key"].as_str().unwrap()).collect();
            let keys: Vec<&str> = keys.split(' ').filter(|key| *key != "-").collect();
            if keys != found {
                faults.push(format!("{name}: {line}: the groups are {found:?}"));
            }
            continue;
        }
        let groups = report["groups"].as_array().unwrap();
        let spaced = key.replace('_', " ");
        let group = groups.iter().find(|group| group["key"] == key || group["key"] == spaced.as_str());
        let figures = if by == "total" { Some(&report["total"]) } else { group };
        let (figure, wanted) = rest.split_once(' ').unwrap();
        checked.insert(format!("{by} {figure}"));
        let found = figures.and_then(|figures| figures.get(figure));
        let is_right = match (wanted, found) {
            ("absent", found) => found.is_none(),
            (wanted, Some(found)) => same(&expected(wanted), found),
            (_, None) => false,
        };
        if !is_right {
            faults.push(format!("{name}: {line}: is {}", found.unwrap_or(&json!("absent"))));
        }
    }
    faults
}

fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir("tests/report/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into(), fs::read_to_string(path).unwrap())
    };
    files.iter().map(read).collect()
}

#[test]
fn every_case_gives_the_figures_worked_out_by_hand() {
    let mut checked = BTreeSet::new();
    let faults: Vec<String> = files().iter().flat_map(|(name, text)| faults(name, text, &mut checked)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    // Every figure has a case, in all and in each of its groupings.
    for row in REGISTRY {
        assert!(checked.contains(&format!("total {}", row.key)), "no case has the total {}", row.key);
        for by in row.groupings() {
            assert!(checked.contains(&format!("{by} {}", row.key)), "no case has {} by {by}", row.key);
        }
    }
    for by in Grouping::iter() {
        assert!(checked.iter().any(|one| one.starts_with(&format!("{by} "))), "no case groups by {by}");
    }
}

#[test]
fn a_wrong_expectation_is_seen() {
    let text = "---\n02 09:00:00 opened c1\n---\n== 02 00:00:00 to 03 00:00:00\n";
    let faults = |line: &str| faults("x", &format!("\n{text}{line}\n"), &mut BTreeSet::new()).len();
    assert_eq!([faults("total new 1"), faults("total nps score 0: null"), faults("agent = -")], [0, 0, 0]);
    for wrong in [
        "total new 2",
        "total new absent",
        "total csat 1/2",
        "total response_time 1: 1 1 1",
        "agent = ana",
        "team/t new 0",
    ] {
        assert_eq!(faults(wrong), 1, "{wrong}");
    }
}
