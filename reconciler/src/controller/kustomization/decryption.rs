//! The keys with which a Kustomization is decrypted.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use reconciler_api::reason;
use reconciler_core::sops::Keys;

use super::{Failure, Reconciliation};

/// The only way of decryption that there is.
const PROVIDER: &str = "sops";

/// Keys, and what says whether they are still the same.
pub(super) struct Decryption {
    pub(super) keys: Keys,
    pub(super) version: String,
}

impl Reconciliation<'_> {
    /// The keys that the spec names; nothing if it says nothing about decryption.
    pub(super) async fn decryption(&self) -> Result<Option<Decryption>, Failure> {
        let Some(decryption) = &self.object.spec.decryption else { return Ok(None) };
        let fail = |message: String| Failure::new(reason::BUILD_FAILED, message);
        let provider = decryption.provider.as_str();
        if provider != PROVIDER {
            return Err(fail(format!(
                "decryption provider '{provider}' is not supported, only '{PROVIDER}' is"
            )));
        }
        if decryption.service_account_name.as_deref().is_some_and(|name| !name.is_empty()) {
            return Err(fail(
                "spec.decryption.serviceAccountName is for key services, of which none is supported: give age keys in spec.decryption.secretRef"
                    .to_owned(),
            ));
        }
        let (mut keys, mut version) = (Keys::default(), String::new());
        if let Some(reference) = &decryption.secret_ref {
            let (namespace, name) = (&self.key.namespace, &reference.name);
            let found = self.reader()?.core("secrets", namespace, name).await;
            let secret: Secret = found.map_err(|error| match error {
                error if error.code() == 404 => fail(error.to_string()),
                error => {
                    fail(format!("cannot get {provider} decryption Secret '{namespace}/{name}': {error}"))
                }
            })?;
            version = format!(
                "{}/{}",
                secret.uid().unwrap_or_default(),
                secret.resource_version().unwrap_or_default()
            );
            for (entry, content) in secret.data.unwrap_or_default() {
                keys.add_entry(&entry, &content.0).map_err(|error| {
                    fail(format!(
                        "failed to import '{entry}' data from {provider} decryption Secret '{namespace}/{name}': {error}"
                    ))
                })?;
            }
        }
        Ok(Some(Decryption { keys, version }))
    }
}
