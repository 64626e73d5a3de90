//! Logins for registries, as Secrets of type `kubernetes.io/dockerconfigjson` have them.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use thiserror::Error;

/// The key of the Secret's data.
const KEY: &str = ".dockerconfigjson";

/// What a registry is accessed with. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// Nothing.
    Anonymous,
    /// A user name and a password.
    Basic(String, String),
    /// A token.
    Token(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// A Secret cannot be used for pulling.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PullSecretError {
    /// The Secret is of another type.
    #[error(
        "the secret has no key '{KEY}'; it has to be of the type kubernetes.io/dockerconfigjson, as 'reconciler create secret oci' makes it"
    )]
    NoKey,
    /// It is not what Docker writes.
    #[error("the key '{KEY}' cannot be read: {0}")]
    Malformed(String),
    /// A login is no user name with a password.
    #[error("the login for '{0}' cannot be read; 'auth' has to be the base64 of NAME:PASSWORD")]
    Login(String),
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Entry {
    auth: String,
    username: String,
    password: String,
    registrytoken: String,
}

/// The login that a Secret has for a registry, if it has one.
pub fn login(data: &BTreeMap<String, Vec<u8>>, registry: &str) -> Result<Option<Login>, PullSecretError> {
    let text = data.get(KEY).ok_or(PullSecretError::NoKey)?;
    let file: File =
        serde_json::from_slice(text).map_err(|error| PullSecretError::Malformed(error.to_string()))?;
    let Some((name, entry)) = file.auths.into_iter().find(|(name, _)| host(name) == host(registry)) else {
        return Ok(None);
    };
    if !entry.registrytoken.is_empty() {
        return Ok(Some(Login::Token(entry.registrytoken)));
    }
    if entry.auth.is_empty() {
        let is_empty = entry.username.is_empty() && entry.password.is_empty();
        return Ok((!is_empty).then_some(Login::Basic(entry.username, entry.password)));
    }
    let pair = STANDARD.decode(entry.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.as_deref().and_then(|pair| pair.split_once(':'));
    match pair {
        Some((username, password)) => {
            Ok(Some(Login::Basic(username.to_owned(), password.trim_end_matches('\0').to_owned())))
        }
        None => Err(PullSecretError::Login(name)),
    }
}

/// The host in the name of a login, which can be an address. Docker Hub has several.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    match name.split('/').next().unwrap_or(name) {
        "docker.io" | "registry-1.docker.io" => "index.docker.io",
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::from([(KEY.to_owned(), text.as_bytes().to_vec())])
    }

    #[test]
    fn logins_are_found_by_host() -> Result<(), PullSecretError> {
        let data = secret(
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dTpwOng="}, "ghcr.io": {"username": "a", "password": "b"}, "host:5000": {"registrytoken": "t"}}}"#,
        );
        let basic = |name: &str, password: &str| Some(Login::Basic(name.to_owned(), password.to_owned()));
        assert_eq!(login(&data, "index.docker.io")?, basic("u", "p:x"));
        assert_eq!(login(&data, "ghcr.io")?, basic("a", "b"));
        assert_eq!(login(&data, "host:5000")?, Some(Login::Token("t".to_owned())));
        assert_eq!(login(&data, "quay.io")?, None);
        Ok(())
    }

    #[test]
    fn bad_secrets_are_refused() {
        assert_eq!(login(&BTreeMap::new(), "x"), Err(PullSecretError::NoKey));
        let wrong = secret(r#"{"auths": {"x.io": {"auth": "!"}}}"#);
        assert_eq!(login(&wrong, "x.io"), Err(PullSecretError::Login("x.io".to_owned())));
    }
}
