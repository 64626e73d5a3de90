//! `bootstrap github`, `gitlab`, `gitea` and `bitbucket-server`: the repository is made if need be, and so is the deploy key.

use std::io::{BufRead, IsTerminal};

use clap::{Args, ValueEnum};
use serde_json::Value;
use url::Url;

use super::Common;
use super::forge_api::{Api, Kind, NewRepository, Visibility};
use super::steps::{Credentials, KeyKeeper, Origin};
use crate::cli::worktree::Access;
use crate::cli::{Failure, Result, term};

/// Flags of all forges.
#[derive(Args)]
pub(super) struct ForgeFlags {
    #[command(flatten)]
    pub(super) common: Common,
    /// User, organization or group that the repository belongs to
    #[arg(long, default_value = "")]
    owner: String,
    /// Name of the repository
    #[arg(long, default_value = "")]
    repository: String,
    /// The owner is a user
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    personal: bool,
    /// The deploy key may write, as image automation needs it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    read_write_key: bool,
    /// Change the visibility of a repository that exists already
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    reconcile: bool,
}

/// Whether a repository is private, for the forges that know nothing in between.
#[derive(Args)]
struct Private {
    /// The repository is private
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    private: bool,
    /// Team that may use the repository: NAME or NAME:PERMISSION
    #[arg(long, value_delimiter = ',')]
    team: Vec<String>,
}

impl Private {
    fn visibility(&self) -> Visibility {
        if self.private { Visibility::Private } else { Visibility::Public }
    }
}

/// Options of `bootstrap github`.
#[derive(Args)]
pub(super) struct GitHub {
    #[command(flatten)]
    pub(super) flags: ForgeFlags,
    #[command(flatten)]
    private: Private,
    /// Host of a GitHub Enterprise server
    #[arg(long, default_value = "github.com")]
    hostname: String,
}

/// Options of `bootstrap gitea`.
#[derive(Args)]
pub(super) struct Gitea {
    #[command(flatten)]
    pub(super) flags: ForgeFlags,
    #[command(flatten)]
    private: Private,
    /// Host of the server
    #[arg(long, default_value = "gitea.com")]
    hostname: String,
}

/// Options of `bootstrap gitlab`.
#[derive(Args)]
pub(super) struct GitLab {
    #[command(flatten)]
    pub(super) flags: ForgeFlags,
    /// Who may see the repository
    #[arg(long, default_value = "private")]
    visibility: VisibilityFlag,
    /// The repository is private; use --visibility instead
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    private: Option<bool>,
    /// Group that may use the repository: NAME or NAME:PERMISSION
    #[arg(long, value_delimiter = ',')]
    team: Vec<String>,
    /// Let the cluster read the repository with a deploy token, instead of a deploy key
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    deploy_token_auth: bool,
    /// Host of the server
    #[arg(long, default_value = "gitlab.com")]
    hostname: String,
}

/// Options of `bootstrap bitbucket-server`.
#[derive(Args)]
pub(super) struct Bitbucket {
    #[command(flatten)]
    pub(super) flags: ForgeFlags,
    /// The repository is private
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    private: bool,
    /// Group that may use the repository: NAME or NAME:PERMISSION
    #[arg(long, value_delimiter = ',')]
    group: Vec<String>,
    /// User that the token belongs to, for git; --personal uses the owner
    #[arg(long, short, default_value = "git")]
    username: String,
    /// Host of the server
    #[arg(long, default_value = "")]
    hostname: String,
}

/// `--visibility`.
#[derive(Clone, Copy, ValueEnum)]
enum VisibilityFlag {
    Public,
    Internal,
    Private,
}

impl GitHub {
    /// The repository that the flags name.
    pub(super) fn repository(&self) -> Result<Repository> {
        let Private { team, .. } = &self.private;
        Repository::new(Kind::GitHub, &self.hostname, &self.flags, self.private.visibility(), team)
    }
}

impl Gitea {
    /// The repository that the flags name.
    pub(super) fn repository(&self) -> Result<Repository> {
        let Private { team, .. } = &self.private;
        Repository::new(Kind::Gitea, &self.hostname, &self.flags, self.private.visibility(), team)
    }
}

impl GitLab {
    /// The repository that the flags name.
    pub(super) fn repository(&self) -> Result<Repository> {
        let visibility = match self.visibility {
            _ if self.private == Some(false) => Visibility::Public,
            VisibilityFlag::Public => Visibility::Public,
            VisibilityFlag::Internal => Visibility::Internal,
            VisibilityFlag::Private => Visibility::Private,
        };
        if self.deploy_token_auth && self.flags.common.token_auth {
            return Err(Failure::usage("--token-auth and --deploy-token-auth cannot be set both"));
        }
        let repository = Repository::new(Kind::GitLab, &self.hostname, &self.flags, visibility, &self.team)?;
        Ok(Repository { deploy_token_auth: self.deploy_token_auth, ..repository })
    }
}

impl Bitbucket {
    /// The repository that the flags name.
    pub(super) fn repository(&self) -> Result<Repository> {
        if self.hostname.is_empty() {
            return Err(Failure::usage("hostname is required"));
        }
        let visibility = if self.private { Visibility::Private } else { Visibility::Public };
        let mut repository =
            Repository::new(Kind::Bitbucket, &self.hostname, &self.flags, visibility, &self.group)?;
        let owner = self.flags.owner.trim_start_matches('~');
        repository.access.username = self.username.clone();
        if self.flags.personal {
            repository.access.username = owner.to_owned();
            // The project of a user has this name.
            repository.new.owner = format!("~{owner}");
        }
        Ok(repository)
    }
}

/// A repository on a forge, which may not exist yet.
pub(super) struct Repository {
    api: Api,
    new: NewRepository,
    teams: Vec<(String, Option<String>)>,
    /// The address of the forge.
    server: Url,
    ssh_host: String,
    token_auth: bool,
    read_write_key: bool,
    deploy_token_auth: bool,
    /// The visibility of the repository is changed if it exists already.
    is_reconciled: bool,
    /// `--ssh-hostname` was given.
    has_ssh_host: bool,
    access: Access,
}

impl Repository {
    fn new(
        kind: Kind,
        hostname: &str,
        flags: &ForgeFlags,
        visibility: Visibility,
        teams: &[String],
    ) -> Result<Self> {
        for (name, value) in [("owner", &flags.owner), ("repository", &flags.repository)] {
            if value.is_empty() {
                return Err(Failure::usage(format!("{name} is required")));
            }
        }
        if flags.personal && !teams.is_empty() {
            let flag = if kind == Kind::Bitbucket { "--group" } else { "--team" };
            return Err(Failure::usage(format!(
                "{flag} is for repositories of organizations, not with --personal"
            )));
        }
        // A server for trying things out may have no certificate.
        let address =
            if hostname.contains("://") { hostname.to_owned() } else { format!("https://{hostname}") };
        let server = Url::parse(&address)
            .map_err(|error| Failure::usage(format!("--hostname {hostname}: {error}")))?;
        let host = server.host_str().filter(|_| matches!(server.scheme(), "http" | "https"));
        let host = host.ok_or_else(|| Failure::usage(format!("--hostname {hostname} is no host")))?;
        let ssh_host = flags.common.ssh_hostname.clone().unwrap_or_else(|| host.to_owned());
        let token = token(kind)?;
        let access = Access {
            username: "git".to_owned(),
            password: token.clone(),
            private_key: None,
            authority: flags.common.ca_file.clone(),
            is_bearer: false,
            host_key_algorithms: Vec::new(),
        };
        let team = |text: &String| match text.split_once(':') {
            Some((name, permission)) => (name.to_owned(), Some(permission.to_owned())),
            None => (text.clone(), None),
        };
        Ok(Repository {
            api: Api::new(kind, &server, &token, flags.common.ca_file.as_deref())?,
            new: NewRepository {
                owner: flags.owner.clone(),
                name: flags.repository.clone(),
                is_personal: flags.personal,
                visibility,
                branch: flags.common.branch.clone(),
            },
            teams: teams.iter().map(team).collect(),
            server,

            ssh_host,
            token_auth: flags.common.token_auth,
            read_write_key: flags.read_write_key,
            deploy_token_auth: false,
            is_reconciled: flags.reconcile,
            has_ssh_host: flags.common.ssh_hostname.is_some(),
            access,
        })
    }

    /// The addresses for https and for ssh, of what the forge says of the repository.
    fn addresses(&self, found: &Value) -> (String, String) {
        let NewRepository { owner, name, .. } = &self.new;
        let server = self.server.as_str().trim_end_matches('/');
        if self.api.kind() != Kind::Bitbucket {
            return (
                format!("{server}/{owner}/{name}.git"),
                format!("ssh://git@{}/{owner}/{name}", self.ssh_host),
            );
        }
        // Only the server knows the port of its ssh.
        let links = found.pointer("/links/clone").and_then(Value::as_array);
        let of = |name: &str| {
            let mut links = links.into_iter().flatten().filter(|link| link["name"] == name);
            links.next()?["href"].as_str().map(str::to_owned)
        };
        let ssh = match of("ssh") {
            Some(address) if !self.has_ssh_host => address,
            _ => format!("ssh://git@{}/{owner}/{name}.git", self.ssh_host),
        };
        (format!("{server}/scm/{owner}/{name}.git"), ssh)
    }

    /// Creates the repository unless it exists, and grants access to teams.
    pub(super) async fn origin(self) -> Result<Origin> {
        let NewRepository { owner, name, .. } = &self.new;
        let page = format!("{}/{owner}/{name}", self.server.as_str().trim_end_matches('/'));
        term::action(&format!("connecting to {}", self.server.host_str().unwrap_or_default()));
        let found = match self.api.find(owner, name).await? {
            Some(found) => {
                if self.is_reconciled && self.api.update(&self.new, &found).await? {
                    term::success(&format!("repository \"{page}\" updated"));
                }
                found
            }
            None => {
                let made = self.api.create(&self.new).await?;
                term::success(&format!("repository \"{page}\" created"));
                made
            }
        };
        if !self.teams.is_empty() {
            term::action("reconciling repository permissions");
            for (team, permission) in &self.teams {
                self.api.grant_access(owner, name, team, permission.as_deref()).await?;
                term::success(&format!("granted \"{team}\" access to \"{page}\""));
            }
        }
        let (address, ssh) = self.addresses(&found);
        let url = Url::parse(&address).map_err(|error| Failure::failed(format!("{address}: {error}")))?;
        let followed = if self.token_auth || self.deploy_token_auth { address.clone() } else { ssh };
        let (owner, name) = (owner.clone(), name.clone());
        let credentials = match self.token_auth {
            true => Credentials::Login,
            false if self.deploy_token_auth => {
                Credentials::Token(DeployTokens { api: self.api, owner, name, page })
            }
            false => Credentials::Key(KeyKeeper::Forge(DeployKeys {
                api: self.api,
                owner,
                name,
                page,
                may_write: self.read_write_key,
            })),
        };
        Ok(Origin { shown: address, url, access: self.access, followed, credentials })
    }
}

/// The deploy tokens of a repository.
pub(super) struct DeployTokens {
    api: Api,
    owner: String,
    name: String,
    page: String,
}

impl DeployTokens {
    /// Makes a token; its user name and itself.
    pub(super) async fn make(&self, title: &str) -> Result<[String; 2]> {
        let made = self.api.deploy_token(&self.owner, &self.name, title).await?;
        term::success(&format!("configured deploy token \"{title}\" for \"{}\"", self.page));
        Ok(made)
    }
}

/// The deploy keys of a repository.
pub(super) struct DeployKeys {
    api: Api,
    owner: String,
    name: String,
    page: String,
    may_write: bool,
}

impl DeployKeys {
    /// Adds a key. It replaces one with the same title that differs in the key itself or in what it may do.
    pub(super) async fn add(&self, title: &str, public: &str) -> Result {
        let DeployKeys { api, owner, name, page, may_write } = self;
        let is_new = api.add_key(owner, name, title, public.trim(), *may_write).await?;
        let what = if is_new { "configured deploy key" } else { "deploy key is up to date:" };
        term::success(&format!("{what} \"{title}\" for \"{page}\""));
        Ok(())
    }
}

/// The token for a forge, from the environment, or else asked for on the terminal.
fn token(kind: Kind) -> Result<String> {
    let variable = kind.token_variable();
    match std::env::var(variable) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        _ if !std::io::stdin().is_terminal() => {
            return Err(Failure::failed(format!("the environment variable {variable} has no token")));
        }
        _ => {}
    }
    term::note(&format!("Please enter your {} personal access token (PAT): ", kind.name()));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "" => Err(Failure::failed(format!("no token given; {variable} can have it, too"))),
        token => Ok(token.to_owned()),
    }
}
