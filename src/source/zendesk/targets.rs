//! The targets that the desk itself has set for a ticket: which of those that its record shows are new.
//!
//! The stream takes no target back, and each that is told is one of its own. So only those that run are told, each once;
//! another of the same sort only when the one before was answered, for else it is that one, moved.

use super::story::conversation;
use super::wire::Ticket;
use crate::event::{Author, Event, EventKind, SlaMetric, Timestamp};

/// What was told of the targets of a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Targets {
    /// Of each sort when the last one is due, and whether it was answered since.
    told: [Option<(Timestamp, bool)>; 3],
    /// Since when the customer waits.
    asked_at: Option<Timestamp>,
}

impl Targets {
    /// Events of the ticket are told, in their order.
    pub(super) fn hear<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        for event in events {
            match &event.kind {
                EventKind::Message(message) if message.public != Some(false) => match message.from {
                    Author::Customer => self.asked_at = self.asked_at.or(event.at),
                    Author::Agent => {
                        self.asked_at = None;
                        self.answered(SlaMetric::FirstResponse);
                        self.answered(SlaMetric::NextResponse);
                    }
                    Author::Bot => {}
                },
                EventKind::Status { status, .. } if status.is_ended() => {
                    self.asked_at = None;
                    self.answered(SlaMetric::Resolution);
                }
                _ => {}
            }
        }
    }

    fn answered(&mut self, metric: SlaMetric) {
        if let Some((_, is_answered)) = &mut self.told[metric as usize] {
            *is_answered = true;
        }
    }

    /// Those that are new in the record. When one was set is not told: first reply and resolution count from the
    /// beginning of the ticket, unless there was one before, and the others from the customer's words.
    pub(super) fn new_of(&mut self, ticket: &Ticket) -> Vec<Event> {
        let mut new = Vec::new();
        for target in ticket.slas.iter().flat_map(|slas| &slas.policy_metrics) {
            // One that is paused is not due when it says.
            let Some(due) = target.breach_at.filter(|_| target.stage == "active") else { continue };
            let metric = match &*target.metric {
                "first_reply_time" => SlaMetric::FirstResponse,
                "next_reply_time" => SlaMetric::NextResponse,
                "total_resolution_time" => SlaMetric::Resolution,
                _ => continue,
            };
            let before = self.told[metric as usize];
            if before.is_some_and(|(told, is_answered)| told == due || !is_answered) {
                continue;
            }
            let at = match metric {
                SlaMetric::FirstResponse | SlaMetric::Resolution if before.is_none() => ticket.created_at,
                _ => self.asked_at.unwrap_or(ticket.updated_at),
            };
            self.told[metric as usize] = Some((due, false));
            new.push(Event::new(at, EventKind::Sla { conversation: conversation(ticket.id), metric, due }));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::{AgentId, Message, Status};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_334_400_000 + minute * 60_000)
    }

    /// A ticket that began at minute 0 and changed at minute 60, with targets: sort, stage and minute.
    fn ticket(targets: &[(&str, &str, i64)]) -> Ticket {
        let one =
            |(metric, stage, due): &(&str, &str, i64)| json!({"metric": metric, "stage": stage, "breach_at": at(*due)});
        let mut all: Vec<Value> = targets.iter().map(one).collect();
        all.push(json!({"metric": "next_reply_time", "breach_at": null}));
        serde_json::from_value(json!({"id": 5, "created_at": at(0), "updated_at": at(60), "status": "open",
            "slas": {"policy_metrics": all}}))
        .unwrap()
    }

    /// Minute, sort, and the minute in which it is due.
    fn new(targets: &mut Targets, shown: &[(&str, &str, i64)]) -> Vec<(i64, SlaMetric, i64)> {
        let minute = |instant: Timestamp| (instant - at(0)).num_minutes();
        let told = |event: Event| match event.kind {
            EventKind::Sla { metric, due, .. } => (minute(event.at.unwrap()), metric, minute(due)),
            other => panic!("{other:?}"),
        };
        targets.new_of(&ticket(shown)).into_iter().map(told).collect()
    }

    fn says(targets: &mut Targets, minute: i64, from: Author) {
        let by = (from == Author::Agent).then(|| AgentId::new("7"));
        targets.hear(&[Event::new(at(minute), Message::public(conversation(5), from, by))]);
    }

    #[test]
    fn those_that_run() {
        let shown = [
            ("next_reply_time", "active", 90),
            ("first_reply_time", "achieved", 30),
            ("total_resolution_time", "paused", 90),
            ("agent_work_time", "active", 90),
        ];
        assert_eq!(new(&mut Targets::default(), &shown), [(60, SlaMetric::NextResponse, 90)]);
        let shown = [("first_reply_time", "active", 30), ("total_resolution_time", "active", 90)];
        let expected = [(0, SlaMetric::FirstResponse, 30), (0, SlaMetric::Resolution, 90)];
        assert_eq!(new(&mut Targets::default(), &shown), expected);
    }

    #[test]
    fn a_next_reply_is_told_anew_only_once_the_one_before_was_given() {
        let next = |due| [("next_reply_time", "active", due)];
        let mut targets = Targets::default();
        says(&mut targets, 50, Author::Customer);
        says(&mut targets, 55, Author::Customer);
        assert_eq!(new(&mut targets, &next(80)), [(50, SlaMetric::NextResponse, 80)], "from when the customer waits");
        assert_eq!(new(&mut targets, &next(80)), [], "once");
        assert_eq!(new(&mut targets, &next(85)), [], "that one, moved");
        says(&mut targets, 60, Author::Bot);
        assert_eq!(new(&mut targets, &next(85)), [], "a bot answers nobody");
        says(&mut targets, 61, Author::Agent);
        assert_eq!(new(&mut targets, &next(80)), [], "the record is from before the answer");
        says(&mut targets, 70, Author::Customer);
        assert_eq!(new(&mut targets, &next(100)), [(70, SlaMetric::NextResponse, 100)]);
    }

    #[test]
    fn a_resolution_is_told_anew_after_an_ending() {
        let target = |due| [("total_resolution_time", "active", due)];
        let mut targets = Targets::default();
        assert_eq!(new(&mut targets, &target(80)), [(0, SlaMetric::Resolution, 80)]);
        says(&mut targets, 40, Author::Agent);
        assert_eq!(new(&mut targets, &target(90)), [], "a reply is no end");
        let (status, conversation) = (Status::Resolved, conversation(5));
        targets.hear(&[Event::new(at(45), EventKind::Status { conversation, status, by: None, agent: None })]);
        says(&mut targets, 50, Author::Customer);
        assert_eq!(new(&mut targets, &target(90)), [(50, SlaMetric::Resolution, 90)]);
    }
}
