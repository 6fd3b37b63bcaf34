//! A poll does not read for longer than it may take: what is left is read by the next one.

use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Sleep;

/// A poll begins no more requests for single records once it has taken so long: whoever asks gives up after a minute,
/// and the last request takes its time, too.
pub(super) const READING: Duration = Duration::from_secs(30);

/// Whether a poll, or a part of it, has read for long enough.
#[derive(Debug)]
pub(super) struct Enough(Option<Pin<Box<Sleep>>>);

impl Enough {
    /// Of a poll that begins now.
    pub(super) fn begin() -> Self {
        Self::after(READING)
    }

    /// Of one that reads for so long from now on; no time at all is enough at once.
    pub(super) fn after(span: Duration) -> Self {
        Self((!span.is_zero()).then(|| Box::pin(tokio::time::sleep(span))))
    }

    /// Whether it is.
    pub(super) fn is_come(&mut self) -> bool {
        self.0.as_mut().is_none_or(|sleep| sleep.as_mut().now_or_never().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_half_a_minute_it_is_enough() {
        let mut enough = Enough::begin();
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!enough.is_come());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(enough.is_come() && enough.is_come());
        assert!(Enough::after(Duration::ZERO).is_come());
    }
}
