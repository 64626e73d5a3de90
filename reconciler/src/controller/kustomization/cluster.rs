//! Which cluster objects are applied to, and on whose behalf.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::Api;
use reconciler_api::reason;

use super::super::tenancy::DEFAULT_ACCOUNT;
use super::{Failure, Reconciliation, SOON};
use crate::apply::{Objects, RequestError};

impl Reconciliation<'_> {
    /// The cluster that the spec names, seen as the account that it names.
    pub(super) async fn cluster(&self) -> Result<Objects, Failure> {
        let spec = &self.object.spec;
        let objects = match &spec.kube_config {
            None => self.context.objects.clone(),
            Some(config) => self.remote(config).await?,
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
}

fn failed(error: RequestError) -> Failure {
    Failure::new(reason::RECONCILIATION_FAILED, error.to_string())
}
