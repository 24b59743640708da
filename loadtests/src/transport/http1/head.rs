//! The head of an HTTP/1.1 answer, and what it says of the body and the connection (RFC 9112 §6.3, §9.3).
//!
//! Pure: bytes in, a head out, or the wish for more bytes.

use std::mem::MaybeUninit;

use httparse::{ParserConfig, Response, Status};

use super::body::Body;
use super::{Asked, Malformed};
use crate::transport::headers::Headers;

/// Fields of a head at most.
const FIELDS_MAX: usize = 100;

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Its length in bytes.
    pub(super) length: usize,
    pub(super) body: Body,
    /// The service lets the connection be used again.
    pub(super) keep_alive: bool,
}

/// What the fields say of the body and the connection.
#[derive(Debug, Default)]
struct Framing {
    length: Option<u64>,
    has_transfer_encoding: bool,
    is_chunked: bool,
    close: bool,
    keep_alive: bool,
}

/// Reads a head from the front of `bytes` and its fields into `headers`; none while it is incomplete.
pub(super) fn read(bytes: &[u8], asked: Asked, headers: &mut Headers) -> Result<Option<Head>, Malformed> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(Malformed::Head(error)),
    };
    let (Some(status), Some(version)) = (response.code, response.version) else { return Ok(None) };
    headers.clear();
    let mut framing = Framing::default();
    for field in response.headers.iter() {
        framing.take(field.name, field.value)?;
        headers.push(field.name.as_bytes(), field.value);
    }
    let is_old = version == 0;
    let keep_alive = !framing.close && (!is_old || framing.keep_alive);
    Ok(Some(Head { status, length, body: framing.body(status, is_old, asked)?, keep_alive }))
}

impl Framing {
    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Malformed> {
        // Few names have these lengths: most fields are passed over by one comparison.
        match name.len() {
            10 if name.eq_ignore_ascii_case("connection") => {
                self.close |= has_word(value, b"close");
                self.keep_alive |= has_word(value, b"keep-alive");
            }
            14 if name.eq_ignore_ascii_case("content-length") => self.announce(value)?,
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                self.has_transfer_encoding = true;
                // The last coding frames the message.
                self.is_chunked = value.rsplit(|byte| *byte == b',').next().is_some_and(is_chunked);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes a length: one number, or the same one several times (RFC 9110 §8.6).
    fn announce(&mut self, value: &[u8]) -> Result<(), Malformed> {
        for part in value.split(|byte| *byte == b',') {
            let length = number(part.trim_ascii()).ok_or(Malformed::Length)?;
            if self.length.is_some_and(|known| known != length) {
                return Err(Malformed::Length);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn body(&self, status: u16, is_old: bool, asked: Asked) -> Result<Body, Malformed> {
        if asked == Asked::Head || matches!(status, 100..=199 | 204 | 304) {
            return Ok(Body::Length(0));
        }
        if self.has_transfer_encoding {
            // HTTP/1.0 knows no codings: such a message is a sign of smuggling (RFC 9112 §6.1).
            return match (is_old, self.is_chunked) {
                (true, _) => Err(Malformed::Length),
                (false, true) => Ok(Body::chunked()),
                (false, false) => Ok(Body::UntilClose),
            };
        }
        Ok(self.length.map_or(Body::UntilClose, Body::Length))
    }
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

fn has_word(value: &[u8], word: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word))
}

/// A number of digits alone: no sign, no blank.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Head>, Malformed> {
        read(text.as_bytes(), Asked::Other, &mut Headers::default())
    }

    fn body_of(fields: &str) -> Result<Body, Malformed> {
        head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).map(|head| head.unwrap().body)
    }

    #[test]
    fn the_body_ends_where_the_head_says() {
        for (fields, body) in [
            ("Content-Length: 5\r\n", Body::Length(5)),
            ("CONTENT-LENGTH:0\r\n", Body::Length(0)),
            ("content-length: 5, 5\r\ncontent-length: 5\r\n", Body::Length(5)),
            ("Transfer-Encoding: Chunked\r\n", Body::chunked()),
            ("transfer-encoding: gzip, chunked\r\ncontent-length: 9\r\n", Body::chunked()),
            ("transfer-encoding: gzip\r\n", Body::UntilClose),
            ("", Body::UntilClose),
        ] {
            assert_eq!(body_of(fields), Ok(body), "{fields:?}");
        }
        for fields in [
            "content-length: 5, 6\r\n",
            "content-length: -1\r\n",
            "content-length: 5\r\ncontent-length: x\r\n",
            "content-length: \r\n",
            "content-length: 99999999999999999999\r\n",
        ] {
            assert_eq!(body_of(fields), Err(Malformed::Length), "{fields:?}");
        }
        assert_eq!(head("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Err(Malformed::Length));
    }

    #[test]
    fn answers_that_have_no_body_have_none_whatever_they_announce() {
        for status in [100, 103, 204, 304] {
            let text = format!("HTTP/1.1 {status} x\r\ncontent-length: 5\r\n\r\n");
            assert_eq!(head(&text).unwrap().unwrap().body, Body::Length(0), "{status}");
        }
        let text = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        let asked = read(text, Asked::Head, &mut Headers::default());
        assert_eq!(asked.unwrap().unwrap().body, Body::Length(0));
    }

    #[test]
    fn a_connection_lives_on_unless_it_is_said_or_old() {
        for (version, fields, keep_alive) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "connection: x, CLOSE\r\n", false),
            ("1.1", "connection: closed\r\n", true),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
        ] {
            let text = format!("HTTP/{version} 200 OK\r\ncontent-length: 0\r\n{fields}\r\n");
            assert_eq!(head(&text).unwrap().unwrap().keep_alive, keep_alive, "{version} {fields:?}");
        }
    }

    #[test]
    fn a_head_is_complete_with_its_last_byte_and_not_before() {
        let text = "HTTP/1.1 200 Fine with me\r\nX-A: b\r\ncontent-length: 2\r\n\r\n";
        for length in 0..text.len() {
            assert_eq!(head(&text[..length]), Ok(None), "{length}");
        }
        let mut headers = Headers::default();
        let whole = read(format!("{text}ab").as_bytes(), Asked::Other, &mut headers).unwrap().unwrap();
        assert_eq!((whole.status, whole.length, headers.text("x-a")), (200, text.len(), Some("b")));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        ] {
            assert!(matches!(head(text), Err(Malformed::Head(_))), "{text:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX + 1));
        assert!(matches!(head(&many), Err(Malformed::Head(_))));
    }
}
