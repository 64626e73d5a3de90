//! `replacements` and `ReplacementTransformer`.

mod budget;
mod index;
mod layout;
mod lists;
mod matches;
mod path;
mod properties;
mod source;
mod structured;
mod target;

use super::config::{decode, read_file};
use super::{Files, Transformer};
use crate::collections::IndexMap;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::Replacement;
use crate::resource::ResourceSet;
use crate::yaml::decode::{Anything, Rules, Spanned, fields, from_node};
use crate::yaml::{Node, Pos, Value};

use budget::Budget;
use index::Index;
pub(crate) use path::{in_brackets, split};
use target::{Target, Work};

/// Copies values from field to field.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplacementTransformer {
    replacements: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Item {
    replacement: Replacement,
    /// Whether targets are given, be it none.
    has_targets: bool,
    pos: Pos,
}

#[derive(Default)]
struct Config {
    replacements: Vec<Spanned<Replacement>>,
}

fields!(Config { replacements(verbatim) });

/// The same configuration, for what a list without items does not tell.
#[derive(Default)]
struct Presence {
    replacements: Vec<TargetsPresence>,
}

fields!(Presence { replacements });

#[derive(Default)]
struct TargetsPresence {
    targets: Option<Anything>,
}

fields!(TargetsPresence { targets });

impl ReplacementTransformer {
    /// From the field of a kustomization. Files are read now.
    ///
    /// # Errors
    /// A file that cannot be read or is none of replacements; a replacement that has both a path
    /// and a source or targets.
    pub(crate) fn new(replacements: &[Spanned<Replacement>], files: &dyn Files) -> Result<Self, BuildError> {
        let mut all = ReplacementTransformer::default();
        for replacement in replacements {
            let has_targets = !replacement.targets.is_empty();
            all.add(replacement, has_targets, files)?;
        }
        Ok(all)
    }

    /// From a configuration of this kind.
    ///
    /// # Errors
    /// As [`ReplacementTransformer::new`].
    pub(crate) fn from_config(config: &Node, files: &dyn Files) -> Result<Self, BuildError> {
        let Config { replacements } = decode(config)?;
        let presence: Presence = decode(config)?;
        let mut all = ReplacementTransformer::default();
        for (replacement, presence) in replacements.iter().zip(presence.replacements) {
            all.add(replacement, presence.targets.is_some(), files)?;
        }
        Ok(all)
    }

    fn add(
        &mut self,
        replacement: &Spanned<Replacement>,
        has_targets: bool,
        files: &dyn Files,
    ) -> Result<(), BuildError> {
        let path = &replacement.path;
        if path.is_empty() {
            let (replacement, pos) = (replacement.value.clone(), replacement.pos);
            self.replacements.push(Item { replacement, has_targets, pos });
            return Ok(());
        }
        if replacement.source.is_some() || !replacement.targets.is_empty() {
            let message = "a replacement has either a path or a source and targets, not both";
            return Err(error(message).at(replacement.pos));
        }
        let Some(root) = read_file(path, files)? else {
            return Err(error("the file holds no replacements").in_file(path.as_str()).at(path.pos));
        };
        match &root.value {
            Value::Seq(items) => items.iter().try_for_each(|item| self.add_from_file(item)),
            Value::Map(_) => self.add_from_file(&root),
            Value::Scalar(_) => Err(error("replacements are a list, or a single one a map")
                .at(root.pos)
                .in_file(path.as_str())),
        }
    }

    fn add_from_file(&mut self, node: &Node) -> Result<(), BuildError> {
        let refused = |error| BuildError::decode(ErrorKind::Replacement, error);
        let replacement: Replacement = from_node(node, Rules::FILE).map_err(refused)?;
        let presence: TargetsPresence = from_node(node, Rules::FILE).map_err(refused)?;
        let has_targets = presence.targets.is_some();
        self.replacements.push(Item { replacement, has_targets, pos: node.pos });
        Ok(())
    }
}

impl Transformer for ReplacementTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        if self.replacements.is_empty() {
            return Ok(());
        }
        let resources = set.list_mut();
        let mut work = Work {
            index: Index::new(resources),
            lists: IndexMap::default(),
            budget: Budget::new(),
            sources: &cx.sources,
        };
        for item in &self.replacements {
            let Item { replacement, has_targets, pos } = item;
            if (replacement.source.is_none() && replacement.source_value.is_none()) || !has_targets {
                return Err(error("a replacement needs a source and at least one target").at(*pos));
            }
            let mut value =
                source::value(replacement, resources, &work.index).map_err(|error| error.at(*pos))?;
            for selector in &replacement.targets {
                cx.cancellation.check()?;
                Target::new(selector, resources)
                    .and_then(|target| target.replace(&mut value, resources, &mut work))
                    .map_err(|error| error.at(selector.pos))?;
            }
        }
        Ok(())
    }
}

fn error(message: &str) -> BuildError {
    BuildError::new(ErrorKind::Replacement, message)
}
