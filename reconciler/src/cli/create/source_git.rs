//! `create source git`.

use clap::Args;

use super::secret::{Ssh, secret, with_file};
use super::{Context, Credentials, Name, Objects, git_url};
use crate::cli::manifest::Manifest;
use crate::cli::ssh_key::KeyFlags;
use crate::cli::{Failure, Result, term};

/// Who gives the credentials for a repository.
const PROVIDERS: [&str; 4] = ["generic", "github", "aws", "azure"];

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Address, such as ssh://git@host/org/repository
    #[arg(long, default_value = "")]
    url: String,
    /// Branch
    #[arg(long, default_value = "")]
    branch: String,
    /// Tag
    #[arg(long, default_value = "")]
    tag: String,
    /// Range of versions that tags are chosen from
    #[arg(long, default_value = "")]
    tag_semver: String,
    /// Full name of a reference, such as refs/heads/main
    #[arg(long, default_value = "")]
    ref_name: String,
    /// Commit
    #[arg(long, default_value = "")]
    commit: String,
    /// User name; together with a password it becomes a Secret
    #[arg(long, short, default_value = "")]
    username: String,
    /// Password of the user, or of the private key
    #[arg(long, short, default_value = "")]
    password: String,
    /// File with a private key for ssh; a new one is made if absent
    #[arg(long, default_value = "")]
    private_key_file: String,
    #[command(flatten)]
    key: KeyFlags,
    /// Do not ask whether the deploy key was added
    #[arg(long, short)]
    silent: bool,
    /// Existing Secret with credentials; without it one is made from the other flags
    #[arg(long, default_value = "")]
    secret_ref: String,
    /// Secret with the address of a proxy
    #[arg(long, default_value = "")]
    proxy_secret_ref: String,
    /// Who gives the credentials: generic, github, aws, azure
    #[arg(long, value_parser = provider)]
    provider: Option<String>,
    /// File with the CA certificate of the server
    #[arg(long, default_value = "")]
    ca_file: String,
    /// Fetch submodules too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    recurse_submodules: bool,
    /// Paths to leave out
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// Directories to check out, instead of all
    #[arg(long, value_delimiter = ',')]
    sparse_checkout_paths: Vec<String>,
    /// How long fetching may take
    #[arg(long)]
    fetch_timeout: Option<reconciler_api::Duration>,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let url = git_url(&self.url)?;
        let scheme = url.scheme();
        if !matches!(scheme, "ssh" | "http" | "https") {
            return Err(Failure::usage(format!(
                "git URL scheme '{scheme}' not supported, can be: ssh, http and https"
            )));
        }
        let references = [&self.branch, &self.tag, &self.tag_semver, &self.commit, &self.ref_name];
        if references.iter().all(|reference| reference.is_empty()) {
            return Err(Failure::usage(
                "a Git ref is required, use one of the following: --branch, --tag, --commit, --ref-name or --tag-semver",
            ));
        }
        if !self.ca_file.is_empty() && scheme == "ssh" {
            return Err(Failure::usage("specifying a CA file is not supported for Git over SSH"));
        }
        let mut object = context
            .object("source.toolkit.fluxcd.io/v1", "GitRepository")
            .with("/spec/url", self.url.as_str())
            .with("/spec/interval", context.interval())
            .with("/spec/timeout", self.fetch_timeout.map(|timeout| timeout.to_string()))
            .with("/spec/provider", self.provider.clone())
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/proxySecretRef/name", self.proxy_secret_ref.as_str())
            .with("/spec/recurseSubmodules", self.recurse_submodules)
            .with("/spec/ignore", self.ignore_paths.join("\n"))
            .with("/spec/sparseCheckout", self.sparse_checkout_paths.clone());
        object = if !self.commit.is_empty() {
            object
                .with("/spec/ref/commit", self.commit.as_str())
                .with("/spec/ref/branch", self.branch.as_str())
        } else if !self.ref_name.is_empty() {
            object.with("/spec/ref/name", self.ref_name.as_str())
        } else if !self.tag_semver.is_empty() {
            object.with("/spec/ref/semver", self.tag_semver.as_str())
        } else if !self.tag.is_empty() {
            object.with("/spec/ref/tag", self.tag.as_str())
        } else {
            object.with("/spec/ref/branch", self.branch.as_str())
        };
        Ok(vec![object])
    }

    fn credentials(&self, context: &Context<'_>) -> Result<Option<Credentials>> {
        if !self.secret_ref.is_empty() {
            return Ok(None);
        }
        let url = git_url(&self.url)?;
        let unlabelled = Context { labels: Default::default(), ..*context };
        let secret = if url.scheme() == "ssh" {
            let login = Ssh { key: &self.key, file: &self.private_key_file, password: &self.password };
            login.secret(&unlabelled, &url)?
        } else {
            let mut secret = secret(&unlabelled);
            if !self.username.is_empty() && !self.password.is_empty() {
                if url.scheme() == "http" {
                    term::warning("insecure configuration: credentials configured for an HTTP URL");
                }
                secret = secret
                    .with("/stringData/username", self.username.as_str())
                    .with("/stringData/password", self.password.as_str());
            }
            if url.scheme() == "https" {
                secret = with_file(secret, "ca.crt", "TLS CA file", &self.ca_file)?;
            }
            secret
        };
        let is_empty = secret.0.get("stringData").is_none();
        Ok((!is_empty).then_some(Credentials { secret, what: "repository", is_silent: self.silent }))
    }
}

/// Reads `--provider`.
fn provider(text: &str) -> std::result::Result<String, String> {
    if text.is_empty() {
        return Err("no source Git provider given, please specify the Git provider name".to_owned());
    }
    match PROVIDERS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "source Git provider '{text}' is not supported, must be one of: {}",
            PROVIDERS.join("|")
        )),
    }
}
