//! Temporary directories: made with names nobody can guess, readable by this user alone, and
//! removed by whoever asked for them, at the latest with the host.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::files::written;
use crate::host_error;
use crate::paths::to_machine;
use kustomize_core::host::HostError;
use kustomize_core::host::path::{clean, is_within};

/// How many names are tried before giving up on a temporary directory.
const ATTEMPTS: u32 = 16;

#[derive(Debug, Default)]
pub(crate) struct ScratchDirectories {
    /// Those that exist; nothing else is ever written to or removed.
    existing: Mutex<BTreeSet<String>>,
}

impl ScratchDirectories {
    /// A new empty directory.
    pub(crate) fn create(&self) -> Result<String, HostError> {
        let base = std::env::temp_dir();
        let base = fs::canonicalize(&base).map_err(|error| host_error(&error))?;
        for attempt in 0..ATTEMPTS {
            let name = format!("kustomize-{:016x}", RandomState::new().hash_one(attempt));
            let directory = base.join(name);
            match create_private(&directory) {
                Ok(()) => {
                    let directory = written(&directory)?;
                    self.lock().insert(directory.clone());
                    return Ok(directory);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(host_error(&error)),
            }
        }
        Err(HostError::Other("found no free name for a temporary directory".to_owned()))
    }

    /// Writes a file in one of the directories, and the directories that lead to it.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        let path = clean(path);
        if !self.lock().iter().any(|directory| is_within(directory, &path)) {
            return Err(HostError::refused(format!("writing {path}")));
        }
        let path = to_machine(&path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| host_error(&error))?;
        }
        fs::write(path, content).map_err(|error| host_error(&error))
    }

    /// Removes one of the directories with all that is in it.
    pub(crate) fn remove(&self, directory: &str) {
        if self.lock().remove(directory) {
            let _ = fs::remove_dir_all(&*to_machine(directory));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.existing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ScratchDirectories {
    fn drop(&mut self) {
        for directory in self.lock().iter() {
            let _ = fs::remove_dir_all(&*to_machine(directory));
        }
    }
}

#[cfg(unix)]
fn create_private(directory: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &std::path::Path) -> std::io::Result<()> {
    fs::create_dir(directory)
}
