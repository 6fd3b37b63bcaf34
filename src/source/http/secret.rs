//! A token or password that nothing outside [`super`] can read.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A token or password: wiped on drop, shown as `[secret]`, readable only where requests are made.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps the text of a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().trim().is_empty()
    }

    /// The whole number at `index` between `separator`s: some tokens name their account in clear, as in `1-29-2bc1…`.
    ///
    /// At most ten digits leave, and only where more parts follow, so never the secret part itself.
    pub fn number_at(&self, index: usize, separator: char) -> Option<u64> {
        let mut parts = self.0.expose_secret().split(separator).skip(index);
        let part = parts.next()?;
        parts.next()?;
        if part.len() > 10 { None } else { part.parse().ok() }
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_shown() {
        let secret: Secret = serde_json::from_str("\"hunter2-token\"").unwrap();
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "[secret] Some(\n    [secret],\n)");
        assert_eq!(secret.expose(), "hunter2-token");
    }

    #[test]
    fn only_the_account_number_leaves() {
        let token = Secret::new("1-29-2bc1");
        assert_eq!(token.number_at(1, '-'), Some(29));
        assert_eq!(token.number_at(2, '-'), None, "the last part is the secret one");
        assert_eq!(Secret::new("1-12345678901-x").number_at(1, '-'), None);
        assert_eq!(Secret::new("4711").number_at(0, '-'), None);
    }
}
