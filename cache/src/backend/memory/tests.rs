//! The memory backend from inside: what its index and its janitor hold.

use std::time::Duration;

use bytes::Bytes;

use super::*;

fn entry(ttl: Duration) -> Entry {
    Entry::fresh_for(Bytes::from_static(b"x"), ttl)
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_million_tagged_sets_leave_an_index_no_larger_than_the_cache() {
    let memory = Memory::new(&MemoryConfig { capacity_bytes: 2 * 1024 * 1024 });
    for id in 0..1_000_000_u32 {
        let tags = [Tag::new("shop").id(id % 100), Tag::new("product").id(id)];
        memory.set(&Key::new("p").id(id % 300_000), &entry(LONG), &tags).await.expect("stored");
    }
    let entries = memory.store.entries.len();
    let (tags, members) = memory.store.tags.sizes();
    assert!((1_000..10_000).contains(&entries), "{entries} entries");
    assert_eq!(members, 2 * entries, "each entry is a member of its two tags and no other");
    assert!(tags <= entries + 100, "{tags} tags");
    let mut removed = 0;
    for shop in 0..100 {
        removed += memory.delete_tag(&Tag::new("shop").id(shop)).await.expect("removed");
    }
    assert_eq!(removed, entries as u64);
    assert_eq!(memory.store.tags.sizes(), (0, 0));
}

#[tokio::test]
async fn an_entry_leaves_the_index_however_it_goes() {
    let memory = Memory::new(&MemoryConfig::default());
    let (key, tags) = (Key::new("a"), [Tag::new("t"), Tag::new("u"), Tag::new("t")]);
    for how in ["delete", "pattern", "clear", "overwrite", "lookup after expiry", "sweep", "tag"] {
        let ttl = if how.contains("expiry") || how == "sweep" { Duration::ZERO } else { LONG };
        memory.set(&key, &entry(ttl), &tags).await.expect("stored");
        assert_eq!(memory.store.tags.sizes(), (2, 2), "{how}");
        match how {
            "delete" => assert_eq!(memory.delete(&key).await, Ok(true)),
            "pattern" => assert_eq!(memory.delete_pattern(&"a*".parse().expect("one")).await, Ok(1)),
            "clear" => assert_eq!(memory.clear().await, Ok(1)),
            "overwrite" => memory.set(&key, &entry(LONG), &[]).await.expect("stored"),
            "sweep" => assert_eq!(memory.store.sweep(), 1),
            "tag" => assert_eq!(memory.delete_tag(&tags[0]).await, Ok(1)),
            _ => assert_eq!(memory.get(&key).await, Ok(Lookup::Miss)),
        }
        assert_eq!(memory.store.tags.sizes(), (0, 0), "{how}");
    }
}

#[tokio::test]
async fn an_overwritten_entry_is_no_longer_reached_by_its_old_tag() {
    let memory = Memory::new(&MemoryConfig::default());
    let key = Key::new("a");
    memory.set(&key, &entry(LONG), &[Tag::new("old")]).await.expect("stored");
    memory.set(&key, &entry(LONG), &[Tag::new("new")]).await.expect("stored");
    assert_eq!(memory.delete_tag(&Tag::new("old")).await, Ok(0));
    assert!(matches!(memory.get(&key).await, Ok(Lookup::Hit(_))));
    assert_eq!(memory.delete_tag(&Tag::new("new")).await, Ok(1));
}

/// Writers number their entries; a deletion reads, before it starts, the numbers that are stored, and
/// none of them may be found after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_entry_from_before_a_deletion_of_its_tag_survives_it() {
    let memory = Arc::new(Memory::new(&MemoryConfig::default()));
    let started = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let (memory, started) = (Arc::clone(&memory), Arc::clone(&started));
            tokio::spawn(async move {
                while started.load(Ordering::SeqCst) < 3_000 {
                    for id in 0..8 {
                        // The value is the count of deletions that had begun before this set did.
                        let count = started.load(Ordering::SeqCst).to_be_bytes();
                        let entry = Entry::fresh_for(Bytes::copy_from_slice(&count), LONG);
                        let tags = [Tag::new("all"), Tag::new("writer").id(writer)];
                        memory.set(&Key::new("k").id(id), &entry, &tags).await.expect("stored");
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..3_000 {
        let mut seen = Vec::new();
        for id in 0..8 {
            seen.push(memory.store.entries.get(Key::new("k").id(id).as_str()).map(|kept| kept.generation));
        }
        started.fetch_add(1, Ordering::SeqCst);
        memory.delete_tag(&Tag::new("all")).await.expect("removed");
        for (id, before) in seen.into_iter().enumerate() {
            let after = memory.store.entries.get(Key::new("k").id(id).as_str()).map(|kept| kept.generation);
            assert!(before.is_none() || after != before, "entry {before:?} of key {id} survived");
        }
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(memory.store.tags.sizes().1, 2 * memory.store.entries.len());
}

#[tokio::test]
async fn expired_entries_are_freed_though_nobody_asks_for_them() {
    let memory = Memory::new(&MemoryConfig::default());
    for id in 0..100 {
        memory.set(&Key::new("brief").id(id), &entry(Duration::from_millis(5)), &[]).await.expect("stored");
    }
    memory.set(&Key::new("lasting"), &entry(LONG), &[]).await.expect("stored");
    assert_eq!(memory.state().entries, Some(101));
    for _ in 0..1_000 {
        if memory.state().entries == Some(1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the janitor never came: {:?}", memory.state());
}

#[tokio::test]
async fn an_entry_that_cannot_fit_is_not_stored_and_leaves_no_older_one() {
    let memory = Memory::new(&MemoryConfig { capacity_bytes: 10_000 });
    let (key, tags) = (Key::new("a"), [Tag::new("t")]);
    memory.set(&key, &entry(LONG), &tags).await.expect("stored");
    let huge = Entry::fresh_for(vec![0; 20_000].into(), LONG);
    memory.set(&key, &huge, &tags).await.expect("no error");
    assert_eq!(memory.get(&key).await, Ok(Lookup::Miss));
    assert_eq!(memory.store.tags.sizes(), (0, 0));
}
