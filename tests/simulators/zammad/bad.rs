//! Bad input, each kind of it.
