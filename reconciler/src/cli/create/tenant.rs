//! `create tenant`.

use clap::Args;
use reconciler_api::annotation;
use serde_json::{Value, json};

use super::{Context, Name, Objects};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Namespaces of the tenant
    #[arg(long, value_delimiter = ',')]
    with_namespace: Vec<String>,
    /// Cluster role of the tenant in its namespaces
    #[arg(long, default_value = "cluster-admin")]
    cluster_role: String,
    /// Service account of the tenant; its name if absent
    #[arg(long, default_value = "")]
    with_service_account: String,
    /// Do not create the namespaces; they must exist already
    #[arg(long)]
    skip_namespace: bool,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.with_namespace.is_empty() {
            return Err(Failure::usage("with-namespace is required"));
        }
        let mut labels = context.label_map();
        labels[annotation::TENANT] = Value::from(context.name);
        let account = match self.with_service_account.as_str() {
            "" => context.name,
            given => given,
        };
        let labelled = |object: Manifest| object.with("/metadata/labels", labels.clone());
        let mut objects = Vec::new();
        for namespace in &self.with_namespace {
            if !self.skip_namespace {
                objects.push(labelled(Manifest::new("v1", "Namespace", namespace, "")));
            }
            objects.push(labelled(Manifest::new("v1", "ServiceAccount", account, namespace)));
            let user = format!("gotk:{namespace}:reconciler");
            let name = format!("{}-reconciler", context.name);
            let binding = Manifest::new("rbac.authorization.k8s.io/v1", "RoleBinding", &name, namespace)
                .with(
                    "/roleRef",
                    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.cluster_role}),
                )
                .with(
                    "/subjects",
                    json!([
                        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user},
                        {"kind": "ServiceAccount", "name": account, "namespace": namespace},
                    ]),
                );
            objects.push(labelled(binding));
        }
        Ok(objects)
    }
}
