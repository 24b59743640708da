//! What is no longer true is gone: by tag, by table, by what follows, and counted.

use bytes::Bytes;
use hitmark_cache::{
    CacheLayer, Cascades, Invalidation, Key, LayerOptions, MemoryConfig, Policy, QueryCache, Source, Tag,
};

use crate::support::{LONG, Origin, metric};

#[tokio::test]
async fn a_tag_removes_its_values_and_an_origin_call_that_would_carry_it() {
    let cache = CacheLayer::memory(MemoryConfig::default());
    let (origin, tag) = (Origin::default(), Tag::new("product").id(7));
    let policy = Policy::ttl(LONG).tag(tag.clone());
    for id in 0..3 {
        cache.fetch(&Key::new("list").id(id), &policy, || origin.returns("x")).await.expect("a value");
    }
    cache.set(&Key::new("other"), Bytes::from("y"), LONG).await.expect("stored");
    assert_eq!(cache.delete_tag(&tag).await, Ok(3));
    assert_eq!(cache.delete_tag(&tag).await, Ok(0));
    assert_eq!(cache.get(&Key::new("list").id(0)).await, Ok(None));
    assert!(cache.get(&Key::new("other")).await.expect("asked").is_some());
    let during = {
        let cache = cache.clone();
        Box::pin(async move { cache.delete_tag(&tag).await })
    };
    let key = Key::new("list").id(0);
    let served = cache.fetch(&key, &policy, || origin.returns_after("old", during)).await.expect("a value");
    assert_eq!(served.source, Source::Origin { stored: false });
    assert_eq!(metric(&cache, "cache_invalidations_total", &[("scope", "tag")]), 3);
    assert_eq!(metric(&cache, "cache_invalidated_keys_total", &[("scope", "tag")]), 3);
    assert_eq!(metric(&cache, "cache_invalidations_empty_total", &[("scope", "tag")]), 2);
    assert_eq!(metric(&cache, "cache_misses_total", &[("reason", "invalidated")]), 1);
}

#[tokio::test]
async fn what_follows_is_removed_too() {
    let mut options = LayerOptions::default();
    options.cascades =
        Cascades::new().rule("key product:{id}", &["pattern product:{id}:*", "tag lists"]).expect("a rule");
    let cache = CacheLayer::memory_with(MemoryConfig::default(), options);
    let product = Key::new("product").id(7);
    let keys = [product.clone(), product.clone().and("shop", 1), Key::new("list"), Key::new("product").id(8)];
    for key in &keys {
        let policy = Policy::ttl(LONG);
        let policy = if key == &keys[2] { policy.tag(Tag::new("lists")) } else { policy };
        cache.put(key, Bytes::from("x"), &policy).await.expect("stored");
    }
    assert_eq!(cache.invalidate(&Invalidation::Key(product)).await, Ok(3));
    assert!(cache.get(&keys[3]).await.expect("asked").is_some());
}

#[tokio::test]
async fn a_commit_invalidates_the_answers_of_its_tables_and_a_rollback_nothing() {
    let layer = CacheLayer::memory(MemoryConfig::default());
    let queries = QueryCache::new(layer.clone());
    let (origin, key, policy) = (Origin::default(), Key::new("q").id(1), Policy::ttl(LONG));
    let ask = || queries.fetch(&key, &policy, &["products", "shops"], || origin.returns("x"));
    ask().await.expect("a value");
    let mut rolled_back = queries.begin();
    rolled_back.table("products");
    drop(rolled_back);
    assert_eq!(ask().await.expect("a value").source, Source::Hit);
    let mut writes = queries.begin();
    writes.table("shops");
    writes.table("users");
    assert_eq!(ask().await.expect("a value").source, Source::Hit, "nothing before the commit");
    assert_eq!(writes.commit().await, Ok(1));
    assert_eq!(ask().await.expect("a value").source, Source::Origin { stored: true });
    assert_eq!(queries.foreign("table products").await, Ok(1));
    assert!(queries.foreign("drop products").await.is_err());
    assert_eq!(origin.calls(), 2);
}
