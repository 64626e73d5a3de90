//! Which commit a reference of a GitRepository means.

use jiff::Timestamp;
use reconciler_api::git_repository::GitReference;

use super::revision::{commit_revision, named_revision};
use crate::semver::{self, ConstraintError, Constraints, Version};

/// The branch if nothing else is asked for.
pub const DEFAULT_BRANCH: &str = "master";

/// Why a reference means no commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A range that cannot be read.
    #[error("semver parse error: {0}")]
    Range(#[from] ConstraintError),
    /// No tag lies in the range.
    #[error("no match found for semver: {0}")]
    NoVersion(String),
    /// The repository has no such reference.
    #[error("unable to resolve ref '{0}' to a specific commit")]
    NoName(String),
    /// The repository has no such branch or tag.
    #[error("unable to clone '{url}': couldn't find remote ref \"{reference}\"")]
    NoReference {
        /// The address of the repository.
        url: String,
        /// The whole name of the branch or tag.
        reference: String,
    },
    /// The commit is not in what was fetched.
    #[error("unable to resolve commit object for '{0}': object not found")]
    NoCommit(String),
}

/// A reference that a repository offers. Annotated tags come twice, the second time with `^{}` at the end of
/// the name and the hash of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteReference<'a> {
    /// The whole name.
    pub name: &'a str,
    /// The hash.
    pub hash: &'a str,
}

/// What is to be checked out.
#[derive(Clone, Debug)]
pub enum Checkout {
    /// A commit by its hash, in the history of a branch or, without one, of all branches.
    Commit {
        /// The hash.
        hash: String,
        /// The branch.
        branch: Option<String>,
        /// The reference that the revision names.
        name: Option<String>,
    },
    /// A reference by its whole name.
    Name(String),
    /// A tag.
    Tag(String),
    /// The newest tag in a range.
    Range {
        /// The range as it was written.
        text: String,
        /// The range.
        constraints: Constraints,
    },
    /// The head of a branch.
    Branch(String),
}

impl Checkout {
    /// What a reference asks for: the commit, else the name, tag, range, branch.
    ///
    /// # Errors
    /// A range that cannot be read, if it counts.
    pub fn of(reference: Option<&GitReference>) -> Result<Self, ReferenceError> {
        let given = |field: fn(&GitReference) -> &Option<String>| {
            reference.and_then(|reference| field(reference).clone()).filter(|text| !text.is_empty())
        };
        let branch = given(|reference| &reference.branch);
        let name = given(|reference| &reference.name);
        if let Some(hash) = given(|reference| &reference.commit) {
            return Ok(Checkout::Commit { hash, branch, name });
        }
        if let Some(name) = name {
            return Ok(Checkout::Name(name));
        }
        if let Some(tag) = given(|reference| &reference.tag) {
            return Ok(Checkout::Tag(tag));
        }
        if let Some(text) = given(|reference| &reference.semver) {
            let constraints = Constraints::parse(&text)?;
            return Ok(Checkout::Range { text, constraints });
        }
        Ok(Checkout::Branch(branch.unwrap_or_else(|| DEFAULT_BRANCH.to_owned())))
    }

    /// The reference to fetch, if one is enough.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        match self {
            Checkout::Commit { branch, .. } => branch.as_ref().map(|branch| format!("refs/heads/{branch}")),
            Checkout::Name(name) => Some(name.clone()),
            Checkout::Tag(tag) => Some(format!("refs/tags/{tag}")),
            Checkout::Branch(branch) => Some(format!("refs/heads/{branch}")),
            Checkout::Range { .. } => None,
        }
    }

    /// The hash that the reference has among those of a repository. Commits and ranges need more than that,
    /// and have none here.
    ///
    /// # Errors
    /// A repository without that reference.
    pub fn find<'a>(
        &self,
        offered: &[RemoteReference<'a>],
        url: &str,
    ) -> Result<Option<&'a str>, ReferenceError> {
        let (Checkout::Name(_) | Checkout::Tag(_) | Checkout::Branch(_)) = self else { return Ok(None) };
        let Some(reference) = self.reference() else { return Ok(None) };
        let named = |name: &str| offered.iter().find(|offer| offer.name == name).map(|offer| offer.hash);
        let peeled =
            if reference.starts_with("refs/tags/") { named(&format!("{reference}^{{}}")) } else { None };
        match (peeled.or_else(|| named(&reference)), self) {
            (Some(hash), _) => Ok(Some(hash)),
            (None, Checkout::Name(name)) => Err(ReferenceError::NoName(name.clone())),
            (None, _) => Err(ReferenceError::NoReference { url: url.to_owned(), reference }),
        }
    }

    /// The revision of the commit that was found. `tag` is the tag of a range.
    #[must_use]
    pub fn revision(&self, hash: &str, tag: Option<&str>) -> String {
        match (self, tag) {
            (Checkout::Commit { name: Some(name), .. } | Checkout::Name(name), _) => {
                named_revision(name, hash)
            }
            (Checkout::Range { .. }, Some(tag)) => commit_revision(&format!("refs/tags/{tag}"), hash),
            _ => commit_revision(&self.reference().unwrap_or_default(), hash),
        }
    }
}

/// A tag of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name, without `refs/tags/`.
    pub name: &'a str,
    /// When its commit was made.
    pub committed: Timestamp,
}

/// The tag of the newest version in a range. Versions that differ in their build metadata only are as new as
/// their commits.
#[must_use]
pub fn newest_tag<'a>(constraints: &Constraints, tags: &[Tag<'a>]) -> Option<&'a str> {
    let versions = tags.iter().filter_map(|tag| {
        let version: Version = semver::parse(tag.name).ok()?;
        constraints.check(&version).then_some((version, tag))
    });
    versions
        .max_by(|(one, tag), (other, other_tag)| {
            one.cmp_precedence(other).then_with(|| tag.committed.cmp(&other_tag.committed))
        })
        .map(|(_, tag)| tag.name)
}
