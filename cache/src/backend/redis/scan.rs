//! Removal by pattern: the epoch changes first, so that every lease from before is void, then SCAN
//! and UNLINK in bounded steps, never KEYS.

use redis::Cmd;

use super::names::{Role, escape_glob, is_value};
use super::server::Server;
use crate::error::CacheError;

/// Keys that one SCAN step looks at, and the most that one UNLINK names. A step of this size keeps
/// the server busy for about a millisecond, so that other clients' commands pass between steps.
const SCAN_COUNT: usize = 1000;

/// How long an epoch is remembered: longer than any lease lives.
pub(super) const EPOCH_MS: u64 = 3_600_000;

/// Which names of the namespace a scan removes beside values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bookkeeping {
    Kept,
    Removed,
}

impl Server {
    /// Removes every value whose key matches the glob; only values count.
    pub(super) async fn remove_matching(
        &self,
        glob: &str,
        bookkeeping: Bookkeeping,
    ) -> Result<u64, CacheError> {
        let patience = Some(self.link.config.invalidation_timeout);
        let namespace = &self.link.config.namespace;
        let mut bump = redis::cmd("SET");
        bump.arg(self.name(Role::Epoch, "")).arg(self.token()).arg("PX").arg(EPOCH_MS);
        self.link.ask::<()>(&bump, patience).await?;
        let glob = escape_glob(namespace) + glob;
        let (mut cursor, mut removed) = (0_u64, 0);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&glob).arg("COUNT").arg(SCAN_COUNT);
            let (next, names): (u64, Vec<Vec<u8>>) = self.link.ask(&scan, patience).await?;
            let text = |name: &Vec<u8>| name.get(namespace.len()..).map(<[u8]>::to_vec).unwrap_or_default();
            let (values, mut others): (Vec<_>, Vec<_>) =
                names.into_iter().partition(|name| is_value(&text(name)));
            removed += self.unlink(&values).await?;
            if bookkeeping == Bookkeeping::Removed {
                removed += self.remove_bookkeeping(&mut others, namespace.len()).await?;
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
        if self.announces() {
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(self.name(Role::Channel, "")).arg("*");
            self.link.ask::<u64>(&publish, patience).await?;
        }
        Ok(removed)
    }

    /// Removes leases, and tag sets with the values that they name; how many values that were. A set
    /// that went alone would leave a value, stored behind the scan's back, which no tag could remove.
    async fn remove_bookkeeping(&self, names: &mut Vec<Vec<u8>>, skip: usize) -> Result<u64, CacheError> {
        let mut removed = 0;
        let tag = |name: &Vec<u8>| {
            let text = name.get(skip..)?;
            let tag = text.strip_prefix(b"%tag:").or_else(|| text.strip_prefix(b"%swept:"))?;
            std::str::from_utf8(tag).ok().map(str::to_owned)
        };
        for tag in names.iter().filter_map(tag) {
            removed += self.sweep(&tag).await?;
        }
        // Without the epoch a lease from before could hold again.
        names.retain(|name| name.get(skip..) != Some(b"%epoch") && tag(name).is_none());
        self.unlink(names).await?;
        Ok(removed)
    }

    async fn unlink(&self, names: &[Vec<u8>]) -> Result<u64, CacheError> {
        let mut removed = 0;
        for chunk in names.chunks(SCAN_COUNT) {
            let mut unlink = Cmd::new();
            unlink.arg("UNLINK").arg(chunk);
            removed += self.link.ask::<u64>(&unlink, Some(self.link.config.invalidation_timeout)).await?;
        }
        Ok(removed)
    }
}
