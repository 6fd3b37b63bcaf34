//! The page of figures of the last days: what it asks, what becomes of answers, and what it shows at every size.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use chrono::TimeDelta;
use chrono_tz::Tz;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use helptop::app::{Effect, Mouse, MouseKind, Msg, ViewState, update};
use helptop::board::{BoardSnapshot, PastAnswer, PastPage, PastQuery, Standpoint};
use helptop::event::Timestamp;
use helptop::metrics::history::{Grouping, History, REGISTRY, Terms};
use helptop::source::demo::{Params, Simulation};
use helptop::ui::ColorDepth;
use ratatui::style::Color;
use rstest::rstest;

use crate::sample::{self, NOW};
use crate::screen::{drawn, drawn_with, style_of, text};

/// What the simulated desk did in the 30 days before the picture.
static PAST: LazyLock<(History, Timestamp)> = LazyLock::new(|| {
    let begin = NOW - TimeDelta::days(30);
    let mut events = Vec::new();
    Simulation::new(Params { seed: 7, agents: 6, chats: 30 }, begin).advance_to(NOW, &mut events);
    let mut history = History::new();
    let source = history.add_source("desk");
    for event in events {
        history.take(source, event);
    }
    history.settle();
    (history, begin)
});

fn answer(query: &PastQuery) -> PastAnswer {
    static ANSWERS: LazyLock<Mutex<HashMap<PastQuery, PastAnswer>>> = LazyLock::new(Mutex::default);
    ANSWERS.lock().unwrap().entry(query.clone()).or_insert_with(|| made(query)).clone()
}

fn made(query: &PastQuery) -> PastAnswer {
    let (history, begin) = &*PAST;
    let terms = Terms::default();
    let standpoint =
        Standpoint { now: NOW, zone: Tz::Europe__Berlin, terms: &terms, begins_at: Some(*begin), is_told: true };
    PastAnswer::Page(Arc::new(query.page(history, &standpoint)))
}

fn failed() -> PastAnswer {
    PastAnswer::Page(Arc::new(PastPage::Failed("helptop.db: the file is corrupt".to_owned())))
}

fn send(view: &mut ViewState, msg: Msg) -> Vec<Effect> {
    update(view, &Arc::new(sample::snapshot()), NOW, msg)
}

/// Types, and gives what is asked of the past.
fn typed(view: &mut ViewState, keys: &str) -> Vec<(u64, PastQuery)> {
    let mut asked = Vec::new();
    for key in keys.chars() {
        let code = match key {
            '⇥' => KeyCode::Tab,
            '⎋' => KeyCode::Esc,
            '⏎' => KeyCode::Enter,
            other => KeyCode::Char(other),
        };
        asked.extend(send(view, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    loads(asked)
}

fn loads(effects: Vec<Effect>) -> Vec<(u64, PastQuery)> {
    let load = |effect| if let Effect::LoadPast(ticket, query) = effect { Some((ticket, query)) } else { None };
    effects.into_iter().filter_map(load).collect()
}

fn overview(days: u16, by: Grouping) -> PastQuery {
    PastQuery::Overview { days, by: Some(by) }
}

/// A viewer of the page who pressed some keys and has every answer.
fn viewer(keys: &str) -> ViewState {
    let mut view = sample::view();
    drawn((120, 36), &desk(), &mut view);
    for key in keys.chars() {
        for (ticket, query) in typed(&mut view, &key.to_string()) {
            send(&mut view, Msg::Past(ticket, Some(answer(&query))));
        }
        drawn((120, 36), &desk(), &mut view);
    }
    view
}

fn desk() -> Arc<BoardSnapshot> {
    Arc::new(sample::snapshot())
}

#[rstest]
#[case("5", &[overview(7, Grouping::Team)])]
#[case("5]", &[overview(7, Grouping::Team), overview(30, Grouping::Team)])]
#[case("5]]]", &[overview(7, Grouping::Team), overview(30, Grouping::Team), overview(90, Grouping::Team)])]
#[case("5[[[", &[overview(7, Grouping::Team), overview(1, Grouping::Team)])]
#[case("5bb", &[overview(7, Grouping::Team), overview(7, Grouping::Channel), overview(7, Grouping::Segment)])]
#[case("5bbbb", &[
    overview(7, Grouping::Team), overview(7, Grouping::Channel), overview(7, Grouping::Segment),
    overview(7, Grouping::Keyword), overview(7, Grouping::Team),
])]
#[case("[]b2[]b5", &[overview(7, Grouping::Team)])]
#[case("5jk⇥j?", &[overview(7, Grouping::Team)])]
#[case("515", &[overview(7, Grouping::Team)])]
fn what_is_shown_is_asked_for_once(#[case] keys: &str, #[case] wanted: &[PastQuery]) {
    let asked = typed(&mut sample::view(), keys);
    assert_eq!(
        asked.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(),
        (1..=wanted.len() as u64).collect::<Vec<_>>()
    );
    assert_eq!(asked.into_iter().map(|(_, query)| query).collect::<Vec<_>>(), wanted);
}

#[test]
fn an_answer_to_a_question_before_the_last_is_dropped() {
    let mut view = sample::view();
    let asked = typed(&mut view, "5]");
    let [(old, old_query), (new, new_query)] = &asked[..] else { panic!("{asked:?}") };
    send(&mut view, Msg::Past(*old, Some(answer(old_query))));
    assert!(view.history.page().is_none());
    send(&mut view, Msg::Past(*new, Some(PastAnswer::Loading(3, 4))));
    assert_eq!(view.history.past.progress, Some((3, 4)));
    send(&mut view, Msg::Past(*new, Some(answer(new_query))));
    assert_eq!(view.history.page().map(|page| page.days), Some(30));
    assert_eq!((view.history.past.progress, view.history.past.is_waiting()), (None, false));
    send(&mut view, Msg::Past(*new, Some(failed())));
    assert!(view.history.page().is_some(), "it was answered before");
}

/// After how many ticks the page asks again.
fn ticks_until_asked(view: &mut ViewState) -> Option<usize> {
    (1..=200).find(|_| !loads(send(view, Msg::Tick)).is_empty())
}

#[test]
fn the_page_is_asked_for_anew_once_a_minute_while_it_is_shown() {
    assert_eq!(ticks_until_asked(&mut viewer("5")), Some(60));
    assert_eq!(ticks_until_asked(&mut viewer("51")), None, "nobody looks");
    assert_eq!(ticks_until_asked(&mut viewer("5f")), None, "the picture is held");
    let mut back = viewer("51");
    (0..90).for_each(|_| drop(send(&mut back, Msg::Tick)));
    assert_eq!(typed(&mut back, "5").len(), 1, "it is old");
    let mut lost = sample::view();
    let asked = typed(&mut lost, "5");
    assert_eq!(ticks_until_asked(&mut lost), None, "the answer is on its way");
    send(&mut lost, Msg::Past(asked[0].0, None));
    assert_eq!(ticks_until_asked(&mut lost), Some(5), "nobody answered");
}

#[test]
fn a_failure_does_not_take_good_figures_away_and_is_told() {
    let mut view = viewer("5");
    (0..60).for_each(|_| drop(send(&mut view, Msg::Tick)));
    let shown = |view: &mut ViewState| text(&drawn((120, 36), &desk(), view));
    send(&mut view, Msg::Past(2, Some(failed())));
    assert!(view.history.page().is_some());
    assert!(shown(&mut view).contains("▲ helptop.db: the file is corrupt"), "{}", shown(&mut view));
    (0..60).for_each(|_| drop(send(&mut view, Msg::Tick)));
    send(&mut view, Msg::Past(3, Some(answer(&overview(7, Grouping::Team)))));
    assert!(!shown(&mut view).contains("corrupt"));
    let (ticket, _) = typed(&mut view, "]").pop().unwrap();
    send(&mut view, Msg::Past(ticket, Some(failed())));
    assert!(view.history.page().is_none(), "figures of 7 days are none of 30");
}

#[test]
fn a_held_picture_still_shows_another_range() {
    let mut view = viewer("5f");
    assert_eq!(typed(&mut view, "]").len(), 1);
}

#[test]
fn the_page_at_every_size() {
    for (width, height) in [(200, 50), (120, 36), (80, 24), (60, 20), (44, 12), (30, 8)] {
        let mut view = viewer("5jj");
        insta::assert_snapshot!(format!("history_{width}x{height}"), text(&drawn((width, height), &desk(), &mut view)));
    }
}

#[test]
fn every_state_of_the_page_in_words() {
    for (name, keys) in [
        ("today_by_channel", "5[b"),
        ("month_by_segment", "5]bb"),
        ("quarter_by_keyword", "5]]bbb"),
        ("figure_help", "5jjjj?"),
    ] {
        let mut view = viewer(keys);
        insta::assert_snapshot!(format!("history_{name}"), text(&drawn((120, 36), &desk(), &mut view)));
    }
    let mut view = sample::view();
    let ticket = typed(&mut view, "5")[0].0;
    send(&mut view, Msg::Past(ticket, Some(PastAnswer::Loading(300, 1000))));
    insta::assert_snapshot!("history_reading", text(&drawn((80, 24), &desk(), &mut view)));
    send(&mut view, Msg::Past(ticket, Some(failed())));
    insta::assert_snapshot!("history_failed", text(&drawn((80, 24), &desk(), &mut view)));
    let mut view = sample::view();
    let ticket = typed(&mut view, "5")[0].0;
    let why = "nothing is kept here: a recording on standard input is read once".to_owned();
    send(&mut view, Msg::Past(ticket, Some(PastAnswer::Page(Arc::new(PastPage::Unkept(why))))));
    insta::assert_snapshot!("history_unkept", text(&drawn((80, 24), &desk(), &mut view)));
}

#[test]
fn the_page_never_panics() {
    for keys in ["5", "5jjj", "5⇥jj", "5]]bbb", "5[b?", "5jj?"] {
        let mut view = viewer(keys);
        for size in
            [(1, 1), (3, 3), (19, 9), (20, 4), (20, 5), (44, 12), (45, 13), (72, 22), (104, 8), (1, 50), (200, 1)]
        {
            drawn(size, &desk(), &mut view);
            typed(&mut view, "jGkg⇥jG");
            drawn(size, &desk(), &mut view);
        }
    }
    let mut empty = sample::view();
    typed(&mut empty, "5");
    for size in [(120, 36), (60, 20), (30, 8), (20, 4), (1, 1)] {
        drawn(size, &desk(), &mut empty);
    }
}

#[test]
fn better_and_worse_are_told_without_colour_as_well() {
    let mut view = viewer("5");
    let plain = drawn_with((120, 36), &desk(), &mut view, ColorDepth::None, &sample::context());
    let colour = drawn((120, 36), &desk(), &mut view);
    assert_eq!(text(&plain), text(&colour));
    assert!(plain.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert_eq!(style_of(&colour, "better").0, Color::Rgb(0x79, 0xc0, 0x8a));
    assert_eq!(style_of(&colour, "worse").0, Color::Rgb(0xe8, 0xb5, 0x5a));
    let shown = text(&plain);
    for line in shown.lines().filter(|line| line.contains("better") || line.contains("worse")) {
        assert_eq!(line.contains('↑') || line.contains('↓'), line.contains('+') || line.contains('−'), "{line}");
    }
}

#[test]
fn help_tells_what_the_selected_figure_means_and_what_the_board_shows() {
    let definition = |key| REGISTRY.iter().find(|row| row.key == key).unwrap().definition;
    let begin = |key| definition(key).split(' ').take(6).collect::<Vec<_>>().join(" ");
    let mut view = viewer("5jj");
    let key = view.history.selected().unwrap().row.key;
    typed(&mut view, "?");
    let shown = text(&drawn((80, 24), &desk(), &mut view));
    assert!(shown.contains(&begin(key)), "{key}: {shown}");
    assert!(!text(&drawn((80, 24), &desk(), &mut viewer("5?"))).contains("selected figure "), "none is selected");
    let board = text(&drawn((120, 70), &desk(), &mut viewer("?")));
    for key in ["first_response_time", "resolved", "csat"] {
        assert!(board.contains(&begin(key)), "{key}: {board}");
    }
}

#[test]
fn a_click_on_a_range_chooses_it() {
    let mut view = viewer("5");
    let (area, _) = view.regions.ranges[2];
    let click = Msg::Mouse(Mouse { kind: MouseKind::Click, x: area.x + 1, y: area.y });
    assert_eq!(loads(send(&mut view, click))[0].1, overview(30, Grouping::Team));
}
