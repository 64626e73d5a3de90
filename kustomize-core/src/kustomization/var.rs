//! `vars`.

use crate::yaml::decode::fields;

/// One entry of `vars`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Var {
    /// Name, used as `$(NAME)`.
    pub name: String,
    /// Resource that the value comes from.
    pub objref: VarTarget,
    /// Field that the value comes from, `metadata.name` when empty.
    pub fieldref: FieldRef,
}

fields!(Var { name, objref, fieldref });

/// Resource that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VarTarget {
    /// Group and version in one; counts before `group` and `version`.
    pub api_version: String,
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name, as its own file has it.
    pub name: String,
    /// Namespace.
    pub namespace: String,
}

fields!(VarTarget { api_version = "apiVersion", group, version, kind, name, namespace });

/// Field that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRef {
    /// Path of the field.
    pub field_path: String,
}

fields!(FieldRef { field_path = "fieldPath" });
