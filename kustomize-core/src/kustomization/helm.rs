//! `helmCharts` and `helmGlobals`, and the older `helmChartInflationGenerator`.

use serde::{Deserialize, Serialize};

use crate::yaml::Node;
use crate::yaml::decode::{Spanned, fields};

/// `helmGlobals`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct HelmGlobals {
    /// Directory of charts, `charts` when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart_home: String,
    /// Directory of helm's configuration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config_home: String,
}

fields!(HelmGlobals { chart_home = "chartHome", config_home = "configHome" });

/// One entry of `helmCharts`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct HelmChart {
    /// Name of the chart; also of its directory under `chartHome`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Version to pull; any when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where to pull it from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repo: String,
    /// Name of the release; helm makes one up when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub release_name: String,
    /// Namespace of the release.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Further values files, later ones winning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_values_files: Vec<Spanned<String>>,
    /// Values file to use instead of the chart's own.
    #[serde(skip_serializing_if = "Spanned::is_empty")]
    pub values_file: Spanned<String>,
    /// Values given right here: a map as it is after its way through JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_inline: Option<Node>,
    /// How they are merged with the values file: `override` (the default), `merge` or `replace`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub values_merge: String,
    /// Renders the chart's custom resource definitions too.
    #[serde(rename = "includeCRDs", skip_serializing_if = "std::ops::Not::not")]
    pub include_crds: bool,
    /// `--no-hooks`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_hooks: bool,
    /// `--api-versions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
    /// `--kube-version`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// `--name-template`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_template: String,
    /// `--skip-tests`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_tests: bool,
    /// `--debug`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub debug: bool,
    /// `--devel`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub devel: bool,
}

fields!(HelmChart {
    name, version, repo, release_name = "releaseName", namespace,
    additional_values_files = "additionalValuesFiles", values_file = "valuesFile",
    values_inline(free_form_map) = "valuesInline", values_merge = "valuesMerge",
    include_crds = "includeCRDs", skip_hooks = "skipHooks", api_versions = "apiVersions",
    kube_version = "kubeVersion", name_template = "nameTemplate", skip_tests = "skipTests", debug, devel,
});

/// One entry of the deprecated `helmChartInflationGenerator`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct HelmChartArgs {
    /// Name of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart_name: String,
    /// Version to pull.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart_version: String,
    /// Where to pull it from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart_repo_url: String,
    /// Directory of charts, for all of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart_home: String,
    /// Has no effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart_repo_name: String,
    /// Has no effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub helm_bin: String,
    /// Directory of helm's configuration, for all of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub helm_home: String,
    /// Values file.
    #[serde(skip_serializing_if = "Spanned::is_empty")]
    pub values: Spanned<String>,
    /// Values in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_local: Option<Node>,
    /// How they are merged with the values file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub values_merge: String,
    /// Name of the release.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub release_name: String,
    /// Has no effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub release_namespace: String,
    /// Has no effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<String>,
}

fields!(HelmChartArgs {
    chart_name = "chartName", chart_version = "chartVersion", chart_repo_url = "chartRepoUrl",
    chart_home = "chartHome", chart_repo_name = "chartRepoName", helm_bin = "helmBin",
    helm_home = "helmHome", values, values_local(free_form_map) = "valuesLocal",
    values_merge = "valuesMerge", release_name = "releaseName", release_namespace = "releaseNamespace",
    extra_args = "extraArgs",
});

/// Splits the old form into charts and what is common to them; what has no successor is ignored,
/// as by kustomize. Of several homes, the last counts.
pub(super) fn split_old_charts(
    old: Vec<Spanned<HelmChartArgs>>,
) -> (Vec<Spanned<HelmChart>>, Option<HelmGlobals>) {
    let mut globals: Option<HelmGlobals> = None;
    let mut charts = Vec::with_capacity(old.len());
    for Spanned { value: args, pos } in old {
        if !args.helm_home.is_empty() {
            globals.get_or_insert_default().config_home = args.helm_home;
        }
        if !args.chart_home.is_empty() {
            globals.get_or_insert_default().chart_home = args.chart_home;
        }
        let value = HelmChart {
            name: args.chart_name,
            version: args.chart_version,
            repo: args.chart_repo_url,
            values_file: args.values,
            values_inline: args.values_local,
            values_merge: args.values_merge,
            release_name: args.release_name,
            ..HelmChart::default()
        };
        charts.push(Spanned { value, pos });
    }
    (charts, globals)
}
