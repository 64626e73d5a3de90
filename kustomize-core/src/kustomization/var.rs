//! `vars`.

/// One entry of `vars`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Var {
    /// Name, used as `$(NAME)`.
    pub name: String,
    /// Resource that the value comes from.
    pub objref: VarTarget,
    /// Field that the value comes from, `metadata.name` when empty.
    pub fieldref: FieldRef,
}

/// Resource that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
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

/// Field that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldRef {
    /// Path of the field.
    pub field_path: String,
}
