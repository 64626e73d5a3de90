//! `create alert`.

use clap::Args;
use serde_json::Value;

use super::{Context, Name, ObjectReference, Objects, canonical};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

/// Kinds whose events can be told.
const SOURCES: [&str; 11] = [
    "Bucket",
    "GitRepository",
    "Kustomization",
    "HelmRelease",
    "HelmChart",
    "HelmRepository",
    "ImageRepository",
    "ImagePolicy",
    "ImageUpdateAutomation",
    "OCIRepository",
    "ExternalArtifact",
];

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Provider that notifications go to
    #[arg(long, default_value = "")]
    provider_ref: String,
    /// Least severity of the events: info, error
    #[arg(long, default_value = "")]
    event_severity: String,
    /// Object whose events are told, as KIND/NAME.NAMESPACE; a name of * means all
    #[arg(long, value_delimiter = ',')]
    event_source: Vec<String>,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.provider_ref.is_empty() {
            return Err(Failure::usage("provider ref is required"));
        }
        let sources = self.event_source.iter().map(|text| source(text)).collect::<Result<Vec<_>>>()?;
        if sources.is_empty() {
            return Err(Failure::usage("at least one event source is required"));
        }
        let object = context
            .object("notification.toolkit.fluxcd.io/v1beta3", "Alert")
            .with("/spec/eventSeverity", self.event_severity.as_str())
            .with("/spec/eventSources", sources)
            .with("/spec/providerRef/name", self.provider_ref.as_str());
        Ok(vec![object])
    }
}

/// Reads one event source.
fn source(text: &str) -> Result<Value> {
    let mut reference = ObjectReference::parse(text);
    if reference.kind.is_empty() || reference.name.is_empty() {
        return Err(Failure::usage(format!(
            "invalid event source '{text}', must be in format <kind>/<name>"
        )));
    }
    match canonical(&SOURCES, &reference.kind) {
        Some(kind) => reference.kind = kind.to_owned(),
        None => {
            return Err(Failure::usage(format!(
                "event source kind '{}' is not supported, must be one of: {}",
                reference.kind,
                SOURCES.join(", ")
            )));
        }
    }
    Ok(reference.value())
}
