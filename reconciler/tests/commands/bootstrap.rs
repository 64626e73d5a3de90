//! `bootstrap`, and what is done with what it leaves.

use std::path::Path;

use serde_json::{Value, json};

use crate::stage::{Result, Stage, git, publish};

#[test]
fn bootstrap_follows_the_repository_and_changes_nothing_the_second_time() -> Result {
    let mut stage = Stage::new()?;
    let origin = stage.repository("origin.git")?;
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
    publish(&work, "map")?;
    let commit = git(&origin, &["rev-parse", "main"])?;
    let reconciled = stage.succeeds("reconcile kustomization flux-system --with-source")?;
    let wanted = format!("✔ fetched revision main@sha1:{commit}");
    assert!(reconciled.contains(&wanted), "{reconciled}");
    let tree = stage.succeeds("tree kustomization flux-system")?;
    assert!(tree.contains("ConfigMap/default/added"), "{tree}");
    let got = stage.succeeds("get kustomizations")?;
    assert!(got.contains(&format!("main@sha1:{}", &commit[..8])), "{got}");
    for words in ["configmap/added", "cm added", "configmaps/added", "ConfigMap.v1. added"] {
        let traced = stage.succeeds(&format!("trace {words} -n default"))?;
        assert!(traced.contains("Kustomization:   flux-system"), "{words}: {traced}");
    }
    // Several objects, and kinds of several groups.
    let several =
        "trace ks/flux-system gitrepo/flux-system kustomization.kustomize.toolkit.fluxcd.io/flux-system";
    let traced = stage.succeeds(several)?;
    let objects: Vec<&str> = traced.lines().filter_map(|line| line.strip_prefix("Object: ")).collect();
    let sync = ["Kustomization/flux-system", "GitRepository/flux-system", "Kustomization/flux-system"];
    assert_eq!(objects.iter().map(|object| object.trim()).collect::<Vec<_>>(), sync, "{traced}");
    let unknown = stage.fails("trace deployments.v1beta1.apps/added -n default")?;
    assert!(unknown.contains("doesn't have a resource type \"deployments.v1beta1.apps\""), "{unknown}");
    let missing = stage.fails("trace deploy adde -n default")?;
    assert!(missing.contains("there is no Deployment adde in namespace default"), "{missing}");

    // What is suspended cannot be reconciled.
    stage.succeeds("suspend kustomization flux-system")?;
    assert!(stage.fails("reconcile kustomization flux-system")?.contains("resource is suspended"));
    assert!(stage.succeeds("resume kustomization flux-system")?.contains("✔ applied revision"));
    assert!(stage.succeeds("export source git flux-system")?.contains("  url: file://"));
    assert!(stage.succeeds("get all")?.contains("gitrepository/flux-system"));
    assert!(stage.succeeds("events --for Kustomization/flux-system")?.contains("Kustomization/flux-system"));

    // What is removed from the repository goes.
    git(&work, &["rm", "--quiet", "clusters/demo/map.yaml"])?;
    publish(&work, "no map")?;
    stage.succeeds("reconcile kustomization flux-system --with-source")?;
    assert!(!stage.succeeds("tree kustomization flux-system")?.contains("ConfigMap/default/added"));
    Ok(())
}

/// Part of one of Flux's controllers.
fn part(kind: &str, name: &str) -> String {
    let labels = json!({
        "app.kubernetes.io/part-of": "flux", "app.kubernetes.io/instance": "flux-system",
        "app.kubernetes.io/component": name,
    });
    let mut object = json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "labels": labels},
    });
    if kind == "Deployment" {
        object["apiVersion"] = "apps/v1".into();
        object["spec"] = json!({
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "manager", "image": format!("ghcr.io/fluxcd/{name}:v1")}]},
            },
        });
    }
    format!("---\n{object}\n")
}

/// The definition of a kind that only Flux has controllers for.
fn definition(group: &str, kind: &str) -> String {
    let plural = format!("{}s", kind.to_lowercase());
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let object = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "labels": {"app.kubernetes.io/part-of": "flux"}},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": "v2", "served": true, "storage": true, "schema": {"openAPIV3Schema": any},
            }],
        },
    });
    format!("---\n{object}\n")
}

/// What makes a cluster follow the repository.
fn sync_objects(url: &str) -> [Value; 2] {
    let metadata = json!({"name": "flux-system", "namespace": "flux-system"});
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
        "spec": {"interval": "1m0s", "ref": {"branch": "main"}, "url": url},
    });
    let sync = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata,
        "spec": {
            "interval": "10m0s", "path": "./clusters/demo", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        },
    });
    [source, sync]
}

/// The files of a repository that Flux has bootstrapped, and of what it applies.
fn write_as_flux(work: &Path, url: &str, definitions: &str) -> Result {
    let mut components = definitions.to_owned();
    components.push_str(&definition("helm.toolkit.fluxcd.io", "HelmRelease"));
    for name in ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"] {
        components.push_str(&part("ServiceAccount", name));
        components.push_str(&part("Deployment", name));
    }
    let [source, sync] = sync_objects(url);
    let apps = "apiVersion: v1
kind: ConfigMap
metadata: {name: app, namespace: default}
data: {a: '1'}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: default}
spec: {interval: 10m}
";
    let directory = work.join("clusters/demo/flux-system");
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("gotk-components.yaml"), components)?;
    std::fs::write(directory.join("gotk-sync.yaml"), format!("{source}\n---\n{sync}\n"))?;
    let list = "resources: [gotk-components.yaml, gotk-sync.yaml]
patches:
- target: {kind: Deployment, name: kustomize-controller}
  patch: |
    - op: replace
      path: /spec/replicas
      value: 2
";
    std::fs::write(directory.join("kustomization.yaml"), list)?;
    std::fs::write(work.join("clusters/demo/apps.yaml"), apps)?;
    Ok(())
}

#[test]
fn bootstrap_takes_over_what_flux_has_bootstrapped() -> Result {
    let mut stage = Stage::new()?;
    let (origin, work) = (stage.repository("origin.git")?, stage.path("work"));
    let url = format!("file://{}", origin.display());
    git(stage.directory.path(), &["clone", "--quiet", "origin.git", "work"])?;
    // Definitions and a namespace as they are, without our Deployment.
    let installed = stage.succeeds("install --export")?;
    let is_flux = |document: &&str| {
        document.contains("kind: CustomResourceDefinition\n") || document.contains("kind: Namespace\n")
    };
    let definitions: Vec<&str> = installed.split("---\n").filter(is_flux).collect();
    write_as_flux(&work, &url, &format!("---\n{}", definitions.join("---\n")))?;
    publish(&work, "flux")?;

    // A cluster that follows it: every object is in the inventory, Flux's controllers among them.
    stage.succeeds("install")?;
    stage.run_controllers()?;
    let namespaced = |group: &str| format!("/apis/{group}.toolkit.fluxcd.io/v1/namespaces/flux-system");
    let [source, sync] = sync_objects(&url);
    stage.post(&format!("{}/gitrepositories", namespaced("source")), &source)?;
    stage.post(&format!("{}/kustomizations", namespaced("kustomize")), &sync)?;
    stage.succeeds("reconcile kustomization flux-system --with-source")?;
    let kept = [
        "/api/v1/namespaces/flux-system",
        "/api/v1/namespaces/default/configmaps/app",
        "/apis/apps/v1/namespaces/flux-system/deployments/helm-controller",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/helmreleases.helm.toolkit.fluxcd.io",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kustomizations.kustomize.toolkit.fluxcd.io",
        "/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases/app",
        "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system",
    ];
    let uid = |stage: &Stage, path: &str| -> Result<String> {
        let found = stage.get(path)?;
        Ok(found["metadata"]["uid"].as_str().ok_or(format!("there is no {path}"))?.to_owned())
    };
    let before = kept.iter().map(|path| uid(&stage, path)).collect::<Result<Vec<_>>>()?;
    let gone = ["source-controller", "kustomize-controller", "notification-controller"];
    for name in gone {
        uid(&stage, &format!("/apis/apps/v1/namespaces/flux-system/deployments/{name}"))?;
    }

    // A controller that runs today does not vanish without a word.
    let line = format!("bootstrap git --url={url} --branch=main --path=clusters/demo");
    let refused = stage.fails(&line)?;
    assert!(refused.contains("--components-extra=notification-controller"), "{refused}");
    let line = format!("{line} --components-extra=notification-controller");
    let text = stage.succeeds(&line)?;
    for wanted in [
        "✔ Deployment/flux-system/source-controller deleted",
        "kept Flux's helm-controller",
        "no controller for: HelmRelease",
        "✔ Kustomization reconciled successfully",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let after = kept.iter().map(|path| uid(&stage, path)).collect::<Result<Vec<_>>>()?;
    assert_eq!(before, after);
    for name in gone {
        for kind in [
            "apis/apps/v1/namespaces/flux-system/deployments",
            "api/v1/namespaces/flux-system/serviceaccounts",
        ] {
            assert!(stage.get(&format!("/{kind}/{name}"))?.is_null(), "{kind}/{name}");
        }
    }
    let service = stage.get("/api/v1/namespaces/flux-system/services/source-controller")?;
    assert_eq!(service["spec"]["selector"], json!({"app": "reconciler"}));
    let commit = git(&origin, &["rev-parse", "main"])?;
    let second = stage.succeeds(&line)?;
    assert!(!second.contains("committed"), "{second}");
    assert_eq!(git(&origin, &["rev-parse", "main"])?, commit);

    // What was applied survives the end of the reconciler.
    stage.succeeds("uninstall --silent")?;
    assert_eq!(uid(&stage, kept[1])?, before[1]);
    // An API server removes a definition some time after it was asked to.
    for _ in 0..600 {
        if stage.get(kept[4])?.is_null() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err(format!("{} is still there", kept[4]).into())
}
