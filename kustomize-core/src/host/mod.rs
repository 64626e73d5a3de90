//! How the outside comes in. The library itself does no I/O: whoever calls it hands it a [`Host`].
//!
//! Paths are UTF-8 with `/` between their parts, absolute, on every platform.

mod memory;
#[cfg(feature = "os")]
mod os;
pub mod path;

pub use memory::MemoryHost;
#[cfg(feature = "os")]
pub use os::OsHost;

/// What a build needs from outside.
///
/// Reading is all that is required. Fetching and running are refused unless a host offers them,
/// and builds ask for them only when their options allow it.
pub trait Host: Sync {
    /// The whole content of a file.
    ///
    /// # Errors
    /// [`HostError::NotFound`], [`HostError::IsDirectory`], [`HostError::Denied`], …
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError>;

    /// The same path with every symbolic link resolved.
    ///
    /// # Errors
    /// [`HostError::NotFound`] when there is nothing at the path.
    fn resolve(&self, path: &str) -> Result<String, HostError>;

    /// What stands at a path, links followed.
    ///
    /// # Errors
    /// [`HostError::NotFound`] when there is nothing at the path.
    fn kind(&self, path: &str) -> Result<EntryKind, HostError>;

    /// Names in a directory, sorted.
    ///
    /// # Errors
    /// [`HostError::NotFound`], [`HostError::Denied`], …
    fn list(&self, directory: &str) -> Result<Vec<String>, HostError>;

    /// The body of a document at an `http` or `https` URL.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host fetches.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        Err(HostError::refused(format!("fetching {url}")))
    }

    /// A checkout of a git repository; returns its directory. The host removes it when dropped.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host clones.
    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        Err(HostError::refused(format!("cloning {}", repository.url)))
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host runs programs.
    fn run(&self, command: &Command) -> Result<Output, HostError> {
        Err(HostError::refused(format!("running {}", command.program)))
    }

    /// A new empty directory for a program's files. The host removes it when dropped.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host has a place to write.
    fn scratch_directory(&self) -> Result<String, HostError> {
        Err(HostError::refused("writing temporary files".to_owned()))
    }

    /// Writes a file below a scratch directory.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host has a place to write.
    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        let _ = content;
        Err(HostError::refused(format!("writing {path}")))
    }

    /// The value of an environment variable (exec functions, generators with `KEY` and no value).
    fn environment(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, socket or pipe: never read.
    Other,
}

/// A git repository to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// What `git` is to fetch from.
    pub url: String,
    /// Branch, tag or commit; the default branch when empty.
    pub reference: String,
    /// Whether to check out submodules.
    pub submodules: bool,
    /// How long it may take.
    pub timeout: std::time::Duration,
}

impl Repository {
    /// A repository at its default branch, with submodules, within the reference's 27 seconds.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Repository {
            url: url.into(),
            reference: String::new(),
            submodules: true,
            timeout: std::time::Duration::from_secs(27),
        }
    }
}

/// A program to run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Command {
    /// Path or name of the program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables set beyond the host's own environment.
    pub environment: Vec<(String, String)>,
    /// Directory it runs in.
    pub directory: String,
    /// What it reads from standard input.
    pub input: Vec<u8>,
}

/// How a program ended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Output {
    /// Exit status; none when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

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
    /// Permission denied.
    #[error("permission denied")]
    Denied,
    /// A file that is too large to be configuration.
    #[error("is larger than {limit} bytes")]
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
    #[error("timed out after {seconds} s")]
    TimedOut {
        /// The limit, in seconds.
        seconds: u64,
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
        HostError::Refused { action }
    }
}
