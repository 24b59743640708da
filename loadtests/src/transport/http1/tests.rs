#![allow(clippy::unwrap_used, reason = "helpers of tests")]
//! The connection against a stream whose pieces are given, and against hyper's client.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;

/// A stream that gives one piece at each reading, and then ends or waits.
#[derive(Debug)]
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    written: Vec<u8>,
    /// What a write takes at most; nothing is an error.
    write_bytes: usize,
    ends: bool,
    waits: bool,
    /// Writes that are not taken yet.
    writes_held_back: u32,
    /// How often it was waited for in place.
    waits_in_place: u32,
}

impl Pieces {
    fn new<'p>(pieces: impl IntoIterator<Item = &'p [u8]>, ends: bool) -> Self {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec).collect();
        Self {
            pieces,
            written: Vec::new(),
            write_bytes: usize::MAX,
            ends,
            waits: true,
            writes_held_back: 0,
            waits_in_place: 0,
        }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Between two pieces it waits once, as a connection does.
        self.waits = !self.waits;
        if !self.waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut piece) = self.pieces.pop_front() else {
            return if self.ends { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        let rest = piece.split_off(piece.len().min(room.remaining()));
        room.put_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl ReadInPlace for Pieces {
    fn read_in_place(&mut self, _: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        self.waits_in_place += 1;
        None
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.writes_held_back > 0 {
            self.writes_held_back -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.write_bytes == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = bytes.len().min(self.write_bytes);
        self.written.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Status, body and the field `x-a` of an answer, whether the connection lives on, or what broke.
type Seen = Result<(u16, Vec<u8>, Option<String>, bool), String>;

async fn ask(connection: &mut Http1<Pieces>, asked: Asked) -> Seen {
    let mut buffers = Buffers::default();
    match connection.exchange(b"GET / HTTP/1.1\r\n\r\n", asked, BodyUse::Keep, &mut buffers).await {
        Ok(answer) => {
            assert_eq!(answer.body_bytes, buffers.body.len() as u64);
            assert!(answer.body_at >= answer.headers_at);
            let field = buffers.headers.text("x-a").map(str::to_owned);
            Ok((answer.status, buffers.body, field, connection.reusable))
        }
        Err(broken) => Err(broken.to_string()),
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>, ends: bool) -> Seen {
    run(ask(&mut Http1::new(Pieces::new(pieces, ends)), Asked::Other))
}

/// Answers of every framing, whole and broken. The connection ends after each.
fn answers() -> Vec<String> {
    let long = "0123456789".repeat(2_000);
    vec![
        "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx-a: no\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-a: c\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\ntrailer: t\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\n\r\nuntil the end".to_owned(),
        "HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold".to_owned(),
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nold".to_owned(),
        "HTTP/1.1 204 No Content\r\nx-a: d\r\n\r\n".to_owned(),
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n".to_owned(),
        "HTTP/1.1 503 Later\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbusy".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nx-a: {long}\r\ncontent-length: {}\r\n\r\n{long}", long.len()),
        // Broken ones.
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-le".to_owned(),
        "no http at all\r\n\r\n".to_owned(),
        String::new(),
    ]
}

#[test]
fn an_answer_is_the_same_wherever_it_is_cut() {
    for answer in answers() {
        let bytes = answer.as_bytes();
        let whole = read([bytes], true);
        for cut in 1..bytes.len().min(400) {
            let (one, other) = bytes.split_at(cut);
            assert_eq!(read([one, other], true), whole, "cut at {cut}: {answer}");
        }
        let drops: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(drops, true), whole, "byte by byte: {answer}");
    }
}

/// What hyper's client makes of an answer: status, body, field `x-a`; none if it was an error.
async fn hyper_reads(bytes: &[u8]) -> Option<(u16, Vec<u8>, Option<String>)> {
    let stream = TokioIo::new(Pieces::new([bytes], true));
    let (mut sender, driver) = hyper::client::conn::http1::handshake(stream).await.ok()?;
    let driver = async {
        let _ = driver.await;
        std::future::pending::<()>().await;
    };
    let exchange = async {
        let response = sender.send_request(Request::new(Full::new(Bytes::new()))).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes().to_vec();
        let field = parts.headers.get("x-a").map(|value| value.to_str().unwrap().to_owned());
        Some((parts.status.as_u16(), body, field))
    };
    // The request is sent before anything is read: an answer that nobody asked for is an error.
    tokio::select! {
        biased;
        answer = exchange => answer,
        () = driver => None,
    }
}

#[test]
fn an_answer_is_what_hypers_client_makes_of_it() {
    for answer in answers() {
        let ours = read([answer.as_bytes()], true).ok().map(|(status, body, field, _)| (status, body, field));
        let theirs = run(hyper_reads(answer.as_bytes()));
        assert_eq!(ours, theirs, "{answer}");
    }
}

#[test]
fn what_breaks_is_told_by_its_kind() {
    for (answer, told) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort", "ended before the answer was complete"),
        ("", "ended before the answer was complete"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunks of the answer are malformed"),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "length of the answer is told wrongly"),
        ("SSH-2.0-OpenSSH\r\n", "head of the answer is malformed"),
    ] {
        let error = read([answer.as_bytes()], true).unwrap_err();
        assert!(error.contains(told), "{answer}: {error}");
    }
    let endless = [b"HTTP/1.1 200 OK\r\na: ".to_vec(), vec![b'a'; HEAD_BYTES_MAX]].concat();
    assert!(read([&endless[..]], true).unwrap_err().contains("longer than"));
    let interim = b"HTTP/1.1 102 Wait\r\n\r\n".repeat(INTERIM_MAX + 1);
    assert!(read([&interim[..]], true).unwrap_err().contains("interim answers"));
}

#[test]
fn a_connection_takes_another_request_only_where_nothing_is_left_of_the_last() {
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n";
    for (answer, reusable) in [
        (format!("{length}\r\nok"), true),
        (format!("{length}\r\nokay"), false),
        (format!("{length}connection: close\r\n\r\nok"), false),
        ("HTTP/1.1 200 OK\r\n\r\nok".to_owned(), false),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(), false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(), false),
    ] {
        let seen = read([answer.as_bytes()], !reusable).unwrap();
        assert_eq!(seen.3, reusable, "{answer}");
    }
}

#[test]
fn answers_follow_one_another_and_an_unasked_one_ends_it() {
    let one = b"HTTP/1.1 200 OK\r\nX-A: 1\r\ncontent-length: 1\r\n\r\na";
    let two = b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n";
    let mut stream = Pieces::new([&one[..], &two[..]], false);
    stream.write_bytes = 7;
    let mut connection = Http1::new(stream);
    run(async {
        assert_eq!(
            ask(&mut connection, Asked::Other).await,
            Ok((200, b"a".to_vec(), Some("1".to_owned()), true))
        );
        // The stream waits once before each piece, so the next one is not seen yet.
        assert!(connection.is_ready());
        assert_eq!(ask(&mut connection, Asked::Other).await, Ok((404, b"b".to_vec(), None, true)));
        assert_eq!(connection.stream.written, b"GET / HTTP/1.1\r\n\r\n".repeat(2));
        assert!(connection.is_ready());
        connection.stream.pieces.push_back(b"HTTP/1.1 408 Too slow\r\n\r\n".to_vec());
        assert!(!(connection.is_ready() && connection.is_ready()));
    });
    let closed = Pieces { waits: false, ..Pieces::new([], true) };
    assert!(!Http1::new(closed).is_ready());
}

#[test]
fn an_answer_is_waited_for_in_place_only_when_the_whole_request_is_on_its_way() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let waits_in_place = |writes_held_back| {
        let mut connection = Http1::new(Pieces { writes_held_back, ..Pieces::new([&answer[..]], false) });
        let seen = run(ask(&mut connection, Asked::Other)).unwrap();
        assert_eq!((seen.0, seen.1), (200, b"ok".to_vec()));
        connection.stream.waits_in_place
    };
    assert_eq!(waits_in_place(0), 1, "the piece comes at the second reading");
    assert_eq!(waits_in_place(1), 0, "what is not asked for does not come");
}

#[test]
fn a_head_request_has_no_body_and_the_connection_lives_on() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    let seen = run(ask(&mut Http1::new(Pieces::new([&answer[..]], false)), Asked::Head));
    assert_eq!(seen, Ok((200, Vec::new(), None, true)));
}

#[test]
fn an_answer_to_a_request_that_could_not_be_written_counts_and_ends_the_connection() {
    let answer = b"HTTP/1.1 413 Too much\r\ncontent-length: 0\r\n\r\n";
    let mut stream = Pieces::new([&answer[..]], true);
    stream.write_bytes = 0;
    assert_eq!(run(ask(&mut Http1::new(stream), Asked::Other)), Ok((413, Vec::new(), None, false)));
    let mut silent = Pieces::new([], true);
    silent.write_bytes = 0;
    let error = run(ask(&mut Http1::new(silent), Asked::Other)).unwrap_err();
    assert!(error.contains("broke"), "{error}");
}

#[test]
fn a_long_body_is_counted_without_being_kept() {
    let body = vec![b'x'; 3_000_000];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut connection = Http1::new(Pieces::new([head.as_bytes(), &body], false));
    let mut buffers = Buffers::default();
    let answer =
        run(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", Asked::Other, BodyUse::Count, &mut buffers));
    assert_eq!((answer.unwrap().body_bytes, buffers.body.len()), (3_000_000, 0));
    assert!(connection.buffer.len() <= BUFFER_BYTES_MAX, "{}", connection.buffer.len());
}

proptest! {
    #[test]
    fn an_answer_cut_into_any_pieces_is_the_same(
        which in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        let answers = answers();
        let bytes = which.get(&answers).as_bytes();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len().max(1))).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces = places.windows(2).map(|pair| &bytes[pair[0].min(bytes.len())..pair[1]]);
        prop_assert_eq!(read(pieces, true), read([bytes], true));
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..300), starts_well in any::<bool>()) {
        let start: &[u8] = if starts_well { b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" } else { b"" };
        let _ = read([start, &bytes], true);
    }
}
