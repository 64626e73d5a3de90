//! Files that a source leaves out: by its own files with rules, by its spec, or by default.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::object::tree::EntryKind as GitKind;
use kustomize_core::host::HostError;
use reconciler_core::source::{IGNORE_FILE, IgnoreRules};
use sha2::{Digest as _, Sha256};

use super::budget::Budget;
use super::objects::Objects;
use super::{DEEPEST, too_deep};

/// The largest file with rules, in bytes.
const LARGEST_RULES: u64 = 1 << 20;
/// How many rules there may be.
const MOST_RULES: usize = 10_000;
/// How many directories are searched for files with rules.
const MOST_SEARCHED: usize = 200_000;
/// How many directories are kept in memory.
const MOST_KNOWN: usize = 100_000;

/// Directories in and below which there are no files with rules. Other commits have most of them, too.
#[derive(Default)]
pub(in crate::source::git) struct PlainDirectories(Mutex<HashSet<ObjectId>>);

/// What is left out of a tree.
pub(super) struct LeftOut {
    rules: IgnoreRules,
    /// The rules that are not in the tree.
    lines: String,
    /// Tells these rules from others. None if there are none but the defaults.
    mark: Option<[u8; 20]>,
    /// Whether something is left of directories that are left out themselves.
    remains: Mutex<HashMap<String, bool>>,
}

impl LeftOut {
    /// The rules in the files of a tree, and then these.
    pub(super) fn of(
        store: &Objects,
        root: ObjectId,
        lines: &str,
        plain: &PlainDirectories,
    ) -> Result<Self, HostError> {
        let mut search = Search { store, plain, searched: 0, found: Vec::new() };
        search.directory(root, "", 0)?;
        let (mut own, mut hash) = (IgnoreRules::default(), Sha256::new());
        search.found.push((String::new(), lines.to_owned()));
        for (directory, text) in &search.found {
            own.add(directory, text);
            for part in [directory, text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        if own.len() > MOST_RULES {
            let message = format!("there are more than {MOST_RULES} rules for files to leave out");
            return Err(HostError::Other(message));
        }
        let mut mark = [0; 20];
        mark.iter_mut().zip(hash.finalize()).for_each(|(byte, digit)| *byte = digit);
        let mark = (!own.is_empty()).then_some(mark);
        let mut rules = IgnoreRules::of_source(own);
        // A negation does not bring this back.
        rules.add("", ".git/");
        Ok(LeftOut { rules, lines: lines.to_owned(), mark, remains: Mutex::default() })
    }

    /// The rules that are not in the tree.
    pub(super) fn lines(&self) -> &str {
        &self.lines
    }

    /// What the id of a directory is with these rules: with others, it has other files.
    pub(super) fn id(&self, mut id: [u8; 20]) -> [u8; 20] {
        let mark = self.mark.unwrap_or_default();
        id.iter_mut().zip(mark).for_each(|(byte, mark)| *byte ^= mark);
        id
    }

    /// Whether something is left out. A directory is not as long as something below it remains.
    pub(super) fn holds(
        &self,
        store: &Objects,
        budget: &Budget,
        path: &str,
        kind: GitKind,
        id: ObjectId,
    ) -> Result<bool, HostError> {
        let path = path.trim_start_matches('/');
        let is_directory = kind == GitKind::Tree;
        if path.is_empty() || !self.rules.is_ignored(path, is_directory) {
            return Ok(false);
        }
        Ok(!is_directory || !self.remains(store, budget, path, id, 0)?)
    }

    /// Whether something remains of a directory that is left out itself.
    fn remains(
        &self,
        store: &Objects,
        budget: &Budget,
        path: &str,
        id: ObjectId,
        depth: usize,
    ) -> Result<bool, HostError> {
        if !self.rules.may_bring_back_below(path) {
            return Ok(false);
        }
        let known = || self.remains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remains) = known().get(path) {
            return Ok(*remains);
        }
        if depth > DEEPEST {
            return Err(too_deep());
        }
        let entries = store.directory(id)?;
        budget.list(entries.len())?;
        let mut remains = false;
        for entry in entries.iter() {
            let below = format!("{path}/{}", entry.name);
            let is_directory = entry.kind == GitKind::Tree;
            if !self.rules.is_ignored(&below, is_directory)
                || (is_directory && self.remains(store, budget, &below, entry.id, depth + 1)?)
            {
                remains = true;
                break;
            }
        }
        let mut known = known();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(path.to_owned(), remains);
        Ok(remains)
    }
}

/// A search for files with rules.
struct Search<'a> {
    store: &'a Objects,
    plain: &'a PlainDirectories,
    searched: usize,
    /// The directories and texts of the files.
    found: Vec<(String, String)>,
}

impl Search<'_> {
    /// Returns whether there are rules in or below a directory. One without is looked at once, however often it
    /// stands in the tree.
    fn directory(&mut self, id: ObjectId, path: &str, depth: usize) -> Result<bool, HostError> {
        let plain = || self.plain.0.lock().unwrap_or_else(PoisonError::into_inner);
        if plain().contains(&id) {
            return Ok(false);
        }
        if depth > DEEPEST {
            return Err(too_deep());
        }
        self.searched += 1;
        if self.searched > MOST_SEARCHED || self.found.len() > MOST_RULES {
            return Err(HostError::Other(format!(
                "the repository has more than {MOST_SEARCHED} directories, or more than {MOST_RULES} files {IGNORE_FILE}"
            )));
        }
        let entries = self.store.read_directory(id)?;
        let is_file = |kind| matches!(kind, GitKind::Blob | GitKind::BlobExecutable);
        let rules = entries.iter().find(|entry| entry.name == IGNORE_FILE && is_file(entry.kind));
        if let Some(rules) = rules {
            let text = self.store.blob(rules.id, LARGEST_RULES)?;
            self.found.push((path.to_owned(), String::from_utf8_lossy(&text).into_owned()));
        }
        let mut has_rules = rules.is_some();
        for entry in entries.iter().filter(|entry| entry.kind == GitKind::Tree) {
            let below = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            has_rules |= self.directory(entry.id, &below, depth + 1)?;
        }
        if !has_rules {
            let mut plain = self.plain.0.lock().unwrap_or_else(PoisonError::into_inner);
            if plain.len() >= 2 * MOST_SEARCHED {
                plain.clear();
            }
            plain.insert(id);
        }
        Ok(has_rules)
    }
}
