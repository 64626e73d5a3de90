//! `configMapGenerator` and `ConfigMapGenerator`.

use super::head::{self, Head};
use super::{Files, Generator, key_value};
use crate::context::Context;
use crate::error::BuildError;
use crate::kustomization::ConfigMapArgs;
use crate::resource::{Resource, data_entry};
use crate::yaml::decode::Spanned;
use crate::yaml::{Entry, Map, Node, base64};

/// Makes one ConfigMap.
pub(crate) struct ConfigMapGenerator<'a> {
    args: Spanned<ConfigMapArgs>,
    files: &'a dyn Files,
}

impl<'a> ConfigMapGenerator<'a> {
    /// From an entry of `configMapGenerator`, its options merged with `generatorOptions`.
    pub(crate) fn new(args: Spanned<ConfigMapArgs>, files: &'a dyn Files) -> Self {
        ConfigMapGenerator { args, files }
    }

    /// From a configuration of this kind. Name and namespace may stand in its metadata.
    pub(crate) fn from_config(config: &Node, files: &'a dyn Files) -> Result<Self, BuildError> {
        let mut args: ConfigMapArgs = head::decode(config)?;
        head::take_identity_from_metadata(config, &mut args.name, &mut args.namespace)?;
        Ok(ConfigMapGenerator { args: Spanned { value: args, pos: config.pos }, files })
    }

    fn make(&self) -> Result<Resource, BuildError> {
        let args = &self.args.value;
        let head = Head {
            kind: "ConfigMap",
            name: &args.name,
            namespace: &args.namespace,
            behavior: &args.behavior,
            options: args.options.as_ref(),
            pos: self.args.pos,
        };
        let mut root = head.root()?;
        let mut pairs = key_value::load(args.sources(), self.files)?;
        pairs.sort_by(|a, b| a.key.cmp(&b.key));
        // The field of the first key comes first.
        let mut fields: Vec<(&str, Vec<Entry>)> = Vec::new();
        for pair in pairs {
            let (field, text) = match String::from_utf8(pair.value) {
                Ok(text) => ("data", text),
                Err(not_text) => ("binaryData", base64::encode_lines(not_text.as_bytes())),
            };
            let at = fields.iter().position(|(other, _)| *other == field).unwrap_or_else(|| {
                fields.push((field, Vec::new()));
                fields.len() - 1
            });
            fields[at].1.push(data_entry(&pair.key, &text, pair.pos));
        }
        for (field, entries) in fields {
            root.insert(field, Node::map(Map::from_entries(entries)));
        }
        Ok(head.finish(root))
    }
}

impl Generator for ConfigMapGenerator<'_> {
    fn generate(&self, _cx: &Context) -> Result<Vec<Resource>, BuildError> {
        let step = || format!("making the ConfigMap `{}`", self.args.name);
        self.make().map(|made| vec![made]).map_err(|error| error.within(step(), self.args.pos))
    }
}
