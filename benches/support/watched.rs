//! The real program in a pseudo-terminal of 200×50.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use std::{fs, io::Read};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

pub const HELPTOP: &str = env!("CARGO_BIN_EXE_helptop");
pub const ROWS: u16 = 50;
pub const COLUMNS: u16 = 200;

/// A program in a terminal that nobody touches.
pub struct Watched {
    pub name: String,
    child: Box<dyn Child + Send + Sync>,
    pub bytes: Arc<AtomicU64>,
    screen: Arc<Mutex<vt100::Parser>>,
    heard: Receiver<()>,
    _terminal: Box<dyn portable_pty::MasterPty + Send>,
}

impl Watched {
    /// Starts it with a config, or with none.
    pub fn start(name: &str, program: &str, arguments: &[&str], config: Option<&Path>) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("HELPTOP_CONFIG", config.unwrap_or(Path::new("")));
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let bytes = Arc::new(AtomicU64::new(0));
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0)));
        let (told, heard) = channel();
        let (counter, shown) = (bytes.clone(), screen.clone());
        thread::spawn(move || {
            let mut chunk = vec![0; 65536];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                counter.fetch_add(read as u64, Ordering::Relaxed);
                shown.lock().unwrap().process(&chunk[..read]);
                let _ = told.send(());
            }
        });
        Self { name: name.to_owned(), child, bytes, screen, heard, _terminal: pair.master }
    }

    pub fn wait_for(&self, text: &str) {
        while !self.screen.lock().unwrap().screen().contents().contains(text) {
            self.heard.recv_timeout(Duration::from_mins(1)).unwrap();
        }
    }

    /// CPU time so far, in clock ticks of 10 ms, and resident memory in MiB.
    pub fn used(&self) -> (u64, f64) {
        let process = format!("/proc/{}", self.child.process_id().unwrap());
        let stat = fs::read_to_string(format!("{process}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        (ticks, resident.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
