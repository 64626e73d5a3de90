//! `namespace` and `NamespaceTransformer`.

use super::Local;
use super::config::decode;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, FieldSpecs, Table};
use crate::resource::{Change, Resource, ResourceSet};
use crate::schema::Schema;
use crate::yaml::decode::fields;
use crate::yaml::{Node, Scalar, Str, Tag, Value};

/// Puts all resources that can be in a namespace into one.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceTransformer {
    namespace: Str,
    /// Leaves namespaces that are there as they are.
    unset_only: bool,
    subjects: Subjects,
    /// `metadata/namespace`.
    metadata: FieldSpecs,
    specs: FieldSpecs,
}

/// The subjects of role bindings that get the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    NamedDefault,
    /// All service accounts.
    ServiceAccounts,
    /// None.
    None,
}

/// Marks what a helm chart made: helm has put it into its namespace already.
const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

#[derive(Default)]
struct Config {
    metadata: Metadata,
    field_specs: Table<FieldSpec>,
    unset_only: bool,
    set_role_binding_subjects: String,
}

fields!(Config {
    metadata, field_specs = "fieldSpecs", unset_only = "unsetOnly",
    set_role_binding_subjects = "setRoleBindingSubjects",
});

#[derive(Default)]
struct Metadata {
    namespace: String,
}

fields!(Metadata { namespace });

impl NamespaceTransformer {
    /// Sets this namespace. Nothing happens when it is empty.
    pub(crate) fn new(namespace: &str, specs: &[FieldSpec]) -> Self {
        Self::with_options(namespace, specs, false, Subjects::default())
    }

    fn with_options(namespace: &str, specs: &[FieldSpec], unset_only: bool, subjects: Subjects) -> Self {
        // Two fields have rules of their own, whatever the field specs say.
        let specs: Vec<FieldSpec> = specs
            .iter()
            .filter(|spec| spec.path.as_str() != "metadata/namespace")
            .filter(|spec| !(is_role_binding(&spec.kind) && spec.path.as_str() == "subjects/namespace"))
            .cloned()
            .collect();
        NamespaceTransformer {
            namespace: namespace.into(),
            unset_only,
            subjects,
            metadata: FieldSpecs::new(vec![FieldSpec::any("metadata/namespace", true)].into()),
            specs: FieldSpecs::new(specs.into()),
        }
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(node: &Node) -> Result<Self, BuildError> {
        let config: Config = decode(node)?;
        let subjects = match config.set_role_binding_subjects.as_str() {
            "" | "defaultOnly" => Subjects::NamedDefault,
            "allServiceAccounts" => Subjects::ServiceAccounts,
            "none" => Subjects::None,
            other => {
                let message = format!("`setRoleBindingSubjects` may not be `{other}`");
                let pos = node.get("setRoleBindingSubjects").map_or(node.pos, |value| value.pos);
                return Err(BuildError::new(ErrorKind::Transformer, message)
                    .at(pos)
                    .field("setRoleBindingSubjects")
                    .with_help("use `defaultOnly`, `allServiceAccounts` or `none`"));
            }
        };
        Ok(Self::with_options(&config.metadata.namespace, &config.field_specs, config.unset_only, subjects))
    }

    /// Sets the namespace in one resource.
    ///
    /// # Errors
    /// A field spec that leads to something else than a scalar, subjects that are no list of maps.
    pub(crate) fn apply_to(&self, resource: &mut Resource, schema: &Schema) -> Result<(), BuildError> {
        if !resource.gvk_is_cluster_scoped(schema) {
            self.metadata.apply(resource, Create::Scalar(Tag::None), |node| self.set(node))?;
        }
        if is_role_binding(resource.kind()) {
            self.set_in_subjects(&mut resource.node)
                .map_err(|error| error.field("subjects").about(resource.written_id()))?;
        }
        // Only the core kind Namespace is renamed, not others of that name.
        let is_core = resource.api_version() == "v1";
        for selected in self.specs.selecting(resource.api_version(), resource.kind()) {
            if is_core || selected.spec.path.as_str() != "metadata/name" {
                selected.apply(resource, Create::Scalar(Tag::Str), &mut |node| self.set(node))?;
                resource.settle_links();
            }
        }
        Ok(())
    }

    fn set(&self, node: &mut Node) -> Result<(), BuildError> {
        let has_value = node.as_scalar().is_some_and(|old| old.tag() != Tag::Null && !old.text().is_empty());
        if self.unset_only && has_value {
            return Ok(());
        }
        let pos = node.pos;
        node.set_scalar(Scalar::string(self.namespace.clone())).map_err(|_| {
            BuildError::new(ErrorKind::Transformer, "a namespace can take the place of a scalar only").at(pos)
        })
    }

    fn set_in_subjects(&self, root: &mut Node) -> Result<(), BuildError> {
        let (field, expected) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::NamedDefault => ("name", "default"),
            Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
        };
        let subjects = match root.get_mut("subjects") {
            Some(subjects) if !subjects.is_null() => subjects,
            _ => return Ok(()),
        };
        let Value::Seq(subjects) = &mut subjects.value else {
            return Err(wrong("the subjects of a role binding must be a list", subjects));
        };
        for subject in subjects.iter_mut().filter(|subject| !subject.is_null()) {
            let pos = subject.pos;
            let Some(map) = subject.as_map_mut() else {
                return Err(wrong("a subject of a role binding must be a map", subject));
            };
            match map.get(field) {
                Some(value) if value.as_scalar().is_none() => {
                    return Err(wrong("a scalar is expected here", value));
                }
                Some(value) if !value.is_null() && value.text() == expected => {}
                _ => continue,
            }
            self.set(map.get_or_insert_with("namespace", || Node::untyped("")))
                .map_err(|error| error.at(pos))?;
        }
        Ok(())
    }
}

impl Change for NamespaceTransformer {
    fn selects(&self, resource: &Resource, _: &Schema) -> Result<bool, BuildError> {
        let is_ours = || resource.annotation(HELM_GENERATED) != Some("true");
        Ok(!self.namespace.is_empty() && !resource.node.is_nil_or_empty() && is_ours())
    }

    fn apply(&self, resource: &mut Resource, schema: &Schema) -> Result<bool, BuildError> {
        resource.remember_id(schema);
        self.apply_to(resource, schema).map(|()| true)
    }
}

impl Local for NamespaceTransformer {
    fn has_finish(&self) -> bool {
        !self.namespace.is_empty()
    }

    fn finish(&self, set: &mut ResourceSet, _: usize, cx: &Context) -> Result<(), BuildError> {
        let schema = cx.schema();
        match set.duplicate(schema, &cx.threads) {
            Some((first, second)) => Err(conflict(set, first, second, schema)),
            None => Ok(()),
        }
    }
}

fn conflict(set: &ResourceSet, first: usize, second: usize, schema: &Schema) -> BuildError {
    let error = BuildError::new(ErrorKind::Conflict, "in one namespace, two resources have the same id")
        .with_help("rename one of them, or leave one out");
    match (set.as_slice().get(first), set.as_slice().get(second)) {
        (Some(first), Some(second)) => {
            error.about(second.id(schema)).at(second.node.pos).with_note("the other one", first.node.pos)
        }
        _ => error,
    }
}

fn is_role_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}

fn wrong(message: &str, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Transformer, message).at(node.pos)
}
