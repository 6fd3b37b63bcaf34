//! Looks of `custom`: whose clock they are by, which lists end a conversation, what is passed over, and when they are begun anew.

use chrono::TimeDelta;
use helptop::source::{Batch, Source, SourceError};
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

/// What each of these answers to the same request comes to, a minute apart.
async fn looks(requests: &Value, answers: &[(u16, Value)]) -> Vec<Result<Batch, SourceError>> {
    let server = MockServer::start().await;
    for (i, (status, body)) in answers.iter().enumerate() {
        let answer = ResponseTemplate::new(*status).set_body_json(body);
        let mock = Mock::given(path("/api/tickets")).respond_with(answer).up_to_n_times(1);
        mock.with_priority(i as u8 + 1).mount(&server).await;
    }
    let (mut source, mut cursor, mut all) = (custom(&server.uri(), requests), None, Vec::new());
    for minutes in 0..answers.len() {
        let batch = source.poll(cursor.as_ref(), now() + TimeDelta::minutes(minutes as i64)).await;
        cursor = batch.as_ref().ok().and_then(|batch| batch.cursor.clone()).or(cursor);
        all.push(batch);
    }
    all
}

/// The endings that a batch told, without their date.
fn ended(batch: &Result<Batch, SourceError>) -> String {
    let told = lines(batch.as_ref().unwrap()).into_iter().filter(|line| line.contains("status"));
    told.map(|line| line.trim_start_matches("2026-03-02T12:").to_owned()).collect::<Vec<_>>().join(", ")
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
    // A list that is empty all at once counts when it is so again.
    for (minutes, ended) in [(1, "01:00Z status 3 closed"), (2, ""), (3, ""), (9, ""), (10, ""), (11, ""), (20, "")] {
        last = poll(&mut source, Some(&last), minutes).await;
        assert_eq!(lines(&last).join(", ").trim_start_matches("2026-03-02T12:"), ended, "after {minutes} minutes");
    }
    last = poll(&mut source, Some(&last), 21).await;
    assert_eq!(lines(&last), ["2026-03-02T12:21:00Z status 1 closed", "2026-03-02T12:21:00Z status 2 closed"]);
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

#[tokio::test]
async fn an_answer_none_of_whose_records_can_be_read_is_an_error_and_ends_nobody() {
    let renamed = json!([{"conversation": 1, "opened": "2026-03-02T09:00:00Z", "status": "open"}]);
    let good = json!([record(1, "open"), record(2, "open")]);
    let request = json!([{"path": "/tickets", "tells_all": true, "jq": ".[]"}]);
    let all = looks(&request, &[(200, good.clone()), (200, renamed), (200, good)]).await;
    let Err(SourceError::Transient { place, what, todo: Some(todo), .. }) = &all[1] else { panic!("{all:?}") };
    assert_eq!(place, "the program `jq` of /tickets");
    let begin = "no record that it gives can be read; the first: /tickets, value 0, conversation 1: ";
    assert!(what.starts_with(begin) && what.contains("unknown field `opened`"), "{what}");
    assert!(todo.contains("mend that jq program"), "{todo}");
    assert_eq!(ended(&all[2]), "");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_there_where_its_conversation_can() {
    let odd = |id: Value| json!({"conversation": id, "opened_at": "soon", "status": "open"});
    let request = json!([{"path": "/tickets", "tells_all": true, "jq": ".[]"}]);
    let answers = [
        json!([record(1, "open"), record(2, "open"), record(3, "open")]),
        json!([odd(1.into()), record(2, "open")]),
        json!([odd(Value::Null), record(2, "open")]),
        json!([record(2, "open"), {"type": "agent", "id": 7}]),
    ];
    let all = looks(&request, &answers.map(|answer| (200, answer))).await;
    let ended: Vec<String> = all.iter().map(ended).collect();
    // Which one cannot be read in the third look is not known; what an event lacks hides no conversation.
    assert_eq!(ended, ["", "01:00Z status 3 closed", "", "03:00Z status 1 closed"]);
}

#[tokio::test]
async fn what_cannot_be_read_in_another_list_ends_as_before() {
    let server = MockServer::start().await;
    let odd = json!([{"opened_at": "soon"}]);
    Mock::given(path("/api/changes")).respond_with(found(&odd)).mount(&server).await;
    Mock::given(path("/api/tickets")).respond_with(found(&json!([record(1, "open")]))).mount(&server).await;
    let requests = json!([{"path": "/changes", "jq": ".[]"}, {"path": "/tickets", "tells_all": true, "jq": ".[]"}]);
    let mut source = custom(&server.uri(), &requests);
    source.remember(&["2".into()]);
    assert!(lines(&poll(&mut source, None, 0).await).contains(&"2026-03-02T12:00:00Z status 2 closed".to_owned()));
}

#[tokio::test]
async fn a_list_that_is_empty_all_at_once_ends_all_only_when_it_is_so_again() {
    let request = json!([{"path": "/tickets", "tells_all": true, "jq": ".tickets[]?"}]);
    let good = json!({"tickets": [record(1, "open")]});
    let answers = [good.clone(), json!({"error": "maintenance"}), good, json!({}), json!({"tickets": []})];
    let all = looks(&request, &answers.map(|answer| (200, answer))).await;
    assert_eq!(all.iter().map(ended).collect::<Vec<_>>(), ["", "", "", "", "04:00Z status 1 closed"]);
    let strict = json!([{"path": "/tickets", "tells_all": true, "jq": ".tickets[]"}]);
    let all = looks(&strict, &[(200, json!({"error": "maintenance"}))]).await;
    let Err(SourceError::Transient { todo: Some(todo), .. }) = &all[0] else { panic!("{all:?}") };
    assert!(todo.contains("let it fail where the list is missing") && !todo.contains('?'), "{todo}");
}

#[tokio::test]
async fn what_is_optional_and_fails_is_named_once_and_left_alone_for_longer_and_longer() {
    let (fails, odd) = (ResponseTemplate::new(503), found(&json!([{"id": "x"}])));
    let unread = found(&json!([{"id": 1}, {"id": 2}]));
    for answer in [fails, odd, unread] {
        let server = MockServer::start().await;
        Mock::given(path("/api/teams")).respond_with(answer).mount(&server).await;
        Mock::given(path("/api/tickets")).respond_with(found(&json!([record(1, "open")]))).mount(&server).await;
        let mut requests = json!([{"path": "/teams", "optional": true, "jq": ".[] | {type: \"team\", id: (.id + 1)}"},
            {"path": "/tickets", "tells_all": true, "jq": ".[]"}]);
        let mut source = custom(&server.uri(), &requests);
        assert_eq!(source.check(now()).await.unwrap()[0].good, None);
        let first = poll(&mut source, None, 0).await;
        assert_eq!((first.skipped_total, first.skipped[0].place.as_str()), (1, "/teams, optional"));
        assert!(lines(&first).iter().any(|line| line.contains("opened 1")));
        let mut last = first;
        for (seconds, times) in [(59, 2), (60, 3), (179, 3), (180, 4), (419, 4), (420, 5)] {
            let at = now() + TimeDelta::seconds(seconds);
            last = source.poll(last.cursor.as_ref(), at).await.unwrap();
            assert_eq!((last.skipped_total, asked(&server, "/api/teams").await), (0, times), "after {seconds} s");
        }
        requests[0]["optional"] = false.into();
        let mut strict = custom(&server.uri(), &requests);
        assert!(strict.poll(None, now()).await.is_err() && strict.check(now()).await.is_err());
    }
}

#[tokio::test]
async fn what_is_wrong_with_all_requests_is_an_error_though_one_is_optional() {
    for status in [401, 429] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        let requests = json!([{"path": "/a", "optional": true, "jq": "."}, {"path": "/b", "jq": "."}]);
        assert!(custom(&server.uri(), &requests).poll(None, now()).await.is_err());
        assert_eq!(asked(&server, "/api/b").await, 0, "{status}");
    }
}
