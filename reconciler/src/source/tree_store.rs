//! Files that did not come by git, kept as trees of a bare repository.
//!
//! What two revisions share is there once, and has the same id in both. Nothing is unpacked into a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::object::tree::EntryKind;
use gix::objs::{Tree, tree::Entry};
use gix::{ObjectId, ThreadSafeRepository};
use reconciler_core::source::{IGNORE_FILE, IgnoreRules};
use serde::{Deserialize, Serialize};

use super::git::{self, GitTree};

/// The file with what was stored last, next to the objects.
const RECORD: &str = "reconciler.json";
/// The longest path of a file, in bytes.
const LONGEST_PATH: usize = 4096;
/// How deep directories may be in each other.
const DEEPEST: usize = 255;
/// The largest file with rules for files to leave out.
const LARGEST_RULES: u64 = 1 << 20;

/// Why files cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The repository cannot be used.
    #[error("{0}")]
    Storage(String),
    /// A file could not be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A path that leads elsewhere, or cannot be the path of a file.
    #[error("{0:?} cannot be the path of a file")]
    Path(String),
    /// A path that is a file and a directory.
    #[error("{0:?} is a file and a directory")]
    Conflict(String),
    /// A file is too large.
    #[error("{path:?} is larger than {limit} bytes")]
    FileTooLarge {
        /// The file.
        path: String,
        /// What it may have.
        limit: u64,
    },
    /// All files together are too large.
    #[error("all files together are larger than {0} bytes")]
    TooLarge(u64),
    /// There are too many files.
    #[error("there are more than {0} files")]
    TooMany(usize),
}

/// How much may be stored at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a file.
    pub file: u64,
    /// Bytes of all files.
    pub total: u64,
    /// How many files and directories there may be.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { file: 64 << 20, total: 512 << 20, files: 100_000 }
    }
}

/// What was stored last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// The revision, as status writes it.
    pub revision: String,
    /// The generation of the object for which it was stored.
    pub generation: i64,
    /// What the source said about it.
    pub metadata: BTreeMap<String, String>,
    /// How many files there are.
    pub files: usize,
    /// The tree.
    tree: String,
    /// The tree before it, which builds may still read.
    previous: String,
    /// Earlier revisions that someone may want again, and their trees, by who that is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    held: BTreeMap<String, Held>,
}

/// An earlier revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    revision: String,
    tree: String,
}

impl Record {
    /// What is stored for a revision.
    #[must_use]
    pub fn new(revision: &str, generation: i64, metadata: BTreeMap<String, String>) -> Self {
        Record { revision: revision.to_owned(), generation, metadata, ..Record::default() }
    }
}

/// A bare repository with the files of a source.
pub struct TreeStore {
    directory: PathBuf,
    repository: Arc<ThreadSafeRepository>,
    /// Held while the record is being changed.
    changing: Mutex<()>,
}

impl TreeStore {
    /// Opens the store in a directory, or makes a new one. What cannot be opened is made anew: it is a copy.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn open(directory: &Path) -> Result<Self, TreeError> {
        let repository = git::open_or_make(directory).map_err(storage)?;
        Ok(TreeStore { directory: directory.to_owned(), repository, changing: Mutex::default() })
    }

    /// What was stored last, with its files, if they are still there.
    #[must_use]
    pub fn recall(&self) -> Option<(Record, GitTree)> {
        let record = self.record()?;
        let tree = self.tree(record.tree.parse().ok()?)?;
        Some((record, tree))
    }

    fn record(&self) -> Option<Record> {
        let text = std::fs::read(self.directory.join(RECORD)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Replaces the record at once.
    fn write(&self, record: &Record) -> Result<(), TreeError> {
        let text = serde_json::to_vec(record).map_err(storage)?;
        let file = tempfile::NamedTempFile::new_in(&self.directory).map_err(storage)?;
        std::fs::write(file.path(), text).map_err(storage)?;
        file.persist(self.directory.join(RECORD)).map_err(storage)?;
        Ok(())
    }

    /// Holds the tree of a revision for someone, in place of the one that was held before.
    ///
    /// # Errors
    /// The tree is gone, or the directory cannot be written.
    pub fn hold(&self, holder: &str, revision: &str, tree: &str) -> Result<(), TreeError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || TreeError::Storage(format!("the files of {revision} are gone"));
        tree.parse().ok().and_then(|id| self.tree(id)).ok_or_else(gone)?;
        let mut record = self.record().ok_or_else(gone)?;
        let held = Held { revision: revision.to_owned(), tree: tree.to_owned() };
        record.held.insert(holder.to_owned(), held);
        self.write(&record)
    }

    /// Lets go of what is held for someone, if that is anything.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn release(&self, holder: &str) -> Result<(), TreeError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut record) = self.record() else { return Ok(()) };
        match record.held.remove(holder) {
            Some(_) => self.write(&record),
            None => Ok(()),
        }
    }

    /// The tree of an earlier revision that is held for someone, or that there is still for another reason.
    #[must_use]
    pub fn held(&self, holder: &str, revision: &str) -> Option<GitTree> {
        let record = self.record()?;
        if record.revision == revision {
            return self.tree(record.tree.parse().ok()?);
        }
        let held = record.held.get(holder).filter(|held| held.revision == revision)?;
        self.tree(held.tree.parse().ok()?)
    }

    fn tree(&self, id: ObjectId) -> Option<GitTree> {
        self.repository.to_thread_local().find_tree(id).ok()?;
        Some(GitTree::new(Arc::clone(&self.repository), id))
    }

    /// A tree without files yet.
    #[must_use]
    pub fn writer(&self, limits: Limits) -> TreeWriter {
        TreeWriter {
            repository: self.repository.to_thread_local(),
            limits,
            root: Directory::default(),
            files: 0,
            bytes: 0,
            rules: Vec::new(),
        }
    }

    /// Writes down that a tree is what the source has now, and removes what only older trees have.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn keep(&self, written: &Written, mut record: Record) -> Result<GitTree, TreeError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        record.held = self.record().map(|record| record.held).unwrap_or_default();
        let before = self.recall().map(|(record, _)| record);
        record.tree = written.id.to_string();
        record.files = written.files;
        record.previous = match before {
            Some(before) if before.tree == record.tree => before.previous,
            Some(before) => before.tree,
            None => String::new(),
        };
        self.write(&record)?;
        let kept =
            [&record.tree, &record.previous].into_iter().chain(record.held.values().map(|held| &held.tree));
        self.collect(kept.filter_map(|id| id.parse().ok()))?;
        self.tree(written.id).ok_or_else(|| TreeError::Storage("what was stored is not there".to_owned()))
    }

    /// Removes all objects that none of these trees has.
    fn collect(&self, kept: impl IntoIterator<Item = ObjectId>) -> Result<(), TreeError> {
        let repository = self.repository.to_thread_local();
        let (mut wanted, mut waiting) = (BTreeSet::new(), kept.into_iter().collect::<Vec<_>>());
        while let Some(id) = waiting.pop() {
            if !wanted.insert(id) {
                continue;
            }
            // One that is gone holds nothing.
            let Ok(tree) = repository.find_tree(id) else { continue };
            for entry in tree.iter() {
                let entry = entry.map_err(storage)?;
                let id = entry.object_id();
                if entry.mode().is_tree() {
                    waiting.push(id);
                } else {
                    wanted.insert(id);
                }
            }
        }
        for directory in std::fs::read_dir(self.directory.join("objects")).map_err(storage)? {
            let directory = directory.map_err(storage)?;
            let start = directory.file_name().to_string_lossy().into_owned();
            if start.len() != 2 {
                continue;
            }
            for file in std::fs::read_dir(directory.path()).map_err(storage)? {
                let file = file.map_err(storage)?;
                let id = format!("{start}{}", file.file_name().to_string_lossy());
                if id.parse::<ObjectId>().is_ok_and(|id| !wanted.contains(&id)) {
                    std::fs::remove_file(file.path()).map_err(storage)?;
                }
            }
        }
        Ok(())
    }
}

/// A tree that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    id: ObjectId,
    files: usize,
}

impl Written {
    /// How many files there are.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files
    }
}

/// Writes the files of a tree.
pub struct TreeWriter {
    repository: gix::Repository,
    limits: Limits,
    root: Directory,
    files: usize,
    bytes: u64,
    /// Files with rules, each with its directory.
    rules: Vec<(String, String)>,
}

#[derive(Default)]
struct Directory(BTreeMap<String, Node>);

enum Node {
    Directory(Directory),
    File { id: ObjectId, is_executable: bool },
}

impl TreeWriter {
    /// How many bytes may still be added.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Counts something that was looked at.
    pub(super) fn count(&mut self) -> Result<(), TreeError> {
        self.files += 1;
        if self.files > self.limits.files { Err(TreeError::TooMany(self.limits.files)) } else { Ok(()) }
    }

    /// Adds a file; a later one with the same path takes its place.
    ///
    /// # Errors
    /// A path that leads elsewhere, or a file that cannot be read or is too large.
    pub fn file(&mut self, path: &str, is_executable: bool, content: impl Read) -> Result<(), TreeError> {
        self.count()?;
        let parts = parts(path)?;
        let Some((name, directories)) = parts.split_last() else {
            return Err(TreeError::Path(path.to_owned()));
        };
        let mut bytes = Vec::new();
        let limit = self.limits.file;
        let read = content.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|source| TreeError::Unreadable { path: path.to_owned(), source })?;
        if bytes.len() as u64 > limit {
            return Err(TreeError::FileTooLarge { path: path.to_owned(), limit });
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.total {
            return Err(TreeError::TooLarge(self.limits.total));
        }
        if *name == IGNORE_FILE && (bytes.len() as u64) < LARGEST_RULES {
            self.rules.push((directories.join("/"), String::from_utf8_lossy(&bytes).into_owned()));
        }
        let id = self.repository.write_blob(&bytes).map_err(storage)?.detach();
        let mut directory = &mut self.root;
        for part in directories {
            let next = directory.0.entry((*part).to_owned());
            directory = match next.or_insert_with(|| Node::Directory(Directory::default())) {
                Node::Directory(directory) => directory,
                Node::File { .. } => return Err(TreeError::Conflict(path.to_owned())),
            };
        }
        match directory.0.insert((*name).to_owned(), Node::File { id, is_executable }) {
            Some(Node::Directory(_)) => Err(TreeError::Conflict(path.to_owned())),
            _ => Ok(()),
        }
    }

    /// Rules for files to leave out: those of files named `.sourceignore` and these, or else what is never
    /// of use.
    #[must_use]
    pub fn rules(&self, ignore: Option<&str>) -> IgnoreRules {
        let mut own = IgnoreRules::default();
        let mut files: Vec<&(String, String)> = self.rules.iter().collect();
        files.sort();
        for (directory, text) in files {
            own.add(directory, text);
        }
        if let Some(text) = ignore {
            own.add("", text);
        }
        IgnoreRules::of_source(own)
    }

    /// Writes the directories, without what is to be left out.
    ///
    /// # Errors
    /// The repository cannot be written.
    pub fn finish(mut self, rules: &IgnoreRules) -> Result<Written, TreeError> {
        let root = std::mem::take(&mut self.root);
        let mut files = 0;
        let id = self.directory(root, "", rules, &mut files)?;
        let id = match id {
            Some(id) => id,
            None => self.repository.write_object(Tree::empty()).map_err(storage)?.detach(),
        };
        Ok(Written { id, files })
    }

    /// Writes a directory; nothing if no file is left in it.
    fn directory(
        &self,
        directory: Directory,
        path: &str,
        rules: &IgnoreRules,
        files: &mut usize,
    ) -> Result<Option<ObjectId>, TreeError> {
        let mut entries = Vec::new();
        for (name, node) in directory.0 {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let (kind, oid) = match node {
                Node::File { .. } if rules.is_ignored(&path, false) => continue,
                Node::File { id, is_executable } => {
                    *files += 1;
                    (if is_executable { EntryKind::BlobExecutable } else { EntryKind::Blob }, id)
                }
                Node::Directory(directory) => match self.directory(directory, &path, rules, files)? {
                    Some(id) => (EntryKind::Tree, id),
                    None => continue,
                },
            };
            entries.push(Entry { mode: kind.into(), filename: name.into(), oid });
        }
        if entries.is_empty() {
            return Ok(None);
        }
        entries.sort();
        let id = self.repository.write_object(Tree { entries }).map_err(storage)?;
        Ok(Some(id.detach()))
    }
}

/// The names that a path consists of.
fn parts(path: &str) -> Result<Vec<&str>, TreeError> {
    let is_bad = path.is_empty()
        || path.len() > LONGEST_PATH
        || path.starts_with('/')
        || path.contains(['\\', '\0'])
        || path.split('/').any(|part| part == "..");
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if is_bad || parts.is_empty() || parts.len() > DEEPEST {
        return Err(TreeError::Path(path.to_owned()));
    }
    Ok(parts)
}

fn storage(error: impl std::fmt::Display) -> TreeError {
    TreeError::Storage(error.to_string())
}

#[cfg(test)]
mod tests {
    use kustomize_core::host::Host as _;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn store(
        store: &TreeStore,
        files: &[(&str, &str)],
        ignore: Option<&str>,
    ) -> Result<(usize, GitTree), TreeError> {
        let mut writer = store.writer(Limits::default());
        for (path, text) in files {
            writer.file(path, false, text.as_bytes())?;
        }
        let rules = writer.rules(ignore);
        let written = writer.finish(&rules)?;
        let record = Record { revision: files.len().to_string(), ..Record::default() };
        Ok((written.files, store.keep(&written, record)?))
    }

    fn objects(directory: &Path) -> std::io::Result<usize> {
        let mut count = 0;
        for start in std::fs::read_dir(directory.join("objects"))? {
            let start = start?;
            if start.file_name().len() == 2 {
                count += std::fs::read_dir(start.path())?.count();
            }
        }
        Ok(count)
    }

    #[test]
    fn files_are_read_back_and_old_ones_go() -> Outcome {
        let directory = tempfile::tempdir()?;
        let trees = TreeStore::open(directory.path())?;
        let (count, tree) = store(&trees, &[("./a/b.yaml", "b: 1\n"), ("c.yaml", "c: 1\n")], None)?;
        assert_eq!(count, 2);
        assert_eq!(tree.read("/a/b.yaml")?, b"b: 1\n");
        assert_eq!(tree.list("/")?, ["a", "c.yaml"]);
        let (_, other) = store(&trees, &[("a/b.yaml", "b: 1\n"), ("c.yaml", "c: 2\n")], None)?;
        assert_eq!(tree.content_id("/a"), other.content_id("/a"));
        // Builds may still read the tree before.
        assert_eq!(tree.read("/c.yaml")?, b"c: 1\n");
        assert_eq!(objects(directory.path())?, 6);
        let (_, last) = store(&trees, &[("d.yaml", "d: 1\n")], None)?;
        assert_eq!(objects(directory.path())?, 6);
        drop(trees);
        let (record, recalled) = TreeStore::open(directory.path())?.recall().ok_or("nothing is recalled")?;
        assert_eq!((record.revision.as_str(), recalled.id()), ("1", last.id()));
        Ok(())
    }

    #[test]
    fn what_is_held_stays_until_it_is_released() -> Outcome {
        let directory = tempfile::tempdir()?;
        let trees = TreeStore::open(directory.path())?;
        let (_, first) = store(&trees, &[("a.yaml", "a: 1\n")], None)?;
        trees.hold("x/y", "1", &first.id())?;
        let all = ["b.yaml", "c.yaml", "d.yaml"].map(|name| (name, name));
        for count in 2..4 {
            store(&trees, &all[..count], None)?;
        }
        drop(trees);
        let trees = TreeStore::open(directory.path())?;
        let held = trees.held("x/y", "1").ok_or("it is gone")?;
        assert_eq!(held.read("/a.yaml")?, b"a: 1\n");
        assert!(trees.held("x/y", "2").is_none() && trees.held("x/z", "1").is_none());
        trees.release("x/y")?;
        assert!(trees.held("x/y", "1").is_none());
        store(&trees, &all[..1], None)?;
        assert!(trees.hold("x/y", "1", &first.id()).is_err());
        Ok(())
    }

    #[test]
    fn what_is_ignored_is_left_out() -> Outcome {
        let directory = tempfile::tempdir()?;
        let trees = TreeStore::open(directory.path())?;
        let files = [
            ("a.yaml", ""),
            ("a.png", ""),
            ("b/.sourceignore", "*.txt\n"),
            ("b/c.txt", ""),
            ("d/e.yaml", ""),
        ];
        let (_, tree) = store(&trees, &files[..2], None)?;
        assert_eq!(tree.list("/")?, ["a.yaml"]);
        let (_, tree) = store(&trees, &files, Some("d/\n"))?;
        assert_eq!(tree.list("/")?, ["a.png", "a.yaml", "b"]);
        assert_eq!(tree.list("/b")?, [".sourceignore"]);
        let (count, tree) = store(&trees, &[], None)?;
        assert_eq!((count, tree.list("/")?.len()), (0, 0));
        Ok(())
    }

    #[test]
    fn hostile_files_are_refused() -> Outcome {
        let directory = tempfile::tempdir()?;
        let trees = TreeStore::open(directory.path())?;
        let limits = Limits { file: 10, total: 15, files: 4 };
        let deep = "a/".repeat(DEEPEST) + "b";
        for path in ["", ".", "/a", "../a", "a/../../b", "a\\b", "a\0", &deep] {
            let outcome = trees.writer(limits).file(path, false, &b""[..]);
            assert!(matches!(outcome, Err(TreeError::Path(_))), "{path:?}: {outcome:?}");
        }
        let mut writer = trees.writer(limits);
        assert!(matches!(writer.file("a", false, &[0; 11][..]), Err(TreeError::FileTooLarge { .. })));
        writer.file("a", false, &[0; 10][..])?;
        assert!(matches!(writer.file("a/b", false, &b""[..]), Err(TreeError::Conflict(_))));
        assert!(matches!(writer.file("c", false, &[0; 10][..]), Err(TreeError::TooLarge(15))));
        assert!(matches!(writer.file("d", false, &b""[..]), Err(TreeError::TooMany(4))));
        Ok(())
    }
}
