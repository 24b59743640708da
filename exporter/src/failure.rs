//! Why a target gave no samples: the one error that every collector speaks.
//!
//! It is separate because a failure is a sample here, not the end of a page: its [`kind`] becomes
//! a label value from a bounded set, its text a log line. It never holds a URL or a password.
//!
//! [`kind`]: Failure::kind

use std::time::Duration;

/// Why a target gave no samples in one scrape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The deadline passed first.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server cannot prove who it is, or does not accept our certificate. The text says what to do.
    #[error("no trust: {0}")]
    Certificate(String),
    /// The Sentinels do not know a master of this name.
    #[error("the Sentinels know no master {0:?}; write a name that SENTINEL MASTERS tells behind the hosts")]
    UnknownMaster(String),
    /// The connection ended while an answer was awaited.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The server does not accept our user or password.
    #[error("the server does not accept our credentials: {0}")]
    Credentials(String),
    /// The server answered, but refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The answer is not what such a server says.
    #[error("the answer is not readable: {0}")]
    Answer(String),
    /// The collector itself broke.
    #[error("the collector ended without a result; this is a bug in the exporter")]
    Internal,
}

impl Failure {
    /// One word for a label: the set of kinds is bounded, the text of an error is not.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "timeout",
            Self::Connect(_) => "connect",
            Self::Certificate(_) => "certificate",
            Self::UnknownMaster(_) => "unknown_master",
            Self::Broken(_) => "broken",
            Self::Credentials(_) => "credentials",
            Self::Refused(_) => "refused",
            Self::Answer(_) => "answer",
            Self::Internal => "internal",
        }
    }
}
