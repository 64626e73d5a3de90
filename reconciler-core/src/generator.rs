//! The kustomization that is built for a Flux Kustomization.
//!
//! Flux rewrites the kustomization file of a directory before it builds it: the overrides of the
//! Kustomization go into it, and a directory without one gets one that lists its manifests. Here nothing
//! is written; an [`OverlayHost`] shows the generated file in its place.

mod filter;
mod model;
mod overlay;
mod overrides;
mod scan;

pub use overlay::{CommandOptions, Generated, OverlayHost};

use kustomize_core::host::HostError;
use kustomize_core::{BuildError, BuildOptions, Cancellation, LoadRestrictor, Rendered, Reorder};

/// Why no kustomization could be generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// A file or directory that cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        source: HostError,
    },
    /// A link that leads out of the source.
    #[error("path '{path}' is not in or below '{root}'")]
    Outside {
        /// Where the link stands.
        path: String,
        /// The root of the source.
        root: String,
    },
    /// A manifest that is no Kubernetes object.
    #[error("failed to decode Kubernetes YAML from {path}: {message}")]
    Manifest {
        /// Its path.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// A kustomization file that is not YAML.
    #[error("error converting YAML to JSON: yaml: {0}")]
    Yaml(String),
    /// A kustomization file with a value of the wrong type.
    #[error("{0}")]
    Type(String),
    /// A component that is not in the source.
    #[error("component path '{0}' must be local and relative")]
    RemoteComponent(String),
}

/// Builds the generated kustomization: any file of the source may be loaded, nothing from outside, and no
/// programs are run.
///
/// # Errors
/// Whatever kustomize refuses.
pub fn build(host: &OverlayHost<'_>, cancellation: &Cancellation) -> Result<Rendered, BuildError> {
    let options = BuildOptions {
        load_restrictor: LoadRestrictor::None,
        reorder: Reorder::None,
        cancellation: cancellation.clone(),
        ..BuildOptions::default()
    };
    kustomize_core::build(host, host.directory(), &options)
}
