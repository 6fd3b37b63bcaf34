//! The JSON Lines reader: every line is an event or a reject that names line, field and reason.

use std::io::{self, BufRead};

use super::kind::Event;
use super::read::{Keeping, Reject, parse};

/// Longer lines are rejected without being held in memory.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// One line of a stream and what became of it.
#[derive(Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// The event, or why it was skipped.
    pub event: Result<Event, Reject>,
}

/// Reads a stream line by line; blank lines are passed over.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    keeping: Keeping,
}

/// Some lines of a stream that are still to be read, by whichever thread.
#[derive(Debug)]
pub struct Block {
    /// Lines before it.
    before: u64,
    text: Text,
    keeping: Keeping,
}

#[derive(Debug)]
enum Text {
    /// Whole lines.
    Whole(Vec<u8>),
    /// One that had to be put together.
    Read(Line),
}

impl Block {
    /// Reads its lines; blank ones are passed over.
    pub fn lines(self) -> Vec<Line> {
        let text = match self.text {
            Text::Read(line) => return vec![line],
            Text::Whole(text) => text,
        };
        let mut lines = Vec::with_capacity(text.len() / USUAL);
        let mut begin = 0;
        for (newline, number) in memchr::memchr_iter(b'\n', &text).zip(self.before + 1..) {
            let line = &text[begin..newline];
            begin = newline + 1;
            if line.len() >= MAX_LINE_BYTES {
                lines.push(too_long(number));
            } else if !line.trim_ascii().is_empty() {
                lines.push(Line { number, event: parse(line, self.keeping) });
            }
        }
        lines
    }
}

/// Bytes that hardly any line is shorter than.
const USUAL: usize = 100;

impl<R: BufRead> Reader<R> {
    /// Reads from the first line on.
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, keeping: Keeping::Words }
    }

    /// Keeps no words of messages and comments, only their prints.
    #[must_use]
    pub fn without_words(self) -> Self {
        Self { keeping: Keeping::Prints, ..self }
    }

    /// Keeps no words of messages, conversations and customers: what no group and filter by channel, customer or segment
    /// asks for.
    #[must_use]
    pub fn lean(self) -> Self {
        Self { keeping: Keeping::Little, ..self }
    }

    /// The lines that are there without waiting for more, at least one, still to be read; `None` at the end.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        let chunk = loop {
            match self.input.fill_buf() {
                Ok(chunk) => break chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        let before = self.number;
        // The first line may begin with a mark, and one that is not there whole is put together.
        let Some(end) = memchr::memrchr(b'\n', chunk).filter(|_| before > 0) else {
            let line = self.next_line()?;
            return Ok(line.map(|line| Block { before, text: Text::Read(line), keeping: self.keeping }));
        };
        let text = chunk[..=end].to_vec();
        self.number += memchr::memchr_iter(b'\n', &text).count() as u64;
        self.input.consume(end + 1);
        Ok(Some(Block { before, text: Text::Whole(text), keeping: self.keeping }))
    }

    /// The next line that is not blank; `None` at the end.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.buffer.clear();
            let read = self.input.take_line(&mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read > MAX_LINE_BYTES {
                return Ok(Some(too_long(self.number)));
            }
            if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.buffer.drain(..3);
            }
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(Line { number: self.number, event: parse(&self.buffer, self.keeping) }));
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Line>;
    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

trait TakeLine {
    fn take_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
}

impl<R: BufRead> TakeLine for R {
    /// Reads to the end of the line, keeps at most `MAX_LINE_BYTES` of it and tells its whole length.
    fn take_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let mut length = 0;
        loop {
            let chunk = match self.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = memchr::memchr(b'\n', chunk);
            let used = end.map_or(chunk.len(), |at| at + 1);
            if buffer.len() + used <= MAX_LINE_BYTES {
                buffer.extend_from_slice(&chunk[..used]);
            }
            length += used;
            self.consume(used);
            if end.is_some() || used == 0 {
                return Ok(length);
            }
        }
    }
}

fn too_long(number: u64) -> Line {
    let reason = format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20);
    Line { number, event: Err(Reject::Line(reason)) }
}
