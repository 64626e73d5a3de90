//! Connections to servers that users choose: the addresses that are refused, and how answers are read.
//!
//! Users who may write a source or a provider decide which servers this process connects to. Some services trust
//! every client in their network. The metadata service of a cloud, for example, hands out the credentials of the
//! machine. Such services have link-local addresses, and no source or provider needs one.

mod answer;
mod cluster;
mod gate;
mod host;
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
pub(crate) use host::{host, short_form};
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
    /// Programs read its host in different ways: what is checked need not be what another program connects to.
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
