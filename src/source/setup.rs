//! What a person is asked when a source is set up, and where they find the answers.

/// How a person comes to the settings of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// How to get the key, in a few lines.
    pub key: &'static str,
    /// What is asked, in that order: what a source needs and has no default.
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
