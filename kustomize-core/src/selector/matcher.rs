//! Which resources a selector picks.

use std::sync::OnceLock;

use super::label_selector::LabelSelector;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::Selector;
use crate::pattern::Pattern;
use crate::resource::{Resource, ResourceSet, split_api_version};
use crate::schema::Schema;

/// A selector, compiled: each part a pattern that must match as a whole, none where anything does
/// (kustomize's `SelectorRegex`).
#[derive(Debug)]
pub(crate) struct Matcher {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Labels,
    annotations: Labels,
}

/// A selector of labels or annotations. As in kustomize it is looked at only once a resource
/// matches in all other respects.
#[derive(Debug)]
struct Labels {
    text: String,
    parsed: OnceLock<Result<LabelSelector, BuildError>>,
}

impl Matcher {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// One of them is no regular expression in Go's syntax.
    pub(crate) fn new(selector: &Selector) -> Result<Self, BuildError> {
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
            labels: Labels::new(&selector.label_selector),
            annotations: Labels::new(&selector.annotation_selector),
        })
    }

    /// Whether it picks by one name, so that it is quicker to look resources up than to go over
    /// them.
    pub(crate) fn is_by_name(&self) -> bool {
        self.name.as_ref().and_then(Pattern::literal).is_some()
    }

    /// Whether it looks at labels or annotations.
    pub(crate) fn looks_at_labels(&self) -> bool {
        !self.labels.text.is_empty() || !self.annotations.text.is_empty()
    }

    /// Positions, in order, of the resources that match.
    ///
    /// # Errors
    /// The label or annotation selector cannot be parsed. As in kustomize it is looked at only
    /// once a resource has matched so far.
    pub(crate) fn select(&self, set: &mut ResourceSet, schema: &Schema) -> Result<Vec<usize>, BuildError> {
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

    /// Whether a resource matches.
    ///
    /// # Errors
    /// As for [`Matcher::select`].
    pub(crate) fn matches(&self, resource: &Resource, schema: &Schema) -> Result<bool, BuildError> {
        if !self.matches_kind(resource) || !self.matches_id(resource, schema) {
            return Ok(false);
        }
        Ok(self.labels.matches("labelSelector", |name| resource.label(name))?
            && self.annotations.matches("annotationSelector", |name| resource.annotation(name))?)
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

impl Labels {
    fn new(text: &str) -> Self {
        Labels { text: text.to_owned(), parsed: OnceLock::new() }
    }

    fn matches<'r>(&self, field: &str, value: impl Fn(&str) -> Option<&'r str>) -> Result<bool, BuildError> {
        if self.text.is_empty() {
            return Ok(true);
        }
        let parse = || LabelSelector::parse(&self.text).map_err(|error| bad(&error, field));
        self.parsed.get_or_init(parse).as_ref().map(|labels| labels.matches(value)).map_err(Clone::clone)
    }
}

fn bad(error: &dyn std::error::Error, field: &str) -> BuildError {
    BuildError::new(ErrorKind::Kustomization, error.to_string()).field(format!("target.{field}"))
}
