//! What follows a poll: another at once, or the next at its time; and how far a reading has come.

use super::Batch;

/// How far a reading has come: in words, and from 0 to 1.
pub(super) type Progress = Option<(String, f32)>;

/// What follows a poll.
#[derive(Debug)]
pub(super) enum Step {
    /// The next comes at its time.
    Done,
    /// The same, though something is not read to its end yet.
    Wait(Progress),
    /// There is more to read at once.
    More(Progress),
    /// The same after a page of history.
    Past(Progress),
}

impl Step {
    /// There is more of something to read at once.
    pub(super) fn more_of(what: &str, read: usize, total: usize) -> Self {
        Self::More(Some((what.to_owned(), read as f32 / total.max(1) as f32)))
    }

    /// A batch that says so, too.
    pub(super) fn said_in(self, batch: Batch) -> Batch {
        let history = matches!(self, Self::Past(_));
        let (more, progress) = match self {
            Self::Done => (false, None),
            Self::Wait(progress) => (false, progress),
            Self::More(progress) | Self::Past(progress) => (true, progress),
        };
        Batch { history, more, progress, ..batch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_says_what_follows_it() {
        let said = |step: Step| {
            let batch = step.said_in(Batch::default());
            (batch.more, batch.history, batch.progress.map(|(_, part)| part))
        };
        assert_eq!(said(Step::Done), (false, false, None));
        assert_eq!(said(Step::Wait(Some((String::new(), 0.3)))), (false, false, Some(0.3)));
        assert_eq!(said(Step::more_of("tickets", 1, 4)), (true, false, Some(0.25)));
        assert_eq!(said(Step::more_of("tickets", 0, 0)), (true, false, Some(0.0)));
        assert_eq!(said(Step::Past(None)), (true, true, None));
    }
}
