//! What `doctor` looks at: can it be reached, whose key is it, what may it read.

use super::Intercom;
use super::ask::{Ask, NEEDS, active};
use super::wire::{Admin, Conversation};
use crate::event::Timestamp;
use crate::source::http::words::excerpt;
use crate::source::{Finding, SourceError};

/// The regions, by the vendor's words, and their hosts.
const REGIONS: [(&str, &str); 3] =
    [("us", "api.intercom.io"), ("eu", "api.eu.intercom.io"), ("au", "api.au.intercom.io")];

/// Asks a handful of questions. An error only where the desk can't be reached or takes no key at all.
pub(super) async fn check(source: &Intercom, ask: &mut Ask) -> Result<Vec<Finding>, SourceError> {
    let app = ask.me().await?.app.unwrap_or_default();
    let name = app.name.as_deref().unwrap_or("without a name");
    let mut findings = vec![
        Finding::good("reachable", excerpt(&source.site)),
        Finding::good("authorised", format!("workspace {}", excerpt(name))),
    ];
    findings.extend(region(app.region.as_deref().unwrap_or_default(), &source.site));
    findings.extend(ask.date.map(|date| Finding::clock(date, ask.now)));
    findings.push(outcome("teammates", ask.admins().await, |(admins, _)| {
        let seats = admins.iter().filter(|admin| Admin::has_seat(admin)).count();
        format!("{seats} with an inbox seat, of {}", admins.len())
    }));
    findings.push(outcome("teams", ask.teams().await, |teams| format!("{} teams", teams.len())));
    let page = ask.page(&active(), None).await;
    let newest = page.as_ref().ok().and_then(|page| page.found.iter().map(Conversation::changed_at).max());
    findings.push(outcome("conversations", page, |page| {
        let read = page.found.len() as u64;
        format!("{} active", page.total.unwrap_or(read))
    }));
    findings.push(match ask.tickets().await {
        Ok(()) => Finding::good("tickets", "conversations that are tickets are read too"),
        Err(SourceError::Forbidden { .. }) => Finding::bad(
            "tickets",
            "may not be read (403): conversations that are tickets are left out of every answer",
            "give the app the permission Read tickets in the Developer Hub",
        ),
        Err(error) => Finding::bad("tickets", error.to_string(), NEEDS),
    });
    findings.push(Finding::quota(ask.quota));
    findings.push(Finding::fact("presence", "not away counts as online: Intercom does not tell who has gone home"));
    let skipped = std::mem::take(&mut ask.skips.named);
    findings.extend(Finding::skipped(skipped, ask.skips.total, "please report it with this message"));
    findings.push(Finding::age(newest.filter(|at| *at > Timestamp::MIN), ask.now));
    Ok(findings)
}

/// Whether the address is that of the workspace's region: another one passes each request on at best.
fn region(region: &str, site: &str) -> Option<Finding> {
    let host = |site: &str| REGIONS.iter().find(|(_, host)| site.ends_with(host)).map(|(name, _)| *name);
    let word = region.to_ascii_lowercase();
    let (name, own) = REGIONS.iter().find(|(name, _)| word.starts_with(name))?;
    match host(site) {
        Some(asked) if asked != *name => {
            let says = format!("the workspace is in {name}, the address is that of {asked}");
            Some(Finding::bad("region", says, format!("set base_url = \"https://{own}\"")))
        }
        _ => Some(Finding::good("region", *name)),
    }
}

fn outcome<T>(what: &str, got: Result<T, SourceError>, says: impl FnOnce(T) -> String) -> Finding {
    match got {
        Ok(value) => Finding::good(what, says(value)),
        Err(error) => Finding::bad(what, error.to_string(), NEEDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_another_region_is_said() {
        for (word, site, good) in [
            ("US", "https://api.intercom.io", Some(Some(true))),
            ("EU", "https://api.eu.intercom.io", Some(Some(true))),
            ("EU", "https://api.intercom.io", Some(Some(false))),
            ("AU", "http://127.0.0.1:80", Some(Some(true))),
            ("", "https://api.intercom.io", None),
        ] {
            let found = region(word, site);
            assert_eq!(found.as_ref().map(|found| found.good), good, "{word} {site} {found:?}");
        }
        let hint = region("EU", "https://api.intercom.io").and_then(|found| found.hint).unwrap();
        assert_eq!(hint, "set base_url = \"https://api.eu.intercom.io\"");
    }
}
