//! Tickets of which only the record is told, as nobody can be waiting there or all was told before.

use super::{BEFORE_ALL, Known, State, again_at, set_targets, skip_odd};
use crate::event::{Status, Timestamp};
use crate::source::lenient::Id;
use crate::source::zendesk::ask::Ask;
use crate::source::zendesk::audit::Audit;
use crate::source::zendesk::story::{Standing, Teller, status_of, waits};
use crate::source::zendesk::targets::Targets;
use crate::source::zendesk::wire::Ticket;

impl Known {
    /// Nothing of it was told in this run.
    fn is_only_recognised(&self) -> bool {
        self.last == 0 && self.record_to == BEFORE_ALL
    }
}

impl State {
    /// Tells what the record alone says where nobody can be waiting, or puts the ticket in the queue. What its last update
    /// was is not known of every ticket.
    pub(in crate::source::zendesk) fn find(&mut self, ticket: Ticket, last: Option<&Audit>, site: &str, ask: &mut Ask) {
        self.prove_by(&ticket, last.map_or(&[], std::slice::from_ref));
        if waits::may_wait(&ticket, last, &self.people) || self.left.contains(&ticket.id) {
            self.wanted.want(ticket);
            return;
        }
        let mut teller = Teller::new(&self.people, site);
        let standing = teller.brief(&ticket);
        let (mut out, odd) = (teller.out, teller.odd);
        skip_odd(&odd, ask);
        let mut targets = Targets::default();
        set_targets(&mut targets, &ticket, &mut out);
        let last = last.filter(|last| waits::is_last(&ticket, last));
        let known = self.know(&ticket, standing);
        known.targets = targets;
        known.again_at = again_at(&ticket, ask.there());
        // The export tells what it holds a second time, and the answer to it only a minute later.
        known.record_to = last.map_or((ticket.updated_at, Id::MAX), |last| (last.at, last.id));
        self.post(out);
    }

    /// Knows a ticket of which all was told in an earlier run, but for targets that were not due soon then.
    pub(in crate::source::zendesk) fn recognise(&mut self, ticket: &Ticket) {
        let status = status_of(ticket, &self.people);
        let standing = Standing { status, assignee: Some(ticket.assignee_id), group: Some(ticket.group_id) };
        let mut targets = Targets::default();
        targets.guess(waits::seems_to_wait(ticket));
        targets.see(ticket);
        targets.ripe(ticket.id, self.targets_to);
        let known = self.know(ticket, standing);
        known.recognised = targets.is_ripe(Timestamp::MAX).then(|| Box::new(ticket.clone()));
        known.targets = targets;
    }

    /// A look at a ticket that has not changed since it was told: its targets may have been moved, or are known only now.
    pub(in crate::source::zendesk) fn see_targets(&mut self, ticket: &Ticket) {
        let is_same = |known: &&mut Known| ticket.slas.is_some() && known.updated_at == ticket.updated_at;
        let Some(known) = self.tickets.get_mut(&ticket.id).filter(is_same) else { return };
        known.targets.see(ticket);
        if known.is_only_recognised() {
            known.recognised = known.targets.is_ripe(Timestamp::MAX).then(|| Box::new(ticket.clone()));
        }
    }

    fn know(&mut self, ticket: &Ticket, standing: Standing) -> &mut Known {
        let ended = standing.status.is_some_and(Status::is_ended);
        self.remembered.remove(&ticket.id);
        let known = Known {
            requester: ticket.requester_id,
            standing,
            updated_at: ticket.updated_at,
            again_at: None,
            last: 0,
            last_at: ticket.updated_at,
            record_to: BEFORE_ALL,
            ended,
            targets: Targets::default(),
            recognised: None,
        };
        self.tickets.entry(ticket.id).insert_entry(known).into_mut()
    }

    /// Tells updates that the export brought, of tickets that are known.
    pub(in crate::source::zendesk) fn exported(&mut self, audits: &[Audit], site: &str, ask: &mut Ask) {
        for audit in audits {
            if let Some(requester) = self.tickets.get(&audit.ticket).map(|known| known.requester) {
                self.prove(requester, std::slice::from_ref(audit));
            }
        }
        let mut teller = Teller::new(&self.people, site);
        for audit in audits {
            let Some(known) = self.tickets.get_mut(&audit.ticket) else { continue };
            if audit.id <= known.last || (audit.at, audit.id) <= known.record_to {
                continue;
            }
            let before = teller.out.len();
            teller.audit(audit, known.requester, &mut known.standing);
            known.targets.hear(audit.ticket, &mut teller.out, before);
            known.last_at = known.last_at.max(audit.at);
            known.ended = known.standing.status.is_some_and(Status::is_ended);
            // Of one whose beginning was not told, the rest is still to be read.
            if known.last > 0 {
                known.last = audit.id;
            } else if !known.is_only_recognised() {
                known.record_to = (audit.at, audit.id);
            }
        }
        let (out, odd) = (teller.out, teller.odd);
        skip_odd(&odd, ask);
        self.post(out);
    }
}
