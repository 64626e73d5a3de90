//! The kustomization file as a whole.

use std::collections::BTreeMap;

use super::helm::{HelmChartArgs, split_old_charts};
use super::{
    ConfigMapArgs, GeneratorOptions, HelmChart, HelmGlobals, Image, Label, Patch, Replacement, Replica,
    SecretArgs, SortOptions, Var,
};
use serde::{Deserialize, Serialize};

use crate::error::{BuildError, ErrorKind};
use crate::yaml::decode::{Spanned, fields};
use crate::yaml::{Node, print};

/// `apiVersion` of a kustomization.
pub(super) const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
/// `kind` of a kustomization.
pub(super) const KUSTOMIZATION: &str = "Kustomization";
/// `apiVersion` of a component.
pub(super) const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";
/// `kind` of a component.
pub(super) const COMPONENT: &str = "Component";

/// A kustomization or component. Once read, `apiVersion` and `kind` are never empty, and the
/// deprecated fields that have an equal successor (`bases`, `imageTags`,
/// `helmChartInflationGenerator`, a generator's `env`) are folded into it.
///
/// With serde it can be stored, embedded in other types, and made from data; [`build_kustomization`]
/// renders it.
///
/// [`build_kustomization`]: crate::build_kustomization
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Kustomization {
    /// Version of the file format.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// `Kustomization` or `Component`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Carried along, without an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Which schema to use: the file at `path`, or the built-in of a `version`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub openapi: BTreeMap<String, Spanned<String>>,
    /// Put before the names of all resources.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_prefix: String,
    /// Put after the names of all resources.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_suffix: String,
    /// Namespace of all resources.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels for all resources and their selectors (deprecated).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub common_labels: BTreeMap<String, String>,
    /// Labels for all resources, and where else they go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// Annotations for all resources.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub common_annotations: BTreeMap<String, String>,
    /// Strategic merge patches, each a file or the patch itself (deprecated).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches_strategic_merge: Vec<Spanned<String>>,
    /// JSON patches (deprecated).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches_json6902: Vec<Spanned<Patch>>,
    /// Patches of either kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Spanned<Patch>>,
    /// New names, tags and digests of images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Spanned<Image>>,
    /// The older name of `images`; empty once a file has been read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_tags: Vec<Spanned<Image>>,
    /// Values that are copied from field to field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<Spanned<Replacement>>,
    /// Numbers of replicas.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<Spanned<Replica>>,
    /// Values that are put where `$(NAME)` stands (deprecated).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vars: Vec<Spanned<Var>>,
    /// Order of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_options: Option<Spanned<SortOptions>>,
    /// Files of resources and directories of other kustomizations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Spanned<String>>,
    /// Directories of components.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Spanned<String>>,
    /// OpenAPI definitions that say which fields of custom resources hold names, labels and
    /// annotations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crds: Vec<Spanned<String>>,
    /// Directories of other kustomizations, now part of `resources`; empty once a file has been read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<Spanned<String>>,
    /// ConfigMaps to generate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_map_generator: Vec<Spanned<ConfigMapArgs>>,
    /// Secrets to generate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_generator: Vec<Spanned<SecretArgs>>,
    /// What all helm charts have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm_globals: Option<HelmGlobals>,
    /// Helm charts to inflate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helm_charts: Vec<Spanned<HelmChart>>,
    /// The older form of `helmCharts`; empty once a file has been read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helm_chart_inflation_generator: Vec<Spanned<HelmChartArgs>>,
    /// Options of all ConfigMap and Secret generators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_options: Option<GeneratorOptions>,
    /// Files that say where transformers look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub configurations: Vec<Spanned<String>>,
    /// Files of generator configurations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<Spanned<String>>,
    /// Files of transformer configurations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transformers: Vec<Spanned<String>>,
    /// Files of validator configurations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<Spanned<String>>,
    /// What to note in the output: `originAnnotations`, `transformerAnnotations`, `managedByLabel`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build_metadata: Vec<Spanned<String>>,
}

fields!(Kustomization {
    api_version = "apiVersion", kind, metadata, openapi, name_prefix = "namePrefix",
    name_suffix = "nameSuffix", namespace, common_labels = "commonLabels", labels,
    common_annotations = "commonAnnotations", patches_strategic_merge = "patchesStrategicMerge",
    patches_json6902 = "patchesJson6902", patches, images, image_tags = "imageTags", replacements,
    replicas, vars, sort_options = "sortOptions", resources, components, crds, bases,
    config_map_generator = "configMapGenerator", secret_generator = "secretGenerator",
    helm_globals = "helmGlobals", helm_charts = "helmCharts",
    helm_chart_inflation_generator = "helmChartInflationGenerator",
    generator_options = "generatorOptions", configurations, generators, transformers, validators,
    build_metadata = "buildMetadata",
});

/// `metadata` of a kustomization file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Metadata {
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

fields!(Metadata { name, namespace, labels, annotations });

impl Kustomization {
    /// The text of a `kustomization.yaml` with this content.
    ///
    /// # Errors
    /// `valuesInline` of a helm chart contains something that YAML cannot express as JSON.
    pub fn to_yaml(&self) -> Result<String, BuildError> {
        let node = serde_yaml::to_value(self).and_then(Node::deserialize).map_err(|error| {
            let message = format!("the kustomization cannot be written: {error}");
            BuildError::new(ErrorKind::Kustomization, message)
        })?;
        let mut text = String::new();
        print(&node, &mut text)?;
        Ok(text)
    }

    /// Whether this is a component, which works on the resources of whoever includes it.
    #[must_use]
    pub fn is_component(&self) -> bool {
        self.kind == COMPONENT
    }

    /// Fills in what may be left out and moves what stands in deprecated fields to their
    /// successors (kustomize's `FixKustomization`).
    pub(super) fn fix(&mut self) {
        if self.kind.is_empty() {
            KUSTOMIZATION.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            self.required_version().clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for generator in &mut self.config_map_generator {
            generator.value.fold_env();
        }
        for generator in &mut self.secret_generator {
            generator.value.fold_env();
        }
        let (mut charts, globals) =
            split_old_charts(std::mem::take(&mut self.helm_chart_inflation_generator));
        self.helm_globals = self.helm_globals.take().or(globals);
        self.helm_charts.append(&mut charts);
    }

    /// The `apiVersion` that goes with the kind.
    pub(super) fn required_version(&self) -> &'static str {
        if self.is_component() { COMPONENT_VERSION } else { KUSTOMIZATION_VERSION }
    }
}
