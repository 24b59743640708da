//! Stack distances: how large an LRU cache must be for a request to hit.
//!
//! Olken's method (1981): every key marks the time of its last request; the distance of a request
//! is the number of marks after its key's own. Marks are bits; a Fenwick tree counts them by block
//! of 512, so the tree stays within the nearest cache and a count costs a dozen steps and eight
//! popcounts. The same is done with bytes: there a block is 64 sizes.

use hitmark_schema::curve::Fenwick;

use super::bytes::ByteBuckets;

const WORD: usize = 64;
const WORDS_PER_BLOCK: usize = 8;
const BLOCK: usize = WORD * WORDS_PER_BLOCK;
/// Sizes in a block of the byte tree.
const SIZES: usize = 64;
const NEVER: u32 = u32::MAX;

/// One request: its key's number and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The number of the key, from 0 without gaps.
    pub id: u32,
    /// The bytes of the object.
    pub size_bytes: u32,
}

/// How often each distance occurred.
#[derive(Debug, Clone, PartialEq)]
pub struct Distances {
    /// `by_entries[d]`: requests that hit an LRU cache of `d` or more entries; index 0 is empty.
    pub by_entries: Vec<u64>,
    /// The same by bytes, in buckets of less than half a percent; none without sizes.
    pub by_bytes: Option<ByteBuckets>,
    /// First requests of a key, which miss whatever the size.
    pub cold: u64,
    /// All requests.
    pub requests: u64,
    /// Bytes of all keys, each with its last size.
    pub footprint_bytes: u64,
}

/// Whether sizes are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// They are known: a curve by byte is made as well.
    Known,
    /// They are not.
    Unknown,
}

/// The distances of a trace over `keys` keys.
#[must_use]
pub fn distances(accesses: &[Access], keys: u32, sizes: Sizes) -> Distances {
    let mut marks = Marks::new(accesses.len());
    let mut weights = (sizes == Sizes::Known).then(|| Weights::new(accesses.len()));
    let mut last = vec![NEVER; keys as usize];
    let mut by_entries = vec![0_u64; keys as usize + 1];
    let mut by_bytes = weights.is_some().then(ByteBuckets::default);
    let mut cold = 0;
    for (now, access) in accesses.iter().enumerate() {
        marks.begin(now);
        let before = std::mem::replace(&mut last[access.id as usize], now as u32);
        if before == NEVER {
            cold += 1;
        } else {
            by_entries[marks.take(before as usize) as usize + 1] += 1;
        }
        marks.set(now);
        if let (Some(weights), Some(by_bytes)) = (&mut weights, &mut by_bytes) {
            if before != NEVER {
                let between = weights.take(before as usize);
                by_bytes.add(between + u64::from(access.size_bytes), access.size_bytes);
            }
            weights.set(now, access.size_bytes);
        }
    }
    let footprint_bytes = weights.map_or(0, |weights| weights.live);
    Distances { by_entries, by_bytes, cold, requests: accesses.len() as u64, footprint_bytes }
}

/// One bit for each time at which some key was asked for last.
struct Marks {
    words: Vec<u64>,
    blocks: Fenwick<u32>,
    /// Marks of the block that is being filled, which the tree does not hold yet.
    open_block: usize,
    open_count: u32,
    live: u32,
}

impl Marks {
    fn new(length: usize) -> Self {
        Self {
            words: vec![0; length.div_ceil(BLOCK).max(1) * WORDS_PER_BLOCK],
            blocks: Fenwick::new(length.div_ceil(BLOCK).max(1)),
            open_block: 0,
            open_count: 0,
            live: 0,
        }
    }

    fn begin(&mut self, now: usize) {
        let block = now / BLOCK;
        if block != self.open_block {
            self.blocks.add(self.open_block, self.open_count);
            self.open_block = block;
            self.open_count = 0;
        }
    }

    fn set(&mut self, now: usize) {
        self.words[now / WORD] |= 1 << (now % WORD);
        self.open_count += 1;
        self.live += 1;
    }

    /// Takes a mark away and counts those after it.
    fn take(&mut self, at: usize) -> u32 {
        let block = at / BLOCK;
        let word = at / WORD;
        self.words[word] &= !(1 << (at % WORD));
        self.live -= 1;
        // The bits above `at`; a shift by all 64 would not be defined, two shifts are.
        let mut after = (self.words[word] >> (at % WORD) >> 1).count_ones();
        let end = (block + 1) * WORDS_PER_BLOCK;
        after += self.words[word + 1..end].iter().map(|word| word.count_ones()).sum::<u32>();
        if block == self.open_block {
            self.open_count -= 1;
            return after;
        }
        self.blocks.subtract(block, 1);
        after + self.live - self.blocks.sum_through(block)
    }
}

/// The size of each key's last request, at the time of it.
struct Weights {
    sizes: Vec<u32>,
    blocks: Fenwick<u64>,
    live: u64,
}

impl Weights {
    fn new(length: usize) -> Self {
        let blocks = length.div_ceil(SIZES).max(1);
        Self { sizes: vec![0; blocks * SIZES], blocks: Fenwick::new(blocks), live: 0 }
    }

    fn set(&mut self, now: usize, size_bytes: u32) {
        self.sizes[now] = size_bytes;
        self.blocks.add(now / SIZES, u64::from(size_bytes));
        self.live += u64::from(size_bytes);
    }

    /// Takes a size away and adds up those after it.
    fn take(&mut self, at: usize) -> u64 {
        let size = u64::from(std::mem::take(&mut self.sizes[at]));
        let block = at / SIZES;
        self.blocks.subtract(block, size);
        self.live -= size;
        let end = (block + 1) * SIZES;
        let near: u64 = self.sizes[at + 1..end].iter().map(|size| u64::from(*size)).sum();
        near + self.live - self.blocks.sum_through(block)
    }
}
