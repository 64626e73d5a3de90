//! Connections to servers that users choose: the addresses that are refused, and how answers are read.
//!
//! Users who may write a source or a provider decide which servers this process connects to. Some services trust
//! every client in their network. The metadata service of a cloud, for example, hands out the credentials of the
//! machine. Such services have link-local addresses, and no source or provider needs one.

mod answer;
mod cluster;
mod gate;
mod tls_proxy;

use std::error::Error;
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::sync::Arc;

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use thiserror::Error;
use url::{Host, Url};

pub use answer::{BodyError, body, caused, causes};
pub use cluster::{InMemory, client};
pub use gate::Gate;
pub(crate) use gate::connect;
pub use tls_proxy::TlsProxy;

/// How often a server may redirect to another address.
const MOST_REDIRECTS: usize = 10;
/// The address of Amazon's metadata service which is not link-local.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

/// Which addresses may be connected to besides those that never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// All.
    #[default]
    Everywhere,
    /// All but those of this machine: its services may trust every local client.
    OtherMachines,
}

/// An address that is not connected to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Nobody may connect to it.
    #[error("'{host}' has the link-local address {address}, which is never connected to")]
    LinkLocal {
        /// The name or address that was given.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// Programs read it in different ways, so that none can check what another one connects to.
    #[error(
        "'{0}' is not the address of a server: a host is a name, an IPv4 address, or an IPv6 address in brackets, and may \
         have a port"
    )]
    Unclear(String),
    /// No tenant may connect to it.
    #[error(
        "'{host}' leads to the machine of the reconciler, which is not allowed in the namespace of a tenant"
    )]
    Here {
        /// The name or address that was given.
        host: String,
    },
}

/// Whether an address is one of those that are never connected to.
#[must_use]
pub fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            let embedded = match address.segments() {
                // NAT64: translated to an IPv4 address on the way.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    Some((u32::from(high) << 16 | u32::from(low)).into())
                }
                _ => address.to_ipv4(),
            };
            address.is_unicast_link_local()
                || address == METADATA
                || embedded.is_some_and(|address: std::net::Ipv4Addr| address.is_link_local())
        }
    }
}

/// Whether an address is one of this machine, on any of its interfaces.
fn is_here(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // A socket can only be bound to an address of the machine. Nothing is sent.
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

fn allowed(host: &str, address: IpAddr, reach: Reach) -> Result<IpAddr, Refused> {
    if is_refused(address) {
        return Err(Refused::LinkLocal { host: host.to_owned(), address });
    }
    if reach == Reach::OtherMachines && is_here(address) {
        return Err(Refused::Here { host: host.to_owned() });
    }
    Ok(address)
}

/// The addresses of a host, a name or an address. None if it cannot be resolved: whoever connects says why.
///
/// # Errors
/// One of the addresses is refused.
pub async fn resolve(host: &str, reach: Reach) -> Result<Vec<IpAddr>, Refused> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((plain, 0)).await;
    found.into_iter().flatten().map(|found| allowed(host, found.ip(), reach)).collect()
}

/// Looks at the host of a URL, and returns its addresses. A path of this machine has none.
///
/// # Errors
/// One of the addresses is refused, or the host can be read in several ways.
pub async fn check(url: &str, reach: Reach) -> Result<Vec<IpAddr>, Refused> {
    match host(url)? {
        Some(host) => resolve(&host, reach).await,
        None => Ok(Vec::new()),
    }
}

/// The host of a URL, or of an address in the short form of ssh. None for a path of this machine.
///
/// What a URL has besides letters, digits and a few signs is read in one way by browsers and in another one by git, ssh,
/// and libraries: `http://one.example\@other.example/`, or `http://127.0.0.1:+80/`.
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
    let end = if place.starts_with('[') { place.find(']').map_or(0, |end| end + 1) } else { place.len() };
    let end = place[..end].rfind(':').filter(|_| !place.starts_with('[')).unwrap_or(end);
    let (host, port) = place.split_at(end);
    // ssh decodes a login before it looks for its end.
    let is_login = !login.contains(['\\', '@']) && (scheme.starts_with("http") || !login.contains('%'));
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_plain_port);
    if !is_login || !is_port || !is_plain_host(host) {
        return Err(unclear());
    }
    // An address in another notation becomes a usual one.
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

/// Looks at the host in a URL if it is an address. Names are looked at when they are resolved.
///
/// # Errors
/// The address is refused.
pub fn check_address(url: &Url, reach: Reach) -> Result<(), Refused> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    allowed(&address.to_string(), address, reach).map(|_| ())
}

/// A client that connects to no such address, whatever a name stands for and wherever a server redirects it.
/// The address in the first URL is left to [`check_address`].
pub fn guarded(client: ClientBuilder, reach: Reach) -> ClientBuilder {
    let policy = Policy::custom(move |attempt| followed(attempt, reach));
    client.dns_resolver(Arc::new(Guard(reach))).redirect(policy)
}

fn followed(attempt: Attempt<'_>, reach: Reach) -> reqwest::redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error("too many redirects");
    }
    match check_address(attempt.url(), reach) {
        Ok(()) => attempt.follow(),
        Err(refused) => attempt.error(refused),
    }
}

/// Resolves names, and refuses those of refused addresses.
struct Guard(Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut addresses = Vec::new();
            for address in found {
                allowed(name.as_str(), address.ip(), reach)?;
                addresses.push(address);
            }
            Ok::<Addrs, Box<dyn Error + Send + Sync>>(Box::new(addresses.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_refused_in_every_form() -> Result<(), Box<dyn Error>> {
        for text in [
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[fe80::1]/",
            "http://[febf:ffff::1]/",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(check_address(&Url::parse(text)?, Reach::Everywhere).is_err(), "{text}");
        }
        for text in [
            "http://169.253.0.1/",
            "http://127.0.0.1/",
            "http://10.0.0.1/",
            "http://[::1]/",
            "http://[fec0::1]/",
            "http://[fd00::1]/",
            "http://example.org/",
        ] {
            assert_eq!(check_address(&Url::parse(text)?, Reach::Everywhere), Ok(()), "{text}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn addresses_are_refused_before_anyone_connects() {
        // The parser takes these hosts for names, the resolver takes them for addresses.
        for url in ["ssh://git@169.254.169.254/x", "ssh://git@[fe80::1]/x", "ssh://2852039166/x"] {
            assert!(check(url, Reach::Everywhere).await.is_err(), "{url}");
        }
        for url in ["git@169.254.169.254:x", "169.254.169.254:x", "git@[fe80::1]:x"] {
            assert!(check(url, Reach::Everywhere).await.is_err(), "{url}");
        }
        let here = "https://127.0.0.1:8080/x";
        assert!(check(here, Reach::Everywhere).await.is_ok_and(|found| found.len() == 1));
        // A name is resolved first.
        for url in [here, "http://localhost/x", "git@localhost:x", "ssh://git@0/x", "ssh://git@[::1]/x"] {
            assert!(check(url, Reach::OtherMachines).await.is_err(), "{url}");
        }
        for url in ["file:///srv/git", "/srv/git", "git"] {
            assert_eq!(check(url, Reach::OtherMachines).await, Ok(Vec::new()), "{url}");
        }
    }

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

    #[test]
    #[expect(clippy::print_stdout, reason = "what is not tested is told")]
    fn this_machine_is_known_in_every_form() -> Result<(), Box<dyn Error>> {
        for text in ["127.0.0.1", "127.8.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"] {
            let address = text.parse()?;
            assert!(allowed("x", address, Reach::OtherMachines).is_err(), "{text}");
            assert!(allowed("x", address, Reach::Everywhere).is_ok(), "{text}");
        }
        assert!(allowed("x", "192.0.2.1".parse()?, Reach::OtherMachines).is_ok());
        // The address that this machine would use for a connection to another one.
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        match socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr()) {
            Ok(own) => assert!(allowed("x", own.ip(), Reach::OtherMachines).is_err(), "{own}"),
            Err(error) => println!("NOT RUN: this machine has no other interface: {error}"),
        }
        assert!(allowed("x", "169.254.169.254".parse()?, Reach::Everywhere).is_err());
        Ok(())
    }
}
