//! How a provider is reached: its Secrets, proxy and certificates.

use reconciler_api::Provider;

use crate::controller::queue::Key;
use crate::controller::{Context, secrets};
use crate::notify::{Connection, Name, SendError};

/// Reads a Secret. One that is missing may still come.
pub(in crate::controller) async fn secret(
    context: &Context,
    provider: &Name,
    name: &str,
) -> Result<secrets::SecretData, SendError> {
    let key = Key { namespace: provider.namespace.clone(), name: name.to_owned() };
    secrets::read(context, &key)
        .await
        .map_err(|error| SendError::Later(format!("failed to get secret '{key}': {error}")))
}

/// How a provider is reached, whose own Secret has been read.
pub(in crate::controller) async fn connection(
    context: &Context,
    name: &Name,
    provider: &Provider,
    own: Option<&secrets::SecretData>,
) -> Result<Connection, SendError> {
    let spec = &provider.spec;
    let mut connection = Connection {
        timeout: Some(spec.timeout().to_std()),
        proxy: spec.proxy.clone(),
        ..Connection::default()
    };
    // An older place for it, which comes before spec.proxy.
    let older =
        own.and_then(|own| own.get("proxy")).map(|text| String::from_utf8_lossy(text).trim().to_owned());
    if let Some(older) = older.filter(|older| !older.is_empty()) {
        connection.proxy = Some(older);
    }
    if let Some(reference) = &spec.proxy_secret_ref {
        let data = secret(context, name, &reference.name).await?;
        connection.proxy = Some(secrets::proxy(&data).map_err(SendError::Never)?);
    }
    if let Some(reference) = &spec.cert_secret_ref {
        let data = secret(context, name, &reference.name).await?;
        let key = Key { namespace: name.namespace.clone(), name: reference.name.clone() };
        let certificates = secrets::certificates(data, &key).map_err(SendError::Never)?;
        connection.certificate = certificates.authority;
        connection.identity = certificates.identity;
    }
    Ok(connection)
}
