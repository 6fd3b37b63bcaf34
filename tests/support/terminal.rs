//! A terminal in memory around a real program: types keys, waits for what a person would see, sends signals.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Nothing takes this long, on a busy machine either.
const DEADLINE: Duration = Duration::from_secs(30);

type Shared = Arc<(Mutex<Shown>, Condvar)>;

/// What a program has written so far, and what a person sees of it.
struct Shown {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

/// A terminal with a program in it.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    shown: Shared,
    stop_reading: Arc<AtomicBool>,
    ended: mpsc::Receiver<ExitStatus>,
    pid: Pid,
    _home: Arc<tempfile::TempDir>,
}

fn size((width, height): (u16, u16)) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// Starts a program in a terminal of that size, with an empty home of its own.
    pub fn start(program: &str, arguments: &[&str], cells: (u16, u16)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[], program, arguments, cells)
    }

    /// Starts a program at home, with some variables set otherwise or, as `None`, not at all.
    pub fn start_in(
        home: tempfile::TempDir,
        variables: &[(&str, Option<&str>)],
        program: &str,
        arguments: &[&str],
        cells: (u16, u16),
    ) -> Self {
        Self::start_at(Arc::new(home), variables, program, arguments, cells)
    }

    /// Starts a program at a home that others live in, too.
    pub fn start_at(
        home: Arc<tempfile::TempDir>,
        variables: &[(&str, Option<&str>)],
        program: &str,
        arguments: &[&str],
        cells: (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(size(cells)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        let usual = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("PS1", "ready> "), ("TZ", "UTC")];
        for (name, value) in usual {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path());
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            }
        }
        command.cwd(home.path());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pid = Pid::from_raw(child.process_id().unwrap().cast_signed()).unwrap();
        let (tell, ended) = mpsc::channel();
        thread::spawn(move || tell.send(child.wait().unwrap()));
        let parser = vt100::Parser::new(cells.1.try_into().unwrap(), cells.0.try_into().unwrap(), 0);
        let shown: Shared = Arc::new((Mutex::new(Shown { parser, bytes: Vec::new() }), Condvar::new()));
        let stop_reading = Arc::new(AtomicBool::new(false));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (seen, stop) = (Arc::clone(&shown), Arc::clone(&stop_reading));
        thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                let mut shown = seen.0.lock().unwrap();
                shown.parser.process(&bytes[..read]);
                shown.bytes.extend_from_slice(&bytes[..read]);
                drop(shown);
                seen.1.notify_all();
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            seen.1.notify_all();
        });
        let keys = pair.master.take_writer().unwrap();
        Self { master: pair.master, keys, shown, stop_reading, ended, pid, _home: home }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen is as it should be.
    pub fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut shown = self.shown.0.lock().unwrap();
        while !is_so(shown.parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never seen: {what}\n{}", shown.parser.screen().contents());
            shown = self.shown.1.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Waits until a text is on the screen.
    pub fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// Waits until a text is gone from the screen.
    pub fn wait_gone(&self, text: &str) {
        self.wait(&format!("an end of {text}"), |screen| !screen.contents().contains(text));
    }

    /// What the screen shows.
    pub fn contents(&self) -> String {
        self.shown.0.lock().unwrap().parser.screen().contents()
    }

    /// All that the program has written.
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.0.lock().unwrap().bytes.clone()
    }

    /// The colour behind a cell.
    pub fn background(&self, x: u16, y: u16) -> vt100::Color {
        self.shown.0.lock().unwrap().parser.screen().cell(y, x).unwrap().bgcolor()
    }

    /// Makes the terminal another size.
    pub fn resize(&self, cells: (u16, u16)) {
        let (height, width) = (cells.1.try_into().unwrap(), cells.0.try_into().unwrap());
        self.shown.0.lock().unwrap().parser.screen_mut().set_size(height, width);
        self.master.resize(size(cells)).unwrap();
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Waits for the program to end, and until the terminal is as it was before.
    pub fn end(self) -> ExitStatus {
        let status = self.ended.recv_timeout(DEADLINE).unwrap();
        self.wait("a restored terminal", is_restored);
        status
    }

    /// Closes the window; the program must end by itself.
    pub fn close(self) -> ExitStatus {
        let Self { master, keys, ended, stop_reading, .. } = self;
        stop_reading.store(true, Ordering::SeqCst);
        drop((master, keys));
        ended.recv_timeout(DEADLINE).unwrap()
    }
}

/// Whether nothing is left of what the board did to the terminal.
pub fn is_restored(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && !screen.bracketed_paste()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}
