//! Dense numbers for things, given in the order they are first heard of; good within one desk.

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a list.
            pub const fn at(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

indices! {
    /// A source.
    SourceIx,
    /// An agent of a source.
    AgentIx,
    /// A team of a source.
    TeamIx,
    /// A customer of a source.
    CustomerIx,
    /// A conversation of a source.
    ConversationIx,
}
