//! `helmCharts` and `helmGlobals`, and the older `helmChartInflationGenerator`.

use crate::yaml::Node;
use crate::yaml::decode::{Spanned, free_form_map};

/// `helmGlobals`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HelmGlobals {
    /// Directory of charts, `charts` when empty.
    pub chart_home: String,
    /// Directory of helm's configuration.
    pub config_home: String,
}

/// One entry of `helmCharts`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HelmChart {
    /// Name of the chart; also of its directory under `chartHome`.
    pub name: String,
    /// Version to pull; any when empty.
    pub version: String,
    /// Where to pull it from.
    pub repo: String,
    /// Name of the release; helm makes one up when empty.
    pub release_name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Further values files, later ones winning.
    pub additional_values_files: Vec<Spanned<String>>,
    /// Values file to use instead of the chart's own.
    pub values_file: Spanned<String>,
    /// Values given right here: a map as it is after its way through JSON.
    #[serde(deserialize_with = "free_form_map")]
    pub values_inline: Option<Node>,
    /// How they are merged with the values file: `override` (the default), `merge` or `replace`.
    pub values_merge: String,
    /// Renders the chart's custom resource definitions too.
    #[serde(rename = "includeCRDs")]
    pub include_crds: bool,
    /// `--no-hooks`.
    pub skip_hooks: bool,
    /// `--api-versions`.
    pub api_versions: Vec<String>,
    /// `--kube-version`.
    pub kube_version: String,
    /// `--name-template`.
    pub name_template: String,
    /// `--skip-tests`.
    pub skip_tests: bool,
    /// `--debug`.
    pub debug: bool,
    /// `--devel`.
    pub devel: bool,
}

/// One entry of the deprecated `helmChartInflationGenerator`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct HelmChartArgs {
    chart_name: String,
    chart_version: String,
    chart_repo_url: String,
    chart_home: String,
    #[serde(rename = "chartRepoName")]
    _chart_repo_name: String,
    #[serde(rename = "helmBin")]
    _helm_bin: String,
    helm_home: String,
    values: Spanned<String>,
    #[serde(deserialize_with = "free_form_map")]
    values_local: Option<Node>,
    values_merge: String,
    release_name: String,
    #[serde(rename = "releaseNamespace")]
    _release_namespace: String,
    #[serde(rename = "extraArgs")]
    _extra_args: Vec<String>,
}

/// Splits the old form into charts and what is common to them; what has no successor is ignored,
/// as by the reference. Of several homes, the last counts.
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
