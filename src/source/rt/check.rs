//! What `doctor` looks at: can it be reached, who is it, what may the account read.

use super::Settings;
use super::ask::{Ask, FEED};
use super::people::People;
use super::wire::{About, OnlyId};
use crate::source::http::words::excerpt;
use crate::source::{Finding, SourceError};

/// A difference of clocks that falsifies waits, in seconds.
const SKEW: i64 = 30;

/// Asks a handful of questions. An error only where the desk can't be reached or takes no credentials at all.
pub(super) async fn check(ask: &mut Ask, settings: &Settings) -> Result<Vec<Finding>, SourceError> {
    let about: About = ask.one("/rt").await?;
    let version = excerpt(&about.version);
    let new_enough =
        version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_none_or(|major| major >= 5);
    let mut findings = vec![
        good("server", format!("Request Tracker {version}")),
        Finding { good: Some(true), ..fact("credentials", credentials(settings)) },
    ];
    if !new_enough {
        findings.push(bad("version", "older than 5: it has no search in the transaction log", "needs RT 5"));
    }
    if let Some(date) = ask.date {
        let skew = (date - ask.now).num_seconds();
        let says = format!("{skew:+} s against this machine");
        findings.push(if skew.abs() <= SKEW {
            good("clock", says)
        } else {
            bad("clock", &says, "waits are wrong by that: set both clocks")
        });
    }
    let mut people = People::new(settings);
    findings.push(outcome(
        "queues",
        people.read_queues(ask, settings).await,
        "right SeeQueue, names in `queues`",
        |()| {
            let names: Vec<_> = people.queues.values().map(|name| excerpt(name)).collect();
            names.join(", ")
        },
    ));
    let group = settings.staff_group.as_deref().unwrap_or("Privileged");
    let staff = match people.count_staff(ask, settings).await {
        Ok(0) => Err(SourceError::Forbidden { place: "GET /REST/2.0/group".into(), what: "no member is seen".into() }),
        other => other,
    };
    findings.push(outcome("staff", staff, "right SeeGroup, `staff_group`, `ignore_staff`", |count| {
        format!("{count} agents in {}", excerpt(group))
    }));
    if people.queues.is_empty() {
        return Ok(findings);
    }
    let query = format!("Status='__Active__'{}", people.queue_filter("Queue", settings));
    let tickets = ask.list::<OnlyId>("/tickets", &[("query", &query), ("per_page", "1")]).await;
    let any = tickets.as_ref().is_ok_and(|page| page.count > 0);
    findings.push(outcome("tickets", tickets, "right ShowTicket", |page| {
        format!("{} open", page.total.map_or_else(|| "?".to_owned(), |total| total.to_string()))
    }));
    let query = format!("{FEED}{}", people.queue_filter("TicketQueue", settings));
    let query = [("query", &*query), ("orderby", "id"), ("order", "DESC"), ("per_page", "20")];
    let log = match ask.list::<OnlyId>("/transactions", &query).await {
        Ok(page) if page.count == 0 && any => Err(SourceError::Forbidden {
            place: "GET /REST/2.0/transactions".into(),
            what: "no transaction of the open tickets is seen".into(),
        }),
        other => other,
    };
    findings.push(outcome("history", log, "right ShowTicket on these queues", |page| match page.last_id() {
        0 => "nothing yet".to_owned(),
        id => format!("up to transaction {id}"),
    }));
    Ok(findings)
}

fn credentials(settings: &Settings) -> String {
    match &settings.user {
        Some(user) => format!("password of {}: a token is better, it can be withdrawn by itself", excerpt(user)),
        None => "token".into(),
    }
}

fn fact(what: &str, says: String) -> Finding {
    Finding { good: None, what: what.into(), says, hint: None }
}

fn good(what: &str, says: String) -> Finding {
    Finding { good: Some(true), ..fact(what, says) }
}

fn bad(what: &str, says: &str, hint: &str) -> Finding {
    Finding { good: Some(false), hint: Some(hint.into()), ..fact(what, says.into()) }
}

fn outcome<T>(what: &str, got: Result<T, SourceError>, needs: &str, says: impl FnOnce(T) -> String) -> Finding {
    match got {
        Ok(value) => good(what, says(value)),
        Err(error) => bad(what, &error.to_string(), &format!("check: {needs}")),
    }
}
