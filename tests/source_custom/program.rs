//! The source `custom` through the program itself.

use std::fs;
use std::process::{Command, Output};

use chrono::{TimeDelta, Utc};
use helptop::event::Timestamp;
use serde_json::json;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A home with a config that has one source, `ours`, at `base`.
fn home(base: &str, settings: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let config = format!("[[source]]\nname = \"ours\"\nkind = \"custom\"\nbase_url = \"{base}/api\"\n{settings}");
    fs::write(home.path().join("desk.toml"), config).unwrap();
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
