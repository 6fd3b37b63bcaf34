//! Who is there: withdrawn where it can't be read for long, and not claimed before it was.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Capability, EventKind};

use crate::agree::Watch;
use crate::contract::{Bench, agrees, benches, small};
use crate::server::{Fault, Simulator};

/// Vendors that tell who is there, and words of the requests for that.
fn watched() -> impl Iterator<Item = (Bench, &'static str)> {
    benches().into_iter().filter(|bench| (bench.terms)().presence.is_some()).map(|bench| {
        let words = match bench.kind {
            "callbell" => "/members",
            "chatwoot" => "/agents",
            "intercom" => "/admins",
            "zendesk" => "/agent_availabilities",
            other => panic!("where does {other} tell who is there?"),
        };
        (bench, words)
    })
}

fn break_off(simulator: &Simulator, words: &'static str) {
    simulator.fault(words, Fault::said(500, "{}"));
}

async fn stand_still(watch: &mut Watch<'_>, minutes: usize) {
    for _ in 0..2 * minutes {
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
}

/// Whether presence is claimed, by the last `hello` and by the source.
fn is_claimed(watch: &Watch<'_>) -> bool {
    let hello = watch.told.iter().rev().find_map(|event| match &event.kind {
        EventKind::Hello { capabilities, .. } => Some(capabilities),
        _ => None,
    });
    assert_eq!(hello, Some(&watch.source.capabilities()));
    hello.is_some_and(|can| can.contains(&Capability::Presence))
}

#[tokio::test]
async fn it_is_withdrawn_where_it_can_not_be_read_for_five_minutes_and_true_again_once_it_can() {
    for (bench, words) in watched() {
        let simulator = small(&bench).await;
        let mut stream = simulator.inside().world.take_stream();
        let mut watch = Watch::begun((bench.source)(&simulator, Duration::ZERO), &simulator).await;
        assert!(watch.online() > Some(0), "{}", bench.kind);
        break_off(&simulator, words);
        for (minutes, is_known) in [(4, true), (2, false), (9, false)] {
            stand_still(&mut watch, minutes).await;
            assert_eq!((watch.online().is_some(), is_claimed(&watch)), (is_known, is_known), "{}", bench.kind);
        }
        simulator.mend();
        stand_still(&mut watch, 20).await;
        assert!(is_claimed(&watch), "{}", bench.kind);
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &bench);
        assert_eq!(watch.reasons.len(), 1, "{}: {:?}", bench.kind, watch.reasons);
    }
}

#[tokio::test]
async fn it_is_not_claimed_before_it_was_read() {
    for (bench, words) in watched() {
        let simulator = small(&bench).await;
        let mut stream = simulator.inside().world.take_stream();
        break_off(&simulator, words);
        let mut watch = Watch::begun((bench.source)(&simulator, Duration::ZERO), &simulator).await;
        assert!(matches!(watch.told[0].kind, EventKind::Hello { .. }), "{}", bench.kind);
        assert_eq!((watch.online(), is_claimed(&watch)), (None, false), "{}", bench.kind);
        simulator.mend();
        stand_still(&mut watch, 4).await;
        assert!(is_claimed(&watch), "{}", bench.kind);
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &bench);
    }
}
