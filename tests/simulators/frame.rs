//! The frame itself: the simulated desk is that of the stream, and the comparison sees what it is made to see.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use helptop::event::{Author, Capability, PresenceState, Timestamp, parse_line};
use helptop::source::demo::Params;
use helptop::source::http::{Auth, Client, Limits, Secret, address};
use helptop::source::{Batch, Cursor, Finding, Source, SourceError};
use serde_json::{Value, json};

use crate::agree::{Drive, Terms, agree, params, start};
use crate::server::{Asked, Fault, Limiter, Reply, Simulator, Vendor};
use crate::world::{Said, World};

/// Shows how many chats are active.
struct Counter;

impl Vendor for Counter {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        match asked.path.as_str() {
            "/active" => Reply::json(200, &json!({"active": world.open().count(), "q": asked.get("q")})),
            _ => Reply::json(404, &json!({"error": "not found"})),
        }
    }
}

async fn counter() -> (Simulator, Client) {
    let world = World::new(Params { seed: 1, agents: 3, chats: 20 }, start());
    let simulator = Simulator::start(world, Counter).await;
    let auth = Auth::Header { name: "authorization", prefix: "Bearer ", token: Secret::new("a-token") };
    let client = Client::new(address::base_url(&simulator.base, false).unwrap(), &auth, Limits::default()).unwrap();
    (simulator, client)
}

async fn ask(client: &Client) -> Result<Value, SourceError> {
    client.get::<Value>("/active", &[("q", "ü&1")], start()).await.map(|answer| answer.body)
}

#[tokio::test]
async fn a_simulator_answers_fails_and_limits_as_it_is_told() {
    let (simulator, client) = counter().await;
    assert_eq!(ask(&client).await.unwrap()["q"], "ü&1");
    assert_eq!(simulator.inside().log[0].header("authorization"), Some("Bearer a-token"));
    let body = json!({"query": 1});
    assert_eq!(client.post::<Value>("/search", &[], &body, start()).await.unwrap_err().word(), "unsupported");
    assert_eq!(simulator.inside().log[1].body, body);
    assert_eq!(simulator.asked(), ["GET /active?q=ü&1", "POST /search"]);
    simulator.fault("/active", Fault::Answer(Reply::maintenance()));
    assert_eq!(ask(&client).await.unwrap_err().word(), "failing");
    simulator.mend();
    simulator.fault("/active", Fault::Truncated);
    assert!(ask(&client).await.unwrap_err().to_string().contains("ends too early"));
    simulator.mend();
    simulator.fault("/other", Fault::Truncated);
    simulator.fault("/active", Fault::Edited(Box::new(|body| body["active"] = Value::Null)));
    simulator.fault("/active", Fault::Slow(Duration::from_millis(1)));
    assert_eq!(ask(&client).await.unwrap()["active"], Value::Null);
    simulator.mend();

    let headers = [Some("x-ratelimit-limit"), Some("x-ratelimit-remaining"), None];
    let beyond = Reply::text(429, "text/plain", "Retry later\n");
    simulator.inside().limiter = Some(Limiter::new(2, TimeDelta::minutes(1), headers, beyond));
    let answer = client.get::<Value>("/active", &[], start()).await.unwrap();
    assert_eq!(answer.quota.map(|quota| (quota.limit, quota.remaining)), Some((2, 1)));
    ask(&client).await.unwrap();
    assert_eq!(ask(&client).await.unwrap_err().word(), "throttled");
    simulator.advance(start() + TimeDelta::minutes(1));
    simulator.inside().skew = TimeDelta::seconds(90);
    let answer = client.get::<Value>("/active", &[], start()).await.unwrap();
    assert_eq!(answer.date, Some(start() + TimeDelta::seconds(150)), "the server's own clock");
}

/// Leaves out or alters a line.
type Change = fn(&mut Value) -> bool;

/// Tells the stream with the numbers of a world, but for what the change leaves out or alters.
struct Straight {
    world: World,
    change: Change,
}

#[async_trait]
impl Source for Straight {
    fn capabilities(&self) -> Vec<Capability> {
        vec![Capability::Presence, Capability::Assignments]
    }

    async fn poll(&mut self, _: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        self.world.advance(now);
        let mut events = Vec::new();
        for event in self.world.take_stream() {
            let mut line = serde_json::to_value(&event).unwrap();
            let number = |key: &str, number: Option<u64>, line: &mut Value| {
                if let Some(number) = number {
                    line[key] = number.to_string().into();
                }
            };
            number("conversation", line["conversation"].as_str().and_then(|id| self.world.chat_number(id)), &mut line);
            number("agent", line["agent"].as_str().and_then(|id| self.world.agent_number(id)), &mut line);
            number("by", line["by"].as_str().and_then(|id| self.world.agent_number(id)), &mut line);
            if line["type"] == "agent" {
                number("id", line["id"].as_str().and_then(|id| self.world.agent_number(id)), &mut line);
            }
            if (self.change)(&mut line) {
                events.push(parse_line(line.to_string().as_bytes()).unwrap());
            }
        }
        Ok(Batch { events, ..Batch::default() })
    }

    async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
        Ok(Vec::new())
    }
}

/// What the comparison says of a source that tells the stream with that change.
async fn verdict(change: Change) -> String {
    let size = Params { seed: 1, agents: 12, chats: 300 };
    let simulator = Simulator::start(World::new(size, start()), Counter).await;
    let mut source = Straight { world: World::new(size, start()), change };
    let terms = Terms { interval: Duration::from_mins(10), ..Terms::exact() };
    let task = tokio::spawn(async move { agree(&mut source, &simulator, &terms).await });
    match task.await {
        Ok(()) => "agrees".to_owned(),
        Err(panic) => panic.into_panic().downcast_ref::<String>().cloned().unwrap_or_default(),
    }
}

#[tokio::test]
async fn the_comparison_finds_what_is_missing_or_wrong() {
    let cases: [(Change, &str); 6] = [
        (|_| true, "agrees"),
        (|line| line["type"] != "message" || line["from"] != "agent", "the unanswered, instant 0"),
        (
            |line| line["type"] != "assigned" || line["at"].as_str().unwrap() < "2026-11-20T09",
            "the unanswered, instant",
        ),
        (|line| line["type"] != "status" || line["status"] != "snoozed", "queues, instant"),
        (|line| line["type"] != "presence" || line["state"] != "offline", ", instant"),
        (
            |line| {
                if line["type"] == "message" && line["from"] == "customer" {
                    let at = Timestamp::parse(line["at"].as_str().unwrap()).unwrap();
                    line["at"] = (at + TimeDelta::seconds(2)).to_string().into();
                }
                true
            },
            "the unanswered, instant",
        ),
    ];
    for (nth, (change, expected)) in cases.into_iter().enumerate() {
        let said = verdict(change).await;
        assert!(said.contains(expected), "case {nth}: {}", &said[..said.len().min(400)]);
    }
}

/// Tells the stream, and asks thirty times a poll, in three polls that follow each other; says what is left, or not.
struct Asking {
    straight: Straight,
    client: Client,
    tells_quota: bool,
    polls: u32,
}

#[async_trait]
impl Source for Asking {
    fn capabilities(&self) -> Vec<Capability> {
        self.straight.capabilities()
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        let mut quota = None;
        for _ in 0..30 {
            quota = self.client.get::<Value>("/active", &[], now).await?.quota;
        }
        self.polls += 1;
        let batch = self.straight.poll(cursor, now).await?;
        let more = !self.polls.is_multiple_of(3);
        Ok(Batch { quota: quota.filter(|_| self.tells_quota), requests: 30, more, ..batch })
    }

    async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn the_comparison_finds_a_share_that_is_not_kept() {
    for tells_quota in [false, true] {
        let size = Params { seed: 1, agents: 12, chats: 300 };
        let simulator = Simulator::start(World::new(size, start()), Counter).await;
        let headers = [Some("ratelimit-limit"), Some("ratelimit-remaining"), Some("ratelimit-reset")];
        let beyond = Reply::text(429, "text/plain", "Retry later\n");
        simulator.inside().limiter = Some(Limiter::new(100, TimeDelta::minutes(1), headers, beyond));
        let auth = Auth::Header { name: "authorization", prefix: "Bearer ", token: Secret::new("a-token") };
        let base = address::base_url(&simulator.base, false).unwrap();
        let client = Client::new(base, &auth, Limits::default()).unwrap();
        let straight = Straight { world: World::new(size, start()), change: |_| true };
        let mut source = Asking { straight, client, tells_quota, polls: 0 };
        let mut drive = Drive::new(&mut source, &simulator, Duration::from_mins(10));
        for _ in 0..9 {
            drive.poll().await;
        }
        let kept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drive.assert_share_was_kept()));
        let said = kept.err().and_then(|panic| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        let expected = if tells_quota { "" } else { "90 requests in a window" };
        assert!(said.starts_with(expected) && said.is_empty() == tells_quota, "{said}");
    }
}

#[test]
fn the_simulated_desk_is_that_of_the_stream() {
    let mut world = World::new(params(), start());
    world.advance(start() + TimeDelta::hours(9));
    let stream = world.take_stream();
    let mut desk = helptop::desk::Desk::new(false);
    let source = desk.add_source();
    for event in stream {
        desk.apply(source, event);
    }
    desk.settle();
    let mut active = 0;
    for (_, folded) in desk.conversations() {
        let (state, chat) = (folded.state(), world.chats.iter().find(|chat| chat.id == folded.id).unwrap());
        let holder = state.holder.map(|ix| desk.agent(ix).id.clone());
        assert_eq!((chat.status, chat.merged_into.is_some()), (state.status, state.merged), "{}", chat.id);
        assert_eq!(chat.holder.map(|place| world.agents[place].id.clone()), holder, "{}", chat.id);
        assert_eq!(
            chat.team.map(|place| &world.teams[place].id),
            state.team.map(|ix| &desk.team(ix).id),
            "{}",
            chat.id
        );
        let customer = chat.customer.map(|place| &world.customers[place].id);
        assert_eq!(customer, state.customer.map(|ix| &desk.customer(ix).id));
        if state.is_active() {
            active += 1;
            let is_reply = |said: &&Said| said.from == Author::Agent && said.public && said.agent.is_some();
            let replies: Vec<Timestamp> = chat.messages.iter().filter(is_reply).map(|said| said.at).collect();
            let first = state.first_response().map(|first| first.at);
            assert!(first.is_none_or(|at| replies.contains(&at)), "{}", chat.id);
            assert_eq!(chat.ratings.iter().filter(|rating| rating.agent.is_some()).count(), state.ratings.len());
            assert_eq!(chat.waiting_since, state.waiting_since, "{}", chat.id);
        }
    }
    assert_eq!((world.open().count(), world.chats.len()), (active, desk.conversations().count()));
    assert!(active > 100);
    for agent in &world.agents {
        let folded = desk.agent(desk.find_agent(source, &agent.id).unwrap());
        assert_eq!(folded.state().map(|(presence, _)| presence.state), Some(agent.state));
    }
    assert!(world.agents.iter().any(|agent| agent.state == PresenceState::Online));
    let changed = world.changed_since(world.now - TimeDelta::minutes(10));
    let since = |minutes| world.now - TimeDelta::minutes(minutes);
    let expected = world.chats.iter().filter(|chat| chat.updated_at >= since(10)).count();
    assert_eq!(changed.len(), expected);
    assert!(changed.is_sorted_by_key(|chat| std::cmp::Reverse(chat.updated_at)) && expected > 5);
}
