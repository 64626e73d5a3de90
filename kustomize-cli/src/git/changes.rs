//! What changed since a revision.

use std::collections::BTreeSet;

use super::{Repository, git};
use crate::failure::Failure;

impl Repository {
    /// Absolute paths of what is not as it was at a revision: files that are changed, new or gone,
    /// committed or not, and directories that are repositories of their own (submodules, and such
    /// that are not tracked) with anything changed in them. What git ignores is not among them.
    pub(crate) fn changed_since(&self, revision: &str) -> Result<BTreeSet<String>, Failure> {
        let commit = self.commit(revision)?;
        let submodules = "--ignore-submodules=none";
        let tracked =
            ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", submodules, &commit, "--"];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
        let mut changed = BTreeSet::new();
        for arguments in [&tracked[..], &untracked[..]] {
            let output = git(&self.top, arguments)?;
            let paths = output.split_terminator('\0').map(|path| path.trim_end_matches('/'));
            changed.extend(paths.map(|path| format!("{}/{path}", self.top.trim_end_matches('/'))));
        }
        Ok(changed)
    }
}
