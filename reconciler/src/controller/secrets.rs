//! Reading Secrets.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;

use super::Context;
use super::queue::Key;
use crate::apply::RequestError;
use crate::outbound::{self, Reach};

/// The data of a Secret.
pub(super) type SecretData = BTreeMap<String, Vec<u8>>;

/// Reads a Secret.
pub(super) async fn read(context: &Context, key: &Key) -> Result<SecretData, RequestError> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &key.namespace);
    let secret = api.get(&key.name).await?;
    Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect())
}

/// What a Secret has for TLS, as PEM.
#[derive(Default)]
pub(super) struct Certificates {
    /// The certificates of authorities.
    pub(super) authority: Option<Vec<u8>>,
    /// The client's own certificate and its key.
    pub(super) identity: Option<Vec<u8>>,
}

/// Reads the certificates in a Secret, also under the names that they had in earlier versions of Flux.
pub(super) fn certificates(mut data: SecretData, key: &Key) -> Result<Certificates, String> {
    let mut take = |name: &str, older: &str| data.remove(name).or_else(|| data.remove(older));
    let authority = take("ca.crt", "caFile");
    let identity = match (take("tls.crt", "certFile"), take("tls.key", "keyFile")) {
        (Some(certificate), Some(key)) => Some([certificate, b"\n".to_vec(), key].concat()),
        (None, None) if authority.is_none() => {
            return Err(format!("secret '{key}' has neither 'ca.crt' nor 'tls.crt' and 'tls.key'"));
        }
        (None, None) => None,
        (Some(_), None) => return Err(format!("secret '{key}' has 'tls.crt' without its key, 'tls.key'")),
        (None, Some(_)) => {
            return Err(format!("secret '{key}' has 'tls.key' without its certificate, 'tls.crt'"));
        }
    };
    Ok(Certificates { authority, identity })
}

/// The address of a proxy that a Secret has, with user name and password.
pub(super) fn proxy(data: &SecretData, reach: Reach) -> Result<String, String> {
    let text = |key: &str| data.get(key).map(|value| String::from_utf8_lossy(value).trim().to_owned());
    let address = text("address").ok_or("key 'address' is missing in the proxy secret")?;
    let mut url = url::Url::parse(&address).map_err(|error| format!("the address of the proxy: {error}"))?;
    outbound::check_address(&url, reach).map_err(|refused| refused.to_string())?;
    if let Some(username) = text("username").filter(|text| !text.is_empty()) {
        let password = text("password").unwrap_or_default();
        url.set_username(&username)
            .and_then(|()| url.set_password(Some(&password)))
            .map_err(|()| "the address of the proxy cannot have a user name".to_owned())?;
    }
    Ok(url.to_string())
}
