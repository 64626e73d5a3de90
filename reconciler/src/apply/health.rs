//! Waiting until objects are healthy, without polling: an object is checked when a watch reports that
//! it changed, or every few seconds where there are too many watches already.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reconciler_core::kstatus::{self, HealthExpressions, Status};
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde_json::Value;
use tokio::time::Instant;

use super::kinds::ApiKind;
use super::objects::Objects;
use super::observer::Look;
use super::request::RequestError;
use crate::turns::Turns;

/// How often objects are looked at that cannot be watched.
const POLL: Duration = Duration::from_secs(5);

/// Objects whose health is awaited.
pub struct Health<'a> {
    /// The cluster.
    pub objects: &'a Objects,
    /// The objects, with their versions.
    pub ids: Vec<(ObjectId, String)>,
    /// The health expressions for objects of some kinds.
    pub(crate) expressions: Option<HealthRules<'a>>,
    /// How long to wait.
    pub timeout: Duration,
}

/// Health expressions, and whose turn it is when they are evaluated.
pub(crate) struct HealthRules<'a> {
    /// The expressions.
    pub(crate) rules: &'a Arc<HealthExpressions>,
    /// The evaluations that may go on at the same time.
    pub(crate) turns: &'a Arc<Turns>,
    /// The namespace of whoever wrote them.
    pub(crate) namespace: &'a str,
}

/// Objects are not healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthFailure {
    /// They did not become healthy in time.
    #[error("health check failed after {}: timeout waiting for: [{waiting}]", reconciler_api::Duration::from(*.after))]
    TimedOut {
        /// The time limit.
        after: Duration,
        /// The objects and their states.
        waiting: String,
    },
    /// Some of them have failed.
    #[error("health check failed after {}: failed early due to stalled resources: [{failed}]", reconciler_api::Duration::from(*.after))]
    Failed {
        /// The time after which that was known.
        after: Duration,
        /// The objects and their states.
        failed: String,
    },
}

/// An object whose health is awaited.
struct Waiting {
    id: ObjectId,
    version: String,
    kind: Option<ApiKind>,
    status: Status,
    /// Why it cannot be looked at.
    error: Option<RequestError>,
    /// The resource version at which it was last checked.
    looked_at: Option<u64>,
}

impl Health<'_> {
    /// Returns when all objects are healthy, when one has failed, or at the time limit.
    pub async fn wait(self) -> Result<(), HealthFailure> {
        let start = Instant::now();
        let end = start + self.timeout;
        let observer = self.objects.observer();
        let mut changes = observer.changes();
        let mut looks: HashMap<ObjectId, Look> = HashMap::new();
        let mut waiting: Vec<Waiting> = self
            .ids
            .iter()
            .map(|(id, version)| Waiting {
                id: id.clone(),
                version: version.clone(),
                kind: None,
                status: Status::Unknown,
                error: None,
                looked_at: None,
            })
            .collect();
        loop {
            changes.mark_unchanged();
            let mut is_unwatched = false;
            for object in &mut waiting {
                self.look(object).await;
                if let Some(kind) = &object.kind
                    && object.status != Status::Current
                    && !observer.notices(&object.id)
                    && !looks.contains_key(&object.id)
                {
                    match observer.look_at(&object.id, kind) {
                        Some(look) => _ = looks.insert(object.id.clone(), look),
                        None => is_unwatched = true,
                    }
                }
            }
            waiting.retain(|object| object.status != Status::Current);
            if waiting.is_empty() {
                return Ok(());
            }
            let failed: Vec<&Waiting> =
                waiting.iter().filter(|object| object.status == Status::Failed).collect();
            if !failed.is_empty() {
                return Err(HealthFailure::Failed { after: rounded(start.elapsed()), failed: list(failed) });
            }
            let next = if is_unwatched { end.min(Instant::now() + POLL) } else { end };
            let changed = tokio::time::timeout_at(next, changes.changed()).await;
            if !matches!(changed, Ok(Ok(()))) && (next == end || matches!(changed, Ok(Err(_)))) {
                return Err(HealthFailure::TimedOut { after: self.timeout, waiting: list(&waiting) });
            }
        }
    }

    /// Checks an object if it changed.
    async fn look(&self, object: &mut Waiting) {
        let observer = self.objects.observer();
        let is_known = object.looked_at.is_some_and(|looked_at| {
            observer.notices(&object.id)
                && observer.version(&object.id).is_none_or(|version| version <= looked_at)
        });
        if is_known {
            return;
        }
        if object.kind.is_none() {
            object.kind = self.objects.kinds().find_id(&object.id, &object.version).await.ok().flatten();
        }
        let Some(kind) = &object.kind else {
            object.status = Status::NotFound;
            return;
        };
        object.error = None;
        match self.objects.get(kind, &object.id).await {
            Ok(Some(found)) => {
                object.looked_at = object::text(&found, &["metadata", "resourceVersion"]).parse().ok();
                object.status = self.status(found).await;
            }
            Ok(None) => object.status = Status::NotFound,
            Err(error) => {
                object.status = Status::InProgress;
                object.error = Some(error);
            }
        }
    }

    /// The status of an object, by the expression for its kind if there is one.
    async fn status(&self, found: Value) -> Status {
        if let Some(HealthRules { rules, turns, namespace }) = &self.expressions
            && rules.has_one_for(&found)
        {
            let rules = Arc::clone(rules);
            let outcome = turns.work(namespace, move || rules.status(&found)).await;
            return outcome.ok().flatten().map_or(Status::InProgress, |outcome| outcome.status);
        }
        let outcome = kstatus::compute(&found, self.objects.now());
        outcome.map_or(Status::InProgress, |outcome| outcome.status)
    }
}

fn list<'a>(objects: impl IntoIterator<Item = &'a Waiting>) -> String {
    let texts: Vec<String> = objects
        .into_iter()
        .map(|object| {
            let error = object.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
            format!("{} status: '{}'{error}", object.id.subject(), object.status.as_str())
        })
        .collect();
    texts.join(", ")
}

/// A duration to the millisecond.
fn rounded(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
