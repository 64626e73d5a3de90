//! Words that choose a kind and names of it, shared by commands on existing objects.

use clap::{Args, Subcommand};

use super::kinds::{self, Kind};

/// Names of objects.
#[derive(Args, Clone, Debug)]
pub(crate) struct Names {
    /// Names of the objects
    #[arg(value_name = "NAME", num_args = 0..)]
    pub(crate) names: Vec<String>,
}

/// A kind of object, and which of them.
#[derive(Subcommand)]
pub(crate) enum Selection {
    #[command(flatten)]
    Plain(Plain),
    /// Sources
    #[command(subcommand, visible_alias = "sources")]
    Source(Source),
    /// Objects of image automation
    #[command(subcommand, visible_alias = "images")]
    Image(Image),
}

/// Kinds that one word names.
#[derive(Subcommand)]
pub(crate) enum Plain {
    /// Kustomizations
    #[command(visible_aliases = ["ks", "kustomizations"])]
    Kustomization(Names),
    /// HelmReleases
    #[command(visible_aliases = ["hr", "helmreleases"])]
    Helmrelease(Names),
    /// Alerts
    #[command(visible_alias = "alerts")]
    Alert(Names),
    /// Providers of notifications
    #[command(visible_alias = "alert-providers")]
    AlertProvider(Names),
    /// Receivers of webhooks
    #[command(visible_alias = "receivers")]
    Receiver(Names),
}

/// Kinds of sources.
#[derive(Subcommand)]
pub(crate) enum Source {
    /// GitRepositories
    Git(Names),
    /// OCIRepositories
    Oci(Names),
    /// Buckets
    Bucket(Names),
    /// HelmRepositories
    Helm(Names),
    /// HelmCharts
    Chart(Names),
    /// ExternalArtifacts
    External(Names),
}

/// Kinds of image automation.
#[derive(Subcommand)]
pub(crate) enum Image {
    /// ImageRepositories
    Repository(Names),
    /// ImagePolicies
    Policy(Names),
    /// ImageUpdateAutomations
    Update(Names),
}

impl Selection {
    /// The kind, and the names that were given.
    pub(crate) fn parts(&self) -> (&'static Kind, &[String]) {
        match self {
            Selection::Plain(plain) => plain.parts(),
            Selection::Source(source) => source.parts(),
            Selection::Image(image) => image.parts(),
        }
    }
}

impl Plain {
    /// The kind, and the names that were given.
    pub(crate) fn parts(&self) -> (&'static Kind, &[String]) {
        let (kind, names) = match self {
            Plain::Kustomization(names) => (&kinds::KUSTOMIZATION, names),
            Plain::Helmrelease(names) => (&kinds::HELM_RELEASE, names),
            Plain::Alert(names) => (&kinds::ALERT, names),
            Plain::AlertProvider(names) => (&kinds::PROVIDER, names),
            Plain::Receiver(names) => (&kinds::RECEIVER, names),
        };
        (kind, &names.names)
    }
}

impl Source {
    /// The kind, and the names that were given.
    pub(crate) fn parts(&self) -> (&'static Kind, &[String]) {
        let (kind, names) = match self {
            Source::Git(names) => (&kinds::GIT_REPOSITORY, names),
            Source::Oci(names) => (&kinds::OCI_REPOSITORY, names),
            Source::Bucket(names) => (&kinds::BUCKET, names),
            Source::Helm(names) => (&kinds::HELM_REPOSITORY, names),
            Source::Chart(names) => (&kinds::HELM_CHART, names),
            Source::External(names) => (&kinds::EXTERNAL_ARTIFACT, names),
        };
        (kind, &names.names)
    }
}

impl Image {
    /// The kind, and the names that were given.
    pub(crate) fn parts(&self) -> (&'static Kind, &[String]) {
        let (kind, names) = match self {
            Image::Repository(names) => (&kinds::IMAGE_REPOSITORY, names),
            Image::Policy(names) => (&kinds::IMAGE_POLICY, names),
            Image::Update(names) => (&kinds::IMAGE_UPDATE, names),
        };
        (kind, &names.names)
    }
}
