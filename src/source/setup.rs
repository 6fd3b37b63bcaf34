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
    /// Who gives this setting means the other one, and is asked for that.
    pub meant_by: Option<&'static str>,
}

impl Ask {
    /// A question that has to be answered.
    pub const fn new(key: &'static str, question: &'static str, example: &'static str) -> Self {
        Self { key, question, example, or: None, meant_by: None }
    }

    /// The setting that the answer goes to, where those are given already.
    pub fn goes_to(&self, is_given: impl Fn(&str) -> bool) -> &'static str {
        match (self.or, self.meant_by) {
            (Some(other), Some(name)) if is_given(name) => other,
            _ => self.key,
        }
    }

    /// The same question, but not for those who give that other setting.
    #[must_use]
    pub const fn or(self, other: &'static str) -> Self {
        Self { or: Some(other), ..self }
    }

    /// The same question, but those who give `name` are asked for the other setting instead.
    #[must_use]
    pub const fn or_with(self, name: &'static str, other: &'static str) -> Self {
        Self { or: Some(other), meant_by: Some(name), ..self }
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
}
