//! The header fields of an answer, as they came.
//!
//! A load test reads a handful of fields of each answer and throws the rest away, so a map that
//! hashes every name would be work for nothing: the bytes are kept in one piece, with the places of
//! the fields in it, and a name is looked for by going through them. Both buffers are used again by
//! the next answer.

use hyper::HeaderMap;

/// The header fields of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

/// Where a field stands in the bytes: its name, and then its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    name: (u32, u32),
    value: (u32, u32),
}

impl Headers {
    /// The value of a field that comes first by this name, whose letters' case does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The value of a field that comes last by this name.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next_back()
    }

    /// The first value as text; none if it is not visible ASCII.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(as_text)
    }

    /// All values of a field, in the order in which they came.
    pub fn all<'h, 'n>(&'h self, name: &'n str) -> impl DoubleEndedIterator<Item = &'h [u8]> + use<'h, 'n> {
        let is_meant = move |field: &&Field| {
            (field.name.1 - field.name.0) as usize == name.len()
                && self.at(field.name).eq_ignore_ascii_case(name.as_bytes())
        };
        self.fields.iter().filter(is_meant).map(|field| self.at(field.value))
    }

    /// All values of a field that are visible ASCII.
    pub fn texts<'h, 'n>(&'h self, name: &'n str) -> impl Iterator<Item = &'h str> + use<'h, 'n> {
        self.all(name).filter_map(as_text)
    }

    /// The number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Forgets all fields and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
    }

    /// Appends a field.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let name = self.keep(name);
        let value = self.keep(value);
        self.fields.push(Field { name, value });
    }

    fn keep(&mut self, bytes: &[u8]) -> (u32, u32) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        // A head is bounded far below four gigabytes.
        (from as u32, self.bytes.len() as u32)
    }

    fn at(&self, (from, to): (u32, u32)) -> &[u8] {
        &self.bytes[from as usize..to as usize]
    }
}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let mut headers = Self::default();
        map.iter().for_each(|(name, value)| headers.push(name.as_str().as_bytes(), value.as_bytes()));
        headers
    }
}

impl<'f> FromIterator<(&'f str, &'f str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'f str, &'f str)>>(fields: I) -> Self {
        let mut headers = Self::default();
        fields.into_iter().for_each(|(name, value)| headers.push(name.as_bytes(), value.as_bytes()));
        headers
    }
}

/// Visible ASCII, blanks and tabs; anything else has no meaning that all agree on (RFC 9110 §5.5).
pub(crate) fn as_text(value: &[u8]) -> Option<&str> {
    let is_visible = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    if is_visible { std::str::from_utf8(value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_the_case_of_their_name() {
        let headers: Headers =
            [("Cache-Status", "c; hit"), ("AGE", "3"), ("age", "4"), ("x", "ü")].into_iter().collect();
        assert_eq!(headers.text("cache-status"), Some("c; hit"));
        assert_eq!(headers.texts("Age").collect::<Vec<_>>(), ["3", "4"]);
        assert_eq!((headers.get("x"), headers.text("x")), (Some("ü".as_bytes()), None));
        assert_eq!((headers.get("ag"), headers.len()), (None, 4));
    }

    #[test]
    fn cleared_headers_hold_nothing_of_the_last_answer() {
        let mut headers: Headers = [("etag", "1")].into_iter().collect();
        headers.clear();
        headers.push(b"age", b"2");
        assert_eq!((headers.get("etag"), headers.get("age")), (None, Some(&b"2"[..])));
    }
}
