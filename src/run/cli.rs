//! The command line, and nothing but it: imports nothing of this crate, so that the man page, the completions and
//! the docs are made from the same definition.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// htop for your help desk: who waits for an answer, how long, and who is there to give it.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(
    name = "helptop",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Without a command it shows the board of the desks in the config file; with no config file, a \
                  simulated desk, marked DEMO.\n\nExamples:\n  helptop\n  helptop --config ~/desk.toml --theme light\n  \
                  helptop snapshot --format json | jq .totals\n\nExit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Cli {
    /// What to do; the board when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Flags of every command; they go above the environment and the config file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct Global {
    /// The config file.
    #[arg(
        long,
        short = 'c',
        global = true,
        value_name = "FILE",
        help_heading = "Global options",
        help = "The config file [default: $HELPTOP_CONFIG, then $XDG_CONFIG_HOME/helptop/config.toml]"
    )]
    pub config: Option<PathBuf>,
    /// The theme by name, see `helptop print themes`
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub theme: Option<String>,
    /// Leave the mouse to the terminal
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_mouse: bool,
    /// Write a log to this file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub log_file: Option<PathBuf>,
    /// How much goes to the log
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Global options")]
    pub log_level: Option<LogLevel>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Show the board of a simulated desk: no account, no network
    #[command(after_help = format!(
        "Example:\n  helptop demo --agents 200 --chats 5000 --speed 10\n\n{EXIT_CODES}"
    ))]
    Demo(Demo),
    /// Show the board over a recorded event stream
    #[command(after_help = format!(
        "Example:\n  helptop replay monday.jsonl --at 2026-03-02T09:00:00Z --speed 20\n\n{EXIT_CODES}"
    ))]
    Replay(Replay),
    /// Print the live state once: who holds what, who waits how long
    #[command(after_help = format!(
        "Examples:\n  helptop snapshot --format json | jq '.unanswered[0]'\n  \
         helptop snapshot --events monday.jsonl --at 2026-03-02T12:00:00Z --format csv > noon.csv\n\n{EXIT_CODES} \
         1 also when a configured source could not be read; what the others gave is printed all the same."
    ))]
    Snapshot(Snapshot),
    /// Print the figures of a range of time: how many, how fast, how well, and at what cost
    #[command(after_help = format!(
        "Examples:\n  helptop report --events monday.jsonl --by agent\n  \
         helptop report --events 2026.jsonl --month 2026-10 --by day --tz Europe/Berlin --format csv > october.csv\n  \
         helptop report --events 2026.jsonl --from 2026-03-02 --to 2026-03-09 --team Billing --format json | jq .total\n\n\
         docs/figures.md says what each figure means.\n\n{EXIT_CODES}"
    ))]
    Report(Box<Report>),
    /// Print the event stream that the sources give, one JSON object a line
    #[command(after_help = format!(
        "Examples:\n  helptop events > now.jsonl\n  helptop events --follow | jq -c 'select(.type == \"assigned\")'\n\n\
         {EXIT_CODES}"
    ))]
    Events(Events),
    /// Put a recorded event stream into the store, for the history and for reports
    #[command(after_help = format!(
        "Examples:\n  helptop import monday.jsonl\n  zcat 2025.jsonl.gz | helptop import - --source desk\n\n\
         What is there already is not kept twice: importing a file again changes nothing.\n\n{EXIT_CODES}"
    ))]
    Import(Import),
    /// Set up a help desk: asks what is needed, tries it, writes the config
    #[command(after_help = format!(
        "Examples:\n  helptop init\n  helptop init --vendor rt --set base_url=https://desk.example.com --secret-env RT_TOKEN\n\n\
         Nothing is written of a desk that can't be read, and with --anyway only of one of which a part can.\n\n{EXIT_CODES}"
    ))]
    Init(Init),
    /// Check each source: reachable, authorised, what may be read, what is left of the quota
    #[command(after_help = format!(
        "Examples:\n  helptop doctor && echo all good\n  helptop doctor --trace ours\n\n{EXIT_CODES} 1 when a source can't be read."
    ))]
    Doctor(Doctor),
    /// Print what the program knows of itself
    #[command(after_help = format!(
        "Examples:\n  mkdir -p ~/.config/helptop && helptop print config > ~/.config/helptop/config.toml\n  \
         mkdir -p ~/.local/share/bash-completion/completions\n  \
         helptop print completions bash > ~/.local/share/bash-completion/completions/helptop\n  helptop print man | man -l -\n\n{EXIT_CODES}"
    ))]
    Print {
        /// Which part of it
        #[command(subcommand)]
        what: Print,
    },
}

/// Flags of `demo`.
#[derive(Debug, Clone, Copy, PartialEq, Args)]
pub struct Demo {
    /// The same seed gives the same day
    #[arg(long, value_name = "N", default_value_t = Demo::DEFAULT.seed)]
    pub seed: u64,
    /// How many agents
    #[arg(long, value_name = "N", default_value_t = Demo::DEFAULT.agents, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub agents: u32,
    /// How many open chats it hovers around
    #[arg(long, value_name = "N", default_value_t = Demo::DEFAULT.chats, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub chats: u32,
    /// How many times faster than life
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

impl Demo {
    /// Without any flag.
    pub const DEFAULT: Self = Self { seed: 1, agents: 12, chats: 300, speed: 1.0 };
}

/// Flags of `replay`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Replay {
    /// The recording: JSON Lines, see docs/events.md
    pub file: PathBuf,
    /// How many times faster than life
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Where to begin [default: at its first event]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub at: Option<DateTime<Utc>>,
}

/// Flags of `snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Snapshot {
    /// For people (table), programs (json), spreadsheets (csv) or chat (markdown)
    #[arg(long, short = 'f', value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Read a recorded event stream instead of the configured sources; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// The instant to look at [default: now; of a recording, its last event]
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "events")]
    pub at: Option<DateTime<Utc>>,
    /// Fail on the first line of the recording that can't be read
    #[arg(long, requires = "events")]
    pub strict: bool,
}

/// Flags of `report`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Report {
    /// The first instant: RFC 3339 with a zone, or a day in --tz [default: of a recording, its first event]
    #[arg(long, value_name = "TIME", conflicts_with_all = ["since", "last_week", "month"])]
    pub from: Option<String>,
    /// The first instant after the range, likewise; a day ends the range where it begins [default: now; of a
    /// recording, after its last event]
    #[arg(long, value_name = "TIME", conflicts_with_all = ["last_week", "month"])]
    pub to: Option<String>,
    /// So long a time before --to, such as 7d
    #[arg(long, value_name = "LENGTH", conflicts_with_all = ["last_week", "month"])]
    pub since: Option<String>,
    /// The last whole week, from Monday to Sunday
    #[arg(long, conflicts_with = "month")]
    pub last_week: bool,
    /// A whole month, such as 2026-10
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<String>,
    /// Group the figures
    #[arg(long, value_enum)]
    pub by: Option<By>,
    /// The zone whose days and hours count, such as Europe/Berlin [default: the system's]
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Only these sources, by name; each filter may be given several times
    #[arg(long, value_name = "NAME", help_heading = "Filters")]
    pub source: Vec<String>,
    /// Only conversations and agents of these teams, by id or name
    #[arg(long, value_name = "NAME", help_heading = "Filters")]
    pub team: Vec<String>,
    /// Only what belongs to these agents, by id or name
    #[arg(long, value_name = "NAME", help_heading = "Filters")]
    pub agent: Vec<String>,
    /// Only conversations of these channels
    #[arg(long, value_name = "WORD", help_heading = "Filters")]
    pub channel: Vec<String>,
    /// Only conversations of these customers, by id or name
    #[arg(long, value_name = "NAME", help_heading = "Filters")]
    pub customer: Vec<String>,
    /// Only conversations of customers in these segments
    #[arg(long, value_name = "WORD", help_heading = "Filters")]
    pub segment: Vec<String>,
    /// Only conversations with one of these tags
    #[arg(long, value_name = "WORD", help_heading = "Filters")]
    pub tag: Vec<String>,
    /// Only what was routed under these keywords
    #[arg(long, value_name = "WORD", help_heading = "Filters")]
    pub keyword: Vec<String>,
    /// For people (table), programs (json), spreadsheets (csv) or chat (markdown)
    #[arg(long, short = 'f', value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Read a recorded event stream; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Fail on the first line of the recording that can't be read
    #[arg(long, requires = "events")]
    pub strict: bool,
}

/// What a report is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum By {
    /// By who did it
    Agent,
    /// By the conversation's team
    Team,
    /// By the conversation's channel
    Channel,
    /// By the conversation's customer
    Customer,
    /// By the customer's segment
    Segment,
    /// By the routing bot's keyword
    Keyword,
    /// By each of the conversation's tags
    Tag,
    /// By day of --tz
    Day,
    /// By hour of the day in --tz
    Hour,
    /// By weekday and hour in --tz
    WeekdayHour,
    /// By page of the help centre
    Article,
}

/// Flags of `import`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Import {
    /// The recording, one event a line (docs/events.md); `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The name of the source that it is of, as in the config [default: the file's name without its ending]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Write every line that can't be read to this file, with its number and the reason
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Fail on the first line that can't be read
    #[arg(long)]
    pub strict: bool,
}

/// Flags of `init`; what they leave out is asked.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Init {
    /// What to set up, by the name of its kind
    #[arg(long, value_name = "NAME")]
    pub vendor: Option<String>,
    /// A setting; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The environment variable that holds the secret; where there are several, with the key of each
    #[arg(long, value_name = "[KEY=]VARIABLE")]
    pub secret_env: Vec<String>,
    /// Its name on the board [default: the kind's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Write it also where only a part of it can be read
    #[arg(long)]
    pub anyway: bool,
}

/// Flags of `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Events {
    /// Go on printing what happens, until interrupted
    #[arg(long)]
    pub follow: bool,
}

/// Flags of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Doctor {
    /// Show one poll of this source step by step: each request, its answer, what a program made of it, the events.
    /// Secrets are left out; what customers wrote is not
    #[arg(long, value_name = "SOURCE")]
    pub trace: Option<String>,
}

/// What `print` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Print {
    /// A config file with every key, its default and what it does
    #[command(
        after_help = "Example:\n  mkdir -p ~/.config/helptop && helptop print config > ~/.config/helptop/config.toml"
    )]
    Config,
    /// The keys of the board and what they do, with those of the config
    #[command(after_help = "Example:\n  helptop print keys")]
    Keys,
    /// The names of the themes there are
    #[command(after_help = "Example:\n  helptop --theme \"$(helptop print themes | shuf -n 1)\"")]
    Themes,
    /// What every figure of a report means, as a page
    #[command(after_help = "Example:\n  helptop print figures | grep csat")]
    Figures,
    /// What each kind of source can and can't tell, as a page
    #[command(after_help = "Example:\n  helptop print sources | less")]
    Sources,
    /// A JSON schema
    #[command(after_help = "Example:\n  helptop print schema config > helptop.schema.json")]
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t = SchemaOf::Config)]
        of: SchemaOf,
    },
    /// Completions for a shell
    #[command(after_help = "Example:\n  mkdir -p ~/.zfunc && helptop print completions zsh > ~/.zfunc/_helptop")]
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// The man page
    #[command(after_help = "Example:\n  helptop print man | man -l -")]
    Man,
}

/// The forms of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs, to the contract of docs/metrics.md
    Json,
    /// For spreadsheets
    Csv,
    /// For chat and wikis
    Markdown,
}

/// What there are schemas of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The config file
    Config,
    /// What `snapshot --format json` prints
    Snapshot,
    /// What `report --format json` prints
    Report,
    /// A line of the event stream
    Event,
}

/// How much goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing
    Off,
    /// What failed
    Error,
    /// What looks wrong
    Warn,
    /// What happened
    Info,
    /// How it happened
    Debug,
    /// Everything
    Trace,
}

impl LogLevel {
    /// The word of the config file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 && speed <= 1e6 => Ok(speed),
        _ => Err("not a speed: give a number above 0, such as 1, 0.5 or 60".to_owned()),
    }
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).map_err(|e| {
        format!("{e}: give RFC 3339 with a zone, such as 2026-03-02T09:15:00Z or 2026-03-02T10:15:00+01:00")
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        fn visit(command: &mut clap::Command, seen: &mut usize) {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{} has no example:\n{help}", command.get_name());
            assert!(command.get_about().is_some(), "{} has no description", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {} has no help", command.get_name(), argument.get_id());
            }
            *seen += 1;
            let subcommands = command.get_subcommands_mut().filter(|sub| sub.get_name() != "help");
            subcommands.for_each(|sub| visit(sub, seen));
        }
        let mut seen = 0;
        visit(&mut Cli::command(), &mut seen);
        assert_eq!(seen, 18);
    }

    #[test]
    fn no_command_is_the_board_and_flags_may_stand_anywhere() {
        assert_eq!(parse("helptop").unwrap().command, None);
        let cli = parse("helptop demo --seed 7 --theme light --no-mouse").unwrap();
        let Some(Command::Demo(demo)) = cli.command else { panic!("not demo") };
        assert_eq!((demo.seed, demo.agents, demo.chats), (7, 12, 300));
        assert_eq!((cli.global.theme.as_deref(), cli.global.no_mouse), (Some("light"), true));
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "helptop frobnicate",
            "helptop demo --speed 0",
            "helptop demo --speed nan",
            "helptop demo --agents 0",
            "helptop replay",
            "helptop snapshot --events f --at yesterday",
            "helptop snapshot --events f --at 2026-03-02T09:15:00",
            "helptop snapshot --at 2026-03-02T09:15:00Z",
            "helptop snapshot --strict",
            "helptop snapshot --format xml",
            "helptop print completions tcsh",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert_ne!(error.kind(), ErrorKind::DisplayHelp, "{line}");
        }
    }

    #[test]
    fn an_instant_keeps_its_zone_in_mind() {
        let cli = parse("helptop snapshot --events f --at 2026-03-02T10:15:00+01:00").unwrap();
        let Some(Command::Snapshot(snapshot)) = cli.command else { panic!("not snapshot") };
        assert_eq!(snapshot.at.unwrap().to_rfc3339(), "2026-03-02T09:15:00+00:00");
    }
}
