//! Other GitRepositories whose files are put into one.

use std::collections::BTreeSet;
use std::time::Duration;

use reconciler_api::git_repository::Include;
use reconciler_api::{Artifact, GitRepository, reason};

use super::super::Context;
use super::super::queue::Key;
use super::super::sources::SourceKind;
use super::{DEPENDENCY, Failure, Part};
use crate::source::git::{Commit, GitError, GitTree, Inclusion, Mirror};

/// How often to look while not all repositories have been listed.
const LISTING: Duration = Duration::from_millis(200);

/// What is included: the files, and what the status says of them.
#[derive(Default)]
pub(super) struct Includes {
    pub(super) artifacts: Vec<Artifact>,
    inclusions: Vec<Inclusion>,
}

/// Where the files of an include are put.
fn to_path(include: &Include) -> &str {
    include.to_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(&include.repository.name)
}

/// How long to wait for what is included and not known yet, right after the start; a look at it ends that. Nothing if it
/// is known.
pub(super) fn unknown(context: &Context, key: &Key, repository: &GitRepository) -> Option<Duration> {
    let mut others = repository
        .spec
        .include
        .iter()
        .map(|include| Key { namespace: key.namespace.clone(), name: include.repository.name.clone() });
    others.find_map(|other| {
        if !context.repositories.is_listed() && context.repositories.get(&other).is_none() {
            return Some(LISTING);
        }
        let is_awaited = other != *key && context.is_awaited(SourceKind::GitRepository, &other);
        (is_awaited && !leads_to(context, &other, key)).then_some(DEPENDENCY)
    })
}

/// Finds what a repository includes, all of which has to be there.
pub(super) fn find(context: &Context, key: &Key, repository: &GitRepository) -> Result<Includes, Failure> {
    let mut includes = Includes::default();
    for include in &repository.spec.include {
        let name = &include.repository.name;
        let other = Key { namespace: key.namespace.clone(), name: name.clone() };
        let Some(Ok(found)) = context.repositories.get(&other) else {
            let message = format!(
                "could not get resource for include '{name}': gitrepositories.source.toolkit.fluxcd.io \"{name}\" not found"
            );
            return Err(unavailable("NotFound", message));
        };
        if leads_to(context, &other, key) {
            let message = format!("the include '{name}' leads back to this repository");
            return Err(unavailable(reason::INVALID_SPEC, message));
        }
        let artifact = found.status.as_ref().and_then(|status| status.artifact.clone());
        let offer = context.sources.offer(SourceKind::GitRepository, &other);
        let (Some(artifact), Some(offer)) = (artifact, offer) else {
            return Err(unavailable("NoArtifact", format!("no artifact available for include '{name}'")));
        };
        includes.artifacts.push(artifact);
        includes.inclusions.push(Inclusion {
            tree: offer.snapshot.tree,
            from: include.from_path.clone().unwrap_or_default(),
            to: to_path(include).to_owned(),
        });
    }
    Ok(includes)
}

/// The repositories of a namespace that include one.
pub(super) fn users(context: &Context, included: &Key) -> Vec<Key> {
    context.repositories.keys(|key, repository| {
        key.namespace == included.namespace
            && repository.spec.include.iter().any(|include| include.repository.name == included.name)
    })
}

/// Whether a repository includes another one, directly or not, or is it.
fn leads_to(context: &Context, from: &Key, wanted: &Key) -> bool {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(key) = waiting.pop() {
        if key == *wanted {
            return true;
        }
        if !seen.insert(key.name.clone()) {
            continue;
        }
        let Some(Ok(repository)) = context.repositories.get(&key) else { continue };
        let names = repository.spec.include.iter().map(|include| include.repository.name.clone());
        waiting.extend(names.map(|name| Key { namespace: key.namespace.clone(), name }));
    }
    false
}

/// The files of a commit as the spec wants them: some of its directories, and others' files.
pub(super) async fn compose(
    repository: &GitRepository,
    mirror: &std::sync::Arc<Mirror>,
    commit: &Commit,
    includes: Includes,
) -> Result<GitTree, Failure> {
    let (paths, tree) = (repository.spec.sparse_checkout.clone(), commit.tree.clone());
    if paths.is_empty() && includes.inclusions.is_empty() {
        return Ok(tree);
    }
    let storage = |message: String| Failure {
        part: Part::Storage,
        reason: "CopyFailure",
        message,
        is_permanent: false,
    };
    let (wanted, mirror) = (repository.spec.include.clone(), std::sync::Arc::clone(mirror));
    let url = repository.spec.url.clone();
    let composed = tokio::task::spawn_blocking(move || {
        let tree = match paths.is_empty() {
            true => tree,
            false => mirror.sparse(&tree, &paths).map_err(|error| failed_sparse(&error, &url))?,
        };
        mirror.include(&tree, &includes.inclusions).map_err(|(number, error)| {
            let Some(include) = wanted.get(number) else { return storage(error.to_string()) };
            let (name, from) = (&include.repository.name, include.from_path.as_deref().unwrap_or_default());
            storage(format!("failed to copy '{name}' include from {from} to {}: {error}", to_path(include)))
        })
    });
    composed.await.map_err(|error| storage(error.to_string()))?
}

fn failed_sparse(error: &GitError, url: &str) -> Failure {
    match error {
        GitError::Failed(message) => Failure {
            part: Part::Fetch,
            reason: reason::GIT_OPERATION_FAILED,
            message: message.clone(),
            is_permanent: false,
        },
        error => Failure::git(error, url),
    }
}

fn unavailable(reason: &'static str, message: String) -> Failure {
    Failure { part: Part::Include, reason, message, is_permanent: false }
}
