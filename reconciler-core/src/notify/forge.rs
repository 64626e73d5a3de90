//! Git forges: where their APIs are, how one logs in, and what they are asked.

use base64::Engine;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::{Event, Method, NotifyError, Request, Target};

/// A repository on a forge.
pub(crate) struct Repository {
    /// The scheme and host of the forge.
    pub(crate) host: String,
    /// The path, without `.git`.
    pub(crate) path: String,
}

impl Repository {
    /// Reads the address of a repository: a URL, or `user@host:path`.
    pub(crate) fn parse(address: &str) -> Result<Self, NotifyError> {
        let wrong = || NotifyError::Repository(address.to_owned());
        let url = match address.split_once(':') {
            Some((host, path)) if !path.starts_with("//") => format!("ssh://{host}/{path}"),
            _ => address.to_owned(),
        };
        let url = Url::parse(&url).map_err(|_| wrong())?;
        let host = url.host_str().ok_or_else(wrong)?;
        let scheme = if url.scheme() == "ssh" { "https" } else { url.scheme() };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let path = url.path().trim_start_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).to_owned();
        Ok(Self { host: format!("{scheme}://{host}{port}"), path })
    }

    /// The path, which has as many parts as the forge's repositories have.
    pub(super) fn parts<const N: usize>(&self) -> Result<[&str; N], NotifyError> {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts.try_into().map_err(|_| NotifyError::Repository(self.path.clone()))
    }
}

/// The page that shows a commit, for the forges whose addresses are known. Passwords in the address of the
/// repository are left out.
///
/// ```
/// use reconciler_core::notify::commit_link;
///
/// let link = commit_link("ssh://git@github.com/example/fleet.git", "0a1b2c");
/// assert_eq!(link.as_deref(), Some("https://github.com/example/fleet/commit/0a1b2c"));
/// assert_eq!(commit_link("file:///srv/fleet", "0a1b2c"), None);
/// ```
#[must_use]
pub fn commit_link(repository: &str, commit: &str) -> Option<String> {
    let url = match repository.split_once(':') {
        Some((host, path)) if !path.starts_with("//") => format!("ssh://{host}/{path}"),
        _ => repository.to_owned(),
    };
    let is_ssh = url.starts_with("ssh://");
    let Repository { mut host, path } = Repository::parse(&url).ok()?;
    if is_ssh {
        // The port of ssh says nothing about that of the pages.
        let name = Url::parse(&url).ok()?.host_str()?.to_owned();
        host = format!("https://{name}");
    }
    let has = |names: &[&str]| names.iter().any(|name| host.contains(name));
    let part = if has(&["gitlab"]) {
        "-/commit"
    } else if has(&["bitbucket"]) {
        "commits"
    } else if has(&["github", "gitea", "forgejo", "codeberg"]) {
        "commit"
    } else {
        return None;
    };
    Some(format!("{host}/{path}/{part}/{commit}"))
}

/// A forge with the login to it.
#[derive(Clone)]
pub(crate) struct Api {
    /// Where its requests start.
    base: String,
    headers: Vec<(String, String)>,
    /// What a body is said to be.
    content_type: &'static str,
}

impl Api {
    fn new(base: String, headers: &[(&str, String)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { base, headers, content_type: "application/json" }
    }

    /// GitHub, or a GitHub Enterprise server.
    pub(crate) fn github(target: &Target) -> Result<Self, NotifyError> {
        let login = login(target)?;
        let repository = Repository::parse(&target.address)?;
        let [owner, name] = repository.parts()?;
        let host = repository.host.trim_start_matches("https://").trim_start_matches("http://");
        let api = match host {
            "github.com" => "https://api.github.com".to_owned(),
            _ if host.starts_with("api.") || host.contains(".api.") => repository.host.clone(),
            _ => format!("{}/api/v3", repository.host),
        };
        let headers = [
            ("accept", "application/vnd.github.v3+json".to_owned()),
            ("authorization", format!("Bearer {login}")),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ];
        Ok(Self::new(format!("{api}/repos/{owner}/{name}"), &headers))
    }

    /// GitLab, where repositories lie at any depth.
    pub(crate) fn gitlab(target: &Target) -> Result<Self, NotifyError> {
        let token = super::service::token(target)?;
        let repository = Repository::parse(&target.address)?;
        let headers = [("accept", "application/json".to_owned()), ("private-token", token.to_owned())];
        let project = escape(&repository.path).replace('.', "%2E");
        Ok(Self::new(format!("{}/api/v4/projects/{project}", repository.host), &headers))
    }

    /// Gitea and Forgejo.
    pub(crate) fn gitea(target: &Target) -> Result<Self, NotifyError> {
        let login = login(target)?;
        let repository = Repository::parse(&target.address)?;
        let [owner, name] = repository.parts()?;
        let headers = [("authorization", format!("token {login}"))];
        Ok(Self::new(format!("{}/api/v1/repos/{owner}/{name}", repository.host), &headers))
    }

    /// Bitbucket's cloud. The token is a user and a password.
    pub(super) fn bitbucket(target: &Target) -> Result<Self, NotifyError> {
        let token = super::service::token(target)?;
        if token.matches(':').count() != 1 {
            return Err(NotifyError::Login("invalid token format, expected to be <user>:<password>"));
        }
        let repository = Repository::parse(&target.address)?;
        let [owner, name] = repository.parts()?;
        let headers = [("authorization", basic(token))];
        Ok(Self::new(format!("https://api.bitbucket.org/2.0/repositories/{owner}/{name}"), &headers))
    }

    /// A Bitbucket server, whose clone addresses have `/scm/` before project and repository.
    pub(super) fn bitbucket_server(target: &Target) -> Result<Self, NotifyError> {
        let wrong = || NotifyError::Repository(target.address.clone());
        let mut url = Url::parse(&target.address).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let path = url.path().strip_suffix(".git").unwrap_or(url.path()).to_owned();
        let (context, repository) = path.rsplit_once("/scm/").ok_or_else(wrong)?;
        let (project, name) = repository.split_once('/').ok_or_else(wrong)?;
        if name.contains('/') {
            return Err(wrong());
        }
        url.set_path(&format!("{context}/rest/api/latest/projects/{project}/repos/{name}/commits"));
        let authorization = match (&*target.token, &*target.username, &*target.password) {
            ("", "", _) | ("", _, "") => {
                return Err(NotifyError::Login(
                    "invalid credentials, expected to be one of username/password or API Token",
                ));
            }
            ("", user, password) => basic(&format!("{user}:{password}")),
            (token, ..) => format!("Bearer {token}"),
        };
        let headers = [
            ("authorization", authorization),
            ("x-atlassian-token", "no-check".to_owned()),
            ("x-requested-with", "XMLHttpRequest".to_owned()),
        ];
        Ok(Self::new(url.to_string(), &headers))
    }

    /// Azure DevOps.
    pub(super) fn azure(target: &Target) -> Result<Self, NotifyError> {
        if target.token.is_empty() {
            return Err(NotifyError::Login(
                "azuredevops token cannot be empty: there is no login by a managed identity of Azure",
            ));
        }
        let token = &target.token;
        let repository = Repository::parse(&target.address)?;
        let [organization, project, _, name] = repository.parts()?;
        let base = format!("{}/{organization}/{project}/_apis/git/repositories/{name}", repository.host);
        let headers = [
            ("accept", "application/json;api-version=6.0".to_owned()),
            ("authorization", basic(&format!(":{token}"))),
            ("x-tfs-fedauthredirect", "Suppress".to_owned()),
        ];
        Ok(Self { content_type: "application/json;charset=utf-8", ..Self::new(base, &headers) })
    }

    /// The same login, above the repository.
    pub(super) fn above(&self, marker: &str, path: &str) -> Self {
        let root = self.base.split(marker).next().unwrap_or(&self.base);
        Self { base: format!("{root}{path}"), ..self.clone() }
    }

    /// Asks for what is at a path.
    pub(crate) fn get(&self, path: &str) -> Request {
        Request {
            method: Method::Get,
            url: format!("{}{path}", self.base),
            headers: self.headers.clone(),
            body: Vec::new(),
        }
    }

    /// Asks for another form of what is at a path.
    pub(super) fn get_as(&self, path: &str, accept: &str) -> Request {
        let mut request = self.get(path);
        request.headers.retain(|(name, _)| name != "accept");
        request.headers.push(("accept".to_owned(), accept.to_owned()));
        request
    }

    /// Sends a body to a path.
    pub(crate) fn send(&self, method: Method, path: &str, body: &Value) -> Request {
        let mut request = Request { method, body: body.to_string().into_bytes(), ..self.get(path) };
        request.headers.push(("content-type".to_owned(), self.content_type.to_owned()));
        request
    }
}

/// The token, or the password in its place.
fn login(target: &Target) -> Result<&str, NotifyError> {
    match (&*target.token, &*target.password) {
        ("", "") if target.provider.starts_with("github") => {
            Err(NotifyError::Login("github token or github app details must be specified"))
        }
        ("", "") => Err(NotifyError::NoToken(target.provider.clone())),
        ("", password) => Ok(password),
        (token, _) => Ok(token),
    }
}

fn basic(pair: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// Escapes a part of a path or query.
pub(crate) fn escape(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The commit that an event is about.
pub(super) fn commit(event: &Event) -> Result<String, NotifyError> {
    let found = ["commit", "originRevision", "revision"].iter().find_map(|key| event.metadata.get(*key));
    let revision = found.ok_or(NotifyError::NoRevision)?;
    let tail = revision.rsplit('@').next().unwrap_or(revision);
    let tail = tail.rsplit(['/', ':']).next().unwrap_or(tail);
    let is_hash = matches!(tail.len(), 40 | 64) && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(tail.to_owned()) } else { Err(NotifyError::Revision(revision.clone())) }
}

#[cfg(test)]
mod tests {
    use super::{NotifyError, Repository};

    #[test]
    fn addresses_of_every_form_name_the_same_repository() -> Result<(), NotifyError> {
        let forms = [
            "https://example.com/org/repo",
            "https://user:password@example.com/org/repo.git",
            "ssh://git@example.com/org/repo.git",
            "git@example.com:org/repo.git",
        ];
        for form in forms {
            let repository = Repository::parse(form)?;
            assert_eq!((&*repository.host, &*repository.path), ("https://example.com", "org/repo"), "{form}");
        }
        assert!(Repository::parse("org/repo").is_err());
        assert!(Repository::parse("https://example.com/a/b/c")?.parts::<2>().is_err());
        Ok(())
    }
}
