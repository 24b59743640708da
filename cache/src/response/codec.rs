//! Records as bytes: what a backend keeps. Lengths come before everything, so that reading is total:
//! bytes that are no record are `None`, which is a miss. Checksums are the backend's business.

use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::entry::Entry;
use super::index::Index;

/// The first byte of every record; other layouts get another.
const LAYOUT: u8 = 1;
const ENTRY: u8 = b'e';
const INDEX: u8 = b'i';
const VOID: u8 = b'v';

/// What may stand under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// A response.
    Entry(Entry),
    /// The representations of a URI.
    Index(Index),
    /// What was asked of the origin until then is void.
    Void(SystemTime),
}

/// An entry as bytes.
pub(super) fn entry(entry: &Entry) -> Bytes {
    let mut out = BytesMut::with_capacity(512 + entry.body.len());
    out.put_slice(&[LAYOUT, ENTRY]);
    out.put_u16(entry.status.as_u16());
    let since_epoch = entry.received.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    out.put_u64(millis(since_epoch));
    out.put_u64(millis(entry.initial_age));
    out.put_u64(micros(entry.asked));
    put_count(&mut out, entry.selected_by.len());
    for (field, value) in &entry.selected_by {
        put(&mut out, field.as_str().as_bytes());
        out.put_u8(u8::from(value.is_some()));
        put(&mut out, value.as_deref().unwrap_or_default().as_bytes());
    }
    put_count(&mut out, entry.headers.len());
    for (name, value) in &entry.headers {
        put(&mut out, name.as_str().as_bytes());
        put(&mut out, value.as_bytes());
    }
    out.put_slice(&entry.body);
    out.freeze()
}

/// An index as bytes.
pub(super) fn index(index: &Index) -> Bytes {
    let mut out = BytesMut::with_capacity(64 + 16 * index.representations.len());
    out.put_slice(&[LAYOUT, INDEX]);
    out.put_u64(index.generation);
    put_count(&mut out, index.sets.len());
    for set in &index.sets {
        put_count(&mut out, set.len());
        for field in set {
            put(&mut out, field.as_str().as_bytes());
        }
    }
    put_count(&mut out, index.representations.len());
    for representation in &index.representations {
        out.put_u128(*representation);
    }
    out.freeze()
}

/// The note of an invalidation as bytes.
pub(super) fn void(at: SystemTime) -> Bytes {
    let mut out = BytesMut::with_capacity(10);
    out.put_slice(&[LAYOUT, VOID]);
    out.put_u64(micros(at));
    out.freeze()
}

/// Reads a record; the body shares the bytes.
pub(super) fn read(bytes: Bytes) -> Option<Record> {
    let mut input = Input(bytes);
    if input.u8()? != LAYOUT {
        return None;
    }
    match input.u8()? {
        ENTRY => read_entry(input).map(Record::Entry),
        INDEX => read_index(input).map(Record::Index),
        VOID => {
            let since = Duration::from_micros(input.u64()?);
            SystemTime::UNIX_EPOCH.checked_add(since).map(Record::Void)
        }
        _ => None,
    }
}

fn read_entry(mut input: Input) -> Option<Entry> {
    let status = StatusCode::from_u16(u16::from_be_bytes(input.array()?)).ok()?;
    let received = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(input.u64()?))?;
    let initial_age = Duration::from_millis(input.u64()?);
    let asked = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(input.u64()?))?;
    let mut selected_by = Vec::new();
    for _ in 0..input.count()? {
        let field = input.name()?;
        let is_present = input.u8()? == 1;
        let value = input.piece()?;
        selected_by
            .push((field, if is_present { Some(String::from_utf8(value.to_vec()).ok()?) } else { None }));
    }
    let mut headers = HeaderMap::new();
    for _ in 0..input.count()? {
        let name = input.name()?;
        headers.append(name, HeaderValue::from_maybe_shared(input.piece()?).ok()?);
    }
    Some(Entry { status, headers, received, initial_age, asked, selected_by, body: input.0 })
}

fn read_index(mut input: Input) -> Option<Index> {
    let mut index = Index { generation: input.u64()?, sets: Vec::new(), representations: Vec::new() };
    for _ in 0..input.count()? {
        let mut set = Vec::new();
        for _ in 0..input.count()? {
            set.push(input.name()?);
        }
        index.sets.push(set);
    }
    for _ in 0..input.count()? {
        index.representations.push(u128::from_be_bytes(input.array()?));
    }
    Some(index)
}

fn micros(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn put_count(out: &mut BytesMut, count: usize) {
    out.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
}

fn put(out: &mut BytesMut, piece: &[u8]) {
    put_count(out, piece.len());
    out.put_slice(piece);
}

struct Input(Bytes);

impl Input {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.0.len()).then(|| self.0.split_to(length))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.as_ref().try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn count(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn piece(&mut self) -> Option<Bytes> {
        let length = usize::try_from(self.count()?).ok()?;
        self.take(length)
    }

    fn name(&mut self) -> Option<HeaderName> {
        HeaderName::from_bytes(&self.piece()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            status in 200_u16..=599, at_ms in 0_u64..4_000_000_000_000, age_ms in 0_u64..1_000_000_000,
            fields in proptest::collection::vec(("[a-z-]{1,12}", "[ -~]{0,20}"), 0..6),
            value in proptest::option::of("[ -~]{0,20}"), body: Vec<u8>,
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in &fields {
                headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_str(value).expect("a value"));
            }
            let written = Entry {
                status: StatusCode::from_u16(status).expect("a status"), headers,
                received: SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms),
                initial_age: Duration::from_millis(age_ms),
                asked: SystemTime::UNIX_EPOCH + Duration::from_micros(at_ms),
                selected_by: vec![(http::header::ACCEPT, value)], body: body.into(),
            };
            prop_assert_eq!(read(entry(&written)), Some(Record::Entry(written)));
        }

        #[test]
        fn an_index_is_read_back(generation: u64, representations in proptest::collection::vec(any::<u128>(), 0..9)) {
            let written = Index { generation, sets: vec![vec![], vec![http::header::ACCEPT, http::header::COOKIE]], representations };
            prop_assert_eq!(read(index(&written)), Some(Record::Index(written)));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, kind in prop_oneof![Just(ENTRY), Just(INDEX), Just(VOID)]) {
            let mut record = vec![LAYOUT, kind];
            record.extend(bytes);
            let _ = read(record.into());
        }
    }
}
