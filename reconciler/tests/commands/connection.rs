//! Flags with which a cluster is reached, and what is made of flags that are given twice.

use serde_json::json;

use crate::stage::{Result, Stage, assert_in_order};

#[test]
fn flags_change_how_the_cluster_is_reached() -> Result {
    let stage = Stage::new()?;
    stage.succeeds("install")?;
    let bucket = "create source bucket apps --bucket-name=b --endpoint=localhost:1 --timeout=1s";
    stage.fails(bucket)?;
    assert!(stage.succeeds("get sources bucket")?.contains("apps"));

    // The last of two values counts, as with Flux.
    let other = stage.succeeds("get sources bucket -n default --namespace=flux-system")?;
    assert!(other.contains("apps"), "{other}");

    // Someone who may do nothing.
    let refused = stage.fails("get sources bucket --as=nobody --as-group=nothing")?;
    assert!(refused.contains("nobody") && refused.contains("forbidden"), "{refused}");
    assert!(stage.succeeds("get sources bucket --as=root --as-group=system:masters")?.contains("apps"));

    let absent = stage.fails("get sources bucket --server=http://127.0.0.1:1")?;
    assert!(absent.contains("the cluster does not answer"), "{absent}");
    let absent = stage.fails("get sources bucket --user=someone-else")?;
    assert!(absent.contains("someone-else"), "{absent}");

    // A namespace that the kubeconfig's context names.
    let mut config: serde_json::Value = serde_yaml::from_str(&std::fs::read_to_string(stage.kubeconfig())?)?;
    config["contexts"][0]["context"]["namespace"] = json!("flux-system");
    let file = stage.path("with-namespace");
    std::fs::write(&file, config.to_string())?;
    stage.fails(&format!("{bucket} -n default"))?;
    let line = format!("get sources bucket --kubeconfig={} --no-header", file.display());
    config["contexts"][0]["context"]["namespace"] = json!("default");
    std::fs::write(&file, config.to_string())?;
    let followed = stage.succeeds(&format!(
        "delete source bucket apps --silent --ns-follows-kube-context --kubeconfig={}",
        file.display()
    ))?;
    assert!(followed.contains("in default namespace"), "{followed}");
    assert!(stage.succeeds(&line)?.contains("apps"));
    Ok(())
}

#[test]
fn credentials_become_secrets() -> Result {
    let stage = Stage::new()?;
    stage.succeeds("install")?;
    // No controllers run here, so that nothing becomes ready.
    let git = "create source git web --url=http://127.0.0.1:1/r --branch=main --timeout=1s";
    let said = stage.fails(&format!("{git} -u me -p wrong -p secret --label=a=b"))?;
    assert!(said.contains("⚠️ insecure configuration: credentials configured for an HTTP URL"), "{said}");
    let order = [
        "✚ generating GitRepository source",
        "► applying secret with repository credentials",
        "✔ authentication configured",
        "► applying GitRepository source",
        "✔ GitRepository source created",
    ];
    assert_in_order(&said, &order);
    let secrets = "/api/v1/namespaces/flux-system/secrets";
    let secret = stage.get(&format!("{secrets}/web"))?;
    assert_eq!(secret["data"], json!({"username": "bWU=", "password": "c2VjcmV0"}));
    assert!(stage.succeeds("export source git web")?.contains("  secretRef:\n    name: web\n"));
    // Flux stores nothing with a user name alone, and nothing where a Secret is named.
    stage.fails(&format!("{git} -u me").replace(" web ", " other "))?;
    assert!(!stage.succeeds("export source git other")?.contains("secretRef"));
    stage.fails(&format!("{git} -u me -p x --secret-ref=mine").replace(" web ", " third "))?;
    assert!(stage.succeeds("export source git third")?.contains("name: mine"));
    assert!(stage.get(&format!("{secrets}/third"))?.is_null());

    let bucket =
        "create source bucket apps --bucket-name=b --endpoint=localhost:1 --fetch-timeout=2m --timeout=1s";
    stage.fails(&format!("{bucket} --access-key=key --secret-key=secret"))?;
    let secret = stage.get(&format!("{secrets}/bucket-apps"))?;
    assert_eq!(secret["data"], json!({"accesskey": "a2V5", "secretkey": "c2VjcmV0"}));
    let exported = stage.succeeds("export source bucket apps --with-credentials")?;
    assert!(exported.contains("  secretRef:\n    name: bucket-apps\n  timeout: 2m0s\n"), "{exported}");
    assert!(exported.contains("kind: Secret") && exported.contains("accesskey: a2V5"), "{exported}");
    assert!(!stage.succeeds("export source bucket apps")?.contains("kind: Secret"));
    // What is only printed has no Secret.
    let printed = stage.succeeds(&format!("{bucket} --access-key=key --secret-key=secret --export"))?;
    assert!(!printed.contains("Secret") && !printed.contains("secretRef"), "{printed}");
    Ok(())
}
