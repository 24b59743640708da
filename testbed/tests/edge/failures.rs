//! Origins that are slow, gone, or break off.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Client, Origin, edge};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_origin_is_stood_in_for_where_it_allowed_that() {
    let origin = Origin::start().await;
    origin.script.set("/allows", 200, &["cache-control: max-age=0, stale-if-error=60"], "page");
    origin.script.set("/forbids", 200, &["cache-control: max-age=0, must-revalidate", "etag: \"v\""], "page");
    let edge = edge(&origin.url, |_| {}).await;
    let client = Client::of(&edge.url);
    client.get("/allows", &[]).await;
    client.get("/forbids", &[]).await;
    origin.stop().await;
    // The edge may still hold connections of the origin that are only now told to be over.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stale = client.get("/allows", &[]).await;
    assert_eq!((stale.status.as_u16(), stale.body.as_str()), (200, "page"));
    assert!(stale.header("cache-status").contains("detail=stale-if-error"), "{stale:?}");
    assert_eq!(client.get("/forbids", &[]).await.status, 502);
    assert_eq!(client.get("/never-seen", &[]).await.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_origin_is_given_up_after_the_timeout() {
    let origin = Origin::start().await;
    origin.script.set_slow("/", 200, &[], "late", Duration::from_secs(60));
    let edge = edge(&origin.url, |config| config.origin_timeout = Duration::from_millis(200)).await;
    assert_eq!(Client::of(&edge.url).get("/", &[]).await.status, 504);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_not_stored() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for body in ["half", "whole body"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 10\r\n\r\n";
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    let edge = edge(&url, |_| {}).await;
    let broken = until_the_end(&edge.url).await;
    assert!(broken.ends_with("half") && !broken.contains("stored"), "{broken}");
    let got = Client::of(&edge.url).get("/", &[]).await;
    assert_eq!((got.body.as_str(), got.is_hit()), ("whole body", false));
    assert!(Client::of(&edge.url).get("/", &[]).await.is_hit());
}

/// Everything that comes on a connection until it ends.
async fn until_the_end(url: &str) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
