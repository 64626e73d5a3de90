//! Connections to clusters that users choose.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

use super::{allowed, check};

/// Which addresses a cluster may have besides those that are never connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All.
    Everywhere,
    /// All but those of this machine.
    OtherMachines,
}

impl Reach {
    fn allows(self, host: &str, address: IpAddr) -> Result<(), BoxError> {
        allowed(host, address)?;
        if self == Reach::OtherMachines && is_here(address) {
            let why =
                "leads to the machine of the reconciler, which is not allowed in the namespace of a tenant";
            return Err(format!("'{host}' {why}").into());
        }
        Ok(())
    }
}

/// Whether an address leads to this machine, by any of its interfaces.
fn is_here(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // A socket can be bound to the machine's own addresses only. Nothing is sent.
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

/// A client of a cluster. Names are looked at whenever they are resolved: what a name stands for can change after it was
/// checked.
///
/// # Errors
/// The address is refused, or the configuration cannot be used.
pub async fn client(config: Config, reach: Reach) -> Result<Client, BoxError> {
    // Addresses are never resolved, and a name that is refused is refused before anything is sent.
    let url = config.cluster_url.to_string();
    let host = config.cluster_url.host().unwrap_or_default();
    for address in check(&url).await? {
        reach.allows(host, address)?;
    }
    // This says what cannot be used, such as a proxy, and chooses the library for TLS.
    drop(Client::try_from(config.clone())?);
    let resolver = tower::service_fn(move |name: Name| async move {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
        for address in &found {
            reach.allows(name.as_str(), address.ip()).map_err(io::Error::other)?;
        }
        Ok::<_, io::Error>(found.into_iter())
    });
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(HttpClient::builder(TokioExecutor::new()).build(connector));
    Ok(Client::new(service, config.default_namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::print_stdout, reason = "what is not tested is told")]
    fn this_machine_is_known_in_every_form() -> Result<(), BoxError> {
        for text in ["127.0.0.1", "127.8.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"] {
            let address = text.parse()?;
            assert!(Reach::OtherMachines.allows("x", address).is_err(), "{text}");
            assert!(Reach::Everywhere.allows("x", address).is_ok(), "{text}");
        }
        assert!(Reach::OtherMachines.allows("x", "192.0.2.1".parse()?).is_ok());
        // The address that this machine would use for a connection to another one.
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        match socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr()) {
            Ok(own) => assert!(Reach::OtherMachines.allows("x", own.ip()).is_err(), "{own}"),
            Err(error) => println!("NOT RUN: this machine has no other interface: {error}"),
        }
        assert!(Reach::Everywhere.allows("x", "169.254.169.254".parse()?).is_err());
        Ok(())
    }
}
