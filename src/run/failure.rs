//! How a command fails: one message for people, one exit code for programs.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// A failed command.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Something could not be done: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The command was not meant like that: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// Nothing left to say: it was said already.
    pub fn silent() -> Self {
        Self { code: 1, message: String::new() }
    }

    /// The same, and what it means; a reader who has left is told nothing.
    pub fn and(self, more: &str) -> Self {
        match (self.code, self.message.as_str()) {
            (0, _) => self,
            (code, "") => Self { code, message: more.to_owned() },
            (code, message) => Self { code, message: format!("{message}\n  {more}") },
        }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A failure to write: the reader of a pipe may leave when it has seen enough, which is no fault.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: 0, message: String::new() };
        }
        Self::failed(format!("cannot write the output: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_means_is_said_to_those_who_listen() {
        assert_eq!(
            Failure::usage("a: is missing").and("nothing is done").to_string(),
            "a: is missing\n  nothing is done"
        );
        assert_eq!(Failure::silent().and("nothing is done"), Failure::failed("nothing is done"));
        let left = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(left.and("nothing is done").to_string(), "");
    }
}
