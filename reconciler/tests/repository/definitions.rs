//! Definitions of the kinds that a repository uses and the cluster does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::Cluster;

const LIST: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Kinds without a namespace whose names do not say so.
const CLUSTER_SCOPED: [&str; 14] = [
    "CiliumBGPAdvertisement",
    "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig",
    "CiliumCIDRGroup",
    "CiliumClusterwideNetworkPolicy",
    "CiliumL2AnnouncementPolicy",
    "CiliumLoadBalancerIPPool",
    "KubernetesUpgrade",
    "MiroirNode",
    "MiroirNodeGroup",
    "NodeFeatureRule",
    "ProviderConfig",
    "RuntimeClass",
    "TalosUpgrade",
];

/// A kind that was defined here.
pub(crate) struct Foreign {
    pub(crate) kind: String,
    /// The path of all its objects.
    pub(crate) list: String,
    /// Whether its objects have namespaces.
    is_namespaced: bool,
}

/// Applies the definitions in a directory, then makes one that takes everything for each kind in the documents that
/// is still missing. Returns all kinds that nobody here has controllers for.
pub(crate) async fn install(
    cluster: &Cluster,
    given: Option<&Path>,
    documents: &[Value],
) -> Outcome<Vec<Foreign>> {
    let ours = known(cluster).await?;
    if let Some(given) = given {
        for entry in std::fs::read_dir(given)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                for text in std::fs::read_to_string(&path)?.split("\n---") {
                    let found: Value = serde_yaml::from_str(text).unwrap_or_default();
                    let name = found["metadata"]["name"].as_str().unwrap_or_default();
                    if found["kind"] == "CustomResourceDefinition" && !ours.contains_key(name) {
                        cluster.apply(LIST, &found).await?;
                    }
                }
            }
        }
    }
    let defined = known(cluster).await?;
    let groups: BTreeSet<&str> =
        defined.values().filter_map(|found| found["spec"]["group"].as_str()).collect();
    let is_defined = |group: &str, kind: &str| {
        defined
            .values()
            .any(|found| found["spec"]["group"] == group && found["spec"]["names"]["kind"] == kind)
    };
    let mut missing: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    // Health checks may name what charts make.
    let checked: Vec<&Value> = health_checks(documents).collect();
    let names: Vec<&str> = checked
        .iter()
        .filter(|check| check["kind"] == "CustomResourceDefinition")
        .filter_map(|check| check["name"].as_str())
        .collect();
    for document in documents.iter().chain(checked.iter().copied()) {
        let text = |field: &str| document[field].as_str().unwrap_or_default();
        let Some((group, version)) = text("apiVersion").split_once('/') else { continue };
        let kind = text("kind");
        let is_local =
            matches!(group, "kustomize.config.k8s.io" | "apiextensions.k8s.io") || !group.contains('.');
        if is_local
            || kind.is_empty()
            || (document["metadata"].is_null() && document["name"].is_null())
            || is_defined(group, kind)
        {
            continue;
        }
        // The server's own groups are complete.
        if !groups.contains(group) && cluster.get(&format!("/apis/{group}")).await?.is_some() {
            continue;
        }
        missing.entry((group.to_owned(), kind.to_owned())).or_default().insert(version.to_owned());
    }
    for ((group, kind), versions) in &missing {
        cluster.apply(LIST, &definition(group, kind, versions, &names)).await?;
    }
    let mut foreign = Vec::new();
    for (name, found) in known(cluster).await? {
        if ours.contains_key(&name) {
            continue;
        }
        let spec = &found["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = format!(
            "/apis/{}/{}/{}",
            text(&spec["group"]),
            text(&spec["versions"][0]["name"]),
            text(&spec["names"]["plural"])
        );
        cluster.until_served(&list).await?;
        let is_namespaced = spec["scope"] == "Namespaced";
        foreign.push(Foreign { kind: text(&spec["names"]["kind"]), list, is_namespaced });
    }
    let derived: Vec<&str> = missing.keys().map(|(_, kind)| kind.as_str()).collect();
    println!("{} kinds with definitions that take everything: {}", derived.len(), derived.join(", "));
    Ok(foreign)
}

/// What the Kustomizations among documents check the health of.
fn health_checks(documents: &[Value]) -> impl Iterator<Item = &Value> {
    let lists = documents.iter().filter_map(|document| document["spec"]["healthChecks"].as_array());
    lists.flatten()
}

/// Makes the objects that health checks name and no document does, as a chart would. Those whose namespace does not
/// exist yet fail.
pub(crate) async fn make_what_charts_make(
    cluster: &Cluster,
    kinds: &[Foreign],
    documents: &[Value],
) -> Outcome {
    for check in health_checks(documents) {
        let is_made = documents
            .iter()
            .any(|document| document["kind"] == check["kind"] && document["spec"].is_object());
        let Some(kind) = kinds.iter().find(|kind| check["kind"] == *kind.kind).filter(|_| !is_made) else {
            continue;
        };
        let (mut metadata, mut list) = (json!({"name": check["name"]}), kind.list.clone());
        if kind.is_namespaced {
            let namespace = check["namespace"].as_str().unwrap_or("flux-system");
            let (version, plural) = kind.list.rsplit_once('/').unwrap_or_default();
            list = format!("{version}/namespaces/{namespace}/{plural}");
            metadata["namespace"] = namespace.into();
        }
        if cluster.get(&format!("{list}/{}", check["name"].as_str().unwrap_or_default())).await?.is_none() {
            let object =
                json!({"apiVersion": check["apiVersion"], "kind": check["kind"], "metadata": metadata});
            cluster.apply(&list, &object).await?;
        }
    }
    Ok(())
}

/// The definitions that the cluster has, by name.
async fn known(cluster: &Cluster) -> Outcome<BTreeMap<String, Value>> {
    let list = cluster.get(LIST).await?.unwrap_or_default();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    Ok(items
        .into_iter()
        .map(|item| (item["metadata"]["name"].as_str().unwrap_or_default().to_owned(), item))
        .collect())
}

fn definition(group: &str, kind: &str, versions: &BTreeSet<String>, names: &[&str]) -> Value {
    let singular = kind.to_lowercase();
    let plural = match singular.as_bytes() {
        [.., b's' | b'x'] | [.., b'c' | b's', b'h'] => format!("{singular}es"),
        [.., before, b'y'] if !b"aeiou".contains(before) => format!("{}ies", &singular[..singular.len() - 1]),
        _ => format!("{singular}s"),
    };
    // Where the name is known, it is that.
    let known = names.iter().filter_map(|name| name.split_once('.'));
    let plural = known
        .filter(|(found, its_group)| found.replace('-', "") == plural && *its_group == group)
        .map(|(found, _)| found.to_owned())
        .next()
        .unwrap_or(plural);
    let is_wide = (kind.starts_with("Cluster") && kind != "Cluster")
        || kind.ends_with("Class")
        || CLUSTER_SCOPED.contains(&kind);
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = |(at, name): (usize, &String)| {
        json!({
            "name": name, "served": true, "storage": at == 0, "schema": {"openAPIV3Schema": any},
            "subresources": {"status": {}},
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": group, "scope": if is_wide { "Cluster" } else { "Namespaced" },
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular},
            "versions": versions.iter().enumerate().map(version).collect::<Vec<_>>(),
        },
    })
}
