//! What follows a poll: another at once, or the next at its time; and how far a reading has come.

use super::Batch;

/// How far a reading has come: in words, and from 0 to 1.
pub(super) type Progress = Option<(String, f32)>;

/// What follows a poll.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// There is more to read at once.
    pub more: bool,
    /// What is going on now is not told to its end yet.
    pub partial: bool,
    /// The poll read a page of history.
    pub history: bool,
    /// How far a reading has come that is under way.
    pub progress: Progress,
}

impl Step {
    /// The next poll comes at its time.
    pub(super) fn done() -> Self {
        Self::wait(None)
    }

    /// The same, though something is not read to its end yet.
    pub(super) fn wait(progress: Progress) -> Self {
        Self { more: false, partial: false, history: false, progress }
    }

    /// There is more to read at once.
    pub(super) fn more(progress: Progress) -> Self {
        Self { more: true, ..Self::wait(progress) }
    }

    /// The same after a page of history.
    pub(super) fn past(progress: Progress) -> Self {
        Self { history: true, ..Self::more(progress) }
    }

    /// A part of the first reading, from 0 to 1.
    pub(super) fn part(what: &str, part: f32) -> Self {
        Self { partial: true, ..Self::more(Some((what.to_owned(), part))) }
    }

    /// There is more of something to read at once, of which so many are read.
    pub(super) fn more_of(what: &str, read: usize, total: usize) -> Self {
        Self { partial: false, ..Self::part(what, read as f32 / total.max(1) as f32) }
    }

    /// A batch that says so, too; one that is partial stays so.
    pub(super) fn said_in(self, batch: Batch) -> Batch {
        let Self { more, partial, history, progress } = self;
        Batch { history, more, partial: partial || batch.partial, progress, ..batch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_says_what_follows_it() {
        let said = |step: Step, partial: bool| {
            let batch = step.said_in(Batch { partial, ..Batch::default() });
            (batch.more, batch.history, batch.partial, batch.progress.map(|(_, part)| part))
        };
        assert_eq!(said(Step::done(), false), (false, false, false, None));
        assert_eq!(said(Step::done(), true), (false, false, true, None));
        assert_eq!(said(Step::wait(Some((String::new(), 0.3))), false), (false, false, false, Some(0.3)));
        assert_eq!(said(Step::more_of("tickets", 1, 4), false), (true, false, false, Some(0.25)));
        assert_eq!(said(Step::part("tickets", 0.0), false), (true, false, true, Some(0.0)));
        assert_eq!(said(Step::past(None), false), (true, true, false, None));
    }
}
