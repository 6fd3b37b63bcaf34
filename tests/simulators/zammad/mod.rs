//! The source `zammad` against its simulator.

pub mod bad;
mod history;
mod sides;
mod unreadable;
mod vendor;

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use helptop::source::demo::Params;
use helptop::source::http::Limits;
use helptop::source::zammad::Zammad as Source;
use helptop::source::{Source as _, Spec};
use serde_json::{Value, json};

use self::vendor::{FIRST_AGENT, KEY, Shape, Zammad};
use crate::agree::{Terms, Watch, agree, params, start};
use crate::contract::Bench;
use crate::server::{Fault, Simulator};
use crate::world::World;

fn source(simulator: &Simulator, settings: &Value, backfill: Duration) -> Source {
    let mut all = json!({"base_url": simulator.base, "token": KEY});
    for (key, value) in settings.as_object().unwrap() {
        all[key] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let spec = Spec { name: "desk".into(), backfill, settings: all, base: PathBuf::new() };
    Source::new(&spec, Limits::default()).unwrap()
}

/// What a source tells of a desk, behind its start.
async fn begun(simulator: &Simulator) -> Watch<'_> {
    Watch::begun(Box::new(source(simulator, &json!({}), Duration::ZERO)), simulator).await
}

fn small() -> World {
    World::new(Params { seed: 1, agents: 3, chats: 40 }, start() + TimeDelta::hours(10))
}

/// For the contract that every vendor keeps.
pub fn bench() -> Bench {
    Bench {
        kind: "zammad",
        serve: |world| Box::pin(Simulator::start(world, Zammad::default())),
        source: |simulator, backfill| Box::new(source(simulator, &json!({}), backfill)),
        weak: Some(|world| Box::pin(Simulator::start(world, Zammad { lists_groups: false, ..Zammad::default() }))),
        secret: KEY,
        variable: "ZAMMAD_TOKEN",
        address: "https://helpdesk.example.com",
        flags: "",
        terms,
        quiet: 3,
    }
}

fn terms() -> Terms {
    Terms {
        presence: None,
        agent: |id| (id.parse::<u64>().ok()? + 1).checked_sub(FIRST_AGENT),
        precision: TimeDelta::zero(),
        ..Terms::exact()
    }
}

#[tokio::test]
async fn the_board_of_a_simulated_day_is_that_of_the_stream() {
    let simulator = Simulator::start(World::new(params(), start()), Zammad::default()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(&mut source, &simulator, &terms()).await;
}

#[tokio::test]
async fn and_so_it_is_with_a_version_that_answers_otherwise_and_a_key_that_lists_no_groups() {
    for (shape, shows_last_contact) in [(Shape::Assets, true), (Shape::Records, false)] {
        let vendor = Zammad {
            shape,
            is_odd: true,
            lists_groups: false,
            shows_last_contact,
            is_agent: true,
            shows_articles: !shows_last_contact,
        };
        let simulator = Simulator::start(World::new(params(), start()), vendor).await;
        let mut source = source(&simulator, &json!({}), Duration::from_hours(6));
        agree(&mut source, &simulator, &Terms { interval: Duration::from_mins(5), ..terms() }).await;
    }
}

#[tokio::test]
async fn what_a_refresh_costs_depends_on_changes_only() {
    let simulator = Simulator::start(World::new(params(), start()), Zammad::default()).await;
    simulator.advance(start() + TimeDelta::hours(10));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    let (cold, _) = watch.settle().await;
    let open = simulator.inside().world.open().count();
    let quiet = watch.settle().await.0;
    assert_eq!(quiet, 1, "nothing changed");
    let mut costs = Vec::new();
    for changes in [10, 500] {
        let now = simulator.inside().world.now;
        simulator.advance(now + TimeDelta::milliseconds(1));
        watch.settle().await;
        let chats: Vec<_> = simulator.inside().world.open().take(changes).map(|chat| chat.id.clone()).collect();
        for chat in &chats {
            let message = Message::public(chat.clone(), Author::Customer, None);
            simulator.inside().world.happen(message);
        }
        let (requests, _) = watch.settle().await;
        costs.push((chats.len(), requests));
    }
    assert!(cold as usize <= 10 + open / 10, "a start on {open} open tickets costs {cold}");
    let searches = |requests: u32, changes: usize| requests - changes as u32;
    assert_eq!(searches(costs[0].1, costs[0].0), 1);
    assert!(searches(costs[1].1, costs[1].0) <= 8, "changes are searched once, not in every poll: {costs:?}");
}

#[tokio::test]
async fn a_change_that_becomes_visible_late_is_told_and_costs_nothing_once_all_is_quiet() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let mut watch = begun(&simulator).await;
    let chats: Vec<_> =
        simulator.inside().world.open().take(2).map(|chat| (chat.id.clone(), chat.number.to_string())).collect();
    let [(late, number), other] = &chats[..] else { panic!("{chats:?}") };
    let mut told = watch.of(number).len();
    for (behind, is_told) in [(25, true), (31, false)] {
        simulator.inside().world.happen(Message::public(late.clone(), Author::Customer, None));
        simulator.inside().world.stand_still(TimeDelta::seconds(behind));
        simulator.inside().world.happen(Message::public(other.0.clone(), Author::Customer, None));
        let hidden: u64 = number.parse().unwrap();
        let without = move |body: &mut Value| {
            body.as_array_mut().unwrap().retain(|ticket| ticket["id"] != hidden);
        };
        simulator.fault("/tickets/search", Fault::edited(without));
        watch.settle().await;
        assert_eq!(watch.of(number).len(), told, "not visible yet");
        simulator.mend();
        watch.settle().await;
        let now_told = watch.of(number).len();
        assert_eq!(now_told > told, is_told, "{behind} s behind the newest change");
        told = now_told;
    }
    for _ in 0..3 {
        simulator.inside().world.stand_still(TimeDelta::seconds(20));
        watch.settle().await;
    }
    let mut inside = simulator.inside();
    let last = inside.log.pop().unwrap();
    let newest = inside.world.chat(other.1.parse().unwrap()).unwrap().updated_at;
    assert_eq!(last.body["condition"]["ticket.updated_at"]["value"], json!(newest), "nothing is read again");
}

#[tokio::test]
async fn what_happens_is_told_exactly() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let mut watch = begun(&simulator).await;
    let (id, number, agents) = {
        let world = &simulator.inside().world;
        let chat = world.open().find(|chat| chat.holder.is_some()).unwrap();
        (
            chat.id.clone(),
            chat.number.to_string(),
            world.agents.iter().map(|agent| agent.id.clone()).collect::<Vec<_>>(),
        )
    };
    for agent in [0, 1, 2] {
        let to = helptop::event::Assigned::to(id.clone(), Some(agents[agent].clone()));
        simulator.inside().world.happen(to);
    }
    simulator.inside().world.happen(Message::public(id.clone(), Author::Agent, Some(agents[2].clone())));
    let closed = EventKind::Status {
        conversation: id.clone(),
        status: Status::Resolved,
        by: Some(StatusBy::Agent),
        agent: Some(agents[2].clone()),
    };
    simulator.inside().world.happen(closed);
    watch.settle().await;
    let told = watch.of(&number);
    let agent = |place: u64| (place + FIRST_AGENT).to_string();
    let last = &told[told.len() - 1];
    assert_eq!((&last["status"], &last["by"], &last["agent"]), (&json!("closed"), &json!("agent"), &json!(agent(2))));
    let given =
        told.iter().rev().filter(|event| event["type"] == "assigned").take(2).map(|event| event["agent"].clone());
    assert_eq!(given.collect::<Vec<_>>(), [json!(agent(2)), json!(agent(1))]);
    assert!(told.iter().any(|event| event["from"] == "agent" && event["agent"] == json!(agent(2))));
    watch.later(1).await;
    assert_eq!(watch.of(&number).len(), told.len(), "and once");
}

#[tokio::test]
async fn what_is_closed_with_an_article_stays_closed_until_a_customer_writes() {
    for (is_call, is_reopened) in [(false, false), (true, false), (false, true), (true, true)] {
        let simulator = Simulator::start(small(), Zammad::default()).await;
        let mut watch = begun(&simulator).await;
        let (id, number) = {
            let world = &mut simulator.inside().world;
            let (id, number) = world.open().next().map(|chat| (chat.id.clone(), chat.number.to_string())).unwrap();
            let agent = Some(world.agents[1].id.clone());
            world.happen(helptop::event::Assigned::to(id.clone(), agent.clone()));
            world.stand_still(TimeDelta::seconds(5));
            let from = if is_call { Author::Customer } else { Author::Agent };
            world.happen(Message::public(id.clone(), from, agent.clone()));
            let by = Some(StatusBy::Agent);
            world.happen(EventKind::Status { conversation: id.clone(), status: Status::Closed, by, agent });
            if is_reopened {
                world.stand_still(TimeDelta::milliseconds(500));
                world.happen(Message::public(id.clone(), Author::Customer, None));
            }
            world.stand_still(TimeDelta::seconds(5));
            (id, number)
        };
        watch.settle().await;
        let active = crate::contract::active(&watch.told);
        let is_active = active.iter().any(|one| one.as_str() == number);
        let words = watch.of(&number);
        assert_eq!(is_active, is_reopened, "{id:?}, call {is_call}: {:?}", &words[words.len().saturating_sub(4)..]);
        let place = |key: &str, value: &str| words.iter().rposition(|event| event[key] == value).unwrap();
        if !is_call && !is_reopened {
            assert!(place("from", "agent") < place("status", "closed"), "the reply is before the ending");
        }
    }
}

#[tokio::test]
async fn a_ticket_that_vanishes_is_ended_by_the_system() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let mut watch = begun(&simulator).await;
    let number = simulator.inside().world.open().next().unwrap().number;
    simulator.inside().world.delete(number);
    for _ in 0..30 {
        watch.later(30).await;
    }
    let last = watch.of(&number.to_string()).pop().unwrap();
    assert_eq!((&last["type"], &last["status"], &last["by"]), (&json!("status"), &json!("closed"), &json!("system")));
    assert_eq!(
        watch
            .of(&number.to_string())
            .iter()
            .filter(|event| event["type"] == "status" && event["by"] == "system")
            .count(),
        1
    );
}

#[tokio::test]
async fn what_was_open_at_the_last_stop_is_ended_as_it_ended() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let watch = begun(&simulator).await;
    let (gone, closed) = {
        let world = &mut simulator.inside().world;
        let mut open = world.open();
        let (gone, closed) = (open.next().unwrap().number, open.next().unwrap());
        let (id, closed) = (closed.id.clone(), closed.number);
        drop(open);
        let agent = Some(world.agents[1].id.clone());
        world.happen(EventKind::Status { conversation: id, status: Status::Closed, by: Some(StatusBy::Agent), agent });
        world.delete(gone);
        (gone.to_string(), closed.to_string())
    };
    let now = simulator.inside().world.now;
    simulator.advance(now + TimeDelta::minutes(1));
    for with_cursor in [true, false] {
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        second.remember(&[gone.as_str().into(), closed.as_str().into()]);
        let mut next = Watch::new(&mut second, &simulator);
        next.cursor = watch.cursor.clone().filter(|_| with_cursor);
        next.settle().await;
        let last = |id: &str| next.of(id).into_iter().rev().find(|event| event["type"] == "status").unwrap();
        assert_eq!(last(&gone)["by"], "system");
        assert_eq!(
            (&last(&closed)["by"], &last(&closed)["agent"]),
            (&json!("agent"), &json!((1 + FIRST_AGENT).to_string()))
        );
    }
}

#[tokio::test]
async fn what_ended_in_an_earlier_run_and_is_open_again_is_told_so() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let mut watch = begun(&simulator).await;
    let (id, number, agent) = {
        let world = &simulator.inside().world;
        let chat = world.open().find(|chat| chat.holder.is_some()).unwrap();
        (chat.id.clone(), chat.number.to_string(), Some(world.agents[1].id.clone()))
    };
    let is_active = |watch: &Watch<'_>| crate::contract::active(&watch.told).iter().any(|one| one.as_str() == number);
    let (conversation, by) = (id.clone(), Some(StatusBy::Agent));
    let closed = EventKind::Status { conversation, status: Status::Closed, by, agent: agent.clone() };
    simulator.inside().world.happen(closed);
    watch.later(30).await;
    assert!(!is_active(&watch));
    // While nobody watches the customer writes, and is answered: by its fields nobody waits.
    for (from, by) in [(Author::Customer, None), (Author::Agent, agent)] {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        simulator.inside().world.happen(Message::public(id.clone(), from, by));
    }
    simulator.inside().world.stand_still(TimeDelta::minutes(1));
    simulator.asked();
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    second.remember(&crate::contract::active(&watch.told).into_iter().collect::<Vec<_>>());
    let mut next = Watch::new(&mut second, &simulator);
    next.cursor.clone_from(&watch.cursor);
    next.settle().await;
    watch.told.append(&mut next.told);
    assert!(is_active(&watch), "{:?}", watch.of(&number));
    let whole = simulator.asked().iter().filter(|line| line.contains("ticket_history")).count();
    let changed =
        { simulator.inside().world.changed_since(start() + TimeDelta::hours(10) - TimeDelta::minutes(6)).len() };
    assert!(whole <= changed + 3, "what did not change is told by its fields: {whole} read whole, {changed} changed");
}

#[tokio::test]
async fn articles_that_no_history_names_are_read_by_themselves() {
    for is_odd in [false, true] {
        let simulator = Simulator::start(small(), Zammad { is_odd, ..Zammad::default() }).await;
        let mut watch = begun(&simulator).await;
        let (id, number) = {
            let world = &simulator.inside().world;
            let chat = world.open().find(|chat| chat.holder.is_some() && !chat.messages.is_empty()).unwrap();
            (chat.id.clone(), chat.number.to_string())
        };
        let messages = |watch: &Watch<'_>| watch.of(&number).iter().filter(|event| event["type"] == "message").count();
        let mut last = messages(&watch);
        for lacks_the_last in [false, true] {
            simulator.asked();
            simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
            if lacks_the_last {
                let without = |body: &mut Value| {
                    let articles = body["assets"]["TicketArticle"].as_object_mut().unwrap();
                    let newest = articles.keys().max().cloned().unwrap();
                    articles.remove(&newest);
                };
                simulator.fault("/ticket_history", Fault::Edited(Box::new(without)));
            }
            watch.later(1).await;
            let told = messages(&watch);
            assert!(told > last, "odd {is_odd}, lacks {lacks_the_last}: {told} of the messages are told");
            last = told;
            let asked = simulator.asked().iter().filter(|line| line.contains("by_ticket")).count();
            assert_eq!(asked, usize::from(lacks_the_last), "odd {is_odd}");
        }
    }
}
