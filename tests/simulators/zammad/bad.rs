//! Keys, servers and records of Zammad that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Opened, Status};
use helptop::source::{Retry, Source as _, SourceError};
use rstest::rstest;
use serde_json::{Value, json};

use super::vendor::{KEY, Zammad};
use super::{begun, small, source};
use crate::agree::Watch;
use crate::bad::Line::{BadRecord, NovelWord, Own, Plan, Throttled, WeakKey, WrongKey};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, WRONG_KEY, answer, emptied, fails, fails_as, is_taken, loses_it, one, renamed, reply,
    wrong_address, wrong_token,
};
use crate::server::{Fault, Limiter, Reply, Simulator};

const SEARCH: &str = "/tickets/search";

pub fn table() -> Bad {
    let nothing = |words| (words, said(200, &json!([])));
    Bad {
        settings: |base| json!({"base_url": base, "token": KEY}),
        chats: (SEARCH, "", "id"),
        no_list: ["neither a list nor an object with `assets`", "has no list of records"],
        may_lack: &["title", "organization_id", "close_at", "last_close_at", "article_count", "article_ids"],
        cases: [failures(), oddities()],
        empty: vec![nothing(SEARCH), nothing("/groups"), nothing("/users/search")],
        paged: |world| Box::pin(Simulator::start(world, usual())),
        missed: 30,
        looks: Looks::None,
        weak: &[("groups", None, "this key may not list groups (that needs admin.group)")],
        refused: vec![
            (json!({"token": null}), "token: is missing"),
            (json!({"token": " "}), "token: is empty"),
            (json!({"user": "ana"}), "token: give one of"),
            (json!({"token": null, "user": "ana"}), "password: is missing"),
            (json!({"token": null, "password": "pw"}), "user: is missing"),
            (json!({"token": null, "user": "", "password": "pw"}), "user, password: one of them is empty"),
            (json!({"groups": "Billing"}), "groups: "),
        ],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let password = json!({"token": null, "user": "ana", "password": WRONG_KEY});
    let fault = r#"{"error":"Error ID 1a2b: Please contact your administrator."}"#;
    vec![
        wrong_token("401"),
        fails(WrongKey, Setting(json!({"token": null, "oauth_token": WRONG_KEY})), "401"),
        fails(WrongKey, Setting(password), "401"),
        fails_as("auth", Own, answer("/users/me", 403, r#"{"error":"Authentication required"}"#), "no key reached it"),
        fails(WeakKey, answer("/users/search", 403, r#"{"error":"Not authorized (user)!"}"#), "Not authorized (user)!"),
        // No plan, but the admins may switch the API off.
        fails_as(
            "failing",
            Plan,
            answer("/users/me", 403, r#"{"error":"API token access disabled!"}"#),
            "access by token is switched off in Zammad",
        ),
        wrong_address("/users/me", "{}"),
        fails(
            Throttled,
            reply(SEARCH, Reply::text(429, "text/html", "<html>").with("retry-after", 60)),
            "it wants none before 2026-11-20T09:01:00Z",
        ),
        fails_as("failing", Own, answer(SEARCH, 500, fault), "Error ID 1a2b"),
        renamed("state_id", "missing field `state_id`"),
        // It may be null, but never lacks in all.
        renamed("last_contact_customer_at", "missing field `last_contact_customer_at`"),
        emptied("updated_at", "`[0].updated_at`"),
        fails_as("schema", Own, answer("/ticket_states", 200, "[]"), "no state of tickets"),
        fails_as("unsupported", Own, Setting(json!({"groups": ["Nowhere"]})), "there is no group `Nowhere`"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let odd = |words| loses_it(BadRecord, |row| row["state_id"] = json!({"is": "odd"}), words);
    vec![
        is_taken(NovelWord, one(|row| row["state_id"] = 99.into())),
        odd("at `state_id`: "),
        odd("POST /api/v1/tickets/search [0], id 1"),
    ]
}

async fn desk(vendor: Zammad) -> Simulator {
    Simulator::start(small(), vendor).await
}

fn usual() -> Zammad {
    Zammad::default()
}

fn weak() -> Zammad {
    Zammad { is_agent: false, ..usual() }
}

fn said(status: u16, body: &Value) -> Fault {
    Fault::Answer(Reply::json(status, body))
}

#[rstest]
#[case(json!({}), weak(), "forbidden", "Not authorized (user)!")]
#[case(json!({"groups": ["Billing"]}), Zammad { lists_groups: false, ..usual() }, "unsupported", "give its number")]
#[tokio::test]
async fn a_key_that_may_not_read_what_is_needed_is_told_so(
    #[case] settings: Value,
    #[case] vendor: Zammad,
    #[case] word: &str,
    #[case] words: &str,
) {
    let simulator = desk(vendor).await;
    let mut source = source(&simulator, &settings, Duration::ZERO);
    let error = Watch::new(&mut source, &simulator).first_error().await.unwrap();
    let said = error.to_string();
    assert!(error.word() == word && said.contains(words) && !said.contains(KEY), "{said}");
}

#[tokio::test]
async fn an_unknown_state_hides_nobody() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    let chat = simulator.inside().world.open().next().unwrap().clone();
    simulator.fault("/tickets/search", Fault::rows("", |row| row["state_id"] = json!(99)));
    simulator.fault("/ticket_history", Fault::Edited(Box::new(|body| body["history"] = json!([]))));
    simulator.inside().world.happen(Message::public(chat.id.clone(), Author::Customer, None));
    simulator.asked();
    watch.settle().await;
    assert!(watch.of(&chat.number.to_string()).iter().all(|event| event["status"] != "closed"));
    assert!(simulator.asked().iter().any(|line| line.contains("ticket_states")), "states are read again");
}

/// As it is with a state of closed tickets that an admin makes while helptop runs.
fn renumber_closed(simulator: &Simulator, number: u64) {
    simulator.fault(
        "/ticket_states",
        Fault::edited(|body| {
            body.as_array_mut().unwrap().push(json!({"id": 20, "state_type_id": 5, "name": "closed (spam)"}));
        }),
    );
    simulator.fault(
        "/tickets/search",
        Fault::rows("", move |row| {
            if row["id"] == number && row["state_id"] == 4 {
                row["state_id"] = 20.into();
            }
        }),
    );
    simulator.fault(
        "/ticket_history",
        Fault::rows("/history", |row| {
            if row["attribute"] == "state" && row["id_to"] == 4 {
                row["id_to"] = 20.into();
            }
        }),
    );
}

#[tokio::test]
async fn a_state_that_was_made_since_the_start_is_known_before_it_is_told() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    let chat = simulator.inside().world.open().next().unwrap().clone();
    renumber_closed(&simulator, chat.number);
    let closed = |id| EventKind::Status { conversation: id, status: Status::Closed, by: None, agent: None };
    simulator.inside().world.happen(closed(chat.id.clone()));
    simulator.asked();
    watch.settle().await;
    let last = watch.of(&chat.number.to_string()).pop().unwrap();
    assert_eq!((&last["type"], &last["status"]), (&json!("status"), &json!("closed")), "{last}");
    assert_eq!(simulator.asked().iter().filter(|line| line.contains("ticket_states")).count(), 1);
}

#[tokio::test]
async fn a_state_that_no_list_has_is_looked_for_less_and_less_often() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    simulator.fault("/tickets/search", Fault::rows("", |row| row["state_id"] = json!(99)));
    simulator.asked();
    for _ in 0..20 {
        let id = simulator.inside().world.open().next().unwrap().id.clone();
        simulator.inside().world.happen(Message::public(id, Author::Customer, None));
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
    assert_eq!(simulator.asked().iter().filter(|line| line.contains("ticket_states")).count(), 5, "in 20 minutes");
}

#[tokio::test]
async fn what_is_deleted_between_two_requests_is_ended() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    let chat = simulator.inside().world.open().next().unwrap().clone();
    simulator.inside().world.happen(Message::public(chat.id.clone(), Author::Customer, None));
    let gone = || said(404, &json!({"error": "Couldn't find Ticket"}));
    simulator.fault("/ticket_history", gone());
    watch.settle().await;
    let last = watch.of(&chat.number.to_string()).pop().unwrap();
    assert_eq!((&last["status"], &last["by"]), (&json!("closed"), &json!("system")));
}

#[tokio::test]
async fn what_was_never_told_is_not_ended_either() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    simulator.inside().world.happen(Opened::new("spam".into()));
    let number = simulator.inside().world.chat_number("spam").unwrap().to_string();
    simulator.fault("/ticket_history", said(404, &json!({"error": "Couldn't find Ticket"})));
    simulator.asked();
    watch.settle().await;
    assert!(simulator.asked().iter().any(|line| line.contains(&format!("ticket_history/{number}"))));
    assert_eq!(watch.of(&number), Vec::<Value>::new());
}

#[tokio::test]
async fn a_ticket_that_cannot_be_read_holds_up_no_other() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    let chats: Vec<_> = simulator.inside().world.open().take(2).map(|chat| (chat.id.clone(), chat.number)).collect();
    for (id, _) in &chats {
        simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    let path: &'static str = format!("ticket_history/{}", chats[0].1).leak();
    simulator.fault(path, said(500, &json!({"error": "Error ID 1"})));
    let told = |watch: &Watch<'_>, nth: usize| watch.of(&chats[nth].1.to_string()).len();
    let before = [told(&watch, 0), told(&watch, 1)];
    for _ in 0..4 {
        drop(watch.poll().await);
    }
    assert!(told(&watch, 1) > before[1], "while the first still can't be read");
    assert_eq!(told(&watch, 0), before[0]);
    simulator.mend();
    watch.later(61).await;
    assert!(told(&watch, 0) > before[0]);
}

#[tokio::test]
async fn a_limit_of_a_proxy_is_waited_for_and_nothing_is_lost() {
    let simulator = desk(usual()).await;
    let beyond = Reply::text(429, "text/html", "<html><h1>429 Too Many Requests</h1></html>").with("retry-after", 60);
    simulator.inside().limiter = Some(Limiter::new(5, TimeDelta::minutes(1), [None, None, None], beyond));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    let mut throttled = 0;
    let batch = loop {
        match watch.poll().await {
            Ok(batch) if !batch.more => break batch,
            Ok(_) => {}
            Err(SourceError::RateLimited { until, .. }) => {
                throttled += 1;
                simulator.advance(until.unwrap());
            }
            Err(error) => panic!("{error}"),
        }
        assert!(throttled < 200);
    };
    assert!(throttled > 0 && !batch.partial);
}

#[tokio::test]
async fn the_check_says_what_a_key_may_not_read() {
    let find = async |vendor: Zammad| {
        let simulator = desk(vendor).await;
        let now = simulator.inside().world.now;
        let findings = source(&simulator, &json!({}), Duration::ZERO).check(now).await.unwrap();
        let line = |finding: &helptop::source::Finding| format!("{} {:?} {}", finding.what, finding.good, finding.says);
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let good = find(usual()).await;
    for line in
        ["authorised Some(true) token as Wall Board", "tickets Some(true)", "history Some(true)", "presence None"]
    {
        assert!(good.contains(line), "{good}");
    }
    assert!(!good.contains("Some(false)"), "{good}");
    let blind = find(Zammad { lists_groups: false, ..usual() }).await;
    assert!(blind.contains("groups None this key may not list groups (that needs admin.group)"), "{blind}");
    assert!(!blind.contains("Some(false)"), "it goes on without: {blind}");
    let weak = find(weak()).await;
    assert!(weak.contains("agents Some(false)") && weak.contains("Not authorized"), "{weak}");
}

#[tokio::test]
async fn a_check_names_a_right_only_where_one_is_missing() {
    for (status, hint) in [(403, "check: the permission ticket.agent"), (500, "run it again in a moment")] {
        let simulator = desk(usual()).await;
        simulator.fault("/users/search", said(status, &json!({"error": "Error ID 1"})));
        let now = simulator.inside().world.now;
        let findings = source(&simulator, &json!({}), Duration::ZERO).check(now).await.unwrap();
        let agents = findings.iter().find(|finding| finding.what == "agents").unwrap();
        assert!(agents.hint.as_ref().unwrap().starts_with(hint), "{status}: {agents:?}");
    }
}

#[tokio::test]
async fn who_may_use_no_token_is_told_where_an_admin_allows_it() {
    let simulator = desk(usual()).await;
    simulator.fault("", said(403, &json!({"error": "API token access disabled!"})));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let error = Watch::new(&mut source, &simulator).first_error().await.unwrap();
    assert!(error.hint(Retry::Never).contains("Admin > System > API"), "{error:?}");
}

#[tokio::test]
async fn the_only_ticket_that_changed_may_be_odd() {
    let simulator = desk(usual()).await;
    let mut watch = begun(&simulator).await;
    // Long after the last change, only one of these is found.
    for _ in 0..5 {
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
    let chats: Vec<_> = simulator.inside().world.open().take(2).map(|chat| (chat.id.clone(), chat.number)).collect();
    simulator.inside().world.happen(Message::public(chats[0].0.clone(), Author::Customer, None));
    let number = chats[0].1;
    simulator.fault(
        "/tickets/search",
        Fault::rows("", move |row| {
            if row["id"] == number {
                row["state_id"] = json!({"is": "odd"});
            }
        }),
    );
    let alone = |body: &mut Value| body.as_array_mut().unwrap().retain(|row| row["state_id"].is_object());
    simulator.fault("/tickets/search", Fault::edited(alone));
    for _ in 0..3 {
        watch.settle().await;
    }
    assert_eq!(watch.skipped, 1, "{:?}", watch.reasons);
    simulator.mend();
    watch.settle().await;
    assert!(watch.of(&number.to_string()).iter().any(|event| event["type"] == "message"), "it is still looked for");
}

#[tokio::test]
async fn an_odd_group_stops_no_start() {
    let simulator = desk(usual()).await;
    simulator.fault("/groups", Fault::edited(|body| *body = json!([{"id": "odd", "name": "Billing"}])));
    let watch = begun(&simulator).await;
    assert!(watch.skipped == 1 && watch.reasons[0].contains("/groups"), "{:?}", watch.reasons);
}
