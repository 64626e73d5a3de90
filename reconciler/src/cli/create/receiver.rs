//! `create receiver`.

use clap::Args;
use serde_json::Value;

use super::{Context, Name, ObjectReference, Objects, canonical};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

/// Kinds that a webhook can have reconciled.
const RESOURCES: [&str; 6] =
    ["Bucket", "GitRepository", "HelmRepository", "ImageRepository", "OCIRepository", "Kustomization"];

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Who sends the webhooks, such as github
    #[arg(long = "type", default_value = "")]
    receiver_type: String,
    /// Secret with the token
    #[arg(long, default_value = "")]
    secret_ref: String,
    /// Event that is listened to
    #[arg(long, value_delimiter = ',')]
    event: Vec<String>,
    /// Object that is reconciled, as KIND/NAME
    #[arg(long, value_delimiter = ',')]
    resource: Vec<String>,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.receiver_type.is_empty() {
            return Err(Failure::usage("Receiver type is required"));
        }
        if self.secret_ref.is_empty() {
            return Err(Failure::usage("secret ref is required"));
        }
        let resources = self.resource.iter().map(|text| resource(text)).collect::<Result<Vec<_>>>()?;
        if resources.is_empty() {
            return Err(Failure::usage("atleast one resource is required"));
        }
        let object = context
            .object("notification.toolkit.fluxcd.io/v1", "Receiver")
            .with("/spec/events", self.event.clone())
            .with("/spec/resources", resources)
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/type", self.receiver_type.as_str());
        Ok(vec![object])
    }
}

/// Reads one resource.
fn resource(text: &str) -> Result<Value> {
    let mut reference = ObjectReference::parse(text);
    if reference.kind.is_empty() || reference.name.is_empty() {
        return Err(Failure::usage(format!("invalid resource '{text}', must be in format <kind>/<name>")));
    }
    match canonical(&RESOURCES, &reference.kind) {
        Some(kind) => reference.kind = kind.to_owned(),
        None => {
            return Err(Failure::usage(format!(
                "resource kind '{}' is not supported, must be one of: {}",
                reference.kind,
                RESOURCES.join(", ")
            )));
        }
    }
    Ok(reference.value())
}
