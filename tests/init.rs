//! `helptop init` against a desk: by flags, and by a person who types.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "the fake can do more than is needed here")]
mod fake_rt;
#[expect(dead_code, reason = "so can the terminal")]
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use assert_cmd::Command;
use fake_rt::{Desk, serve};
use serde_json::json;
use terminal::Terminal;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const GOOD: &str = "1-29-good";
const BAD: &str = "1-29-bad";

/// A desk with one customer who waits, that refuses the bad token.
async fn desk() -> MockServer {
    let mut desk = Desk::new();
    desk.create(1, 10, -600, "kim@c.example", "kim@c.example");
    let (server, _) = serve(desk).await;
    let refused = ResponseTemplate::new(401).set_body_string(r#"{"message":"Unauthorized"}"#);
    Mock::given(header("authorization", format!("token {BAD}").as_str()))
        .respond_with(refused)
        .with_priority(1)
        .mount(&server)
        .await;
    server
}

/// Exit code, standard output and standard error.
fn init(home: &tempfile::TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("helptop").unwrap();
    command.env_clear().env("HOME", home.path()).env("GOOD", GOOD).env("BAD", BAD).current_dir(home.path());
    let output = command.arg("init").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn config(home: &tempfile::TempDir) -> std::path::PathBuf {
    home.path().join(".config/helptop/config.toml")
}

#[tokio::test(flavor = "multi_thread")]
async fn by_flags_a_desk_is_tried_written_and_shown() {
    let (server, home) = (desk().await, tempfile::tempdir().unwrap());
    let address = format!("base_url={}", server.uri());
    let flags = ["--vendor", "rt", "--set", &address, "--set", "queues=Support", "--secret-env", "GOOD"];
    let (code, out, err) = init(&home, &flags);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let [tried, written, shown] = ["✓", "config.toml (mode 0600)", "kim@c.example"]
        .map(|part| out.find(part).unwrap_or_else(|| panic!("{part}: {out}")));
    assert!(tried < written && written < shown, "{out}");
    assert!(!out.contains(GOOD));
    let text = fs::read_to_string(config(&home)).unwrap();
    assert!(text.contains(r#"token = { env = "GOOD" }"#) && text.contains(r#"queues = ["Support"]"#), "{text}");
    assert_eq!(config(&home).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // The same desk again would count twice, unless that is what is wanted.
    let (code, out, err) = init(&home, &flags);
    assert_eq!((code, fs::read_to_string(config(&home)).unwrap()), (2, text.clone()), "{out}");
    assert!(
        err.contains("config.toml: source `rt` reads that desk already; a second one counts all of it twice"),
        "{err}"
    );
    assert!(err.contains("--name rt-2") && err.ends_with("  nothing is written\n"), "{err}");
    let (code, out, _) = init(&home, &[&flags[..], &["--name", "billing", "--set", "interval=30s"]].concat());
    assert_eq!(code, 0, "{out}");
    let both = fs::read_to_string(config(&home)).unwrap();
    assert!(both.starts_with(&text) && both.contains("name = \"billing\""), "{both}");
    assert!(both.contains("interval = \"30s\""), "{both}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_is_named_by_a_relative_path_keeps_what_it_holds() {
    let (server, home) = (desk().await, tempfile::tempdir().unwrap());
    let place = home.path().join("desk.toml");
    let address = format!("base_url={}", server.uri());
    let flags = ["--vendor", "rt", "--set", &address, "--secret-env", "GOOD"];
    fs::write(&place, "[board]\nmouse = false\n").unwrap();
    let (code, out, err) = init(&home, &[&flags[..], &["--config", "desk.toml"]].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let mut command = Command::cargo_bin("helptop").unwrap();
    command.env_clear().env("HOME", home.path()).env("GOOD", GOOD).env("HELPTOP_CONFIG", "./desk.toml");
    command.current_dir(home.path()).arg("init").args(flags).args(["--name", "rt-2"]).assert().success();
    let text = fs::read_to_string(&place).unwrap();
    assert!(text.starts_with("[board]\nmouse = false\n") && text.contains("name = \"rt-2\""), "{text}");
    assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_of_a_desk_that_cannot_be_read() {
    let (server, home) = (desk().await, tempfile::tempdir().unwrap());
    let address = format!("base_url={}", server.uri());
    for (flags, code, said) in [
        (vec!["--vendor", "rt", "--set", &address, "--secret-env", "BAD"], 1, "not authorised"),
        (vec!["--vendor", "rt", "--set", &address, "--secret-env", "NONE"], 2, "NONE is not set"),
        (vec!["--vendor", "rt", "--set", &address], 2, "--secret-env token=VARIABLE"),
        (vec!["--vendor", "rt", "--secret-env", "GOOD"], 2, "--set base_url=https://"),
        (
            vec!["--vendor", "rt", "--set", &address, "--set", "colour=red", "--secret-env", "GOOD"],
            2,
            "--set colour: `rt` has no such setting",
        ),
        (
            vec!["--vendor", "zendesk", "--set", "subdomain=acme", "--secret-env", "GOOD"],
            2,
            "client_id: is missing; `email` may stand for it\n  such as: helptop init --vendor zendesk --set subdomain=acme \
             --secret-env GOOD --set client_id=helptop\n",
        ),
        (
            vec!["--vendor", "zendesk", "--set", "subdomain=acme", "--set", "email=ana@acme.example"],
            2,
            "token: is missing\n  such as: helptop init --vendor zendesk --set subdomain=acme --set email=ana@acme.example \
             --secret-env token=VARIABLE\n",
        ),
        // The variable is taken for the secret that goes with the address: it is the address that is wrong.
        (
            vec!["--vendor", "zendesk", "--set", "subdomain=acme", "--set", "email=ana", "--secret-env", "GOOD"],
            2,
            "email: is no address",
        ),
        (
            vec!["--vendor", "rt", "--set", "base_url=desk", "--secret-env", "GOOD"],
            2,
            "helptop: source `rt`: base_url: ",
        ),
        (
            vec!["--vendor", "rt", "--set", &address, "--set", "interval=often", "--secret-env", "GOOD"],
            2,
            "helptop: `source[0].interval`: ",
        ),
        (vec!["--vendor", "rt", "--set", &address, "--set", "user=kim"], 2, "password: is missing\n"),
        (
            vec!["--vendor", "zammad", "--set", &address],
            2,
            "token: is missing; `oauth_token` or `user` with `password` may stand for it\n",
        ),
        (vec!["--vendor", "zammad", "--set", &address, "--secret-env", "oauth_token=BAD"], 1, "✗ asked: GET /"),
        (vec!["--vendor", "rt", "--set", "token=abc"], 2, "can be seen by others"),
        (vec!["--vendor", "rt", "--set", "base_url"], 2, "no key=value"),
        (vec!["--vendor", "tr"], 2, "did you mean `rt`"),
        (vec![], 2, "--vendor NAME"),
    ] {
        let (found, out, err) = init(&home, &flags);
        let all = format!("{out}{err}");
        assert_eq!(found, code, "{flags:?}: {all}");
        assert!(all.contains(said) && !all.contains(BAD) && !all.contains(".new"), "{flags:?}: {all}");
        assert!(err.ends_with("nothing is written\n") && !err.contains(".toml"), "{flags:?}: {err}");
        assert!(!config(&home).exists());
        let left = config(&home).parent().unwrap().read_dir().map_or(0, Iterator::count);
        assert_eq!(left, 0, "{flags:?}");
    }
}

/// A Chatwoot of which the key sees two accounts, and nothing in them.
async fn chatwoot() -> MockServer {
    let server = MockServer::start().await;
    let account = |id: u8| json!({"id": id, "name": format!("Acme {id}"), "role": "administrator"});
    let profile = ResponseTemplate::new(200).set_body_json(json!({"accounts": [account(1), account(2)]}));
    Mock::given(path("/api/v1/profile")).respond_with(profile).mount(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_turns_out_to_need_is_asked_for() {
    let (server, home) = (chatwoot().await, std::sync::Arc::new(tempfile::tempdir().unwrap()));
    let address = format!("base_url={}", server.uri());
    let flags = ["--vendor", "chatwoot", "--set", &address, "--secret-env", "GOOD"];
    let (code, out, err) = init(&home, &flags);
    assert!(code == 2 && out.contains("one of 1 (Acme 1), 2 (Acme 2)"), "{code} {out}");
    let typed = format!("such as: helptop init --vendor chatwoot --set {address} --secret-env GOOD --set account=1\n");
    assert!(err.contains(&typed) && err.ends_with("nothing is written\n"), "{err}");
    let (code, out, err) = init(&home, &[&flags[..], &["--set", "account=7"]].concat());
    assert!(
        code == 1 && out.contains("does not see account 7, but 1 (Acme 1)") && !err.contains("missing"),
        "{out}{err}"
    );

    let words = ["init", "--vendor", "chatwoot", "--set", &address];
    let mut terminal = Terminal::start_at(home.clone(), &[], env!("CARGO_BIN_EXE_helptop"), &words, (120, 90));
    terminal.wait_for("Access token (it is not shown)");
    terminal.keys("a1B2\r");
    terminal.wait_for("Number of the account");
    terminal.keys("7\r");
    terminal
        .wait("the account is asked again", |screen| screen.contents().matches("Number of the account").count() == 2);
    terminal.keys("2\r");
    terminal.wait_for("Write it all the same?");
    terminal.keys("\r");
    terminal.wait_for("written to");
    let shown = terminal.contents();
    assert_eq!(shown.matches("Access token (").count(), 1, "what was good is not asked again: {shown}");
    terminal.end();
    let text = fs::read_to_string(home.path().join("helptop/config.toml")).unwrap();
    assert!(text.contains("account = 2\n") && text.contains("token = \"a1B2\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_is_there_already_is_replaced_or_kept_under_another_name() {
    let server = desk().await;
    let address = format!("base_url={}", server.uri());
    let words = ["init", "--vendor", "rt", "--set", &address];
    let kept = format!("[[source]]\nname = \"desk\"\nkind = \"rt\"\nbase_url = \"{}\"\ntoken = \"", server.uri());
    // Another key may be that of another account: there is no answer by default.
    for (key, answers, sources) in [(GOOD, vec!["\r"], 1), (BAD, vec!["\r", "yes\r"], 1), (GOOD, vec!["no\r", "\r"], 2)]
    {
        let home = std::sync::Arc::new(tempfile::tempdir().unwrap());
        let path = home.path().join("helptop/config.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("{kept}{key}\"\nbackfill = \"2d\"\n\n# mine\n[board]\nmouse = false\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut terminal = Terminal::start_at(home.clone(), &[], env!("CARGO_BIN_EXE_helptop"), &words, (120, 90));
        terminal.wait_for("Auth token (it is not shown)");
        terminal.keys(&format!("{GOOD}\r"));
        terminal.wait_for("reads that desk already");
        for (said, answer) in ["Replace `desk`?", if sources == 1 { "yes or no?" } else { "[rt]" }].iter().zip(answers)
        {
            terminal.wait_for(said);
            terminal.keys(answer);
        }
        terminal.wait_for("shows the board");
        assert_eq!(terminal.end().exit_code(), 0);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("[[source]]").count(), sources, "{text}");
        let rest = "\"\nbackfill = \"2d\"\n\n# mine\n[board]\nmouse = false\n";
        assert!(text.starts_with(&format!("{kept}{GOOD}{rest}")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_is_set_up_by_login_and_password() {
    let (server, home) = (desk().await, tempfile::tempdir().unwrap());
    let address = format!("base_url={}", server.uri());
    let (code, out, err) =
        init(&home, &["--vendor", "rt", "--set", &address, "--set", "user=kim", "--secret-env", "password=GOOD"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let text = fs::read_to_string(config(&home)).unwrap();
    assert!(text.contains("password = { env = \"GOOD\" }") && text.contains("user = \"kim\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_may_mistype_and_no_secret_is_shown() {
    let server = desk().await;
    let home = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let program = env!("CARGO_BIN_EXE_helptop");
    let mut terminal = Terminal::start_at(home.clone(), &[], program, &["init"], (120, 60));
    terminal.wait_for("Number or name");
    terminal.keys("\r");
    terminal.wait_for("a number from 1 to 7, or a name, such as rt");
    terminal.keys("rt\r");
    terminal.wait_for("Settings > Auth Tokens");
    terminal.wait_for("Address of the site");
    terminal.keys(&format!("{}\r", server.uri()));
    terminal.wait_for("Auth token (it is not shown)");
    terminal.keys(&format!("{BAD}\r"));
    terminal.wait_for("Try other answers?");
    terminal.wait_for("not authorised");
    terminal.keys("\r");
    terminal.wait("the address is asked again", |screen| screen.contents().matches("Address of the site").count() == 2);
    terminal.keys(&format!("{}\r", server.uri()));
    terminal.wait("the token is asked again", |screen| screen.contents().matches("Auth token (").count() == 2);
    terminal.keys(&format!("{GOOD}\r"));
    terminal.wait_for("`helptop` shows the board");
    let shown = terminal.contents();
    assert!(shown.contains("(mode 0600)") && shown.contains("kim@c.example"), "{shown}");
    assert!(!shown.contains(GOOD) && !shown.contains(BAD), "{shown}");
    assert_eq!(terminal.end().exit_code(), 0);
    // The terminal's home is that of the config, too.
    let text = fs::read_to_string(home.path().join("helptop/config.toml")).unwrap();
    assert!(text.contains(&format!("token = \"{GOOD}\"")), "{text}");
}

#[test]
fn whoever_is_interrupted_gets_the_terminal_back_as_it_was() {
    let program = env!("CARGO_BIN_EXE_helptop");
    let home = std::sync::Arc::new(tempfile::tempdir().unwrap());
    // The shell lives on, and says how the terminal is. Typed ahead is what comes after the address.
    let script = format!("trap : INT; {program} init; echo code $?; stty -a; read wait");
    let mut terminal = Terminal::start_at(home.clone(), &[], "sh", &["-c", &script], (120, 60));
    terminal.wait_for("Number or name");
    terminal.keys("rt\rhttp://127.0.0.1:1\r");
    terminal.wait_for("Auth token (it is not shown)");
    terminal.keys("1-29-go\x7f\x03");
    terminal.wait_for("code 1");
    terminal.wait_for("echoke");
    let shown = terminal.contents();
    assert!(shown.contains("nothing was written") && !shown.contains("1-29"), "{shown}");
    assert!(shown.contains(" echo ") && shown.contains(" icanon "), "{shown}");
    assert!(!home.path().join("helptop").exists());
    terminal.keys("\r");
    terminal.end();
}
