//! Waiting until objects are healthy.

use std::time::Duration;

use jiff::Timestamp;
use reconciler_core::kstatus::{self, Status};
use reconciler_core::ssa::ObjectId;
use tokio::time::{Instant, sleep};

use super::objects::Objects;

/// The first pause between two looks; pauses grow up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Objects that are waited for.
pub struct Health<'a> {
    /// The cluster.
    pub objects: &'a Objects,
    /// The objects with their versions.
    pub ids: Vec<(ObjectId, String)>,
    /// How long to wait.
    pub timeout: Duration,
}

/// Objects are not healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthFailure {
    /// They did not become healthy in time.
    #[error("health check failed after {}: timeout waiting for: [{waiting}]", reconciler_api::Duration::from(*.after))]
    TimedOut {
        /// How long they had.
        after: Duration,
        /// The objects and their states.
        waiting: String,
    },
    /// Some cannot become healthy any more.
    #[error("health check failed after {}: failed early due to stalled resources: [{failed}]", reconciler_api::Duration::from(*.after))]
    Failed {
        /// How long it took.
        after: Duration,
        /// The objects and their states.
        failed: String,
    },
}

impl Health<'_> {
    /// Looks again and again, and ends when all objects are healthy or one has failed.
    pub async fn wait(self) -> Result<(), HealthFailure> {
        let start = Instant::now();
        let mut waiting = self.ids;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut next = Vec::new();
            let (mut states, mut failed) = (Vec::new(), Vec::new());
            for (id, version) in waiting {
                let status = status(self.objects, &id, &version).await;
                let text = format!("{} status: '{}'", id.subject(), status.as_str());
                match status {
                    Status::Current => continue,
                    Status::Failed => failed.push(text.clone()),
                    _ => {}
                }
                states.push(text);
                next.push((id, version));
            }
            if next.is_empty() {
                return Ok(());
            }
            let after = rounded(start.elapsed());
            if !failed.is_empty() {
                return Err(HealthFailure::Failed { after, failed: failed.join(", ") });
            }
            if start.elapsed() + pause > self.timeout {
                return Err(HealthFailure::TimedOut { after: self.timeout, waiting: states.join(", ") });
            }
            waiting = next;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// A duration to the millisecond.
fn rounded(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

async fn status(objects: &Objects, id: &ObjectId, version: &str) -> Status {
    let Ok(Some(kind)) = objects.kinds().find_id(id, version).await else { return Status::NotFound };
    match objects.get(&kind, id).await {
        Ok(Some(object)) => {
            kstatus::compute(&object, Timestamp::now()).map_or(Status::InProgress, |outcome| outcome.status)
        }
        Ok(None) => Status::NotFound,
        Err(_) => Status::InProgress,
    }
}
