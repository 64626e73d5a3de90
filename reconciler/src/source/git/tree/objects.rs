//! Objects of a repository.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::object::tree::EntryKind as GitKind;
use gix::{ObjectId, ThreadSafeRepository};
use kustomize_core::host::HostError;

/// The largest directory listing that is read, in bytes: some hundred thousand names.
const LARGEST_DIRECTORY: u64 = 16 << 20;
/// The longest name, in bytes: file systems have no longer ones.
const LONGEST_NAME: usize = 255;
/// Directories that are kept in memory.
const MOST_DIRECTORIES: usize = 10_000;

/// Objects of a repository, with the directories that were read lately.
pub(super) struct Objects {
    repository: Arc<ThreadSafeRepository>,
    /// Handles that no thread uses at the moment.
    handles: Mutex<Vec<gix::Repository>>,
    directories: Mutex<HashMap<ObjectId, Directory>>,
}

/// The entries of a directory, sorted by name.
pub(super) type Directory = Arc<[Entry]>;

/// An entry of a directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: GitKind,
    pub(super) id: ObjectId,
}

impl Objects {
    pub(super) fn new(repository: Arc<ThreadSafeRepository>) -> Self {
        Objects { repository, handles: Mutex::default(), directories: Mutex::default() }
    }

    /// The entries of a directory, sorted by name.
    pub(super) fn directory(&self, id: ObjectId) -> Result<Directory, HostError> {
        if let Some(known) = self.directories().get(&id) {
            return Ok(Arc::clone(known));
        }
        let directory = self.read_directory(id)?;
        let mut known = self.directories();
        if known.len() >= MOST_DIRECTORIES {
            known.clear();
        }
        known.insert(id, Arc::clone(&directory));
        Ok(directory)
    }

    fn directories(&self) -> MutexGuard<'_, HashMap<ObjectId, Directory>> {
        self.directories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the repository; each thread has a handle of its own.
    fn with<T>(&self, work: impl FnOnce(&gix::Repository) -> Result<T, HostError>) -> Result<T, HostError> {
        let free = self.handles.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let handle = free.unwrap_or_else(|| self.repository.to_thread_local());
        let outcome = work(&handle);
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        outcome
    }

    /// The content of an object that may have this many bytes.
    pub(super) fn blob(&self, id: ObjectId, limit: u64) -> Result<Vec<u8>, HostError> {
        self.with(|repository| {
            let size = repository.find_header(id).map_err(other)?.size();
            if size > limit {
                return Err(HostError::TooLarge { limit });
            }
            Ok(repository.find_object(id).map_err(other)?.detach().data)
        })
    }

    /// The same for one that is not asked for again.
    pub(super) fn read_directory(&self, id: ObjectId) -> Result<Directory, HostError> {
        self.with(|repository| {
            let size = repository.find_header(id).map_err(other)?.size();
            if size > LARGEST_DIRECTORY {
                return Err(HostError::TooLarge { limit: LARGEST_DIRECTORY });
            }
            let tree = repository.find_tree(id).map_err(other)?;
            let mut entries = Vec::new();
            for entry in tree.iter() {
                let entry = entry.map_err(other)?;
                // A name that is not UTF-8 cannot be asked for.
                let Ok(name) = std::str::from_utf8(entry.filename()) else { continue };
                if matches!(name, "" | "." | "..") || name.contains('/') {
                    continue;
                }
                if name.len() > LONGEST_NAME {
                    return Err(HostError::Other(format!(
                        "has a name of more than {LONGEST_NAME} bytes in it"
                    )));
                }
                entries.push(Entry {
                    name: name.to_owned(),
                    kind: entry.mode().kind(),
                    id: entry.object_id(),
                });
            }
            entries.sort_by(|one, other| one.name.cmp(&other.name));
            entries.dedup_by(|later, earlier| later.name == earlier.name);
            Ok(entries.into())
        })
    }
}

fn other(error: impl fmt::Display) -> HostError {
    HostError::Other(error.to_string())
}
