//! Sources: where configuration comes from.

pub mod archive;
pub mod bucket;
pub mod git;
pub mod oci;
pub mod tree_store;

use git::{Commit, GitTree};

/// What a source offers at a revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The revision, as status writes it.
    pub revision: String,
    /// The commit, if it is one.
    pub commit: Option<CommitInfo>,
    /// Its files.
    pub tree: GitTree,
}

/// What a commit says about itself.
#[derive(Clone, Debug)]
pub struct CommitInfo {
    /// Its id in hexadecimal digits.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// The name of its author.
    pub author: String,
}

impl Snapshot {
    /// What the source says about the revision, in a line; empty if it says nothing.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.commit.as_ref().map_or("", |commit| &commit.subject)
    }
}

impl From<Commit> for Snapshot {
    fn from(commit: Commit) -> Self {
        let Commit { revision, id, subject, author, tree, .. } = commit;
        Snapshot { revision, commit: Some(CommitInfo { id, subject, author }), tree }
    }
}
