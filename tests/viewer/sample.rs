//! A believable desk at one moment, made by hand: every kind of row, in every state that a screen must cope with.

use std::sync::Arc;
use std::time::Duration;

use chrono::{FixedOffset, TimeDelta};
use helptop::app::{Keymap, Privacy, ViewState};
use helptop::board::{
    AgentPage, AgentToday, BoardSnapshot, ConversationPage, Engine, Held, Options, Page, Person, Query, RiskCounts,
    SourceHealth, SourceState, StateSpan, TimelineItem, What,
};
use helptop::desk::{AgentIx, ConversationIx, Customer, CustomerIx, SourceIx, TeamIx};
use helptop::event::{
    AgentId, Author, Capability, ConversationId, CustomerId, PresenceState, SlaMetric, Status, StatusBy, TeamId,
    Timestamp,
};
use helptop::metrics::live::{AgentRow, ConversationRow, LiveFigures, TeamRow};
use helptop::metrics::stats::{DurationFigure, ShareFigure};
use helptop::ui::{Mode, ViewContext, Zone};

/// Sunday 22 November 2026, 14:32:07 in a zone one hour east of Greenwich.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_354_327_000);

pub(crate) fn ago(seconds: i64) -> Timestamp {
    NOW - TimeDelta::seconds(seconds)
}

pub(crate) fn zone() -> Zone {
    let offset = FixedOffset::east_opt(3600).unwrap();
    Arc::new(move |_| offset)
}

pub(crate) fn context() -> ViewContext {
    ViewContext {
        title: "ACME support".to_owned(),
        mode: Mode::Live,
        now: NOW,
        last_week: None,
        zone: zone(),
        twelve_hours: false,
    }
}

pub(crate) fn view() -> ViewState {
    let keymap = Keymap::new([]).unwrap();
    let themes = ["dark", "high-contrast", "light"].map(str::to_owned).to_vec();
    ViewState::new(Arc::new(keymap), themes, "dark".to_owned(), Privacy::None)
}

const TEAMS: [&str; 3] = ["Billing", "Shipping", "Support"];

/// Name, team, state and minutes in it, held, capacity, pending.
type AgentLine = (&'static str, u32, Option<(PresenceState, i64)>, u32, Option<u32>);

fn agent_lines() -> Vec<AgentLine> {
    use PresenceState::{Away, Busy, Offline, Online};
    vec![
        ("Ana Petrović", 0, Some((Online, 184)), 7, Some(8)),
        ("Bogdan Ilie", 1, Some((Busy, 12)), 9, Some(8)),
        ("Chiara Neri", 2, Some((Away, 6)), 2, Some(8)),
        ("Daisuke Mori 森大輔", 2, Some((Online, 95)), 5, Some(6)),
        ("Elif Şahin", 2, Some((Online, 240)), 6, Some(6)),
        ("Fatou N'Diaye", 0, Some((Online, 33)), 3, Some(8)),
        ("Gabriel Szabó", 1, Some((Online, 8)), 1, None),
        ("Hana Nováková", 1, None, 4, None),
        ("Ignacio de la Fuente y Velázquez", 0, Some((Online, 310)), 8, Some(10)),
        ("Jiří Dvořák", 2, Some((Busy, 2)), 4, Some(4)),
        ("Katarzyna Wójcik", 0, Some((Online, 61)), 2, Some(8)),
        ("Lars Ødegård", 1, Some((Offline, 560)), 1, Some(8)),
        ("Mỹ Linh Trần", 2, Some((Online, 17)), 0, Some(8)),
        ("Nuno Álvares", 0, Some((Offline, 1300)), 0, Some(8)),
    ]
}

/// Customer, vip, channel, team, holder, wait in seconds, subject.
type ChatLine = (&'static str, bool, &'static str, u32, Option<u32>, i64, &'static str);

const CHATS: &[ChatLine] = &[
    ("M. Rossi", true, "whatsapp", 0, Some(0), 1122, "Charged twice for order 20417"),
    ("Kelechi Okafor", false, "email", 1, None, 903, "Parcel says delivered, but it is not here"),
    ("łukasz w.", false, "instagram", 2, Some(4), 680, "promo code not accepted"),
    ("Chiara Bianchi", false, "web", 2, Some(2), 580, "Cannot sign in after the update"),
    ("山田 太郎", false, "email", 1, Some(1), 541, "領収書をお願いします"),
    ("Olena Kovalenko", true, "telegram", 0, Some(0), 412, "Invoice with our VAT number, please"),
    ("anonymous-88213", false, "web", 2, None, 388, "???"),
    ("Siobhán O'Reilly", false, "messenger", 1, Some(1), 371, "Wrong size, exchange?"),
    ("J. van der Berg", false, "whatsapp", 0, Some(5), 344, "Subscription renewed by mistake"),
    ("Ngozi", false, "sms", 1, Some(7), 312, "where is it"),
    ("Aino Mäkinen", false, "email", 2, Some(3), 266, "Exports are empty since Friday"),
    ("Ravi Shankar Iyer", false, "whatsapp", 2, Some(4), 230, "App crashes on start"),
    ("Zoë", false, "instagram", 2, Some(9), 204, "is the blue one back in stock"),
    ("Mehmet Yılmaz", true, "phone", 0, Some(8), 171, "Refund of a cancelled order"),
    ("Ewa Zielińska", false, "email", 1, Some(1), 125, "Change the delivery address"),
    ("Tomás Ó Súilleabháin", false, "web", 2, Some(3), 96, "Two-factor code never arrives"),
    ("Dr. Anneliese Wagner-Hohenstein", false, "email", 0, Some(8), 71, "Quote for 40 seats"),
    ("Li Wei", false, "telegram", 1, Some(6), 48, "customs form"),
    ("Pedro", false, "whatsapp", 2, Some(9), 22, "hola"),
    ("Ingrid", false, "messenger", 0, None, 6, "Gift card balance"),
];

fn chat(ix: u32, line: &ChatLine) -> ConversationRow {
    let (_, _, channel, team, holder, wait, subject) = *line;
    ConversationRow {
        ix: ConversationIx(ix),
        source: SourceIx(u32::from(channel == "telegram")),
        id: ConversationId::new(format!("{}", 20_400 + ix)),
        customer_ix: Some(CustomerIx(ix)),
        customer: None,
        channel: Some(channel.into()),
        team: Some(TeamIx(team)),
        holder: holder.map(AgentIx),
        status: Status::Open,
        tags: if subject.contains("efund") { Arc::from(["refund".into()]) } else { Arc::from([]) },
        subject: Some(subject.into()),
        url: Some(format!("https://desk.example.com/t/{}", 20_400 + ix).into()),
        priority: None,
        started_at: ago(wait + 1800),
        waiting_since: Some(ago(wait)),
        sla_due: (ix == 13).then(|| (SlaMetric::FirstResponse, ago(30))),
    }
}

fn agents(live: &mut LiveFigures) {
    for (ix, (name, team, state, open, capacity)) in (0_u32..).zip(agent_lines()) {
        let held = || live.waiting.values().filter(|row| row.holder == Some(AgentIx(ix)));
        let row = AgentRow {
            ix: AgentIx(ix),
            source: SourceIx(0),
            id: AgentId::new(format!("a{ix}")),
            name: name.into(),
            teams: Arc::from([TeamIx(team)]),
            capacity,
            active: true,
            state: state.map(|(state, _)| state),
            state_since: state.map(|(_, minutes)| ago(minutes * 60)),
            reason: (ix == 2).then(|| "lunch".into()),
            last_active_at: Some(ago(180)),
            open: open.max(held().count() as u32),
            unanswered: held().count() as u32,
            pending: 0,
            longest: held().filter_map(|row| row.wait_key()).min(),
            target: None,
        };
        live.totals.online += u32::from(row.state.is_some_and(PresenceState::is_online));
        live.totals.away += u32::from(row.state == Some(PresenceState::Away));
        live.totals.offline += u32::from(row.state == Some(PresenceState::Offline));
        live.totals.unknown += u32::from(row.state.is_none());
        let load = |row: &AgentRow| row.load().unwrap_or(0.0);
        let most = live.fullest.and_then(|ix| live.agents.get(&ix)).map_or(1.0, |row| load(row));
        if load(&row) >= most {
            live.fullest = Some(row.ix);
        }
        live.ranking.insert(row.key(), ());
        live.agents.insert(row.ix, Arc::new(row));
    }
}

pub(crate) fn source(name: &str, kind: &'static str, good: i64) -> SourceHealth {
    SourceHealth {
        name: name.to_owned(),
        kind,
        state: SourceState::Fresh,
        good_at: Some(ago(good)),
        tried_at: Some(ago(good)),
        next_at: Some(ago(good - 15)),
        interval: Duration::from_secs(15),
        latency: Some(Duration::from_millis(182)),
        requests: 2,
        requests_total: 4_210,
        events_total: 18_344,
        quota: Some((312, 700)),
        quota_resets_at: Some(ago(-41)),
        quota_share: 0.5,
        capabilities: vec![Capability::Messages, Capability::Assignments, Capability::Statuses],
        cannot_tell: &[("presence", "it has no notion of agents being online"), ("ratings", "it has no surveys")],
        ..SourceHealth::default()
    }
}

/// The desk with `more` further chats that wait since just now.
pub(crate) fn desk(more: u32) -> LiveFigures {
    let mut live = LiveFigures::default();
    for (ix, name) in (0_u32..).zip(TEAMS) {
        let team = TeamRow { source: SourceIx(0), id: TeamId::new(format!("t{ix}")), name: name.into() };
        live.teams.push_back(Arc::new(team));
    }
    let extra = (0..more).map(|_| ("Walk-in", false, "web", 2, None, 1, "hello"));
    for (ix, line) in (0_u32..).zip(CHATS.iter().copied().chain(extra)) {
        let customer = Customer {
            source: SourceIx(0),
            id: CustomerId::new(format!("c{ix}")),
            name: line.0.into(),
            segment: line.1.then(|| "vip".into()),
        };
        let row = ConversationRow { customer: Some(Arc::new(customer)), ..chat(ix, &line) };
        if row.holder.is_none() {
            live.totals.unassigned += 1;
            let longest = &mut live.totals.unassigned_longest_since;
            *longest = [*longest, row.waiting_since].into_iter().flatten().min();
        }
        let row = Arc::new(row);
        live.waiting.extend(row.wait_key().map(|key| (key, row)));
    }
    agents(&mut live);
    live.totals.unanswered = live.waiting.len() as u32;
    live.totals.active = 141 + more;
    live
}

/// A believable desk at [`NOW`].
pub(crate) fn snapshot() -> BoardSnapshot {
    let mut failing = source("callbell", "command", 65);
    failing.error = Some((
        "GET https://chat.example.com/v1/conversations: 503 Service Unavailable".to_owned(),
        "nothing to do: helptop tries again by itself; see the log if it stays".to_owned(),
        ago(50),
    ));
    failing.aside = vec!["feed.sh: connected".to_owned(), "feed.sh: \u{1b}[31mretrying\u{1b}[0m".to_owned()];
    failing.quota = None;
    failing.skipped_total = 3;
    failing.skipped = vec!["line 812: `at` is missing".to_owned()];
    BoardSnapshot {
        generation: 1,
        at: NOW,
        live: desk(0),
        today: helptop::board::TodayFigures {
            since: ago(14 * 3600 + 32 * 60 + 7),
            new: 230,
            first_response: DurationFigure { n: 187, mean: Some(260.0), median: Some(190.0), p90: Some(610.0) },
            resolved: 212,
            csat: ShareFigure { n: 38, of: 41 },
        },
        tells_ratings: true,
        tells_presence: true,
        risk: RiskCounts { at_risk: 7, breached: 2, sla_breached: 1, ..RiskCounts::default() },
        waiting_trend: (0..60)
            .map(|minute: u32| [9, 10, 12, 11, 13, 14, 16, 15, 17, 18, 16, 20][(minute / 5) as usize] + minute % 3)
            .collect(),
        sources: Arc::from([source("desk", "rt", 4), failing]),
        ..BoardSnapshot::default()
    }
}

/// An empty board at [`NOW`], with the usual thresholds of 5 and 15 minutes.
pub(crate) fn engine() -> Engine {
    let midnight = |_: Timestamp| ago(14 * 3600 + 32 * 60 + 7);
    Engine::new(Options { thresholds: Arc::default(), keep_text: false, midnight: Arc::new(midnight) }, NOW)
}

fn item(seconds: i64, conversation: u32, label: &str, what: What) -> TimelineItem {
    TimelineItem {
        at: ago(seconds),
        source: SourceIx(0),
        conversation: ConversationIx(conversation),
        id: ConversationId::new(label.split(char::is_whitespace).next().unwrap_or_default()),
        label: label.into(),
        what,
    }
}

fn said(from: Author, name: &str, text: &str, answered_after: Option<i64>) -> What {
    What::Message { from, name: Some(name.into()), public: true, text: Some(text.into()), answered_after }
}

fn ended(agent: &str) -> What {
    let agent = Some(agent.into());
    What::Status { status: Status::Resolved, by: Some(StatusBy::Agent), agent, ending: true, reopening: false }
}

/// The page behind a row of [`snapshot`].
pub(crate) fn page(snapshot: &BoardSnapshot, query: &Query) -> Page {
    match query {
        Query::Agent(ix) => snapshot.live.agents.get(ix).map_or(Page::Gone, |row| agent_page(snapshot, row)),
        Query::Conversation(ix) => {
            snapshot.live.waiting.values().find(|row| row.ix == *ix).map_or(Page::Gone, chat_page)
        }
        Query::Named(..) | Query::Customer(..) => Page::Gone,
    }
}

fn agent_page(snapshot: &BoardSnapshot, row: &Arc<AgentRow>) -> Page {
    let held = snapshot.live.waiting.values();
    let span = |state, from: i64, to: i64| StateSpan { state, from: ago(from), to: (to > 0).then(|| ago(to)) };
    let replies = (0..30_i64).map(|at| {
        let text =
            ["Thanks, that is refunded now.", "Could you send us the order number?", "It left the warehouse today."];
        let label = format!("{} K. Okafor", 20_380 + at);
        let says = said(Author::Agent, &row.name, text[at as usize % 3], Some(95_000 + at * 7_000));
        item(140 + at * 460, 2, &label, if at % 4 == 3 { ended(&row.name) } else { says })
    });
    Page::Agent(Box::new(AgentPage {
        agent: Arc::clone(row),
        open: held.filter(|chat| chat.holder == Some(row.ix)).cloned().collect(),
        states: vec![
            span(PresenceState::Offline, 52_000, 22_400),
            span(PresenceState::Online, 22_400, 12_500),
            span(PresenceState::Away, 12_500, 10_000),
            span(PresenceState::Busy, 10_000, 8_100),
            span(PresenceState::Online, 8_100, 0),
        ],
        held: (0..26)
            .map(|at| Held { from: ago(22_400 - at * 900), chats: [0, 2, 4, 3, 5, 7, 6, 8][at as usize % 8] })
            .collect(),
        endings: (0..9).map(|at| ago(20_000 - at * 2_100)).collect(),
        today: AgentToday {
            worked: 31,
            replies: 74,
            closed: 22,
            first_response: DurationFigure { n: 19, mean: Some(201.0), median: Some(164.0), p90: Some(420.0) },
            response: DurationFigure { n: 60, mean: Some(260.0), median: Some(212.0), p90: Some(600.0) },
            online_seconds: Some(18_600),
            csat: Some(ShareFigure { n: 6, of: 7 }),
        },
        activity: replies.collect(),
    }))
}

fn chat_page(row: &Arc<ConversationRow>) -> Page {
    let long = "I was charged twice for order 20417: once on Friday evening and again on Saturday morning. The bank says \
                both are final. I would like one of them back, and a confirmation by e-mail, please. My card ends in 4242, \
                and the invoice carries the address of my old flat, which should be corrected as well.";
    let target = What::Sla { metric: SlaMetric::FirstResponse, due: ago(1_800) };
    let passed = What::Holder {
        from: Some("Elif Şahin".into()),
        to: Some("Ana Petrović".into()),
        by: Some("Elif Şahin".into()),
    };
    let note = What::Message {
        from: Author::Agent,
        name: Some("Elif Şahin".into()),
        public: false,
        text: Some("billing has to look at this".into()),
        answered_after: None,
    };
    let timeline = vec![
        item(3_000, row.ix.0, "", What::Opened { inbound: true }),
        item(3_000, row.ix.0, "", said(Author::Customer, "M. Rossi", "Hello? I have a question about a payment", None)),
        item(2_990, row.ix.0, "", What::Routed { keyword: "payment".into() }),
        item(2_980, row.ix.0, "", said(Author::Bot, "bot", "Somebody of our team will be with you soon.", None)),
        item(2_900, row.ix.0, "", target),
        item(2_850, row.ix.0, "", What::Holder { from: None, to: Some("Elif Şahin".into()), by: None }),
        item(2_700, row.ix.0, "", said(Author::Agent, "Elif Şahin", "Hi! What is your order number?", Some(300_000))),
        item(1_400, row.ix.0, "", note),
        item(1_390, row.ix.0, "", passed),
        item(1_380, row.ix.0, "", What::Macro { name: "Ask for patience".into(), by: Some("Ana Petrović".into()) }),
        item(1_380, row.ix.0, "", What::Team { to: Some("Billing".into()), by: None }),
        item(1_122, row.ix.0, "", said(Author::Customer, "M. Rossi", long, None)),
        item(1_120, row.ix.0, "", What::Tagged { tags: Arc::from(["billing".into(), "double charge".into()]) }),
    ];
    Page::Conversation(Box::new(ConversationPage {
        row: Arc::clone(row),
        customer: Some("Mario Rossi".into()),
        segment: Some("vip".into()),
        first_response: Some(300_000),
        holder: row
            .holder
            .map(|ix| Person { id: AgentId::new(format!("a{}", ix.0)), name: agent_lines()[ix.at()].0.into() }),
        team: row.team.map(|ix| TEAMS[ix.at()].into()),
        as_of: None,
        is_whole: true,
        timeline,
        earlier: 0,
    }))
}
