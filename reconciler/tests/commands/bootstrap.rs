//! `bootstrap`, and what is done with what it leaves.

use crate::stage::{Result, Stage, git};

#[test]
fn bootstrap_follows_the_repository_and_changes_nothing_the_second_time() -> Result {
    let mut stage = Stage::new()?;
    let origin = stage.path("origin.git");
    git(stage.directory.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"])?;
    stage.succeeds("install")?;
    stage.run_controllers()?;
    let line = format!("bootstrap git --url=file://{} --branch=main --path=clusters/demo", origin.display());
    let first = stage.succeeds(&line)?;
    assert!(first.contains("✔ committed component manifests to \"main\""), "{first}");
    assert!(first.contains("✔ Kustomization reconciled successfully"), "{first}");
    let files = git(&origin, &["ls-tree", "-r", "--name-only", "main"])?;
    let wanted = ["gotk-components.yaml", "gotk-sync.yaml", "kustomization.yaml"]
        .map(|name| format!("clusters/demo/flux-system/{name}\n"));
    assert_eq!(files, wanted.concat());
    let commit = git(&origin, &["rev-parse", "main"])?;
    let second = stage.succeeds(&line)?;
    assert!(!second.contains("committed"), "{second}");
    assert_eq!(git(&origin, &["rev-parse", "main"])?, commit);

    // An object that is added is live after a reconciliation.
    let work = stage.path("work");
    git(stage.directory.path(), &["clone", "--quiet", "origin.git", "work"])?;
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added, namespace: default}\ndata: {a: \"1\"}\n";
    std::fs::write(work.join("clusters/demo/map.yaml"), map)?;
    git(&work, &["add", "--all"])?;
    git(&work, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "map"])?;
    git(&work, &["push", "--quiet"])?;
    let commit = git(&origin, &["rev-parse", "main"])?;
    let reconciled = stage.succeeds("reconcile kustomization flux-system --with-source")?;
    let wanted = format!("✔ fetched revision main@sha1:{commit}");
    assert!(reconciled.contains(&wanted), "{reconciled}");
    let tree = stage.succeeds("tree kustomization flux-system")?;
    assert!(tree.contains("ConfigMap/default/added"), "{tree}");
    let got = stage.succeeds("get kustomizations")?;
    assert!(got.contains(&format!("main@sha1:{}", &commit[..8])), "{got}");
    assert!(stage.succeeds("trace configmap/added -n default")?.contains("Kustomization:   flux-system"));

    // What is suspended cannot be reconciled.
    stage.succeeds("suspend kustomization flux-system")?;
    assert!(stage.fails("reconcile kustomization flux-system")?.contains("resource is suspended"));
    assert!(stage.succeeds("resume kustomization flux-system")?.contains("✔ applied revision"));
    assert!(stage.succeeds("export source git flux-system")?.contains("  url: file://"));
    assert!(stage.succeeds("get all")?.contains("gitrepository/flux-system"));
    assert!(stage.succeeds("events --for Kustomization/flux-system")?.contains("Kustomization/flux-system"));

    // What is removed from the repository goes.
    git(&work, &["rm", "--quiet", "clusters/demo/map.yaml"])?;
    git(&work, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "no map"])?;
    git(&work, &["push", "--quiet"])?;
    stage.succeeds("reconcile kustomization flux-system --with-source")?;
    assert!(!stage.succeeds("tree kustomization flux-system")?.contains("ConfigMap/default/added"));
    Ok(())
}
