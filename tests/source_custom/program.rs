//! The source `custom` through the program itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use chrono::{TimeDelta, Utc};
use helptop::event::Timestamp;
use serde_json::json;
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A home with a config that has one source, `ours`, at `base`.
fn home(base: &str, settings: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let config = format!("[[source]]\nname = \"ours\"\nkind = \"custom\"\nbase_url = \"{base}/api\"\n{settings}");
    let path = home.path().join("desk.toml");
    fs::write(&path, config).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    home
}

fn helptop(home: &tempfile::TempDir, key: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helptop"));
    command.env_clear().env("HOME", home.path()).env("KEY", key).current_dir(home.path());
    command.args(["--config", "desk.toml"]);
    command
}

/// Exit code, and what was said on both ways.
fn said(output: &Output) -> (i32, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_sees_those_who_wait_since_before_it_began() {
    let server = MockServer::start().await;
    let changed = |request: &Request| {
        let since = request.url.query_pairs().find(|(key, _)| key == "since").unwrap().1;
        let changed_at = Timestamp::from(Utc::now()) - TimeDelta::days(3);
        let ticket = json!({"id": 7, "at": changed_at.to_string()});
        let is_new = Timestamp::parse(&since).unwrap() < changed_at;
        ResponseTemplate::new(200).set_body_json(if is_new { json!([ticket]) } else { json!([]) })
    };
    Mock::given(path("/api/tickets")).respond_with(changed).mount(&server).await;
    let settings = |backfill: &str| {
        format!(
            "backfill = \"{backfill}\"\n[[source.request]]\npath = \"/tickets\"\nquery = {{ since = \"{{since}}\" }}\njq = '''
            .[] | {{conversation: .id, opened_at: .at, status: \"open\", customer: \"kim-who-waits\",
            messages: [{{id: 1, at: .at, from: \"customer\"}}]}}'''\n"
        )
    };
    let (code, shown) = said(&helptop(&home(&server.uri(), &settings("5d")), "").arg("snapshot").output().unwrap());
    assert!(code == 0 && shown.contains("kim-who-waits"), "{shown}");
    // Nothing would be asked for: no zeros are shown for that.
    let (code, shown) = said(&helptop(&home(&server.uri(), &settings("0s")), "").arg("snapshot").output().unwrap());
    assert!(code == 2 && shown.contains("backfill: is 0s") && shown.contains("{since}"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_records_that_cannot_be_read_shows_no_zeros() {
    let server = MockServer::start().await;
    let tickets =
        json!([{"id": 7, "created_at": "2026-03-02T09:00:00Z"}, {"id": 8, "created_at": "2026-03-02T09:00:00Z"}]);
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(tickets)).mount(&server).await;
    let jq = ".[] | {conversation: .id, opened_at: .created, status: \"open\"}";
    let home = home(&server.uri(), &format!("[[source.request]]\npath = \"/tickets\"\njq = '{jq}'\n"));
    let (code, shown) = said(&helptop(&home, "").arg("snapshot").output().unwrap());
    assert!(code == 1 && !shown.contains("nobody waits"), "{shown}");
    assert!(
        shown.contains("the program `jq` of /tickets") && shown.contains("conversation 7: field `opened_at`"),
        "{shown}"
    );
    assert!(shown.contains("does the API call its fields otherwise now?"), "{shown}");
}

/// A key that is written otherwise in addresses, in JSON and in base64.
const KEY: &str = "s3c/ret+k=y9";

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_holds_no_secret_in_whatever_way_it_is_written() {
    let server = MockServer::start().await;
    // The last but one is `kim:` and the key in base64, the last the key alone.
    let body = r#"{"tickets": [{"id": 1, "at": "2026-03-02T09:00:00Z", "who": "s3c/ret+k=y9", "what": "s3c%2Fret%2Bk%3Dy9 s3c\/ret+k=y9"}],
        "next": "/api/more?access_token=given-with-page&after=page-two", "deep": "{\"key\": \"s3c\\/ret\\u002bk=y9\"}",
        "sent": "X-App-Token: app-hunter2, Bearer own-hunter2!", "imap_password": "IMAP-hunter2", "provider_config": {"api_key": "WABA-hunter2"}, "lower": "s3c%2fret%2bk%3dy9", "told": "Basic a2ltOnMzYy9yZXQraz15OQ==", "plain": "czNjL3JldCtrPXk5"}"#;
    let answer = |body: &str| ResponseTemplate::new(200).set_body_raw(body, "application/json");
    Mock::given(path("/api/tickets")).respond_with(answer(body)).mount(&server).await;
    Mock::given(path("/api/more")).respond_with(answer(r#"{"tickets": []}"#)).mount(&server).await;
    let settings = r#"token = { env = "KEY" }
auth = "basic"
user = "kim"
headers = ["X-App-Token: app-hunter2", "Proxy-Authorization: Bearer own-hunter2!", "X-Tenant: north"]
[[source.request]]
path = "/tickets"
query = { api_key = "asked-with-this", state = "open-ones" }
next = ".next"
jq = '.tickets[] | {conversation: .id, opened_at: .at, status: "open", customer: .who, subject: .what, team: "s3c%2Fret%2Bk%3Dy9"}'
"#;
    let home = home(&server.uri(), settings);
    let (code, shown) = said(&helptop(&home, KEY).args(["doctor", "--trace", "ours"]).output().unwrap());
    assert_eq!(code, 0, "{shown}");
    for part in ["/api/tickets", "open-ones", "page-two", "the program gave", "\"type\":\"opened\"", "[secret]"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for part in
        ["s3c", "k=y9", "k%3Dy9", "asked-with-this", "given-with-page", "hunter2", "MzYy9yZXQ", "czNjL3JldCtrPXk5"]
    {
        assert!(!shown.contains(part), "{part}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_none_is_sent_and_every_word_is_shown() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!(["nonetheless"]));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let home = home(&server.uri(), "[[source.request]]\npath = \"/words\"\njq = 'empty'\n");
    let (code, shown) = said(&helptop(&home, "").args(["doctor", "--trace", "ours"]).output().unwrap());
    assert!(code == 0 && shown.contains("nonetheless"), "{shown}");
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].headers.contains_key("x-nobody") && !asked[0].headers.contains_key("authorization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_never_ends_holds_up_no_signal() {
    let server = MockServer::start().await;
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let answer = move |_: &Request| {
        let _ = asked.send(());
        ResponseTemplate::new(200).set_body_json(json!([]))
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let home = home(&server.uri(), "[[source.request]]\npath = \"/tickets\"\njq = 'def f: f; f'\n");
    let mut command = helptop(&home, "");
    let child = command.arg("snapshot").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    was_asked.recv().await.unwrap();
    let id = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    let (code, shown) = said(&output);
    assert!(code == 1 && shown.contains("interrupted"), "{shown}");
}
