//! What a repository is accessed with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::outbound::Reach;

use super::address::Server;

/// What a repository is accessed with. It is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User name for basic authentication or ssh.
    pub(super) username: Option<String>,
    /// Password for basic authentication, or of the ssh key.
    pub(super) password: Option<String>,
    /// Token for bearer authentication.
    pub(super) bearer_token: Option<String>,
    /// Private key for ssh.
    pub(super) identity: Option<String>,
    /// The server's public keys for ssh.
    pub(super) known_hosts: Option<String>,
    /// Certificates of authorities for TLS.
    pub(super) ca: Option<String>,
    /// Certificate of the client for TLS.
    pub(super) certificate: Option<String>,
    /// Key of that certificate.
    pub(super) certificate_key: Option<String>,
    /// Address of a proxy, with its login.
    pub(super) proxy: Option<Url>,
    /// Which addresses server and proxy may have.
    pub(super) reach: Reach,
}

/// A Secret cannot be used as credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CredentialsError(String);

impl Credentials {
    /// Reads the data of a Secret for a repository with this address.
    pub fn from_secret(data: &BTreeMap<String, Vec<u8>>, url: &str) -> Result<Self, CredentialsError> {
        let text = |key: &str| -> Result<Option<String>, CredentialsError> {
            let Some(bytes) = data.get(key) else { return Ok(None) };
            let text = String::from_utf8(bytes.clone())
                .map_err(|_| CredentialsError(format!("key '{key}' is not text")))?;
            Ok(Some(text))
        };
        let token = |key: &str| Ok::<_, CredentialsError>(text(key)?.map(|text| text.trim().to_owned()));
        let credentials = Credentials {
            username: token("username")?,
            password: token("password")?,
            bearer_token: token("bearerToken")?,
            identity: text("identity")?,
            known_hosts: text("known_hosts")?,
            ca: text("ca.crt")?.or(text("caFile")?),
            certificate: text("tls.crt")?.or(text("certFile")?),
            certificate_key: text("tls.key")?.or(text("keyFile")?),
            proxy: None,
            reach: Reach::default(),
        };
        credentials.check(url)?;
        Ok(credentials)
    }

    /// The same for a server and a proxy with such addresses.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Credentials { reach, ..self }
    }

    /// The same, through a proxy. Its address may have a user name and a password.
    pub fn through(self, proxy: &str, url: &str) -> Result<Self, CredentialsError> {
        let proxy = Url::parse(proxy)
            .map_err(|error| CredentialsError(format!("the address of the proxy: {error}")))?;
        if !matches!(proxy.scheme(), "http" | "https" | "socks5") {
            let message = format!("a proxy cannot be reached by '{}'", proxy.scheme());
            return Err(CredentialsError(message));
        }
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let message = "only repositories with http or https are reached through a proxy";
            return Err(CredentialsError(message.to_owned()));
        }
        Ok(Credentials { proxy: Some(proxy), ..self })
    }

    fn check(&self, url: &str) -> Result<(), CredentialsError> {
        let missing = |key: &str, why: &str| Err(CredentialsError(format!("key '{key}' is missing, {why}")));
        if url.starts_with("ssh://") {
            if self.identity.is_none() {
                return missing("identity", "which is the private key for ssh");
            }
            if self.known_hosts.is_none() {
                return missing("known_hosts", "which has the server's public keys");
            }
        } else if self.username.is_some() && self.password.is_none() {
            return missing("password", "which belongs to the user name");
        }
        Ok(())
    }

    /// The credentials for a submodule of the repository at `parent`. Passwords and tokens are sent to the server of
    /// the repository only. An ssh key does not leave this machine, and is used for the hosts in `known_hosts`.
    pub(super) fn for_submodule(&self, parent: &str, url: &str) -> Result<Self, CredentialsError> {
        let (own, other) = (Server::of(parent), Server::of(url));
        if own == other {
            return Ok(self.clone());
        }
        match other.scheme.as_str() {
            "ssh" if self.identity.is_none() || self.known_hosts.is_none() => {
                let message = format!("'{url}' needs the keys 'identity' and 'known_hosts' in the Secret");
                Err(CredentialsError(message))
            }
            "ssh" => Ok(Credentials {
                identity: self.identity.clone(),
                known_hosts: self.known_hosts.clone(),
                // That of the key.
                password: self.password.clone(),
                reach: self.reach,
                ..Credentials::default()
            }),
            _ => Ok(Credentials {
                ca: self.ca.clone().filter(|_| own.host == other.host),
                proxy: self.proxy.clone(),
                reach: self.reach,
                ..Credentials::default()
            }),
        }
    }

    /// Replaces every secret in a text.
    pub(super) fn mask(&self, text: &str) -> String {
        let proxy = self.proxy.as_ref().and_then(Url::password).map(str::to_owned);
        let secrets = [&self.password, &self.bearer_token, &proxy];
        secrets
            .into_iter()
            .flatten()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// The address of a repository as messages show it: without a password or a token that someone has put there.
#[must_use]
pub fn shown_url(url: &str) -> Cow<'_, str> {
    let Ok(mut shown) = Url::parse(url) else { return Cow::Borrowed(url) };
    let is_secret = shown.password().is_some() || (shown.scheme() != "ssh" && !shown.username().is_empty());
    let is_hidden =
        shown.set_password(None).is_ok() && (shown.scheme() == "ssh" || shown.set_username("").is_ok());
    if is_secret && is_hidden { Cow::Owned(shown.into()) } else { Cow::Borrowed(url) }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn ssh_needs_the_servers_keys() {
        let error = Credentials::from_secret(&data(&[("identity", "x")]), "ssh://git@host/x").unwrap_err();
        assert!(error.to_string().contains("known_hosts"), "{error}");
    }

    #[test]
    fn addresses_are_shown_without_secrets() {
        assert_eq!(shown_url("https://user:hunter2@host/x.git"), "https://host/x.git");
        assert_eq!(shown_url("https://token@host/x.git"), "https://host/x.git");
        assert_eq!(shown_url("ssh://git:hunter2@host:22/x.git"), "ssh://git@host:22/x.git");
        for url in ["ssh://git@host/x.git", "https://HOST/x", "file:///tmp/x", "no address"] {
            assert_eq!(shown_url(url), url);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = data(&[("username", "u"), ("password", "hunter2\n")]);
        let credentials = Credentials::from_secret(&secret, "https://host/x").unwrap();
        assert_eq!(credentials.mask("login u:hunter2 failed"), "login u:*** failed");
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
