//! Bodies as they were before they were compressed. Only bodies that are looked into are decoded;
//! bytes are counted as they cross the wire.

use std::io::Read;

/// Bytes of a decoded body at most: a small body must not become a large one without limit.
const DECODED_MAX: u64 = 64 << 20;

/// The decoded body; `None` if it is broken, too large or in an encoding that is not known.
#[must_use]
pub(crate) fn decoded(encoding: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let read = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Some(body.to_vec()),
        "gzip" | "x-gzip" => {
            flate2::read::MultiGzDecoder::new(body).take(DECODED_MAX + 1).read_to_end(&mut plain)
        }
        "br" => {
            brotli_decompressor::Decompressor::new(body, 4096).take(DECODED_MAX + 1).read_to_end(&mut plain)
        }
        _ => return None,
    };
    (read.is_ok() && plain.len() as u64 <= DECODED_MAX).then_some(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn gzip_is_decoded_and_what_is_broken_or_unknown_is_not() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"hello hello hello").unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(decoded("gzip", &packed).unwrap(), b"hello hello hello");
        assert_eq!(decoded("identity", b"x").unwrap(), b"x");
        assert!(decoded("gzip", &packed[..packed.len() / 2]).is_none());
        assert!(decoded("zstd", &packed).is_none());
    }

    #[test]
    fn brotli_is_decoded() {
        // "hello" as one uncompressed meta-block (RFC 7932 §9.2) and an empty last one.
        let packed = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(decoded("br", &packed).unwrap(), b"hello");
    }
}
