//! Where secrets come from: an environment variable, a file, a command, a systemd credential, or the config file
//! itself when nobody else can read it. No error here ever holds a secret.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::environment::Environment;
use crate::text::{harmless, nearest};

/// How long a command may take to print a secret.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the pipes of a command that has ended may stay open: something it started may hold them.
const LAST_WORDS: Duration = Duration::from_secs(1);
const NAP: Duration = Duration::from_millis(5);
/// No secret is longer.
const MAX_BYTES: u64 = 64 << 10;
const FORMS: [&str; 4] = ["env", "file", "command", "credential"];

/// What secrets are fetched with.
#[derive(Debug, Clone)]
pub struct Keyring<'a> {
    /// For variables and the directory of credentials.
    pub environment: &'a Environment,
    /// Relative paths start here; commands run here.
    pub base: &'a Path,
    /// Who else can read the config file, if anybody; then it may hold no secret.
    pub exposed: Option<Exposed>,
    /// How long a command may take.
    pub timeout: Duration,
}

/// A file that others than its owner can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// Which file.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// Why a secret can't be had, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSecret {
    /// Why.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl NoSecret {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl<'a> Keyring<'a> {
    /// A keyring for a config file of that directory.
    pub fn new(environment: &'a Environment, base: &'a Path, exposed: Option<Exposed>) -> Self {
        Self { environment, base, exposed, timeout: COMMAND_TIMEOUT }
    }

    /// Fetches the secret that `written` stands for.
    pub fn fetch(&self, written: &Value) -> Result<String, NoSecret> {
        let secret = match written {
            Value::String(literal) => self.literal(literal),
            Value::Object(table) => match table.iter().next() {
                Some((form, value)) if table.len() == 1 => self.by_form(form, value),
                _ => Err(NoSecret::new("not one way to get it, but several or none", how_to_write())),
            },
            _ => Err(NoSecret::new("neither text nor a way to get it", how_to_write())),
        }?;
        check(secret)
    }

    fn by_form(&self, form: &str, value: &Value) -> Result<String, NoSecret> {
        match (form, value) {
            ("env", Value::String(name)) => self.variable(name),
            ("file", Value::String(path)) => self.file(path),
            ("credential", Value::String(name)) => self.credential(name),
            ("command", Value::String(line)) => self.command(line, Command::new("sh").arg("-c").arg(line)),
            ("command", Value::Array(words)) => {
                let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
                match words.as_deref() {
                    Some([program, arguments @ ..]) => self.command(program, Command::new(program).args(arguments)),
                    _ => Err(NoSecret::new("`command` is not a list of words", how_to_write())),
                }
            }
            (form, _) if FORMS.contains(&form) => {
                Err(NoSecret::new(format!("`{form}` is not given as text"), how_to_write()))
            }
            (form, _) => {
                let meant = nearest(form, FORMS).map(|meant| format!("did you mean `{meant}`? "));
                let hint = format!("{}{}", meant.unwrap_or_default(), how_to_write());
                Err(NoSecret::new(format!("`{form}` is no way to get a secret"), hint))
            }
        }
    }

    fn literal(&self, literal: &str) -> Result<String, NoSecret> {
        match &self.exposed {
            None => Ok(literal.to_owned()),
            Some(Exposed { path, mode }) => Err(NoSecret::new(
                format!("written out in a file that others can read (mode {mode:04o})"),
                format!("run: chmod 600 {}, or {}", path.display(), how_to_write()),
            )),
        }
    }

    fn variable(&self, name: &str) -> Result<String, NoSecret> {
        let Some(value) = self.environment.get(name) else {
            return Err(NoSecret::new(
                format!("the environment variable {name} is not set, or empty"),
                format!("set it where helptop is started: export {name}=…"),
            ));
        };
        value.to_str().map(str::to_owned).ok_or_else(|| {
            NoSecret::new(format!("the environment variable {name} is not UTF-8"), "set it to plain text")
        })
    }

    fn file(&self, path: &str) -> Result<String, NoSecret> {
        let path = self.base.join(path);
        let shown = path.display();
        let (file, exposed) = open_private(&path).map_err(|e| {
            NoSecret::new(format!("the file {shown} can't be read: {e}"), "write the secret there, with mode 0600")
        })?;
        if let Some(Exposed { mode, .. }) = exposed {
            return Err(NoSecret::new(
                format!("the file {shown} can be read by others (mode {mode:04o})"),
                format!("run: chmod 600 {shown}"),
            ));
        }
        read_short(file)
            .map_err(|e| NoSecret::new(format!("the file {shown} can't be read: {e}"), "put one line of text there"))
    }

    fn credential(&self, name: &str) -> Result<String, NoSecret> {
        let Some(directory) = self.environment.path("CREDENTIALS_DIRECTORY") else {
            return Err(NoSecret::new(
                format!("no systemd credential {name}: $CREDENTIALS_DIRECTORY is not set"),
                format!("give it in the unit: LoadCredential={name}:PATH, and start helptop by that unit"),
            ));
        };
        if name.contains('/') || name.starts_with('.') {
            return Err(NoSecret::new("a credential's name has no `/` and no `.` in front", "name it as in the unit"));
        }
        File::open(directory.join(name)).and_then(read_short).map_err(|e| {
            NoSecret::new(
                format!("the systemd credential {name} can't be read: {e}"),
                format!("give it in the unit: LoadCredential={name}:PATH"),
            )
        })
    }

    fn command(&self, shown: &str, command: &mut Command) -> Result<String, NoSecret> {
        let hint = "run it by hand to see what it says; it must print the secret and exit with 0";
        let failed = |what: String| NoSecret::new(format!("the command `{}` {what}", harmless(shown)), hint);
        let pipes = command.current_dir(self.base).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().map_err(|e| failed(format!("can't be started: {e}")))?;
        let said = child.stdout.take().map(listen);
        let complained = child.stderr.take().map(listen);
        let status = wait(&mut child, self.timeout).map_err(|e| failed(e.to_string()))?;
        let Some(status) = status else {
            return Err(failed(format!("took longer than {} s", self.timeout.as_secs_f64())));
        };
        let heard =
            |pipe: Option<mpsc::Receiver<io::Result<String>>>| pipe.and_then(|pipe| pipe.recv_timeout(LAST_WORDS).ok());
        if !status.success() {
            let complaint = heard(complained).and_then(Result::ok).unwrap_or_default();
            return Err(failed(format!("ended with {status}{}", shortened(&complaint))));
        }
        match heard(said) {
            Some(secret) => secret.map_err(|e| failed(format!("printed what can't be used: {e}"))),
            None => Err(failed("ended, but something it started keeps its output open".to_owned())),
        }
    }
}

fn how_to_write() -> &'static str {
    "write { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", \"ARGUMENT\"] } or { credential = \"NAME\" }"
}

fn check(secret: String) -> Result<String, NoSecret> {
    let length = secret.trim_end_matches(['\r', '\n']).len();
    let mut secret = secret;
    secret.truncate(length);
    if secret.is_empty() {
        return Err(NoSecret::new("it is empty", "put the secret there"));
    }
    if secret.contains(char::is_control) {
        return Err(NoSecret::new(
            "it holds a line break or another control character",
            "put nothing but the secret there",
        ));
    }
    Ok(secret)
}

fn shortened(complaint: &str) -> String {
    let line: String = harmless(complaint.trim()).chars().take(300).collect();
    if line.is_empty() { String::new() } else { format!(": {line}") }
}

fn read_short(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too long for a secret"));
    }
    Ok(text)
}

/// Reads a pipe on a thread of its own: a full pipe must not stop the child, nor a silent one this program.
fn listen(pipe: impl Read + Send + 'static) -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(read_short(pipe)));
    receiver
}

/// Waits for the end of a child; kills one that takes longer. Counts naps, for this module reads no clock.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    for _ in 0..timeout.as_millis() / NAP.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(NAP);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Opens a file, and tells whether others than its owner can read it.
pub(super) fn open_private(path: &Path) -> io::Result<(File, Option<Exposed>)> {
    let file = File::open(path)?;
    let mode = permission_bits(&file)?;
    let exposed = (mode & 0o044 != 0).then(|| Exposed { path: path.to_owned(), mode });
    Ok((file, exposed))
}

#[cfg(unix)]
fn permission_bits(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permission_bits(_: &File) -> io::Result<u32> {
    Ok(0o600)
}

/// The schema of a secret in the config.
pub fn schema(description: &str) -> Value {
    let one = |form: &str, value: Value| json!({"type": "object", "properties": {form: value}, "required": [form], "additionalProperties": false});
    let text = || json!({"type": "string", "minLength": 1});
    json!({
        "description": description,
        "anyOf": [
            {"type": "string", "description": "Itself; only in a file that others can't read."},
            one("env", text()),
            one("file", text()),
            one("command", json!({"anyOf": [text(), {"type": "array", "items": {"type": "string"}, "minItems": 1}]})),
            one("credential", text()),
        ]
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SECRET: &str = "s3cr3t-t0ken";

    fn with<T>(test: impl FnOnce(&Path, &Environment) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, mode) in [
            ("private", format!("{SECRET}\n"), 0o600),
            ("public", format!("{SECRET}\n"), 0o644),
            ("grouped", format!("{SECRET}\n"), 0o640),
            ("empty", "\n".to_owned(), 0o600),
            ("lines", format!("{SECRET}\n{SECRET}\n"), 0o600),
            ("big", "x".repeat(70_000), 0o600),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let variables = [("RT_TOKEN", SECRET.into()), ("CREDENTIALS_DIRECTORY", dir.path().as_os_str().to_owned())];
        test(dir.path(), &variables.into_iter().collect())
    }

    fn fetch(written: &Value) -> Result<String, NoSecret> {
        with(|base, environment| {
            let timeout = Duration::from_millis(300);
            Keyring { timeout, ..Keyring::new(environment, base, None) }.fetch(written)
        })
    }

    #[test]
    fn secrets_come_from_everywhere() {
        for written in [
            json!(SECRET),
            json!({"env": "RT_TOKEN"}),
            json!({"file": "private"}),
            json!({"command": "cat private"}),
            json!({"command": ["cat", "private"]}),
            json!({"command": "echo noise >&2; head -c 12 private"}),
            json!({"credential": "private"}),
        ] {
            assert_eq!(fetch(&written).as_deref(), Ok(SECRET), "{written}");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_the_secret_never() {
        for (written, what, hint) in [
            (json!({"env": "NO_SUCH"}), "the environment variable NO_SUCH is not set, or empty", "export NO_SUCH="),
            (json!({"file": "gone"}), "/gone can't be read: No such file", "mode 0600"),
            (json!({"file": "public"}), "/public can be read by others (mode 0644)", "chmod 600 /"),
            (json!({"file": "grouped"}), "(mode 0640)", "chmod 600 /"),
            (json!({"file": "empty"}), "it is empty", "put the secret there"),
            (json!({"file": "lines"}), "a line break", "nothing but the secret"),
            (json!({"file": "big"}), "too long", "one line"),
            (json!({"command": "echo no key >&2; exit 3"}), "ended with exit status: 3: no key", "by hand"),
            (json!({"command": ["no-such-program-here"]}), "`no-such-program-here` can't be started", "by hand"),
            (json!({"command": "exec sleep 60"}), "took longer than 0.3 s", "by hand"),
            (json!({"command": []}), "`command` is not a list of words", "write {"),
            (json!({"command": "true"}), "it is empty", "put the secret there"),
            (json!({"credential": "gone"}), "the systemd credential gone can't be read", "LoadCredential=gone:PATH"),
            (json!({"credential": "../etc/passwd"}), "no `/`", "as in the unit"),
            (json!({"envv": "RT_TOKEN"}), "`envv` is no way", "did you mean `env`?"),
            (json!({"env": 5}), "`env` is not given as text", "write {"),
            (json!({"env": "A", "file": "b"}), "several", "write {"),
            (json!(5), "neither text", "write {"),
        ] {
            let error = fetch(&written).unwrap_err();
            assert!(error.what.contains(what), "{written}: {}", error.what);
            assert!(error.hint.contains(hint), "{written}: {}", error.hint);
            assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
        }
    }

    #[test]
    fn a_literal_is_refused_where_others_can_read_it() {
        with(|base, environment| {
            let path = base.join("config.toml");
            let exposed = Some(Exposed { path: path.clone(), mode: 0o644 });
            let error = Keyring::new(environment, base, exposed).fetch(&json!(SECRET)).unwrap_err();
            assert_eq!(error.what, "written out in a file that others can read (mode 0644)");
            assert!(error.hint.starts_with(&format!("run: chmod 600 {}", path.display())), "{}", error.hint);
            assert!(!format!("{error:?}").contains(SECRET));
        });
    }

    #[test]
    fn without_systemd_a_credential_says_so() {
        let environment = Environment::default();
        let error = Keyring::new(&environment, Path::new("/"), None).fetch(&json!({"credential": "desk"})).unwrap_err();
        assert!(error.what.contains("$CREDENTIALS_DIRECTORY is not set"), "{}", error.what);
    }
}
