//! The behavior suite on the embedded cluster, or on the API server that `KUBECONFIG` names.

mod hostile;
mod library;
mod policies;
mod protobuf;
mod suite;
mod tls;
mod webhooks;

use kube::Client;

#[tokio::test]
async fn behaves_like_kubernetes() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if std::env::var_os("KUBECONFIG").is_some() {
        return suite::run_suite(Client::try_default().await?).await;
    }
    let cluster = embedded_cluster::Cluster::in_memory();
    suite::run_suite(Client::new(cluster.service(), "default")).await
}

#[tokio::test]
async fn webhooks_are_asked() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if std::env::var_os("KUBECONFIG").is_some() {
        return webhooks::run(Client::try_default().await?).await;
    }
    let cluster = embedded_cluster::Cluster::in_memory();
    webhooks::run(Client::new(cluster.service(), "default")).await
}

#[tokio::test]
async fn a_file_keeps_the_state() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, PostParams};
    let directory = tempfile::tempdir()?;
    // The first cluster still holds the file of its own: a copy is what a crash leaves behind.
    let (file, copy) = (directory.path().join("cluster"), directory.path().join("copy"));
    let cluster = embedded_cluster::Cluster::open(&file)?;
    let maps: Api<ConfigMap> = Api::namespaced(Client::new(cluster.service(), "default"), "default");
    let map: ConfigMap =
        serde_json::from_value(serde_json::json!({"metadata": {"name": "kept"}, "data": {"a": "1"}}))?;
    let created = maps.create(&PostParams::default(), &map).await?;
    std::fs::copy(&file, &copy)?;
    cluster.shutdown();
    let again = embedded_cluster::Cluster::open(&copy)?;
    let maps: Api<ConfigMap> = Api::namespaced(Client::new(again.service(), "default"), "default");
    assert_eq!(maps.get("kept").await?, created);
    Ok(())
}
