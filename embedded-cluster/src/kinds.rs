//! The kinds that are served: the built-in ones, and those of custom resource definitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::schema::builtin::BUILTIN;
use crate::schema::custom::compile;
use crate::schema::{Arena, NodeId, Type};
use crate::status::Subject;

/// Built-in kinds that count changes of their spec.
const COUNTING: &[&str] = &[
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "ingresses",
    "ingressclasses",
    "networkpolicies",
    "poddisruptionbudgets",
    "replicationcontrollers",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "customresourcedefinitions",
    "pods",
    "podtemplates",
    "priorityclasses",
    "endpointslices",
];

/// Where the scale subresource finds its values, as dotted paths.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) spec: String,
    pub(crate) status: String,
    pub(crate) selector: Option<String>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: String,
}

/// A kind in one version.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) namespaced: bool,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<String>,
    pub(crate) scale: Option<Scale>,
    pub(crate) columns: Vec<Column>,
    pub(crate) custom: bool,
    /// Changes of the spec are counted.
    pub(crate) counts: bool,
    /// The table of the store.
    pub(crate) resource: Arc<str>,
    arena: Arc<Arena>,
    root: NodeId,
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(crate) fn root(&self) -> Type<'_> {
        self.arena.at(self.root)
    }

    pub(crate) fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|name| name == subresource)
    }

    pub(crate) fn subject<'a>(&'a self, name: &'a str) -> Subject<'a> {
        Subject { group: &self.group, resource: &self.plural, kind: &self.kind, name }
    }

    /// Whether it is that built-in kind.
    pub(crate) fn is(&self, resource: &str) -> bool {
        &*self.resource == resource
    }
}

/// All kinds at one moment.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    by_path: HashMap<(String, String, String), Arc<Kind>>,
    by_resource: HashMap<Arc<str>, Arc<Kind>>,
    /// Groups in order, each with its versions, the preferred one first.
    groups: BTreeMap<String, Vec<String>>,
}

/// The name of a kind's table.
pub(crate) fn resource_name(group: &str, plural: &str) -> Arc<str> {
    if group.is_empty() { plural.into() } else { format!("{plural}.{group}").into() }
}

impl Registry {
    /// The built-in kinds and those of the definitions.
    pub(crate) fn new<'a>(definitions: impl IntoIterator<Item = &'a Value>) -> Registry {
        let mut registry = Registry::default();
        for kind in builtin_kinds() {
            registry.add(kind.clone());
        }
        for definition in definitions {
            for kind in custom_kinds(definition) {
                registry.add(Arc::new(kind));
            }
        }
        for versions in registry.groups.values_mut() {
            versions.sort_by_key(|version| std::cmp::Reverse(version_rank(version)));
        }
        registry
    }

    fn add(&mut self, kind: Arc<Kind>) {
        let versions = self.groups.entry(kind.group.clone()).or_default();
        if !versions.contains(&kind.version) {
            versions.push(kind.version.clone());
        }
        self.by_resource.entry(kind.resource.clone()).or_insert_with(|| kind.clone());
        self.by_path.insert((kind.group.clone(), kind.version.clone(), kind.plural.clone()), kind);
    }

    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// The kind that a table holds.
    pub(crate) fn of_resource(&self, resource: &str) -> Option<&Arc<Kind>> {
        self.by_resource.get(resource)
    }

    pub(crate) fn groups(&self) -> &BTreeMap<String, Vec<String>> {
        &self.groups
    }

    /// Kinds of a group and version, by name.
    pub(crate) fn kinds(&self, group: &str, version: &str) -> Vec<&Arc<Kind>> {
        let mut kinds: Vec<&Arc<Kind>> =
            self.by_path.values().filter(|kind| kind.group == group && kind.version == version).collect();
        kinds.sort_by(|a, b| a.plural.cmp(&b.plural));
        kinds
    }
}

/// How versions are preferred: stable before beta before alpha, later before earlier.
fn version_rank(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let number = |text: &str| text.parse().unwrap_or(0);
    if let Some((major, minor)) = rest.split_once("beta") {
        (2, number(major), number(minor))
    } else if let Some((major, minor)) = rest.split_once("alpha") {
        (1, number(major), number(minor))
    } else {
        (3, number(rest), 0)
    }
}

fn builtin_kinds() -> &'static [Arc<Kind>] {
    static KINDS: std::sync::LazyLock<Vec<Arc<Kind>>> = std::sync::LazyLock::new(|| {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let make = |line: &crate::schema::builtin::Line| {
            let root = BUILTIN.arena.named(line.type_name)?.id();
            let scale = line.subresources.contains(&"scale").then(|| Scale {
                spec: "spec.replicas".to_owned(),
                status: "status.replicas".to_owned(),
                selector: None,
            });
            // Events are one resource under two groups.
            let storage_group = if line.group == "events.k8s.io" { "" } else { line.group };
            Some(Arc::new(Kind {
                group: line.group.to_owned(),
                version: line.version.to_owned(),
                kind: line.kind.to_owned(),
                list_kind: format!("{}List", line.kind),
                plural: line.plural.to_owned(),
                singular: line.singular.to_owned(),
                namespaced: line.namespaced,
                short_names: owned(&line.short_names),
                categories: owned(&line.categories),
                verbs: owned(&line.verbs),
                subresources: owned(&line.subresources),
                scale,
                columns: Vec::new(),
                custom: false,
                counts: COUNTING.contains(&line.plural),
                resource: resource_name(storage_group, line.plural),
                arena: BUILTIN.arena.clone(),
                root,
            }))
        };
        BUILTIN.kinds.iter().rev().filter_map(make).collect()
    });
    &KINDS
}

/// The kinds of a definition, one for each served version.
fn custom_kinds(definition: &Value) -> Vec<Kind> {
    let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let texts = |value: &Value, path: &str| -> Vec<String> {
        let list = value.pointer(path).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (Some(group), Some(plural), Some(kind)) = (
        text(definition, "/spec/group"),
        text(definition, "/spec/names/plural"),
        text(definition, "/spec/names/kind"),
    ) else {
        return Vec::new();
    };
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions.into_iter().flatten().filter(|version| version["served"].as_bool() == Some(true));
    let make = |version: &Value| {
        let (arena, root) = compile(version.pointer("/schema/openAPIV3Schema"));
        let mut subresources = Vec::new();
        if version.pointer("/subresources/status").is_some() {
            subresources.push("status".to_owned());
        }
        let scale = version.pointer("/subresources/scale").map(|scale| Scale {
            spec: text(scale, "/specReplicasPath").unwrap_or_default().trim_start_matches('.').to_owned(),
            status: text(scale, "/statusReplicasPath").unwrap_or_default().trim_start_matches('.').to_owned(),
            selector: text(scale, "/labelSelectorPath").map(|path| path.trim_start_matches('.').to_owned()),
        });
        if scale.is_some() {
            subresources.push("scale".to_owned());
        }
        let columns = version.get("additionalPrinterColumns").and_then(Value::as_array);
        let columns = columns.into_iter().flatten().map(|column| Column {
            name: text(column, "/name").unwrap_or_default(),
            of: text(column, "/type").unwrap_or_default(),
            format: text(column, "/format").unwrap_or_default(),
            description: text(column, "/description").unwrap_or_default(),
            priority: column["priority"].as_i64().unwrap_or(0),
            path: text(column, "/jsonPath").unwrap_or_default(),
        });
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        Kind {
            group: group.clone(),
            version: text(version, "/name").unwrap_or_default(),
            list_kind: text(definition, "/spec/names/listKind").unwrap_or_else(|| format!("{kind}List")),
            singular: text(definition, "/spec/names/singular").unwrap_or_else(|| kind.to_lowercase()),
            kind: kind.clone(),
            plural: plural.clone(),
            namespaced: definition.pointer("/spec/scope").and_then(Value::as_str) == Some("Namespaced"),
            short_names: texts(definition, "/spec/names/shortNames"),
            categories: texts(definition, "/spec/names/categories"),
            verbs: verbs.map(str::to_owned).to_vec(),
            subresources,
            scale,
            columns: columns.collect(),
            custom: true,
            counts: true,
            resource: resource_name(&group, &plural),
            arena: Arc::new(arena),
            root,
        }
    };
    served.map(make).collect()
}
