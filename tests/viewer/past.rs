//! Pages that tell the past: at every size, with hostile names, and the way from one to the next.

use std::sync::Arc;

use crossterm::event::KeyCode;
use helptop::app::{ChatSort, Effect, Mouse, MouseKind, Msg, Pane, SortBy, ViewState, update};
use helptop::board::{BoardSnapshot, PastAnswer, PastPage, PastQuery, Query};
use helptop::desk::{AgentIx, ConversationIx, SourceIx};
use helptop::metrics::live::ConversationRow;
use helptop::ui::text::is_forbidden;
use rstest::rstest;

use crate::kept::{self, Names};
use crate::sample;
use crate::screen::{drawn, press, press_with, text, typed};

const DESK: SourceIx = SourceIx(0);
const SIZES: [(u16, u16); 3] = [(80, 24), (60, 20), (1, 1)];

fn desk() -> Arc<BoardSnapshot> {
    Arc::new(sample::snapshot())
}

/// A viewer who has typed; `⏎ ⎋ ⇥` stand for Enter, Esc and Tab.
fn viewer(snapshot: &Arc<BoardSnapshot>, keys: &str) -> ViewState {
    let mut view = sample::view();
    drawn((120, 36), snapshot, &mut view);
    press(&mut view, snapshot, &codes(keys));
    view
}

fn codes(keys: &str) -> Vec<KeyCode> {
    let code = |key| match key {
        '⏎' => KeyCode::Enter,
        '⎋' => KeyCode::Esc,
        '⇥' => KeyCode::Tab,
        other => KeyCode::Char(other),
    };
    keys.chars().map(code).collect()
}

#[test]
fn pages_of_the_past_at_smaller_sizes() {
    let snapshot = desk();
    let pages = [
        ("agent", "2jj⏎"),
        ("agent_figures", "2jj⏎⇥⇥⇥j"),
        ("agent_handling", "2jj⏎⇥⇥⇥⇥"),
        ("customer", "3jc"),
        ("customer_typical", "3jc⇥"),
        ("customer_answers", "3jc⇥⇥⇥"),
        ("kept_chat", "3jcjj⏎"),
    ];
    for (name, keys) in pages {
        let mut view = viewer(&snapshot, keys);
        for (width, height) in SIZES {
            let shown = text(&drawn((width, height), &snapshot, &mut view));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
        }
    }
}

/// What a viewer sees whose question about the past is answered so.
fn answered(keys: &str, answer: &PastAnswer) -> String {
    let snapshot = desk();
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    press_with(&mut view, &snapshot, &codes(keys), &|_| answer.clone());
    text(&drawn((120, 36), &snapshot, &mut view))
}

#[rstest]
#[case(PastAnswer::Loading(40, 100), "reading history 40 %")]
#[case(PastAnswer::Loading(0, 0), "reading history")]
#[case(PastAnswer::Page(Arc::new(PastPage::Unkept("history is off: [store] is not set".to_owned()))), "history is off")]
#[case(PastAnswer::Page(Arc::new(PastPage::Failed("the disk is on fire".to_owned()))), "the disk is on fire")]
#[case(PastAnswer::Page(Arc::new(PastPage::Unknown)), "nothing is kept of it")]
fn until_the_past_is_read_a_page_says_how_far_it_is_and_shows_the_rest(
    #[case] answer: PastAnswer,
    #[case] words: &str,
) {
    let agent = answered("2jj⏎", &answer);
    assert!(agent.contains(words) && agent.contains("today  worked 31") && agent.contains("łukasz w."), "{agent}");
    let customer = answered("3jc", &answer);
    assert!(customer.contains(words), "{customer}");
}

#[test]
fn figures_of_a_past_that_is_still_told_say_that_they_lack_something() {
    let mut snapshot = sample::snapshot();
    let mut sources = snapshot.sources.to_vec();
    sources[0].progress = Some(("reading history".to_owned(), 0.4));
    snapshot.sources = sources.into();
    let snapshot = Arc::new(snapshot);
    for keys in ["2jj⏎", "3jc"] {
        let shown = text(&drawn((120, 36), &snapshot, &mut viewer(&snapshot, keys)));
        assert!(shown.contains("as of 14:32:07, incomplete: reading history 40 %"), "{shown}");
    }
}

#[test]
fn the_day_s_figures_are_told_once() {
    let shown = text(&drawn((120, 36), &desk(), &mut viewer(&desk(), "2jj⏎")));
    assert!(!shown.contains("today  worked") && shown.contains("30 days"), "{shown}");
}

#[rstest]
// From the list of the unanswered to the chat, to its customer, to a kept chat of it, and back.
#[case("3jj⏎", Query::Conversation(ConversationIx(1)), 1)]
#[case("3jj⏎c", Query::Customer(DESK, "c1".into()), 2)]
#[case("3jjc", Query::Customer(DESK, "c1".into()), 1)]
#[case("3jj⏎c⎋", Query::Conversation(ConversationIx(1)), 1)]
// From a kept chat of the customer back to the customer, without going deeper.
#[case("3jj⏎cj⏎c", Query::Customer(DESK, "c1".into()), 2)]
// From a kept chat to who held it, whom the board knows.
#[case("2jj⏎⇥j⏎⏎", Query::Agent(AgentIx(4)), 1)]
// Who dealt with a customer.
#[case("3jjc⇥⇥⏎", Query::Agent(AgentIx(0)), 2)]
fn one_key_leads_from_page_to_page(#[case] keys: &str, #[case] wanted: Query, #[case] depth: usize) {
    let view = viewer(&desk(), keys);
    assert_eq!((&view.drills.last().unwrap().query, view.drills.len()), (&wanted, depth));
}

#[test]
fn ended_chats_lead_to_themselves_and_to_their_customers() {
    let snapshot = desk();
    let mut view = viewer(&snapshot, "2jj⏎⇥j");
    let ended = view.drills[0].agent_past().unwrap().ended[0].clone();
    let customer = ended.customer.unwrap();
    press(&mut view, &snapshot, &codes("c"));
    assert_eq!(view.drills[1].query, Query::Customer(DESK, customer.id.clone()));
    press(&mut view, &snapshot, &codes("⎋⏎"));
    assert_eq!(view.drills[1].query, Query::Named(DESK, ended.id.clone()));
    // The desk knows nothing of it: it is told from what was kept.
    let page = view.drills[1].conversation().unwrap();
    assert_eq!((&page.row.id, page.as_of), (&ended.id, Some(sample::NOW)));
    let shown = text(&drawn((120, 36), &snapshot, &mut view));
    assert!(shown.contains("as kept, 14:32:07") && shown.contains("opened it"), "{shown}");
}

#[test]
fn an_answer_about_a_chat_leads_to_it() {
    let snapshot = desk();
    let mut view = viewer(&snapshot, "3jc⇥⇥⇥j");
    let about = view.drills[0].customer().unwrap().answers[0].id.clone();
    press(&mut view, &snapshot, &codes("⏎"));
    assert_eq!(view.drills[1].query, Query::Named(DESK, about));
}

#[test]
fn tab_goes_through_all_parts_of_a_page_whatever_the_screen_shows() {
    let snapshot = desk();
    for (keys, parts) in [
        ("2jj⏎", vec![Pane::Open, Pane::Chats, Pane::Activity, Pane::Figures, Pane::Spread, Pane::Open]),
        ("3jc", vec![Pane::Chats, Pane::Typical, Pane::Dealt, Pane::Answers, Pane::Chats]),
    ] {
        let mut view = viewer(&snapshot, keys);
        for (at, part) in parts.iter().enumerate() {
            let shown = text(&drawn((60, 20), &snapshot, &mut view));
            assert_eq!(view.pane(), *part, "{keys} {at}\n{shown}");
            let is_shown = view.regions.lists.iter().any(|list| list.pane == *part);
            assert!(is_shown, "{part} is not on the screen\n{shown}");
            press(&mut view, &snapshot, &[KeyCode::Tab]);
        }
    }
}

#[test]
fn a_customer_is_asked_for_first_and_all_others_then() {
    let snapshot = desk();
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    let mut send = |msg| update(&mut view, &snapshot, sample::NOW, msg);
    for key in typed("3j") {
        send(Msg::Key(key.into()));
    }
    let (own, others) = (PastQuery::Customer(DESK, "c0".into()), PastQuery::Typical(DESK, "c0".into()));
    // The desk itself knows nothing of customers and is not asked.
    assert_eq!(send(Msg::Key(KeyCode::Char('c').into())), [Effect::LoadPast(1, own.clone())]);
    assert!(send(Msg::Tick).is_empty());
    assert!(send(Msg::Past(1, Some(PastAnswer::Loading(1, 9)))).is_empty());
    let effects = send(Msg::Past(1, Some(kept::answer(&own))));
    assert_eq!(effects, [Effect::LoadPast(2, others.clone())]);
    // While all others are read, however long that takes, the customer is not asked for anew.
    for _ in 0..200 {
        assert!(send(Msg::Tick).is_empty());
    }
    let effects = send(Msg::Past(2, Some(kept::answer(&others))));
    assert_eq!(effects, [Effect::LoadPast(3, own.clone())], "a page that is shown is asked for anew");
    send(Msg::Past(3, Some(kept::answer(&own))));
    let asked: Vec<Effect> = (0..59).flat_map(|_| send(Msg::Tick)).collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn of_a_chat_whose_log_was_let_go_the_rest_is_read() {
    let snapshot = desk();
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    for key in typed("3jj") {
        update(&mut view, &snapshot, sample::NOW, Msg::Key(key.into()));
    }
    let effects = update(&mut view, &snapshot, sample::NOW, Msg::Key(KeyCode::Enter.into()));
    let [Effect::Load(ticket, query)] = &effects[..] else { panic!("{effects:?}") };
    let helptop::board::Page::Conversation(mut page) = sample::page(&snapshot, query) else { panic!() };
    (page.is_whole, page.timeline) = (false, Vec::new());
    let id = page.row.id.clone();
    let answer = Msg::Loaded(*ticket, helptop::board::Page::Conversation(page));
    let effects = update(&mut view, &snapshot, sample::NOW, answer);
    assert_eq!(effects, [Effect::LoadPast(2, PastQuery::Conversation(DESK, id))]);
}

#[test]
fn a_chat_that_led_to_its_customer_is_come_back_to() {
    let snapshot = desk();
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    // The customer's newest chat is the one of the board.
    let past = |query: &PastQuery| match kept::answer(query) {
        PastAnswer::Page(page) => match (*page).clone() {
            PastPage::Customer(mut page) => {
                page.chats[0].id = "20401".into();
                PastAnswer::Page(Arc::new(PastPage::Customer(page)))
            }
            _ => PastAnswer::Page(page),
        },
        loading @ PastAnswer::Loading(..) => loading,
    };
    press_with(&mut view, &snapshot, &codes("3jj⏎c"), &past);
    assert_eq!(view.drills.len(), 2);
    press_with(&mut view, &snapshot, &codes("⏎"), &past);
    assert_eq!((view.drills.len(), &view.drills[0].query), (1, &Query::Conversation(ConversationIx(1))));
}

#[test]
fn a_forgotten_chat_that_comes_back_is_shown_as_the_desk_knows_it() {
    let snapshot = desk();
    let mut view = viewer(&snapshot, "2jj⏎⇥⏎");
    assert!(view.drills[1].conversation().unwrap().as_of.is_some());
    let back = sample::page(&snapshot, &Query::Conversation(ConversationIx(1)));
    view.drills[1].page = Some(back);
    assert_eq!(view.drills[1].conversation().unwrap().as_of, None);
}

#[rstest]
#[case("c", "select a chat first")]
#[case("2jj⏎c", "select a chat first")]
#[case("3jjc⇥c", "")]
fn where_no_chat_is_selected_there_is_no_customer(#[case] keys: &str, #[case] message: &str) {
    let view = viewer(&desk(), keys);
    assert_eq!(view.message.map_or(String::new(), |(text, _)| text), message);
}

#[test]
fn a_chat_without_a_customer_says_so() {
    let mut snapshot = sample::snapshot();
    let nobody = |row: &ConversationRow| Arc::new(ConversationRow { customer: None, ..row.clone() });
    let waiting = snapshot.live.waiting.iter().map(|(key, row)| (key.clone(), nobody(row)));
    snapshot.live.waiting = waiting.collect();
    let view = viewer(&Arc::new(snapshot), "3jc");
    assert_eq!(view.message.unwrap().0, "its source does not tell who the customer is");
}

#[test]
fn chats_of_the_past_are_sorted_by_key_and_by_title() {
    let snapshot = desk();
    let mut view = viewer(&snapshot, "2jj⏎⇥");
    drawn((120, 36), &snapshot, &mut view);
    let shown = |view: &ViewState| -> Vec<(Option<i64>, Option<f64>)> {
        let drill = &view.drills[0];
        let chats = drill.window(Pane::Chats, 2_000).keys.into_iter().filter_map(|row| drill.ended(row));
        chats.map(|chat| (chat.handled, chat.answer.as_ref().map(|answer| answer.rating.score))).collect()
    };
    let newest = shown(&view);
    press(&mut view, &snapshot, &codes("s"));
    let longest = shown(&view);
    assert!(longest.is_sorted_by(|one, other| one.0 >= other.0) && longest.len() == newest.len());
    press(&mut view, &snapshot, &codes("s"));
    let worst: Vec<f64> = shown(&view).into_iter().map(|(_, score)| score.unwrap_or(9.0)).collect();
    assert!(worst.is_sorted() && worst.contains(&9.0) && worst[0] < 3.0, "{worst:?}");
    press(&mut view, &snapshot, &codes("s"));
    assert_eq!((view.drills[0].sort, shown(&view)), (ChatSort::Newest, newest));
    let (area, sort) =
        *view.regions.headers.iter().find(|(_, sort)| *sort == SortBy::Chats(ChatSort::Longest)).unwrap();
    let click = Mouse { kind: MouseKind::Click, x: area.x, y: area.y };
    update(&mut view, &snapshot, sample::NOW, Msg::Mouse(click));
    assert_eq!((SortBy::Chats(view.drills[0].sort), shown(&view)), (sort, longest));
    // A chat is itself whatever the order: the third of the longest is opened.
    press(&mut view, &snapshot, &codes("jjj"));
    let third = view.drills[0].window(Pane::Chats, 9).keys[2];
    let id = view.drills[0].ended(third).unwrap().id.clone();
    press(&mut view, &snapshot, &codes("⏎"));
    assert_eq!(view.drills[1].query, Query::Named(DESK, id));
}

#[test]
fn hostile_names_of_the_past_stay_in_their_cells() {
    let flood = "A".repeat(200_000);
    let hostile = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{202e}drowssap\u{202c}",
        "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}b",
        "line\nbreak\ttab\r",
        "👩‍👩‍👧‍👦 fam 🇮🇹",
        &flood,
        "مرحبا\u{9b}31m",
    ];
    let names = Names { agents: &hostile, teams: &hostile[..3], customers: &hostile, subjects: &hostile };
    let history = kept::history(&names);
    let snapshot = desk();
    for keys in ["2jj⏎", "2jj⏎⇥", "2jj⏎⇥⇥⇥j", "2jj⏎⇥j⏎", "3jc", "3jc⇥⇥", "3jc⇥⇥⇥", "3jcj⏎"]
    {
        let mut view = sample::view();
        drawn((120, 36), &snapshot, &mut view);
        press_with(&mut view, &snapshot, &codes(keys), &|query| {
            PastAnswer::Page(Arc::new(kept::page_of(&history, query)))
        });
        for size in [(120, 36), (80, 24), (60, 20), (20, 6), (1, 1)] {
            let buf = drawn(size, &snapshot, &mut view);
            assert!(buf.content().iter().all(|cell| !cell.symbol().chars().any(is_forbidden)), "{keys} {size:?}");
            for line in text(&buf).lines() {
                let cells = unicode_width::UnicodeWidthStr::width(line);
                assert!(cells <= usize::from(size.0), "{keys}: {line:?}");
            }
        }
    }
}
