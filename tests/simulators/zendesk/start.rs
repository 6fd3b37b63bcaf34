//! Who waits, by what a start reads: of tickets that are told by their record alone, and of those that it knows again.

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, Message};
use helptop::source::Source;
use helptop::source::demo::Params;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

const SMALL: Params = Params { seed: 2, agents: 3, chats: 20 };

async fn desk(role: Role) -> Simulator {
    let mut world = World::new(SMALL, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Vendors::new(role).0).await
}

/// An open ticket.
fn open(simulator: &Simulator, nth: usize) -> (ConversationId, u64) {
    simulator.inside().world.open().nth(nth).map(|chat| (chat.id.clone(), chat.number)).unwrap()
}

fn says(simulator: &Simulator, id: &ConversationId, from: Author) {
    let world = &mut simulator.inside().world;
    let by = (from == Author::Agent).then(|| world.agents[0].id.clone());
    world.happen(Message::public(id.clone(), from, by));
}

fn passes(simulator: &Simulator, seconds: i64) {
    simulator.inside().world.stand_still(TimeDelta::seconds(seconds));
}

/// Who said what is told of a ticket.
fn said(watch: &Watch<'_>, number: u64) -> Vec<String> {
    let told = watch.of(&number.to_string()).into_iter().filter(|event| event["type"] == "message");
    told.map(|event| event["from"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[case::an_answer_that_parked_it("pending", false, None, false)]
#[case::an_answer_that_left_it_open("open", false, None, true)]
#[case::of_a_program_maybe("pending", true, None, true)]
#[case::of_a_program("pending", false, Some("rule"), true)]
#[case::of_a_merge("hold", false, Some("merge"), true)]
#[tokio::test]
async fn a_reply_that_may_answer_nobody_hides_no_wait(
    #[case] status: &'static str,
    #[case] has_bots: bool,
    #[case] last: Option<&'static str>,
    #[case] is_read: bool,
) {
    let simulator = desk(Role::Agent).await;
    let (id, number) = open(&simulator, 0);
    says(&simulator, &id, Author::Customer);
    passes(&simulator, 1200);
    // By its record its customer is silent since the beginning, and there was a reply.
    let edit = move |body: &mut Value| {
        let rows = |body: &mut Value, list: &str| body[list].as_array_mut().cloned().unwrap_or_default();
        let mut tickets = rows(body, "tickets");
        let mut created_at = Value::Null;
        for ticket in tickets.iter_mut().filter(|ticket| ticket["id"] == number) {
            ticket["status"] = status.into();
            created_at = ticket["created_at"].clone();
        }
        body["tickets"] = tickets.into();
        let mut metrics = rows(body, "metric_sets");
        for one in metrics.iter_mut().filter(|one| one["ticket_id"] == number) {
            (one["replies"], one["requester_updated_at"]) = (1.into(), created_at.clone());
        }
        body["metric_sets"] = metrics.into();
        let mut audits = rows(body, "last_audits");
        for audit in audits.iter_mut().filter(|audit| audit["ticket_id"] == number) {
            audit["via"] = json!({"channel": "web", "source": {"rel": last.map(|rel| rel.replace("rule", "trigger"))}});
            let words = json!({"type": "Comment", "author_id": 1, "public": last.is_some(), "body": "x"});
            audit["events"] = json!([words]);
        }
        body["last_audits"] = audits.into();
    };
    simulator.fault("/show_many", Fault::edited(edit));
    let bots = if has_bots { json!({"bots": ["ack@example.com"]}) } else { json!({}) };
    let mut source = source(&simulator.base, &bots, TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    simulator.asked();
    watch.settle().await;
    let audits = format!("/tickets/{number}/audits");
    assert_eq!(simulator.asked().iter().any(|line| line.contains(&audits)), is_read);
    assert_eq!(said(&watch, number).contains(&"customer".to_owned()), is_read);
}

#[tokio::test]
async fn a_question_that_was_answered_before_the_start_is_not_told_without_its_answer() {
    let simulator = desk(Role::Admin).await;
    let (id, number) = open(&simulator, 0);
    for (seconds, from) in [(0, Author::Customer), (280, Author::Agent), (20, Author::Bot)] {
        passes(&simulator, seconds);
        if from != Author::Bot {
            says(&simulator, &id, from);
        }
    }
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    for _ in 0..12 {
        watch.settle().await;
        assert_eq!(said(&watch, number), Vec::<String>::new(), "its record told that nobody waits");
        passes(&simulator, 15);
    }
    // What comes then is told by the export, and once.
    simulator.fault("/tickets?", Fault::edited(|body| body["tickets"] = json!([])));
    says(&simulator, &id, Author::Customer);
    for _ in 0..12 {
        passes(&simulator, 15);
        watch.settle().await;
    }
    assert_eq!(said(&watch, number), ["customer"]);
}

#[tokio::test]
async fn a_question_in_the_second_in_which_the_start_read_the_answer_before_it_is_told() {
    let simulator = desk(Role::Agent).await;
    let (id, number) = open(&simulator, 0);
    passes(&simulator, 600);
    says(&simulator, &id, Author::Agent);
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    says(&simulator, &id, Author::Customer);
    for _ in 0..2 {
        passes(&simulator, 3);
        watch.settle().await;
    }
    assert_eq!(said(&watch, number).last().map(String::as_str), Some("customer"));
}

#[tokio::test]
async fn a_change_that_becomes_visible_while_nobody_looks_is_told_after_a_restart() {
    for (behind, is_told) in [(8, true), (11, false)] {
        let simulator = desk(Role::Agent).await;
        let mut first = source(&simulator.base, &json!({}), TimeDelta::zero());
        let mut watch = Watch::new(&mut first, &simulator);
        watch.settle().await;
        passes(&simulator, 600);
        let ((late, hidden), (other, _)) = (open(&simulator, 0), open(&simulator, 1));
        let before = said(&watch, hidden);
        says(&simulator, &late, Author::Customer);
        passes(&simulator, behind);
        says(&simulator, &other, Author::Customer);
        let hide = move |body: &mut Value| {
            body["tickets"].as_array_mut().unwrap().retain(|ticket| ticket["id"] != hidden);
        };
        simulator.fault("/tickets?", Fault::edited(hide));
        passes(&simulator, 2);
        watch.settle().await;
        assert_eq!(said(&watch, hidden), before, "not visible yet");
        simulator.mend();
        let (told, cursor) = (watch.told.clone(), watch.cursor.clone());
        let mut second = source(&simulator.base, &json!({}), TimeDelta::zero());
        second.remember(&crate::contract::active(&told));
        let mut watch = Watch::new(&mut second, &simulator);
        watch.cursor = cursor;
        watch.settle().await;
        assert_eq!(said(&watch, hidden).contains(&"customer".to_owned()), is_told, "{behind} s behind the newest");
    }
}
