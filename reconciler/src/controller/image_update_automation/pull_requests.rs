//! The pull requests of an automation, one for each update: opened, changed, and closed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kustomize_core::Cancellation;
use reconciler_api::git_repository::GitReference;
use reconciler_api::image_policy::ImageRef;
use reconciler_api::{GitRepository, annotation, reason};
use reconciler_core::pull_request::{
    self, Mark, PullRequest, Scope, Settings, Step, Wanted, declined, plan, without_digest,
};

use super::super::outcome::Failure;
use super::super::queue::Key;
use super::admission::Allowed;
use super::forge::Connected;
use super::update::Update;
use super::{Attempt, NAMES, READY, Run};
use crate::image::Updated;
use crate::source::git::{Branch, WorkingCopy};

/// The pull requests of an automation.
pub(super) struct PullRequests<'a> {
    update: &'a Update<'a>,
    settings: Settings,
    forge: Connected,
    mark: Mark,
    /// The branch that they are for.
    base: String,
}

/// An update that a pull request is wanted for.
struct Proposal {
    latest: BTreeMap<String, ImageRef>,
    wanted: Wanted,
}

/// What there is to say after a run.
#[derive(Default)]
struct Notes {
    open: Vec<String>,
    declined: Vec<String>,
    changed_by_others: Vec<String>,
    without_labels: Vec<String>,
}

/// A pull request that was opened or changed.
struct Proposed {
    commit: String,
    /// Its page.
    url: String,
    /// The labels that it should have and does not.
    missing_labels: Vec<String>,
}

impl Notes {
    /// Notes the labels that a pull request lacks.
    fn without(&mut self, url: &str, labels: &[String]) {
        if !labels.is_empty() {
            self.without_labels.push(format!("{} of {url}", labels.join(", ")));
        }
    }

    /// What the condition Ready says.
    fn ready(&self) -> String {
        let parts = [
            ("pull requests: ", &self.open),
            ("closed without a merge, and not proposed again: ", &self.declined),
            ("left alone, because others have committed to it: ", &self.changed_by_others),
            ("labels that are missing: ", &self.without_labels),
        ];
        let parts = parts.iter().filter(|(_, urls)| !urls.is_empty());
        let parts: Vec<String> = parts.map(|(words, urls)| format!("{words}{}", urls.join(", "))).collect();
        if parts.is_empty() { READY.to_owned() } else { parts.join("; ") }
    }
}

impl<'a> PullRequests<'a> {
    /// Finds out where they are, and how the forge is reached.
    pub(super) async fn new(
        update: &'a Update<'a>,
        settings: Settings,
        repository: &GitRepository,
    ) -> Result<Self, Failure> {
        let checkout = update.plan.checkout.as_ref();
        let base = checkout.and_then(|reference| reference.branch.clone()).filter(|name| !name.is_empty());
        let Some(base) = base else {
            let message = "pull requests need a branch that they are for in .spec.git.checkout.ref or GitRepository .spec.ref";
            return Err(Failure::permanent(reason::INVALID_SOURCE_CONFIGURATION, message));
        };
        let Key { namespace, name } = update.key;
        let forge =
            Connected::new(update.context, update.key, &settings, (update.source, repository)).await?;
        let mark = Mark::new(namespace, name, &update.folder);
        Ok(PullRequests { update, settings, forge, mark, base })
    }

    /// Does what has to be done so that there is one for each update, and none for others.
    pub(super) async fn once(&self) -> Result<Run, Attempt> {
        let base = GitReference { branch: Some(self.base.clone()), ..GitReference::default() };
        let copy = self.update.check_out(&base, None).await?;
        let ignored = self.update.ignored_markers(&copy).await?;
        let Allowed { latest, refused } = self.update.allowed(&copy).await?;
        let proposals = self.proposals(&copy, &latest).await?;
        let wanted: Vec<Wanted> = proposals.iter().map(|proposal| proposal.wanted.clone()).collect();
        let open = self.forge.open().await?;
        let plan = plan(&self.mark, &open, &wanted);
        let start = self.branch(None);
        let branches = copy.branches(&start, &format!("{start}_")).await?;
        let revision = copy.revision().to_owned();
        let mut run = Run { revision, commit: None, ready: String::new(), refused, ignored };
        let (mut notes, mut failed) = (Notes::default(), None);
        let mut needed: BTreeSet<&str> = open.iter().map(|request| &*request.branch).collect();
        for (proposal, step) in proposals.iter().zip(&plan.steps) {
            let branch = &*proposal.wanted.branch;
            let known = match step {
                Step::Keep(found) => {
                    // Someone may have taken them away: they are not added again.
                    notes.without(&found.url, &found.missing(&self.settings.labels));
                    notes.open.push(found.url.clone());
                    continue;
                }
                Step::Taken(found) => {
                    failed = Some(taken(found));
                    continue;
                }
                Step::Edit(found) => Some(*found),
                Step::Open => {
                    let closed = self.forge.closed(branch).await?;
                    if let Some(found) = declined(&self.mark, &closed, &proposal.wanted) {
                        notes.declined.push(found.url.clone());
                        continue;
                    }
                    None
                }
            };
            needed.insert(branch);
            let old = branches.iter().find(|found| found.name == branch);
            if let Some(old) = old
                && !self.is_own(&copy, old).await?
            {
                match known {
                    Some(found) => notes.changed_by_others.push(found.url.clone()),
                    None => failed = Some(foreign(branch)),
                }
                continue;
            }
            let proposed = self.propose(&copy, proposal, old, known).await?;
            run.commit = Some(proposed.commit);
            notes.without(&proposed.url, &proposed.missing_labels);
            notes.open.push(proposed.url);
        }
        // Until every policy has picked an image, no update is known to be outdated.
        if self.update.policies.are_complete {
            for request in plan.outdated {
                self.close(request).await?;
                needed.remove(&*request.branch);
            }
            for branch in branches.iter().filter(|branch| !needed.contains(&*branch.name)) {
                if self.is_own(&copy, branch).await? {
                    copy.delete(branch).await?;
                }
            }
        }
        run.ready = notes.ready();
        failed.map_or(Ok(run), |failure| Err(Attempt::Failed(failure)))
    }

    /// The branch of all policies, or of one.
    fn branch(&self, policy: Option<&str>) -> String {
        let Key { namespace, name } = self.update.key;
        self.settings.branch(namespace, name, policy)
    }

    /// The updates that there are to make.
    async fn proposals(
        &self,
        copy: &WorkingCopy<'_>,
        latest: &BTreeMap<String, ImageRef>,
    ) -> Result<Vec<Proposal>, Attempt> {
        let groups: Vec<(Option<&str>, BTreeMap<String, ImageRef>)> = match self.settings.scope {
            Scope::Automation => vec![(None, latest.clone())],
            Scope::Policy => {
                let one =
                    |(name, image): (&String, &ImageRef)| BTreeMap::from([(name.clone(), image.clone())]);
                latest.iter().map(|entry| (Some(&**entry.0), one(entry))).collect()
            }
        };
        let mut proposals = Vec::new();
        for (policy, latest) in groups {
            let updated = self.update.set(copy, &latest).await?;
            if updated.files.is_empty() {
                continue;
            }
            let digest = digest(copy, &updated)?;
            copy.reset().await?;
            let wanted = Wanted { branch: self.branch(policy), base: self.base.clone(), digest };
            proposals.push(Proposal { latest, wanted });
        }
        Ok(proposals)
    }

    /// Whether the last commit of a branch is one of this automation.
    async fn is_own(&self, copy: &WorkingCopy<'_>, branch: &Branch) -> Result<bool, Attempt> {
        Ok(copy.committer(branch).await? == self.update.git.commit.author.email)
    }

    /// Pushes the branch of an update, and opens a pull request or changes the one that is there.
    async fn propose(
        &self,
        copy: &WorkingCopy<'_>,
        proposal: &Proposal,
        old: Option<&Branch>,
        known: Option<&PullRequest>,
    ) -> Result<Proposed, Attempt> {
        let (update, wanted) = (self.update, &proposal.wanted);
        copy.reset().await?;
        let updated = update.set(copy, &proposal.latest).await?;
        let message = update.message(&updated.changes)?;
        let commit = update.commit(copy, &updated.files, &message).await?;
        let change = update.change(copy, &updated.files).await?;
        let work = move |cancellation: &Cancellation| change.until(cancellation).differences();
        let renderings = update.context.build(&update.key.namespace, Duration::MAX, work).await;
        let renderings =
            renderings.map_err(|error| Failure::new(reason::UPDATE_FAILED, error.to_string()))?;
        let text = pull_request::Update {
            automation: (&update.key.namespace, &update.key.name),
            folder: &update.folder,
            latest: &proposal.latest,
            policies: &update.policies.specs,
            changes: &updated.changes,
        };
        let title = self.settings.title.clone().unwrap_or_else(|| text.title());
        let body = text.body(&self.mark, &wanted.digest, &renderings);
        copy.replace(&wanted.branch, old, &update.push_options()).await?;
        let forge = &self.forge.forge;
        let (request, done) = match known {
            Some(known) => (forge.edit(known.number, &title, &body), "updated"),
            None => (forge.create((&wanted.branch, &wanted.base), &title, &body), "opened"),
        };
        let answer = self.forge.ask(request).await?.pop().unwrap_or_default();
        self.say(&format!("{done} pull request {}\n{title}", answer.url)).await;
        let labels = &self.settings.labels;
        let mut missing_labels = Vec::new();
        if !labels.is_empty() {
            // It is there, and can be merged without them.
            missing_labels = match self.forge.label(answer.number, labels).await {
                Ok(missing) => missing,
                Err(failure) => {
                    self.say(&format!("labels of pull request {}: {}", answer.url, failure.message)).await;
                    labels.clone()
                }
            };
        }
        Ok(Proposed { commit, url: answer.url, missing_labels })
    }

    async fn close(&self, request: &PullRequest) -> Result<(), Failure> {
        self.forge.ask(self.forge.forge.close(request.number, &without_digest(&request.body))).await?;
        self.say(&format!("closed pull request {}: its update is no longer needed", request.url)).await;
        Ok(())
    }

    async fn say(&self, message: &str) {
        NAMES.succeed(self.update.context, self.update.automation, self.update.key, message).await;
    }
}

/// What identifies an update.
fn digest(copy: &WorkingCopy<'_>, updated: &Updated) -> Result<String, Failure> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::with_capacity(updated.files.len());
    for file in &updated.files {
        let content = std::fs::read(copy.path().join(file));
        let content = content.map_err(|error| Failure::new(reason::UPDATE_FAILED, error.to_string()))?;
        files.push((file.to_string_lossy().into_owned(), content));
    }
    Ok(pull_request::digest(files.iter().map(|(path, content)| (&**path, &**content))))
}

/// The branch has the pull request of another automation.
fn taken(found: &PullRequest) -> Failure {
    let message = format!(
        "pull request {} is that of another automation with the same name; annotation '{}' can name another branch",
        found.url,
        annotation::PULL_REQUEST_BRANCH
    );
    Failure::new(reason::PULL_REQUEST_FAILED, message)
}

/// The branch that a pull request was to have is somebody else's.
fn foreign(branch: &str) -> Failure {
    let message = format!(
        "branch '{branch}' has commits of others; it can be deleted, or annotation '{}' can name another one",
        annotation::PULL_REQUEST_BRANCH
    );
    Failure::new(reason::PULL_REQUEST_FAILED, message)
}
