//! What changed since a revision.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kustomize_host::OsHost;

use super::revision::{Kind, Object, objects};
use super::submodule::is_as_at;
use super::{Repository, git};
use crate::failure::Failure;

impl Repository {
    /// Absolute paths of what is not as it was at a revision: files that are changed, new or gone,
    /// committed or not, and directories that are repositories of their own (submodules, and such
    /// that are not tracked) with anything changed in them. What git ignores is not among them.
    pub(crate) fn changed_since(&self, revision: &str) -> Result<BTreeSet<String>, Failure> {
        let commit = self.commit(revision)?;
        // Without looking into them: git would run what their configuration names.
        let submodules = "--ignore-submodules=dirty";
        let tracked =
            ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", submodules, &commit, "--"];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
        let mut changed = BTreeSet::new();
        for arguments in [&tracked[..], &untracked[..]] {
            let output = git(&self.top, arguments)?;
            let paths = output.split_terminator('\0').map(|path| path.trim_end_matches('/'));
            changed.extend(paths.map(|path| format!("{}/{path}", self.top.trim_end_matches('/'))));
        }
        let tree = git(&self.top, &["ls-tree", "-r", "-z", "--full-tree", &commit])?;
        let unseen = self.unseen(&tree)?;
        changed.extend(unseen.iter().map(|path| format!("{}/{path}", self.top.trim_end_matches('/'))));
        for Object { kind, object, path } in objects(&tree) {
            let directory = format!("{}/{path}", self.top.trim_end_matches('/'));
            if kind == Kind::Submodule && !changed.contains(&directory) && !is_as_at(&directory, object) {
                changed.insert(directory);
            }
        }
        Ok(changed)
    }

    /// Paths, as seen from the top, of files that git was told not to look at (assume-unchanged,
    /// skip-worktree) and that are not as they were in the tree of a commit.
    fn unseen(&self, tree: &str) -> Result<Vec<String>, Failure> {
        // `<tag> <path>`: a small letter for the former, S for the latter.
        let listed = git(&self.top, &["ls-files", "-v", "-z"])?;
        let flagged: Vec<&str> = listed
            .split_terminator('\0')
            .filter_map(|line| line.split_once(' '))
            .filter(|(tag, _)| tag.starts_with(|tag: char| tag == 'S' || tag.is_ascii_lowercase()))
            .map(|(_, path)| path)
            .collect();
        if flagged.is_empty() {
            return Ok(Vec::new());
        }
        let objects: BTreeMap<&str, &str> =
            objects(tree).map(|Object { path, object, .. }| (path, object)).collect();
        // What cannot be hashed counts as changed: a file that is gone, a link, an odd name.
        let (hashed, mut changed): (Vec<&str>, Vec<&str>) =
            flagged.into_iter().partition(|path| self.is_plain_file(path));
        for some in hashed.chunks(HASHED_AT_ONCE) {
            let hashes = git(&self.top, &[&["hash-object", "--"], some].concat())?;
            let pairs = some.iter().zip(hashes.lines());
            changed
                .extend(pairs.filter(|(path, hash)| objects.get(*path) != Some(hash)).map(|(path, _)| path));
        }
        Ok(changed.into_iter().map(str::to_owned).collect())
    }

    fn is_plain_file(&self, path: &str) -> bool {
        let file = OsHost::machine_path(&format!("{}/{path}", self.top));
        let is_text = OsHost::machine_path(path).to_str() == Some(path);
        is_text && fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file())
    }
}

/// Files that one call of git hashes: more might not fit in its arguments.
const HASHED_AT_ONCE: usize = 500;
