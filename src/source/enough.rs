//! A poll does not read for longer than it may take: what is left is read by the next one.

use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Sleep;

/// A poll begins no more requests for single records once it has taken so long: whoever asks gives up after a minute,
/// and the last request takes its time, too.
const READING: Duration = Duration::from_secs(30);

/// Whether a poll has read for long enough.
#[derive(Debug)]
pub(super) struct Enough(Pin<Box<Sleep>>);

impl Enough {
    /// Of a poll that begins now.
    pub(super) fn begin() -> Self {
        Self(Box::pin(tokio::time::sleep(READING)))
    }

    /// Whether it is.
    pub(super) fn is_come(&mut self) -> bool {
        self.0.as_mut().now_or_never().is_some()
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
    }
}
