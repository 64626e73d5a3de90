//! The host of a real machine for [`kustomize_core`], which does no I/O of its own.
//!
//! ```no_run
//! use kustomize_core::{BuildOptions, build};
//! use kustomize_host::OsHost;
//!
//! let rendered = build(&OsHost::new(), "overlays/production", &BuildOptions::default())?;
//! print!("{}", rendered.yaml()?);
//! # Ok::<(), kustomize_core::BuildError>(())
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

#[cfg(feature = "fetch")]
mod fetch;
mod files;
mod git;
mod paths;
mod process;
mod scratch;
#[cfg(target_os = "linux")]
mod unlinked;

use std::io;
use std::path::{Path, PathBuf};

#[cfg(not(target_os = "linux"))]
use files::Staged;
use kustomize_core::host::{Command, EntryKind, Host, HostError, Output, Repository};
use scratch::ScratchDirectories;
#[cfg(target_os = "linux")]
use unlinked::Staged;

/// A file that is written and not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub struct StagedFile(Staged);

impl StagedFile {
    /// Moves the file to its place.
    ///
    /// # Errors
    /// It cannot be moved; what was there is there still.
    pub fn commit(self) -> io::Result<()> {
        self.0.commit()
    }
}

/// Reads the local file system; clones, fetches and runs programs only when told that it may.
///
/// ```no_run
/// use kustomize_host::OsHost;
///
/// let reads_only = OsHost::new();
/// let does_as_kustomize_does = OsHost::new().allow_git().allow_programs();
/// ```
///
/// Paths are the machine's own with `/` between their parts. On Windows, `C:\app` is `/C:/app`:
/// [`OsHost::path`] converts.
#[derive(Debug)]
pub struct OsHost {
    max_file_size: u64,
    git: bool,
    #[cfg(feature = "fetch")]
    http: Option<fetch::Client>,
    programs: bool,
    scratch: ScratchDirectories,
}

impl Default for OsHost {
    fn default() -> Self {
        Self::new()
    }
}

impl OsHost {
    /// Largest file that is read unless told otherwise, in bytes: 64 MiB.
    ///
    /// Configuration is small (a cluster refuses objects above 1.5 MiB); a file beyond this is a
    /// mistake in a path, and reading it would cost many times its size in memory.
    pub const MAX_FILE_SIZE: u64 = 64 << 20;

    /// A host that reads and does nothing else.
    #[must_use]
    pub fn new() -> Self {
        OsHost {
            max_file_size: Self::MAX_FILE_SIZE,
            git: false,
            #[cfg(feature = "fetch")]
            http: None,
            programs: false,
            scratch: ScratchDirectories::default(),
        }
    }

    /// Lets builds clone repositories with the machine's `git` program.
    #[must_use]
    pub fn allow_git(mut self) -> Self {
        self.git = true;
        self
    }

    /// Lets builds fetch documents from `http` and `https` URLs.
    #[cfg(feature = "fetch")]
    #[must_use]
    pub fn allow_http(mut self) -> Self {
        self.http = Some(fetch::Client::new());
        self
    }

    /// Lets builds run programs: helm, functions.
    #[must_use]
    pub fn allow_programs(mut self) -> Self {
        self.programs = true;
        self
    }

    /// Sets the size in bytes beyond which files and fetched documents are refused, in place of
    /// [`OsHost::MAX_FILE_SIZE`].
    #[must_use]
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = bytes;
        self
    }

    /// A path of the machine as hosts write it; none when that cannot be done, which is on Windows
    /// alone and for names that are not Unicode text.
    ///
    /// On Unix, bytes that are no part of UTF-8 text become characters of the private use area;
    /// [`OsHost::machine_path`] turns them into these bytes again.
    #[must_use]
    pub fn path(path: &Path) -> Option<String> {
        paths::from_machine(path)
    }

    /// A path of this host as the machine writes it: what to open, write or show.
    #[must_use]
    pub fn machine_path(path: &str) -> PathBuf {
        paths::to_machine(path).into_owned()
    }

    /// Puts a file with this content in a place that no link may lead to, such as that of a golden file. A
    /// link in the place itself goes, and what it points at stays as it is. Directories are made where
    /// there are none.
    ///
    /// On Linux no link is followed on the way either, even if one takes the place of a directory
    /// meanwhile.
    ///
    /// # Errors
    /// The file cannot be written; what was there is there still.
    pub fn replace_unlinked(path: &str, content: &[u8]) -> io::Result<()> {
        Self::stage_unlinked(path, content)?.commit()
    }

    /// Writes a file beside a place that no link may lead to. Links are treated as in
    /// [`replace_unlinked`](Self::replace_unlinked).
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn stage_unlinked(path: &str, content: &[u8]) -> io::Result<StagedFile> {
        Staged::write(&paths::to_machine(path), content).map(StagedFile)
    }

    /// Removes a file. Links are treated as in [`replace_unlinked`](Self::replace_unlinked).
    ///
    /// # Errors
    /// There is no such file, or it cannot be removed.
    pub fn remove_unlinked(path: &str) -> io::Result<()> {
        let path = paths::to_machine(path);
        #[cfg(target_os = "linux")]
        return unlinked::remove(&path);
        #[cfg(not(target_os = "linux"))]
        std::fs::remove_file(&path)
    }
}

impl Host for OsHost {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        files::read(path, self.max_file_size)
    }

    fn read_unlinked(&self, path: &str) -> Result<Vec<u8>, HostError> {
        files::read_unlinked(path, self.max_file_size)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        files::current_directory()
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        files::resolve(path)
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        match files::has_links_below(directory, path) {
            Ok(false) => Ok(path.to_owned()),
            Ok(true) => files::resolve(path),
            Err(error) => Err(error),
        }
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        files::kind(path)
    }

    fn list_unlinked(&self, directory: &str) -> Result<Vec<String>, HostError> {
        files::list_unlinked(directory)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        files::list(directory)
    }

    #[cfg(feature = "fetch")]
    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        match &self.http {
            Some(client) => client.fetch(url, self.max_file_size),
            None => Err(HostError::refused(format!("fetching {url}"))),
        }
    }

    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        if !self.git {
            return Err(HostError::refused(format!("cloning {}", repository.url)));
        }
        let directory = self.scratch.create()?;
        match git::checkout(repository, &directory) {
            Ok(()) => Ok(directory),
            Err(error) => {
                self.scratch.remove(&directory);
                Err(error)
            }
        }
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        if !self.programs {
            return Err(HostError::refused(format!("running {}", command.program)));
        }
        process::run(command)
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        self.scratch.create()
    }

    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        self.scratch.write(path, content)
    }

    fn remove_scratch(&self, directory: &str) {
        self.scratch.remove(directory);
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

fn host_error(error: &io::Error) -> HostError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => HostError::NotFound,
        ErrorKind::PermissionDenied => HostError::Denied,
        ErrorKind::IsADirectory => HostError::IsDirectory,
        ErrorKind::NotADirectory => HostError::NotDirectory,
        _ => HostError::Other(words(error)),
    }
}

/// The system's own words, without Rust's ` (os error 40)`, and with a small letter.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
