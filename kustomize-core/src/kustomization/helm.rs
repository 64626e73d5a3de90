//! `helmCharts` and `helmGlobals`, and the older `helmChartInflationGenerator`.

use crate::yaml::Node;
use crate::yaml::decode::{Spanned, fields};

/// `helmGlobals`.
#[derive(Clone, Debug, Default)]
pub struct HelmGlobals {
    /// Directory of charts, `charts` when empty.
    pub chart_home: String,
    /// Directory of helm's configuration.
    pub config_home: String,
}

fields!(HelmGlobals { chart_home = "chartHome", config_home = "configHome" });

/// One entry of `helmCharts`.
#[derive(Clone, Debug, Default)]
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
    pub values_inline: Option<Node>,
    /// How they are merged with the values file: `override` (the default), `merge` or `replace`.
    pub values_merge: String,
    /// Renders the chart's custom resource definitions too.
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

fields!(HelmChart {
    name, version, repo, release_name = "releaseName", namespace,
    additional_values_files = "additionalValuesFiles", values_file = "valuesFile",
    values_inline(free_form_map) = "valuesInline", values_merge = "valuesMerge",
    include_crds = "includeCRDs", skip_hooks = "skipHooks", api_versions = "apiVersions",
    kube_version = "kubeVersion", name_template = "nameTemplate", skip_tests = "skipTests", debug, devel,
});

/// One entry of the deprecated `helmChartInflationGenerator`.
#[derive(Clone, Debug, Default)]
pub(super) struct HelmChartArgs {
    chart_name: String,
    chart_version: String,
    chart_repo_url: String,
    chart_home: String,
    _chart_repo_name: String,
    _helm_bin: String,
    helm_home: String,
    values: Spanned<String>,
    values_local: Option<Node>,
    values_merge: String,
    release_name: String,
    _release_namespace: String,
    _extra_args: Vec<String>,
}

fields!(HelmChartArgs {
    chart_name = "chartName", chart_version = "chartVersion", chart_repo_url = "chartRepoUrl",
    chart_home = "chartHome", _chart_repo_name = "chartRepoName", _helm_bin = "helmBin",
    helm_home = "helmHome", values, values_local(free_form_map) = "valuesLocal",
    values_merge = "valuesMerge", release_name = "releaseName", _release_namespace = "releaseNamespace",
    _extra_args = "extraArgs",
});

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
