//! GitRepository: fetched at its interval and when someone asks for it.

mod github;
mod includes;
mod unsupported;
mod verification;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::Api;
use reconciler_api::condition::{self, ConditionStatus};
use reconciler_api::git_repository::GitRepositorySpec;
use reconciler_api::{Artifact, GitRepository, GitRepositoryStatus, annotation, reason};
use serde_json::{Value, json};

use super::events::{self, Report};
use super::queue::Key;
use super::sources::SourceKind;
use super::{Context, Next, artifacts, finalizer, foreign, secrets, status};
use crate::source::git::{Commit, Credentials, GitError, GitProgram, GitTree, Mirror, shown_url};
use verification::Verified;

/// How events name this controller.
const CONTROLLER: &str = "source-controller";
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// The pause before another look at what is included, if it is not there.
const DEPENDENCY: Duration = Duration::from_secs(30);

/// What was fetched.
struct Fetched {
    commit: Commit,
    /// What was verified, if the spec wants it.
    verified: Option<Verified>,
    /// What is included.
    included: Vec<Artifact>,
}

/// What can go wrong with a repository, by the condition that says so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Fetch,
    Verification,
    Include,
    Storage,
}

/// Why a repository could not be fetched, or what it has cannot be offered.
struct Failure {
    part: Part,
    reason: &'static str,
    message: String,
    is_permanent: bool,
}

impl Failure {
    fn authentication(message: String) -> Self {
        Failure { part: Part::Fetch, reason: reason::AUTHENTICATION_FAILED, message, is_permanent: false }
    }

    fn git(error: &GitError, url: &str) -> Self {
        let reason = match error {
            GitError::Authentication(_) => reason::AUTHENTICATION_FAILED,
            _ => reason::GIT_OPERATION_FAILED,
        };
        Failure {
            part: Part::Fetch,
            reason,
            message: format!(
                "failed to checkout and determine revision: unable to clone '{}': {error}",
                shown_url(url)
            ),
            is_permanent: error.is_permanent(),
        }
    }
}

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let repository = match context.repositories.get(&key) {
        None => {
            context.forget_repository(&key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            context.log.error("the object cannot be read", fields(&key, json!({"error": error})));
            return Next::OnChange;
        }
        Some(Ok(repository)) => repository,
    };
    if !context.shard.has(&*repository) {
        let artifact = repository.status.as_ref().and_then(|status| status.artifact.as_ref());
        return foreign::follow(&context, SourceKind::GitRepository, &key, artifact).await;
    }
    if repository.metadata.deletion_timestamp.is_some() {
        context.forget_repository(&key);
        // What is left is a copy, which is removed with the directory of data at the latest.
        let _ = std::fs::remove_dir_all(directory(&context, &key));
        return match finalizer::remove(&context.client, &*repository).await {
            Ok(()) => Next::OnChange,
            Err(_) => Next::Failed(Some(SOON)),
        };
    }
    if finalizer::add(&context.client, &*repository).await.is_err() {
        return Next::Failed(Some(SOON));
    }
    if repository.spec.suspend {
        recall(&context, &key, &repository).await;
        looked_at(&context, &key);
        return Next::OnChange;
    }
    if is_for_trusted(&context, &repository) && context.tenants.is_strict(&key.namespace).is_none() {
        // Right after the start, it is not known yet whether the namespace is that of a tenant.
        return Next::After(SOON);
    }
    if let Some(pause) = includes::unknown(&context, &key, &repository) {
        return Next::After(pause);
    }
    let outcome = fetch(&context, &key, &repository).await;
    if outcome.is_err() {
        recall(&context, &key, &repository).await;
    }
    let old = repository.status.clone().unwrap_or_default();
    // Another spec or other files that are included make another artifact of the same commit.
    let included = outcome.as_ref().map_or(&[][..], |fetched| &fetched.included);
    let known = old.artifact.as_ref().filter(|_| is_observed(&repository, &old, included));
    let is_new = outcome
        .as_ref()
        .is_ok_and(|fetched| known.is_none_or(|artifact| artifact.revision != fetched.commit.revision));
    let artifact = match &outcome {
        Ok(fetched) => artifact(&context, &key, &fetched.commit, known).await,
        Err(_) => None,
    };
    let new = next_status(&repository, &old, &outcome, artifact, context.environment.now());
    let next = match &outcome {
        Ok(_) => Next::at_interval(repository.spec.interval),
        Err(failure) if failure.is_permanent => Next::Failed(None),
        Err(failure) if failure.part == Part::Include => Next::Failed(Some(DEPENDENCY)),
        Err(_) => Next::Failed(Some(repository.spec.interval.to_std())),
    };
    match &outcome {
        Ok(Fetched { commit, .. }) if is_new => {
            let subject: String = commit.subject.chars().take(50).collect();
            let message = format!("stored artifact for commit '{subject}'");
            context.log.info(&message, fields(&key, json!({"revision": commit.revision})));
            let report = Report::info(CONTROLLER, reason::NEW_ARTIFACT, &message);
            events::send(&context, &*repository, &report.at(Some(&commit.revision))).await;
        }
        Ok(_) => {}
        Err(failure) => {
            context.log.error("Reconciler error", fields(&key, json!({"error": failure.message})));
            let known = condition_message(&old);
            if known != Some(failure.message.as_str()) {
                let report = Report::error(CONTROLLER, failure.reason, &failure.message);
                events::send(&context, &*repository, &report).await;
            }
        }
    }
    if let Ok(Fetched { commit, .. }) = &outcome {
        let message = format!("stored artifact for revision '{}'", commit.revision);
        let report = Report::info(CONTROLLER, reason::SUCCEEDED, &message);
        events::mended(&context, &*repository, &report.at(Some(&commit.revision))).await;
    }
    // The status first: who sees that something was applied may ask where it came from. A Kustomization
    // that is asked for as soon as the status is there waits for the commit.
    let publication = context.sources.publish(SourceKind::GitRepository, &key).await;
    let written = status::write::<GitRepository>(&context.client, &key, &old, &new).await;
    let is_changed = outcome.is_ok_and(|fetched| context.set_commit(&key, fetched.commit));
    drop(publication);
    looked_at(&context, &key);
    match written {
        Ok(written) => {
            if let Some(written) = written {
                context.repositories.written(&key, written);
            }
            if is_changed {
                let users = includes::users(&context, &key);
                users.into_iter().for_each(|user| context.repository_queue.add(user));
            }
            next
        }
        Err(error) => {
            context
                .log
                .error("status could not be written", fields(&key, json!({"error": error.to_string()})));
            Next::Failed(Some(SOON))
        }
    }
}

/// Notes that a repository was looked at. Those that include it may have waited for that.
fn looked_at(context: &Context, key: &Key) {
    if context.looked_at(SourceKind::GitRepository, key) {
        includes::users(context, key).into_iter().for_each(|user| context.repository_queue.add(user));
    }
}

fn condition_message(status: &GitRepositoryStatus) -> Option<&str> {
    let ready = status.conditions.iter().find(|condition| condition.type_ == condition::READY);
    ready.map(|condition| condition.message.as_str())
}

fn directory(context: &Context, key: &Key) -> std::path::PathBuf {
    context.data.join("git").join(&key.namespace).join(&key.name)
}

async fn fetch(context: &Context, key: &Key, repository: &GitRepository) -> Result<Fetched, Failure> {
    let url = &repository.spec.url;
    unsupported::check(&repository.spec)?;
    let mirror = mirror(context, key).map_err(|error| Failure::git(&error, url))?;
    let remote = program(context, key, repository).await?;
    let includes = includes::find(context, key, repository)?;
    let _composing = mirror.composing().await;
    let wanted = repository.spec.reference.clone().unwrap_or_default();
    let mut commit = mirror.fetch(&remote, &wanted).await.map_err(|error| {
        let mut failure = Failure::git(&error, url);
        if matches!(error, GitError::Authentication(_)) {
            failure.message += &match &repository.spec.secret_ref {
                None => "; spec.secretRef can name a Secret with 'username' and 'password', or 'bearerToken'".to_owned(),
                Some(secret) => format!(
                    "; the server refuses the credentials in the Secret '{}': check that they are correct, have not \
                     expired, and may read this repository",
                    secret.name
                ),
            };
        }
        failure
    })?;
    // Before anything is read of its files.
    let verified = verification::verify(context, key, repository, &mirror, &commit).await?;
    let included = includes.artifacts.clone();
    submodules(repository, &remote, &mirror, &mut commit).await?;
    commit.tree = includes::compose(repository, &mirror, &commit, includes).await?;
    mirror.offer(&commit).map_err(|error| Failure::git(&error, url))?;
    commit.tree =
        shown(context, key, repository, &mirror, &commit).await.map_err(|error| Failure::git(&error, url))?;
    Ok(Fetched { commit, verified, included })
}

/// Puts the files of submodules into a commit, if the spec wants them.
async fn submodules(
    repository: &GitRepository,
    remote: &GitProgram,
    mirror: &Mirror,
    commit: &mut Commit,
) -> Result<(), Failure> {
    let spec = &repository.spec;
    if !spec.recurse_submodules {
        return Ok(());
    }
    let added = mirror.add_submodules(remote, commit, &spec.sparse_checkout).await;
    added.map_err(|error| Failure::git(&error, &spec.url))
}

/// The tree of a commit without what the repository and its spec leave out.
async fn shown(
    context: &Context,
    key: &Key,
    repository: &GitRepository,
    mirror: &Arc<Mirror>,
    commit: &Commit,
) -> Result<GitTree, GitError> {
    let lines = repository.spec.ignore.clone().unwrap_or_default();
    if let Some(known) = context.sources.offer(SourceKind::GitRepository, key)
        && known.snapshot.tree.has_root_of(&commit.tree)
        && known.snapshot.tree.is_without(&lines)
    {
        return Ok(known.snapshot.tree);
    }
    let (mirror, tree) = (Arc::clone(mirror), commit.tree.clone());
    let read = tokio::task::spawn_blocking(move || mirror.leave_out(&tree, &lines)).await;
    read.map_err(|error| GitError::Storage(error.to_string()))?
}

/// A GitRepository's repository, with its credentials.
pub(super) async fn remote(
    context: &Context,
    key: &Key,
    repository: &GitRepository,
) -> Result<GitProgram, String> {
    program(context, key, repository).await.map_err(|failure| failure.message)
}

/// Whether a repository is in a directory of this machine that tenants may not use.
fn is_for_trusted(context: &Context, repository: &GitRepository) -> bool {
    let url = &repository.spec.url;
    let is_local = url.trim_start().to_ascii_lowercase().starts_with("file:");
    is_local && context.local_repository.as_ref() != Some(url)
}

async fn program(context: &Context, key: &Key, repository: &GitRepository) -> Result<GitProgram, Failure> {
    let url = &repository.spec.url;
    let is_strict = context.tenants.is_strict(&key.namespace);
    if is_for_trusted(context, repository) && is_strict != Some(false) {
        let message = match is_strict {
            Some(_) => {
                "a repository on the machine of the reconciler cannot be used in the namespace of a tenant"
            }
            None => "it is not known yet whether the namespace is that of a tenant",
        };
        let message = format!("cannot access '{url}': {message}");
        return Err(Failure {
            part: Part::Fetch,
            reason: reason::ACCESS_DENIED,
            message,
            is_permanent: is_strict.is_some(),
        });
    }
    let credentials = credentials(context, key, repository).await?;
    let program = GitProgram::new(url.clone(), credentials, repository.spec.timeout().to_std());
    Ok(if is_strict == Some(false) { program } else { program.confined() })
}

/// The local copy of a repository.
pub(super) fn mirror(context: &Context, key: &Key) -> Result<Arc<Mirror>, GitError> {
    let mirrors = || context.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
    let known = mirrors().get(key).filter(|mirror| mirror.is_there()).cloned();
    if let Some(mirror) = known {
        return Ok(mirror);
    }
    let mirror = Arc::new(Mirror::open(&directory(context, key))?);
    mirrors().insert(key.clone(), Arc::clone(&mirror));
    Ok(mirror)
}

/// After a start: hands out what was fetched before, when nothing can be fetched now.
async fn recall(context: &Context, key: &Key, repository: &GitRepository) {
    let status = repository.status.as_ref();
    // What was stored before it had to be verified is not handed out again.
    let is_unverified = repository.spec.verify.is_some()
        && status.is_none_or(|status| status.source_verification_mode.is_none());
    let artifact = status.filter(|_| !is_unverified).and_then(|status| status.artifact.as_ref());
    let Some(artifact) = artifact.filter(|_| context.sources.offer(SourceKind::GitRepository, key).is_none())
    else {
        return;
    };
    let Ok(mirror) = mirror(context, key) else { return };
    let Some(mut commit) = mirror.recall(&artifact.revision) else { return };
    if let Ok(tree) = shown(context, key, repository, &mirror, &commit).await {
        commit.tree = tree;
        let _ = context.set_commit(key, commit);
    }
}

/// An earlier revision, which is fetched once more if it is not here any more.
pub(super) async fn earlier(
    context: &Context,
    key: &Key,
    holder: &str,
    revision: &str,
) -> Result<Commit, String> {
    let Some(Ok(repository)) = context.repositories.get(key) else {
        return Err(format!("GitRepository/{key} cannot be read"));
    };
    let remote = remote(context, key, &repository).await?;
    let mirror = mirror(context, key).map_err(|error| error.to_string())?;
    let wanted = repository.spec.reference.clone().unwrap_or_default();
    let _composing = if repository.spec.recurse_submodules { Some(mirror.composing().await) } else { None };
    let found = mirror.recall_or_fetch(&remote, &wanted, revision, holder).await;
    let mut commit = found.map_err(|error| error.to_string())?;
    // It may be from before it had to be verified.
    let verified = verification::verify(context, key, &repository, &mirror, &commit).await;
    verified.map_err(|failure| failure.message)?;
    if !repository.spec.include.is_empty() {
        return Err("the files of other repositories that it had in it are not kept".to_owned());
    }
    let added = submodules(&repository, &remote, &mirror, &mut commit).await;
    added.map_err(|failure| failure.message)?;
    let nothing = includes::Includes::default();
    let composed = includes::compose(&repository, &mirror, &commit, nothing).await;
    commit.tree = composed.map_err(|failure| failure.message)?;
    let tree = shown(context, key, &repository, &mirror, &commit).await;
    commit.tree = tree.map_err(|error| error.to_string())?;
    Ok(commit)
}

/// Whether the artifact of a status was made with the spec as it is, and with these artifacts in it.
fn is_observed(repository: &GitRepository, status: &GitRepositoryStatus, included: &[Artifact]) -> bool {
    let spec = &repository.spec;
    let had = &status.included_artifacts;
    status.observed_ignore == spec.ignore
        && status.observed_include == spec.include
        && status.observed_sparse_checkout == spec.sparse_checkout
        && status.observed_recurse_submodules == spec.recurse_submodules
        && had.len() == included.len()
        && had.iter().zip(included).all(|(had, has)| had.revision == has.revision && had.digest == has.digest)
}

async fn credentials(
    context: &Context,
    key: &Key,
    repository: &GitRepository,
) -> Result<Credentials, Failure> {
    let (spec, secret) = (&repository.spec, secret(context, key, repository).await?);
    let is_app = github::is_wanted(spec, secret.as_ref())?;
    let reach = context.reach(&key.namespace).await;
    let Some(secret) = secret else {
        return proxied(context, key, spec, Credentials::default().reaching(reach)).await;
    };
    let credentials = Credentials::from_secret(&secret, &spec.url).map_err(|error| {
        let name = spec.secret_ref.as_ref().map(|reference| reference.name.as_str()).unwrap_or_default();
        Failure::authentication(format!("secret '{}/{name}': {error}", key.namespace))
    })?;
    let credentials = proxied(context, key, spec, credentials.reaching(reach)).await?;
    if is_app { github::login(context, spec, &secret, credentials).await } else { Ok(credentials) }
}

/// The same through the proxy of a spec, if it has one.
async fn proxied(
    context: &Context,
    key: &Key,
    spec: &GitRepositorySpec,
    credentials: Credentials,
) -> Result<Credentials, Failure> {
    let Some(reference) = &spec.proxy_secret_ref else { return Ok(credentials) };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::authentication(format!("failed to configure proxy options: {error}"))
    };
    let secret = Key { namespace: key.namespace.clone(), name: reference.name.clone() };
    let data = secrets::read(context, &secret)
        .await
        .map_err(|error| failed(&format!("failed to get secret '{secret}': {error}")))?;
    let proxy = secrets::proxy(&data, context.reach(&key.namespace).await).map_err(|error| failed(&error))?;
    credentials.through(&proxy, &spec.url).map_err(|error| failed(&error))
}

/// What the Secret of a repository has.
async fn secret(
    context: &Context,
    key: &Key,
    repository: &GitRepository,
) -> Result<Option<BTreeMap<String, Vec<u8>>>, Failure> {
    let Some(reference) = &repository.spec.secret_ref else { return Ok(None) };
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), &key.namespace);
    let secret = secrets.get(&reference.name).await.map_err(|error| {
        let error = crate::apply::RequestError::from(error);
        Failure::authentication(format!(
            "failed to get secret '{}/{}': {error}",
            key.namespace, reference.name
        ))
    })?;
    Ok(Some(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect()))
}

fn next_status(
    repository: &GitRepository,
    old: &GitRepositoryStatus,
    outcome: &Result<Fetched, Failure>,
    artifact: Option<Artifact>,
    now: Timestamp,
) -> GitRepositoryStatus {
    let mut new = old.clone();
    let generation = repository.metadata.generation;
    let conditions = &mut new.conditions;
    let mut set = |type_, status, reason, message: &str| {
        condition::set(conditions, type_, status, reason, message, generation, now);
    };
    match outcome {
        Ok(Fetched { commit, verified, included }) => {
            let message = format!("stored artifact for revision '{}'", commit.revision);
            set(condition::READY, ConditionStatus::True, reason::SUCCEEDED, &message);
            set(condition::ARTIFACT_IN_STORAGE, ConditionStatus::True, reason::SUCCEEDED, &message);
            match verified {
                Some(Verified { message, .. }) => {
                    set(condition::SOURCE_VERIFIED, ConditionStatus::True, reason::SUCCEEDED, message);
                }
                None => condition::remove(&mut new.conditions, condition::SOURCE_VERIFIED),
            }
            new.source_verification_mode = verified.as_ref().map(|verified| verified.mode.to_owned());
            for type_ in [
                condition::RECONCILING,
                condition::STALLED,
                condition::FETCH_FAILED,
                condition::INCLUDE_UNAVAILABLE,
                condition::STORAGE_OPERATION_FAILED,
            ] {
                condition::remove(&mut new.conditions, type_);
            }
            new.artifact = artifact.or(new.artifact);
            new.observed_ignore.clone_from(&repository.spec.ignore);
            new.observed_include.clone_from(&repository.spec.include);
            new.observed_sparse_checkout.clone_from(&repository.spec.sparse_checkout);
            new.observed_recurse_submodules = repository.spec.recurse_submodules;
            new.included_artifacts.clone_from(included);
        }
        Err(failure) => {
            set(condition::READY, ConditionStatus::False, failure.reason, &failure.message);
            let broken = match failure.part {
                Part::Fetch => condition::FETCH_FAILED,
                Part::Include => condition::INCLUDE_UNAVAILABLE,
                Part::Storage => condition::STORAGE_OPERATION_FAILED,
                Part::Verification => condition::SOURCE_VERIFIED,
            };
            let holds = if failure.part == Part::Verification {
                ConditionStatus::False
            } else {
                ConditionStatus::True
            };
            set(broken, holds, failure.reason, &failure.message);
            // What was found wrong before says nothing about this time.
            new.conditions.retain(|known| {
                let is_wrong = match known.type_.as_str() {
                    condition::FETCH_FAILED
                    | condition::INCLUDE_UNAVAILABLE
                    | condition::STORAGE_OPERATION_FAILED => true,
                    condition::SOURCE_VERIFIED => known.status == ConditionStatus::False,
                    _ => false,
                };
                known.type_ == broken || !is_wrong
            });
            let mut set = |type_, status, reason, message: &str| {
                condition::set(&mut new.conditions, type_, status, reason, message, generation, now);
            };
            if failure.is_permanent {
                set(condition::STALLED, ConditionStatus::True, failure.reason, &failure.message);
                condition::remove(&mut new.conditions, condition::RECONCILING);
            } else {
                set(
                    condition::RECONCILING,
                    ConditionStatus::True,
                    reason::PROGRESSING_WITH_RETRY,
                    "building artifact",
                );
                condition::remove(&mut new.conditions, condition::STALLED);
            }
        }
    }
    new.observed_generation = generation;
    new.last_handled_reconcile_at = requested(repository).or(new.last_handled_reconcile_at);
    new
}

fn requested(repository: &GitRepository) -> Option<String> {
    repository.annotations().get(annotation::RECONCILE_REQUEST).cloned()
}

/// The artifact, if it is not the one that is known. Its digest is that of the archive if archives are
/// offered, or else the id of the tree.
async fn artifact(
    context: &Context,
    key: &Key,
    commit: &Commit,
    known: Option<&Artifact>,
) -> Option<Artifact> {
    let path = artifacts::path(SourceKind::GitRepository, key, &commit.revision);
    let url = context.artifact_url(key, &path);
    let is_known = known.is_some_and(|known| {
        known.revision == commit.revision
            && known.url == url
            && known.size.is_some() == context.artifacts.is_some()
    });
    if is_known {
        return None;
    }
    let summary = match context.summarize(key, &commit.tree).await {
        Ok(summary) => summary,
        Err(error) => {
            let fields = fields(key, json!({"error": error.to_string()}));
            context.log.error("the artifact cannot be made", fields);
            None
        }
    };
    Some(Artifact {
        url,
        path,
        revision: commit.revision.clone(),
        size: summary.as_ref().and_then(|summary| summary.size.try_into().ok()),
        digest: summary.map_or_else(|| format!("sha1:{}", commit.tree.id()), |summary| summary.digest),
        last_update_time: context.environment.now().into(),
        metadata: BTreeMap::new(),
    })
}

/// The fields of a log line about a repository.
fn fields(key: &Key, further: Value) -> Value {
    let mut fields = json!({
        "controller": "gitrepository",
        "controllerGroup": "source.toolkit.fluxcd.io",
        "controllerKind": "GitRepository",
        "GitRepository": {"name": key.name, "namespace": key.namespace},
        "namespace": key.namespace,
        "name": key.name,
        "reconcileID": uuid::Uuid::new_v4().to_string(),
    });
    if let (Some(fields), Value::Object(mut further)) = (fields.as_object_mut(), further) {
        fields.append(&mut further);
    }
    fields
}
