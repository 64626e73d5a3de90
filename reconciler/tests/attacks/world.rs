//! A cluster with a tenant who attacks, and one who has something to lose.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use reconciler::run::RunOptions;
use serde_json::{Value, json};

use crate::stage::{Outcome, Stage, condition};

/// The namespace of the platform.
pub(crate) const PLATFORM: &str = "attacks";
/// The namespace of the tenant who attacks; it is strict.
pub(crate) const ATTACKER: &str = "attacker";
/// The namespace of the other one.
pub(crate) const VICTIM: &str = "victim";

/// What the attacker has: a source, and an account that may do everything with ConfigMaps and read Secrets there.
const TENANTS: &str = "apiVersion: v1
kind: Namespace
metadata: {name: attacker, labels: {toolkit.fluxcd.io/tenant: attacker}}
---
apiVersion: v1
kind: Namespace
metadata: {name: victim, labels: {toolkit.fluxcd.io/tenant: victim}}
---
apiVersion: v1
kind: Secret
metadata: {name: treasure, namespace: victim, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: attacker, namespace: attacker}
rules:
- {apiGroups: [''], resources: [configmaps], verbs: ['*']}
- {apiGroups: [''], resources: [secrets], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: attacker, namespace: attacker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: attacker}
subjects: [{kind: ServiceAccount, name: default, namespace: attacker}]
";

/// How long it may take until nothing is left of a test.
const CLEARING: Duration = Duration::from_secs(120);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The stage with both tenants.
pub(crate) struct World {
    pub(crate) stage: Stage,
}

/// A Kustomization of the attacker, with the directory `attack` unless the spec says otherwise.
pub(crate) fn kustomization(name: &str, more: Value) -> Value {
    let mut spec = json!({
        "interval": "10m", "retryInterval": "1s", "prune": true, "path": "./attack",
        "sourceRef": {"kind": "GitRepository", "name": "source"},
    });
    if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
        spec.extend(more.clone());
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": ATTACKER}, "spec": spec,
    })
}

/// The path of objects of a kind.
fn collection(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/kind").to_lowercase();
    let plural = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |start| format!("{start}ies"));
    format!("/apis/{}/namespaces/{}/{plural}", text("/apiVersion"), text("/metadata/namespace"))
}

/// Removes from a cluster that tests share what this test or one that failed has left. No reconciler runs, so whatever
/// waits for one to let it go would wait for ever, and its namespace with it.
async fn clear(stage: &Stage) -> Outcome {
    if std::env::var_os("KUBECONFIG").is_none() {
        return Ok(());
    }
    let owned = "labelSelector=kustomize.toolkit.fluxcd.io/namespace%3Dattacks";
    stage.remove(&format!("/api/v1/namespaces/default/configmaps?{owned}")).await?;
    let namespaces = [PLATFORM, ATTACKER, VICTIM];
    for namespace in namespaces {
        stage.remove(&format!("/api/v1/namespaces/{namespace}")).await?;
    }
    let end = Instant::now() + CLEARING;
    for namespace in namespaces {
        while stage.exists(&format!("/api/v1/namespaces/{namespace}")).await? {
            let_go(stage, namespace).await?;
            if Instant::now() > end {
                return Err(format!("the namespace {namespace} is still there").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Takes the finalizers away from all objects of a namespace that have a controller.
async fn let_go(stage: &Stage, namespace: &str) -> Outcome {
    for crd in reconciler_api::crds() {
        let (group, plural) = (&crd.spec.group, &crd.spec.names.plural);
        let version =
            crd.spec.versions.iter().find(|version| version.storage).map_or("v1", |version| &version.name);
        let path = format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}");
        let list = stage.get(&path).await?.unwrap_or_default();
        for object in list["items"].as_array().into_iter().flatten() {
            if object["metadata"]["finalizers"].is_array() {
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or_default());
                stage.change(&path, &json!({"metadata": {"finalizers": null}})).await?;
            }
        }
    }
    Ok(())
}

impl World {
    /// Both tenants, and these files in the attacker's repository.
    pub(crate) async fn new(files: &[(&str, &str)]) -> Outcome<Self> {
        World::with(files, |_| {}).await
    }

    /// The same, with other options of the reconciler.
    pub(crate) async fn with(files: &[(&str, &str)], change: impl FnOnce(&mut RunOptions)) -> Outcome<Self> {
        let mut stage = Stage::new(PLATFORM).await?;
        clear(&stage).await?;
        let source = format!(
            "---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: source, namespace: {ATTACKER}}}
spec: {{interval: 10m, url: 'file://{}', ref: {{branch: main}}}}
",
            stage.repository().display()
        );
        let tenants = format!("{TENANTS}{source}");
        let mut all = vec![("main/tenants.yaml", tenants.as_str())];
        all.extend(files);
        stage.commit("first commit", &all)?;
        let change = |options: &mut RunOptions| {
            // Listeners of tests are on this machine.
            options.allow_tenant_loopback = true;
            change(options);
        };
        stage.start_with("main", change).await?;
        stage.ready("main", &stage.revision()?).await?;
        Ok(World { stage })
    }

    /// Where the repository is.
    pub(crate) fn directory(&self) -> PathBuf {
        let repository = self.stage.repository();
        repository.parent().map_or_else(|| repository.clone(), PathBuf::from)
    }

    /// Makes an object.
    pub(crate) async fn create(&self, object: &Value) -> Outcome {
        self.stage.post(&collection(object), object).await
    }

    /// The path of an object of the attacker.
    pub(crate) fn path(&self, plural: &str, name: &str) -> String {
        let api = match plural {
            "kustomizations" => "kustomize.toolkit.fluxcd.io/v1",
            "imagepolicies" | "imagerepositories" | "imageupdateautomations" => "image.toolkit.fluxcd.io/v1",
            "receivers" => "notification.toolkit.fluxcd.io/v1",
            "alerts" | "providers" => "notification.toolkit.fluxcd.io/v1beta3",
            _ => "source.toolkit.fluxcd.io/v1",
        };
        format!("/apis/{api}/namespaces/{ATTACKER}/{plural}/{name}")
    }

    /// Lets the attacker's source have the last commit.
    pub(crate) async fn fetch(&self) -> Outcome {
        let path = self.path("gitrepositories", "source");
        self.stage.annotate(&path).await?;
        let revision = self.stage.revision()?;
        self.stage.object_becomes(&path, |found| found["status"]["artifact"]["revision"] == *revision).await
    }

    /// Waits until an object of the attacker is not ready, with a message that has this text.
    pub(crate) async fn refused(&self, plural: &str, name: &str, text: &str) -> Outcome {
        let is_refused = |found: &Value| {
            let ready = condition(found);
            ready["status"] == "False"
                && ready["message"].as_str().is_some_and(|message| message.contains(text))
        };
        self.stage.object_becomes(&self.path(plural, name), is_refused).await
    }

    /// Removes the tenants from the repository, and waits until their namespaces are gone.
    pub(crate) async fn remove_tenants(&self) -> Outcome {
        if !self.stage.repository().join("main/tenants.yaml").exists() {
            return Ok(());
        }
        self.stage.commit("no tenants", &[("main/tenants.yaml", ""), ("main/.keep", "x")])?;
        self.stage.reconcile("main").await?;
        for namespace in [ATTACKER, VICTIM] {
            self.stage.disappears(&format!("/api/v1/namespaces/{namespace}")).await?;
        }
        Ok(())
    }

    /// Ends the reconciler, and leaves nothing on a cluster that others use as well.
    pub(crate) async fn end(mut self) -> Outcome {
        self.stage.end().await?;
        clear(&self.stage).await
    }
}
