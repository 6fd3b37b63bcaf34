//! In which line of the file a key stands, and the words around a syntax error.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line of each key, by its path (`source[0].interval`); a table's is that of its header or first key.
pub(super) type Lines = BTreeMap<String, usize>;

/// The line of each key of a file that is good TOML.
pub(super) fn lines(text: &str, table: &DeTable<'_>) -> Lines {
    let mut walk = Walk { ends: line_ends(text), lines: Lines::new() };
    walk.table("", table);
    walk.lines
}

/// The line, from 1, of a place in a text.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    line_by_ends(&line_ends(text), offset)
}

fn line_ends(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(at, _)| at).collect()
}

fn line_by_ends(ends: &[usize], offset: usize) -> usize {
    ends.partition_point(|&end| end < offset) + 1
}

struct Walk {
    ends: Vec<usize>,
    lines: Lines,
}

impl Walk {
    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.lines.insert(path.clone(), line_by_ends(&self.ends, key.span().start));
            self.value(&path, value);
        }
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(path, table),
            DeValue::Array(array) => {
                for (index, item) in array.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.lines.insert(path.clone(), line_by_ends(&self.ends, item.span().start));
                    self.value(&path, item);
                }
            }
            _ => {}
        }
    }
}
