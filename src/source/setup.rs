//! What a person is asked when a source is set up, and where they find the answers.

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
}

impl Setup {
    /// The setting that the answer to this question goes to, where those are given already: who gave the other name of an
    /// account, which stands for the one asked before this, means the secret that goes with it.
    pub fn key_of(&self, ask: &Ask, is_given: impl Fn(&str) -> bool) -> &'static str {
        let before = self.ask.iter().zip(self.ask.iter().skip(1)).find(|(_, next)| next.key == ask.key);
        match (before, ask.or) {
            (Some((Ask { or: Some(name), .. }, _)), Some(other)) if is_given(name) => other,
            _ => ask.key,
        }
    }
}

impl Ask {
    /// A question that has to be answered.
    pub const fn new(key: &'static str, question: &'static str, example: &'static str) -> Self {
        Self { key, question, example, or: None }
    }

    /// The same question, but not for those who give that other setting.
    #[must_use]
    pub const fn or(self, other: &'static str) -> Self {
        Self { or: Some(other), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &[Ask] = &[
        Ask::new("subdomain", "?", "acme").or("base_url"),
        Ask::new("client_id", "?", "x").or("email"),
        Ask::new("client_secret", "?", "x").or("token"),
    ];

    #[test]
    fn a_secret_is_the_one_that_goes_with_the_name_that_is_given() {
        let setup = Setup { key: "", ask: ASK };
        for (given, key) in [("email", "token"), ("client_id", "client_secret"), ("base_url", "client_secret")] {
            assert_eq!(setup.key_of(&ASK[2], |name| name == given), key, "{given}");
        }
        assert_eq!(setup.key_of(&ASK[0], |_| true), "subdomain", "nothing is asked before it");
    }
}
