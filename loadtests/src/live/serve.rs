//! `GET /metrics` of a run that is going.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use hitmark_schema::exposition::CONTENT_TYPE;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE as HEADER, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Live;

/// Scrapers at once; further ones wait.
const CONNECTIONS_MAX: usize = 8;

/// Answers scrapes until it is dropped.
pub async fn serve(listener: TcpListener, live: Arc<Live>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let live = Arc::clone(&live);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(&live, hyper::Request::uri(&request).path());
                std::future::ready(Ok::<_, Infallible>(answer))
            });
            // A scraper that goes away is no matter of ours.
            let _ =
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

fn answer(live: &Live, path: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if path == "/metrics" {
        *response.body_mut() = Full::from(live.page());
        response.headers_mut().insert(HEADER, HeaderValue::from_static(CONTENT_TYPE));
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        *response.body_mut() = Full::from("the figures are at /metrics\n");
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_scraper_gets_the_page_and_nothing_else_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let live = Arc::new(Live::default());
        live.step(&crate::Progress::Began { experiment: "x", pairs: 3 });
        tokio::spawn(serve(listener, live));
        for (path, part) in [("/metrics", "hitmark_load_pairs{experiment=\"x\"} 3"), ("/", "404 Not Found")] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert!(text.contains(part), "{path}: {text}");
        }
    }
}
