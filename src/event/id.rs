//! Names of things as their source knows them: opaque, unique per kind within one source.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// Wraps a non-empty opaque id.
            pub fn new(id: impl Into<CompactString>) -> Self {
                Self(id.into())
            }
            /// The id as the source wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "minLength": 1})
            }
        }
    )+};
}

ids! {
    /// A person who answers customers.
    AgentId,
    /// A group of agents: a team, queue, group or inbox in the vendor's words.
    TeamId,
    /// A person who asks.
    CustomerId,
    /// A chat, ticket or call.
    ConversationId,
    /// A help-centre page.
    ArticleId,
}
