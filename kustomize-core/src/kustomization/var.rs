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
#[allow(missing_docs)]
pub struct VarTarget {
    pub api_version: String,
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

/// Field that a var's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct FieldRef {
    pub field_path: String,
}
