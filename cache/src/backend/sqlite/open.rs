//! Opening the file: what it may be, and what happens if it is damaged.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::tables::{self, APPLICATION_ID, VERSION};
use crate::clock::UnixMs;
use crate::error::CacheError;

/// What to do with a file that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// Refuse to start.
    Fail,
    /// Rename it to end in `.damaged-<milliseconds since 1970>`, and begin with an empty one.
    MoveAside,
}

/// Opens the file for the first time, and checks that it is ours and whole.
pub(super) fn first(path: &Path, on_damage: OnDamage) -> Result<Connection, CacheError> {
    match checked(path) {
        Ok(connection) => Ok(connection),
        Err(Unfit::Damaged(reason)) if on_damage == OnDamage::MoveAside => {
            let aside = move_aside(path).map_err(|error| {
                refused(path, &format!("it is damaged ({reason}) and cannot be moved aside: {error}"))
            })?;
            tracing::warn!(path = %path.display(), aside = %aside.display(), reason, "moved a damaged cache aside");
            checked(path).map_err(|unfit| refused(path, unfit.reason()))
        }
        Err(Unfit::Damaged(reason)) => Err(refused(
            path,
            &format!("it is damaged ({reason}): remove it, or let it be moved aside; it held only copies"),
        )),
        Err(unfit) => Err(refused(path, unfit.reason())),
    }
}

/// Opens the file again, for one more thread.
pub(super) fn again(path: &Path) -> Result<Connection, CacheError> {
    let open = || {
        let mut connection = Connection::open(path)?;
        tables::prepare(&mut connection)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| refused(path, &error.to_string()))
}

/// Why a file cannot be used.
enum Unfit {
    Damaged(String),
    Other(String),
}

impl Unfit {
    fn reason(&self) -> &str {
        match self {
            Self::Damaged(reason) | Self::Other(reason) => reason,
        }
    }
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

fn checked(path: &Path) -> Result<Connection, Unfit> {
    let mut connection = Connection::open(path)?;
    refuse_foreign(&connection)?;
    // Looks at every page, but not at every index entry.
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Unfit::Damaged(verdict));
    }
    tables::prepare(&mut connection)?;
    Ok(connection)
}

/// Another program's database is no cache, however whole: nothing may be written to it.
fn refuse_foreign(connection: &Connection) -> Result<(), Unfit> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (id, version, tables) {
        (APPLICATION_ID, VERSION, _) | (0, 0, 0) => Ok(()),
        (APPLICATION_ID, other, _) => Err(Unfit::Other(format!(
            "it was written by another version (its tables are version {other}, these are {VERSION}): name another file, or remove it"
        ))),
        _ => Err(Unfit::Other("it is a database of another program: name another file".to_owned())),
    }
}

/// Renames the file out of the way; its log goes, since it belongs to no other.
fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = with_suffix(path, &format!(".damaged-{}", UnixMs::now().0));
    fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(with_suffix(path, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn refused(path: &Path, reason: &str) -> CacheError {
    CacheError::Open { path: path.display().to_string(), reason: reason.to_owned() }
}
