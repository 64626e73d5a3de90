//! What a host answers when it cannot do what was asked.

use super::mask;

/// What a host could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Nothing stands at the path.
    #[error("no such file or directory")]
    NotFound,
    /// A file was asked for and a directory found.
    #[error("is a directory")]
    IsDirectory,
    /// A directory was asked for and a file found.
    #[error("is not a directory")]
    NotDirectory,
    /// A device, socket or pipe, which are never read.
    #[error("is a device, socket or pipe, which are never read")]
    NotRegular,
    /// Permission denied.
    #[error("permission denied")]
    Denied,
    /// A file that is too large to be configuration.
    #[error("is larger than {}", size(*.limit))]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The host does not do this, or was told not to.
    #[error("{action} is not allowed")]
    Refused {
        /// What was asked, as a gerund: `running helm`.
        action: String,
    },
    /// It took longer than allowed.
    #[error("timed out after {} s", limit.as_secs_f64())]
    TimedOut {
        /// The limit.
        limit: std::time::Duration,
    },
    /// A program that the host runs of its own accord (`git`) ended with an error.
    #[error("'{program}' failed{}: {message}", exit(*.status))]
    Failed {
        /// The program and its arguments.
        program: String,
        /// Its exit status; none when a signal ended it.
        status: Option<i32>,
        /// What it said about it.
        message: String,
    },
    /// An HTTP status other than success.
    #[error("HTTP status {status}")]
    Http {
        /// The status code.
        status: u16,
    },
    /// Anything else, in the host's words.
    #[error("{0}")]
    Other(String),
}

impl HostError {
    /// A refusal; `action` is a gerund phrase.
    #[must_use]
    pub fn refused(action: String) -> Self {
        HostError::Refused { action: mask(&action).into_owned() }
    }
}

/// A number of bytes, in MiB where it comes out even.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes > 0 && bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}

fn exit(status: Option<i32>) -> String {
    status.map_or_else(String::new, |status| format!(" with exit status {status}"))
}
