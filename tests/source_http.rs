//! The HTTP client of all vendors against servers that misbehave: what the error says, and what it must not.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use chrono::TimeDelta;

use helptop::event::Timestamp;
use helptop::source::http::{Answer, Auth, Client, Grant, Limits, Secret, address};
use helptop::source::{Retry, SourceError};
use rstest::rstest;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = "1-29-2bc1deadbeef2bc1deadbeef";
const NOW: Timestamp = Timestamp::from_millis(1_795_328_800_000);

fn client(base: &str, limits: Limits) -> Client {
    let auth = Auth::Header { name: "authorization", prefix: "token ", token: Secret::new(TOKEN) };
    Client::new(address::base_url(base, false).unwrap(), &auth, limits).unwrap()
}

async fn serve(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn error_of(answer: ResponseTemplate) -> SourceError {
    let server = serve(answer).await;
    get(&client(&server.uri(), Limits::default())).await.unwrap_err()
}

async fn get(client: &Client) -> Result<Answer<Value>, SourceError> {
    client.get("/REST/2.0/tickets", &[("query", "Queue='Secret affairs'")], NOW).await
}

const PLACE: &str = "GET /REST/2.0/tickets (127.0.0.1)";

fn said(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

#[rstest]
#[case(said(401, r#"{"message":"Unauthorized"}"#), "not authorised: the credentials were refused (401): Unauthorized")]
#[case(said(403, r#"{"message":"Forbidden"}"#), "forbidden: the account may not read this (403): Forbidden")]
#[case(
    ResponseTemplate::new(403).set_body_raw("<HTML><Title>Just a\nmoment…</Title><p>ray 1</p>", "text/html"),
    "forbidden: the account may not read this (403): a web page (`Just a moment…`); does a proxy or a firewall answer?"
)]
#[case(
    ResponseTemplate::new(502).set_body_raw("<html><p>down", "text/html"),
    "the server failed (502): a web page (`down`); does a proxy or a firewall answer?"
)]
#[case(said(404, r#"{"message":"Not Found"}"#), "not found (404): Not Found; is base_url right?")]
#[case(said(429, "slow down"), "too many requests")]
#[case(said(500, "Internal\n\u{1b}[31m Error"), "the server failed (500): Internal \u{fffd}[31m Error")]
#[case(
    said(400, r#"{"message":"Unknown field: Foo at /usr/share/rt/Tickets.pm line 3187.\n"}"#),
    "the request was refused (400): Unknown field: Foo"
)]
#[case(
    ResponseTemplate::new(302).insert_header("location", "/NoAuth/Login.html?next=abc"),
    "not authorised: sent to the login page /NoAuth/Login.html (302)"
)]
#[case(
    ResponseTemplate::new(301).insert_header("location", "https://other.example/REST/2.0/tickets?q=1"),
    "redirected to https://other.example/REST/2.0/tickets (301); redirects are not followed, so that the token goes \
     nowhere else: is base_url right?"
)]
#[case(
    ResponseTemplate::new(302).insert_header("location", "/REST/2.0/tickets"),
    "redirected to /REST/2.0/tickets (302); redirects are not followed, so that the token goes nowhere else: is \
     base_url right?"
)]
#[case(
    ResponseTemplate::new(200).set_body_raw("<!DOCTYPE html><title>Welcome</title>", "text/html"),
    "unexpected answer at `.`: a web page instead of JSON (`<!DOCTYPE html><title>Welcome</title>`): a wrong \
     base_url, a login page or a proxy?"
)]
#[case(said(200, r#"{"items":[{"id":1},{"i"#), "unexpected answer at `items[1].?`: the JSON ends too early")]
#[case(said(200, ""), "unexpected answer at `.`: the JSON ends too early")]
#[tokio::test]
async fn each_refusal_says_what_and_where(#[case] answer: ResponseTemplate, #[case] message: &str) {
    let text = error_of(answer).await.to_string();
    let what = text.strip_prefix(PLACE).map(|rest| rest.trim_start_matches(": "));
    assert_eq!(what, Some(message), "{text}");
    assert!(!text.contains("Secret affairs") && !text.contains(TOKEN));
}

#[tokio::test]
async fn a_wrong_shape_names_its_path() {
    #[derive(Debug, serde::Deserialize)]
    struct Page {
        #[expect(dead_code, reason = "only its reading is of interest")]
        items: Vec<Item>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Item {
        #[expect(dead_code, reason = "only its reading is of interest")]
        id: u64,
    }
    for (body, path, what) in [
        (r#"{"items":[{"id":1},{"id":"x"}]}"#, "items[1].id", "invalid type: string \"x\", expected u64 at line 1"),
        (r#"{"items":[{"id":1},{"ID":2}]}"#, "items[1]", "missing field `id`"),
        (r#"{"things":[]}"#, ".", "missing field `items`"),
        (r#"{"items":[],"new_field":{"a":[1]}}"#, "", ""),
    ] {
        let server = serve(said(200, body)).await;
        let got = client(&server.uri(), Limits::default()).get::<Page>("/x", &[], NOW).await;
        match got {
            Err(SourceError::Schema { path: at, what: said, .. }) => {
                assert_eq!(at, path, "{body}");
                assert!(said.starts_with(what), "{said}");
            }
            other => assert!(path.is_empty() && other.is_ok(), "{body}: {other:?}"),
        }
    }
}

#[rstest]
#[case(429, Some("7"), Some(7))]
#[case(429, Some("Sun, 22 Nov 2026 06:26:50 GMT"), Some(10))]
#[case(429, None, None)]
#[case(503, Some("30"), Some(30))]
#[case(500, None, None)]
#[tokio::test]
async fn comes_back_when_told(#[case] status: u16, #[case] header: Option<&str>, #[case] wait: Option<i64>) {
    let mut answer = ResponseTemplate::new(status);
    if let Some(value) = header {
        answer = answer.insert_header("retry-after", value);
    }
    let error = error_of(answer).await;
    let (SourceError::RateLimited { until, .. } | SourceError::Transient { until, .. }) = &error else {
        panic!("{error:?}")
    };
    let now = Timestamp::parse("2026-11-22T06:26:40Z").unwrap();
    assert_eq!(now, NOW);
    assert_eq!(*until, wait.map(|seconds| now + chrono::TimeDelta::seconds(seconds)));
    assert_eq!(error.word() == "throttled", status == 429);
}

#[tokio::test]
async fn a_wait_counts_from_the_answer_that_asks_for_it() {
    let server = MockServer::start().await;
    let answers = [(200, "12:00:00"), (200, "12:00:10"), (429, "12:00:40"), (429, "12:00:50"), (429, "11:00:00")];
    for (status, time) in answers {
        let answer = said(status, "{}")
            .insert_header("date", format!("Sun, 22 Nov 2026 {time} GMT"))
            .insert_header("retry-after", "2")
            .insert_header("x-ratelimit-limit", "60")
            .insert_header("x-ratelimit-remaining", "50")
            .insert_header("x-ratelimit-reset", "30");
        Mock::given(any()).respond_with(answer).up_to_n_times(1).mount(&server).await;
    }
    let client = client(&server.uri(), Limits::default());
    let ask = |now: Timestamp| client.get::<Value>("/api/agents", &[], now);
    let quota = |answer: Answer<Value>| (answer.quota.unwrap().resets_at.unwrap() - NOW).num_seconds();
    assert_eq!(quota(ask(NOW).await.unwrap()), 30);
    assert_eq!(quota(ask(NOW).await.unwrap()), 40);
    let later = NOW + TimeDelta::minutes(5);
    // The second is that of another poll, the last of a clock that was set back.
    for (now, wait) in [(NOW, 42), (later, 302), (later, 302)] {
        let Err(SourceError::RateLimited { until: Some(until), .. }) = ask(now).await else { panic!("not refused") };
        assert_eq!((until - NOW).num_seconds(), wait);
    }
}

#[tokio::test]
async fn no_redirect_brings_the_token_elsewhere() {
    let thief = serve(said(200, "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let server = serve(ResponseTemplate::new(status).insert_header("location", thief.uri())).await;
        assert_eq!(get(&client(&server.uri(), Limits::default())).await.unwrap_err().word(), "unsupported");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "nor is it tried again");
    }
    assert!(thief.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_repeats_the_token_brings_it_into_no_message() {
    for auth in [
        Auth::Header { name: "authorization", prefix: "token ", token: Secret::new(TOKEN) },
        Auth::Basic { user: "wallboard".into(), password: Secret::new(TOKEN) },
    ] {
        for status in [200, 400, 401, 403, 500] {
            let server = MockServer::start().await;
            Mock::given(any())
                .respond_with(move |request: &Request| {
                    let echo = request.headers["authorization"].to_str().unwrap();
                    let body = serde_json::json!({"message": format!("{echo} {TOKEN} \u{2026}")});
                    // As it stands, as a value where a number is expected, and where text is cut off.
                    let body = if status == 200 { body["message"].to_string() } else { body.to_string() };
                    ResponseTemplate::new(status).set_body_raw(body, "application/json")
                })
                .mount(&server)
                .await;
            let client =
                Client::new(address::base_url(&server.uri(), false).unwrap(), &auth, Limits::default()).unwrap();
            let error = client.get::<u64>("/x", &[], NOW).await.unwrap_err();
            let shown = format!("{error} {error:?} {client:?} {auth:?}");
            let echo = server.received_requests().await.unwrap()[0].headers["authorization"].clone();
            let echo = echo.to_str().unwrap().rsplit(' ').next().unwrap().to_owned();
            assert!(!shown.contains(TOKEN) && !shown.contains(&echo), "{status}: {shown}");
            assert!(shown.contains("[secret]"), "{status}: {shown}");
        }
    }
}

#[tokio::test]
async fn says_who_asks() {
    let server = MockServer::start().await;
    let agent = concat!("helptop/", env!("CARGO_PKG_VERSION"));
    for value in ["token 1-29-2bc1deadbeef2bc1deadbeef", "Basic YW5hOnDDpHNz"] {
        Mock::given(header("authorization", value))
            .and(header("user-agent", agent))
            .respond_with(said(200, "{}").insert_header("date", "Sun, 22 Nov 2026 06:26:45 GMT"))
            .expect(1)
            .mount(&server)
            .await;
    }
    let base = || address::base_url(&server.uri(), false).unwrap();
    let token = client(&server.uri(), Limits::default());
    let answer = get(&token).await.unwrap();
    assert_eq!((answer.date.unwrap() - NOW).num_seconds(), 5);
    assert_eq!(token.sent(), 1);
    let basic = Auth::Basic { user: "ana".into(), password: Secret::new("päss") };
    get(&Client::new(base(), &basic, Limits::default()).unwrap()).await.unwrap();
    let broken = Auth::Header { name: "authorization", prefix: "token ", token: Secret::new("two\nlines") };
    let error = Client::new(base(), &broken, Limits::default()).unwrap_err();
    assert!(error.starts_with("token: ") && !error.contains("lines"), "{error}");
}

/// A server that answers each connection with `head` and then goes on as `then` says.
async fn raw(head: &'static [u8], then: Then) -> (String, tokio::task::JoinHandle<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await.unwrap();
        socket.write_all(head).await.unwrap();
        let mut written = 0;
        match then {
            Then::Close => {}
            Then::Silence => drop(socket.read(&mut [0; 16]).await),
            Then::Flood => {
                let chunk = vec![b' '; 1 << 16];
                while written < 1 << 30 && socket.write_all(&chunk).await.is_ok() {
                    written += 1 << 16;
                }
            }
        }
        written
    });
    (base, task)
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    Silence,
    Flood,
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_cut_off() {
    let told = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n";
    let untold = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    for (head, limit, words) in [
        (&told[..], 64 << 20, "larger than 64 MiB"),
        (&untold[..], 64 << 20, "larger than 64 MiB"),
        (&untold[..], 1000, "larger than 1000 bytes"),
    ] {
        let (base, server) = raw(head, Then::Flood).await;
        let client = client(&base, Limits { body: limit, ..Limits::default() });
        let error = get(&client).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{PLACE}: unexpected answer at `.`: the answer is {words}, it was cut off")
        );
        drop(client);
        let written = server.await.unwrap();
        assert!(written < (limit as u64) + (64 << 20), "{written} bytes were taken of it");
    }
}

#[tokio::test]
async fn silence_ends() {
    let limits = Limits { silence: Duration::from_millis(100), ..Limits::default() };
    for head in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\n",
    ] {
        let (base, server) = raw(head, Then::Silence).await;
        let error = get(&client(&base, limits)).await.unwrap_err();
        assert_eq!(error.word(), "failing");
        let text = error.to_string();
        assert!(text.contains("no answer in time") || text.contains("the server failed (500)"), "{text}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_broken_answer() {
    for (head, words) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"items\""[..], "the answer broke off"),
        (b"", "no answer"),
        (b"220 mail.example ESMTP\r\n", "no answer"),
    ] {
        let (base, server) = raw(head, Then::Close).await;
        let error = get(&client(&base, Limits::default())).await.unwrap_err();
        assert_eq!(error.word(), "failing", "{error}");
        assert!(error.to_string().starts_with(&format!("{PLACE}: {words}")), "{error}");
        server.await.unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = get(&client(&base, Limits::default())).await.unwrap_err();
    assert_eq!(error.word(), "failing");
    assert!(error.to_string().contains("cannot connect: Connection refused"), "{error}");
    assert_eq!(error.hint(Retry::Never), "is base_url right, port included, and is the server up?");
    assert!(error.hint(Retry::Board).ends_with("; helptop tries again by itself"));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_from_one_that_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
    });
    let error = get(&client(&base, Limits::default())).await.unwrap_err();
    server.await.unwrap();
    assert!(error.hint(Retry::Never).contains("does not speak https"), "{error:?} {}", error.hint(Retry::Never));
}

#[tokio::test]
async fn a_search_is_sent_as_json_with_fixed_headers() {
    let server = MockServer::start().await;
    for verb in ["POST", "PUT"] {
        Mock::given(method(verb))
            .and(path("/api/search"))
            .and(body_json(serde_json::json!({"query": [1]})))
            .and(header("intercom-version", "2.16"))
            .and(header("accept", "application/json"))
            .respond_with(said(200, r#"{"found":1}"#))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client(&format!("{}/api", server.uri()), Limits::default());
    let client =
        client.with_header("intercom-version", "2.16").unwrap().with_header("accept", "application/json").unwrap();
    let body = serde_json::json!({"query": [1]});
    let posted = client.post::<Value>("/search", &[], &body, NOW).await.unwrap();
    let put = client.put::<Value>("/search", &[("limit", "100")], &body, NOW).await.unwrap();
    assert_eq!([posted.body, put.body], [serde_json::json!({"found": 1}), serde_json::json!({"found": 1})]);
    let error = client.post::<Value>("/elsewhere", &[], &body, NOW).await.unwrap_err();
    assert!(error.to_string().starts_with("POST /api/elsewhere (127.0.0.1): not found"), "{error}");
}

#[tokio::test]
async fn a_record_that_is_gone_is_no_error() {
    for (status, is_gone) in [(404, true), (410, true), (200, false)] {
        let server = serve(said(status, "{}")).await;
        let found = client(&server.uri(), Limits::default()).find::<Value>("/conversations/7", &[], NOW).await.unwrap();
        assert_eq!(found.is_none(), is_gone, "{status}");
    }
    // A page of a proxy says nothing of the record.
    for status in [403, 404, 410] {
        for page in ["<html>default backend - 404</html>", "default backend - 404", ""] {
            let server = serve(ResponseTemplate::new(status).set_body_raw(page, "text/html")).await;
            let found = client(&server.uri(), Limits::default()).find::<Value>("/conversations/7", &[], NOW).await;
            let error = found.unwrap_err();
            assert_eq!(error.word(), "failing", "{status} {page}: {error}");
            assert!(error.to_string().contains(&format!("something between answered ({status})")), "{error}");
        }
    }
    let server = serve(said(403, "{}")).await;
    let error = client(&server.uri(), Limits::default()).find::<Value>("/conversations/7", &[], NOW).await.unwrap_err();
    assert_eq!(error.word(), "forbidden");
    // Where nobody says what its body is.
    for (status, body, is_gone) in
        [(404, "", true), (410, "", true), (404, "{}", true), (404, "not here", false), (403, "", false)]
    {
        let server = serve(ResponseTemplate::new(status).set_body_raw(body, "text/plain")).await;
        let client = client(&server.uri(), Limits::default());
        let found = client.find_unless_silent::<Value>("/conversations/7", &[], NOW).await;
        assert_eq!(found.map(|found| found.is_none()).ok(), is_gone.then_some(true), "{status} {body}");
    }
}

const CLIENT_SECRET: &str = "client-secret-0815";

/// Gives a token of its own to each who asks for one, and takes the latest only.
async fn giver(lifetime: u64) -> (MockServer, Client) {
    let server = MockServer::start().await;
    let given = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let latest = given.clone();
    Mock::given(method("POST"))
        .and(path("/oauth/tokens"))
        .and(body_json(serde_json::json!({"grant_type": "client_credentials", "client_id": "helptop",
            "client_secret": CLIENT_SECRET, "scope": "read", "expires_in": lifetime})))
        .respond_with(move |request: &Request| {
            assert!(!request.headers.contains_key("authorization"));
            let number = given.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            let body = serde_json::json!({"access_token": format!("given-{number}"), "expires_in": lifetime});
            ResponseTemplate::new(201).set_body_json(body)
        })
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(move |request: &Request| {
            let shown = request.headers["authorization"].to_str().unwrap().to_owned();
            let number = latest.load(std::sync::atomic::Ordering::SeqCst);
            let status = if shown == format!("Bearer given-{number}") { 200 } else { 401 };
            ResponseTemplate::new(status).set_body_json(serde_json::json!({"message": shown}))
        })
        .mount(&server)
        .await;
    let lifetime = Some(u32::try_from(lifetime).unwrap());
    let (id, secret) = ("helptop".to_owned(), Secret::new(CLIENT_SECRET));
    let auth = Auth::Grant(Grant { path: "/oauth/tokens", id, secret, scope: "read", lifetime });
    let client = Client::new(address::base_url(&server.uri(), false).unwrap(), &auth, Limits::default()).unwrap();
    (server, client)
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_anew_before_it_ends() {
    let (_server, client) = giver(3600).await;
    let at = |seconds| NOW + chrono::TimeDelta::seconds(seconds);
    // Seconds from the first, and requests sent by then: one more where a token was asked for.
    for (seconds, sent) in [(0, 2), (60, 3), (3200, 4), (3241, 6), (6000, 7)] {
        client.get::<Value>("/x", &[], at(seconds)).await.unwrap();
        assert_eq!(client.sent(), sent, "after {seconds} s");
    }
    let both = tokio::join!(client.get::<Value>("/x", &[], at(9000)), client.get::<Value>("/x", &[], at(9000)));
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(client.sent(), 10, "two at once ask for one token");
}

#[tokio::test]
async fn a_token_that_was_withdrawn_is_asked_for_anew_once_and_none_is_shown() {
    let (server, client) = giver(3600).await;
    client.get::<Value>("/x", &[], NOW).await.unwrap();
    // Somebody else asks too, and the server takes the latest only.
    let other = reqwest::Client::new().post(format!("{}/oauth/tokens", server.uri()));
    let body = serde_json::json!({"grant_type": "client_credentials", "client_id": "helptop",
        "client_secret": CLIENT_SECRET, "scope": "read", "expires_in": 3600});
    other.json(&body).send().await.unwrap();
    client.get::<Value>("/x", &[], NOW).await.unwrap();
    assert_eq!(client.sent(), 5, "refused, a new token, and again");

    let error = client.get::<u64>("/x", &[], NOW).await.unwrap_err();
    let old = client.get::<u64>("/x", &[], NOW).await.unwrap_err();
    for shown in [error.to_string(), old.to_string(), format!("{client:?}")] {
        assert!(!shown.contains("given-") && !shown.contains(CLIENT_SECRET), "{shown}");
    }
}

#[rstest]
#[case(
    400,
    r#"{"error":"invalid_client","error_description":"unknown client client-secret-0815"}"#,
    "auth",
    "invalid_client"
)]
#[case(401, r#"{"error":"invalid_client"}"#, "auth", "invalid_client")]
#[case(429, "", "throttled", "too many")]
#[case(500, "", "failing", "failed (500)")]
#[case(200, r#"{"access_token":4711081547110815}"#, "schema", "no text")]
#[tokio::test]
async fn who_gets_no_token_learns_why(
    #[case] status: u16,
    #[case] body: &str,
    #[case] word: &str,
    #[case] words: &str,
) {
    let server = serve(said(status, body)).await;
    let (id, secret) = ("helptop".to_owned(), Secret::new(CLIENT_SECRET));
    let auth = Auth::Grant(Grant { path: "/oauth/tokens", id, secret, scope: "read", lifetime: None });
    let client = Client::new(address::base_url(&server.uri(), false).unwrap(), &auth, Limits::default()).unwrap();
    let error = client.get::<Value>("/x", &[], NOW).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.word(), word, "{text}");
    assert!(text.starts_with("POST /oauth/tokens (127.0.0.1)") && text.contains(words), "{text}");
    assert!(!text.contains(CLIENT_SECRET) && !text.contains("4711081547110815"), "{text}");
    assert_eq!(client.sent(), 1, "nothing is asked without a token");
}
