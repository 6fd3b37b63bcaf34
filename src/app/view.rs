//! What one viewer sees and has selected; lives as long as the session, and holds no figure of its own.

use std::sync::Arc;

use strum::{Display, EnumIter, EnumString};
use tui_input::Input;

use super::cursor::Cursor;
use super::derive::{AgentSort, Lists, WaitSort};
use super::drill::Drill;
use super::history::HistoryView;
use super::keymap::Keymap;
use super::regions::Regions;
use crate::board::BoardSnapshot;
use crate::event::Timestamp;
use crate::metrics::live::{AgentKey, WaitKey};

/// A page with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Display, EnumIter, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Screen {
    /// Tiles, agents and unanswered.
    #[default]
    Board,
    /// All agents.
    Agents,
    /// All unanswered chats.
    Unanswered,
    /// The figures of the last days.
    History,
    /// The sources.
    Sources,
}

/// A list that can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumIter)]
pub enum Pane {
    /// The agents.
    Agents,
    /// The unanswered chats.
    Unanswered,
    /// The sources.
    Sources,
    /// The chats that an agent holds.
    Open,
    /// What an agent did today.
    Activity,
    /// What happened in a chat.
    Timeline,
    /// The chats that an agent ended, or all chats of a customer.
    Chats,
    /// How an agent's handling times are spread.
    Spread,
    /// A customer beside all others.
    Typical,
    /// Who dealt with a customer.
    Dealt,
    /// What a customer answered.
    Answers,
    /// The figures of the last days.
    Figures,
    /// The same by team, channel and so on.
    Groups,
    /// The list of keys.
    Help,
}

/// Whose names are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Display, EnumIter, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Privacy {
    /// Nobody's.
    #[default]
    None,
    /// Customers are initials; subjects and messages are hidden.
    Initials,
    /// Customers, subjects and messages are hidden, agents are initials.
    All,
}

/// What a line of input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// What the lists are narrowed to, while it is typed.
    Filter,
    /// The name of an action.
    Command,
}

/// A line of input at the foot of the screen.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What it is for.
    pub kind: PromptKind,
    /// What was typed.
    pub input: Input,
}

/// A picture that is held.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// The picture.
    pub snapshot: Arc<BoardSnapshot>,
    /// When it was held; waits stay as they were then.
    pub at: Timestamp,
}

/// What one viewer sees and has selected.
#[derive(Debug, Clone)]
pub struct ViewState {
    /// The page.
    pub screen: Screen,
    /// The steps into rows, outermost first.
    pub drills: Vec<Drill>,
    /// The list of the board that has the keys, as far as the screen shows it.
    pub focus: Pane,
    /// In the list of agents.
    pub agents: Cursor<AgentKey>,
    /// In the list of the unanswered.
    pub unanswered: Cursor<WaitKey>,
    /// In the list of sources.
    pub sources: Cursor<usize>,
    /// On the page of figures of the last days.
    pub history: HistoryView,
    /// The order of the agents.
    pub agent_sort: AgentSort,
    /// The order of the unanswered.
    pub wait_sort: WaitSort,
    /// What the lists are narrowed to.
    pub filter: String,
    /// The line of input, while there is one.
    pub prompt: Option<Prompt>,
    /// How far help is scrolled, while it is shown.
    pub help: Option<usize>,
    /// The picture that is held, while one is.
    pub frozen: Option<Frozen>,
    /// The names of the themes, in the order of the key.
    pub themes: Vec<String>,
    /// The name of the theme.
    pub theme: String,
    /// Whose names are hidden.
    pub privacy: Privacy,
    /// A line for the viewer, and for how many more ticks.
    pub message: Option<(String, u8)>,
    /// A link to show, of the chat that was asked for, and for how many more ticks.
    pub link: Option<(String, u8)>,
    /// Which key does what.
    pub keymap: Arc<Keymap>,
    /// Where the last frame put things.
    pub regions: Regions,
    /// The lists as they are to be shown.
    pub lists: Lists,
    pub(super) tickets: u64,
}

impl ViewState {
    /// A viewer who has just come.
    pub fn new(keymap: Arc<Keymap>, themes: Vec<String>, theme: String, privacy: Privacy) -> Self {
        Self {
            screen: Screen::Board,
            drills: Vec::new(),
            focus: Pane::Unanswered,
            agents: Cursor::default(),
            unanswered: Cursor::default(),
            sources: Cursor::default(),
            history: HistoryView::default(),
            agent_sort: AgentSort::default(),
            wait_sort: WaitSort::default(),
            filter: String::new(),
            prompt: None,
            help: None,
            frozen: None,
            themes,
            theme,
            privacy,
            message: None,
            link: None,
            keymap,
            regions: Regions::default(),
            lists: Lists::default(),
            tickets: 0,
        }
    }

    /// The picture to show: the one that is held, else the newest.
    pub fn shown(&self, newest: &Arc<BoardSnapshot>) -> Arc<BoardSnapshot> {
        Arc::clone(self.frozen.as_ref().map_or(newest, |frozen| &frozen.snapshot))
    }

    /// The instant that waits are measured at.
    pub fn instant(&self, now: Timestamp) -> Timestamp {
        self.frozen.as_ref().map_or(now, |frozen| frozen.at)
    }

    /// The list that has the keys.
    pub fn pane(&self) -> Pane {
        if self.help.is_some() {
            return Pane::Help;
        }
        if let Some(drill) = self.drills.last() {
            return drill.pane;
        }
        match self.screen {
            Screen::Agents => Pane::Agents,
            Screen::Unanswered => Pane::Unanswered,
            Screen::History => self.history.pane,
            Screen::Sources => Pane::Sources,
            Screen::Board => {
                let lists = &self.regions.lists;
                let shown = lists.iter().find(|list| list.pane == self.focus).or_else(|| lists.first());
                shown.map_or(self.focus, |list| list.pane)
            }
        }
    }

    /// Makes the lists anew where the picture, the filter or an order changed.
    pub fn sync(&mut self, snapshot: &BoardSnapshot) {
        self.lists.sync(snapshot, &self.filter, self.agent_sort, self.wait_sort);
    }
}
