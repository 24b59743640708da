//! memcached's text protocol: one kept connection, all questions in one write, bounded reads.
//!
//! Only what a scrape needs: `stats` commands and the plain-text log-in. It knows the frame of an
//! answer and not its meaning. It shares nothing between callers: that is `single_flight`'s work.
//! Format: <https://github.com/memcached/memcached/blob/master/doc/protocol.txt>.

use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use url::Url;

use crate::failure::Failure;

/// The port if the address has none.
const PORT: u16 = 11_211;
/// The largest sum of answers: 256 classes of 50 lines would be a quarter of it.
const ANSWERS_LEN_MAX: usize = 2 << 20;

/// What the server answered to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The lines before `END`.
    Lines(String),
    /// `ERROR`, `CLIENT_ERROR` or `SERVER_ERROR` with its words.
    Refused(String),
}

/// A server that is asked again and again.
pub(crate) struct MemcachedClient {
    place: Place,
    login: Option<String>,
    kept: Mutex<Option<Box<dyn Stream>>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Tcp(String, u16),
    Unix(String),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl MemcachedClient {
    /// Prepares to ask `HOST[:PORT]`, `memcached://[USER:PASSWORD@]HOST[:PORT]` or `unix:///PATH`;
    /// connects only when asked. The error says what is wrong, without the address.
    pub(crate) fn new(address: &str) -> Result<Self, &'static str> {
        let (place, login) = read_address(address)?;
        Ok(Self { place, login, kept: Mutex::new(None) })
    }

    /// The server as it may be shown.
    pub(crate) fn target(&self) -> String {
        match &self.place {
            Place::Tcp(host, port) => format!("memcached://{host}:{port}"),
            Place::Unix(path) => format!("unix://{path}"),
        }
    }

    /// Asks all questions in one write. The replies stand in the order of the questions.
    pub(crate) async fn ask(&self, questions: &[&str], limit: Duration) -> Result<Vec<Reply>, Failure> {
        // A connection is taken out while it is used: if the deadline drops this future, the
        // connection is closed with it and no late answer can be taken for the next one.
        match tokio::time::timeout(limit, self.ask_without_limit(questions)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout(limit)),
        }
    }

    async fn ask_without_limit(&self, questions: &[&str]) -> Result<Vec<Reply>, Failure> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut stream) = kept {
            match exchange(&mut *stream, questions).await {
                Ok(replies) => return Ok(self.keep(stream, replies)),
                // The server may have restarted since the last scrape: once more, on a new one.
                Err(Failure::Broken(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        let mut stream = self.connect().await?;
        if let Some(login) = &self.login {
            log_in(&mut *stream, login).await?;
        }
        let replies = exchange(&mut *stream, questions).await?;
        Ok(self.keep(stream, replies))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        let connect = |error: io::Error| Failure::Connect(error.to_string());
        Ok(match &self.place {
            Place::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(connect)?;
                stream.set_nodelay(true).map_err(connect)?;
                Box::new(stream)
            }
            Place::Unix(path) => Box::new(UnixStream::connect(path).await.map_err(connect)?),
        })
    }

    fn keep(&self, stream: Box<dyn Stream>, replies: Vec<Reply>) -> Vec<Reply> {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        replies
    }
}

impl fmt::Debug for MemcachedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedClient").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The plain-text log-in: a `set` of any key whose value is user and password.
async fn log_in(stream: &mut dyn Stream, login: &str) -> Result<(), Failure> {
    let command = format!("set login 0 0 {}\r\n{login}\r\n", login.len());
    let broken = |error: io::Error| Failure::Broken(error.to_string());
    stream.write_all(command.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n") {
        read_more(stream, &mut answer).await?;
    }
    // The server's words are fixed and never hold the password.
    let words = String::from_utf8_lossy(&answer).trim_end().to_owned();
    if words == "STORED" { Ok(()) } else { Err(Failure::Credentials(words)) }
}

async fn exchange(stream: &mut dyn Stream, questions: &[&str]) -> Result<Vec<Reply>, Failure> {
    let text: String = questions.iter().flat_map(|question| [*question, "\r\n"]).collect();
    stream.write_all(text.as_bytes()).await.map_err(|error| Failure::Broken(error.to_string()))?;
    let (mut answer, mut replies, mut start) = (Vec::with_capacity(16 << 10), Vec::new(), 0);
    while replies.len() < questions.len() {
        match first_reply(&answer[start..]) {
            // The server answers only the first of several questions like this.
            Some((Reply::Refused(words), _)) if words.contains("unauthenticated") => {
                return Err(Failure::Credentials(words));
            }
            Some((reply, len)) => {
                replies.push(reply);
                start += len;
            }
            None => read_more(stream, &mut answer).await?,
        }
    }
    if start < answer.len() {
        return Err(Failure::Answer("more was answered than asked".to_owned()));
    }
    Ok(replies)
}

async fn read_more(stream: &mut dyn Stream, answer: &mut Vec<u8>) -> Result<(), Failure> {
    if answer.len() >= ANSWERS_LEN_MAX {
        return Err(Failure::Answer(format!("the answer is larger than {ANSWERS_LEN_MAX} bytes")));
    }
    answer.reserve(8 << 10);
    match stream.read_buf(answer).await {
        Ok(0) => Err(Failure::Broken("the server closed the connection".to_owned())),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Broken(error.to_string())),
    }
}

/// The first whole reply of these bytes and its length, if there is one.
fn first_reply(bytes: &[u8]) -> Option<(Reply, usize)> {
    let mut start = 0;
    while let Some(end) = bytes[start..].iter().position(|byte| *byte == b'\n') {
        let line = bytes[start..start + end].trim_ascii_end();
        let whole = start + end + 1;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if line == b"END" || line == b"RESET" {
            return Some((Reply::Lines(text(&bytes[..start])), whole));
        }
        // Only as its first line: within an answer each line begins with STAT.
        if start == 0 && !line.starts_with(b"STAT ") {
            return Some((Reply::Refused(text(line)), whole));
        }
        start = whole;
    }
    None
}

fn read_address(address: &str) -> Result<(Place, Option<String>), &'static str> {
    const SHAPE: &str =
        "is no address; write HOST[:PORT], memcached://[USER:PASSWORD@]HOST[:PORT] or unix:///PATH";
    if let Some(path) = address.strip_prefix("unix://") {
        return if path.starts_with('/') { Ok((Place::Unix(path.to_owned()), None)) } else { Err(SHAPE) };
    }
    let text = if address.contains("://") { address.to_owned() } else { format!("memcached://{address}") };
    let url = Url::parse(&text).map_err(|_| SHAPE)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
    if url.scheme() != "memcached" || !["", "/"].contains(&url.path()) || url.query().is_some() {
        return Err(SHAPE);
    }
    let login = match (unescaped(url.username()), url.password().and_then(unescaped)) {
        (Some(user), None) if user.is_empty() => None,
        (Some(user), Some(password)) if !user.is_empty() => Some(format!("{user} {password}")),
        _ => return Err("a user needs a password and a password a user"),
    };
    // An IPv6 host stands in brackets in a URL and not in an address.
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok((Place::Tcp(host, url.port().unwrap_or(PORT)), login))
}

/// Undoes `%XX`. `None` if the bytes are no text or would end the log-in's line.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%');
        let escaped = pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(['\r', '\n']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_a_host_a_url_or_a_socket() {
        let tcp = |host: &str, port| (Place::Tcp(host.to_owned(), port), None);
        for (text, wanted) in [
            ("cache-1", tcp("cache-1", 11_211)),
            ("cache-1:11212", tcp("cache-1", 11_212)),
            ("memcached://10.0.0.1:1", tcp("10.0.0.1", 1)),
            ("[::1]:7", tcp("::1", 7)),
            ("unix:///run/m.sock", (Place::Unix("/run/m.sock".to_owned()), None)),
            ("memcached://me:p%20w@h", (Place::Tcp("h".to_owned(), 11_211), Some("me p w".to_owned()))),
        ] {
            assert_eq!(read_address(text), Ok(wanted), "{text}");
        }
        for text in ["", ":1", "http://h", "h:99999", "unix://x", "memcached://h/x", "me@h", "me:a%0Ab@h"] {
            assert!(read_address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn answers_are_told_apart_by_their_last_lines() {
        let bytes = b"STAT a 1\r\nSTAT b END\r\nEND\r\nERROR\r\nEND\r\nSTAT c";
        let (first, len) = first_reply(bytes).unwrap();
        assert_eq!(first, Reply::Lines("STAT a 1\r\nSTAT b END\r\n".to_owned()));
        let (second, more) = first_reply(&bytes[len..]).unwrap();
        assert_eq!(second, Reply::Refused("ERROR".to_owned()));
        let (third, rest) = first_reply(&bytes[len + more..]).unwrap();
        assert_eq!(third, Reply::Lines(String::new()));
        assert_eq!(first_reply(&bytes[len + more + rest..]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_reply_within_them_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some((_, len)) = first_reply(&bytes) {
                prop_assert!(len > 0 && len <= bytes.len());
            }
        }
    }
}
