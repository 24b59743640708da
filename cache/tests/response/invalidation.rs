//! Unsafe methods and purges make stored answers void.

use crate::support::{Stand, answer, ok};

#[tokio::test]
async fn an_unsafe_method_that_succeeds_removes_the_resource() {
    for (method, status, is_removed) in [
        ("POST", 200, true),
        ("PUT", 204, true),
        ("DELETE", 303, true),
        ("PATCH", 201, true),
        ("M-SEARCH", 200, true),
        ("POST", 404, false),
        ("POST", 500, false),
        ("OPTIONS", 200, false),
    ] {
        let page = ok(&["cache-control: max-age=60", "vary: accept"], "page");
        let stand = Stand::new(&[page.clone(), page.clone(), answer(status, &[], ""), page]);
        stand.get(&["accept: a"]).await;
        stand.get(&["accept: b"]).await;
        stand.send(method, "/", &[]).await;
        for representation in ["accept: a", "accept: b"] {
            assert_eq!(stand.get(&[representation]).await.is_hit(), !is_removed, "{method} {status}");
        }
    }
}

#[tokio::test]
async fn what_the_answer_names_goes_too_if_it_is_of_the_same_origin() {
    for (line, is_removed) in [
        ("location: /made", true),
        ("content-location: made", true),
        ("location: http://shop.test/made", true),
        ("location: http://evil.test/made", false),
        ("location: https://shop.test/made", false),
    ] {
        let page = ok(&["cache-control: max-age=60"], "page");
        let stand = Stand::new(&[page.clone(), answer(201, &[line], ""), page]);
        stand.send("GET", "/made", &[]).await;
        stand.send("POST", "/form", &[]).await;
        assert_eq!(stand.send("GET", "/made", &[]).await.is_hit(), !is_removed, "{line}");
    }
}

#[tokio::test]
async fn a_purge_tells_whether_something_was_stored() {
    let stand = Stand::new(&[ok(&["cache-control: max-age=60"], "page")]);
    let target = || http::Request::get("http://shop.test/").body(()).unwrap().into_parts().0;
    assert!(!stand.layer.purge(&target()).await.unwrap());
    stand.get(&[]).await;
    assert!(stand.layer.purge(&target()).await.unwrap());
    assert!(!stand.get(&[]).await.is_hit());
    let page = stand.layer.families();
    assert!(page.iter().any(|family| family.metric.name == "response_cache_invalidations_total"));
}
