//! Removes expired files that nobody looks up: a thread that wakes each second.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::store::{EXPIRED_PER_STEP, Store};
use crate::error::CacheError;

/// How often it looks, while there is nothing to remove.
const ROUND: Duration = Duration::from_secs(1);
/// How long others get the index between two steps.
const PAUSE: Duration = Duration::from_millis(5);

/// The running thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Upkeep {
    _employed: Sender<()>,
}

impl Upkeep {
    pub(super) fn start(store: &Arc<Store>) -> Result<Self, CacheError> {
        let (employed, dismissed) = channel();
        // The folder's lock must go with the last handle, not a moment later with this thread.
        let store: Weak<Store> = Arc::downgrade(store);
        let work = move || {
            let mut rest = ROUND;
            while let Err(RecvTimeoutError::Timeout) = dismissed.recv_timeout(rest) {
                let Some(store) = store.upgrade() else { return };
                rest = match store.expire() {
                    Ok(EXPIRED_PER_STEP) => PAUSE,
                    Ok(_) => ROUND,
                    Err(error) => {
                        tracing::warn!(%error, "expired files of the cache cannot be removed; trying again");
                        ROUND
                    }
                };
            }
        };
        let thread = thread::Builder::new().name("cache-files".to_owned()).spawn(work);
        thread.map_err(|error| CacheError::Store(format!("no thread: {error}")))?;
        Ok(Self { _employed: employed })
    }
}
