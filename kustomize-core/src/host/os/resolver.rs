//! Looking up hosts in a program that is linked statically.
//!
//! The C library looks up hosts through further libraries, which a static program can only load when
//! they are of the very version that it was linked with. `getent`, which comes with every C library
//! of Linux, is asked instead: it answers as any other program of the machine would be answered.

use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

use ureq::Error;
use ureq::http::Uri;

/// Asks `getent`.
#[cfg(target_feature = "crt-static")]
#[derive(Debug)]
pub(super) struct Getent;

#[cfg(target_feature = "crt-static")]
impl ureq::unversioned::resolver::Resolver for Getent {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        _: ureq::unversioned::transport::NextTimeout,
    ) -> Result<ureq::unversioned::resolver::ResolvedSocketAddrs, Error> {
        let mut resolved = self.empty();
        for address in config.ip_family().keep_wanted(addresses(uri)?.into_iter()) {
            if resolved.try_push(address).is_err() {
                break;
            }
        }
        if resolved.is_empty() { Err(Error::HostNotFound) } else { Ok(resolved) }
    }
}

/// Where to connect to, best first.
fn addresses(uri: &Uri) -> Result<Vec<SocketAddr>, Error> {
    let host = uri.host().ok_or(Error::HostNotFound)?;
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    Ok(look_up(host)?.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// The addresses of a host, best first.
fn look_up(host: &str) -> Result<Vec<IpAddr>, Error> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![address]);
    }
    let mut getent = Command::new("getent");
    getent.args(["ahosts", "--", host]).stdin(Stdio::null()).stderr(Stdio::null());
    let answer = getent.output()?;
    let mut addresses = Vec::new();
    for line in String::from_utf8_lossy(&answer.stdout).lines() {
        // One line for each kind of socket.
        if let Some(Ok(address)) = line.split_whitespace().next().map(str::parse)
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_addresses() {
        let addresses = |uri| addresses(&Uri::from_static(uri)).unwrap();
        let found = addresses("https://localhost/x");
        assert!(!found.is_empty());
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 443));
        assert_eq!(addresses("http://[::1]/"), ["[::1]:80".parse().unwrap()]);
        assert_eq!(addresses("http://127.0.0.1:8080/"), ["127.0.0.1:8080".parse().unwrap()]);
        // Reserved for what does not exist (RFC 2606).
        assert_eq!(addresses("http://nothing.invalid/"), []);
        // No option of the program.
        assert_eq!(look_up("--help").unwrap(), [] as [IpAddr; 0]);
    }
}
