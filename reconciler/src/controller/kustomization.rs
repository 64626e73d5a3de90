//! Kustomization: rendered and applied when its source, its spec or what it needs changes, and
//! brought back in line at its interval.

mod cluster;
mod decryption;
mod finalize;
mod history;
mod prune;
mod report;
mod rollback;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kustomize_core::{Cancellation, closest};
use reconciler_api::condition::{self, ConditionStatus, HasConditions};
use reconciler_api::kustomization::Inventory;
use reconciler_api::{Kustomization, KustomizationStatus, annotation, reason};
use reconciler_core::expression::{Expression, ExpressionError};
use reconciler_core::kstatus::HealthExpressions;
use reconciler_core::sops::Plaintext;
use reconciler_core::ssa::{IgnoredFields, ObjectId};
use reconciler_core::substitute::Variables;
use serde_json::json;
use tokio::time::Instant;

use super::events::{self, Report};
use super::queue::Key;
use super::sources::SourceKind;
use super::tenancy;
use super::{Context, Next, finalizer};
use crate::apply::{self, Action, Apply, Health, Objects, Order};
use crate::build::{self, Footprint};
use crate::source::Snapshot;
use decryption::Decryption;
use report::{change_list, shown_duration};

/// How events name this controller.
const CONTROLLER: &str = "kustomize-controller";
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// How often, and after which pauses, a source is looked for that may not have been listed yet.
const LISTING: (u32, Duration) = (150, Duration::from_millis(200));
/// The pause while the source has nothing to offer; its first artifact ends it.
const NO_ARTIFACT: Duration = Duration::from_secs(30);
/// The pause while something that is needed is not ready; a change of it ends it.
const NO_DEPENDENCY: Duration = Duration::from_secs(30);

/// What is remembered of a Kustomization between two reconciliations.
#[derive(Default)]
pub(crate) struct Memory {
    /// What tells the object from an earlier one with its name.
    uid: Option<String>,
    /// The last success.
    applied: Option<Applied>,
    /// What others have changed, as it was reported last.
    drift: Option<String>,
    /// What was said of fields that do not exist.
    ignored: Vec<String>,
    /// The revision that is held for a rollback.
    held: Option<String>,
    /// How often a source was looked for before all were listed.
    looks: u32,
}

/// A state of spec and source that was applied.
struct Applied {
    generation: Option<i64>,
    /// The id of the tree.
    tree: String,
    /// The digest of the objects.
    digest: String,
    footprint: Footprint,
    variables: Variables,
    /// Which keys there were for decryption.
    keys: Option<String>,
    cluster: Objects,
    /// The objects, but for those that asked to be left alone.
    ids: Vec<ObjectId>,
    /// The objects as status lists them.
    inventory: Inventory,
}

/// What a build and an application need besides the source.
struct Needs {
    variables: Variables,
    /// Values of variables that come from Secrets.
    secrets: Plaintext,
    decryption: Option<Decryption>,
    cluster: Objects,
}

/// What a spec has that can be wrong in itself.
struct Rules {
    health: HealthExpressions,
    /// Fields that are left to others.
    ignored: IgnoredFields,
    /// When dependencies are ready, by their place in the list.
    ready: Vec<Option<Expression>>,
}

/// Why a reconciliation failed.
struct Failure {
    reason: &'static str,
    message: String,
    /// The line that is wrong, for those who are told.
    excerpt: Option<String>,
    /// When to try again, if not at the interval of retries.
    next: Option<Duration>,
    /// Whether it only waits for something else.
    is_waiting: bool,
    /// Whether nothing but a change of the spec can help.
    is_permanent: bool,
}

impl Failure {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Failure {
            reason,
            message: message.into(),
            excerpt: None,
            next: None,
            is_waiting: false,
            is_permanent: false,
        }
    }

    /// Nothing but a change of the spec can help.
    fn permanent(reason: &'static str, message: impl Into<String>) -> Self {
        Failure { is_permanent: true, ..Failure::new(reason, message) }
    }

    /// The same without anything secret in it.
    fn masked(self, secrets: &Plaintext) -> Self {
        let excerpt = self.excerpt.map(|excerpt| secrets.mask(&excerpt));
        Failure { message: secrets.mask(&self.message), excerpt, ..self }
    }

    /// It only waits for something, and is tried again after a while.
    fn waiting(reason: &'static str, message: impl Into<String>, next: Duration) -> Self {
        Failure { next: Some(next), is_waiting: true, ..Failure::new(reason, message) }
    }
}

/// One reconciliation of one object.
struct Reconciliation<'a> {
    context: &'a Context,
    key: &'a Key,
    object: &'a Kustomization,
    memory: &'a mut Memory,
    /// The status that was written last, if any was.
    written: Option<KustomizationStatus>,
    id: String,
    start: Instant,
    /// The digest of the objects that were built.
    digest: Option<String>,
}

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let object = match context.kustomizations.get(&key) {
        None => {
            context.take_memory(&key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            let fields = json!({"controllerKind": "Kustomization", "name": key.name, "namespace": key.namespace, "error": error});
            context.log.error("the object cannot be read", fields);
            return Next::OnChange;
        }
        Some(Ok(object)) => object,
    };
    let mut memory = context.take_memory(&key);
    if !context.shard.has(&*object) {
        // Another process has it, which may be new.
        context.objects.observer().forget_owner((&key.name, &key.namespace));
        return Next::OnChange;
    }
    if memory.uid != object.uid() {
        memory = Memory { uid: object.uid(), ..Memory::default() };
    }
    let reconciliation = Reconciliation {
        context: &context,
        key: &key,
        object: &object,
        memory: &mut memory,
        written: None,
        id: uuid::Uuid::new_v4().to_string(),
        start: Instant::now(),
        digest: None,
    };
    let next = reconciliation.run().await;
    context.remember(&key, memory);
    next
}

impl Reconciliation<'_> {
    async fn run(mut self) -> Next {
        if self.object.metadata.deletion_timestamp.is_some() {
            return self.finalize().await;
        }
        if finalizer::add(&self.context.client, self.object).await.is_err() {
            return Next::After(SOON);
        }
        if self.object.spec.suspend {
            return Next::OnChange;
        }
        let rules = match self.rules() {
            Ok(rules) => rules,
            Err(failure) => return self.fail(failure, None).await,
        };
        if self.is_source_unlisted() && self.memory.looks < LISTING.0 {
            // Right after the start, it is not missing: nobody has looked.
            self.memory.looks += 1;
            return Next::After(LISTING.1);
        }
        self.until_source_is_published().await;
        let source = self.source();
        let commit = match source {
            Ok(commit) => commit,
            Err(failure) => return self.fail(failure, None).await,
        };
        if let Err(failure) = self.check_dependencies(&rules.ready) {
            return self.fail(failure, Some(&commit)).await;
        }
        if let Some(why) = self.why_rolled_back(&commit) {
            return self.stay_back(&commit, why, &rules).await;
        }
        let needs = match self.needs().await {
            Ok(needs) => needs,
            Err(failure) => return self.fail(failure, Some(&commit)).await,
        };
        if self.is_done(&commit, &needs) {
            return self.succeed(&commit, None).await;
        }
        if self.only_reports_drift(&commit, &needs) {
            return match self.report_drift(&commit, needs, &rules).await {
                Ok(true) => self.drifted(&commit).await,
                Ok(false) => self.succeed(&commit, None).await,
                Err(failure) => self.fail(failure, Some(&commit)).await,
            };
        }
        self.memory.drift = None;
        match self.apply(&commit, needs, &rules, &commit.revision).await {
            Ok(inventory) => self.succeed(&commit, Some(inventory)).await,
            Err(failure) if self.is_to_roll_back(&failure, &commit) => {
                self.begin_to_roll_back(&commit, failure.message, &rules).await
            }
            Err(failure) => self.fail(failure, Some(&commit)).await,
        }
    }

    /// Reads the expressions and patterns of the spec.
    fn rules(&self) -> Result<Rules, Failure> {
        let spec = &self.object.spec;
        let invalid = |message: String| Failure::permanent(reason::INVALID_CEL_EXPRESSION, message);
        let mut ready = Vec::new();
        for (index, dependency) in spec.depends_on.iter().enumerate() {
            let text = dependency.ready_expr.as_deref().filter(|text| !text.is_empty());
            let expression = text.map(Expression::compile).transpose();
            ready.push(
                expression.map_err(|error| invalid(format!("spec.dependsOn[{index}].readyExpr: {error}")))?,
            );
        }
        Ok(Rules {
            health: HealthExpressions::compile(&spec.health_check_exprs).map_err(invalid)?,
            ignored: IgnoredFields::compile(&spec.ignore).map_err(|message| {
                Failure::permanent(reason::RECONCILIATION_FAILED, format!("spec.ignore: {message}"))
            })?,
            ready,
        })
    }

    /// What a build and an application need besides the source.
    async fn needs(&self) -> Result<Needs, Failure> {
        let ((variables, secrets), decryption) = (self.variables().await?, self.decryption().await?);
        Ok(Needs { variables, secrets, decryption, cluster: self.cluster().await? })
    }

    /// The status as it was written last.
    fn status(&self) -> KustomizationStatus {
        self.written.clone().or_else(|| self.object.status.clone()).unwrap_or_default()
    }

    /// Waits while the source is being published: whoever has seen a revision in its status and asks for a
    /// reconciliation gets that revision.
    async fn until_source_is_published(&self) {
        let source = &self.object.spec.source_ref;
        let namespace = source.namespace.clone().unwrap_or_else(|| self.key.namespace.clone());
        if let Ok(kind) = source.kind.parse() {
            self.context.sources.until_published(kind, &Key { namespace, name: source.name.clone() }).await;
        }
    }

    /// Whether the source is not known, and not all of its kind are.
    fn is_source_unlisted(&self) -> bool {
        let source = &self.object.spec.source_ref;
        let namespace = source.namespace.clone().unwrap_or_else(|| self.key.namespace.clone());
        let key = Key { namespace, name: source.name.clone() };
        let Ok(kind) = source.kind.parse() else { return false };
        !self.context.has_source(kind, &key) && !self.context.are_sources_listed(kind)
    }

    fn source(&self) -> Result<Snapshot, Failure> {
        let source = &self.object.spec.source_ref;
        let namespace = source.namespace.clone().unwrap_or_else(|| self.key.namespace.clone());
        let shown = format!("{}/{namespace}/{}", source.kind, source.name);
        let key = Key { namespace, name: source.name.clone() };
        let kind = source.kind.parse::<SourceKind>();
        let may_use = match kind {
            Ok(kind) => self.context.may_use(&self.key.namespace, kind, &key),
            Err(_) => self.context.tenants.may_refer(&self.key.namespace, &key.namespace),
        };
        if !may_use {
            self.is_strict()?;
            return Err(Failure::new(reason::ACCESS_DENIED, tenancy::refusal(&shown)));
        }
        let Ok(kind) = kind else {
            let message = format!(
                "Source '{shown}' cannot be used; spec.sourceRef.kind can be GitRepository, OCIRepository, Bucket or ExternalArtifact"
            );
            return Err(Failure::permanent(reason::ARTIFACT_FAILED, message));
        };
        if !self.context.has_source(kind, &key) {
            let known = self.context.source_names(kind, &key.namespace);
            let hint = match closest(&key.name, known.iter().map(String::as_str)) {
                Some(closest) => format!(", did you mean '{closest}'?"),
                None => String::new(),
            };
            return Err(Failure::new(reason::ARTIFACT_FAILED, format!("Source '{shown}' not found{hint}")));
        }
        let problem = self.context.sources.problem(kind, &key);
        let mut offer = self.context.sources.offer(kind, &key);
        if kind == SourceKind::ExternalArtifact && problem.is_some() {
            // The artifact of the former revision is not the one in the status.
            offer = None;
        }
        offer.map(|offer| offer.snapshot).ok_or_else(|| {
            if let Some(problem) = problem {
                let message = format!("Source artifact of '{shown}' is not available: {problem}");
                return Failure::waiting(reason::ARTIFACT_FAILED, message, NO_ARTIFACT);
            }
            let message = format!("Source artifact not found, retrying in {}", shown_duration(NO_ARTIFACT));
            Failure::waiting(reason::ARTIFACT_FAILED, message, NO_ARTIFACT)
        })
    }

    fn check_dependencies(&self, ready: &[Option<Expression>]) -> Result<(), Failure> {
        for check in &self.object.spec.health_checks {
            let namespace = check.namespace.as_deref().unwrap_or(&self.key.namespace);
            if !self.context.tenants.may_refer(&self.key.namespace, namespace) {
                self.is_strict()?;
                let object = format!("{}/{namespace}/{}", check.kind, check.name);
                return Err(Failure::new(reason::ACCESS_DENIED, tenancy::refusal(&object)));
            }
        }
        for (dependency, ready) in self.object.spec.depends_on.iter().zip(ready) {
            let namespace = dependency.namespace.as_ref().unwrap_or(&self.key.namespace);
            let key = Key { namespace: namespace.clone(), name: dependency.name.clone() };
            let fail =
                |message: String| Failure::waiting(reason::DEPENDENCY_NOT_READY, message, NO_DEPENDENCY);
            let found = self.context.kustomizations.get(&key);
            let is_allowed =
                matches!(&found, Some(Ok(other)) if tenancy::allows(&**other, &self.key.namespace));
            if !is_allowed && !self.context.tenants.may_refer(&self.key.namespace, namespace) {
                self.is_strict()?;
                let message = tenancy::refusal(&format!("Kustomization/{key}"));
                return Err(Failure::new(reason::ACCESS_DENIED, message));
            }
            let Some(Ok(other)) = found else {
                return Err(fail(format!("dependency '{key}' not found")));
            };
            if let Some(expression) = ready {
                match self.is_true(expression, &other) {
                    Ok(true) => continue,
                    Ok(false) => {
                        return Err(fail(format!("dependency '{key}' is not ready according to readyExpr")));
                    }
                    Err(error) => {
                        let message = format!("readyExpr of dependency '{key}': {error}");
                        return Err(Failure::new(reason::INVALID_CEL_EXPRESSION, message));
                    }
                }
            }
            let is_seen = other.metadata.generation == Some(other.observed_generation());
            if !is_seen || !other.is_ready() {
                return Err(fail(format!("dependency '{key}' is not ready")));
            }
            if other.spec.source_ref == self.object.spec.source_ref {
                let applied = other.status.as_ref().and_then(|status| status.last_applied_revision.as_ref());
                let current = self.source().ok().map(|commit| commit.revision);
                if applied != current.as_ref() {
                    return Err(fail(format!("dependency '{key}' revision is not up to date")));
                }
            }
        }
        Ok(())
    }

    /// The truth of an expression about this Kustomization (`self`) and a dependency (`dep`).
    fn is_true(&self, expression: &Expression, other: &Kustomization) -> Result<bool, ExpressionError> {
        let value = |object: &Kustomization| serde_json::to_value(object).unwrap_or_default();
        expression.truth(&[("self", &value(self.object)), ("dep", &value(other))])
    }

    /// Whether the last success is still what is wanted, and what the cluster has.
    fn is_done(&self, commit: &Snapshot, needs: &Needs) -> bool {
        let Some(applied) = &self.memory.applied else { return false };
        applied.generation == self.object.metadata.generation
            // Someone may have written another status.
            && self.status().inventory.as_ref() == Some(&applied.inventory)
            && applied.variables == needs.variables
            && applied.keys.as_ref() == needs.decryption.as_ref().map(|decryption| &decryption.version)
            && (applied.tree == commit.tree.id() || applied.footprint.holds(&commit.tree))
            && applied.cluster.observer().are_clean(&applied.ids)
    }

    /// Whether what others have changed is only reported now: that is asked for, and nothing else is new.
    fn only_reports_drift(&self, commit: &Snapshot, needs: &Needs) -> bool {
        let mode = self.object.annotations().get(annotation::DRIFT_DETECTION);
        let keys = needs.decryption.as_ref().map(|decryption| &decryption.version);
        let is_same = |applied: &Applied| {
            applied.variables == needs.variables
                && applied.keys.as_ref() == keys
                && (applied.tree == commit.tree.id() || applied.footprint.holds(&commit.tree))
        };
        let status = self.status();
        let is_ready = status
            .conditions
            .iter()
            .any(|one| one.type_ == condition::READY && one.status == ConditionStatus::True);
        mode.is_some_and(|mode| mode.eq_ignore_ascii_case(annotation::WARN))
            && is_ready
            && status.observed_generation == self.object.metadata.generation
            && status.last_applied_revision.as_ref() == Some(&commit.revision)
            && self.memory.applied.as_ref().is_none_or(is_same)
    }

    /// Says what others have changed, once. False if that is nothing.
    async fn report_drift(
        &mut self,
        commit: &Snapshot,
        needs: Needs,
        rules: &Rules,
    ) -> Result<bool, Failure> {
        let Needs { variables, secrets, decryption, cluster } = needs;
        let keys = decryption.as_ref().map(|decryption| decryption.version.clone());
        let built = self.build(commit, variables.clone(), decryption).await;
        let mut built = built.map_err(|failure| failure.masked(&secrets))?;
        built.plaintext.extend(secrets);
        let order = Order::new(built.objects, self.owner(), self.object.spec.common_metadata.as_ref());
        let apply = Apply { objects: &cluster, owner: self.owner(), force: false, ignored: &rules.ignored };
        let found = apply.differences(&order).await.map_err(|error| {
            Failure::new(reason::RECONCILIATION_FAILED, built.plaintext.mask(&error.to_string()))
        })?;
        let lines: Vec<String> = found
            .iter()
            .filter_map(|change| match change.action {
                Action::Created => Some(format!("{} is missing", change.id.subject())),
                Action::Configured => Some(format!("{} was changed", change.id.subject())),
                _ => None,
            })
            .collect();
        let drift = (!lines.is_empty()).then(|| format!("drift detected:\n{}", lines.join("\n")));
        if let Some(message) = drift.as_ref().filter(|message| self.memory.drift.as_ref() != Some(message)) {
            self.context.log.error(message, self.fields(json!({"revision": commit.revision})));
            let report = Report::error(CONTROLLER, reason::DRIFT_DETECTED, message);
            events::send(self.context, self.object, &report.at(Some(&commit.revision))).await;
        }
        let ids = found.iter().filter(|change| change.action != Action::Skipped);
        self.memory.applied = Some(Applied {
            generation: self.object.metadata.generation,
            tree: commit.tree.id(),
            digest: history::digest(order.objects()),
            footprint: built.footprint,
            variables,
            keys,
            ids: ids.map(|change| change.id.clone()).collect(),
            inventory: self.status().inventory.unwrap_or_default(),
            cluster,
        });
        self.memory.drift = drift;
        Ok(self.memory.drift.is_some())
    }

    fn requested(&self) -> Option<String> {
        self.object.annotations().get(annotation::RECONCILE_REQUEST).cloned()
    }

    fn owner(&self) -> (&str, &str) {
        (&self.key.name, &self.key.namespace)
    }

    /// Builds and applies, prunes, and waits for health. Returns the new inventory. `attempted` is the revision that
    /// status says was tried last.
    async fn apply(
        &mut self,
        commit: &Snapshot,
        needs: Needs,
        rules: &Rules,
        attempted: &str,
    ) -> Result<Inventory, Failure> {
        let Needs { variables, secrets, decryption, cluster } = needs;
        let version = decryption.as_ref().map(|decryption| decryption.version.clone());
        let built = self.build(commit, variables.clone(), decryption).await;
        let mut built = built.map_err(|failure| failure.masked(&secrets))?;
        built.plaintext.extend(secrets);
        let plaintext = built.plaintext;
        self.warn(built.ignored, &commit.revision).await;
        self.ask_policies(commit, &built.objects).await.map_err(|failure| failure.masked(&plaintext))?;
        let spec = &self.object.spec;
        let order = Order::new(built.objects, self.owner(), spec.common_metadata.as_ref());
        let digest = history::digest(order.objects());
        self.digest = Some(digest.clone());
        let new = apply::entries(order.objects());
        let old = self.status().inventory.unwrap_or_default();
        self.announce(&apply::union(&new, &old), attempted).await?;
        let permit = self.context.applies.take(&self.key.namespace).await;
        let force = self.object.spec.force.unwrap_or_default();
        let apply = Apply { objects: &cluster, owner: self.owner(), force, ignored: &rules.ignored };
        let applied = apply.all(&order).await;
        let mut changes = match applied {
            Ok(changes) => changes,
            Err(error) => {
                // What was applied before the failure counts as well.
                self.log_changes(&error.done);
                // The server may repeat what it refuses.
                let message = plaintext.mask(&error.to_string());
                return Err(Failure::new(reason::RECONCILIATION_FAILED, message));
            }
        };
        let is_left = |change: &&apply::Change| change.action != Action::Skipped;
        let ids = changes.iter().filter(is_left).map(|change| change.id.clone()).collect();
        drop(permit);
        let mut inventory = new.clone();
        // What can be rolled back is pruned only when the rest is healthy: the revision before may need it.
        let is_pruned_last = self.may_roll_back();
        if is_pruned_last {
            self.tell(&changes, &commit.revision).await;
            changes.clear();
            self.check_health(&cluster, &inventory, &rules.health).await?;
        }
        if self.object.spec.prune {
            let pruned = self.prune(&cluster, apply::stale(&old, &new)).await;
            changes.extend(pruned.done);
            if let Some((id, _, error)) = pruned.failed.first() {
                self.log_changes(&changes);
                return Err(Failure::new(
                    reason::PRUNE_FAILED,
                    format!("{} delete failed: {error}", id.subject()),
                ));
            }
        }
        self.tell(&changes, &commit.revision).await;
        if !is_pruned_last {
            self.check_health(&cluster, &inventory, &rules.health).await?;
        }
        inventory.entries.sort_by(|one, other| one.id.cmp(&other.id));
        self.memory.applied = Some(Applied {
            generation: self.object.metadata.generation,
            tree: commit.tree.id(),
            digest,
            footprint: built.footprint,
            variables,
            keys: version,
            cluster,
            ids,
            inventory: inventory.clone(),
        });
        Ok(inventory)
    }

    /// Says what was changed.
    async fn tell(&self, changes: &[apply::Change], revision: &str) {
        self.log_changes(changes);
        let list = change_list(changes);
        if !list.is_empty() {
            let report = Report::info(CONTROLLER, reason::PROGRESSING, &list);
            events::send(self.context, self.object, &report.at(Some(revision))).await;
        }
    }

    async fn build(
        &self,
        commit: &Snapshot,
        variables: Variables,
        decryption: Option<Decryption>,
    ) -> Result<build::Built, Failure> {
        let (tree, spec) = (commit.tree.clone(), self.object.spec.clone());
        let timeout = spec.timeout().to_std();
        let work = move |cancellation: &Cancellation| {
            let keys = decryption.as_ref().map(|decryption| &decryption.keys);
            build::build(&tree.until(cancellation), &spec, &variables, keys)
        };
        match self.context.build(&self.key.namespace, timeout, work).await {
            Ok(Ok(built)) => Ok(built),
            Ok(Err(error @ build::BuildFailure::PathNotFound { .. })) => {
                Err(Failure::new(reason::ARTIFACT_FAILED, error.to_string()))
            }
            Ok(Err(error @ build::BuildFailure::Encrypted { .. })) => {
                Err(Failure::new(reason::RECONCILIATION_FAILED, error.to_string()))
            }
            Ok(Err(error)) => Err(Failure {
                excerpt: error.excerpt().map(str::to_owned),
                ..Failure::new(reason::BUILD_FAILED, error.to_string())
            }),
            Err(error) => Err(Failure::new(reason::BUILD_FAILED, format!("kustomize build failed: {error}"))),
        }
    }

    /// Asks the policies of the source, if an annotation says where they are, about all objects before one is applied.
    async fn ask_policies(&self, commit: &Snapshot, objects: &[build::Object]) -> Result<(), Failure> {
        let Some(path) = self.object.annotations().get(annotation::KUSTOMIZATION_POLICIES) else {
            return Ok(());
        };
        let (tree, path, evaluator) = (commit.tree.clone(), path.clone(), self.context.evaluator.clone());
        let (mut objects, common) = (objects.to_vec(), self.object.spec.common_metadata.clone());
        let work = move |cancellation: &Cancellation| {
            if let Some(common) = &common {
                objects.iter_mut().for_each(|object| apply::add_common(&mut object.value, common));
            }
            build::Admission::read(&tree.until(cancellation), &path, &evaluator)?.refusals_of(&objects)
        };
        let fail = |error: String| Failure::new(reason::RECONCILIATION_FAILED, format!("policies: {error}"));
        let refusals =
            self.context.build(&self.key.namespace, self.object.spec.timeout().to_std(), work).await;
        let refusals = refusals.map_err(|error| fail(error.to_string()))?.map_err(fail)?;
        if refusals.is_empty() {
            return Ok(());
        }
        let refusals: Vec<String> = refusals.into_iter().collect();
        let message = format!("nothing is applied, because of {}", refusals.join(", "));
        Err(Failure::new(reason::RECONCILIATION_FAILED, message))
    }

    /// Says once which fields of the kustomization file do not exist.
    async fn warn(&mut self, ignored: Vec<String>, revision: &str) {
        if self.memory.ignored == ignored {
            return;
        }
        if !ignored.is_empty() {
            let message = ignored.join("\n");
            self.context.log.error(&message, self.fields(json!({"revision": revision})));
            let report = Report::info(CONTROLLER, reason::UNKNOWN_FIELD, &message);
            events::send(self.context, self.object, &report.at(Some(revision))).await;
        }
        self.memory.ignored = ignored;
    }

    /// Writes down what is about to be applied, so that nothing is ever applied and not known.
    async fn announce(&mut self, inventory: &Inventory, attempted: &str) -> Result<(), Failure> {
        let mut new = self.status();
        if new.inventory.as_ref() == Some(inventory) {
            return Ok(());
        }
        new.inventory = Some(inventory.clone());
        report::attempt(&mut new, attempted);
        let (now, generation) = (self.context.environment.now(), self.object.metadata.generation);
        let message = "Reconciliation in progress";
        let unknown = ConditionStatus::Unknown;
        condition::set(
            &mut new.conditions,
            condition::RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING,
            message,
            generation,
            now,
        );
        condition::set(
            &mut new.conditions,
            condition::READY,
            unknown,
            reason::PROGRESSING,
            message,
            generation,
            now,
        );
        self.write(new).await.map_err(|error| {
            Failure::new(
                reason::RECONCILIATION_FAILED,
                format!("the inventory could not be written: {error}"),
            )
        })
    }

    async fn check_health(
        &self,
        cluster: &Objects,
        inventory: &Inventory,
        expressions: &HealthExpressions,
    ) -> Result<(), Failure> {
        let spec = &self.object.spec;
        let ids = if spec.wait {
            apply::ids(inventory)
        } else {
            let id = |check: &reconciler_api::kustomization::HealthCheck| {
                let api_version = check.api_version.as_deref().unwrap_or("v1");
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                let id = ObjectId {
                    namespace: check.namespace.clone().unwrap_or_default(),
                    name: check.name.clone(),
                    group: group.to_owned(),
                    kind: check.kind.clone(),
                };
                (id, version.to_owned())
            };
            spec.health_checks.iter().map(id).collect()
        };
        if ids.is_empty() {
            return Ok(());
        }
        let health = Health { objects: cluster, ids, expressions, timeout: spec.timeout().to_std() };
        tokio::select! {
            outcome = health.wait() => {
                outcome.map_err(|error| Failure::new(reason::HEALTH_CHECK_FAILED, error.to_string()))
            }
            () = self.context.kustomization_queue.wanted_again(self.key) => Err(Failure::waiting(
                reason::HEALTH_CHECK_CANCELED,
                "health checks canceled: something has changed meanwhile",
                Duration::ZERO,
            )),
        }
    }
}
