//! What comes in another order than it happened, late, or twice: endings, answers and messages.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::desk::Desk;
use helptop::event::{AgentId, Assigned, Author, ConversationId, EventKind, Message, Status, StatusBy};
use serde_json::{Value, json};

use super::{Installation, simulator, source};
use crate::agree::{Watch, params, start};
use crate::server::{Fault, Simulator};
use crate::world::Chat;

/// A desk, and a chat on it that an agent holds and that nobody waits in.
struct Rig {
    simulator: Simulator,
    id: ConversationId,
    number: u64,
    agent: AgentId,
}

impl Rig {
    async fn new(installation: Installation) -> Self {
        let simulator = simulator(params(), installation).await;
        simulator.advance(start() + TimeDelta::hours(8));
        let (id, number, agent) = {
            let world = &simulator.inside().world;
            let is_quiet = |chat: &&Chat| chat.waiting_since.is_none() && chat.holder.is_some();
            let chat = world.open().find(is_quiet).unwrap();
            (chat.id.clone(), chat.number, world.agents[chat.holder.unwrap()].id.clone())
        };
        let rig = Self { simulator, id, number, agent };
        rig.write(Author::Customer);
        rig.pass(200);
        rig.write(Author::Agent);
        rig.pass(200);
        rig
    }

    async fn watch(&self) -> Watch<'_> {
        let watch = Watch::begun(source(&self.simulator, &json!({}), Duration::ZERO), &self.simulator).await;
        self.pass(5);
        watch
    }

    /// A message, and its number.
    fn write(&self, from: Author) -> u64 {
        let agent = (from == Author::Agent).then(|| self.agent.clone());
        self.happen(Message::public(self.id.clone(), from, agent));
        self.simulator.inside().world.chat(self.number).unwrap().messages.last().unwrap().number
    }

    fn put(&self, status: Status) {
        let (by, agent) = (Some(StatusBy::Agent), Some(self.agent.clone()));
        self.happen(EventKind::Status { conversation: self.id.clone(), status, by, agent });
    }

    fn happen(&self, kind: impl Into<EventKind>) {
        self.simulator.inside().world.happen(kind);
    }

    /// What the list shows changes, but nothing is said.
    fn touch(&self) {
        self.happen(Assigned::to(self.id.clone(), None));
    }

    fn pass(&self, seconds: i64) {
        self.simulator.inside().world.stand_still(TimeDelta::seconds(seconds));
    }

    fn edit_messages(&self, edit: impl Fn(&mut Vec<Value>) + Send + 'static) {
        let edit = move |body: &mut Value| edit(body["payload"].as_array_mut().unwrap());
        self.simulator.fault("/messages", Fault::edited(edit));
    }
}

/// Whether it is active by what was told, and whether its customer waits.
fn stands(watch: &Watch<'_>, number: u64) -> (bool, bool) {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    watch.told.iter().for_each(|event| desk.apply(source, event.clone()));
    desk.settle();
    let chat = desk.find_conversation(source, &number.to_string().as_str().into()).unwrap();
    let state = desk.conversation(chat).unwrap().state();
    (state.is_active(), state.waiting_since.is_some())
}

/// The events of a sort that were told of it.
fn told(watch: &Watch<'_>, number: u64, kind: &str) -> Vec<Value> {
    watch.of(&number.to_string()).into_iter().filter(|event| event["type"] == kind).collect()
}

#[tokio::test]
async fn who_writes_in_the_second_of_an_ending_waits_and_who_wrote_before_it_does_not() {
    for asks_last in [true, false] {
        let rig = Rig::new(Installation::usual()).await;
        let mut watch = rig.watch().await;
        if asks_last {
            rig.put(Status::Resolved);
            rig.write(Author::Customer);
        } else {
            rig.write(Author::Customer);
            rig.put(Status::Resolved);
            rig.pass(5);
            rig.put(Status::Open);
        }
        rig.pass(5);
        watch.settle().await;
        let events = watch.of(&rig.number.to_string());
        assert!(events.iter().any(|event| event["status"] == "resolved"), "{events:?}");
        assert_eq!(stands(&watch, rig.number), (true, asks_last), "{events:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_sent_again_ends_the_wait_when_it_arrives() {
    let rig = Rig::new(Installation::usual()).await;
    let mut watch = rig.watch().await;
    rig.write(Author::Customer);
    rig.pass(200);
    let answer = rig.write(Author::Agent);
    let is_it = move |message: &Value| message["id"] == answer;
    rig.edit_messages(move |all| {
        all.iter_mut().filter(|one| is_it(one)).for_each(|one| one["status"] = "failed".into());
    });
    rig.pass(200);
    watch.settle().await;
    assert_eq!(stands(&watch, rig.number), (true, true));
    rig.touch();
    rig.write(Author::Customer);
    rig.pass(200);
    watch.settle().await;
    assert_eq!(stands(&watch, rig.number), (true, true));
    rig.simulator.mend();
    rig.touch();
    rig.pass(200);
    watch.settle().await;
    assert_eq!(stands(&watch, rig.number), (true, false), "{:?}", told(&watch, rig.number, "message"));
    let count = told(&watch, rig.number, "message").len();
    for _ in 0..3 {
        rig.touch();
        rig.pass(5);
        watch.settle().await;
    }
    assert_eq!(told(&watch, rig.number, "message").len(), count, "once");
    rig.simulator.asked();
    rig.touch();
    watch.settle().await;
    let is_read = rig.simulator.asked().iter().any(|line| line.contains("/messages"));
    assert!(!is_read, "its messages are read no more where none is new");
}

#[tokio::test]
async fn changes_are_told_whatever_the_clock_of_the_installation_shows() {
    for is_old in [false, true] {
        for minutes in [-60, -3, 0, 3, 60] {
            let rig = Rig::new(Installation { is_old, ..Installation::usual() }).await;
            rig.simulator.inside().skew = TimeDelta::minutes(minutes);
            let mut watch = rig.watch().await;
            rig.write(Author::Customer);
            rig.pass(5);
            watch.settle().await;
            assert_eq!(stands(&watch, rig.number), (true, true), "{minutes} {is_old}");
        }
    }
}

#[tokio::test]
async fn a_message_with_a_lower_number_that_comes_to_light_later_is_told() {
    for is_last in [true, false] {
        let rig = Rig::new(Installation::usual()).await;
        let mut watch = rig.watch().await;
        let late = rig.write(Author::Customer);
        rig.pass(2);
        rig.write(Author::Agent);
        rig.edit_messages(move |all| all.retain(|one| one["id"] != late));
        rig.pass(5);
        watch.settle().await;
        let count = told(&watch, rig.number, "message").len();
        rig.simulator.mend();
        if is_last {
            let world = &mut rig.simulator.inside().world;
            let at = world.now - TimeDelta::milliseconds(1);
            let chat = world.chats.iter_mut().find(|one| one.number == rig.number).unwrap();
            chat.log.iter_mut().find(|logged| logged.number == late).unwrap().at = at;
            chat.messages.iter_mut().find(|said| said.number == late).unwrap().at = at;
        }
        if is_last {
            rig.touch();
        } else {
            rig.write(Author::Bot);
        }
        rig.pass(5);
        watch.settle().await;
        let expected = count + if is_last { 1 } else { 2 };
        assert_eq!(told(&watch, rig.number, "message").len(), expected, "{is_last}");
        assert_eq!(stands(&watch, rig.number).1, is_last, "{is_last}");
    }
}

#[tokio::test]
async fn a_chat_that_stays_ended_while_its_customer_writes_has_ended_once() {
    let rig = Rig::new(Installation::usual()).await;
    let mut watch = rig.watch().await;
    let number = rig.number;
    rig.put(Status::Resolved);
    // A contact that is muted opens nothing.
    let stays = move |row: &mut Value| {
        if row["id"] == number {
            row["status"] = "resolved".into();
        }
    };
    rig.simulator.fault("/conversations?", Fault::rows("/data/payload", stays));
    rig.pass(5);
    watch.settle().await;
    let ended = told(&watch, number, "status").len();
    for _ in 0..3 {
        rig.pass(30);
        rig.write(Author::Customer);
        rig.touch();
        rig.pass(5);
        watch.settle().await;
        let (asked, status) = (told(&watch, number, "message"), told(&watch, number, "status"));
        assert_eq!(
            (&asked.last().unwrap()["at"], &status.last().unwrap()["status"]),
            (&status.last().unwrap()["at"], &json!("resolved"))
        );
        assert!(!stands(&watch, number).0);
    }
    // It is opened and ended again, as the note of it says.
    rig.write(Author::Customer);
    rig.pass(5);
    rig.put(Status::Resolved);
    rig.pass(5);
    watch.settle().await;
    let status = told(&watch, number, "status");
    assert_eq!((status.len(), &status.last().unwrap()["by"]), (ended + 4, &json!("agent")), "{status:?}");
    assert_ne!(told(&watch, number, "message").last().unwrap()["at"], status.last().unwrap()["at"]);
}
