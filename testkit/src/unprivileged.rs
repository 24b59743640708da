//! The user that a server runs as when the tests run as root and the server refuses that.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{TestkitError, nursery, programs};

/// A user and its primary group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// `None` if the tests do not run as root, in which case no change of user is needed.
    pub(crate) fn instead_of_root(preferred: &str) -> Result<Option<Self>, TestkitError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd =
            std::fs::read_to_string("/etc/passwd").map_err(TestkitError::io("reading /etc/passwd"))?;
        find(&passwd, preferred).or_else(|| find(&passwd, "nobody")).map(Some).ok_or_else(|| {
            TestkitError::Failed {
                what: format!("looking for a user to run {preferred} as"),
                output: format!("the tests run as root, and there is neither a user {preferred} nor nobody"),
            }
        })
    }
}

/// The words to put before a command line: they tie the server's life to the test process and change
/// the user. Without `setpriv` (util-linux) a server survives a test process that was killed by
/// SIGKILL, which cannot be helped; dropping the handle still ends it.
pub(crate) fn prefix(user: Option<User>) -> Result<Vec<OsString>, TestkitError> {
    let setpriv = match (programs::find("setpriv", "util-linux"), user) {
        (Ok(path), _) => path,
        (Err(_), None) => return Ok(Vec::new()),
        (Err(error), Some(_)) => return Err(error),
    };
    let mut words: Vec<OsString> = vec![setpriv.into(), "--pdeathsig".into(), "KILL".into()];
    if let Some(User { uid, gid }) = user {
        words.push(format!("--reuid={uid}").into());
        words.push(format!("--regid={gid}").into());
        words.push("--clear-groups".into());
    }
    words.push("--".into());
    Ok(words)
}

/// A new directory that belongs to the user.
pub(crate) fn directory(prefix: &str, user: Option<User>) -> Result<TempDir, TestkitError> {
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .map_err(TestkitError::io(format!("making a directory {prefix}")))?;
    if let Some(User { uid, gid }) = user {
        std::os::unix::fs::chown(directory.path(), Some(uid), Some(gid))
            .map_err(TestkitError::io(format!("giving {} away", directory.path().display())))?;
    }
    Ok(directory)
}

/// Runs a program as the user until it ends.
pub(crate) fn run(
    program: &Path,
    args: &[OsString],
    home: &Path,
    user: Option<User>,
) -> Result<(), TestkitError> {
    let mut words = prefix(user)?;
    words.push(program.into());
    words.extend_from_slice(args);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = nursery::spawn(command)
        .and_then(Child::wait_with_output)
        .map_err(TestkitError::io(format!("running {}", program.display())))?;
    if output.status.success() {
        return Ok(());
    }
    Err(TestkitError::Failed {
        what: program.display().to_string(),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Looks a user up in the text of `/etc/passwd` (`name:password:uid:gid:…`, passwd(5)).
fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name_only() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8:::\npostgres:x:101:104:::\nbroken\nbad:x:y:1:\n";
        assert_eq!(find(passwd, "postgres"), Some(User { uid: 101, gid: 104 }));
        assert_eq!(find(passwd, "postgre"), None);
        assert_eq!(find(passwd, "broken"), None);
        assert_eq!(find(passwd, "bad"), None);
    }
}
