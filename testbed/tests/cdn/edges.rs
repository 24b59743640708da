//! The configurations in `deploy/`, on the real servers: a failing origin is not noticed, an expired
//! key is asked for once, and only who has the token may purge.

use std::time::Duration;

use futures::future::join_all;
use hitmark_testbed::assets::AssetSet;
use hitmark_testbed::cdn::{CdnConfig, Invalidation, Judgement, Provider, invalidate, measure, trial};
use hitmark_testkit::{NginxServer, VarnishServer};

use crate::support::{Client, Origin};

const TOKEN: &str = "purge-me-not";
/// Past the lifetime of a page, which is a second: nginx counts in whole ones, so that it may last two.
const EXPIRED: Duration = Duration::from_millis(2_100);

/// The file in `deploy/` with each of these texts replaced, which must be there.
fn deployed(file: &str, changes: &[(&str, &str)]) -> String {
    let path = format!("{}/../deploy/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has no {from}");
        text = text.replace(from, to);
    }
    text
}

async fn varnish(origin: &Origin, grace: &str) -> VarnishServer {
    let port = format!(".port = \"{}\"", origin.port);
    let grace = format!("req.grace = {grace}");
    let vcl = deployed("varnish/hitmark.vcl", &[(".port = \"8080\"", &port), ("req.grace = 10s", &grace)]);
    VarnishServer::start_with(&vcl, &[("HITMARK_PURGE_TOKEN", TOKEN)]).await.unwrap()
}

/// nginx, and the folder of its token.
async fn nginx(origin: &Origin) -> (NginxServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, format!("\"PURGE:Bearer {TOKEN}\" 1;\n")).unwrap();
    let server = format!("server 127.0.0.1:{};", origin.port);
    let changes = [
        ("server 127.0.0.1:8080;", server.as_str()),
        ("127.0.0.1:8090", "127.0.0.1:{port}"),
        ("/var/cache/nginx/hitmark", "{dir}/cache"),
        ("/etc/nginx/hitmark-purge-token*", token.to_str().unwrap()),
    ];
    (NginxServer::start_with_purge(&deployed("nginx/hitmark.conf", &changes)).await.unwrap(), folder)
}

/// How many of 200 requests by 10 clients were not answered by the page.
async fn errors(url: &str) -> usize {
    let clients = (0..10).map(|_| async {
        let client = Client::of(url);
        let mut errors = 0;
        for _ in 0..20 {
            let got = client.get("/page").await;
            errors += usize::from((got.status, &got.body[..]) != (200, b"page"));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        errors
    });
    join_all(clients).await.into_iter().sum()
}

/// A page that was kept stands in for an origin that answers 500, and for one that is gone.
async fn failures_are_hidden(url: &str, origin: &mut Origin) {
    assert_eq!(Client::of(url).get("/page").await.status, 200);
    origin.fail();
    tokio::time::sleep(EXPIRED).await;
    assert_eq!(errors(url).await, 0, "the origin answers 500");
    assert_eq!(Client::of(url).get("/never-asked").await.status, 500, "what is not kept cannot stand in");
    origin.die().await;
    assert_eq!(errors(url).await, 0, "the origin is gone");
    assert!(origin.calls() > 1, "the origin was asked while it failed");
}

/// Fifty clients at once: a cold key and an expired one cost one call each.
async fn stampedes_are_one_call(url: &str, origin: &Origin) {
    for expected in ["cold", "expired"] {
        let before = origin.calls();
        let all = join_all((0..50).map(|_| async { Client::of(url).get("/slow").await.status })).await;
        assert!(all.iter().all(|status| *status == 200), "{expected}: {all:?}");
        // The call in the background may still be under way.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(origin.calls() - before, 1, "{expected}");
        tokio::time::sleep(EXPIRED).await;
    }
}

async fn purging_needs_the_token(url: &str, provider: Provider, origin: &Origin) {
    let client = Client::of(url);
    let assets = AssetSet::built_in();
    let path = "/assets/css/main.css";
    client.get(path).await;
    assert!(client.get(path).await.said().contains("; hit"), "{:?}", client.get(path).await);
    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "Bearer ")]] {
        assert_eq!(client.send("PURGE", path, headers, "").await.status, 403);
    }
    assert!(client.get(path).await.said().contains("; hit"), "still there");
    let config = CdnConfig {
        provider,
        base_url: Some(url.parse().unwrap()),
        purge_token: Some(TOKEN.to_owned()),
        ..CdnConfig::default()
    };
    let purged = invalidate(&config, &assets, &["/css/main.css".to_owned()]).await.unwrap();
    assert_eq!(purged[0].outcome, Invalidation::Purged, "{purged:?}");
    let before = origin.calls();
    assert!(client.get(path).await.said().contains("fwd=uri-miss"));
    assert_eq!(origin.calls() - before, 1);
    let measured = measure(&config, &assets, &["/css/main.css".to_owned()], Duration::from_secs(60)).await;
    let [one] = &measured.unwrap()[..] else { panic!("one path at one edge") };
    assert!(one.was_kept && one.fresh_after.is_some(), "{one:?}");
}

async fn a_trial_finds_the_hit(url: &str, provider: Provider) {
    let config = CdnConfig { provider, base_url: Some(url.parse().unwrap()), ..CdnConfig::default() };
    let assets = AssetSet::built_in();
    let tried = trial(&config, &assets, None).await.unwrap();
    assert_eq!(tried.judgement(), Judgement::Hit, "{tried:?}");
    assert_eq!(tried.first.outcome.as_str(), "miss");
    assert_eq!(tried.saved_bytes, tried.second.bytes);
    assert!(trial(&config, &assets, Some("no/such.css")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_hides_failures_within_the_window() {
    let mut origin = Origin::start().await;
    let edge = varnish(&origin, "10s").await;
    failures_are_hidden(&edge.url(), &mut origin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_hides_failures_past_the_time_in_which_it_answers_at_once() {
    let mut origin = Origin::start().await;
    let edge = varnish(&origin, "0s").await;
    failures_are_hidden(&edge.url(), &mut origin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_asks_once_for_a_stampede() {
    let origin = Origin::start().await;
    stampedes_are_one_call(&varnish(&origin, "10s").await.url(), &origin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_is_purged_by_token_and_tells_hits() {
    let origin = Origin::start().await;
    let edge = varnish(&origin, "10s").await;
    purging_needs_the_token(&edge.url(), Provider::Varnish, &origin).await;
    a_trial_finds_the_hit(&edge.url(), Provider::Varnish).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_without_a_token_lets_nobody_purge() {
    let origin = Origin::start().await;
    let port = format!(".port = \"{}\"", origin.port);
    let vcl = deployed("varnish/hitmark.vcl", &[(".port = \"8080\"", &port)]);
    let edge = VarnishServer::start(&vcl).await.unwrap();
    for token in ["Bearer ", "Bearer x", ""] {
        let got = Client::of(&edge.url()).send("PURGE", "/page", &[("authorization", token)], "").await;
        assert_eq!(got.status, 403, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_hides_failures_within_the_window() {
    let mut origin = Origin::start().await;
    let (edge, _token) = nginx(&origin).await;
    failures_are_hidden(&edge.url(), &mut origin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_asks_once_for_a_stampede() {
    let origin = Origin::start().await;
    let (edge, _token) = nginx(&origin).await;
    stampedes_are_one_call(&edge.url(), &origin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_is_purged_by_token_and_tells_hits() {
    let origin = Origin::start().await;
    let (edge, _token) = nginx(&origin).await;
    purging_needs_the_token(&edge.url(), Provider::Nginx, &origin).await;
    a_trial_finds_the_hit(&edge.url(), Provider::Nginx).await;
}
