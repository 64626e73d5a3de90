//! GitRepositories with submodules.

use serde_json::json;

use crate::stage::{Outcome, Stage};

const MAP: &str = "/api/v1/namespaces/default/configmaps/of-a-submodule";

fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: of-a-submodule\n  namespace: default\ndata:\n  a: {text}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_submodules() -> Outcome {
    let mut stage = Stage::new("submodules").await?;
    let other = stage.repository().join("../library");
    let path = other.display().to_string();
    let git = |arguments: &[&str]| stage.git(&[&["-C", &*path], arguments].concat());
    std::fs::create_dir(&other)?;
    git(&["init", "-q", "-b", "main"])?;
    let library = |text: &str| -> Outcome<String> {
        std::fs::write(other.join("map.yaml"), map(text))?;
        git(&["add", "--all"])?;
        git(&["commit", "-q", "-m", text])?;
        Ok(git(&["rev-parse", "HEAD"])?.trim().to_owned())
    };
    let list = "[submodule \"library\"]\n\tpath = main/library\n\turl = ../library\n";
    let point = |id: &str| -> Outcome {
        let entry = format!("160000,{id},main/library");
        stage.git(&["update-index", "--add", "--cacheinfo", &entry])?;
        stage.git(&["commit", "-q", "-m", "the library"]).map(|_| ())
    };
    stage.commit(
        "first",
        &[("main/kustomization.yaml", "resources: [library/map.yaml]\n"), (".gitmodules", list)],
    )?;
    point(&library("first")?)?;
    let second = library("second")?;
    let revision = stage.revision()?;
    stage.start("main").await?;
    stage.not_ready("main", "BuildFailed", "library").await?;
    let path = stage.source();
    let digest = |found: &serde_json::Value| found["status"]["artifact"]["digest"].clone();
    let before = digest(&stage.get(&path).await?.unwrap_or_default());
    stage.patch_source(&json!({"spec": {"recurseSubmodules": true}})).await?;
    stage
        .object_becomes(&path, |found| {
            found["status"]["observedRecurseSubmodules"] == true && digest(found) != before
        })
        .await?;
    stage.ready("main", &revision).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    let entry = format!("160000,{second},main/library");
    stage.git(&["update-index", "--add", "--cacheinfo", &entry])?;
    stage.git(&["commit", "-q", "-m", "the next library"])?;
    stage.reconcile("main").await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;

    // What is not there any more is not used any more.
    stage.patch_source(&json!({"spec": {"recurseSubmodules": false}})).await?;
    stage.object_becomes(&path, |found| found["status"]["observedRecurseSubmodules"].is_null()).await?;
    stage.reconcile("main").await?;
    stage.not_ready("main", "BuildFailed", "library").await?;
    stage.remove(MAP).await?;
    stage.stop().await
}
