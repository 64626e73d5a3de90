//! `bootstrap git`: a repository on any server.

use clap::Args;
use url::Url;

use super::Common;
use super::steps::{Credentials, KeyKeeper, Origin};
use crate::cli::create::git_url;
use crate::cli::worktree::Access;
use crate::cli::{Failure, Result};

/// Options of `bootstrap git`.
#[derive(Args)]
pub(super) struct Git {
    #[command(flatten)]
    pub(super) common: Common,
    /// Address of the repository
    #[arg(long, default_value = "")]
    url: String,
    /// User name
    #[arg(long, short, default_value = "git")]
    username: String,
    /// Password or token
    #[arg(long, short, default_value = "", env = "GIT_PASSWORD", hide_env_values = true)]
    password: String,
    /// Send the password as a bearer token, without a user name
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    with_bearer_token: bool,
    /// Send credentials over plain HTTP
    #[arg(long)]
    allow_insecure_http: bool,
    /// Do not ask whether the deploy key was added
    #[arg(long, short)]
    silent: bool,
    /// The deploy key may write; whether it may is set where it is added
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    read_write_key: Option<bool>,
}

impl Git {
    /// The repository that the flags name.
    pub(super) fn origin(&self) -> Result<Origin> {
        let (url, common) = (self.url()?, &self.common);
        let credentials = if self.has_key(&url) {
            Credentials::Key(if self.silent { KeyKeeper::Nobody } else { KeyKeeper::User })
        } else if self.password.is_empty() {
            Credentials::None
        } else {
            Credentials::Login
        };
        Ok(Origin {
            shown: self.url.clone(),
            access: Access {
                username: self.username.clone(),
                password: self.password.clone(),
                private_key: common.private_key_file.clone(),
                authority: common.ca_file.clone(),
                is_bearer: self.with_bearer_token,
                host_key_algorithms: common.ssh_hostkey_algos.clone(),
            },
            followed: self.followed(&url),
            url,
            credentials,
        })
    }

    /// The address, checked.
    fn url(&self) -> Result<Url> {
        let url = git_url(&self.url)?;
        if self.with_bearer_token && self.password.is_empty() {
            return Err(Failure::usage("--with-bearer-token needs the token as --password"));
        }
        match url.scheme() {
            "ssh" if self.with_bearer_token => {
                Err(Failure::usage("--with-bearer-token needs an address that begins with https://"))
            }
            "ssh" if self.common.token_auth => {
                Err(Failure::usage("--token-auth needs an address that begins with https://"))
            }
            "http" if !self.password.is_empty() && !self.allow_insecure_http => {
                Err(Failure::usage("scheme http is insecure, pass --allow-insecure-http=true to allow it"))
            }
            "ssh" | "http" | "https" | "file" => Ok(url),
            other => Err(Failure::usage(format!(
                "git URL scheme '{other}' not supported, can be: ssh, http and https"
            ))),
        }
    }

    /// Whether the cluster gets a deploy key: always with ssh, and with https unless a token is asked for.
    fn has_key(&self, url: &Url) -> bool {
        match url.scheme() {
            "ssh" => true,
            "https" => !self.common.token_auth && !self.with_bearer_token,
            _ => false,
        }
    }

    /// The address that the cluster follows.
    fn followed(&self, url: &Url) -> String {
        if url.scheme() != "https" || !self.has_key(url) {
            return url.to_string();
        }
        let host = self.common.ssh_hostname.as_deref().or(url.host_str()).unwrap_or_default();
        format!("ssh://git@{host}{}", url.path())
    }
}
