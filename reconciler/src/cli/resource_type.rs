//! The kinds that words mean to kubectl: `cm`, `deployments.apps`, `deployment.v1.apps`.

use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::core::discovery::v2::APIGroupDiscoveryList;

use super::cluster::{Cluster, request_failed};
use super::{Failure, Result};

/// The kinds that a cluster serves.
pub(crate) struct ResourceTypes(Vec<ResourceType>);

/// A kind with its names.
struct ResourceType {
    resource: ApiResource,
    is_namespaced: bool,
    singular: String,
    short_names: Vec<String>,
}

impl ResourceTypes {
    /// Those of a cluster, which lists the version that it prefers first.
    pub(crate) async fn of(cluster: &Cluster) -> Result<Self> {
        let core = cluster.client.list_core_api_versions_aggregated().await.map_err(request_failed)?;
        let rest = cluster.client.list_api_groups_aggregated().await.map_err(request_failed)?;
        Ok(ResourceTypes([core, rest].into_iter().flat_map(types).collect()))
    }

    /// The kind that a word means, and whether its objects have a namespace. The first of several groups counts, and
    /// a plural or a group before what is shorter, as for kubectl.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find(&self, word: &str) -> Result<(&ApiResource, bool)> {
        let mut readings = Vec::new();
        let (name, group) = word.split_once('.').unwrap_or((word, ""));
        // Groups have dots as well: the second part need not be a version.
        if let Some((version, group)) = group.split_once('.') {
            readings.push((name, Some(version), Some(group)));
        }
        readings.push((name, None, (!group.is_empty()).then_some(group)));
        let found = readings.into_iter().find_map(|(name, version, group)| self.named(name, version, group));
        let found = found
            .ok_or_else(|| Failure::failed(format!("the server doesn't have a resource type \"{word}\"")))?;
        Ok((&found.resource, found.is_namespaced))
    }

    fn named(&self, name: &str, version: Option<&str>, group: Option<&str>) -> Option<&ResourceType> {
        let is_version =
            |found: &&ResourceType| version.is_none_or(|wanted| found.resource.version == wanted);
        let exact = |found: &&ResourceType| group.is_none_or(|wanted| found.resource.group == wanted);
        let prefix =
            |found: &&ResourceType| group.is_some_and(|wanted| found.resource.group.starts_with(wanted));
        let exact: Vec<_> = self.0.iter().filter(is_version).filter(exact).collect();
        let prefix: Vec<_> = self.0.iter().filter(is_version).filter(prefix).collect();
        [exact, prefix].into_iter().find_map(|candidates| {
            let names: [fn(&ResourceType, &str) -> bool; 3] = [
                |found, name| found.resource.plural.eq_ignore_ascii_case(name),
                |found, name| found.short_names.iter().any(|short| short.eq_ignore_ascii_case(name)),
                |found, name| {
                    found.singular.eq_ignore_ascii_case(name)
                        || found.resource.kind.eq_ignore_ascii_case(name)
                },
            ];
            names.iter().find_map(|is_named| candidates.iter().find(|found| is_named(found, name)).copied())
        })
    }
}

fn types(list: APIGroupDiscoveryList) -> Vec<ResourceType> {
    let mut types = Vec::new();
    for group in list.items {
        let name = group.metadata.and_then(|metadata| metadata.name).unwrap_or_default();
        for version in group.versions {
            for found in version.resources {
                let kind = found.response_kind.and_then(|response| response.kind).unwrap_or_default();
                let version = version.version.as_deref().unwrap_or_default();
                types.push(ResourceType {
                    resource: ApiResource::from_gvk_with_plural(
                        &GroupVersionKind::gvk(&name, version, &kind),
                        &found.resource.unwrap_or_default(),
                    ),
                    is_namespaced: found.scope.as_deref() == Some("Namespaced"),
                    singular: found.singular_resource.unwrap_or_default(),
                    short_names: found.short_names,
                });
            }
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ResourceTypes, types};

    #[test]
    fn groups_and_versions_narrow_what_a_word_means() -> Result<(), Box<dyn std::error::Error>> {
        let resource = |plural: &str, singular: &str, kind: &str, short_names: &[&str]| {
            json!({
                "resource": plural, "singularResource": singular, "responseKind": {"kind": kind},
                "scope": "Namespaced", "shortNames": short_names,
            })
        };
        let group = |name: &str, versions: &[&str], resources: &[serde_json::Value]| {
            let versions: Vec<_> =
                versions.iter().map(|version| json!({"version": version, "resources": resources})).collect();
            json!({"metadata": {"name": name}, "versions": versions})
        };
        let mice = resource("mice", "mouse", "Mouse", &["mm"]);
        let list = json!({"items": [
            group("", &["v1"], &[resource("events", "event", "Event", &["ev"])]),
            group("animals.example.org", &["v1", "v1beta1"], std::slice::from_ref(&mice)),
            group("devices.example.org", &["v2"], &[mice, resource("ev", "electric", "Electric", &[])]),
        ]});
        let known = ResourceTypes(types(serde_json::from_value(list)?));
        for (word, wanted) in [
            ("Mouse", "animals.example.org/v1"),
            ("mm", "animals.example.org/v1"),
            ("mice.devices", "devices.example.org/v2"),
            ("mouse.v1beta1.animals.example.org", "animals.example.org/v1beta1"),
            ("mm.v2.devices.example.org", "devices.example.org/v2"),
            ("events.v1.", "v1"),
            ("event", "v1"),
            // The plural of one kind is the short name of another.
            ("ev", "devices.example.org/v2"),
        ] {
            let (found, _) = known.find(word).map_err(|failure| format!("{word}: {failure:?}"))?;
            assert_eq!(found.api_version, wanted, "{word}");
        }
        for word in ["rat", "mice.apps", "mouse.v3.animals.example.org", "mm.v1.devices.example.org"] {
            assert!(known.find(word).is_err(), "{word}");
        }
        Ok(())
    }
}
