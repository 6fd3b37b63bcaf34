//! What each update of a ticket becomes.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::source::zendesk::wire::User;

const ANA: i64 = 700_045;
const BOGDAN: i64 = 700_046;
const KIM: i64 = 900_123;
const CC: i64 = 900_124;

fn people() -> People {
    people_with(&["700047"])
}

fn people_with(bots: &[&str]) -> People {
    let user = |id: i64, role: &str| -> User {
        serde_json::from_value(json!({"id": id, "name": format!("N{id}"), "role": role})).unwrap()
    };
    let bots: Vec<String> = bots.iter().map(ToString::to_string).collect();
    let mut people = People::new(&bots);
    people.take_staff(&[user(ANA, "agent"), user(BOGDAN, "admin"), user(700_047, "agent")], &[]);
    let status = |id: i64, word: &str| serde_json::from_value(json!({"id": id, "status_category": word})).unwrap();
    people.take_statuses(&[status(17001, "open"), status(17002, "pending"), status(17003, "open")]);
    people
}

fn ticket(edit: Value) -> Ticket {
    let mut ticket = json!({"id": 5, "created_at": "2026-11-22T08:00:00Z", "updated_at": "2026-11-22T09:00:00Z",
        "status": "open", "requester_id": KIM, "submitter_id": KIM, "via": {"channel": "email"}, "is_public": true});
    let Value::Object(edit) = edit else { panic!("no fields") };
    ticket.as_object_mut().unwrap().extend(edit);
    serde_json::from_value(ticket).unwrap()
}

/// An update so many seconds after eight.
fn audit(id: i64, seconds: i64, author: i64, events: Value) -> Audit {
    let mut value = json!({"id": id, "ticket_id": 5, "timestamp": 1_795_334_400 + seconds, "author_id": author});
    value["events"] = events;
    Audit::of(&value).unwrap()
}

/// An event in a word or two: seconds after eight, type, and what distinguishes it.
fn brief(event: &Event) -> String {
    let eight = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
    let at = event.at.map_or_else(String::new, |at| format!("{} ", (at - eight).num_seconds()));
    let mut fields = serde_json::to_value(event).unwrap();
    let fields = fields.as_object_mut().unwrap();
    let kind = fields.remove("type").unwrap();
    for known in ["at", "conversation", "url", "channel"] {
        fields.remove(known);
    }
    let words: Vec<_> =
        fields.iter().map(|(key, value)| format!("{key}={}", value.to_string().replace('"', ""))).collect();
    format!("{at}{} {}", kind.as_str().unwrap(), words.join(" ")).trim().to_owned()
}

fn steps(audits: &[Audit]) -> Vec<String> {
    let people = people();
    let mut teller = Teller::new(&people, "https://acme.zendesk.com");
    let mut standing = Standing::default();
    for audit in audits {
        teller.audit(audit, Some(KIM), &mut standing);
    }
    assert!(teller.odd.is_empty());
    teller.out.iter().map(|(_, _, event)| brief(event)).collect()
}

#[rstest]
#[case::customer_writes(KIM, json!([{"type": "Comment", "author_id": KIM, "public": true, "body": "hi"}]), &["60 message from=customer text=hi"])]
#[case::a_copied_person_writes(CC, json!([{"type": "Comment", "author_id": CC, "public": true}]), &["60 message from=customer"])]
#[case::agent_writes(ANA, json!([{"type": "Comment", "author_id": ANA, "public": true}]), &["60 message agent=700045 from=agent"])]
#[case::agent_notes(ANA, json!([{"type": "Comment", "author_id": ANA, "public": false}]), &["60 message agent=700045 from=agent public=false"])]
#[case::customer_writes_unseen(KIM, json!([{"type": "Comment", "author_id": KIM, "public": false}]), &["60 message from=customer public=false"])]
#[case::a_program_writes(700_047, json!([{"type": "Comment", "author_id": 700_047, "public": true}]), &["60 message from=bot"])]
#[case::the_system_writes(-1, json!([{"type": "Comment", "author_id": -1, "public": true}]), &["60 message from=bot"])]
#[case::written_for_the_customer(ANA, json!([{"type": "Comment", "author_id": KIM, "public": true}]), &["60 message from=customer"])]
#[case::reopened(KIM, json!([{"type": "Comment", "author_id": KIM, "public": true}, {"type": "Change", "field_name": "status", "value": "open", "previous_value": "3"}]), &["60 message from=customer", "60 status by=customer status=open"])]
#[case::answered_and_solved(ANA, json!([{"type": "Change", "field_name": "status", "value": "solved"}, {"type": "Change", "field_name": "assignee_id", "value": ANA.to_string()}, {"type": "Comment", "public": true}]), &["60 assigned agent=700045 by=700045", "60 message agent=700045 from=agent", "60 status agent=700045 by=agent status=resolved"])]
#[case::handed_over(ANA, json!([{"type": "Change", "field_name": "assignee_id", "value": BOGDAN}, {"type": "Change", "field_name": "group_id", "value": "3301"}]), &["60 assigned agent=700046 by=700045 team=3301"])]
#[case::given_up(ANA, json!([{"type": "Change", "field_name": "assignee_id", "value": null}]), &["60 assigned agent=null by=700045"])]
#[case::another_group(-1, json!([{"type": "Change", "field_name": "group_id", "value": "3302"}]), &["60 assigned by=bot team=3302"])]
#[case::by_a_trigger(KIM, json!([{"type": "Change", "field_name": "assignee_id", "value": ANA, "via": {"channel": "rule", "source": {"rel": "trigger"}}}]), &["60 assigned agent=700045 by=bot"])]
#[case::by_a_trigger_in_the_export(KIM, json!([{"event_type": "Change", "status": "hold", "via": "Rule"}]), &["60 status by=bot status=on_hold"])]
#[case::by_an_automation(-1, json!([{"type": "Change", "field_name": "status", "value": "closed"}]), &["60 status by=system status=closed"])]
#[case::of_the_accounts_own(ANA, json!([{"type": "Change", "field_name": "custom_status_id", "value": "17002"}]), &["60 status agent=700045 by=agent status=pending"])]
#[case::word_and_own_one(ANA, json!([{"type": "Change", "field_name": "status", "value": "pending"}, {"type": "Change", "field_name": "custom_status_id", "value": "17002"}]), &["60 status agent=700045 by=agent status=pending"])]
#[case::a_macro(ANA, json!([{"type": "AgentMacroReference", "macro_title": "Refund"}]), &["60 macro agent=700045 macro=Refund"])]
#[case::tagged(ANA, json!([{"type": "Change", "field_name": "tags", "value": ["a", "b"]}]), &["60 tagged tags=[a,b]"])]
#[case::another_requester(ANA, json!([{"type": "Change", "field_name": "requester_id", "value": "900999"}]), &["60 opened customer=900999"])]
#[case::nothing_of_interest(ANA, json!([{"type": "Notification"}, {"type": "Change", "field_name": "priority", "value": "high"}]), &[])]
fn an_update(#[case] author: i64, #[case] events: Value, #[case] expected: &[&str]) {
    assert_eq!(steps(&[audit(9, 60, author, events)]), expected);
}

#[test]
fn another_status_of_the_same_category_is_no_change() {
    let change = |id: &str| json!([{"type": "Change", "field_name": "custom_status_id", "value": id}]);
    let audits =
        [audit(8, 60, ANA, change("17001")), audit(9, 70, ANA, change("17003")), audit(10, 80, ANA, change("17002"))];
    let expected = ["60 status agent=700045 by=agent status=open", "80 status agent=700045 by=agent status=pending"];
    assert_eq!(steps(&audits), expected);
}

#[test]
fn a_merged_ticket_lives_on_and_its_own_words_answer_nobody() {
    let value = json!({"id": 9, "ticket_id": 5, "timestamp": 1_795_334_460, "author_id": ANA,
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": "merge"}}, "events": [
            {"type": "Comment", "public": true, "author_id": ANA, "body": "Request #5 was closed and merged into request #12 \"x\"."},
            {"type": "Change", "field_name": "status", "value": "closed"}]});
    let told = steps(&[Audit::of(&value).unwrap()]);
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("public=false"));
    assert_eq!(told[1], "60 merged into=12");
    let mut target = value;
    target["events"] =
        json!([{"type": "Comment", "public": true, "author_id": ANA, "body": "Request #4 was merged into this"}]);
    assert_eq!(steps(&[Audit::of(&target).unwrap()]).len(), 1, "the target does not end");
}

fn begin(assignee: &Value, group: &str) -> Audit {
    audit(
        1,
        0,
        KIM,
        json!([{"type": "Comment", "author_id": KIM, "public": true},
        {"type": "Create", "field_name": "status", "value": "new"}, {"type": "Create", "field_name": "group_id", "value": group},
        {"type": "Create", "field_name": "assignee_id", "value": assignee}, {"type": "Create", "field_name": "tags", "value": ["a"]}]),
    )
}

fn whole(ticket: &Ticket, audits: &[Audit]) -> Vec<String> {
    let people = people();
    let mut teller = Teller::new(&people, "https://acme.zendesk.com");
    teller.whole(ticket, audits);
    teller.out.iter().map(|(_, _, event)| brief(event)).collect()
}

#[test]
fn a_story_begins_as_it_began_and_ends_as_the_record_says() {
    let reply = audit(
        2,
        60,
        ANA,
        json!([{"type": "Comment", "author_id": ANA, "public": true},
        {"type": "Change", "field_name": "status", "value": "open"}, {"type": "Change", "field_name": "assignee_id", "value": ANA}]),
    );
    let record = json!({"assignee_id": ANA, "group_id": 3301, "tags": ["b"], "subject": "Refund"});
    let expected = [
        "0 opened customer=900123 direction=inbound subject=Refund tags=[a] team=3301",
        "0 message from=customer",
        "60 assigned agent=700045 by=700045",
        "60 message agent=700045 from=agent",
        "60 status agent=700045 by=agent status=open",
    ];
    assert_eq!(whole(&ticket(record), &[begin(&json!(null), "3301"), reply.clone()]), expected);
    // What no update explains is as of the record.
    let metrics = json!({"assigned_at": "2026-11-22T08:30:00Z", "status_updated_at": "2026-11-22T08:50:00Z"});
    let record = json!({"assignee_id": BOGDAN, "group_id": 3302, "status": "pending", "metric_set": metrics});
    let told = whole(&ticket(record), &[begin(&json!(null), "3301"), reply]);
    assert_eq!(told[5..], ["1800 assigned agent=700046", "3600 assigned team=3302", "3000 status status=pending"]);
    // But a record that is older than the updates knows less than they.
    let record = json!({"assignee_id": ANA, "status": "open", "updated_at": "2026-11-22T08:00:30Z"});
    let late = audit(2, 60, ANA, json!([{"type": "Change", "field_name": "status", "value": "pending"}]));
    assert_eq!(
        whole(&ticket(record), &[begin(&json!(null), "3301"), late]).last().unwrap(),
        "60 status agent=700045 by=agent status=pending"
    );
}

#[test]
fn outbound_is_what_the_team_began_with_words_to_the_customer() {
    let by = |public: bool| {
        audit(
            1,
            0,
            ANA,
            json!([{"type": "Comment", "author_id": ANA, "public": public}, {"type": "Create", "field_name": "status", "value": "open"}]),
        )
    };
    let record = || ticket(json!({"submitter_id": ANA}));
    assert!(whole(&record(), &[by(true)])[0].contains("outbound"));
    assert!(whole(&record(), &[by(false)])[0].contains("inbound"), "a note on a call");
    assert!(whole(&record(), &[])[0].contains("outbound"));
    assert!(whole(&ticket(json!({})), &[])[0].contains("inbound"));
}

#[rstest]
#[case::no_metrics(json!({}), true)]
#[case::no_public_comment(json!({"is_public": false}), false)]
#[case::first_message_answered(parked(1, "2026-11-22T08:00:04Z"), false)]
#[case::first_message_unanswered(parked(0, "2026-11-22T08:00:00Z"), true)]
#[case::asked_again(parked(3, "2026-11-22T08:30:00Z"), true)]
#[case::others_may_ask(with(parked(1, "2026-11-22T08:00:04Z"), "email_cc_ids", json!([7])), true)]
#[case::replies_of_a_merge_maybe(with(parked(1, "2026-11-22T08:00:04Z"), "status", json!("open")), true)]
#[case::replies_not_told(json!({"status": "hold", "metric_set": {"replies": null, "requester_updated_at": "2026-11-22T08:00:04Z"}}), true)]
#[case::requester_not_told(json!({"status": "hold", "metric_set": {"replies": 1, "requester_updated_at": null}}), true)]
fn who_may_wait_by_the_record(#[case] record: Value, #[case] expected: bool) {
    let (people, ticket) = (people_with(&[]), ticket(record));
    assert_eq!(waits::may_wait(&ticket, None, &people), expected);
    // Replies may be those of a program.
    assert_eq!(waits::may_wait(&ticket, None, &people_with(&["700047"])), ticket.is_public != Some(false));
    // An update without public words tells no more, nor does one of another ticket.
    let note = audit(9, 3600, ANA, json!([{"type": "Comment", "author_id": ANA, "public": false}]));
    let other = Audit { ticket: 6, ..audit(9, 3600, -1, json!([{"type": "Comment", "public": true}])) };
    for last in [note, other] {
        assert_eq!(waits::may_wait(&ticket, Some(&last), &people), expected);
    }
}

/// A record of a ticket that is parked, with so many replies, whose requester last did something then.
fn parked(replies: u32, asked_at: &str) -> Value {
    json!({"status": "pending", "metric_set": {"replies": replies, "requester_updated_at": asked_at}})
}

fn with(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

#[rstest]
#[case::the_same_comment("2026-11-22T08:30:02Z", Some("2026-11-22T08:30:00Z"))]
#[case::a_later_one("2026-11-22T08:30:03Z", None)]
#[case::none("", None)]
fn who_seems_to_wait(#[case] commented_at: &str, #[case] expected: Option<&str>) {
    let metrics = json!({"requester_updated_at": "2026-11-22T08:30:00Z", "latest_comment_added_at": commented_at});
    let metrics = if commented_at.is_empty() { json!(null) } else { metrics };
    let expected = expected.map(|at| Timestamp::parse(at).unwrap());
    assert_eq!(waits::seems_to_wait(&ticket(json!({"metric_set": metrics}))), expected);
}

#[test]
fn a_status_that_nobody_knows_is_named_and_left_out() {
    let people = people();
    let mut teller = Teller::new(&people, "");
    let change = json!([{"type": "Change", "field_name": "status", "value": "frozen"}, {"type": "Comment", "public": true, "author_id": KIM}]);
    let mut standing = Standing::default();
    teller.audit(&audit(9, 60, KIM, change), Some(KIM), &mut standing);
    assert_eq!((teller.odd.as_slice(), standing.status), ([(5, "frozen".into())].as_slice(), None));
    assert_eq!(teller.out.len(), 1, "nothing good is lost with it");
}

#[test]
fn channels_in_the_streams_words() {
    for (word, expected) in [
        ("email", "email"),
        ("mail", "email"),
        ("native_messaging", "web"),
        ("whatsapp", "whatsapp"),
        ("facebook", "messenger"),
        ("instagram_dm", "instagram"),
        ("voice", "phone"),
        ("line", "line"),
        ("", "other"),
    ] {
        assert_eq!(channel(word), expected);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn any_json_is_read_or_refused(value in crate::source::zendesk::fuzz::any_json()) {
        let people = people();
        let mut teller = Teller::new(&people, "https://acme.zendesk.com");
        if let Ok(audit) = Audit::of(&value) {
            teller.audit(&audit, Some(KIM), &mut Standing::default());
        }
        if let Ok(ticket) = serde_json::from_value::<Ticket>(value.clone()) {
            let audits: Vec<_> = Audit::of(&value).into_iter().collect();
            waits::may_wait(&ticket, audits.last(), &people);
            waits::seems_to_wait(&ticket);
            teller.whole(&ticket, &audits);
            teller.brief(&ticket);
        }
    }
}

#[rstest]
#[case::answered(ANA, json!([{"type": "Comment", "author_id": ANA, "public": true}]), 3600, [false, false])]
#[case::answered_by_the_updater(ANA, json!([{"type": "Comment", "public": true}]), 3591, [false, false])]
#[case::with_a_status(ANA, json!([{"type": "Comment", "public": true}, {"type": "Change", "field_name": "status", "value": "pending"}]), 3600, [false, false])]
#[case::a_note(ANA, json!([{"type": "Comment", "public": false}]), 3600, [true, false])]
#[case::the_customer(KIM, json!([{"type": "Comment", "public": true}]), 3600, [true, true])]
#[case::for_the_customer(ANA, json!([{"type": "Comment", "author_id": KIM, "public": true}]), 3600, [true, true])]
#[case::answered_and_asked(ANA, json!([{"type": "Comment", "public": true}, {"type": "Comment", "author_id": KIM, "public": true}]), 3600, [true, true])]
#[case::a_copied_person(CC, json!([{"type": "Comment", "public": true}]), 3600, [true, true])]
#[case::a_copied_persons_note(CC, json!([{"type": "Comment", "public": false}]), 3600, [true, false])]
#[case::a_program(700_047, json!([{"type": "Comment", "public": true}]), 3600, [true, true])]
#[case::the_system(-1, json!([{"type": "Comment", "public": true}]), 3600, [true, true])]
#[case::no_words(ANA, json!([{"type": "Change", "field_name": "assignee_id", "value": ANA}]), 3600, [true, false])]
#[case::not_the_last(ANA, json!([{"type": "Comment", "public": true}]), 3589, [true, false])]
fn who_may_wait_by_the_last_update(
    #[case] by: i64,
    #[case] events: Value,
    #[case] second: i64,
    #[case] expected: [bool; 2],
) {
    let (people, last) = (people(), audit(77, second, by, events));
    // Nothing is known of the first ticket, and by its record nobody waits on the second.
    for (record, expected) in [json!({}), json!({"is_public": false})].into_iter().zip(expected) {
        assert_eq!(waits::may_wait(&ticket(record), Some(&last), &people), expected);
    }
}

#[rstest]
#[case::an_answer(json!({}), false)]
#[case::a_rules(json!({"channel": "rule"}), true)]
#[case::a_merges(json!({"source": {"rel": "merge"}}), true)]
fn words_of_the_team_that_answer_nobody(#[case] via: Value, #[case] expected: bool) {
    let mut value = json!({"id": 77, "ticket_id": 5, "timestamp": 1_795_338_000, "author_id": ANA, "via": via});
    value["events"] = json!([{"type": "Comment", "public": true}]);
    let (last, parked) = (Audit::of(&value).unwrap(), ticket(parked(1, "2026-11-22T08:00:04Z")));
    assert_eq!(waits::may_wait(&parked, Some(&last), &people_with(&[])), expected);
}
