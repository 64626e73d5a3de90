//! What a path says when it names a git repository: a pure function from text to parts, with the
//! rules of kustomize's `NewRepoSpecFromURL`, quirks included.

mod query;
#[cfg(test)]
mod tests;

#[cfg(feature = "programs")]
pub(crate) use query::parse_bool;

use super::{LocalRepositories, Repository, path};

/// A git repository and a directory in it, as a kustomization names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepositorySpec {
    /// What was written.
    pub(crate) written: String,
    /// Scheme, user and host, with the separator that follows them.
    host: String,
    /// Where the repository is on its host.
    repository_path: String,
    /// The kustomization's directory in the repository; empty for its root.
    pub(crate) path: String,
    query: query::Query,
}

/// Why a path names no repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRepository {
    #[error("it is an absolute path")]
    Absolute,
    #[error("it has no scheme such as https:// or ssh://")]
    NoScheme,
    #[error("it has no host")]
    NoHost,
    #[error("it has no path of a repository")]
    NoPath,
    #[error("its path leads out of the repository")]
    LeavesRepository,
}

/// Whether a path in a kustomization names a remote file (kustomize's `IsRemoteFile`).
pub(crate) fn is_url(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, rest)| {
        (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
            && !path.contains(|c: char| c.is_ascii_control())
            && !rest.is_empty()
    })
}

/// What `git` fetches from for a path that names a repository to clone; none for files and directories.
#[must_use]
pub fn repository_url(path: &str) -> Option<String> {
    RepositorySpec::parse(path).ok().map(|spec| spec.clone_url())
}

impl RepositorySpec {
    /// The parts of a path that names a repository.
    ///
    /// # Errors
    /// Why it names none; then it is a file or directory.
    pub(crate) fn parse(written: &str) -> Result<Self, NoRepository> {
        if path::is_absolute(written) {
            return Err(NoRepository::Absolute);
        }
        let (location, query) = written.split_once('?').unwrap_or((written, ""));
        let (host, rest) = split_host(location)?;
        let segments = if host.starts_with(FILE) { None } else { Some(SEGMENTS_OF_A_REPOSITORY) };
        let (repository_path, directory) = split_path(rest.as_ref(), segments)?;
        Ok(RepositorySpec {
            written: written.to_owned(),
            host,
            repository_path,
            path: directory,
            query: query::Query::parse(query),
        })
    }

    /// What `git` fetches from.
    pub(crate) fn clone_url(&self) -> String {
        format!("{}{}", self.host, self.repository_path)
    }

    /// Whether it was written with go-getter's `git::` before the URL.
    pub(crate) fn has_git_prefix(&self) -> bool {
        strip_prefix_ignoring_case(&self.written, FORCED_GIT).is_some()
    }

    /// What the host is to check out.
    pub(crate) fn to_clone(&self) -> Repository {
        Repository {
            url: self.clone_url(),
            reference: self.query.reference.clone(),
            submodules: self.query.submodules,
            timeout: self.query.timeout,
            local: LocalRepositories::default(),
        }
    }

    /// Branch, tag or commit; empty for the default branch.
    pub(crate) fn reference(&self) -> &str {
        &self.query.reference
    }

    /// The directory as `originAnnotations` names it. The root of a repository is `notCloned`:
    /// kustomize's placeholder for a directory that is yet to be cloned.
    pub(crate) fn origin_path(&self) -> String {
        let directory = path::join("/", &self.path);
        match directory.trim_start_matches('/') {
            "" => "notCloned".to_owned(),
            directory => directory.to_owned(),
        }
    }
}

/// Path elements of a repository where nothing else tells where it ends: organisation and name.
const SEGMENTS_OF_A_REPOSITORY: usize = 2;
/// go-getter's way to force git, which old kustomizations still have.
const FORCED_GIT: &str = "git::";
const FILE: &str = "file://";
const HTTPS: &str = "https://";
const SSH: &str = "ssh://";
const SCHEMES: [&str; 4] = [SSH, HTTPS, "http://", FILE];

/// Splits scheme, user and host from the path behind them.
fn split_host(location: &str) -> Result<(String, String), NoRepository> {
    let location = strip_prefix_ignoring_case(location, FORCED_GIT).unwrap_or(location);
    let (scheme, rest) = SCHEMES
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_prefix_ignoring_case(location, scheme)?)))
        .unwrap_or(("", location));
    if scheme == FILE {
        return Ok((FILE.to_owned(), rest.to_owned()));
    }
    let (user, rest) = split_user(rest);
    let is_github =
        ["github.com/", "github.com:"].iter().any(|host| strip_prefix_ignoring_case(rest, host).is_some());
    // `user@host:path`; github.com may go without a user.
    let is_scp_like = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !is_scp_like {
        return Err(NoRepository::NoScheme);
    }
    let (host, rest) = match end_of_host(rest, is_scp_like) {
        Some(end) => rest.split_at(end + 1),
        None => (rest, ""),
    };
    if is_github {
        let host = if scheme == SSH || !user.is_empty() {
            format!("{user}github.com:")
        } else {
            format!("{HTTPS}github.com/")
        };
        return Ok((host, rest.to_owned()));
    }
    if host.is_empty() {
        return Err(NoRepository::NoHost);
    }
    Ok((format!("{scheme}{user}{host}"), rest.to_owned()))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) { text.get(prefix.len()..) } else { None }
}

/// Splits `user@` off: a letter, then letters, digits and `-`.
fn split_user(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(text.len());
    let is_user = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text[end..].starts_with('@');
    if is_user { text.split_at(end + 1) } else { ("", text) }
}

/// Where the separator after the host is: `/`, or in scp-like forms a `:` before any `/`.
fn end_of_host(text: &str, is_scp_like: bool) -> Option<usize> {
    let slash = text.find('/');
    let colon = if is_scp_like { text.find(':') } else { None };
    match (slash, colon) {
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (None, colon) => colon,
        (slash, _) => slash,
    }
}

/// Splits the repository's path from that of the directory in it: at `_git/NAME`, else at `//`,
/// else behind `.git`, else after so many segments (all when none is given).
fn split_path(text: &str, segments: Option<usize>) -> Result<(String, String), NoRepository> {
    const AZURE: &str = "_git/";
    const SUFFIX: &str = ".git";
    let (repository, directory) = if let Some(at) = text.find(AZURE) {
        let end = text[at + AZURE.len()..].find('/').map(|slash| at + AZURE.len() + slash);
        match end {
            Some(end) => (&text[..end], &text[end + 1..]),
            None => (text, ""),
        }
    } else if let Some(split) = text.split_once("//") {
        split
    } else if let Some(at) = text.find(SUFFIX) {
        text.split_at(at + SUFFIX.len())
    } else if let Some(segments) = segments {
        split_segments(text, segments).ok_or(NoRepository::NoPath)?
    } else {
        (text, "")
    };
    if repository.is_empty() {
        return Err(NoRepository::NoPath);
    }
    let directory = directory.strip_prefix('/').unwrap_or(directory);
    if path::clean(directory).split('/').next() == Some("..") {
        return Err(NoRepository::LeavesRepository);
    }
    Ok((repository.to_owned(), directory.to_owned()))
}

/// The first so many segments, and the rest; none when there are fewer.
fn split_segments(text: &str, count: usize) -> Option<(&str, &str)> {
    let mut slashes = text.match_indices('/').map(|(at, _)| at);
    match slashes.nth(count - 1) {
        Some(end) => Some((&text[..end], &text[end + 1..])),
        None if text.split('/').count() == count => Some((text, "")),
        None => None,
    }
}
