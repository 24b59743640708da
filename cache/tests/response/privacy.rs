//! What is meant for one client never reaches another: a canary in each answer tells whose it was.

use crate::support::{Stand, ok};

#[tokio::test]
async fn no_answer_for_one_client_is_ever_given_to_another() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["cache-control: private, max-age=60"], &["cookie: session=alice"]),
        (&["cache-control: private=\"set-cookie\", max-age=60"], &["cookie: session=alice"]),
        (&["cache-control: no-store"], &["cookie: session=alice"]),
        (&["cdn-cache-control: private", "cache-control: public, max-age=60"], &["cookie: session=alice"]),
        (&["cache-control: max-age=60"], &["authorization: Bearer alice"]),
        (&["cache-control: max-age=60, vary-me", "vary: Cookie"], &["cookie: session=alice"]),
        (&["cache-control: max-age=60", "vary: *"], &["cookie: session=alice"]),
        (&["last-modified: Thu, 14 Jan 2027 08:00:00 GMT", "set-cookie: session=alice"], &[]),
        (&["cache-control: max-age=60"], &["cache-control: no-store", "cookie: session=alice"]),
    ];
    for (response, alice) in cases {
        let stand = Stand::new(&[ok(response, "canary-of-alice"), ok(&[], "for-bob")]);
        assert_eq!(stand.get(alice).await.body, "canary-of-alice");
        let bob = stand.get(&["cookie: session=bob"]).await;
        assert_eq!(bob.body, "for-bob", "{response:?}");
        assert!(!format!("{:?}", bob.headers).contains("alice"), "{response:?}");
    }
}

#[tokio::test]
async fn clients_that_wait_together_do_not_share_a_private_answer() {
    let script: Vec<_> = (0..20).map(|_| ok(&["cache-control: private, max-age=60"], "private")).collect();
    let stand = Stand::with(&script, std::time::Duration::from_millis(50), |_| {});
    let clients = (0..20).map(|client| {
        let stand = stand.clone();
        async move { stand.get(&[&format!("cookie: session={client}")]).await }
    });
    let answers = futures::future::join_all(clients).await;
    assert_eq!(stand.calls(), 20, "each has an exchange of its own");
    let sessions: std::collections::HashSet<_> =
        stand.asked().iter().map(|asked| asked.headers["cookie"].to_str().unwrap().to_owned()).collect();
    assert_eq!(sessions.len(), 20);
    assert!(answers.iter().all(|answer| !answer.cache_status().contains("collapsed")));
}

#[tokio::test]
async fn an_answer_to_a_login_is_shared_only_if_the_origin_says_so() {
    for (allows, is_shared) in [
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("s-maxage=60", true),
        ("max-age=60, must-revalidate", true),
    ] {
        let stand = Stand::new(&[ok(&[&format!("cache-control: {allows}")], "body")]);
        stand.get(&["authorization: Basic eA=="]).await;
        assert_eq!(stand.get(&["authorization: Basic eQ=="]).await.is_hit(), is_shared, "{allows}");
    }
}
