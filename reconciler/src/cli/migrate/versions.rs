//! The latest version of each kind, by version of Flux.

use crate::cli::{Failure, Result};

/// A group and a kind, with its latest version.
type Row = (&'static str, &'static str, &'static str);

/// The latest versions of all kinds in a version of Flux.
#[derive(Clone, Copy)]
pub(super) struct Latest(&'static [Row]);

const SOURCE: &str = "source.toolkit.fluxcd.io";
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

/// The same in all versions of Flux.
const ALWAYS: [Row; 11] = [
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
];

const SINCE_2_7: Latest = Latest(&[
    (IMAGE, "ImageRepository", "v1"),
    (IMAGE, "ImagePolicy", "v1"),
    (IMAGE, "ImageUpdateAutomation", "v1"),
    ("source.extensions.fluxcd.io", "ArtifactGenerator", "v1beta1"),
]);

const UNTIL_2_6: Latest = Latest(&[
    (IMAGE, "ImageRepository", "v1beta2"),
    (IMAGE, "ImagePolicy", "v1beta2"),
    (IMAGE, "ImageUpdateAutomation", "v1beta2"),
]);

impl Latest {
    fn rows(self) -> impl Iterator<Item = &'static Row> {
        ALWAYS.iter().chain(self.0)
    }

    /// Whether any kind of a group is known.
    pub(super) fn has_group(self, group: &str) -> bool {
        self.rows().any(|(known, ..)| *known == group)
    }

    /// The latest version of a kind; `None` if the kind is not known.
    pub(super) fn version(self, group: &str, kind: &str) -> Option<&'static str> {
        self.rows().find(|(known, name, _)| (*known, *name) == (group, kind)).map(|(.., version)| *version)
    }
}

/// What `--version` accepts, the latest first.
const SUPPORTED: [(&str, Latest); 4] =
    [("2.9", SINCE_2_7), ("2.8", SINCE_2_7), ("2.7", SINCE_2_7), ("2.6", UNTIL_2_6)];

/// The latest versions in a version of Flux, or in the last one.
pub(super) fn of_flux(version: Option<&str>) -> Result<Latest> {
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
