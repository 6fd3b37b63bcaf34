//! The history task: answers questions about the past on a thread of its own, so that neither a key nor the board ever
//! waits for what was kept.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::last_week::LastWeek;
use crate::board::{Past, PastAnswer, PastPage, Standpoint, Want};
use crate::event::Timestamp;
use crate::metrics::history::{History, Terms};
use crate::run::clock::Now;
use crate::term::PastAsk;

/// Questions of viewers on their way; each viewer has at most one that is still of interest.
pub const ASKS: usize = 64;
/// What was loaded answers further questions for so long, or for a multiple of the time that loading it took.
const FRESH: Duration = Duration::from_secs(30);
/// That multiple: loading takes at most a tenth of one core.
const FRESH_LOADS: u32 = 10;
/// What nobody has asked about for so long is let go.
const IDLE: Duration = Duration::from_mins(1);

/// The name of the thread, and of those that help it.
const THREAD: &str = "history";

/// Whether this is said while a question about the past is answered: a panic there is caught and told as a failure.
pub fn is_answering() -> bool {
    thread::current().name() == Some(THREAD)
}

/// What is known of the past, and the rules by which it is looked at.
pub struct Memory {
    /// Where it is kept; the reason where it is not.
    pub past: Result<Box<dyn Past>, String>,
    /// Business hours and costs.
    pub terms: Terms,
    /// Whose days and hours count.
    pub zone: Tz,
}

/// A loaded past.
struct Loaded {
    want: Want,
    history: History,
    /// The end of what it holds.
    until: Timestamp,
    begins_at: Option<Timestamp>,
    is_told: bool,
    stale_at: Instant,
    idle_at: Instant,
    lasts: Duration,
}

/// Answers questions, and keeps what was loaded for the next one.
pub struct HistoryTask {
    memory: Memory,
    loaded: Option<Loaded>,
    last_week: LastWeek,
    now: Now,
}

impl HistoryTask {
    /// A task that has loaded nothing yet.
    pub fn new(memory: Memory, last_week: LastWeek, now: Now) -> Self {
        Self { memory, loaded: None, last_week, now }
    }

    /// Runs on a thread of its own until it is cancelled or nobody can ask any more. Needs a runtime around it.
    pub fn start(self, asks: mpsc::Receiver<PastAsk>, cancel: CancellationToken) {
        let runtime = Handle::current();
        let thread = thread::Builder::new().name(THREAD.to_owned());
        let spawned = thread.spawn(move || runtime.block_on(self.run(asks, cancel)));
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread for the history: questions about the past are not answered");
        }
    }

    async fn run(mut self, mut asks: mpsc::Receiver<PastAsk>, cancel: CancellationToken) {
        loop {
            let idle_at = self.loaded.as_ref().map(|loaded| loaded.idle_at);
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                ask = asks.recv() => match ask {
                    Some(ask) => self.answer(&ask),
                    None => return,
                },
                () = sleep_until(idle_at.unwrap_or_else(Instant::now)), if idle_at.is_some() => self.let_go(Instant::now()),
                () = sleep_until(self.last_week.next()), if self.memory.past.is_ok() => {
                    self.last_week.look(&mut self.memory, (self.now)());
                }
            }
        }
    }

    /// Lets go of what nobody has asked about for a while.
    fn let_go(&mut self, now: Instant) {
        self.loaded = self.loaded.take().filter(|loaded| loaded.idle_at > now);
    }

    /// Answers a question, unless its viewer has gone on to another one or away.
    fn answer(&mut self, ask: &PastAsk) {
        if ask.reply.is_closed() {
            return;
        }
        let page = guarded(|| self.page(ask)).unwrap_or_else(|failure| {
            self.loaded = None;
            PastPage::Failed(failure)
        });
        ask.reply.send_replace(PastAnswer::Page(Arc::new(page)));
    }

    fn page(&mut self, ask: &PastAsk) -> PastPage {
        let now = (self.now)();
        let Memory { past, terms, zone } = &mut self.memory;
        let past = match past {
            Ok(past) => past,
            Err(reason) => return PastPage::Unkept(reason.clone()),
        };
        let want = ask.query.want(now, *zone);
        let begun = Instant::now();
        let known = self.loaded.take().filter(|loaded| loaded.want.covers(&want) && loaded.stale_at > begun);
        let loaded = match known {
            Some(loaded) => Ok(loaded),
            None => load(past.as_mut(), want, now, &mut |done, of| {
                ask.reply.send_replace(PastAnswer::Loading(done, of));
            }),
        };
        match loaded {
            Err(error) => PastPage::Failed(error),
            Ok(loaded) => {
                let loaded = self.loaded.insert(loaded);
                let Loaded { until: now, begins_at, is_told, .. } = *loaded;
                let standpoint = Standpoint { now, zone: *zone, terms, begins_at, is_told };
                let page = ask.query.page(&loaded.history, &standpoint);
                loaded.idle_at = Instant::now() + loaded.lasts.max(IDLE);
                page
            }
        }
    }
}

fn load(
    past: &mut dyn Past,
    want: Want,
    until: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Loaded, String> {
    let begun = Instant::now();
    let until = past.known_until(until)?;
    // Asked before: what is told to its end meanwhile is not in what is loaded.
    let is_told = past.is_told()?;
    let history = past.load(&want, progress)?;
    let begins_at = past.begins_at()?;
    let done = Instant::now();
    let lasts = FRESH.max((done - begun) * FRESH_LOADS);
    Ok(Loaded {
        want,
        history,
        until,
        begins_at,
        is_told,
        stale_at: done + lasts,
        idle_at: done + lasts.max(IDLE),
        lasts,
    })
}

/// Does something that reads the past; a panic in it is logged and told as a failure.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        tracing::error!(panic = words(&*panic), "reading the past failed");
        "a part of the program failed; see the log".to_owned()
    })
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use chrono::TimeDelta;
    use tokio::sync::watch;

    use super::*;
    use crate::board::PastQuery;

    const T: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A past that notes what is loaded; one day holds nothing, another breaks.
    struct Told {
        loads: Arc<Mutex<Vec<Want>>>,
        breaks: bool,
        on_thread: Arc<AtomicBool>,
    }

    impl Past for Told {
        fn load(&mut self, want: &Want, progress: &mut dyn FnMut(u64, u64)) -> Result<History, String> {
            self.loads.lock().unwrap().push(want.clone());
            self.on_thread.store(is_answering(), Relaxed);
            progress(1, 2);
            assert!(!self.breaks, "the disk is on fire");
            let mut history = History::new();
            history.settle();
            Ok(history)
        }

        fn begins_at(&mut self) -> Result<Option<Timestamp>, String> {
            Ok(Some(T - TimeDelta::days(400)))
        }
    }

    fn task(breaks: bool) -> (HistoryTask, Arc<Mutex<Vec<Want>>>) {
        task_on(breaks, &Arc::default())
    }

    fn task_on(breaks: bool, on_thread: &Arc<AtomicBool>) -> (HistoryTask, Arc<Mutex<Vec<Want>>>) {
        let loads = Arc::new(Mutex::new(Vec::new()));
        let past = Box::new(Told { loads: Arc::clone(&loads), breaks, on_thread: Arc::clone(on_thread) });
        let memory = Memory { past: Ok(past), terms: Terms::default(), zone: Tz::UTC };
        let (publish, _) = watch::channel(None);
        (HistoryTask::new(memory, LastWeek::new(publish), Arc::new(|| T)), loads)
    }

    fn ask(days: u16) -> (PastAsk, watch::Receiver<PastAnswer>) {
        let (reply, answer) = watch::channel(PastAnswer::Loading(0, 0));
        (PastAsk { query: PastQuery::Overview { days, by: None }, reply }, answer)
    }

    fn page(answer: &watch::Receiver<PastAnswer>) -> PastPage {
        match &*answer.borrow() {
            PastAnswer::Page(page) => (**page).clone(),
            PastAnswer::Loading(done, of) => panic!("{done} of {of}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_loaded_answers_shorter_ranges_until_it_is_old_and_is_then_let_go() {
        let (mut task, loads) = task(false);
        let loaded = || loads.lock().unwrap().len();
        let mut answer = |days| {
            let (ask, answer) = ask(days);
            task.answer(&ask);
            assert!(matches!(page(&answer), PastPage::Overview(_)));
        };
        answer(30);
        answer(7);
        answer(1);
        assert_eq!(loaded(), 1, "30 days hold 7 and 1");
        answer(90);
        assert_eq!(loaded(), 2);
        tokio::time::advance(Duration::from_secs(29)).await;
        answer(7);
        assert_eq!(loaded(), 2);
        tokio::time::advance(Duration::from_secs(2)).await;
        answer(7);
        assert_eq!(loaded(), 3, "figures older than half a minute are read anew");
        tokio::time::advance(Duration::from_secs(59)).await;
        task.let_go(Instant::now());
        assert!(task.loaded.is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        task.let_go(Instant::now());
        assert!(task.loaded.is_none(), "a board that nobody asks holds no past");
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_nobody_waits_for_any_more_is_not_answered() {
        let (mut task, loads) = task(false);
        let (stale, gone) = ask(7);
        drop(gone);
        task.answer(&stale);
        assert!(loads.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn where_nothing_is_kept_the_answer_says_why() {
        let memory = Memory { past: Err("no store".to_owned()), terms: Terms::default(), zone: Tz::UTC };
        let (ask, answer) = ask(7);
        let (publish, _) = watch::channel(None);
        HistoryTask::new(memory, LastWeek::new(publish), Arc::new(|| T)).answer(&ask);
        assert!(matches!(page(&answer), PastPage::Unkept(why) if why == "no store"));
    }

    #[tokio::test]
    async fn a_past_that_panics_is_a_failed_answer_and_the_next_is_tried_again() {
        let (mut task, loads) = task(true);
        for tries in 1..=2 {
            let (ask, answer) = ask(7);
            task.answer(&ask);
            assert!(matches!(page(&answer), PastPage::Failed(why) if why.contains("failed")));
            assert_eq!(loads.lock().unwrap().len(), tries);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_thread_answers_and_ends_with_the_program_or_with_those_who_ask() {
        let (asks, received) = mpsc::channel(ASKS);
        let on_thread = Arc::default();
        let (task, loads) = task_on(false, &on_thread);
        let (cancel, weak) = (CancellationToken::new(), Arc::downgrade(&loads));
        task.start(received, cancel.clone());
        let (ask, mut answer) = ask(7);
        asks.try_send(ask).unwrap();
        let is_page = |answer: &PastAnswer| matches!(answer, PastAnswer::Page(_));
        tokio::time::timeout(Duration::from_secs(20), answer.wait_for(is_page)).await.unwrap().unwrap();
        assert!(on_thread.load(Relaxed) && !is_answering(), "a panic there would leave the terminal alone");
        drop(loads);
        cancel.cancel();
        let gone = async {
            while weak.upgrade().is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the thread lets go of all it had");
    }
}
