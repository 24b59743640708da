//! The formats of traces: plain keys, CSV, and the binary records of libCacheSim.
//!
//! - plain: one key a line.
//! - csv: with a head that names a column `key` (or `id`, `obj_id`, `object`) and perhaps `size` (or
//!   `bytes`, `obj_size`); without a head `key`, `key,size` or `time,key,size`, by the number of columns.
//! - oracleGeneral: 24 bytes little-endian: `u32` time, `u64` key, `u32` size, `i64` next access.

use std::io::{BufRead, Read};
use std::path::Path;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use super::TraceRequest;

/// Bytes of a line at most: a binary file taken for text must not fill the memory.
const LINE_BYTES_MAX: usize = 1 << 16;
/// Bytes of a binary record.
const RECORD: usize = 24;

/// How a trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// One key a line.
    Plain,
    /// Comma-separated values.
    Csv,
    /// libCacheSim's binary records.
    OracleGeneral,
}

/// The text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no trace format; the formats are plain, csv and oracleGeneral")]
pub struct UnknownFormat(String);

impl FromStr for TraceFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text.to_ascii_lowercase().as_str() {
            "plain" | "txt" => Ok(Self::Plain),
            "csv" => Ok(Self::Csv),
            "oraclegeneral" | "bin" => Ok(Self::OracleGeneral),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

impl TraceFormat {
    /// The format that a file's name tells, compression endings aside; plain if it tells nothing.
    #[must_use]
    pub fn of_name(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let name = [".gz", ".xz", ".zst"].iter().fold(name.as_str(), |name, end| name.trim_end_matches(end));
        match name.rsplit('.').next().unwrap_or_default() {
            "csv" => Self::Csv,
            "bin" => Self::OracleGeneral,
            _ if name.contains("oraclegeneral") => Self::OracleGeneral,
            _ => Self::Plain,
        }
    }
}

/// Why records end early.
#[derive(Debug)]
pub(super) enum Fault {
    Io(std::io::Error),
    Record(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

type Take<'f> = dyn FnMut(TraceRequest<'_>) -> bool + 'f;

pub(super) fn records(
    source: &mut Box<dyn BufRead>,
    format: TraceFormat,
    take: &mut Take<'_>,
) -> Result<(), Fault> {
    match format {
        TraceFormat::OracleGeneral => binary(source, take),
        TraceFormat::Plain => lines(source, &mut |line| Ok(take(request(line, None)))),
        TraceFormat::Csv => {
            let mut columns = None;
            lines(source, &mut |line| {
                let columns = match &columns {
                    Some(columns) => columns,
                    None => {
                        let (found, is_head) = Columns::of_first(line)?;
                        let found = columns.insert(found);
                        if is_head {
                            return Ok(true);
                        }
                        found
                    }
                };
                columns.request(line).map(&mut *take)
            })
        }
    }
}

/// Where key and size stand in a line.
#[derive(Debug, Clone, Copy)]
struct Columns {
    key: usize,
    size: Option<usize>,
}

impl Columns {
    /// From the first line; and whether that line is a head.
    fn of_first(line: &[u8]) -> Result<(Self, bool), Fault> {
        let names: Vec<String> = line
            .split(|byte| *byte == b',')
            .map(|name| String::from_utf8_lossy(name).trim().trim_matches('"').to_ascii_lowercase())
            .collect();
        let place = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
        if let Some(key) = place(&["key", "id", "obj_id", "object", "object_id", "url"]) {
            let size = place(&["size", "bytes", "obj_size", "object_size", "size_bytes"]);
            return Ok((Self { key, size }, true));
        }
        match names.len() {
            1 => Ok((Self { key: 0, size: None }, false)),
            2 => Ok((Self { key: 0, size: Some(1) }, false)),
            3 => Ok((Self { key: 1, size: Some(2) }, false)),
            more => Err(Fault::Record(format!(
                "{more} columns and no head: begin with a line that names the columns 'key' and 'size'"
            ))),
        }
    }

    fn request<'l>(&self, line: &'l [u8]) -> Result<TraceRequest<'l>, Fault> {
        let mut key = None;
        let mut size = None;
        for (place, field) in line.split(|byte| *byte == b',').enumerate() {
            if place == self.key {
                key = Some(field.trim_ascii());
            } else if Some(place) == self.size {
                size = Some(field.trim_ascii());
            }
        }
        let key = key.ok_or_else(|| Fault::Record(format!("no column {} for the key", self.key + 1)))?;
        let size = size.map(|size| number(size).and_then(|size| u32::try_from(size).ok()).ok_or(size));
        match size.transpose() {
            Ok(size) => Ok(request(key, size)),
            Err(size) => Err(Fault::Record(format!(
                "the size must be a whole number up to {}, not '{}'",
                u32::MAX,
                String::from_utf8_lossy(size)
            ))),
        }
    }
}

fn request(text: &[u8], size_bytes: Option<u32>) -> TraceRequest<'_> {
    TraceRequest { key: number(text).unwrap_or_else(|| xxh3_64(text)), text, size_bytes }
}

/// A number that is written as numbers are: digits alone, no zero before them.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    let mut number = 0_u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

/// Hands on each line that is not blank, without its end. Lines inside the buffer are not copied.
fn lines(
    source: &mut Box<dyn BufRead>,
    take: &mut dyn FnMut(&[u8]) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let mut cut = Vec::new();
    let mut hand_on = |line: &[u8]| match line.trim_ascii() {
        [] => Ok(true),
        line => take(line),
    };
    loop {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            return hand_on(&cut).map(|_| ());
        }
        let length = buffer.len();
        let mut from = 0;
        while let Some(end) = buffer[from..].iter().position(|byte| *byte == b'\n') {
            let line = &buffer[from..from + end];
            from += end + 1;
            let goes_on = if cut.is_empty() {
                hand_on(line)?
            } else {
                cut.extend_from_slice(line);
                let goes_on = hand_on(&cut)?;
                cut.clear();
                goes_on
            };
            if !goes_on {
                return Ok(());
            }
        }
        cut.extend_from_slice(&buffer[from..]);
        if cut.len() > LINE_BYTES_MAX {
            return Err(Fault::Record(format!("a line of more than {LINE_BYTES_MAX} bytes; is it text?")));
        }
        source.consume(length);
    }
}

fn binary(source: &mut Box<dyn BufRead>, take: &mut Take<'_>) -> Result<(), Fault> {
    let mut record = [0; RECORD];
    loop {
        let mut filled = 0;
        while filled < RECORD {
            match source.read(&mut record[filled..])? {
                0 if filled == 0 => return Ok(()),
                0 => return Err(Fault::Record(format!("{filled} bytes at the end, a record has {RECORD}"))),
                read => filled += read,
            }
        }
        let field = |from: usize, length: usize| {
            record[from..from + length].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let size = u32::try_from(field(12, 4)).unwrap_or(u32::MAX);
        if !take(TraceRequest { key: field(4, 8), text: &[], size_bytes: Some(size) }) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], format: TraceFormat) -> Result<Vec<(u64, Option<u32>)>, String> {
        let mut seen = Vec::new();
        let mut source: Box<dyn BufRead> = Box::new(std::io::Cursor::new(text.to_vec()));
        records(&mut source, format, &mut |request| {
            seen.push((request.key, request.size_bytes));
            true
        })
        .map(|()| seen)
        .map_err(|fault| format!("{fault:?}"))
    }

    #[test]
    fn a_csv_is_read_by_its_head_or_by_its_number_of_columns() {
        for (text, seen) in [
            ("key,size\n7,100\n8,5\n", vec![(7, Some(100)), (8, Some(5))]),
            ("time,bytes,id\n1,100,7\n", vec![(7, Some(100))]),
            ("7\n8\r\n\n9", vec![(7, None), (8, None), (9, None)]),
            ("7,100\n", vec![(7, Some(100))]),
            ("1,7,100", vec![(7, Some(100))]),
        ] {
            assert_eq!(read(text.as_bytes(), TraceFormat::Csv).unwrap(), seen, "{text}");
        }
        assert!(read(b"1,2,3,4\n", TraceFormat::Csv).unwrap_err().contains("names the columns"));
        assert!(read(b"key,size\n7,big\n", TraceFormat::Csv).unwrap_err().contains("not 'big'"));
        assert!(read(b"a,key\n7\n", TraceFormat::Csv).unwrap_err().contains("no column 2"));
    }

    #[test]
    fn a_key_that_is_no_number_is_its_hash_and_zeros_before_a_number_count() {
        let seen = read(b"abc\n007\n7\nabc\n", TraceFormat::Plain).unwrap();
        assert_eq!(seen[0], seen[3]);
        assert_ne!(seen[1], seen[2]);
        assert_eq!(seen[2].0, 7);
    }

    #[test]
    fn binary_records_are_read_and_a_cut_one_is_reported() {
        let mut bytes = Vec::new();
        for (key, size) in [(u64::MAX - 1, 9_u32), (3, 70_000)] {
            bytes.extend_from_slice(&1_u32.to_le_bytes());
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&size.to_le_bytes());
            bytes.extend_from_slice(&(-2_i64).to_le_bytes());
        }
        assert_eq!(
            read(&bytes, TraceFormat::OracleGeneral).unwrap(),
            [(u64::MAX - 1, Some(9)), (3, Some(70_000))]
        );
        bytes.pop();
        assert!(read(&bytes, TraceFormat::OracleGeneral).unwrap_err().contains("23 bytes at the end"));
    }

    #[test]
    fn the_name_tells_the_format_also_under_compression() {
        for (name, format) in [
            ("a.csv.gz", TraceFormat::Csv),
            ("cluster.oracleGeneral.zst", TraceFormat::OracleGeneral),
            ("a.bin.xz", TraceFormat::OracleGeneral),
            ("keys", TraceFormat::Plain),
            ("keys.txt", TraceFormat::Plain),
        ] {
            assert_eq!(TraceFormat::of_name(Path::new(name)), format, "{name}");
        }
        assert!("arrow".parse::<TraceFormat>().unwrap_err().to_string().contains("oracleGeneral"));
    }
}
