//! The time from an invalidation to the first fresh answer: at the edge that comes with the testbed, at an
//! edge that forgets late, and at one that never does.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use hitmark_testbed::assets::AssetSet;
use hitmark_testbed::cdn::{CdnConfig, Freshness, Invalidation, Sign, measure};
use hitmark_testbed::edge::{Edge, EdgeConfig};
use tokio::net::TcpListener;

use crate::support::Origin;

const TOKEN: &str = "purge-me-not";
const PATH: &str = "/css/main.css";

async fn measured(url: &str, token: &str, within: Duration) -> Vec<Freshness> {
    let config = CdnConfig {
        base_url: Some(url.parse().unwrap()),
        purge_token: Some(token.to_owned()),
        ..CdnConfig::default()
    };
    measure(&config, &AssetSet::built_in(), &[PATH.to_owned()], within).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_edge_is_fresh_with_the_first_answer_after_a_purge() {
    let origin = Origin::start().await;
    let config = EdgeConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        origin: format!("http://127.0.0.1:{}", origin.port),
        purge_token: Some(TOKEN.to_owned()),
        ..EdgeConfig::default()
    };
    let edge = Edge::start(config).await.unwrap();
    let url = edge.url();
    let serving = tokio::spawn(edge.serve(std::future::pending()));
    let before = origin.calls();
    let begun = Instant::now();
    let one = measured(&url, TOKEN, Duration::from_secs(60)).await.remove(0);
    assert_eq!((&one.outcome, one.was_kept, one.stale_answers), (&Invalidation::Purged, true, 0), "{one:?}");
    assert_eq!(one.seen_by, Some(Sign::Outcome));
    assert!(one.fresh_after.unwrap() <= begun.elapsed(), "{one:?}");
    assert_eq!(origin.calls() - before, 2, "one miss before the purge, one after it");

    let refused = measured(&url, "wrong", Duration::from_secs(60)).await.remove(0);
    assert!(matches!(refused.outcome, Invalidation::Failed(_)), "{refused:?}");
    assert_eq!((refused.fresh_after, refused.seen_by), (None, None), "nothing is measured of a refusal");
    serving.abort();
}

/// An edge that says nothing but an `Age`, and forgets so long after it was told to; none: never.
#[derive(Debug)]
struct LateEdge {
    forgets_after: Option<Duration>,
    told: Mutex<Option<Instant>>,
}

async fn late(State(edge): State<Arc<LateEdge>>, request: Request) -> Response {
    let mut told = edge.told.lock().unwrap();
    if request.method().as_str() == "PURGE" {
        *told = Some(Instant::now());
        return "it will be forgotten".into_response();
    }
    let is_forgotten =
        told.zip(edge.forgets_after).is_some_and(|(told, forgets_after)| told.elapsed() >= forgets_after);
    ([("age", if is_forgotten { "0" } else { "90" })], "the same body").into_response()
}

async fn late_edge(forgets_after: Option<Duration>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let edge = Arc::new(LateEdge { forgets_after, told: Mutex::default() });
    let router = Router::new().fallback(late).with_state(edge);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_forgets_late_is_stale_until_it_does() {
    let late = Duration::from_millis(300);
    let one = measured(&late_edge(Some(late)).await, TOKEN, Duration::from_secs(60)).await.remove(0);
    assert!(one.fresh_after.unwrap() >= late, "{one:?}");
    assert!(one.stale_answers > 0, "{one:?}");
    assert_eq!(one.seen_by, Some(Sign::Age));

    let never = measured(&late_edge(None).await, TOKEN, Duration::from_millis(200)).await.remove(0);
    assert_eq!((never.fresh_after, &never.outcome), (None, &Invalidation::Purged), "{never:?}");
    assert!(never.stale_answers > 0, "{never:?}");
}
