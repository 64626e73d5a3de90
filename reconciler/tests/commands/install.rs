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

/// The Deployment and the other objects that a command line prints.
fn printed(line: &str) -> Result<(serde_json::Value, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_reconciler")).args(line.split(' ')).output()?;
    let errors = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout)?;
    for document in serde_yaml::Deserializer::from_str(&text) {
        let object: serde_json::Value = serde::Deserialize::deserialize(document)?;
        if object["kind"] == "Deployment" {
            return Ok((object["spec"]["template"]["spec"].clone(), errors));
        }
    }
    Err("no Deployment".into())
}

#[test]
fn flags_reach_the_deployment() -> Result {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let (pod, errors) = printed(
        "install --export --registry=registry.example/mirror/ --watch-all-namespaces=false --log-level=error \
         --toleration-keys=a,b --toleration-keys=c --image-pull-secret=login --version=v2.9.4",
    )?;
    let container = &pod["containers"][0];
    assert_eq!(container["image"], format!("registry.example/mirror/reconciler:{version}"));
    let arguments = container["args"].as_array().ok_or("no arguments")?;
    for wanted in ["--watch-all-namespaces=false", "--log-level=error"] {
        assert!(arguments.iter().any(|found| found == wanted), "{arguments:?}");
    }
    let keys: Vec<_> = pod["tolerations"].as_array().into_iter().flatten().map(|one| &one["key"]).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(pod["tolerations"][0]["operator"], "Exists");
    assert_eq!(pod["imagePullSecrets"][0]["name"], "login");
    assert!(errors.contains("⚠️ --version v2.9.4 has no effect"), "{errors}");

    let (pod, errors) = printed("install --export --image=a/b:c --registry=d -v latest")?;
    assert_eq!((&pod["containers"][0]["image"], errors.as_str()), (&serde_json::json!("a/b:c"), ""));
    assert!(pod.get("tolerations").is_none());
    Ok(())
}

#[test]
fn what_another_tool_manages_is_not_replaced_unasked() -> Result {
    let stage = Stage::new()?;
    let definition =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gitrepositories.source.toolkit.fluxcd.io";
    let label = |key: &str, value: &str| serde_json::json!({"metadata": {"labels": {key: value}}});
    for refused in ["--registry-creds=a:b", "--registry-creds=a --image-pull-secret=login", "--manifests=x"] {
        assert!(stage.fails(&format!("install {refused}"))?.contains("✗ "), "{refused}");
    }
    stage.succeeds(
        "install --registry-creds=user:pass --image-pull-secret=login --registry=registry.example",
    )?;
    let secret = stage.get("/api/v1/namespaces/flux-system/secrets/login")?;
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    // {"auths":{"registry.example":{"username":"user","password":"pass","auth":"dXNlcjpwYXNz"}}}
    let wanted = "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlIjp7InVzZXJuYW1lIjoidXNlciIsInBhc3N3b3JkIjoicGFzcyIsImF1dGgiOiJkWE5sY2pwd1lYTnoifX19";
    assert_eq!(secret["data"][".dockerconfigjson"], wanted);

    stage.merge(definition, &label("app.kubernetes.io/managed-by", "Helm"))?;
    let refused = stage.fails("install")?;
    assert!(refused.contains("has been installed on this cluster with Helm!"), "{refused}");
    assert!(refused.contains("--force"), "{refused}");
    stage.succeeds("install --force")?;
    stage.merge(
        definition,
        &serde_json::json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}}),
    )?;
    stage.merge(definition, &label("kustomize.toolkit.fluxcd.io/name", "flux-system"))?;
    let refused = stage.fails("install")?;
    assert!(refused.contains("use `reconciler bootstrap`"), "{refused}");
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
    stage.succeeds("check --components=source-controller,kustomize-controller")?;
    let check = stage.fails("check --components-extra=notification-controller")?;
    assert!(check.contains("✗ notification-controller: not installed"), "{check}");
    let version = env!("CARGO_PKG_VERSION");
    let versions: serde_json::Value = serde_json::from_str(&stage.succeeds("version -o json")?)?;
    let wanted = format!("v{version}");
    assert_eq!(versions, serde_json::json!({"flux": wanted, "reconciler": wanted}));
    assert_eq!(stage.succeeds("version --client")?, format!("flux: v{version}\n"));
    stage.succeeds("create tenant apps --with-namespace=apps")?;
    let account = stage.succeeds("create tenant apps --with-namespace=apps --skip-namespace --export")?;
    assert!(account.contains("kind: ServiceAccount") && !account.contains("kind: Namespace"), "{account}");
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
