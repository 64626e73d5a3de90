//! The files of a commit as a host for builds.
//!
//! Every file and directory is read by its object id when it is asked for. Symbolic links are
//! followed inside the tree and nowhere else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use gix::object::tree::EntryKind as GitKind;
use gix::{ObjectId, ThreadSafeRepository};
use kustomize_core::host::{EntryKind, Host, HostError, path};
use reconciler_core::source::{Archive, ArchiveSummary};

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 16 << 20;
/// The largest file that goes into an archive, in bytes.
const LARGEST_PACKED: u64 = 64 << 20;
/// How deep directories of an archive may be in each other.
const DEEPEST: usize = 255;
/// The largest directory listing that is read, in bytes: some hundred thousand names.
const LARGEST_DIRECTORY: u64 = 16 << 20;
/// What one build may read together, in bytes.
const MOST_BYTES: u64 = 512 << 20;
/// Links that are followed on the way to one path.
const MOST_LINKS: usize = 40;
/// Directories that are kept in memory.
const MOST_DIRECTORIES: usize = 10_000;

/// The files of a commit.
#[derive(Clone)]
pub struct GitTree {
    store: Arc<Objects>,
    root: ObjectId,
    /// What this build has read so far.
    bytes: Arc<AtomicU64>,
}

/// Objects of a repository, with the directories that were read lately.
struct Objects {
    repository: Arc<ThreadSafeRepository>,
    /// Handles that no thread uses at the moment.
    handles: Mutex<Vec<gix::Repository>>,
    directories: Mutex<HashMap<ObjectId, Directory>>,
}

/// The entries of a directory, sorted by name.
type Directory = Arc<[Entry]>;

/// An entry of a directory.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    kind: GitKind,
    id: ObjectId,
}

/// What stands at a path, links followed.
struct Found {
    path: String,
    kind: GitKind,
    id: ObjectId,
}

impl GitTree {
    pub(in crate::source) fn new(repository: Arc<ThreadSafeRepository>, root: ObjectId) -> Self {
        let store = Objects { repository, handles: Mutex::default(), directories: Mutex::default() };
        GitTree { store: Arc::new(store), root, bytes: Arc::default() }
    }

    /// The same tree for another build, which may read as much again.
    #[must_use]
    pub fn for_build(&self) -> Self {
        GitTree { store: Arc::clone(&self.store), root: self.root, bytes: Arc::default() }
    }

    /// The id of the whole tree in hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.root.to_string()
    }

    /// An id of the content at a path, which is the same as long as the content is. None if there
    /// is nothing at the path.
    #[must_use]
    pub fn content_id(&self, path: &str) -> Option<[u8; 20]> {
        let id = self.find(path).ok()?.id;
        id.as_slice().try_into().ok()
    }

    /// Writes all files into an archive, which is always the same for the same files. Links and submodules
    /// are left out.
    ///
    /// # Errors
    /// An object cannot be read, or the archive cannot be written.
    pub fn pack<W: io::Write>(&self, writer: W) -> io::Result<(W, ArchiveSummary)> {
        let mut archive = Archive::new(writer)?;
        self.pack_directory(&mut archive, self.root, "", 0)?;
        archive.finish()
    }

    fn pack_directory(
        &self,
        archive: &mut Archive<impl io::Write>,
        id: ObjectId,
        path: &str,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::Error::other(format!("directories are more than {DEEPEST} deep in each other")));
        }
        for entry in self.directory(id).map_err(io::Error::other)?.iter() {
            let path = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            match entry.kind {
                GitKind::Tree => {
                    archive.directory(&path)?;
                    self.pack_directory(archive, entry.id, &path, depth + 1)?;
                }
                GitKind::Blob | GitKind::BlobExecutable => {
                    let content = self.store.blob(entry.id, LARGEST_PACKED).map_err(io::Error::other)?;
                    let is_executable = entry.kind == GitKind::BlobExecutable;
                    archive.file(&path, is_executable, content.len() as u64, &*content)?;
                }
                GitKind::Link | GitKind::Commit => {}
            }
        }
        Ok(())
    }

    /// Follows a path from the root.
    fn find(&self, path: &str) -> Result<Found, HostError> {
        let root = || Found { path: "/".to_owned(), kind: GitKind::Tree, id: self.root };
        let mut rest: Vec<String> = parts(path);
        let mut way: Vec<Found> = Vec::new();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == ".." {
                way.pop();
                continue;
            }
            let parent = way.last().map_or((GitKind::Tree, self.root), |found| (found.kind, found.id));
            if parent.0 != GitKind::Tree {
                return Err(HostError::NotDirectory);
            }
            let directory = self.directory(parent.1)?;
            let at = directory
                .binary_search_by(|entry| entry.name.as_str().cmp(&part))
                .map_err(|_| HostError::NotFound)?;
            let Entry { name, kind, id } = directory[at].clone();
            if kind == GitKind::Link {
                links += 1;
                if links > MOST_LINKS {
                    return Err(HostError::Other("too many levels of symbolic links".to_owned()));
                }
                let target = self.store.blob(id, 4096)?;
                let target = String::from_utf8(target)
                    .map_err(|_| HostError::Other("is a link to a path that is not UTF-8".to_owned()))?;
                if target.starts_with('/') || leaves(way.len(), &target) {
                    return Err(HostError::refused(format!(
                        "following a link out of the repository ({target})"
                    )));
                }
                rest.extend(parts(&target));
                continue;
            }
            let parent = way.last().map_or("", |found| found.path.as_str());
            way.push(Found { path: format!("{parent}/{name}"), kind, id });
        }
        Ok(way.pop().unwrap_or_else(root))
    }

    fn directory(&self, id: ObjectId) -> Result<Directory, HostError> {
        if let Some(known) = self.store.directories().get(&id) {
            return Ok(Arc::clone(known));
        }
        let directory = self.store.read_directory(id)?;
        let mut known = self.store.directories();
        if known.len() >= MOST_DIRECTORIES {
            known.clear();
        }
        known.insert(id, Arc::clone(&directory));
        Ok(directory)
    }
}

impl Objects {
    fn directories(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectId, Directory>> {
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
    fn blob(&self, id: ObjectId, limit: u64) -> Result<Vec<u8>, HostError> {
        self.with(|repository| {
            let size = repository.find_header(id).map_err(other)?.size();
            if size > limit {
                return Err(HostError::TooLarge { limit });
            }
            Ok(repository.find_object(id).map_err(other)?.detach().data)
        })
    }

    fn read_directory(&self, id: ObjectId) -> Result<Directory, HostError> {
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

/// The parts of a path, the last one first.
fn parts(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

/// Whether a relative path leads out of the root from a directory at a depth.
fn leaves(depth: usize, path: &str) -> bool {
    let mut depth = depth;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

impl Host for GitTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let found = self.find(path)?;
        match found.kind {
            GitKind::Tree => Err(HostError::IsDirectory),
            // A submodule, of which only the name is here.
            GitKind::Commit => Err(HostError::NotRegular),
            _ => {
                let content = self.store.blob(found.id, LARGEST_FILE)?;
                let read = self.bytes.fetch_add(content.len() as u64, Ordering::Relaxed);
                if read > MOST_BYTES {
                    return Err(HostError::Other(format!(
                        "is one file too many: the build has read more than {} MiB",
                        MOST_BYTES >> 20
                    )));
                }
                Ok(content)
            }
        }
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        Ok(self.find(path)?.path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        Ok(match self.find(path)?.kind {
            GitKind::Tree => EntryKind::Directory,
            GitKind::Commit => EntryKind::Other,
            _ => EntryKind::File,
        })
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let found = self.find(&path::clean(directory))?;
        if found.kind != GitKind::Tree {
            return Err(HostError::NotDirectory);
        }
        Ok(self.directory(found.id)?.iter().map(|entry| entry.name.clone()).collect())
    }
}

impl fmt::Debug for GitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitTree({})", self.root)
    }
}
