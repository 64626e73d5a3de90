//! An embedded cluster with given objects in it, for commands that ask one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use embedded_cluster::Cluster;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, Resource, ResourceExt};
use serde_json::{Value, json};

/// Kinds of Flux that the reconciler does not have: group, version, kind, plural.
const FOREIGN: [[&str; 4]; 3] = [
    ["helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"],
    ["source.toolkit.fluxcd.io", "v1", "HelmChart", "helmcharts"],
    ["source.toolkit.fluxcd.io", "v1", "HelmRepository", "helmrepositories"],
];

/// A cluster that listens on a loopback port.
#[derive(Clone)]
pub(crate) struct TestCluster {
    cluster: Cluster,
    client: Client,
    kubeconfig: Arc<Kubeconfig>,
}

/// A kubeconfig that goes away with the cluster.
struct Kubeconfig(PathBuf);

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        // What cannot be removed is in the directory for temporary files.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn text(failure: impl std::fmt::Display) -> String {
    failure.to_string()
}

impl TestCluster {
    /// Starts a cluster with Flux's kinds and the objects of these manifests, status included.
    pub(crate) async fn start(manifests: &[String]) -> Result<Self, String> {
        let cluster = Cluster::in_memory();
        let server = cluster.listen(([127, 0, 0, 1], 0).into()).await.map_err(text)?;
        let name = format!("flux-cases-{}-{}.kubeconfig", std::process::id(), server.address().port());
        let kubeconfig = Kubeconfig(std::env::temp_dir().join(name));
        std::fs::write(&kubeconfig.0, server.kubeconfig()).map_err(text)?;
        let client = Client::new(cluster.service(), "default");
        let started = TestCluster { cluster, client, kubeconfig: Arc::new(kubeconfig) };
        for crd in reconciler_api::crds() {
            started.create(&serde_json::to_value(crd).map_err(text)?).await?;
        }
        for [group, version, kind, plural] in FOREIGN {
            started.create(&open_definition(group, version, kind, plural)).await?;
        }
        for manifest in manifests {
            for document in serde_yaml::Deserializer::from_str(manifest) {
                let object: Value = serde::Deserialize::deserialize(document).map_err(text)?;
                if !object.is_null() {
                    started.create(&object).await?;
                }
            }
        }
        Ok(started)
    }

    /// The file that leads to the cluster.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig.0
    }

    /// Ends the cluster.
    pub(crate) fn shutdown(self) {
        self.cluster.shutdown();
    }

    async fn create(&self, object: &Value) -> Result<(), String> {
        let parsed: DynamicObject = serde_json::from_value(object.clone()).map_err(text)?;
        let types = parsed.types.clone().ok_or("an object without a kind")?;
        let kind = GroupVersionKind::try_from(&types).map_err(text)?;
        let resource =
            match FOREIGN.iter().find(|[group, _, name, _]| *group == kind.group && *name == kind.kind) {
                Some([.., plural]) => ApiResource::from_gvk_with_plural(&kind, plural),
                None => ApiResource::from_gvk(&kind),
            };
        let api: Api<DynamicObject> = match parsed.meta().namespace.as_deref() {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let name = parsed.name_any();
        let failed = |failure: kube::Error| format!("{} {name}: {failure}", kind.kind);
        let apply = PatchParams::apply("kustomize-controller").force();
        // As Flux's tests do it, so that fields belong to who would have applied them.
        api.patch(&name, &apply, &Patch::Apply(&parsed)).await.map_err(failed)?;
        if let Some(status) = object.get("status").filter(|status| status.is_object()) {
            let patch = json!({"status": status});
            api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Does what Flux's test of `create source git` does in place of the controller: the repository that is
    /// created becomes ready, or not, as the name of the test says.
    pub(crate) async fn play_source_controller(self, test: String) {
        let condition = |type_: &str, status: &str, message: &str, generation: i64| {
            json!({"type": type_, "status": status, "reason": "Test", "message": message,
                "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let resource =
            ApiResource::from_gvk(&GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", "GitRepository"));
        if !test.contains("TestCreateSourceGit/") {
            return;
        }
        let all: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        loop {
            let found = all.list(&Default::default()).await.map(|list| list.items).unwrap_or_default();
            let Some(found) = found.into_iter().find(|object| object.name_any() == "podinfo") else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let generation = found.metadata.generation.unwrap_or_default();
            let mut status = match test.ends_with("/Failed") {
                true => json!({"conditions": [
                    condition("Stalled", "True", "failed message", generation),
                    condition("Ready", "False", "failed message", generation),
                ]}),
                false => json!({"conditions": [condition("Ready", "True", "succeeded message", generation)]}),
            };
            if test.ends_with("/Succeeded") {
                status["artifact"] = json!({"path": "some-path", "revision": "v1", "url": "http://localhost",
                    "digest": "sha256:0", "lastUpdateTime": "2026-01-01T00:00:00Z"});
            }
            status["observedGeneration"] = generation.into();
            let api: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), &found.namespace().unwrap_or_default(), &resource);
            let patch = json!({"status": status});
            let set = api.patch_status("podinfo", &PatchParams::default(), &Patch::Merge(&patch)).await;
            if set.is_ok() {
                return;
            }
        }
    }
}

/// A definition that takes any spec and status.
fn open_definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
            "scope": "Namespaced",
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": open, "status": open},
                }},
            }],
        },
    })
}
