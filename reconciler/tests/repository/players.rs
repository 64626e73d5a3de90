//! What nobody here has controllers or keys for: the status of foreign objects, and Secrets that are made elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::Cluster;
use crate::copy::Copy;
use crate::definitions::{Foreign, make_what_charts_make};

const KUSTOMIZATIONS: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";

/// Says of every object of the kinds that it is ready, and makes the Secrets that Kustomizations name, for ever.
pub(crate) async fn play(cluster: &Cluster, copy: &Copy, kinds: &[Foreign], made: &mut BTreeSet<String>) {
    loop {
        // What makes them is said to be ready only then: who waits for that reads them next, and not again for an hour.
        if let Err(error) = make_sources_of_values(cluster, copy, made).await {
            println!("what Kustomizations read cannot be made yet: {error}");
        }
        for kind in kinds {
            // A definition from elsewhere may refuse this status, which the report shows.
            drop(say_ready(cluster, kind).await);
        }
        // Their namespaces come later.
        drop(make_what_charts_make(cluster, kinds, &copy.documents).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn say_ready(cluster: &Cluster, kind: &Foreign) -> Outcome {
    for object in cluster.items(&kind.list).await? {
        let metadata = &object["metadata"];
        let generation = &metadata["generation"];
        if object["status"]["observedGeneration"] == *generation {
            continue;
        }
        let name = metadata["name"].as_str().unwrap_or_default();
        let path = match metadata["namespace"].as_str() {
            Some(namespace) => {
                let (version, plural) = kind.list.rsplit_once('/').unwrap_or_default();
                format!("{version}/namespaces/{namespace}/{plural}/{name}/status")
            }
            None => format!("{}/{name}/status", kind.list),
        };
        // Also the fields that health checks of home clusters look at.
        let status = json!({
            "observedGeneration": generation, "phase": "ready", "ceph": {"health": "HEALTH_OK"},
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "nobody reconciles this",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": generation,
            }],
        });
        cluster.merge(&path, &json!({"status": status})).await?;
    }
    Ok(())
}

/// Makes the Secrets and ConfigMaps that Kustomizations read and nobody has made, with a value for every variable.
async fn make_sources_of_values(cluster: &Cluster, copy: &Copy, made: &mut BTreeSet<String>) -> Outcome {
    for kustomization in cluster.items(KUSTOMIZATIONS).await? {
        let namespace = kustomization["metadata"]["namespace"].as_str().unwrap_or_default();
        let spec = &kustomization["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut wanted = Vec::new();
        for reference in spec["postBuild"]["substituteFrom"].as_array().into_iter().flatten() {
            if reference["optional"] != true {
                let names = copy.variables(&text(&spec["path"]))?;
                let values = names.into_iter().map(|name| (name, "placeholder".to_owned())).collect();
                wanted.push((text(&reference["kind"]), text(&reference["name"]), values));
            }
        }
        if let Some(name) = spec["decryption"]["secretRef"]["name"].as_str() {
            use age::secrecy::ExposeSecret as _;
            let key = age::x25519::Identity::generate().to_string().expose_secret().to_owned();
            let values = BTreeMap::from([("test.agekey".to_owned(), key)]);
            wanted.push(("Secret".to_owned(), name.to_owned(), values));
        }
        for (kind, name, values) in wanted {
            let list = format!("/api/v1/namespaces/{namespace}/{}s", kind.to_lowercase());
            if cluster.get(&format!("{list}/{name}")).await?.is_some() {
                continue;
            }
            let values: BTreeMap<String, String> = values;
            let field = if kind == "Secret" { "stringData" } else { "data" };
            // A Kustomization without it may have failed already, and waits for an hour.
            let labels = json!({"reconcile.fluxcd.io/watch": "Enabled"});
            let object = json!({
                "apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}, field: values,
            });
            cluster.apply(&list, &object).await?;
            made.insert(format!("{kind}/{namespace}/{name}"));
        }
    }
    Ok(())
}
