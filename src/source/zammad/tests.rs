//! The mapping as a table.
