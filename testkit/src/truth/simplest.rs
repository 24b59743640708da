//! The simplest client there can be, on a thread of its own: what it sees beyond the server's own
//! time is the loopback's price, which no client gets around.
//!
//! One blocking socket, one write for a request, reads until the answer is whole, a look at the
//! clock before and after. It judges nothing and knows no HTTP but the length of an answer. It is the
//! floor under an instrument that is measured: the instrument's own cost is what it shows beyond this.
//! A client that sleeps longer is woken later, so the floor of a delay is measured at that delay.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may be waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer at most: the paths that are timed have small ones.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What is asked for one after the other.
#[derive(Debug, Clone)]
pub struct SimplestClient {
    requests: Vec<Vec<u8>>,
    port: u16,
}

impl SimplestClient {
    /// A client that asks a server of this machine for these paths, queries included.
    #[must_use]
    pub fn new(port: u16, paths: &[String]) -> Self {
        let of =
            |path: &String| format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n").into_bytes();
        Self { requests: paths.iter().map(of).collect(), port }
    }

    /// Connects and asks until the time is over, `choose` saying each time for which path (by its
    /// place) from the number of the request. Gives the latencies of each path, in nanoseconds, from
    /// before the write to after the last read.
    ///
    /// # Errors
    ///
    /// If there is no thread, or the server cannot be reached or breaks off.
    pub async fn ask_for(
        &self,
        length: Duration,
        choose: impl Fn(u64) -> usize + Send + 'static,
    ) -> Result<Vec<Vec<u64>>> {
        let client = self.clone();
        let (done, told) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name("simplest".into()).spawn(move || {
            let _ = done.send(client.ask_blocking(length, choose));
        })?;
        told.await.unwrap_or_else(|_| Err(Error::other("the simplest client's thread ended")))
    }

    fn ask_blocking(&self, length: Duration, choose: impl Fn(u64) -> usize) -> Result<Vec<Vec<u64>>> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        let mut latencies_ns = vec![Vec::new(); self.requests.len()];
        let mut buffer = vec![0; ANSWER_BYTES_MAX];
        let until = Instant::now() + length;
        let mut nth = 0;
        while Instant::now() < until {
            let place = choose(nth);
            nth += 1;
            let took = exchange(&mut socket, &self.requests[place], &mut buffer)?;
            latencies_ns[place].push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(latencies_ns)
    }
}

fn exchange(socket: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> Result<Duration> {
    let mut read = 0;
    let begun = Instant::now();
    socket.write_all(request)?;
    loop {
        match socket.read(&mut buffer[read..])? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
        // The clock is looked at before the bytes are: what a reader thinks of them is not the way's.
        let took = begun.elapsed();
        if is_whole(&buffer[..read]) {
            return Ok(took);
        }
    }
}

/// Whether all of an answer with a `content-length` has come.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head_text = std::str::from_utf8(&answer[..head]).unwrap_or_default();
    let length = head_text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    length.is_some_and(|length| answer.len() >= head + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_the_last_byte_of_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\na: b\r\n\r\nspun";
        for cut in 0..answer.len() {
            assert!(!is_whole(&answer[..cut]), "{cut}");
        }
        assert!(is_whole(answer));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n\r\n"), "its length is not told");
    }
}
