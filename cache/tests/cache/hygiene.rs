//! Who may see what, what may be kept, and warming.

use bytes::Bytes;
use hitmark_cache::{
    CacheLayer, Dimension, Key, KeyScope, LeakMatrix, MemoryConfig, Policy, WarmItem, Warmed, probe_leaks,
};

use crate::support::{DatabaseSaidNo, LONG};

const MATRIX: LeakMatrix<'_> = LeakMatrix {
    tenants: &["1", "1:locale:de", "2", "*"],
    locales: &["de", "en", "de:encoding:gzip"],
    encodings: &["gzip", "br", ""],
};

#[tokio::test]
async fn a_key_that_carries_all_leaks_nothing_and_one_that_forgets_is_found_out() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    let policy = Policy::ttl(LONG);
    let whole = |scope: &KeyScope| {
        scope
            .key(Key::new("page"), &Dimension::ALL[..1])
            .and_then(|key| scope.key(key, &[Dimension::Locale, Dimension::Encoding]))
    };
    let key_of = |scope: &KeyScope| whole(scope).expect("all is known");
    assert_eq!(probe_leaks(&cache, MATRIX, &policy, key_of).await, Ok(Vec::new()));
    for forgotten in [Dimension::Tenant, Dimension::Locale, Dimension::Encoding] {
        let kept = [Dimension::Tenant, Dimension::Locale, Dimension::Encoding];
        let kept: Vec<_> = kept.into_iter().filter(|dimension| *dimension != forgotten).collect();
        let key_of =
            |scope: &KeyScope| scope.key(Key::new("bad").id(forgotten.as_str()), &kept).expect("known");
        let leaks = probe_leaks(&cache, MATRIX, &policy, key_of).await.expect("asked");
        assert!(!leaks.is_empty(), "{forgotten:?}");
    }
}

#[tokio::test]
async fn warming_tells_what_became_of_each() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    cache.set(&Key::new("w").id(0), Bytes::from("there"), LONG).await.expect("stored");
    let items = (0..10).map(|id| WarmItem {
        key: Key::new("w").id(id),
        policy: Policy::ttl(LONG),
        origin: move || async move { if id == 9 { Err(DatabaseSaidNo(9)) } else { Ok(Bytes::from("new")) } },
    });
    let mut seen = Vec::new();
    let warmed = cache.warm(items, 3, |progress| seen.push(progress.done())).await;
    assert_eq!(warmed, Warmed { loaded: 8, present: 1, failed: 1 });
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn bytes_that_are_no_value_of_the_type_are_fetched_anew() {
    let (cache, key) = (CacheLayer::memory(MemoryConfig::default()), Key::new("typed"));
    cache.set(&key, Bytes::from_static(&[0xff]), LONG).await.expect("stored");
    let origin = || std::future::ready(Ok::<_, DatabaseSaidNo>("text".to_owned()));
    for _ in 0..2 {
        let text: String = cache.fetch_typed(&key, &Policy::ttl(LONG), origin).await.expect("a value");
        assert_eq!(text, "text");
    }
}
