//! What is known of Kubernetes kinds: their scope, and which lists merge by which keys.
//!
//! The built-in schema is Kubernetes 1.21.2, as in kustomize; `table` holds what merging
//! needs of it. A build may put an OpenAPI document of its own in force (`custom`).

mod builtin;
mod comment;
mod custom;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{BuildError, ErrorKind};
use crate::yaml::decode::Spanned;
use crate::yaml::{Node, Pos};
use builtin::Scope;
pub(crate) use comment::SchemaComment;
use custom::{Custom, SchemaRef};

/// The one version of the built-in schema.
const BUILTIN_VERSION: &str = "v1.21.2";

/// The schema of one build: the built-in table, or a custom document, or both.
#[derive(Debug, Default)]
pub struct Schema {
    custom: Option<Custom>,
    layers: Layers,
    /// Whether anyone asked for the scope of a kind that the table does not know.
    asked_unknown: AtomicBool,
    /// Whether anyone asked for the type of a kind.
    asked_type: AtomicBool,
}

/// Which schema is asked first for the type of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layers {
    #[default]
    Builtin,
    Custom,
    CustomThenBuiltin,
    BuiltinThenCustom,
}

impl Schema {
    /// The schema that a kustomization's `openapi` field asks for; none when it asks for nothing.
    ///
    /// `document` is the file that `openapi.path` names, `before` the schema in force so far.
    ///
    /// A custom document takes the place of the built-in schema. The built-in one stays in force
    /// beside it when it was needed before the document was met, as in kustomize, which parses
    /// each at its first use and never forgets: under the custom one when a patch was applied
    /// before, above it when only the scope of an unknown kind was asked for. (Scopes of built-in
    /// kinds always stay.)
    ///
    /// # Errors
    /// Both `path` and `version` are given, the version is not built in, or the document is no
    /// OpenAPI document.
    pub(crate) fn from_field(
        openapi: &BTreeMap<String, Spanned<String>>,
        document: Option<&Node>,
        before: &Schema,
    ) -> Result<Option<Schema>, BuildError> {
        let version = openapi.get("version");
        let pos = version.map_or(Pos::NONE, |version| version.pos);
        match (document, version.map(|version| version.as_str())) {
            (Some(_), Some(_)) => Err(BuildError::new(
                ErrorKind::Schema,
                "openapi: give either a `path` to a custom schema or a built-in `version`, not both",
            )
            .at(pos)),
            (Some(document), None) => Schema::with_custom(document, before).map(Some),
            (None, None | Some("")) => Ok(None),
            (None, Some(BUILTIN_VERSION)) => Ok(Some(Schema::default())),
            (None, Some(version)) => Err(BuildError::new(
                ErrorKind::Schema,
                format!("openapi: the version {version} is not built in"),
            )
            .at(pos)
            .with_help(format!("the only built-in version is {BUILTIN_VERSION}"))),
        }
    }

    /// What a custom document that is put in force from here on depends on, other than itself.
    pub(crate) fn asked(&self) -> (bool, bool) {
        (self.asked_unknown.load(Ordering::Relaxed), self.asked_type.load(Ordering::Relaxed))
    }

    /// A schema with a custom document in force.
    pub(crate) fn with_custom(document: &Node, before: &Schema) -> Result<Schema, BuildError> {
        let layers = if before.asked_type.load(Ordering::Relaxed) {
            Layers::CustomThenBuiltin
        } else if before.asked_unknown.load(Ordering::Relaxed) {
            Layers::BuiltinThenCustom
        } else {
            Layers::Custom
        };
        Ok(Schema { custom: Some(Custom::new(document, layers)?), layers, ..Schema::default() })
    }

    /// Whether the kind is known, and known to be cluster-scoped
    /// (kustomize's `IsCertainlyClusterScoped`). Unknown kinds are not.
    #[must_use]
    pub fn is_cluster_scoped(&self, group: &str, version: &str, kind: &str) -> bool {
        match builtin::scope(group, version, kind) {
            Scope::Cluster => true,
            Scope::Namespaced => false,
            Scope::Unknown => {
                self.asked_unknown.store(true, Ordering::Relaxed);
                self.custom.as_ref().is_some_and(|custom| custom.is_cluster_scoped(group, version, kind))
            }
        }
    }

    /// Type of a kind, where the schema knows one.
    pub(crate) fn root(&self, api_version: &str, kind: &str) -> Option<Shape<'_>> {
        self.asked_type.store(true, Ordering::Relaxed);
        let builtin = || builtin::root(api_version, kind).map(Shape::builtin);
        let custom = || {
            let custom = self.custom.as_ref()?;
            Some(Shape::custom(custom, custom.root(api_version, kind)?))
        };
        match self.layers {
            Layers::Builtin => builtin(),
            Layers::Custom => custom(),
            Layers::CustomThenBuiltin => custom().or_else(builtin),
            Layers::BuiltinThenCustom => builtin().or_else(custom),
        }
    }

    /// Type that a schema in a comment gives; its references lead into the schema in force.
    pub(crate) fn in_comment<'s>(&'s self, comment: &'s Node) -> Shape<'s> {
        match &self.custom {
            None => Shape::outside(comment),
            Some(custom) => match custom.resolve(comment) {
                Some(target) => Shape::target(custom, target),
                None => Shape::custom(custom, comment),
            },
        }
    }
}

/// A position in the schema: what is known of the value at some path of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'s>(Inner<'s>);

#[derive(Clone, Copy, Debug)]
enum Inner<'s> {
    Builtin(u8),
    Custom(&'s Custom, &'s Node),
    /// A schema outside of any document.
    Outside(&'s Node),
}

impl<'s> Shape<'s> {
    fn builtin(at: u8) -> Self {
        Shape(Inner::Builtin(at))
    }

    fn custom(custom: &'s Custom, schema: &'s Node) -> Self {
        Shape(Inner::Custom(custom, schema))
    }

    fn target(custom: &'s Custom, target: SchemaRef<'s>) -> Self {
        match target {
            SchemaRef::Node(schema) => Shape::custom(custom, schema),
            SchemaRef::Builtin(at) => Shape::builtin(at),
        }
    }

    /// A schema whose references lead to built-in types.
    fn outside(schema: &'s Node) -> Self {
        match custom::reference(schema) {
            None => Shape(Inner::Outside(schema)),
            Some(reference) => {
                custom::builtin_at(reference).map_or(Shape(Inner::Outside(schema)), Shape::builtin)
            }
        }
    }

    /// Type of a field.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        match self.0 {
            Inner::Builtin(at) => builtin::field(at, name).map(Shape::builtin),
            Inner::Custom(custom, schema) => {
                custom.field(schema, name).map(|target| Shape::target(custom, target))
            }
            Inner::Outside(schema) => custom::field(schema, name).map(Shape::outside),
        }
    }

    /// Type of a list's elements.
    pub(crate) fn elements(self) -> Option<Self> {
        match self.0 {
            Inner::Builtin(at) => builtin::elements(at).map(Shape::builtin),
            Inner::Custom(custom, schema) => {
                custom.elements(schema).map(|target| Shape::target(custom, target))
            }
            Inner::Outside(schema) => custom::elements(schema).map(Shape::outside),
        }
    }

    /// Merge keys of a list: none when the list does not merge but is replaced as a whole, an
    /// empty list of keys when it merges by value.
    pub(crate) fn merge_keys(self) -> Option<Cow<'s, [&'s str]>> {
        match self.0 {
            Inner::Builtin(at) => builtin::merge_keys(at).map(Cow::Borrowed),
            Inner::Custom(_, schema) | Inner::Outside(schema) => custom::merge_keys(schema).map(Cow::Owned),
        }
    }
}
