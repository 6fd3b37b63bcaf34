//! Looks of `custom`: whose clock they are by, which lists end a conversation, what is passed over, and when they are begun anew.

use chrono::TimeDelta;
use helptop::source::{Batch, Source};
use serde_json::{Value, json};
use wiremock::matchers::{any, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{custom, example, lines, now};
use helptop::source::custom::Custom;
use helptop::source::http::Limits;

fn found(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn record(id: u64, status: &str) -> Value {
    json!({"conversation": id, "opened_at": "2026-03-02T09:00:00Z", "status": status})
}

async fn poll(source: &mut Custom, last: Option<&Batch>, minutes: i64) -> Batch {
    let cursor = last.and_then(|batch| batch.cursor.as_ref());
    source.poll(cursor, now() + TimeDelta::minutes(minutes)).await.unwrap()
}

async fn asked(server: &MockServer, at: &str) -> usize {
    server.received_requests().await.unwrap().iter().filter(|request| request.url.path() == at).count()
}

/// Answers of a server whose clock shows these times, the last one for ever.
async fn by_their_clock(server: &MockServer, answers: [(&str, Value); 3]) {
    for (i, (time, body)) in answers.into_iter().enumerate() {
        let answer = found(&body).insert_header("date", format!("Mon, 02 Mar 2026 {time} GMT"));
        let times = if i == 2 { u64::MAX } else { 1 };
        Mock::given(any()).respond_with(answer).up_to_n_times(times).with_priority(i as u8 + 1).mount(server).await;
    }
}

async fn sinces(server: &MockServer) -> Vec<String> {
    let value = |key: &str, request: &wiremock::Request| {
        request.url.query_pairs().find(|(name, _)| name == key).unwrap().1[11..19].to_owned()
    };
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| format!("{}-{}", value("since", request), value("to", request))).collect()
}

#[tokio::test]
async fn a_clock_that_is_ahead_of_theirs_loses_nothing_and_dates_nothing_wrong() {
    let server = MockServer::start().await;
    let bodies = [json!([record(1, "open")]), json!([record(1, "pending")]), json!([])];
    let [first, second, third] = bodies;
    by_their_clock(&server, [("11:54:00", first), ("11:55:00", second), ("11:56:00", third)]).await;
    let request = json!({"path": "/tickets", "query": {"since": "{since}", "to": "{now}"}, "jq": ".[]"});
    let mut source = custom(&server.uri(), &json!([request]));
    let first = poll(&mut source, None, 0).await;
    let second = poll(&mut source, Some(&first), 1).await;
    assert_eq!(lines(&second), ["2026-03-02T11:55:00Z status 1 pending"]);
    poll(&mut source, Some(&second), 2).await;
    assert_eq!(sinces(&server).await, ["12:00:00-12:00:00", "11:52:00-11:55:00", "11:53:00-11:56:00"]);
}

#[tokio::test]
async fn a_clock_that_is_behind_theirs_asks_for_all_that_the_first_look_did_not() {
    let server = MockServer::start().await;
    let answers = [("12:06:00", json!([])), ("12:07:00", json!([])), ("12:08:00", json!([]))];
    by_their_clock(&server, answers).await;
    let request = json!({"path": "/tickets", "query": {"since": "{since}", "to": "{now}"}, "jq": ".[]"});
    let mut source = custom(&server.uri(), &json!([request]));
    let first = poll(&mut source, None, 0).await;
    let second = poll(&mut source, Some(&first), 1).await;
    poll(&mut source, Some(&second), 2).await;
    // The first look knew no better than to ask up to 12:00.
    assert_eq!(sinces(&server).await, ["12:00:00-12:00:00", "11:58:00-12:07:00", "12:05:00-12:08:00"]);
}

#[tokio::test]
async fn a_conversation_ends_when_none_of_the_lists_has_it_as_they_were_read_last() {
    let server = MockServer::start().await;
    let gone = |at: &str| Mock::given(path(format!("/api{at}"))).respond_with(found(&json!([])));
    let (open, hold) = (json!([record(1, "open")]), json!([record(2, "on_hold")]));
    for (at, list, times) in [("/api/open", &open, 3), ("/api/hold", &hold, 1)] {
        Mock::given(path(at)).respond_with(found(list)).up_to_n_times(times).with_priority(1).mount(&server).await;
    }
    gone("/open").mount(&server).await;
    gone("/hold").mount(&server).await;
    let mut source = custom(
        &server.uri(),
        &json!([{"path": "/open", "tells_all": true, "jq": ".[]"},
            {"path": "/hold", "tells_all": true, "every": "10m", "jq": ".[]"}]),
    );
    source.remember(&["3".into()]);
    let mut last = poll(&mut source, None, 0).await;
    assert!(!lines(&last).iter().any(|line| line.contains("status 3")));
    // Ticket 3 may have gone from one list to the other while they were read.
    for (minutes, ended) in [(1, "01:00Z status 3 closed"), (2, ""), (3, ""), (9, ""), (10, "")] {
        last = poll(&mut source, Some(&last), minutes).await;
        assert_eq!(lines(&last).join(", ").trim_start_matches("2026-03-02T12:"), ended, "after {minutes} minutes");
    }
    last = poll(&mut source, Some(&last), 11).await;
    assert_eq!(lines(&last), ["2026-03-02T12:11:00Z status 1 closed", "2026-03-02T12:11:00Z status 2 closed"]);
}

#[tokio::test]
async fn what_is_optional_and_refused_is_named_once_and_costs_nothing_else() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(403).set_body_json(json!({"message": "not in your plan"}));
    Mock::given(path("/api/agents")).respond_with(refused).up_to_n_times(2).with_priority(1).mount(&server).await;
    let absent = ResponseTemplate::new(404).set_body_json(json!({}));
    Mock::given(path("/api/agents")).respond_with(absent).mount(&server).await;
    Mock::given(path("/api/tickets")).respond_with(found(&json!([record(1, "open")]))).mount(&server).await;
    let mut requests = json!([{"path": "/agents", "optional": true, "jq": ".[]"},
        {"path": "/tickets", "tells_all": true, "jq": ".[]"}]);
    let mut source = custom(&server.uri(), &requests);
    source.remember(&["2".into()]);
    let findings = source.check(now()).await.unwrap();
    assert_eq!((findings[0].good, findings[1].good), (None, Some(true)), "{findings:?}");
    assert!(findings[0].says.contains("optional") && findings[0].says.contains("not in your plan"), "{findings:?}");
    let mut last = poll(&mut source, None, 0).await;
    assert_eq!((last.skipped_total, last.skipped[0].place.as_str()), (1, "/agents, optional"));
    assert!(last.skipped[0].reason.contains("not in your plan"));
    let told = lines(&last);
    assert!(["opened 1", "status 2 closed"].iter().all(|part| told.iter().any(|line| line.contains(part))), "{told:?}");
    for (minutes, times) in [(1, 2), (59, 2), (60, 3), (61, 3)] {
        last = poll(&mut source, Some(&last), minutes).await;
        assert_eq!((last.skipped_total, asked(&server, "/api/agents").await), (0, times), "after {minutes} minutes");
    }
    requests[0]["optional"] = false.into();
    assert!(custom(&server.uri(), &requests).poll(None, now()).await.is_err());
}

#[tokio::test]
async fn what_was_read_before_an_outage_is_read_again_after_it() {
    for (minutes, times) in [(10, 1), (11, 2)] {
        let server = MockServer::start().await;
        Mock::given(path("/api/a")).respond_with(found(&json!([]))).mount(&server).await;
        let fails = Mock::given(path("/api/b")).respond_with(ResponseTemplate::new(503));
        fails.up_to_n_times(1).with_priority(1).mount(&server).await;
        Mock::given(path("/api/b")).respond_with(found(&json!([]))).mount(&server).await;
        let mut source = custom(&server.uri(), &json!([{"path": "/a", "jq": ".[]"}, {"path": "/b", "jq": ".[]"}]));
        assert!(source.poll(None, now()).await.is_err());
        poll(&mut source, None, minutes).await;
        assert_eq!(asked(&server, "/api/a").await, times, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_begins_no_look_anew() {
    for spent in [true, false] {
        let server = MockServer::start().await;
        let (left, refusal) = if spent { ("0", 503) } else { ("90", 429) };
        let first = found(&json!([])).insert_header("x-ratelimit-limit", "100");
        let first = first.insert_header("x-ratelimit-remaining", left).insert_header("x-ratelimit-reset", "3600");
        Mock::given(path("/api/a")).respond_with(first).mount(&server).await;
        let fails = Mock::given(path("/api/b"))
            .respond_with(ResponseTemplate::new(refusal).insert_header("retry-after", "3600"));
        fails.up_to_n_times(1).with_priority(1).mount(&server).await;
        Mock::given(path("/api/b")).respond_with(found(&json!([]))).mount(&server).await;
        let mut source = custom(&server.uri(), &json!([{"path": "/a", "jq": ".[]"}, {"path": "/b", "jq": ".[]"}]));
        assert!(source.poll(None, now()).await.is_err());
        poll(&mut source, None, 61).await;
        assert_eq!(asked(&server, "/api/a").await, 1, "spent: {spent}");
    }
}

#[tokio::test]
async fn the_example_of_freshdesk_needs_no_right_to_see_who_is_available() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(403).set_body_json(json!({"code": "require_feature"}));
    for at in ["/agents", "/groups"] {
        Mock::given(path(at)).respond_with(refused.clone()).mount(&server).await;
    }
    let ticket = json!({"id": 7, "status": 2, "source": 1, "requester_id": 1, "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T09:00:00Z", "stats": {}});
    Mock::given(query_param("include", "stats")).respond_with(found(&json!([ticket]))).mount(&server).await;
    Mock::given(any()).respond_with(found(&json!([]))).with_priority(9).mount(&server).await;
    let spec = example("docs/examples/freshdesk.toml", &server.uri());
    let batch = Custom::new(&spec, Limits::default()).unwrap().poll(None, now()).await.unwrap();
    assert_eq!(batch.skipped_total, 2);
    assert!(lines(&batch).contains(&"2026-03-02T09:00:00Z message 7 customer".to_owned()));
}
