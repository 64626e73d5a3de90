//! `vars`.

use serde::{Deserialize, Serialize};

use crate::yaml::decode::fields;

/// One entry of `vars`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Var {
    /// Name, used as `$(NAME)`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Resource that the value comes from.
    pub objref: VarTarget,
    /// Field that the value comes from, `metadata.name` when empty.
    pub fieldref: FieldRef,
}

fields!(Var { name, objref, fieldref });

/// Resource that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct VarTarget {
    /// Group and version in one; counts before `group` and `version`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// API version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, as its own file has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

fields!(VarTarget { api_version = "apiVersion", group, version, kind, name, namespace });

/// Field that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FieldRef {
    /// Path of the field.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field_path: String,
}

fields!(FieldRef { field_path = "fieldPath" });
