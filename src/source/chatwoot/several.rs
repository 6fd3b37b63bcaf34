//! Requests of which several are under way at once, and the messages of conversations that are read so.

use std::sync::Arc;
use std::vec::IntoIter;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;
use serde_json::Value;

use super::wire::{OnlyId, Payload};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::enough::Enough;
use crate::source::http::Client;

/// Requests that are under way at once.
const AT_ONCE: usize = 4;
/// Messages of an answer to `after`.
const MESSAGES: usize = 100;
/// Messages of an answer to `after` and `before`.
const BETWEEN: usize = 1000;
/// Messages of a conversation that are read at once.
const MOST_MESSAGES: usize = 10_000;
/// No message has a greater number.
const NO_BOUND: u64 = i64::MAX as u64;

/// Requests whose answers come one by one, in any order.
pub(super) struct Several<T> {
    waiting: IntoIter<BoxFuture<'static, T>>,
    under_way: FuturesUnordered<BoxFuture<'static, T>>,
    begun: usize,
}

impl<T> Several<T> {
    pub(super) fn new(requests: Vec<BoxFuture<'static, T>>) -> Self {
        Self { waiting: requests.into_iter(), under_way: FuturesUnordered::new(), begun: 0 }
    }

    /// The next answer; `None` behind the last. A poll that has read for long enough begins no more of them, but a few
    /// are always read.
    pub(super) async fn next(&mut self, enough: &mut Enough) -> Option<T> {
        while self.under_way.len() < AT_ONCE && (self.begun < AT_ONCE || !enough.is_come()) {
            let Some(request) = self.waiting.next() else { break };
            self.under_way.push(request);
            self.begun += 1;
        }
        self.under_way.next().await
    }
}

/// What came of the messages of a conversation: where from, what, and whether there are more.
pub(super) type Messages = Result<Option<(String, Vec<Value>, bool)>, SourceError>;

/// The messages of a conversation behind one, as they came.
///
/// They come by time, which is not the order of their numbers where some were imported or delayed: a full page says
/// nothing of which numbers are still to come. So what does not fit into a page is asked for between two numbers, which
/// brings more of them, and between closer ones as long as that is full, too.
pub(super) async fn read_thread(
    client: Arc<Client>,
    account: u64,
    number: u64,
    after: u64,
    now: Timestamp,
) -> Messages {
    let path = format!("/api/v1/accounts/{account}/conversations/{number}/messages");
    let Some(answer) = client.find::<Payload>(&path, &[("after", &after.to_string())], now).await? else {
        return Ok(None);
    };
    let page = answer.body.payload;
    if page.len() < MESSAGES {
        return Ok(Some((path, page, false)));
    }
    let (mut first, mut bound, mut all) = (after + 1, NO_BOUND, Vec::new());
    loop {
        let (from, to) = (first.to_string(), bound.to_string());
        let Some(answer) = client.find::<Payload>(&path, &[("after", &from), ("before", &to)], now).await? else {
            return Ok(None);
        };
        let part = answer.body.payload;
        if all.is_empty() && bound == NO_BOUND && part.len() < page.len() {
            // A server that does not know the question.
            return Ok(Some((path, page, true)));
        }
        let middle = if part.len() < BETWEEN { NO_BOUND } else { middle_of(&part) };
        if (first + 1..bound).contains(&middle) {
            bound = middle;
            continue;
        }
        all.extend(part);
        if bound == NO_BOUND || all.len() >= MOST_MESSAGES {
            return Ok(Some((path, all, bound < NO_BOUND)));
        }
        (first, bound) = (bound, NO_BOUND);
    }
}

/// The number that half of these messages have not reached.
fn middle_of(messages: &[Value]) -> u64 {
    let ids = messages.iter().filter_map(|one| OnlyId::deserialize(one).ok());
    let mut ids: Vec<u64> = ids.map(|one| one.id).collect();
    ids.sort_unstable();
    ids.get(ids.len() / 2).copied().unwrap_or(NO_BOUND)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn of_a_poll_that_has_read_for_long_enough_a_few_are_read_and_the_others_are_left() {
        for (span, read) in [(Duration::ZERO, AT_ONCE), (Duration::from_hours(1), 9)] {
            let mut several = Several::new((0..9).map(|nth| async move { nth }.boxed()).collect());
            let (mut enough, mut answers) = (Enough::after(span), Vec::new());
            while let Some(answer) = several.next(&mut enough).await {
                answers.push(answer);
            }
            answers.sort_unstable();
            assert_eq!(answers, (0..read).collect::<Vec<_>>());
        }
    }
}
