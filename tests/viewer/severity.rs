//! The agents' list and the list of the unanswered say the same of one wait.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use helptop::board::{BoardSnapshot, SourceHealth};
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
