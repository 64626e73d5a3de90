//! Controllers: what is watched, what is done, and when it is done again. One file for each kind.

mod context;
mod events;
mod finalizer;
mod git_repository;
mod kustomization;
mod log;
mod queue;
mod status;
mod store;

pub use context::Context;
pub use log::Log;

use std::future::Future;
use std::sync::Arc;

use queue::{Key, Queue};

/// Runs the controllers of all kinds until `shutdown` is ready.
pub async fn run(context: Arc<Context>, shutdown: impl Future<Output = ()>) {
    let controllers = async {
        tokio::join!(
            store::follow(&context, &context.repositories, &context.repository_queue),
            store::follow(&context, &context.kustomizations, &context.kustomization_queue),
            work(&context, &context.repository_queue, git_repository::reconcile),
            work(&context, &context.kustomization_queue, kustomization::reconcile),
        )
    };
    tokio::select! {
        () = shutdown => {}
        _ = controllers => {}
    }
}

/// Takes what is due from a queue. Each object is worked on by one task at a time, and waiting for
/// one object holds no other up.
async fn work<F>(context: &Arc<Context>, queue: &Arc<Queue>, reconcile: fn(Arc<Context>, Key) -> F)
where
    F: Future<Output = Next> + Send + 'static,
{
    loop {
        let key = queue.next().await;
        let (context, queue) = (Arc::clone(context), Arc::clone(queue));
        tokio::spawn(async move {
            let next = reconcile(context, key.clone()).await;
            queue.done(&key, next.0);
        });
    }
}

/// When an object is due again.
struct Next(Option<std::time::Duration>);

impl Next {
    /// When it changes.
    const NEVER: Next = Next(None);

    /// After a while.
    fn after(duration: std::time::Duration) -> Self {
        Next(Some(duration))
    }

    /// After an interval, give or take a twentieth, so that not all are due at once.
    fn at_interval(interval: reconciler_api::Duration) -> Self {
        let factor = 0.95 + 0.1 * rand::random::<f64>();
        Next(Some(interval.to_std().mul_f64(factor)))
    }
}
