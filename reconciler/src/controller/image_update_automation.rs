//! ImageUpdateAutomation: writes the latest tags into a git repository, and pushes a commit or opens pull
//! requests.

mod admission;
mod forge;
mod policies;
mod pull_requests;
mod update;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use reconciler_api::{GitRepository, ImageUpdateAutomation, reason};
use reconciler_core::pull_request;
use reconciler_core::setters::{MissingRepository, PushPlan, plan_push, searched_folder};
use serde_json::json;

use super::outcome::{Failure, Names, conclude, is_news, requested};
use super::queue::Key;
use super::{Context, Next, finalizer, git_repository, status, tenancy};
use crate::source::git::GitError;
use policies::{Policies, policies};
use pull_requests::PullRequests;
use update::Update;

const NAMES: Names = Names {
    component: "image-automation-controller",
    controller: "imageupdateautomation",
    group: "image.toolkit.fluxcd.io",
    kind: "ImageUpdateAutomation",
};
/// What the condition Ready says.
const READY: &str = "repository up-to-date";
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// How often to look while not all repositories have been listed.
const LISTING: Duration = Duration::from_millis(200);
/// The longest pause after a failure.
const RETRY: Duration = Duration::from_secs(60);
/// How many markers that set nothing are shown.
const MOST_MARKERS: usize = 5;
/// How often a push is tried that somebody else was faster than.
const TRIES: usize = 4;

/// What a run came to.
struct Run {
    /// The revision that was looked at.
    revision: String,
    /// The commit that was pushed last.
    commit: Option<String>,
    /// What the condition Ready says.
    ready: String,
    /// What policies refuse.
    refused: Vec<String>,
    /// What is said of markers that set nothing.
    ignored: Vec<String>,
}

impl Run {
    /// What the condition Ready says, with what was left out.
    fn message(&self) -> String {
        let mut message = self.ready.clone();
        if !self.refused.is_empty() {
            message += &format!("; left out: {}", self.refused.join("; "));
        }
        if !self.ignored.is_empty() {
            let shown = &self.ignored[..self.ignored.len().min(MOST_MARKERS)];
            message += &format!("; markers that set nothing: {}", shown.join("; "));
            if self.ignored.len() > MOST_MARKERS {
                message += &format!("; and {} more", self.ignored.len() - MOST_MARKERS);
            }
        }
        message
    }
}

/// Why an attempt came to nothing.
enum Attempt {
    /// Somebody else pushed meanwhile.
    Lost(Failure),
    Failed(Failure),
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Attempt::Failed(failure)
    }
}

impl From<GitError> for Attempt {
    fn from(error: GitError) -> Self {
        let failure = Failure::new(reason::GIT_OPERATION_FAILED, error.to_string());
        if error.is_lost_race() { Attempt::Lost(failure) } else { Attempt::Failed(failure) }
    }
}

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let automation = match context.images.automations.get(&key) {
        None => return Next::Gone,
        Some(Err(error)) => {
            context.log.error("the object cannot be read", NAMES.fields(&key, json!({"error": error})));
            return Next::OnChange;
        }
        Some(Ok(automation)) => automation,
    };
    if !context.shard.has(&*automation) {
        return Next::OnChange;
    }
    if automation.metadata.deletion_timestamp.is_some() {
        return match finalizer::remove(&context.client, &*automation).await {
            Ok(()) => Next::Gone,
            Err(_) => Next::Failed(Some(SOON)),
        };
    }
    if finalizer::add(&context.client, &*automation).await.is_err() {
        return Next::Failed(Some(SOON));
    }
    if automation.spec.suspend {
        return Next::OnChange;
    }
    let is_missing = context.repositories.get(&source_key(&key, &automation)).is_none();
    if is_missing && !context.repositories.is_listed() {
        // Right after the start, it is not missing: nobody has looked.
        return Next::After(LISTING);
    }
    let old = automation.status.clone().unwrap_or_default();
    let mut new = old.clone();
    new.observed_generation = automation.metadata.generation;
    new.last_handled_reconcile_at = requested(&*automation).or(new.last_handled_reconcile_at);
    let policies = policies(&context, &key, &automation);
    let allowed = check_source(&context, &key, &automation);
    let outcome = match allowed.and(policies.as_ref().map_err(Clone::clone)) {
        Ok(policies) => run(&context, &key, &automation, policies).await,
        Err(failure) => Err(failure),
    };
    let interval = automation.spec.interval;
    let next = match outcome {
        Ok(run) => {
            let now = context.environment.now();
            let ready = run.message();
            new.last_automation_run_time = Some(now.into());
            new.observed_policies = policies.map(|policies| policies.latest).unwrap_or_default();
            new.observed_source_revision = Some(run.revision);
            match run.commit {
                Some(commit) => {
                    new.last_push_commit = Some(commit);
                    new.last_push_time = Some(now.into());
                    context.repository_queue.add(source_key(&key, &automation));
                }
                None => {
                    let is_known = new.observed_policies == old.observed_policies
                        && new.observed_source_revision == old.observed_source_revision;
                    let message = if is_known { "no change since last reconciliation" } else { READY };
                    context.log.info(message, NAMES.fields(&key, json!({})));
                }
            }
            if run.refused.is_empty() {
                if !run.ignored.is_empty() && is_news(&old.conditions, &ready) {
                    NAMES.succeed(&context, &*automation, &key, &ready).await;
                }
                NAMES.mended(&context, &*automation, &ready).await;
            } else {
                let failure = Failure::new(reason::UPDATE_REFUSED, &*ready);
                NAMES.fail(&context, &*automation, &key, &old.conditions, &failure).await;
            }
            conclude(&mut new.conditions, Ok(&ready), new.observed_generation, context.environment.now());
            Next::at_interval(interval)
        }
        Err(failure) => {
            NAMES.fail(&context, &*automation, &key, &old.conditions, &failure).await;
            conclude(&mut new.conditions, Err(&failure), new.observed_generation, context.environment.now());
            Next::Failed((!failure.is_permanent).then(|| interval.to_std().min(RETRY)))
        }
    };
    match status::write::<ImageUpdateAutomation>(&context.client, &key, &old, &new).await {
        Ok(written) => {
            if let Some(written) = written {
                context.images.automations.written(&key, written);
            }
            next
        }
        Err(_) => Next::Failed(Some(SOON)),
    }
}

/// Checks whether the automation may use its source.
fn check_source(context: &Context, key: &Key, automation: &ImageUpdateAutomation) -> Result<(), Failure> {
    let source = source_key(key, automation);
    let kind = &automation.spec.source_ref.kind;
    if context.may_use(&key.namespace, kind, &source) {
        return Ok(());
    }
    if context.tenants.is_strict(&key.namespace).is_none() {
        let message = format!("namespace '{}' is not known yet", key.namespace);
        return Err(Failure::new(reason::PROGRESSING, message));
    }
    // The owner of the source may allow it later.
    let refusal = tenancy::refusal(&format!("{kind}/{source}"), &key.namespace);
    Err(Failure::new(reason::ACCESS_DENIED, refusal))
}

fn source_key(key: &Key, automation: &ImageUpdateAutomation) -> Key {
    let source = &automation.spec.source_ref;
    let namespace = source.namespace.as_ref().filter(|namespace| !namespace.is_empty());
    Key { namespace: namespace.unwrap_or(&key.namespace).clone(), name: source.name.clone() }
}

/// Looks at the repository, and pushes what has to change.
async fn run(
    context: &Context,
    key: &Key,
    automation: &ImageUpdateAutomation,
    policies: &Policies,
) -> Result<Run, Failure> {
    let wrong = |message: String| {
        Failure::permanent(
            reason::INVALID_SOURCE_CONFIGURATION,
            format!("{message}: invalid source configuration"),
        )
    };
    let kind = &automation.spec.source_ref.kind;
    if kind != "GitRepository" {
        return Err(wrong(format!("source kind '{kind}' not supported")));
    }
    let Some(git) = &automation.spec.git else {
        return Err(wrong(format!("source kind '{kind}' necessitates field .spec.git")));
    };
    let folder = searched_folder(automation.spec.update.as_ref().unwrap_or(&Default::default()))
        .map_err(|error| Failure::permanent(reason::INVALID_UPDATE_STRATEGY, error.to_string()))?;
    let settings =
        pull_request::settings(automation.annotations()).map_err(|error| wrong(error.to_string()))?;
    let source = source_key(key, automation);
    let repository = match context.repositories.get(&source) {
        Some(Ok(repository)) => repository,
        Some(Err(error)) => return Err(Failure::new(reason::SOURCE_MANAGER_FAILED, error)),
        None => {
            let error = MissingRepository(source.name.clone());
            return Err(Failure::new(reason::SOURCE_MANAGER_FAILED, error.to_string()));
        }
    };
    let plan = plan(&repository, automation)?;
    let remote = git_repository::remote(context, &source, &repository)
        .await
        .map_err(|error| Failure::new(reason::SOURCE_MANAGER_FAILED, error))?;
    let update = Update { context, key, source: &source, automation, git, plan, remote, folder, policies };
    let pull_requests = match settings {
        Some(settings) => Some(PullRequests::new(&update, settings, &repository).await?),
        None => None,
    };
    let mut tries = 1;
    loop {
        let outcome = match &pull_requests {
            Some(pull_requests) => pull_requests.once().await,
            None => update.once().await,
        };
        match outcome {
            Err(Attempt::Lost(_)) if tries < TRIES => tries += 1,
            Err(Attempt::Lost(failure) | Attempt::Failed(failure)) => return Err(failure),
            Ok(run) => return Ok(run),
        }
    }
}

fn plan(repository: &GitRepository, automation: &ImageUpdateAutomation) -> Result<PushPlan, Failure> {
    let git = automation.spec.git.as_ref();
    let checkout = git.and_then(|git| git.checkout.as_ref()).map(|checkout| &checkout.reference);
    let push = git.and_then(|git| git.push.as_ref());
    plan_push(checkout, repository.spec.reference.as_ref(), push)
        .map_err(|error| Failure::permanent(reason::INVALID_SOURCE_CONFIGURATION, error.to_string()))
}
