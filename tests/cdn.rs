//! `hitmark testbed cdn` as an operator runs it, before a testbed and its edge.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]
// Each test binary uses its part of the support.
#![allow(dead_code)]

mod support;

use serde_json::Value;
use support::{Service, hitmark, until_answers};

fn cdn(arguments: &[&str]) -> support::Finished {
    let mut all = vec!["testbed", "cdn"];
    all.extend(arguments);
    hitmark(&all)
}

#[test]
fn a_sync_uploads_once_and_the_status_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").display().to_string();
    let file = folder.path().join("cdn.toml");
    std::fs::write(&file, format!("[cdn]\nstore = '{store}'\nprovider = 'nginx'\n")).unwrap();
    let file = ["--cdn-config", file.to_str().unwrap()];
    let of = |more: &[&str]| cdn(&[&file[..], more].concat());

    assert_eq!(of(&["status"]).code, 6, "there is no store yet");
    let first: Value = serde_json::from_str(&of(&["sync", "--format", "json"]).stdout).unwrap();
    assert!(!first["uploaded"].as_array().unwrap().is_empty());
    let second = of(&["sync"]);
    assert_eq!(second.code, 0);
    assert!(second.stdout.contains("uploaded 0 objects"), "{second:?}");
    let status: Value = serde_json::from_str(&of(&["status", "--format", "json"]).stdout).unwrap();
    assert_eq!((&status["enabled"], &status["provider"]), (&false.into(), &"nginx".into()));
    assert_eq!((&status["holds"]["to_upload"], &status["holds"]["earlier"]), (&0.into(), &0.into()));
    // A flag is stronger than the file.
    let other = of(&["--cdn-provider", "varnish", "status"]);
    assert!(other.stdout.contains("varnish"), "{other:?}");
}

#[test]
fn mistakes_are_usage_and_told_at_once() {
    for arguments in [
        &["--cdn-provider", "akamai", "status"][..],
        &["--cdn-store", "gs://x", "sync"],
        &["--cdn-config", "no-such-file.toml", "status"],
        &["test"],
        &["invalidate", "/css/main.css"],
        &["--cdn-base-url", "http://127.0.0.1:1", "invalidate", "css"],
        &["--cdn-base-url", "http://127.0.0.1:1", "test", "no-such.css"],
    ] {
        let ended = cdn(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.is_empty());
    }
    let nobody = format!("http://127.0.0.1:{}", hitmark_testkit::free_port());
    assert_eq!(cdn(&["--cdn-base-url", &nobody, "test"]).code, 6, "nobody answers");
    assert_eq!(cdn(&["--cdn-base-url", &nobody, "invalidate", "/css/main.css"]).code, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_is_tried_and_purged() {
    let service = Service::testbed(&["--seed-size", "small"]).await;
    let port = hitmark_testkit::free_port();
    let listen = format!("127.0.0.1:{port}");
    let arguments =
        ["testbed", "edge", "--origin", &service.url, "--listen", &listen, "--purge-token", "right"];
    let _edge = Service::start(&arguments);
    until_answers(port).await;
    let url = format!("http://{listen}");
    let of = |more: &[&str]| cdn(&[&["--cdn-base-url", url.as_str()], more].concat());

    let tried: Value = serde_json::from_str(&of(&["test", "--format", "json"]).stdout).unwrap();
    assert_eq!((&tried["judgement"], &tried["first"]["outcome"]), (&"hit".into(), &"miss".into()));
    assert!(tried["saved_bytes"].as_u64().unwrap() > 0);
    let service_alone = cdn(&["--cdn-base-url", &service.url, "test"]);
    assert_eq!(service_alone.code, 5, "a service without an edge says nothing: {service_alone:?}");

    assert_eq!(of(&["test", "css/main.css"]).code, 0);
    let path = format!("/assets/{}", versioned(&tried));
    let wrong = of(&["invalidate", &path, "--purge-token", "wrong"]);
    assert_eq!(wrong.code, 6, "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("Bearer"));
    let right = of(&["invalidate", &path, "--purge-token", "right"]);
    assert_eq!((right.code, right.stdout.contains(": purged")), (0, true), "{right:?}");
    let measured = of(&["invalidate", "/css/main.css", "/js/app.js", "--purge-token", "right", "--measure"]);
    assert_eq!(measured.code, 0, "{measured:?}");
    assert_eq!(measured.stdout.matches(" ms after the invalidation was sent").count(), 2, "{measured:?}");
    let refused = of(&["invalidate", "/css/main.css", "--purge-token", "wrong", "--measure"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    let again: Value = serde_json::from_str(&of(&["test", "--format", "json"]).stdout).unwrap();
    assert_eq!(again["first"]["outcome"], "miss", "it was forgotten");
}

/// The name with the hash of the asset that was tried.
fn versioned(trial: &Value) -> String {
    trial["url"].as_str().unwrap().split_once("/assets/").unwrap().1.to_owned()
}
