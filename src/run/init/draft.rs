//! The config file with a source set up: written beside it first, and put in its place when the source was tried.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::section::{Composed, Place, Written, compose};
use crate::config::{ConfigError, Problem};
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
    composed: Composed,
}

impl Draft {
    /// What is in the file, with the source at its place.
    pub fn write(target: &Path, source: &Written<'_>, at: &Place) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let path = target.display();
            Failure::failed(format!("{path}: cannot write the config: {error}\n  name another: --config FILE"))
        };
        let before = what_is_there(target).map_err(failed)?;
        let composed = compose(before.as_deref().unwrap_or_default(), source, at)?;
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let place = followed(target).map_err(failed)?;
        let path = write_beside(&in_its_folder(target).map_err(failed)?, &composed.text).map_err(failed)?;
        Ok(Self { path, target: target.to_owned(), place, before, composed })
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
                "{path}: was changed meanwhile by somebody else; it is left as it is now\n  run the same again: the source then \
                 goes into what is there"
            )));
        }
        self.put().map_err(failed)
    }

    /// In one move, from a file beside it: whatever happens, there is the old file or the new one.
    fn put(&self) -> io::Result<()> {
        if self.path.parent() == self.place.parent() {
            return fs::rename(&self.path, &self.place);
        }
        let beside = write_beside(&self.place, &self.composed.text)?;
        fs::rename(&beside, &self.place).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    }

    /// What is said of it, said of the file that it will be. A line of the source is named nowhere: nobody has that file
    /// before it is good.
    pub fn in_words(&self, error: ConfigError) -> String {
        let said = |problem: Problem| {
            let place =
                problem.place.strip_prefix(&*self.path.to_string_lossy()).and_then(|line| line.strip_prefix(':'));
            match place.and_then(|line| line.parse().ok()) {
                None => problem.to_string(),
                Some(line) if self.composed.lines.contains(&line) => {
                    Problem { place: String::new(), ..problem }.to_string()
                }
                Some(line) => {
                    let place = format!("{}:{}", self.path.display(), self.line_before(line));
                    Problem { place, ..problem }.to_string()
                }
            }
        };
        let said = error.problems.into_iter().map(said).collect::<Vec<_>>().join("\n");
        said.replace(&*self.path.to_string_lossy(), &self.target.to_string_lossy())
    }
}

impl Draft {
    /// The line, in the file as it is, of a line that is not the source's.
    fn line_before(&self, line: usize) -> usize {
        if line < self.composed.lines.start {
            return line;
        }
        let before = self.before.as_deref().unwrap_or_default().lines().count();
        (line + before).saturating_sub(self.composed.text.lines().count())
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A draft with that source behind what is there.
    fn with(target: &Path, name: &str, settings: &Value) -> Result<Draft, Failure> {
        let settings = settings.as_object().cloned().unwrap_or_default();
        Draft::write(target, &Written { name, kind: "rt", settings: &settings }, &Place::Behind)
    }

    fn with_desk(target: &Path) -> Result<Draft, Failure> {
        with(target, "desk", &json!({}))
    }

    #[test]
    fn a_source_goes_behind_what_is_there_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/config.toml");
        let given = json!({"base_url": "https://h/\"x\"", "token": {"env": "T"}, "queues": ["a"]});
        with(&target, "desk", &given).unwrap().keep().unwrap();
        let first = fs::read_to_string(&target).unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        with(&target, "other", &json!({})).unwrap().keep().unwrap();
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
        with_desk(&link).unwrap().keep().unwrap();
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
        with_desk(&link.join("config.toml")).unwrap().keep().unwrap();
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
            let draft = with_desk(&link).unwrap();
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
        let began = || with_desk(&target).unwrap();
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
        with_desk(&target).unwrap().keep().unwrap();
        for other in &others {
            assert_eq!(fs::read_to_string(other).unwrap(), "mine");
        }
    }

    /// The name that a draft takes first.
    fn began_path(target: &Path) -> PathBuf {
        with_desk(target).unwrap().path().to_owned()
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let home = tempfile::tempdir().unwrap();
        let link = home.path().join("config.toml");
        symlink("config.toml", &link).unwrap();
        assert!(with_desk(&link).is_err());
    }

    #[test]
    fn a_draft_that_is_not_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        let draft = with_desk(&target).unwrap();
        assert_eq!(draft.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        drop(draft);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_line_behind_a_source_that_is_replaced_is_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        fs::write(&target, "[[source]]\nkind = \"rt\"\n\n[board]\nmouse = 3\n").unwrap();
        let settings = json!({"base_url": "https://a"}).as_object().cloned().unwrap();
        let source = Written { name: "rt", kind: "rt", settings: &settings };
        let draft = Draft::write(&target, &source, &Place::InsteadOf { index: 0, asked: vec!["base_url"] }).unwrap();
        let problem = Problem::new(format!("{}:7", draft.path().display()), "is wrong", "");
        assert_eq!(draft.in_words(problem.into()), format!("{}:5: is wrong", target.display()));
    }

    #[test]
    fn a_place_is_named_where_the_reader_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        fs::write(&target, "[board]\nmouse = 3\n").unwrap();
        let draft = with_desk(&target).unwrap();
        let (path, place) = (draft.path().display(), target.display());
        for (at, said) in [
            (format!("{path}:2"), format!("{place}:2: is wrong\n  mend {place}")),
            (format!("{path}:4"), format!("is wrong\n  mend {place}")),
            (format!("{path}:6"), format!("is wrong\n  mend {place}")),
            ("$HELPTOP__X".to_owned(), format!("$HELPTOP__X: is wrong\n  mend {place}")),
        ] {
            let problem = Problem::new(at.as_str(), "is wrong", format!("mend {path}"));
            assert_eq!(draft.in_words(problem.into()), said, "{at}");
        }
    }
}
