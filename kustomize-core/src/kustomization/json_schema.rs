//! The JSON schema of the kustomization file, for editors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Kustomization;
use crate::yaml::Node;
use crate::yaml::decode::Spanned;

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Map".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object"})
    }
}

/// The JSON schema (draft 2020-12) of a kustomization file.
///
/// Editors use it through a comment at the top of the file:
/// `# yaml-language-server: $schema=<path or URL of kustomization.schema.json>`.
#[must_use]
pub fn json_schema() -> Schema {
    schemars::schema_for!(Kustomization)
}
