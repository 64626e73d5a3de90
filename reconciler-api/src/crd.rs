//! The custom resource definitions of all kinds.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSON};
use kube::CustomResourceExt;

use crate::{
    Alert, Bucket, ExternalArtifact, GitRepository, ImagePolicy, ImageRepository, ImageUpdateAutomation,
    Kustomization, OCIRepository, Provider, Receiver,
};

/// The custom resource definitions of all kinds, sorted by name.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![
        Alert::crd(),
        Bucket::crd(),
        ExternalArtifact::crd(),
        GitRepository::crd(),
        ImagePolicy::crd(),
        ImageRepository::crd(),
        ImageUpdateAutomation::crd(),
        Kustomization::crd(),
        OCIRepository::crd(),
        Provider::crd(),
        Receiver::crd(),
    ];
    crds.iter_mut().for_each(default_status);
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}

/// An object that no controller has looked at yet has observed generation -1, which tells those
/// that wait for it to wait.
fn default_status(crd: &mut CustomResourceDefinition) {
    if crd.spec.names.kind == "ExternalArtifact" {
        return;
    }
    for version in &mut crd.spec.versions {
        let status = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
            .and_then(|schema| schema.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(JSON(serde_json::json!({"observedGeneration": -1})));
            status.nullable = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::crds;

    #[test]
    fn all_kinds_have_a_schema_and_a_group_of_flux() {
        let crds = crds();
        assert_eq!(crds.len(), 11);
        for crd in crds {
            let spec = crd.spec;
            assert!(spec.group.ends_with(".toolkit.fluxcd.io"), "{}", spec.group);
            for version in spec.versions {
                let schema = version.schema.and_then(|schema| schema.open_api_v3_schema).expect("a schema");
                let properties = schema.properties.expect("properties");
                assert!(properties.contains_key("spec"), "{}", spec.names.kind);
                assert!(!serde_json::to_string(&properties).unwrap().contains("preserve-unknown"));
            }
        }
    }
}
