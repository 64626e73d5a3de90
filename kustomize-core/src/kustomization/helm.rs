//! `helmCharts` and `helmGlobals`.

use crate::yaml::decode::Spanned;

/// `helmGlobals`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct HelmGlobals {
    /// Directory of charts, `charts` when empty.
    pub chart_home: String,
    /// Directory of helm's configuration.
    pub config_home: String,
}

/// One entry of `helmCharts`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs)] // one field of the file each, named as in the file
pub struct HelmChart {
    pub name: String,
    pub version: String,
    pub repo: String,
    pub release_name: String,
    pub namespace: String,
    pub additional_values_files: Vec<Spanned<String>>,
    pub values_file: Spanned<String>,
    /// Free-form; a JSON text, since it is handed to helm and nothing here looks into it.
    pub values_inline: serde::de::IgnoredAny,
    pub values_merge: String,
    #[serde(rename = "includeCRDs")]
    pub include_crds: bool,
    pub skip_hooks: bool,
    pub api_versions: Vec<String>,
    pub kube_version: String,
    pub name_template: String,
    pub skip_tests: bool,
    pub debug: bool,
    pub devel: bool,
}
