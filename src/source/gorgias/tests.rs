//! The samples of the vendor's pages, and JSON of any shape.
