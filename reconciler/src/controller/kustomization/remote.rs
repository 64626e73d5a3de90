//! Other clusters: a Secret has a kubeconfig for one, or a ConfigMap names one that trusts the service accounts of this
//! cluster.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use reconciler_api::kustomization::KubeConfig;
use reconciler_api::{SecretKeyReference, reason};
use serde_json::json;
use tokio::sync::Mutex;
use tower::{BoxError, service_fn};
use url::Url;

use super::super::context::ConfigPlace;
use super::super::queue::Key;
use super::super::tenancy::DEFAULT_ACCOUNT;
use super::{Failure, Reconciliation};
use crate::apply::Objects;
use crate::environment::Environment;
use crate::outbound::{self, Reach};

/// The keys under which a Secret may hold a kubeconfig.
const KEYS: [&str; 2] = ["value", "value.yaml"];

/// How the name of a user begins that is a service account.
const ACCOUNT: &str = "system:serviceaccount:";

impl Reconciliation<'_> {
    /// The cluster that a reference leads to.
    pub(super) async fn remote(&self, config: &KubeConfig) -> Result<Objects, Failure> {
        let (kind, name) = match (&config.secret_ref, &config.config_map_ref) {
            (Some(secret), _) => ("secret", &secret.name),
            (None, Some(map)) => ("configmap", &map.name),
            (None, None) => {
                let message = "spec.kubeConfig has neither 'secretRef' nor 'configMapRef'";
                return Err(Failure::permanent(reason::RECONCILIATION_FAILED, message));
            }
        };
        let key = Key { namespace: self.key.namespace.clone(), name: name.clone() };
        let reach = if self.is_strict()? { Reach::OtherMachines } else { Reach::Everywhere };
        let reader = self.reader()?;
        let reference = (key.namespace.clone(), config.clone());
        let found = match &config.secret_ref {
            Some(secret) => {
                let place = ConfigPlace { reference, user: None };
                self.with_kubeconfig(&reader, &key, secret, place, reach).await
            }
            None => {
                let place = ConfigPlace { reference, user: reader.user() };
                self.with_token(reader, &key, place, reach).await
            }
        };
        found.map_err(|why| {
            let message = format!("kubeconfig in {kind} '{key}': {why}");
            Failure::new(reason::RECONCILIATION_FAILED, message)
        })
    }

    /// The cluster that the kubeconfig in a Secret leads to.
    async fn with_kubeconfig(
        &self,
        reader: &Objects,
        key: &Key,
        reference: &SecretKeyReference,
        place: ConfigPlace,
        reach: Reach,
    ) -> Result<Objects, String> {
        let secret: Secret = reader.core("secrets", &key.namespace, &key.name).await.map_err(text)?;
        let version = format!("{}/{reach:?}", secret.resource_version().unwrap_or_default());
        if let Some(known) = self.context.remote(&place, &version) {
            return Ok(known);
        }
        let data = secret.data.unwrap_or_default();
        let found = match &reference.key {
            Some(key) => data.get(key),
            None => KEYS.iter().find_map(|key| data.get(*key)),
        };
        let found = found.ok_or(
            "there is no key 'value' or 'value.yaml', and spec.kubeConfig.secretRef.key names no other",
        )?;
        let config =
            Kubeconfig::from_yaml(&String::from_utf8_lossy(&found.0)).map_err(|_| "it is no kubeconfig")?;
        let runs_programs = config.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
        if runs_programs.into_iter().any(|user| user.exec.is_some() || user.auth_provider.is_some()) {
            return Err(
                "it runs programs to authenticate, which is not allowed: use a token or a certificate"
                    .to_owned(),
            );
        }
        if let Some(why) = foreign(&config) {
            return Err(format!("{why}, which is not allowed"));
        }
        let client = self.connect(config, reach).await?;
        Ok(self.context.add_remote(place, version, client))
    }

    /// The cluster that a ConfigMap names, with tokens of a service account of this cluster. The keys are those of Flux, for
    /// the provider `generic`: <https://fluxcd.io/flux/components/kustomize/kustomizations/#kubeconfig-remote-clusters>.
    async fn with_token(
        &self,
        reader: Objects,
        key: &Key,
        place: ConfigPlace,
        reach: Reach,
    ) -> Result<Objects, String> {
        let map: ConfigMap = reader.core("configmaps", &key.namespace, &key.name).await.map_err(text)?;
        let version = format!("{}/{reach:?}", map.resource_version().unwrap_or_default());
        if let Some(known) = self.context.remote(&place, &version) {
            return Ok(known);
        }
        let data = map.data.unwrap_or_default();
        let server = server(&data)?;
        let mut cluster = json!({"server": server});
        if let Some(authority) = data.get("ca.crt") {
            cluster["certificate-authority-data"] = json!(BASE64_STANDARD.encode(authority));
        }
        let config = json!({
            "clusters": [{"name": "remote", "cluster": cluster}],
            "contexts": [{"name": "remote", "context": {"cluster": "remote"}}],
            "current-context": "remote",
        });
        let config: Kubeconfig = serde_json::from_value(config).map_err(text)?;
        let client = self.connect(config, reach).await?;
        let mut audiences: Vec<String> = data
            .get("audiences")
            .into_iter()
            .flat_map(|lines| lines.lines().map(str::trim).filter(|line| !line.is_empty()))
            .map(str::to_owned)
            .collect();
        if audiences.is_empty() {
            audiences.extend(data.get("address").cloned());
        }
        let account = match data.get("serviceAccountName").filter(|name| !name.is_empty()) {
            Some(name) => Key { namespace: key.namespace.clone(), name: name.clone() },
            None if reach == Reach::OtherMachines => {
                Key { namespace: key.namespace.clone(), name: DEFAULT_ACCOUNT.to_owned() }
            }
            None => own_account(&reader).await?,
        };
        let environment = self.context.environment.clone();
        let tokens = Tokens { cluster: reader, account, audiences, environment, current: Mutex::default() };
        Ok(self.context.add_remote(place, version, tokens.sent_by(client)))
    }

    async fn connect(&self, config: Kubeconfig, reach: Reach) -> Result<Client, String> {
        let config =
            Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.map_err(text)?;
        let in_memory = self.context.remote_answers(&self.key.namespace);
        outbound::client(config, reach, in_memory).await.map_err(text)
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

/// The address of the server that a ConfigMap names.
fn server(data: &BTreeMap<String, String>) -> Result<String, String> {
    match data.get("provider").map(String::as_str) {
        Some("generic") => {}
        Some(cloud @ ("aws" | "azure" | "gcp")) => {
            return Err(format!(
                "the provider '{cloud}' is not supported: use 'generic' if the cluster trusts the service accounts of \
                 this one, or spec.kubeConfig.secretRef"
            ));
        }
        Some(other) => return Err(format!("the provider '{other}' does not exist: use 'generic'")),
        None => return Err("there is no key 'provider': set it to 'generic'".to_owned()),
    }
    let address = data.get("address").filter(|address| !address.is_empty());
    let address = address.ok_or("there is no key 'address' with the address of the API server")?;
    let url = if address.contains("://") { address.clone() } else { format!("https://{address}") };
    let refused = |why: &dyn Display| format!("the address '{address}' cannot be used: {why}");
    let url = Url::parse(&url).map_err(|error| refused(&error))?;
    if url.scheme() != "https" {
        return Err(refused(&"it must use https, since a token is sent to it"));
    }
    let host = url.host_str().ok_or_else(|| refused(&"it has no host"))?;
    Ok(format!("https://{host}:{}", url.port_or_known_default().unwrap_or(443)))
}

/// The service account as which the reconciler runs.
async fn own_account(cluster: &Objects) -> Result<Key, String> {
    let name = cluster.own_name().await.map_err(text)?.unwrap_or_default();
    let account = name.strip_prefix(ACCOUNT).and_then(|name| name.split_once(':'));
    let (namespace, name) = account.ok_or(
        "there is no key 'serviceAccountName', and the reconciler does not run as a service account: name one of \
         this namespace",
    )?;
    Ok(Key { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// Tokens of a service account.
struct Tokens {
    /// The cluster that makes them.
    cluster: Objects,
    account: Key,
    audiences: Vec<String>,
    environment: Environment,
    current: Mutex<Option<Token>>,
}

struct Token {
    header: HeaderValue,
    /// When another one is asked for.
    renewed: Timestamp,
}

impl Tokens {
    /// The same client, whose requests have a token.
    fn sent_by(self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let tokens = Arc::new(self);
        let service = service_fn(move |mut request: Request<Body>| {
            let (client, tokens) = (client.clone(), Arc::clone(&tokens));
            async move {
                let header = tokens.header().await.map_err(io::Error::other)?;
                request.headers_mut().insert(AUTHORIZATION, header);
                client.send(request).await.map_err(BoxError::from)
            }
        });
        Client::new(service, namespace)
    }

    /// The header with a token that is valid for a while.
    async fn header(&self) -> Result<HeaderValue, String> {
        let now = self.environment.now();
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| now < token.renewed) {
            return Ok(token.header.clone());
        }
        let Key { namespace, name } = &self.account;
        let made = self.cluster.token(namespace, name, &self.audiences).await;
        let (token, expires) = made
            .map_err(|error| format!("a token of the account '{}' cannot be made: {error}", self.account))?;
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(text)?;
        header.set_sensitive(true);
        // Long before it expires: a request can take minutes.
        let renewed = now + expires.duration_since(now) * 4 / 5;
        *current = Some(Token { header: header.clone(), renewed });
        Ok(header)
    }
}

/// What a kubeconfig uses that is not in it: files of the machine, such as the token of the reconciler itself. Also
/// whether it does without the identity of the server.
fn foreign(config: &Kubeconfig) -> Option<&'static str> {
    let users = config.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    let clusters = config.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let has_files = users
        .flat_map(|user| [&user.token_file, &user.client_certificate, &user.client_key])
        .chain(clusters.clone().map(|cluster| &cluster.certificate_authority))
        .any(Option::is_some);
    if has_files {
        return Some("it names files; give their contents instead (token, …-data)");
    }
    let is_insecure = clusters.into_iter().any(|cluster| cluster.insecure_skip_tls_verify == Some(true));
    is_insecure.then_some("it has insecure-skip-tls-verify")
}
