//! Stale answers: while they are fetched anew, and in the place of a failing origin (RFC 5861).

use std::time::Duration;

use crate::support::{Stand, answer, ok};

#[tokio::test]
async fn a_stale_answer_is_served_while_one_request_fetches_it_anew() {
    let script = [
        ok(&["cache-control: max-age=5, stale-while-revalidate=60", "etag: \"v1\""], "old"),
        ok(&["cache-control: max-age=5, stale-while-revalidate=60"], "new"),
    ];
    let stand = Stand::with(&script, Duration::from_millis(50), |_| {});
    stand.get(&[]).await;
    stand.pass(6);
    for _ in 0..20 {
        let stale = stand.get(&["cache-control: foo"]).await;
        assert_eq!((stale.body.as_str(), stale.cache_status()), ("old", "hitmark; hit; ttl=-1"));
    }
    stand.until_calls(2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let fresh = stand.get(&[]).await;
    assert!(fresh.is_hit() && fresh.body == "new", "{fresh:?}");
    assert_eq!(stand.calls(), 2, "one refresh for twenty requests");
    assert_eq!(stand.asked()[1].headers["if-none-match"], "\"v1\"");
}

#[tokio::test]
async fn after_the_window_the_client_waits_for_the_origin() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5, stale-while-revalidate=10"], "old"),
        ok(&["cache-control: max-age=5"], "new"),
    ]);
    stand.get(&[]).await;
    stand.pass(16);
    assert_eq!(stand.get(&[]).await.body, "new");
}

#[tokio::test]
async fn a_failed_refresh_does_not_replace_the_stale_answer() {
    let stand = Stand::new(&[
        ok(&["cache-control: max-age=5, stale-while-revalidate=60"], "old"),
        answer(503, &[], "sorry"),
    ]);
    stand.get(&[]).await;
    stand.pass(6);
    for calls in 2..5 {
        assert_eq!(stand.get(&[]).await.body, "old");
        stand.until_calls(calls).await;
    }
}

#[tokio::test]
async fn a_failing_origin_is_stood_in_for_within_the_window_only() {
    for (allows, request, after, is_stale) in [
        ("max-age=5, stale-if-error=60", "x-a: 1", 60, true),
        ("max-age=5, stale-if-error=60", "x-a: 1", 66, false),
        ("max-age=5, stale-if-error=60, must-revalidate", "x-a: 1", 6, false),
        ("max-age=5", "x-a: 1", 6, false),
        ("max-age=5", "cache-control: stale-if-error=60", 6, true),
        ("s-maxage=5", "cache-control: stale-if-error=60", 6, false),
        ("s-maxage=5, stale-if-error=60", "x-a: 1", 6, true),
    ] {
        let first = ok(&[&format!("cache-control: {allows}")], "old");
        let stand = Stand::new(&[first, answer(503, &[], "sorry")]);
        stand.get(&[]).await;
        stand.pass(after);
        let got = stand.get(&[request]).await;
        assert_eq!(
            (got.status, got.body == "old"),
            (if is_stale { 200 } else { 503 }, is_stale),
            "{allows} {request}"
        );
        if is_stale {
            let expected =
                format!("hitmark; fwd=stale; fwd-status=503; ttl={}", 5 - i64::try_from(after).unwrap());
            assert!(got.cache_status().starts_with(&expected), "{got:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_for_a_missing_page_is_no_failure() {
    let stand =
        Stand::new(&[ok(&["cache-control: max-age=5, stale-if-error=60"], "old"), answer(404, &[], "gone")]);
    stand.get(&[]).await;
    stand.pass(6);
    assert_eq!(stand.get(&[]).await.status, 404);
}
