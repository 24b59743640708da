//! nginx' status page: every number is the server's own.

use std::io::{Read, Write};
use std::net::TcpStream;

use hitmark_exporter::Exporter;
use hitmark_exporter::collectors::nginx::parse;
use hitmark_schema::metrics::{NGINX, NGINX_KEPT};
use hitmark_testkit::NginxServer;
use proptest::prelude::*;

use crate::support::{
    Then, answering, asks, assert_golden, complaints, encoded, exporter, find, here, sample,
};

const STATUS: &str = "server { listen 127.0.0.1:{port};\n\
    location = /stub_status { stub_status; }\n location / { return 200 ok; } }";

async fn asking(urls: &[&str]) -> Exporter {
    exporter(asks("nginx", urls)).await
}

/// One request on a connection of its own.
fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_page_of_nginx_1_22_becomes_the_page_that_is_checked_in() {
    let families =
        parse(&std::fs::read_to_string(here("fixtures/nginx-1.22/stub_status.txt")).unwrap()).unwrap();
    let page = encoded(&families);
    assert_golden("nginx-1.22.prom", &page);
    assert_eq!(complaints(&page, NGINX_KEPT), [""; 0]);
    assert!(families.iter().all(|family| NGINX.contains(&family.metric)));
}

#[tokio::test]
async fn every_counter_is_the_servers_own() {
    let server = NginxServer::start(STATUS).await.unwrap();
    let held = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    for _ in 0..7 {
        assert!(get(server.port(), "/").ends_with("ok"));
    }
    let exporter = asking(&[&server.url()]).await;
    let page = exporter.scrape().await;
    // What we ask right after differs by its own connection and request.
    let own = get(server.port(), "/stub_status");
    let own: Vec<f64> = own
        .rsplit_once("\r\n\r\n")
        .unwrap()
        .1
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(sample(&page, "nginx_connections_accepted"), own[1] - 1.0);
    assert_eq!(sample(&page, "nginx_connections_handled"), own[2] - 1.0);
    assert_eq!(sample(&page, "nginx_http_requests_total"), own[3] - 1.0);
    assert_eq!(sample(&page, "nginx_http_requests_total"), 8.0, "seven, and our own");
    assert_eq!(sample(&page, "nginx_connections_writing"), 1.0, "our own");
    assert_eq!(sample(&page, "nginx_connections_active"), own[0]);
    assert_eq!(sample(&page, "nginx_up"), 1.0);
    drop(held);
}

#[tokio::test]
async fn a_server_that_dies_or_hangs_is_a_sample_and_comes_back() {
    let server = NginxServer::start(STATUS).await.unwrap();
    let good = NginxServer::start(STATUS).await.unwrap();
    let exporter = asking(&[&server.url(), &good.url()]).await;
    let up = |page: &str, server: &NginxServer| {
        sample(page, &format!("nginx_up{{target=\"{}/stub_status\"}}", server.url()))
    };
    server.pause();
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &server), up(&page, &good)), (0.0, 1.0), "{page}");
    server.resume();
    // The shared work that hung ends at the same deadline as the scrape that waited for it.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(up(&exporter.scrape().await, &server), 1.0);
    server.kill();
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &server), up(&page, &good)), (0.0, 1.0));
    assert!(page.contains("failures_total{collector=\"nginx\",kind=\"connect\"} 1"), "{page}");
    server.restart().await.unwrap();
    assert_eq!(up(&exporter.scrape().await, &server), 1.0);
}

#[tokio::test]
async fn another_page_is_a_failure() {
    let server = NginxServer::start(STATUS).await.unwrap();
    for (url, kind) in [
        (format!("{}/other", server.url()), "answer"),
        (format!("http://{}", answering(b"STAT pid 1\r\n", Then::Close)), "broken"),
        (
            format!("http://{}", answering(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", Then::Close)),
            "refused",
        ),
    ] {
        let page = asking(&[&url]).await.scrape().await;
        let failure = format!("hitmark_exporter_failures_total{{collector=\"nginx\",kind=\"{kind}\"}}");
        assert_eq!((find(&page, &failure), sample(&page, "nginx_up")), (Some(1.0), 0.0), "{page}");
    }
}

#[test]
fn a_url_that_is_none_is_told() {
    for url in ["https://h/stub_status", "h:80", "http://me:hunter2@h/"] {
        let error = asks("nginx", &[url]).validate().unwrap_err().to_string();
        assert!(error.contains("status page") && !error.contains("hunter2"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_seven_numbers_or_an_error(text in "(Active connections: |server accepts handled requests|[0-9]{1,25} |Reading: |\\PC){0,12}") {
        if let Ok(families) = parse(&text) {
            prop_assert_eq!(families.len(), 7);
        }
    }
}
