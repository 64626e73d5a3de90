//! Other clusters, which a Secret with kubeconfigs names.

use embedded_cluster::Cluster;
use http::Request;
use kube::Client;
use serde_json::{Value, json};

use crate::features::{map, path_of};
use crate::stage::{Outcome, Stage};

/// Whether a cluster has the ConfigMap.
async fn has(client: &Client) -> Outcome<bool> {
    let request = Request::get(path_of("configmaps", "away")).body(Vec::new())?;
    match client.request::<Value>(request).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubeconfigs_lead_to_other_clusters() -> Outcome {
    let mut stage = Stage::new("clusters").await?;
    stage.commit("first commit", &[("main/.keep", ""), ("away/map.yaml", &map("away", "b"))])?;
    stage.start("main").await?;
    let (first, second) = (Cluster::in_memory(), Cluster::in_memory());
    let address = ([127, 0, 0, 1], 0).into();
    let (config, other) =
        (first.listen(address).await?.kubeconfig(), second.listen(address).await?.kubeconfig());
    let mut data = json!({"value": config, "other": other});
    let mut names = vec![("first", None), ("second", Some("other"))];
    let this = match std::env::var_os("KUBECONFIG") {
        // With TLS and a client certificate.
        Some(path) => Some(std::fs::read_to_string(path)?),
        None => None,
    };
    if let Some(this) = &this {
        data["this"] = json!(this);
        names.push(("third", Some("this")));
    }
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clusters"}, "stringData": data});
    stage.add("secrets", &secret).await?;
    let clients = [&first, &second].map(|cluster| Client::new(cluster.service(), "default"));
    for (number, (name, key)) in names.iter().enumerate() {
        let secret = json!({"name": "clusters", "key": key});
        stage.create(name, &json!({"path": "./away", "kubeConfig": {"secretRef": secret}})).await?;
        stage.ready(name, &stage.revision()?).await?;
        for (place, client) in clients.iter().enumerate() {
            assert_eq!(has(client).await?, place <= number, "cluster {place} after {name}");
        }
        assert_eq!(stage.exists(&path_of("configmaps", "away")).await?, *name == "third", "after {name}");
    }
    for (name, _) in &names {
        stage.delete(name).await?;
        stage.disappears(&stage.path_of(name)).await?;
    }
    for client in &clients {
        assert!(!has(client).await?);
    }
    assert!(!stage.exists(&path_of("configmaps", "away")).await?);
    stage.stop().await
}
