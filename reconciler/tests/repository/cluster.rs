//! The cluster that reconciles: the one that `KUBECONFIG` names, or an embedded one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use crate::Outcome;

/// How long a kind may take to be served after it was defined.
const SERVED: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) kubeconfig: PathBuf,
    /// None if it is a real one.
    embedded: Option<embedded_cluster::Cluster>,
}

impl Cluster {
    pub(crate) async fn connect(directory: &Path) -> Outcome<Self> {
        let (kubeconfig, embedded) = match std::env::var_os("KUBECONFIG") {
            Some(given) => (PathBuf::from(given), None),
            None => {
                let cluster = embedded_cluster::Cluster::in_memory();
                let server = cluster.listen(([127, 0, 0, 1], 0).into()).await?;
                let kubeconfig = directory.join("kubeconfig");
                std::fs::write(&kubeconfig, server.kubeconfig())?;
                (kubeconfig, Some(cluster))
            }
        };
        let config = Kubeconfig::read_from(&kubeconfig)?;
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        Ok(Cluster { client: Client::try_from(config)?, kubeconfig, embedded })
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    pub(crate) fn shutdown(&self) {
        if let Some(embedded) = &self.embedded {
            embedded.shutdown();
        }
    }

    /// Sends a request. None if there is nothing at the path.
    async fn request(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Outcome<Option<Value>> {
        let request = Request::builder().method(method).uri(path).header("content-type", kind).body(body)?;
        match self.client.request::<Value>(request).await {
            Ok(found) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(format!("{method} {path}: {error}").into()),
        }
    }

    /// An object or a list of them.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Option<Value>> {
        self.request("GET", path, "application/json", Vec::new()).await
    }

    /// The objects of a list.
    pub(crate) async fn items(&self, path: &str) -> Outcome<Vec<Value>> {
        let list = self.get(path).await?.unwrap_or_default();
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Changes what is at a path.
    pub(crate) async fn merge(&self, path: &str, patch: &Value) -> Outcome {
        let body = serde_json::to_vec(patch)?;
        self.request("PATCH", path, "application/merge-patch+json", body).await.map(|_| ())
    }

    /// Applies an object of the list at a path.
    pub(crate) async fn apply(&self, list: &str, object: &Value) -> Outcome {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let path = format!("{list}/{name}?fieldManager=test&force=true");
        let found =
            self.request("PATCH", &path, "application/apply-patch+yaml", serde_json::to_vec(object)?).await?;
        found.map(|_| ()).ok_or_else(|| format!("{list} does not exist").into())
    }

    /// Waits until the objects of a kind can be listed.
    pub(crate) async fn until_served(&self, list: &str) -> Outcome {
        let end = Instant::now() + SERVED;
        while self.get(list).await?.is_none() {
            if Instant::now() > end {
                return Err(format!("{list} is not served").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}
