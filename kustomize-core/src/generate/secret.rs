//! `secretGenerator` and `SecretGenerator`.

use super::head::{self, Head};
use super::{Files, Generator, key_value};
use crate::context::Context;
use crate::error::BuildError;
use crate::kustomization::SecretArgs;
use crate::resource::{Resource, data_entry};
use crate::yaml::decode::Spanned;
use crate::yaml::{Map, Node, base64};

/// Makes one Secret. All of its data is base64, text or not.
pub(crate) struct SecretGenerator<'a> {
    args: Spanned<SecretArgs>,
    files: &'a dyn Files,
}

impl<'a> SecretGenerator<'a> {
    /// From an entry of `secretGenerator`, its options merged with `generatorOptions`.
    pub(crate) fn new(args: Spanned<SecretArgs>, files: &'a dyn Files) -> Self {
        SecretGenerator { args, files }
    }

    /// From a configuration of this kind. Name and namespace may stand in its metadata.
    pub(crate) fn from_config(config: &Node, files: &'a dyn Files) -> Result<Self, BuildError> {
        let mut args: SecretArgs = head::decode(config)?;
        head::take_identity_from_metadata(config, &mut args.name, &mut args.namespace)?;
        Ok(SecretGenerator { args: Spanned { value: args, pos: config.pos }, files })
    }

    fn make(&self) -> Result<Resource, BuildError> {
        let args = &self.args.value;
        let head = Head {
            kind: "Secret",
            name: &args.name,
            namespace: &args.namespace,
            behavior: &args.behavior,
            options: args.options.as_ref(),
            pos: self.args.pos,
        };
        let mut root = head.root()?;
        let secret_type = if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type };
        root.set_field("type", Node::string(secret_type));
        let mut pairs = key_value::load(args.sources(), self.files)?;
        pairs.sort_by(|a, b| a.key.cmp(&b.key));
        let entries = pairs
            .into_iter()
            .map(|pair| data_entry(&pair.key, &base64::encode_lines(&pair.value), pair.pos))
            .collect();
        root.insert("data", Node::map(Map::from_entries(entries)));
        Ok(head.finish(root))
    }
}

impl Generator for SecretGenerator<'_> {
    fn generate(&self, _cx: &Context) -> Result<Vec<Resource>, BuildError> {
        let step = || format!("making the Secret `{}`", self.args.name);
        self.make().map(|made| vec![made]).map_err(|error| error.within(step(), self.args.pos))
    }
}
