//! Step 11: the objects of a tenant use nothing but what is in its namespace.

use serde_json::{Value, json};

use crate::stage::{Outcome, Stage};

/// The namespace of the platform, and that of the tenant.
const PLATFORM: &str = "platform";
const TEAM: &str = "platform-team";

/// The namespace with the label of tenants, its source, and Kustomizations that go too far in different ways.
fn tenant(url: &str) -> String {
    let kustomization = |name: &str, spec: &str| {
        format!(
            "---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {name}
  namespace: {TEAM}
spec:
  interval: 10m
  retryInterval: 1s
  prune: true
  path: ./team
{spec}"
        )
    };
    let source = "  sourceRef: {kind: GitRepository, name: source}\n";
    let mut text = format!(
        "apiVersion: v1
kind: Namespace
metadata:
  name: {TEAM}
  labels:
    toolkit.fluxcd.io/tenant: team
---
apiVersion: v1
kind: Secret
metadata:
  name: values
  namespace: {TEAM}
stringData:
  one: hidden
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: source
  namespace: {TEAM}
spec:
  interval: 10m
  url: {url}
  ref: {{branch: main}}
"
    );
    text += &kustomization("apps", source);
    text += &kustomization("elsewhere", &source.replace("  source", "  targetNamespace: default\n  source"));
    text += &kustomization(
        "foreign",
        &format!("  sourceRef: {{kind: GitRepository, name: flux-system, namespace: {PLATFORM}}}\n"),
    );
    text += &kustomization(
        "waits",
        &format!("{source}  dependsOn: [{{name: flux-system, namespace: {PLATFORM}}}]\n"),
    );
    text += &kustomization(
        "reads",
        &format!("{source}  postBuild: {{substituteFrom: [{{kind: Secret, name: values}}]}}\n"),
    );
    text += &kustomization(
        "looks",
        &format!(
            "{source}  healthChecks: [{{kind: ConfigMap, name: x, namespace: default, apiVersion: v1}}]\n"
        ),
    );
    text
}

/// What the tenant's account may do: all with ConfigMaps, and nothing with Secrets.
fn rights() -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: team
  namespace: {TEAM}
rules:
- apiGroups: ['']
  resources: [configmaps]
  verbs: ['*']
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: team
  namespace: {TEAM}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: team}}
subjects:
- {{kind: ServiceAccount, name: default, namespace: {TEAM}}}
"
    )
}

/// The condition Ready of a tenant's Kustomization: its status, reason and message.
fn ready(object: &Value) -> [&str; 3] {
    let conditions = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let found = conditions.iter().find(|condition| condition["type"] == "Ready");
    ["status", "reason", "message"]
        .map(|field| found.and_then(|found| found[field].as_str()).unwrap_or_default())
}

fn path_of(name: &str) -> String {
    format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{TEAM}/kustomizations/{name}")
}

/// Waits until a Kustomization of the tenant says that something is refused.
async fn refused(stage: &Stage, name: &str, reason: &str, text: &str) -> Outcome {
    let is_refused = |found: &Value| {
        let [status, found_reason, message] = ready(found);
        status == "False" && found_reason == reason && message.contains(text)
    };
    stage.object_becomes(&path_of(name), is_refused).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_use_what_is_their_own() -> Outcome {
    let mut stage = Stage::new(PLATFORM).await?;
    let url = format!("file://{}", stage.repository().display());
    stage.commit(
        "first commit",
        &[
            ("main/tenant.yaml", &tenant(&url)),
            ("team/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: own\n"),
            ("team/kustomization.yaml", &format!("namespace: {TEAM}\nresources: [map.yaml]\n")),
        ],
    )?;
    stage.start("main").await?;
    stage.ready("main", &stage.revision()?).await?;
    // No Kustomization names an account: the default one of the namespace acts, which may do nothing yet.
    let account = format!("User \"system:serviceaccount:{TEAM}:default\" cannot ");
    refused(&stage, "apps", "ReconciliationFailed", &account).await?;
    stage.commit("give rights", &[("main/rights.yaml", &rights())])?;
    stage.reconcile("main").await?;
    stage.ready("main", &stage.revision()?).await?;
    stage.object_becomes(&path_of("apps"), |found| ready(found)[0] == "True").await?;
    let own = format!("/api/v1/namespaces/{TEAM}/configmaps/own");
    assert!(stage.exists(&own).await?);

    refused(&stage, "elsewhere", "ReconciliationFailed", &account).await?;
    assert!(!stage.exists("/api/v1/namespaces/default/configmaps/own").await?);
    let blocked =
        |object: &str| format!("can't access '{object}', cross-namespace references have been blocked");
    refused(&stage, "foreign", "AccessDenied", &blocked(&format!("GitRepository/{PLATFORM}/flux-system")))
        .await?;
    refused(&stage, "waits", "AccessDenied", &blocked(&format!("Kustomization/{PLATFORM}/flux-system")))
        .await?;
    refused(&stage, "looks", "AccessDenied", &blocked("ConfigMap/default/x")).await?;
    let secret = "substitute from 'Secret/values' error: secrets \"values\" is forbidden: User";
    refused(&stage, "reads", "BuildFailed", secret).await?;
    assert!(!stage.text().contains("hidden"));

    // The owner of what is referred to can allow it.
    let allowed = json!({"metadata": {"annotations": {"toolkit.fluxcd.io/allowed-namespaces": TEAM}}});
    for (path, name) in [(stage.source(), "foreign"), (stage.path_of("main"), "waits")] {
        stage.change(&path, &allowed).await?;
        stage.object_becomes(&path_of(name), |found| ready(found)[0] == "True").await?;
    }

    // Taking the tenant away takes its objects with it.
    stage.commit(
        "take the tenant away",
        &[("main/tenant.yaml", ""), ("main/rights.yaml", ""), ("main/.keep", "x")],
    )?;
    stage.reconcile("main").await?;
    stage.disappears(&own).await?;
    stage.disappears(&path_of("apps")).await?;
    stage.stop().await
}

/// The namespace of the reconciler with the label of tenants, as repositories have it that label everything of a team.
const LABELLED: &str = "apiVersion: v1
kind: Namespace
metadata:
  name: own
  labels:
    toolkit.fluxcd.io/tenant: platform
  annotations:
    kustomize.toolkit.fluxcd.io/prune: disabled
";

#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_of_the_reconciler_is_no_tenants() -> Outcome {
    let mut stage = Stage::new("own").await?;
    stage.commit("first commit", &[("main/namespace.yaml", LABELLED)])?;
    stage.start_with("main", |options| options.own_namespace = Some("own".to_owned())).await?;
    stage.ready("main", &stage.revision()?).await?;
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: of-own\n  namespace: default\n";
    stage.commit("add a map", &[("main/map.yaml", map)])?;
    stage.reconcile("main").await?;
    stage.ready("main", &stage.revision()?).await?;

    // For a reconciler that runs elsewhere, it is a namespace like any other.
    stage.restart_with("main", |options| options.own_namespace = Some("another".to_owned())).await?;
    stage.commit("change the map", &[("main/map.yaml", &format!("{map}data: {{a: b}}\n"))])?;
    stage.reconcile("main").await?;
    let account = "User \"system:serviceaccount:own:default\" cannot ";
    stage.not_ready("main", "ReconciliationFailed", account).await?;
    stage.restart_with("main", |options| options.own_namespace = Some("own".to_owned())).await?;
    stage.ready("main", &stage.revision()?).await?;
    stage.delete("main").await?;
    stage.disappears("/api/v1/namespaces/default/configmaps/of-own").await?;
    stage.stop().await
}
