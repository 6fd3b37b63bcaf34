//! Who was of the team when an update was made, whatever they are now: what no end user can do shows it. Only such deeds
//! count, for a customer who is taken for an agent is a wait that nobody sees.

use serde_json::Value;

use super::audit::{Field, Step};
use super::wire::Via;
use crate::source::lenient::{Id, id_of};

/// An update, as far as it shows who is of the team.
pub(super) struct Deed<'a> {
    pub author: Id,
    pub via: &'a Via,
    pub steps: &'a [Step],
    /// Its parts as they were sent.
    pub parts: &'a [Value],
}

/// Those whom an update shows to be of the team: who became its assignee; who wrote a note, but not by mail, for what
/// somebody who is not copied mails becomes a note, too, nor at the beginning of a ticket; who used a macro; and who,
/// without words to the customer, gave it to somebody or set it to pending or on hold. Words of a customer may set off
/// such changes. Who asks on the ticket is not told apart here.
pub(super) fn team(deed: &Deed<'_>) -> Vec<Id> {
    let Deed { author, via, steps, parts } = deed;
    let mut team: Vec<Id> = steps.iter().filter_map(assignee).collect();
    if !via.is_rule() {
        let begins = steps.iter().any(|step| matches!(step, Step::Field { created: true, .. }));
        if !via.is_mail() && !begins {
            team.extend(parts.iter().filter(|part| is_note(part)).map(|note| writer(note).unwrap_or(*author)));
        }
        let speaks = steps.iter().any(|step| matches!(step, Step::Comment { public: true, .. }));
        if steps.iter().any(|step| matches!(step, Step::Macro { .. }) || !speaks && is_of_an_agent(step)) {
            team.push(*author);
        }
    }
    team.retain(|id| *id > 0);
    team.sort_unstable();
    team.dedup();
    team
}

fn assignee(step: &Step) -> Option<Id> {
    match step {
        Step::Field { field: Field::Assignee(id), .. } => *id,
        _ => None,
    }
}

/// A comment that is said to be no public one.
fn is_note(part: &Value) -> bool {
    let kind = part.get("event_type").or_else(|| part.get("type")).and_then(Value::as_str);
    let public = part.get("public").or_else(|| part.get("comment_public")).and_then(Value::as_bool);
    kind == Some("Comment") && public == Some(false)
}

fn writer(note: &Value) -> Option<Id> {
    note.get("author_id").and_then(id_of)
}

/// A change of a field that end users don't have.
fn is_of_an_agent(step: &Step) -> bool {
    match step {
        Step::Field { field: Field::Assignee(Some(_)), created: false, is_rule: false } => true,
        Step::Field { field: Field::Status(word), created: false, is_rule: false } => {
            matches!(&**word, "pending" | "hold")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::audit::Audit;
    use super::*;

    const BEA: Id = 700_099;

    fn note() -> Value {
        json!({"type": "Comment", "author_id": BEA, "public": false, "body": "x"})
    }

    fn answer() -> Value {
        json!({"type": "Comment", "author_id": BEA, "public": true, "body": "x"})
    }

    fn change(name: &str, value: &str) -> Value {
        json!({"type": "Change", "field_name": name, "value": value})
    }

    fn by_rule(mut part: Value) -> Value {
        part["via"] = json!({"channel": "rule", "source": {"rel": "trigger"}});
        part
    }

    #[rstest]
    #[case::assigned("web", json!([change("assignee_id", "700099")]), true)]
    #[case::assigned_by_a_rule("web", json!([by_rule(change("assignee_id", "700099"))]), true)]
    #[case::assigned_at_the_beginning("web", json!([{"type": "Create", "field_name": "assignee_id", "value": "700099"}]), true)]
    #[case::a_note("web", json!([note()]), true)]
    #[case::a_note_in_the_export("Web form", json!([{"event_type": "Comment", "comment_public": false}]), true)]
    #[case::an_answer("web", json!([answer()]), false)]
    #[case::words_of_which_nothing_more_is_told("web", json!([{"type": "Comment", "author_id": BEA}]), false)]
    #[case::mail_of_one_who_is_not_copied("email", json!([note()]), false)]
    #[case::the_same_in_the_export("Mail", json!([note()]), false)]
    #[case::a_first_word_that_is_a_note("web", json!([note(), {"type": "Create", "field_name": "status", "value": "new"}]), false)]
    #[case::a_rules_note("rule", json!([note()]), false)]
    #[case::a_macro("web", json!([answer(), {"type": "AgentMacroReference", "macro_id": "1", "macro_title": "Refund"}]), true)]
    #[case::takes_it_for_another("web", json!([change("assignee_id", "7")]), true)]
    #[case::pending("web", json!([change("status", "pending")]), true)]
    #[case::words_that_may_have_set_it_off("web", json!([answer(), change("status", "pending"), change("assignee_id", "7")]), false)]
    #[case::pending_by_a_rule("web", json!([by_rule(change("status", "hold"))]), false)]
    #[case::opened_by_her_words("web", json!([answer(), change("status", "open")]), false)]
    #[case::solved_it("web", json!([change("status", "solved")]), false)]
    fn who_is_of_the_team(#[case] channel: &str, #[case] parts: Value, #[case] expected: bool) {
        let audit = json!({"id": 1, "ticket_id": 5, "created_at": "2026-11-22T09:14:03Z", "author_id": BEA,
            "via": channel, "events": parts});
        let audit = Audit::of(&audit).unwrap();
        assert_eq!(audit.team.contains(&BEA), expected, "{:?}", audit.team);
    }
}
