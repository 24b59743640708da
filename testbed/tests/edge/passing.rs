//! What passes through: fields, streams, interim answers.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Client, Origin, edge};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_forwarded_with_a_trace_and_without_its_connection() {
    let origin = Origin::start().await;
    origin.script.set(
        "/",
        200,
        &["x-a: 1", "connection: x-hop", "x-hop: 1", "keep-alive: timeout=9"],
        "page",
    );
    let edge = edge(&origin.url, |_| {}).await;
    let lines = ["host: shop.test", "te: trailers", "x-forwarded-for: 192.0.2.1", "x-odd: kept"];
    let got = Client::of(&edge.url).get("/?q=1", &lines).await;
    let seen = origin.script.last();
    assert_eq!((seen["host"].as_bytes(), seen["x-odd"].as_bytes()), (&b"shop.test"[..], &b"kept"[..]));
    assert_eq!(seen["via"], "1.1 hitmark");
    let trace: Vec<_> = seen.get_all("x-forwarded-for").iter().collect();
    assert_eq!(trace, ["192.0.2.1", "127.0.0.1"]);
    assert!(!seen.contains_key("te"));
    assert_eq!((got.header("x-a"), got.header("via")), ("1", "1.1 hitmark"));
    assert!(!got.headers.contains_key("x-hop") && !got.headers.contains_key("keep-alive"));
    assert_eq!(got.header("cache-status"), "hitmark; fwd=uri-miss; fwd-status=200; detail=never-usable");
}

/// An origin that answers one request by parts, each after the test has said so.
async fn by_hand() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

/// The origin's end of the next connection, after the request came.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    stream
}

async fn ask(url: &str) -> TcpStream {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut got = String::new();
    while !got.contains(text) {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(count > 0, "ended before '{text}': {got}");
        got.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    got
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stored_streams_through_as_it_comes() {
    let (url, listener) = by_hand().await;
    let edge = edge(&url, |_| {}).await;
    let mut client = ask(&edge.url).await;
    let mut origin = asked(&listener).await;
    origin.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await.unwrap();
    until(&mut client, "first").await;
    origin.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    until(&mut client, "second").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_reach_the_client_before_the_final_one_and_are_not_stored() {
    let (url, listener) = by_hand().await;
    let edge = edge(&url, |_| {}).await;
    let mut client = ask(&edge.url).await;
    let mut origin = asked(&listener).await;
    origin.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n").await.unwrap();
    let early = until(&mut client, "a.css").await;
    assert!(early.starts_with("HTTP/1.1 103 Early Hints\r\n") && !early.contains("200"), "{early}");
    origin
        .write_all(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 4\r\n\r\npage")
        .await
        .unwrap();
    let last = until(&mut client, "page").await;
    assert!(last.starts_with("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n"), "{last}");
    let again = until(&mut ask(&edge.url).await, "page").await;
    assert!(again.starts_with("HTTP/1.1 200 OK\r\n") && !again.contains("a.css"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_hosts_or_none_is_refused_and_the_target_overrules_the_field() {
    let origin = Origin::start().await;
    origin.script.set("/", 200, &["cache-control: max-age=60"], "page");
    let edge = edge(&origin.url, |_| {}).await;
    let address = edge.url.trim_start_matches("http://");
    for (head, status) in [
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a.test\r\nhost: b.test\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a.test\r\nconnection: host\r\n", "400"),
        ("GET http://a.test/ HTTP/1.1\r\nhost: b.test\r\n", "200"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let got = until(&mut stream, "\r\n\r\n").await;
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {got}");
    }
    assert_eq!(origin.script.last()["host"], "a.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_requests_pass_and_make_the_page_void() {
    let origin = Origin::start().await;
    origin.script.set("/", 200, &["cache-control: max-age=60"], "page");
    let edge = edge(&origin.url, |_| {}).await;
    let client = Client::of(&edge.url);
    client.get("/", &[]).await;
    assert!(client.get("/", &[]).await.is_hit());
    client.send("POST", "/", &["content-type: text/plain"]).await;
    assert!(!client.get("/", &[]).await.is_hit());
}
