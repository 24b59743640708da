//! A reader of structured dictionaries (RFC 9651 §4.2.2), strict as the RFC: one mistake and there
//! is no dictionary. It keeps what directives need: names, integers, booleans, and the fact of
//! other types. Parameters and inner lists are checked and dropped.

/// The value of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// A whole number of at most 15 digits.
    Integer(i64),
    /// `?1`, `?0`, or no value at all.
    Boolean(bool),
    /// A string or a token.
    Text,
    /// A decimal, a date, bytes, a display string, an inner list.
    Other,
}

/// The members in the order of their first appearance, the last value of each name. `None` if the
/// text is no dictionary.
pub(super) fn dictionary(text: &str) -> Option<Vec<(String, Bare)>> {
    let mut reader = Reader { rest: text.trim_matches(' ').as_bytes() };
    let mut members: Vec<(String, Bare)> = Vec::new();
    while !reader.rest.is_empty() {
        let name = reader.key()?;
        let value = if reader.take(b'=') { reader.item_or_list()? } else { Bare::Boolean(true) };
        reader.parameters()?;
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some(member) => member.1 = value,
            None => members.push((name, value)),
        }
        reader.skip(b" \t");
        if reader.rest.is_empty() {
            break;
        }
        if !reader.take(b',') {
            return None;
        }
        reader.skip(b" \t");
        // A comma with nothing after it is a mistake.
        if reader.rest.is_empty() {
            return None;
        }
    }
    Some(members)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.rest.first() == Some(&byte);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.take_while(|byte| bytes.contains(&byte));
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !accept(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn key(&mut self) -> Option<String> {
        let starts_well = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'*';
        self.rest.first().filter(|byte| starts_well(byte))?;
        let key = self
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte));
        String::from_utf8(key.to_vec()).ok()
    }

    fn item_or_list(&mut self) -> Option<Bare> {
        if !self.take(b'(') {
            return self.bare();
        }
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(Bare::Other);
            }
            self.bare()?;
            self.parameters()?;
            if !matches!(self.rest.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip(b" ");
            self.key()?;
            if self.take(b'=') {
                self.bare()?;
            }
        }
        Some(())
    }

    fn bare(&mut self) -> Option<Bare> {
        match *self.rest.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => self.boolean(),
            b'@' => {
                self.take(b'@');
                self.number().filter(|number| matches!(number, Bare::Integer(_))).map(|_| Bare::Other)
            }
            b':' => {
                self.take(b':');
                self.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
                self.take(b':').then_some(Bare::Other)
            }
            b'%' => {
                self.take(b'%');
                self.string().map(|_| Bare::Other)
            }
            byte if byte.is_ascii_alphabetic() || byte == b'*' => {
                self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
                Some(Bare::Text)
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Bare> {
        let sign = if self.take(b'-') { -1 } else { 1 };
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 {
            return None;
        }
        if self.take(b'.') {
            let fraction = self.take_while(|byte| byte.is_ascii_digit());
            return (whole.len() <= 12 && (1..=3).contains(&fraction.len())).then_some(Bare::Other);
        }
        let digits = std::str::from_utf8(whole).ok()?;
        digits.parse::<i64>().ok().map(|number| Bare::Integer(sign * number))
    }

    fn string(&mut self) -> Option<Bare> {
        self.take(b'"').then_some(())?;
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(Bare::Text),
                b'\\' if self.take(b'"') || self.take(b'\\') => {}
                b'\\' => return None,
                0x20..=0x7e => {}
                _ => return None,
            }
        }
    }

    fn boolean(&mut self) -> Option<Bare> {
        self.take(b'?');
        if self.take(b'1') {
            return Some(Bare::Boolean(true));
        }
        self.take(b'0').then_some(Bare::Boolean(false))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_of_every_type_are_told_apart() {
        let text =
            "a=1, b, c=?0, d=\"x\\\"y\", e=tok/en, f=(1 \"b\";q=2), g=1.5, h=:YQ==:, i=@12, j=-7;p;q=\"z\"";
        let read = dictionary(text).expect("a dictionary");
        let values: Vec<_> = read.iter().map(|(_, value)| *value).collect();
        let expected = [
            Bare::Integer(1),
            Bare::Boolean(true),
            Bare::Boolean(false),
            Bare::Text,
            Bare::Text,
            Bare::Other,
            Bare::Other,
            Bare::Other,
            Bare::Other,
            Bare::Integer(-7),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn the_last_of_one_name_counts_and_an_empty_text_has_no_members() {
        assert_eq!(
            dictionary("a=1,\tb, a=2"),
            Some(vec![("a".to_owned(), Bare::Integer(2)), ("b".to_owned(), Bare::Boolean(true)),])
        );
        assert_eq!(dictionary("  "), Some(vec![]));
    }

    #[test]
    fn one_mistake_and_there_is_no_dictionary() {
        for text in [
            "A=1",
            "1a",
            "a=",
            "a = 1",
            "a=1,",
            ",a",
            "a=1 b",
            "a=(1",
            "a=(1\"b\")",
            "a=\"x",
            "a=\"\\n\"",
            "a=1234567890123456",
            "a=1.",
            "a=1.2345",
            "a=-",
            "a=?2",
            "a;B",
            "&&&",
            "a=:x",
            "a=@1.5",
            "a=\u{e9}",
        ] {
            assert_eq!(dictionary(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".*") {
            let _ = dictionary(&text);
        }
    }
}
