//! The config: layers, places, every broken config in `tests/invalid_configs` with its whole message, the example.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use helptop::config::file::{Clock, File, Level};
use helptop::config::{Config, ConfigError, EXAMPLE, Environment, Flag, Request, load, load_without_sources};
use helptop::source::{Kind, REGISTRY};
use helptop::text::Mask;
use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

const SECRET: &str = "s3cr3t-t0ken";

/// Settings of a kind that needs a secret.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Tickets {
    /// Where it is.
    base_url: String,
    /// Who reads.
    token: String,
    /// What to watch.
    queues: Vec<String>,
    /// What is sent with each request.
    headers: Vec<String>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Demo {
    /// The same seed gives the same day.
    seed: u64,
}

static KINDS: [Kind; 2] = [
    Kind {
        name: "demo",
        title: "made up",
        capabilities: &[],
        cannot_tell: &[],
        secrets: &[],
        setup: None,
        schema: || schema_for!(Demo),
        build: |_| Err("not built here".into()),
    },
    Kind {
        name: "tickets",
        title: "tickets",
        capabilities: &[],
        cannot_tell: &[],
        secrets: &["token"],
        setup: None,
        schema: || schema_for!(Tickets),
        build: |spec| {
            Err(format!("base_url: {} is no address (token {})", spec.settings["base_url"], spec.settings["token"]))
        },
    },
];

struct Case {
    dir: tempfile::TempDir,
    variables: Vec<(String, String)>,
    flags: Vec<Flag>,
}

impl Case {
    fn new(text: &str) -> Self {
        Self::with_mode(text, 0o600)
    }

    fn with_mode(text: &str, mode: u32) -> Self {
        let case = Self { dir: tempfile::tempdir().unwrap(), variables: Vec::new(), flags: Vec::new() };
        case.write("config.toml", text, mode);
        case.write("open.token", SECRET, 0o644);
        case.write("desk.token", &format!("{SECRET}\n"), 0o600);
        case
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, name: &'static str, key: &'static str, value: impl Into<Value>) -> Self {
        self.flags.push(Flag { name, key, value: value.into() });
        self
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let environment: Environment = self.variables.iter().cloned().collect();
        let path = self.dir.path().join("config.toml");
        load(&Request { named: Some(&path), environment: &environment, flags: self.flags.clone(), kinds: &KINDS })
    }

    fn error(&self) -> String {
        let error = match self.load() {
            Ok(config) => panic!("was accepted: {config:?}"),
            Err(error) => error,
        };
        assert!(!format!("{error:?} {error}").contains(SECRET), "a secret in {error:?}");
        error.to_string().replace(&self.dir.path().display().to_string(), "DIR")
    }
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let file = "[board]\ntitle = \"file\"\ntheme = \"file\"\nclock = \"12h\"\n";
    let case = Case::new(file)
        .variable("HELPTOP__BOARD__TITLE", "variable")
        .variable("HELPTOP__BOARD__THEME", "variable")
        .variable("HELPTOP__LOG__LEVEL", "debug")
        .flag("--theme", "board.theme", "flag");
    let config = case.load().unwrap();
    assert_eq!(config.board.title, "variable");
    assert_eq!(config.board.theme, "flag");
    assert_eq!(config.board.clock, Clock::Twelve);
    assert_eq!(config.log.level, Level::Debug);
    assert!(config.board.mouse);
    let place = |key: &str| config.places.of(key).replace(&case.dir.path().display().to_string(), "DIR");
    assert_eq!(place("board.title"), "$HELPTOP__BOARD__TITLE");
    assert_eq!(place("board.theme"), "--theme");
    assert_eq!(place("board.clock"), "DIR/config.toml:4");
    assert_eq!(place("board.mouse"), "DIR/config.toml:1");
    assert_eq!(place("log.file"), "DIR/config.toml");
}

#[test]
fn variables_take_the_type_of_their_key() {
    let config = Case::new("[thresholds.team.\"Billing\"]\nlimit = \"1h\"\n")
        .variable("HELPTOP__BOARD__TITLE", "42")
        .variable("HELPTOP__BOARD__MOUSE", "false")
        .variable("HELPTOP__PRIVACY__MASK", "initials")
        .variable("HELPTOP__THRESHOLDS__WARN", "2m")
        .variable("HELPTOP__THRESHOLDS__TEAM__BILLING__WARN", "20m")
        .variable("HELPTOP__THRESHOLDS__TEAM__Night-Shift__LIMIT", "30m")
        .variable("HELPTOP__KEYS__QUIT", "q, ctrl-q")
        .variable("HELPTOP_CONFIG", "/not/read/because/of/--config")
        .load()
        .unwrap();
    assert_eq!((config.board.title.as_str(), config.board.mouse, config.mask), ("42", false, Mask::Initials));
    assert_eq!(config.keys["quit"], ["q", "ctrl-q"]);
    let minutes = |t: helptop::metrics::thresholds::Threshold| (t.warn.num_minutes(), t.limit.num_minutes());
    assert_eq!(minutes(config.thresholds.general), (2, 15));
    assert_eq!(minutes(config.thresholds.by_team["Billing"]), (20, 60));
    assert_eq!(minutes(config.thresholds.by_team["Night-Shift"]), (2, 30));
}

#[test]
fn a_variable_that_means_nothing_is_refused() {
    for (name, value, message) in [
        (
            "HELPTOP__BOARD__TEHME",
            "x",
            "$HELPTOP__BOARD__TEHME: sets the unknown key `board.tehme`\n  did you mean HELPTOP__BOARD__THEME?",
        ),
        (
            "HELPTOP__BORD__THEME",
            "x",
            "$HELPTOP__BORD__THEME: sets the unknown key `bord`\n  did you mean HELPTOP__BOARD?",
        ),
        ("HELPTOP__BOARD", "x", "$HELPTOP__BOARD: `board` is a table, not a key\n  name a key in it"),
        (
            "HELPTOP__BOARD__MOUSE",
            "maybe",
            "$HELPTOP__BOARD__MOUSE: `board.mouse` is not true or false: `maybe`\n  set it to true or false",
        ),
        (
            "HELPTOP__BOARD__CLOCK",
            "25h",
            "$HELPTOP__BOARD__CLOCK: `board.clock`: unknown variant `25h`, expected `24h` or `12h`\n  `helptop print config` shows every key and how it is written",
        ),
        (
            "HELPTOP__SOURCE__0__TOKEN",
            SECRET,
            "$HELPTOP__SOURCE__0__TOKEN: no key can be set here by a variable\n  set it in the config file",
        ),
        (
            "HELPTOP__SOURCE",
            SECRET,
            "$HELPTOP__SOURCE: sources can't be set by a variable\n  write a [[source]] in the config file; its secrets may come from variables: token = { env = \"NAME\" }",
        ),
    ] {
        assert_eq!(Case::new("").variable(name, value).error(), message);
    }
}

#[test]
fn thresholds_in_the_wrong_order_are_blamed_on_what_was_set_last() {
    let warn = |text: &str| Case::new(text).variable("HELPTOP__THRESHOLDS__WARN", "20m").error();
    for text in ["", "[thresholds]\nlimit = \"10m\"\n", "[thresholds]\nwarn = \"1m\"\nlimit = \"10m\"\n"] {
        assert!(
            warn(text).starts_with("$HELPTOP__THRESHOLDS__WARN: `thresholds`: warn (20m) is longer than"),
            "{text}"
        );
    }
    let team = Case::new("[thresholds.team.\"Night-Shift\"]\nlimit = \"10m\"\n");
    let error = team.variable("HELPTOP__THRESHOLDS__TEAM__NIGHT-SHIFT__WARN", "20m").error();
    assert!(error.starts_with("$HELPTOP__THRESHOLDS__TEAM__NIGHT-SHIFT__WARN: "), "{error}");
    let below = format!("{}[thresholds]\nwarn = \"20m\"\nlimit = \"10m\"\n", "\n".repeat(7));
    let error = Case::new(&below).error();
    assert!(error.contains("config.toml:10: "), "line 10 comes after line 9: {error}");
}

#[test]
fn a_source_is_handed_over_with_its_secret_and_its_defaults() {
    let text = "[[source]]\nkind = \"tickets\"\nbase_url = \"https://x.example\"\ntoken = { file = \"desk.token\" }\nqueues = [\"A\"]\n\n\
                [[source]]\nname = \"two\"\nkind = \"demo\"\ninterval = \"1m\"\nquota_share = 1\nbackfill = \"0d\"\nseed = 7\n";
    // Others may read this file: there is no secret in it.
    let case = Case::with_mode(text, 0o644);
    let config = case.load().unwrap();
    let [desk, demo] = &config.sources[..] else { panic!("{:?}", config.sources) };
    assert_eq!((desk.spec.name.as_str(), desk.kind.name), ("tickets", "tickets"));
    assert_eq!(desk.spec.settings, json!({"base_url": "https://x.example", "token": SECRET, "queues": ["A"]}));
    assert_eq!((desk.interval, desk.spec.backfill), (Duration::from_secs(15), Duration::from_hours(24)));
    assert!((desk.quota_share - 0.5).abs() < 1e-9);
    assert_eq!(desk.spec.base, case.dir.path());
    assert_eq!(desk.place, format!("{}/config.toml:1", case.dir.path().display()));
    assert_eq!((demo.spec.name.as_str(), demo.interval), ("two", Duration::from_mins(1)));
    assert_eq!((demo.spec.backfill, &demo.spec.settings), (Duration::ZERO, &json!({"seed": 7})));
    assert!(demo.place.ends_with("config.toml:7"), "{}", demo.place);
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn a_literal_is_accepted_where_nobody_else_can_read_it() {
    let text = format!("[[source]]\nkind = \"tickets\"\ntoken = \"{SECRET}\"\n");
    let config = Case::with_mode(&text, 0o600).load().unwrap();
    assert_eq!(config.sources[0].spec.settings["token"], SECRET);
    assert!(Case::with_mode(&text, 0o640).error().contains("others can read (mode 0640)"));
}

#[test]
fn what_a_kind_refuses_is_located_and_holds_no_secret() {
    let case = Case::new("[[source]]\nkind = \"tickets\"\ntoken = { file = \"desk.token\" }\nbase_url = \"x\"\n");
    let config = case.load().unwrap();
    let problem = config.build(&config.sources[0]).err().unwrap();
    assert_eq!(problem.place, format!("{}/config.toml:4", case.dir.path().display()));
    assert_eq!(problem.what, "source `tickets`: base_url: \"x\" is no address (token \"…\")");
}

#[test]
fn a_command_that_reads_no_source_needs_no_secret() {
    let case = Case::new("[board]\ntitle = \"ACME\"\n[[source]]\nkind = \"tickets\"\ntoken = { env = \"NO_SUCH\" }\n");
    let environment = Environment::default();
    let path = case.dir.path().join("config.toml");
    let request = Request { named: Some(&path), environment: &environment, flags: Vec::new(), kinds: &KINDS };
    let config = load_without_sources(&request).unwrap();
    assert_eq!((config.board.title.as_str(), config.sources.len()), ("ACME", 0));
    assert!(load(&request).is_err());
}

#[test]
fn the_real_kinds_refuse_what_they_cannot_use_by_line() {
    for (kind, line, message) in [
        ("rt", "base_url = \"http://desk.example.com\"", "config.toml:4: source `desk`: base_url: "),
        ("rt", "base_url = 5", "config.toml:4: source `desk`: base_url: invalid type: integer `5`"),
        (
            "rt",
            "queues = \"Support\"\nbase_url = \"https://desk.example.com\"",
            "config.toml:4: source `desk`: queues: ",
        ),
        ("chatwoot", "account = 1", "source `desk`: token: is missing"),
        ("demo", "agents = 0", "config.toml:4: source `desk`: agents "),
        ("demo", "seed = -1", "config.toml:4: source `desk`: seed: "),
    ] {
        let case = Case::new(&format!("[[source]]\nkind = \"{kind}\"\nname = \"desk\"\n{line}\n"));
        let environment = Environment::default();
        let path = case.dir.path().join("config.toml");
        let request = Request { named: Some(&path), environment: &environment, flags: Vec::new(), kinds: REGISTRY };
        let config = load(&request).unwrap();
        let problem = config.build(&config.sources[0]).err().unwrap().to_string();
        assert!(problem.contains(message), "{problem}");
    }
}

#[test]
fn a_log_file_starts_where_it_is_named() {
    let case = Case::new("[log]\nfile = \"helptop.log\"\n");
    assert_eq!(case.load().unwrap().log.file, Some(case.dir.path().join("helptop.log")));
    let case = case.flag("--log-file", "log.file", "here.log");
    assert_eq!(case.load().unwrap().log.file, Some(PathBuf::from("here.log")));
}

#[test]
fn without_a_file_there_are_the_defaults_and_no_source() {
    let environment = Environment::default();
    let config = load(&Request { named: None, environment: &environment, flags: Vec::new(), kinds: &KINDS }).unwrap();
    assert_eq!((config.path, config.sources.len()), (None, 0));
    assert_eq!(config.thresholds.general.limit, TimeDelta::minutes(15));
    let gone = Path::new("/no/such/config.toml");
    let named = load(&Request { named: Some(gone), environment: &environment, flags: Vec::new(), kinds: &KINDS });
    assert!(named.unwrap_err().to_string().contains("there is no such config file"));
}

/// The lines that begin with `#? ` are the whole message; `# mode` sets the permissions.
#[test]
fn every_broken_config_is_refused_with_its_message() {
    let update = std::env::var_os("HELPTOP_UPDATE").is_some();
    let mut seen = 0;
    for entry in fs::read_dir("tests/invalid_configs").unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mode = text.strip_prefix("# mode ").map_or(0o600, |rest| u32::from_str_radix(&rest[..4], 8).unwrap());
        let body: String = text.split_inclusive('\n').filter(|line| !line.starts_with("#? ")).collect();
        let message = Case::with_mode(&body, mode).error();
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#? ")).collect();
        if update {
            let marked: String = message.lines().flat_map(|line| ["#? ", line, "\n"]).collect();
            fs::write(&path, body + &marked).unwrap();
        } else {
            assert_eq!(message, expected.join("\n"), "{}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 28, "{seen}");
}

/// The example without the marks of its examples.
fn uncommented() -> String {
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_says_the_defaults() {
    let written: File = toml::from_str(EXAMPLE).unwrap();
    assert_eq!(written, File::default());
}

#[test]
fn the_example_names_every_key() {
    fn keys(schema: &Value, found: &mut Vec<String>) {
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            found.push(key.clone());
            keys(schema, found);
            keys(&schema["items"], found);
            keys(&schema["additionalProperties"], found);
        }
    }
    let mut wanted = Vec::new();
    keys(&helptop::config::schema::full(&[]), &mut wanted);
    for kind in REGISTRY {
        wanted.push(kind.name.to_owned());
        keys(&(kind.schema)().to_value(), &mut wanted);
    }
    let text = uncommented();
    for key in wanted {
        let is_there = text.lines().any(|line| {
            line.starts_with(&format!("{key} ="))
                || line.starts_with('[') && line.contains(&key)
                || line == format!("kind = \"{key}\"")
        });
        assert!(is_there, "config.example.toml does not name `{key}`");
    }
}

#[test]
fn the_uncommented_example_is_a_good_config() {
    let text = uncommented();
    let mut case = Case::new(&text);
    for name in [
        "RT_TOKEN",
        "OUR_KEY",
        "CALLBELL_TOKEN",
        "CHATWOOT_TOKEN",
        "GORGIAS_TOKEN",
        "INTERCOM_TOKEN",
        "ZENDESK_CLIENT_SECRET",
    ] {
        case = case.variable(name, SECRET);
    }
    case.write("rt.password", SECRET, 0o600);
    case.write("zendesk.token", SECRET, 0o600);
    case.write("zammad.token", SECRET, 0o600);
    let environment: Environment = case.variables.iter().cloned().collect();
    let path = case.dir.path().join("config.toml");
    let config = load(&Request { named: Some(&path), environment: &environment, flags: Vec::new(), kinds: REGISTRY });
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    for kind in REGISTRY {
        assert!(config.sources.iter().any(|source| source.kind.name == kind.name), "no source of kind {}", kind.name);
    }
    for source in &config.sources {
        config.build(source).map_err(|problem| panic!("{problem}")).unwrap();
    }
    assert_eq!(config.thresholds.by_team["Billing"].limit, TimeDelta::minutes(30));
    assert_eq!(config.keys["quit"], ["q", "ctrl-q"]);
}
