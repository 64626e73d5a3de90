//! GitRepositories with files of others, and with some of their directories.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::stage::{Outcome, Stage};

const MAP: &str = "/api/v1/namespaces/default/configmaps/included";
const LIST: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/include/gitrepositories";

fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: included\n  namespace: default\ndata:\n  a: {text}\n"
    )
}

fn git(directory: &Path, arguments: &[&str]) -> Outcome {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(arguments)
        .output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// Commits a map in another repository.
fn commit(directory: &Path, text: &str) -> Outcome {
    std::fs::create_dir_all(directory.join("deploy/base"))?;
    std::fs::write(directory.join("deploy/base/map.yaml"), map(text))?;
    std::fs::write(directory.join("deploy/picture.png"), "left out")?;
    git(directory, &["add", "--all"])?;
    git(directory, &["commit", "-q", "-m", text])
}

fn condition(found: &Value, type_: &str) -> Value {
    let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == type_).cloned().unwrap_or_default()
}

/// Waits until the GitRepository has failed with a condition.
async fn failed(stage: &Stage, type_: &str, reason: &str, text: &str) -> Outcome {
    stage
        .object_becomes(&stage.source(), |found| {
            let (ready, why) = (condition(found, "Ready"), condition(found, type_));
            ready["status"] == "False"
                && why["status"] == "True"
                && why["reason"] == reason
                && ready["message"] == why["message"]
                && why["message"].as_str().is_some_and(|message| message.contains(text))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_other_repositories() -> Outcome {
    let other = tempfile::tempdir()?;
    git(other.path(), &["init", "-q", "-b", "main"])?;
    commit(other.path(), "first")?;
    let mut stage = Stage::new("include").await?;
    stage.commit(
        "first",
        &[("main/kustomization.yaml", "resources: [vendor/app/map.yaml]\n"), ("docs/a", "a")],
    )?;
    let revision = stage.revision()?;
    stage.start("main").await?;
    stage.not_ready("main", "BuildFailed", "vendor/app").await?;

    let include = |from: &str, to: &str| json!({"spec": {"include": [{"repository": {"name": "other"}, "fromPath": from, "toPath": to}]}});
    stage.patch_source(&include("deploy/base", "main/vendor/app")).await?;
    let message = "could not get resource for include 'other': gitrepositories.source.toolkit.fluxcd.io \"other\" not found";
    failed(&stage, "IncludeUnavailable", "NotFound", message).await?;
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "other"},
        "spec": {"url": format!("file://{}", other.path().display()), "interval": "10m", "ref": {"branch": "main"}},
    });
    stage.post(LIST, &object).await?;
    // Nobody has to ask.
    stage.ready("main", &revision).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;
    let digest = |found: &Value| found["status"]["artifact"]["digest"].clone();
    let found = stage.get(&stage.source()).await?.unwrap_or_default();
    let first = digest(&found);
    assert_eq!(found["status"]["observedInclude"][0]["toPath"], "main/vendor/app");
    let included = &found["status"]["includedArtifacts"][0];
    let own = stage.get(&format!("{LIST}/other")).await?.unwrap_or_default();
    assert_eq!(included["revision"], own["status"]["artifact"]["revision"]);
    assert_eq!(included["digest"], own["status"]["artifact"]["digest"]);

    // What changes there changes here.
    commit(other.path(), "second")?;
    stage.annotate(&format!("{LIST}/other")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;
    stage.object_becomes(&stage.source(), |found| digest(found) != first).await?;

    for (from, to, text) in [
        (
            "deploy/base",
            "main",
            "failed to copy 'other' include from deploy/base to main: 'main' exists already",
        ),
        ("deploy/base", "docs/a/b", "'a' is not a directory"),
        ("deploy/base", ".git/hooks", "'.git' is not a name for files"),
        ("deploy/base", "..", "the root of the repository is not empty"),
        ("nowhere", "new", "failed to copy 'other' include from nowhere to new"),
        ("deploy/picture.png", "new", "failed to copy 'other' include from deploy/picture.png to new"),
    ] {
        stage.patch_source(&include(from, to)).await?;
        failed(&stage, "StorageOperationFailed", "CopyFailure", text).await?;
    }
    // Neither directly nor by way of others.
    let back = json!({"spec": {"include": [{"repository": {"name": "flux-system"}}]}});
    stage.change(&format!("{LIST}/other"), &back).await?;
    stage.patch_source(&include("deploy/base", "main/vendor/app")).await?;
    failed(&stage, "IncludeUnavailable", "InvalidSpec", "leads back to this repository").await?;
    stage.remove(MAP).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn some_directories() -> Outcome {
    let mut stage = Stage::new("sparse").await?;
    let path = "main/map.yaml";
    stage.commit("first", &[(path, &map("first")), ("other/map.yaml", "a: 1"), ("a", "a")])?;
    let revision = stage.revision()?;
    stage.start("main").await?;
    stage.ready("main", &revision).await?;
    let digest = |found: &Value| found["status"]["artifact"]["digest"].clone();
    let whole = digest(&stage.get(&stage.source()).await?.unwrap_or_default());
    stage.patch_source(&json!({"spec": {"sparseCheckout": ["./main", "other"]}})).await?;
    stage
        .object_becomes(&stage.source(), |found| {
            found["status"]["observedSparseCheckout"] == json!(["./main", "other"]) && digest(found) != whole
        })
        .await?;
    stage.ready("main", &revision).await?;
    stage.patch_source(&json!({"spec": {"sparseCheckout": ["other"]}})).await?;
    stage.not_ready("main", "ArtifactFailed", "kustomization path not found").await?;
    stage.patch_source(&json!({"spec": {"sparseCheckout": ["nowhere"]}})).await?;
    let message = "sparse checkout dir 'nowhere' does not exist in repository";
    failed(&stage, "FetchFailed", "GitOperationFailed", message).await?;
    stage.remove(MAP).await?;
    stage.stop().await
}
