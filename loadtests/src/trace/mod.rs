//! Traces of a cache's requests, read one by one: the keys, and their sizes where they are known.
//!
//! Apart from everything that uses them, because a load test replays the keys and a what-if curve
//! counts them. Nothing is held in memory here: a reader hands on each request and forgets it.

mod format;
mod source;

use std::path::{Path, PathBuf};

pub use format::TraceFormat;

/// Requests that are read at most.
pub const REQUESTS_MAX: u64 = 1 << 40;

/// One request of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceRequest<'t> {
    /// The key as a number: itself if it is written as one, else its hash.
    pub key: u64,
    /// The key as it is written; empty in binary traces.
    pub text: &'t [u8],
    /// The bytes of the object, where the trace tells.
    pub size_bytes: Option<u32>,
}

/// A trace that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read or its compression is broken.
    #[error("cannot read the trace {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A record is not what the format asks for.
    #[error("{}: request {place}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The number of the request, from 1.
        place: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing in it.
    #[error("{} holds no request", .0.display())]
    Empty(PathBuf),
}

/// Reads a trace and hands each request to `take`, until that returns false. Compression (gzip,
/// xz, zstd) is recognised by its first bytes; without `format`, the format by the file's name.
/// Returns how many requests were handed on.
///
/// # Errors
///
/// If the file cannot be read, a record is broken, or there is none.
pub fn read(
    path: &Path,
    format: Option<TraceFormat>,
    mut take: impl FnMut(TraceRequest<'_>) -> bool,
) -> Result<u64, TraceError> {
    let io = |source| TraceError::Io { path: path.to_owned(), source };
    let format = format.unwrap_or_else(|| TraceFormat::of_name(path));
    let mut source = source::open(path).map_err(io)?;
    let mut place = 0;
    let ended = format::records(&mut source, format, &mut |request| {
        place += 1;
        take(request) && place < REQUESTS_MAX
    });
    match ended {
        Ok(()) if place == 0 => Err(TraceError::Empty(path.to_owned())),
        Ok(()) => Ok(place),
        Err(format::Fault::Io(error)) => Err(io(error)),
        Err(format::Fault::Record(reason)) => {
            Err(TraceError::Malformed { path: path.to_owned(), place: place + 1, reason })
        }
    }
}
