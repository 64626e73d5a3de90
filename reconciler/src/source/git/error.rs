//! What can go wrong with a git repository.

use std::time::Duration;

/// A git repository cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The reference does not exist.
    #[error("couldn't find remote ref {name:?}{}", hint(.closest.as_deref(), .known, .what))]
    ReferenceNotFound {
        /// Its full name.
        name: String,
        /// The name that was probably meant.
        closest: Option<String>,
        /// Some names that exist.
        known: Vec<String>,
        /// What it should be: a branch, a tag.
        what: &'static str,
    },
    /// The commit does not exist.
    #[error("commit {commit} is not in the repository")]
    CommitNotFound {
        /// Its id.
        commit: String,
    },
    /// No tag is in the range.
    #[error("no match found for semver: {range}")]
    NoVersion {
        /// The range.
        range: String,
    },
    /// The reference cannot be read.
    #[error("{0}")]
    InvalidReference(String),
    /// The server does not accept the credentials.
    #[error("authentication required: {0}")]
    Authentication(String),
    /// Git failed, in its own words.
    #[error("{0}")]
    Failed(String),
    /// A commit is too large.
    #[error("the commit {what} more than {} MiB; keep large files elsewhere, such as in Git LFS or a registry", .limit >> 20)]
    TooLarge {
        /// What it does beyond the limit.
        what: &'static str,
        /// The limit, in bytes.
        limit: u64,
    },
    /// It exceeded the time limit.
    #[error("git did not finish within {}", reconciler_api::Duration::from(*.0))]
    TimedOut(Duration),
    /// The program `git` cannot be run.
    #[error("cannot run the program 'git': {0}")]
    NoProgram(String),
    /// The copy on disk cannot be used.
    #[error("cannot use the local copy of the repository: {0}")]
    Storage(String),
}

impl GitError {
    /// Whether only a change of the object can help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, GitError::InvalidReference(_))
    }
}

fn hint(closest: Option<&str>, known: &[String], what: &str) -> String {
    match closest {
        Some(closest) => format!(", did you mean {closest:?}?"),
        None if known.is_empty() => String::new(),
        None => format!(", the repository has no such {what}, but for example {}", known.join(", ")),
    }
}
