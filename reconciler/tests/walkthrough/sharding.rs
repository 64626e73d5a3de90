//! Several processes that share the work by labels.

use std::time::Duration;

use reconciler::run::Shard;
use serde_json::{Value, json};

use crate::features::{map, path_of};
use crate::stage::{Outcome, Stage};

const KEY: &str = "sharding.fluxcd.io/key";

/// Whether a line of a log is about the work on a Kustomization.
fn is_about(line: &Value, name: &str) -> bool {
    line["controllerKind"] == "Kustomization" && line["name"] == name
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_leave_each_other_alone() -> Outcome {
    let mut stage = Stage::new("shards").await?;
    let files = [
        ("main/.keep", " "),
        ("rest/map.yaml", &*map("shard-rest", "first")),
        ("one/map.yaml", &*map("shard-one", "first")),
    ];
    stage.commit("first", &files)?;
    let rest = Shard::of_labels("!sharding.fluxcd.io/key")?;
    let one = Shard::of_labels("sharding.fluxcd.io/key=one")?;
    // The source belongs to the process without a key, which serves no artifacts at first.
    stage.start_with("main", |options| options.shard = rest.clone()).await?;
    stage.start_another("one", |options| options.shard = one).await?;
    stage.create("rest", &json!({})).await?;
    stage.create("one", &json!({})).await?;
    stage.patch("one", &json!({"metadata": {"labels": {KEY: "one"}}})).await?;
    stage.ready("rest", &stage.revision()?).await?;
    stage.not_ready("one", "ArtifactFailed", "serves no artifacts: that needs --storage-addr").await?;
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    stage
        .restart_with("main", |options| {
            options.shard = rest;
            options.artifacts = Some(address);
        })
        .await?;
    stage.ready("one", &stage.revision()?).await?;

    // A new revision gets to both, and what others change is put back by whom it belongs to.
    stage.commit(
        "second",
        &[("rest/map.yaml", &*map("shard-rest", "second")), ("one/map.yaml", &*map("shard-one", "second"))],
    )?;
    let token = stage.annotate(&stage.source()).await?;
    stage
        .object_becomes(&stage.source(), |found| found["status"]["lastHandledReconcileAt"] == *token)
        .await?;
    for name in ["rest", "one"] {
        stage.ready(name, &stage.revision()?).await?;
        let path = path_of("configmaps", &format!("shard-{name}"));
        stage.change(&path, &json!({"data": {"a": "changed"}})).await?;
        stage.object_becomes(&path, |found| found["data"]["a"] == "second").await?;
    }
    let (log, other) = (stage.text(), stage.text_of_another());
    let lines =
        |text: &str| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>();
    let applied = |line: &Value| line["msg"] == "server-side apply completed";
    assert!(lines(&log).iter().any(|line| is_about(line, "rest") && applied(line)), "{log}");
    assert!(lines(&other).iter().any(|line| is_about(line, "one") && applied(line)), "{other}");
    assert!(
        !lines(&other).iter().any(|line| is_about(line, "rest") || is_about(line, "flux-system")),
        "{other}"
    );
    // The label came after the Kustomization: the first process may have tried it before, and never again.
    let second = stage.revision()?;
    assert!(!lines(&log).iter().any(|line| is_about(line, "one") && line["revision"] == *second), "{log}");

    // One whose label is changed is taken over as it is.
    let uid =
        stage.get(&path_of("configmaps", "shard-rest")).await?.unwrap_or_default()["metadata"]["uid"].clone();
    stage.patch("rest", &json!({"metadata": {"labels": {KEY: "one"}}})).await?;
    let path = path_of("configmaps", "shard-rest");
    stage.commit("third", &[("rest/map.yaml", &*map("shard-rest", "third"))])?;
    let token = stage.annotate(&stage.source()).await?;
    stage
        .object_becomes(&stage.source(), |found| found["status"]["lastHandledReconcileAt"] == *token)
        .await?;
    stage.ready("rest", &stage.revision()?).await?;
    stage
        .object_becomes(&path, |found| found["data"]["a"] == "third" && found["metadata"]["uid"] == uid)
        .await?;
    let other = stage.text_of_another();
    assert!(lines(&other).iter().any(|line| is_about(line, "rest") && applied(line)), "{other}");
    for name in ["rest", "one"] {
        stage.delete(name).await?;
        stage.disappears(&path_of("configmaps", &format!("shard-{name}"))).await?;
    }
    stage.delete("main").await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_in_another_shard_is_noticed() -> Outcome {
    let mut stage = Stage::new("shard-waits").await?;
    let files = |content: &str| {
        ["before", "after"].map(|name| (format!("{name}/map.yaml"), map(&format!("shard-{name}"), content)))
    };
    stage.commit("first commit", &[("main/.keep", " ")])?;
    let rest = Shard::of_labels("!sharding.fluxcd.io/key")?;
    let one = Shard::of_labels("sharding.fluxcd.io/key=one")?;
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    stage
        .start_with("main", |options| {
            options.shard = rest;
            options.artifacts = Some(address);
        })
        .await?;
    stage.start_another("one", |options| options.shard = one).await?;
    for content in ["first", "second", "third"] {
        let files = files(content);
        stage.commit(content, &files.each_ref().map(|(path, text)| (&**path, &**text)))?;
        stage.look().await?;
        let revision = stage.revision()?;
        if content == "first" {
            stage.create("before", &json!({})).await?;
            stage.patch("before", &json!({"metadata": {"labels": {KEY: "one"}}})).await?;
            stage.ready("before", &revision).await?;
            stage.create("after", &json!({"dependsOn": [{"name": "before"}]})).await?;
        }
        let is_applied = |found: &Value| found["status"]["lastAppliedRevision"] == *revision;
        stage.within(Duration::from_secs(20), &stage.path_of("after"), is_applied).await?;
    }
    for name in ["after", "before", "main"] {
        stage.delete(name).await?;
        stage.disappears(&stage.path_of(name)).await?;
    }
    stage.stop().await
}
