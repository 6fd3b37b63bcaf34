//! The targets that the desk itself has set for a ticket, as its record shows them: they move with priority and policy,
//! and are told once that hardly happens any more.

use super::ask::Ask;
use super::state::State;
use super::story::{Placed, conversation};
use super::wire::{Target as Shown, Ticket};
use crate::event::{Author, EventKind, SlaMetric, Timestamp};
use crate::source::lenient::Id;
use crate::source::running::{AHEAD, Running, Target};

/// The targets of a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Targets {
    running: [Running; 3],
    /// Since when the customer waits.
    asked_at: Option<Timestamp>,
    /// It has ended before.
    has_ended: bool,
}

impl Targets {
    /// The ticket is told from its beginning.
    pub(super) fn begin(&mut self) {
        (self.asked_at, self.has_ended) = (None, false);
    }

    /// Since when the customer waits, where that was not told in this run.
    pub(super) fn guess(&mut self, asked_at: Option<Timestamp>) {
        self.asked_at = asked_at;
    }

    /// Since when the customer waits, as far as that is known.
    pub(super) fn asked_at(&self) -> Option<Timestamp> {
        self.asked_at
    }

    /// Events of the ticket are told, in their order; adds the targets that are answered by them.
    pub(super) fn hear(&mut self, ticket: Id, out: &mut Vec<Placed>, from: usize) {
        let mut answered = Vec::new();
        for (at, _, event) in &out[from..] {
            match &event.kind {
                EventKind::Message(message) if message.public != Some(false) => match message.from {
                    Author::Customer => self.asked_at = self.asked_at.or(Some(*at)),
                    Author::Agent => {
                        self.asked_at = None;
                        answered.extend(self.answered(SlaMetric::FirstResponse, *at));
                        answered.extend(self.answered(SlaMetric::NextResponse, *at));
                    }
                    Author::Bot => {}
                },
                EventKind::Status { status, .. } if status.is_ended() => {
                    (self.asked_at, self.has_ended) = (None, true);
                    answered.extend(self.answered(SlaMetric::Resolution, *at));
                }
                _ => {}
            }
        }
        out.extend(answered.into_iter().map(|(metric, target)| placed(ticket, metric, target)));
    }

    fn answered(&mut self, metric: SlaMetric, at: Timestamp) -> Option<(SlaMetric, Target)> {
        self.running[metric as usize].answered(at).map(|target| (metric, target))
    }

    /// Keeps those that run by the ticket's record, all of whose events were heard. When one was set it does not say:
    /// first reply and resolution count from the beginning of the ticket, and the others from the customer's words.
    pub(super) fn see(&mut self, ticket: &Ticket) {
        for metric in [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution] {
            let all = ticket.slas.iter().flat_map(|slas| &slas.policy_metrics);
            // One that is paused is not due when it says.
            let runs = |shown: &&Shown| sort(shown) == Some(metric) && shown.stage == "active";
            let due = all.filter(runs).find_map(|shown| shown.breach_at);
            let from_the_beginning = match metric {
                SlaMetric::FirstResponse => true,
                SlaMetric::NextResponse => false,
                SlaMetric::Resolution => !self.has_ended,
            };
            let set_at =
                if from_the_beginning { ticket.created_at } else { self.asked_at.unwrap_or(ticket.updated_at) };
            self.running[metric as usize].see(due.map(|due| Target { set_at, due }), ticket.updated_at);
        }
    }

    /// Whether one is due by then that was not told.
    pub(super) fn is_ripe(&self, by: Timestamp) -> bool {
        self.running.iter().any(|running| running.is_ripe(by))
    }

    /// Those that are due by then and were not told.
    pub(super) fn ripe(&mut self, ticket: Id, by: Timestamp) -> Vec<Placed> {
        let of =
            |metric: SlaMetric| self.running[metric as usize].ripe(by).map(|target| placed(ticket, metric, target));
        [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution].into_iter().filter_map(of).collect()
    }
}

impl State {
    /// Tells the targets that stand and are due soon. Of a ticket that is still to be read nothing is certain, and of one
    /// that was recognised it is not known what they count from: it is read first.
    pub(super) fn tell_targets(&mut self, ask: &Ask) {
        let by = ask.there() + AHEAD;
        self.targets_to = by;
        let is_ripe = |(id, known): &(&Id, &super::state::Known)| known.targets.is_ripe(by) && !self.wanted.has(**id);
        let mut ripe: Vec<Id> = self.tickets.iter().filter(is_ripe).map(|(&id, _)| id).collect();
        ripe.sort_unstable();
        for id in ripe {
            let Some(known) = self.tickets.get_mut(&id) else { continue };
            match known.recognised.take() {
                Some(ticket) => self.wanted.want(*ticket),
                None => self.outbox.extend(known.targets.ripe(id, by).into_iter().map(|(_, _, event)| event)),
            }
        }
    }

    /// What the export has told to its end needs not be read one by one; only the record shows its targets.
    pub(super) fn caught_up(&mut self) {
        let (position, tickets) = (self.position, &mut self.tickets);
        self.wanted.retain(|ticket| match tickets.get_mut(&ticket.id).filter(|known| known.last > 0) {
            Some(known) if ticket.updated_at.millis() < position * 1000 => {
                known.updated_at = known.updated_at.max(ticket.updated_at);
                known.targets.see(ticket);
                false
            }
            _ => true,
        });
    }
}

/// Which sort of target it is, of those that the stream knows.
fn sort(shown: &Shown) -> Option<SlaMetric> {
    match &*shown.metric {
        "first_reply_time" => Some(SlaMetric::FirstResponse),
        "next_reply_time" => Some(SlaMetric::NextResponse),
        "total_resolution_time" => Some(SlaMetric::Resolution),
        _ => None,
    }
}

fn placed(ticket: Id, metric: SlaMetric, target: Target) -> Placed {
    (target.set_at, Id::MAX, target.event(conversation(ticket), metric))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::{AgentId, Event, Message, Status};

    const FIRST: SlaMetric = SlaMetric::FirstResponse;
    const NEXT: SlaMetric = SlaMetric::NextResponse;
    const END: SlaMetric = SlaMetric::Resolution;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_334_400_000 + minute * 60_000)
    }

    /// A ticket that began at minute 0 and was looked at in a minute, with targets: sort, stage and minute.
    fn ticket(minute: i64, targets: &[(&str, &str, i64)]) -> Ticket {
        let one =
            |(metric, stage, due): &(&str, &str, i64)| json!({"metric": metric, "stage": stage, "breach_at": at(*due)});
        let mut all: Vec<Value> = targets.iter().map(one).collect();
        all.push(json!({"metric": "next_reply_time", "breach_at": null}));
        serde_json::from_value(json!({"id": 5, "created_at": at(0), "updated_at": at(minute), "status": "open",
            "slas": {"policy_metrics": all}}))
        .unwrap()
    }

    /// In which minute it is told to be set, sort, and the minute in which it is due.
    fn told(events: Vec<Placed>) -> Vec<(i64, SlaMetric, i64)> {
        let minute = |instant: Timestamp| (instant - at(0)).num_minutes();
        let told = |(set_at, _, event): Placed| match event.kind {
            EventKind::Sla { metric, due, .. } => Some((minute(set_at), metric, minute(due))),
            _ => None,
        };
        events.into_iter().filter_map(told).collect()
    }

    fn happens(targets: &mut Targets, minute: i64, kind: impl Into<EventKind>) -> Vec<(i64, SlaMetric, i64)> {
        let mut out = vec![(at(minute), 1, Event::new(at(minute), kind))];
        targets.hear(5, &mut out, 0);
        told(out)
    }

    fn says(targets: &mut Targets, minute: i64, from: Author) -> Vec<(i64, SlaMetric, i64)> {
        let by = (from == Author::Agent).then(|| AgentId::new("7"));
        happens(targets, minute, Message::public(conversation(5), from, by))
    }

    fn ends(targets: &mut Targets, minute: i64) -> Vec<(i64, SlaMetric, i64)> {
        let (status, conversation) = (Status::Resolved, conversation(5));
        happens(targets, minute, EventKind::Status { conversation, status, by: None, agent: None })
    }

    #[test]
    fn those_that_run_are_told_when_they_are_due_by_then() {
        let shown = [
            ("next_reply_time", "active", 90),
            ("first_reply_time", "achieved", 30),
            ("total_resolution_time", "paused", 90),
            ("agent_work_time", "active", 90),
        ];
        let mut targets = Targets::default();
        targets.see(&ticket(60, &shown));
        assert_eq!(told(targets.ripe(5, at(89))), []);
        assert!(!targets.is_ripe(at(89)) && targets.is_ripe(at(90)));
        assert_eq!(told(targets.ripe(5, at(90))), [(60, NEXT, 90)]);
        let shown = [("first_reply_time", "active", 30), ("total_resolution_time", "active", 90)];
        let mut targets = Targets::default();
        targets.see(&ticket(20, &shown));
        assert_eq!(told(targets.ripe(5, at(90))), [(0, FIRST, 30), (0, END, 90)]);
        assert_eq!(told(targets.ripe(5, at(90))), [], "once");
    }

    #[test]
    fn one_that_is_moved_or_paused_before_it_is_due_was_never_told() {
        let mut targets = Targets::default();
        for (minute, shown, due) in [
            (1, ("first_reply_time", "active", 60), vec![]),
            (2, ("first_reply_time", "active", 200), vec![]),
            (70, ("first_reply_time", "paused", 90), vec![]),
            (100, ("first_reply_time", "active", 110), vec![]),
            (111, ("first_reply_time", "active", 110), vec![(0, FIRST, 110)]),
            (112, ("first_reply_time", "active", 300), vec![]),
            (301, ("first_reply_time", "active", 300), vec![]),
        ] {
            targets.see(&ticket(minute, &[shown]));
            assert_eq!(told(targets.ripe(5, at(minute))), due, "{minute}");
        }
    }

    #[test]
    fn a_next_reply_is_told_when_it_is_given_and_the_next_one_only_then() {
        let next = |minute, due| ticket(minute, &[("next_reply_time", "active", due)]);
        let mut targets = Targets::default();
        says(&mut targets, 50, Author::Customer);
        says(&mut targets, 55, Author::Customer);
        targets.see(&next(55, 80));
        targets.see(&next(56, 85));
        assert_eq!(says(&mut targets, 60, Author::Bot), [], "a bot answers nobody");
        assert_eq!(says(&mut targets, 56, Author::Agent), [], "that was before the record");
        says(&mut targets, 57, Author::Customer);
        assert_eq!(says(&mut targets, 61, Author::Agent), [(50, NEXT, 85)], "from when the customer waits");
        targets.see(&next(61, 85));
        assert_eq!(told(targets.ripe(5, at(200))), [], "the record is from before the answer");
        says(&mut targets, 70, Author::Customer);
        targets.see(&next(70, 100));
        assert_eq!(told(targets.ripe(5, at(100))), [(70, NEXT, 100)]);
    }

    #[test]
    fn a_resolution_is_told_anew_after_an_ending() {
        let shown = |minute, due| ticket(minute, &[("total_resolution_time", "active", due)]);
        let mut targets = Targets::default();
        targets.see(&shown(30, 80));
        assert_eq!(says(&mut targets, 40, Author::Agent), [], "a reply is no end");
        assert_eq!(ends(&mut targets, 45), [(0, END, 80)]);
        says(&mut targets, 50, Author::Customer);
        targets.see(&shown(50, 90));
        assert_eq!(ends(&mut targets, 60), [(50, END, 90)]);
    }
}
