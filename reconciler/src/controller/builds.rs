//! Builds: each runs on its own thread, with a time limit.

use std::time::Duration;

use kustomize_core::Cancellation;
use thiserror::Error;

use super::Context;

/// Why a build has no outcome.
#[derive(Debug, Error)]
pub(super) enum Unfinished {
    /// It exceeded the time limit.
    #[error("the build took longer than {} and was cancelled", reconciler_api::Duration::from(*.0))]
    TooLong(Duration),
    /// Its thread is gone.
    #[error("the build did not end: {0}")]
    Lost(String),
}

/// Cancels a build when its caller stops waiting.
struct Guard(Cancellation);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Context {
    /// Runs a build when it is the turn of the namespace. It is cancelled after `timeout`, or after the limit of all
    /// builds if that is shorter. A build that does not stop at once keeps its permit until it does, but the caller
    /// does not wait for it.
    pub(super) async fn build<T: Send + 'static>(
        &self,
        namespace: &str,
        timeout: Duration,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let timeout = timeout.min(self.build_timeout);
        let permit = self.builds.take(namespace).await;
        let guard = Guard(Cancellation::default());
        let cancellation = guard.0.clone();
        let task = tokio::task::spawn_blocking(move || {
            let outcome = work(&cancellation);
            drop(permit);
            outcome
        });
        match tokio::time::timeout(timeout, task).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) => Err(Unfinished::Lost(error.to_string())),
            Err(_) => Err(Unfinished::TooLong(timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use embedded_cluster::Cluster;
    use kube::Client;

    use super::super::Log;
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn context(timeout: Duration) -> Context {
        let client = Client::new(Cluster::in_memory().service(), "default");
        Context::new(client, "unused".into(), Log::new(std::io::sink())).with_build_timeout(timeout)
    }

    /// Work that reports its start and its end, and ends when it is cancelled.
    fn endless() -> (impl FnOnce(&Cancellation) + Send + 'static, mpsc::Receiver<&'static str>) {
        let (sender, receiver) = mpsc::channel();
        let work = move |cancellation: &Cancellation| {
            let _ = sender.send("begun");
            while !cancellation.is_cancelled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = sender.send("ended");
        };
        (work, receiver)
    }

    #[tokio::test]
    async fn what_takes_too_long_is_cancelled() -> Outcome {
        let context = context(Duration::from_millis(20));
        // More of them than there are permits: each permit is returned.
        for _ in 0..std::thread::available_parallelism()?.get() + 2 {
            let (work, said) = endless();
            let error = context.build("tenant", Duration::MAX, work).await.err().ok_or("it ended")?;
            assert_eq!(error.to_string(), "the build took longer than 20ms and was cancelled");
            assert_eq!(said.iter().collect::<Vec<_>>(), ["begun", "ended"]);
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_cancelled() -> Outcome {
        let context = context(Duration::from_secs(3600));
        let (work, said) = endless();
        let short = Duration::from_millis(20);
        assert!(tokio::time::timeout(short, context.build("tenant", Duration::MAX, work)).await.is_err());
        assert_eq!(said.iter().last().unwrap_or("ended"), "ended");
        Ok(())
    }
}
