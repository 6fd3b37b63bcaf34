//! Lines of a stream, read by threads of their own while others are worked on.

use std::io::{self, BufRead};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::event::{Block, Line, Reader};

/// So many blocks of each thread are read ahead: enough to bridge a pause on either side, little enough to stay in the
/// caches.
const AHEAD: usize = 4;
/// Threads that read lines at most; what is done with the lines takes a core, too.
const MOST: usize = 4;

/// The lines of a stream, in order: one thread cuts it into blocks, which go to the others by turns, and come from
/// them by turns.
///
/// When it is let go before the end, the threads are left alone: the first may wait for a terminal that says nothing.
#[derive(Debug)]
pub struct Lines {
    read: Vec<Receiver<io::Result<Vec<Line>>>>,
    turn: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Lines {
    /// Begins to read.
    pub fn of(reader: Reader<impl BufRead + Send + 'static>) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        let spawn = |work: Box<dyn FnOnce() + Send>| thread::Builder::new().name("reader".to_owned()).spawn(work);
        let (mut cut, mut read, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (blocks, received) = sync_channel::<io::Result<Block>>(AHEAD);
            let (lines, receiver) = sync_channel(AHEAD);
            threads.push(spawn(Box::new(move || {
                // Whoever listened may have gone; then the one who cuts finds nobody, too.
                let mut blocks = received.into_iter().map(|block| block.map(Block::lines));
                let _ = blocks.try_for_each(|block| lines.send(block));
            }))?);
            cut.push(blocks);
            read.push(receiver);
        }
        threads.push(spawn(Box::new(move || deal(reader, &cut)))?);
        Ok(Self { read, turn: 0, threads })
    }

    /// Some more lines, or none of a block of blank ones; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Vec<Line>>> {
        if let Ok(lines) = self.read[self.turn].recv() {
            self.turn = (self.turn + 1) % self.read.len();
            return lines.map(Some);
        }
        self.read.iter_mut().for_each(|read| *read = sync_channel(0).1);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok(None)
    }
}

/// Deals the blocks of a stream out, up to its end or an error.
fn deal(mut reader: Reader<impl BufRead>, to: &[SyncSender<io::Result<Block>>]) {
    for to in to.iter().cycle() {
        let block = match reader.next_block() {
            Ok(Some(block)) => Ok(block),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let is_last = block.is_err();
        if to.send(block).is_err() || is_last {
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
