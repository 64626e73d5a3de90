//! Names of files that hold one resource, as kustomize's writer makes them.

use std::collections::BTreeSet;

use kustomize_core::resource::{Gvk, ResId};

/// `group_version_kind_name.yaml` in small letters, with the namespace in front of it when the
/// resources stand in more than one.
pub(super) fn file_names(ids: &[ResId]) -> Vec<String> {
    let namespaces: BTreeSet<&str> =
        ids.iter().filter(|id| !id.cluster_scoped).map(ResId::effective_namespace).collect();
    let several = namespaces.len() > 1;
    ids.iter().map(|id| file_name(id, several && !id.cluster_scoped)).collect()
}

fn file_name(id: &ResId, with_namespace: bool) -> String {
    let Gvk { group, version, kind } = &id.gvk;
    let mut name = String::new();
    if with_namespace {
        push_small(&mut name, id.effective_namespace());
        name.push('_');
    }
    let mut first = true;
    for part in [group, version, kind] {
        if part.is_empty() {
            continue;
        }
        if !first {
            name.push('_');
        }
        first = false;
        push_small(&mut name, part);
    }
    name.push('_');
    push_small(&mut name, &id.name);
    name.push_str(".yaml");
    name
}

/// Go's `ToLower`: each letter by itself.
fn push_small(out: &mut String, text: &str) {
    out.extend(text.chars().filter_map(|letter| letter.to_lowercase().next()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(api_version: &str, kind: &str, name: &str, namespace: &str, cluster_scoped: bool) -> ResId {
        let gvk = Gvk::new(api_version, kind);
        ResId { gvk, name: name.into(), namespace: namespace.into(), cluster_scoped }
    }

    #[test]
    fn names_are_the_references() {
        let mut ids =
            vec![id("v1", "Namespace", "ns1", "", true), id("apps/v1", "Deployment", "Web", "", false)];
        assert_eq!(file_names(&ids), ["v1_namespace_ns1.yaml", "apps_v1_deployment_web.yaml"]);

        ids.push(id("v1", "Secret", "s", "Prod", false));
        assert_eq!(
            file_names(&ids),
            ["v1_namespace_ns1.yaml", "default_apps_v1_deployment_web.yaml", "prod_v1_secret_s.yaml"]
        );
    }
}
