//! The screen as a function of picture and view: every page at every size, hostile text, and colours that mean something.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use helptop::app::{Effect, Msg, Privacy, Regions, ViewState, update};
use helptop::board::{BoardSnapshot, Page, Query, What};
use helptop::desk::ConversationIx;
use helptop::ui::{ColorDepth, Mode, Themes, ViewContext, draw};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::sample;

const SIZES: [(u16, u16); 6] = [(200, 50), (120, 36), (80, 24), (60, 20), (30, 8), (1, 1)];

/// Draws as a session does: twice, because what fits is known after the first frame.
fn drawn_with(
    (width, height): (u16, u16),
    snapshot: &Arc<BoardSnapshot>,
    view: &mut ViewState,
    depth: ColorDepth,
    context: &ViewContext,
) -> Buffer {
    let palette = Themes::built_in().unwrap().get(&view.theme).unwrap().at_depth(depth);
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    for _ in 0..2 {
        buf.reset();
        update(view, snapshot, sample::NOW, Msg::Snapshot);
        let shown = view.shown(snapshot);
        view.regions = draw(&mut buf, &shown, view, &palette, context);
    }
    buf
}

fn drawn(size: (u16, u16), snapshot: &Arc<BoardSnapshot>, view: &mut ViewState) -> Buffer {
    drawn_with(size, snapshot, view, ColorDepth::True, &sample::context())
}

/// The characters, without the spaces at the ends of lines.
fn text(buf: &Buffer) -> String {
    let width = usize::from(buf.area().width);
    let mut out = String::new();
    for line in buf.content().chunks(width) {
        let mut skip = 0;
        let mut shown = String::new();
        for cell in line {
            if skip == 0 {
                shown.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        out.push_str(shown.trim_end());
        out.push('\n');
    }
    out
}

fn press(view: &mut ViewState, snapshot: &Arc<BoardSnapshot>, keys: &[KeyCode]) {
    for key in keys {
        let msg = Msg::Key(KeyEvent::new(*key, KeyModifiers::NONE));
        for effect in update(view, snapshot, sample::NOW, msg) {
            if let Effect::Load(ticket, query) = effect {
                update(view, snapshot, sample::NOW, Msg::Loaded(ticket, sample::page(snapshot, query)));
            }
        }
    }
}

fn typed(text: &str) -> Vec<KeyCode> {
    text.chars().map(KeyCode::Char).collect()
}

/// Every page there is, with the keys that lead to it.
fn pages() -> Vec<(&'static str, Vec<KeyCode>)> {
    let (enter, tab, down) = (KeyCode::Enter, KeyCode::Tab, KeyCode::Char('j'));
    vec![
        ("board", vec![]),
        ("board_selected", vec![down, down, tab, down]),
        ("filter", typed("/billing")),
        ("command", typed(":fr")),
        ("agents", typed("2s")),
        ("unanswered", typed("3ss")),
        ("sources", vec![KeyCode::Char('6'), down, down]),
        ("agent", [typed("2"), vec![down, down, enter, down]].concat()),
        ("agent_activity", [typed("2"), vec![enter, tab, down, down]].concat()),
        ("chat", [typed("3"), vec![down, enter]].concat()),
        ("chat_selected", [typed("3"), vec![down, enter, KeyCode::Up, KeyCode::Up]].concat()),
        ("help", typed("?j")),
        ("privacy", typed("pp")),
        ("frozen", typed("f")),
        ("link", [typed("3"), vec![down], typed("o")].concat()),
    ]
}

#[test]
fn the_board_at_every_size() {
    let snapshot = Arc::new(sample::snapshot());
    for (width, height) in SIZES {
        let buf = drawn((width, height), &snapshot, &mut sample::view());
        insta::assert_snapshot!(format!("board_{width}x{height}"), text(&buf));
    }
}

#[test]
fn every_page_in_words() {
    let snapshot = Arc::new(sample::snapshot());
    for (name, keys) in pages().into_iter().skip(1) {
        let mut view = sample::view();
        drawn((120, 36), &snapshot, &mut view);
        press(&mut view, &snapshot, &keys);
        insta::assert_snapshot!(name, text(&drawn((120, 36), &snapshot, &mut view)));
    }
}

#[test]
fn no_page_panics_at_any_size_in_any_theme() {
    let snapshot = Arc::new(sample::snapshot());
    let odd = [(1, 50), (200, 1), (19, 9), (20, 4), (44, 12), (104, 8), (3, 3)];
    for (_, keys) in pages() {
        let mut view = sample::view();
        drawn((120, 36), &snapshot, &mut view);
        press(&mut view, &snapshot, &keys);
        for theme in ["dark", "light", "high-contrast"] {
            theme.clone_into(&mut view.theme);
            for depth in [ColorDepth::None, ColorDepth::Ansi16, ColorDepth::Indexed256, ColorDepth::True] {
                drawn_with((80, 24), &snapshot, &mut view, depth, &sample::context());
            }
        }
        for size in SIZES.into_iter().chain(odd) {
            drawn(size, &snapshot, &mut view);
            press(&mut view, &snapshot, &[KeyCode::Char('j'), KeyCode::PageDown, KeyCode::Char('G')]);
            drawn(size, &snapshot, &mut view);
        }
    }
}

/// The style of the first cell of a text.
fn style_of(buf: &Buffer, wanted: &str) -> (Color, Color, Modifier) {
    let first = wanted.chars().next().unwrap().to_string();
    let area = *buf.area();
    let starts = |x: u16, y: u16| {
        let rest: String = (x..area.width).map(|x| buf[(x, y)].symbol()).collect();
        rest.starts_with(wanted)
    };
    for y in 0..area.height {
        for x in 0..area.width {
            if buf[(x, y)].symbol() == first && starts(x, y) {
                let cell = &buf[(x, y)];
                return (cell.fg, cell.bg, cell.modifier);
            }
        }
    }
    panic!("{wanted:?} is not on the screen:\n{}", text(buf));
}

#[test]
fn severity_is_told_by_colour_and_by_a_sign() {
    let snapshot = Arc::new(sample::snapshot());
    let buf = drawn((120, 36), &snapshot, &mut sample::view());
    let breach = Color::Rgb(0xf2, 0x76, 0x6b);
    assert_eq!(style_of(&buf, "‼    18m ★").0, breach);
    assert_eq!(style_of(&buf, "▲    11m").0, Color::Rgb(0xe8, 0xb5, 0x5a));
    let plain = drawn_with((120, 36), &snapshot, &mut sample::view(), ColorDepth::None, &sample::context());
    assert!(plain.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(style_of(&plain, "‼    18m ★").2.contains(Modifier::BOLD));
    assert_eq!(text(&plain), text(&buf));
}

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
    assert!(frame(&mut sample::view(), (120, 36)).ends_with("first ───────────────────────────╮"));
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
fn old_data_is_dimmed_and_says_how_old() {
    let mut old = sample::snapshot();
    old.sources = Arc::from([sample::source("desk", "rt", 400), sample::source("other", "rt", 1)]);
    let buf = drawn((120, 36), &Arc::new(old), &mut sample::view());
    let stale = Color::Rgb(0x76, 0x7d, 0x8a);
    assert_eq!(style_of(&buf, "Kelechi").0, stale);
    assert_ne!(style_of(&buf, "Li Wei").0, stale);
    assert!(text(&buf).contains("▲ desk stale 6m"), "{}", text(&buf));
}

#[test]
fn what_is_not_known_is_a_dash_and_never_zero() {
    let mut snapshot = sample::snapshot();
    (snapshot.tells_presence, snapshot.tells_ratings) = (false, false);
    snapshot.today.first_response = helptop::metrics::stats::DurationFigure::default();
    snapshot.live.waiting = imbl::OrdSet::new();
    let shown = text(&drawn((120, 36), &Arc::new(snapshot), &mut sample::view()));
    let tiles = shown.lines().nth(2).unwrap();
    let figures: Vec<&str> = tiles.split('│').map(str::trim).filter(|text| !text.is_empty()).collect();
    assert_eq!(figures[1..], ["–", "141", "3 15m", "–", "–", "212", "–"], "{shown}");
    assert!(shown.contains("nobody is waiting"));
}

#[test]
fn of_a_source_that_nobody_asks_what_asking_costs_is_a_dash() {
    let mut feed = sample::source("ours", "command", 200);
    (feed.pushes, feed.alive_at, feed.latency) = (true, Some(sample::ago(1)), None);
    let snapshot = Arc::new(BoardSnapshot { generation: 1, sources: Arc::from([feed]), ..Default::default() });
    let mut view = sample::view();
    press(&mut view, &snapshot, &typed("6"));
    let shown = text(&drawn((160, 40), &snapshot, &mut view));
    let row = shown.lines().find(|line| line.contains("ours") && line.contains("fresh")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[5..9], ["3m", "–", "–", "–"], "age, every, latency, requests\n{shown}");
    assert!(shown.contains("it speaks by itself, last 3m ago") && !shown.contains("in the last poll"), "{shown}");
}

#[test]
fn hostile_text_stays_in_its_cells() {
    let mut snapshot = sample::snapshot();
    let flood = "A".repeat(1_000_000);
    let hostile = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{202e}drowssap\u{202c}",
        "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}b",
        "\u{200b}\u{200b}\u{200b}",
        "line\nbreak\ttab\r",
        "👩‍👩‍👧‍👦 fam 🇮🇹",
        &flood,
        "\u{9b}31m",
        "مرحبا بالعالم",
        "\u{e0041}\u{e007f}x",
    ];
    for (at, text) in hostile.iter().enumerate() {
        let customer = Arc::make_mut(&mut snapshot.live.customers[at]);
        customer.name = (*text).into();
        let ix = ConversationIx(at as u32);
        let mut row = (*snapshot.live.conversations[&ix]).clone();
        row.subject = Some((*text).into());
        row.channel = Some((*text).into());
        row.url = Some(format!("https://x.example/{text}").into());
        snapshot.live.conversations.insert(ix, Arc::new(row));
        Arc::make_mut(&mut snapshot.live.agents[at]).name = (*text).into();
        Arc::make_mut(&mut snapshot.live.teams[at % 3]).name = (*text).into();
    }
    let snapshot = Arc::new(snapshot);
    for (name, keys) in pages() {
        let mut view = sample::view();
        drawn((120, 36), &snapshot, &mut view);
        press(&mut view, &snapshot, &keys);
        let buf = drawn((120, 36), &snapshot, &mut view);
        for cell in buf.content() {
            assert!(!cell.symbol().chars().any(helptop::ui::text::is_forbidden), "{name}: {:?}", cell.symbol());
        }
        for line in text(&buf).lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= 120, "{name}: {line:?}");
        }
        assert!(view.regions.links.iter().all(|link| link.url.bytes().all(|byte| byte.is_ascii_graphic())));
        if name == "board" {
            insta::assert_snapshot!("hostile", text(&buf));
        }
    }
}

#[test]
fn masks_leave_no_name_of_a_customer_anywhere() {
    let snapshot = Arc::new(sample::snapshot());
    for privacy in [Privacy::Initials, Privacy::All] {
        for (name, keys) in pages().into_iter().filter(|(name, _)| *name != "privacy") {
            let mut view = sample::view();
            view.privacy = privacy;
            drawn((200, 50), &snapshot, &mut view);
            press(&mut view, &snapshot, &keys);
            let shown = text(&drawn((200, 50), &snapshot, &mut view));
            for secret in ["Rossi", "Okafor", "Kovalenko", "Charged twice", "order 20417"] {
                assert!(!shown.contains(secret), "{name} {privacy}: {secret}\n{shown}");
            }
            let agents = shown.contains("Petrović");
            assert!(!agents || privacy == Privacy::Initials, "{name}");
        }
    }
}

#[test]
fn a_column_is_as_wide_whatever_the_rows_hold() {
    let edges = |snapshot: &Arc<BoardSnapshot>| -> Regions {
        let mut view = sample::view();
        drawn((120, 36), snapshot, &mut view);
        view.regions
    };
    let mut other = sample::snapshot();
    for at in 0..other.live.agents.len() {
        Arc::make_mut(&mut other.live.agents[at]).name = "x".into();
    }
    other.live.totals.unanswered = 2_345;
    assert_eq!(edges(&Arc::new(sample::snapshot())).headers, edges(&Arc::new(other)).headers);
}

#[test]
fn demo_replay_and_frozen_pictures_are_marked() {
    let snapshot = Arc::new(sample::snapshot());
    let shown = |mode| {
        let context = ViewContext { mode, ..sample::context() };
        text(&drawn_with((120, 36), &snapshot, &mut sample::view(), ColorDepth::True, &context))
    };
    assert!(shown(Mode::Demo).contains(" DEMO ") && shown(Mode::Demo).contains("helptop print config"));
    assert!(shown(Mode::Replay { speed: 60.0 }).contains(" REPLAY ×60 "));
    assert!(!shown(Mode::Live).contains("DEMO"));

    let mut view = sample::view();
    press(&mut view, &snapshot, &typed("f"));
    let later = ViewContext { now: sample::NOW + chrono::TimeDelta::seconds(130), ..sample::context() };
    let held = text(&drawn_with((120, 36), &snapshot, &mut view, ColorDepth::True, &later));
    assert!(held.contains(" FROZEN 2m 10s ") && held.contains("▲ 9m 40s"), "{held}");
}

#[test]
fn the_clock_can_have_twelve_hours_and_stays_as_wide() {
    let shown = |hours: i64| {
        let now = sample::NOW + chrono::TimeDelta::hours(hours);
        let context = ViewContext { now, twelve_hours: true, ..sample::context() };
        let snapshot = Arc::new(sample::snapshot());
        text(&drawn_with((120, 36), &snapshot, &mut sample::view(), ColorDepth::True, &context))
    };
    assert!(shown(0).contains("Sun 22 Nov  2:32:07 pm ·") && shown(-3).contains("Sun 22 Nov 11:32:07 am ·"));
}

#[test]
fn an_empty_desk_and_no_picture_at_all_are_drawn() {
    let nothing = Arc::new(BoardSnapshot::default());
    assert!(text(&drawn((80, 24), &nothing, &mut sample::view())).contains("waiting for the first picture"));
    let empty =
        BoardSnapshot { generation: 1, sources: Arc::from([sample::source("desk", "rt", 1)]), ..Default::default() };
    let shown = text(&drawn((120, 36), &Arc::new(empty), &mut sample::view()));
    assert!(shown.contains("no agents yet") && shown.contains("nobody is waiting"), "{shown}");
    let silent = helptop::board::SourceHealth { name: "desk".to_owned(), ..Default::default() };
    let unheard = BoardSnapshot { generation: 1, sources: Arc::from([silent]), ..Default::default() };
    let shown = text(&drawn((120, 36), &Arc::new(unheard), &mut sample::view()));
    assert!(shown.contains("no source has answered yet") && shown.contains("○ desk starting"), "{shown}");
    assert!(!shown.lines().nth(2).unwrap().contains('0'), "unknown is never 0\n{shown}");
}
