//! Which resources a selector picks.

use super::label_selector::LabelSelector;
use super::{Resource, ResourceSet, split_api_version};
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::Selector;
use crate::pattern::Pattern;
use crate::schema::Schema;

/// A selector, compiled: each part a pattern that must match as a whole, none where anything does
/// (the reference's `SelectorRegex`).
#[derive(Debug)]
pub(crate) struct Matcher<'s> {
    selector: &'s Selector,
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Option<LabelSelector>,
    annotations: Option<LabelSelector>,
}

impl<'s> Matcher<'s> {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// One of them is no regular expression in Go's syntax.
    pub(crate) fn new(selector: &'s Selector) -> Result<Self, BuildError> {
        let pattern = |text: &str, field: &str| match text {
            "" => Ok(None),
            text => Pattern::whole(text).map(Some).map_err(|error| bad(&error, field)),
        };
        Ok(Matcher {
            group: pattern(&selector.group, "group")?,
            version: pattern(&selector.version, "version")?,
            kind: pattern(&selector.kind, "kind")?,
            name: pattern(&selector.name, "name")?,
            namespace: pattern(&selector.namespace, "namespace")?,
            labels: None,
            annotations: None,
            selector,
        })
    }

    /// Positions, in order, of the resources that match.
    ///
    /// # Errors
    /// The label or annotation selector cannot be parsed. As in the reference it is looked at only
    /// once a resource has matched so far.
    pub(crate) fn select(mut self, set: &mut ResourceSet, schema: &Schema) -> Result<Vec<usize>, BuildError> {
        let candidates = match self.name.as_ref().and_then(Pattern::literal) {
            Some(name) => set.positions_with_any_name(name),
            None => (0..set.len()).collect(),
        };
        let list = set.as_slice();
        let mut found = Vec::new();
        for at in candidates {
            if let Some(resource) = list.get(at)
                && self.matches(resource, schema)?
            {
                found.push(at);
            }
        }
        Ok(found)
    }

    fn matches(&mut self, resource: &Resource, schema: &Schema) -> Result<bool, BuildError> {
        if !self.matches_kind(resource) || !self.matches_id(resource, schema) {
            return Ok(false);
        }
        let selector = self.selector;
        if !selector.label_selector.is_empty() {
            let labels = parsed(&mut self.labels, &selector.label_selector, "labelSelector")?;
            if !labels.matches(|name| resource.label(name)) {
                return Ok(false);
            }
        }
        if !selector.annotation_selector.is_empty() {
            let annotations =
                parsed(&mut self.annotations, &selector.annotation_selector, "annotationSelector")?;
            if !annotations.matches(|name| resource.annotation(name)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn matches_kind(&self, resource: &Resource) -> bool {
        let (group, version) = split_api_version(resource.api_version());
        fits(self.kind.as_ref(), resource.kind())
            && fits(self.group.as_ref(), group)
            && fits(self.version.as_ref(), version)
    }

    /// The first name or the current one must match, and likewise the namespace.
    fn matches_id(&self, resource: &Resource, schema: &Schema) -> bool {
        let first = resource.history.previous.first();
        let name = &self.name;
        if name.is_some()
            && !fits(name.as_ref(), resource.name())
            && !first.is_some_and(|first| fits(name.as_ref(), &first.name))
        {
            return false;
        }
        let namespace = self.namespace.as_ref();
        namespace.is_none()
            || fits(namespace, resource.id(schema).effective_namespace())
            || first.is_some_and(|_| fits(namespace, resource.original_id(schema).effective_namespace()))
    }
}

fn fits(pattern: Option<&Pattern>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text))
}

/// The parsed selector, parsed now if it was not before.
fn parsed<'a>(
    slot: &'a mut Option<LabelSelector>,
    text: &str,
    field: &str,
) -> Result<&'a LabelSelector, BuildError> {
    match slot {
        Some(parsed) => Ok(parsed),
        None => Ok(slot.insert(LabelSelector::parse(text).map_err(|error| bad(&error, field))?)),
    }
}

fn bad(error: &dyn std::error::Error, field: &str) -> BuildError {
    BuildError::new(ErrorKind::Kustomization, error.to_string()).field(format!("target.{field}"))
}
