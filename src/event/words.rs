//! What somebody wrote, or what is left of it where the words are not kept.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

/// What somebody wrote. Where the words are not kept their print is, so that a repeat can still be told from another
/// message of that instant.
#[derive(Debug, Clone)]
pub enum Words {
    /// The words as they came.
    Kept(String),
    /// What is left of words that are not kept.
    Print(u64),
}

impl Words {
    /// The same for the same words, in every version of this program: it is kept in files. In 64 bits, for with 32 a
    /// crowd of 60,000 messages of one instant would lose one in a third of all cases. Never 0, which stands for none.
    pub fn print(&self) -> u64 {
        match self {
            Self::Kept(text) => print(text),
            Self::Print(print) => *print,
        }
    }

    /// What is left of words that are not kept.
    pub(super) fn print_of(text: &str) -> Self {
        Self::Print(print(text))
    }

    /// The words, where they are kept.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Kept(text) => Some(text),
            Self::Print(_) => None,
        }
    }

    /// Whether the stream has nothing of them to write.
    #[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
    pub(super) fn are_not_kept(words: &Option<Self>) -> bool {
        words.as_ref().is_none_or(|words| words.text().is_none())
    }
}

fn print(text: &str) -> u64 {
    xxh3_64(text.as_bytes()).max(1)
}

/// Words that are not kept are those that have their print.
impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kept(one), Self::Kept(other)) => one == other,
            _ => self.print() == other.print(),
        }
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::Kept(text)
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self::Kept(text.to_owned())
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

impl schemars::JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_tell_the_texts_of_a_large_crowd_apart() {
        let prints: std::collections::HashSet<_> = (0..300_000).map(|i| Words::from(i.to_string()).print()).collect();
        assert_eq!(prints.len(), 300_000, "of 32 bits about ten would be lost");
    }

    #[test]
    fn a_print_is_that_of_its_words_now_and_in_files_written_before() {
        let words = Words::from("hello?");
        assert_eq!(words, Words::Print(words.print()));
        assert_ne!(words, Words::Print(7));
        assert_eq!(words.print(), 0xC442_A180_815D_D35C, "files hold prints: another hash would count repeats twice");
    }
}
