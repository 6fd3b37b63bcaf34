//! Who is there by the programs of `custom`: not known where the request that told it is not answered.

use chrono::TimeDelta;
use helptop::source::custom::Custom;
use helptop::source::http::Limits;
use helptop::source::{Batch, Source};
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{lines, now, spec};

/// One whose agents may be refused, asked for so often.
fn source(base: &str, every: &str) -> Custom {
    let agents = json!({"path": "/agents", "optional": true, "every": every,
        "jq": r#".[] | {type: "presence", agent: .id, state: .state, at: "2026-03-02T08:00:00Z"}"#});
    let mut spec = spec(base, &json!([agents, {"path": "/tickets", "jq": ".[]"}]));
    spec.settings["capabilities"] = json!(["messages", "presence"]);
    Custom::new(&spec, Limits::default()).unwrap()
}

/// Answers of the list of agents, each so often.
async fn agents(server: &MockServer, answers: &[(u16, u64)]) {
    for (i, (status, times)) in answers.iter().enumerate() {
        let body = json!([{"id": "ana", "state": "online"}, {"id": "ben", "state": "offline"}]);
        let answer = ResponseTemplate::new(*status).set_body_json(if *status == 200 { body } else { json!({}) });
        let mock = Mock::given(path("/api/agents")).respond_with(answer).up_to_n_times(*times);
        mock.with_priority(i as u8 + 1).mount(server).await;
    }
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .with_priority(9)
        .mount(server)
        .await;
}

/// What a poll told, and of a `hello` whether presence is claimed.
fn told(batch: &Batch) -> String {
    let claims = |value: Value| match value["capabilities"].as_array() {
        Some(all) if all.contains(&"presence".into()) => "+",
        Some(_) => "-",
        None => "",
    };
    let claims = batch.events.iter().map(|event| claims(serde_json::to_value(event).unwrap()));
    let states = lines(batch).into_iter().zip(batch.events.iter().map(|event| serde_json::to_value(event).unwrap()));
    let states = states.map(|(line, json)| {
        let line = line.trim_start_matches("2026-03-02T").replace(":00Z presence", "");
        json["state"].as_str().map_or(line.clone(), |state| format!("{line} {state}"))
    });
    states.zip(claims).map(|(line, claims)| line + claims).collect::<Vec<_>>().join(", ")
}

#[rstest]
#[case::refused_for_a_while("0s", &[(200, 1), (403, 1), (200, 9)], &[
    (0, "hello+, 08:00 ana online, 08:00 ben offline"), (1, ""), (4, ""), (5, "12:05 ana offline, hello-"), (60, ""),
    (61, "hello+, 12:05 ana online, 12:05 ben offline"), (62, "")])]
#[case::refused_at_the_start("0s", &[(404, 1), (200, 9)], &[
    (0, "hello-"), (1, ""), (60, "hello+, 08:00 ana online, 08:00 ben offline")])]
#[case::asked_seldom("10m", &[(200, 1), (403, 1)], &[
    (0, "hello+, 08:00 ana online, 08:00 ben offline"), (9, ""), (10, ""), (14, ""), (15, "12:15 ana offline, hello-")])]
#[tokio::test]
async fn who_is_there_is_known_while_the_request_that_tells_it_is_answered(
    #[case] every: &str,
    #[case] answers: &[(u16, u64)],
    #[case] polls: &[(i64, &str)],
) {
    let server = MockServer::start().await;
    agents(&server, answers).await;
    let mut source = source(&server.uri(), every);
    let mut cursor = None;
    for (minutes, expected) in polls {
        let batch = source.poll(cursor.as_ref(), now() + TimeDelta::minutes(*minutes)).await.unwrap();
        assert_eq!(told(&batch), *expected, "after {minutes} minutes");
        cursor = batch.cursor;
    }
}

/// What each look gives: the states of `ana` with their hours, in order.
#[rstest]
#[case::a_time_that_does_not_move(&["online 8", "offline 8", "offline 8", "online 8"],
    &["08:00 ana online", "12:01 ana offline", "", "12:03 ana online"])]
#[case::a_time_that_moves(&["online 8", "offline 9", "online 10", "online 11"],
    &["08:00 ana online", "09:00 ana offline", "10:00 ana online", "11:00 ana online"])]
#[case::a_time_that_moves_for_some(&["online 8", "offline 8", "online 9"],
    &["08:00 ana online", "12:01 ana offline", "12:02 ana online"])]
#[case::a_list_of_changes_that_is_read_twice(&["online 8, offline 9", "online 8, offline 9, online 10"],
    &["08:00 ana online, 09:00 ana offline", "08:00 ana online, 09:00 ana offline, 10:00 ana online"])]
#[tokio::test]
async fn a_state_that_changes_without_its_time_is_told_at_the_look(#[case] looks: &[&str], #[case] expected: &[&str]) {
    let server = MockServer::start().await;
    for (i, look) in looks.iter().enumerate() {
        let state = |one: &str| {
            let (state, hour) = one.split_once(' ').unwrap();
            json!({"type": "presence", "agent": "ana", "state": state, "at": format!("2026-03-02T{hour:0>2}:00:00Z")})
        };
        let states: Vec<Value> = look.split(", ").map(state).collect();
        let answer = ResponseTemplate::new(200).set_body_json(states);
        Mock::given(any()).respond_with(answer).up_to_n_times(1).with_priority(i as u8 + 1).mount(&server).await;
    }
    let mut spec = spec(&server.uri(), &json!([{"path": "/agents", "jq": ".[]"}]));
    spec.settings["capabilities"] = json!(["presence"]);
    let (mut source, mut cursor) = (Custom::new(&spec, Limits::default()).unwrap(), None);
    for (minutes, expected) in expected.iter().enumerate() {
        let batch = source.poll(cursor.as_ref(), now() + TimeDelta::minutes(minutes as i64)).await.unwrap();
        assert_eq!(told(&batch).trim_start_matches("hello+, "), *expected, "after {minutes} minutes");
        cursor = batch.cursor;
    }
}
