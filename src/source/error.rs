//! Why a poll failed, sorted by what to do about it.

use crate::event::Timestamp;

/// Why a poll failed. The scheduler decides by the variant; the board shows text and hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The credentials are missing or wrong.
    #[error("{place}: not authorised: {what}")]
    Auth {
        /// Which endpoint.
        place: String,
        /// What it answered.
        what: String,
    },
    /// The credentials are good but may not read this.
    #[error("{place}: forbidden: {what}")]
    Forbidden {
        /// Which endpoint.
        place: String,
        /// What may not be read.
        what: String,
    },
    /// Asked too often.
    #[error("{place}: too many requests{}", .until.map_or_else(String::new, not_before))]
    RateLimited {
        /// Which endpoint.
        place: String,
        /// When to come back, where it said so.
        until: Option<Timestamp>,
    },
    /// Will most likely pass: a timeout, a server fault, a network fault, a child that died.
    #[error("{place}: {what}{}", asked_for(.until.as_ref(), .todo.is_some()))]
    Transient {
        /// Which endpoint, file or command.
        place: String,
        /// What went wrong.
        what: String,
        /// When to come back, where it said so.
        until: Option<Timestamp>,
        /// What a person can do, where waiting may not be enough.
        todo: Option<&'static str>,
    },
    /// The answer is not what the vendor documents.
    #[error("{place}: unexpected answer at `{path}`: {what}")]
    Schema {
        /// Which endpoint.
        place: String,
        /// The path inside the answer.
        path: String,
        /// What was there.
        what: String,
    },
    /// The other side can't do what is asked: too old, wrong address, wrong setting.
    #[error("{place}: {what}")]
    Unsupported {
        /// Which endpoint or setting.
        place: String,
        /// What it can't do.
        what: String,
    },
}

/// Until when a server wants to be left alone; where a person can do something, the instant is that of the next try.
fn asked_for(until: Option<&Timestamp>, has_todo: bool) -> String {
    until.filter(|_| !has_todo).map_or_else(String::new, |until| not_before(*until))
}

/// The whole second from which on it may be asked again.
fn not_before(until: Timestamp) -> String {
    let second = Timestamp::from_millis(until.millis().saturating_add(999).div_euclid(1000).saturating_mul(1000));
    format!(", it wants none before {second}")
}

/// What becomes of a source that failed: no hint may promise what does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It is asked again by itself, and at once when a person presses the key for it.
    Board,
    /// It is asked again by itself.
    ByItself,
    /// It was asked this once.
    Never,
}

impl SourceError {
    /// Will most likely pass, and there is nothing to do but to wait.
    pub fn passing(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Transient { place: place.into(), what: what.into(), until: None, todo: None }
    }

    /// Whether another request would fare no better: the key, the limit and the way to the server are everybody's.
    pub const fn is_of_all(&self) -> bool {
        matches!(self, Self::Auth { .. } | Self::RateLimited { .. } | Self::Transient { todo: Some(_), .. })
    }

    /// What to do about it.
    pub fn hint(&self, retry: Retry) -> String {
        let (todo, again, at_once) = match (self, retry) {
            (
                Self::RateLimited { until: Some(_), .. } | Self::Transient { until: Some(_), todo: None, .. },
                Retry::Never,
            ) => ("run it again after that", "", ""),
            (Self::RateLimited { .. }, Retry::Never) => ("wait a while, then run it again", "", ""),
            (Self::RateLimited { .. }, _) => {
                ("nothing to do: helptop comes back by itself; a longer `interval` avoids it", "", "")
            }
            (Self::Transient { todo: None, .. }, Retry::Never) => ("run it again in a moment", "", ""),
            (Self::Transient { todo: None, .. }, _) => {
                ("nothing to do: helptop tries again by itself; see the log if it stays", "", "")
            }
            (Self::Transient { todo: Some(todo), .. }, _) => (*todo, "; helptop tries again by itself", ""),
            (Self::Auth { .. }, _) => ("check the token or password of this source", ", then start helptop again", ""),
            (Self::Forbidden { .. }, _) => ("give the account the right that is named", "", ", then press r"),
            (Self::Schema { .. }, Retry::Never) => {
                ("is base_url right? if so, please report it with this message", "", "")
            }
            (Self::Schema { .. }, _) => {
                ("is base_url right? if so, please report it with the output of `helptop doctor`", "", "")
            }
            (Self::Unsupported { .. }, _) => ("check the settings of this source", ", then start helptop again", ""),
        };
        match retry {
            Retry::Board => format!("{todo}{again}{at_once}"),
            Retry::ByItself => format!("{todo}{again}"),
            Retry::Never => todo.to_owned(),
        }
    }

    /// A short word for a column.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::Forbidden { .. } => "forbidden",
            Self::RateLimited { .. } => "throttled",
            Self::Transient { .. } => "failing",
            Self::Schema { .. } => "schema",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors() -> [SourceError; 7] {
        let (place, what) = (String::from("p"), String::from("w"));
        let until = None;
        [
            SourceError::Auth { place: place.clone(), what: what.clone() },
            SourceError::Forbidden { place: place.clone(), what: what.clone() },
            SourceError::RateLimited { place: place.clone(), until },
            SourceError::passing("p", "w"),
            SourceError::Transient { place: place.clone(), what: what.clone(), until, todo: Some("mend it") },
            SourceError::Schema { place: place.clone(), path: "a".into(), what: what.clone() },
            SourceError::Unsupported { place, what },
        ]
    }

    #[test]
    fn who_asks_once_is_promised_nothing() {
        for error in errors() {
            let hint = error.hint(Retry::Never);
            for promise in ["helptop tries", "comes back", "press", "start helptop", "doctor"] {
                assert!(!hint.is_empty() && !hint.contains(promise), "{error:?}: {hint}");
            }
        }
    }

    #[test]
    fn who_has_to_wait_learns_until_when() {
        let (place, what) = (String::from("GET /x"), String::from("the server failed (503)"));
        let errors = |until: Option<i64>| {
            let until = until.map(Timestamp::from_millis);
            [
                SourceError::RateLimited { place: place.clone(), until },
                SourceError::Transient { place: place.clone(), what: what.clone(), until, todo: None },
            ]
        };
        let words = [
            ("GET /x: too many requests", "wait a while, then run it again"),
            ("GET /x: the server failed (503)", "run it again in a moment"),
        ];
        for ((error, dated), (says, hint)) in errors(None).iter().zip(errors(Some(1_795_327_200_001))).zip(words) {
            assert_eq!((error.to_string(), error.hint(Retry::Never)), (says.to_owned(), hint.to_owned()));
            assert_eq!(dated.to_string(), format!("{says}, it wants none before 2026-11-22T06:00:01Z"));
            assert_eq!(dated.hint(Retry::Never), "run it again after that");
        }
        let until = Some(Timestamp::default());
        let own = SourceError::Transient { place, what, until, todo: Some("look at it") };
        assert_eq!(own.to_string(), "GET /x: the server failed (503)", "nobody but helptop wants to wait");
    }

    #[test]
    fn the_key_the_limit_and_the_way_are_everybodys() {
        let of_all: Vec<&str> = errors().iter().filter(|error| error.is_of_all()).map(SourceError::word).collect();
        assert_eq!(of_all, ["auth", "throttled", "failing"]);
        assert!(!SourceError::passing("p", "w").is_of_all());
    }

    #[test]
    fn keys_are_named_where_there_are_keys() {
        assert!(errors()[1].hint(Retry::Board).ends_with("then press r"));
        assert!(errors().iter().all(|error| !error.hint(Retry::ByItself).contains("press")));
    }

    #[test]
    fn what_a_person_can_do_comes_first() {
        assert_eq!(errors()[4].hint(Retry::Board), "mend it; helptop tries again by itself");
        assert_eq!(errors()[4].hint(Retry::Never), "mend it");
    }
}
