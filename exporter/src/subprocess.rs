//! One bounded run of a program: what it may print and how long it may take are limited.
//!
//! It is for figures that only a program of the server's own package can read, such as Varnish's
//! shared memory. The program comes from the configuration and never from a request, its arguments
//! go without a shell, and it is killed when the deadline drops the future that waits for it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::failure::Failure;

/// The most that is read of what a program complains of.
const COMPLAINT_LEN_MAX: u64 = 2 << 10;

/// What a program printed before it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) output: String,
    pub(crate) complaint: String,
}

/// Runs a program to its end and returns what it printed.
pub(crate) async fn run(
    program: &Path,
    arguments: &[&str],
    len_max: usize,
    limit: Duration,
) -> Result<Printed, Failure> {
    match tokio::time::timeout(limit, run_without_limit(program, arguments, len_max)).await {
        Ok(result) => result,
        // The future and with it the process are gone by now.
        Err(_) => Err(Failure::Timeout(limit)),
    }
}

async fn run_without_limit(program: &Path, arguments: &[&str], len_max: usize) -> Result<Printed, Failure> {
    let name = program.display();
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::Connect(format!("{name} cannot be started: {error}")))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // One byte more than allowed tells that there was more.
    let output = read(stdout, len_max as u64 + 1);
    let complaint = read(stderr, COMPLAINT_LEN_MAX);
    let (output, complaint) = tokio::join!(output, complaint);
    if output.len() > len_max {
        return Err(Failure::Answer(format!("{name} printed more than {len_max} bytes")));
    }
    let status = child.wait().await.map_err(|error| Failure::Broken(error.to_string()))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let complaint = text(complaint);
    if !status.success() {
        let first = complaint.lines().next().unwrap_or_default();
        return Err(Failure::Refused(format!("{name} ended with {status}: {first}")));
    }
    Ok(Printed { output: text(output), complaint })
}

/// Reads to the end or the limit. What cannot be read is as good as nothing: the exit code tells.
async fn read(from: Option<impl AsyncRead + Unpin>, len_max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(len_max).read_to_end(&mut bytes).await;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, limit_ms: u64) -> Result<Printed, Failure> {
        run(Path::new("/bin/sh"), &["-c", script], 1_000, Duration::from_millis(limit_ms)).await
    }

    #[tokio::test]
    async fn what_is_printed_is_returned_and_everything_else_is_a_failure() {
        let printed = shell("echo yes; echo no >&2", 30_000).await.unwrap();
        assert_eq!((printed.output.as_str(), printed.complaint.as_str()), ("yes\n", "no\n"));
        for (script, limit_ms, kind) in [
            ("echo why >&2; exit 3", 30_000, "refused"),
            ("kill -9 $$", 30_000, "refused"),
            ("while true; do echo more; done", 30_000, "answer"),
            ("sleep 60", 100, "timeout"),
        ] {
            assert_eq!(shell(script, limit_ms).await.unwrap_err().kind(), kind, "{script}");
        }
        let missing = run(Path::new("/nowhere/program"), &[], 1, Duration::from_secs(9)).await;
        assert_eq!(missing.unwrap_err().kind(), "connect");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_at_the_deadline() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("echo $$ > {}; exec sleep 600", file.path().display());
        assert_eq!(shell(&script, 500).await.unwrap_err().kind(), "timeout");
        let pid = std::fs::read_to_string(file.path()).unwrap();
        let gone = |pid: &str| {
            // A process that is dead and not yet reaped has the state Z.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
        };
        for _ in 0..500 {
            if gone(pid.trim()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("process {pid} still runs");
    }
}
