//! `install`, `check` and `uninstall`.

use std::process::Command;

use crate::stage::{Result, Stage};

#[test]
fn install_prints_definitions_and_a_confined_deployment() -> Result {
    let output = Command::new(env!("CARGO_BIN_EXE_reconciler")).args(["install", "--export"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let documents: Vec<serde_json::Value> = serde_yaml::Deserializer::from_str(&text)
        .map(serde::Deserialize::deserialize)
        .collect::<std::result::Result<_, _>>()?;
    let of = |kind: &str| documents.iter().filter(|document| document["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(of("CustomResourceDefinition").len(), reconciler_api::crds().len());
    let deployments = of("Deployment");
    let [deployment] = deployments.as_slice() else { return Err("not one Deployment".into()) };
    let context =
        deployment.pointer("/spec/template/spec/containers/0/securityContext").ok_or("no context")?;
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    let arguments = deployment.pointer("/spec/template/spec/containers/0/args").ok_or("no arguments")?;
    // The Lease is where the Deployment is, whatever the namespace is called.
    for wanted in ["--enable-leader-election", "--namespace=$(RUNTIME_NAMESPACE)"] {
        assert!(arguments.as_array().into_iter().flatten().any(|found| found == wanted), "{arguments}");
    }
    assert!(!of("NetworkPolicy").is_empty());
    Ok(())
}

#[test]
fn install_is_checked_and_undone() -> Result {
    let stage = Stage::new()?;
    assert!(stage.fails("check")?.contains("no controllers found"));
    let first = stage.succeeds("install")?;
    assert!(first.contains("✔ Deployment/flux-system/reconciler created"), "{first}");
    assert!(first.ends_with("✔ install finished\n"), "{first}");
    let second = stage.succeeds("install")?;
    assert!(!second.contains("created"), "{second}");
    let check = stage.succeeds("check")?;
    assert!(check.contains("✔ reconciler: deployment ready"), "{check}");
    assert!(check.contains("✔ kustomizations.kustomize.toolkit.fluxcd.io/v1"), "{check}");
    assert!(check.contains("✔ no tenant's namespace is without the label of tenants"), "{check}");
    stage.succeeds("create tenant apps --with-namespace=apps")?;
    assert!(!stage.succeeds("check")?.contains("is not strict"));
    let kustomization =
        "create kustomization web -n default --source=GitRepository/web --service-account=web";
    stage.fails(&format!("{kustomization} --prune=false --interval=10m --timeout=1s"))?;
    let check = stage.succeeds("check")?;
    let warning = "namespace 'default' is not strict, although the Kustomization 'web' acts as 'web'";
    assert!(check.contains(warning), "{check}");
    assert!(stage.succeeds("uninstall --silent")?.contains("✔ Namespace/flux-system deleted"));
    assert!(stage.fails("check")?.contains("gitrepositories.source.toolkit.fluxcd.io not found"));
    Ok(())
}
