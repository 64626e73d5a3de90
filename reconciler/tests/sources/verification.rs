//! GitRepositories whose commits and tags have to be signed.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::{Outcome, Stage};

const MAP: &str = "/api/v1/namespaces/default/configmaps/signed";

fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: signed\n  namespace: default\ndata:\n  a: {text}\n"
    )
}

/// Two keys to sign with, one of which is trusted.
struct Signers {
    directory: TempDir,
}

impl Signers {
    fn new() -> Outcome<Self> {
        let signers = Signers { directory: tempfile::tempdir()? };
        for name in ["trusted", "other"] {
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-f", &signers.path(name)];
            let output = Command::new("ssh-keygen").args(arguments).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
            }
        }
        Ok(signers)
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// A Secret with the trusted key.
    fn secret(&self) -> Outcome<Value> {
        let key = std::fs::read_to_string(self.path("trusted.pub"))?;
        Ok(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
            "stringData": {"key.sshpub": key},
        }))
    }

    /// Has git do something with one of the keys.
    fn git(&self, stage: &Stage, name: &str, arguments: &[&str]) -> Outcome<String> {
        let key = format!("user.signingkey={}", self.path(name));
        stage.git(&[&["-c", "gpg.format=ssh", "-c", &key], arguments].concat())
    }

    /// Commits a map that is signed.
    fn commit(&self, stage: &Stage, name: &str, text: &str) -> Outcome<String> {
        std::fs::write(stage.repository().join("main/map.yaml"), map(text))?;
        stage.git(&["add", "--all"])?;
        self.git(stage, name, &["commit", "-q", "-S", "-m", text])?;
        stage.git(&["rev-parse", "HEAD"])
    }
}

/// A condition of an object.
fn condition(found: &Value, type_: &str) -> Value {
    let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == type_).cloned().unwrap_or_default()
}

/// Waits until the GitRepository is refused; what is offered stays what it was.
async fn refused(stage: &Stage, offered: &str, reason: &str, text: &str) -> Outcome {
    let token = stage.annotate(&stage.source()).await?;
    stage
        .object_becomes(&stage.source(), |found| {
            let (ready, verified) = (condition(found, "Ready"), condition(found, "SourceVerified"));
            found["status"]["lastHandledReconcileAt"] == *token
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
                && ready["status"] == "False"
                && verified["status"] == "False"
                && verified["reason"] == reason
                && ready["message"] == verified["message"]
                && verified["message"].as_str().is_some_and(|message| message.contains(text))
                && found["status"]["artifact"]["revision"] == offered
        })
        .await
}

/// Waits until the GitRepository is verified in a mode, with these words.
async fn verified(stage: &Stage, mode: &str, words: &[&str]) -> Outcome {
    let token = stage.annotate(&stage.source()).await?;
    stage
        .object_becomes(&stage.source(), |found| {
            let verified = condition(found, "SourceVerified");
            let has = |word: &&str| verified["message"].as_str().is_some_and(|text| text.contains(word));
            found["status"]["lastHandledReconcileAt"] == *token
                && condition(found, "Ready")["status"] == "True"
                && verified["status"] == "True"
                && words.iter().all(has)
                && found["status"]["sourceVerificationMode"] == mode
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_commits_are_applied() -> Outcome {
    let signers = Signers::new()?;
    let mut stage = Stage::new("verify").await?;
    stage.commit("unsigned", &[("main/map.yaml", &map("unsigned"))])?;
    let unsigned = stage.revision()?;
    stage.start("main").await?;
    stage.ready("main", &unsigned).await?;

    stage.patch_source(&json!({"spec": {"verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}}})).await?;
    let message = "public keys secret error: secrets \"keys\" not found";
    refused(&stage, &unsigned, "VerificationError", message).await?;
    stage.add("secrets", &signers.secret()?).await?;
    let id = stage.git(&["rev-parse", "HEAD"])?;
    let message =
        format!("signature verification of commit '{id}' failed: unsupported signature type: empty");
    refused(&stage, &unsigned, "InvalidCommitSignature", &message).await?;

    let good = signers.commit(&stage, "trusted", "good")?;
    verified(&stage, "HEAD", &[&format!("- commit '{good}' with key 'SHA256:")]).await?;
    let revision = format!("main@sha1:{good}");
    stage.ready("main", &revision).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "good").await?;

    // Someone else's signature.
    let evil = signers.commit(&stage, "other", "evil")?;
    let message = format!("signature verification of commit '{evil}' failed: unable to verify");
    refused(&stage, &revision, "InvalidCommitSignature", &message).await?;
    // The trusted signature on other files.
    let object = stage.git(&["cat-file", "commit", &good])?;
    let trees = [&good, &evil].map(|id| stage.git(&["rev-parse", &format!("{id}^{{tree}}")]));
    let [good_tree, evil_tree] = trees;
    let path = signers.path("spliced");
    std::fs::write(&path, format!("{}\n", object.replacen(&good_tree?, &evil_tree?, 1)))?;
    let spliced = stage.git(&["hash-object", "-t", "commit", "-w", &path])?;
    stage.git(&["reset", "-q", "--hard", &spliced])?;
    let message = format!("signature verification of commit '{spliced}' failed: unable to verify");
    refused(&stage, &revision, "InvalidCommitSignature", &message).await?;
    // The Kustomization goes on with what was verified.
    stage.request_reconciliation("main").await?;
    stage.ready("main", &revision).await?;
    let found = stage.get(MAP).await?.unwrap_or_default();
    assert_eq!(found["data"]["a"], "good");

    stage.patch_source(&json!({"spec": {"verify": null}})).await?;
    stage
        .object_becomes(&stage.source(), |found| {
            condition(found, "Ready")["status"] == "True"
                && condition(found, "SourceVerified").is_null()
                && found["status"]["sourceVerificationMode"].is_null()
        })
        .await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "evil").await?;
    stage.remove(MAP).await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_tags_are_applied() -> Outcome {
    let signers = Signers::new()?;
    let mut stage = Stage::new("verify-tags").await?;
    stage.commit("unsigned", &[("main/map.yaml", &map("unsigned"))])?;
    let unsigned = stage.revision()?;
    stage.start("main").await?;
    stage.ready("main", &unsigned).await?;
    stage.add("secrets", &signers.secret()?).await?;

    let verify = |mode: &str| json!({"spec": {"verify": {"mode": mode, "secretRef": {"name": "keys"}}}});
    stage.patch_source(&verify("Tag")).await?;
    let message = "cannot verify tag object's signature if a tag reference is not specified";
    refused(&stage, &unsigned, "InvalidVerificationMode", message).await?;

    signers.git(&stage, "trusted", &["tag", "-s", "-m", "one", "v1.0.0"])?;
    stage.patch_source(&json!({"spec": {"ref": {"branch": null, "tag": "v1.0.0"}}})).await?;
    let tag = stage.git(&["rev-parse", "v1.0.0"])?;
    verified(&stage, "Tag", &[&format!("- tag 'v1.0.0@{tag}' with key 'SHA256:")]).await?;
    let revision = unsigned.replacen("main@", "v1.0.0@", 1);
    stage.ready("main", &revision).await?;

    // The commit as well.
    stage.patch_source(&verify("TagAndHEAD")).await?;
    refused(&stage, &revision, "InvalidCommitSignature", "unsupported signature type: empty").await?;
    let good = signers.commit(&stage, "trusted", "good")?;
    signers.git(&stage, "trusted", &["tag", "-s", "-m", "two", "v2.0.0"])?;
    stage.patch_source(&json!({"spec": {"ref": {"tag": "v2.0.0"}}})).await?;
    verified(&stage, "TagAndHEAD", &["- tag 'v2.0.0@", &format!("- commit '{good}' with key 'SHA256:")])
        .await?;
    let revision = format!("v2.0.0@sha1:{good}");
    stage.ready("main", &revision).await?;

    // A tag that is a mere name, one without a signature, an old one under a new name, and someone else's.
    stage.git(&["tag", "v3.0.0"])?;
    stage.patch_source(&json!({"spec": {"ref": {"tag": "v3.0.0"}}})).await?;
    let message = "cannot verify signature of tag 'v3.0.0' since it is not signed";
    refused(&stage, &revision, "InvalidGitObject", message).await?;
    stage.git(&["tag", "-f", "-m", "three", "v3.0.0"])?;
    refused(&stage, &revision, "InvalidGitObject", "since it is not signed").await?;
    stage.git(&["update-ref", "refs/tags/v3.0.0", "refs/tags/v2.0.0"])?;
    refused(&stage, &revision, "InvalidTagSignature", "it is signed as the tag 'v2.0.0'").await?;
    signers.git(&stage, "other", &["tag", "-f", "-s", "-m", "three", "v3.0.0"])?;
    refused(&stage, &revision, "InvalidTagSignature", "unable to verify Git tag SSH signature").await?;
    // Of the same commit, a tag that is replaced is looked at again.
    signers.git(&stage, "trusted", &["tag", "-f", "-s", "-m", "three", "v3.0.0"])?;
    verified(&stage, "TagAndHEAD", &["- tag 'v3.0.0@"]).await?;
    stage.remove(MAP).await?;
    stage.stop().await
}
