//! The host in an address, read strictly.
//!
//! Browsers, git, ssh and libraries read some addresses in different ways: `http://one.example\@other.example/`, or
//! `http://127.0.0.1:+80/`. A check of such an address says nothing about the program that connects, so it is refused.

use std::net::Ipv6Addr;

use url::Url;

use super::Refused;

/// The host of a URL, or of an address in the short form of ssh. None for a path of this machine.
///
/// # Errors
/// The host can be read in several ways.
pub(crate) fn host(url: &str) -> Result<Option<String>, Refused> {
    let unclear = || Refused::Unclear(without_password(url));
    if url.chars().any(|char| char.is_control() || char.is_whitespace()) {
        return Err(unclear());
    }
    if let Some((host, _)) = short_form(url) {
        return if is_plain_host(host) { Ok(Some(host.to_owned())) } else { Err(unclear()) };
    }
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(None) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() && scheme == "file" {
        return Ok(None);
    }
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let end = match place.starts_with('[') {
        true => place.find(']').map_or(0, |bracket| bracket + 1),
        false => place.rfind(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at(end);
    // ssh decodes the login before it looks for the `@` after it.
    let is_login = !login.contains(['\\', '@']) && (scheme.starts_with("http") || !login.contains('%'));
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_plain_port);
    if !is_login || !is_port || !is_plain_host(host) {
        return Err(unclear());
    }
    // This also writes addresses in the usual notation, such as 0x7f.1 as 127.0.0.1.
    let read = Url::parse(url).map_err(|_| unclear())?;
    read.host_str().map(|host| Some(host.to_owned())).ok_or_else(unclear)
}

fn is_plain_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && !host.starts_with('-')
                && host.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_'))
        }
    }
}

fn is_plain_port(port: &str) -> bool {
    port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// An address without what may be a password, for messages.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}

/// The host and the path of an address in the short form that git has for ssh, `user@host:path`.
pub(crate) fn short_form(address: &str) -> Option<(&str, &str)> {
    if address.contains("://") {
        return None;
    }
    let (login, rest) = match address.split_once('@') {
        Some((user, rest)) if !user.contains(['/', ':']) => (user, rest),
        _ => ("", address),
    };
    let end = if rest.starts_with('[') { rest.find(']')? + 1 } else { rest.find(':')? };
    let (host, path) = (&rest[..end], rest[end..].strip_prefix(':')?);
    let is_host =
        !host.is_empty() && !host.contains('/') && !host.starts_with('-') && !login.starts_with('-');
    // Two colons follow the name of a program for git.
    (is_host && !path.is_empty() && !path.starts_with(':')).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_in_one_way() {
        for url in [
            "http://example.com\\@127.0.0.1/",
            "http://[::1%25lo]/",
            "http://[::1%lo]/",
            "http://[127.0.0.1]/",
            "http://[::1/",
            "http://127.0.0.1:+80/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:/",
            "http:///127.0.0.1/",
            "http://user@name@127.0.0.1/",
            "http://127.0.0.1\t/",
            " http://127.0.0.1/",
            "http://one two/",
            "http://１２７.0.0.1/",
            "ssh://git@%31%32%37.0.0.1/x",
            "ssh://127.0.0.1%3A22/x",
            "ssh://git%40127.0.0.1/x",
            "git@127.0.0.1\\:x",
            "https://",
        ] {
            assert!(matches!(host(url), Err(Refused::Unclear(_))), "{url}: {:?}", host(url));
        }
        let shown = host("http://user:word@one two/").err().map(|refused| refused.to_string());
        assert!(shown.is_some_and(|text| !text.contains("word") && text.contains("'http://…@one two/'")));
        for (url, wanted) in [
            ("https://user:p%40ss@my_host.example:8443/x?y#z", "my_host.example"),
            ("ssh://git@Example.org:22/x", "Example.org"),
            ("http://[::1]:80/", "[::1]"),
            ("http://0x7f.1/", "127.0.0.1"),
            ("git@host:path", "host"),
            ("https://host?query=a@b", "host"),
        ] {
            assert_eq!(host(url).ok().flatten().as_deref(), Some(wanted), "{url}");
        }
    }
}
