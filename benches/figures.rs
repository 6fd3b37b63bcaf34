//! How fast events become figures and figures become a frame, at the sizes of docs/performance.md.
//!
//! `cargo bench --bench figures`; a filter as its last word picks some of them (`event`, `frame`, `fold`, `read`, `late`).
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{FixedOffset, Offset, TimeDelta, Utc};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helptop::app::{Keymap, Privacy, ViewState};
use helptop::board::{BoardSnapshot, Engine, Options, SourceHealth};
use helptop::desk::{Desk, SourceIx};
use helptop::event::{AgentId, Author, ConversationId, Event, Message, Reader, Timestamp, parse_line, write_event};
use helptop::metrics::thresholds::Thresholds;
use helptop::source::demo::{Params, Simulation};
use helptop::term::Painter;
use helptop::ui::{self, ColorDepth, Mode, Themes, ViewContext};
use ratatui::buffer::Buffer;

/// The sizes: name, agents, open chats.
const SIZES: [(&str, usize, usize); 4] =
    [("S", 12, 300), ("M", 200, 5_000), ("L", 1_000, 25_000), ("XL", 5_000, 100_000)];

fn noon() -> Timestamp {
    Timestamp::parse("2026-03-03T12:00:00Z").unwrap()
}

/// The simulated desk at noon of a working day, begun some hours before.
fn recorded(agents: usize, chats: usize, hours: i64) -> Vec<Event> {
    let mut events = Vec::new();
    let params = Params { seed: 1, agents, chats };
    Simulation::new(params, noon() - TimeDelta::hours(hours)).advance_to(noon(), &mut events);
    events
}

fn engine(events: Vec<Event>) -> (Engine, SourceIx) {
    let options = Options {
        thresholds: Arc::new(Thresholds::default()),
        keep_text: false,
        midnight: Arc::new(|at| Timestamp::from_millis(at.millis().div_euclid(86_400_000) * 86_400_000)),
    };
    let mut engine = Engine::new(options, noon());
    let source =
        engine.add_source(SourceHealth { name: "demo".into(), good_at: Some(noon()), ..SourceHealth::default() });
    engine.take(source, events, noon());
    engine.settle(noon());
    (engine, source)
}

/// Lines of messages that begin and end waits, on conversations that are open, each later than those before; it is
/// the holder who answers.
struct Traffic {
    open: Vec<(ConversationId, AgentId)>,
    said: usize,
}

impl Traffic {
    fn of(engine: &Engine) -> Self {
        let figures = engine.live().figures();
        let held = figures
            .agents
            .values()
            .flat_map(|holder| engine.live().held_by(holder.ix).map(|row| (row.id.clone(), holder.id.clone())));
        let mut open: Vec<_> = held.collect();
        open.sort();
        Self { open, said: 0 }
    }

    fn lines(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.line()).collect()
    }

    fn line(&mut self) -> Vec<u8> {
        let i = self.said;
        self.said += 1;
        let (id, holder) = self.open[(i / 2).wrapping_mul(7919) % self.open.len()].clone();
        let (from, who) = if i.is_multiple_of(2) { (Author::Customer, None) } else { (Author::Agent, Some(holder)) };
        let at = noon() + TimeDelta::milliseconds(i as i64 + 1);
        let mut line = Vec::new();
        write_event(&mut line, &Event::new(at, Message::public(id, from, who))).unwrap();
        line
    }
}

/// Throws everything out of the processor's caches: on a board that waits for the next event they are cold.
fn evict(ballast: &mut [u8]) {
    ballast.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
    black_box(ballast);
}

/// One line of a source to the new snapshot: read, fold, figures, picture. A viewer holds the picture before.
/// `event_hot` sends one after the other; `event` lets the caches go cold before each, as they are on a real board.
fn event_to_snapshot(c: &mut Criterion) {
    let mut ballast = vec![0u8; 64 << 20];
    for (group, cold) in [("event", true), ("event_hot", false)] {
        let mut group = c.benchmark_group(group);
        for (name, agents, chats) in SIZES {
            let (mut engine, source) = engine(recorded(agents, chats, 6));
            let mut traffic = Traffic::of(&engine);
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter_custom(|iterations| {
                    let lines = traffic.lines(iterations as usize);
                    let mut seen = engine.snapshot(noon());
                    let mut took = Duration::ZERO;
                    for line in lines {
                        if cold {
                            evict(&mut ballast);
                        }
                        let begun = Instant::now();
                        let event = parse_line(&line).unwrap();
                        let at = event.at.unwrap();
                        engine.take(source, [event], at);
                        engine.settle(at);
                        seen = black_box(engine.snapshot(at));
                        took += begun.elapsed();
                    }
                    drop(seen);
                    took
                });
            });
        }
        group.finish();
    }
}

/// One frame of the board, a second after the one before: from the picture to the bytes for the terminal. At 80×24
/// both the smallest and the largest desk fill the screen; at 200×50 the smallest has rows for a third of it.
fn frame(c: &mut Criterion) {
    let themes = Themes::built_in().unwrap();
    let palette = themes.get("dark").unwrap().at_depth(ColorDepth::True);
    let mut group = c.benchmark_group("frame");
    for (name, agents, chats) in SIZES {
        let (mut engine, _) = engine(recorded(agents, chats, 6));
        let snapshot: BoardSnapshot = engine.snapshot(noon());
        let keymap = Arc::new(Keymap::new([]).unwrap());
        let view = ViewState::new(keymap, vec!["dark".into()], "dark".into(), Privacy::None);
        for (width, height) in [(200, 50), (80, 24)] {
            let mut painter = Painter::new(width, height);
            let mut context = ViewContext {
                title: "ACME support".into(),
                mode: Mode::Live,
                now: noon(),
                last_week: None,
                zone: Arc::new(|_| -> FixedOffset { Utc.fix() }),
                twelve_hours: false,
            };
            group.bench_function(BenchmarkId::new(name, format!("{width}x{height}")), |b| {
                b.iter(|| {
                    context.now = context.now + TimeDelta::seconds(1);
                    let mut buffer = Buffer::empty(painter.area());
                    let regions = ui::draw(&mut buffer, &snapshot, &view, &palette, &context);
                    black_box(painter.frame(&buffer, &regions.links))
                });
            });
        }
    }
    group.finish();
}

fn folded(events: Vec<Event>) -> Desk {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    for event in events {
        desk.apply(source, event);
    }
    desk.settle();
    desk
}

/// Numbered lines of a kind, each at so many milliseconds after noon.
fn lines(kind: &str, at: impl IntoIterator<Item = (i64, usize)>) -> Vec<Event> {
    let line = |(at, i): (i64, usize)| {
        let at = noon() + TimeDelta::milliseconds(at);
        let rest = match kind {
            "asked" => format!(r#""type":"message","conversation":"c","from":"customer","text":"text {i}""#),
            "asked elsewhere" => format!(r#""type":"message","conversation":"c{i}","from":"customer""#),
            "closed" => r#""type":"status","conversation":"c","status":"closed""#.to_owned(),
            "assigned" => format!(r#""type":"assigned","conversation":"c","agent":"a{i}""#),
            "tagged" => format!(r#""type":"tagged","conversation":"c","tags":["tag {i}"]"#),
            "state" if i.is_multiple_of(2) => {
                format!(r#""type":"presence","agent":"a","state":"away","reason":"reason {i}""#)
            }
            "state" => format!(r#""type":"presence","agent":"a","state":"online","reason":"reason {i}""#),
            _ if i.is_multiple_of(2) => r#""type":"hello","version":1,"capabilities":["assignments"]"#.to_owned(),
            _ => r#""type":"hello","version":1,"capabilities":[]"#.to_owned(),
        };
        parse_line(format!(r#"{{"at":"{at}",{rest}}}"#).as_bytes()).unwrap()
    };
    at.into_iter().map(line).collect()
}

/// Streams that would be dear if each late line were put in its place by itself, or each line of an instant compared
/// with all the others; six times the events should take little more than six times as long.
fn late(c: &mut Criterion) {
    let mut group = c.benchmark_group("fold/late");
    group.sample_size(10).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    for count in [10_000, 60_000] {
        let each = |at: fn(i64) -> i64| (0..count).map(move |i| (at(i as i64), i));
        let in_order = || lines("asked", each(|i| i));
        let one_instant = |kind| [lines("closed", [(9, 0)]), lines(kind, each(|_| 1))].concat();
        let moments: Vec<_> = (0..count / 2)
            .flat_map(|i| [lines("asked", [(i as i64, i)]), lines("closed", [(i as i64, i)])].concat())
            .collect();
        let streams = [
            ("in_order", in_order()),
            ("newest_first", lines("asked", each(|i| -i))),
            ("one_instant", lines("asked", each(|_| 0))),
            ("one_instant_late", one_instant("asked")),
            ("one_instant_late_twice", [one_instant("asked"), one_instant("asked")].concat()),
            ("one_instant_assigned", one_instant("assigned")),
            ("one_instant_tagged", one_instant("tagged")),
            (
                "one_instant_of_many_late",
                [lines("asked elsewhere", each(|_| 9)), lines("asked elsewhere", each(|_| 1))].concat(),
            ),
            ("twice", [in_order(), in_order()].concat()),
            ("closings", moments),
            (
                "asked_at_a_closing",
                [lines("closed", [(0, 0)]), one_instant("asked"), lines("closed", [(1, 0)])].concat(),
            ),
            ("states_newest_first", lines("state", each(|i| -i))),
            ("states_of_one_instant", lines("state", each(|_| 0))),
            ("hellos", [in_order(), lines("hello", each(|i| i))].concat()),
        ];
        for (name, events) in streams {
            group.throughput(Throughput::Elements(events.len() as u64));
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter_batched(|| events.clone(), folded, BatchSize::LargeInput);
            });
        }
    }
    group.finish();
}

/// A recorded stream of about a million events: reading lines, folding them, and both.
fn stream(c: &mut Criterion) {
    let mut events = recorded(200, 5_000, 30);
    events.truncate(1_000_000);
    let mut lines = Vec::new();
    for event in &events {
        write_event(&mut lines, event).unwrap();
    }
    let mut group = c.benchmark_group("stream");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10))
        .throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("fold", |b| {
        b.iter_batched(|| events.clone(), folded, BatchSize::LargeInput);
    });
    group.bench_function("read", |b| {
        b.iter(|| Reader::new(lines.as_slice()).filter(|line| line.as_ref().unwrap().event.is_ok()).count());
    });
    group.bench_function("read_fold_figures", |b| {
        b.iter(|| {
            let events = Reader::new(lines.as_slice()).filter_map(|line| line.unwrap().event.ok());
            let (mut engine, _) = engine(events.collect());
            engine.snapshot(noon())
        });
    });
    group.finish();
}

criterion_group!(benches, event_to_snapshot, frame, stream, late);
criterion_main!(benches);
