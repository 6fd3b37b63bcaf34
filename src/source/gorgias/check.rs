//! What `doctor` looks at: can it be reached, whose key is it, what may it read.

use super::Gorgias;
use super::ask::Ask;
use super::people::{UNREAD, read_teams, read_users};
use super::wire::User;
use crate::source::http::words::excerpt;
use crate::source::{Finding, SourceError};

/// Teams that are named; of more, the number.
const SHOWN: usize = 10;
/// The finding that says whether ratings may be read.
pub(super) const RATINGS: &str = "ratings";
/// What to do where something may not be read.
const NEEDS: &str = "make the key with an admin of the account";

/// Asks a handful of questions. An error only where the desk can't be reached or takes no key at all.
pub(super) async fn check(source: &Gorgias, ask: &mut Ask) -> Result<Vec<Finding>, SourceError> {
    let me: User = ask.get("/api/users/0", &[]).await?;
    let role = me.role.name.as_deref().unwrap_or("unknown");
    let name = me.person.called().map_or_else(|| me.person.id.to_string(), str::to_owned);
    let mut findings = vec![
        Finding::good("reachable", excerpt(&source.site)),
        Finding::good("authorised", format!("as {}", excerpt(&name))),
    ];
    findings.push(if role == "admin" {
        Finding::good("role", "admin")
    } else {
        Finding::bad("role", format!("{}: may not read everything", excerpt(role)), NEEDS)
    });
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    findings.push(match read_users(ask).await? {
        Some(users) => Finding::good("agents", format!("{} users", users.len())),
        None => Finding::bad("agents", UNREAD, NEEDS),
    });
    let teams = read_teams(ask).await?.unwrap_or_default();
    let names: Vec<_> = teams.iter().filter_map(|team| team.name.as_deref()).map(excerpt).collect();
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    findings.push(Finding::fact("teams", format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))));
    let tickets = ask.changed(None).await;
    let newest = tickets.as_ref().ok().and_then(|page| page.items.iter().filter_map(|one| one.updated_datetime).max());
    findings.push(outcome("tickets", tickets.map(drop), "can be read"));
    let open = ask.matching("eq(ticket.status, 'open')", "created_datetime:asc", None).await;
    findings.push(outcome("open tickets", open.map(drop), "can be asked for by a view's filter"));
    findings.push(outcome("messages", ask.messages(None).await.map(drop), "can be read"));
    findings.push(outcome(
        "events",
        ask.events(None, None).await.map(drop),
        "assignments and endings have exact times",
    ));
    findings.push(outcome(RATINGS, ask.surveys(None).await.map(drop), "satisfaction answers"));
    findings.push(Finding::fact("presence", "no answer of Gorgias says who is online"));
    findings.push(Finding::quota(ask.quota));
    let skipped = std::mem::take(&mut ask.skips.named);
    findings.extend(Finding::skipped(skipped, ask.skips.total, "please report it with this message"));
    findings.push(Finding::age(newest, ask.now));
    Ok(findings)
}

fn outcome(what: &str, got: Result<(), SourceError>, says: &str) -> Finding {
    match got {
        Ok(()) => Finding::good(what, says),
        Err(error @ SourceError::Forbidden { .. }) => Finding::bad(what, error.to_string(), NEEDS),
        Err(error) => Finding::bad(what, error.to_string(), "run it again in a moment; if it stays, please report it"),
    }
}
