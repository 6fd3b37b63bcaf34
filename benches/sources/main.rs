//! What each source costs: requests of a start and of a refresh, the time that its answers take, and memory.
//!
//! `cargo bench --bench sources`; words pick vendors and sizes: `cargo bench --bench sources -- zammad XL`. Without a
//! size it is S, M and L. Each source runs against its vendor's simulator, in a process of its own: its time and memory
//! are not those of the simulator. What it told is compared with the simulator's desk: after the start, and at the end,
//! exactly the chats that are open there have to be open by it, and no record may have been skipped. A vendor that keeps the contract of the simulators (`contract::benches`) has its rows
//! here; a new folder of the simulators needs its line below.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a bench stops at the first surprise")]
#![expect(dead_code, unused_imports, reason = "of the simulators, most is for their tests")]

#[path = "../../tests/simulators/agree.rs"]
mod agree;
#[path = "../../tests/simulators/bad/mod.rs"]
mod bad;
#[path = "../../tests/simulators/callbell/mod.rs"]
mod callbell;
#[path = "../../tests/simulators/chatwoot/mod.rs"]
mod chatwoot;
mod child;
#[path = "../../tests/simulators/contract.rs"]
mod contract;
#[path = "../../tests/simulators/gorgias/mod.rs"]
mod gorgias;
#[path = "../../tests/simulators/intercom/mod.rs"]
mod intercom;
#[path = "../../tests/simulators/server.rs"]
mod server;
#[path = "../../tests/simulators/world.rs"]
mod world;
#[path = "../../tests/simulators/zammad/mod.rs"]
mod zammad;
#[path = "../../tests/simulators/zendesk/mod.rs"]
mod zendesk;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use helptop::source::demo::Params;

use agree::{Terms, start};
use child::{Child, Cost};
use contract::Bench;
use server::Simulator;
use world::World;

const SIZES: [(&str, Params); 4] = [
    ("S", Params { seed: 1, agents: 12, chats: 300 }),
    ("M", Params { seed: 1, agents: 200, chats: 5_000 }),
    ("L", Params { seed: 1, agents: 1_000, chats: 25_000 }),
    ("XL", Params { seed: 1, agents: 5_000, chats: 140_000 }),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    match words.as_slice() {
        [word, kind, base] if word == child::WORD => child::run(kind, base),
        words => tokio::runtime::Runtime::new().unwrap().block_on(table(words)),
    }
}

/// A row for each vendor and size that the words pick.
async fn table(words: &[String]) {
    let is_asked = |word: &str, group: &dyn Fn(&str) -> bool| {
        words.iter().any(|one| one == word) || !words.iter().any(|one| group(one))
    };
    let is_size = |word: &str| SIZES.iter().any(|(name, _)| *name == word);
    println!(
        "| source | size | open | start | nothing new | 10 changed | 500 changed | start, CPU time | 100 listed | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for bench in contract::benches() {
        let is_kind = |word: &str| contract::benches().iter().any(|bench| bench.kind == word);
        for (name, params) in SIZES {
            let is_usual = name != "XL" || words.iter().any(|word| word == "XL");
            if is_usual && is_asked(bench.kind, &is_kind) && is_asked(name, &is_size) {
                row(&bench, name, params).await;
            }
        }
    }
}

/// A desk at nine in the morning, and what a source on it costs.
async fn row(bench: &Bench, name: &str, params: Params) {
    let mut world = World::new(params, start() + TimeDelta::hours(8));
    world.advance(start() + TimeDelta::hours(9));
    let open = world.open().count();
    let simulator = (bench.serve)(world).await;
    let mut child = Child::start(bench.kind, &simulator.base);
    let cold = settle(&simulator, &mut child, TimeDelta::zero()).await;
    let terms = (bench.terms)();
    agree(&simulator, &child, &terms, terms.lag, &format!("{} {name}, after its start", bench.kind));
    // What is late, or asked for now and then, is over.
    for _ in 0..12 {
        settle(&simulator, &mut child, TimeDelta::minutes(5)).await;
    }
    let mut quiet = Vec::new();
    for _ in 0..9 {
        quiet.push(settle(&simulator, &mut child, TimeDelta::seconds(30)).await.requests);
    }
    quiet.sort_unstable();
    let mut changed = Vec::new();
    for count in [10, 500] {
        change(&mut simulator.inside().world, count);
        changed.push(settle(&simulator, &mut child, TimeDelta::seconds(1)).await.requests);
        for _ in 0..3 {
            settle(&simulator, &mut child, TimeDelta::seconds(70)).await;
        }
    }
    agree(&simulator, &child, &terms, TimeDelta::zero(), &format!("{} {name}, at the end", bench.kind));
    println!(
        "| {} | {name} | {open} | {} | {} | {} | {} | {:.2} s | {:.1} ms | {:.0} MiB |",
        bench.kind,
        cold.requests,
        quiet[quiet.len() / 2],
        changed[0],
        changed[1],
        cold.cpu.as_secs_f64(),
        cold.hundred.as_secs_f64() * 1e3,
        child.peak(),
    );
}

/// Exactly what is open on the desk has to be open by what was told, but for what changed as late as `lag` ago.
fn agree(simulator: &Simulator, child: &Child, terms: &Terms, lag: TimeDelta, what: &str) {
    let world = &simulator.inside().world;
    let late: BTreeSet<u64> = match lag {
        lag if lag > TimeDelta::zero() => world.changed_since(world.now - lag).iter().map(|chat| chat.number).collect(),
        _ => BTreeSet::new(),
    };
    let open: BTreeSet<u64> = world.open().map(|chat| chat.number).collect();
    let told = child.open(terms.chat);
    let wrong: Vec<u64> = open.symmetric_difference(&told).filter(|chat| !late.contains(chat)).copied().collect();
    let (first, count) = (wrong.iter().take(5).collect::<Vec<_>>(), wrong.len());
    assert!(wrong.is_empty(), "{what}: {} open there, {} by it, {count} differ: {first:?}", open.len(), told.len());
}

/// Time passes in which nothing happens; then the source reads all that is new.
async fn settle(simulator: &Simulator, child: &mut Child, span: TimeDelta) -> Cost {
    let now = {
        let world = &mut simulator.inside().world;
        world.stand_still(span);
        // It is compared with nothing here.
        drop(world.take_stream());
        world.now
    };
    simulator.asked();
    child.settle(now).await
}

/// So many customers write, each on a chat of its own as far as there are as many; an agent ends every fifth.
fn change(world: &mut World, count: usize) {
    let chats: Vec<_> = world.open().map(|chat| chat.id.clone()).collect();
    let agent = world.agents[0].id.clone();
    for (nth, id) in chats.into_iter().cycle().take(count).enumerate() {
        world.happen(Message::public(id.clone(), Author::Customer, None));
        if nth % 5 == 4 {
            let (status, by) = (Status::Resolved, Some(StatusBy::Agent));
            world.happen(EventKind::Status { conversation: id, status, by, agent: Some(agent.clone()) });
        }
    }
}
