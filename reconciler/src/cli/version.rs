//! `version`.

use std::time::Duration;

use clap::Args;
use kube::api::{ApiResource, ListParams};
use kube::core::GroupVersionKind;
use serde_json::{Map, Value};

use super::cluster::{Cluster, block_on};
use super::manifest::to_yaml;
use super::{Global, Result, term};

/// How long to wait for the cluster.
const PATIENCE: Duration = Duration::from_secs(5);

/// The key of this program's version, under which scripts look for that of the command line. An image may have the
/// name of this program.
const CLIENT: &str = "flux";

/// Options of `version`.
#[derive(Args)]
pub(crate) struct Version {
    /// Print only the version of this program, without those of the controllers in the cluster
    #[arg(long)]
    client: bool,
    /// Format of the output
    #[arg(long, short, default_value = "yaml", value_parser = ["yaml", "json"])]
    output: String,
}

impl Version {
    /// Prints the versions.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let own = format!("v{}", env!("CARGO_PKG_VERSION"));
        let mut others = Map::new();
        if !self.client {
            block_on(async {
                // Without a cluster there is still a version to print, and no reason to wait.
                if let Ok(cluster) = Cluster::connect(global).await {
                    let found = tokio::time::timeout(PATIENCE, controllers(&cluster)).await;
                    others = found.ok().and_then(Result::ok).unwrap_or_default();
                }
                Ok(())
            })?;
        }
        if self.output == "json" {
            others.insert(CLIENT.to_owned(), own.into());
            return term::print(&format!("{:#}\n", Value::Object(others)));
        }
        let rest = if others.is_empty() { String::new() } else { to_yaml(&Value::Object(others))? };
        term::print(&format!("{CLIENT}: {own}\n{rest}"))
    }
}

/// The names and tags of the images that the controllers in the cluster run.
async fn controllers(cluster: &Cluster) -> Result<Map<String, Value>> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let params = ListParams::default().labels("app.kubernetes.io/part-of=flux");
    let mut found = Map::new();
    for deployment in cluster.list(&resource, &cluster.namespace, &params).await?.unwrap_or_default() {
        let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        for image in containers.into_iter().flatten().filter_map(|container| container["image"].as_str()) {
            let name = image.rsplit('/').next().unwrap_or(image);
            let (name, tag) = name.split_once([':', '@']).unwrap_or((name, ""));
            found.insert(name.to_owned(), tag.into());
        }
    }
    Ok(found)
}
