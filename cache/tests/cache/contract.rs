//! What holds for every backend that stores. Each rule is a function of a layer, and the list below
//! makes it a test on each backend.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hitmark_cache::{CacheLayer, Key, OriginError, Pattern, Source};
use tokio::sync::{Semaphore, oneshot};

use crate::support::{DatabaseSaidNo, LONG, Origin, eventually, metric, operations};

macro_rules! on_every_backend {
    ($($rule:ident),* $(,)?) => {
        mod memory {
            use hitmark_cache::{CacheLayer, MemoryConfig};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    super::$rule(CacheLayer::memory(MemoryConfig::default())).await;
                }
            )*
        }
        mod sqlite {
            use tempfile::TempDir;
            use crate::sqlite::in_folder;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let folder = TempDir::new().expect("a folder");
                    super::$rule(in_folder(folder.path()).await).await;
                }
            )*
        }
        mod file {
            use tempfile::TempDir;
            use crate::file::in_folder;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let folder = TempDir::new().expect("a folder");
                    super::$rule(in_folder(folder.path()).await).await;
                }
            )*
        }
        mod redis {
            use crate::redis::patient;
            use hitmark_testkit::RedisServer;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let server = RedisServer::start().await.expect("redis-server starts");
                    super::$rule(patient(&server).await).await;
                }
            )*
        }
        mod tiered {
            use crate::tiered::patient;
            use hitmark_testkit::RedisServer;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let server = RedisServer::start().await.expect("redis-server starts");
                    super::$rule(patient(&server).await).await;
                }
            )*
        }
        /// One Cluster for all rules, each in a namespace of its own.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_it_holds_on_a_cluster() {
            let cluster = hitmark_testkit::RedisCluster::start().await.expect("redis-server starts");
            $( $rule(crate::cluster::patient(&cluster, stringify!($rule)).await).await; )*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_it_holds_for_copies_before_a_cluster() {
            let cluster = hitmark_testkit::RedisCluster::start().await.expect("redis-server starts");
            $( $rule(crate::cluster::patient_tiered(&cluster, stringify!($rule)).await).await; )*
        }
    };
}

on_every_backend![
    one_hundred_concurrent_misses_make_one_origin_call,
    nobody_calls_the_origin_for_what_was_stored_a_moment_ago,
    a_falsy_value_is_a_hit,
    a_value_expires_and_says_before_when,
    a_ttl_of_zero_stores_nothing_and_a_huge_one_is_no_error,
    a_deleted_key_is_gone_and_says_whether_it_was_there,
    a_pattern_deletes_only_what_it_names,
    clear_leaves_nothing,
    an_origin_error_reaches_everyone_and_is_not_cached,
    a_panic_of_the_origin_is_an_error_for_everyone,
    a_cancelled_leader_does_not_hang_those_who_wait,
    a_deletion_during_the_origin_call_keeps_the_old_value_out,
    a_set_during_the_origin_call_wins,
    a_follower_with_another_error_type_still_gets_the_error,
    the_counts_of_a_script_are_exact,
];

async fn one_hundred_concurrent_misses_make_one_origin_call(cache: CacheLayer) {
    let (origin, gate) = (Origin::default(), Arc::new(Semaphore::new(0)));
    let key = Key::new("hot").id(1);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (cache, key, origin, gate) = (cache.clone(), key.clone(), origin.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let opened = async move { gate.acquire().await.map(drop) };
                cache.get_or_set(&key, LONG, || origin.returns_after("x", opened)).await
            })
        })
        .collect();
    // The gate opens when all have missed, so that nobody can be served by a hit.
    eventually("100 misses", || async { operations(&cache, "get", "miss") == 100 }).await;
    gate.add_permits(100);
    let mut sources = Vec::new();
    for caller in callers {
        let served = caller.await.expect("no panic").expect("a value");
        assert_eq!(served.value, "x");
        assert!(served.ttl.is_some_and(|ttl| ttl <= LONG));
        sources.push(served.source);
    }
    assert_eq!(origin.calls(), 1);
    assert_eq!(sources.iter().filter(|source| **source == Source::Origin { stored: true }).count(), 1);
    assert_eq!(sources.iter().filter(|source| **source == Source::Collapsed).count(), 99);
    assert_eq!(metric(&cache, "cache_origin_coalesced_total", &[]), 99);
    assert_eq!(metric(&cache, "cache_origin_calls_total", &[("result", "ok")]), 1);
}

/// Without a gate: some callers miss before the value is stored and are ready to lead after it.
async fn nobody_calls_the_origin_for_what_was_stored_a_moment_ago(cache: CacheLayer) {
    for round in 0..100 {
        let (origin, key) = (Origin::default(), Key::new("burst").id(round));
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let (cache, key, origin) = (cache.clone(), key.clone(), origin.clone());
                tokio::spawn(async move { cache.get_or_set(&key, LONG, || origin.returns("x")).await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.expect("no panic").expect("a value").value, "x");
        }
        assert_eq!(origin.calls(), 1, "round {round}");
    }
}

async fn a_falsy_value_is_a_hit(cache: CacheLayer) {
    for falsy in ["", "0", "null", "false", "[]", "{}", "\0"] {
        let (origin, key) = (Origin::default(), Key::new("falsy").id(falsy));
        let first = cache.get_or_set(&key, LONG, || origin.returns(falsy)).await.expect("a value");
        let again = cache.get_or_set(&key, LONG, || origin.returns("never asked")).await.expect("a value");
        assert_eq!((first.source, again.source), (Source::Origin { stored: true }, Source::Hit), "{falsy:?}");
        assert_eq!(again.value, falsy);
        assert_eq!(cache.get(&key).await, Ok(Some(Bytes::from(falsy))));
        assert_eq!(origin.calls(), 1);
    }
}

async fn a_value_expires_and_says_before_when(cache: CacheLayer) {
    let (origin, key, ttl) = (Origin::default(), Key::new("brief"), Duration::from_millis(400));
    cache.set(&key, Bytes::from("old"), ttl).await.expect("stored");
    let hit = cache.get_or_set(&key, ttl, || origin.returns("new")).await.expect("a value");
    if hit.source == Source::Hit {
        assert!(hit.ttl.is_some_and(|left| left <= ttl), "{:?}", hit.ttl);
    }
    eventually("the value expires", || async { cache.get(&key).await == Ok(None) }).await;
    let served = cache.get_or_set(&key, LONG, || origin.returns("new")).await.expect("a value");
    assert_eq!(served.value, "new");
    assert_eq!(served.source, Source::Origin { stored: true });
    // The longer life of an overwritten entry counts, not the one that it had first.
    let hit = cache.get_or_set(&key, LONG, || origin.returns("newer")).await.expect("a value");
    assert!(hit.ttl.is_some_and(|left| left > ttl), "{:?}", hit.ttl);
}

async fn a_ttl_of_zero_stores_nothing_and_a_huge_one_is_no_error(cache: CacheLayer) {
    let (origin, key) = (Origin::default(), Key::new("zero"));
    let served = cache.get_or_set(&key, Duration::ZERO, || origin.returns("x")).await.expect("a value");
    assert_eq!(served.source, Source::Origin { stored: false });
    assert_eq!(served.ttl, None);
    assert_eq!(cache.get(&key).await, Ok(None));
    cache.set(&key, Bytes::from("x"), Duration::MAX).await.expect("stored");
    assert_eq!(cache.get(&key).await, Ok(Some(Bytes::from("x"))));
    cache.set(&key, Bytes::from("x"), Duration::from_micros(999)).await.expect("removed");
    assert_eq!(cache.get(&key).await, Ok(None));
}

async fn a_deleted_key_is_gone_and_says_whether_it_was_there(cache: CacheLayer) {
    let key = Key::new("product").id(1);
    cache.set(&key, Bytes::from("x"), LONG).await.expect("stored");
    assert_eq!(cache.delete(&key).await, Ok(true));
    assert_eq!(cache.get(&key).await, Ok(None));
    assert_eq!(cache.delete(&key).await, Ok(false));
}

async fn a_pattern_deletes_only_what_it_names(cache: CacheLayer) {
    let product = Key::new("product").id(456);
    let (gone, kept): (Vec<Key>, Vec<Key>) = (
        (0..2500).map(|shop| product.clone().and("shop", shop)).collect(),
        vec![
            product.clone(),
            Key::new("product").id(4567).and("shop", 1),
            Key::new("product").id("456:shop"),
            Key::new("shop").id(1).and("product", 456),
        ],
    );
    for key in gone.iter().chain(&kept) {
        cache.set(key, Bytes::from("x"), LONG).await.expect("stored");
    }
    let starred = Pattern::under(&Key::new("product").id("*"));
    assert_eq!(cache.delete_pattern(&starred).await, Ok(0), "a star in a part is a letter");
    assert_eq!(cache.delete_pattern(&Pattern::under(&product)).await, Ok(2500));
    for key in &gone {
        assert_eq!(cache.get(key).await, Ok(None), "{key}");
    }
    for key in &kept {
        assert!(cache.get(key).await.expect("asked").is_some(), "{key}");
    }
    assert_eq!(metric(&cache, "cache_invalidated_keys_total", &[("scope", "pattern")]), 2500);
    assert_eq!(metric(&cache, "cache_invalidations_empty_total", &[("scope", "pattern")]), 1);
}

async fn clear_leaves_nothing(cache: CacheLayer) {
    for id in 0..1500 {
        cache.set(&Key::new("any").id(id), Bytes::from("x"), LONG).await.expect("stored");
    }
    cache.clear().await.expect("cleared");
    for id in 0..1500 {
        assert_eq!(cache.get(&Key::new("any").id(id)).await, Ok(None));
    }
    assert_eq!(metric(&cache, "cache_invalidated_keys_total", &[("scope", "all")]), 1500);
    cache.clear().await.expect("cleared again");
    assert_eq!(metric(&cache, "cache_invalidations_empty_total", &[("scope", "all")]), 1);
}

async fn an_origin_error_reaches_everyone_and_is_not_cached(cache: CacheLayer) {
    let (origin, gate, key) = (Origin::default(), Arc::new(Semaphore::new(0)), Key::new("failing"));
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let (cache, key, origin, gate) = (cache.clone(), key.clone(), origin.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let opened = async move { gate.acquire().await.map(drop) };
                cache.get_or_set(&key, LONG, || origin.fails_after(opened)).await
            })
        })
        .collect();
    eventually("10 misses", || async { operations(&cache, "get", "miss") == 10 }).await;
    gate.add_permits(10);
    for caller in callers {
        let error = caller.await.expect("no panic").expect_err("the origin failed");
        assert_eq!(error.failed(), Some(&DatabaseSaidNo(1)));
    }
    assert_eq!(origin.calls(), 1);
    let served = cache.get_or_set(&key, LONG, || origin.returns("back")).await.expect("a value");
    assert_eq!(served.source, Source::Origin { stored: true });
    assert_eq!(metric(&cache, "cache_origin_calls_total", &[("result", "error")]), 1);
}

async fn a_panic_of_the_origin_is_an_error_for_everyone(cache: CacheLayer) {
    let (gate, key) = (Arc::new(Semaphore::new(0)), Key::new("panicking"));
    let callers: Vec<_> = (0..5)
        .map(|_| {
            let (cache, key, gate) = (cache.clone(), key.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let origin = || async move {
                    let _opened = gate.acquire().await;
                    panic!("a bug in the origin");
                };
                cache.get_or_set::<_, _, DatabaseSaidNo>(&key, LONG, origin).await
            })
        })
        .collect();
    eventually("5 misses", || async { operations(&cache, "get", "miss") == 5 }).await;
    gate.add_permits(5);
    for caller in callers {
        let error = caller.await.expect("no panic here").expect_err("the origin panicked");
        assert!(matches!(&error, OriginError::Panicked(message) if &**message == "a bug in the origin"));
    }
    // A panic before the future exists is the same news.
    let early = || -> std::future::Ready<Result<Bytes, DatabaseSaidNo>> { panic!("too early") };
    let error = cache.get_or_set(&key, LONG, early).await.expect_err("panicked");
    assert!(matches!(error, OriginError::Panicked(message) if &*message == "too early"));
    assert_eq!(metric(&cache, "cache_origin_calls_total", &[("result", "panic")]), 2);
}

async fn a_cancelled_leader_does_not_hang_those_who_wait(cache: CacheLayer) {
    let (origin, key) = (Origin::default(), Key::new("hot").id(2));
    let (open, opened) = oneshot::channel::<()>();
    let leader = {
        let (cache, key, origin) = (cache.clone(), key.clone(), origin.clone());
        tokio::spawn(async move {
            cache
                .get_or_set(&key, LONG, || origin.returns_after("x", opened))
                .await
                .map(|served| served.source)
        })
    };
    eventually("the origin is called", || async { origin.calls() == 1 }).await;
    let follower = {
        let (cache, key, origin) = (cache.clone(), key.clone(), origin.clone());
        tokio::spawn(async move { cache.get_or_set(&key, LONG, || origin.returns("never asked")).await })
    };
    eventually("the follower missed", || async { operations(&cache, "get", "miss") == 2 }).await;
    leader.abort();
    assert!(leader.await.expect_err("aborted").is_cancelled());
    open.send(()).expect("the origin call lives on");
    let served = follower.await.expect("no panic").expect("a value");
    assert_eq!((&served.value[..], served.source), (&b"x"[..], Source::Collapsed));
    assert_eq!(cache.get(&key).await, Ok(Some(Bytes::from("x"))), "the orphan's value was stored");
    assert_eq!(origin.calls(), 1);
}

async fn a_deletion_during_the_origin_call_keeps_the_old_value_out(cache: CacheLayer) {
    let product = Key::new("product").id(7);
    let key = product.clone().and("shop", 1);
    for how in ["delete", "pattern", "clear", "zero ttl"] {
        let (origin, (open, opened)) = (Origin::default(), oneshot::channel::<()>());
        let early = {
            let (cache, key, origin) = (cache.clone(), key.clone(), origin.clone());
            tokio::spawn(
                async move { cache.get_or_set(&key, LONG, || origin.returns_after("old", opened)).await },
            )
        };
        eventually("the origin is called", || async { origin.calls() == 1 }).await;
        match how {
            "delete" => assert_eq!(cache.delete(&key).await, Ok(false)),
            "pattern" => assert_eq!(cache.delete_pattern(&Pattern::under(&product)).await, Ok(0)),
            "clear" => cache.clear().await.expect("cleared"),
            _ => cache.set(&key, Bytes::new(), Duration::ZERO).await.expect("removed"),
        }
        open.send(()).expect("the origin waits");
        let early = early.await.expect("no panic").expect("a value");
        assert_eq!(early.source, Source::Origin { stored: false }, "{how}");
        assert_eq!(cache.get(&key).await, Ok(None), "{how}");
    }
}

async fn a_set_during_the_origin_call_wins(cache: CacheLayer) {
    let (origin, key, (open, opened)) = (Origin::default(), Key::new("user").id(1), oneshot::channel::<()>());
    let early = {
        let (cache, key, origin) = (cache.clone(), key.clone(), origin.clone());
        tokio::spawn(
            async move { cache.get_or_set(&key, LONG, || origin.returns_after("old", opened)).await },
        )
    };
    eventually("the origin is called", || async { origin.calls() == 1 }).await;
    cache.set(&key, Bytes::from("new"), LONG).await.expect("stored");
    open.send(()).expect("the origin waits");
    early.await.expect("no panic").expect("a value");
    let kept = cache.get(&key).await.expect("asked");
    assert_ne!(kept, Some(Bytes::from("old")), "the older value must not replace the newer");
}

async fn a_follower_with_another_error_type_still_gets_the_error(cache: CacheLayer) {
    let (origin, key, (open, opened)) = (Origin::default(), Key::new("shared"), oneshot::channel::<()>());
    let leader = {
        let (cache, key, origin) = (cache.clone(), key.clone(), origin.clone());
        tokio::spawn(async move { cache.get_or_set(&key, LONG, || origin.fails_after(opened)).await })
    };
    eventually("the origin is called", || async { origin.calls() == 1 }).await;
    let follower = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move {
            let origin = || async { Err::<Bytes, _>(std::io::Error::other("never asked")) };
            cache.get_or_set(&key, LONG, origin).await
        })
    };
    eventually("the follower missed", || async { operations(&cache, "get", "miss") == 2 }).await;
    open.send(()).expect("the origin waits");
    assert!(leader.await.expect("no panic").is_err());
    let error = follower.await.expect("no panic").expect_err("shared");
    assert!(matches!(&error, OriginError::FailedElsewhere(_)), "{error}");
    assert_eq!(error.to_string(), "the origin failed: the database said no, call 1");
}

async fn the_counts_of_a_script_are_exact(cache: CacheLayer) {
    let (origin, key) = (Origin::default(), Key::new("a").id(1));
    for _ in 0..3 {
        cache.get_or_set(&key, LONG, || origin.returns("x")).await.expect("a value");
    }
    cache.get(&Key::new("absent")).await.expect("asked");
    cache.set(&Key::new("b"), Bytes::from("y"), LONG).await.expect("stored");
    cache.delete(&Key::new("b")).await.expect("asked");
    cache.delete(&Key::new("b")).await.expect("asked");
    cache.delete_pattern(&Pattern::under(&Key::new("a"))).await.expect("asked");
    cache.clear().await.expect("asked");
    let expected = [
        ("get", "hit", 2),
        ("get", "miss", 2),
        ("set", "ok", 2),
        ("delete", "ok", 2),
        ("delete_pattern", "ok", 1),
        ("clear", "ok", 1),
    ];
    for (op, result, count) in expected {
        assert_eq!(operations(&cache, op, result), count, "{op} {result}");
    }
    for op in ["get", "set", "delete", "delete_pattern", "clear"] {
        assert_eq!(operations(&cache, op, "error") + operations(&cache, op, "timeout"), 0, "{op}");
        let timed = metric(&cache, "cache_operation_duration_seconds", &[("op", op)]);
        let counted: u64 = expected.iter().filter(|row| row.0 == op).map(|row| row.2).sum();
        if op == "get" && cache.backend_name() == "memory" {
            assert!(timed <= counted, "{op}: of lookups in this process some have a time");
        } else {
            assert_eq!(timed, counted, "{op}: every operation has a time");
        }
    }
    assert_eq!(metric(&cache, "cache_origin_calls_total", &[("result", "ok")]), 1);
    assert_eq!(metric(&cache, "cache_origin_duration_seconds", &[]), 1);
    assert_eq!(metric(&cache, "cache_invalidated_keys_total", &[("scope", "key")]), 1);
    assert_eq!(metric(&cache, "cache_invalidations_empty_total", &[("scope", "key")]), 1);
    assert_eq!(metric(&cache, "cache_invalidated_keys_total", &[("scope", "pattern")]), 1);
    assert_eq!(metric(&cache, "cache_invalidations_empty_total", &[("scope", "all")]), 1);
    assert_eq!(metric(&cache, "cache_backend_up", &[]), 1);
}
