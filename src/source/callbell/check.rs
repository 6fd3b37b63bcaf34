//! What `doctor` looks at: can it be reached, whose key is it, what can be read.

use super::ask::{Ask, Page, Place};
use super::wire::{Closed, Contact};
use super::{Callbell, LIMIT, Quota};
use crate::source::http::words::excerpt;
use crate::source::{Finding, SourceError};

/// What to do where something can't be read.
const REPORT: &str = "does the account's plan include the API? ask Callbell's support, and report it with this message";

/// Asks a handful of questions. An error only where the desk can't be reached or takes no key at all.
pub(super) async fn check(source: &Callbell, ask: &mut Ask) -> Result<Vec<Finding>, SourceError> {
    let before = ask.sent();
    let me = ask.me().await?;
    let who = me.user_name.or(me.user_email).unwrap_or_else(|| "a key without a name".to_owned());
    let mut findings = vec![
        Finding::good("reachable", excerpt(&source.site)),
        Finding::good("authorised", excerpt(&who)),
        Finding::fact(
            "rights",
            "Callbell's keys may read and write everything: keep this one to yourself; helptop only reads",
        ),
    ];
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    let everybody = ask.everybody().await;
    findings.push(outcome("teams and presence", everybody, |(teams, crews)| {
        let agents: std::collections::BTreeSet<_> =
            crews.iter().flat_map(|crew| &crew.members).map(|one| &one.email).collect();
        format!("{} teams, {} agents", teams.len(), agents.len())
    }));
    let page = ask.contacts(&Place::Number(1)).await;
    let contacts = page.as_ref().map(|page| page.contacts.clone()).unwrap_or_default();
    findings.push(outcome("contacts", page, |page| said(&page)));
    let mut newest = contacts.iter().filter_map(|one| one.created_at).max();
    if let Some(first) = contacts.first() {
        let messages = ask.newest(&first.uuid).await;
        newest = newest.max(messages.as_ref().ok().and_then(|some| some.as_ref()?.last()).map(|last| last.created_at));
        findings.push(outcome("messages", messages, |_| "can be read".to_owned()));
    }
    findings.extend(assignment(&contacts, source.unassigned_answers));
    let remaining = LIMIT.saturating_sub(ask.sent() - before);
    findings.push(Finding::quota(Some(Quota { limit: LIMIT, remaining, resets_at: None })));
    let hint = "please report it with this message";
    findings.extend(Finding::skipped(std::mem::take(&mut ask.skips.named), ask.skips.total, hint));
    findings.push(Finding::age(newest, ask.now));
    Ok(findings)
}

/// How many contacts there are.
fn said(page: &Page) -> String {
    let pages = page.meta.pages.unwrap_or(1).max(1);
    let size = page.count as u64;
    let first = if pages == 1 { format!("{size} contacts") } else { format!("about {} contacts", pages * size) };
    let is_open = |one: &&Contact| one.closed_at == Closed::Never;
    let is_untold = page.contacts.iter().any(|one| one.closed_at == Closed::Untold);
    let open = page.contacts.iter().filter(is_open).count();
    let rest = if is_untold {
        "; the list does not say which are closed: each contact costs a request of its own".to_owned()
    } else {
        format!("; of the first {} are {open} open", page.contacts.len())
    };
    first + &rest
}

/// Whether it can be known who answers: that depends on chats being assigned.
fn assignment(contacts: &[Contact], unassigned_answers: bool) -> Option<Finding> {
    let open = || contacts.iter().filter(|one| one.closed_at == Closed::Never);
    let (all, nobody) = (open().count(), open().filter(|one| one.holder().is_none()).count());
    let says = format!("{nobody} of {all} open chats that were looked at are assigned to nobody");
    Some(match all {
        0 => return None,
        _ if nobody * 2 > all && !unassigned_answers => {
            let says = says + ": what is sent there counts as a bot's and answers nobody";
            let hint = "do your agents answer without assigning chats? then set `unassigned = \"answers\"`";
            Finding { hint: Some(hint.to_owned()), ..Finding::fact("assignment", says) }
        }
        _ => Finding::fact("assignment", says),
    })
}

fn outcome<T>(what: &str, got: Result<T, SourceError>, says: impl FnOnce(T) -> String) -> Finding {
    match got {
        Ok(value) => Finding::good(what, says(value)),
        Err(error) => Finding::bad(what, error.to_string(), REPORT),
    }
}
