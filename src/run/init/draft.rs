//! The config file with one more source: written beside it first, and put in its place when the source was tried.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::run::failure::Failure;

/// Links that are followed to the file itself; more lead in a circle.
const LINKS: usize = 32;
/// Names that are tried for a draft.
const NAMES: usize = 100;

/// A config file that is not in its place yet; gone when it is let go.
///
/// `path` and `place` are in folders without links, so that one file never has two names here.
pub struct Draft {
    /// Where the draft is: beside the target, for relative paths in it start there.
    path: PathBuf,
    target: PathBuf,
    /// The file itself, where the target is a link to it.
    place: PathBuf,
    /// What was there when it was begun; `None` where nothing was.
    before: Option<String>,
    text: String,
}

impl Draft {
    /// What is in the file, with a source behind it.
    pub fn write(target: &Path, name: &str, kind: &str, settings: &Map<String, Value>) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let path = target.display();
            Failure::failed(format!("{path}: cannot write the config: {error}\n  name another: --config FILE"))
        };
        let before = what_is_there(target).map_err(failed)?;
        let mut text = before.clone().unwrap_or_default();
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        if !text.is_empty() {
            text.truncate(text.trim_end().len());
            text.push_str("\n\n");
        }
        text.push_str(&table(name, kind, settings)?);
        let place = followed(target).map_err(failed)?;
        let path = write_beside(&in_its_folder(target).map_err(failed)?, &text).map_err(failed)?;
        Ok(Self { path, target: target.to_owned(), place, before, text })
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place, readable for its owner only; an error where somebody else has changed that file meanwhile.
    pub fn keep(self) -> Result<(), Failure> {
        let path = self.target.display();
        let failed = |error: io::Error| Failure::failed(format!("{path}: cannot write it: {error}"));
        let is_as_it_was = followed(&self.target).map_err(failed)? == self.place
            && what_is_there(&self.target).map_err(failed)? == self.before;
        if !is_as_it_was {
            return Err(Failure::failed(format!(
                "{path}: was changed meanwhile by somebody else; it is left as it is now, and nothing is written\n  run the \
                 same again: the source then goes behind what is there"
            )));
        }
        self.put().map_err(failed)
    }

    /// In one move, from a file beside it: whatever happens, there is the old file or the new one.
    fn put(&self) -> io::Result<()> {
        if self.path.parent() == self.place.parent() {
            return fs::rename(&self.path, &self.place);
        }
        let beside = write_beside(&self.place, &self.text)?;
        fs::rename(&beside, &self.place).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
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

/// What a file holds, where it is there.
fn what_is_there(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file beside another, under a name that nobody has, that only its owner may read; to the disk. Its path.
fn write_beside(place: &Path, text: &str) -> io::Result<PathBuf> {
    let process = std::process::id();
    for number in 0..=NAMES {
        let path = place.with_extension(format!("toml.new-{process}-{number}"));
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES => continue,
            Err(error) => return Err(error),
        };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        return Ok(path);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The same file, in a folder that is named without links.
fn in_its_folder(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("that is no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(fs::canonicalize(folder.unwrap_or(Path::new(".")))?.join(name))
}

/// The file itself, by way of all links; it need not be there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut place = in_its_folder(path)?;
    for _ in 0..LINKS {
        let Ok(to) = fs::read_link(&place) else { return Ok(place) };
        place = in_its_folder(&place.parent().unwrap_or(Path::new("/")).join(to))?;
    }
    Err(io::Error::other("links that lead in a circle"))
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
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

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
        symlink(&real, &link).unwrap();
        Draft::write(&link, "desk", "rt", &Map::new()).unwrap().keep().unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), real);
        assert!(fs::read_to_string(&real).unwrap().contains("[[source]]"));
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 2, "and nothing is left beside them");
    }

    #[test]
    fn a_file_in_a_linked_folder_keeps_what_it_holds() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        fs::write(real.join("config.toml"), "[board]\n").unwrap();
        Draft::write(&link.join("config.toml"), "desk", "rt", &Map::new()).unwrap().keep().unwrap();
        let text = fs::read_to_string(real.join("config.toml")).unwrap();
        assert!(text.starts_with("[board]\n") && text.contains("[[source]]"), "{text}");
        assert_eq!(real.join("config.toml").metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!((fs::read_link(&link).unwrap(), real.read_dir().unwrap().count()), (real, 1));
    }

    #[test]
    fn a_link_into_another_folder_is_tried_beside_the_link_and_written_where_it_leads() {
        let home = tempfile::tempdir().unwrap();
        let (dots, link) = (home.path().join("dots"), home.path().join("config.toml"));
        fs::create_dir(&dots).unwrap();
        symlink("dots/helptop.toml", &link).unwrap();
        // The file that it names is not there at first.
        for sources in 1..=2 {
            let draft = Draft::write(&link, "desk", "rt", &Map::new()).unwrap();
            assert_eq!(draft.path().parent(), fs::canonicalize(home.path()).ok().as_deref());
            draft.keep().unwrap();
            assert_eq!(fs::read_link(&link).unwrap(), Path::new("dots/helptop.toml"));
            let text = fs::read_to_string(dots.join("helptop.toml")).unwrap();
            assert_eq!(text.matches("[[source]]").count(), sources);
            assert_eq!(dots.join("helptop.toml").metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!((dots.read_dir().unwrap().count(), home.path().read_dir().unwrap().count()), (1, 2));
        }
    }

    #[test]
    fn what_others_have_written_meanwhile_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("config.toml");
        let began = || Draft::write(&target, "desk", "rt", &Map::new()).unwrap();
        let (first, second) = (began(), began());
        first.keep().unwrap();
        let text = fs::read_to_string(&target).unwrap();
        let said = second.keep().unwrap_err().to_string();
        assert!(said.contains("config.toml: was changed meanwhile") && said.contains("run the same again"), "{said}");
        assert_eq!(fs::read_to_string(&target).unwrap(), text);
        for edit in [Some("[board]\n"), None] {
            let draft = began();
            match edit {
                Some(text) => fs::write(&target, text).unwrap(),
                None => fs::remove_file(&target).unwrap(),
            }
            assert!(draft.keep().is_err());
            assert_eq!(fs::read_to_string(&target).ok().as_deref(), edit);
        }
        assert_eq!(home.path().read_dir().unwrap().count(), 0, "no draft is left");
    }

    #[test]
    fn a_draft_takes_no_name_of_another_file() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("config.toml");
        let taken = began_path(&target);
        let others = [home.path().join("config.toml.new"), taken];
        for other in &others {
            fs::write(other, "mine").unwrap();
        }
        Draft::write(&target, "desk", "rt", &Map::new()).unwrap().keep().unwrap();
        for other in &others {
            assert_eq!(fs::read_to_string(other).unwrap(), "mine");
        }
    }

    /// The name that a draft takes first.
    fn began_path(target: &Path) -> PathBuf {
        Draft::write(target, "desk", "rt", &Map::new()).unwrap().path().to_owned()
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let home = tempfile::tempdir().unwrap();
        let link = home.path().join("config.toml");
        symlink("config.toml", &link).unwrap();
        assert!(Draft::write(&link, "desk", "rt", &Map::new()).is_err());
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
