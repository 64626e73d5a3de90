//! Reads a rendered resource as a typed value, changes it, and puts it back.

#![allow(clippy::print_stdout, reason = "this is a program")]

use kustomize_core::resource::Resource;
use kustomize_core::{BuildOptions, build};
use kustomize_host::OsHost;
use serde::{Deserialize, Serialize};

/// The part of a Deployment that this program is about. `k8s_openapi` has complete types.
#[derive(Serialize, Deserialize)]
struct Deployment {
    spec: Spec,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Spec {
    #[serde(default)]
    replicas: u32,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rendered = build(&OsHost::new(), "fixtures/apps/overlays/production", &BuildOptions::default())?;
    let is_deployment = |resource: &&std::sync::Arc<Resource>| resource.kind() == "Deployment";
    let Some(index) = rendered.resources().iter().position(|resource| is_deployment(&resource)) else {
        return Err("there is no Deployment".into());
    };
    let mut deployment: Deployment = rendered.resources()[index].deserialize()?;
    deployment.spec.replicas += 1;
    rendered.replace(index, Resource::from_serializable(&deployment)?);
    print!("{}", rendered.resources()[index].yaml()?);
    Ok(())
}
