//! Other clusters: a Secret has a kubeconfig for one, or a ConfigMap names one that trusts the service accounts of this
//! cluster.

mod tokens;

use std::collections::BTreeMap;
use std::fmt::Display;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use reconciler_api::kustomization::KubeConfig;
use reconciler_api::reason;
use serde_json::json;
use url::Url;

use super::super::context::ConfigPlace;
use super::super::queue::Key;
use super::super::tenancy::DEFAULT_ACCOUNT;
use super::{Failure, Reconciliation};
use crate::apply::Objects;
use crate::outbound::{self, Reach};
use tokens::Tokens;

/// The keys under which a Secret may hold a kubeconfig.
const KEYS: [&str; 2] = ["value", "value.yaml"];

/// How the name of a user begins that is a service account.
const ACCOUNT: &str = "system:serviceaccount:";

/// What a Secret or a ConfigMap has.
type Data = BTreeMap<String, String>;

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
        let (reader, is_strict) = (self.reader()?, self.is_strict()?);
        self.connected(config, name, reader, is_strict).await.map_err(|why| {
            let message = format!("kubeconfig in {kind} '{}/{name}': {why}", self.key.namespace);
            Failure::new(reason::RECONCILIATION_FAILED, message)
        })
    }

    /// The same, as `reader` finds it. The connection is kept for as long as the Secret or ConfigMap is the same.
    async fn connected(
        &self,
        config: &KubeConfig,
        name: &str,
        reader: Objects,
        is_strict: bool,
    ) -> Result<Objects, String> {
        let namespace = &self.key.namespace;
        let reach = if is_strict { Reach::OtherMachines } else { Reach::Everywhere };
        let (version, data) = match config.secret_ref {
            Some(_) => {
                let secret: Secret = reader.core("secrets", namespace, name).await.map_err(text)?;
                let version = secret.resource_version();
                let data = secret.data.unwrap_or_default().into_iter();
                (version, data.map(|(key, value)| (key, String::from_utf8_lossy(&value.0).into())).collect())
            }
            None => {
                let map: ConfigMap = reader.core("configmaps", namespace, name).await.map_err(text)?;
                (map.resource_version(), map.data.unwrap_or_default())
            }
        };
        let version = format!("{}/{reach:?}", version.unwrap_or_default());
        // Whoever can read the Secret has its credentials; tokens are made for one user.
        let user = if config.secret_ref.is_some() { None } else { reader.user() };
        let place = ConfigPlace { reference: (namespace.clone(), config.clone()), user };
        if let Some(known) = self.context.remote(&place, &version) {
            return Ok(known);
        }
        let client = match &config.secret_ref {
            Some(secret) => self.connect(of_secret(&data, secret.key.as_deref())?, reach).await?,
            None => {
                let client = self.connect(of_config_map(&data)?, reach).await?;
                self.tokens(reader, &data, is_strict).await?.sent_by(client)
            }
        };
        Ok(self.context.add_remote(place, version, client))
    }

    async fn connect(&self, config: Kubeconfig, reach: Reach) -> Result<Client, String> {
        let config =
            Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.map_err(text)?;
        let in_memory = self.context.remote_answers(&self.key.namespace);
        outbound::client(config, reach, in_memory).await.map_err(text)
    }

    /// Tokens of the account that a ConfigMap names.
    async fn tokens(&self, reader: Objects, data: &Data, is_strict: bool) -> Result<Tokens, String> {
        let mut audiences: Vec<String> = data
            .get("audiences")
            .into_iter()
            .flat_map(|lines| lines.lines().map(str::trim).filter(|line| !line.is_empty()))
            .map(str::to_owned)
            .collect();
        if audiences.is_empty() {
            audiences.extend(data.get("address").cloned());
        }
        let own = |name: &str| Key { namespace: self.key.namespace.clone(), name: name.to_owned() };
        let account = match data.get("serviceAccountName").filter(|name| !name.is_empty()) {
            Some(name) => own(name),
            None if is_strict => own(DEFAULT_ACCOUNT),
            None => account_of(&reader).await?,
        };
        Ok(Tokens::new(reader, account, audiences, self.context.environment.clone()))
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

/// The kubeconfig in a Secret.
fn of_secret(data: &Data, key: Option<&str>) -> Result<Kubeconfig, String> {
    let found = match key {
        Some(key) => data.get(key),
        None => KEYS.iter().find_map(|key| data.get(*key)),
    };
    let found = found
        .ok_or("there is no key 'value' or 'value.yaml', and spec.kubeConfig.secretRef.key names no other")?;
    let config = Kubeconfig::from_yaml(found).map_err(|_| "it is no kubeconfig")?;
    let runs_programs = config.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    if runs_programs.into_iter().any(|user| user.exec.is_some() || user.auth_provider.is_some()) {
        let message = "it runs programs to authenticate, which is not allowed: use a token or a certificate";
        return Err(message.to_owned());
    }
    match foreign(&config) {
        Some(why) => Err(format!("{why}, which is not allowed")),
        None => Ok(config),
    }
}

/// A kubeconfig without credentials for the cluster that a ConfigMap names. The keys are those of Flux, for the provider
/// `generic`: <https://fluxcd.io/flux/components/kustomize/kustomizations/#kubeconfig-remote-clusters>.
fn of_config_map(data: &Data) -> Result<Kubeconfig, String> {
    let mut cluster = json!({"server": server(data)?});
    if let Some(authority) = data.get("ca.crt") {
        cluster["certificate-authority-data"] = json!(BASE64_STANDARD.encode(authority));
    }
    let config = json!({
        "clusters": [{"name": "remote", "cluster": cluster}],
        "contexts": [{"name": "remote", "context": {"cluster": "remote"}}],
        "current-context": "remote",
    });
    serde_json::from_value(config).map_err(text)
}

/// The address of the server that a ConfigMap names.
fn server(data: &Data) -> Result<String, String> {
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
async fn account_of(reader: &Objects) -> Result<Key, String> {
    let name = reader.own_name().await.map_err(text)?.unwrap_or_default();
    let account = name.strip_prefix(ACCOUNT).and_then(|name| name.split_once(':'));
    let (namespace, name) = account.ok_or(
        "there is no key 'serviceAccountName', and the reconciler does not run as a service account: name one of \
         this namespace",
    )?;
    Ok(Key { namespace: namespace.to_owned(), name: name.to_owned() })
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
