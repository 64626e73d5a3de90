//! The latest version of each kind, by version of Flux.

use crate::cli::{Failure, Result};

/// Groups and kinds, with the latest version.
pub(super) type Latest = [(&'static str, &'static str, &'static str)];

const SOURCE: &str = "source.toolkit.fluxcd.io";
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

/// Since Flux 2.7.
const STABLE_IMAGES: [(&str, &str, &str); 15] = [
    (SOURCE, "Bucket", "v1"),
    (SOURCE, "GitRepository", "v1"),
    (SOURCE, "OCIRepository", "v1"),
    (SOURCE, "HelmRepository", "v1"),
    (SOURCE, "HelmChart", "v1"),
    (SOURCE, "ExternalArtifact", "v1"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", "v1"),
    ("helm.toolkit.fluxcd.io", "HelmRelease", "v2"),
    (NOTIFICATION, "Receiver", "v1"),
    (NOTIFICATION, "Alert", "v1beta3"),
    (NOTIFICATION, "Provider", "v1beta3"),
    (IMAGE, "ImageRepository", "v1"),
    (IMAGE, "ImagePolicy", "v1"),
    (IMAGE, "ImageUpdateAutomation", "v1"),
    ("source.extensions.fluxcd.io", "ArtifactGenerator", "v1beta1"),
];

/// Until Flux 2.6.
const BETA_IMAGES: [(&str, &str, &str); 14] = [
    (SOURCE, "Bucket", "v1"),
    (SOURCE, "GitRepository", "v1"),
    (SOURCE, "OCIRepository", "v1"),
    (SOURCE, "HelmRepository", "v1"),
    (SOURCE, "HelmChart", "v1"),
    (SOURCE, "ExternalArtifact", "v1"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", "v1"),
    ("helm.toolkit.fluxcd.io", "HelmRelease", "v2"),
    (NOTIFICATION, "Receiver", "v1"),
    (NOTIFICATION, "Alert", "v1beta3"),
    (NOTIFICATION, "Provider", "v1beta3"),
    (IMAGE, "ImageRepository", "v1beta2"),
    (IMAGE, "ImagePolicy", "v1beta2"),
    (IMAGE, "ImageUpdateAutomation", "v1beta2"),
];

/// What `--version` accepts, the latest first.
const SUPPORTED: [(&str, &Latest); 4] =
    [("2.9", &STABLE_IMAGES), ("2.8", &STABLE_IMAGES), ("2.7", &STABLE_IMAGES), ("2.6", &BETA_IMAGES)];

/// The latest versions in a version of Flux, or in the last one.
pub(super) fn of_flux(version: Option<&str>) -> Result<&'static Latest> {
    let Some(version) = version else { return Ok(SUPPORTED[0].1) };
    let found = SUPPORTED.iter().find(|(known, _)| *known == version);
    found.map(|(_, latest)| *latest).ok_or_else(|| {
        let known: Vec<&str> = SUPPORTED.iter().map(|(known, _)| *known).collect();
        Failure::failed(format!(
            "version {version} is not supported, supported versions are: {}",
            known.join(", ")
        ))
    })
}
