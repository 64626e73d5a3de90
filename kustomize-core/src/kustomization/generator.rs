//! `configMapGenerator`, `secretGenerator` and `generatorOptions`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::yaml::decode::{Spanned, fields};

macro_rules! args {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident = $rename:literal: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub struct $name {
            /// Namespace of the generated resource.
            #[serde(skip_serializing_if = "String::is_empty")]
            pub namespace: String,
            /// Name of the generated resource, before prefixes and hash.
            #[serde(skip_serializing_if = "String::is_empty")]
            pub name: String,
            /// `create`, `replace` or `merge`.
            #[serde(skip_serializing_if = "String::is_empty")]
            pub behavior: String,
            /// `key=value` pairs.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub literals: Vec<Spanned<String>>,
            /// Files, `path` or `key=path`.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub files: Vec<Spanned<String>>,
            /// Files of `KEY=value` lines.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub envs: Vec<Spanned<String>>,
            /// One more such file; folded into `envs` when a kustomization is read.
            #[serde(skip_serializing_if = "Spanned::is_empty")]
            pub env: Spanned<String>,
            /// Options of this generator, merged over `generatorOptions`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub options: Option<GeneratorOptions>,
            $($(#[$field_doc])* #[serde(rename = $rename, skip_serializing_if = "String::is_empty")] pub $field: $type,)*
        }

        fields!($name { namespace, name, behavior, literals, files, envs, env, options, $($field = $rename),* });

        impl $name {
            /// Where the data comes from.
            #[must_use]
            pub fn sources(&self) -> KeyValueSources<'_> {
                KeyValueSources { literals: &self.literals, files: &self.files, envs: &self.envs }
            }

            /// Folds the deprecated `env` into `envs`.
            pub(super) fn fold_env(&mut self) {
                if !self.env.is_empty() {
                    self.envs.push(std::mem::take(&mut self.env));
                }
            }
        }
    };
}

args! {
    /// One entry of `configMapGenerator`.
    ConfigMapArgs {}
}

args! {
    /// One entry of `secretGenerator`.
    SecretArgs {
        /// Type of the secret, `Opaque` when empty.
        secret_type = "type": String,
    }
}

/// Where the data of a ConfigMap or Secret comes from.
#[derive(Clone, Copy, Debug)]
pub struct KeyValueSources<'a> {
    /// `key=value` pairs.
    pub literals: &'a [Spanned<String>],
    /// Files, `path` or `key=path`.
    pub files: &'a [Spanned<String>],
    /// Files of `KEY=value` lines.
    pub envs: &'a [Spanned<String>],
}

/// `generatorOptions`, or the `options` of one generator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GeneratorOptions {
    /// Labels for the generated resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations for the generated resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Leaves the content hash off the name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disable_name_suffix_hash: bool,
    /// Sets `immutable: true`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
}

fields!(GeneratorOptions {
    labels, annotations, disable_name_suffix_hash = "disableNameSuffixHash", immutable,
});

impl GeneratorOptions {
    /// The options of one generator over those of all: labels and annotations of its own win,
    /// what either switches on is on (kustomize's `MergeGlobalOptionsIntoLocal`).
    #[must_use]
    pub fn merged(own: Option<Self>, global: Option<&Self>) -> Option<Self> {
        let Some(global) = global else { return own };
        let mut merged = own.unwrap_or_default();
        for (name, value) in &global.labels {
            merged.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for (name, value) in &global.annotations {
            merged.annotations.entry(name.clone()).or_insert_with(|| value.clone());
        }
        merged.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        merged.immutable |= global.immutable;
        Some(merged)
    }
}
