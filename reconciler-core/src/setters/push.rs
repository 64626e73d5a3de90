//! Where an automation checks out from and pushes to.

use reconciler_api::git_repository::GitReference;
use reconciler_api::image_update_automation::PushSpec;
use thiserror::Error;

/// Why it is not known where to push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PushError {
    /// The refspec has nothing on its left, which would delete what is on its right.
    #[error("push refspec must not specify a deletion: invalid source configuration")]
    Deletion,
    /// No branch is named anywhere.
    #[error(
        "push spec not provided, and cannot be inferred from .spec.git.checkout.ref or GitRepository .spec.ref"
    )]
    NoBranch,
}

/// The repository that an automation updates does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "referenced git repository does not exist: gitrepositories.source.toolkit.fluxcd.io \"{0}\" not found"
)]
pub struct MissingRepository(pub String);

/// Where to check out from and to push to.
#[derive(Debug, Clone, PartialEq)]
pub struct PushPlan {
    /// What is checked out; the default branch without one.
    pub checkout: Option<GitReference>,
    /// The branch that is pushed.
    pub branch: String,
    /// What is pushed besides.
    pub refspec: Option<String>,
    /// Whether the branch is another than the one that was checked out.
    pub switch_branch: bool,
}

/// Finds out where to push. The automation's reference goes before the repository's.
pub fn plan_push(
    checkout: Option<&GitReference>,
    repository: Option<&GitReference>,
    push: Option<&PushSpec>,
) -> Result<PushPlan, PushError> {
    let checkout = checkout.or(repository);
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let checked_out = checkout.and_then(|reference| given(&reference.branch));
    let refspec = push.and_then(|push| given(&push.refspec));
    if refspec.as_deref().is_some_and(|refspec| refspec.trim_start_matches('+').starts_with(':')) {
        return Err(PushError::Deletion);
    }
    let branch = push.and_then(|push| given(&push.branch)).or_else(|| checked_out.clone());
    let branch = branch.ok_or(PushError::NoBranch)?;
    let switch_branch = checked_out.as_ref() != Some(&branch);
    Ok(PushPlan { checkout: checkout.cloned(), branch, refspec, switch_branch })
}
