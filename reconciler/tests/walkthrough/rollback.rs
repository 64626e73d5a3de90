//! Going back to the last healthy revision.

use serde_json::{Value, json};

use crate::features::{deployment, hopeless, map, path_of};
use crate::stage::{Outcome, Stage, condition};

/// The annotation that asks for it.
const ROLLBACK: &str = "kustomize.toolkit.fluxcd.io/rollback";

/// A stage with a Kustomization of this name that is healthy at its first revision, and can be rolled back. Its
/// objects are a Deployment of the same name and a ConfigMap that the next revision may lack.
async fn healthy(namespace: &'static str) -> Outcome<(Stage, String)> {
    let mut stage = Stage::new(namespace).await?;
    let files = [
        ("main/.keep", " "),
        (&*format!("{namespace}/deployment.yaml"), &*deployment(namespace, "nginx:1.27.0")),
        (&*format!("{namespace}/old.yaml"), &*map(&format!("{namespace}-old"), "b")),
    ];
    stage.commit("healthy", &files)?;
    stage.start("main").await?;
    let more = json!({"wait": true, "timeout": "10s", "retryInterval": "1s"});
    stage.create(namespace, &more).await?;
    stage.patch(namespace, &json!({"metadata": {"annotations": {ROLLBACK: "enabled"}}})).await?;
    let revision = stage.revision()?;
    stage.ready(namespace, &revision).await?;
    Ok((stage, revision))
}

/// Commits a revision that never becomes healthy, with another ConfigMap, and lets the reconciler see it.
async fn break_it(stage: &Stage, name: &str, label: &str) -> Outcome<String> {
    let files = [
        (
            &*format!("{name}/deployment.yaml"),
            &*hopeless(name).replace("is: nowhere", &format!("is: {label}")),
        ),
        (&*format!("{name}/old.yaml"), ""),
        (&*format!("{name}/new.yaml"), &*map(&format!("{name}-new"), "b")),
    ];
    stage.commit("broken", &files)?;
    fetch(stage).await?;
    stage.revision()
}

/// Lets the reconciler fetch the repository.
async fn fetch(stage: &Stage) -> Outcome {
    let token = stage.annotate(&stage.source()).await?;
    stage.object_becomes(&stage.source(), |found| found["status"]["lastHandledReconcileAt"] == *token).await
}

async fn end(stage: Stage, name: &str) -> Outcome {
    stage.delete(name).await?;
    stage.disappears(&path_of("deployments", name)).await?;
    stage.delete("main").await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_is_not_healthy_is_rolled_back() -> Outcome {
    let name = "back";
    let (mut stage, first) = healthy(name).await?;
    let old = path_of("configmaps", "back-old");
    let uid = stage.get(&old).await?.unwrap_or_default()["metadata"]["uid"].clone();
    let second = break_it(&stage, name, "nowhere").await?;
    let message = stage.not_ready(name, "RolledBack", "Deployment/default/back").await?;
    let begin = format!("Rolled back to {first}: {second} failed: health check failed after ");
    assert!(message.starts_with(&begin), "{message}");
    let found = stage.kustomization(name).await?;
    assert_eq!(found["status"]["lastAppliedRevision"], *first);
    assert_eq!(found["status"]["lastAttemptedRevision"], *second);
    assert_eq!(found["status"]["inventory"]["entries"].as_array().map(Vec::len), Some(2));
    stage.event(name, |event| event["reason"] == "RolledBack" && event["type"] == "Warning").await?;

    // What only the failed revision has is gone, and what only it lacks was never deleted.
    let deployment_path = path_of("deployments", name);
    let running = stage.get(&deployment_path).await?.unwrap_or_default();
    assert_eq!(running["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:1.27.0");
    assert_eq!(stage.get(&old).await?.unwrap_or_default()["metadata"]["uid"], uid);
    assert!(!stage.exists(&path_of("configmaps", "back-new")).await?);

    // A new process knows of it too: it puts back what others change, and does not try the revision again.
    stage.restart("main", "data").await?;
    stage.change(&old, &json!({"data": {"a": "changed"}})).await?;
    stage.object_becomes(&old, |found| found["data"]["a"] == "b").await?;
    stage.not_ready(name, "RolledBack", &begin).await?;
    let now = stage.get(&deployment_path).await?.unwrap_or_default();
    assert_eq!(now["metadata"]["generation"], running["metadata"]["generation"]);

    // Who asks for it gets another try, which ends like the first.
    stage.request_reconciliation(name).await?;
    stage.not_ready(name, "RolledBack", &begin).await?;
    stage
        .object_becomes(&deployment_path, |found| {
            let generation = |object: &Value| object["metadata"]["generation"].as_i64();
            generation(found) >= generation(&running).map(|known| known + 2)
        })
        .await?;

    // Another revision that is not healthy leads to the same one.
    let third = break_it(&stage, name, "elsewhere").await?;
    stage.not_ready(name, "RolledBack", &format!("Rolled back to {first}: {third} failed: ")).await?;
    // One that is healthy ends it.
    stage.commit("mend it", &[("back/deployment.yaml", &deployment(name, "nginx:1.28.0"))])?;
    fetch(&stage).await?;
    stage.ready(name, &stage.revision()?).await?;
    let found = stage.kustomization(name).await?;
    let types = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
    assert!(types.iter().all(|one| one["type"] != "RolledBack" && one["type"] != "Stalled"), "{types:#?}");
    stage.disappears(&old).await?;
    end(stage, name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_revision_that_is_not_here_is_fetched_once_more() -> Outcome {
    let name = "fetched";
    let (mut stage, first) = healthy(name).await?;
    // Between the two revisions, all data is lost.
    stage.restart("main", "other-data").await?;
    break_it(&stage, name, "nowhere").await?;
    stage.not_ready(name, "RolledBack", &format!("Rolled back to {first}: ")).await?;
    end(stage, name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_revision_that_is_gone_is_named() -> Outcome {
    let name = "gone";
    let (mut stage, first) = healthy(name).await?;
    // Another history, and a reconciler that has not seen the first one.
    stage.commit("broken", &[("gone/deployment.yaml", &hopeless(name))])?;
    stage.git(&["checkout", "-q", "--orphan", "other"])?;
    stage.git(&["commit", "-q", "-m", "broken from the start"])?;
    stage.git(&["branch", "-M", "other", "main"])?;
    stage.git(&["reflog", "expire", "--expire=now", "--all"])?;
    stage.git(&["gc", "-q", "--prune=now"])?;
    stage.restart("main", "other-data").await?;
    let text = format!("not rolled back: the last healthy revision {first} is not available any more: ");
    let message = stage.not_ready(name, "HealthCheckFailed", &text).await?;
    assert!(message.starts_with("health check failed after "), "{message}");
    // Without the annotation, nothing is said of it.
    stage.patch(name, &json!({"metadata": {"annotations": {ROLLBACK: null}}})).await?;
    stage
        .object_becomes(&stage.path_of(name), |found| {
            let ready = condition(found);
            let message = ready["message"].as_str().unwrap_or_default();
            ready["reason"] == "HealthCheckFailed" && !message.contains("rolled back")
        })
        .await?;
    end(stage, name).await
}
