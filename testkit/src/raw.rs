//! The few bytes of HTTP and RESP that readiness probes need, on a plain blocking socket.
//!
//! Probes must not depend on the client libraries that the rooms under test use.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Sends `request`, then reads until `is_whole` is content with the answer or the peer closes.
pub(crate) fn exchange(
    port: u16,
    request: &[u8],
    is_whole: impl Fn(&[u8]) -> bool,
) -> std::io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    socket.write_all(request)?;
    let mut answer = Vec::new();
    let mut socket = socket.take(ANSWER_MAX_BYTES);
    let mut chunk = [0; 4096];
    while !is_whole(&answer) {
        match socket.read(&mut chunk)? {
            0 => break,
            count => answer.extend_from_slice(&chunk[..count]),
        }
    }
    Ok(answer)
}

/// GET by HTTP/1.0, which has no chunks and closes after the answer: status and body.
pub(crate) fn http_get(port: u16, path: &str) -> std::io::Result<(u16, String)> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    let answer = exchange(port, request.as_bytes(), |_| false)?;
    parse_http(&answer).ok_or_else(|| std::io::Error::other("not an HTTP answer"))
}

fn parse_http(answer: &[u8]) -> Option<(u16, String)> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_answer_has_a_status_and_a_body_and_anything_else_is_none() {
        assert_eq!(parse_http(b"HTTP/1.0 503 Busy\r\na: b\r\n\r\nno"), Some((503, "no".into())));
        assert_eq!(parse_http(b"HTTP/1.1 200 OK\r\n\r\n"), Some((200, String::new())));
        for bad in [&b""[..], b"+PONG\r\n", b"HTTP/1.1 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"] {
            assert_eq!(parse_http(bad), None, "{bad:?}");
        }
    }
}
