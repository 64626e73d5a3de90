//! `uninstall` while controllers run that would apply again what is deleted.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Result, Stage, assert_in_order, git, publish};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/flux-system/deployments/reconciler";
const NAMESPACE: &str = "/api/v1/namespaces/flux-system";
const MAP: &str = "/api/v1/namespaces/default/configmaps/kept";

/// The definitions of Flux's kinds in a cluster.
fn definitions(stage: &Stage) -> Result<Vec<String>> {
    let found = stage.get(DEFINITIONS)?;
    let names =
        found["items"].as_array().into_iter().flatten().filter_map(|item| item["metadata"]["name"].as_str());
    Ok(names.filter(|name| name.ends_with(".toolkit.fluxcd.io")).map(str::to_owned).collect())
}

fn uid(object: &Value) -> Result<String> {
    Ok(object["metadata"]["uid"].as_str().ok_or("there is no such object")?.to_owned())
}

#[test]
fn nothing_comes_back_and_nothing_goes_along() -> Result {
    let mut stage = Stage::new()?;
    let origin = stage.repository("origin.git")?;
    git(stage.directory.path(), &["clone", "--quiet", "origin.git", "work"])?;
    let work = stage.path("work");
    std::fs::create_dir_all(work.join("clusters/demo"))?;
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, namespace: default}\n";
    std::fs::write(work.join("clusters/demo/map.yaml"), map)?;
    publish(&work, "map")?;
    stage.succeeds("install")?;
    // They run outside of the cluster, so that deleting the Deployment does not end them.
    stage.run_controllers()?;
    let url = format!("file://{}", origin.display());
    stage.succeeds(&format!("bootstrap git --url={url} --path=clusters/demo"))?;
    let (map, namespace) = (uid(&stage.get(MAP)?)?, uid(&stage.get(NAMESPACE)?)?);

    let dry = stage.succeeds("uninstall --dry-run")?;
    assert!(dry.contains("✔ Kustomization/flux-system/flux-system suspended (dry run)"), "{dry}");
    assert!(dry.contains("✔ Namespace/flux-system deleted (dry run)"), "{dry}");
    assert!(!stage.get(DEPLOYMENT)?.is_null() && !definitions(&stage)?.is_empty());

    let said = stage.succeeds("uninstall --silent --keep-namespace")?;
    let order = [
        "✔ Kustomization/flux-system/flux-system suspended",
        "✔ Deployment/flux-system/reconciler deleted",
        "✔ GitRepository/flux-system/flux-system finalizers deleted",
        "✔ CustomResourceDefinition/kustomizations.kustomize.toolkit.fluxcd.io deleted",
        "✔ uninstall finished",
    ];
    assert_in_order(&said, &order);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(definitions(&stage)?, Vec::<String>::new());
    assert!(stage.get(DEPLOYMENT)?.is_null());
    assert_eq!(uid(&stage.get(MAP)?)?, map);
    let found = stage.get(NAMESPACE)?;
    assert_eq!(uid(&found)?, namespace);
    assert!(found["metadata"].get("deletionTimestamp").is_none(), "{found}");

    assert!(stage.succeeds("uninstall --silent")?.contains("✔ Namespace/flux-system deleted"));
    Ok(())
}

#[test]
fn kinds_that_run_has_defined_go_too() -> Result {
    let stage = Stage::new()?;
    stage.succeeds("install")?;
    // As `run --embedded` defines them: without labels.
    let names = definitions(&stage)?;
    for name in &names {
        let without = serde_json::json!({"metadata": {"labels": null}});
        stage.merge(&format!("{DEFINITIONS}/{name}"), &without)?;
    }
    stage.succeeds("uninstall --silent")?;
    assert_eq!(definitions(&stage)?, Vec::<String>::new());
    Ok(())
}
