//! Questions about the past: which one a page asks, when it is asked anew, and whose answer has come.

use std::iter;
use std::sync::Arc;

use super::update::Effect;
use super::view::{Screen, ViewState};
use crate::board::{PastAnswer, PastPage, PastQuery};

/// A page that is shown is asked for anew after so many ticks.
const AGE: u16 = 60;
/// A question that nobody answered, or whose answer failed, is asked again after so many ticks.
const LOST: u16 = 5;

/// Where the answer to a question about the past goes.
#[derive(Debug, Clone, Default)]
pub struct PastSlot {
    /// The newest good answer; where there is none, the newest.
    pub page: Option<Arc<PastPage>>,
    /// Why there is no newer one, where that was tried.
    pub failure: Option<String>,
    /// How much of how much is read for the next one, while it is waited for.
    pub progress: Option<(u64, u64)>,
    /// The newest question.
    asked: Option<PastQuery>,
    /// The question that `page` answers.
    answered: Option<PastQuery>,
    waiting_for: Option<u64>,
    /// Ticks until it is asked again.
    ticks: u16,
}

impl PastSlot {
    /// Whether an answer is on its way.
    pub fn is_waiting(&self) -> bool {
        self.waiting_for.is_some()
    }

    /// Whether a question has to be asked: another than before, or again, unless the picture is held.
    pub(super) fn is_due(&self, query: &PastQuery, is_held: bool) -> bool {
        let again = self.ticks == 0 && self.waiting_for.is_none();
        self.asked.as_ref() != Some(query) || (again && !(is_held && self.page.is_some()))
    }

    /// Of several questions of one viewer only the newest is answered.
    fn give_up(&mut self) {
        if self.waiting_for.take().is_some() {
            self.progress = None;
            self.ticks = 0;
        }
    }

    fn take(&mut self, answer: Option<PastAnswer>) {
        match answer {
            Some(PastAnswer::Loading(done, of)) => self.progress = Some((done, of)),
            Some(PastAnswer::Page(page)) => {
                let is_failure = matches!(&*page, PastPage::Failed(_));
                self.show(page);
                self.rest(if is_failure { LOST } else { AGE });
            }
            None => self.rest(LOST),
        }
    }

    /// A failure does not take a good answer to the same question away.
    fn show(&mut self, page: Arc<PastPage>) {
        let is_good = |page: &PastPage| !matches!(page, PastPage::Failed(_) | PastPage::Unkept(_));
        self.failure = match &*page {
            PastPage::Failed(why) => Some(why.clone()),
            _ => None,
        };
        let stays = self.answered == self.asked && self.page.as_deref().is_some_and(is_good);
        if !(self.failure.is_some() && stays) {
            self.page = Some(page);
            self.answered.clone_from(&self.asked);
        }
    }

    fn rest(&mut self, ticks: u16) {
        self.waiting_for = None;
        self.progress = None;
        self.ticks = ticks;
    }
}

impl ViewState {
    /// What the page that is shown asks of the past, and where the answer goes.
    fn past_shown(&mut self) -> Option<(PastQuery, &mut PastSlot)> {
        match (self.drills.last_mut(), self.screen) {
            (Some(drill), _) => drill.past_shown(),
            (None, Screen::History) => Some((self.history.query(), &mut self.history.past)),
            _ => None,
        }
    }

    /// Every place that an answer may go to.
    fn past_slots(&mut self) -> impl Iterator<Item = &mut PastSlot> {
        let drilled = self.drills.iter_mut().flat_map(|drill| [&mut drill.past, &mut drill.typical]);
        iter::once(&mut self.history.past).chain(drilled)
    }

    /// Asks what the page that is shown needs of the past, where that is due.
    pub(super) fn ask_past(&mut self, effects: &mut Vec<Effect>) {
        let is_held = self.frozen.is_some();
        let due = self.past_shown().filter(|(query, slot)| slot.is_due(query, is_held));
        let Some((query, _)) = due else { return };
        self.past_slots().for_each(PastSlot::give_up);
        self.tickets += 1;
        let ticket = self.tickets;
        if let Some((_, slot)) = self.past_shown() {
            slot.asked = Some(query.clone());
            slot.waiting_for = Some(ticket);
            effects.push(Effect::LoadPast(ticket, query));
        }
    }

    /// Lets answers grow old.
    pub(super) fn age_past(&mut self) {
        self.past_slots().for_each(|slot| slot.ticks = slot.ticks.saturating_sub(1));
    }

    /// Takes an answer, or the news that there will be none; what nobody waits for any more is dropped.
    pub(super) fn take_past(&mut self, ticket: u64, answer: Option<PastAnswer>) {
        if let Some(slot) = self.past_slots().find(|slot| slot.waiting_for == Some(ticket)) {
            slot.take(answer);
        }
    }
}
