//! `update`: what a message does to a viewer's state, and what the session has to do about it.

use std::sync::Arc;

use crokey::crossterm::event::KeyEvent;
use tui_input::Input;

use super::action::Action;
use super::cursor::Step;
use super::derive::next;
use super::drill::Drill;
use super::history::HistoryView;
use super::mouse::Mouse;
use super::moves::{click, drill, go, to_customer, turn};
use super::prompt::{on_prompt_key, paste};
use super::selected::selected;
use super::view::{Frozen, Pane, Privacy, Prompt, PromptKind, Screen, ViewState};
use crate::board::{BoardSnapshot, Page, PastAnswer, PastQuery, Query};
use crate::event::Timestamp;

/// How many ticks a line for the viewer stays.
const MESSAGE_TICKS: u8 = 6;

/// How many ticks a link stays, to be clicked on or copied by hand.
const LINK_TICKS: u8 = 30;

/// What happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key went down.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// There is a new picture.
    Snapshot,
    /// A second has passed.
    Tick,
    /// A page was answered.
    Loaded(u64, Page),
    /// A page will never be answered.
    Lost(u64),
    /// A question about the past was answered, or is nearer to it; `None` = it never will be.
    Past(u64, Option<PastAnswer>),
}

/// What the session has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// End.
    Quit,
    /// Give the terminal to the shell until `fg`.
    Suspend,
    /// Ask the sources now.
    Refresh,
    /// Draw every cell anew.
    Redraw,
    /// Ask the desk for a page; the answer comes back with the number.
    Load(u64, Query),
    /// Ask the past; the answer comes back with the number. The question before needs no answer any more.
    LoadPast(u64, PastQuery),
    /// Put a link on the clipboard.
    Copy(String),
}

/// Changes the state by one message; what is left to do is returned.
pub fn update(view: &mut ViewState, newest: &Arc<BoardSnapshot>, now: Timestamp, msg: Msg) -> Vec<Effect> {
    let snapshot = view.shown(newest);
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => on_key(view, newest, now, key, &mut effects),
        Msg::Mouse(mouse) => click(view, &snapshot, mouse, &mut effects),
        Msg::Paste(text) => paste(view, &text),
        Msg::Tick => tick(view, &snapshot, &mut effects),
        Msg::Loaded(ticket, page) => loaded(view, ticket, Some(page)),
        Msg::Lost(ticket) => loaded(view, ticket, None),
        Msg::Past(ticket, answer) => view.take_past(ticket, answer),
        Msg::Snapshot => {}
    }
    view.ask_past(&mut effects);
    let shown = view.shown(newest);
    view.sync(&shown);
    effects
}

fn on_key(view: &mut ViewState, newest: &Arc<BoardSnapshot>, now: Timestamp, key: KeyEvent, effects: &mut Vec<Effect>) {
    view.message = None;
    view.link = None;
    if view.prompt.is_some() {
        on_prompt_key(view, newest, now, key, effects);
    } else if let Some(action) = view.keymap.action(key.into()) {
        act(view, newest, now, action, effects);
    }
}

/// Runs one action.
pub(super) fn act(
    view: &mut ViewState,
    newest: &Arc<BoardSnapshot>,
    now: Timestamp,
    action: Action,
    effects: &mut Vec<Effect>,
) {
    let snapshot = view.shown(newest);
    let page = view.regions.height(view.pane()).max(1) as isize;
    match action {
        Action::Quit => effects.push(Effect::Quit),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Refresh => {
            effects.push(Effect::Refresh);
            say(view, "asking the sources");
        }
        Action::Help => view.help = if view.help.is_some() { None } else { Some(0) },
        Action::Command => prompt(view, PromptKind::Command, ""),
        Action::Filter if !view.drills.is_empty() || view.screen == Screen::History => {
            say(view, "the filter is for the lists: go back first");
        }
        Action::Filter => {
            let filter = view.filter.clone();
            prompt(view, PromptKind::Filter, &filter);
        }
        Action::Board => show(view, Screen::Board),
        Action::Agents => show(view, Screen::Agents),
        Action::Unanswered => show(view, Screen::Unanswered),
        Action::History => show(view, Screen::History),
        Action::Sources => show(view, Screen::Sources),
        Action::RangeShorter => on_history(view, |history| history.step(-1)),
        Action::RangeLonger => on_history(view, |history| history.step(1)),
        Action::GroupBy => on_history(view, HistoryView::regroup),
        Action::NextPane => turn(view, 1),
        Action::PreviousPane => turn(view, -1),
        Action::Down => go(view, &snapshot, Step::By(1)),
        Action::Up => go(view, &snapshot, Step::By(-1)),
        Action::PageDown => go(view, &snapshot, Step::By(page)),
        Action::PageUp => go(view, &snapshot, Step::By(-page)),
        Action::First => go(view, &snapshot, Step::First),
        Action::Last => go(view, &snapshot, Step::Last),
        Action::Drill => drill(view, &snapshot, effects),
        Action::Customer => to_customer(view, &snapshot, effects),
        Action::Back => back(view),
        Action::Sort => sort(view),
        Action::Freeze => freeze(view, newest, now),
        Action::Theme => theme(view),
        Action::Privacy => {
            view.privacy = next::<Privacy>(&view.privacy);
            let says = match view.privacy {
                Privacy::None => "names are shown",
                Privacy::Initials => "customers are initials, their words are hidden",
                Privacy::All => "all names are hidden",
            };
            say(view, says);
        }
        Action::OpenLink => link(view, &snapshot, None),
        Action::CopyLink => link(view, &snapshot, Some(effects)),
    }
}

/// Puts a line before the viewer for a few seconds.
pub(super) fn say(view: &mut ViewState, text: impl Into<String>) {
    view.message = Some((text.into(), MESSAGE_TICKS));
}

fn show(view: &mut ViewState, screen: Screen) {
    view.help = None;
    view.drills.clear();
    view.screen = screen;
}

/// Changes what the page of figures shows, where it is shown.
fn on_history(view: &mut ViewState, change: impl FnOnce(&mut HistoryView)) {
    if view.screen == Screen::History && view.drills.is_empty() {
        change(&mut view.history);
    }
}

fn prompt(view: &mut ViewState, kind: PromptKind, text: &str) {
    view.help = None;
    view.prompt = Some(Prompt { kind, input: Input::new(text.to_owned()) });
}

/// One step out: help, then the row, then the filter, then the page, then the selection.
fn back(view: &mut ViewState) {
    if view.help.take().is_some() || view.drills.pop().is_some() {
        return;
    }
    if !view.filter.is_empty() {
        view.filter.clear();
    } else if view.screen != Screen::Board {
        view.screen = Screen::Board;
    } else {
        view.agents.selected = None;
        view.unanswered.selected = None;
    }
}

fn sort(view: &mut ViewState) {
    match (view.pane(), view.drills.last_mut()) {
        (Pane::Agents, _) => view.agent_sort = next(&view.agent_sort),
        (Pane::Unanswered, _) => view.wait_sort = next(&view.wait_sort),
        (Pane::Chats, Some(drill)) => drill.sort = next(&drill.sort),
        _ => say(view, "this list has one order only"),
    }
}

fn freeze(view: &mut ViewState, newest: &Arc<BoardSnapshot>, now: Timestamp) {
    view.frozen = match view.frozen.take() {
        Some(_) => None,
        None => Some(Frozen { snapshot: Arc::clone(newest), at: now }),
    };
}

fn theme(view: &mut ViewState) {
    let at = view.themes.iter().position(|name| *name == view.theme).map_or(0, |at| at + 1);
    if let Some(name) = view.themes.get(at).or_else(|| view.themes.first()) {
        view.theme.clone_from(name);
        let text = format!("theme: {name}");
        say(view, text);
    }
}

/// Shows the link of the selected or shown chat, or copies it.
fn link(view: &mut ViewState, snapshot: &BoardSnapshot, copy: Option<&mut Vec<Effect>>) {
    let Some(chat) = selected(view, snapshot) else { return say(view, "select a chat first") };
    match (chat.url.as_deref().and_then(web_link), copy) {
        (None, _) => say(view, "its source gives no link to this chat"),
        (Some(url), None) => view.link = Some((url.to_owned(), LINK_TICKS)),
        (Some(url), Some(effects)) => {
            effects.push(Effect::Copy(url.to_owned()));
            say(view, "link copied, where the terminal allows it");
        }
    }
}

/// A link that is safe to hand to a terminal: http or https, of printable ASCII, and not endless.
pub fn web_link(url: &str) -> Option<&str> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    (web && url.len() <= 2_000 && url.bytes().all(|byte| byte.is_ascii_graphic())).then_some(url)
}

/// Steps into a row.
pub(super) fn enter(view: &mut ViewState, snapshot: &BoardSnapshot, query: Query, effects: &mut Vec<Effect>) {
    view.drills.push(Drill::new(query));
    ask(view, snapshot, effects);
}

/// Asks the desk for the page that is shown; of a customer it knows nothing.
fn ask(view: &mut ViewState, snapshot: &BoardSnapshot, effects: &mut Vec<Effect>) {
    let Some(drill) = view.drills.last_mut().filter(|drill| !matches!(drill.query, Query::Customer(..))) else {
        return;
    };
    view.tickets += 1;
    drill.waiting_for = Some(view.tickets);
    drill.generation = snapshot.generation;
    effects.push(Effect::Load(view.tickets, drill.query.clone()));
}

/// Lets lines for the viewer fade, and asks anew for a page whose picture has changed.
fn tick(view: &mut ViewState, snapshot: &BoardSnapshot, effects: &mut Vec<Effect>) {
    for line in [&mut view.message, &mut view.link] {
        *line = line.take().filter(|(_, ticks)| *ticks > 1).map(|(text, ticks)| (text, ticks - 1));
    }
    view.age_past();
    let old = |drill: &Drill| drill.waiting_for.is_none() && drill.generation != snapshot.generation;
    if view.frozen.is_none() && view.drills.last().is_some_and(old) {
        ask(view, snapshot, effects);
    }
}

/// Takes an answer to its question; one that nobody waits for any more is dropped.
fn loaded(view: &mut ViewState, ticket: u64, page: Option<Page>) {
    if let Some(drill) = view.drills.iter_mut().find(|drill| drill.waiting_for == Some(ticket)) {
        drill.waiting_for = None;
        if page.is_some() {
            drill.page = page;
        }
    }
}
