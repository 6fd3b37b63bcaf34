//! What `doctor` found out, for people.

use std::io::{self, Write};

use crate::event::Capability;
use crate::source::{Finding, Retry, SourceError};
use crate::text::harmless;

/// What was found out about one source.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// What was looked at, or why nothing could be.
    pub findings: Result<Vec<Finding>, SourceError>,
    /// What it can tell, as far as it has said.
    pub capabilities: Vec<Capability>,
    /// What its kind can't tell, and why.
    pub cannot_tell: &'static [(&'static str, &'static str)],
}

impl Diagnosis {
    /// Whether it can be read: it could be asked, and nothing that was looked at is bad.
    pub fn is_good(&self) -> bool {
        self.findings.as_ref().is_ok_and(|findings| findings.iter().all(|finding| finding.good != Some(false)))
    }
}

/// Nothing that was asked for is broken, so this is no failure; but it is no all-clear either.
const NO_SOURCE: &str = "\
no source is configured, so there is nothing to check: `helptop` shows the demo desk
  `helptop init` connects a real one
";

/// Writes what was found out; tells whether every source can be read.
pub fn write_doctor(out: &mut impl Write, diagnoses: &[Diagnosis]) -> io::Result<bool> {
    for diagnosis in diagnoses {
        write_source(out, diagnosis)?;
    }
    let bad: Vec<&str> = diagnoses.iter().filter(|d| !d.is_good()).map(|d| d.name.as_str()).collect();
    match (diagnoses.len(), bad.as_slice()) {
        (0, _) => write!(out, "{NO_SOURCE}")?,
        (1, []) => writeln!(out, "the source can be read")?,
        (n, []) => writeln!(out, "all {n} sources can be read")?,
        (n, bad) => writeln!(out, "{} of {n} sources can't be read as they should: {}", bad.len(), bad.join(", "))?,
    }
    Ok(bad.is_empty())
}

fn write_source(out: &mut impl Write, diagnosis: &Diagnosis) -> io::Result<()> {
    writeln!(out, "{} ({})", diagnosis.name, diagnosis.kind)?;
    match &diagnosis.findings {
        Err(error) => {
            write_line(out, '✗', "asked", &error.to_string())?;
            write_hint(out, &error.hint(Retry::Never))?;
        }
        Ok(findings) => {
            write_findings(out, findings)?;
            write_capabilities(out, diagnosis)?;
        }
    }
    writeln!(out)
}

fn write_capabilities(out: &mut impl Write, diagnosis: &Diagnosis) -> io::Result<()> {
    if !diagnosis.capabilities.is_empty() {
        let tells: Vec<String> = diagnosis.capabilities.iter().map(ToString::to_string).collect();
        write_line(out, '·', "can tell", &tells.join(", "))?;
    }
    for (what, why) in diagnosis.cannot_tell {
        write_line(out, '–', &format!("can't tell {what}"), why)?;
    }
    Ok(())
}

/// Writes what was found out about the store; it is for the board to say what follows from it.
pub fn write_store(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    writeln!(out, "the history")?;
    write_findings(out, std::slice::from_ref(finding))?;
    writeln!(out)
}

fn write_findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        let sign = match finding.good {
            Some(true) => '✓',
            Some(false) => '✗',
            None => '·',
        };
        write_line(out, sign, &finding.what, &finding.says)?;
        finding.hint.as_deref().map_or(Ok(()), |hint| write_hint(out, hint))?;
    }
    Ok(())
}

fn write_line(out: &mut impl Write, sign: char, what: &str, says: &str) -> io::Result<()> {
    writeln!(out, "  {sign} {}: {}", harmless(what), harmless(says))
}

fn write_hint(out: &mut impl Write, hint: &str) -> io::Result<()> {
    writeln!(out, "      → {}", harmless(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis(name: &str, findings: Result<Vec<Finding>, SourceError>) -> Diagnosis {
        let capabilities = vec![Capability::Messages, Capability::Sla];
        Diagnosis {
            name: name.into(),
            kind: "command",
            findings,
            capabilities,
            cannot_tell: &[("presence", "it has none")],
        }
    }

    fn printed(diagnoses: &[Diagnosis]) -> (bool, String) {
        let mut out = Vec::new();
        let good = write_doctor(&mut out, diagnoses).unwrap();
        (good, String::from_utf8(out).unwrap())
    }

    #[test]
    fn good_findings_and_mere_facts_are_good() {
        let found = vec![Finding::good("reachable", "5.0.3"), Finding::fact("clock", "2 s\u{1b}[2J")];
        let (good, text) = printed(&[diagnosis("desk", Ok(found))]);
        assert!(good);
        let expected = "desk (command)\n  ✓ reachable: 5.0.3\n  · clock: 2 s\u{FFFD}[2J\n  · can tell: messages, sla\n  \
            – can't tell presence: it has none\n\nthe source can be read\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn one_bad_finding_or_a_failed_check_is_bad() {
        let found = vec![Finding::bad("queues", "`Bil` is not there", "did you mean `Billing`?")];
        let failed = SourceError::Auth { place: "GET /rt".into(), what: "401".into() };
        let (good, text) = printed(&[diagnosis("one", Ok(found)), diagnosis("two", Err(failed))]);
        assert!(!good);
        assert!(text.contains("  ✗ queues: `Bil` is not there\n      → did you mean `Billing`?\n"), "{text}");
        assert!(text.contains("  ✗ asked: GET /rt: not authorised: 401\n      → check the token"), "{text}");
        assert_eq!(text.matches("can tell").count(), 1, "nothing is promised of what can't be asked: {text}");
        assert!(text.ends_with("2 of 2 sources can't be read as they should: one, two\n"), "{text}");
    }
}
