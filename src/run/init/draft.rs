//! The config file with one more source: written beside it first, and put in its place when the source was tried.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::run::failure::Failure;

/// A config file that is not in its place yet; gone when it is let go.
pub struct Draft {
    path: PathBuf,
    target: PathBuf,
    /// The file itself, where the target is a link to it.
    place: PathBuf,
}

impl Draft {
    /// What is in the file, with a source behind it.
    pub fn write(target: &Path, name: &str, kind: &str, settings: &Map<String, Value>) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let path = target.display();
            Failure::failed(format!("{path}: cannot write the config: {error}\n  name another: --config FILE"))
        };
        let mut text = match fs::read_to_string(target) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        if !text.is_empty() {
            text.truncate(text.trim_end().len());
            text.push_str("\n\n");
        }
        text.push_str(&table(name, kind, settings)?);
        let place = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let draft = Self { path: target.with_extension("toml.new"), target: target.to_owned(), place };
        // What an earlier run left behind may be readable by others.
        let _ = fs::remove_file(&draft.path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)?;
        Ok(draft)
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place, readable for its owner only.
    pub fn keep(self) -> Result<(), Failure> {
        let moved = fs::set_permissions(&self.path, Permissions::from_mode(0o600)).and_then(|()| self.put());
        moved.map_err(|error| Failure::failed(format!("{}: cannot write it: {error}", self.target.display())))
    }

    /// A file of another disk can't be put there in one move; it is written beside it first.
    fn put(&self) -> io::Result<()> {
        let beside = self.place.with_extension("toml.new");
        if beside != self.path {
            fs::copy(&self.path, &beside)?;
            return fs::rename(&beside, &self.place);
        }
        fs::rename(&self.path, &self.place)
    }

    /// What is said of it, said of the file that it will be.
    pub fn in_words(&self, message: &str) -> String {
        message.replace(&*self.path.to_string_lossy(), &self.target.to_string_lossy())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone already where it was kept.
        let _ = fs::remove_file(&self.path);
    }
}

/// The source as it is written in a config.
fn table(name: &str, kind: &str, settings: &Map<String, Value>) -> Result<String, Failure> {
    let mut text = String::from("[[source]]\n");
    let common = [("name", Value::from(name)), ("kind", Value::from(kind))];
    let common = common.iter().map(|(key, value)| (*key, value));
    for (key, value) in common.chain(settings.iter().map(|(key, value)| (key.as_str(), value))) {
        let value = toml::Value::try_from(value)
            .map_err(|error| Failure::usage(format!("{key}: cannot be written in a config: {error}")))?;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{key} = {value}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_source_goes_behind_what_is_there_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/config.toml");
        let given = settings(&json!({"base_url": "https://h/\"x\"", "token": {"env": "T"}, "queues": ["a"]}));
        Draft::write(&target, "desk", "rt", &given).unwrap().keep().unwrap();
        let first = fs::read_to_string(&target).unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        Draft::write(&target, "other", "rt", &Map::new()).unwrap().keep().unwrap();
        let text = fs::read_to_string(&target).unwrap();
        assert!(text.starts_with(first.trim_end()), "{text}");
        let read: toml::Table = text.parse().unwrap();
        let sources = read["source"].as_array().unwrap();
        assert_eq!((sources.len(), sources[0]["base_url"].as_str()), (2, Some("https://h/\"x\"")));
        assert_eq!((sources[0]["token"]["env"].as_str(), sources[1]["name"].as_str()), (Some("T"), Some("other")));
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("dotfiles.toml"), folder.path().join("config.toml"));
        fs::write(&real, "[board]\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Draft::write(&link, "desk", "rt", &Map::new()).unwrap().keep().unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), real);
        assert!(fs::read_to_string(&real).unwrap().contains("[[source]]"));
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 2, "and nothing is left beside them");
    }

    #[test]
    fn a_draft_that_is_not_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        let draft = Draft::write(&target, "desk", "rt", &Map::new()).unwrap();
        assert_eq!(draft.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let said = draft.in_words(&format!("{}:3: no such key", draft.path().display()));
        assert_eq!(said, format!("{}:3: no such key", target.display()));
        drop(draft);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
