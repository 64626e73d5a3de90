//! Controllers: what is watched, what is done, and when it is done again. One file for each kind.

mod artifacts;
mod bucket;
mod builds;
mod configs;
mod context;
mod events;
mod external_artifact;
mod finalizer;
mod followed;
mod foreign;
mod git_repository;
mod held;
mod identity;
mod image_policy;
mod image_repository;
mod image_update_automation;
mod images;
mod kustomization;
mod log;
mod metrics;
mod notifications;
mod oci_repository;
mod outcome;
mod queue;
mod receiver;
mod registries;
mod secrets;
mod selection;
mod shard;
mod source;
mod sources;
mod status;
mod store;
mod tenancy;

pub(crate) use configs::WATCHED as WATCHED_CONFIGS;
pub(crate) use context::BUILD_TIMEOUT;
pub use context::Context;
pub use log::Log;
pub(crate) use metrics::Metrics;
pub(crate) use receiver::call as call_receiver;
pub use selection::{Selection, SelectionError};
pub use shard::{SelectorError, Shard};
pub use tenancy::Tenancy;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use reconciler_api::{Bucket, OCIRepository};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::environment::Environment;
use queue::{Key, Queue};

/// How long work that is under way may take when everything is to end.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// Runs the selected controllers until `shutdown` is ready, and waits a moment for what is under way.
pub async fn run(context: Arc<Context>, selection: Selection, shutdown: impl Future<Output = ()>) {
    let tasks = TaskTracker::new();
    if selection.has(selection::NOTIFICATION)
        && let Err(error) = context.notifications.open(&context.data).await
    {
        context.log.error("notifications cannot be kept, none is sent", json!({"error": error.to_string()}));
    }
    let others = &context.sources;
    let sources = async {
        if selection.has(selection::SOURCE) {
            tokio::join!(
                store::follow(&context, &context.repositories, &context.repository_queue),
                work(&context, &tasks, "GitRepository", &context.repository_queue, git_repository::reconcile),
                store::follow(&context, &others.oci, &others.oci_queue),
                work(
                    &context,
                    &tasks,
                    "OCIRepository",
                    &others.oci_queue,
                    source::reconcile::<OCIRepository>
                ),
                store::follow(&context, &others.buckets, &others.bucket_queue),
                work(&context, &tasks, "Bucket", &others.bucket_queue, source::reconcile::<Bucket>),
                store::follow(&context, &others.external, &others.external_queue),
                work(
                    &context,
                    &tasks,
                    "ExternalArtifact",
                    &others.external_queue,
                    external_artifact::reconcile
                ),
            );
        }
    };
    let kustomizations = async {
        if selection.has(selection::KUSTOMIZE) {
            tokio::join!(
                context.follow_drifts(),
                configs::follow(&context),
                store::follow(&context, &context.kustomizations, &context.kustomization_queue),
                work(
                    &context,
                    &tasks,
                    "Kustomization",
                    &context.kustomization_queue,
                    kustomization::reconcile
                ),
            );
        }
    };
    let images = &context.images;
    let scans = async {
        if selection.has(selection::REFLECTOR) {
            tokio::join!(
                store::follow(&context, &images.repositories, &images.repository_queue),
                store::follow(&context, &images.policies, &images.policy_queue),
                work(
                    &context,
                    &tasks,
                    "ImageRepository",
                    &images.repository_queue,
                    image_repository::reconcile
                ),
                work(&context, &tasks, "ImagePolicy", &images.policy_queue, image_policy::reconcile),
            );
        }
    };
    let updates = async {
        if selection.has(selection::AUTOMATION) {
            tokio::join!(
                store::follow(&context, &images.automations, &images.automation_queue),
                work(
                    &context,
                    &tasks,
                    "ImageUpdateAutomation",
                    &images.automation_queue,
                    image_update_automation::reconcile
                ),
            );
        }
    };
    let notifications = &context.notifications;
    let messages = async {
        if selection.has(selection::NOTIFICATION) {
            tokio::join!(
                store::follow(&context, &notifications.alerts, &notifications.alert_queue),
                store::follow(&context, &notifications.providers, &notifications.provider_queue),
                work(&context, &tasks, "Alert", &notifications.alert_queue, notifications::alert_changed),
                work(
                    &context,
                    &tasks,
                    "Provider",
                    &notifications.provider_queue,
                    notifications::provider_changed
                ),
                notifications::deliver(&context),
            );
        }
    };
    let tenants = async {
        tokio::join!(
            store::follow_all(&context, &context.tenants.namespaces, &context.tenants.queue),
            work(&context, &tasks, "Namespace", &context.tenants.queue, tenancy::namespace_changed),
        );
    };
    let calls = async {
        if selection.has(selection::NOTIFICATION) {
            tokio::join!(
                store::follow(&context, &context.receivers, &context.receiver_queue),
                work(&context, &tasks, "Receiver", &context.receiver_queue, receiver::reconcile),
            );
        }
    };
    tokio::select! {
        () = shutdown => {}
        _ = async { tokio::join!(sources, kustomizations, scans, updates, messages, calls, tenants) } => {}
    }
    tasks.close();
    // What does not end now is in the inventory, and done again at the next start.
    let _ = tokio::time::timeout(LAST_MOMENT, tasks.wait()).await;
}

/// Takes what is due from a queue. Each object is worked on by one task at a time, and waiting for
/// one object holds no other up.
async fn work<F>(
    context: &Arc<Context>,
    tasks: &TaskTracker,
    kind: &'static str,
    queue: &Arc<Queue>,
    reconcile: fn(Arc<Context>, Key) -> F,
) where
    F: Future<Output = Next> + Send + 'static,
{
    context.metrics().follow(kind, queue);
    context.notifications.until_takers_are_known(&context.tenants).await;
    loop {
        let key = queue.next().await;
        let (context, queue) = (Arc::clone(context), Arc::clone(queue));
        tasks.spawn(async move {
            let start = Instant::now();
            let next = reconcile(Arc::clone(&context), key.clone()).await;
            context.metrics().reconciled(kind, &key, start.elapsed(), next);
            let next = match next {
                Next::Failed(Some(interval)) => Next::Failed(Some(context.retry(interval))),
                next => next,
            };
            queue.done(&key, next.after(&context.environment));
        });
    }
}

/// When an object is due again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Never: it does not exist any more.
    Gone,
    /// When it changes.
    OnChange,
    /// After a while, or when it changes.
    After(Duration),
    /// After an interval, give or take a twentieth, so that not all are due at once; or when it changes.
    AtInterval(Duration),
    /// It has failed: after about this while, if that can help, or when it changes.
    Failed(Option<Duration>),
}

impl Next {
    /// After an interval.
    fn at_interval(interval: reconciler_api::Duration) -> Self {
        Next::AtInterval(interval.to_std())
    }

    fn after(self, environment: &Environment) -> Option<Duration> {
        match self {
            Next::Gone | Next::OnChange | Next::Failed(None) => None,
            Next::After(duration) => Some(duration),
            Next::AtInterval(interval) | Next::Failed(Some(interval)) => {
                Some(interval.mul_f64(0.95 + 0.1 * environment.random()))
            }
        }
    }
}
