//! What the program knows of itself, printed: config, schemas, completions, man pages, keys and themes.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use schemars::generate::SchemaSettings;

use super::cli::{Cli, SchemaOf};
use crate::config;
use crate::event::Event;
use crate::output::SnapshotReport;
use crate::output::history::JsonReport;
use crate::source::Kind;

/// The config file with every key, its default and what it does.
pub fn config(out: &mut impl Write) -> io::Result<()> {
    out.write_all(config::EXAMPLE.as_bytes())
}

/// A row of the key map: the action's name, its keys, what it does.
pub type KeyRow<'a> = (&'a str, String, &'a str);

/// The keys of the board, one action a line, aligned.
pub fn keys(out: &mut impl Write, rows: &[KeyRow<'_>]) -> io::Result<()> {
    let width = |cells: &mut dyn Iterator<Item = usize>| cells.max().unwrap_or_default();
    let name_width = width(&mut rows.iter().map(|(name, ..)| name.chars().count()));
    let keys_width = width(&mut rows.iter().map(|(_, keys, _)| keys.chars().count()));
    for (name, keys, help) in rows {
        writeln!(out, "{name:name_width$}  {keys:keys_width$}  {help}")?;
    }
    Ok(())
}

/// The names of the themes, one a line.
pub fn themes<'a>(out: &mut impl Write, names: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    names.into_iter().try_for_each(|name| writeln!(out, "{name}"))
}

/// A JSON schema, readable.
pub fn schema(out: &mut impl Write, of: SchemaOf, kinds: &[Kind]) -> io::Result<()> {
    let schema = match of {
        SchemaOf::Config => config::schema::full(kinds),
        SchemaOf::Snapshot => SnapshotReport::schema(),
        SchemaOf::Report => JsonReport::schema(),
        SchemaOf::Event => event_schema(),
    };
    serde_json::to_writer_pretty(&mut *out, &schema)?;
    out.write_all(b"\n")
}

fn event_schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Event>().to_value()
}

/// Completions for a shell.
pub fn completions(out: &mut impl Write, shell: Shell) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "helptop", &mut script);
    out.write_all(&script)
}

/// The man page: the program, then each of its commands.
pub fn man(out: &mut impl Write) -> io::Result<()> {
    let mut program = Cli::command();
    program.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(program.clone()).render(&mut page)?;
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        command_section(&mut page, command)?;
    }
    // One page holds all commands, so it names them and not pages of their own.
    let page = String::from_utf8_lossy(&page).replace(" EXTRA\n", " EXAMPLES\n");
    let page = program.get_subcommands().fold(page, |page, command| {
        let name = command.get_name();
        page.replace(&format!("helptop\\-{name}(1)"), &format!("helptop {name}"))
    });
    out.write_all(page.as_bytes())
}

/// The page of a command as a section of the program's: its headings one step lower.
fn command_section(out: &mut Vec<u8>, command: &clap::Command) -> io::Result<()> {
    let own = command.clone().mut_args(|argument| {
        let is_told_before = argument.is_global_set() || matches!(argument.get_id().as_str(), "help" | "version");
        argument.hide(is_told_before)
    });
    let man = clap_mangen::Man::new(own);
    let title = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_uppercase();
    let mut section = Vec::new();
    man.render_description_section(&mut section)?;
    man.render_synopsis_section(&mut section)?;
    man.render_options_section(&mut section)?;
    writeln!(out, ".SH {title}")?;
    out.write_all(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").as_bytes())?;
    for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
        let help = part.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n{}\n{help}", part.get_name())?;
    }
    let mut examples = Vec::new();
    man.render_extra_section(&mut examples)?;
    out.write_all(String::from_utf8_lossy(&examples).replace(".SH ", ".SS ").as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn there_are_completions_for_every_shell() {
        for &shell in Shell::value_variants() {
            let mut out = Vec::new();
            completions(&mut out, shell).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains("snapshot") && text.contains("doctor"), "{shell}");
        }
    }

    #[test]
    fn completions_that_nobody_takes_are_an_error() {
        for &shell in Shell::value_variants() {
            assert!(completions(&mut [0; 8].as_mut_slice(), shell).is_err(), "{shell}");
        }
    }

    #[test]
    fn the_man_page_tells_of_every_command() {
        let mut out = Vec::new();
        man(&mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(page.contains(".TH helptop 1"), "{page}");
        for heading in ["HELPTOP DEMO", "HELPTOP REPLAY", "HELPTOP SNAPSHOT", "HELPTOP EVENTS", "HELPTOP DOCTOR"] {
            assert!(page.contains(&format!(".SH {heading}\n")), "{heading}");
        }
        assert!(page.contains("strict") && page.contains("noon.csv") && page.contains("completions"), "{page}");
        assert!(!page.contains("(1)\n") && !page.contains("EXTRA"), "{page}");
    }

    #[test]
    fn keys_and_themes_are_listed_aligned() {
        let mut out = Vec::new();
        keys(&mut out, &[("quit", "q, ctrl-c".into(), "leave"), ("next_row", "j".into(), "one row down")]).unwrap();
        themes(&mut out, ["dark", "light"]).unwrap();
        let expected = "quit      q, ctrl-c  leave\nnext_row  j          one row down\ndark\nlight\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
