//! Who an object belongs to: it moves, two want it, its Kustomization is renamed, made again, or cannot delete it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::features::hopeless;
use crate::stage::{Outcome, Stage};

const OWNER: &str = "kustomize.toolkit.fluxcd.io/name";

fn map(name: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  a: {data}\n"
    )
}

fn path_of(name: &str) -> String {
    format!("/api/v1/namespaces/default/configmaps/{name}")
}

async fn stage(namespace: &'static str, files: &[(&str, &str)]) -> Outcome<Stage> {
    let mut stage = Stage::new(namespace).await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    stage.commit("add files", files)?;
    stage.start("main").await?;
    Ok(stage)
}

/// The uid of an object, and the Kustomization that it belongs to.
async fn identity(stage: &Stage, name: &str) -> Outcome<(Value, Value)> {
    let metadata = stage.get(&path_of(name)).await?.ok_or("it is gone")?["metadata"].clone();
    Ok((metadata["uid"].clone(), metadata["labels"][OWNER].clone()))
}

async fn end(stage: Stage, names: &[&str], left: &str) -> Outcome {
    for name in names {
        stage.delete(name).await?;
    }
    stage.disappears(&path_of(left)).await?;
    for name in names {
        stage.disappears(&stage.path_of(name)).await?;
    }
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_to_another_kustomization_stays() -> Outcome {
    let moving = map("moving", "b");
    let files = [
        ("one/moving.yaml", &*moving),
        ("one/first.yaml", &*map("first", "b")),
        ("two/second.yaml", &*map("second", "b")),
    ];
    let stage = stage("moves", &files).await?;
    for name in ["one", "two"] {
        stage.create(name, &json!({})).await?;
        stage.ready(name, &stage.revision()?).await?;
    }
    let (uid, owner) = identity(&stage, "moving").await?;
    assert_eq!(owner, "one");
    for (from, to) in [("one", "two"), ("two", "one"), ("one", "two")] {
        let (old, new) = (format!("{from}/moving.yaml"), format!("{to}/moving.yaml"));
        stage.commit("move it", &[(&old, ""), (&new, &moving)])?;
        stage.reconcile("main").await?;
        for name in ["one", "two"] {
            stage.ready(name, &stage.revision()?).await?;
        }
        assert_eq!(identity(&stage, "moving").await?, (uid.clone(), to.into()));
    }
    // Its new owner is told of what others do to it.
    stage.settle().await?;
    stage.remove(&path_of("moving")).await?;
    stage.object_becomes(&path_of("moving"), |found| found["metadata"]["labels"][OWNER] == "two").await?;
    end(stage, &["one", "two", "main"], "moving").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_have_stays_when_one_drops_it() -> Outcome {
    let files = [
        ("one/twofold.yaml", &*map("twofold", "first")),
        ("one/first.yaml", &*map("first", "b")),
        ("two/twofold.yaml", &*map("twofold", "second")),
    ];
    let stage = stage("twofold", &files).await?;
    for name in ["two", "one"] {
        stage.create(name, &json!({})).await?;
        stage.ready(name, &stage.revision()?).await?;
    }
    let (uid, owner) = identity(&stage, "twofold").await?;
    assert_eq!(owner, "one");
    stage.commit("one drops it", &[("one/twofold.yaml", "")])?;
    stage.reconcile("main").await?;
    stage.ready("one", &stage.revision()?).await?;
    assert_eq!(identity(&stage, "twofold").await?, (uid, "two".into()));
    stage.object_becomes(&path_of("twofold"), |found| found["data"]["a"] == "second").await?;
    end(stage, &["one", "two", "main"], "twofold").await
}

/// Whoever prunes gives others of the same source ten seconds to come to the revision, since they may want the objects.
#[tokio::test(flavor = "multi_thread")]
async fn pruning_waits_neither_for_pruning_nor_for_health() -> Outcome {
    const SOON: Duration = Duration::from_secs(7);
    let (twofold, used) = (map("twofold-pruned", "b"), map("used", "b"));
    let mut files = vec![("three/used.yaml".to_owned(), used)];
    for name in ["one", "two"] {
        files.push((format!("{name}/kept.yaml"), map(&format!("{name}-kept"), "b")));
        files.push((format!("{name}/dropped.yaml"), map(&format!("{name}-dropped"), "b")));
        files.push((format!("{name}/twofold.yaml"), twofold.clone()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let stage = stage("prunes", &files).await?;
    for name in ["one", "two"] {
        stage.create(name, &json!({})).await?;
        stage.ready(name, &stage.revision()?).await?;
    }
    stage.create("three", &json!({"wait": true})).await?;
    stage.ready("three", &stage.revision()?).await?;
    let is_applied =
        |revision: String| move |found: &Value| found["status"]["lastAppliedRevision"] == *revision;

    stage.commit("both drop one", &[("one/dropped.yaml", ""), ("two/dropped.yaml", "")])?;
    stage.look().await?;
    for name in ["one", "two"] {
        stage.within(SOON, &stage.path_of(name), is_applied(stage.revision()?)).await?;
        assert!(!stage.exists(&path_of(&format!("{name}-dropped"))).await?);
    }

    stage.commit("both drop the same", &[("one/twofold.yaml", ""), ("two/twofold.yaml", "")])?;
    stage.look().await?;
    for name in ["one", "two"] {
        stage.within(SOON, &stage.path_of(name), is_applied(stage.revision()?)).await?;
    }
    assert!(!stage.exists(&path_of("twofold-pruned")).await?);

    // Another one has nothing new in its inventory, and waits until that is healthy.
    stage.commit("wait", &[("three/used.yaml", &hopeless("used"))])?;
    stage.look().await?;
    stage
        .object_becomes(&stage.path_of("three"), |found| {
            found["status"]["inventory"].to_string().contains("_used_apps_Deployment")
        })
        .await?;
    let files = [
        ("three/used.yaml", &*hopeless("used").replace("nginx:broken", "nginx:broken-again")),
        ("one/kept.yaml", ""),
        ("one/other.yaml", &*map("one-other", "b")),
    ];
    stage.commit("drop one meanwhile", &files)?;
    stage.look().await?;
    stage.within(SOON, &stage.path_of("one"), is_applied(stage.revision()?)).await?;
    assert!(!stage.exists(&path_of("one-kept")).await?);
    end(stage, &["one", "two", "three", "main"], "two-kept").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_in_no_inventory() -> Outcome {
    let listed = |found: &Value| -> Vec<String> {
        let entries = found["status"]["inventory"]["entries"].as_array().into_iter().flatten();
        entries.filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect()
    };
    let lost = map("lost", "b").replace("namespace: default", "namespace: defailt");
    let space = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: refusals-space\n";
    let files = [
        ("one/first.yaml", &*map("refusals-first", "b")),
        ("one/lost.yaml", &*lost),
        ("one/space.yaml", space),
    ];
    let stage = stage("refusals", &files).await?;
    stage.create("one", &json!({})).await?;
    let path = stage.path_of("one");
    // The first stage was applied. Of the second, nothing was.
    for _ in 0..2 {
        stage.request_reconciliation("one").await?;
        stage.not_ready("one", "ReconciliationFailed", "defailt").await?;
        assert_eq!(listed(&stage.kustomization("one").await?), ["_refusals-space__Namespace"]);
        assert!(!stage.exists(&path_of("refusals-first")).await?);
    }
    stage.commit("mend it", &[("one/lost.yaml", "")])?;
    stage.look().await?;
    stage.ready("one", &stage.revision()?).await?;
    let all = ["_refusals-space__Namespace", "default_refusals-first__ConfigMap"];
    assert_eq!(listed(&stage.kustomization("one").await?), all);
    // What was applied before stays listed, even if it is not wanted any more.
    stage.commit(
        "break it",
        &[
            ("one/lost.yaml", &lost),
            ("one/first.yaml", ""),
            ("one/second.yaml", &map("refusals-second", "b")),
        ],
    )?;
    stage.look().await?;
    stage.not_ready("one", "ReconciliationFailed", "defailt").await?;
    assert_eq!(listed(&stage.kustomization("one").await?), all);
    assert!(stage.exists(&path_of("refusals-first")).await?);
    stage.commit("mend it again", &[("one/lost.yaml", "")])?;
    stage.look().await?;
    stage.ready("one", &stage.revision()?).await?;
    stage
        .object_becomes(&path, |found| {
            listed(found) == ["_refusals-space__Namespace", "default_refusals-second__ConfigMap"]
        })
        .await?;
    let deleted = stage
        .text()
        .lines()
        .filter(|line| line.contains("garbage collection completed"))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        deleted.contains("ConfigMap/default/refusals-first deleted") && !deleted.contains("lost"),
        "{deleted}"
    );
    end(stage, &["one", "main"], "refusals-second").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_kustomization_keeps_its_objects() -> Outcome {
    let kustomization = |name: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {name}
  namespace: renames
spec:
  interval: 10m
  prune: true
  path: ./apps
  sourceRef:
    kind: GitRepository
    name: flux-system
"
        )
    };
    let files = [("main/apps.yaml", &*kustomization("old")), ("apps/kept.yaml", &*map("kept", "b"))];
    let stage = stage("renames", &files).await?;
    stage.ready("old", &stage.revision()?).await?;
    let (uid, _) = identity(&stage, "kept").await?;
    stage.commit("rename it", &[("main/apps.yaml", &kustomization("new"))])?;
    stage.reconcile("main").await?;
    stage.ready("new", &stage.revision()?).await?;
    stage.disappears(&stage.path_of("old")).await?;
    assert_eq!(identity(&stage, "kept").await?, (uid, "new".into()));
    end(stage, &["main"], "kept").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kustomization_that_is_made_again_knows_its_objects() -> Outcome {
    let stage = stage("again", &[("one/map.yaml", &*map("again", "b"))]).await?;
    let knows =
        |found: &Value| found["status"]["inventory"]["entries"][0]["id"] == "default_again__ConfigMap";
    let spec = json!({"deletionPolicy": "Orphan"});
    for _ in 0..8 {
        // As soon as the last one is gone, which the reconciler may not have seen yet.
        let mut is_made = stage.create("one", &spec).await;
        while let Err(error) = is_made {
            if !error.to_string().contains("exists") {
                return Err(error);
            }
            is_made = stage.create("one", &spec).await;
        }
        stage.ready("one", &stage.revision()?).await?;
        stage.object_becomes(&stage.path_of("one"), knows).await?;
        stage.delete("one").await?;
    }
    stage.disappears(&stage.path_of("one")).await?;
    // Nor does it rely on a status that someone else has written.
    stage.create("one", &json!({})).await?;
    stage.ready("one", &stage.revision()?).await?;
    let path = format!("{}/status", stage.path_of("one"));
    stage.change(&path, &json!({"status": {"inventory": null}})).await?;
    stage.request_reconciliation("one").await?;
    stage.object_becomes(&stage.path_of("one"), knows).await?;
    end(stage, &["one", "main"], "again").await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_why_a_kustomization_cannot_go() -> Outcome {
    let stage = stage("stays", &[("one/map.yaml", &*map("stays", "b"))]).await?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "writer"}});
    stage.add("serviceaccounts", &account).await?;
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    let role = |verbs: &[&str]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "writer", "namespace": "default"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}],
        })
    };
    stage.post(&format!("{rbac}/roles"), &role(&["get", "create", "patch"])).await?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "writer", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "writer"},
        "subjects": [{"kind": "ServiceAccount", "name": "writer", "namespace": "stays"}],
    });
    stage.post(&format!("{rbac}/rolebindings"), &binding).await?;
    stage.create("one", &json!({"serviceAccountName": "writer"})).await?;
    stage.ready("one", &stage.revision()?).await?;
    stage.delete("one").await?;
    let message = stage.not_ready("one", "PruneFailed", "forbidden").await?;
    assert!(message.starts_with("ConfigMap/default/stays delete failed: "), "{message}");
    stage.event("one", |event| event["reason"] == "PruneFailed" && event["type"] == "Warning").await?;
    stage.change(&format!("{rbac}/roles/writer"), &role(&["get", "delete"])).await?;
    stage.disappears(&stage.path_of("one")).await?;
    assert!(!stage.exists(&path_of("stays")).await?);
    stage.remove(&format!("{rbac}/roles/writer")).await?;
    stage.remove(&format!("{rbac}/rolebindings/writer")).await?;
    stage.delete("main").await?;
    stage.disappears(&stage.path_of("main")).await?;
    stage.stop().await
}
