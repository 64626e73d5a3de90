//! Which cluster objects are applied to, and on whose behalf.

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Config, ResourceExt};
use reconciler_api::{SecretKeyReference, reason};

use super::super::queue::Key;
use super::super::tenancy::DEFAULT_ACCOUNT;
use super::{Failure, Reconciliation, SOON};
use crate::apply::{Objects, RequestError};
use crate::outbound::{self, Reach};

/// The keys under which a Secret may hold a kubeconfig.
const KEYS: [&str; 2] = ["value", "value.yaml"];

impl Reconciliation<'_> {
    /// The cluster that the spec names, seen as the account that it names.
    pub(super) async fn cluster(&self) -> Result<Objects, Failure> {
        let spec = &self.object.spec;
        let objects = match &spec.kube_config {
            None => self.context.objects.clone(),
            Some(config) => match &config.secret_ref {
                Some(reference) => self.remote(reference).await?,
                None => {
                    let message = "kubeConfig.configMapRef cannot be used yet, only kubeConfig.secretRef";
                    return Err(Failure::new(reason::RECONCILIATION_FAILED, message));
                }
            },
        };
        match self.account()? {
            Some(account) => objects.on_behalf_of(&self.key.namespace, account).map_err(failed),
            None => Ok(objects),
        }
    }

    /// The service account that acts for this Kustomization, if not the reconciler itself. In a strict
    /// namespace there is always one, but for other clusters, where the kubeconfig decides.
    fn account(&self) -> Result<Option<&str>, Failure> {
        let spec = &self.object.spec;
        let given = spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        let is_default = given.is_none() && spec.kube_config.is_none() && self.is_strict()?;
        Ok(given.or(is_default.then_some(DEFAULT_ACCOUNT)))
    }

    /// Whether this Kustomization is a tenant's.
    pub(super) fn is_strict(&self) -> Result<bool, Failure> {
        let namespace = &self.key.namespace;
        self.context.tenants.is_strict(namespace).ok_or_else(|| {
            let message = format!("namespace '{namespace}' is not known yet");
            Failure::waiting(reason::PROGRESSING, message, SOON)
        })
    }

    /// The cluster that is reconciled, to read ConfigMaps and Secrets that the spec names: as the tenant in a
    /// strict namespace.
    pub(super) fn reader(&self) -> Result<Objects, Failure> {
        let objects = self.context.objects.clone();
        if !self.is_strict()? {
            return Ok(objects);
        }
        let given = self.object.spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        objects.on_behalf_of(&self.key.namespace, given.unwrap_or(DEFAULT_ACCOUNT)).map_err(failed)
    }

    /// The service account that objects were applied with, if it is gone: nothing can be deleted then.
    pub(super) async fn missing_account(&self) -> Option<&str> {
        let account = self.account().ok()??;
        if self.object.spec.kube_config.is_some() {
            return None;
        }
        let accounts: Api<ServiceAccount> = Api::namespaced(self.context.client.clone(), &self.key.namespace);
        matches!(accounts.get_metadata_opt(account).await, Ok(None)).then_some(account)
    }

    /// Another cluster, with the kubeconfig of a Secret.
    async fn remote(&self, reference: &SecretKeyReference) -> Result<Objects, Failure> {
        let key = Key { namespace: self.key.namespace.clone(), name: reference.name.clone() };
        let fail = |why: &dyn std::fmt::Display| {
            Failure::new(reason::RECONCILIATION_FAILED, format!("kubeconfig in secret '{key}': {why}"))
        };
        let secret: Secret =
            self.reader()?.core("secrets", &key.namespace, &key.name).await.map_err(|error| fail(&error))?;
        let reach = if self.is_strict()? { Reach::OtherMachines } else { Reach::Everywhere };
        let version = format!("{}/{reach:?}", secret.resource_version().unwrap_or_default());
        let place = (key.clone(), reference.key.clone());
        if let Some(known) = self.context.remote(&place, &version) {
            return Ok(known);
        }
        let data = secret.data.unwrap_or_default();
        let found = match &reference.key {
            Some(key) => data.get(key),
            None => KEYS.iter().find_map(|key| data.get(*key)),
        };
        let Some(found) = found else {
            return Err(fail(
                &"there is no key 'value' or 'value.yaml', and spec.kubeConfig.secretRef.key names no other",
            ));
        };
        let text = String::from_utf8_lossy(&found.0);
        let config = Kubeconfig::from_yaml(&text).map_err(|_| fail(&"it is no kubeconfig"))?;
        let runs_programs = config.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
        if runs_programs.into_iter().any(|user| user.exec.is_some() || user.auth_provider.is_some()) {
            return Err(fail(
                &"it runs programs to authenticate, which is not allowed: use a token or a certificate",
            ));
        }
        if let Some(why) = foreign(&config) {
            return Err(fail(&format!("{why}, which is not allowed")));
        }
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await;
        let config = config.map_err(|error| fail(&error))?;
        let in_memory = self.context.remote_answers(&key.namespace);
        let client = outbound::client(config, reach, in_memory).await.map_err(|error| fail(&error))?;
        Ok(self.context.add_remote(place, version, client))
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

fn failed(error: RequestError) -> Failure {
    Failure::new(reason::RECONCILIATION_FAILED, error.to_string())
}
