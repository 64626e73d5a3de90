//! What adding prefixes and adding suffixes to names have in common.

use super::config::{decode, required};
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, FieldSpecs, Table};
use crate::resource::{Resource, split_api_version};
use crate::schema::Schema;
use crate::yaml::decode::fields;
use crate::yaml::{Node, Scalar, Str, Tag};

/// A text to put before or after names.
#[derive(Clone, Debug)]
pub(crate) struct Affix {
    text: Str,
    side: Side,
    specs: FieldSpecs,
}

/// Where the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Before the name.
    Prefix,
    /// After the name.
    Suffix,
}

#[derive(Default)]
struct Config {
    prefix: Str,
    suffix: Str,
    field_specs: Option<Table<FieldSpec>>,
}

fields!(Config { prefix, suffix, field_specs = "fieldSpecs" });

impl Affix {
    /// Adds this text.
    pub(crate) fn new(text: &str, side: Side, specs: Table<FieldSpec>) -> Self {
        Affix { text: text.into(), side, specs: FieldSpecs::new(specs) }
    }

    /// From the configuration of a plugin.
    pub(crate) fn from_config(node: &Node, side: Side) -> Result<Self, BuildError> {
        let config: Config = decode(node)?;
        let text = match side {
            Side::Prefix => config.prefix,
            Side::Suffix => config.suffix,
        };
        Ok(Affix { text, side, specs: FieldSpecs::new(required(config.field_specs, node)?) })
    }

    /// Adds the text to the names in one resource. Which field specs are meant is decided by its
    /// first kind and, again, by its current one.
    pub(crate) fn apply_to(&self, resource: &mut Resource, schema: &Schema) -> Result<(), BuildError> {
        let api_version = Str::from(resource.api_version());
        let (group, version) = split_api_version(&api_version);
        let kind = match resource.history.previous.first() {
            Some(first) => first.kind.clone(),
            None => resource.kind().into(),
        };
        if keeps_its_name(group, &kind) {
            return Ok(());
        }
        for selected in self.specs.iter() {
            let spec = selected.spec;
            if !spec.selects(group, version, &kind) {
                continue;
            }
            if spec.path.as_str() == "metadata/name" && !self.text.is_empty() {
                match self.side {
                    Side::Prefix => push_one(&mut resource.history.prefixes, &self.text),
                    Side::Suffix => push_one(&mut resource.history.suffixes, &self.text),
                }
                resource.remember_id(schema);
            }
            if spec.kind.is_empty() || spec.kind == resource.kind() {
                selected.apply(resource, Create::Scalar(Tag::Str), &mut |node| self.add_to(node))?;
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

/// Hardly any resource gets more than one.
fn push_one(texts: &mut Vec<Str>, text: &Str) {
    if texts.is_empty() {
        texts.reserve_exact(1);
    }
    texts.push(text.clone());
}

fn concat(first: &str, second: &str) -> Str {
    let mut text = smol_str::SmolStrBuilder::new();
    text.push_str(first);
    text.push_str(second);
    text.finish()
}

/// Kinds whose names have a meaning outside: they are never prefixed or suffixed.
fn keeps_its_name(group: &str, kind: &str) -> bool {
    match kind {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => group == "apiregistration.k8s.io",
        _ => false,
    }
}
