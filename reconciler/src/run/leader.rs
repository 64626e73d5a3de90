//! Leader election: of several processes, one reconciles. The others wait until its Lease has run out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Request;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::client::Body;
use serde_json::json;
use tower::BoxError;

use crate::apply::RequestError;
use crate::controller::Log;
use crate::environment::Environment;

/// How long a Lease is valid after it was renewed.
const VALID: Duration = Duration::from_secs(35);
/// How long a leader goes on without having renewed its Lease.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(5);

/// How the leader is elected.
#[derive(Clone, Debug)]
pub struct Election {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who this process is; no other has the same name.
    pub identity: String,
    /// How long a Lease is valid, how long a leader goes on without renewing it, and the pause between tries.
    pub times: Times,
}

/// Durations of an election.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How long a Lease is valid after it was renewed.
    pub valid: Duration,
    /// How long a leader goes on without having renewed its Lease; less than `valid`.
    pub patience: Duration,
    /// The pause between two tries.
    pub pause: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Times { valid: VALID, patience: PATIENCE, pause: PAUSE }
    }
}

impl Election {
    /// An election with a name for this process: its host and a random number.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "reconciler".to_owned());
        let identity = format!("{host}_{}", uuid::Uuid::new_v4());
        Election { namespace: namespace.into(), name: name.into(), identity, times: Times::default() }
    }

    /// This process as one that does not lead yet.
    pub(super) fn candidate(self, client: Client, environment: Environment) -> Leadership {
        let api = Api::namespaced(client, &self.namespace);
        Leadership { api, seen: None, renewed: Arc::default(), election: self, environment }
    }
}

/// When a Lease was renewed last.
#[derive(Default)]
pub(super) struct Renewed(Mutex<Option<Instant>>);

impl Renewed {
    fn set(&self, at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Whether the last renewal is not longer ago than this.
    fn is_within(&self, time: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < time)
    }
}

/// The right to reconcile, which ends when its Lease is not renewed.
pub(super) struct Leadership {
    api: Api<Lease>,
    election: Election,
    /// What another process has written last, and when this was seen first.
    seen: Option<(LeaseSpec, Instant)>,
    renewed: Arc<Renewed>,
    environment: Environment,
}

impl Leadership {
    /// Waits until this process leads.
    pub(super) async fn win(&mut self, log: &Log) {
        let mut is_told = false;
        loop {
            match self.renew().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) if !is_told => {
                    is_told = true;
                    log.error("the lease cannot be had", json!({"error": error.to_string()}));
                }
                Err(_) => {}
            }
            tokio::time::sleep(self.election.times.pause).await;
        }
    }

    /// A client that sends nothing more once the leadership is over, be it that this process stood still
    /// meanwhile.
    pub(super) fn fence(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let (renewed, patience) = (Arc::clone(&self.renewed), self.election.times.patience);
        let fenced = tower::service_fn(move |request: Request<Body>| {
            let (client, renewed) = (client.clone(), Arc::clone(&renewed));
            async move {
                if !renewed.is_within(patience) {
                    return Err(BoxError::from(NotLeading));
                }
                client.send(request).await.map_err(BoxError::from)
            }
        });
        Client::new(fenced, namespace)
    }

    /// Renews the Lease until that does not succeed any more.
    pub(super) async fn hold(&mut self) {
        let Times { patience, pause, .. } = self.election.times;
        loop {
            tokio::time::sleep(pause).await;
            // After a standstill, another process may lead already.
            if !self.renewed.is_within(patience) || matches!(self.renew().await, Ok(false)) {
                self.renewed.set(None);
                return;
            }
        }
    }

    /// Lets another process lead at once.
    pub(super) async fn release(self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.election.name).await else { return };
        let Some(spec) = lease.spec.as_mut().filter(|spec| is_held_by(spec, &self.election.identity)) else {
            return;
        };
        spec.holder_identity = None;
        spec.renew_time = None;
        // It runs out by itself if this does not succeed.
        let _ = self.api.replace(&self.election.name, &PostParams::default(), &lease).await;
    }

    /// Takes or renews the Lease, if no other process has it. Returns whether this process leads.
    async fn renew(&mut self) -> Result<bool, RequestError> {
        let start = Instant::now();
        let name = self.election.name.clone();
        let lease = self.api.get_opt(&name).await?;
        let is_new = lease.is_none();
        let mut lease = lease.unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            ..Lease::default()
        });
        let old = lease.spec.take().unwrap_or_default();
        if !self.may_lead(&old, start) {
            return Ok(false);
        }
        lease.spec = Some(self.next(old));
        let written = if is_new {
            self.api.create(&PostParams::default(), &lease).await
        } else {
            self.api.replace(&name, &PostParams::default(), &lease).await
        };
        match written.map_err(RequestError::from) {
            Ok(_) => {
                self.renewed.set(Some(start));
                Ok(true)
            }
            // Another process was faster.
            Err(error) if error.code() == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the Lease is this process's own, nobody's, or has run out. Only the clock of this machine
    /// counts: a Lease runs out when nothing was written to it for so long.
    fn may_lead(&mut self, lease: &LeaseSpec, now: Instant) -> bool {
        let holder = lease.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.election.identity {
            return true;
        }
        match &self.seen {
            Some((seen, since)) if seen == lease => {
                let seconds = lease.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
                let valid = seconds.map_or(self.election.times.valid, Duration::from_secs);
                now.duration_since(*since) > valid
            }
            _ => {
                self.seen = Some((lease.clone(), now));
                false
            }
        }
    }

    /// The Lease when this process has it.
    fn next(&self, old: LeaseSpec) -> LeaseSpec {
        let now = Some(MicroTime(self.environment.now()));
        let seconds = i32::try_from(self.election.times.valid.as_secs().max(1)).unwrap_or(i32::MAX);
        let is_own = is_held_by(&old, &self.election.identity);
        LeaseSpec {
            holder_identity: Some(self.election.identity.clone()),
            lease_duration_seconds: Some(seconds),
            renew_time: now.clone(),
            acquire_time: if is_own { old.acquire_time } else { now },
            lease_transitions: Some(old.lease_transitions.unwrap_or_default() + i32::from(!is_own)),
            ..old
        }
    }
}

fn is_held_by(lease: &LeaseSpec, identity: &str) -> bool {
    lease.holder_identity.as_deref() == Some(identity)
}

/// A request that is not sent.
#[derive(Debug, thiserror::Error)]
#[error("this process does not lead any more")]
struct NotLeading;

#[cfg(test)]
mod tests {
    use embedded_cluster::Cluster;

    use super::*;

    fn leadership(identity: &str, client: &Client) -> Leadership {
        let mut election = Election::new("default", "test");
        identity.clone_into(&mut election.identity);
        election.candidate(client.clone(), Environment::default())
    }

    #[tokio::test]
    async fn one_leads_at_a_time() -> Result<(), Box<dyn std::error::Error>> {
        let client = Client::new(Cluster::in_memory().service(), "default");
        let (mut one, mut other) = (leadership("one", &client), leadership("other", &client));
        assert!(one.renew().await?);
        assert!(one.renew().await?);
        assert!(!other.renew().await?);
        one.release().await;
        assert!(other.renew().await?);
        let lease = other.api.get("test").await?.spec.unwrap_or_default();
        assert_eq!((lease.holder_identity.as_deref(), lease.lease_transitions), (Some("other"), Some(2)));
        Ok(())
    }

    #[tokio::test]
    async fn a_lease_runs_out_by_the_clock_of_who_waits() -> Result<(), Box<dyn std::error::Error>> {
        let client = Client::new(Cluster::in_memory().service(), "default");
        let (mut one, mut other) = (leadership("one", &client), leadership("other", &client));
        let start = Instant::now();
        let lease = one.next(LeaseSpec::default());
        assert!(!other.may_lead(&lease, start));
        assert!(!other.may_lead(&lease, start + VALID));
        assert!(other.may_lead(&lease, start + VALID + Duration::from_secs(1)));
        // It was renewed meanwhile.
        let renewed = LeaseSpec { lease_transitions: Some(9), ..lease };
        assert!(!other.may_lead(&renewed, start + VALID * 2));
        assert!(one.may_lead(&renewed, start));
        Ok(())
    }

    #[tokio::test]
    async fn who_stood_still_sends_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let client = Client::new(Cluster::in_memory().service(), "default");
        let mut one = leadership("one", &client);
        let fenced: Api<Lease> = Api::namespaced(one.fence(client), "default");
        assert!(fenced.get_opt("test").await.is_err());
        assert!(one.renew().await?);
        assert!(fenced.get_opt("test").await?.is_some());
        one.renewed.set(Instant::now().checked_sub(PATIENCE));
        let error = fenced.get_opt("test").await.err().ok_or("it was sent")?;
        assert!(format!("{error:?}").contains("NotLeading"), "{error:?}");
        one.hold().await;
        Ok(())
    }
}
