//! What the documents show works: links, events, configs, the script of the README.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;
use std::process::Command;

use helptop::event::{EventKind, parse_line};
use helptop::source::REGISTRY;
use strum::VariantNames;

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "CHANGELOG.md",
    "docs/events.md",
    "docs/metrics.md",
    "docs/figures.md",
    "docs/decisions.md",
    "docs/sources.md",
];

/// All of them, with the page of each kind of source.
fn documents() -> Vec<String> {
    let folders = ["docs/sources", "docs/sources/transcripts"].into_iter();
    let pages = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|page| page.unwrap().path());
    let pages = pages.filter(|path| path.is_file()).map(|path| path.to_str().unwrap().to_owned());
    DOCUMENTS.map(str::to_owned).into_iter().chain(pages).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

/// The code blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(&format!("{language}\n"))).map(str::to_owned).collect()
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let mut seen = 0;
    for document in documents() {
        let folder = Path::new(&document).parent().unwrap();
        for link in read(&document).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !link.starts_with("http") && !file.is_empty() {
                assert!(folder.join(file).exists(), "{document}: {link}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}

/// `HELPTOP_UPDATE=1 cargo test --test docs` writes it anew.
#[test]
fn the_page_of_figures_is_current() {
    let mut page = Vec::new();
    helptop::output::history::write_figures(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    if std::env::var_os("HELPTOP_UPDATE").is_some() {
        fs::write("docs/figures.md", &page).unwrap();
    }
    assert!(read("docs/figures.md") == page, "docs/figures.md is old: run HELPTOP_UPDATE=1 cargo test --test docs");
    for row in helptop::metrics::history::REGISTRY {
        assert!(page.contains(&format!("\n| `{}` | {} |", row.key, row.title)), "{}", row.key);
    }
}

/// `HELPTOP_UPDATE=1 cargo test --test docs` writes it anew.
#[test]
fn the_page_of_sources_is_current() {
    let mut page = Vec::new();
    helptop::output::write_sources(&mut page, REGISTRY).unwrap();
    let page = String::from_utf8(page).unwrap();
    if std::env::var_os("HELPTOP_UPDATE").is_some() {
        fs::write("docs/sources.md", &page).unwrap();
    }
    assert!(read("docs/sources.md") == page, "docs/sources.md is old: run HELPTOP_UPDATE=1 cargo test --test docs");
    for kind in REGISTRY {
        assert!(page.contains(&format!("\n| `{}` | {} |", kind.name, kind.title)), "{}", kind.name);
    }
}

#[test]
fn the_events_shown_are_events() {
    let text = read("docs/events.md");
    let lines: Vec<String> = blocks(&text, "json").iter().flat_map(|block| block.lines()).map(str::to_owned).collect();
    assert!(lines.len() >= 8);
    for line in lines {
        parse_line(line.as_bytes()).unwrap_or_else(|reject| panic!("{line}: {reject}"));
    }
}

#[test]
fn every_type_of_event_has_its_row() {
    let text = read("docs/events.md");
    for name in EventKind::VARIANTS {
        assert!(text.contains(&format!("\n| `{name}` |")), "{name}");
    }
}

#[test]
fn the_script_of_the_readme_prints_events() {
    let script = blocks(&read("README.md"), "sh").into_iter().find(|block| block.starts_with("#!")).unwrap();
    assert_eq!(script.lines().count(), 5);
    // Once round the loop instead of for ever.
    let once = script.replace("sleep 10", "[ -z \"$again\" ]").replace("; done", "; again=no; done");
    let output = Command::new("sh").arg("-c").arg(once).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 7, "{lines}");
    for line in lines.lines() {
        parse_line(line.as_bytes()).unwrap_or_else(|reject| panic!("{line}: {reject}"));
    }
}

#[test]
fn the_configs_of_the_readme_are_good() {
    let configs = blocks(&read("README.md"), "toml");
    assert_eq!(configs.len(), 2);
    for config in configs {
        let file: helptop::config::file::File = toml::from_str(&config).unwrap();
        let known = helptop::config::schema::full(helptop::source::REGISTRY);
        let source = &file.source[0];
        let alternatives = known.pointer("/properties/source/items/oneOf").unwrap().as_array().unwrap();
        let Some(kind) = alternatives.iter().find(|kind| kind["title"] == source.kind.as_str()) else { continue };
        for key in source.settings.0.keys() {
            assert!(kind["properties"].get(key).is_some(), "{}: {key}", source.kind);
        }
    }
}
