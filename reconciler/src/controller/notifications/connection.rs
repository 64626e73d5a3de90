//! How a provider is reached: its Secrets, proxy and certificates.

use std::collections::BTreeMap;

use kube::ResourceExt;
use reconciler_api::{Provider, ProviderSpec, annotation};
use reconciler_core::notify::secrets as derived_secrets;
use reconciler_core::sops::Plaintext;

use crate::controller::queue::Key;
use crate::controller::{Context, secrets};
use crate::notify::{Connection, SendError};
use crate::outbound::Reach;

/// What a provider is set up with. Two that are equal have the same success.
#[derive(Clone, PartialEq)]
pub(in crate::controller) struct Setup {
    namespace: String,
    /// Which addresses it may have.
    reach: Reach,
    spec: ProviderSpec,
    /// The request to try again.
    requested: Option<String>,
    /// The Secrets that the spec names.
    secrets: BTreeMap<String, Result<secrets::SecretData, SendError>>,
}

impl Setup {
    /// Reads what a provider is set up with. A Secret that is missing may still come.
    pub(in crate::controller) async fn read(context: &Context, provider: &Provider) -> Self {
        let spec = provider.spec.clone();
        let namespace = provider.namespace().unwrap_or_default();
        let mut secrets = BTreeMap::new();
        for reference in
            [&spec.secret_ref, &spec.cert_secret_ref, &spec.proxy_secret_ref].into_iter().flatten()
        {
            let key = Key { namespace: namespace.clone(), name: reference.name.clone() };
            let help = match &spec.secret_ref {
                Some(own) if own.name == key.name => format!(
                    "; create it with kubectl -n {namespace} create secret generic {} --from-literal=address=https://…",
                    key.name
                ),
                _ => String::new(),
            };
            let found = secrets::read(context, &key).await.map_err(|error| {
                let help = if error.code() == 404 { &*help } else { "" };
                SendError::Later(format!("failed to get secret '{key}': {error}{help}"))
            });
            secrets.insert(key.name, found);
        }
        let requested = provider.annotations().get(annotation::RECONCILE_REQUEST).cloned();
        let reach = context.reach(&namespace).await;
        Setup { namespace, reach, spec, requested, secrets }
    }

    fn secret(&self, name: &str) -> Result<&secrets::SecretData, SendError> {
        match self.secrets.get(name) {
            Some(found) => found.as_ref().map_err(Clone::clone),
            None => Err(SendError::Later(format!("secret '{}/{name}' was not read", self.namespace))),
        }
    }

    /// The provider's own Secret, if it has one.
    pub(in crate::controller) fn own(&self) -> Result<Option<&secrets::SecretData>, SendError> {
        self.spec.secret_ref.as_ref().map(|reference| self.secret(&reference.name)).transpose()
    }

    /// What no message may repeat.
    pub(super) fn plaintext(&self) -> Plaintext {
        let empty = secrets::SecretData::new();
        let own = self.own().ok().flatten().unwrap_or(&empty);
        let mut plaintext = derived_secrets(&self.spec, own);
        if let Some(reference) = &self.spec.proxy_secret_ref
            && let Ok(data) = self.secret(&reference.name)
        {
            for key in ["address", "password"] {
                data.get(key).into_iter().for_each(|value| plaintext.add(&String::from_utf8_lossy(value)));
            }
        }
        plaintext
    }

    /// What can be done about an address that is missing; nothing if there is one.
    pub(super) fn address_help(&self) -> Option<String> {
        let own = self.own().ok()?;
        let has_text = |value: &[u8]| {
            std::str::from_utf8(value).map_or(!value.is_empty(), |text| !text.trim().is_empty())
        };
        let is_there = own.and_then(|own| own.get("address")).is_some_and(|value| has_text(value))
            || self.spec.address.as_ref().is_some_and(|address| !address.trim().is_empty());
        if is_there {
            return None;
        }
        let namespace = &self.namespace;
        Some(match &self.spec.secret_ref {
            Some(reference) => format!(
                "the secret '{namespace}/{0}' has no key 'address'; add it, for example with kubectl -n {namespace} patch \
                 secret {0} -p '{{\"stringData\":{{\"address\":\"https://…\"}}}}', or set spec.address",
                reference.name
            ),
            None => format!(
                "the provider has no address; set spec.address, or name a secret with the key 'address' in \
                 spec.secretRef: kubectl -n {namespace} create secret generic NAME --from-literal=address=https://…"
            ),
        })
    }

    /// How the provider is reached.
    pub(in crate::controller) fn connection(&self) -> Result<Connection, SendError> {
        let spec = &self.spec;
        let mut connection = Connection {
            timeout: Some(spec.timeout().to_std()),
            proxy: spec.proxy.clone(),
            reach: self.reach,
            secrets: self.plaintext(),
            ..Connection::default()
        };
        // An older place for it, which comes before spec.proxy.
        let older = self
            .own()?
            .and_then(|own| own.get("proxy"))
            .map(|text| String::from_utf8_lossy(text).trim().to_owned());
        if let Some(older) = older.filter(|older| !older.is_empty()) {
            connection.proxy = Some(older);
        }
        if let Some(reference) = &spec.proxy_secret_ref {
            let data = self.secret(&reference.name)?;
            connection.proxy = Some(secrets::proxy(data, self.reach).map_err(SendError::Refused)?);
        }
        if let Some(reference) = &spec.cert_secret_ref {
            let data = self.secret(&reference.name)?.clone();
            let key = Key { namespace: self.namespace.clone(), name: reference.name.clone() };
            let certificates = secrets::certificates(data, &key).map_err(SendError::Refused)?;
            connection.certificate = certificates.authority;
            connection.identity = certificates.identity;
        }
        Ok(connection)
    }
}
