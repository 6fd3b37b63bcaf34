//! Work that may never end, on a thread that nobody waits for.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

thread_local! {
    static APART: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is said from inside such work: a panic there ends the work, and the program goes on.
pub fn is_apart() -> bool {
    APART.get()
}

/// Whether somebody still waits for the work.
pub(super) struct Awaited<T>(oneshot::Sender<T>);

impl<T> Awaited<T> {
    /// False from when the time was over, or whoever asked was stopped.
    pub(super) fn is_awaited(&self) -> bool {
        !self.0.is_closed()
    }
}

/// What the work came to; `None` where it did not end in time, failed, or there is no thread. It goes on then, and
/// ends with the program. Its thread has a stack of so many bytes.
pub(super) async fn apart<T: Send + 'static>(
    longest: Duration,
    stack: usize,
    work: impl FnOnce(&Awaited<T>) -> T + Send + 'static,
) -> Option<T> {
    let (done, end) = oneshot::channel();
    let spawned = thread::Builder::new().name("apart".to_owned()).stack_size(stack).spawn(move || {
        APART.set(true);
        let awaited = Awaited(done);
        let found = work(&awaited);
        // Nobody waits any more when the time is over.
        let _ = awaited.0.send(found);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "no thread");
        return None;
    }
    timeout(longest, end).await.ok()?.ok()
}
