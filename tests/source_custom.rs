//! The source `custom` against an API of the reader's own.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "source_custom/looks.rs"]
mod looks;
#[path = "source_custom/presence.rs"]
mod presence;
#[path = "source_custom/program.rs"]
mod program;
#[path = "source_custom/walk.rs"]
mod walk;

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::Timestamp;
use helptop::source::custom::Custom;
use helptop::source::http::Limits;
use helptop::source::{Batch, Source, SourceError, Spec};
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const NOW: &str = "2026-03-02T12:00:00Z";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

/// A ticket of the desk and what the program makes of it.
fn ticket(id: u64, state: &str, agent: Option<&str>) -> Value {
    json!({"id": id, "made": "2026-03-02T09:00:00Z", "state": state, "who": agent, "said": [
        {"n": id * 10, "when": 1_772_442_000, "side": "them"},
        {"n": id * 10 + 1, "when": "2026-03-02T09:30:00Z", "side": "us", "who": "ana"}]})
}

const JQ: &str = r#".tickets[] | {
    conversation: .id, opened_at: .made, agent: .who, all_messages: true,
    status: (if .state == "done" then "resolved" else "open" end),
    messages: [.said[] | {id: .n, at: .when, from: (if .side == "them" then "customer" else "agent" end), agent: .who}]
}"#;

fn spec(base: &str, requests: &Value) -> Spec {
    let settings =
        json!({"base_url": format!("{base}/api"), "token": "s3cret-key", "auth": "X-Key", "request": requests});
    Spec { name: "ours".into(), backfill: Duration::from_hours(24), settings, base: ".".into() }
}

fn custom(base: &str, requests: &Value) -> Custom {
    Custom::new(&spec(base, requests), Limits::default()).unwrap()
}

async fn answer(server: &MockServer, at: &str, body: Value) {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(path(at)).and(header("X-Key", "s3cret-key")).respond_with(answer).mount(server).await;
}

fn lines(batch: &Batch) -> Vec<String> {
    let line = |event| {
        let json = serde_json::to_value(event).unwrap();
        let word = |key: &str| json[key].as_str().unwrap_or("").to_owned();
        [word("at"), word("type"), word("conversation"), word("agent"), word("from"), word("status")].join(" ")
    };
    batch.events.iter().map(line).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn a_target_is_told_when_it_is_due_soon_though_its_record_is_asked_for_seldom() {
    let server = MockServer::start().await;
    answer(&server, "/api/quiet", json!([])).await;
    let due = json!({"metric": "next_response", "set_at": "2026-03-02T11:50:00Z", "due": "2026-03-02T13:00:00Z"});
    let record = json!({"conversation": 1, "opened_at": "2026-03-02T09:00:00Z", "status": "open", "dues": [due]});
    answer(&server, "/api/tickets", json!([record])).await;
    let mut source = custom(
        &server.uri(),
        &json!([{"path": "/tickets", "every": "2h", "jq": ".[]"}, {"path": "/quiet", "jq": ".[]"}]),
    );
    let (mut told, mut cursor) = (Vec::new(), None);
    for minutes in [0, 29, 30, 31] {
        let batch = source.poll(cursor.as_ref(), now() + TimeDelta::minutes(minutes)).await.unwrap();
        told.push(lines(&batch).iter().filter(|line| line.contains(" sla ")).count());
        cursor = batch.cursor;
    }
    assert_eq!(told, [0, 0, 1, 0]);
}

#[tokio::test]
async fn records_are_told_once_and_then_what_changes() {
    let server = MockServer::start().await;
    answer(&server, "/api/agents", json!([{"login": "ana", "name": "Ana Ruiz"}])).await;
    let all = server.register_as_scoped(Mock::given(path("/api/tickets")).respond_with(
        ResponseTemplate::new(200).set_body_json(json!({"tickets": [ticket(1, "new", None), ticket(2, "new", None)]})),
    ));
    let all = all.await;
    let mut source = custom(
        &server.uri(),
        &json!([
            {"path": "/agents", "every": "1h", "jq": r#".[] | {type: "agent", id: .login, name}"#},
            {"path": "/tickets", "tells_all": true, "jq": JQ},
        ]),
    );
    let first = source.poll(None, now()).await.unwrap();
    assert_eq!((first.requests, first.skipped_total), (2, 0));
    assert_eq!(
        lines(&first)[..5],
        [
            "hello",
            "agent",
            "2026-03-02T09:00:00Z opened 1",
            "2026-03-02T09:00:00Z message 1 customer",
            "2026-03-02T09:30:00Z message 1 ana agent"
        ]
    );
    drop(all);
    answer(&server, "/api/tickets", json!({"tickets": [ticket(1, "done", Some("ana"))]})).await;
    let later = now() + TimeDelta::minutes(1);
    let second = source.poll(first.cursor.as_ref(), later).await.unwrap();
    assert_eq!(second.requests, 1, "the agents are not due");
    let told = [
        "2026-03-02T12:01:00Z assigned 1 ana",
        "2026-03-02T12:01:00Z status 1 resolved",
        "2026-03-02T12:01:00Z status 2 closed",
    ];
    assert_eq!(lines(&second), told, "changed, and gone");
    let third = source.poll(second.cursor.as_ref(), later + TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(lines(&third), [""; 0]);
}

#[rstest]
#[case::by_number(json!({"page_param": "p"}), "p", ["1", "2", "3"])]
#[case::by_offset(json!({"offset_param": "o"}), "o", ["0", "2", "4"])]
#[case::by_cursor(json!({"next": ".next", "next_param": "after"}), "after", ["", "2", "3"])]
#[case::by_address(json!({"next": r#"if .next == "" then null else "https://other.example/api/tickets?since=2026-03-01T12%3A00%3A00Z&page=" + .next end"#}), "page", ["", "2", "3"])]
#[tokio::test]
async fn pages_are_followed_to_the_end(#[case] paging: Value, #[case] param: &str, #[case] values: [&str; 3]) {
    let server = MockServer::start().await;
    for (i, value) in values.iter().enumerate() {
        let tickets = if i < 2 {
            vec![ticket(1 + 2 * i as u64, "new", None), ticket(2 + 2 * i as u64, "new", None)]
        } else {
            vec![]
        };
        let next = if i < 2 { (i + 2).to_string() } else { String::new() };
        let body = ResponseTemplate::new(200).set_body_json(json!({"tickets": tickets, "next": next}));
        let page =
            Mock::given(method("GET")).and(path("/api/tickets")).and(query_param("since", "2026-03-01T12:00:00Z"));
        // The first page of a cursor names none.
        let (page, rank) = if value.is_empty() { (page, 9) } else { (page.and(query_param(param, *value)), 1) };
        page.respond_with(body).with_priority(rank).expect(1).mount(&server).await;
    }
    let mut request = json!({"path": "/tickets", "query": {"since": "{since}"}, "jq": JQ});
    request.as_object_mut().unwrap().extend(paging.as_object().unwrap().clone());
    let batch = custom(&server.uri(), &json!([request])).poll(None, now()).await.unwrap();
    assert_eq!(batch.requests, 3);
    let opened = lines(&batch).iter().filter(|line| line.contains("opened")).count();
    assert_eq!(opened, 4);
}

#[tokio::test]
async fn pages_in_a_circle_and_programs_that_fail_are_named_and_change_nothing() {
    let server = MockServer::start().await;
    answer(&server, "/api/tickets", json!({"tickets": [ticket(1, "new", None)], "next": "7"})).await;
    for (request, key, said) in [
        (json!({"path": "/tickets", "jq": JQ, "next": ".next", "next_param": "after"}), "next", "circle"),
        (json!({"path": "/tickets", "jq": JQ, "next": ".tickets"}), "next", "must give text or null"),
        (json!({"path": "/tickets", "jq": ".nothing[]"}), "jq", "null"),
        (json!({"path": "/tickets", "jq": ".tickets[].said[].side.name"}), "jq", "cannot index a text with \"name\""),
    ] {
        let error = custom(&server.uri(), &json!([request])).poll(None, now()).await.unwrap_err();
        let SourceError::Transient { place, what, todo: Some(todo), .. } = &error else { panic!("{error:?}") };
        assert!(*place == format!("the program `{key}` of /tickets") && what.contains(said), "{request}: {error}");
        assert!(todo.contains("jq program in the config"), "{todo}");
        assert!(!what.contains("them") && !what.contains("ana"), "no value is told: {what}");
    }
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_is_an_error_with_its_own_hint() {
    let server = MockServer::start().await;
    answer(&server, "/api/tickets", json!({"tickets": []})).await;
    for next in ["https://other.example/elsewhere", "//other.example/tickets", "tickets?page=2"] {
        let request = json!({"path": "/tickets", "jq": JQ, "next": json!(next).to_string()});
        let error = custom(&server.uri(), &json!([request])).poll(None, now()).await.unwrap_err();
        let SourceError::Transient { what, todo: Some(todo), .. } = &error else { panic!("{error:?}") };
        assert!(what.contains("not below base_url") && todo.contains("let `next` give an address below"), "{error}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_costs_no_other_and_ends_nobody() {
    let server = MockServer::start().await;
    let mut broken = ticket(2, "new", None);
    broken["made"] = "soon".into();
    answer(&server, "/api/tickets", json!({"tickets": [ticket(1, "new", None), broken]})).await;
    let request = json!([{"path": "/tickets", "tells_all": true, "jq": JQ}]);
    let mut source = custom(&server.uri(), &request);
    source.remember(&["2".into()]);
    let batch = source.poll(None, now()).await.unwrap();
    assert_eq!((batch.skipped_total, batch.skipped[0].place.as_str()), (1, "/tickets, value 1, conversation 2"));
    assert!(batch.skipped[0].reason.contains("opened_at"), "{}", batch.skipped[0].reason);
    let told = lines(&batch);
    assert!(
        told.iter().any(|line| line.contains("opened 1")) && !told.iter().any(|line| line.contains("closed")),
        "{told:?}"
    );
    let batch = source.poll(batch.cursor.as_ref(), now() + TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(
        (batch.skipped.len(), batch.skipped_total, lines(&batch).len()),
        (0, 0, 0),
        "named once, and ends nobody"
    );
}

#[rstest]
#[case(json!({"request": []}), "request")]
#[case(json!({"request": [{"path": "tickets", "jq": "."}]}), "request[0].path")]
#[case(json!({"request": [{"path": "/t?k=s3cret-key", "jq": "."}]}), "request[0].path: must end before `?`")]
#[case(json!({"request": [{"path": "/t#s3cret-key", "jq": "."}]}), "request[0].path: must end before `?`")]
#[case(json!({"request": [{"path": "/t/{sinc}", "jq": "."}]}), "request[0].path: `{sinc}` stands for nothing")]
#[case(json!({"request": [{"path": "/t", "query": {"from": ">{sinc}"}, "jq": "."}]}), "request[0].query.from: `{sinc}` stands for")]
#[case(json!({"request": [{"path": "/t", "body": {"a": ["{sinc}"]}, "jq": "."}]}), "request[0].body: `{sinc}` stands for")]
#[case(json!({"base_url": "https://desk.example.com/api?k=s3cret-key"}), "base_url: must end before `?`")]
#[case(json!({"request": [{"path": "/t", "jq": ".a |"}]}), "request[0].jq: ends too early")]
#[case(json!({"request": [{"path": "/t", "jq": ".", "next": "foo"}]}), "request[0].next: knows no `foo`")]
#[case(json!({"request": [{"path": "/t", "jq": ".", "page_param": "p", "offset_param": "o"}]}), "give one of")]
#[case(json!({"request": [{"path": "/t", "jq": ".", "page_param": "p", "next": "."}]}), "next_param: is missing")]
#[case(json!({"request": [{"path": "/t", "jq": "."}], "auth": "a b"}), "auth: `a b` is no name of a header")]
#[case(json!({"request": [{"path": "/t", "jq": "."}], "auth": "basic"}), "user: is missing")]
#[case(json!({"request": [{"path": "/t", "jq": "."}], "capabilities": ["telepathy"]}), "no `telepathy`")]
#[case(json!({"request": [{"path": "/t", "jq": "."}], "headers": ["X: a", "s3cret-key"]}), "headers[1]: is no `Name: value`")]
#[case(json!({"request": [{"path": "/t", "jq": "."}], "headers": ["X: a\nb"]}), "headers: `X`")]
fn what_is_wrong_with_the_settings_is_named(#[case] change: Value, #[case] said: &str) {
    let mut spec = spec("https://desk.example.com", &json!([]));
    spec.settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let error = Custom::new(&spec, Limits::default()).unwrap_err();
    assert!(error.contains(said) && !error.contains("s3cret-key"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_shows_every_step_and_no_secret() {
    let server = MockServer::start().await;
    answer(&server, "/api/tickets", json!({"tickets": [ticket(1, "new", None)], "echo": "s3cret-key"})).await;
    let home = tempfile::tempdir().unwrap();
    let config = format!(
        "[[source]]\nname = \"ours\"\nkind = \"custom\"\nbase_url = \"{}/api\"\ntoken = {{ env = \"KEY\" }}\nauth = \"X-Key\"\n\
         [[source.request]]\npath = \"/tickets\"\nquery = {{ since = \"{{since}}\" }}\njq = '''{JQ}'''\n",
        server.uri()
    );
    std::fs::write(home.path().join("desk.toml"), config).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("helptop").unwrap();
        command.env_clear().env("HOME", home.path()).env("KEY", "s3cret-key").current_dir(home.path());
        let output = command.args(["--config", "desk.toml", "doctor"]).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, said) = run(&["--trace", "ours"]);
    assert_eq!(code, 0, "{said}");
    for part in [
        "GET /api/tickets",
        "200 OK",
        "\"side\\\":",
        "the program gave",
        "\"conversation\":1",
        "→ 4 events, 1 requests",
        "\"type\":\"message\"",
        "[secret]",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
    let (code, said) = run(&["--trace", "theirs"]);
    assert!(code == 2 && said.contains("the sources: ours"), "{said}");
    let (code, said) = run(&[]);
    assert!(code == 0 && said.contains("1 records and 0 events on its first page"), "{said}");
}

/// The settings of the only source of an example.
fn example(file: &str, base: &str) -> Spec {
    let text = std::fs::read_to_string(file).unwrap();
    let mut settings = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()["source"][0].take();
    let keys = settings.as_object_mut().unwrap();
    for common in ["name", "kind", "interval", "backfill"] {
        keys.remove(common);
    }
    keys.insert("base_url".into(), base.into());
    keys.insert("token".into(), "s3cret-key".into());
    Spec { settings, ..spec("https://h", &json!([])) }
}

#[tokio::test]
async fn the_example_of_freshdesk_reads_what_freshdesk_answers() {
    let server = MockServer::start().await;
    let agent = json!({"id": 2043, "contact": {"name": "Ana Ruiz", "email": "ana@e.example", "avatar": null}, "deactivated": false,
        "availability": {"status_updated_at": "2026-03-02T08:02:11Z", "channel_availability": [
            {"channel": "freshdesk", "available": true, "logged_in": true, "availability_updated_at": "2026-03-02T08:05:30Z"},
            {"channel": "Email queue", "available": false, "logged_in": false, "availability_updated_at": null}]}});
    let ticket = json!({"id": 20871, "subject": "Cannot download my invoice", "status": 2, "priority": 2, "source": 1,
        "requester_id": 43001, "responder_id": 2043, "group_id": 77, "tags": ["billing"], "spam": false,
        "created_at": "2026-03-02T09:14:05Z", "updated_at": "2026-03-02T11:05:12Z",
        "stats": {"agent_responded_at": "2026-03-02T09:31:40Z", "requester_responded_at": "2026-03-02T11:05:12Z",
            "resolved_at": null, "closed_at": null}});
    // The key is the login, the password is any: `s3cret-key:X`.
    let absent =
        json!({"id": 2044, "contact": {"name": "Bo Lind", "email": null}, "deactivated": false, "availability": null});
    let mut unheld = ticket.clone();
    (unheld["id"], unheld["responder_id"]) = (20872.into(), Value::Null);
    unheld["stats"]["agent_responded_at"] = "2026-03-02T11:30:00Z".into();
    let mut deleted = ticket.clone();
    (deleted["id"], deleted["updated_at"]) = (20873.into(), "2026-03-02T11:45:00Z".into());
    let first = |at: &str, body: Value| {
        Mock::given(path(at))
            .and(query_param("page", "1"))
            .and(header("authorization", "Basic czNjcmV0LWtleTpY"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
    };
    first("/agents", json!([agent, absent])).mount(&server).await;
    first("/groups", json!([{"id": 77, "name": "Billing"}])).mount(&server).await;
    for (filter, found) in [("deleted", json!([deleted])), ("spam", json!([]))] {
        Mock::given(path("/tickets"))
            .and(query_param("filter", filter))
            .and(query_param("updated_since", "2026-03-02T11:57:00Z"))
            .respond_with(ResponseTemplate::new(200).set_body_json(found))
            .with_priority(1)
            .mount(&server)
            .await;
    }
    first("/tickets", json!([ticket, unheld])).mount(&server).await;
    let mut source = Custom::new(&example("docs/examples/freshdesk.toml", &server.uri()), Limits::default()).unwrap();
    source.remember(&["20873".into()]);
    let batch = source.poll(None, now()).await.unwrap();
    assert_eq!((batch.skipped.as_slice(), batch.requests, batch.more), ([].as_slice(), 5, false));
    let told = lines(&batch);
    let wanted = [
        "hello",
        "agent",
        "2026-03-02T11:30:00Z message 20872 unnamed agent",
        "2026-03-02T11:45:00Z status 20873 closed",
        "2026-03-02T08:05:30Z presence 2043",
        "team",
        "2026-03-02T09:14:05Z opened 20871",
        "2026-03-02T09:14:05Z message 20871 customer",
        "2026-03-02T09:31:40Z message 20871 2043 agent",
        "2026-03-02T11:05:12Z message 20871 customer",
    ];
    assert!(wanted.iter().all(|line| told.contains(&(*line).to_owned())), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("assigned 20871 2043")), "{told:#?}");
}

#[tokio::test]
async fn the_example_of_an_own_desk_reads_what_it_describes() {
    let server = MockServer::start().await;
    let ticket = json!({"number": 5, "created": "2026-03-02T09:00:00Z", "from": "kim", "owner": null, "queue": "q",
        "waiting_for_customer": false, "messages": [{"id": 1, "time": "2026-03-02T09:00:00Z", "staff": null},
        {"id": 2, "time": "2026-03-02T09:05:00Z", "staff": "ana"}]});
    let page = |tickets: &[&Value], next: Value| {
        ResponseTemplate::new(200).set_body_json(json!({"tickets": tickets, "next": next}))
    };
    let second = Mock::given(path("/api/tickets")).and(query_param("after", "4"));
    second.respond_with(page(&[&ticket], Value::Null)).with_priority(1).mount(&server).await;
    let first = Mock::given(path("/api/tickets")).and(query_param("state", "active"));
    first.respond_with(page(&[], "/tickets?after=4".into())).mount(&server).await;
    let spec = example("docs/examples/own-desk.toml", &format!("{}/api", server.uri()));
    let batch = Custom::new(&spec, Limits::default()).unwrap().poll(None, now()).await.unwrap();
    assert_eq!(batch.skipped, []);
    let told = lines(&batch);
    assert!(told.contains(&"2026-03-02T09:05:00Z message 5 ana agent".to_owned()), "{told:#?}");
}
