//! GitHub Apps: an app signs a JWT with its key, and GitHub returns an installation token for it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, Client, Proxy, RequestBuilder};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::Credentials;
use crate::outbound::{self, Reach};

/// The default address of the API.
const API: &str = "https://api.github.com";
/// The user name that goes with a token.
const USER: &str = "x-access-token";
/// The version of the API.
const VERSION: &str = "2022-11-28";
/// How far the clock of GitHub may be behind ours.
const BEHIND: SignedDuration = SignedDuration::from_secs(60);
/// The validity of a JWT. GitHub accepts at most ten minutes.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);
/// The remaining validity that a token needs to be used again.
const SPARE: SignedDuration = SignedDuration::from_mins(5);
/// How many installations are on a page.
const PAGE: usize = 100;
/// The largest answer, in bytes.
const LARGEST_ANSWER: u64 = 16 << 20;
/// How many pages are read.
const MOST_PAGES: usize = 100;
/// The keys of a Secret.
const APP: &str = "githubAppID";
const INSTALLATION: &str = "githubAppInstallationID";
const OWNER: &str = "githubAppInstallationOwner";
const KEY: &str = "githubAppPrivateKey";
const BASE: &str = "githubAppBaseURL";

/// An installed GitHub App. It has no `Debug`, so that the key is never printed.
pub struct GithubApp {
    id: String,
    installation: Installation,
    key: RsaKeyPair,
    api: Url,
    client: Client,
    proxy: Option<Url>,
    reach: Reach,
    digest: [u8; 32],
}

/// Where an app is installed.
#[derive(Clone, Debug)]
enum Installation {
    Number(String),
    Owner(String),
}

/// An installation token. It has no `Debug`, so that it is never printed.
#[derive(Clone)]
pub struct InstallationToken {
    text: String,
    expires: Timestamp,
}

/// A GitHub App cannot be used, or GitHub refuses it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// The Secret is incomplete or wrong.
    #[error("{0}")]
    Secret(String),
    /// GitHub did not give a token.
    #[error("failed to get a token of the GitHub App: {0}")]
    Refused(String),
}

impl InstallationToken {
    /// Whether it stays valid long enough to be used.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires.duration_since(now) > SPARE
    }

    /// Credentials with this token. CA and proxy are those of `connection`.
    #[must_use]
    pub fn credentials(&self, connection: Credentials) -> Credentials {
        Credentials {
            username: Some(USER.to_owned()),
            password: Some(self.text.clone()),
            bearer_token: None,
            identity: None,
            ..connection
        }
    }
}

/// A cache of tokens by app, installation and key.
#[derive(Default)]
pub struct GithubTokens(Mutex<HashMap<[u8; 32], InstallationToken>>);

impl GithubTokens {
    /// Returns a token for an app, from the cache if it is still valid.
    pub async fn get(&self, app: &GithubApp, now: Timestamp) -> Result<InstallationToken, GithubError> {
        let tokens = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tokens().get(&app.digest).filter(|token| token.is_good(now)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let token = app.token(now).await?;
        let mut tokens = tokens();
        tokens.retain(|_, token| token.is_good(now));
        tokens.insert(app.digest, token.clone());
        Ok(token)
    }
}

impl GithubApp {
    /// Whether a Secret has the credentials of an app.
    #[must_use]
    pub fn is_in(secret: &BTreeMap<String, Vec<u8>>) -> bool {
        secret.contains_key(APP)
    }

    /// Reads a Secret. The API is reached with the CA and the proxy of the repository.
    pub fn from_secret(
        secret: &BTreeMap<String, Vec<u8>>,
        connection: &Credentials,
        timeout: Duration,
    ) -> Result<Self, GithubError> {
        let wrong = |key: &str, why: &dyn fmt::Display| GithubError::Secret(format!("key '{key}' {why}"));
        let text = |key: &str| -> Result<Option<String>, GithubError> {
            let Some(bytes) = secret.get(key) else { return Ok(None) };
            let text = std::str::from_utf8(bytes).map_err(|_| wrong(key, &"is not text"))?.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        };
        let id = text(APP)?.ok_or_else(|| wrong(APP, &"is missing"))?;
        let installation = match (text(INSTALLATION)?, text(OWNER)?) {
            (Some(_), Some(_)) => return Err(wrong(OWNER, &format!("cannot be used with '{INSTALLATION}'"))),
            (Some(number), None) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Installation::Number(number)
            }
            (Some(_), None) => return Err(wrong(INSTALLATION, &"is not a number")),
            (None, Some(owner)) => Installation::Owner(owner),
            (None, None) => return Err(wrong(INSTALLATION, &format!("is missing, and so is '{OWNER}'"))),
        };
        let pem = text(KEY)?.ok_or_else(|| wrong(KEY, &"is missing"))?;
        let unreadable = || wrong(KEY, &"is not a private key for RSA in PEM");
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(unreadable()),
        };
        let key = key.map_err(|_| unreadable())?;
        let base = text(BASE)?.unwrap_or_else(|| API.to_owned());
        let api = Url::parse(&base).map_err(|error| wrong(BASE, &format!("is not an address: {error}")))?;
        if !matches!(api.scheme(), "http" | "https") {
            return Err(wrong(BASE, &"is not an address with http or https"));
        }
        let mut hash = Sha256::new();
        for part in [&*id, &format!("{installation:?}"), &pem, &base] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let client = client(connection, timeout)?;
        let (proxy, digest) = (connection.proxy.clone(), hash.finalize().into());
        Ok(GithubApp { id, installation, key, api, client, proxy, reach: connection.reach, digest })
    }

    /// Requests a token from GitHub.
    pub async fn token(&self, now: Timestamp) -> Result<InstallationToken, GithubError> {
        #[derive(Deserialize)]
        struct Answer {
            token: String,
            expires_at: Timestamp,
        }
        for address in std::iter::once(&self.api).chain(&self.proxy) {
            let checked = outbound::check_address(address, self.reach);
            checked.map_err(|refused| GithubError::Refused(refused.to_string()))?;
        }
        let jwt = self.jwt(now)?;
        let number = match &self.installation {
            Installation::Number(number) => number.clone(),
            Installation::Owner(owner) => self.installation_of(owner, &jwt).await?,
        };
        let address = self.address(&["app", "installations", &number, "access_tokens"])?;
        let Answer { token, expires_at } = ask(self.client.post(address), &jwt).await?;
        Ok(InstallationToken { text: token, expires: expires_at })
    }

    /// The id of the installation for a user or an organization.
    async fn installation_of(&self, owner: &str, jwt: &str) -> Result<String, GithubError> {
        #[derive(Deserialize)]
        struct Account {
            login: String,
        }
        #[derive(Deserialize)]
        struct Found {
            id: u64,
            account: Option<Account>,
        }
        for page in 1..=MOST_PAGES {
            let mut address = self.address(&["app", "installations"])?;
            let pages = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            address.query_pairs_mut().extend_pairs(pages);
            let found: Vec<Found> = ask(self.client.get(address), jwt).await?;
            let is_last = found.len() < PAGE;
            let is_of_owner = |found: &Found| {
                found.account.as_ref().is_some_and(|account| account.login.eq_ignore_ascii_case(owner))
            };
            if let Some(found) = found.into_iter().find(is_of_owner) {
                return Ok(found.id.to_string());
            }
            if is_last {
                break;
            }
        }
        Err(GithubError::Refused(format!("it is not installed for '{owner}'")))
    }

    /// An address of the API, below the path of its base address.
    fn address(&self, parts: &[&str]) -> Result<Url, GithubError> {
        let mut address = self.api.clone();
        match address.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend(parts),
            Err(()) => return Err(GithubError::Secret(format!("key '{BASE}' is not an address"))),
        };
        Ok(address)
    }

    /// The JWT that authenticates the app.
    fn jwt(&self, now: Timestamp) -> Result<String, GithubError> {
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let (from, until) = (now - BEHIND, now + GOOD_FOR);
        let claims = json!({"iat": from.as_second(), "exp": until.as_second(), "iss": self.id});
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let text = format!("{header}.{claims}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| GithubError::Secret(format!("key '{KEY}' cannot be used to sign")))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A client with the certificates and the proxy of a repository.
fn client(connection: &Credentials, timeout: Duration) -> Result<Client, GithubError> {
    let setup = |error: reqwest::Error| GithubError::Secret(format!("the API cannot be reached: {error}"));
    let mut client =
        outbound::guarded(Client::builder(), connection.reach).timeout(timeout).user_agent("reconciler");
    if let Some(ca) = &connection.ca {
        client = client.tls_certs_merge(Certificate::from_pem_bundle(ca.as_bytes()).map_err(setup)?);
    }
    if let Some(proxy) = &connection.proxy {
        client = client.proxy(Proxy::all(proxy.clone()).map_err(setup)?);
    }
    client.build().map_err(setup)
}

/// Sends a request to the API.
async fn ask<T: for<'de> Deserialize<'de>>(request: RequestBuilder, jwt: &str) -> Result<T, GithubError> {
    #[derive(Default, Deserialize)]
    struct Refusal {
        #[serde(default)]
        message: String,
    }
    // The address of a proxy may have a password.
    let failed = |error: reqwest::Error| GithubError::Refused(outbound::causes(&error.without_url()));
    let request = request
        .bearer_auth(jwt)
        .header("Accept", "application/vnd.github+json")
        .header("X-GitHub-Api-Version", VERSION);
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let body = outbound::body(answer, LARGEST_ANSWER).await.map_err(|error| match error {
        outbound::BodyError::Failed(error) => failed(error),
        error => GithubError::Refused(format!("the answer: {error}")),
    })?;
    if status.is_success() {
        let unreadable = |error| GithubError::Refused(format!("the answer cannot be read: {error}"));
        return serde_json::from_slice(&body).map_err(unreadable);
    }
    let said = serde_json::from_slice::<Refusal>(&body).unwrap_or_default().message;
    let said: String = said.chars().take(200).collect();
    Err(GithubError::Refused(format!("{status} {said}").trim_end().to_owned()))
}
