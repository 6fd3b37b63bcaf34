//! What `doctor` looks at: can it be reached, who is it, what may the account read.

use super::Settings;
use super::ask::{Along, Ask, Condition, PER_PAGE, Place};
use super::book::Book;
use crate::event::Timestamp;
use crate::source::http::words::excerpt;
use crate::source::{Finding, Retry, SourceError};
use crate::text::counted;

/// Groups that are named; of more, the number.
const GROUPS_SHOWN: usize = 10;

/// Asks a handful of questions. An error only where the desk can't be reached or takes no credentials at all.
pub(super) async fn check(ask: &mut Ask, settings: &Settings) -> Result<Vec<Finding>, SourceError> {
    let me = ask.me().await?;
    let mut findings = vec![
        Finding::good("reachable", excerpt(&settings.base_url)),
        Finding::good("authorised", format!("{} as {}", credentials(settings), excerpt(&me.name()))),
    ];
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    let mut book = Book::default();
    let states = book.read_states(ask).await;
    findings.push(outcome("states", states, "the permission ticket.agent", |()| "their types are known".to_owned()));
    let groups = book.read_groups(ask).await;
    findings.push(match groups {
        Ok(()) if !book.lists_groups => Finding::fact(
            "groups",
            "this key may not list groups (that needs admin.group): their names come with the tickets, and `groups` takes numbers only",
        ),
        groups => outcome("groups", groups, "the permission admin.group", |()| {
            let names: Vec<_> = book.groups.values().map(|name| excerpt(name)).collect();
            let more = names.len().saturating_sub(GROUPS_SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", names[..names.len().min(GROUPS_SHOWN)].join(", "))
        }),
    });
    match book.watch(&settings.groups) {
        Ok(watched) => book.watched = watched,
        Err(error) => findings.push(Finding::bad("watched", error.to_string(), "check `groups` in the config")),
    }
    let agents = book.read_agents(ask).await;
    findings.push(outcome(
        "agents",
        agents,
        "the permission ticket.agent: make the key with an agent's account",
        |()| counted(book.users.len() as u64, "agent"),
    ));
    let newest = tickets(ask, &book, &mut findings).await;
    findings.push(Finding::fact("presence", "Zammad tells nobody who is online"));
    findings.push(Finding::quota(ask.quota));
    findings.push(Finding::age(newest, ask.now));
    let (skipped, total) = (std::mem::take(&mut ask.skips.named), ask.skips.total);
    findings.extend(Finding::skipped(skipped, total, "please report it"));
    Ok(findings)
}

/// Whether open tickets and what happened to them can be read; when the newest change was.
async fn tickets(ask: &mut Ask, book: &Book, findings: &mut Vec<Finding>) -> Option<Timestamp> {
    let condition = Condition::default().one_of("state_id", &book.states(false))?.any_of("group_id", &book.watched);
    let page = ask.search(condition, Along::UpdatedBack, Place::at(ask.there()), PER_PAGE).await;
    let first = page.as_ref().ok().and_then(|page| page.tickets.first().cloned());
    findings.push(outcome("tickets", page, "the permission ticket.agent, and access to the groups", |page| {
        let more = if page.next.is_some() { "at least " } else { "" };
        format!("{more}{} open", page.tickets.len())
    }));
    let first = first?;
    let updated_at = first.updated_at;
    let story = ask.story(first).await;
    findings.push(outcome("history", story, "the permission ticket.agent, and read access to the group", |story| {
        story.map_or("the ticket is gone".to_owned(), |story| {
            format!(
                "{} and {} of the newest ticket",
                counted(story.articles.len() as u64, "article"),
                counted(story.rows.len() as u64, "change")
            )
        })
    }));
    Some(updated_at)
}

fn credentials(settings: &Settings) -> &'static str {
    match (&settings.user, &settings.oauth_token) {
        (Some(_), _) => "password (a token is better: it can be withdrawn by itself)",
        (_, Some(_)) => "OAuth token",
        _ => "token",
    }
}

fn outcome<T>(what: &str, got: Result<T, SourceError>, needs: &str, says: impl FnOnce(T) -> String) -> Finding {
    match got {
        Ok(value) => Finding::good(what, says(value)),
        Err(error @ SourceError::Forbidden { .. }) => Finding::bad(what, error.to_string(), format!("check: {needs}")),
        Err(error) => Finding::bad(what, error.to_string(), error.hint(Retry::Never)),
    }
}
