//! The targets of a ticket. Zammad moves them with group, priority and time spent pending, takes them back while a ticket
//! is pending, and gives them back with another due. The stream knows no taking back, so one that was told ahead might
//! count as missed though nobody missed it. Therefore a target is told once it is certain what became of it: when it is
//! due and stands still, or when it was met.

use super::book::Book;
use super::story::{MOMENT, Story, is_reply};
use super::wire::{Row, Ticket};
use crate::event::{SlaMetric, Status, Timestamp};

const METRICS: [SlaMetric; 3] = [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution];

/// What became of a target: what it was about, when it was due, and from when on it is told to hold.
pub(super) type Outcome = (SlaMetric, Timestamp, Timestamp);

/// The targets of a ticket as it was last looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Targets {
    due: [Option<Timestamp>; 3],
    /// The last of each sort that was told.
    told: [Option<Timestamp>; 3],
}

impl Targets {
    /// Keeps what the fields of a look show.
    pub(super) fn see(&mut self, ticket: &Ticket, has_ended: bool) {
        self.due = shown(ticket);
        if has_ended {
            self.due = [None; 3];
            self.told[SlaMetric::Resolution as usize] = None;
        }
    }

    /// What became, until a new look at the ticket, of those that the last one showed: met before they were due, or
    /// missed before they could be moved. Of others nothing is certain.
    pub(super) fn became(
        &mut self,
        story: &Story,
        book: &Book,
        looked_at: Timestamp,
        there: Timestamp,
    ) -> Vec<Outcome> {
        let is_new = |at: &Timestamp| *at > looked_at;
        let replies = story.articles.iter().filter(|article| is_reply(article)).map(|article| article.created_at);
        let replied_at = replies.filter(is_new).min();
        let rows = |is_meant: fn(&Row, &Book) -> bool| {
            let meant = story.rows.iter().filter(|row| is_meant(row, book)).map(|row| row.created_at);
            meant.filter(is_new).min()
        };
        let (ended_at, moved_at) = (rows(ends), rows(may_move));
        let shown = shown(&story.ticket);
        let mut outcomes = Vec::new();
        for metric in METRICS {
            let Some(due) = self.open(metric) else { continue };
            let answered_at = if metric == SlaMetric::Resolution { ended_at } else { replied_at };
            let stood_until = |at: Timestamp| moved_at.is_none_or(|moved| moved + MOMENT >= at);
            let is_met = answered_at.is_some_and(|at| at <= due && stood_until(at));
            let is_known = answered_at.is_some() || moved_at.is_some() || shown[metric as usize] == Some(due);
            let first = [answered_at, moved_at].into_iter().flatten().min().unwrap_or(there);
            let at = match () {
                () if is_met => looked_at,
                () if is_known && due < first => due,
                () => continue,
            };
            self.told[metric as usize] = Some(due);
            outcomes.push((metric, due, at));
        }
        outcomes
    }

    /// Those that stand still though they were due by then.
    pub(super) fn missed(&mut self, by: Timestamp) -> Vec<Outcome> {
        let mut missed = Vec::new();
        for metric in METRICS {
            if let Some(due) = self.open(metric).filter(|due| *due <= by) {
                self.told[metric as usize] = Some(due);
                missed.push((metric, due, due));
            }
        }
        missed
    }

    /// When that of a sort is due, of which was not told what became of it. First response and resolution have one
    /// outcome, whatever Zammad reckons later.
    fn open(&self, metric: SlaMetric) -> Option<Timestamp> {
        let told = self.told[metric as usize];
        let due = self.due[metric as usize]?;
        let is_open = told.is_none_or(|told| metric == SlaMetric::NextResponse && told != due);
        is_open.then_some(due)
    }
}

fn shown(ticket: &Ticket) -> [Option<Timestamp>; 3] {
    [ticket.first_response_escalation_at, ticket.update_escalation_at, ticket.close_escalation_at]
}

fn status(book: &Book, state: Option<u64>) -> Option<Status> {
    state.map(|state| book.status(state))
}

fn ends(row: &Row, book: &Book) -> bool {
    row.changes("state") && status(book, row.id_to).is_some_and(Status::is_ended)
}

/// Targets may be others behind that change.
fn may_move(row: &Row, book: &Book) -> bool {
    let is_other = |state| status(book, state) != Some(Status::Open);
    ["group", "priority", "customer", "organization"].iter().any(|field| row.changes(field))
        || row.changes("state") && (is_other(row.id_from) || is_other(row.id_to))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_200_000_000 + minute * 60_000)
    }

    fn ticket(dues: [Option<i64>; 3]) -> Ticket {
        let due = |nth: usize| dues[nth].map(at);
        serde_json::from_value(
            json!({"id": 4711, "owner_id": 1, "state_id": 2, "created_at": at(0), "updated_at": at(0),
            "last_contact_customer_at": null, "first_response_escalation_at": due(0), "update_escalation_at": due(1),
            "close_escalation_at": due(2)}),
        )
        .unwrap()
    }

    fn book() -> Book {
        Book::of_states([(1, 1), (2, 2), (3, 3), (4, 5)])
    }

    fn reply(minute: i64) -> (Option<Value>, Option<Value>) {
        (
            Some(json!({"id": 1, "type": "email", "sender": "Agent", "created_by_id": 14, "created_at": at(minute)})),
            None,
        )
    }

    fn change(minute: i64, attribute: &str, from: u64, to: u64) -> (Option<Value>, Option<Value>) {
        let row = json!({"id": 1, "object": "Ticket", "type": "updated", "attribute": attribute, "id_from": from,
            "id_to": to, "created_at": at(minute)});
        (None, Some(row))
    }

    /// What became of targets due in the minutes 20, 40 and 60, at a look in minute 100 that shows others; in minutes.
    fn became(what: Vec<(Option<Value>, Option<Value>)>, shown: [Option<i64>; 3]) -> Vec<(SlaMetric, i64, i64)> {
        let (articles, rows): (Vec<_>, Vec<_>) = what.into_iter().unzip();
        let story = Story {
            ticket: ticket(shown),
            articles: articles.into_iter().flatten().map(|one| serde_json::from_value(one).unwrap()).collect(),
            rows: rows.into_iter().flatten().map(|one| serde_json::from_value(one).unwrap()).collect(),
        };
        let mut targets = Targets::default();
        targets.see(&ticket([Some(20), Some(40), Some(60)]), false);
        minutes(targets.became(&story, &book(), at(5), at(100)))
    }

    fn minutes(outcomes: Vec<Outcome>) -> Vec<(SlaMetric, i64, i64)> {
        let minute = |instant: Timestamp| (instant - at(0)).num_minutes();
        outcomes.into_iter().map(|(metric, due, from)| (metric, minute(due), minute(from))).collect()
    }

    const FIRST: SlaMetric = SlaMetric::FirstResponse;
    const NEXT: SlaMetric = SlaMetric::NextResponse;
    const END: SlaMetric = SlaMetric::Resolution;

    #[rstest]
    #[case::met(vec![reply(10), change(15, "state", 2, 4)], [None; 3], &[(FIRST, 20, 5), (NEXT, 40, 5), (END, 60, 5)])]
    #[case::one_late(vec![reply(30), change(50, "state", 1, 2)], [None, None, Some(60)], &[(FIRST, 20, 20), (NEXT, 40, 5), (END, 60, 60)])]
    #[case::replied_and_set_pending(vec![reply(10), change(10, "state", 2, 3)], [None; 3], &[(FIRST, 20, 5), (NEXT, 40, 5)])]
    #[case::pending_before_it_was_due(vec![change(10, "state", 2, 3)], [None; 3], &[])]
    #[case::pending_before_the_reply(vec![change(10, "state", 2, 3), reply(15)], [None; 3], &[])]
    #[case::pending_behind_it(vec![change(30, "state", 2, 3)], [None; 3], &[(FIRST, 20, 20)])]
    #[case::another_group(vec![change(10, "group", 1, 2)], [Some(200), None, Some(300)], &[])]
    #[case::an_assignment_moves_nothing(vec![change(10, "owner", 1, 14)], [Some(20), Some(40), Some(60)], &[(FIRST, 20, 20), (NEXT, 40, 40), (END, 60, 60)])]
    #[case::moved_by_nobody_knows_whom(vec![], [None, Some(400), Some(600)], &[])]
    #[case::before_the_last_look(vec![reply(3), change(4, "group", 1, 2)], [Some(20), Some(40), Some(60)], &[(FIRST, 20, 20), (NEXT, 40, 40), (END, 60, 60)])]
    fn only_what_is_certain(
        #[case] what: Vec<(Option<Value>, Option<Value>)>,
        #[case] shown: [Option<i64>; 3],
        #[case] expected: &[(SlaMetric, i64, i64)],
    ) {
        assert_eq!(became(what, shown), expected);
    }

    #[test]
    fn one_that_stands_still_when_it_is_due_is_missed_once() {
        let mut targets = Targets::default();
        targets.see(&ticket([None, Some(40), Some(60)]), false);
        assert_eq!(minutes(targets.missed(at(39))), []);
        assert_eq!(minutes(targets.missed(at(40))), [(NEXT, 40, 40)]);
        assert_eq!(minutes(targets.missed(at(50))), [], "once");
        // It was pending meanwhile.
        targets.see(&ticket([None, None, Some(540)]), false);
        assert_eq!(minutes(targets.missed(at(70))), [], "moved before it was due");
        assert_eq!(minutes(targets.missed(at(540))), [(END, 540, 540)]);
        targets.see(&ticket([None, Some(700), Some(700)]), false);
        assert_eq!(minutes(targets.missed(at(800))), [(NEXT, 700, 700)], "of the other there is one outcome");
        targets.see(&ticket([Some(1), Some(1), Some(1)]), true);
        assert_eq!(minutes(targets.missed(at(900))), [], "it has ended");
        targets.see(&ticket([None, None, Some(950)]), false);
        assert_eq!(minutes(targets.missed(at(960))), [(END, 950, 950)], "opened again");
    }
}
