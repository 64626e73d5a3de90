//! How an object gets access to a registry: Secrets, service accounts, certificates, proxies.

use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::Api;
use reconciler_api::LocalReference;

use super::queue::Key;
use super::{Context, secrets};
use crate::apply::RequestError;
use crate::image::{Login, RegistryAccess, login};
use crate::outbound::{self, Refused};

/// What the spec of an object says about its access to a registry.
pub(super) struct AccessSpec<'a> {
    pub(super) provider: Option<&'a str>,
    pub(super) secret: Option<&'a LocalReference>,
    pub(super) service_account: Option<&'a str>,
    pub(super) certificate: Option<&'a LocalReference>,
    pub(super) proxy: Option<&'a LocalReference>,
    pub(super) insecure: bool,
    pub(super) timeout: Duration,
}

/// Which part of the access cannot be had, and why.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccessError {
    #[error("{0}")]
    Login(String),
    #[error("{0}")]
    Certificate(String),
    #[error("{0}")]
    Proxy(String),
    #[error(transparent)]
    Address(#[from] Refused),
}

/// The access to a registry of an object in the namespace of `key`.
pub(super) async fn access(
    context: &Context,
    key: &Key,
    registry: &str,
    spec: &AccessSpec<'_>,
) -> Result<RegistryAccess, AccessError> {
    let secret = |name: &str| Key { namespace: key.namespace.clone(), name: name.to_owned() };
    let read = async |what: &str, name: &str| {
        let key = secret(name);
        secrets::read(context, &key).await.map_err(|error| format!("failed to get {what} '{key}': {error}"))
    };
    if let Some(provider) = spec.provider.filter(|provider| *provider != "generic") {
        let message = format!(
            "the provider '{provider}' needs a login of a cloud, which there is not; leave spec.provider out, and let spec.secretRef name a Secret of the type kubernetes.io/dockerconfigjson"
        );
        return Err(AccessError::Login(message));
    }
    let reach = context.reach(&key.namespace).await;
    outbound::check(&format!("https://{registry}"), reach).await?;
    let mut candidates: Vec<String> = spec.secret.iter().map(|secret| secret.name.clone()).collect();
    if let Some(account) = spec.service_account.filter(|account| !account.is_empty()) {
        candidates.extend(pull_secrets(context, &secret(account)).await.map_err(AccessError::Login)?);
    }
    let mut found = Login::Anonymous;
    for candidate in candidates {
        let data = read("secret", &candidate).await.map_err(AccessError::Login)?;
        let login = login(&data, registry)
            .map_err(|error| AccessError::Login(format!("secret '{}': {error}", secret(&candidate))))?;
        if let Some(login) = login {
            found = login;
            break;
        }
    }
    let mut certificates = secrets::Certificates::default();
    if let Some(reference) = spec.certificate {
        let data = read("certificate secret", &reference.name).await.map_err(AccessError::Certificate)?;
        certificates =
            secrets::certificates(data, &secret(&reference.name)).map_err(AccessError::Certificate)?;
    }
    let mut proxy = None;
    if let Some(reference) = spec.proxy {
        let data = read("proxy secret", &reference.name).await.map_err(AccessError::Proxy)?;
        proxy = Some(secrets::proxy(&data, reach).map_err(AccessError::Proxy)?);
    }
    if let Some(proxy) = &proxy {
        outbound::check(proxy, reach).await?;
    }
    Ok(RegistryAccess {
        login: found,
        insecure: spec.insecure,
        certificate: certificates.authority,
        identity: certificates.identity,
        proxy,
        reach,
        timeout: spec.timeout,
    })
}

/// The names of the Secrets with which a service account pulls.
async fn pull_secrets(context: &Context, key: &Key) -> Result<Vec<String>, String> {
    let api: Api<ServiceAccount> = Api::namespaced(context.client.clone(), &key.namespace);
    let account = api
        .get(&key.name)
        .await
        .map_err(|error| format!("failed to get service account '{key}': {}", RequestError::from(error)))?;
    let secrets = account.image_pull_secrets.unwrap_or_default();
    Ok(secrets.into_iter().map(|secret| secret.name).filter(|name| !name.is_empty()).collect())
}
