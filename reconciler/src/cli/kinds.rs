//! The kinds that commands work on, and the words for them.

use kube::api::ApiResource;
use kube::core::GroupVersionKind;

/// A kind of object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    /// How sentences name it, which is also how commands do.
    pub(crate) human: &'static str,
    /// Whether no controller writes a status for it.
    pub(crate) is_static: bool,
}

impl Kind {
    const fn new(group: &'static str, version: &'static str, names: [&'static str; 3]) -> Self {
        let [kind, plural, human] = names;
        Kind { group, version, kind, plural, human, is_static: false }
    }

    /// What requests need to know.
    pub(crate) fn resource(&self) -> ApiResource {
        ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(self.group, self.version, self.kind),
            self.plural,
        )
    }

    /// Whether it is a kind of source.
    pub(crate) fn is_source(&self) -> bool {
        self.human.starts_with("source ")
    }

    /// The group and version as objects write them.
    pub(crate) fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// The kind of that name, in any case of letters.
    pub(crate) fn find(kind: &str) -> Option<&'static Kind> {
        ALL.iter().copied().find(|known| known.kind.eq_ignore_ascii_case(kind))
    }
}

const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
const SOURCE: &str = "source.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";

pub(crate) static KUSTOMIZATION: Kind =
    Kind::new(KUSTOMIZE, "v1", ["Kustomization", "kustomizations", "kustomization"]);
pub(crate) static HELM_RELEASE: Kind =
    Kind::new("helm.toolkit.fluxcd.io", "v2", ["HelmRelease", "helmreleases", "helmrelease"]);
pub(crate) static GIT_REPOSITORY: Kind =
    Kind::new(SOURCE, "v1", ["GitRepository", "gitrepositories", "source git"]);
pub(crate) static OCI_REPOSITORY: Kind =
    Kind::new(SOURCE, "v1", ["OCIRepository", "ocirepositories", "source oci"]);
pub(crate) static BUCKET: Kind = Kind::new(SOURCE, "v1", ["Bucket", "buckets", "source bucket"]);
pub(crate) static HELM_REPOSITORY: Kind =
    Kind::new(SOURCE, "v1", ["HelmRepository", "helmrepositories", "source helm"]);
pub(crate) static HELM_CHART: Kind = Kind::new(SOURCE, "v1", ["HelmChart", "helmcharts", "source chart"]);
pub(crate) static EXTERNAL_ARTIFACT: Kind =
    Kind::new(SOURCE, "v1", ["ExternalArtifact", "externalartifacts", "source external-artifact"]);
pub(crate) static IMAGE_REPOSITORY: Kind =
    Kind::new(IMAGE, "v1", ["ImageRepository", "imagerepositories", "image repository"]);
pub(crate) static IMAGE_POLICY: Kind =
    Kind::new(IMAGE, "v1", ["ImagePolicy", "imagepolicies", "image policy"]);
pub(crate) static IMAGE_UPDATE: Kind =
    Kind::new(IMAGE, "v1", ["ImageUpdateAutomation", "imageupdateautomations", "image update automation"]);
pub(crate) static ALERT: Kind =
    Kind { is_static: true, ..Kind::new(NOTIFICATION, "v1beta3", ["Alert", "alerts", "alert"]) };
pub(crate) static PROVIDER: Kind = Kind {
    is_static: true,
    ..Kind::new(NOTIFICATION, "v1beta3", ["Provider", "providers", "alert provider"])
};
pub(crate) static RECEIVER: Kind = Kind::new(NOTIFICATION, "v1", ["Receiver", "receivers", "receiver"]);

/// All kinds, in the order in which statistics list them.
pub(crate) static ALL: [&Kind; 14] = [
    &GIT_REPOSITORY,
    &OCI_REPOSITORY,
    &HELM_REPOSITORY,
    &HELM_CHART,
    &BUCKET,
    &KUSTOMIZATION,
    &HELM_RELEASE,
    &ALERT,
    &PROVIDER,
    &RECEIVER,
    &IMAGE_UPDATE,
    &IMAGE_POLICY,
    &IMAGE_REPOSITORY,
    &EXTERNAL_ARTIFACT,
];
