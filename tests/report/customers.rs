//! What a customer's page says, worked out by hand.

use helptop::board::past::{Comparison, CustomerPage, Typical};
use helptop::event::{Status, Timestamp};
use helptop::metrics::history::Terms;
use helptop::metrics::stats::ShareFigure;

use super::pages::{DESK, history, standpoint};
use super::support::{at, events};

/// Everything that Kim ever asked, and what three others did in the last 90 days.
pub const CUSTOMERS: &str = "
    hello capabilities=assignments,statuses,ratings
    team id=t name=Billing
    agent id=ana name=Ana
    agent id=bo name=Bo
    customer id=k name=Kim segment=vip
    # Ten minutes to the first reply, ended after an hour, reopened, ended again after two; Ana holds it for 50
    # minutes, Bo from 10:30 to 11:00.
    02 09:00:00 opened c1 customer=k channel=email team=t subject=first
    02 09:00:00 message c1 from=customer
    02 09:10:00 assigned c1 agent=ana
    02 09:10:00 message c1 from=agent agent=ana
    02 10:00:00 status c1 status=resolved by=agent
    02 10:05:00 rated c1 score=1 scale=5
    02 10:20:00 status c1 status=open
    02 10:30:00 assigned c1 agent=bo
    02 10:50:00 message c1 from=customer
    02 10:55:00 message c1 from=agent agent=bo
    02 11:00:00 status c1 status=resolved by=agent
    02 11:05:00 rated c1 score=4 scale=5
    # Thirty minutes to the first reply, by Bo, who does not hold it; nobody ended it: Ana holds it for an hour so far.
    05 09:00:00 opened c2 customer=k channel=web
    05 09:00:00 message c2 from=customer
    05 09:00:00 assigned c2 agent=ana
    05 09:30:00 message c2 from=agent agent=bo
    05 09:45:00 message c2 from=customer
    # It lives on in another.
    04 09:00:00 opened c3 customer=k
    04 09:10:00 assigned c3 agent=ana
    04 09:15:00 merged c3 into=c2
    # Others: replies after one, two and twenty minutes; ended after 10, 20 and 300.
    03 09:00:00 opened d1 customer=x
    03 09:01:00 message d1 from=agent agent=ana
    03 09:10:00 status d1 status=closed by=agent
    03 09:00:00 opened d2 customer=y
    03 09:02:00 message d2 from=agent agent=ana
    03 09:20:00 status d2 status=closed by=agent
    03 09:00:00 opened d3 customer=z
    03 09:20:00 message d3 from=agent agent=ana
    03 14:00:00 status d3 status=closed by=agent
    03 09:00:00 opened d4 customer=z
    # One who was introduced and never asked anything.
    customer id=silent name=Silent
";

pub fn now() -> Timestamp {
    at("05", "10:00:00")
}

#[test]
fn a_customer_s_page_holds_all_chats_and_who_dealt_with_them() {
    let terms = Terms::default();
    let page = CustomerPage::new(&history(&events(CUSTOMERS)), DESK, &"k".into(), &standpoint(&terms, now())).unwrap();
    assert_eq!((page.customer.name.as_str(), page.customer.segment.as_deref()), ("Kim", Some("vip")));
    let minutes = |millis: Option<i64>| millis.map(|millis| millis / 60_000);
    let chats: Vec<_> = page
        .chats
        .iter()
        .map(|chat| {
            let holders = chat.holders.iter().map(|name| &**name).collect::<Vec<_>>().join(" ");
            let times = (minutes(chat.first_response), minutes(chat.longest_wait), minutes(chat.resolution));
            (chat.id.as_str(), chat.status, chat.merged, holders, times, chat.reopened)
        })
        .collect();
    assert_eq!(
        chats,
        [
            ("c2", Status::Open, false, "Ana".to_owned(), (Some(30), Some(30), None), 0),
            ("c3", Status::Open, true, "Ana".to_owned(), (None, None, None), 0),
            ("c1", Status::Resolved, false, "Ana Bo".to_owned(), (Some(10), Some(10), Some(120)), 1),
        ]
    );
    let [open, merged, ended] = &page.chats[..] else { panic!("{:?}", page.chats) };
    assert_eq!((open.waiting_since, open.ended_at), (Some(at("05", "09:45:00")), None));
    assert_eq!((merged.is_active(), merged.ended_at), (false, Some(at("04", "09:15:00"))));
    assert_eq!((ended.ended_at, ended.team.as_deref()), (Some(at("02", "11:00:00")), Some("Billing")));
    assert_eq!(ended.answer.as_ref().map(|answer| answer.rating.score), Some(4.0));
    // Ana: 50 minutes, then 10:20 to 10:30, 5 minutes and an hour; Bo: 30 minutes.
    let dealt: Vec<_> = page.dealt.iter().map(|one| (&*one.name, one.chats, one.replies, one.held / 60_000)).collect();
    assert_eq!(dealt, [("Ana", 3, 1, 125), ("Bo", 2, 2, 30)]);
    let answers: Vec<_> = page.answers.iter().map(|one| (one.answer.rating.score, one.agent.as_deref())).collect();
    assert_eq!(answers, [(4.0, Some("Bo")), (1.0, Some("Ana"))]);
    let totals = &page.totals;
    assert_eq!((totals.chats, totals.active, totals.unanswered, totals.replies), (3, 1, 1, 3));
    assert_eq!((totals.csat, totals.reopened), (ShareFigure { n: 1, of: 2 }, ShareFigure { n: 1, of: 1 }));
    assert_eq!((totals.first_response.n, totals.first_response.median), (2, Some(1200.0)));
    // 10, 5 and 30 minutes.
    assert_eq!((totals.response.n, totals.response.median), (3, Some(600.0)));
    assert_eq!((totals.first_at, totals.last_at), (Some(at("02", "09:00:00")), Some(at("05", "09:00:00"))));
}

#[test]
fn a_customer_is_typical_or_not_beside_all_others_who_asked() {
    let terms = Terms::default();
    let history = history(&events(CUSTOMERS));
    let typical = Typical::new(&history, DESK, &"k".into(), &standpoint(&terms, now())).unwrap();
    assert_eq!(typical.others, 3);
    let shown = |one: &Comparison| (one.value, one.median, one.n, one.below, one.above);
    let [chats, first, resolution, reopened] = &typical.figures[..] else { panic!("{typical:?}") };
    assert_eq!(shown(chats), (Some(3.0), Some(1.0), 3, 1.0, 0.0));
    assert_eq!(shown(first), (Some(1200.0), Some(120.0), 3, 2.0 / 3.0, 0.0));
    assert_eq!(shown(resolution), (Some(7200.0), Some(1200.0), 3, 2.0 / 3.0, 1.0 / 3.0));
    assert_eq!(shown(reopened), (Some(1.0), Some(0.0), 3, 1.0, 0.0));
    // Who never asked has no figures but that it never asked.
    let silent = Typical::new(&history, DESK, &"silent".into(), &standpoint(&terms, now())).unwrap();
    assert_eq!((silent.figures[0].value, silent.figures[1].value, silent.others), (Some(0.0), None, 4));
}

#[test]
fn what_lies_before_the_days_is_not_compared() {
    let terms = Terms::default();
    let later = standpoint(&terms, Timestamp::parse("2026-06-10T00:00:00Z").unwrap());
    let typical = Typical::new(&history(&events(CUSTOMERS)), DESK, &"k".into(), &later).unwrap();
    assert_eq!((typical.others, typical.figures[0].value, typical.figures[2].value), (0, Some(0.0), None));
}

#[test]
fn only_what_happened_in_the_days_is_compared() {
    // As of 10 June the 90 days begin on 13 March. Kim's c1 was opened and answered before, and ended in them; Xu's d1 was
    // opened before and answered in them, so Xu opened none in them and is no other customer.
    let stream = "
        agent id=ana name=Ana
        12 23:00:00 opened c1 customer=k
        12 23:30:00 message c1 from=agent agent=ana
        13 01:00:00 status c1 status=closed by=agent
        12 23:00:00 opened d1 customer=x
        13 01:00:00 message d1 from=agent agent=ana
        13 02:00:00 opened d2 customer=y
    ";
    let terms = Terms::default();
    let later = standpoint(&terms, Timestamp::parse("2026-06-10T12:00:00Z").unwrap());
    let typical = Typical::new(&history(&events(stream)), DESK, &"k".into(), &later).unwrap();
    let values: Vec<_> = typical.figures.iter().map(|one| (one.value, one.n)).collect();
    assert_eq!(typical.from, at("13", "00:00:00"));
    assert_eq!((typical.others, values), (1, vec![(Some(0.0), 1), (None, 0), (Some(7200.0), 0), (Some(0.0), 0)]));
}

#[test]
fn an_ended_chat_is_in_nobody_s_hands() {
    let stream = "
        hello capabilities=assignments
        agent id=ana name=Ana
        agent id=bo name=Bo
        02 09:00:00 opened c1 customer=k
        02 09:00:00 assigned c1 agent=ana
        02 09:10:00 status c1 status=closed by=agent
        # Given to Bo while it is ended, it is in Bo's hands only from the reopening on.
        02 09:20:00 assigned c1 agent=bo
        02 10:00:00 message c1 from=customer
        02 10:15:00 status c1 status=closed by=agent
        02 11:00:00 assigned c1 agent=ana
    ";
    let terms = Terms::default();
    let page = CustomerPage::new(&history(&events(stream)), DESK, &"k".into(), &standpoint(&terms, now())).unwrap();
    let held: Vec<_> = page.dealt.iter().map(|one| (&*one.name, one.held / 60_000)).collect();
    assert_eq!(held, [("Bo", 15), ("Ana", 10)]);
}
