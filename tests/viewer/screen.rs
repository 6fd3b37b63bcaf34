//! The screen as a function of picture and view: every page at every size, hostile text, and colours that mean something.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use helptop::app::{Effect, Msg, Privacy, Regions, ViewState, update};
use helptop::board::{BoardSnapshot, PastAnswer, PastQuery, SourceHealth, SourceState};
use helptop::desk::{AgentIx, ConversationIx, TeamIx};
use helptop::metrics::live::TeamRow;
use helptop::ui::{ColorDepth, Mode, Themes, ViewContext, draw};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::{kept, sample};

const SIZES: [(u16, u16); 6] = [(200, 50), (120, 36), (80, 24), (60, 20), (30, 8), (1, 1)];

/// Draws as a session does: twice, because what fits is known after the first frame.
pub(crate) fn drawn_with(
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

pub(crate) fn drawn(size: (u16, u16), snapshot: &Arc<BoardSnapshot>, view: &mut ViewState) -> Buffer {
    drawn_with(size, snapshot, view, ColorDepth::True, &sample::context())
}

/// The characters, without the spaces at the ends of lines.
pub(crate) fn text(buf: &Buffer) -> String {
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

pub(crate) fn press(view: &mut ViewState, snapshot: &Arc<BoardSnapshot>, keys: &[KeyCode]) {
    press_with(view, snapshot, keys, &kept::answer);
}

/// Types keys; the desk answers as the sample does, the past as it is told to.
pub(crate) fn press_with(
    view: &mut ViewState,
    snapshot: &Arc<BoardSnapshot>,
    keys: &[KeyCode],
    past: &dyn Fn(&PastQuery) -> PastAnswer,
) {
    for key in keys {
        let msg = Msg::Key(KeyEvent::new(*key, KeyModifiers::NONE));
        let mut effects = update(view, snapshot, sample::NOW, msg);
        while let Some(effect) = effects.pop() {
            let answer = match effect {
                Effect::Load(ticket, query) => Msg::Loaded(ticket, sample::page(snapshot, &query)),
                Effect::LoadPast(ticket, query) => Msg::Past(ticket, Some(past(&query))),
                _ => continue,
            };
            effects.extend(update(view, snapshot, sample::NOW, answer));
        }
    }
}

pub(crate) fn typed(text: &str) -> Vec<KeyCode> {
    text.chars().map(KeyCode::Char).collect()
}

#[test]
fn the_sources_page_says_how_much_of_the_quota_is_left_and_how_much_helptop_takes() {
    let page = |snapshot: BoardSnapshot| {
        let (snapshot, mut view) = (Arc::new(snapshot), sample::view());
        press(&mut view, &snapshot, &[KeyCode::Char('6')]);
        text(&drawn((120, 36), &snapshot, &mut view))
    };
    let told = "312 of 700 requests left, all of them again in 41s; helptop sends at most 350 of them (50 %)";
    assert!(page(sample::snapshot()).contains(told));
    let mut undated = sample::source("desk", "rt", 4);
    (undated.quota_resets_at, undated.quota_share) = (None, 0.25);
    let alone = |source| BoardSnapshot { sources: Arc::from([source]), ..sample::snapshot() };
    assert!(
        page(alone(undated.clone())).contains("312 of 700 requests left; helptop sends at most 175 of them (25 %)")
    );
    undated.quota = None;
    assert!(!page(alone(undated)).contains("requests left"), "nothing is said of a limit that nobody tells");
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
        ("agent_ended", [typed("2"), vec![down, down, enter, tab, down]].concat()),
        ("agent_figures", [typed("2"), vec![down, down, enter, tab, tab, tab, down, down, down]].concat()),
        ("customer", [typed("3"), vec![down], typed("c")].concat()),
        ("kept_chat", [typed("3"), vec![down], typed("c"), vec![down, down, enter]].concat()),
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
pub(crate) fn style_of(buf: &Buffer, wanted: &str) -> (Color, Color, Modifier) {
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
fn old_data_is_dimmed_and_says_how_old() {
    let mut old = sample::snapshot();
    old.sources = Arc::from([sample::source("desk", "rt", 400), sample::source("other", "rt", 1)]);
    let buf = drawn((120, 36), &Arc::new(old), &mut sample::view());
    let stale = Color::Rgb(0x76, 0x7d, 0x8a);
    assert_eq!(style_of(&buf, "Kelechi").0, stale);
    assert_ne!(style_of(&buf, "Li Wei").0, stale);
    assert!(text(&buf).contains("▲ desk stale 6m"), "{}", text(&buf));
    assert_eq!(style_of(&buf, "18m").0, stale, "the longest wait is of a source that is stale");
}

#[test]
fn a_figure_of_which_a_part_is_old_or_missing_says_so() {
    let mut snapshot = sample::snapshot();
    let of = |old: Option<i64>| SourceHealth {
        good_at: old.and(sample::source("desk", "rt", old.unwrap_or_default()).good_at),
        ..sample::source("desk", "rt", 1)
    };
    let (new, old, never) = (Some(1), Some(400), None);
    for (ages, is_marked) in
        [([new, new], false), ([old, new], true), ([new, old], true), ([new, never], true), ([old, old], false)]
    {
        snapshot.sources = ages.into_iter().map(of).collect();
        for size in [(120, 36), (60, 20), (40, 8)] {
            let buf = drawn(size, &Arc::new(snapshot.clone()), &mut sample::view());
            assert_eq!(text(&buf).contains('~'), is_marked, "{ages:?} at {size:?}:\n{}", text(&buf));
        }
    }
}

#[test]
fn an_agent_of_several_teams_is_shown_with_the_first_and_the_number_of_the_others() {
    let mut snapshot = sample::snapshot();
    let long = TeamRow { name: "Enterprise accounts of the north".into(), ..(*snapshot.live.teams[1]).clone() };
    snapshot.live.teams.set(1, Arc::new(long));
    for (ix, teams) in [(0, &[0, 1][..]), (1, &[2, 0, 1]), (2, &[]), (3, &[1, 0])] {
        let row = Arc::make_mut(snapshot.live.agents.get_mut(&AgentIx(ix)).unwrap());
        row.teams = teams.iter().map(|team| TeamIx(*team)).collect();
    }
    let snapshot = Arc::new(snapshot);
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    press(&mut view, &snapshot, &typed("2"));
    let shown = text(&drawn((120, 36), &snapshot, &mut view));
    let row = |name: &str| shown.lines().find(|line| line.contains(name)).unwrap();
    assert!(row("Ana Petr").contains(" Billing +1 "), "{shown}");
    assert!(row("Bogdan").contains(" Support +2 "), "{shown}");
    assert!(row("Chiara").contains(" – "), "{shown}");
    assert!(row("Daisuke").contains("… +1 ") && row("Daisuke").contains(" Enterprise acc"), "{shown}");
    assert!(row("Elif").contains(" Support  "), "{shown}");
}

#[test]
fn rows_name_their_source_where_there_are_several() {
    let mut snapshot = sample::snapshot();
    for (sources, named) in [(2, true), (1, false)] {
        snapshot.sources = snapshot.sources.iter().take(sources).cloned().collect();
        let board = text(&drawn((200, 50), &Arc::new(snapshot.clone()), &mut sample::view()));
        let titles = board.lines().find(|line| line.contains("customer")).unwrap();
        assert_eq!(titles.matches("source").count(), if named { 2 } else { 0 }, "{titles}");
        let row = board.lines().find(|line| line.contains("Li Wei")).unwrap();
        assert_eq!(row.contains("callbell"), named, "{row}");
    }
}

#[test]
fn what_is_not_known_is_a_dash_and_never_zero() {
    let mut snapshot = sample::snapshot();
    (snapshot.tells_presence, snapshot.tells_ratings) = (false, false);
    snapshot.today.first_response = helptop::metrics::stats::DurationFigure::default();
    snapshot.live.waiting = imbl::OrdMap::new();
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
        let ix = ConversationIx(at as u32);
        let (key, row) = snapshot.live.waiting.iter().find(|(key, _)| key.ix == ix).unwrap();
        let (key, mut row) = (key.clone(), (**row).clone());
        Arc::make_mut(row.customer.as_mut().unwrap()).name = (*text).into();
        row.subject = Some((*text).into());
        row.channel = Some((*text).into());
        row.url = Some(format!("https://x.example/{text}").into());
        snapshot.live.waiting.insert(key, Arc::new(row));
        let agent = snapshot.live.agents.get_mut(&AgentIx(at as u32)).unwrap();
        Arc::make_mut(agent).name = (*text).into();
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
        Arc::make_mut(other.live.agents.get_mut(&AgentIx(at as u32)).unwrap()).name = "x".into();
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
    assert!(shown(Mode::Demo).contains(" DEMO ") && shown(Mode::Demo).contains("helptop init"));
    assert!(shown(Mode::Replay { speed: 60.0 }).contains(" REPLAY ×60 "));
    assert!(!shown(Mode::Live).contains("DEMO"));
    let with_states = |states: &[SourceState]| {
        let mut told = sample::snapshot();
        let source = |state: &SourceState| SourceHealth { state: *state, ..sample::source("monday", "replay", 1) };
        told.sources = states.iter().map(source).collect();
        let context = ViewContext { mode: Mode::Replay { speed: 60.0 }, ..sample::context() };
        text(&drawn_with((120, 36), &Arc::new(told), &mut sample::view(), ColorDepth::True, &context))
    };
    assert!(with_states(&[SourceState::Finished]).contains(" REPLAY ended "));
    for going_on in [&[][..], &[SourceState::Fresh], &[SourceState::Finished, SourceState::Fresh]] {
        assert!(with_states(going_on).contains(" REPLAY ×60 "), "{going_on:?}");
    }

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
