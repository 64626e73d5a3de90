//! The kustomization file as a whole.

use std::collections::BTreeMap;

use super::{
    ConfigMapArgs, GeneratorOptions, HelmChart, HelmGlobals, Image, Label, Patch, Replacement, Replica,
    SecretArgs, SortOptions, Var,
};
use crate::yaml::decode::Spanned;

/// A kustomization or component, with deprecated fields folded into their successors.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs)] // one field of the file each, named as in the file
pub struct Kustomization {
    pub api_version: String,
    pub kind: String,
    pub metadata: Option<Metadata>,
    pub openapi: BTreeMap<String, String>,
    pub name_prefix: String,
    pub name_suffix: String,
    pub namespace: String,
    pub common_labels: BTreeMap<String, String>,
    pub labels: Vec<Label>,
    pub common_annotations: BTreeMap<String, String>,
    pub patches_strategic_merge: Vec<Spanned<String>>,
    #[serde(rename = "patchesJson6902")]
    pub patches_json6902: Vec<Spanned<Patch>>,
    pub patches: Vec<Spanned<Patch>>,
    pub images: Vec<Image>,
    pub image_tags: Vec<Image>,
    pub replacements: Vec<Spanned<Replacement>>,
    pub replicas: Vec<Spanned<Replica>>,
    pub vars: Vec<Spanned<Var>>,
    pub sort_options: Option<SortOptions>,
    pub resources: Vec<Spanned<String>>,
    pub components: Vec<Spanned<String>>,
    pub crds: Vec<Spanned<String>>,
    pub bases: Vec<Spanned<String>>,
    pub config_map_generator: Vec<Spanned<ConfigMapArgs>>,
    pub secret_generator: Vec<Spanned<SecretArgs>>,
    pub helm_globals: Option<HelmGlobals>,
    pub helm_charts: Vec<Spanned<HelmChart>>,
    pub generator_options: Option<GeneratorOptions>,
    pub configurations: Vec<Spanned<String>>,
    pub generators: Vec<Spanned<String>>,
    pub transformers: Vec<Spanned<String>>,
    pub validators: Vec<Spanned<String>>,
    pub build_metadata: Vec<Spanned<String>>,
}

/// `metadata` of a kustomization file.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Metadata {
    pub name: String,
    pub namespace: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}
