//! Server-side apply of all objects of a Kustomization, stage by stage.
//!
//! A stage is tried as a whole before any of it is applied, so that a mistake in one object leaves
//! the last good state running.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use kustomize_core::closest;
use reconciler_api::annotation;
use reconciler_core::object;
use reconciler_core::ssa::{self, ObjectId, Stage, StageKinds};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::kinds::ApiKind;
use super::objects::{Applied, Objects, RequestError};
use crate::build::Object;

/// Requests for one Kustomization that are under way at the same time.
const CONCURRENCY: usize = 4;
/// How long definitions may take until they are established.
const ESTABLISH: Duration = Duration::from_secs(60);

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Created,
    /// It was changed.
    Configured,
    /// It was as it should be.
    Unchanged,
    /// It was left alone, as it asks for.
    Skipped,
    /// It was deleted.
    Deleted,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Unchanged => "unchanged",
            Action::Skipped => "skipped",
            Action::Deleted => "deleted",
        })
    }
}

/// An object and what happened to it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// What happened.
    pub action: Action,
}

/// Objects could not be applied.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}\n{}{}", changes(.done), hint_line(.hint.as_deref()))]
pub struct ApplyError {
    message: String,
    /// What to look at.
    hint: Option<String>,
    /// What was changed before.
    pub done: Vec<Change>,
}

fn changes(done: &[Change]) -> String {
    let lines = done
        .iter()
        .filter(|change| !matches!(change.action, Action::Unchanged | Action::Skipped))
        .map(|change| format!("{} {}\n", change.id.subject(), change.action));
    lines.collect()
}

fn hint_line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("{hint}\n")).unwrap_or_default()
}

/// Objects in the order in which they are applied.
pub struct Order {
    stages: BTreeMap<Stage, Vec<Object>>,
}

impl Order {
    /// Brings objects into their form and order.
    #[must_use]
    pub fn new(objects: Vec<Object>, owner: (&str, &str)) -> Self {
        let (name, namespace) = owner;
        let labels = [(annotation::OWNER_NAME, name), (annotation::OWNER_NAMESPACE, namespace)];
        let mut stages: BTreeMap<Stage, Vec<Object>> = BTreeMap::new();
        for mut object in objects {
            ssa::normalize(&mut object.value);
            object::add_metadata(&mut object.value, labels, []);
            stages.entry(ssa::stage(&object.value, &StageKinds::default())).or_default().push(object);
        }
        for objects in stages.values_mut() {
            objects.sort_by(|one, other| {
                ssa::apply_order(&ObjectId::of(&one.value), &ObjectId::of(&other.value))
            });
        }
        Order { stages }
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.stages.values().flatten().map(|object| &object.value)
    }
}

/// An object with its kind.
struct Item<'a> {
    object: &'a Object,
    id: ObjectId,
    kind: ApiKind,
}

impl Objects {
    /// Applies all objects. What is done when an error occurs is in the error.
    pub async fn apply_all(&self, order: &Order) -> Result<Vec<Change>, ApplyError> {
        let mut done = Vec::new();
        for (stage, objects) in &order.stages {
            if let Err(failure) = self.apply_stage(*stage, objects, &mut done).await {
                return Err(ApplyError { message: failure.0, hint: failure.1, done });
            }
        }
        Ok(done)
    }

    async fn apply_stage(
        &self,
        stage: Stage,
        objects: &[Object],
        done: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        let mut items = Vec::new();
        for object in objects {
            let id = ObjectId::of(&object.value);
            if object::is_marked(&object.value, annotation::RECONCILE, annotation::DISABLED) {
                done.push(Change { id, action: Action::Skipped });
                continue;
            }
            let kind = self.kind_of(&id, &object.value).await?;
            items.push(Item { object, id, kind });
        }
        let tries: Vec<_> = items.iter().map(|item| self.try_one(item)).collect();
        let tried: Vec<Applied> = stream::iter(tries).buffered(CONCURRENCY).try_collect().await?;
        for (item, tried) in items.iter().zip(&tried) {
            let action = self.apply_one(item, tried).await?;
            done.push(Change { id: item.id.clone(), action });
        }
        if stage == Stage::Definitions {
            self.wait_for_definitions(&items).await?;
        }
        Ok(())
    }

    async fn kind_of(&self, id: &ObjectId, object: &Value) -> Result<ApiKind, Failure> {
        let subject = id.subject();
        let api_version = object::api_version(object);
        let found = self.kinds().find(api_version, &id.kind).await;
        let kind = found
            .map_err(|error| Failure::new(format!("{subject} dry-run failed: {error}")))?
            .ok_or_else(|| {
                Failure::new(format!(
                    "{subject} dry-run failed: no matches for kind \"{}\" in version \"{api_version}\"",
                    id.kind
                ))
            })?;
        if kind.is_namespaced && id.namespace.is_empty() {
            return Err(Failure::new(format!(
                "{subject} namespace not specified: the server could not find the requested resource"
            )));
        }
        Ok(kind)
    }

    async fn try_one(&self, item: &Item<'_>) -> Result<Applied, Failure> {
        match self.apply(&item.kind, &item.object.value, true).await {
            Ok(tried) => Ok(tried),
            Err(error) if error.code() == 404 => Err(self.not_found(item, &error).await),
            Err(RequestError::Refused { reason, message, .. }) if !reason.is_empty() => {
                Err(Failure::new(format!("{} dry-run failed ({reason}): {message}", item.id.subject())))
            }
            Err(error) => Err(Failure::new(format!("{} dry-run failed: {error}", item.id.subject()))),
        }
    }

    async fn apply_one(&self, item: &Item<'_>, tried: &Applied) -> Result<Action, Failure> {
        let applied = self
            .apply(&item.kind, &item.object.value, false)
            .await
            .map_err(|error| Failure::new(format!("{} apply failed: {error}", item.id.subject())))?;
        // A dry run has the resource version from before.
        Ok(if applied.is_created {
            Action::Created
        } else if applied.resource_version() == tried.resource_version() {
            Action::Unchanged
        } else {
            Action::Configured
        })
    }

    /// The failure for an object whose namespace does not exist.
    async fn not_found(&self, item: &Item<'_>, error: &RequestError) -> Failure {
        let message = format!("{} not found: {error}", item.id.subject());
        let namespace = &item.id.namespace;
        let mut hint = match &item.object.namespace_place {
            Some(place) => format!("namespace \"{namespace}\" is set at {place}"),
            None => format!("there is no namespace \"{namespace}\""),
        };
        let known = self.namespaces().await.unwrap_or_default();
        if let Some(closest) = closest(namespace, known.iter().map(String::as_str)) {
            hint.push_str(&format!(", did you mean \"{closest}\"?"));
        }
        Failure(message, Some(hint))
    }

    /// Waits until the kinds that were defined can be used.
    async fn wait_for_definitions(&self, items: &[Item<'_>]) -> Result<(), Failure> {
        let end = Instant::now() + ESTABLISH;
        let definitions = items.iter().filter(|item| item.id.kind == "CustomResourceDefinition");
        let mut is_changed = false;
        for item in definitions {
            is_changed = true;
            loop {
                let object = self.get(&item.kind, &item.id).await.ok().flatten();
                if object.as_ref().is_some_and(is_established) {
                    break;
                }
                if Instant::now() > end {
                    return Err(Failure::new(format!(
                        "timeout waiting for: [{} status: 'InProgress']",
                        item.id.subject()
                    )));
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        if is_changed {
            self.kinds().forget();
        }
        Ok(())
    }
}

fn is_established(definition: &Value) -> bool {
    let conditions = object::at(definition, &["status", "conditions"]).and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| {
            object::text(condition, &["type"]) == "Established"
                && object::text(condition, &["status"]) == "True"
        })
    })
}

/// A message and a hint.
struct Failure(String, Option<String>);

impl Failure {
    fn new(message: String) -> Self {
        Failure(message, None)
    }
}
