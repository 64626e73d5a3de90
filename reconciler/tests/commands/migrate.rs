//! `migrate`: objects of a cluster, and manifests in files.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Result, Stage};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.migrate.example.org";

fn version(name: &str, is_stored: bool) -> Value {
    json!({
        "name": name, "served": true, "storage": is_stored,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
    })
}

/// Waits until the cluster answers in a way.
fn wait(stage: &Stage, path: &str, is_there: impl Fn(&Value) -> bool) -> Result<Value> {
    for _ in 0..600 {
        let found = stage.get(path)?;
        if is_there(&found) {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{path}: {}", stage.get(path)?).into())
}

#[test]
fn objects_are_stored_in_the_latest_version() -> Result {
    let stage = Stage::new()?;
    stage.post(
        DEFINITIONS,
        &json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {
                "name": "widgets.migrate.example.org", "labels": {"app.kubernetes.io/part-of": "flux"},
            },
            "spec": {
                "group": "migrate.example.org", "scope": "Namespaced",
                "names": {"kind": "Widget", "plural": "widgets"}, "versions": [version("v1beta1", true)],
            },
        }),
    )?;
    let old = "/apis/migrate.example.org/v1beta1/namespaces/default/widgets";
    wait(&stage, old, |found| !found.is_null())?;
    let widget = json!({
        "apiVersion": "migrate.example.org/v1beta1", "kind": "Widget", "metadata": {"name": "a"}, "size": 1,
    });
    stage.post(&format!("{old}?fieldManager=tester"), &widget)?;
    stage.merge(
        DEFINITION,
        &json!({"spec": {"versions": [version("v1beta1", false), version("v1", true)]}}),
    )?;
    let new = "/apis/migrate.example.org/v1/namespaces/default/widgets/a";
    wait(&stage, new, |found| !found.is_null())?;
    let stored = json!(["v1beta1", "v1"]);
    wait(&stage, DEFINITION, |found| found["status"]["storedVersions"] == stored)?;
    // The cluster keeps a version that may still be stored.
    let only_new = json!({"spec": {"versions": [version("v1", true)]}});
    let refused = stage.merge(DEFINITION, &only_new).err().ok_or("not refused")?.to_string();
    assert!(refused.contains("v1beta1 was previously a storage version"), "{refused}");

    let said = stage.succeeds("migrate")?;
    assert!(said.starts_with("► starting migration of custom resources\n"), "{said}");
    assert!(said.contains("✔ Widget/default/a migrated to version v1\n"), "{said}");
    assert!(said.contains("✔ widgets.migrate.example.org migrated to storage version v1\n"), "{said}");
    assert!(said.ends_with("✔ custom resources migrated successfully\n"), "{said}");
    assert_eq!(stage.get(DEFINITION)?["status"]["storedVersions"], json!(["v1"]));
    let migrated = stage.get(new)?;
    assert_eq!(migrated["size"], 1);
    let managers = migrated["metadata"]["managedFields"].as_array().ok_or("no managers")?;
    assert!(managers.iter().any(|entry| entry["manager"] == "tester"), "{migrated}");
    assert!(managers.iter().all(|entry| entry["apiVersion"] == "migrate.example.org/v1"), "{migrated}");

    assert!(!stage.succeeds("migrate")?.contains("storage version"));
    stage.merge(DEFINITION, &only_new)?;
    stage.delete(DEFINITION)?;
    // Nothing of it is left for the next test.
    wait(&stage, DEFINITION, Value::is_null)?;
    Ok(())
}

#[test]
fn manifests_are_migrated_in_place() -> Result {
    let stage = Stage::new()?;
    let root = stage.path("repository");
    std::fs::create_dir_all(root.join("apps/.git"))?;
    let old = "apiVersion: source.toolkit.fluxcd.io/v1beta2 # from 2.0\nkind: GitRepository\n";
    let current = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n";
    let files = [
        ("apps/b.yml", old),
        ("apps/chart.tpl", old),
        ("a.yaml", old),
        ("apps/.git/c.yaml", old),
        ("d.yaml", current),
    ];
    for (path, text) in files {
        std::fs::write(root.join(path), text)?;
    }
    let read = |path: &str| std::fs::read_to_string(root.join(path));
    let path = root.display();
    let found = format!(
        "► starting migration of custom resources\n✚ {path}/a.yaml:1: GitRepository v1beta2 -> v1\n✚ \
         {path}/apps/b.yml:1: GitRepository v1beta2 -> v1\n"
    );
    let dry = stage.succeeds(&format!("migrate -f {path} --dry-run"))?;
    assert_eq!(dry, format!("{found}✔ dry-run mode enabled, no changes will be made\n"));
    let unanswered = stage.fails(&format!("migrate -f {path}"))?;
    assert!(unanswered.ends_with("nobody is there to confirm it, add --yes\n"), "{unanswered}");
    for (path, text) in files {
        assert_eq!(read(path)?, text);
    }

    let done = stage.succeeds(&format!("migrate -f {path} -y"))?;
    let written = format!(
        "✔ file {path}/a.yaml migrated successfully\n✔ file {path}/apps/b.yml migrated successfully\n✔ custom \
         resources migrated successfully\n"
    );
    assert_eq!(done, format!("{found}{written}"));
    let new = old.replace("v1beta2", "v1");
    for (path, text) in files {
        let is_migrated = ["a.yaml", "apps/b.yml"].contains(&path);
        assert_eq!(read(path)?, if is_migrated { &new } else { text }, "{path}");
    }
    // A path from the current directory.
    std::fs::write(root.join("e.yaml"), old)?;
    let output = stage.command().current_dir(&root).args(["migrate", "-f", "e.yaml", "-y"]).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(read("e.yaml")?, new);
    let again = stage.succeeds(&format!("migrate -f {path} -y"))?;
    assert!(again.ends_with("✔ no custom resources found that require migration\n"), "{again}");
    let template = format!("migrate -f {path}/apps/chart.tpl -y");
    assert!(stage.fails(&template)?.contains("does not match the specified extensions"));
    stage.succeeds(&format!("{template} -e .tpl,.yaml"))?;
    assert_eq!(read("apps/chart.tpl")?, new);
    let unknown = stage.fails(&format!("migrate -f {path} -v 2.5"))?;
    assert!(
        unknown.contains("version 2.5 is not supported, supported versions are: 2.9, 2.8, 2.7, 2.6"),
        "{unknown}"
    );
    Ok(())
}
