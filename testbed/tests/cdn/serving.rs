//! The service's own answers: both names, earlier releases, the page, the status.

use std::net::SocketAddr;

use hitmark_testbed::assets::{AssetSet, IMMUTABLE, SHORT};
use hitmark_testbed::cdn::{CdnConfig, Judgement, Store, SyncMode, sync, trial};
use hitmark_testbed::edge::{Edge, EdgeConfig};
use hitmark_testbed::{SeedSize, Testbed, TestbedConfig};
use tokio::task::JoinHandle;

use crate::support::{Client, write};

/// A small testbed on a free port, ended with the test.
struct Service {
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn service(cdn: CdnConfig) -> Service {
    let config = TestbedConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        seed_size: SeedSize::Small,
        cdn,
        ..TestbedConfig::default()
    };
    let testbed = Testbed::start(config, |_| {}).await.unwrap();
    let url = testbed.url();
    Service { url, server: tokio::spawn(async { testbed.serve(std::future::pending()).await.unwrap() }) }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_content_has_a_new_url_and_the_old_one_still_answers() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), "css/main.css", "a{}");
    let config = CdnConfig {
        assets: Some(folder.path().to_owned()),
        store: Some(kept.path().display().to_string()),
        ..CdnConfig::default()
    };
    let release = |()| AssetSet::load(folder.path()).unwrap();
    let first = release(());
    sync(&first, &Store::open(&config).unwrap(), SyncMode::Apply).await.unwrap();
    write(folder.path(), "css/main.css", "b{}");
    let second = release(());
    let [old, new] = [&first, &second].map(|set| &set.find("css/main.css").unwrap().versioned);
    assert_ne!(old, new);

    let service = service(config).await;
    let client = Client::of(&service.url);
    for (name, body, control) in
        [(new, "b{}", IMMUTABLE), (old, "a{}", IMMUTABLE), (&"css/main.css".to_owned(), "b{}", SHORT)]
    {
        let got = client.get(&format!("/assets/{name}")).await;
        assert_eq!((got.status, &got.body[..]), (200, body.as_bytes()), "{name}");
        assert_eq!(got.header("cache-control"), control);
        assert_eq!(got.header("content-type"), "text/css; charset=utf-8");
        let tag = got.header("etag");
        let again = client.send("GET", &format!("/assets/{name}"), &[("if-none-match", tag)], "").await;
        assert_eq!((again.status, again.body.len(), again.header("cache-control")), (304, 0, control));
    }
    for name in [
        "css/main.0123456789abcdef.css",
        "css/none.css",
        "manifest.json",
        "../manifest.json",
        "..%2f..%2fetc%2fpasswd",
        "css%2F..%2Fmain.0123456789abcdef.css",
    ] {
        assert_eq!(client.get(&format!("/assets/{name}")).await.status, 404, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_versioned_urls_of_the_network_and_preloads_them() {
    let config = CdnConfig {
        enabled: true,
        base_url: Some("https://cdn.test".parse().unwrap()),
        ..CdnConfig::default()
    };
    let service = service(config).await;
    let got = Client::of(&service.url).get("/assets/").await;
    let page = std::str::from_utf8(&got.body).unwrap();
    let assets = AssetSet::built_in();
    for asset in assets.iter() {
        assert!(page.contains(&format!("https://cdn.test/assets/{}", asset.versioned)), "{}", asset.name);
    }
    assert!(page.contains("<link rel=\"dns-prefetch\" href=\"//cdn.test\">"), "{page}");
    let critical = &assets.find("css/critical.css").unwrap().versioned;
    let preloaded = format!("<https://cdn.test/assets/{critical}>; rel=preload; as=style");
    assert!(got.header("link").starts_with(&preloaded), "{}", got.header("link"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_the_network_and_no_secret() {
    let config = CdnConfig {
        enabled: true,
        base_url: Some("https://cdn.test".parse().unwrap()),
        purge_token: Some("s3cret".to_owned()),
        ..CdnConfig::default()
    };
    let service = service(config).await;
    let got = Client::of(&service.url).get("/api/cdn/status").await;
    let text = std::str::from_utf8(&got.body).unwrap();
    assert!(!text.contains("s3cret"));
    let status: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(status["enabled"], true);
    assert_eq!(status["provider"], "edge");
    assert_eq!(status["base_url"], "https://cdn.test");
    assert_eq!(status["assets"]["files"], AssetSet::built_in().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_edge_keeps_assets_and_the_service_alone_is_unknown() {
    let service = service(CdnConfig::default()).await;
    let config = EdgeConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        origin: service.url.clone(),
        ..EdgeConfig::default()
    };
    let edge = Edge::start(config).await.unwrap();
    let url = edge.url();
    let server = tokio::spawn(edge.serve(std::future::pending()));
    let assets = AssetSet::built_in();
    for (url, expected) in [(&url, Judgement::Hit), (&service.url, Judgement::Unknown)] {
        let config = CdnConfig { base_url: Some(url.parse().unwrap()), ..CdnConfig::default() };
        let tried = trial(&config, &assets, Some("js/app.js")).await.unwrap();
        assert_eq!(tried.judgement(), expected, "{tried:?}");
    }
    server.abort();
}
