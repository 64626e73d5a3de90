//! What Kustomizations can do besides: drift, variables, dependencies, health, accounts, overrides.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use reconciler::environment::Environment;
use serde_json::{Value, json};

use crate::stage::{Outcome, Stage, condition};

/// How soon a drift has to be corrected: long before the interval of ten minutes, on any machine.
const SOON: Duration = Duration::from_secs(60);

pub(crate) fn map(name: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  a: {data}\n"
    )
}

pub(crate) fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: default
spec:
  replicas: 1
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      containers:
      - name: main
        image: {image}
"
    )
}

pub(crate) fn path_of(kind: &str, name: &str) -> String {
    match kind {
        "deployments" => format!("/apis/apps/v1/namespaces/default/deployments/{name}"),
        _ => format!("/api/v1/namespaces/default/{kind}/{name}"),
    }
}

/// A Deployment that never becomes healthy: the embedded cluster fails such an image, and a real one
/// has no such node.
pub(crate) fn hopeless(name: &str) -> String {
    deployment(name, "nginx:broken")
        .replace("      containers:", "      nodeSelector:\n        is: nowhere\n      containers:")
}

/// A stage whose repository has these files, each in the directory of a Kustomization.
async fn stage(namespace: &'static str, files: &[(&str, &str)]) -> Outcome<Stage> {
    let mut stage = Stage::new(namespace).await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    if !files.is_empty() {
        stage.commit("add files", files)?;
    }
    stage.start("main").await?;
    Ok(stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_put_back_at_once() -> Outcome {
    let files = [
        ("main/map.yaml", &*map("drifting", "b")),
        ("main/deployment.yaml", &*deployment("drifting", "nginx:1.27.0")),
    ];
    let stage = stage("drift", &files).await?;
    stage.ready("main", &stage.revision()?).await?;
    let (map, deployment) = (path_of("configmaps", "drifting"), path_of("deployments", "drifting"));
    stage.object_becomes(&deployment, |found| found["status"]["readyReplicas"] == 1).await?;
    stage.settle().await?;

    stage.change(&deployment, &json!({"spec": {"replicas": 4}})).await?;
    stage.within(SOON, &deployment, |found| found["spec"]["replicas"] == 1).await?;
    stage.change(&map, &json!({"data": {"a": "changed", "other": "stays"}})).await?;
    stage.within(SOON, &map, |found| found["data"] == json!({"a": "b", "other": "stays"})).await?;
    stage.remove(&map).await?;
    stage.within(SOON, &map, |found| found["data"] == json!({"a": "b"})).await?;

    // What is not ours is no drift.
    stage.settle().await?;
    let before = stage.requests().len();
    stage.change(&map, &json!({"data": {"more": "stays"}})).await?;
    stage.change(&deployment, &json!({"metadata": {"annotations": {"note": "x"}}})).await?;
    stage.settle().await?;
    let requests = stage.requests().split_off(before);
    assert!(requests.is_empty(), "{requests:#?}");
    stage.delete("main").await?;
    stage.disappears(&map).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_few() -> Outcome {
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: few\n  namespace: default\nspec:\n  selector:\n    app: few\n  ports:\n  - port: 80\n";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: few\n  namespace: default\n";
    let files = [
        ("few/map.yaml", &*map("few", "b")),
        ("few/deployment.yaml", &*deployment("few", "nginx:1.27.0")),
        ("few/service.yaml", service),
        ("few/account.yaml", account),
    ];
    let stage = stage("requests", &files).await?;
    stage.ready("main", &stage.revision()?).await?;
    stage.settle().await?;
    let count = |from: usize| {
        let mut requests = stage.requests().split_off(from);
        // Watches and discovery are there once for all Kustomizations.
        requests.retain(|request| {
            !request.contains("watch=") && !request.contains("limit=") && request.matches('/').count() > 3
        });
        requests
    };
    let start = stage.requests().len();
    stage.create("few", &json!({"interval": "10m"})).await?;
    stage.ready("few", &stage.revision()?).await?;
    stage.settle().await?;
    let first = count(start);
    assert_eq!(stage.is_counting(), !first.is_empty());
    assert!(first.len() <= 12, "{first:#?}");

    // The interval asks for nothing once the watches have shown what was applied.
    stage.patch("few", &json!({"spec": {"interval": "1s"}})).await?;
    let mut idle = Vec::new();
    for _ in 0..20 {
        let start = stage.requests().len();
        tokio::time::sleep(Duration::from_millis(2500)).await;
        idle = count(start);
        if idle.is_empty() {
            break;
        }
    }
    assert!(idle.is_empty(), "{idle:#?}");

    let start = stage.requests().len();
    stage.request_reconciliation("few").await?;
    stage.settle().await?;
    let again = count(start);
    assert!(again.len() <= 1, "{again:#?}");

    // A commit that changes nothing here.
    let start = stage.requests().len();
    stage.commit("elsewhere", &[("main/other.yaml", &map("elsewhere", "b"))])?;
    stage.reconcile("main").await?;
    stage.ready("few", &stage.revision()?).await?;
    stage.settle().await?;
    let elsewhere: Vec<String> = count(start).into_iter().filter(|request| request.contains("few")).collect();
    assert!(elsewhere.len() <= 1, "{elsewhere:#?}");
    stage.delete("few").await?;
    stage.delete("main").await?;
    stage.disappears(&path_of("configmaps", "few")).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_the_spec_and_from_objects() -> Outcome {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: filled\n  namespace: default\ndata:\n  a: ${one}-${two}-${three:=default}\n";
    let stage = stage("variables", &[("vars/map.yaml", text)]).await?;
    let values = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "values"}, "data": {"one": "1", "two": "2"}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "values"}, "data": {"two": "dmVpbGVk"}});
    let from = |name: &str| {
        json!({"postBuild": {"substitute": {"one": "first"}, "substituteFrom": [
            {"kind": "ConfigMap", "name": "values"}, {"kind": "Secret", "name": name},
            {"kind": "Secret", "name": "absent", "optional": true},
        ]}})
    };
    stage.add("configmaps", &values).await?;
    stage.add("secrets", &secret).await?;
    stage.create("vars", &from("missing")).await?;
    let message = stage.not_ready("vars", "BuildFailed", "missing").await?;
    assert_eq!(
        message,
        "post build failed: substitute from 'Secret/missing' error: secrets \"missing\" not found"
    );
    stage.patch("vars", &json!({"spec": from("values")})).await?;
    stage.ready("vars", &stage.revision()?).await?;
    let path = path_of("configmaps", "filled");
    stage.object_becomes(&path, |found| found["data"]["a"] == "first-veiled-default").await?;

    // With a label, a change is noticed at once.
    let secrets = "/api/v1/namespaces/variables/secrets/values";
    let label = json!({"metadata": {"labels": {"reconcile.fluxcd.io/watch": "Enabled"}}});
    stage.change(secrets, &label).await?;
    stage.change(secrets, &json!({"data": {"two": "b3Blbg=="}})).await?;
    stage.object_becomes(&path, |found| found["data"]["a"] == "first-open-default").await?;
    stage.remove(secrets).await?;
    stage.not_ready("vars", "BuildFailed", "values").await?;
    let labels = &label["metadata"]["labels"];
    let metadata = json!({"name": "values", "labels": labels});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"two": "bmV3"}});
    stage.add("secrets", &secret).await?;
    stage.object_becomes(&path, |found| found["data"]["a"] == "first-new-default").await?;
    let path_of_values = "/api/v1/namespaces/variables/configmaps/values";
    stage.change(path_of_values, &label).await?;
    stage.remove(path_of_values).await?;
    stage.not_ready("vars", "BuildFailed", "'ConfigMap/values'").await?;
    let mut values = values;
    values["metadata"]["labels"] = labels.clone();
    stage.add("configmaps", &values).await?;
    stage.ready("vars", &stage.revision()?).await?;

    stage.commit("use an unknown variable", &[("vars/map.yaml", &text.replace("${two}", "${tow}"))])?;
    stage.reconcile("vars").await?;
    let message = stage.not_ready("vars", "BuildFailed", "tow").await?;
    assert_eq!(
        message,
        "post build failed for 'ConfigMap.v1.[noGrp]/filled': envsubst error: variable substitution failed: variable not set (strict mode): \"tow\" (vars/map.yaml:7)"
    );
    stage.delete("vars").await?;
    stage.disappears(&path).await?;
    stage.delete("main").await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_dependencies_are_waited_for() -> Outcome {
    let files = [("first/deployment.yaml", &*hopeless("first")), ("second/map.yaml", &*map("second", "b"))];
    let stage = stage("health", &files).await?;
    stage.create("second", &json!({"dependsOn": [{"name": "first", "readyExpr": "dep.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"}]})).await?;
    let message = stage.not_ready("second", "DependencyNotReady", "first").await?;
    assert_eq!(message, "dependency 'health/first' not found");
    stage.create("first", &json!({"wait": true, "timeout": "2m"})).await?;
    stage.object_becomes(&path_of("deployments", "first"), |_| true).await?;
    assert!(!stage.exists(&path_of("configmaps", "second")).await?);
    // The next commit does not have to wait until the time is over.
    stage.commit("mend it", &[("first/deployment.yaml", &deployment("first", "nginx:1.27.0"))])?;
    stage.reconcile("main").await?;
    stage.ready("first", &stage.revision()?).await?;
    stage.ready("second", &stage.revision()?).await?;
    assert!(stage.exists(&path_of("configmaps", "second")).await?);

    // Two that wait for each other are told so.
    let after = |name: &str| json!({"spec": {"dependsOn": [{"name": name}]}});
    stage.patch("first", &after("second")).await?;
    stage.patch("second", &after("first")).await?;
    stage.commit("change both", &[("second/map.yaml", &map("second", "c"))])?;
    stage.look().await?;
    let message = stage.not_ready("second", "DependencyNotReady", "in turn").await?;
    let wanted = "dependency 'health/first' is not ready; it waits for this one in turn: \
                  health/second → health/first → health/second. Remove one of these from spec.dependsOn";
    assert_eq!(message, wanted);
    // They do not wake each other all the time.
    stage.settle().await?;
    let waits = |stage: &Stage| stage.text().matches("waits for this one in turn").count();
    let before = waits(&stage);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(waits(&stage), before);
    stage.patch("first", &json!({"spec": {"dependsOn": null}})).await?;
    stage.ready("second", &stage.revision()?).await?;

    stage.patch("first", &json!({"spec": {"timeout": "1s"}})).await?;
    stage.commit("break it", &[("first/deployment.yaml", &hopeless("first"))])?;
    stage.reconcile("main").await?;
    let message = stage.not_ready("first", "HealthCheckFailed", "Deployment/default/first").await?;
    assert!(message.starts_with("health check failed after "), "{message}");
    for name in ["first", "second", "main"] {
        stage.delete(name).await?;
    }
    stage.disappears(&path_of("deployments", "first")).await?;
    stage.disappears(&path_of("configmaps", "second")).await?;
    stage.stop().await
}

/// A dependency becomes ready while its dependent, which has seen it before, says that it waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_is_ready_meanwhile_is_noticed() -> Outcome {
    let files = [("after/map.yaml", &*map("after", "first")), ("before/map.yaml", &*map("before", "first"))];
    let stage = stage("meanwhile", &files).await?;
    stage.create("before", &json!({})).await?;
    stage.create("after", &json!({"dependsOn": [{"name": "before"}]})).await?;
    stage.ready("after", &stage.revision()?).await?;
    let path = stage.path_of("after");
    stage.delay(Some(format!("{path}/status")));
    for content in ["second", "third", "fourth"] {
        let files =
            [("before/map.yaml", &*map("before", content)), ("after/map.yaml", &*map("after", content))];
        stage.commit("change both", &files)?;
        stage.look().await?;
        let revision = stage.revision()?;
        let is_applied = |found: &Value| found["status"]["lastAppliedRevision"] == *revision;
        stage.within(Duration::from_secs(20), &path, is_applied).await?;
    }
    stage.delay(None);
    for name in ["after", "before", "main"] {
        stage.delete(name).await?;
        stage.disappears(&stage.path_of(name)).await?;
    }
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_may_do_only_what_it_may() -> Outcome {
    let stage = stage("accounts", &[("tenant/map.yaml", &*map("tenant", "b"))]).await?;
    stage
        .add(
            "serviceaccounts",
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "tenant"}}),
        )
        .await?;
    stage.create("tenant", &json!({"serviceAccountName": "tenant"})).await?;
    let message = stage.not_ready("tenant", "ReconciliationFailed", "forbidden").await?;
    assert!(message.contains("system:serviceaccount:accounts:tenant"), "{message}");
    let path = path_of("configmaps", "tenant");
    assert!(!stage.exists(&path).await?);
    stage.allow("tenant").await?;
    stage.request_reconciliation("tenant").await?;
    stage.ready("tenant", &stage.revision()?).await?;
    assert!(stage.exists(&path).await?);
    stage.delete("tenant").await?;
    stage.disappears(&path).await?;
    stage.delete("main").await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spec_overrides_what_the_directory_has() -> Outcome {
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels:\n- pairs: {from: component}\n";
    let files = [
        ("over/deployment.yaml", &*deployment("web", "nginx:1.27.0")),
        ("component/kustomization.yaml", component),
    ];
    let stage = stage("overrides", &files).await?;
    let spec = json!({
        "namePrefix": "pre-", "nameSuffix": "-post",
        "images": [{"name": "nginx", "newTag": "1.30.0"}],
        "components": ["../component"],
        "commonMetadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
        "patches": [{"patch": "- op: replace\n  path: /spec/replicas\n  value: 2\n", "target": {"kind": "Deployment"}}],
    });
    stage.create("over", &spec).await?;
    stage.ready("over", &stage.revision()?).await?;
    let path = path_of("deployments", "pre-web-post");
    stage
        .object_becomes(&path, |found| {
            let (labels, spec) = (&found["metadata"]["labels"], &found["spec"]);
            labels["team"] == "a"
                && labels["from"] == "component"
                && found["metadata"]["annotations"]["note"] == "b"
                && spec["replicas"] == 2
                && spec["template"]["spec"]["containers"][0]["image"] == "nginx:1.30.0"
        })
        .await?;
    // A selector cannot be changed: only force makes it new.
    let other = deployment("web", "nginx:1.27.0").replace("app: web", "app: other");
    stage.commit("another selector", &[("over/deployment.yaml", &other)])?;
    stage.reconcile("over").await?;
    let message = stage.not_ready("over", "ReconciliationFailed", "immutable").await?;
    assert!(message.starts_with("Deployment/default/pre-web-post dry-run failed (Invalid): "), "{message}");
    stage.patch("over", &json!({"spec": {"force": true}})).await?;
    stage.ready("over", &stage.revision()?).await?;
    stage.object_becomes(&path, |found| found["spec"]["selector"]["matchLabels"]["app"] == "other").await?;

    stage.patch("over", &json!({"spec": {"path": "./ovre"}})).await?;
    let message = stage.not_ready("over", "ArtifactFailed", "ovre").await?;
    assert_eq!(
        message,
        "kustomization path not found: ./ovre does not exist in the source, did you mean \"./over\"?"
    );
    // What is not deleted with the Kustomization stays.
    stage.patch("over", &json!({"spec": {"path": "./over", "deletionPolicy": "Orphan"}})).await?;
    stage.ready("over", &stage.revision()?).await?;
    stage.delete("over").await?;
    stage.disappears(&stage.path_of("over")).await?;
    assert!(stage.exists(&path).await?);
    stage.remove(&path).await?;
    stage.delete("main").await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_does_not_exist_is_named() -> Outcome {
    let stage = stage("branches", &[]).await?;
    stage.ready("main", &stage.revision()?).await?;
    stage.patch_source(&json!({"spec": {"ref": {"branch": "mian"}}})).await?;
    let has =
        |found: &Value| found["status"]["conditions"].to_string().contains("did you mean \\\"main\\\"?");
    stage.object_becomes(&stage.source(), has).await?;
    let found = stage.get(&stage.source()).await?.unwrap_or_default();
    let ready = found["status"]["conditions"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["type"] == "Ready"))
        .cloned();
    let ready = ready.unwrap_or_default();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("GitOperationFailed")));
    // History that was rewritten is followed.
    stage.patch_source(&json!({"spec": {"ref": {"branch": "main"}}})).await?;
    stage.amend(&[("main/map.yaml", &map("amended", "b"))])?;
    stage.reconcile("main").await?;
    stage.ready("main", &stage.revision()?).await?;
    assert!(stage.exists(&path_of("configmaps", "amended")).await?);
    stage.delete("main").await?;
    stage.disappears(&path_of("configmaps", "amended")).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_leaves_out_is_not_applied() -> Outcome {
    let files = [
        ("parts/one.yaml", &*map("one", "b")),
        ("parts/two.yaml", &*map("two", "b")),
        ("parts/.sourceignore", "two.yaml\n"),
    ];
    let stage = stage("ignore", &files).await?;
    stage.create("parts", &json!({})).await?;
    stage.ready("parts", &stage.revision()?).await?;
    let (one, two) = (path_of("configmaps", "one"), path_of("configmaps", "two"));
    assert!(stage.exists(&one).await? && !stage.exists(&two).await?);
    // The commit is the same, but other files of it count.
    stage.patch_source(&json!({"spec": {"ignore": "one.yaml\n!two.yaml\n"}})).await?;
    stage.disappears(&one).await?;
    stage.object_becomes(&two, |found| found["data"]["a"] == "b").await?;
    stage.delete("parts").await?;
    stage.disappears(&two).await?;
    // On a cluster that stays, the next run finds the source as it was.
    stage.patch_source(&json!({"spec": {"ignore": null}})).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_was_applied_before() -> Outcome {
    let stage = stage("history", &[("told/map.yaml", &*map("told", "b"))]).await?;
    stage.create("told", &json!({})).await?;
    let first = stage.revision()?;
    stage.ready("told", &first).await?;
    stage.commit("change it", &[("told/map.yaml", &*map("told", "c"))])?;
    stage.reconcile("told").await?;
    let second = stage.revision()?;
    stage.ready("told", &second).await?;
    let told = |found: &Value| -> Vec<(Value, Value)> {
        let history = found["status"]["history"].as_array().into_iter().flatten();
        history
            .map(|one| (one["metadata"]["revision"].clone(), one["lastReconciledStatus"].clone()))
            .collect()
    };
    let found = stage.kustomization("told").await?;
    let reason = json!("ReconciliationSucceeded");
    assert_eq!(told(&found), [(json!(second), reason.clone()), (json!(first), reason.clone())]);
    let history = &found["status"]["history"];
    assert_ne!(history[0]["digest"], history[1]["digest"]);

    // What was applied before comes back to the front.
    stage.commit("change it back", &[("told/map.yaml", &*map("told", "b"))])?;
    stage.reconcile("told").await?;
    let third = stage.revision()?;
    stage.ready("told", &third).await?;
    let found = stage.kustomization("told").await?;
    assert_eq!(told(&found), [(json!(third), reason.clone()), (json!(second), reason)]);
    assert_eq!(found["status"]["history"][0]["firstReconciled"], history[1]["firstReconciled"]);
    stage.delete("told").await?;
    stage.disappears(&path_of("configmaps", "told")).await?;
    stage.stop().await
}

/// Flux ignores fields that do not exist, and so do we; but it is said, with the line.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_does_not_exist_is_reported() -> Outcome {
    let file = "resources: [map.yaml]\nimages:\n- name: nginx\n  newTga: 1.2.3\n";
    let files = [("typo/kustomization.yaml", file), ("typo/map.yaml", &*map("typo", "b"))];
    let stage = stage("typo", &files).await?;
    stage.create("typo", &json!({})).await?;
    stage.ready("typo", &stage.revision()?).await?;
    let message =
        "typo/kustomization.yaml:4: unknown field `newTga` in `images[0]` is ignored; did you mean `newTag`?";
    stage.event("typo", |event| event["reason"] == "UnknownField" && event["message"] == message).await?;
    stage.delete("typo").await?;
    stage.disappears(&path_of("configmaps", "typo")).await?;
    stage.stop().await
}

/// Time comes from outside: status, events and the log have no other.
#[tokio::test(flavor = "multi_thread")]
async fn time_is_given() -> Outcome {
    const NOW: &str = "2031-02-03T04:05:06Z";

    let now: Timestamp = NOW.parse()?;
    let mut stage = Stage::new("clock").await?;
    stage.commit("first commit", &[("main/map.yaml", &*map("clock", "b"))])?;
    let environment = Environment::new(move || now, || 0.5);
    stage.start_with("main", |options| options.environment = environment).await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    let found = stage.kustomization("flux-system").await?;
    assert_eq!(condition(&found)["lastTransitionTime"], NOW);
    assert_eq!(found["status"]["history"][0]["lastReconciled"], NOW);
    // The source has the same name, and its event the same time.
    for kind in ["GitRepository", "Kustomization"] {
        stage.event_about(kind, "flux-system", |event| event["firstTimestamp"] == NOW).await?;
    }
    for line in stage.text().lines() {
        let line: Value = serde_json::from_str(line)?;
        assert_eq!(line["ts"], "2031-02-03T04:05:06.000Z", "{line}");
    }
    stage.stop().await
}

/// Whoever sees a new revision in the status of the source and asks for a reconciliation gets that revision,
/// even while the reconciler itself still waits for the cluster to answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_gets_the_revision_that_the_source_shows() -> Outcome {
    let stage = stage("request", &[("asked/map.yaml", &*map("asked", "b"))]).await?;
    stage.create("asked", &json!({})).await?;
    stage.ready("asked", &stage.revision()?).await?;
    stage.is_slow.store(true, std::sync::atomic::Ordering::Relaxed);
    stage.commit("change it", &[("asked/map.yaml", &*map("asked", "c"))])?;
    stage.reconcile("asked").await?;
    let found = stage.kustomization("asked").await?;
    assert_eq!(found["status"]["lastAppliedRevision"], stage.revision()?);
    stage.delete("asked").await?;
    stage.disappears(&path_of("configmaps", "asked")).await?;
    stage.stop().await
}

/// What is gone has left the inventory even if the rest does not become healthy: it is not deleted at each attempt.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_pruned_is_not_pruned_again() -> Outcome {
    let both = format!("{}---\n{}", map("kept", "done"), map("dropped", "done"));
    let stage = stage("pruned", &[("maps/maps.yaml", &*both)]).await?;
    let check = json!({"apiVersion": "v1", "kind": "ConfigMap", "current": "data.a == 'done'"});
    let spec = json!({"wait": true, "timeout": "1s", "retryInterval": "1s", "healthCheckExprs": [check]});
    stage.create("maps", &spec).await?;
    stage.ready("maps", &stage.revision()?).await?;
    stage.commit("drop one, and break the other", &[("maps/maps.yaml", &*map("kept", "waiting"))])?;
    stage.reconcile("maps").await?;
    stage.not_ready("maps", "HealthCheckFailed", "ConfigMap/default/kept status: 'InProgress'").await?;
    stage.disappears(&path_of("configmaps", "dropped")).await?;
    let inventory = &stage.kustomization("maps").await?["status"]["inventory"]["entries"];
    assert_eq!(*inventory, json!([{"id": "default_kept__ConfigMap", "v": "v1"}]));
    let count = |text: &str| stage.text().lines().filter(|line| line.contains(text)).count();
    let attempts = count("Reconciliation failed after ");
    let end = Instant::now() + Duration::from_secs(60);
    while count("Reconciliation failed after ") < attempts + 2 {
        assert!(Instant::now() < end, "{}", stage.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count("ConfigMap/default/dropped deleted"), 1, "{}", stage.text());
    stage.delete("maps").await?;
    stage.disappears(&path_of("configmaps", "kept")).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_say_what_is_healthy() -> Outcome {
    let stage = stage("expressions", &[("checked/map.yaml", &*map("checked", "waiting"))]).await?;
    let spec = |current: &str| {
        let check = json!({"apiVersion": "v1", "kind": "ConfigMap", "current": current});
        json!({"wait": true, "timeout": "2s", "retryInterval": "1s", "healthCheckExprs": [check]})
    };
    stage.create("checked", &spec("data.a == 'done'")).await?;
    stage.not_ready("checked", "HealthCheckFailed", "ConfigMap/default/checked status: 'InProgress'").await?;
    stage.commit("be done", &[("checked/map.yaml", &*map("checked", "done"))])?;
    stage.reconcile("checked").await?;
    stage.ready("checked", &stage.revision()?).await?;

    // Trying again does not make an expression another one.
    stage.patch("checked", &json!({"spec": spec("data.a ==")})).await?;
    let message =
        stage.not_ready("checked", "InvalidCELExpression", "spec.healthCheckExprs[0].current").await?;
    let conditions = stage.kustomization("checked").await?["status"]["conditions"].clone();
    let has = |kind: &str| {
        let mut all = conditions.as_array().into_iter().flatten();
        all.any(|one| one["type"] == kind && one["status"] == "True" && one["message"] == *message)
    };
    assert!(has("Stalled") && !has("Reconciling"), "{conditions:#}");
    stage.patch("checked", &json!({"spec": spec("true")})).await?;
    stage.ready("checked", &stage.revision()?).await?;
    let conditions = stage.kustomization("checked").await?["status"]["conditions"].clone();
    assert_eq!(conditions.as_array().map(Vec::len), Some(1), "{conditions:#}");

    // Nor does a name that nothing has come true by itself.
    let source = json!({"kind": "GitRepository", "name": "flux-sytem"});
    stage.patch("checked", &json!({"spec": {"sourceRef": source}})).await?;
    stage.not_ready("checked", "ArtifactFailed", "not found, did you mean 'flux-system'?").await?;
    let source = json!({"kind": "GitRepository", "name": "flux-system"});
    stage.patch("checked", &json!({"spec": {"sourceRef": source}})).await?;
    stage.ready("checked", &stage.revision()?).await?;
    stage.delete("checked").await?;
    stage.disappears(&path_of("configmaps", "checked")).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_only_reported_where_that_is_asked_for() -> Outcome {
    let files = [("kept/map.yaml", &*map("kept", "b")), ("kept/other.yaml", &*map("other", "b"))];
    let stage = stage("report", &files).await?;
    stage.create("kept", &json!({})).await?;
    stage.ready("kept", &stage.revision()?).await?;
    let annotations = json!({"kustomize.toolkit.fluxcd.io/driftDetection": "warn"});
    stage.patch("kept", &json!({"metadata": {"annotations": annotations}})).await?;
    // The reconciler has seen the annotation once it answers a later one.
    stage.request_reconciliation("kept").await?;
    stage.settle().await?;
    let (path, other) = (path_of("configmaps", "kept"), path_of("configmaps", "other"));
    stage.change(&path, &json!({"data": {"a": "changed"}})).await?;
    let reported = |message: &'static str| {
        move |event: &Value| event["reason"] == "DriftDetected" && event["message"] == message
    };
    stage.event("kept", reported("drift detected:\nConfigMap/default/kept was changed")).await?;
    stage.remove(&other).await?;
    let both = "drift detected:\nConfigMap/default/kept was changed\nConfigMap/default/other is missing";
    stage.event("kept", reported(both)).await?;
    // Asking for a reconciliation does not change that.
    stage.request_reconciliation("kept").await?;
    let found = stage.get(&path).await?.unwrap_or_default();
    assert_eq!(found["data"]["a"], "changed");
    assert!(!stage.exists(&other).await?);

    // A new commit is applied nevertheless, to all objects.
    stage.commit("change it", &[("kept/map.yaml", &*map("kept", "c"))])?;
    stage.reconcile("kept").await?;
    stage.ready("kept", &stage.revision()?).await?;
    stage.object_becomes(&path, |found| found["data"]["a"] == "c").await?;
    stage.object_becomes(&other, |found| found["data"]["a"] == "b").await?;
    stage.delete("kept").await?;
    stage.disappears(&path).await?;
    stage.stop().await
}

/// The namespace that an overlay or the spec sets wins, so that is what is named when it does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_does_not_exist_is_traced_to_who_sets_it() -> Outcome {
    let mut stage = Stage::new("lost-namespaces").await?;
    let overlay = "# staging\nresources:\n- ../base\nnamespace: defailt\n";
    stage.commit(
        "first commit",
        &[
            ("main/.keep", ""),
            ("base/kustomization.yaml", "resources:\n- map.yaml\n"),
            ("base/map.yaml", &map("lost", "b")),
            ("overlay/kustomization.yaml", overlay),
        ],
    )?;
    stage.start("main").await?;
    for (name, spec, place) in [
        ("overlay", json!({}), "overlay/kustomization.yaml:4"),
        (
            "target",
            json!({"path": "./base", "targetNamespace": "defailt"}),
            "spec.targetNamespace of the Kustomization",
        ),
    ] {
        stage.create(name, &spec).await?;
        let message = stage.not_ready(name, "ReconciliationFailed", "defailt").await?;
        let hint = format!("namespace \"defailt\" is set at {place}, did you mean \"default\"?");
        assert!(message.contains(&hint), "{message}");
        stage.delete(name).await?;
    }
    stage.stop().await
}
