//! What a database answers, without a client library's types: rows of plain cells.
//!
//! Collectors parse answers without a network, so their tests read what a real server once said,
//! kept as tab-separated text in the form of PostgreSQL's `COPY`.

use std::borrow::Cow;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// An integer; a truth value is 0 or 1, a time with zone microseconds since 2000.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text; bytes that are not UTF-8 are replaced.
    Text(String),
}

impl Cell {
    /// The value as a number, also if the server wrote it as text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Null => None,
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The value as an integer, also if the server wrote it as text.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Float(_) | Self::Null => None,
        }
    }

    /// A count: what is not there or below zero is 0.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Float(number) => *number as u64,
            cell => cell.int().and_then(|number| u64::try_from(number).ok()).unwrap_or(0),
        }
    }

    /// The value as text, empty if there is none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
        }
    }
}

/// The rows that one question brought. Every row has as many cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    width: usize,
    cells: Vec<Cell>,
}

impl Answer {
    /// An answer without rows yet.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, cells: Vec::new() }
    }

    /// Adds the next cell of the row under way.
    pub(crate) fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    /// The rows, each a slice of cells.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, Cell> {
        self.cells.chunks_exact(self.width.max(1))
    }

    /// The rows, if they have at least this many cells each; else none.
    pub(crate) fn rows_of(&self, width: usize) -> std::slice::ChunksExact<'_, Cell> {
        let cells: &[Cell] = if self.width < width { &[] } else { &self.cells };
        cells.chunks_exact(self.width.max(1))
    }

    /// Reads rows of tab-separated cells, `\N` for none; as many cells in each as in the first.
    #[must_use]
    pub fn from_tsv(text: &str) -> Self {
        let width = text.lines().next().map_or(0, |line| line.split('\t').count());
        let mut answer = Self::new(width);
        for line in text.lines().filter(|line| line.split('\t').count() == width) {
            line.split('\t').for_each(|cell| answer.push(cell_of(cell)));
        }
        answer
    }
}

fn cell_of(text: &str) -> Cell {
    if text == "\\N" {
        Cell::Null
    } else if let Ok(number) = text.parse() {
        Cell::Int(number)
    } else if let (true, Ok(number)) = (text.starts_with(|c: char| c.is_ascii_digit()), text.parse()) {
        Cell::Float(number)
    } else {
        Cell::Text(text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_answer_is_read_with_its_types() {
        let answer = Answer::from_tsv("1\ta\t\\N\t2.5\nb\\nc\t-1\t\t7\nshort\n");
        let rows: Vec<&[Cell]> = answer.rows().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], [Cell::Int(1), Cell::Text("a".to_owned()), Cell::Null, Cell::Float(2.5)]);
        assert_eq!((rows[1][0].text().as_ref(), rows[1][1].count(), rows[1][1].int()), ("b\nc", 0, Some(-1)));
        assert_eq!(answer.rows_of(5).count(), 0, "an answer that is too narrow has no rows to read");
    }

    #[test]
    fn an_empty_answer_has_no_rows() {
        assert_eq!(Answer::from_tsv("").rows().count(), 0);
        assert_eq!(Answer::default().rows().count(), 0);
    }
}
