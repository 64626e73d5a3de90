//! Reading Secrets.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;

use super::Context;
use super::queue::Key;
use crate::apply::RequestError;
use crate::outbound;

/// The data of a Secret.
pub(super) type SecretData = BTreeMap<String, Vec<u8>>;

/// Reads a Secret.
pub(super) async fn read(context: &Context, key: &Key) -> Result<SecretData, RequestError> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &key.namespace);
    let secret = api.get(&key.name).await?;
    Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect())
}

/// The address of a proxy that a Secret has, with user name and password.
pub(super) fn proxy(data: &SecretData) -> Result<String, String> {
    let text = |key: &str| data.get(key).map(|value| String::from_utf8_lossy(value).trim().to_owned());
    let address = text("address").ok_or("key 'address' is missing in the proxy secret")?;
    let mut url = url::Url::parse(&address).map_err(|error| format!("the address of the proxy: {error}"))?;
    outbound::check_address(&url).map_err(|refused| refused.to_string())?;
    if let Some(username) = text("username").filter(|text| !text.is_empty()) {
        let password = text("password").unwrap_or_default();
        url.set_username(&username)
            .and_then(|()| url.set_password(Some(&password)))
            .map_err(|()| "the address of the proxy cannot have a user name".to_owned())?;
    }
    Ok(url.to_string())
}
