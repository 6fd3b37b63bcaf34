//! A session: one viewer's state, one terminal, one loop.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::terminal;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ratatui::buffer::Buffer;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::keys;
use super::link::{Ask, Link, PastAsk};
use super::local::Local;
use super::paint::Painter;
use crate::app::{Effect, Keymap, Msg, Privacy, ViewState, update};
use crate::board::{Page, PastAnswer};
use crate::event::Timestamp;
use crate::ui::{self, ColorDepth, Mode, Palette, Themes, ViewContext, Zone};

/// At most 20 frames a second.
const FRAME_GAP: Duration = Duration::from_millis(50);

/// How long a first frame may wait for the first picture.
const PATIENCE: Duration = Duration::from_millis(150);

/// How long to wait for the news of `fg` once we run again.
const RESUMED: Duration = Duration::from_millis(400);

/// How a session begins.
#[derive(Clone)]
pub struct Setup {
    /// The board's name.
    pub title: String,
    /// Where the picture comes from.
    pub mode: Mode,
    /// All themes there are.
    pub themes: Themes,
    /// The theme to begin with.
    pub theme: String,
    /// Whose names are hidden to begin with.
    pub privacy: Privacy,
    /// Which key does what.
    pub keymap: Arc<Keymap>,
    /// How many colours the terminal can show.
    pub depth: ColorDepth,
    /// The board's time zone.
    pub zone: Zone,
    /// Whether the day has twice twelve hours.
    pub twelve_hours: bool,
    /// Whether clicks and the wheel are taken.
    pub mouse: bool,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("title", &self.title).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Shows the board in the terminal that the program was started in, until the viewer quits, the terminal goes away
/// or `cancel` is called. The terminal is restored before this returns.
pub async fn run(link: Link, setup: Setup, cancel: CancellationToken) -> io::Result<()> {
    let local = Local::take(setup.mouse)?;
    let mut session = Session::new(link, setup, local)?;
    let end = session.run(&cancel).await;
    drop(session);
    match end {
        Err(error) if is_gone(&error) => Ok(()),
        end => end,
    }
}

/// Whether the terminal went away: a closed window is an ending like any other.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
        || matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::NXIO))
}

/// An answer to a question: its number, and the page unless nobody will answer.
type Answer = (u64, Option<Page>);
type Answers = FuturesUnordered<std::pin::Pin<Box<dyn Future<Output = Answer> + Send>>>;

struct Session {
    link: Link,
    view: ViewState,
    setup: Setup,
    palette: Palette,
    palette_of: String,
    local: Local,
    painter: Painter,
    answers: Answers,
    past: PastQuestion,
    dirty: bool,
    /// No frame before.
    next_frame: Instant,
    last_tick: Option<Timestamp>,
    /// Bytes to send besides the next frame.
    aside: Vec<u8>,
}

/// What to do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    End,
    Suspend,
}

impl Session {
    fn new(link: Link, setup: Setup, local: Local) -> io::Result<Self> {
        let themes: Vec<String> = setup.themes.names().map(str::to_owned).collect();
        let Some(theme) = setup.themes.get(&setup.theme).or_else(|| setup.themes.get(themes.first()?)) else {
            return Err(io::Error::other("there is no theme at all"));
        };
        let palette = theme.at_depth(setup.depth);
        let palette_of = theme.name.clone();
        let view = ViewState::new(Arc::clone(&setup.keymap), themes, palette_of.clone(), setup.privacy);
        let (width, height) = terminal::size()?;
        let patience = if link.board.borrow().generation == 0 { PATIENCE } else { Duration::ZERO };
        Ok(Self {
            last_tick: None,
            link,
            view,
            setup,
            palette,
            palette_of,
            local,
            painter: Painter::new(width, height),
            answers: FuturesUnordered::new(),
            past: PastQuestion::default(),
            dirty: true,
            next_frame: Instant::now() + patience,
            aside: Vec::new(),
        })
    }

    async fn run(&mut self, cancel: &CancellationToken) -> io::Result<()> {
        let mut messages = keys::read()?;
        let mut resized = signal(SignalKind::window_change())?;
        let mut resumed = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let mut stopped = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
        let mut tick = self.next_tick();
        self.handle(Msg::Snapshot)?;
        loop {
            if !Local::is_taken() {
                return Err(io::Error::other("a part of the program failed; see the message above and the log"));
            }
            let may_draw = (self.dirty || !self.aside.is_empty()) && !self.local.output.is_busy();
            if may_draw && Instant::now() >= self.next_frame {
                self.draw()?;
                continue;
            }
            let flow = tokio::select! {
                () = cancel.cancelled() => Flow::End,
                msg = messages.recv() => self.handle(msg.ok_or(io::ErrorKind::UnexpectedEof)?)?,
                changed = self.link.board.changed() => match changed {
                    Ok(()) => self.on_snapshot()?,
                    // Told to end as well, the desk may be the first to do so.
                    Err(_) if cancel.is_cancelled() => Flow::End,
                    Err(_) => return Err(io::Error::other("the desk stopped; see the log")),
                },
                Some((ticket, page)) = self.answers.next(), if !self.answers.is_empty() => {
                    self.handle(page.map_or(Msg::Lost(ticket), |page| Msg::Loaded(ticket, page)))?
                }
                (ticket, answer) = self.past.news() => self.handle(Msg::Past(ticket, answer))?,
                written = self.local.output.written(), if self.local.output.is_busy() => {
                    written?;
                    Flow::On
                }
                () = sleep_until(tick) => {
                    tick = self.next_tick();
                    hung_up()?;
                    self.handle(Msg::Tick)?
                }
                () = sleep_until(self.next_frame), if may_draw => Flow::On,
                Some(()) = resized.recv() => {
                    self.resize()?;
                    Flow::On
                }
                Some(()) = resumed.recv() => {
                    self.resume()?;
                    Flow::On
                }
                Some(()) = stopped.recv() => Flow::Suspend,
            };
            match flow {
                Flow::On => {}
                Flow::End => return Ok(()),
                Flow::Suspend if !has_a_shell() => {}
                Flow::Suspend => {
                    self.local.leave();
                    // SIGTSTP would only be heard here once more.
                    let _ = kill_current_process_group(Signal::STOP);
                    let _ = timeout(RESUMED, resumed.recv()).await;
                    self.resume()?;
                }
            }
        }
    }

    /// The next whole second of the session's clock; one that runs fast or stands ticks once a real second.
    fn next_tick(&mut self) -> Instant {
        let now = (self.link.now)();
        let wait = until_tick(self.last_tick.replace(now), now);
        Instant::now() + wait
    }

    /// Changes the state and carries out what is to be done about it.
    fn handle(&mut self, msg: Msg) -> io::Result<Flow> {
        let newest = Arc::clone(&self.link.board.borrow_and_update());
        self.dirty = true;
        let mut flow = Flow::On;
        for effect in update(&mut self.view, &newest, (self.link.now)(), msg) {
            match effect {
                Effect::Quit => return Ok(Flow::End),
                Effect::Suspend => flow = Flow::Suspend,
                Effect::Redraw => self.painter.forget(),
                Effect::Refresh => drop(self.link.ask.try_send(Ask::Refresh)),
                Effect::Load(ticket, query) => {
                    let (reply, answer) = oneshot::channel();
                    // A full queue drops the question and with it `reply`: the answer is that there will be none.
                    if let Err(TrySendError::Closed(_)) = self.link.ask.try_send(Ask::Page { query, reply }) {
                        return Ok(Flow::End);
                    }
                    self.answers.push(Box::pin(async move { (ticket, answer.await.ok()) }));
                }
                Effect::LoadPast(ticket, query) => {
                    let (reply, answer) = watch::channel(PastAnswer::Loading(0, 0));
                    // A full queue drops the question and with it `reply`: the answer is that there will be none.
                    let _ = self.link.past.try_send(PastAsk { query, reply });
                    self.past.ask(ticket, answer);
                }
                Effect::Copy(text) => {
                    crossterm::queue!(self.aside, CopyToClipboard::to_clipboard_from(text))?;
                }
            }
        }
        Ok(flow)
    }

    /// The first picture is drawn at once.
    fn on_snapshot(&mut self) -> io::Result<Flow> {
        if self.view.regions.lists.is_empty() {
            self.next_frame = Instant::now();
        }
        self.handle(Msg::Snapshot)
    }

    /// Draws the newest picture; what did not change costs nothing.
    fn draw(&mut self) -> io::Result<()> {
        let newest = Arc::clone(&self.link.board.borrow());
        let snapshot = self.view.shown(&newest);
        if self.palette_of != self.view.theme
            && let Some(theme) = self.setup.themes.get(&self.view.theme)
        {
            self.palette = theme.at_depth(self.setup.depth);
            self.palette_of.clone_from(&theme.name);
        }
        let context = ViewContext {
            title: self.setup.title.clone(),
            mode: self.setup.mode,
            now: (self.link.now)(),
            last_week: self.link.last_week.borrow().clone(),
            zone: Arc::clone(&self.setup.zone),
            twelve_hours: self.setup.twelve_hours,
        };
        let mut frame = Buffer::empty(self.painter.area());
        self.view.regions = ui::draw(&mut frame, &snapshot, &self.view, &self.palette, &context);
        let mut bytes = std::mem::take(&mut self.aside);
        bytes.extend(self.painter.frame(&frame, &self.view.regions.links));
        self.dirty = false;
        self.next_frame = Instant::now() + FRAME_GAP;
        if bytes.is_empty() { Ok(()) } else { self.local.output.write(bytes) }
    }

    /// After `fg`: the shell may have written anything and set any mode, and the window may have another size.
    fn resume(&mut self) -> io::Result<()> {
        self.local.leave();
        self.local.enter()?;
        self.resize()
    }

    /// Draws every cell anew, at the size that the terminal has now.
    fn resize(&mut self) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        self.painter = Painter::new(width, height);
        self.dirty = true;
        Ok(())
    }
}

/// The one question about the past that is out: to ask another is to let go of it.
#[derive(Default)]
struct PastQuestion(Option<(u64, watch::Receiver<PastAnswer>)>);

impl PastQuestion {
    fn ask(&mut self, ticket: u64, answer: watch::Receiver<PastAnswer>) {
        self.0 = Some((ticket, answer));
    }

    /// The next answer; where no question is out, there never is one. May be dropped at any point.
    async fn news(&mut self) -> (u64, Option<PastAnswer>) {
        let Some((ticket, answer)) = &mut self.0 else { return pending().await };
        let ticket = *ticket;
        let news = answer.changed().await.ok().map(|()| answer.borrow_and_update().clone());
        if !matches!(news, Some(PastAnswer::Loading(..))) {
            self.0 = None;
        }
        (ticket, news)
    }
}

/// From a tick at `now` to the next one, given the one before.
fn until_tick(before: Option<Timestamp>, now: Timestamp) -> Duration {
    let passed = before.map_or(1000, |before| (now - before).num_milliseconds());
    let wait = if (1..=1500).contains(&passed) { 1000 - now.millis().rem_euclid(1000) } else { 1000 };
    Duration::from_millis(wait.unsigned_abs())
}

/// Whether a shell with job control has started us, so that there is an `fg`: it gives each job a process group of its
/// own. In the group that leads the session (a terminal's only program) nobody could wake us.
fn has_a_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// An error once nobody is at the other end of the terminal; its input alone does not always tell.
fn hung_up() -> io::Result<()> {
    let stdout = io::stdout();
    let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
    let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut ends, Some(&zero)) {
        Ok(_) if ends[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) => {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::PastPage;

    #[tokio::test]
    async fn of_several_questions_about_the_past_only_the_newest_is_out() {
        let mut question = PastQuestion::default();
        let idle = timeout(Duration::from_millis(5), question.news()).await;
        assert!(idle.is_err(), "nothing is asked, so there is no news");
        let (old, answer) = watch::channel(PastAnswer::Loading(0, 0));
        question.ask(1, answer);
        let (new, answer) = watch::channel(PastAnswer::Loading(0, 0));
        question.ask(2, answer);
        assert!(old.is_closed() && !new.is_closed());
        new.send_replace(PastAnswer::Loading(1, 2));
        assert!(matches!(question.news().await, (2, Some(PastAnswer::Loading(1, 2)))));
        new.send_replace(PastAnswer::Loading(2, 2));
        new.send_replace(PastAnswer::Page(Arc::new(PastPage::Failed("no".to_owned()))));
        assert!(matches!(question.news().await, (2, Some(PastAnswer::Page(_)))), "old progress is no news");
        assert!(new.is_closed(), "it is answered");
    }

    #[tokio::test]
    async fn a_question_that_is_dropped_is_news_as_well() {
        let mut question = PastQuestion::default();
        let (lost, answer) = watch::channel(PastAnswer::Loading(0, 0));
        question.ask(7, answer);
        drop(lost);
        assert!(matches!(question.news().await, (7, None)));
        assert!(timeout(Duration::from_millis(5), question.news()).await.is_err());
    }

    #[test]
    fn ticks_are_at_whole_seconds_and_no_more_often_than_the_clock_moves() {
        let wait = |before: Option<i64>, now| {
            until_tick(before.map(Timestamp::from_millis), Timestamp::from_millis(now)).as_millis()
        };
        assert_eq!(wait(None, 7_250), 750);
        assert_eq!(wait(Some(7_250), 8_002), 998);
        assert_eq!(wait(Some(8_002), 68_002), 1000, "a clock that runs sixty times as fast");
        assert_eq!(wait(Some(7_999), 7_999), 1000, "a clock that stands");
    }
}
