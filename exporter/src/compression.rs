//! Pages made small with gzip.
//!
//! It is apart from the routes because the compressor is kept: its tables are 200 KiB, and asking the
//! system for them and giving them back cost a tenth of what compressing a page does. Format: RFC 1952.

use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, FlushCompress, Status};

/// Most compressors that are kept; further pages at the same time make their own.
const KEPT_MAX: usize = 2;
/// The window in bits. What repeats in a page stands close together: 4 KiB instead of 32 cost a hundredth of
/// the bytes and spare a third of the tables.
const WINDOW_BITS: u8 = 12;

/// Compresses pages one after another.
#[derive(Debug, Default)]
pub(crate) struct Gzip {
    kept: Mutex<Vec<Compress>>,
}

impl Gzip {
    /// The page in gzip, or nothing if the library fails, which it does not for bytes in memory.
    pub(crate) fn compress(&self, page: &[u8]) -> Option<Vec<u8>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // Level 1: the next levels save a few percent of the bytes for twice the time.
        let mut compress = kept.unwrap_or_else(|| Compress::new_gzip(Compression::new(1), WINDOW_BITS));
        let mut bytes = Vec::with_capacity(page.len() / 5 + 64);
        loop {
            let taken = usize::try_from(compress.total_in()).ok()?;
            match compress.compress_vec(page.get(taken..)?, &mut bytes, FlushCompress::Finish).ok()? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => bytes.reserve(page.len() / 5 + 64),
            }
        }
        compress.reset();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(compress);
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_one_after_another_come_back_whole(
            pages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60_000), 1..6),
        ) {
            let gzip = Gzip::default();
            for page in pages {
                let bytes = gzip.compress(&page).unwrap();
                let mut back = Vec::new();
                GzDecoder::new(bytes.as_slice()).read_to_end(&mut back).unwrap();
                prop_assert_eq!(back, page);
            }
            prop_assert_eq!(gzip.kept.lock().unwrap().len(), 1);
        }
    }
}
