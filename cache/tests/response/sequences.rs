//! One request after another: freshness, validation, conditions, representations, parts, `HEAD`.

use http::StatusCode;

use crate::support::{Stand, answer, assert_status, ok};

/// Two requests of which the origin's first answer decides whether the second one is a hit.
#[tokio::test]
async fn an_answer_is_used_again_only_if_both_sides_allow_it() {
    const LATER: &str = "expires: Fri, 15 Jan 2027 09:00:00 GMT";
    const DATE: &str = "date: Fri, 15 Jan 2027 08:00:00 GMT";
    const OLD: &str = "last-modified: Thu, 14 Jan 2027 08:00:00 GMT";
    let cases: &[(&[&str], &[&str], bool)] = &[
        (&["cache-control: max-age=60"], &[], true),
        (&["cache-control: MAX-AGE=60"], &[], true),
        (&["cache-control: s-maxage=60, max-age=0"], &[], true),
        (&["cache-control: s-maxage=0, max-age=60"], &[], false),
        (&["cache-control: max-age=60", "age: 60"], &[], false),
        (&["cache-control: max-age=60", "age: nonsense"], &[], true),
        (&["cache-control: max-age=60, private"], &[], false),
        (&["cache-control: max-age=60, no-store"], &[], false),
        (&["cache-control: max-age=60, No-Cache"], &[], false),
        (&["cache-control: max-age=60", "vary: *"], &[], false),
        (&["cache-control: max-age=60"], &["cache-control: no-cache"], false),
        (&["cache-control: max-age=60"], &["pragma: no-cache"], false),
        (&["cache-control: max-age=60"], &["cache-control: max-age=0"], false),
        (&["cache-control: max-age=60"], &["cache-control: min-fresh=60"], false),
        (&["cache-control: max-age=60"], &["cache-control: foo", "pragma: no-cache"], true),
        (&[LATER, DATE], &[], true),
        (&["expires: 0", DATE], &[], false),
        (&[OLD, DATE], &[], true),
        (&[DATE], &[], false),
        (&["cdn-cache-control: max-age=60", "cache-control: no-store"], &[], true),
        (&["cdn-cache-control: max-age=60", "expires: 0"], &[], true),
        (&["cdn-cache-control: no-store", "cache-control: max-age=60"], &[], false),
        (&["cdn-cache-control: private", "cache-control: max-age=60"], &[], false),
        (&["cdn-cache-control: no-cache", "cache-control: max-age=60"], &[], false),
        (&["cdn-cache-control: max-age=0", "cache-control: max-age=60"], &[], false),
        (&["cdn-cache-control: max-age=60, &&&", "cache-control: no-store"], &[], false),
        (&["cdn-cache-control: max-age=\"60\"", "cache-control: no-store"], &[], false),
        (&["cdn-cache-control: ", "cache-control: max-age=60"], &[], true),
    ];
    for (response, request, is_hit) in cases {
        let stand = Stand::new(&[ok(response, "body")]);
        stand.get(&[]).await;
        stand.pass(2);
        let again = stand.get(request).await;
        assert_eq!(again.is_hit(), *is_hit, "{response:?} then {request:?}: {again:?}");
        assert_eq!(stand.calls(), if *is_hit { 1 } else { 2 }, "{response:?}");
        assert_eq!(again.body, "body");
    }
}

#[tokio::test]
async fn a_hit_tells_its_age_and_keeps_the_date_and_what_caches_before_it_said() {
    let lines =
        ["cache-control: max-age=60", "age: 5", "cache-status: before; hit", "connection: x-hop", "x-hop: 1"];
    let stand = Stand::new(&[ok(&lines, "body")]);
    let first = stand.get(&[]).await;
    assert_eq!(first.cache_status(), "hitmark; fwd=uri-miss; fwd-status=200; ttl=55; stored");
    stand.pass(7);
    let hit = stand.get(&[]).await;
    assert_eq!((hit.header("age"), hit.header("date")), ("12", "Fri, 15 Jan 2027 08:00:00 GMT"));
    let statuses: Vec<_> = hit.headers.get_all("cache-status").iter().collect();
    assert_eq!(statuses, ["before; hit", "hitmark; hit; ttl=48"]);
    assert!(!hit.headers.contains_key("x-hop") && !hit.headers.contains_key("connection"));
}

#[tokio::test]
async fn a_304_makes_the_stored_answer_fresh_and_updates_its_fields() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5", "etag: \"v1\"", "x-a: old", "content-length: 4"], "body"),
        answer(304, &["cache-control: max-age=9", "etag: \"v1\"", "x-a: new"], ""),
    ]);
    stand.get(&[]).await;
    stand.pass(6);
    let validated = stand.get(&[]).await;
    assert_eq!((validated.status, validated.body.as_str(), validated.header("x-a")), (200, "body", "new"));
    assert_eq!(validated.cache_status(), "hitmark; fwd=stale; fwd-status=304; ttl=9; stored");
    assert_eq!(stand.asked()[1].headers["if-none-match"], "\"v1\"");
    stand.pass(8);
    let hit = stand.get(&[]).await;
    assert!(hit.is_hit() && hit.header("x-a") == "new" && hit.header("content-length") == "4", "{hit:?}");
    assert_eq!(stand.calls(), 2);
}

#[tokio::test]
async fn a_changed_answer_replaces_the_stale_one() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5", "last-modified: Thu, 14 Jan 2027 08:00:00 GMT"], "old"),
        ok(&["cache-control: max-age=5"], "new"),
    ]);
    stand.get(&[]).await;
    stand.pass(6);
    assert_eq!(stand.get(&[]).await.body, "new");
    assert!(stand.asked()[1].headers.contains_key("if-modified-since"));
    let hit = stand.get(&[]).await;
    assert!(hit.is_hit() && hit.body == "new");
}

#[tokio::test]
async fn a_stale_answer_is_gone_once_the_origin_sends_what_may_not_be_stored() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5, stale-while-revalidate=600", "etag: \"v1\""], "public"),
        ok(&["cache-control: private"], "for one"),
        ok(&["cache-control: private"], "for another"),
    ]);
    stand.get(&[]).await;
    stand.pass(6);
    assert_eq!(stand.get(&[]).await.body, "public");
    stand.until_calls(2).await;
    assert_eq!(stand.get(&[]).await.body, "for another");
}

#[tokio::test]
async fn conditions_of_clients_are_answered_from_the_store() {
    let fields =
        ["cache-control: max-age=60", "etag: \"v1\"", "last-modified: Thu, 14 Jan 2027 08:00:00 GMT"];
    let stand = Stand::new(&[ok(&fields, "body")]);
    stand.get(&[]).await;
    for (condition, status) in [
        ("if-none-match: W/\"v1\"", 304),
        ("if-none-match: \"v0\", \"v1\"", 304),
        ("if-none-match: *", 304),
        ("if-none-match: \"v0\"", 200),
        ("if-modified-since: Thu, 14 Jan 2027 08:00:00 GMT", 304),
        ("if-modified-since: Wed, 13 Jan 2027 08:00:00 GMT", 200),
    ] {
        let got = stand.get(&[condition]).await;
        assert_eq!(got.status, status, "{condition}");
        assert_eq!(got.body.is_empty(), status == 304, "{condition}");
        assert_eq!(got.header("etag"), "\"v1\"");
    }
    assert_eq!(stand.calls(), 1);
    stand.get(&["if-match: \"v1\""]).await;
    assert_eq!(stand.asked()[1].headers["if-match"], "\"v1\"", "only the origin may judge that");
}

#[tokio::test]
async fn a_clients_condition_is_judged_again_after_the_cache_asked_with_its_own() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5", "etag: \"v1\""], "one"),
        ok(&["cache-control: max-age=5", "etag: \"v2\""], "two"),
    ]);
    stand.get(&[]).await;
    stand.pass(6);
    let got = stand.get(&["if-none-match: \"v2\""]).await;
    assert_status(&got, StatusCode::NOT_MODIFIED);
    assert_eq!((got.header("etag"), got.body.as_str()), ("\"v2\"", ""));
    assert_eq!(stand.asked()[1].headers["if-none-match"], "\"v1\"");
    assert_eq!(stand.get(&[]).await.body, "two");
}

#[tokio::test]
async fn a_condition_without_a_stored_answer_goes_to_the_origin_as_it_is() {
    let stand = Stand::new(&[answer(304, &["etag: \"v1\"", "cache-control: max-age=60"], "")]);
    let got = stand.get(&["if-none-match: \"v1\""]).await;
    assert_status(&got, StatusCode::NOT_MODIFIED);
    assert_eq!(stand.asked()[0].headers["if-none-match"], "\"v1\"");
}

#[tokio::test]
async fn each_representation_is_kept_and_the_oldest_goes_when_there_are_too_many() {
    let script: Vec<_> = ["gzip", "br", "zstd", "gzip again"]
        .map(|body| ok(&["cache-control: max-age=60", "vary: Accept-Encoding"], body))
        .to_vec();
    let stand = Stand::with(&script, std::time::Duration::ZERO, |config| config.max_representations = 2);
    assert_eq!(stand.get(&["accept-encoding: gzip, br"]).await.body, "gzip");
    let miss = stand.get(&["accept-encoding: br"]).await;
    assert!(miss.cache_status().contains("fwd=vary-miss"), "{miss:?}");
    assert_eq!(stand.get(&["accept-encoding: BR,gzip"]).await.body, "gzip", "the same set of codings");
    assert_eq!(stand.get(&["accept-encoding: br"]).await.body, "br");
    assert_eq!(stand.get(&[]).await.body, "zstd", "no field is a representation of its own");
    assert_eq!(stand.get(&["accept-encoding: gzip, br"]).await.body, "gzip again");
    assert_eq!(stand.calls(), 4);
}

#[tokio::test]
async fn parts_are_served_from_a_whole_and_parts_alone_are_never_stored() {
    let stand = Stand::new(&[ok(&["cache-control: max-age=60"], "0123456789")]);
    stand.get(&[]).await;
    let part = stand.get(&["range: bytes=2-4"]).await;
    assert_eq!((part.status, part.body.as_str(), part.header("content-range")), (206, "234", "bytes 2-4/10"));
    assert_eq!(stand.get(&["range: bytes=99-"]).await.status, 416);
    assert_eq!(stand.get(&["range: bytes=0-1,3-4"]).await.body, "0123456789");
    assert_eq!(stand.calls(), 1);

    let partial = answer(206, &["cache-control: max-age=60", "content-range: bytes 0-1/10"], "01");
    let stand = Stand::new(&[partial, ok(&["cache-control: max-age=60"], "0123456789")]);
    assert_eq!(stand.get(&["range: bytes=0-1"]).await.status, 206);
    assert_eq!(stand.get(&[]).await.body, "0123456789");
}

#[tokio::test]
async fn a_head_is_answered_from_a_get_and_freshens_a_stale_one() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5", "x-a: 1"], "body"),
        ok(&["cache-control: max-age=50", "x-a: 2"], ""),
    ]);
    stand.get(&[]).await;
    let head = stand.send("HEAD", "/", &[]).await;
    assert!(head.is_hit() && head.body.is_empty() && head.header("content-length") == "4", "{head:?}");
    stand.pass(6);
    assert!(!stand.send("HEAD", "/", &[]).await.is_hit());
    assert_eq!(stand.asked()[1].method, http::Method::HEAD);
    let hit = stand.get(&[]).await;
    assert!(hit.is_hit() && hit.header("x-a") == "2" && hit.body == "body", "{hit:?}");
}

#[tokio::test]
async fn a_head_that_tells_of_another_answer_removes_the_stale_one() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5", "etag: \"v1\""], "one"),
        ok(&["cache-control: max-age=50", "etag: \"v2\""], ""),
        ok(&["cache-control: max-age=50", "etag: \"v2\""], "two"),
    ]);
    stand.get(&[]).await;
    stand.pass(6);
    stand.send("HEAD", "/", &[]).await;
    let got = stand.get(&[]).await;
    assert_eq!((got.body.as_str(), stand.asked()[2].headers.contains_key("if-none-match")), ("two", false));
}

#[tokio::test]
async fn only_if_cached_never_reaches_the_origin() {
    let stand = Stand::new(&[ok(&["cache-control: max-age=60"], "body")]);
    let refused = stand.get(&["cache-control: only-if-cached"]).await;
    assert_status(&refused, StatusCode::GATEWAY_TIMEOUT);
    stand.get(&[]).await;
    assert!(stand.get(&["cache-control: only-if-cached"]).await.is_hit());
    assert_eq!(stand.calls(), 1);
}

#[tokio::test]
async fn unknown_codes_and_errors_are_stored_with_a_lifetime_and_posts_never() {
    for status in [201, 299, 404, 410, 499, 500, 503, 599] {
        let stand = Stand::new(&[answer(status, &["cache-control: max-age=60"], "body")]);
        stand.get(&[]).await;
        let again = stand.get(&[]).await;
        assert_eq!((again.status, again.is_hit()), (status, true));
    }
    let stand = Stand::new(&[ok(&["cache-control: max-age=60, public"], "body")]);
    for _ in 0..2 {
        let got = stand.send("POST", "/", &[]).await;
        assert_eq!(got.cache_status(), "hitmark; fwd=method; fwd-status=200");
    }
    stand.get(&[]).await;
    assert_eq!(stand.calls(), 3);
}

#[tokio::test]
async fn a_body_over_the_limit_or_of_another_length_passes_whole_and_is_not_stored() {
    let long = ok(&["cache-control: max-age=60"], "0123456789");
    let stand = Stand::with(&[long], std::time::Duration::ZERO, |config| config.max_body_bytes = 9);
    for _ in 0..2 {
        let got = stand.get(&[]).await;
        assert_eq!(got.body, "0123456789");
        assert!(got.cache_status().contains("detail=body"), "{got:?}");
    }
    let all = ok(&["cache-control: max-age=60"], "0123456789");
    let stand = Stand::with(&[all], std::time::Duration::ZERO, |config| config.max_held_bytes = 9);
    stand.get(&[]).await;
    assert!(!stand.get(&[]).await.is_hit());
    let stand = Stand::new(&[ok(&["cache-control: max-age=60", "content-length: 99"], "short")]);
    stand.get(&[]).await;
    stand.get(&[]).await;
    assert_eq!(stand.calls(), 2);
}

#[tokio::test]
async fn queries_hosts_and_paths_are_resources_of_their_own() {
    let stand = Stand::new(&[ok(&["cache-control: max-age=60"], "body")]);
    for target in ["/a", "/a?page=1", "/a?page=2", "/a?", "/b", "http://other.test/a"] {
        let got = stand.send("GET", target, &[]).await;
        assert!(got.cache_status().contains("fwd=uri-miss"), "{target}: {got:?}");
    }
    assert!(stand.send("GET", "http://SHOP.test:80/a", &[]).await.is_hit());
}
