//! Everything a key can do: one row an action, from which keymap, help, footer, `print keys` and config names derive.

use strum::{Display, EnumIter, EnumString, IntoStaticStr, VariantNames};

/// Something a key, a click or a command can do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// Leave.
    Quit,
    /// To the shell, until `fg`.
    Suspend,
    /// The list of keys.
    Help,
    /// A command by name.
    Command,
    /// The board.
    Board,
    /// All agents.
    Agents,
    /// All unanswered chats.
    Unanswered,
    /// The figures of the last days.
    History,
    /// The sources.
    Sources,
    /// To the next panel.
    NextPane,
    /// To the panel before.
    PreviousPane,
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// One page down.
    PageDown,
    /// One page up.
    PageUp,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// Into the selected row.
    Drill,
    /// Out again.
    Back,
    /// Narrow the lists.
    Filter,
    /// Another order.
    Sort,
    /// Figures of fewer days.
    RangeShorter,
    /// Figures of more days.
    RangeLonger,
    /// Figures by something else.
    GroupBy,
    /// Hold the picture.
    Freeze,
    /// Ask the sources now.
    Refresh,
    /// Another theme.
    Theme,
    /// Hide names.
    Privacy,
    /// To the chat's customer.
    Customer,
    /// Show the chat's link.
    OpenLink,
    /// Copy the chat's link.
    CopyLink,
    /// Draw everything anew.
    Redraw,
}

/// Where an action makes sense; help is grouped by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumIter)]
pub enum Scope {
    /// Moving about in lists.
    #[strum(to_string = "Lists")]
    Lists,
    /// From page to page.
    #[strum(to_string = "Pages")]
    Pages,
    /// What is shown, and how.
    #[strum(to_string = "View")]
    View,
    /// The page of figures of the last days.
    #[strum(to_string = "History")]
    History,
    /// One chat.
    #[strum(to_string = "Chat")]
    Chat,
    /// The program.
    #[strum(to_string = "Program")]
    Program,
}

/// One action: its keys unless the config says otherwise, and what help says of it.
#[derive(Debug, Clone, Copy)]
pub struct ActionRow {
    /// Which; its name is the key in the config, a stable public name.
    pub action: Action,
    /// Default keys.
    pub keys: &'static [&'static str],
    /// Where it makes sense.
    pub scope: Scope,
    /// One line for help.
    pub help: &'static str,
    /// A word for the footer; empty = not shown there.
    pub hint: &'static str,
}

const fn row(
    action: Action,
    keys: &'static [&'static str],
    scope: Scope,
    hint: &'static str,
    help: &'static str,
) -> ActionRow {
    ActionRow { action, keys, scope, help, hint }
}

/// Every action there is, in the order of help and footer.
pub const ACTIONS: &[ActionRow] = &[
    row(Action::Down, &["j", "down"], Scope::Lists, "", "one row down"),
    row(Action::Up, &["k", "up"], Scope::Lists, "", "one row up"),
    row(Action::PageDown, &["pagedown", "ctrl-d"], Scope::Lists, "", "one page down"),
    row(Action::PageUp, &["pageup", "ctrl-u"], Scope::Lists, "", "one page up"),
    row(Action::First, &["g", "home"], Scope::Lists, "", "to the first row"),
    row(Action::Last, &["G", "end"], Scope::Lists, "", "to the last row"),
    row(Action::Drill, &["enter"], Scope::Lists, "open", "into the row: agent or chat"),
    row(Action::Back, &["esc"], Scope::Lists, "back", "back; clears filter and selection"),
    row(Action::RangeShorter, &["[", "left"], Scope::History, "fewer", "fewer days: 90, 30, 7, today"),
    row(Action::RangeLonger, &["]", "right"], Scope::History, "more days", "more days: today, 7, 30, 90"),
    row(Action::GroupBy, &["b"], Scope::History, "group", "the table by team, channel, segment, keyword"),
    row(Action::NextPane, &["tab"], Scope::Lists, "next", "to the next panel"),
    row(Action::PreviousPane, &["backtab"], Scope::Lists, "", "to the panel before"),
    row(
        Action::Filter,
        &["/"],
        Scope::View,
        "filter",
        "show only what matches: agent, team, channel, customer, tag, text",
    ),
    row(Action::Sort, &["s"], Scope::View, "sort", "sort the list by the next column"),
    row(Action::Customer, &["c"], Scope::Chat, "customer", "to the chat's customer: all its chats"),
    row(Action::Help, &["?"], Scope::Program, "help", "this list, and what the selected figure means"),
    row(Action::Freeze, &["f"], Scope::View, "freeze", "hold the picture, and let it go on"),
    row(Action::Theme, &["t"], Scope::View, "theme", "the next theme"),
    row(Action::Privacy, &["p"], Scope::View, "privacy", "hide names: customers as initials, then everybody"),
    row(Action::Command, &[":"], Scope::Program, "command", "run an action by its name"),
    row(Action::Board, &["1"], Scope::Pages, "", "the board"),
    row(Action::Agents, &["2"], Scope::Pages, "", "all agents"),
    row(Action::Unanswered, &["3"], Scope::Pages, "", "all unanswered chats"),
    row(Action::History, &["5"], Scope::Pages, "", "the figures of the last days"),
    row(Action::Sources, &["6"], Scope::Pages, "", "the sources: age, errors, quota, what they can't tell"),
    row(Action::OpenLink, &["o"], Scope::Chat, "link", "show the chat's link, to click on"),
    row(Action::CopyLink, &["y"], Scope::Chat, "copy link", "copy the chat's link to the clipboard"),
    row(Action::Refresh, &["r"], Scope::Program, "", "ask the sources now"),
    row(Action::Redraw, &["ctrl-l"], Scope::Program, "", "draw the screen anew"),
    row(Action::Suspend, &["ctrl-z"], Scope::Program, "", "to the shell, until fg"),
    row(Action::Quit, &["q", "ctrl-c"], Scope::Program, "quit", "quit"),
];

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_action_has_exactly_one_row() {
        for action in Action::iter() {
            assert_eq!(ACTIONS.iter().filter(|row| row.action == action).count(), 1, "{action}");
        }
    }
}
