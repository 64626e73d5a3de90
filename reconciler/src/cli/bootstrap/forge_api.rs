//! What `bootstrap` asks of the APIs of GitHub, GitLab, Gitea, Forgejo and Bitbucket Server.

use std::path::Path;
use std::time::Duration;

use reconciler::outbound;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::cli::{Failure, Result};

/// Deploy keys a page: the most that Gitea returns.
const PAGE: usize = 50;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many characters of a forge's own message are repeated.
const MOST_WORDS: usize = 300;

/// The kinds of forges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    GitHub,
    GitLab,
    Gitea,
    /// Bitbucket Server, which is also called Data Center.
    Bitbucket,
}

impl Kind {
    /// The name that messages use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::GitHub => "GitHub",
            Kind::GitLab => "GitLab",
            Kind::Gitea => "Gitea",
            Kind::Bitbucket => "Bitbucket Server",
        }
    }

    /// The environment variable that has the token.
    pub(super) fn token_variable(self) -> &'static str {
        match self {
            Kind::GitHub => "GITHUB_TOKEN",
            Kind::GitLab => "GITLAB_TOKEN",
            Kind::Gitea => "GITEA_TOKEN",
            Kind::Bitbucket => "BITBUCKET_TOKEN",
        }
    }
}

/// Who may see a repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    Public,
    /// Whoever is logged in; GitLab only.
    Internal,
    Private,
}

impl Visibility {
    /// The name that GitLab has for it.
    fn name(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Internal => "internal",
            Visibility::Private => "private",
        }
    }
}

/// A repository to create if it does not exist.
pub(super) struct NewRepository {
    pub(super) owner: String,
    pub(super) name: String,
    /// The owner is a user.
    pub(super) is_personal: bool,
    pub(super) visibility: Visibility,
    /// Its first branch.
    pub(super) branch: String,
}

/// The API of a forge, with a login.
pub(super) struct Api {
    kind: Kind,
    base: String,
    token: String,
    client: reqwest::Client,
}

impl Api {
    /// The API of a server.
    pub(super) fn new(kind: Kind, server: &Url, token: &str, authority: Option<&Path>) -> Result<Self> {
        let server = server.as_str().trim_end_matches('/');
        let base = match kind {
            Kind::GitHub if server == "https://github.com" => "https://api.github.com".to_owned(),
            Kind::GitHub => format!("{server}/api/v3"),
            Kind::GitLab => format!("{server}/api/v4"),
            Kind::Gitea => format!("{server}/api/v1"),
            Kind::Bitbucket => format!("{server}/rest"),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("reconciler/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT);
        let failed = |error: reqwest::Error| Failure::failed(error.to_string());
        if let Some(file) = authority {
            let certificates =
                reqwest::Certificate::from_pem_bundle(&std::fs::read(file)?).map_err(failed)?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Api { kind, base, token: token.to_owned(), client: builder.build().map_err(failed)? })
    }

    /// What the forge says of a repository, if there is such a one.
    pub(super) async fn find(&self, owner: &str, name: &str) -> Result<Option<Value>> {
        let (status, answer) = self.send(Method::GET, &self.repository(owner, name), None).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            status => Err(self.refused("the repository cannot be read", status, &answer)),
        }
    }

    /// Sets who may see a repository that exists. Says whether that was different.
    pub(super) async fn update(&self, new: &NewRepository, found: &Value) -> Result<bool> {
        let is_public = new.visibility == Visibility::Public;
        let (method, key, value) = match self.kind {
            Kind::GitLab => (Method::PUT, "visibility", new.visibility.name().into()),
            Kind::Bitbucket => (Method::PUT, "public", is_public.into()),
            Kind::GitHub | Kind::Gitea => (Method::PATCH, "private", Value::from(!is_public)),
        };
        if found.get(key) == Some(&value) {
            return Ok(false);
        }
        let path = self.repository(&new.owner, &new.name);
        let (status, answer) = self.send(method, &path, Some(&json!({key: value}))).await?;
        match status {
            status if status.is_success() => Ok(true),
            status => Err(self.refused("the repository cannot be changed", status, &answer)),
        }
    }

    /// The kind of forge.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Creates an empty repository; what the forge says of it.
    pub(super) async fn create(&self, new: &NewRepository) -> Result<Value> {
        let NewRepository { owner, name, is_personal, visibility, .. } = new;
        let is_private = *visibility != Visibility::Public;
        let (path, body) = match (self.kind, is_personal) {
            (Kind::Bitbucket, _) => {
                let project = escape(owner);
                let body =
                    json!({"name": name, "scmId": "git", "public": !is_private, "defaultBranch": new.branch});
                (format!("/api/1.0/projects/{project}/repos"), body)
            }
            (Kind::GitLab, _) => {
                let mut body = json!({"name": name, "path": name, "visibility": visibility.name()});
                if !is_personal {
                    body["namespace_id"] = self.group(owner).await?;
                }
                ("/projects".to_owned(), body)
            }
            (_, true) => ("/user/repos".to_owned(), json!({"name": name, "private": is_private})),
            (_, false) => {
                (format!("/orgs/{}/repos", escape(owner)), json!({"name": name, "private": is_private}))
            }
        };
        let (status, answer) = self.send(Method::POST, &path, Some(&body)).await?;
        match status {
            StatusCode::NOT_FOUND if self.kind == Kind::Bitbucket => Err(Failure::failed(format!(
                "there is no project with the key '{owner}'; if it is a user, add --personal"
            ))),
            StatusCode::NOT_FOUND if !is_personal => Err(Failure::failed(format!(
                "there is no organization '{owner}'; if it is a user, add --personal"
            ))),
            status if status.is_success() => Ok(answer),
            status => Err(self.refused("the repository cannot be created", status, &answer)),
        }
    }

    /// The number of a group of GitLab.
    async fn group(&self, name: &str) -> Result<Value> {
        let (status, answer) = self.send(Method::GET, &format!("/groups/{}", escape(name)), None).await?;
        match status {
            StatusCode::NOT_FOUND => {
                Err(Failure::failed(format!("there is no group '{name}'; if it is a user, add --personal")))
            }
            status if status.is_success() => Ok(answer["id"].clone()),
            status => Err(self.refused("the group cannot be read", status, &answer)),
        }
    }

    /// Grants a team of the owner access to a repository; on GitHub with the permission `maintain` unless another is
    /// given.
    pub(super) async fn grant_access(
        &self,
        owner: &str,
        name: &str,
        team: &str,
        permission: Option<&str>,
    ) -> Result {
        let (path, body) = match self.kind {
            Kind::GitHub => {
                let [owner, name, team] = [owner, name, team].map(escape);
                let body = json!({"permission": permission.unwrap_or("maintain")});
                (format!("/orgs/{owner}/teams/{team}/repos/{owner}/{name}"), Some(body))
            }
            // The team itself says there what it may do.
            Kind::Gitea => (format!("{}/teams/{}", self.repository(owner, name), escape(team)), None),
            Kind::Bitbucket => {
                let permission = match permission.unwrap_or("push") {
                    "pull" | "triage" => "REPO_READ",
                    "push" => "REPO_WRITE",
                    "maintain" | "admin" => "REPO_ADMIN",
                    other => return Err(unknown_permission(other)),
                };
                let query = format!("name={}&permission={permission}", escape(team));
                (format!("{}/permissions/groups?{query}", self.repository(owner, name)), None)
            }
            Kind::GitLab => {
                let access = match permission.unwrap_or("maintain") {
                    "pull" => 10,
                    "triage" => 20,
                    "push" => 30,
                    "maintain" => 40,
                    "admin" => 50,
                    other => return Err(unknown_permission(other)),
                };
                let body = json!({"group_id": self.group(team).await?, "group_access": access});
                (format!("{}/share", self.repository(owner, name)), Some(body))
            }
        };
        let method = if self.kind == Kind::GitLab { Method::POST } else { Method::PUT };
        let (status, answer) = self.send(method, &path, body.as_ref()).await?;
        match status {
            status if status.is_success() => Ok(()),
            // GitLab refuses to share what is shared.
            StatusCode::CONFLICT if self.kind == Kind::GitLab => Ok(()),
            status => Err(self.refused(&format!("team '{team}' cannot be given access"), status, &answer)),
        }
    }

    /// Adds a deploy key unless it exists, and deletes a different one with the same title. Returns whether it was
    /// added.
    pub(super) async fn add_key(
        &self,
        owner: &str,
        name: &str,
        title: &str,
        public: &str,
        may_write: bool,
    ) -> Result<bool> {
        let keys = match self.kind {
            Kind::GitLab => format!("{}/deploy_keys", self.repository(owner, name)),
            Kind::GitHub | Kind::Gitea => format!("{}/keys", self.repository(owner, name)),
            Kind::Bitbucket => {
                format!("/keys/1.0/projects/{}/repos/{}/ssh", escape(owner), escape(name))
            }
        };
        let is_bitbucket = self.kind == Kind::Bitbucket;
        for key in self.all(&keys).await? {
            let inner = if is_bitbucket { &key["key"] } else { &key };
            let known = inner[if is_bitbucket { "text" } else { "key" }].as_str().unwrap_or_default();
            // A repository of Bitbucket can have a key only once, under any title.
            let is_named = inner[if is_bitbucket { "label" } else { "title" }] == title;
            let is_meant = is_named || (is_bitbucket && is_same_key(known, public));
            if !is_meant {
                continue;
            }
            if is_same_key(known, public) && self.may_write(&key) == may_write {
                return Ok(false);
            }
            let (status, answer) =
                self.send(Method::DELETE, &format!("{keys}/{}", inner["id"]), None).await?;
            if !status.is_success() {
                return Err(self.refused("the old deploy key cannot be deleted", status, &answer));
            }
        }
        let mut body = json!({"title": title, "key": public});
        match self.kind {
            Kind::GitLab => body["can_push"] = may_write.into(),
            Kind::GitHub | Kind::Gitea => body["read_only"] = (!may_write).into(),
            Kind::Bitbucket => {
                let permission = if may_write { "REPO_WRITE" } else { "REPO_READ" };
                body = json!({"key": {"text": public, "label": title}, "permission": permission});
            }
        }
        let (status, answer) = self.send(Method::POST, &keys, Some(&body)).await?;
        match status {
            status if status.is_success() => Ok(true),
            status => Err(self.refused("the deploy key cannot be added", status, &answer)),
        }
    }

    fn may_write(&self, key: &Value) -> bool {
        match self.kind {
            Kind::GitLab => key["can_push"] == true,
            Kind::GitHub | Kind::Gitea => key["read_only"] == false,
            Kind::Bitbucket => key["permission"] == "REPO_WRITE",
        }
    }

    /// Makes a token with which a repository of GitLab can be read; its user name and itself.
    pub(super) async fn deploy_token(&self, owner: &str, name: &str, title: &str) -> Result<[String; 2]> {
        let path = format!("{}/deploy_tokens", self.repository(owner, name));
        let body = json!({"name": title, "scopes": ["read_repository"]});
        let (status, answer) = self.send(Method::POST, &path, Some(&body)).await?;
        let part = |key: &str| answer[key].as_str().map(str::to_owned);
        match (part("username"), part("token")) {
            (Some(username), Some(token)) if status.is_success() => Ok([username, token]),
            _ => Err(self.refused("the deploy token cannot be made", status, &answer)),
        }
    }

    /// All of a list that comes in pages.
    async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let size = if self.kind == Kind::Gitea { "limit" } else { "per_page" };
        let mut found = Vec::new();
        if self.kind == Kind::Bitbucket {
            let mut start = 0;
            loop {
                let part = format!("{path}?limit={PAGE}&start={start}");
                let (status, answer) = self.send(Method::GET, &part, None).await?;
                let Value::Array(items) = &answer["values"] else {
                    return Err(self.refused("the deploy keys cannot be read", status, &answer));
                };
                found.extend(items.iter().cloned());
                match answer["nextPageStart"].as_u64() {
                    Some(next) if answer["isLastPage"] == false && next > start => start = next,
                    _ => return Ok(found),
                }
            }
        }
        for page in 1.. {
            let part = format!("{path}?{size}={PAGE}&page={page}");
            let (status, answer) = self.send(Method::GET, &part, None).await?;
            let Value::Array(items) = answer else {
                return Err(self.refused("the deploy keys cannot be read", status, &answer));
            };
            let is_last = items.len() < PAGE;
            found.extend(items);
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    fn repository(&self, owner: &str, name: &str) -> String {
        match self.kind {
            Kind::GitLab => format!("/projects/{}", escape(&format!("{owner}/{name}"))),
            Kind::GitHub | Kind::Gitea => format!("/repos/{}/{}", escape(owner), escape(name)),
            Kind::Bitbucket => format!("/api/1.0/projects/{}/repos/{}", escape(owner), escape(name)),
        }
    }

    /// Sends a request. The answer is null if it is no JSON.
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = match self.kind {
            Kind::GitHub => request
                .header("accept", "application/vnd.github+json")
                .header("x-github-api-version", "2022-11-28")
                .bearer_auth(&self.token),
            Kind::GitLab => request.header("private-token", &self.token),
            Kind::Gitea => request.header("authorization", format!("token {}", self.token)),
            Kind::Bitbucket => request.bearer_auth(&self.token),
        };
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| {
            let text = outbound::causes(&error);
            Failure::failed(format!("{} cannot be reached: {text}", self.kind.name()))
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = response.text().await.map_err(failed)?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// The failure for an answer that is no success.
    fn refused(&self, what: &str, status: StatusCode, answer: &Value) -> Failure {
        let words = ["message", "error"].iter().find_map(|key| match answer.get(key)? {
            Value::String(words) => Some(words.clone()),
            other => Some(other.to_string()),
        });
        // Bitbucket has a list of them.
        let words = words.or_else(|| Some(answer.pointer("/errors/0/message")?.as_str()?.to_owned()));
        let mut words = words.unwrap_or_default();
        words = words.chars().take(MOST_WORDS).collect();
        let help = match status {
            StatusCode::UNAUTHORIZED => format!("; is the token in {} right?", self.kind.token_variable()),
            StatusCode::FORBIDDEN => "; the token may lack a permission".to_owned(),
            _ => String::new(),
        };
        Failure::failed(format!("{what}: {} answered {status} {words}{help}", self.kind.name()))
    }
}

fn unknown_permission(text: &str) -> Failure {
    Failure::usage(format!("the permission '{text}' is none of pull, triage, push, maintain, admin"))
}

/// Whether two public keys are the same, whatever comment they have.
fn is_same_key(one: &str, other: &str) -> bool {
    let parts = |key: &str| key.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    parts(one) == parts(other)
}

/// Escapes a part of a path.
fn escape(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
