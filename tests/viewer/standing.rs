//! Where rows and lists stand, who did what, and what the foot of the screen says of it all.

use std::sync::Arc;

use crossterm::event::KeyCode;
use helptop::app::{Msg, ViewState, update};
use helptop::board::{Page, Query, SourceHealth, SourceState, What};
use helptop::desk::ConversationIx;
use helptop::ui::{ColorDepth, ViewContext};
use ratatui::style::Color;

use crate::sample;
use crate::screen::{drawn, drawn_with, press, style_of, text, typed};

#[test]
fn severity_is_seen_in_a_selected_row_too() {
    let snapshot = Arc::new(sample::snapshot());
    for theme in ["dark", "light", "high-contrast"] {
        for depth in [ColorDepth::None, ColorDepth::Ansi16, ColorDepth::True] {
            let mut view = sample::view();
            theme.clone_into(&mut view.theme);
            drawn((120, 36), &snapshot, &mut view);
            press(&mut view, &snapshot, &typed("3j"));
            let buf = drawn_with((120, 36), &snapshot, &mut view, depth, &sample::context());
            let (of_sign, of_name) = (style_of(&buf, "‼    18m"), style_of(&buf, "M. Rossi"));
            assert_ne!(of_sign, of_name, "{theme} {depth:?}");
            assert_eq!(of_sign, style_of(&buf, "18m ★"), "{theme} {depth:?}: sign and wait look the same");
            press(&mut view, &snapshot, &typed("jj"));
            let buf = drawn_with((120, 36), &snapshot, &mut view, depth, &sample::context());
            let (of_sign, of_name) = (style_of(&buf, "▲    11m"), style_of(&buf, "łukasz"));
            // Without colours the sign alone tells a warning.
            assert!(depth == ColorDepth::None || of_sign != of_name, "{theme} {depth:?}");
        }
    }
}

#[test]
fn a_list_that_does_not_fit_says_where_it_stands() {
    let snapshot = Arc::new(sample::snapshot());
    let mut view = sample::view();
    let frame = |view: &mut ViewState, size| {
        let shown = text(&drawn(size, &snapshot, view));
        shown.lines().find(|line| line.contains("╭ Unanswered")).unwrap().to_owned()
    };
    assert!(frame(&mut view, (60, 20)).ends_with(" 1–12/20 ───╮"), "{}", frame(&mut view, (60, 20)));
    press(&mut view, &snapshot, &typed("G"));
    assert!(frame(&mut view, (60, 20)).ends_with(" 9–20/20 ───╮"));
    press(&mut view, &snapshot, &typed("/desk"));
    press(&mut view, &snapshot, &[KeyCode::Esc]);
    press(&mut view, &snapshot, &typed("/e"));
    assert!(frame(&mut view, (60, 20)).ends_with("/20 of 20 ───╮"), "{}", frame(&mut view, (60, 20)));
    // Where there is no room for all of it, there is none of it.
    assert!(
        frame(&mut sample::view(), (45, 12)).ends_with("first  1–6/20 ───╮"),
        "{}",
        frame(&mut sample::view(), (45, 12))
    );
    assert!(!frame(&mut sample::view(), (44, 12)).contains('…'));
    assert!(frame(&mut sample::view(), (120, 36)).ends_with("first ───────────────────────────╮"));
}

#[test]
fn a_source_that_has_told_nothing_yet_is_not_counted_as_fresh() {
    let mut snapshot = sample::snapshot();
    let states = [SourceState::Starting, SourceState::Fresh, SourceState::Starting, SourceState::Finished];
    snapshot.sources = states
        .into_iter()
        .enumerate()
        .map(|(i, state)| SourceHealth { state, ..sample::source(&format!("a-rather-long-name-{i}"), "rt", 1) })
        .collect();
    let head = text(&drawn((90, 24), &Arc::new(snapshot), &mut sample::view()));
    assert!(head.lines().next().unwrap().ends_with("● 1 fresh ○ 2 starting ● 1 ended"), "{head}");
}

#[test]
fn keys_are_back_after_a_message_and_help_is_always_among_them() {
    let snapshot = Arc::new(sample::snapshot());
    let foot = |view: &mut ViewState, size| text(&drawn(size, &snapshot, view)).lines().last().unwrap().to_owned();
    for size in [(60, 20), (80, 24), (200, 50)] {
        let mut view = sample::view();
        let before = foot(&mut view, size);
        assert!(before.contains("⏎ open") && before.contains("? help") && before.contains("breached"), "{before}");
        for say in [typed("ppp"), typed(":nonsensical"), [typed("3j"), typed("o")].concat()] {
            press(&mut view, &snapshot, &say);
            if view.prompt.is_some() {
                press(&mut view, &snapshot, &[KeyCode::Enter]);
            }
            let said = foot(&mut view, size);
            assert_ne!(said, before);
            assert!(view.link.is_some() || said.contains("names are shown") || said.contains("no command"), "{said}");
            for _ in 0..30 {
                update(&mut view, &snapshot, sample::NOW, Msg::Tick);
            }
            let after = foot(&mut view, size);
            assert!(after.contains("⏎ open") && after.contains("? help") && after.contains("breached"), "{after}");
        }
    }
}

#[test]
fn a_timeline_names_who_did_it_and_never_guesses() {
    let snapshot = Arc::new(sample::snapshot());
    let mut view = sample::view();
    drawn((120, 50), &snapshot, &mut view);
    press(&mut view, &snapshot, &[typed("3"), vec![KeyCode::Enter]].concat());
    let shown = text(&drawn((120, 50), &snapshot, &mut view));
    let who = |what: &str| {
        let line = shown.lines().find(|line| line.contains(what)).unwrap();
        line.split(what).next().unwrap().chars().skip(17).collect::<String>().trim().to_owned()
    };
    assert_eq!(
        [who("macro:"), who("tags: billing"), who("team: Billing"), who("target:"), who("routed under")],
        ["Ana Petrović", "–", "–", "help desk", "bot"]
    );
}

#[test]
fn who_used_a_macro_and_who_moved_a_chat_comes_from_the_events() {
    let mut engine = sample::engine();
    let source = engine.add_source(sample::source("desk", "rt", 0));
    let lines = [
        r#"{"type":"agent","id":"a1","name":"Ana"}"#,
        r#"{"type":"team","id":"t1","name":"Billing"}"#,
        r#"{"type":"macro","conversation":"c","agent":"a1","macro":"Refund","at":"2026-11-22T12:00:00Z"}"#,
        r#"{"type":"macro","conversation":"c","macro":"Refund","at":"2026-11-22T12:00:01Z"}"#,
        r#"{"type":"assigned","conversation":"c","team":"t1","by":"a1","at":"2026-11-22T12:00:02Z"}"#,
    ];
    engine.take(source, lines.map(|line| helptop::event::parse_line(line.as_bytes()).unwrap()), sample::NOW);
    engine.settle(sample::NOW);
    let Page::Conversation(page) = engine.page(Query::Conversation(ConversationIx(0)), sample::NOW) else {
        panic!("no page")
    };
    let ana = Some(Arc::from("Ana"));
    let wanted = [
        What::Macro { name: "Refund".into(), by: ana.clone() },
        What::Macro { name: "Refund".into(), by: None },
        What::Team { to: Some("Billing".into()), by: ana },
    ];
    assert_eq!(page.timeline.into_iter().map(|item| item.what).collect::<Vec<_>>(), wanted);
}

#[test]
fn states_and_their_times_stand_in_columns() {
    let snapshot = Arc::new(sample::snapshot());
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    press(&mut view, &snapshot, &typed("2"));
    let shown = text(&drawn((120, 36), &snapshot, &mut view));
    for part in ["online   3h ", "busy    12m ", "away     6m ", "active   3m ", "offline  9h "] {
        assert!(shown.contains(part), "{part:?}\n{shown}");
    }
}

#[test]
fn a_full_bar_is_full_in_a_theme_that_puts_its_colour_behind_text() {
    let mut view = sample::view();
    "high-contrast".clone_into(&mut view.theme);
    let buf = drawn((120, 36), &Arc::new(sample::snapshot()), &mut view);
    assert_eq!(style_of(&buf, "▇▇▇▇▇ 9/8").0, Color::Rgb(0xff, 0x5a, 0x4d));
    assert_eq!(style_of(&buf, "▇▇▇▇▇ 9/8").1, Color::Rgb(0, 0, 0));
}

#[test]
fn the_counts_at_the_foot_are_of_the_same_instant_as_the_signs_in_the_rows() {
    let mut engine = sample::engine();
    let mut lines = Vec::new();
    for (ix, second) in (0..30).map(|ix| (ix, ix * 11)) {
        let at = sample::ago(-second);
        let [conversation, at] = [format!("c{ix}"), at.to_string()];
        lines.push(format!(r#"{{"type":"message","conversation":"{conversation}","from":"customer","at":"{at}"}}"#));
        if ix % 3 == 0 {
            let due = sample::ago(-second - 950);
            lines.push(format!(
                r#"{{"type":"sla","conversation":"{conversation}","metric":"first_response","due":"{due}","at":"{at}"}}"#
            ));
        }
    }
    let events = lines.iter().map(|line| helptop::event::parse_line(line.as_bytes()).unwrap());
    let source = engine.add_source(sample::source("desk", "rt", 0));
    engine.take(source, events, sample::ago(-330));
    engine.settle(sample::ago(-330));
    let snapshot = Arc::new(engine.snapshot(sample::ago(-330)));
    for later in [330, 400, 449, 450, 451, 620, 755, 1021, 1100, 2000] {
        let context = ViewContext { now: sample::ago(-later), ..sample::context() };
        let buf = drawn_with((120, 60), &snapshot, &mut sample::view(), ColorDepth::True, &context);
        let shown = text(&buf);
        let (rows, foot) = shown.split_at(shown.trim_end().rfind('\n').unwrap());
        let signs = |sign: &str| rows.lines().filter(|line| line.contains(&format!("││ {sign}"))).count();
        let told = |sign: &str, word: &str| match signs(sign) {
            0 => !foot.contains(word),
            n => foot.contains(&format!("{sign} {n} {word}")),
        };
        // A row shows the worse of its wait and its target; here a target is never worse than the wait.
        assert!(told("‼", "breached") && told("▲", "at risk"), "{later} s\n{shown}");
    }
}

#[test]
fn what_time_alone_changes_is_published() {
    let mut engine = sample::engine();
    let source = engine.add_source(sample::source("desk", "rt", 0));
    let line = format!(r#"{{"type":"message","conversation":"c","from":"customer","at":"{}"}}"#, sample::NOW);
    engine.take(source, helptop::event::parse_line(line.as_bytes()), sample::NOW);
    engine.settle(sample::NOW);
    engine.snapshot(sample::NOW);
    assert!(!engine.settle(sample::ago(-30)));
    assert!(engine.settle(sample::ago(-301)), "the warning has passed");
    assert!(engine.settle(sample::ago(-302)), "and is still to be shown");
    assert_eq!(engine.snapshot(sample::ago(-302)).risk.at_risk, 1);
    assert!(!engine.settle(sample::ago(-303)));
}

#[test]
fn agents_alike_stand_in_the_order_of_their_names_whatever_their_capitals() {
    let mut engine = sample::engine();
    let source = engine.add_source(sample::source("desk", "rt", 0));
    let names = ["Zoe", "bob", "Anna", "Carla"];
    let lines = names.map(|name| format!(r#"{{"type":"agent","id":"{name}","name":"{name}"}}"#));
    engine.take(source, lines.map(|line| helptop::event::parse_line(line.as_bytes()).unwrap()), sample::NOW);
    engine.settle(sample::NOW);
    let live = engine.snapshot(sample::NOW).live;
    let shown: Vec<_> = live.ranking.keys().map(|key| live.agents[&key.ix].name.to_string()).collect();
    assert_eq!(shown, ["Anna", "bob", "Carla", "Zoe"]);
}
