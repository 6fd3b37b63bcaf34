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

type Shared = Arc<(Mutex<vt100::Parser>, Condvar)>;

/// A terminal with a program in it.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    shown: Shared,
    stop_reading: Arc<AtomicBool>,
    ended: mpsc::Receiver<ExitStatus>,
    pid: Pid,
    _home: tempfile::TempDir,
}

fn size((width, height): (u16, u16)) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// Starts a program in a terminal of that size, with a home of its own.
    pub fn start(program: &str, arguments: &[&str], cells: (u16, u16)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(size(cells)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("PS1", "ready> ")] {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path());
        command.env_remove("NO_COLOR");
        command.cwd(home.path());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pid = Pid::from_raw(child.process_id().unwrap().cast_signed()).unwrap();
        let (tell, ended) = mpsc::channel();
        thread::spawn(move || tell.send(child.wait().unwrap()));
        let parser = vt100::Parser::new(cells.1.try_into().unwrap(), cells.0.try_into().unwrap(), 0);
        let shown: Shared = Arc::new((Mutex::new(parser), Condvar::new()));
        let stop_reading = Arc::new(AtomicBool::new(false));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (seen, stop) = (Arc::clone(&shown), Arc::clone(&stop_reading));
        thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                seen.0.lock().unwrap().process(&bytes[..read]);
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
        let mut parser = self.shown.0.lock().unwrap();
        while !is_so(parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never seen: {what}\n{}", parser.screen().contents());
            parser = self.shown.1.wait_timeout(parser, left).unwrap().0;
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
        self.shown.0.lock().unwrap().screen().contents()
    }

    /// The colour behind a cell.
    pub fn background(&self, x: u16, y: u16) -> vt100::Color {
        self.shown.0.lock().unwrap().screen().cell(y, x).unwrap().bgcolor()
    }

    /// Makes the terminal another size.
    pub fn resize(&self, cells: (u16, u16)) {
        self.shown.0.lock().unwrap().screen_mut().set_size(cells.1.try_into().unwrap(), cells.0.try_into().unwrap());
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
