//! Looking up hosts in a program that is linked statically.
//!
//! The C library looks up hosts through further libraries, which a static program can only load when
//! they are of the very version that it was linked with. `getent`, which comes with every C library
//! of Linux, is asked instead: it answers as any other program of the machine would be answered.

use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Asks `getent`.
#[derive(Debug)]
pub(super) struct Getent;

impl Resolver for Getent {
    fn resolve(&self, uri: &Uri, config: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let addresses = look_up(host)?;
        let family = config.ip_family();
        let wanted = family.keep_wanted(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)));
        let mut resolved = self.empty();
        for address in wanted {
            if resolved.try_push(address).is_err() {
                break;
            }
        }
        if resolved.is_empty() { Err(Error::HostNotFound) } else { Ok(resolved) }
    }
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
        let loopback = |ip: &IpAddr| ip.is_loopback();
        assert!(look_up("localhost").is_ok_and(|found| !found.is_empty() && found.iter().all(loopback)));
        assert_eq!(look_up("[::1]").unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        // Reserved for what does not exist (RFC 2606), and no option of `getent`.
        assert!(look_up("nothing.invalid").unwrap().is_empty());
        assert!(look_up("--help").unwrap().is_empty());
    }
}
