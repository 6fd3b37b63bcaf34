//! What a person is asked when a source is set up, and where they find the answers.

use super::SourceError;

/// How a person comes to the settings of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// How to get the key, in a few lines.
    pub key: &'static str,
    /// What is asked, in that order: what a source needs and has no default. A secret that goes with a name follows it.
    pub ask: &'static [Ask],
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The setting that the answer goes to.
    pub key: &'static str,
    /// The question.
    pub question: &'static str,
    /// What an answer looks like.
    pub example: &'static str,
    /// Another setting that stands for this one: who gives that is not asked for this.
    pub or: Option<&'static str>,
    /// A name and what goes with it: who gives the name is asked for that instead.
    pub or_with: Option<(&'static str, &'static str)>,
    /// Whether it is asked only where a source that was tried fails for want of it.
    pub on_need: bool,
}

impl Ask {
    /// A question that has to be answered.
    pub const fn new(key: &'static str, question: &'static str, example: &'static str) -> Self {
        Self { key, question, example, or: None, or_with: None, on_need: false }
    }

    /// The setting that the answer goes to, where those are given already.
    pub fn goes_to(&self, is_given: impl Fn(&str) -> bool) -> &'static str {
        match self.or_with {
            Some((name, other)) if is_given(name) => other,
            _ => self.key,
        }
    }

    /// Whether those that are given leave nothing to ask.
    pub fn is_answered(&self, is_given: impl Fn(&str) -> bool) -> bool {
        [Some(self.key), self.or, self.or_with.map(|(_, other)| other)].into_iter().flatten().any(is_given)
    }

    /// Every setting that it is about.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let (name, other) = self.or_with.unzip();
        [Some(self.key), self.or, name, other].into_iter().flatten()
    }

    /// The same question, but not for those who give that other setting.
    #[must_use]
    pub const fn or(self, other: &'static str) -> Self {
        Self { or: Some(other), ..self }
    }

    /// The same question, but those who give `name` are asked for the other setting instead.
    #[must_use]
    pub const fn or_with(self, name: &'static str, other: &'static str) -> Self {
        Self { or_with: Some((name, other)), ..self }
    }

    /// The same question, but only where the source says, by failing at that setting, that it can't do without.
    #[must_use]
    pub const fn on_need(self) -> Self {
        Self { on_need: true, ..self }
    }
}

impl Setup {
    /// What is to be asked after that failure of a source that was tried.
    pub fn needed_after(&self, error: &SourceError) -> Option<&'static Ask> {
        let SourceError::Unsupported { place, .. } = error else { return None };
        self.ask.iter().find(|ask| ask.on_need && ask.key == place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &[Ask] = &[
        Ask::new("subdomain", "?", "acme").or("base_url"),
        Ask::new("client_id", "?", "x").or("email"),
        Ask::new("client_secret", "?", "x").or_with("email", "token"),
    ];

    #[test]
    fn a_secret_is_the_one_that_goes_with_the_name_that_is_given() {
        for (given, key) in [("email", "token"), ("client_id", "client_secret"), ("base_url", "client_secret")] {
            assert_eq!(ASK[2].goes_to(|name| name == given), key, "{given}");
            assert_eq!(ASK[1].goes_to(|name| name == given), "client_id", "{given}");
        }
        assert_eq!(ASK[0].goes_to(|_| true), "subdomain");
    }

    #[test]
    fn a_key_may_be_of_several_sorts() {
        let ask = Ask::new("token", "?", "x").or("oauth_token").or_with("user", "password");
        for (given, key, answered) in [
            ("token", "token", true),
            ("oauth_token", "token", true),
            ("password", "token", true),
            ("user", "password", false),
            ("queues", "token", false),
        ] {
            let is_given = |name: &str| name == given;
            assert_eq!((ask.goes_to(is_given), ask.is_answered(is_given)), (key, answered), "{given}");
        }
    }

    #[test]
    fn what_is_asked_on_need_is_asked_when_a_source_fails_at_it() {
        const SETUP: Setup =
            Setup { key: "", ask: &[Ask::new("base_url", "?", "x"), Ask::new("account", "?", "1").on_need()] };
        let failed = |place: &str| SourceError::Unsupported { place: place.into(), what: "several".into() };
        assert_eq!(SETUP.needed_after(&failed("account")), Some(&SETUP.ask[1]));
        assert_eq!(SETUP.needed_after(&failed("base_url")), None, "that is no want of it");
        assert_eq!(SETUP.needed_after(&SourceError::passing("account", "down")), None);
    }
}
