//! Lines of a stream, read by a thread of their own while others are worked on.

use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::event::{Line, Reader};

/// So many batches are read ahead: enough to bridge a pause on either side, little enough to stay in the caches.
const AHEAD: usize = 4;
/// Lines of a batch of usual length.
const LINES: usize = 256;

/// The lines of a stream, in order.
///
/// When it is let go before the end, the thread is left alone: it may wait for a terminal that says nothing.
#[derive(Debug)]
pub struct Lines {
    batches: Receiver<io::Result<Vec<Line>>>,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    /// Begins to read.
    pub fn of(reader: Reader<impl BufRead + Send + 'static>) -> io::Result<Self> {
        let (filled, batches) = sync_channel(AHEAD);
        let thread = std::thread::Builder::new().name("reader".to_owned()).spawn(move || fill(reader, &filled))?;
        Ok(Self { batches, thread: Some(thread) })
    }

    /// Some more lines; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Vec<Line>>> {
        if let Ok(batch) = self.batches.recv() {
            return batch.map(Some);
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(())) | None => Ok(None),
        }
    }
}

fn fill(mut reader: Reader<impl BufRead>, filled: &SyncSender<io::Result<Vec<Line>>>) {
    loop {
        let mut lines = Vec::with_capacity(LINES);
        let read = reader.next_lines(&mut lines);
        let is_last = read.is_err() || lines.is_empty();
        if !lines.is_empty() && filled.send(Ok(lines)).is_err() {
            return;
        }
        if let Err(error) = read {
            // Nobody is left to tell where this fails.
            let _ = filled.send(Err(error));
        }
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor, Read};

    /// Gives what it has in small pieces, then an error.
    struct Broken(Cursor<Vec<u8>>);

    impl Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = into.len().min(7);
            match self.0.read(&mut into[..most])? {
                0 => Err(io::Error::other("the disk is gone")),
                read => Ok(read),
            }
        }
    }

    #[test]
    fn every_line_before_an_error_is_there_in_order_with_its_number() {
        let clock = |i: usize| format!("{{\"type\":\"clock\",\"at\":\"2026-03-02T09:00:{:02}Z\"}}\n", i % 60);
        let text: String =
            (1..=5000).map(|i| if i % 1000 == 0 { "{broken\n\n".to_owned() } else { clock(i) }).collect();
        let input = BufReader::with_capacity(4096, Broken(Cursor::new(text.into_bytes())));
        let mut lines = Lines::of(Reader::new(input)).unwrap();
        let mut read = Vec::new();
        let error = loop {
            match lines.next() {
                Ok(Some(batch)) => read.extend(batch),
                Ok(None) => panic!("the error is lost"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.to_string(), "the disk is gone");
        // Five blank lines are counted and passed over.
        let numbers: Vec<_> = read.iter().map(|line| line.number).collect();
        let expected: Vec<u64> = (1..=5005).filter(|number| ![1001, 2002, 3003, 4004, 5005].contains(number)).collect();
        assert_eq!(numbers, expected);
        assert_eq!(read.iter().filter(|line| line.event.is_err()).count(), 5);
    }

    #[test]
    fn whoever_lets_go_early_waits_for_nobody() {
        let (silent, _kept) = std::os::unix::net::UnixStream::pair().unwrap();
        drop(Lines::of(Reader::new(BufReader::new(silent))).unwrap());
    }
}
