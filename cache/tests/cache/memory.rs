//! What is special about the memory backend, and about having none.

use bytes::Bytes;
use hitmark_cache::{CacheLayer, Key, MemoryConfig, OriginError, Source};
use hitmark_schema::exposition::encode;

use crate::support::{DatabaseSaidNo, LONG, Origin, find_metric, metric};

#[tokio::test]
async fn memory_never_holds_more_than_its_capacity() {
    let capacity_bytes = 100_000;
    let cache = CacheLayer::memory(MemoryConfig { capacity_bytes });
    for id in 0..1000 {
        cache.set(&Key::new("big").id(id), Bytes::from(vec![b'x'; 1000]), LONG).await.expect("stored");
    }
    let (entries, size) = (metric(&cache, "cache_entries", &[]), metric(&cache, "cache_size_bytes", &[]));
    assert!(size <= capacity_bytes, "{size} bytes");
    assert!((1..=100).contains(&entries), "{entries} entries of a kilobyte in 100 kB");
}

#[tokio::test]
async fn a_hit_shares_the_bytes_that_were_stored() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    let (key, value) = (Key::new("shared"), Bytes::from(vec![1_u8; 4096]));
    cache.set(&key, value.clone(), LONG).await.expect("stored");
    let hit = cache.get(&key).await.expect("asked").expect("a hit");
    assert_eq!(hit.as_ptr(), value.as_ptr(), "no copy was made");
}

#[tokio::test]
async fn clones_share_one_cache() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    cache.clone().set(&Key::new("a"), Bytes::from("x"), LONG).await.expect("stored");
    assert!(cache.get(&Key::new("a")).await.expect("asked").is_some());
}

#[tokio::test]
async fn off_asks_the_origin_each_time_and_says_so() {
    let (cache, origin, key) = (CacheLayer::off(), Origin::default(), Key::new("a"));
    for _ in 0..3 {
        let served = cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("a value");
        assert_eq!((served.source, served.ttl), (Source::Off, None));
    }
    assert_eq!(origin.calls(), 3);
    cache.set(&key, Bytes::from("x"), LONG).await.expect("ignored");
    assert_eq!(cache.get(&key).await, Ok(None));
    let panicking = || async { panic!("a bug") };
    let error = cache.get_or_set::<_, _, DatabaseSaidNo>(&key, LONG, panicking).await.expect_err("panicked");
    assert!(matches!(error, OriginError::Panicked(_)));
    assert_eq!(metric(&cache, "cache_origin_calls_total", &[("result", "ok")]), 3);
    assert_eq!(find_metric(&cache, "cache_backend_up", &[]), None, "nothing is there to be up");
}

#[tokio::test]
async fn the_families_make_a_page_of_registered_names_only() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    cache.set(&Key::new("a"), Bytes::from("x"), LONG).await.expect("stored");
    let families = cache.families();
    let registered = hitmark_schema::metrics::CACHE;
    assert_eq!(families.len(), registered.len());
    for family in &families {
        assert!(registered.contains(&family.metric), "{}", family.metric.name);
        for sample in &family.samples {
            let names: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, family.metric.labels, "{}", family.metric.name);
        }
    }
    let mut page = String::new();
    encode(&families, &mut page);
    assert!(
        page.contains("cache_operations_total{backend=\"memory\",op=\"set\",result=\"ok\"} 1\n"),
        "{page}"
    );
}
