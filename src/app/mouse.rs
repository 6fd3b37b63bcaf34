//! The mouse, as far as a board needs it.

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Click,
    /// The wheel turned towards the end of a list.
    Down,
    /// The wheel turned towards its start.
    Up,
}

/// What the mouse did, and on which cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// On which column.
    pub x: u16,
    /// On which line.
    pub y: u16,
}
