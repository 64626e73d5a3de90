//! Bookkeeping that a resource brings along.
//!
//! kustomize keeps its books in annotations, and so believes those that it finds in its input:
//! in output of functions that were handed them, and where users write them to get an effect that
//! kustomizations do not offer.

use super::{Behavior, PreviousId, Resource};
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Entry, Node, Str};

const INTERNAL: &str = "internal.config.kubernetes.io/";

impl Resource {
    /// Moves kustomize's bookkeeping from annotations into the history.
    ///
    /// # Errors
    /// Previous names, namespaces and kinds that do not go together.
    pub(crate) fn absorb_internal_annotations(&mut self) -> Result<(), BuildError> {
        let Some(annotations) = self
            .node
            .get_mut("metadata")
            .and_then(|metadata| metadata.get_mut("annotations"))
            .and_then(Node::as_map_mut)
            .filter(|map| map.iter().any(|entry| entry.key.as_str().starts_with(INTERNAL)))
        else {
            return Ok(());
        };
        let mut previous = Previous::default();
        let history = &mut self.history;
        annotations.retain(|Entry { key, value }| {
            let Some(name) = key.as_str().strip_prefix(INTERNAL) else { return true };
            let text = value.text();
            let enabled = text == "enabled";
            match name {
                "previousNames" => previous.names = Some(list(text)),
                "previousNamespaces" => previous.namespaces = Some(list(text)),
                "previousKinds" => previous.kinds = Some(list(text)),
                "prefixes" => history.prefixes = list(text),
                "suffixes" => history.suffixes = list(text),
                "allowNameChange" => history.allow_name_change = enabled,
                "allowKindChange" => history.allow_kind_change = enabled,
                "needsHashSuffix" => history.needs_hash = enabled,
                "generatorBehavior" => history.behavior = Behavior::named(text),
                _ => return true,
            }
            false
        });
        match previous.into_ids() {
            Some(ids) => {
                self.history.previous = ids;
                Ok(())
            }
            None => {
                let message = "annotations for previous names, namespaces and kinds do not go together";
                Err(BuildError::new(ErrorKind::Resource, message)
                    .at(self.node.pos)
                    .about(self.written_id())
                    .field("metadata.annotations")
                    .with_help(format!("leave annotations that start with `{INTERNAL}` to the build")))
            }
        }
    }
}

fn list(text: &str) -> Vec<Str> {
    text.split(',').map(Str::from).collect()
}

#[derive(Default)]
struct Previous {
    names: Option<Vec<Str>>,
    namespaces: Option<Vec<Str>>,
    kinds: Option<Vec<Str>>,
}

impl Previous {
    /// The ids, if there are as many of each. Without names the rest does not count.
    fn into_ids(self) -> Option<Vec<PreviousId>> {
        let Some(names) = self.names else { return Some(Vec::new()) };
        let namespaces = self.namespaces.unwrap_or_else(|| list(""));
        let kinds = self.kinds.unwrap_or_else(|| list(""));
        if names.len() != namespaces.len() || names.len() != kinds.len() {
            return None;
        }
        let ids = names.into_iter().zip(namespaces).zip(kinds);
        Some(ids.map(|((name, namespace), kind)| PreviousId { kind, name, namespace }).collect())
    }
}
