//! What controllers take: time of processors, memory, requests, builds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;
use serde_json::{Value, json};

use super::Outcome;

/// The clock of `/proc`, in ticks a second. It is the same on every Linux that Rust supports.
const TICKS: f64 = 100.0;

/// Looks at the processes and the logs of controllers, and at their API server.
pub(crate) struct Meter {
    /// The API server.
    pub(crate) client: Client,
    /// The processes.
    pub(crate) pids: Vec<u32>,
    /// Their logs.
    pub(crate) logs: Vec<PathBuf>,
}

/// The state of everything at the start of a phase.
pub(crate) struct Start {
    at: Instant,
    cpu: Vec<f64>,
    requests: Option<BTreeMap<String, f64>>,
    builds: usize,
}

impl Meter {
    /// Starts to measure.
    pub(crate) async fn start(&self) -> Outcome<Start> {
        for pid in &self.pids {
            // Sets the peak of memory to what is used now.
            std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        }
        let requests = self.requests().await?;
        Ok(Start { cpu: self.cpu()?, requests, builds: self.builds(), at: Instant::now() })
    }

    /// What was taken since the start. `own` requests were made by the load itself. The time is
    /// given where the end was before now.
    pub(crate) async fn end(&self, start: &Start, phase: &str, took: Duration, own: usize) -> Outcome<Value> {
        let now = self.cpu()?;
        let cpu: Vec<f64> = now.iter().zip(&start.cpu).map(|(now, then)| now - then).collect();
        let kinds = match (self.requests().await?, &start.requests) {
            (Some(now), Some(then)) => {
                let count = |(kind, count): (String, f64)| {
                    let count = count - then.get(&kind).copied().unwrap_or_default();
                    (kind, count)
                };
                Some(now.into_iter().map(count).filter(|(_, count)| *count > 0.0).collect())
            }
            _ => None,
        };
        let requests = kinds.as_ref().map(|kinds: &BTreeMap<String, f64>| {
            kinds.values().sum::<f64>() - f64::from(u32::try_from(own).unwrap_or(u32::MAX))
        });
        Ok(json!({
            "phase": phase,
            "seconds": took.as_secs_f64(),
            "cpu": cpu,
            "peak_kib": self.peaks()?,
            "requests": requests,
            "kinds": kinds,
            "builds": self.builds().saturating_sub(start.builds),
        }))
    }

    /// Seconds of processors that each process has used.
    fn cpu(&self) -> Outcome<Vec<f64>> {
        let used = |pid: &u32| -> Outcome<f64> {
            let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let (_, rest) = text.rsplit_once(')').ok_or("/proc/PID/stat is not as expected")?;
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|text| text.parse::<f64>().ok()));
            Ok((user.unwrap_or_default() + system.unwrap_or_default()) / TICKS)
        };
        self.pids.iter().map(used).collect()
    }

    /// The peak of memory of each process since the start.
    fn peaks(&self) -> Outcome<Vec<u64>> {
        let peak = |pid: &u32| -> Outcome<u64> {
            let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let number = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
            number.ok_or_else(|| "/proc/PID/status is not as expected".into())
        };
        self.pids.iter().map(peak).collect()
    }

    /// Requests that the API server has answered, by verb and resource. None if it does not count.
    ///
    /// Watches do not count, nor does what the API server does for itself: leases, addresses of services.
    async fn requests(&self) -> Outcome<Option<BTreeMap<String, f64>>> {
        let Ok(text) = self.client.request_text(Request::get("/metrics").body(Vec::new())?).await else {
            return Ok(None);
        };
        let mut counts = BTreeMap::new();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("apiserver_request_total{") else { continue };
            let Some((labels, count)) = rest.rsplit_once("} ") else { continue };
            let label = |name: &str| {
                let start = format!("{name}=\"");
                let value = labels.split(',').find_map(|label| label.strip_prefix(&start));
                value.map(|value| value.trim_end_matches('"')).unwrap_or_default()
            };
            let (verb, resource, part) = (label("verb"), label("resource"), label("subresource"));
            if matches!(verb, "WATCH" | "CONNECT") || matches!(resource, "leases" | "ipaddresses" | "") {
                continue;
            }
            let part = if part.is_empty() { String::new() } else { format!("/{part}") };
            let count: f64 = count.parse().unwrap_or_default();
            *counts.entry(format!("{verb} {resource}{part}")).or_default() += count;
        }
        Ok(Some(counts))
    }

    /// Reconciliations that have built and applied, as the logs tell them.
    fn builds(&self) -> usize {
        let texts = self.logs.iter().filter_map(|log| std::fs::read_to_string(log).ok());
        texts.map(|text| text.matches("\"Reconciliation finished in ").count()).sum()
    }
}

impl Start {
    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.at.elapsed()
    }
}
