//! What is special about the file backend: its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::backend::{File, FileConfig, Lookup};
use hitmark_cache::{Cache, CacheError, CacheLayer, Entry, Key, Source, Tag};
use tempfile::TempDir;

use crate::support::{LONG, Origin, eventually};

/// A patient cache in a folder inside this one.
pub(crate) async fn in_folder(folder: &Path) -> CacheLayer {
    CacheLayer::file(config(folder)).await.expect("opened")
}

fn config(folder: &Path) -> FileConfig {
    // A busy machine must not turn a hit into a timeout.
    FileConfig { timeout: Duration::from_secs(20), ..FileConfig::new(folder.join("cache")) }
}

async fn open(folder: &Path) -> File {
    File::open(config(folder)).await.expect("opened")
}

fn entry(value: impl Into<Bytes>) -> Entry {
    Entry::fresh_for(value.into(), LONG)
}

/// Every file below the folder but the lock.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("cache")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("read").map(|file| file.expect("read").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("cache.lock") {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn values_tags_and_dates_survive_a_restart_and_half_written_files_do_not() {
    let folder = TempDir::new().expect("a folder");
    let (key, empty, brief) = (Key::new("product").id(1), Key::new("empty"), Key::new("brief"));
    let written = entry("a lamp");
    {
        let cache = open(folder.path()).await;
        cache.set(&key, &written, &[Tag::new("lamps"), Tag::new("shop").id(7)]).await.expect("stored");
        cache.set(&empty, &entry(""), &[]).await.expect("stored");
        let short = Entry::fresh_for(Bytes::from_static(b"x"), Duration::from_millis(1));
        cache.set(&brief, &short, &[]).await.expect("stored");
    }
    fs::write(folder.path().join("cache/00/unfinished-3"), b"half a").expect("written");
    tokio::time::sleep(Duration::from_millis(5)).await;
    let cache = open(folder.path()).await;
    assert_eq!(cache.get(&key).await, Ok(Lookup::Hit(written)));
    assert!(matches!(cache.get(&empty).await, Ok(Lookup::Hit(entry)) if entry.value.is_empty()));
    assert_eq!(cache.get(&brief).await, Ok(Lookup::Miss), "it expired while the cache was closed");
    assert_eq!(files(folder.path()).len(), 2);
    assert_eq!(cache.state().entries, Some(2));
    assert_eq!(cache.delete_tag(&Tag::new("lamps")).await, Ok(1));
    assert_eq!(cache.delete_tag(&Tag::new("shop").id(7)).await, Ok(0));
    assert_eq!(cache.get(&key).await, Ok(Lookup::Miss));
}

#[tokio::test]
async fn no_key_leaves_the_folder_or_takes_a_name_that_is_no_hash() {
    let folder = TempDir::new().expect("a folder");
    let cache = open(folder.path()).await;
    let long = "x".repeat(5000);
    let hostile =
        ["../../etc/passwd", "/etc/passwd", "..", ".", "", "cache.lock", "a\0b", "CON", "é/😀", &long];
    for part in hostile {
        let key = Key::new(part).id(part);
        cache.set(&key, &entry(part.to_owned()), &[Tag::new(part)]).await.expect("stored");
        assert!(matches!(cache.get(&key).await, Ok(Lookup::Hit(entry)) if entry.value == part), "{part}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "only the cache's own folder");
    let files = files(folder.path());
    assert_eq!(files.len(), hostile.len());
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.len() == 30 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_told_and_removed() {
    let folder = TempDir::new().expect("a folder");
    let (cache, key) = (open(folder.path()).await, Key::new("a"));
    cache.set(&key, &entry("exactly these bytes"), &[Tag::new("t")]).await.expect("stored");
    let path = files(folder.path()).pop().expect("one file");
    let whole = fs::read(&path).expect("read");
    let mut flipped_head = whole.clone();
    flipped_head[20] ^= 1;
    let mut flipped_value = whole.clone();
    flipped_value[whole.len() - 1] ^= 1;
    let damages = [whole[..10].to_vec(), Vec::new(), flipped_head, flipped_value];
    for damage in damages {
        cache.set(&key, &entry("exactly these bytes"), &[Tag::new("t")]).await.expect("stored");
        fs::write(&path, damage).expect("damaged");
        assert_eq!(cache.get(&key).await, Ok(Lookup::Corrupt));
        assert_eq!(cache.get(&key).await, Ok(Lookup::Miss));
        assert!(!path.exists());
        assert_eq!(cache.state().entries, Some(0));
    }
}

#[tokio::test]
async fn a_file_under_the_name_of_another_key_is_not_served() {
    let folder = TempDir::new().expect("a folder");
    let cache = open(folder.path()).await;
    cache.set(&Key::new("mine"), &entry("mine"), &[]).await.expect("stored");
    let mine = files(folder.path()).pop().expect("one file");
    let content = fs::read(&mine).expect("read");
    cache.set(&Key::new("theirs"), &entry("theirs"), &[]).await.expect("stored");
    let theirs = files(folder.path()).into_iter().find(|path| *path != mine).expect("two files");
    fs::write(&theirs, content).expect("written");
    assert_eq!(cache.get(&Key::new("theirs")).await, Ok(Lookup::Miss));
    drop(cache);
    let cache = open(folder.path()).await;
    assert_eq!(cache.state().entries, Some(1), "a file that is not where its key belongs is removed");
}

#[tokio::test]
async fn the_size_is_limited_and_the_least_recently_used_goes_first() {
    let folder = TempDir::new().expect("a folder");
    let capacity_bytes = 10 * 4096;
    let cache = File::open(FileConfig { capacity_bytes, ..config(folder.path()) }).await.expect("opened");
    for id in 0..10 {
        cache.set(&Key::new("item").id(id), &entry("x"), &[]).await.expect("stored");
    }
    assert!(matches!(cache.get(&Key::new("item").id(0)).await, Ok(Lookup::Hit(_))));
    for id in 10..15 {
        cache.set(&Key::new("item").id(id), &entry("x"), &[]).await.expect("stored");
        assert!(cache.state().size_bytes.expect("known") <= capacity_bytes);
    }
    assert!(matches!(cache.get(&Key::new("item").id(0)).await, Ok(Lookup::Hit(_))), "it was used");
    for id in 1..6 {
        assert_eq!(cache.get(&Key::new("item").id(id)).await, Ok(Lookup::Miss), "{id}");
    }
    assert_eq!(files(folder.path()).len(), 10);
    let noise: Vec<u8> = (0..50_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    cache.set(&Key::new("item").id(0), &entry(noise), &[]).await.expect("no error");
    assert_eq!(
        cache.get(&Key::new("item").id(0)).await,
        Ok(Lookup::Miss),
        "too large, and the older is gone"
    );
}

#[tokio::test]
async fn expired_files_are_removed_though_nobody_asks_for_them() {
    let folder = TempDir::new().expect("a folder");
    let cache = open(folder.path()).await;
    let brief = Entry::fresh_for(Bytes::from_static(b"x"), Duration::from_millis(200));
    for id in 0..200 {
        cache.set(&Key::new("brief").id(id), &brief, &[]).await.expect("stored");
    }
    cache.set(&Key::new("lasting"), &entry("y"), &[]).await.expect("stored");
    eventually("the upkeep comes", || async { cache.state().entries == Some(1) }).await;
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_disk_that_refuses_is_an_error_of_the_cache_and_not_of_the_request() {
    let folder = TempDir::new().expect("a folder");
    let (cache, origin, key) = (in_folder(folder.path()).await, Origin::default(), Key::new("a"));
    cache.set(&key, Bytes::from("old"), LONG).await.expect("stored");
    // Without its folders, no file can be made: what a full disk does as well, wherever the test runs.
    for number in 0..=u8::MAX {
        fs::remove_dir_all(folder.path().join(format!("cache/{number:02x}"))).expect("removed");
    }
    assert!(matches!(cache.set(&key, Bytes::from("new"), LONG).await, Err(CacheError::Store(_))));
    let served = cache.get_or_set(&key, LONG, || origin.returns("origin")).await.expect("a value");
    assert_eq!((&served.value[..], served.source), (&b"origin"[..], Source::Origin { stored: false }));
}

#[tokio::test]
async fn a_folder_is_used_by_one_cache_and_only_if_a_cache_made_it() {
    let folder = TempDir::new().expect("a folder");
    let first = open(folder.path()).await;
    let error = File::open(config(folder.path())).await.expect_err("in use");
    assert!(error.to_string().contains("another cache uses it"), "{error}");
    drop(first);
    drop(open(folder.path()).await);

    let foreign = TempDir::new().expect("a folder");
    fs::write(foreign.path().join("letter.txt"), b"dear").expect("written");
    let error = File::open(FileConfig::new(foreign.path())).await.expect_err("foreign");
    assert!(error.to_string().contains("name another folder"), "{error}");
    assert_eq!(fs::read_dir(foreign.path()).expect("read").count(), 1, "nothing was added");
    let under_a_file = FileConfig::new(foreign.path().join("letter.txt/cache"));
    assert!(matches!(File::open(under_a_file).await, Err(CacheError::Open { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_readers_and_deletions_of_a_key_never_meet_half_a_file() {
    let folder = TempDir::new().expect("a folder");
    let cache = Arc::new(open(folder.path()).await);
    let values = ["a".repeat(900), "b".repeat(3000), "c".repeat(20_000)];
    let tasks: Vec<_> = values
        .clone()
        .into_iter()
        .map(|value| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move {
                for round in 0..150 {
                    cache.set(&Key::new("k"), &entry(value.clone()), &[Tag::new("t")]).await.expect("stored");
                    if round % 10 == 0 {
                        cache.delete_tag(&Tag::new("t")).await.expect("deleted");
                    }
                }
            })
        })
        .collect();
    let mut hits = 0;
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        match cache.get(&Key::new("k")).await.expect("asked") {
            Lookup::Hit(entry) => {
                assert!(values.iter().any(|value| entry.value == value));
                hits += 1;
            }
            Lookup::Miss => {}
            Lookup::Corrupt => panic!("half a file was read"),
        }
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    assert!(hits > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_replaced_is_found_all_the_time() {
    let folder = TempDir::new().expect("a folder");
    let cache = Arc::new(open(folder.path()).await);
    let key = Key::new("k");
    cache.set(&key, &entry("first"), &[]).await.expect("stored");
    let writer = {
        let (cache, key) = (Arc::clone(&cache), key.clone());
        tokio::spawn(async move {
            for round in 0..500 {
                cache.set(&key, &entry(format!("{round}")), &[]).await.expect("stored");
            }
        })
    };
    while !writer.is_finished() {
        assert!(matches!(cache.get(&key).await, Ok(Lookup::Hit(_))));
    }
    writer.await.expect("no panic");
}
