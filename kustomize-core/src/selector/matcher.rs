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
        let candidates = self.candidates(set).unwrap_or_else(|| (0..set.len()).collect());
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

    /// Positions, in order, of the resources that could match, where that is quicker to find out
    /// than whether they do.
    pub(crate) fn candidates(&self, set: &mut ResourceSet) -> Option<Vec<usize>> {
        let name = self.name.as_ref()?;
        match name.literal() {
            Some(name) => Some(set.positions_with_any_name(name)),
            None => name.beginnings().map(|beginnings| set.positions_with_beginning(&beginnings)),
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::{Map, Node};

    const NAMES: &str = "[ab]-[ab]{0,3}";

    /// What is done between two selections.
    #[derive(Clone, Debug)]
    enum Step {
        Select(String),
        Rename(prop::sample::Index, String),
        Remove(prop::sample::Index),
        Add(String),
    }

    fn step() -> impl Strategy<Value = Step> {
        let pattern = prop_oneof![
            NAMES.prop_map(|name| format!("{name}.*")),
            (NAMES, NAMES).prop_map(|(one, other)| format!("{one}|{other}")),
            (NAMES, NAMES).prop_map(|(one, other)| format!("({one}|{other})[ab]?")),
            NAMES.prop_map(|name| format!("(?i){name}")),
            NAMES.prop_map(|name| format!(".*{name}")),
            NAMES,
        ];
        let any = any::<prop::sample::Index>;
        prop_oneof![
            6 => pattern.prop_map(Step::Select),
            2 => (any(), NAMES).prop_map(|(at, name)| Step::Rename(at, name)),
            1 => any().prop_map(Step::Remove),
            1 => NAMES.prop_map(Step::Add),
        ]
    }

    fn resource(name: &str) -> Resource {
        let mut resource = Resource::new(Node::map(Map::new()));
        resource.set_kind("ConfigMap");
        resource.set_name(name);
        resource
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn selecting_finds_what_matches(
            names in prop::collection::vec(NAMES, 1..30),
            steps in prop::collection::vec(step(), 1..120),
        ) {
            let schema = Schema::default();
            let mut set = ResourceSet::from_list(names.iter().map(|name| resource(name)).collect());
            for step in steps {
                match step {
                    Step::Select(name) => {
                        let matcher = Matcher::new(&Selector { name: name.clone(), ..Selector::default() }).unwrap();
                        let all = set.iter().enumerate();
                        let matching: Vec<usize> = all
                            .filter(|(_, resource)| matcher.matches(resource, &schema).unwrap())
                            .map(|(at, _)| at)
                            .collect();
                        prop_assert_eq!(matcher.select(&mut set, &schema).unwrap(), matching, "{}", name);
                    }
                    Step::Rename(at, name) if !set.is_empty() => {
                        set.update(at.index(set.len()), &schema, |resource| {
                            resource.remember_id(&schema);
                            resource.set_name(&name);
                        });
                    }
                    Step::Remove(at) if !set.is_empty() => set.remove_all(&[at.index(set.len())]),
                    // A name that is there already is not added.
                    Step::Add(name) => drop(set.append(resource(&name), &schema)),
                    Step::Rename(..) | Step::Remove(_) => {}
                }
            }
        }
    }
}
