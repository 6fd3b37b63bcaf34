//! What `doctor` looks at: can it be reached, whose key is it, what may it read.

use super::ask::Ask;
use super::people::{read_agents, read_inboxes, watched};
use super::wire::Person;
use super::{Chatwoot, Quota};
use crate::source::http::words::excerpt;
use crate::source::{Finding, SourceError};

/// Inboxes that are named; of more, the number.
const SHOWN: usize = 10;

/// The finding that says whether ratings may be read.
pub(super) const RATINGS: &str = "ratings";

/// What to do where something may not be read.
const NEEDS: &str = "make the key with an administrator of the account";

/// Asks a handful of questions. An error only where the desk can't be reached or takes no key at all.
pub(super) async fn check(source: &Chatwoot, ask: &mut Ask) -> Result<Vec<Finding>, SourceError> {
    let account = source.account(ask).await?;
    ask.account = account.id;
    let mut findings = vec![
        Finding::good("reachable", excerpt(&source.site)),
        Finding::good("authorised", format!("account {} ({})", account.id, excerpt(&account.name))),
    ];
    findings.push(if account.role == "administrator" {
        Finding::good("role", "administrator")
    } else {
        let says = format!("{}: sees the conversations of its own inboxes only", excerpt(&account.role));
        Finding::bad("role", says, NEEDS)
    });
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    findings.push(outcome("agents and presence", read_agents(ask).await, |agents| format!("{} agents", agents.len())));
    findings.push(match read_inboxes(ask).await {
        Ok(inboxes) => of_inboxes(source, &inboxes),
        failed => outcome("inboxes", failed, |_| String::new()),
    });
    let page = ask.page(&[("status", "open"), ("page", "1")]).await;
    let newest = page.as_ref().ok().and_then(|(rows, ..)| rows.iter().filter_map(|row| row.last_activity_at).max());
    findings.push(outcome("conversations", page, |(_, count, total)| {
        format!("{} open", total.map_or_else(|| format!("at least {count}"), |total| total.to_string()))
    }));
    findings.push(outcome(RATINGS, ask.ratings((ask.now, ask.now), 1).await, |_| "satisfaction answers".to_owned()));
    let limit = u64::from(source.settings.requests_per_minute);
    let used = ask.sent().min(limit);
    findings.push(Finding::quota(Some(Quota { limit, remaining: limit - used, resets_at: None })));
    findings.push(Finding::fact("presence", "read without a websocket: helptop never marks the key's owner as online"));
    findings.extend(Finding::skipped(
        std::mem::take(&mut ask.skips.named),
        ask.skips.total,
        "please report it with this message",
    ));
    findings.push(Finding::age(newest, ask.now));
    Ok(findings)
}

/// The inboxes that the key sees, and whether those that are to be watched are among them.
fn of_inboxes(source: &Chatwoot, inboxes: &[Person]) -> Finding {
    let names: Vec<_> = inboxes.iter().map(|inbox| excerpt(&inbox.name)).collect();
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let seen = format!("{}{more}", names[..names.len().min(SHOWN)].join(", "));
    match watched(&source.settings.inboxes, inboxes) {
        Ok(_) => Finding::good("inboxes", seen),
        Err(error) => Finding::bad("inboxes", format!("{error}, but {seen}"), "set `inboxes` to names that it sees"),
    }
}

fn outcome<T>(what: &str, got: Result<T, SourceError>, says: impl FnOnce(T) -> String) -> Finding {
    match got {
        Ok(value) => Finding::good(what, says(value)),
        Err(error @ SourceError::Forbidden { .. }) => Finding::bad(what, error.to_string(), NEEDS),
        Err(error) => Finding::bad(what, error.to_string(), "is base_url the address of the installation itself?"),
    }
}
