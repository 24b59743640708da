//! The hits and misses that a Redis server counts, by INFO over plain RESP.
//!
//! One command needs no client library: a request of a fixed form, an answer of a stated length.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use crate::plan::RedisAddress;

/// How long an answer may take: the load waits for it.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes of an answer at most.
const ANSWER_MAX: usize = 1 << 20;

/// A connection to a Redis server, made when it is first needed.
#[derive(Debug)]
pub(super) struct RedisInfo {
    address: RedisAddress,
    stream: Option<BufStream<TcpStream>>,
}

impl RedisInfo {
    pub(super) const fn new(address: RedisAddress) -> Self {
        Self { address, stream: None }
    }

    /// `keyspace_hits` and `keyspace_misses`; none if the server does not answer in time.
    pub(super) async fn hits_and_misses(&mut self) -> Option<(u64, u64)> {
        let asked = tokio::time::timeout(TIMEOUT, self.ask()).await;
        let Ok(Ok(text)) = asked else {
            self.stream = None;
            return None;
        };
        Some((field(&text, "keyspace_hits:")?, field(&text, "keyspace_misses:")?))
    }

    async fn ask(&mut self) -> std::io::Result<String> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let address = (self.address.host.as_str(), self.address.port);
                let mut stream = BufStream::new(TcpStream::connect(address).await?);
                if let Some(password) = &self.address.password {
                    let mut words = vec!["AUTH"];
                    words.extend(self.address.user.as_deref());
                    words.push(password);
                    command(&mut stream, &words).await?;
                }
                self.stream.insert(stream)
            }
        };
        command(stream, &["INFO", "stats"]).await
    }
}

/// Sends a command and reads its answer, a simple or a bulk string.
async fn command(stream: &mut BufStream<TcpStream>, words: &[&str]) -> std::io::Result<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    stream.take(1024).read_line(&mut line).await?;
    let refused = |text: &str| std::io::Error::other(text.to_owned());
    match line.split_at_checked(1) {
        Some(("+", rest)) => Ok(rest.trim_end().to_owned()),
        Some(("$", length)) => {
            let length: usize = length.trim_end().parse().map_err(|_| refused("no length"))?;
            if length > ANSWER_MAX {
                return Err(refused("an answer that is too long"));
            }
            let mut answer = vec![0; length + 2];
            stream.read_exact(&mut answer).await?;
            answer.truncate(length);
            String::from_utf8(answer).map_err(|_| refused("an answer that is no text"))
        }
        _ => Err(refused(line.trim_end())),
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_names() {
        let text = "# Stats\r\nkeyspace_hits:12\r\nkeyspace_misses:3\r\n";
        assert_eq!((field(text, "keyspace_hits:"), field(text, "keyspace_misses:")), (Some(12), Some(3)));
        assert_eq!(field(text, "expired_keys:"), None);
    }
}
