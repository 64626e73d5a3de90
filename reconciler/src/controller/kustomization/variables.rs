//! The values of variables, from the spec and from ConfigMaps and Secrets.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use reconciler_api::kustomization::SubstituteReference;
use reconciler_api::reason;
use reconciler_core::sops::Plaintext;
use reconciler_core::substitute::Variables;

use super::{Failure, Reconciliation};
use crate::apply::{Objects, RequestError};

impl Reconciliation<'_> {
    /// The values of all variables, and those among them that are secret. Those of the spec win over others, and
    /// later references over earlier ones.
    pub(super) async fn variables(&self) -> Result<(Variables, Plaintext), Failure> {
        let (mut variables, mut secrets) = (Variables::default(), Plaintext::default());
        let Some(post_build) = &self.object.spec.post_build else { return Ok((variables, secrets)) };
        let reader = self.reader()?;
        for reference in &post_build.substitute_from {
            let found = self.values(&reader, reference).await;
            let values = match found {
                Ok(values) => values,
                Err(error) if error.code() == 404 && reference.optional.unwrap_or_default() => continue,
                Err(error) => {
                    let SubstituteReference { kind, name, .. } = reference;
                    let message =
                        format!("post build failed: substitute from '{kind}/{name}' error: {error}");
                    return Err(Failure::new(reason::BUILD_FAILED, message));
                }
            };
            values.iter().for_each(|(name, value)| variables.set(name, value));
            if reference.kind == "Secret" {
                values.values().for_each(|value| secrets.add(value));
            }
        }
        post_build.substitute.iter().for_each(|(name, value)| variables.set(name, value));
        Ok((variables, secrets))
    }

    async fn values(
        &self,
        reader: &Objects,
        reference: &SubstituteReference,
    ) -> Result<BTreeMap<String, String>, RequestError> {
        let namespace = &self.key.namespace;
        if reference.kind == "Secret" {
            let secret: Secret = reader.core("secrets", namespace, &reference.name).await?;
            let text = |(key, value): (String, k8s_openapi::ByteString)| {
                (key, String::from_utf8_lossy(&value.0).into_owned())
            };
            Ok(secret.data.unwrap_or_default().into_iter().map(text).collect())
        } else {
            let map: ConfigMap = reader.core("configmaps", namespace, &reference.name).await?;
            Ok(map.data.unwrap_or_default())
        }
    }
}
