//! Kustomization: rendered and applied when its source, its spec or what it needs changes, and
//! brought back in line at its interval.

mod cluster;
mod decryption;
mod dependencies;
mod drift;
mod failure;
mod finalize;
mod health;
mod history;
mod policies;
mod prune;
mod remote;
mod report;
mod rollback;
mod source;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kustomize_core::Cancellation;
use reconciler_api::condition::{self, ConditionStatus};
use reconciler_api::kustomization::Inventory;
use reconciler_api::{Kustomization, KustomizationStatus, annotation, reason};
use reconciler_core::expression::Expression;
use reconciler_core::kstatus::HealthExpressions;
use reconciler_core::sops::Plaintext;
use reconciler_core::ssa::{IgnoredFields, ObjectId};
use reconciler_core::substitute::Variables;
use serde_json::json;
use tokio::time::Instant;

use super::context::Capacity;
use super::events::{self, Report};
use super::queue::Key;
use super::{Context, Next, finalizer};
use crate::apply::{self, Action, Apply, ApplyError, Objects, Order};
use crate::build::{self, Footprint};
use crate::source::Snapshot;
use crate::turns::Permit;
use decryption::Decryption;
pub(super) use dependencies::{depends_on, is_in_progress};
use failure::Failure;
use report::change_list;

/// How events name this controller.
const CONTROLLER: &str = "kustomize-controller";
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// How often, and after which pauses, a source is looked for that may not have been listed yet.
const LISTING: (u32, Duration) = (150, Duration::from_millis(200));

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
    health: Arc<HealthExpressions>,
    /// Fields that are left to others.
    ignored: IgnoredFields,
    /// When dependencies are ready, by their place in the list.
    ready: Vec<Option<Arc<Expression>>>,
}

/// One reconciliation of one object.
struct Reconciliation<'a> {
    context: &'a Context,
    key: &'a Key,
    object: &'a Kustomization,
    memory: &'a mut Memory,
    /// The status that was written last, if any was.
    written: Option<KustomizationStatus>,
    /// Whether that has changed the status.
    is_changed: bool,
    id: String,
    start: Instant,
    /// The digest of the objects that were built.
    digest: Option<String>,
}

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let object = match context.kustomizations.get(&key) {
        None => {
            context.take_memory(&key);
            context.forget_unused_remotes();
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
        is_changed: false,
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
            return Box::pin(self.finalize()).await;
        }
        if finalizer::add(&self.context.client, self.object).await.is_err() {
            return Next::Failed(Some(SOON));
        }
        if self.object.spec.suspend {
            return Next::OnChange;
        }
        let rules = match self.rules().await {
            Ok(rules) => rules,
            Err(failure) => return self.fail(failure, None).await,
        };
        let is_unlisted = self.is_source_unlisted() || self.is_dependency_unlisted();
        if is_unlisted && self.memory.looks < LISTING.0 {
            // Right after the start, it is not missing: nobody has looked.
            self.memory.looks += 1;
            return Next::After(LISTING.1);
        }
        if self.is_source_awaited() {
            // Its artifact is not gone: what was fetched before the start is still to be looked for.
            return Next::After(source::NO_ARTIFACT);
        }
        self.until_source_is_published().await;
        let source = self.source();
        let commit = match source {
            Ok(commit) => commit,
            Err(failure) => return self.fail(failure, None).await,
        };
        if let Err(failure) = self.check_dependencies(&rules.ready).await {
            return self.fail(failure, Some(&commit)).await;
        }
        if let Err(failure) = self.check_health_references().await {
            return self.fail(failure, Some(&commit)).await;
        }
        if let Some(why) = self.why_rolled_back(&commit) {
            return Box::pin(self.stay_back(&commit, why, &rules)).await;
        }
        let needs = match self.needs().await {
            Ok(needs) => needs,
            Err(failure) => return self.fail(failure, Some(&commit)).await,
        };
        if self.is_done(&commit, &needs) {
            return self.succeed(&commit, None).await;
        }
        if self.only_reports_drift(&commit, &needs) {
            return match Box::pin(self.report_drift(&commit, needs, &rules)).await {
                Ok(true) => self.drifted(&commit).await,
                Ok(false) => self.succeed(&commit, None).await,
                Err(failure) => self.fail(failure, Some(&commit)).await,
            };
        }
        self.memory.drift = None;
        match self.apply(&commit, needs, &rules, &commit.revision).await {
            Ok(inventory) => self.succeed(&commit, Some(inventory)).await,
            Err(failure) if self.is_to_roll_back(&failure, &commit) => {
                Box::pin(self.begin_to_roll_back(&commit, failure.message, &rules)).await
            }
            Err(failure) => self.fail(failure, Some(&commit)).await,
        }
    }

    /// Reads the expressions and patterns of the spec.
    async fn rules(&self) -> Result<Rules, Failure> {
        let spec = &self.object.spec;
        let dependencies: Vec<Option<String>> = spec
            .depends_on
            .iter()
            .map(|dependency| dependency.ready_expr.clone().filter(|text| !text.is_empty()))
            .collect();
        let checks = spec.health_check_exprs.clone();
        let has_none = checks.is_empty() && dependencies.iter().all(Option::is_none);
        let compile = move || {
            let mut ready = Vec::new();
            for (index, text) in dependencies.iter().enumerate() {
                let expression = text.as_deref().map(Expression::compile).transpose();
                let expression =
                    expression.map_err(|error| format!("spec.dependsOn[{index}].readyExpr: {error}"))?;
                ready.push(expression.map(Arc::new));
            }
            Ok((ready, Arc::new(HealthExpressions::compile(&checks)?)))
        };
        let compiled = if has_none { compile() } else { self.evaluate(compile).await? };
        let (ready, health) = compiled
            .map_err(|message: String| Failure::permanent(reason::INVALID_CEL_EXPRESSION, message))?;
        Ok(Rules {
            health,
            ignored: IgnoredFields::compile(&spec.ignore).map_err(|message| {
                Failure::permanent(reason::RECONCILIATION_FAILED, format!("spec.ignore: {message}"))
            })?,
            ready,
        })
    }

    /// Reads or evaluates expressions. A tenant may have written them, so they run on a thread where they delay no task, and
    /// namespaces take turns.
    async fn evaluate<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let outcome = self.context.evaluations.work(&self.key.namespace, work).await;
        outcome.map_err(|error| {
            let message = format!("an expression could not be evaluated: {error}");
            Failure::new(reason::RECONCILIATION_FAILED, message)
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

    fn requested(&self) -> Option<String> {
        self.object.annotations().get(annotation::RECONCILE_REQUEST).cloned()
    }

    fn owner(&self) -> (&str, &str) {
        (&self.key.name, &self.key.namespace)
    }

    fn capacity(&self) -> &Capacity {
        match self.object.spec.kube_config {
            None => &self.context.here,
            Some(_) => &self.context.elsewhere,
        }
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
        let rendering = self.capacity().renderings.take(&self.key.namespace).await;
        // In a box, since thousands may wait for their turn, and most of the state is needed only after that.
        Box::pin(self.apply_in_turn(commit, needs, rules, attempted, rendering)).await
    }

    async fn apply_in_turn(
        &mut self,
        commit: &Snapshot,
        needs: Needs,
        rules: &Rules,
        attempted: &str,
        rendering: Permit,
    ) -> Result<Inventory, Failure> {
        let Needs { variables, secrets, decryption, cluster } = needs;
        let version = decryption.as_ref().map(|decryption| decryption.version.clone());
        let built = self.build(commit, variables.clone(), decryption).await;
        let mut built = built.map_err(|failure| failure.masked(&secrets))?;
        built.plaintext.extend(secrets);
        let plaintext = built.plaintext;
        self.warn(built.ignored, &commit.revision).await;
        let asked = self.ask_policies(commit, &built.objects, &cluster).await;
        asked.map_err(|failure| failure.masked(&plaintext))?;
        let spec = &self.object.spec;
        let order = Order::new(built.objects, self.owner(), spec.common_metadata.as_ref());
        let digest = history::digest(order.objects());
        self.digest = Some(digest.clone());
        let new = apply::entries(order.objects());
        let old = self.status().inventory.unwrap_or_default();
        let permit = self.capacity().applies.take(&self.key.namespace).await;
        let force = self.object.spec.force.unwrap_or_default();
        let owner = (self.key.name.as_str(), self.key.namespace.as_str());
        let apply = Apply { objects: &cluster, owner, force, ignored: &rules.ignored };
        let applied = self.apply_stages(&apply, &order, &old, attempted).await;
        let mut changes = match applied {
            Ok(changes) => changes,
            Err(error) => {
                // What was applied before the failure counts as well.
                self.log_changes(&error.done);
                drop(permit);
                return Err(self.apply_failure(error, commit, &plaintext).await);
            }
        };
        let is_left = |change: &&apply::Change| change.action != Action::Skipped;
        let ids = changes.iter().filter(is_left).map(|change| change.id.clone()).collect();
        // Health checks can take minutes, and need the inventory only.
        drop((permit, order, rendering));
        let mut inventory = new.clone();
        inventory.entries.sort_by(|one, other| one.id.cmp(&other.id));
        // What can be rolled back is pruned only when the rest is healthy: the revision before may need it.
        let is_pruned_last = self.may_roll_back();
        let stale = apply::stale(&old, &new);
        let is_pruned = self.object.spec.prune && !stale.is_empty();
        if is_pruned || self.checks_health() {
            self.arrive(attempted).await?;
        }
        if is_pruned_last {
            self.tell(&changes, &commit.revision).await;
            changes.clear();
            self.check_health(&cluster, &inventory, &rules.health, commit).await?;
        }
        if is_pruned {
            let pruned = self.prune(&cluster, stale).await;
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
            if is_pruned {
                // If health is not reached, the next attempt need not prune the same, and say so, once more.
                let announced = self.announce(&inventory, Some(attempted)).await;
                announced.map_err(|error| Failure::new(reason::RECONCILIATION_FAILED, unwritten(&error)))?;
            }
            self.check_health(&cluster, &inventory, &rules.health, commit).await?;
        }
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

    /// Says once which fields of the kustomization file do not exist.
    async fn warn(&mut self, ignored: Vec<String>, revision: &str) {
        if self.memory.ignored == ignored {
            return;
        }
        let status = self.status();
        // By the process before this one.
        let is_said = self.memory.ignored.is_empty()
            && status.last_applied_revision.as_deref() == Some(revision)
            && status.observed_generation == self.object.metadata.generation;
        if !ignored.is_empty() && !is_said {
            let message = ignored.join("\n");
            self.context.log.error(&message, self.fields(json!({"revision": revision})));
            let report = Report::info(CONTROLLER, reason::UNKNOWN_FIELD, &message);
            events::send(self.context, self.object, &report.at(Some(revision))).await;
        }
        self.memory.ignored = ignored;
    }

    /// Applies objects, stage by stage. What a stage has is announced between its dry run and its application: an object
    /// that is refused was never applied, and is in no inventory.
    async fn apply_stages(
        &mut self,
        apply: &Apply<'_>,
        order: &Order,
        old: &Inventory,
        attempted: &str,
    ) -> Result<Vec<apply::Change>, ApplyError> {
        let mut done = Vec::new();
        let last = order.stages().last();
        for stage in order.stages() {
            let tried = apply.try_stage(order, stage, &mut done).await?;
            let listed = apply::union(&apply::entries(order.objects_until(stage)), old);
            // Others take the inventory for complete when they find the revision in status.
            let attempted = (Some(stage) == last).then_some(attempted);
            if let Err(error) = self.announce(&listed, attempted).await {
                return Err(ApplyError::new(unwritten(&error), done));
            }
            apply.apply_stage(tried, &mut done).await?;
        }
        Ok(done)
    }

    /// Writes down what is about to be applied, so that nothing is ever applied and not known. `attempted` is the
    /// revision that this is all of, if it is all.
    async fn announce(
        &mut self,
        inventory: &Inventory,
        attempted: Option<&str>,
    ) -> Result<(), apply::RequestError> {
        let mut new = self.status();
        if new.inventory.as_ref() == Some(inventory) {
            return Ok(());
        }
        new.inventory = Some(inventory.clone());
        if let Some(attempted) = attempted {
            report::attempt(&mut new, attempted);
        }
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
        self.write(new).await
    }

    /// Notes in status which revision has been applied, before what may take long. Other Kustomizations of the source
    /// wait for that before they prune: they must neither wait for each other nor for health.
    async fn arrive(&mut self, attempted: &str) -> Result<(), Failure> {
        let mut new = self.status();
        report::attempt(&mut new, attempted);
        let written = self.write(new).await;
        written.map_err(|error| {
            let message = format!("the status could not be written: {error}");
            Failure::new(reason::RECONCILIATION_FAILED, message)
        })
    }
}

fn unwritten(error: &apply::RequestError) -> String {
    format!("the inventory could not be written: {error}")
}
