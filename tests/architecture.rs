//! The directions between modules and the other invariants of `src/lib.rs`, read from the sources.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use of the others.
const MAY_USE: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("text", &[]),
    ("length", &[]),
    ("desk", &["event"]),
    ("metrics", &["event", "desk"]),
    ("board", &["event", "desk", "metrics"]),
    ("source", &["event", "text", "length"]),
    ("store", &["event"]),
    ("poll", &["event", "source"]),
    ("app", &["event", "desk", "metrics", "board", "text"]),
    ("ui", &["event", "desk", "metrics", "board", "app", "text"]),
    ("term", &["event", "desk", "metrics", "board", "app", "ui", "text"]),
    ("output", &["event", "desk", "metrics", "board", "source", "text"]),
    ("config", &["event", "metrics", "source", "text", "length"]),
    (
        "run",
        &[
            "event", "desk", "metrics", "board", "source", "store", "poll", "app", "ui", "term", "output", "config",
            "text", "length",
        ],
    ),
];

/// Names that must not stand in a module, with the reason.
const BANNED: &[(&[&str], &[&str], &str)] = &[
    (
        &["event", "desk", "metrics", "board", "store", "app", "ui", "output", "text"],
        &["tokio", "reqwest", "async fn", "Mutex", "RwLock"],
        "is synchronous and takes no lock",
    ),
    (
        &["event", "desk", "metrics", "board", "source", "poll", "app", "output", "config"],
        &["ratatui"],
        "knows no screen",
    ),
    (
        &["event", "desk", "metrics", "board", "source", "poll", "output", "config", "ui"],
        &["crossterm"],
        "knows no terminal",
    ),
    (
        &["event", "desk", "metrics", "board", "source", "store", "app", "ui", "output", "config"],
        &["Utc::now", "Local::now", "Instant::now", "SystemTime::now"],
        "reads no clock",
    ),
    (
        &["event", "desk", "metrics", "board", "poll", "app", "ui", "term", "output", "config", "run", "text"],
        &["zendesk", "callbell", "gorgias", "chatwoot", "intercom", "zammad", "request tracker", "\"rt\""],
        "names no vendor",
    ),
    (&["source", "poll", "desk", "metrics", "board"], &["ExposeSecret"], "exposes no secret"),
];

/// The one place inside `source` where a secret is put on a request.
const EXPOSES_SECRETS: &str = "src/source/http";

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file without its unit tests and without remarks.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that a file's code names as `crate::x` or `helptop::x`.
fn used(code: &str) -> BTreeSet<String> {
    let names = ["crate::", "helptop::"].into_iter().flat_map(|root| code.split(root).skip(1));
    let mut found = BTreeSet::new();
    for rest in names {
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or_default();
            found.extend(group.split(',').map(|name| word(name.trim())));
        } else {
            found.insert(word(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// What a file breaks.
fn broken(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let code = code(text);
    let mut faults = Vec::new();
    if matches!(module, "lib" | "main" | "build") {
        return faults;
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: the module `{module}` is not on the map in tests/architecture.rs")];
    };
    for name in used(&code) {
        if name != module && MAY_USE.iter().any(|(known, _)| *known == name) && !allowed.contains(&name.as_str()) {
            faults.push(format!("{path}: `{module}` may not use `{name}`"));
        }
    }
    let lower = code.to_lowercase();
    for (modules, names, reason) in BANNED {
        for name in names.iter().filter(|_| modules.contains(&module)) {
            let found = if name.chars().any(char::is_uppercase) { code.contains(name) } else { lower.contains(name) };
            if found && !(path.starts_with(EXPOSES_SECRETS) && *name == "ExposeSecret") {
                faults.push(format!("{path}: `{name}`: `{module}` {reason}"));
            }
        }
    }
    faults
}

#[test]
fn every_file_keeps_to_the_directions() {
    let faults: Vec<_> = files(Path::new("src"))
        .iter()
        .flat_map(|path| broken(&path.to_string_lossy(), &fs::read_to_string(path).unwrap()))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long: Vec<_> = files(Path::new("src"))
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 500)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn the_check_sees_what_it_is_made_to_see() {
    let sees = |path: &str, text: &str, fault: &str| {
        let faults = broken(path, text);
        assert!(faults.iter().any(|one| one.contains(fault)), "{path}: {text}: {faults:?}");
    };
    sees("src/desk/mod.rs", "use crate::metrics::live;", "may not use `metrics`");
    sees("src/ui/mod.rs", "use crate::{board, source::Source};", "may not use `source`");
    sees("src/ui/mod.rs", "let now = Utc::now();", "reads no clock");
    sees("src/board/mod.rs", "async fn poll() {}", "is synchronous");
    sees("src/run/mod.rs", "match kind { \"zendesk\" => {} }", "names no vendor");
    sees("src/source/demo.rs", "use secrecy::ExposeSecret;", "exposes no secret");
    sees("src/novel/mod.rs", "", "not on the map");
    assert_eq!(broken("src/ui/x.rs", "// crate::source\nuse crate::board::Page;\n"), Vec::<String>::new());
    assert_eq!(broken("src/source/http/auth.rs", "use secrecy::ExposeSecret;"), Vec::<String>::new());
}
