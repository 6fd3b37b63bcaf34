//! What `doctor` looks at: can it be reached, who is it, what may the account read.

use super::Settings;
use super::ask::{Ask, FEED};
use super::people::People;
use super::wire::{About, OnlyId, ROW_FIELDS, Row};
use crate::event::Timestamp;
use crate::source::http::words::excerpt;
use crate::source::{Finding, SourceError};

/// Queues that are named; of more, the number.
const QUEUES_SHOWN: usize = 10;

/// Asks a handful of questions. An error only where the desk can't be reached or takes no credentials at all.
pub(super) async fn check(ask: &mut Ask, settings: &Settings) -> Result<Vec<Finding>, SourceError> {
    let about: About = ask.one("/rt").await?;
    let version = excerpt(&about.version);
    let new_enough =
        version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_none_or(|major| major >= 5);
    let mut findings = vec![
        Finding::good("reachable", format!("Request Tracker {version}")),
        Finding::good("authorised", credentials(settings)),
    ];
    if !new_enough {
        findings.push(Finding::bad("version", "older than 5: it has no search in the transaction log", "needs RT 5"));
    }
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    let newest = permissions(ask, settings, &mut findings).await;
    findings.push(Finding::quota(ask.quota));
    findings.push(Finding::age(newest, ask.now));
    Ok(findings)
}

/// What the account may read; gives when the newest row of the log was written.
async fn permissions(ask: &mut Ask, settings: &Settings, findings: &mut Vec<Finding>) -> Option<Timestamp> {
    let mut people = People::new(settings);
    findings.push(outcome(
        "queues",
        people.read_queues(ask, settings).await,
        "right SeeQueue, names in `queues`",
        |()| {
            let names: Vec<_> = people.queues.values().map(|name| excerpt(name)).collect();
            let more = names.len().saturating_sub(QUEUES_SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", names[..names.len().min(QUEUES_SHOWN)].join(", "))
        },
    ));
    let staff = match people.count_staff(ask, settings).await {
        Ok(0) => Err(SourceError::Forbidden { place: "GET /REST/2.0/group".into(), what: "no member is seen".into() }),
        other => other,
    };
    findings.push(outcome("staff", staff, "right SeeGroup, `staff_group`, `ignore_staff`", |count| {
        let group = match settings.staff_group.as_deref() {
            Some(name) => excerpt(name),
            None if people.is_by_user() => "the groups that the account sees".to_owned(),
            None => "Privileged".to_owned(),
        };
        format!("{count} agents in {group}")
    }));
    if people.queues.is_empty() {
        return None;
    }
    let query = format!("Status='__Active__'{}", people.queue_filter("Queue", settings));
    let tickets = ask.list::<OnlyId>("/tickets", &[("query", &query), ("per_page", "1")]).await;
    let any = tickets.as_ref().is_ok_and(|page| page.count > 0);
    findings.push(outcome("tickets", tickets, "right ShowTicket", |page| {
        format!("{} open", page.total.map_or_else(|| "?".to_owned(), |total| total.to_string()))
    }));
    let query = format!("{FEED}{}", people.queue_filter("TicketQueue", settings));
    let query = [("query", &*query), ("orderby", "id"), ("order", "DESC"), ("per_page", "20"), ROW_FIELDS];
    let log = match ask.list::<Row>("/transactions", &query).await {
        Ok(page) if page.count == 0 && any => Err(SourceError::Forbidden {
            place: "GET /REST/2.0/transactions".into(),
            what: "no transaction of the open tickets is seen".into(),
        }),
        other => other,
    };
    let newest = log.as_ref().ok().and_then(|page| page.items.iter().map(|row| row.created).max());
    findings.push(outcome("history", log, "right ShowTicket on these queues", |page| match page.last_id() {
        0 => "nothing yet".to_owned(),
        id => format!("up to transaction {id}"),
    }));
    newest
}

fn credentials(settings: &Settings) -> String {
    match &settings.user {
        Some(user) => format!("password of {}: a token is better, it can be withdrawn by itself", excerpt(user)),
        None => "token".into(),
    }
}

fn outcome<T>(what: &str, got: Result<T, SourceError>, needs: &str, says: impl FnOnce(T) -> String) -> Finding {
    match got {
        Ok(value) => Finding::good(what, says(value)),
        Err(error) => Finding::bad(what, error.to_string(), format!("check: {needs}")),
    }
}
