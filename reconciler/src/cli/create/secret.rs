//! `create secret`: credentials in the form that sources, receivers and the like read.

use clap::{Args, Subcommand};
use reconciler_core::receiver::webhook_path;
use serde_json::json;

use super::{Context, Name, Objects, git_url, read_credential};
use crate::cli::manifest::Manifest;
use crate::cli::ssh_key::{self, KeyFlags};
use crate::cli::{Failure, Result};

/// What the webhooks of receivers start with.
const WEBHOOK: &str = "notification.toolkit.fluxcd.io/webhook";
/// Who sends webhooks.
const RECEIVERS: [&str; 12] = [
    "generic",
    "generic-hmac",
    "github",
    "gitlab",
    "bitbucket",
    "harbor",
    "dockerhub",
    "quay",
    "gcr",
    "nexus",
    "acr",
    "cdevents",
];

#[derive(Subcommand)]
pub(super) enum Secret {
    /// For a git server
    Git(Git),
    /// For GitHub, as an app
    Githubapp(GithubApp),
    /// For a repository of Helm charts
    Helm(Helm),
    /// Who may sign, for Notation
    Notation(super::notation::Notation),
    /// For a container registry
    Oci(Oci),
    /// For a proxy
    Proxy(Proxy),
    /// For the webhooks of a Receiver
    Receiver(Receiver),
    /// Certificates
    Tls(Tls),
}

impl Secret {
    /// The flags, whatever they are of.
    pub(super) fn flags(&self) -> &dyn Objects {
        match self {
            Secret::Git(flags) => flags,
            Secret::Githubapp(flags) => flags,
            Secret::Helm(flags) => flags,
            Secret::Notation(flags) => flags,
            Secret::Oci(flags) => flags,
            Secret::Proxy(flags) => flags,
            Secret::Receiver(flags) => flags,
            Secret::Tls(flags) => flags,
        }
    }

    /// Whether Flux prints an empty line after the object, which it does but for certificates.
    pub(super) fn ends_with_blank_line(&self) -> bool {
        !matches!(self, Secret::Tls(_))
    }
}

/// A Secret whose data is still to be set.
pub(super) fn secret(context: &Context<'_>) -> Manifest {
    context.object("v1", "Secret")
}

#[derive(Args)]
pub(super) struct Git {
    #[command(flatten)]
    name: Name,
    /// Address of the repository
    #[arg(long, default_value = "")]
    url: String,
    /// User name
    #[arg(long, short, default_value = "")]
    username: String,
    /// Password of the user
    #[arg(long, short, default_value = "")]
    password: String,
    /// Token that is sent instead of a user name and a password
    #[arg(long, default_value = "")]
    bearer_token: String,
    /// File with a private key for ssh; a new one is made if absent
    #[arg(long, default_value = "")]
    private_key_file: String,
    /// File with the CA certificate of the server
    #[arg(long, alias = "ca-file", default_value = "")]
    ca_crt_file: String,
    /// File with the certificate that is shown to the server
    #[arg(long, default_value = "")]
    tls_crt_file: String,
    /// File with the key of that certificate
    #[arg(long, default_value = "")]
    tls_key_file: String,
    #[command(flatten)]
    key: KeyFlags,
}

impl Objects for Git {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let url = git_url(&self.url)?;
        match url.scheme() {
            "http" | "https" => {}
            "ssh" => return self.for_ssh(context, &url),
            other => {
                return Err(Failure::usage(format!(
                    "git URL scheme '{other}' not supported, can be: ssh, http and https"
                )));
            }
        }
        let basic = !self.username.is_empty() && !self.password.is_empty();
        let certificate = !self.tls_crt_file.is_empty();
        if !basic && self.bearer_token.is_empty() && self.ca_crt_file.is_empty() && !certificate {
            return Err(Failure::usage(
                "for Git over HTTP/S the username and password, or bearer token is required",
            ));
        }
        if !self.bearer_token.is_empty() && (!self.username.is_empty() || !self.password.is_empty()) {
            return Err(Failure::usage("user credentials and bearer token cannot be used together"));
        }
        let mut object = secret(context)
            .with("/stringData/bearerToken", self.bearer_token.as_str())
            .with("/stringData/password", self.password.as_str())
            .with("/stringData/username", self.username.as_str());
        object = with_file(object, "ca.crt", "TLS CA file", &self.ca_crt_file)?;
        object = with_file(object, "tls.crt", "TLS cert file", &self.tls_crt_file)?;
        Ok(vec![with_file(object, "tls.key", "TLS key file", &self.tls_key_file)?])
    }
}

impl Git {
    /// A key pair, and the keys that the host shows.
    fn for_ssh(&self, context: &Context<'_>, url: &url::Url) -> Result<Vec<Manifest>> {
        let login = Ssh { key: &self.key, file: &self.private_key_file, password: &self.password };
        Ok(vec![login.secret(context, url)?])
    }
}

/// How a login with ssh is made.
pub(super) struct Ssh<'a> {
    pub(super) key: &'a KeyFlags,
    /// File with a private key; a new one is made if that is empty.
    pub(super) file: &'a str,
    /// Password of the key in the file.
    pub(super) password: &'a str,
}

impl Ssh<'_> {
    /// A Secret with a key pair, and with the keys that the host of an address shows.
    pub(super) fn secret(&self, context: &Context<'_>, url: &url::Url) -> Result<Manifest> {
        let pair = match self.file {
            "" => self.key.generate()?,
            file => ssh_key::read(std::path::Path::new(file), self.password)?,
        };
        let host = url.host_str().ok_or_else(|| Failure::usage("the address has no host"))?;
        let object = secret(context)
            .with("/stringData/identity", pair.private)
            .with("/stringData/identity.pub", pair.public)
            .with("/stringData/known_hosts", ssh_key::scan(host, url.port())?);
        // A new key has no password.
        Ok(if self.file.is_empty() { object } else { object.with("/stringData/password", self.password) })
    }
}

/// Adds the content of a file, when one is given.
pub(super) fn with_file(object: Manifest, key: &str, what: &str, path: &str) -> Result<Manifest> {
    match path {
        "" => Ok(object),
        _ => Ok(object.with(&format!("/stringData/{key}"), read_credential(what, path)?)),
    }
}

#[derive(Args)]
pub(super) struct GithubApp {
    #[command(flatten)]
    name: Name,
    /// Number of the app
    #[arg(long, default_value = "")]
    app_id: String,
    /// Owner of the installation
    #[arg(long, default_value = "")]
    app_installation_owner: String,
    /// Number of the installation
    #[arg(long, default_value = "")]
    app_installation_id: String,
    /// File with the private key
    #[arg(long, default_value = "")]
    app_private_key: String,
    /// Address of the API of GitHub Enterprise
    #[arg(long, default_value = "")]
    app_base_url: String,
}

impl Objects for GithubApp {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.app_id.is_empty() {
            return Err(Failure::usage("--app-id is required"));
        }
        if self.app_private_key.is_empty() {
            return Err(Failure::usage("--app-private-key is required"));
        }
        let key = read_credential("private key file", &self.app_private_key)?;
        let object = secret(context)
            .with("/stringData/githubAppBaseURL", self.app_base_url.as_str())
            .with("/stringData/githubAppID", self.app_id.as_str())
            .with("/stringData/githubAppInstallationID", self.app_installation_id.as_str())
            .with("/stringData/githubAppInstallationOwner", self.app_installation_owner.as_str())
            .with("/stringData/githubAppPrivateKey", key)
            .with("/type", "Opaque");
        Ok(vec![object])
    }
}

#[derive(Args)]
pub(super) struct Helm {
    #[command(flatten)]
    name: Name,
    /// User name
    #[arg(long, short, default_value = "")]
    username: String,
    /// Password of the user
    #[arg(long, short, default_value = "")]
    password: String,
    /// File with the CA certificate of the server
    #[arg(long, alias = "ca-file", default_value = "")]
    ca_crt_file: String,
    /// File with the certificate that is shown to the server
    #[arg(long, alias = "cert-file", default_value = "")]
    tls_crt_file: String,
    /// File with the key of that certificate
    #[arg(long, alias = "key-file", default_value = "")]
    tls_key_file: String,
}

impl Objects for Helm {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let object = secret(context)
            .with("/stringData/password", self.password.as_str())
            .with("/stringData/username", self.username.as_str());
        let object = with_file(object, "ca.crt", "TLS CA file", &self.ca_crt_file)?;
        let object = with_file(object, "tls.crt", "TLS cert file", &self.tls_crt_file)?;
        Ok(vec![with_file(object, "tls.key", "TLS key file", &self.tls_key_file)?])
    }
}

#[derive(Args)]
pub(super) struct Oci {
    #[command(flatten)]
    name: Name,
    /// Host of the registry
    #[arg(long, default_value = "")]
    url: String,
    /// User name
    #[arg(long, short, default_value = "")]
    username: String,
    /// Password of the user
    #[arg(long, short, default_value = "")]
    password: String,
}

impl Objects for Oci {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let required = [
            (&self.url, "--url is required"),
            (&self.username, "--username is required"),
            (&self.password, "--password is required"),
        ];
        if let Some((_, message)) = required.iter().find(|(value, _)| value.is_empty()) {
            return Err(Failure::usage(*message));
        }
        let object = secret(context)
            .with("/stringData/.dockerconfigjson", docker_config(&self.url, &self.username, &self.password))
            .with("/type", "kubernetes.io/dockerconfigjson");
        Ok(vec![object])
    }
}

/// A login to a registry as Docker stores it.
pub(in crate::cli) fn docker_config(registry: &str, username: &str, password: &str) -> String {
    use base64::Engine as _;
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    // The keys stand in the order in which Docker sorts them.
    let host = json!({"username": username, "password": password, "auth": auth});
    json!({"auths": {registry: host}}).to_string()
}

#[derive(Args)]
pub(super) struct Proxy {
    #[command(flatten)]
    name: Name,
    /// Address of the proxy
    #[arg(long, default_value = "")]
    address: String,
    /// User name
    #[arg(long, short, default_value = "")]
    username: String,
    /// Password of the user
    #[arg(long, short, default_value = "")]
    password: String,
}

impl Objects for Proxy {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.address.is_empty() {
            return Err(Failure::usage("address is required"));
        }
        let object = secret(context)
            .with("/stringData/address", self.address.as_str())
            .with("/stringData/password", self.password.as_str())
            .with("/stringData/username", self.username.as_str())
            .with("/type", "Opaque");
        Ok(vec![object])
    }
}

#[derive(Args)]
pub(super) struct Receiver {
    #[command(flatten)]
    name: Name,
    /// Who sends the webhooks
    #[arg(long = "type", value_parser = receiver_type)]
    receiver_type: Option<String>,
    /// Token that the path is made from; without one it is made at random
    #[arg(long, default_value = "")]
    token: String,
    /// Host that the webhooks are sent to
    #[arg(long, default_value = "")]
    hostname: String,
    /// Account that webhooks of gcr come from
    #[arg(long, default_value = "")]
    email_claim: String,
    /// Audience that webhooks of gcr name; the address of the webhook if absent
    #[arg(long, default_value = "")]
    audience_claim: String,
}

impl Objects for Receiver {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let Some(receiver_type) = self.receiver_type.as_deref() else {
            return Err(Failure::usage("--type is required"));
        };
        if self.hostname.is_empty() {
            return Err(Failure::usage("--hostname is required"));
        }
        let gcr = receiver_type == "gcr";
        if gcr && self.email_claim.is_empty() {
            return Err(Failure::usage("--email-claim is required for gcr receiver type"));
        }
        let token = match self.token.as_str() {
            "" => format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()),
            given => given.to_owned(),
        };
        let path = webhook_path(&token, context.name, context.namespace);
        let webhook = format!("https://{}{path}", self.hostname);
        let mut object = secret(context).with("/stringData/token", token);
        object =
            object.with(&format!("/metadata/annotations/{}", WEBHOOK.replace('/', "~1")), webhook.as_str());
        if gcr {
            let audience = match self.audience_claim.as_str() {
                "" => webhook.as_str(),
                given => given,
            };
            object = object
                .with("/stringData/audience", audience)
                .with("/stringData/email", self.email_claim.as_str());
        }
        Ok(vec![object])
    }
}

/// Reads `--type`.
fn receiver_type(text: &str) -> std::result::Result<String, String> {
    match RECEIVERS.contains(&text) {
        true => Ok(text.to_owned()),
        false => {
            Err(format!("receiver type '{text}' is not supported, must be one of: {}", RECEIVERS.join(", ")))
        }
    }
}

#[derive(Args)]
pub(super) struct Tls {
    #[command(flatten)]
    name: Name,
    /// File with the certificate
    #[arg(long, alias = "cert-file", default_value = "")]
    tls_crt_file: String,
    /// File with the key of the certificate
    #[arg(long, alias = "key-file", default_value = "")]
    tls_key_file: String,
    /// File with the CA certificate
    #[arg(long, alias = "ca-file", default_value = "")]
    ca_crt_file: String,
}

impl Objects for Tls {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let pair = [&self.tls_crt_file, &self.tls_key_file].map(|file| !file.is_empty());
        if pair[0] != pair[1] {
            return Err(Failure::usage("--tls-crt-file and --tls-key-file must be specified together"));
        }
        if !pair[0] && self.ca_crt_file.is_empty() {
            return Err(Failure::usage("--tls-crt-file and --tls-key-file, or --ca-crt-file is required"));
        }
        let mut object = with_file(secret(context), "ca.crt", "TLS CA file", &self.ca_crt_file)?;
        object = with_file(object, "tls.crt", "TLS cert file", &self.tls_crt_file)?;
        object = with_file(object, "tls.key", "TLS key file", &self.tls_key_file)?;
        Ok(vec![object.with("/type", if pair[0] { "kubernetes.io/tls" } else { "Opaque" })])
    }
}
