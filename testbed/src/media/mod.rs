//! Pictures and documents: what a web application makes of bytes and rows, at a price.
//!
//! Apart from the systems, which all use them. Pure work on one thread, in milliseconds: callers
//! keep it off the threads that answer requests. Nothing here is cached; that is for the callers.

pub(crate) mod pdf;
pub(crate) mod photo;

/// Runs work that occupies a core, away from the threads that answer requests.
pub(crate) async fn occupied<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MediaError> + Send + 'static,
) -> Result<T, MediaError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(MediaError::Stopped))
}

/// Why a picture or document could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    /// The bytes are no picture that is understood.
    #[error("the bytes are no JPEG or PNG picture that can be read: {0}")]
    Unreadable(#[source] image::ImageError),
    /// The picture is too large to be unpacked.
    #[error("the picture has {width}×{height} pixels; at most {max} million are taken")]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The limit in millions of pixels.
        max: u64,
    },
    /// Making it failed.
    #[error("the {what} could not be made: {reason}")]
    NotMade {
        /// What was to be made.
        what: &'static str,
        /// What the library said.
        reason: String,
    },
    /// The runtime stopped, or the work panicked.
    #[error("the work on a picture or document ended early")]
    Stopped,
}
