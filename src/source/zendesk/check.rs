//! What `doctor` looks at: can it be reached, who is it, what may the key read.

use serde_json::Value;

use super::Settings;
use super::ask::Ask;
use super::people::People;
use super::ratings::Sort;
use super::start::{targets, watched};
use super::team::Reading;
use crate::source::enough::Enough;
use crate::source::http::words::excerpt;
use crate::source::lenient::id_of;
use crate::source::{Finding, SourceError};

/// Groups that are named; of more, the number.
const GROUPS_SHOWN: usize = 10;

/// Asks a handful of questions. An error only where the desk can't be reached or takes no credentials at all.
pub(super) async fn check(ask: &mut Ask, settings: &Settings) -> Result<Vec<Finding>, SourceError> {
    // Not who one is: that is answered with 200 for nobody, too.
    let count = ask.page("/tickets/count", &[]).await?;
    let about = count.0.get("count").and_then(|count| count.get("value").or(Some(count))).and_then(id_of);
    let mut findings = vec![Finding::good("reachable", "Zendesk Support")];
    findings.push(who(ask, settings).await);
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    let people = match people(ask, People::new(&settings.bots)).await {
        Ok(people) => {
            findings.push(Finding::good("agents", format!("{} agents", people.shown().len())));
            match watched(&people, &settings.groups) {
                Ok(_) => findings.push(Finding::good("groups", groups(&people))),
                Err(error) => findings.push(Finding::bad("groups", error.to_string(), "check: names in `groups`")),
            }
            Some(people)
        }
        Err(error) => {
            findings.push(Finding::bad("agents", error.to_string(), "check: scope `read` of the OAuth client"));
            None
        }
    };
    let tickets =
        ask.tickets("/tickets", &[("page[size]", "1"), ("sort", "-updated_at"), ("include", "metric_sets")]).await;
    let newest = tickets.as_ref().ok().and_then(|page| page.items.iter().map(|ticket| ticket.updated_at).max());
    findings.push(match tickets {
        Ok(_) => {
            Finding::good("tickets", about.map_or("can be read".to_owned(), |count| format!("about {count} in all")))
        }
        Err(error) => Finding::bad("tickets", error.to_string(), "check: role agent or admin, scope `read`"),
    });
    optional(ask, &mut findings).await;
    if people.is_some() && ask.skips.total > 0 {
        let skipped = std::mem::take(&mut ask.skips.named);
        findings.extend(Finding::skipped(skipped, ask.skips.total, "please report it with this message"));
    }
    findings.push(Finding::quota(ask.quota));
    findings.push(Finding::age(newest, ask.now));
    Ok(findings)
}

/// Everybody of the team, however long it takes.
async fn people(ask: &mut Ask, mut people: People) -> Result<People, SourceError> {
    let mut reading = Reading::begin(ask.now, true);
    while !reading.go_on(ask, usize::MAX).await? {
        ask.enough = Enough::begin();
    }
    for (what, error) in &reading.failed {
        ask.skips.note((*what).to_owned(), ".", &error.to_string());
    }
    reading.take_into(&mut people, ask);
    Ok(people)
}

/// Whom the key belongs to.
async fn who(ask: &mut Ask, settings: &Settings) -> Finding {
    let sort = if settings.client_id.is_some() {
        "OAuth client"
    } else {
        "API token: ends on 30 April 2027, make an OAuth client"
    };
    let Ok(me) = ask.page("/users/me", &[]).await else { return Finding::good("authorised", sort) };
    let user = me.0.get("user").unwrap_or(&Value::Null);
    let word = |key: &str| user.get(key).and_then(Value::as_str).map(excerpt).unwrap_or_default();
    if user.get("id").and_then(id_of).is_none() {
        let hint = "check: client_id and client_secret, or email and token";
        return Finding::bad("authorised", "it takes the key for nobody's (Anonymous user)", hint);
    }
    Finding::good("authorised", format!("{sort}, as {} ({})", word("name"), word("role")))
}

fn groups(people: &People) -> String {
    let names: Vec<_> = people.groups.values().map(|name| excerpt(name)).collect();
    let more = names.len().saturating_sub(GROUPS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names[..names.len().min(GROUPS_SHOWN)].join(", "))
}

/// What only some keys may read, or only some accounts have: a fact where it is missing, as the rest goes on without.
async fn optional(ask: &mut Ask, findings: &mut Vec<Finding>) {
    let presence = ask.page("/agent_availabilities", &[("page[size]", "1")]).await;
    findings.push(match presence {
        Ok(_) => Finding::good("presence", "agents' availability can be read"),
        Err(error) => missing("presence", &error, "this key may not read agents' availability; make it with an admin"),
    });
    let since = (ask.there() - chrono::TimeDelta::minutes(5)).millis().div_euclid(1000).to_string();
    let events =
        ask.export("/incremental/ticket_events", &[("start_time", &since), ("include", "comment_events")]).await;
    findings.push(match events {
        Ok(_) => Finding::good("history", "the export of events can be read"),
        Err(error) => missing(
            "history",
            &error,
            "this key may not read the export of events, and so no history; make it with an admin",
        ),
    });
    let mut ratings = Err(SourceError::passing("", ""));
    for sort in [Sort::Survey, Sort::Legacy] {
        let query = sort.query(ask.there());
        let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, &**value)).collect();
        ratings = ask.page(sort.path(), &query).await;
        if ratings.is_ok() {
            break;
        }
    }
    findings.push(match ratings {
        Ok(_) => Finding::good("ratings", "satisfaction answers can be read"),
        Err(error) => missing("ratings", &error, "this key may not read satisfaction answers; make it with an admin"),
    });
    findings.push(match targets(ask).await {
        Ok(0) => Finding::fact("sla", "no policies, or this key may not read them; make it with an admin"),
        Ok(1) => Finding::good("sla", "1 policy"),
        Ok(count) => Finding::good("sla", format!("{count} policies")),
        Err(error) => Finding::bad("sla", error.to_string(), "run it again in a moment"),
    });
}

/// What the key may not read, in words; other failures as they are.
fn missing(what: &str, error: &SourceError, words: &str) -> Finding {
    match error {
        SourceError::Forbidden { .. } => Finding::fact(what, words),
        SourceError::Unsupported { .. } => Finding::fact(what, "this account or its plan does not have it"),
        other => Finding::bad(what, other.to_string(), "run it again in a moment"),
    }
}
