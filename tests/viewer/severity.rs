//! The agents' list and the list of the unanswered say the same of one wait, and a missed target is found from either.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use helptop::app::Drill;
use helptop::board::{BoardSnapshot, Engine, Options, Page, Query, SourceHealth};
use helptop::desk::{AgentIx, ConversationIx, SourceIx};
use helptop::event::{AgentId, Assigned, Author, ConversationId, Event, Message};
use helptop::metrics::thresholds::{Threshold, Thresholds};
use rstest::rstest;

use crate::sample;
use crate::screen::{drawn, press, text, typed};

/// The sign in the row of that name, on the page of that key.
fn sign(snapshot: &Arc<BoardSnapshot>, page: &str, name: &str) -> Option<char> {
    let mut view = sample::view();
    drawn((120, 36), snapshot, &mut view);
    press(&mut view, snapshot, &typed(page));
    let screen = text(&drawn((120, 36), snapshot, &mut view));
    let row = screen.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name} in\n{screen}"));
    row.chars().find(|sign| ['▲', '‼'].contains(sign))
}

#[rstest]
#[case::whatsapp_may_wait("M. Rossi", "Ana", None)]
#[case::mail_may_not("山田", "Bogdan", Some('‼'))]
#[case::the_conversations_team_over_its_channel("łukasz", "Elif", Some('‼'))]
#[case::the_general_one("Ngozi", "Hana", Some('▲'))]
#[case::a_target_of_the_desk_itself("Mehmet", "Ignacio", Some('‼'))]
#[case::a_conversation_of_another_team_than_its_agents("J. van der Berg", "Fatou", None)]
fn the_longest_wait_of_an_agent_is_as_bad_as_that_conversation(
    #[case] customer: &str,
    #[case] agent: &str,
    #[case] expected: Option<char>,
) {
    let minutes = |warn, limit| Threshold { warn: TimeDelta::minutes(warn), limit: TimeDelta::minutes(limit) };
    let mut snapshot = sample::snapshot();
    snapshot.thresholds = Arc::new(Thresholds {
        by_channel: HashMap::from([
            ("whatsapp", minutes(30, 60)),
            ("email", minutes(1, 8)),
            ("instagram", minutes(30, 60)),
        ])
        .into_iter()
        .map(|(channel, threshold)| (channel.to_owned(), threshold))
        .collect(),
        by_team: HashMap::from([("Support".to_owned(), minutes(1, 2))]),
        ..Thresholds::default()
    });
    // Fatou answers for the strictest team, with a chat of another.
    let row = snapshot.live.agents.values().find(|row| row.name.contains("Fatou")).unwrap().clone();
    let in_support =
        helptop::metrics::live::AgentRow { teams: Arc::from([helptop::desk::TeamIx(2)]), ..(*row).clone() };
    snapshot.live.agents.insert(row.ix, Arc::new(in_support));
    let snapshot = Arc::new(snapshot);
    assert_eq!(sign(&snapshot, "3", customer), expected, "the list of the unanswered");
    assert_eq!(sign(&snapshot, "2", agent), expected, "the agents");
}

#[test]
fn of_equal_waits_an_agent_shows_the_one_that_the_list_of_the_unanswered_shows_first() {
    let mut engine = sample::engine();
    let source = engine.add_source(SourceHealth { good_at: Some(sample::NOW), ..SourceHealth::default() });
    let chats =
        [("c", 60), ("b", 120), ("a", 120)].map(|(id, seconds)| (ConversationId::new(id), sample::ago(seconds)));
    for (id, at) in chats {
        let asked = Event::new(at, Message::public(id.clone(), Author::Customer, None));
        engine.take(source, [asked, Event::new(at, Assigned::to(id, Some(AgentId::new("ana"))))], sample::NOW);
    }
    engine.settle(sample::NOW);
    let live = engine.snapshot(sample::NOW).live;
    let ana = live.agents.values().next().unwrap();
    let (first, _) = live.waiting.get_min().unwrap();
    assert_eq!((ana.longest.as_ref(), first.id.as_str()), (Some(first), "a"));
    assert_eq!(ana.longest_since(), Some(sample::ago(120)));
}

/// A desk on which Ana has answered a chat whose resolution is due `due` seconds ago, and Bo another without a target.
fn with_target(due: i64) -> (Engine, SourceIx) {
    let mut engine = sample::engine();
    let source = engine.add_source(sample::source("desk", "rt", 1));
    let mut lines = Vec::new();
    for (agent, chat) in [("Ana", "7001"), ("Bo", "7002")] {
        let at = sample::ago(7200);
        lines.push(format!(r#"{{"type":"assigned","conversation":"{chat}","agent":"{agent}","at":"{at}"}}"#));
        lines.push(format!(
            r#"{{"type":"message","conversation":"{chat}","from":"agent","agent":"{agent}","at":"{at}"}}"#
        ));
    }
    let due = sample::ago(due);
    lines.push(format!(
        r#"{{"type":"sla","conversation":"7001","metric":"resolution","due":"{due}","at":"{}"}}"#,
        sample::ago(7100)
    ));
    take(&mut engine, source, &lines);
    (engine, source)
}

fn take(engine: &mut Engine, source: SourceIx, lines: &[String]) {
    let events = lines.iter().map(|line| helptop::event::parse_line(line.as_bytes()).unwrap());
    engine.take(source, events, sample::NOW);
    engine.settle(sample::NOW);
}

/// The line of a page that holds a text.
fn line(screen: &str, part: &str) -> String {
    screen.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in\n{screen}")).to_owned()
}

/// The agents, the page of the first of them, and that of the first chat it holds.
fn pages(engine: &mut Engine) -> [String; 3] {
    let snapshot = Arc::new(engine.snapshot(sample::NOW));
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    press(&mut view, &snapshot, &typed("2"));
    let agents = text(&drawn((120, 36), &snapshot, &mut view));
    let mut drilled = |query: Query| {
        let mut drill = Drill::new(query.clone());
        drill.page = Some(engine.page(query, sample::NOW));
        view.drills.push(drill);
        text(&drawn((120, 36), &snapshot, &mut view))
    };
    [agents, drilled(Query::Agent(AgentIx(0))), drilled(Query::Conversation(ConversationIx(0)))]
}

#[rstest]
#[case::missed(1200, Some('‼'), "‼    -20m", "resolution missed since 20m ‼")]
#[case::missed_just_now(0, Some('‼'), "‼     -0s", "resolution missed since 0s ‼")]
#[case::due_within_the_warning_time(-299, Some('▲'), "▲  4m 59s", "resolution due in 4m 59s ▲")]
#[case::due_later(-3600, None, "   1h 00m", "resolution due in 1h 00m")]
fn a_target_of_an_answered_chat_is_found_from_the_foot_down(
    #[case] due: i64,
    #[case] sign: Option<char>,
    #[case] in_list: &str,
    #[case] on_page: &str,
) {
    let (mut engine, _) = with_target(due);
    let [agents, agent, chat] = pages(&mut engine);
    let counted = agents.lines().last().unwrap().contains("‼ 1 SLA missed");
    assert_eq!(counted, sign == Some('‼'), "{agents}");
    let sign_of = |name| line(&agents, name).chars().find(|sign| ['▲', '‼'].contains(sign));
    assert_eq!((sign_of("Ana"), sign_of("Bo")), (sign, None), "{agents}");
    assert!(agent.contains(&format!("{in_list} │")), "{agent}");
    assert!(line(&agent, "status").contains("due in"), "{agent}");
    assert!(line(&chat, "open ").contains(on_page), "{chat}");
    assert!(line(&chat, "open ").contains("waiting –"), "{chat}");
}

#[test]
fn a_page_without_targets_has_no_room_for_them() {
    let (mut engine, _) = with_target(60);
    let snapshot = Arc::new(engine.snapshot(sample::NOW));
    let mut view = sample::view();
    drawn((120, 36), &snapshot, &mut view);
    let mut drill = Drill::new(Query::Agent(AgentIx(1)));
    drill.page = Some(engine.page(drill.query.clone(), sample::NOW));
    view.drills.push(drill);
    let screen = text(&drawn((120, 36), &snapshot, &mut view));
    assert!(screen.contains("Holds") && !screen.contains("due in"), "{screen}");
}

#[test]
fn an_agents_worst_target_follows_what_it_holds() {
    let (mut engine, source) = with_target(1200);
    let at = |seconds| sample::ago(seconds).to_string();
    let target = |engine: &mut Engine, name: &str| {
        let live = engine.snapshot(sample::NOW).live;
        live.agents.values().find(|row| &*row.name == name).unwrap().target.map(|target| target.due)
    };
    assert_eq!((target(&mut engine, "Ana"), target(&mut engine, "Bo")), (Some(sample::ago(1200)), None));
    let sla = |chat: &str, metric: &str, due| {
        let (due, at) = (sample::ago(due), at(7000));
        format!(r#"{{"type":"sla","conversation":"{chat}","metric":"{metric}","due":"{due}","at":"{at}"}}"#)
    };
    take(&mut engine, source, &[sla("7002", "resolution", 60)]);
    let passed = format!(r#"{{"type":"assigned","conversation":"7002","agent":"Ana","at":"{}"}}"#, at(600));
    take(&mut engine, source, &[passed]);
    assert_eq!((target(&mut engine, "Ana"), target(&mut engine, "Bo")), (Some(sample::ago(1200)), None));
    let solved = format!(r#"{{"type":"status","conversation":"7001","status":"resolved","at":"{}"}}"#, at(500));
    take(&mut engine, source, &[solved]);
    assert_eq!(target(&mut engine, "Ana"), Some(sample::ago(60)), "the other one is left");
    let merged = format!(r#"{{"type":"merged","conversation":"7002","into":"7003","at":"{}"}}"#, at(400));
    take(&mut engine, source, &[merged]);
    assert_eq!(target(&mut engine, "Ana"), None);
    let Page::Conversation(page) = engine.page(Query::Conversation(ConversationIx(1)), sample::NOW) else {
        panic!("no page")
    };
    assert_eq!(page.row.sla_due, None, "what lives on elsewhere has no target of its own");
}

#[test]
fn the_warning_of_a_target_is_that_of_its_conversations_team() {
    let warn = TimeDelta::minutes(30);
    let mut engine = Engine::new(
        Options {
            thresholds: Arc::new(Thresholds {
                by_team: HashMap::from([("VIP desk".to_owned(), Threshold { warn, limit: TimeDelta::minutes(60) })]),
                ..Thresholds::default()
            }),
            keep_text: false,
            midnight: Arc::new(|_| sample::ago(50_000)),
        },
        sample::NOW,
    );
    let source = engine.add_source(sample::source("desk", "rt", 1));
    let lines = [
        format!(r#"{{"type":"assigned","conversation":"c","agent":"Ana","team":"t1","at":"{}"}}"#, sample::ago(900)),
        format!(
            r#"{{"type":"sla","conversation":"c","metric":"resolution","due":"{}","at":"{}"}}"#,
            sample::ago(-3600),
            sample::ago(900)
        ),
    ];
    let warn_at = |engine: &mut Engine| {
        engine.snapshot(sample::NOW).live.agents.values().next().unwrap().target.map(|target| target.warn_at)
    };
    take(&mut engine, source, &lines);
    assert_eq!(warn_at(&mut engine), Some(sample::ago(-3300)), "the general five minutes");
    take(&mut engine, source, &[r#"{"type":"team","id":"t1","name":"VIP desk"}"#.to_owned()]);
    assert_eq!(warn_at(&mut engine), Some(sample::ago(-1800)), "the team has got the name of the config");
}
