//! The dependencies of a Kustomization.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use reconciler_api::condition::{self, HasConditions};
use reconciler_api::{Kustomization, reason};
use reconciler_core::expression::{Expression, ExpressionError};

use super::super::queue::Key;
use super::super::tenancy;
use super::{Failure, Reconciliation};

/// The pause while something that is needed is not ready; a change of it ends it.
const NO_DEPENDENCY: Duration = Duration::from_secs(30);

/// How many dependencies are followed to find out whether they form a cycle.
const MOST_DEPENDENCIES: usize = 1000;

/// Whether a Kustomization waits until another one is ready.
pub(in crate::controller) fn depends_on(key: &Key, object: &Kustomization, other: &Key) -> bool {
    object.spec.depends_on.iter().any(|dependency| {
        dependency.name == other.name
            && *dependency.namespace.as_ref().unwrap_or(&key.namespace) == other.namespace
    })
}

/// Whether a Kustomization is being reconciled, and its status is to change again at the end.
pub(in crate::controller) fn is_in_progress(object: &Kustomization) -> bool {
    let conditions = object.conditions();
    conditions.iter().any(|one| one.type_ == condition::RECONCILING && one.reason == reason::PROGRESSING)
}

impl Reconciliation<'_> {
    /// Whether a dependency is not known, and not all Kustomizations are.
    pub(super) fn is_dependency_unlisted(&self) -> bool {
        let known = &self.context.kustomizations;
        !known.is_listed()
            && self.object.spec.depends_on.iter().any(|dependency| {
                let namespace = dependency.namespace.as_ref().unwrap_or(&self.key.namespace);
                let key = Key { namespace: namespace.clone(), name: dependency.name.clone() };
                known.get(&key).is_none()
            })
    }

    pub(super) async fn check_dependencies(&self, ready: &[Option<Arc<Expression>>]) -> Result<(), Failure> {
        for (dependency, ready) in self.object.spec.depends_on.iter().zip(ready) {
            let namespace = dependency.namespace.as_ref().unwrap_or(&self.key.namespace);
            let key = Key { namespace: namespace.clone(), name: dependency.name.clone() };
            let fail =
                |message: String| Failure::waiting(reason::DEPENDENCY_NOT_READY, message, NO_DEPENDENCY);
            let found = self.context.kustomizations.get(&key);
            let allowed = match &found {
                Some(Ok(other)) => tenancy::allowed(&**other),
                _ => None,
            };
            if !self.context.tenants.may_refer(&self.key.namespace, namespace, allowed) {
                self.is_strict()?;
                let message = tenancy::refusal(&format!("Kustomization/{key}"), &self.key.namespace);
                return Err(Failure::new(reason::ACCESS_DENIED, message));
            }
            let Some(Ok(other)) = found else {
                return Err(fail(format!("dependency '{key}' not found")));
            };
            if let Some(expression) = ready {
                match self.is_true(expression, &other).await? {
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
                let cycle = self.cycle(&key).map(|cycle| {
                    format!(
                        "; it waits for this one in turn: {cycle}. Remove one of these from spec.dependsOn"
                    )
                });
                return Err(fail(format!("dependency '{key}' is not ready{}", cycle.unwrap_or_default())));
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

    /// The chain of dependencies by which a dependency waits for this Kustomization, if there is one.
    fn cycle(&self, dependency: &Key) -> Option<String> {
        let mut from: BTreeMap<Key, Key> = BTreeMap::from([(dependency.clone(), self.key.clone())]);
        let mut waiting = VecDeque::from([dependency.clone()]);
        while let Some(key) = waiting.pop_front() {
            if key == *self.key {
                let mut way = vec![key.to_string()];
                let mut at = &key;
                while let Some(before) = from.get(at) {
                    way.push(before.to_string());
                    if before == self.key {
                        break;
                    }
                    at = before;
                }
                way.reverse();
                return Some(way.join(" → "));
            }
            if from.len() > MOST_DEPENDENCIES {
                return None;
            }
            let Some(Ok(found)) = self.context.kustomizations.get(&key) else { continue };
            for next in &found.spec.depends_on {
                let namespace = next.namespace.as_ref().unwrap_or(&key.namespace).clone();
                let next = Key { namespace, name: next.name.clone() };
                if !from.contains_key(&next) {
                    from.insert(next.clone(), key.clone());
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    /// The truth of an expression about this Kustomization (`self`) and a dependency (`dep`).
    async fn is_true(
        &self,
        expression: &Arc<Expression>,
        other: &Kustomization,
    ) -> Result<Result<bool, ExpressionError>, Failure> {
        let value = |object: &Kustomization| serde_json::to_value(object).unwrap_or_default();
        let (own, other, expression) = (value(self.object), value(other), Arc::clone(expression));
        self.evaluate(move || expression.truth(&[("self", &own), ("dep", &other)])).await
    }
}
