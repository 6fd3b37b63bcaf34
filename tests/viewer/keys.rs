//! What keys, clicks and answers do to a viewer's state: pure, as tables of (keys, state, effects).

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use helptop::app::{
    AgentSort, Area, Effect, ListRegion, Mouse, MouseKind, Msg, Pane, Privacy, Regions, Screen, SortBy, ViewState,
    WaitSort, update, web_link,
};
use helptop::board::{BoardSnapshot, Page, Query};
use helptop::desk::{AgentIx, ConversationIx};
use rstest::rstest;

use crate::sample;

/// A viewer of a board on which both lists show ten rows.
fn viewer() -> ViewState {
    let rows = |x| Area { x, y: 7, width: 50, height: 10 };
    let mut view = sample::view();
    view.regions = Regions {
        lists: vec![
            ListRegion { pane: Pane::Agents, rows: rows(1) },
            ListRegion { pane: Pane::Unanswered, rows: rows(60) },
        ],
        headers: vec![(Area { x: 70, y: 6, width: 9, height: 1 }, SortBy::Unanswered(WaitSort::Customer))],
        ranges: Vec::new(),
        links: Vec::new(),
    };
    view
}

fn desk() -> Arc<BoardSnapshot> {
    Arc::new(sample::snapshot())
}

/// Types; `⏎ ⎋ ⇥ ^x` stand for Enter, Esc, Tab and Ctrl-x.
fn typed(view: &mut ViewState, snapshot: &Arc<BoardSnapshot>, keys: &str) -> Vec<Effect> {
    let (mut effects, mut control) = (Vec::new(), KeyModifiers::NONE);
    for key in keys.chars() {
        let code = match key {
            '^' => {
                control = KeyModifiers::CONTROL;
                continue;
            }
            '⏎' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '⇥' => KeyCode::Tab,
            other => KeyCode::Char(other),
        };
        let event = KeyEvent::new(code, std::mem::replace(&mut control, KeyModifiers::NONE));
        effects.extend(update(view, snapshot, sample::NOW, Msg::Key(event)));
    }
    effects
}

#[rstest]
#[case("q", Effect::Quit)]
#[case("^c", Effect::Quit)]
#[case("^z", Effect::Suspend)]
#[case("^l", Effect::Redraw)]
#[case("r", Effect::Refresh)]
#[case(":refresh⏎", Effect::Refresh)]
#[case(":qui⏎", Effect::Quit)]
#[case("⏎", Effect::Load(1, Query::Conversation(ConversationIx(0))))]
#[case("jj⏎", Effect::Load(1, Query::Conversation(ConversationIx(1))))]
#[case("⇥jjj⏎", Effect::Load(1, Query::Agent(AgentIx(1))))]
#[case("G⏎", Effect::Load(1, Query::Conversation(ConversationIx(19))))]
#[case("Gkg⏎", Effect::Load(1, Query::Conversation(ConversationIx(0))))]
#[case("jy", Effect::Copy("https://desk.example.com/t/20400".to_owned()))]
fn keys_have_effects(#[case] keys: &str, #[case] wanted: Effect) {
    assert_eq!(typed(&mut viewer(), &desk(), keys), [wanted]);
}

#[test]
fn an_agent_is_reached_in_the_order_of_the_list() {
    let (mut view, snapshot) = (viewer(), desk());
    typed(&mut view, &snapshot, "⇥jjj");
    let third = snapshot.live.ranking.keys().nth(2).unwrap();
    assert_eq!(view.agents.selected.as_ref(), Some(third));
    assert_eq!(third.ix, AgentIx(1));
}

#[rstest]
#[case("2", Screen::Agents)]
#[case("3", Screen::Unanswered)]
#[case("5", Screen::History)]
#[case("6", Screen::Sources)]
#[case("61", Screen::Board)]
#[case("3⎋", Screen::Board)]
#[case("2/an⏎⎋", Screen::Agents)]
#[case("2/an⏎⎋⎋", Screen::Board)]
fn pages_have_numbers_and_esc_goes_back(#[case] keys: &str, #[case] wanted: Screen) {
    let mut view = viewer();
    typed(&mut view, &desk(), keys);
    assert_eq!(view.screen, wanted);
}

#[rstest]
#[case("ana petro", &[0, 5])]
#[case("BILLING", &[0, 5, 8, 13, 16, 19])]
#[case("telegram", &[5, 17])]
#[case("okafor", &[1])]
#[case("refund", &[13])]
#[case("vat number", &[5])]
#[case("20417", &[0, 17])]
#[case("ŁUKASZ", &[2])]
#[case("nobody at all", &[])]
fn the_filter_finds_agents_teams_channels_customers_tags_and_text(#[case] filter: &str, #[case] wanted: &[u32]) {
    let (mut view, snapshot) = (viewer(), desk());
    typed(&mut view, &snapshot, &format!("/{filter}"));
    let rows = view.lists.unanswered(&snapshot).window(None, 0, 50, helptop::app::Rest::Top).keys;
    assert_eq!(rows.iter().map(|key| key.ix.0).collect::<Vec<_>>(), wanted);
    typed(&mut view, &snapshot, "⎋");
    assert_eq!((view.filter.as_str(), view.lists.unanswered(&snapshot).len()), ("", 20));
}

#[test]
fn agents_pass_the_filter_with_the_chats_they_hold() {
    let (mut view, snapshot) = (viewer(), desk());
    typed(&mut view, &snapshot, "/telegram⏎");
    let rows = view.lists.agents(&snapshot).window(None, 0, 50, helptop::app::Rest::Top).keys;
    assert_eq!(rows.iter().map(|key| key.ix.0).collect::<Vec<_>>(), [0, 6]);
}

#[test]
fn sorts_go_round_and_come_back() {
    let (mut view, snapshot) = (viewer(), desk());
    let first = |view: &ViewState| view.lists.unanswered(&snapshot).first().unwrap().ix.0;
    let seen: Vec<_> = (0..6)
        .map(|_| {
            let now = (view.wait_sort, first(&view));
            typed(&mut view, &snapshot, "s");
            now
        })
        .collect();
    let orders =
        [WaitSort::Wait, WaitSort::Customer, WaitSort::Channel, WaitSort::Agent, WaitSort::Team, WaitSort::Wait];
    assert_eq!(seen.iter().map(|(sort, _)| *sort).collect::<Vec<_>>(), orders);
    // Aino, then e-mail, then nobody's, then Billing; equal ones longest wait first.
    assert_eq!(seen.iter().map(|(_, ix)| *ix).collect::<Vec<_>>(), [0, 10, 1, 1, 0, 0]);
    typed(&mut view, &snapshot, "⇥sss");
    assert_eq!((view.agent_sort, view.lists.agents(&snapshot).first().unwrap().ix), (AgentSort::Load, AgentIx(1)));
}

#[test]
fn selection_follows_the_chat_and_not_the_row() {
    let (mut view, snapshot) = (viewer(), desk());
    typed(&mut view, &snapshot, "jjj");
    let mut later = sample::snapshot();
    later.generation = 2;
    let answered = later.live.waiting.get_min().unwrap().0.clone();
    later.live.waiting.remove(&answered);
    let later = Arc::new(later);
    update(&mut view, &later, sample::NOW, Msg::Snapshot);
    let window = view.unanswered_window(&later, 10);
    assert_eq!((window.selected, window.keys[1].ix), (Some(1), ConversationIx(2)));
    assert_eq!(typed(&mut view, &later, "⏎"), [Effect::Load(1, Query::Conversation(ConversationIx(2)))]);
}

#[test]
fn a_held_picture_stays_while_the_desk_goes_on() {
    let (mut view, snapshot) = (viewer(), desk());
    typed(&mut view, &snapshot, "f");
    let newer = Arc::new(BoardSnapshot { generation: 9, ..sample::snapshot() });
    update(&mut view, &newer, sample::NOW, Msg::Snapshot);
    assert_eq!(view.shown(&newer).generation, 1);
    assert_eq!(view.instant(sample::NOW + chrono::TimeDelta::minutes(5)), sample::NOW);
    typed(&mut view, &newer, "f");
    assert_eq!(view.shown(&newer).generation, 9);
}

#[test]
fn a_page_is_asked_for_again_when_the_picture_changed_and_late_answers_are_dropped() {
    let (mut view, snapshot) = (viewer(), desk());
    let query = Query::Conversation(ConversationIx(0));
    assert_eq!(typed(&mut view, &snapshot, "⏎"), [Effect::Load(1, query.clone())]);
    let newer = Arc::new(BoardSnapshot { generation: 2, ..sample::snapshot() });
    // The first question is still out: no second one until it was answered.
    assert!(update(&mut view, &newer, sample::NOW, Msg::Tick).is_empty());
    update(&mut view, &newer, sample::NOW, Msg::Loaded(7, Page::Gone));
    assert_eq!(view.drills[0].page, None);
    update(&mut view, &newer, sample::NOW, Msg::Loaded(1, sample::page(&newer, &query)));
    assert!(view.drills[0].page.is_some());
    assert_eq!(update(&mut view, &newer, sample::NOW, Msg::Tick), [Effect::Load(2, query)]);
    // Lost questions are asked again, but only once there is something new.
    update(&mut view, &newer, sample::NOW, Msg::Lost(2));
    assert!(update(&mut view, &newer, sample::NOW, Msg::Tick).is_empty());
    assert!(view.drills[0].page.is_some());
}

#[test]
fn agent_and_chat_lead_to_each_other_without_ever_going_deeper() {
    let (mut view, snapshot) = (viewer(), desk());
    for (keys, depth) in [("⇥j⏎", 1), ("⏎", 2), ("⏎", 1), ("⏎", 2), ("⎋", 1), ("⎋", 0)] {
        for effect in typed(&mut view, &snapshot, keys) {
            let Effect::Load(ticket, query) = effect else { continue };
            update(&mut view, &snapshot, sample::NOW, Msg::Loaded(ticket, sample::page(&snapshot, &query)));
        }
        assert_eq!(view.drills.len(), depth, "{keys}");
    }
}

#[test]
fn clicks_select_then_step_in_and_titles_sort() {
    let (mut view, snapshot) = (viewer(), desk());
    let click =
        |view: &mut ViewState, kind, x, y| update(view, &snapshot, sample::NOW, Msg::Mouse(Mouse { kind, x, y }));
    assert!(click(&mut view, MouseKind::Click, 65, 9).is_empty());
    assert_eq!(view.unanswered.selected.as_ref().unwrap().ix, ConversationIx(2));
    assert_eq!(click(&mut view, MouseKind::Click, 65, 9), [Effect::Load(1, Query::Conversation(ConversationIx(2)))]);
    typed(&mut view, &snapshot, "⎋");
    click(&mut view, MouseKind::Down, 5, 9);
    click(&mut view, MouseKind::Down, 5, 9);
    let fourth = snapshot.live.ranking.keys().nth(3).unwrap();
    assert_eq!((view.focus, view.agents.selected.as_ref()), (Pane::Agents, Some(fourth)));
    click(&mut view, MouseKind::Click, 72, 6);
    assert_eq!(view.wait_sort, WaitSort::Customer);
    assert!(click(&mut view, MouseKind::Click, 119, 35).is_empty());
}

#[rstest]
#[case("p", Privacy::Initials)]
#[case("pp", Privacy::All)]
#[case("ppp", Privacy::None)]
fn names_are_hidden_in_steps(#[case] keys: &str, #[case] wanted: Privacy) {
    let mut view = viewer();
    typed(&mut view, &desk(), keys);
    assert_eq!(view.privacy, wanted);
}

#[rstest]
#[case(":theme light⏎", "light", "")]
#[case("tt", "light", "theme: light")]
#[case(":theme pink⏎", "dark", "there is no theme `pink`; there are dark, high-contrast, light")]
#[case(":freze⏎", "dark", "there is no command `freze`; did you mean `freeze`?")]
#[case("jo", "dark", "")]
#[case("o", "dark", "select a chat first")]
#[case("j⏎/", "dark", "the filter is for the lists: go back first")]
fn what_can_not_be_done_is_said(#[case] keys: &str, #[case] theme: &str, #[case] message: &str) {
    let mut view = viewer();
    typed(&mut view, &desk(), keys);
    assert_eq!((view.theme.as_str(), view.message.map_or(String::new(), |(text, _)| text).as_str()), (theme, message));
}

#[test]
fn pasted_text_belongs_in_a_line_and_runs_no_keys() {
    let (mut view, snapshot) = (viewer(), desk());
    assert!(update(&mut view, &snapshot, sample::NOW, Msg::Paste("q\nr".to_owned())).is_empty());
    typed(&mut view, &snapshot, "/");
    update(&mut view, &snapshot, sample::NOW, Msg::Paste(format!("ros\u{1b}si\n{}", "x".repeat(9_000))));
    assert!(view.filter.starts_with("rossix") && view.filter.len() == 200);
}

#[rstest]
#[case("https://desk.example.com/t/1?a=b#c", true)]
#[case("http://10.0.0.1/x", true)]
#[case("javascript:alert(1)", false)]
#[case("file:///etc/passwd", false)]
#[case("https://x.example/\u{1b}]8;;", false)]
#[case("https://x.example/a b", false)]
#[case("https://x.example/\u{202e}", false)]
fn only_harmless_links_reach_a_terminal(#[case] url: &str, #[case] is_good: bool) {
    assert_eq!(web_link(url).is_some(), is_good);
}

#[test]
fn lists_in_their_natural_order_are_not_copied() {
    let many = Arc::new(BoardSnapshot { live: sample::desk(20_000), ..sample::snapshot() });
    let mut view = viewer();
    update(&mut view, &many, sample::NOW, Msg::Snapshot);
    assert!(matches!(view.lists.unanswered(&many), helptop::app::Rows::Kept(_)));
    typed(&mut view, &many, "G");
    let window = view.unanswered_window(&many, 10);
    assert_eq!((window.keys.len(), window.selected, window.below), (10, Some(9), false));
}
