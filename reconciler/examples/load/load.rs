//! The phases of the load.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt};
use reconciler_api::condition::HasConditions;
use reconciler_api::{GitRepository, Kustomization, annotation};
use serde_json::{Value, json};

use super::Outcome;
use super::meter::Meter;
use super::repository::{Repository, name};

/// Where everything is.
const NAMESPACE: &str = "bench";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Requests of the load itself that are under way at the same time.
const CONCURRENCY: usize = 8;
/// The interval of Kustomizations while intervals are measured, and how many of them.
const INTERVAL: Duration = Duration::from_secs(20);
const ROUNDS: u32 = 3;
/// Objects that someone else changes, one after the other.
const DRIFTS: usize = 5;

/// A load on controllers.
pub(crate) struct Load {
    /// The API server.
    pub(crate) client: Client,
    /// The repository that they follow.
    pub(crate) repository: Repository,
    /// What measures them.
    pub(crate) meter: Meter,
    /// How many Kustomizations there are.
    pub(crate) count: usize,
}

impl Load {
    /// Makes the namespace and the GitRepository, and waits until it is fetched and a first Kustomization has
    /// come and gone, so that nobody is still starting when something is measured.
    pub(crate) async fn set_up(&self, url: &str) -> Outcome {
        reconciler::run::install_definitions(&self.client).await?;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let namespaces = Api::<Namespace>::all(self.client.clone());
        namespaces.create(&PostParams::default(), &serde_json::from_value(namespace)?).await?;
        let repository = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "apps", "namespace": NAMESPACE},
            "spec": {"interval": "10m", "url": url, "ref": {"branch": "main"}},
        });
        let repositories = self.repositories();
        repositories.create(&PostParams::default(), &serde_json::from_value(repository)?).await?;
        until(async || Ok(repositories.get("apps").await?.is_ready())).await?;
        let kustomizations = self.kustomizations();
        kustomizations.create(&PostParams::default(), &kustomization("first", 0)?).await?;
        until(async || Ok(is_ready(&kustomizations.get("first").await?))).await?;
        kustomizations.delete("first", &DeleteParams::default()).await?;
        until(async || Ok(kustomizations.get_opt("first").await?.is_none())).await
    }

    /// Makes all Kustomizations.
    pub(crate) async fn create(&self) -> Outcome<Value> {
        let create = async |number| {
            let object = kustomization(&name(number), number)?;
            self.kustomizations()
                .create(&PostParams::default(), &object)
                .await
                .map_err(Into::into)
                .map(|_| ())
        };
        self.measure("create", create, is_ready).await
    }

    /// Asks all to reconcile.
    pub(crate) async fn ask(&self) -> Outcome<Value> {
        let token = format!("{:?}", Instant::now());
        let patch = json!({"metadata": {"annotations": {annotation::RECONCILE_REQUEST: token}}});
        let is_done = |object: &Kustomization| {
            let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
            handled == Some(&token) && is_ready(object)
        };
        self.measure("asked", async |number| self.patch(number, &patch).await, is_done).await
    }

    /// Changes one application in the repository, and has that fetched.
    pub(crate) async fn change_one(&self) -> Outcome<Value> {
        let maps = Api::<ConfigMap>::namespaced(self.client.clone(), NAMESPACE);
        self.repository.change(0, "debug")?;
        let revision = self.repository.revision()?;
        let start = self.meter.start().await?;
        let token = json!({"metadata": {"annotations": {annotation::RECONCILE_REQUEST: revision}}});
        self.repositories().patch("apps", &PatchParams::default(), &Patch::Merge(token)).await?;
        let mut asked = 1;
        until(async || {
            asked += 1;
            let data = maps.get(&name(0)).await?.data.unwrap_or_default();
            Ok(data.get("LOG_LEVEL").map(String::as_str) == Some("debug"))
        })
        .await?;
        let took = start.elapsed();
        let is_done = |object: &Kustomization| {
            let status = object.status.as_ref();
            status.and_then(|status| status.last_applied_revision.as_ref()) == Some(&revision)
        };
        asked += self.follow(is_done).await?;
        let all = start.elapsed();
        let mut measured = self.meter.end(&start, "changed", took, asked).await?;
        measured["all_seconds"] = json!(all.as_secs_f64());
        Ok(measured)
    }

    /// Changes objects as someone else, one after the other. The time is that of the slowest correction.
    pub(crate) async fn drift(&self) -> Outcome<Value> {
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), NAMESPACE);
        let start = self.meter.start().await?;
        let (mut slowest, mut asked) = (Duration::ZERO, 0);
        for number in 0..DRIFTS.min(self.count) {
            let patch = Patch::Merge(json!({"spec": {"replicas": 7}}));
            let parameters =
                PatchParams { field_manager: Some("someone".to_owned()), ..PatchParams::default() };
            deployments.patch(&name(number), &parameters, &patch).await?;
            let changed = Instant::now();
            asked += 1;
            until(async || {
                asked += 1;
                let spec = deployments.get(&name(number)).await?.spec.unwrap_or_default();
                Ok(spec.replicas == Some(1))
            })
            .await?;
            slowest = slowest.max(changed.elapsed());
        }
        self.meter.end(&start, "drift", slowest, asked).await
    }

    /// Lets the interval pass a few times. The requests are those of all rounds.
    pub(crate) async fn interval(&self) -> Outcome<Value> {
        let patch = json!({"spec": {"interval": format!("{}s", INTERVAL.as_secs())}});
        self.in_parallel(async |number| self.patch(number, &patch).await).await?;
        self.follow(is_ready).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let start = self.meter.start().await?;
        tokio::time::sleep(INTERVAL * ROUNDS).await;
        let mut measured = self.meter.end(&start, "interval", start.elapsed(), 0).await?;
        measured["rounds"] = json!(ROUNDS);
        Ok(measured)
    }

    /// Does something for each Kustomization, and waits until all are as they should be.
    async fn measure(
        &self,
        phase: &str,
        act: impl AsyncFn(usize) -> Outcome,
        is_done: impl Fn(&Kustomization) -> bool,
    ) -> Outcome<Value> {
        let start = self.meter.start().await?;
        let (acted, asked) = tokio::join!(self.in_parallel(act), self.follow(is_done));
        acted?;
        let took = start.elapsed();
        // What follows the last success, such as events, counts as well.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.meter.end(&start, phase, took, self.count + asked?).await
    }

    async fn in_parallel(&self, act: impl AsyncFn(usize) -> Outcome) -> Outcome {
        let act = &act;
        stream::iter((0..self.count).map(Ok)).try_for_each_concurrent(CONCURRENCY, |number| act(number)).await
    }

    /// Waits until all Kustomizations are as they should be. Returns how many requests that took.
    async fn follow(&self, is_done: impl Fn(&Kustomization) -> bool) -> Outcome<usize> {
        let mut events = watcher::watcher(self.kustomizations(), watcher::Config::default()).boxed();
        let mut done = HashSet::new();
        let end = tokio::time::Instant::now() + PATIENCE;
        while let Ok(Some(event)) = tokio::time::timeout_at(end, events.next()).await {
            if let Event::Apply(object) | Event::InitApply(object) = event?
                && is_done(&object)
            {
                done.insert(object.name_any());
            }
            if done.len() >= self.count {
                // The list that a watch starts with.
                return Ok(1);
            }
        }
        Err(format!("only {} of {} Kustomizations are as they should be", done.len(), self.count).into())
    }

    async fn patch(&self, number: usize, patch: &Value) -> Outcome {
        let patch = Patch::Merge(patch);
        self.kustomizations().patch(&name(number), &PatchParams::default(), &patch).await?;
        Ok(())
    }

    fn kustomizations(&self) -> Api<Kustomization> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn repositories(&self) -> Api<GitRepository> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }
}

/// Makes the definitions of all kinds, and of those that Flux's source-controller does not start without.
pub(crate) async fn define(client: &Client) -> Outcome {
    reconciler::run::install_definitions(client).await?;
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    for (kind, plural) in [("HelmChart", "helmcharts"), ("HelmRepository", "helmrepositories")] {
        let group = "source.toolkit.fluxcd.io";
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let definition = json!({
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group, "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
                }],
            },
        });
        definitions.create(&PostParams::default(), &serde_json::from_value(definition)?).await?;
    }
    Ok(())
}

/// The Kustomization of an application.
fn kustomization(object: &str, number: usize) -> Outcome<Kustomization> {
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": object, "namespace": NAMESPACE},
        "spec": {
            "interval": "10m", "prune": true, "path": format!("./apps/{}", name(number)),
            "sourceRef": {"kind": "GitRepository", "name": "apps"}, "timeout": "5m",
        },
    });
    Ok(serde_json::from_value(object)?)
}

/// Whether a Kustomization is ready as it is now.
fn is_ready(object: &Kustomization) -> bool {
    let seen = object.status.as_ref().and_then(|status| status.observed_generation);
    seen == object.metadata.generation && object.is_ready()
}

/// Asks again and again until something is so.
async fn until(mut is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome {
    let end = Instant::now() + PATIENCE;
    while !is_so().await? {
        if Instant::now() > end {
            return Err("it takes too long".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
