//! Many clients at once: one exchange with the origin where its answer may be shared.

use std::time::Duration;

use futures::future::join_all;

use crate::support::{Got, Stand, answer, ok};

async fn together(stand: &Stand, clients: usize, lines: &'static [&'static str]) -> Vec<Got> {
    join_all((0..clients).map(|_| async { stand.clone().get(lines).await })).await
}

#[tokio::test]
async fn a_hundred_clients_on_a_cold_page_make_one_origin_call() {
    let stand =
        Stand::with(&[ok(&["cache-control: max-age=60"], "body")], Duration::from_millis(100), |_| {});
    let answers = together(&stand, 100, &[]).await;
    assert_eq!(stand.calls(), 1);
    assert!(answers.iter().all(|got| got.body == "body"));
    let collapsed = answers.iter().filter(|got| got.cache_status().contains("; collapsed")).count();
    assert_eq!(collapsed, 99);
}

#[tokio::test]
async fn a_hundred_clients_on_a_stale_page_make_one_validation() {
    let script = [
        ok(&["cache-control: max-age=5", "etag: \"v1\""], "body"),
        answer(304, &["cache-control: max-age=5"], ""),
    ];
    let stand = Stand::with(&script, Duration::from_millis(50), |_| {});
    stand.get(&[]).await;
    stand.pass(6);
    let answers = together(&stand, 100, &[]).await;
    assert_eq!(stand.calls(), 2);
    assert!(answers.iter().all(|got| got.status == 200 && got.body == "body"));
}

#[tokio::test]
async fn each_representation_has_one_call_even_if_all_start_cold() {
    let script = [ok(&["cache-control: max-age=60", "vary: accept-language"], "body")];
    let stand = Stand::with(&script, Duration::from_millis(50), |_| {});
    let (english, german) = tokio::join!(
        together(&stand, 50, &["accept-language: en"]),
        together(&stand, 50, &["accept-language: de"])
    );
    assert_eq!(english.len() + german.len(), 100);
    assert_eq!(stand.calls(), 2);
}

#[tokio::test]
async fn what_may_not_be_stored_is_not_waited_for_twice() {
    let stand = Stand::with(&[ok(&["cache-control: no-store"], "body")], Duration::from_millis(60), |_| {});
    together(&stand, 10, &[]).await;
    assert_eq!(stand.calls(), 10);
    assert_eq!(stand.peak(), 9, "the first time, nine waited for one to find out");
    together(&stand, 10, &[]).await;
    assert_eq!((stand.peak(), stand.calls()), (10, 20), "marked: all ask at once");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_take_the_others_with_it() {
    let stand = Stand::with(&[ok(&["cache-control: max-age=60"], "body")], Duration::from_millis(80), |_| {});
    let leader = tokio::spawn({
        let stand = stand.clone();
        async move { stand.get(&[]).await }
    });
    stand.until_calls(1).await;
    let others = tokio::spawn({
        let stand = stand.clone();
        async move { together(&stand, 10, &[]).await }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    leader.abort();
    let answers = others.await.unwrap();
    assert!(answers.iter().all(|got| got.body == "body"));
    assert_eq!(stand.calls(), 2, "one of the others took the lead");
}

#[tokio::test]
async fn a_failing_origin_is_asked_once_for_all_who_can_be_served_stale() {
    let script = [ok(&["cache-control: max-age=5, stale-if-error=60"], "body"), answer(503, &[], "sorry")];
    let stand = Stand::with(&script, Duration::from_millis(50), |_| {});
    stand.get(&[]).await;
    stand.pass(6);
    let answers = together(&stand, 50, &[]).await;
    assert!(answers.iter().all(|got| got.status == 200 && got.body == "body"));
    assert_eq!(stand.calls(), 2);
}

#[tokio::test]
async fn a_fetch_that_an_invalidation_overtook_is_neither_stored_nor_shared() {
    let script = [
        ok(&["cache-control: max-age=60"], "before"),
        ok(&[], "written"),
        ok(&["cache-control: max-age=60"], "after"),
    ];
    let stand = Stand::with(&script, Duration::from_millis(80), |_| {});
    let early = tokio::spawn({
        let stand = stand.clone();
        async move { stand.get(&[]).await }
    });
    stand.until_calls(1).await;
    // The write is slower than the read here, so it is told by a purge, which is immediate.
    let request = http::Request::get("http://shop.test/").body(()).unwrap().into_parts().0;
    stand.layer.purge(&request).await.unwrap();
    assert_eq!(early.await.unwrap().body, "before");
    assert_eq!(stand.send("POST", "/", &[]).await.body, "written");
    assert_eq!(stand.get(&[]).await.body, "after");
    assert!(stand.get(&[]).await.is_hit());
}
