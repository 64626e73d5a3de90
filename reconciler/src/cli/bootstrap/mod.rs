//! `bootstrap`: the reconciler in a cluster and in the repository that it follows, itself included.

mod carry_over;
mod forge;
mod forge_api;
mod git;
mod steps;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reconciler_api::Duration;

use super::cluster::{Cluster, block_on};
use super::install::warn_of_missing;
use super::manifests::Flags;
use super::ssh_key::KeyFlags;
use super::{Global, Result};
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
    /// File with the authority of the server's certificate
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
}

impl Bootstrap {
    /// Writes, pushes, applies and waits.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let common = match &self.how {
            How::Git(git) => &git.common,
            How::Github(github) => &github.flags.common,
            How::Gitlab(gitlab) => &gitlab.flags.common,
            How::Gitea(gitea) => &gitea.flags.common,
        };
        // What makes no sense is refused before anything is changed.
        let repository = match &self.how {
            How::Git(git) => Repository::Known(git.origin()?),
            How::Github(github) => Repository::OnForge(github.repository()?),
            How::Gitlab(gitlab) => Repository::OnForge(gitlab.repository()?),
            How::Gitea(gitea) => Repository::OnForge(gitea.repository()?),
        };
        warn_of_missing(&common.components);
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let origin = match repository {
                Repository::Known(origin) => origin,
                Repository::OnForge(repository) => repository.origin().await?,
            };
            Steps { common, cluster: &cluster, origin: &origin, name: &global.namespace }.all().await
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
