//! A repository somewhere else.

use std::path::Path;

use async_trait::async_trait;
use gix::ObjectId;

use super::GitError;

/// A reference of a remote repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The full name, such as `refs/heads/main`.
    pub name: String,
    /// The commit; tags are followed.
    pub id: ObjectId,
    /// The object itself: of an annotated tag, the tag.
    pub object: ObjectId,
}

/// A repository that can be asked and fetched from.
#[async_trait]
pub trait Remote: Send + Sync {
    /// The references with these full names, which may hold `*`; all if there are none.
    async fn list(&self, names: &[&str]) -> Result<Vec<Reference>, GitError>;

    /// Fetches one reference or commit without its history into a bare repository, and keeps it
    /// there under a name.
    async fn fetch(&self, into: &Path, what: &str, name: &str) -> Result<(), GitError>;

    /// Fetches branches with their whole history.
    async fn fetch_history(&self, into: &Path, heads: &str) -> Result<(), GitError>;

    /// Removes what no reference of a bare repository leads to, once it takes much room.
    async fn tidy(&self, directory: &Path) -> Result<(), GitError>;
}
