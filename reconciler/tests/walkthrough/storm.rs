//! A cluster that refuses requests, loses its answers, and ends watches: nothing is lost and nothing is made twice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Outcome, Stage, condition};

/// How many requests go wrong before the storm is over.
const ENOUGH: usize = 150;

fn map(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  a: b\n"
    )
}

fn path_of(name: &str) -> String {
    format!("/api/v1/namespaces/default/configmaps/{name}")
}

async fn uid(stage: &Stage, name: &str) -> Outcome<Value> {
    Ok(stage.get(&path_of(name)).await?.ok_or("no object")?["metadata"]["uid"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_in_a_storm() -> Outcome {
    let mut stage = Stage::new("storm").await?;
    if !stage.is_counting() {
        // A real cluster does not refuse requests at random.
        return Ok(());
    }
    let files = [("main/.keep", ""), ("stormy/a.yaml", &map("storm-a")), ("stormy/b.yaml", &map("storm-b"))];
    stage.commit("add files", &files)?;
    stage.start("main").await?;
    let spec = json!({"retryInterval": "1s", "timeout": "30s"});
    stage.create("stormy", &spec).await?;
    stage.ready("stormy", &stage.revision()?).await?;
    let kept = uid(&stage, "storm-a").await?;

    // One object is removed and two are added while two of three requests go wrong.
    stage.storm.is_on.store(true, Ordering::Relaxed);
    stage.git(&["rm", "-q", "stormy/b.yaml"])?;
    stage.commit(
        "in the storm",
        &[("stormy/c.yaml", &*map("storm-c")), ("stormy/d.yaml", &*map("storm-d"))],
    )?;
    stage.annotate(&stage.source()).await?;
    let end = std::time::Instant::now() + Duration::from_secs(120);
    while stage.storm.faults.load(Ordering::Relaxed) < ENOUGH && std::time::Instant::now() < end {
        stage.annotate(&stage.path_of("stormy")).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stage.storm.is_on.store(false, Ordering::Relaxed);

    stage.ready("stormy", &stage.revision()?).await?;
    let faults = stage.storm.faults.load(Ordering::Relaxed);
    assert!(faults >= 20, "only {faults} requests went wrong");
    for name in ["storm-c", "storm-d"] {
        assert!(stage.exists(&path_of(name)).await?, "{name}");
    }
    stage.disappears(&path_of("storm-b")).await?;
    assert_eq!(uid(&stage, "storm-a").await?, kept, "it was made anew");
    let found = stage.kustomization("stormy").await?;
    let mut entries: Vec<&str> = found["status"]["inventory"]["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["id"].as_str())
        .collect();
    entries.sort_unstable();
    let wanted = ["storm-a", "storm-c", "storm-d"].map(|name| format!("default_{name}__ConfigMap"));
    assert_eq!(entries, wanted);

    // What it watches is watched again.
    stage.change(&path_of("storm-c"), &json!({"data": {"a": "changed"}})).await?;
    stage.object_becomes(&path_of("storm-c"), |object| object["data"]["a"] == "b").await?;
    stage.stop().await
}

/// What has failed because the API server was away, or has just started, does not wait for the interval of ten minutes.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_made_up_for_soon() -> Outcome {
    let mut stage = Stage::new("outage").await?;
    if !stage.is_counting() {
        // A real cluster is not out of reach on demand.
        return Ok(());
    }
    stage.commit("add files", &[("main/.keep", ""), ("out/a.yaml", &map("out-a"))])?;
    stage.start("main").await?;
    stage.create("out", &json!({})).await?;
    stage.ready("out", &stage.revision()?).await?;

    stage.commit("in the outage", &[("out/b.yaml", &*map("out-b"))])?;
    stage.annotate(&stage.source()).await?;
    stage.object_becomes(&stage.source(), |found| condition(found)["status"] == "True").await?;
    stage.storm.is_out.store(true, Ordering::Relaxed);
    stage.storm.is_starting.store(true, Ordering::Relaxed);
    stage.annotate(&stage.path_of("out")).await?;
    let unreachable = "the API server cannot be reached: connection refused";
    stage.logged(|line| line["error"].as_str().is_some_and(|error| error.contains(unreachable))).await?;
    stage.storm.is_out.store(false, Ordering::Relaxed);
    stage.not_ready("out", "ReconciliationFailed", "there is a storm").await?;
    stage.storm.is_starting.store(false, Ordering::Relaxed);
    let back = std::time::Instant::now();
    stage.ready("out", &stage.revision()?).await?;
    assert!(back.elapsed() < Duration::from_secs(60), "{:?}", back.elapsed());
    assert!(stage.exists(&path_of("out-b")).await?);
    stage.stop().await
}
