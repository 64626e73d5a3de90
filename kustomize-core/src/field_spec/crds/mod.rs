//! Files under `crds`: OpenAPI definitions whose extensions say which fields of custom resources
//! hold labels, annotations, their identity or the names of others.

mod schema;

use super::config::merge_name_references;
use super::{FieldSpec, NameReference, Table, TransformerConfig};
use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::resource::Gvk;
use crate::yaml::{Map, Node, Pos, Tag, Value};

/// Field specs that one file may give. Definitions that refer to each other in many ways could
/// make any number of them.
const MAX_FIELD_SPECS: usize = 100_000;

/// Reads such a file from its root node; an empty file has none and says nothing.
pub(crate) fn load(root: Option<&Node>) -> Result<TransformerConfig, BuildError> {
    let Some(root) = root.filter(|root| !root.is_null()) else { return Ok(TransformerConfig::default()) };
    let Value::Map(definitions) = &root.value else {
        return Err(invalid("expected a map of OpenAPI definitions", root.pos));
    };
    let mut schemas = IndexMap::with_capacity_and_hasher(definitions.len(), Default::default());
    for entry in definitions {
        let schema = definition(&entry.value).map_err(|error| error.field(entry.key.as_str()))?;
        schemas.insert(entry.key.as_str(), schema);
    }
    let mut found = CrdFields::default();
    for entry in definitions {
        let name = entry.key.as_str();
        if let Some(properties) = schemas.get(name).and_then(|schema| schema.as_ref())
            && ["kind", "apiVersion", "metadata"].iter().all(|field| properties.contains(field))
        {
            let kind = name.rsplit('.').next().unwrap_or(name);
            let mut walk = Walk { schemas: &schemas, kind, within: Vec::new(), path: String::new() };
            walk.definition(name, root.pos, &mut found)?;
        }
    }
    found.into_config()
}

fn invalid(message: impl Into<String>, pos: Pos) -> BuildError {
    BuildError::new(ErrorKind::Transformer, message).at(pos)
}

/// The properties of a definition, `{Schema: {properties: …}, Dependencies: […]}`.
fn definition(node: &Node) -> Result<Option<&Map>, BuildError> {
    if node.is_null() {
        return Ok(None);
    }
    let Value::Map(map) = &node.value else {
        return Err(invalid("expected an OpenAPI definition, a map with `Schema`", node.pos).with_help(
            "`crds` takes OpenAPI definitions; a CustomResourceDefinition belongs under `resources`, and \
             `configurations` can say the same in fewer words",
        ));
    };
    let mut properties = None;
    for entry in map {
        if entry.key.as_str().eq_ignore_ascii_case("Schema") {
            schema::check(&entry.value)?;
            properties = entry.value.get("properties").and_then(Node::as_map);
        } else if entry.key.as_str().eq_ignore_ascii_case("Dependencies")
            && !(entry.value.is_null()
                || entry.value.as_seq().is_some_and(|seq| seq.iter().all(|item| item.as_scalar().is_some())))
        {
            return Err(invalid("`Dependencies`: expected a list of strings", entry.value.pos));
        }
    }
    Ok(properties)
}

/// What has been found, before it is merged and sorted.
#[derive(Default)]
struct CrdFields {
    annotations: Vec<FieldSpec>,
    labels: Vec<FieldSpec>,
    prefixes: Vec<FieldSpec>,
    references: Vec<NameReference>,
    count: usize,
}

impl CrdFields {
    fn into_config(self) -> Result<TransformerConfig, BuildError> {
        let config = TransformerConfig {
            common_annotations: self.annotations.into(),
            common_labels: self.labels.into(),
            name_prefix: self.prefixes.into(),
            ..TransformerConfig::default()
        };
        let name_reference = merge_name_references(&Table::default(), &self.references.into())?;
        TransformerConfig::default().merge(&TransformerConfig { name_reference, ..config })
    }
}

/// The walk over the properties of one kind, through the definitions that they refer to.
struct Walk<'a> {
    schemas: &'a IndexMap<&'a str, Option<&'a Map>>,
    kind: &'a str,
    /// Definitions that the walk is in. kustomize does not come back from a circle.
    within: Vec<&'a str>,
    path: String,
}

impl<'a> Walk<'a> {
    fn definition(&mut self, name: &'a str, pos: Pos, found: &mut CrdFields) -> Result<(), BuildError> {
        if self.within.contains(&name) || self.within.len() >= schema::MAX_DEPTH {
            return Err(invalid(format!("the definition `{name}` refers to itself"), pos));
        }
        let Some(Some(properties)) = self.schemas.get(name) else { return Ok(()) };
        self.within.push(name);
        for entry in *properties {
            let length = self.path.len();
            if length > 0 {
                self.path.push('/');
            }
            self.path.push_str(entry.key.as_str());
            self.property(&entry.value, found)?;
            self.path.truncate(length);
        }
        self.within.pop();
        Ok(())
    }

    fn property(&mut self, property: &'a Node, found: &mut CrdFields) -> Result<(), BuildError> {
        let says = |extension| string(property.get(extension));
        if says("x-kubernetes-annotation").is_some() {
            found.annotations.push(self.field_spec(&self.path, property.pos));
        }
        if says("x-kubernetes-label-selector").is_some() {
            found.labels.push(self.field_spec(&self.path, property.pos));
        }
        if says("x-kubernetes-identity").is_some() {
            found.prefixes.push(self.field_spec(&self.path, property.pos));
        }
        let version = says("x-kubernetes-object-ref-api-version");
        if let (Some(version), Some(kind)) = (version, says("x-kubernetes-object-ref-kind")) {
            let name = says("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let field = self.field_spec(&format!("{}/{name}", self.path), property.pos);
            let target = Gvk { group: "".into(), version: version.into(), kind: kind.into() };
            found.references.push(NameReference { target, referrers: vec![field].into() });
        }
        found.count += 1;
        if found.count > MAX_FIELD_SPECS {
            return Err(invalid("the definitions refer to each other in too many ways", property.pos));
        }
        let reference = string(property.get("$ref")).map(schema::normalized);
        match reference.and_then(|name| self.schemas.get_key_value(name.as_str())) {
            Some((name, _)) => self.definition(name, property.pos, found),
            None => Ok(()),
        }
    }

    fn field_spec(&self, path: &str, pos: Pos) -> FieldSpec {
        FieldSpec { kind: self.kind.into(), pos, ..FieldSpec::any(path, false) }
    }
}

/// The text of a string; nothing for values of any other type.
fn string(node: Option<&Node>) -> Option<&str> {
    let scalar = node?.as_scalar()?;
    matches!(scalar.tag(), Tag::Str | Tag::Timestamp | Tag::Other).then_some(scalar.text())
}

#[cfg(test)]
mod tests;
