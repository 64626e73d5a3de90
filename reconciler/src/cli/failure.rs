//! Why a command ends without success.

use std::io;

/// The result of a command.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments make no sense; the usage is printed after the message.
    Usage(String),
    /// What was asked for did not work.
    Failed(String),
    /// What was asked for could not be found out, where a plain failure is an answer.
    Trouble(String),
    /// Standard output was closed by its reader.
    Closed,
}

impl Failure {
    /// A refusal of the arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure::Usage(message.into())
    }

    /// A failure of what was asked for.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Failure::Failed(message.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::Failed(error.to_string()),
        }
    }
}
