//! `create image`: repository, policy, update.

use clap::{Args, Subcommand};
use reconciler_api::Duration;

use super::{Context, Name, Objects};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

/// Group and version of image automation.
const API: &str = "image.toolkit.fluxcd.io/v1";

#[derive(Subcommand)]
pub(super) enum Image {
    /// An ImageRepository, whose tags are scanned
    Repository(Repository),
    /// An ImagePolicy, which chooses a tag
    Policy(Policy),
    /// An ImageUpdateAutomation, which commits chosen tags
    Update(Update),
}

impl Image {
    /// The flags, whatever they are of.
    pub(super) fn flags(&self) -> &dyn Objects {
        match self {
            Image::Repository(flags) => flags,
            Image::Policy(flags) => flags,
            Image::Update(flags) => flags,
        }
    }
}

#[derive(Args)]
pub(super) struct Repository {
    #[command(flatten)]
    name: Name,
    /// Name of the image, without a tag
    #[arg(long, default_value = "")]
    image: String,
    /// Secret with credentials
    #[arg(long, default_value = "")]
    secret_ref: String,
    /// Secret with certificates
    #[arg(long, default_value = "")]
    cert_ref: String,
    /// How long a scan may take
    #[arg(long)]
    scan_timeout: Option<Duration>,
}

impl Objects for Repository {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.image.is_empty() {
            return Err(Failure::usage("an image repository (--image) is required"));
        }
        let object = context
            .object(API, "ImageRepository")
            .with("/spec/certSecretRef/name", self.cert_ref.as_str())
            .with("/spec/image", self.image.as_str())
            .with("/spec/interval", context.interval())
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/timeout", self.scan_timeout.map(|timeout| timeout.to_string()));
        Ok(vec![object])
    }
}

#[derive(Args)]
pub(super) struct Policy {
    #[command(flatten)]
    name: Name,
    /// ImageRepository whose tags are chosen from
    #[arg(long, default_value = "")]
    image_ref: String,
    /// Range of versions; the latest is chosen
    #[arg(long, default_value = "")]
    select_semver: String,
    /// Choose by the alphabet: asc, desc
    #[arg(long, default_value = "")]
    select_alpha: String,
    /// Choose by number: asc, desc
    #[arg(long, default_value = "")]
    select_numeric: String,
    /// Pattern of the tags to choose from
    #[arg(long, default_value = "")]
    filter_regex: String,
    /// What of a tag is compared, with $1 or $name for groups of the pattern
    #[arg(long, default_value = "")]
    filter_extract: String,
    /// Whether the digest is looked up: Never, IfNotPresent, Always
    #[arg(long, default_value = "")]
    reflect_digest: String,
}

impl Objects for Policy {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.image_ref.is_empty() {
            return Err(Failure::usage(
                "the name of an ImageRepository in the namespace is required (--image-ref)",
            ));
        }
        let object = context
            .object(API, "ImagePolicy")
            .with("/spec/digestReflectionPolicy", self.reflect_digest.as_str())
            .with("/spec/filterTags/extract", self.filter_extract.as_str())
            .with("/spec/filterTags/pattern", self.filter_regex.as_str())
            .with("/spec/imageRepositoryRef/name", self.image_ref.as_str());
        let chosen = [&self.select_semver, &self.select_alpha, &self.select_numeric];
        let object = match chosen.map(|choice| !choice.is_empty()) {
            [true, false, false] => object.with("/spec/policy/semver/range", self.select_semver.as_str()),
            [false, true, false] => {
                object.with("/spec/policy/alphabetical/order", order(&self.select_alpha)?)
            }
            [false, false, true] => object.with("/spec/policy/numerical/order", order(&self.select_numeric)?),
            [false, false, false] => {
                return Err(Failure::usage(
                    "a policy must be provided, either with --select-semver or --select-alpha",
                ));
            }
            _ => {
                return Err(Failure::usage(
                    "only one of --select-semver, --select-alpha or --select-numeric can be specified",
                ));
            }
        };
        if self.filter_regex.is_empty() && !self.filter_extract.is_empty() {
            return Err(Failure::usage("cannot specify --filter-extract without specifying --filter-regex"));
        }
        // The interval is of use only where digests are looked up again and again.
        Ok(vec![match self.reflect_digest.as_str() {
            "Always" => object.with("/spec/interval", context.interval()),
            _ => object,
        }])
    }
}

/// Reads an order.
fn order(text: &str) -> Result<&str> {
    match text {
        "asc" | "desc" => Ok(text),
        _ => Err(Failure::usage(format!("invalid order '{text}', must be one of: asc, desc"))),
    }
}

#[derive(Args)]
pub(super) struct Update {
    #[command(flatten)]
    name: Name,
    /// GitRepository whose files are changed
    #[arg(long, default_value = "")]
    git_repo_ref: String,
    /// Namespace of the GitRepository
    #[arg(long, default_value = "")]
    git_repo_namespace: String,
    /// Directory whose files are changed
    #[arg(long, default_value = "")]
    git_repo_path: String,
    /// Branch to check out
    #[arg(long, default_value = "")]
    checkout_branch: String,
    /// Branch to push to; the one that was checked out if absent
    #[arg(long, default_value = "")]
    push_branch: String,
    /// Template of the commit's message
    #[arg(long, default_value = "")]
    commit_template: String,
    /// Name of the commit's author
    #[arg(long, default_value = "")]
    author_name: String,
    /// Address of the commit's author
    #[arg(long, default_value = "")]
    author_email: String,
    /// Secret with the key that commits are signed with
    #[arg(long, default_value = "")]
    signing_key_secret: String,
    /// Type of that key: gpg, ssh
    #[arg(long, default_value = "")]
    signing_key_type: String,
}

impl Objects for Update {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let required = [
            (&self.git_repo_ref, "a reference to a GitRepository is required (--git-repo-ref)"),
            (&self.checkout_branch, "the Git repository branch is required (--checkout-branch)"),
            (&self.author_name, "the author name is required (--author-name)"),
            (&self.author_email, "the author email is required (--author-email)"),
        ];
        if let Some((_, message)) = required.iter().find(|(value, _)| value.is_empty()) {
            return Err(Failure::usage(*message));
        }
        if self.signing_key_secret.is_empty() && !self.signing_key_type.is_empty() {
            return Err(Failure::usage("--signing-key-type requires --signing-key-secret"));
        }
        if !matches!(self.signing_key_type.as_str(), "" | "gpg" | "ssh") {
            return Err(Failure::usage(format!(
                "invalid --signing-key-type \"{}\": must be one of: gpg, ssh",
                self.signing_key_type
            )));
        }
        let mut object = context
            .object(API, "ImageUpdateAutomation")
            .with("/spec/git/checkout/ref/branch", self.checkout_branch.as_str())
            .with("/spec/git/commit/author/email", self.author_email.as_str())
            .with("/spec/git/commit/author/name", self.author_name.as_str())
            .with("/spec/git/commit/messageTemplate", self.commit_template.as_str())
            .with("/spec/git/commit/signingKey/secretRef/name", self.signing_key_secret.as_str())
            .with("/spec/git/commit/signingKey/type", self.signing_key_type.as_str())
            .with("/spec/git/push/branch", self.push_branch.as_str())
            .with("/spec/interval", context.interval())
            .with("/spec/sourceRef/kind", "GitRepository")
            .with("/spec/sourceRef/name", self.git_repo_ref.as_str())
            .with("/spec/sourceRef/namespace", self.git_repo_namespace.as_str());
        if !self.git_repo_path.is_empty() {
            object = object
                .with("/spec/update/path", self.git_repo_path.as_str())
                .with("/spec/update/strategy", "Setters");
        }
        Ok(vec![object])
    }
}
