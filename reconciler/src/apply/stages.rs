//! Server-side apply of all objects of a Kustomization, stage by stage.
//!
//! A stage gets a dry run as a whole before any of it is applied, so that a mistake in one object
//! leaves the last good state running. Objects that are up to date are skipped.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use kustomize_core::closest;
use reconciler_api::annotation;
use reconciler_core::object;
use reconciler_core::sops::Plaintext;
use reconciler_core::ssa::{self, IgnoredFields, ObjectId, Stage};
use serde_json::Value;

use super::FIELD_MANAGER;
use super::change::{Action, ApplyError, Change, Failure};
use super::health::Health;
use super::kinds::ApiKind;
use super::objects::{Applied, Objects};
use super::order::{Order, Wanted};
use super::request::RequestError;

/// Concurrent requests for one Kustomization.
pub(crate) const CONCURRENCY: usize = 4;
/// How often an object is tried again that somebody else has changed meanwhile.
const TRIES: usize = 3;
/// How long to wait until new definitions are established.
const ESTABLISH: Duration = Duration::from_secs(60);

/// Applies the objects of one Kustomization.
pub struct Apply<'a> {
    /// The cluster.
    pub objects: &'a Objects,
    /// Name and namespace of the Kustomization.
    pub owner: (&'a str, &'a str),
    /// Whether an object with immutable fields is deleted and created again.
    pub force: bool,
    /// Fields that are not applied.
    pub ignored: &'a IgnoredFields,
}

/// An object with its kind.
pub(super) struct Item<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) kind: ApiKind,
}

/// The result of a dry run.
pub(super) enum Trial {
    /// The object as it would be applied.
    Applied(Box<Applied>),
    /// The object asks not to be changed.
    Skipped,
    /// It has to be deleted and created again.
    Immutable,
}

/// A stage after its dry run.
pub(crate) struct Tried<'a> {
    stage: Stage,
    items: Vec<Item<'a>>,
    trials: Vec<Trial>,
}

impl Apply<'_> {
    /// Applies all objects. An error lists the changes that were made before it.
    pub async fn all(&self, order: &Order) -> Result<Vec<Change>, ApplyError> {
        let mut done = Vec::new();
        for stage in order.stages() {
            let tried = self.try_stage(order, stage, &mut done).await?;
            self.apply_stage(tried, &mut done).await?;
        }
        Ok(done)
    }

    /// Makes a dry run of a stage. `done` has the changes so far; an error takes them.
    pub(crate) async fn try_stage<'a>(
        &self,
        order: &'a Order,
        stage: Stage,
        done: &mut Vec<Change>,
    ) -> Result<Tried<'a>, ApplyError> {
        let all = order.stages.get(&stage).map_or(&[][..], Vec::as_slice);
        let tried = self.try_all(stage, all, done).await;
        tried.map_err(|failure| failure.after(std::mem::take(done)))
    }

    /// Applies a stage after its dry run. `done` has the changes so far; an error takes them.
    pub(crate) async fn apply_stage(
        &self,
        tried: Tried<'_>,
        done: &mut Vec<Change>,
    ) -> Result<(), ApplyError> {
        let applied = self.apply_tried_stage(&tried, done).await;
        applied.map_err(|failure| failure.after(std::mem::take(done)))
    }

    async fn try_all<'a>(
        &self,
        stage: Stage,
        all: &'a [Wanted],
        done: &mut Vec<Change>,
    ) -> Result<Tried<'a>, Failure> {
        let observer = self.objects.observer();
        let mut items = Vec::new();
        for wanted in all {
            if ssa::is_skipped(&wanted.value, None) {
                done.push(Change { id: wanted.id.clone(), action: Action::Skipped });
            } else if observer.is_in_place(&wanted.id, self.owner, wanted.hash) {
                done.push(Change { id: wanted.id.clone(), action: Action::Unchanged });
            } else {
                items.push(Item { kind: self.kind_of(wanted).await?, wanted });
            }
        }
        let trials: Vec<_> = items.iter().map(|item| self.try_one(item)).collect();
        let trials: Vec<Trial> = stream::iter(trials).buffered(CONCURRENCY).try_collect().await?;
        Ok(Tried { stage, items, trials })
    }

    async fn apply_tried_stage(&self, tried: &Tried<'_>, done: &mut Vec<Change>) -> Result<(), Failure> {
        for (item, trial) in tried.items.iter().zip(&tried.trials) {
            let action = self.apply_one(item, trial).await?;
            done.push(Change { id: item.wanted.id.clone(), action });
        }
        if tried.stage == Stage::Definitions {
            self.wait_for_definitions(&tried.items).await?;
        }
        Ok(())
    }

    pub(super) async fn kind_of(&self, wanted: &Wanted) -> Result<ApiKind, Failure> {
        let (id, subject) = (&wanted.id, wanted.id.subject());
        let api_version = object::api_version(&wanted.value);
        let found = self.objects.kinds().find(api_version, &id.kind).await;
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

    pub(super) async fn try_one(&self, item: &Item<'_>) -> Result<Trial, Failure> {
        let (wanted, subject) = (item.wanted, item.wanted.id.subject());
        if object::is_marked(&wanted.value, annotation::SSA, "IfNotPresent") {
            let found = self.objects.get(&item.kind, &wanted.id).await;
            if found.map_err(|error| Failure::new(format!("{subject} dry-run failed: {error}")))?.is_some() {
                return Ok(Trial::Skipped);
            }
        }
        let tried = self.objects.apply(&item.kind, &wanted.value, true).await;
        if tried.as_ref().is_err_and(RequestError::is_immutable) && self.may_recreate(item).await {
            return Ok(Trial::Immutable);
        }
        match tried {
            Ok(tried) => {
                // The object in the cluster may ask for that.
                Ok(if ssa::is_skipped(&tried.object, None) {
                    Trial::Skipped
                } else {
                    Trial::Applied(Box::new(tried))
                })
            }
            Err(error) if error.code() == 404 => Err(self.not_found(wanted, &error).await),
            Err(error) => {
                let message = shown(wanted, &error.to_string());
                let RequestError::Refused { reason, .. } = &error else {
                    return Err(Failure::new(format!("{subject} dry-run failed: {message}")));
                };
                let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
                Err(Failure::refused(format!("{subject} dry-run failed{reason}: {message}"), wanted, &error))
            }
        }
    }

    /// Whether an object may be deleted and created again: if the Kustomization, the object, or its
    /// state in the cluster says so.
    async fn may_recreate(&self, item: &Item<'_>) -> bool {
        let says_so = |object: &Value| object::is_marked(object, annotation::FORCE, annotation::ENABLED);
        if self.force || says_so(&item.wanted.value) {
            return true;
        }
        let existing = self.objects.get(&item.kind, &item.wanted.id).await;
        existing.is_ok_and(|existing| existing.as_ref().is_some_and(says_so))
    }

    async fn apply_one(&self, item: &Item<'_>, trial: &Trial) -> Result<Action, Failure> {
        let Item { wanted, kind } = item;
        let observer = self.objects.observer();
        let outcome = match trial {
            Trial::Skipped => return Ok(Action::Skipped),
            Trial::Immutable => {
                observer.forget(&wanted.id);
                let made = self.objects.recreate(kind, &wanted.id, &wanted.value).await;
                observer.track(&wanted.id, kind, self.owner);
                made.map(|made| (made, true))
            }
            Trial::Applied(tried) => {
                observer.track(&wanted.id, kind, self.owner);
                self.apply_tried(item, tried).await
            }
        };
        let (applied, is_changed) = outcome.map_err(|error| {
            let message = shown(wanted, &error.to_string());
            let message = format!("{} apply failed: {message}", wanted.id.subject());
            match &error {
                RequestError::Refused { .. } => Failure::refused(message, wanted, &error),
                RequestError::NoAnswer(_) => Failure::new(message),
            }
        })?;
        observer.applied(&wanted.id, wanted.hash, &applied.object);
        Ok(if applied.is_created {
            Action::Created
        } else if is_changed {
            Action::Configured
        } else {
            Action::Unchanged
        })
    }

    /// Applies an object that was tried. Returns whether that changed it.
    ///
    /// It is applied to the version that was tried only. Otherwise the change of somebody else between the two requests,
    /// such as that of a status, would look like one of ours.
    async fn apply_tried(&self, item: &Item<'_>, tried: &Applied) -> Result<(Applied, bool), RequestError> {
        let mut outcome = self.take_over_and_apply(item, tried, true).await;
        for _ in 0..TRIES {
            match outcome {
                Err(error) if error.code() == 409 => {}
                outcome => return outcome,
            }
            let tried = self.objects.apply(&item.kind, &item.wanted.value, true).await?;
            outcome = self.take_over_and_apply(item, &tried, true).await;
        }
        match outcome {
            // Somebody changes it all the time.
            Err(error) if error.code() == 409 => self.take_over_and_apply(item, tried, false).await,
            outcome => outcome,
        }
    }

    /// The same once, to any version unless `is_exact`.
    async fn take_over_and_apply(
        &self,
        item: &Item<'_>,
        tried: &Applied,
        is_exact: bool,
    ) -> Result<(Applied, bool), RequestError> {
        let Item { wanted, kind } = item;
        if tried.is_created {
            return self.objects.apply(kind, &wanted.value, false).await.map(|made| (made, true));
        }
        let mut value = wanted.value.clone();
        let ignored = self.ignored.of(&tried.object);
        if !ignored.is_empty()
            && let Some(existing) = self.objects.get(kind, &wanted.id).await?
        {
            if ssa::differ_in_ignored_only(&existing, &tried.object, &ignored) {
                return Ok((Applied { object: existing, is_created: false }, false));
            }
            ssa::leave_ignored(&mut value, &existing, &tried.object, &ignored, FIELD_MANAGER);
        }
        // A merged object leaves other managers their fields. Only its state in the cluster may say so.
        let is_merged = object::is_marked(&tried.object, annotation::SSA, "Merge");
        let is_taken = !is_merged && self.objects.take_over(kind, &wanted.id, &tried.object).await?;
        if is_exact && !is_taken {
            value["metadata"]["resourceVersion"] = tried.resource_version().into();
        }
        let applied = self.objects.apply(kind, &value, false).await?;
        // A dry run returns the old resource version.
        let is_changed = applied.resource_version() != tried.resource_version();
        Ok((applied, is_changed))
    }

    /// The failure for an object whose namespace does not exist.
    async fn not_found(&self, wanted: &Wanted, error: &RequestError) -> Failure {
        // Its kind may have moved to another version.
        self.objects.kinds().forget();
        let message = format!("{} not found: {error}", wanted.id.subject());
        let namespace = &wanted.id.namespace;
        let mut hint = match &wanted.namespace_place {
            Some(place) => format!("namespace \"{namespace}\" is set at {place}"),
            None => format!("there is no namespace \"{namespace}\""),
        };
        let known = self.objects.namespaces().await.unwrap_or_default();
        if let Some(closest) = closest(namespace, known.iter().map(String::as_str)) {
            hint.push_str(&format!(", did you mean \"{closest}\"?"));
        }
        Failure { hint: Some(hint), ..Failure::new(message) }
    }

    /// Waits until new kinds can be used.
    async fn wait_for_definitions(&self, items: &[Item<'_>]) -> Result<(), Failure> {
        let definitions = items.iter().filter(|item| item.wanted.id.kind == "CustomResourceDefinition");
        let version = |kind: &ApiKind| kind.version().to_owned();
        let ids: Vec<(ObjectId, String)> =
            definitions.map(|item| (item.wanted.id.clone(), version(&item.kind))).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let health = Health { objects: self.objects, ids, expressions: None, timeout: ESTABLISH };
        health.wait().await.map_err(|error| Failure::new(error.to_string()))?;
        self.objects.kinds().forget();
        Ok(())
    }
}

/// The server's message about an object. It is masked for Secrets, since it may repeat their values.
fn shown(wanted: &Wanted, message: &str) -> String {
    Plaintext::of_secret(&wanted.value).mask(message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use embedded_cluster::Cluster;
    use http::Request;
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tower::{Service as _, ServiceExt as _, service_fn};

    use super::*;
    use crate::build::Object;

    /// A change of somebody else after the dry run is not ours.
    #[tokio::test]
    async fn the_change_of_another_is_not_reported() -> Result<(), Box<dyn std::error::Error>> {
        let cluster = Cluster::in_memory();
        let tries = std::sync::Arc::new(AtomicUsize::new(0));
        let disturbed = {
            let (cluster, tries) = (cluster.clone(), std::sync::Arc::clone(&tries));
            service_fn(move |request: Request<Body>| {
                let (mut service, cluster) = (cluster.service(), cluster.clone());
                let is_try = request.uri().query().is_some_and(|query| query.contains("dryRun"));
                let number = if is_try { tries.fetch_add(1, Ordering::Relaxed) } else { 0 };
                async move {
                    let answer = service.call(request).await;
                    if is_try && number < 3 {
                        let patch = json!({"metadata": {"annotations": {"by": format!("another {number}")}}});
                        let change = Request::patch("/api/v1/namespaces/default/configmaps/map")
                            .header("content-type", "application/merge-patch+json")
                            .body(Body::from(patch.to_string().into_bytes()));
                        if let Ok(change) = change {
                            let _ = cluster.service().oneshot(change).await;
                        }
                    }
                    answer
                }
            })
        };
        let map = |text: &str| {
            let metadata = json!({"name": "map", "namespace": "default"});
            let value =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": text}});
            Object { value, namespace_place: None, place: None }
        };
        let ignored = IgnoredFields::default();
        for (text, action) in [
            ("1", Action::Created),
            ("1", Action::Unchanged),
            ("2", Action::Configured),
            ("2", Action::Unchanged),
        ] {
            // What a new process knows: nothing.
            let objects = Objects::new(Client::new(disturbed.clone(), "default"));
            let order = Order::new(vec![map(text)], ("app", "default"), None);
            let apply =
                Apply { objects: &objects, owner: ("app", "default"), force: false, ignored: &ignored };
            tries.store(1, Ordering::Relaxed);
            let done = apply.all(&order).await?;
            assert_eq!(done.iter().map(|change| change.action).collect::<Vec<_>>(), [action], "{text}");
        }
        cluster.shutdown();
        Ok(())
    }
}
