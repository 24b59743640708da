//! Making large values smaller: LZ4 blocks, for what shrinks.
//!
//! LZ4 and not zstd, since a store pays for the compression once and each hit for the decompression.
//! Lists of products as JSON, on two shared cores (the bench `codec` measures LZ4 again):
//!
//! ```text
//!  value   LZ4 ratio, out, in        zstd 1 ratio, out, in
//!    789 B   0.58   1.0 µs   0.2 µs    0.44   4.5 µs   1.9 µs
//!  1,536 B   0.48   2.6 µs   0.4 µs    0.34  11.4 µs   3.0 µs
//!  6,127 B   0.39   7.8 µs   2.7 µs    0.24  13.7 µs   7.8 µs
//! 48,696 B   0.36  51.8 µs  14.9 µs    0.21  74.0 µs  30.7 µs
//! ```
//!
//! What does not shrink by an eighth is kept as it is.

use bytes::Bytes;
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

/// The largest value that is compressed or decompressed. A damaged or hostile size cannot ask for
/// more memory than this.
const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;
/// No LZ4 block can hold more than this many times its own size: a length byte stands for 255 bytes.
const MAX_RATIO: usize = 255;
/// Bytes of the size before the block.
const SIZE_BYTES: usize = 4;

/// Which values are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Off,
    /// Those of at least this many bytes.
    Above(usize),
}

impl Default for Compression {
    /// From 1 KiB: below it, the ratio is poor and the time is a good part of the lookup's.
    fn default() -> Self {
        Self::Above(1024)
    }
}

impl Compression {
    /// Size and block, if the value is large enough and shrinks by at least an eighth.
    pub(super) fn compress(self, value: &[u8]) -> Option<Vec<u8>> {
        let Self::Above(smallest) = self else { return None };
        if value.len() < smallest || value.len() > MAX_VALUE_BYTES {
            return None;
        }
        let size = u32::try_from(value.len()).ok()?;
        let mut packed = vec![0; SIZE_BYTES + get_maximum_output_size(value.len())];
        packed[..SIZE_BYTES].copy_from_slice(&size.to_be_bytes());
        let written = compress_into(value, &mut packed[SIZE_BYTES..]).ok()?;
        packed.truncate(SIZE_BYTES + written);
        (packed.len() < value.len() - value.len() / 8).then_some(packed)
    }
}

/// The value of size and block; `None` if they are damaged or claim more than a block can hold.
pub(super) fn decompress(packed: &[u8]) -> Option<Bytes> {
    let (size, block) = packed.split_first_chunk::<SIZE_BYTES>()?;
    let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
    if size > MAX_VALUE_BYTES || size > block.len().saturating_mul(MAX_RATIO) {
        return None;
    }
    let mut value = vec![0; size];
    let written = decompress_into(block, &mut value).ok()?;
    (written == size).then(|| value.into())
}
