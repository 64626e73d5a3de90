//! ImageUpdateAutomation: writes the latest tags into a git repository, and pushes a commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reconciler_api::git_repository::GitReference;
use reconciler_api::image_policy::ImageRef;
use reconciler_api::image_update_automation::{GitSpec, PolicySelector};
use reconciler_api::{GitRepository, ImageUpdateAutomation, reason};
use reconciler_core::setters::{
    Change, MessageError, MissingRepository, PushPlan, Setters, commit_message, plan_push, push_summary,
    searched_folder,
};
use serde_json::json;

use super::outcome::{Failure, Names, conclude, requested};
use super::queue::Key;
use super::{Context, Next, finalizer, git_repository, secrets, status, tenancy};
use crate::image::update;
use crate::source::git::{Author, GitError, GitProgram, WorkingCopy};

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
/// The longest pause after a failure.
const RETRY: Duration = Duration::from_secs(60);
/// How often a push is tried that somebody else was faster than.
const TRIES: usize = 4;

/// A commit that was pushed.
struct Pushed {
    commit: String,
    summary: String,
}

/// What a run came to.
struct Run {
    /// The revision that was looked at.
    revision: String,
    pushed: Option<Pushed>,
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
    if automation.metadata.deletion_timestamp.is_some() {
        return match finalizer::remove(&context.client, &*automation).await {
            Ok(()) => Next::Gone,
            Err(_) => Next::After(SOON),
        };
    }
    if finalizer::add(&context.client, &*automation).await.is_err() {
        return Next::After(SOON);
    }
    if automation.spec.suspend {
        return Next::OnChange;
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
            let now = Timestamp::now();
            new.last_automation_run_time = Some(now.into());
            new.observed_policies = policies.unwrap_or_default();
            new.observed_source_revision = Some(run.revision);
            match run.pushed {
                Some(pushed) => {
                    new.last_push_commit = Some(pushed.commit);
                    new.last_push_time = Some(now.into());
                    NAMES.succeed(&context, &*automation, &key, &pushed.summary).await;
                    context.repository_queue.add(source_key(&key, &automation));
                }
                None => {
                    let is_known = new.observed_policies == old.observed_policies
                        && new.observed_source_revision == old.observed_source_revision;
                    let message = if is_known { "no change since last reconciliation" } else { READY };
                    context.log.info(message, NAMES.fields(&key, json!({})));
                }
            }
            NAMES.mended(&context, &*automation, READY);
            conclude(&mut new.conditions, Ok(READY), new.observed_generation);
            Next::at_interval(interval)
        }
        Err(failure) => {
            NAMES.fail(&context, &*automation, &key, &old.conditions, &failure).await;
            conclude(&mut new.conditions, Err(&failure), new.observed_generation);
            if failure.is_permanent { Next::OnChange } else { Next::After(interval.to_std().min(RETRY)) }
        }
    };
    match status::write::<ImageUpdateAutomation>(&context.client, &key, &old, &new).await {
        Ok(written) => {
            if let Some(written) = written {
                context.images.automations.written(&key, written);
            }
            next
        }
        Err(_) => Next::After(SOON),
    }
}

/// Checks whether the automation may use its source.
fn check_source(context: &Context, key: &Key, automation: &ImageUpdateAutomation) -> Result<(), Failure> {
    let source = source_key(key, automation);
    if context.tenants.may_refer(&key.namespace, &source.namespace) {
        return Ok(());
    }
    if context.tenants.is_strict(&key.namespace).is_none() {
        let message = format!("namespace '{}' is not known yet", key.namespace);
        return Err(Failure::new(reason::PROGRESSING, message));
    }
    let object = format!("{}/{source}", automation.spec.source_ref.kind);
    Err(Failure::permanent(reason::ACCESS_DENIED, tenancy::refusal(&object)))
}

fn source_key(key: &Key, automation: &ImageUpdateAutomation) -> Key {
    let source = &automation.spec.source_ref;
    let namespace = source.namespace.as_ref().filter(|namespace| !namespace.is_empty());
    Key { namespace: namespace.unwrap_or(&key.namespace).clone(), name: source.name.clone() }
}

/// The latest images of the policies that count.
fn policies(
    context: &Context,
    key: &Key,
    automation: &ImageUpdateAutomation,
) -> Result<BTreeMap<String, ImageRef>, Failure> {
    let selector = automation.spec.policy_selector.clone().unwrap_or_default();
    check(&selector).map_err(|message| Failure::permanent(reason::INVALID_POLICY_SELECTOR, message))?;
    let mut latest = BTreeMap::new();
    context.images.policies.keys(|policy_key, policy| {
        let empty = BTreeMap::new();
        let labels = policy.metadata.labels.as_ref().unwrap_or(&empty);
        let counts = policy_key.namespace == key.namespace
            && policy.metadata.deletion_timestamp.is_none()
            && selects(&selector, labels);
        if counts && let Some(image) = context.images.latest(policy_key, policy) {
            latest.insert(policy_key.name.clone(), image);
        }
        false
    });
    Ok(latest)
}

/// What is wrong with a selector.
fn check(selector: &PolicySelector) -> Result<(), String> {
    for requirement in &selector.match_expressions {
        match (&*requirement.operator, requirement.values.is_empty()) {
            ("In" | "NotIn", false) | ("Exists" | "DoesNotExist", true) => {}
            ("In" | "NotIn", true) => {
                return Err(format!(
                    "failed to parse policy selector: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty (key {})",
                    requirement.key
                ));
            }
            ("Exists" | "DoesNotExist", false) => {
                return Err(format!(
                    "failed to parse policy selector: values set must be empty for exists and does not exist (key {})",
                    requirement.key
                ));
            }
            (operator, _) => {
                return Err(format!(
                    "failed to parse policy selector: \"{operator}\" is not a valid label selector operator"
                ));
            }
        }
    }
    Ok(())
}

fn selects(selector: &PolicySelector, labels: &BTreeMap<String, String>) -> bool {
    selector.match_labels.iter().all(|(label, value)| labels.get(label) == Some(value))
        && selector.match_expressions.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            let listed = value.is_some_and(|value| requirement.values.contains(value));
            match &*requirement.operator {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                _ => value.is_none(),
            }
        })
}

/// Looks at the repository, and pushes what has to change.
async fn run(
    context: &Context,
    key: &Key,
    automation: &ImageUpdateAutomation,
    policies: &BTreeMap<String, ImageRef>,
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
    let mut setters = Setters::default();
    for (name, latest) in policies {
        setters
            .add(&key.namespace, name, latest)
            .map_err(|error| Failure::new(reason::UPDATE_FAILED, error.to_string()))?;
    }
    let source = source_key(key, automation);
    let repository = match context.repositories.get(&source) {
        Some(Ok(repository)) => repository,
        Some(Err(error)) => return Err(Failure::new(reason::SOURCE_MANAGER_FAILED, error)),
        None => {
            let error = MissingRepository(source.name.clone());
            return Err(Failure::new(reason::SOURCE_MANAGER_FAILED, error.to_string()));
        }
    };
    let plan = plan(&repository, git)?;
    let remote = git_repository::remote(context, &source, &repository)
        .await
        .map_err(|error| Failure::new(reason::SOURCE_MANAGER_FAILED, error))?;
    let update = Update { context, key, automation, git, plan, remote, setters, folder };
    let mut tries = 1;
    loop {
        match update.once().await {
            Err(Attempt::Lost(_)) if tries < TRIES => tries += 1,
            Err(Attempt::Lost(failure) | Attempt::Failed(failure)) => return Err(failure),
            Ok(run) => return Ok(run),
        }
    }
}

fn plan(repository: &GitRepository, git: &GitSpec) -> Result<PushPlan, Failure> {
    let checkout = git.checkout.as_ref().map(|checkout| &checkout.reference);
    plan_push(checkout, repository.spec.reference.as_ref(), git.push.as_ref())
        .map_err(|error| Failure::permanent(reason::INVALID_SOURCE_CONFIGURATION, error.to_string()))
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

/// One update of a repository.
struct Update<'a> {
    context: &'a Context,
    key: &'a Key,
    automation: &'a ImageUpdateAutomation,
    git: &'a GitSpec,
    plan: PushPlan,
    remote: GitProgram,
    setters: Setters,
    folder: String,
}

impl Update<'_> {
    async fn once(&self) -> Result<Run, Attempt> {
        let parent = self.context.data.join("updates");
        std::fs::create_dir_all(&parent)
            .map_err(|error| Failure::new(reason::SOURCE_MANAGER_FAILED, error.to_string()))?;
        let checkout = self.plan.checkout.clone().unwrap_or_default();
        let other = self.plan.switch_branch.then_some(&*self.plan.branch);
        let copy = self.check_out(&parent, &checkout, other).await?;
        let revision = copy.revision().to_owned();
        let (root, folder, setters) = (copy.path().to_owned(), self.folder.clone(), self.setters.clone());
        let updated = tokio::task::spawn_blocking(move || update(&root, &folder, &setters))
            .await
            .map_err(|error| Failure::new(reason::UPDATE_FAILED, error.to_string()))?
            .map_err(|error| {
                Failure::new(reason::UPDATE_FAILED, format!("failed to apply policies: {error}"))
            })?;
        if updated.files.is_empty() {
            return Ok(Run { revision, pushed: None });
        }
        let message = self.message(&updated.changes)?;
        let commit = self.commit(&copy, &updated.files, &message).await?;
        self.push(&copy).await?;
        let refspecs: Vec<String> = self.plan.refspec.iter().cloned().collect();
        let summary = push_summary(&commit, &self.plan.branch, &refspecs, &message);
        Ok(Run { revision, pushed: Some(Pushed { commit, summary }) })
    }

    async fn check_out(
        &self,
        parent: &std::path::Path,
        checkout: &GitReference,
        other: Option<&str>,
    ) -> Result<WorkingCopy<'_>, GitError> {
        WorkingCopy::check_out(&self.remote, parent, checkout, other).await
    }

    fn message(&self, changes: &[Change]) -> Result<String, Failure> {
        let commit = &self.git.commit;
        let template = commit.message_template.as_deref().unwrap_or_default();
        let Key { namespace, name } = self.key;
        commit_message(template, namespace, name, changes, &commit.message_template_values).map_err(|error| {
            let reason = match error {
                MessageError::Removed { .. } => reason::REMOVED_TEMPLATE_FIELD,
                MessageError::Template(_) | MessageError::Run(_) => reason::GIT_OPERATION_FAILED,
            };
            Failure { is_permanent: true, ..Failure::new(reason, error.to_string()) }
        })
    }

    async fn commit(
        &self,
        copy: &WorkingCopy<'_>,
        files: &[PathBuf],
        message: &str,
    ) -> Result<String, Attempt> {
        let user = &self.git.commit.author;
        let name = user.name.clone().filter(|name| !name.is_empty());
        let author = Author { name: name.unwrap_or_else(|| user.email.clone()), email: user.email.clone() };
        let Some(signing) = &self.git.commit.signing_key else {
            return Ok(copy.commit(files, &author, message, None).await?);
        };
        let secret = Key { namespace: self.key.namespace.clone(), name: signing.secret_ref.name.clone() };
        let fail = |error: String| Failure::new(reason::SOURCE_MANAGER_FAILED, error);
        let data = secrets::read(self.context, &secret)
            .await
            .map_err(|error| fail(format!("could not find signing key secret '{secret}': {error}")))?;
        let Some(identity) = data.get("identity").filter(|_| signing.type_.as_deref() == Some("ssh")) else {
            let message =
                format!("signing key secret '{secret}': only keys for ssh are used, key 'identity'");
            return Err(Attempt::Failed(fail(message)));
        };
        let key = tempfile::NamedTempFile::new().map_err(|error| fail(error.to_string()))?;
        let mut text = identity.clone();
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        // Such a file can be read by this user only.
        std::fs::write(key.path(), text).map_err(|error| fail(error.to_string()))?;
        Ok(copy.commit(files, &author, message, Some(key.path())).await?)
    }

    async fn push(&self, copy: &WorkingCopy<'_>) -> Result<(), GitError> {
        let options: Vec<String> = self
            .automation
            .spec
            .git
            .iter()
            .filter_map(|git| git.push.as_ref())
            .flat_map(|push| &push.options)
            .map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") })
            .collect();
        let branch = format!("HEAD:refs/heads/{}", self.plan.branch);
        copy.push(&branch, self.plan.switch_branch, &options).await?;
        if let Some(refspec) = &self.plan.refspec {
            copy.push(refspec, false, &options).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use reconciler_api::image_update_automation::{PolicySelector, PolicySelectorRequirement};

    use super::{check, selects};

    #[test]
    fn selectors_are_those_of_kubernetes() {
        let selector = |operator: &str, values: &[&str]| PolicySelector {
            match_expressions: vec![PolicySelectorRequirement {
                key: "app".to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            ..PolicySelector::default()
        };
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let none = BTreeMap::new();
        for (operator, values, with, without) in [
            ("In", &["web"][..], true, false),
            ("NotIn", &["web"], false, true),
            ("Exists", &[], true, false),
            ("DoesNotExist", &[], false, true),
        ] {
            let selector = selector(operator, values);
            assert_eq!(check(&selector), Ok(()));
            assert_eq!(
                (selects(&selector, &labels), selects(&selector, &none)),
                (with, without),
                "{operator}"
            );
        }
        assert!(check(&selector("In", &[])).is_err() && check(&selector("Like", &["x"])).is_err());
    }
}
