//! One update of a repository: files changed, committed, and pushed to the branch.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reconciler_api::git_repository::GitReference;
use reconciler_api::image_policy::ImageRef;
use reconciler_api::image_update_automation::GitSpec;
use reconciler_api::{ImageUpdateAutomation, reason};
use reconciler_core::setters::{self, MessageError, PushPlan, Setters, commit_message, push_summary};

use super::super::outcome::Failure;
use super::super::queue::Key;
use super::super::{Context, secrets};
use super::admission::Allowed;
use super::policies::{self, Policies};
use super::{Attempt, NAMES, READY, Run};
use crate::build::Change;
use crate::image::{UpdateError, Updated, ignored_markers, update};
use crate::source::git::{Author, GitProgram, SigningKey, WorkingCopy};

/// How many directories are named when one does not exist.
const MOST_DIRECTORIES: usize = 10;

/// One update of a repository.
pub(super) struct Update<'a> {
    pub(super) context: &'a Context,
    pub(super) key: &'a Key,
    pub(super) source: &'a Key,
    pub(super) automation: &'a ImageUpdateAutomation,
    pub(super) git: &'a GitSpec,
    pub(super) plan: PushPlan,
    pub(super) remote: GitProgram,
    /// Where files are searched.
    pub(super) folder: String,
    pub(super) policies: &'a Policies,
}

impl Update<'_> {
    /// Brings the branch up to date.
    pub(super) async fn once(&self) -> Result<Run, Attempt> {
        let checkout = self.plan.checkout.clone().unwrap_or_default();
        let other = self.plan.switch_branch.then_some(&*self.plan.branch);
        let copy = self.check_out(&checkout, other).await?;
        let ignored = self.ignored_markers(&copy).await?;
        let Allowed { latest, refused } = self.allowed(&copy).await?;
        let revision = copy.revision().to_owned();
        let mut run = Run { revision, commit: None, ready: READY.to_owned(), refused, ignored };
        let updated = self.set(&copy, &latest).await?;
        if updated.files.is_empty() {
            return Ok(run);
        }
        let message = self.message(&updated.changes)?;
        let commit = self.commit(&copy, &updated.files, &message).await?;
        let options = self.push_options();
        let branch = format!("HEAD:refs/heads/{}", self.plan.branch);
        copy.push(&branch, self.plan.switch_branch, &options).await?;
        if let Some(refspec) = &self.plan.refspec {
            copy.push(refspec, false, &options).await?;
        }
        let refspecs: Vec<String> = self.plan.refspec.iter().cloned().collect();
        let summary = push_summary(&commit, &self.plan.branch, &refspecs, &message);
        NAMES.succeed(self.context, self.automation, self.key, &summary).await;
        run.commit = Some(commit);
        Ok(run)
    }

    /// Checks a reference out, or the other branch if there is one.
    pub(super) async fn check_out(
        &self,
        checkout: &GitReference,
        other: Option<&str>,
    ) -> Result<WorkingCopy<'_>, Attempt> {
        let parent = self.context.data.join("updates");
        std::fs::create_dir_all(&parent)
            .map_err(|error| Failure::new(reason::SOURCE_MANAGER_FAILED, error.to_string()))?;
        Ok(WorkingCopy::check_out(&self.remote, &parent, checkout, other).await?)
    }

    /// Writes the latest images of some policies into the files.
    pub(super) async fn set(
        &self,
        copy: &WorkingCopy<'_>,
        latest: &BTreeMap<String, ImageRef>,
    ) -> Result<Updated, Failure> {
        let fail = |error: String| Failure::new(reason::UPDATE_FAILED, error);
        let mut setters = Setters::default();
        for (name, latest) in latest {
            setters.add(&self.key.namespace, name, latest).map_err(|error| fail(error.to_string()))?;
        }
        let (root, folder) = (copy.path().to_owned(), self.folder.clone());
        tokio::task::spawn_blocking(move || update(&root, &folder, &setters))
            .await
            .map_err(|error| fail(error.to_string()))?
            .map_err(|error| self.not_searched(copy, &error))
    }

    /// What is said of markers that set nothing. Flux says nothing of them.
    pub(super) async fn ignored_markers(&self, copy: &WorkingCopy<'_>) -> Result<Vec<String>, Failure> {
        let Some(names) = policies::names(self.context, self.key) else { return Ok(Vec::new()) };
        let (root, folder) = (copy.path().to_owned(), self.folder.clone());
        let found = tokio::task::spawn_blocking(move || ignored_markers(&root, &folder, &names))
            .await
            .map_err(|error| Failure::new(reason::UPDATE_FAILED, error.to_string()))?
            .map_err(|error| self.not_searched(copy, &error))?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    /// Why the files cannot be searched for markers.
    fn not_searched(&self, copy: &WorkingCopy<'_>, error: &UpdateError) -> Failure {
        let mut message = format!("failed to apply policies: {error}");
        if let UpdateError::NoDirectory { closest, known, .. } = error {
            let path = self.automation.spec.update.as_ref().and_then(|update| update.path.as_deref());
            message += &format!(
                "; spec.update.path {:?} does not exist in GitRepository/{} at {}",
                path.unwrap_or_default(),
                self.source,
                copy.revision()
            );
            match (closest, &**known) {
                (Some(closest), _) => message += &format!(", did you mean \"./{closest}\"?"),
                (None, []) => {}
                (None, known) => {
                    let known = &known[..known.len().min(MOST_DIRECTORIES)];
                    message += &format!("; there are the directories {}", known.join(", "));
                }
            }
        }
        Failure::new(reason::UPDATE_FAILED, message)
    }

    /// The message of a commit.
    pub(super) fn message(&self, changes: &[setters::Change]) -> Result<String, Failure> {
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

    /// Commits files.
    pub(super) async fn commit(
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
        let type_ = signing.type_.clone();
        let key = tokio::task::spawn_blocking(move || SigningKey::from_secret(type_.as_deref(), &data));
        let key = key.await.map_err(|error| fail(error.to_string()))?;
        let key = key.map_err(|error| fail(format!("signing key secret '{secret}': {error}")))?;
        Ok(copy.commit(files, &author, message, Some(&key)).await?)
    }

    /// What was changed, for the Kustomizations of the repository.
    pub(super) async fn change(&self, copy: &WorkingCopy<'_>, files: &[PathBuf]) -> Result<Change, Attempt> {
        let (before, after) = copy.trees(files).await?;
        let files = files.iter().map(|file| file.to_string_lossy().replace('\\', "/")).collect();
        let mut kustomizations = Vec::new();
        self.context.kustomizations.keys(|key, kustomization| {
            let source = &kustomization.spec.source_ref;
            let namespace = source.namespace.as_ref().unwrap_or(&key.namespace);
            let is_used = source.kind == "GitRepository"
                && source.name == self.source.name
                && *namespace == self.source.namespace;
            if is_used {
                kustomizations.push((key.to_string(), kustomization.spec.clone()));
            }
            false
        });
        kustomizations.sort_by(|(one, _): &(String, _), (other, _)| one.cmp(other));
        Ok(Change { before, after, files, kustomizations })
    }

    /// What the server is told with a push.
    pub(super) fn push_options(&self) -> Vec<String> {
        let options = self.git.push.iter().flat_map(|push| &push.options);
        options
            .map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") })
            .collect()
    }
}
