//! What one file holds: the key, the tags, and the entry in its wire form.
//!
//! ```text
//! bytes 0..4   "HMF1"
//! bytes 4..12  checksum: xxh3-64 of bytes 12 up to the entry
//! bytes 12..16 size of the key, big-endian
//! bytes 16..20 size of the tags
//! bytes 20..28 until when the entry is kept, in milliseconds since 1970
//! then         the key, the tags with a line feed between them, the entry
//! ```
//!
//! The head has a checksum of its own, so that a folder is opened without reading values; the
//! entry's checksum is its own.

use std::io::{self, Read, Write};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::clock::UnixMs;
use crate::entry::Entry;
use crate::tag::{MAX_TAGS, Tag};
use crate::wire;

const MAGIC: &[u8; 4] = b"HMF1";
const CHECKED_FROM: usize = 12;
const FIXED_BYTES: usize = 28;
/// More than any head that is written; a damaged size cannot ask for more memory.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// What stands before the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) key: String,
    pub(super) tags: Vec<Box<str>>,
    pub(super) kept_until: UnixMs,
}

impl Head {
    pub(super) fn new(key: &str, entry: &Entry, tags: &[Tag]) -> Self {
        // An escaped tag holds no line feed.
        let tags = tags.iter().take(MAX_TAGS).map(|tag| tag.as_str().into()).collect();
        Self { key: key.to_owned(), tags, kept_until: entry.kept_until }
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let tags = self.tags.join("\n");
        let size = |text: &str| {
            let fits = text.len() <= MAX_TEXT_BYTES;
            u32::try_from(text.len()).ok().filter(|_| fits).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "a key or its tags are larger than 1 MiB")
            })
        };
        let mut head = Vec::with_capacity(FIXED_BYTES + self.key.len() + tags.len());
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&[0; 8]);
        head.extend_from_slice(&size(&self.key)?.to_be_bytes());
        head.extend_from_slice(&size(&tags)?.to_be_bytes());
        head.extend_from_slice(&self.kept_until.0.to_be_bytes());
        head.extend_from_slice(self.key.as_bytes());
        head.extend_from_slice(tags.as_bytes());
        let checksum = xxh3_64(&head[CHECKED_FROM..]);
        head[4..CHECKED_FROM].copy_from_slice(&checksum.to_be_bytes());
        Ok(head)
    }
}

/// Writes a file's content.
pub(super) fn write(head: &Head, entry: &Entry, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&head.bytes()?)?;
    wire::encode(entry, out)
}

/// Reads the head; `None` if it is not one, or not as it was written.
pub(super) fn read_head(file: &mut impl Read) -> io::Result<Option<Head>> {
    let mut fixed = [0; FIXED_BYTES];
    match file.read_exact(&mut fixed) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let number = |at: usize| fixed[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (key_bytes, tags_bytes) = (number(12), number(16));
    if &fixed[..4] != MAGIC || key_bytes.max(tags_bytes) > MAX_TEXT_BYTES {
        return Ok(None);
    }
    let mut checked = fixed[CHECKED_FROM..].to_vec();
    let text_from = checked.len();
    file.by_ref().take((key_bytes + tags_bytes) as u64).read_to_end(&mut checked)?;
    let text = &checked[text_from..];
    if text.len() != key_bytes + tags_bytes || fixed[4..CHECKED_FROM] != xxh3_64(&checked).to_be_bytes() {
        return Ok(None);
    }
    let (key, tags) = text.split_at(key_bytes);
    let (Ok(key), Ok(tags)) = (str::from_utf8(key), str::from_utf8(tags)) else { return Ok(None) };
    let kept_until = fixed[20..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(Some(Head {
        key: key.to_owned(),
        tags: tags.split('\n').filter(|tag| !tag.is_empty()).map(Into::into).collect(),
        kept_until: UnixMs(kept_until),
    }))
}

/// Reads the entry behind a head; `None` if it is damaged.
pub(super) fn read_entry(file: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut stored = Vec::new();
    file.read_to_end(&mut stored)?;
    Ok(wire::decode(Bytes::from(stored)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn record(key: &str, tags: &[&str], value: &'static [u8]) -> (Head, Entry, Vec<u8>) {
        let entry = Entry::fresh_for(Bytes::from_static(value), Duration::from_secs(60));
        let tags: Vec<Tag> = tags.iter().map(|tag| Tag::new(tag)).collect();
        let head = Head::new(key, &entry, &tags);
        let mut file = Vec::new();
        write(&head, &entry, &mut file).expect("a Vec takes all");
        (head, entry, file)
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        for (key, tags) in [("a", &[][..]), ("", &["one"]), ("é:b", &["one", "two\nlines"])] {
            let (head, entry, file) = record(key, tags, b"value");
            let mut rest = &file[..];
            assert_eq!(read_head(&mut rest).expect("no disk"), Some(head));
            assert_eq!(read_entry(&mut rest).expect("no disk"), Some(entry));
        }
    }

    #[test]
    fn every_flip_of_a_bit_is_found_in_the_head_or_in_the_entry() {
        let (_, _, file) = record("product:1", &["lamps"], b"value");
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut rest = &damaged[..];
            let head = read_head(&mut rest).expect("no disk");
            assert!(head.is_none() || read_entry(&mut rest).expect("no disk").is_none(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let ours = [&MAGIC[..], &bytes].concat();
            for file in [bytes, ours] {
                let mut rest = &file[..];
                let _ = read_head(&mut rest).map(|_| read_entry(&mut rest));
            }
        }
    }
}
