//! The command lines of helm.

use crate::host::path;
use crate::kustomization::HelmChart;

/// `helm pull`: brings the chart into its home.
pub(super) fn pull(chart: &HelmChart, chart_home: &str) -> Vec<String> {
    let mut line = Line::new(&["pull", "--untar", "--untardir", chart_home]);
    if chart.repo.starts_with("oci://") {
        let repo = chart.repo.strip_suffix('/').unwrap_or(&chart.repo);
        line.add(&format!("{repo}/{}", chart.name));
    } else {
        line.option("--repo", &chart.repo);
        line.add(&chart.name);
    }
    line.option("--version", &chart.version);
    line.flag("--devel", chart.devel);
    line.0
}

/// `helm template`: renders the chart.
pub(super) fn template(chart: &HelmChart, chart_home: &str, values_file: &str) -> Vec<String> {
    let mut line = Line::new(&["template"]);
    match chart.release_name.as_str() {
        "" => line.add("--generate-name"),
        name => line.add(name),
    }
    line.add(&path::join(chart_home, &chart.name));
    line.option("--namespace", &chart.namespace);
    line.option("--name-template", &chart.name_template);
    line.option("-f", values_file);
    for file in &chart.additional_values_files {
        line.option("-f", file);
    }
    for version in &chart.api_versions {
        line.add("--api-versions");
        line.add(version);
    }
    line.option("--kube-version", &chart.kube_version);
    line.flag("--include-crds", chart.include_crds);
    line.flag("--skip-tests", chart.skip_tests);
    line.flag("--no-hooks", chart.skip_hooks);
    line.flag("--debug", chart.debug);
    line.flag("--devel", chart.devel);
    line.0
}

struct Line(Vec<String>);

impl Line {
    fn new(words: &[&str]) -> Self {
        Line(words.iter().map(|&word| word.to_owned()).collect())
    }

    fn add(&mut self, word: &str) {
        self.0.push(word.to_owned());
    }

    /// An option with its value, unless that is empty.
    fn option(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name);
            self.add(value);
        }
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.add(name);
        }
    }
}
