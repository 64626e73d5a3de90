//! What adding prefixes and adding suffixes to names have in common.

use super::config::{decode, required};
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, Table};
use crate::resource::{Gvk, Resource};
use crate::schema::Schema;
use crate::yaml::{Node, Scalar, Str, Tag};

/// A text to put before or after names.
#[derive(Clone, Debug)]
pub(crate) struct Affix {
    text: Str,
    side: Side,
    specs: Table<FieldSpec>,
}

/// Where the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Before the name.
    Prefix,
    /// After the name.
    Suffix,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    prefix: Str,
    suffix: Str,
    field_specs: Option<Table<FieldSpec>>,
}

impl Affix {
    /// Adds this text.
    pub(crate) fn new(text: &str, side: Side, specs: Table<FieldSpec>) -> Self {
        Affix { text: text.into(), side, specs }
    }

    /// From the configuration of a plugin.
    pub(crate) fn from_config(node: &Node, side: Side) -> Result<Self, BuildError> {
        let config: Config = decode(node)?;
        let text = match side {
            Side::Prefix => config.prefix,
            Side::Suffix => config.suffix,
        };
        Ok(Affix { text, side, specs: required(config.field_specs, node)? })
    }

    /// Adds the text to the names in one resource. Which field specs are meant is decided by its
    /// first kind and, again, by its current one.
    pub(crate) fn apply_to(&self, resource: &mut Resource, schema: &Schema) -> Result<(), BuildError> {
        let mut original = resource.gvk();
        if let Some(first) = resource.history.previous.first() {
            original.kind = first.kind.clone();
        }
        if keeps_its_name(&original) {
            return Ok(());
        }
        for spec in &self.specs {
            if !spec.selects(&original.group, &original.version, &original.kind) {
                continue;
            }
            if spec.path.as_str() == "metadata/name" && !self.text.is_empty() {
                match self.side {
                    Side::Prefix => resource.history.prefixes.push(self.text.clone()),
                    Side::Suffix => resource.history.suffixes.push(self.text.clone()),
                }
                resource.remember_id(schema);
            }
            if spec.kind.is_empty() || spec.kind == resource.kind() {
                spec.apply(resource, Create::Scalar(Tag::Str), &mut |node| self.add_to(node))?;
                if spec.path.as_str() != "metadata/name" {
                    resource.settle_links();
                }
            }
        }
        Ok(())
    }

    fn add_to(&self, node: &mut Node) -> Result<(), BuildError> {
        let pos = node.pos;
        let name = match self.side {
            Side::Prefix => concat(&self.text, node.text()),
            Side::Suffix => concat(node.text(), &self.text),
        };
        node.set_scalar(Scalar::untyped(name)).map_err(|_| {
            let message = match self.side {
                Side::Prefix => "a prefix can be added to a scalar only",
                Side::Suffix => "a suffix can be added to a scalar only",
            };
            BuildError::new(ErrorKind::Transformer, message).at(pos)
        })
    }
}

fn concat(first: &str, second: &str) -> Str {
    let mut text = smol_str::SmolStrBuilder::new();
    text.push_str(first);
    text.push_str(second);
    text.finish()
}

/// Kinds whose names have a meaning outside: they are never prefixed or suffixed.
fn keeps_its_name(gvk: &Gvk) -> bool {
    match gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}
