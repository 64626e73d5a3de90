//! `bootstrap`: the reconciler in a cluster and in the repository that it follows, itself included.

mod carry_over;
mod forge;
mod forge_api;
mod git;
mod signing;
mod steps;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reconciler_api::Duration;

use super::cluster::{Cluster, block_on};
use super::install::existing;
use super::manifests::Flags;
use super::ssh_key::KeyFlags;
use super::{Global, Result};
pub(crate) use signing::Signing;
use steps::Steps;

/// Options of `bootstrap`.
#[derive(Args)]
pub(crate) struct Bootstrap {
    #[command(subcommand)]
    how: How,
}

#[derive(Subcommand)]
enum How {
    /// From any git server
    Git(Box<git::Git>),
    /// From GitHub; the token is in the environment variable GITHUB_TOKEN
    Github(Box<forge::GitHub>),
    /// From GitLab; the token is in the environment variable GITLAB_TOKEN
    Gitlab(Box<forge::GitLab>),
    /// From Gitea or Forgejo; the token is in the environment variable GITEA_TOKEN
    Gitea(Box<forge::Gitea>),
    /// From Bitbucket Server; the token is in the environment variable BITBUCKET_TOKEN
    BitbucketServer(Box<forge::Bitbucket>),
}

/// Flags that do not depend on where the repository is.
#[derive(Args)]
struct Common {
    #[command(flatten)]
    components: Flags,
    /// Branch
    #[arg(long, default_value = "main")]
    branch: String,
    /// Directory in the repository for this cluster
    #[arg(long, default_value = "")]
    path: String,
    /// How often the repository is looked at
    #[arg(long, default_value = "1m0s")]
    interval: Duration,
    /// Store the user name and the password or token in the cluster instead of a deploy key
    #[arg(long)]
    token_auth: bool,
    #[command(flatten)]
    key: KeyFlags,
    /// File with a private key, to push with over ssh and to be used by the cluster
    #[arg(long)]
    private_key_file: Option<PathBuf>,
    /// Host of ssh, if it is not the one of the address: HOST or HOST:PORT
    #[arg(long)]
    ssh_hostname: Option<String>,
    /// File with the CA certificate of the server
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Name of the Secret with the credentials
    #[arg(long, default_value = "flux-system")]
    secret_name: String,
    /// Name of who commits
    #[arg(long, default_value = "Flux")]
    author_name: String,
    /// Address of who commits
    #[arg(long, default_value = "")]
    author_email: String,
    /// What to add to the messages of commits
    #[arg(long, default_value = "")]
    commit_message_appendix: String,
    /// Fetch submodules too
    #[arg(long)]
    recurse_submodules: bool,
    /// Directories that the cluster checks out, instead of all; one of them must contain --path
    #[arg(long, value_delimiter = ',')]
    sparse_checkout: Vec<String>,
    /// Host key algorithms that this program accepts when it clones and pushes over ssh
    #[arg(long, value_delimiter = ',', value_parser = host_key_algorithm)]
    ssh_hostkey_algos: Vec<String>,
    #[command(flatten)]
    signing: signing::SigningFlags,
}

/// Reads one of `--ssh-hostkey-algos`, which becomes part of a command line.
fn host_key_algorithm(text: &str) -> std::result::Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-@.".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err(format!("'{text}' is no algorithm, such as ecdsa-sha2-nistp256")),
    }
}

impl Bootstrap {
    /// Writes, pushes, applies and waits.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let common = match &self.how {
            How::Git(git) => &git.common,
            How::Github(github) => &github.flags.common,
            How::Gitlab(gitlab) => &gitlab.flags.common,
            How::Gitea(gitea) => &gitea.flags.common,
            How::BitbucketServer(bitbucket) => &bitbucket.flags.common,
        };
        // What makes no sense is refused before anything is changed.
        let repository = match &self.how {
            How::Git(git) => Repository::Known(git.origin()?),
            How::Github(github) => Repository::OnForge(github.repository()?),
            How::Gitlab(gitlab) => Repository::OnForge(gitlab.repository()?),
            How::Gitea(gitea) => Repository::OnForge(gitea.repository()?),
            How::BitbucketServer(bitbucket) => Repository::OnForge(bitbucket.repository()?),
        };
        common.components.check()?;
        let signing = common.signing.key(common.private_key_file.as_deref())?;
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            if let Some(found) = existing(&cluster).await? {
                found.check_replacement(&common.components)?;
            }
            let origin = match repository {
                Repository::Known(origin) => origin,
                Repository::OnForge(repository) => repository.origin().await?,
            };
            let steps =
                Steps { common, cluster: &cluster, origin: &origin, name: &global.namespace, signing };
            steps.all().await
        })
    }
}

/// Where the repository is.
enum Repository {
    /// At an address.
    Known(steps::Origin),
    /// On a forge, where it may have to be made.
    OnForge(forge::Repository),
}
