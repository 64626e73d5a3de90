//! Fetching over HTTP.

use std::io::Read;
use std::time::Duration;

use kustomize_core::host::HostError;
use kustomize_core::host::mask;

/// How long one document may take, from looking up the name to the last byte. kustomize waits
/// for ever.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An HTTP client that trusts what the machine trusts.
#[derive(Debug)]
pub(crate) struct Client(ureq::Agent);

impl Client {
    pub(crate) fn new() -> Self {
        let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("kustomize-rs/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Client(config.into())
    }

    /// The body of a successful answer, at most `limit` bytes of it.
    pub(crate) fn fetch(&self, url: &str, limit: u64) -> Result<Vec<u8>, HostError> {
        let answer = self.0.get(url).call().map_err(host_error)?;
        let mut body = Vec::new();
        answer
            .into_body()
            .into_reader()
            .take(limit.saturating_add(1))
            .read_to_end(&mut body)
            .map_err(|error| HostError::Other(error.to_string()))?;
        if body.len() as u64 > limit { Err(HostError::TooLarge { limit }) } else { Ok(body) }
    }
}

fn host_error(error: ureq::Error) -> HostError {
    match error {
        ureq::Error::StatusCode(status) => HostError::Http { status },
        ureq::Error::Timeout(_) => HostError::TimedOut { limit: TIMEOUT },
        error => HostError::Other(mask(&error.to_string()).into_owned()),
    }
}
