//! What changed since a revision.

use std::collections::BTreeSet;

use super::{Repository, git};
use crate::failure::Failure;

impl Repository {
    /// Absolute paths of the files that are not as they were at a revision: changed, new or gone,
    /// committed or not. Files that git ignores are not among them.
    pub(crate) fn changed_since(&self, revision: &str) -> Result<BTreeSet<String>, Failure> {
        let commit = self.commit(revision)?;
        let tracked = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", &commit, "--"];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
        let mut changed = BTreeSet::new();
        for arguments in [&tracked[..], &untracked[..]] {
            let output = git(&self.top, arguments)?;
            let paths = output.split_terminator('\0');
            changed.extend(paths.map(|path| format!("{}/{path}", self.top.trim_end_matches('/'))));
        }
        Ok(changed)
    }
}
