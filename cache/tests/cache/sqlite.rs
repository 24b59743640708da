//! What is special about the SQLite backend: its file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::{Lookup, OnDamage, Sqlite, SqliteConfig};
use hitmark_cache::{Cache, CacheError, CacheLayer, Entry, Key, Tag};
use tempfile::TempDir;

use crate::support::{LONG, eventually};

/// A patient cache in a file of this folder.
pub(crate) async fn in_folder(folder: &Path) -> CacheLayer {
    CacheLayer::sqlite(config(folder)).await.expect("opened")
}

fn config(folder: &Path) -> SqliteConfig {
    // A busy machine must not turn a hit into a timeout.
    SqliteConfig { timeout: Duration::from_secs(20), ..SqliteConfig::new(folder.join("cache.db")) }
}

async fn open(folder: &Path) -> Sqlite {
    Sqlite::open(config(folder)).await.expect("opened")
}

fn entry(value: impl Into<Bytes>) -> Entry {
    Entry::fresh_for(value.into(), LONG)
}

async fn value(cache: &Sqlite, key: &Key) -> Option<Bytes> {
    match cache.get(key).await.expect("asked") {
        Lookup::Hit(entry) => Some(entry.value),
        _ => None,
    }
}

#[tokio::test]
async fn values_tags_and_dates_survive_a_restart() {
    let folder = TempDir::new().expect("a folder");
    let (key, empty, brief) = (Key::new("product").id(1), Key::new("empty"), Key::new("brief"));
    let written = entry("a lamp");
    {
        let cache = open(folder.path()).await;
        cache.set(&key, &written, &[Tag::new("lamps")]).await.expect("stored");
        cache.set(&empty, &entry(""), &[]).await.expect("stored");
        let short = Entry::fresh_for(Bytes::from_static(b"x"), Duration::from_millis(1));
        cache.set(&brief, &short, &[]).await.expect("stored");
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    let cache = open(folder.path()).await;
    assert_eq!(cache.get(&key).await, Ok(Lookup::Hit(written)));
    assert_eq!(value(&cache, &empty).await, Some(Bytes::new()));
    assert_eq!(cache.get(&brief).await, Ok(Lookup::Miss), "it expired while the cache was closed");
    assert_eq!(cache.delete_tag(&Tag::new("lamps")).await, Ok(1));
    assert_eq!(cache.get(&key).await, Ok(Lookup::Miss));
}

#[tokio::test]
async fn expired_entries_leave_the_file_though_nobody_asks_for_them() {
    let folder = TempDir::new().expect("a folder");
    let cache = open(folder.path()).await;
    let brief = Entry::fresh_for(Bytes::from_static(b"x"), Duration::from_millis(300));
    for id in 0..1200 {
        cache.set(&Key::new("brief").id(id), &brief, &[Tag::new("t")]).await.expect("stored");
    }
    cache.set(&Key::new("lasting"), &entry("y"), &[]).await.expect("stored");
    eventually("the upkeep comes", || async { cache.state().entries == Some(1) }).await;
    assert_eq!(cache.categories().await.expect("read").len(), 1);
}

#[tokio::test]
async fn the_size_is_limited_and_the_least_recently_used_goes_first() {
    let folder = TempDir::new().expect("a folder");
    let capacity_bytes = 40_000;
    let cache = Sqlite::open(SqliteConfig { capacity_bytes, ..config(folder.path()) }).await.expect("opened");
    let key = |id: usize| Key::new("item").id(id);
    for id in 0..10 {
        // Values that do not shrink: 1,000 bytes are below the size from which they are compressed.
        cache.set(&key(id), &entry(vec![b'x'; 1000]), &[]).await.expect("stored");
    }
    // A use is noted when it is a second later than the last.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(value(&cache, &key(3)).await.is_some());
    for id in 10..36 {
        cache.set(&key(id), &entry(vec![b'x'; 1000]), &[]).await.expect("stored");
        assert!(cache.state().size_bytes.expect("known") <= capacity_bytes);
    }
    assert_eq!(value(&cache, &key(0)).await, None);
    assert!(value(&cache, &key(3)).await.is_some(), "it was used after the others of its age");
    assert!(value(&cache, &key(35)).await.is_some());
    cache.set(&key(35), &entry(vec![7; 1_000_000]), &[]).await.expect("no error");
    let noise: Vec<u8> = (0..100_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    cache.set(&key(35), &entry(noise), &[]).await.expect("no error");
    assert_eq!(value(&cache, &key(35)).await, None, "too large to keep, and the older value is gone");
}

#[tokio::test]
async fn categories_count_what_they_hold() {
    let folder = TempDir::new().expect("a folder");
    let cache = open(folder.path()).await;
    for id in 0..7 {
        cache.set(&Key::new("product").id(id), &entry("x"), &[]).await.expect("stored");
    }
    cache.set(&Key::new("user").id(1), &entry(vec![b'x'; 900]), &[]).await.expect("stored");
    cache.set(&Key::new("user").id(1), &entry("smaller"), &[]).await.expect("stored");
    cache.delete(&Key::new("product").id(0)).await.expect("deleted");
    let categories = cache.categories().await.expect("read");
    let counts: Vec<_> = categories.iter().map(|c| (c.name.as_str(), c.entries)).collect();
    assert_eq!(counts, [("product", 6), ("user", 1)]);
    let state = cache.state();
    assert_eq!(state.entries, Some(7));
    assert_eq!(state.size_bytes, Some(categories.iter().map(|c| c.size_bytes).sum()));
    assert_eq!(cache.clear().await, Ok(7));
    assert_eq!(cache.categories().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_damaged_value_is_told_and_removed() {
    let folder = TempDir::new().expect("a folder");
    let key = Key::new("a");
    let cache = open(folder.path()).await;
    cache.set(&key, &entry("exactly these bytes"), &[]).await.expect("stored");
    let file = rusqlite::Connection::open(folder.path().join("cache.db")).expect("opened");
    let flip = "UPDATE entry SET value = CAST(replace(CAST(value AS TEXT), 'these', 'those') AS BLOB)";
    let halve = "UPDATE entry SET value = substr(value, 1, length(value) - 1)";
    for (damage, expected) in [(halve, Lookup::Corrupt), (flip, Lookup::Corrupt)] {
        cache.set(&key, &entry("exactly these bytes"), &[]).await.expect("stored");
        assert_eq!(file.execute(damage, []).expect("damaged"), 1);
        assert_eq!(cache.get(&key).await, Ok(expected));
        assert_eq!(cache.get(&key).await, Ok(Lookup::Miss));
        assert_eq!(cache.state().entries, Some(0));
    }
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside_or_refused_as_chosen() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("cache.db");
    fs::write(&path, b"this is no database, and longer than the header of one would be".repeat(100))
        .expect("written");
    let refusing = SqliteConfig { on_damage: OnDamage::Fail, ..config(folder.path()) };
    let error = Sqlite::open(refusing).await.expect_err("refused");
    assert!(matches!(&error, CacheError::Open { path, .. } if path.ends_with("cache.db")), "{error}");
    assert!(error.to_string().contains("remove it"), "{error}");

    let cache = open(folder.path()).await;
    cache.set(&Key::new("a"), &entry("x"), &[]).await.expect("stored");
    let names = fs::read_dir(folder.path()).expect("read").map(|file| file.expect("read").file_name());
    let aside = names.filter(|name| name.to_string_lossy().contains(".damaged-")).count();
    assert_eq!(aside, 1, "what was there is kept");
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("cache.db");
    let theirs = rusqlite::Connection::open(&path).expect("opened");
    theirs.execute_batch("CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (7)").expect("written");
    let error = Sqlite::open(config(folder.path())).await.expect_err("refused");
    assert!(error.to_string().contains("another program"), "{error}");
    let order: i64 = theirs.query_row("SELECT id FROM orders", [], |row| row.get(0)).expect("still there");
    assert_eq!(order, 7);
    let nowhere = SqliteConfig::new(folder.path().join("no/such/folder/cache.db"));
    assert!(matches!(Sqlite::open(nowhere).await, Err(CacheError::Open { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_share_a_file_while_both_write() {
    let folder = TempDir::new().expect("a folder");
    let (one, two) = (Arc::new(open(folder.path()).await), Arc::new(open(folder.path()).await));
    let tasks: Vec<_> = [&one, &two]
        .into_iter()
        .enumerate()
        .map(|(writer, cache)| {
            let cache = Arc::clone(cache);
            tokio::spawn(async move {
                for id in 0..200 {
                    let key = Key::new("k").id(writer).id(id);
                    cache.set(&key, &entry(format!("{id}")), &[Tag::new("all")]).await.expect("stored");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    for id in 0..200 {
        assert_eq!(value(&one, &Key::new("k").id(1).id(id)).await, Some(Bytes::from(format!("{id}"))));
    }
    assert_eq!(two.delete_tag(&Tag::new("all")).await, Ok(400));
    assert_eq!(value(&one, &Key::new("k").id(0).id(0)).await, None);
}
