//! Where mail goes: files in a folder. Nothing leaves the machine.
//!
//! A mail's file is named after its task, so that a task that is done twice sends one mail.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// Mails that the folder holds, at most; the oldest go first.
const MAILS_MAX: usize = 10_000;
/// How long a mail stays.
const KEPT: Duration = Duration::from_secs(86_400);

/// A folder of mails, which goes with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    folder: Arc<TempDir>,
}

impl Mailbox {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hitmark-testbed-mail-").tempdir()?;
        Ok(Self { folder: Arc::new(folder) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a mail in the form of RFC 5322. Line breaks in what a client sent become blanks, so that
    /// no subject can add a header.
    pub(crate) async fn put(&self, id: &str, to: &str, subject: &str) -> io::Result<()> {
        let line = |text: &str| text.replace(['\r', '\n'], " ");
        let text = format!(
            "From: testbed@example.com\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{id}@example.com>\r\n\r\n",
            line(to),
            line(subject)
        );
        let (half, whole) = (self.path().join(format!("{id}.half")), self.path().join(format!("{id}.eml")));
        tokio::fs::write(&half, text).await?;
        tokio::fs::rename(&half, &whole).await
    }

    /// Removes mails that are too old or too many; how many.
    pub(crate) async fn clean_up(&self) -> io::Result<usize> {
        let folder = Arc::clone(&self.folder);
        let removed = tokio::task::spawn_blocking(move || remove_old(folder.path(), SystemTime::now()));
        removed.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
    }
}

fn remove_old(folder: &Path, now: SystemTime) -> io::Result<usize> {
    let mut mails: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        mails.push((entry.metadata()?.modified()?, entry.path()));
    }
    mails.sort();
    let too_many = mails.len().saturating_sub(MAILS_MAX);
    let old = |written: SystemTime| now.duration_since(written).is_ok_and(|age| age > KEPT);
    let mut removed = 0;
    for (place, (written, path)) in mails.into_iter().enumerate() {
        if place < too_many || old(written) {
            std::fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mail_that_is_sent_twice_is_one_mail_and_its_subject_adds_no_header() {
        let mailbox = Mailbox::new().expect("a folder");
        for _ in 0..2 {
            mailbox.put("7", "a@example.com", "hello\r\nBcc: b@example.com").await.expect("a mail");
        }
        let mails: Vec<_> = std::fs::read_dir(mailbox.path()).expect("a folder").collect();
        assert_eq!(mails.len(), 1);
        let text = std::fs::read_to_string(mailbox.path().join("7.eml")).expect("a mail");
        assert!(text.lines().all(|line| !line.starts_with("Bcc")), "{text}");
    }

    #[tokio::test]
    async fn old_mails_go_and_new_ones_stay() {
        let mailbox = Mailbox::new().expect("a folder");
        mailbox.put("1", "a@example.com", "s").await.expect("a mail");
        assert_eq!(mailbox.clean_up().await.expect("cleaned"), 0);
        let later = SystemTime::now() + KEPT + Duration::from_secs(1);
        assert_eq!(remove_old(mailbox.path(), later).expect("cleaned"), 1);
    }
}
