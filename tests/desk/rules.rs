//! The derived state of a conversation, rule by rule of docs/events.md.

use crate::support::{at, conversation, desk};
use helptop::desk::Desk;
use helptop::event::{SlaMetric, Status};
use rstest::rstest;

fn holder(desk: &Desk, id: &str) -> Option<String> {
    conversation(desk, id).state().holder.map(|ix| desk.agent(ix).id.to_string())
}

#[rstest]
#[case::it_starts_at_opened("09:00:00 opened conversation=c", "09:00:00")]
#[case::or_at_its_first_event(
    "09:05:00 status conversation=c status=pending\n09:01:00 message conversation=c from=customer",
    "09:01:00"
)]
#[case::opened_after_a_message_wins(
    "09:01:00 message conversation=c from=customer\n09:02:00 opened conversation=c",
    "09:02:00"
)]
#[case::a_second_opened_does_not_move_it(
    "09:00:00 opened conversation=c\n09:30:00 opened conversation=c subject=new",
    "09:00:00"
)]
fn start(#[case] lines: &str, #[case] clock: &str) {
    assert_eq!(conversation(&desk(lines), "c").state().started_at, at(clock));
}

#[test]
fn a_second_opened_updates_what_it_says() {
    let desk = desk(
        "09:00:00 opened conversation=c subject=old channel=email customer=k\n09:30:00 opened conversation=c subject=new",
    );
    let state = conversation(&desk, "c").state();
    assert_eq!(state.subject.as_deref(), Some("new"));
    assert_eq!(state.channel.as_deref(), Some("email"), "what it does not say stays");
}

#[rstest]
#[case::first_customer_message(
    "09:00:00 message conversation=c from=customer\n09:05:00 message conversation=c from=customer",
    Some("09:00:00")
)]
#[case::a_reply_ends_it(
    "09:00:00 message conversation=c from=customer\n09:05:00 message conversation=c from=agent agent=a",
    None
)]
#[case::after_the_last_reply(
    "09:00:00 message conversation=c from=customer\n09:05:00 message conversation=c from=agent agent=a\n09:06:00 message conversation=c from=customer",
    Some("09:06:00")
)]
#[case::a_note_is_no_reply(
    "09:00:00 message conversation=c from=customer\n09:05:00 message conversation=c from=agent agent=a public=false",
    Some("09:00:00")
)]
#[case::a_note_of_the_customer_is_no_message("09:00:00 message conversation=c from=customer public=false", None)]
#[case::a_bot_never_answers(
    "09:00:00 message conversation=c from=customer\n09:05:00 message conversation=c from=bot",
    Some("09:00:00")
)]
#[case::an_ending_ends_it(
    "09:00:00 message conversation=c from=customer\n09:05:00 status conversation=c status=resolved\n09:06:00 status conversation=c status=open",
    None
)]
#[case::a_reopened_chat_starts_anew(
    "09:00:00 message conversation=c from=customer\n09:05:00 status conversation=c status=resolved\n10:00:00 message conversation=c from=customer",
    Some("10:00:00")
)]
#[case::resolved_to_closed_is_no_ending(
    "09:00:00 status conversation=c status=resolved\n09:00:00 message conversation=c from=customer\n09:06:00 status conversation=c status=closed",
    Some("09:00:00")
)]
fn waiting_since(#[case] lines: &str, #[case] clock: Option<&str>) {
    assert_eq!(conversation(&desk(lines), "c").state().waiting_since, clock.map(at));
}

#[rstest]
#[case::open_until_said("09:00:00 opened conversation=c", Status::Open, true)]
#[case::pending_is_active("09:00:00 status conversation=c status=pending", Status::Pending, true)]
#[case::on_hold_is_active("09:00:00 status conversation=c status=on_hold", Status::OnHold, true)]
#[case::snoozed_is_active("09:00:00 status conversation=c status=snoozed", Status::Snoozed, true)]
#[case::resolved_is_ended("09:00:00 status conversation=c status=resolved", Status::Resolved, false)]
#[case::closed_is_ended("09:00:00 status conversation=c status=closed", Status::Closed, false)]
#[case::a_customer_reopens(
    "09:00:00 status conversation=c status=closed\n09:01:00 message conversation=c from=customer",
    Status::Open,
    true
)]
#[case::an_agent_does_not(
    "09:00:00 status conversation=c status=closed\n09:01:00 message conversation=c from=agent agent=a",
    Status::Closed,
    false
)]
#[case::a_customers_note_does_not(
    "09:00:00 status conversation=c status=closed\n09:01:00 message conversation=c from=customer public=false",
    Status::Closed,
    false
)]
#[case::pending_stays_pending(
    "09:00:00 status conversation=c status=pending\n09:01:00 message conversation=c from=customer",
    Status::Pending,
    true
)]
#[case::a_status_of_that_moment_wins_before(
    "09:00:00 status conversation=c status=open\n09:01:00 status conversation=c status=resolved\n09:01:00 message conversation=c from=customer",
    Status::Resolved,
    false
)]
#[case::a_status_of_that_moment_wins_after(
    "09:00:00 status conversation=c status=resolved\n09:01:00 message conversation=c from=customer\n09:01:00 status conversation=c status=closed",
    Status::Closed,
    false
)]
fn the_status(#[case] lines: &str, #[case] status: Status, #[case] active: bool) {
    let desk = desk(lines);
    let state = conversation(&desk, "c").state();
    assert_eq!((state.status, state.is_active()), (status, active));
}

#[test]
fn a_message_at_the_moment_of_a_closing_is_no_reopening_and_no_ending() {
    let desk = desk(
        "09:00:00 status conversation=c status=resolved\n09:01:00 message conversation=c from=customer\n09:01:00 status conversation=c status=closed",
    );
    let conversation = conversation(&desk, "c");
    assert_eq!(conversation.state().ending.unwrap().at, at("09:00:00"));
    let mut reopenings = 0;
    conversation.walk(desk.rules(conversation.source), |_, _, transition| reopenings += u32::from(transition.reopened));
    assert_eq!(reopenings, 0);
}

#[rstest]
#[case::message("10:00:00 message conversation=c from=customer")]
#[case::status("10:00:00 status conversation=c status=open")]
fn a_merged_conversation_never_reopens(#[case] line: &str) {
    let desk = desk(&format!("09:00:00 opened conversation=c\n09:10:00 merged conversation=c into=d\n{line}"));
    assert!(!conversation(&desk, "c").state().is_active());
    assert!(conversation(&desk, "c").state().ending.is_none(), "merging is no ending");
    assert_eq!(desk.conversations().count(), 1, "naming the target does not create it");
}

#[rstest]
#[case::nobody_at_first("09:00:00 opened conversation=c", None)]
#[case::the_last_assigned(
    "09:00:00 assigned conversation=c agent=a\n09:01:00 assigned conversation=c agent=b",
    Some("b")
)]
#[case::null_is_nobody("09:00:00 assigned conversation=c agent=a\n09:01:00 assigned conversation=c agent=null", None)]
#[case::left_out_is_unchanged(
    "09:00:00 assigned conversation=c agent=a\n09:01:00 assigned conversation=c team=t",
    Some("a")
)]
#[case::kept_when_it_ends(
    "09:00:00 assigned conversation=c agent=a\n09:01:00 status conversation=c status=closed",
    Some("a")
)]
#[case::a_reply_takes_it("09:00:00 message conversation=c from=agent agent=a", Some("a"))]
#[case::a_note_does_not("09:00:00 message conversation=c from=agent agent=a public=false", None)]
#[case::a_reply_does_not_take_it_away(
    "09:00:00 assigned conversation=c agent=a\n09:01:00 message conversation=c from=agent agent=b",
    Some("a")
)]
#[case::not_where_assignments_are_told(
    "- hello version=1 capabilities=assignments\n09:00:00 message conversation=c from=agent agent=a",
    None
)]
#[case::even_when_hello_comes_last(
    "09:00:00 message conversation=c from=agent agent=a\n- hello version=1 capabilities=assignments",
    None
)]
#[case::a_hello_without_the_claim(
    "- hello version=1 capabilities=messages\n09:00:00 message conversation=c from=agent agent=a",
    Some("a")
)]
fn the_holder(#[case] lines: &str, #[case] agent: Option<&str>) {
    assert_eq!(holder(&desk(lines), "c").as_deref(), agent);
}

#[test]
fn exact_repeats_count_once_and_near_repeats_twice() {
    let desk = desk(
        "09:00:00 message conversation=c from=customer text=one\n09:00:00 message conversation=c from=customer text=one\n09:00:00 message conversation=c from=customer text=two\n09:00:01 message conversation=c from=customer text=one",
    );
    assert_eq!((desk.counts().folded, desk.counts().repeats), (3, 1));
    assert_eq!(conversation(&desk, "c").log().len(), 3);
}

#[test]
fn things_never_introduced_are_created_with_what_is_known() {
    let desk =
        desk("09:00:00 message conversation=c from=agent agent=a\n09:00:00 opened conversation=d customer=k team=t");
    assert_eq!(&*desk.agents()[0].name(), "a");
    let state = conversation(&desk, "d").state();
    assert_eq!(&*desk.customer(state.customer.unwrap()).name, "k");
    assert_eq!(&*desk.team(state.team.unwrap()).name(), "t");
}

#[test]
fn a_repeated_state_does_not_restart_its_run() {
    let desk = desk(
        "08:00:00 presence agent=a state=away\n09:00:00 presence agent=a state=online\n10:00:00 presence agent=a state=online reason=back",
    );
    let (presence, since) = desk.agents()[0].state().unwrap();
    assert_eq!((presence.at, since), (at("10:00:00"), at("09:00:00")));
}

#[test]
fn a_late_state_splits_the_run() {
    let desk = desk(
        "09:00:00 presence agent=a state=online\n10:00:00 presence agent=a state=online\n09:30:00 presence agent=a state=away",
    );
    assert_eq!(desk.agents()[0].state().unwrap().1, at("10:00:00"));
}

#[test]
fn what_was_said_of_an_agent_goes_by_its_instant_not_its_arrival() {
    let desk = desk("10:00:00 agent id=a name=New\n09:00:00 agent id=a name=Old capacity=3\n- agent id=a name=Undated");
    assert_eq!(&*desk.agents()[0].name(), "New");
    assert_eq!(desk.agents()[0].capacity(), Some(3));
}

#[test]
fn what_was_said_of_a_customer_goes_by_its_instant_and_pictures_keep_what_they_showed() {
    let mut desk = desk(
        "09:00:00 opened conversation=c customer=k\n10:00:00 customer id=k name=New\n09:00:00 customer id=k name=Old segment=vip\n- customer id=k name=Undated segment=none",
    );
    let customer = desk.customer(conversation(&desk, "c").state().customer.unwrap()).clone();
    assert_eq!((&*customer.name, customer.segment.as_deref()), ("New", Some("vip")));
    desk.take_changes();
    desk.apply(helptop::desk::SourceIx(0), crate::support::event("11:00:00 customer id=k name=Newer"));
    assert_eq!(desk.take_changes().customers.len(), 1);
    assert_eq!(&*customer.name, "New");
    desk.apply(helptop::desk::SourceIx(0), crate::support::event("12:00:00 customer id=k name=Newer segment=vip"));
    assert!(desk.take_changes().customers.is_empty(), "nothing that shows is different");
}

#[test]
fn letting_go_keeps_holder_and_reopens_right() {
    let mut desk = desk(
        "08:00:00 opened conversation=c customer=k\n08:10:00 assigned conversation=c agent=a\n09:00:00 status conversation=c status=resolved",
    );
    desk.take_changes();
    desk.let_go(at("12:00:00"), at("00:00:00"));
    assert!(conversation(&desk, "c").log().is_empty());
    let source = conversation(&desk, "c").source;
    desk.apply(source, crate::support::event("08:05:00 message conversation=c from=customer"));
    assert_eq!(desk.counts().too_late, 1);
    desk.apply(source, crate::support::event("13:00:00 message conversation=c from=customer"));
    let state = conversation(&desk, "c").state();
    assert_eq!(
        (state.status, state.waiting_since, state.started_at),
        (Status::Open, Some(at("13:00:00")), at("08:00:00"))
    );
    assert_eq!(holder(&desk, "c").as_deref(), Some("a"));
}

#[test]
fn what_is_long_over_is_forgotten_and_its_number_is_free_again() {
    let mut desk = desk(
        "08:00:00 opened conversation=c\n09:00:00 status conversation=c status=resolved\n09:00:00 opened conversation=d",
    );
    desk.take_changes();
    desk.let_go(at("12:00:00"), at("12:00:00"));
    assert_eq!(desk.conversations().count(), 1, "the active one stays");
    let source = conversation(&desk, "d").source;
    desk.apply(source, crate::support::event("13:00:00 opened conversation=e"));
    assert_eq!(conversation(&desk, "e").log().len(), 1);
    assert_eq!(conversation(&desk, "d").log().len(), 1);
}

#[test]
fn ten_thousand_messages_of_one_instant_are_told_apart_and_their_repeats_are_not() {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    let line =
        |i: usize| crate::support::event(&format!("09:00:00 message conversation=c from=customer text=number{i}"));
    for i in (0..10_000).chain(0..10_000) {
        desk.apply(source, line(i));
    }
    desk.apply(source, crate::support::event("09:00:01 message conversation=c from=customer text=number1"));
    assert_eq!((desk.counts().folded, desk.counts().repeats), (10_001, 10_000));
    assert_eq!(conversation(&desk, "c").state().waiting_since, Some(at("09:00:00")));
}

#[rstest]
#[case::the_earliest_of_a_kind_whatever_is_told_later(
    "09:00:00 sla conversation=c metric=resolution due=10:00:00\n09:30:00 sla conversation=c metric=resolution due=14:00:00",
    Some((SlaMetric::Resolution, "10:00:00"))
)]
#[case::the_earliest_of_all_kinds(
    "09:00:00 sla conversation=c metric=resolution due=12:00:00\n09:00:00 sla conversation=c metric=next_response due=09:40:00",
    Some((SlaMetric::NextResponse, "09:40:00"))
)]
#[case::a_reply_leaves_the_resolution(
    "09:00:00 sla conversation=c metric=resolution due=12:00:00\n09:00:00 sla conversation=c metric=first_response due=09:40:00\n09:01:00 message conversation=c from=agent agent=a",
    Some((SlaMetric::Resolution, "12:00:00"))
)]
#[case::told_after_the_first_reply(
    "09:01:00 message conversation=c from=agent agent=a\n09:02:00 sla conversation=c metric=first_response due=09:40:00",
    None
)]
#[case::whoever_began_has_not_answered(
    "09:00:00 opened conversation=c direction=outbound\n09:00:00 sla conversation=c metric=first_response due=09:40:00\n09:01:00 message conversation=c from=agent agent=a",
    Some((SlaMetric::FirstResponse, "09:40:00"))
)]
#[case::an_ending_is_no_reply(
    "09:00:00 sla conversation=c metric=first_response due=09:40:00\n09:05:00 status conversation=c status=closed\n09:30:00 status conversation=c status=open",
    Some((SlaMetric::FirstResponse, "09:40:00"))
)]
#[case::an_ending_is_the_resolution(
    "09:00:00 sla conversation=c metric=resolution due=12:00:00\n09:05:00 status conversation=c status=closed\n09:06:00 sla conversation=c metric=resolution due=13:00:00\n09:30:00 status conversation=c status=open",
    None
)]
fn the_target_still_to_be_met(#[case] lines: &str, #[case] target: Option<(SlaMetric, &str)>) {
    let due = conversation(&desk(lines), "c").state().sla_due();
    assert_eq!(due, target.map(|(metric, clock)| (metric, at(clock))));
}
