//! Addresses of submodules, which a commit names relative to its repository or in full.

use url::Url;

use crate::outbound;

/// The port of ssh.
const SSH: u16 = 22;

/// The server of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) scheme: String,
    pub(super) host: String,
    port: Option<u16>,
}

impl Server {
    /// The server of a repository. An address that cannot be read has no host.
    pub(super) fn of(address: &str) -> Self {
        if let Some((host, _)) = outbound::short_form(address) {
            return Server { scheme: "ssh".to_owned(), host: host.to_ascii_lowercase(), port: Some(SSH) };
        }
        let Ok(url) = Url::parse(address) else {
            return Server { scheme: String::new(), host: String::new(), port: None };
        };
        let is_ssh = url.scheme() == "ssh";
        Server {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            port: url.port_or_known_default().or(is_ssh.then_some(SSH)),
        }
    }
}

/// The address of a submodule: what `.gitmodules` says, in the repository at `parent`.
///
/// # Errors
/// Git has no such addresses, or they are not reached by http, https, ssh or as a file.
pub(super) fn of_submodule(parent: &str, written: &str) -> Result<String, String> {
    if written.is_empty() || written.starts_with('-') || written.chars().any(char::is_control) {
        return Err(format!("{written:?} is not the address of a repository"));
    }
    if written.contains("://") {
        let url = Url::parse(written).map_err(|error| format!("the address of the repository: {error}"))?;
        return match url.scheme() {
            "http" | "https" | "ssh" | "file" => unambiguous(written),
            other => Err(format!("a repository cannot be reached by '{other}'")),
        };
    }
    if outbound::short_form(written).is_some() {
        return unambiguous(written);
    }
    // `ext::` and the like name a remote helper, a program that git would run.
    if written.split('/').next().is_some_and(|first| first.contains(':')) {
        return Err(format!("{written:?} is not the address of a repository"));
    }
    if written.starts_with('/') {
        return Ok(format!("file://{written}"));
    }
    relative(parent, written)
}

/// The same address, if git connects to the server that the credentials are chosen for.
fn unambiguous(written: &str) -> Result<String, String> {
    match outbound::host(written) {
        Ok(_) => Ok(written.to_owned()),
        Err(refused) => Err(refused.to_string()),
    }
}

/// Resolves a path relative to another repository.
fn relative(parent: &str, path: &str) -> Result<String, String> {
    let start = match parent.split_once("://") {
        Some((scheme, rest)) => scheme.len() + "://".len() + rest.find('/').map_or(rest.len(), |at| at + 1),
        None => parent.find(':').map_or(0, |at| at + 1),
    };
    let (server, own) = parent.split_at(start);
    let mut parts: Vec<&str> = own.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| format!("'{path}' leads out of the server of the repository"))?;
            }
            part => parts.push(part),
        }
    }
    let slash = if parent.contains("://") && !server.ends_with('/') { "/" } else { "" };
    // In the short form of ssh, a path may begin at the root.
    let root = if own.starts_with('/') { "/" } else { "" };
    Ok(format!("{server}{slash}{root}{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers are those of `git submodule init`, but for the last ones.
    #[test]
    fn relative_addresses() {
        for (parent, written, wanted) in [
            ("https://host/a/b.git", "../c.git", "https://host/a/c.git"),
            ("https://host/a/b.git/", "../c", "https://host/a/c"),
            ("https://host/a/b.git", "../../c/d", "https://host/c/d"),
            ("https://host/a/b.git", "./c", "https://host/a/b.git/c"),
            ("https://user:word@host:8443/a/b", "../c", "https://user:word@host:8443/a/c"),
            ("ssh://git@host:22/a/b", "../c", "ssh://git@host:22/a/c"),
            ("git@host:a/b.git", "../c.git", "git@host:a/c.git"),
            ("git@host:/a/b.git", "../c.git", "git@host:/a/c.git"),
            ("file:///srv/a", "../b", "file:///srv/b"),
            // As in Flux, this is not a local directory.
            ("https://host/a/b", "c", "https://host/a/b/c"),
        ] {
            assert_eq!(of_submodule(parent, written).as_deref(), Ok(wanted), "{parent} {written}");
        }
        assert!(of_submodule("https://host/a/b", "../../../other.example").is_err());
        assert!(of_submodule("git@host:a", "../../b").is_err());
    }

    #[test]
    fn whole_addresses() {
        let of = |written| of_submodule("https://host/a/b", written);
        for written in ["https://other/x", "ssh://git@other/x", "git@other:x.git", "file:///srv/x"] {
            assert_eq!(of(written).as_deref(), Ok(written));
        }
        assert_eq!(of("/srv/x").as_deref(), Ok("file:///srv/x"));
        for written in [
            "https://host\\@other/x",
            "ssh://git%40host@other/x",
            "git://other/x",
            "ext::sh -c touch% /tmp/x",
            "fd::7",
            "-u",
            "",
            "https://other/\nx",
            "ext::x://y",
        ] {
            assert!(of(written).is_err(), "{written:?}");
        }
    }

    #[test]
    fn servers_are_told_apart() {
        let is_same = |one, other| Server::of(one) == Server::of(other);
        assert!(is_same("https://host/a", "https://user@HOST:443/b"));
        assert!(is_same("ssh://git@host/a", "git@host:b"));
        for other in ["http://host/a", "https://host:8443/a", "https://host.example/a", "ssh://host/a"] {
            assert!(!is_same("https://host/a", other), "{other}");
        }
    }
}
