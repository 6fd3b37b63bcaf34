//! Which config file is read.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::problem::Problem;

/// The config file to read: the one named by `--config` or `$HELPTOP_CONFIG`, which must be there, else
/// `$XDG_CONFIG_HOME/helptop/config.toml`, where there is one.
pub fn find(named: Option<&Path>, environment: &Environment) -> Result<Option<PathBuf>, Problem> {
    let by_flag = named.map(|path| ("--config", path.to_owned()));
    let by_variable = || environment.path("HELPTOP_CONFIG").map(|path| ("$HELPTOP_CONFIG", path));
    if let Some((who, path)) = by_flag.or_else(by_variable) {
        return if can_be_read(&path) { Ok(Some(path)) } else { Err(missing(who, &path)) };
    }
    Ok(default_path(environment).filter(|path| path.exists()))
}

/// Where the config file is looked for when none is named; `None` where there is no home.
pub fn default_path(environment: &Environment) -> Option<PathBuf> {
    let xdg = environment.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let directory = xdg.or_else(|| environment.path("HOME").map(|home| home.join(".config")))?;
    Some(directory.join("helptop").join("config.toml"))
}

/// Where the history is kept when no path is named; `None` where there is no home.
pub fn default_store(environment: &Environment) -> Option<PathBuf> {
    let xdg = environment.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let directory = xdg.or_else(|| environment.path("HOME").map(|home| home.join(".local").join("share")))?;
    Some(directory.join("helptop").join("history.db"))
}

/// Whether a path leads to something: a directory is none.
fn can_be_read(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| !meta.is_dir())
}

/// Whether what a path leads to may be opened: a file, or what is open already, as `--config <(…)` and `/dev/stdin` are.
/// To open another pipe would mean to wait for somebody who writes to it, maybe for ever.
pub(super) fn opens_at_once(path: &Path) -> bool {
    ["/dev", "/proc"].iter().any(|open| path.starts_with(open)) || path.metadata().is_ok_and(|meta| meta.is_file())
}

fn missing(who: &str, path: &Path) -> Problem {
    let what = if path.is_dir() { "is a directory, not a config file" } else { "there is no such config file" };
    Problem::new(
        path.display().to_string(),
        format!("{what} ({who} names it)"),
        "correct the path, or write one: helptop print config > PATH",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_wins_and_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one.toml"), dir.path().join("two.toml"));
        std::fs::write(&one, "").unwrap();
        std::fs::write(&two, "").unwrap();
        let environment: Environment = [("HELPTOP_CONFIG", two.as_os_str())].into_iter().collect();
        assert_eq!(find(Some(&one), &environment), Ok(Some(one)));
        assert_eq!(find(None, &environment), Ok(Some(two)));
        let gone = dir.path().join("gone.toml");
        let error = find(Some(&gone), &environment).unwrap_err().to_string();
        assert!(error.contains("gone.toml: there is no such config file (--config names it)"), "{error}");
        let environment: Environment = [("HELPTOP_CONFIG", gone.as_os_str())].into_iter().collect();
        assert!(find(None, &environment).unwrap_err().to_string().contains("($HELPTOP_CONFIG names it)"));
        assert!(find(Some(dir.path()), &environment).unwrap_err().to_string().contains("is a directory"));
    }

    #[test]
    fn the_default_file_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        let environment: Environment = [("XDG_CONFIG_HOME", dir.path())].into_iter().collect();
        assert_eq!(find(None, &environment), Ok(None));
        let path = dir.path().join("helptop/config.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(find(None, &environment), Ok(Some(path)));
        let environment: Environment = [("XDG_CONFIG_HOME", "relative"), ("HOME", "/home/ana")].into_iter().collect();
        assert_eq!(default_path(&environment), Some("/home/ana/.config/helptop/config.toml".into()));
        assert_eq!(find(None, &Environment::default()), Ok(None));
    }

    #[test]
    fn the_history_is_kept_among_the_data_of_the_user() {
        let of = |variables: &[(&str, &str)]| default_store(&variables.iter().copied().collect());
        let home = ("HOME", "/home/ana");
        assert_eq!(of(&[("XDG_DATA_HOME", "/data"), home]), Some("/data/helptop/history.db".into()));
        assert_eq!(of(&[("XDG_DATA_HOME", "data"), home]), Some("/home/ana/.local/share/helptop/history.db".into()));
        assert_eq!(of(&[]), None);
    }
}
