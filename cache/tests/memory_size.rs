//! That an entry takes the memory that it is counted with. A binary of its own, since it measures the
//! growth of its process.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::Memory;
use hitmark_cache::{Cache, Entry, Key, MemoryConfig, Tag};

const ENTRIES: u64 = 200_000;

/// The memory of the process that is in use, in bytes.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number");
    pages * 4096
}

#[tokio::test]
async fn an_entry_takes_about_what_it_is_counted_with() {
    // All stay until the end, so that none grows into what another gave back.
    let mut filled = Vec::new();
    for tags in [0, 1, 4] {
        let memory = Memory::new(&MemoryConfig { capacity_bytes: 4 << 30 });
        let before = resident_bytes();
        for id in 0..ENTRIES {
            // No two entries share a tag, which takes the most.
            let tags: Vec<Tag> = (0..tags).map(|tag| Tag::new("product").id(id).id(tag)).collect();
            let entry = Entry::fresh_for(Bytes::from(vec![b'x'; 200]), Duration::from_secs(600));
            memory.set(&Key::new("product").id(id), &entry, &tags).await.expect("stored");
        }
        let grown = (resident_bytes() - before) / ENTRIES;
        let counted = memory.state().size_bytes.expect("known") / ENTRIES;
        // The tables grow by doubling, so that the same entry takes more or less as their number grows.
        let may_be = counted * 2 / 3..=counted * 11 / 10;
        assert!(may_be.contains(&grown), "with {tags} tags: {grown} bytes an entry, {counted} are counted");
        filled.push(memory);
    }
}
