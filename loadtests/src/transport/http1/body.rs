//! Where the body of an HTTP/1.1 answer ends, and its bytes without their framing (RFC 9112 §6, §7).
//!
//! Pure: it is given the bytes as they come, in pieces of any size, and says how many of them
//! belong to the body. It does not read from a connection.

use super::Malformed;

/// Digits of a chunk's size at most: 2^60 bytes are more than anybody sends.
const SIZE_DIGITS_MAX: u32 = 15;
/// Bytes of a chunk's extensions, or of all trailers, at most.
const ASIDE_BYTES_MAX: u32 = 16 * 1024;

/// How much of a body is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks, each with its size.
    Chunked(Chunks),
    /// All until the service closes the connection.
    UntilClose,
}

/// Where a chunked body stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    /// Digits of a size, or bytes of an extension or of trailers.
    seen: u32,
    left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataLineEnd,
    TrailerStart,
    Trailer,
    TrailerEnd,
    Done,
}

impl Body {
    /// A chunked body, from its beginning.
    pub(super) const fn chunked() -> Self {
        Self::Chunked(Chunks { at: At::Size, seen: 0, left: 0 })
    }

    /// Whether all of it has come.
    pub(super) const fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => matches!(chunks.at, At::Done),
            Self::UntilClose => false,
        }
    }

    /// Takes what belongs to the body from the front of `bytes` and hands its content on; says how
    /// many bytes it took, framing included.
    pub(super) fn take(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        match self {
            Self::Length(left) => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                content(&bytes[..taken]);
                *left -= taken as u64;
                Ok(taken)
            }
            Self::Chunked(chunks) => chunks.take(bytes, content),
            Self::UntilClose => {
                content(bytes);
                Ok(bytes.len())
            }
        }
    }
}

impl Chunks {
    fn take(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let mut taken = 0;
        while let (false, Some(byte)) = (self.at == At::Done, bytes.get(taken)) {
            if self.at == At::Data {
                let rest = &bytes[taken..];
                let length = usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
                content(&rest[..length]);
                taken += length;
                self.left -= length as u64;
                if self.left == 0 {
                    self.at = At::DataEnd;
                }
            } else {
                self.at = self.framing(*byte)?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// Takes one byte that is not content.
    fn framing(&mut self, byte: u8) -> Result<At, Malformed> {
        match (self.at, byte) {
            (At::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte),
            (At::Size, b'\r') if self.seen > 0 => Ok(At::SizeEnd),
            // Blanks before an extension are bad manners that are borne (RFC 9112 §7.1.1).
            (At::Size, b';' | b' ' | b'\t') if self.seen > 0 => {
                self.seen = 0;
                Ok(At::Extension)
            }
            (At::Extension, b'\r') => Ok(At::SizeEnd),
            (At::Extension, b'\n') => Err(Malformed::Chunk),
            (At::Extension, _) => self.aside(At::Extension),
            (At::SizeEnd, b'\n') => {
                self.seen = 0;
                Ok(if self.left == 0 { At::TrailerStart } else { At::Data })
            }
            (At::DataEnd, b'\r') => Ok(At::DataLineEnd),
            (At::DataLineEnd, b'\n') => Ok(At::Size),
            (At::TrailerStart, b'\r') => Ok(At::TrailerEnd),
            (At::Trailer, b'\n') => Ok(At::TrailerStart),
            (At::TrailerStart, b'\n') => Err(Malformed::Chunk),
            (At::TrailerStart | At::Trailer, _) => self.aside(At::Trailer),
            (At::TrailerEnd, b'\n') => Ok(At::Done),
            _ => Err(Malformed::Chunk),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<At, Malformed> {
        self.seen += 1;
        if self.seen > SIZE_DIGITS_MAX {
            return Err(Malformed::Chunk);
        }
        let digit = (byte as char).to_digit(16).ok_or(Malformed::Chunk)?;
        self.left = self.left << 4 | u64::from(digit);
        Ok(At::Size)
    }

    /// Passes over a byte that says nothing about the body.
    fn aside(&mut self, at: At) -> Result<At, Malformed> {
        self.seen += 1;
        if self.seen > ASIDE_BYTES_MAX { Err(Malformed::Chunk) } else { Ok(at) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The content, whether the body is done, and the bytes that were left over.
    fn read(mut body: Body, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, usize), Malformed> {
        let (mut content, mut left) = (Vec::new(), 0);
        for piece in pieces {
            left += piece.len() - body.take(piece, |bytes| content.extend_from_slice(bytes))?;
        }
        Ok((content, body.is_done(), left))
    }

    fn chunked(bytes: &[u8]) -> Result<(Vec<u8>, bool, usize), Malformed> {
        read(Body::chunked(), &[bytes])
    }

    #[test]
    fn a_length_takes_so_many_bytes_and_no_more() {
        assert_eq!(read(Body::Length(3), &[b"ab", b"cd"]), Ok((b"abc".to_vec(), true, 1)));
        assert_eq!(read(Body::Length(3), &[b"ab"]), Ok((b"ab".to_vec(), false, 0)));
        assert_eq!(read(Body::Length(0), &[b"x"]), Ok((Vec::new(), true, 1)));
        assert_eq!(read(Body::UntilClose, &[b"ab", b"cd"]), Ok((b"abcd".to_vec(), false, 0)));
    }

    #[test]
    fn chunks_are_joined_and_their_framing_is_left_out() {
        let whole = |text: &str| Ok((text.as_bytes().to_vec(), true, 0));
        assert_eq!(chunked(b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"), whole("abc0123456789abcdef"));
        assert_eq!(chunked(b"0\r\n\r\n"), whole(""));
        assert_eq!(chunked(b"1;name=\"v\"\r\na\r\n00 \r\n\r\n"), whole("a"));
        assert_eq!(chunked(b"A\r\n0123456789\r\n0\r\nEtag: 1\r\nX: y\r\n\r\n"), whole("0123456789"));
        assert_eq!(chunked(b"1\r\na\r\n0\r\n\r\nHTTP/1.1"), Ok((b"a".to_vec(), true, 8)));
        assert_eq!(chunked(b"5\r\nab"), Ok((b"ab".to_vec(), false, 0)));
    }

    #[test]
    fn framing_that_is_wrong_is_refused() {
        for wrong in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-1\r\n",
            b"1\na\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n0\r\n\r\n",
            b"1\r\na\r\nG\r\n",
            b"1;a\nb",
            b"0\r\n\r\r",
            b"0\r\n\n",
            b"1000000000000000\r\n",
        ] {
            let told = chunked(wrong);
            assert_eq!(told, Err(Malformed::Chunk), "{}", String::from_utf8_lossy(wrong));
        }
        let endless = [b"1;".to_vec(), vec![b'a'; 20_000]].concat();
        assert_eq!(chunked(&endless), Err(Malformed::Chunk));
        let trailers = [b"0\r\n".to_vec(), b"a: b\r\n".repeat(5_000)].concat();
        assert_eq!(chunked(&trailers), Err(Malformed::Chunk));
    }

    proptest! {
        #[test]
        fn a_chunked_body_reads_the_same_however_it_is_cut(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
            trailer in any::<bool>(),
        ) {
            let mut sent = Vec::new();
            for chunk in &chunks {
                sent.extend(format!("{:X}\r\n", chunk.len()).into_bytes());
                sent.extend(chunk);
                sent.extend(b"\r\n");
            }
            sent.extend(if trailer { &b"0\r\nx-sum: 1\r\n\r\n"[..] } else { &b"0\r\n\r\n"[..] });
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(sent.len())).collect();
            places.extend([0, sent.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &sent[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(Body::chunked(), &pieces), Ok((chunks.concat(), true, 0)));
        }
    }
}
