//! Cuts a stream of bytes into lines, in bounded memory.

/// A line, or the news that there was one that was too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Line(Vec<u8>),
    TooLong,
}

/// Holds the line that has begun; of one that is too long, nothing.
#[derive(Debug)]
pub(super) struct Cutter {
    begun: Vec<u8>,
    /// Bytes of the line that has begun, kept or not.
    length: u64,
    most: usize,
    too_long: bool,
}

impl Cutter {
    /// Lines are at most so many bytes, without the line break.
    pub(super) fn new(most: usize) -> Self {
        Self { begun: Vec::new(), length: 0, most, too_long: false }
    }

    /// Takes the next bytes and gives the lines that end in them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], lines: &mut Vec<Cut>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.append(&bytes[..end]);
            bytes = &bytes[end + 1..];
            lines.push(self.take());
        }
        self.append(bytes);
    }

    /// The last line, where no line break ended it.
    pub(super) fn finish(&mut self) -> Option<Cut> {
        (self.too_long || !self.begun.is_empty()).then(|| self.take())
    }

    /// How many bytes have come of a line that has not ended yet.
    pub(super) fn unended(&self) -> u64 {
        self.length
    }

    fn append(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.begun.len() + bytes.len() > self.most {
            self.too_long = true;
            self.begun = Vec::new();
        }
        if !self.too_long {
            self.begun.extend_from_slice(bytes);
        }
    }

    fn take(&mut self) -> Cut {
        self.length = 0;
        let line = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.too_long) { Cut::TooLong } else { Cut::Line(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&str], most: usize) -> Vec<String> {
        let (mut cutter, mut lines) = (Cutter::new(most), Vec::new());
        for chunk in chunks {
            cutter.feed(chunk.as_bytes(), &mut lines);
        }
        lines.extend(cutter.finish());
        let show = |cut| match cut {
            Cut::Line(line) => String::from_utf8(line).unwrap(),
            Cut::TooLong => "(too long)".to_owned(),
        };
        lines.into_iter().map(show).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        assert_eq!(cut(&["one\ntwo\nthr", "ee\n"], 9), ["one", "two", "three"]);
        assert_eq!(cut(&["o", "n", "e", "\n", "\n", "two"], 9), ["one", "", "two"]);
        assert_eq!(cut(&[], 9), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself_only() {
        assert_eq!(
            cut(&["12345\n", "123456\n12", "345678", "9\nok\n"], 5),
            ["12345", "(too long)", "(too long)", "ok"]
        );
        let mut cutter = Cutter::new(5);
        for _ in 0..1000 {
            cutter.feed(&[b'x'; 1000], &mut Vec::new());
        }
        assert_eq!((cutter.begun.capacity(), cutter.unended()), (0, 1_000_000), "nothing of it is kept");
        cutter.feed(b"\nabc", &mut Vec::new());
        assert_eq!(cutter.unended(), 3);
    }
}
