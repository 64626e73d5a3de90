//! Where the value of a replacement goes.

use std::ops::Range;
use std::sync::Arc;

use super::budget::Budget;
use super::index::Index;
use super::layout::Layout;
use super::lists::Lists;
use super::matches::{self, EmptyText, Matches, Shape};
use super::path::Path;
use super::source::{DEFAULT_FIELD, SourceValue};
use super::structured;
use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::{FieldOptions, Selector, TargetSelector};
use crate::pattern::{BadPattern, Pattern};
use crate::resource::{Resource, split_api_version};
use crate::selector::LabelSelector;
use crate::yaml::decode::Spanned;
use crate::yaml::{Node, Pos, Sources, Str, Value};

/// What the replacements of a list have in common.
pub(super) struct Work<'s> {
    pub(super) index: Index,
    /// What is known about the lists of resources, by their positions.
    pub(super) lists: IndexMap<usize, Lists>,
    pub(super) budget: Budget,
    pub(super) sources: &'s Sources,
}

/// One target of a replacement, compiled.
pub(super) struct Target<'a> {
    selector: &'a TargetSelector,
    select: IdPatterns,
    reject: Vec<IdPatterns>,
    select_labels: Labels,
    reject_labels: Vec<Labels>,
    fields: Vec<(Path, Pos)>,
}

/// Patterns for the parts of an id; none where anything matches.
#[derive(Debug)]
struct IdPatterns {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
}

/// Selectors of labels and annotations; none where anything matches.
#[derive(Debug)]
struct Labels {
    labels: Option<LabelSelector>,
    annotations: Option<LabelSelector>,
}

impl<'a> Target<'a> {
    /// Compiles a target.
    ///
    /// # Errors
    /// No `select`, bad patterns and selectors.
    pub(super) fn new(
        target: &'a Spanned<TargetSelector>,
        resources: &[Arc<Resource>],
    ) -> Result<Self, BuildError> {
        let selector = &target.value;
        let Some(select) = &selector.select else {
            return Err(error("a target of a replacement must select resources")
                .with_help("add `select`, for example `select: {kind: Deployment}`"));
        };
        let patterns = |selector: &Selector| IdPatterns::new(selector).map_err(|bad| error(&bad.to_string()));
        let compiled = Target {
            select: patterns(select)?,
            // A selector without an id rejects by labels and annotations only.
            reject: selector
                .reject
                .iter()
                .filter(|selector| has_id(selector))
                .map(patterns)
                .collect::<Result<_, _>>()?,
            select_labels: Labels::new(select, !resources.is_empty())?,
            reject_labels: Vec::new(),
            fields: fields(selector)?,
            selector,
        };
        compiled.with_reject_labels(resources)
    }

    /// kustomize looks at these selectors only when a resource has the labels that are
    /// selected: a bad one is no error otherwise.
    fn with_reject_labels(mut self, resources: &[Arc<Resource>]) -> Result<Self, BuildError> {
        let mut rejecting = self
            .selector
            .reject
            .iter()
            .filter(|selector| {
                !selector.label_selector.is_empty() || !selector.annotation_selector.is_empty()
            })
            .peekable();
        if rejecting.peek().is_some() {
            let used = resources.iter().any(|resource| self.select_labels.matches(resource));
            self.reject_labels =
                rejecting.map(|selector| Labels::new(selector, used)).collect::<Result<_, _>>()?;
        }
        Ok(self)
    }

    /// Puts the value into all fields of all resources that are meant.
    pub(super) fn replace(
        &self,
        value: &mut SourceValue,
        resources: &mut [Arc<Resource>],
        work: &mut Work<'_>,
    ) -> Result<(), BuildError> {
        let name = self.select.name.as_ref().and_then(Pattern::literal);
        let kind = self.select.kind.as_ref().and_then(Pattern::literal);
        let candidates = work.index.candidates(name, kind).to_vec();
        for at in candidates {
            let Some(resource) = resources.get_mut(at).filter(|resource| self.picks(resource)) else {
                continue;
            };
            let resource = Arc::make_mut(resource);
            for (path, pos) in &self.fields {
                // The field is made first: a source that holds it is copied with it in there.
                if self.creates() && value.is_tree_of(at) {
                    make(&value.node, path, at, &mut resource.node, work);
                    value.refresh(at, resource);
                }
                let layout = Layout { sources: work.sources, document: "" };
                resource.leave_links(|root, place| matches::covers(path, root, place, layout));
                put(&value.node, path, self.selector.options.as_ref(), at, &mut resource.node, work)
                    .map_err(|error| error.field(path.text.as_str()).at(*pos).about(resource.written_id()))?;
                if resource.settle_links()
                    && let Some(lists) = work.lists.get_mut(&at)
                {
                    lists.forget();
                }
                value.refresh(at, resource);
                if path.may_change_id() {
                    work.index.note(at, resource);
                }
            }
        }
        Ok(())
    }

    fn creates(&self) -> bool {
        self.selector.options.as_ref().is_some_and(|options| options.create)
    }

    fn picks(&self, resource: &Resource) -> bool {
        self.select_labels.matches(resource)
            && !self.reject_labels.iter().any(|labels| labels.matches(resource))
            && self.select.match_any_id(resource)
            && !self.reject.iter().any(|patterns| patterns.match_any_id(resource))
    }
}

fn has_id(selector: &Selector) -> bool {
    [&selector.group, &selector.version, &selector.kind, &selector.name, &selector.namespace]
        .into_iter()
        .any(|part| !part.is_empty())
}

fn fields(selector: &TargetSelector) -> Result<Vec<(Path, Pos)>, BuildError> {
    let parse = |text: &str, pos: Pos| match Path::parse(text) {
        Some(path) => Ok((path, pos)),
        None => Err(error("the path has too many parts").at(pos)),
    };
    if selector.field_paths.is_empty() {
        return Ok(vec![parse(DEFAULT_FIELD, Pos::NONE)?]);
    }
    selector.field_paths.iter().map(|path| parse(path, path.pos)).collect()
}

impl IdPatterns {
    fn new(selector: &Selector) -> Result<Self, BadPattern> {
        let pattern = |text: &str| if text.is_empty() { Ok(None) } else { Pattern::whole(text).map(Some) };
        Ok(IdPatterns {
            group: pattern(&selector.group)?,
            version: pattern(&selector.version)?,
            kind: pattern(&selector.kind)?,
            name: pattern(&selector.name)?,
            namespace: pattern(&selector.namespace)?,
        })
    }

    /// Whether all patterns match one id of a resource, be it the current or an earlier one.
    fn match_any_id(&self, resource: &Resource) -> bool {
        fn fits(pattern: Option<&Pattern>, text: &str) -> bool {
            pattern.is_none_or(|pattern| pattern.is_match(text))
        }
        let id = |kind: &str, name: &str, namespace: &str| {
            fits(self.kind.as_ref(), kind)
                && fits(self.name.as_ref(), name)
                && fits(self.namespace.as_ref(), namespace)
        };
        let (group, version) = split_api_version(resource.api_version());
        (id(resource.kind(), resource.name(), resource.namespace())
            || resource
                .history
                .previous
                .iter()
                .any(|previous| id(&previous.kind, &previous.name, &previous.namespace)))
            && fits(self.group.as_ref(), group)
            && fits(self.version.as_ref(), version)
    }
}

impl Labels {
    /// Selectors that are not used match anything, and may be bad.
    fn new(selector: &Selector, used: bool) -> Result<Self, BuildError> {
        let parse = |text: &str| match text {
            "" => Ok(None),
            _ if !used => Ok(None),
            text => LabelSelector::parse(text).map(Some).map_err(|bad| error(&bad.to_string())),
        };
        Ok(Labels {
            annotations: parse(&selector.annotation_selector)?,
            labels: parse(&selector.label_selector)?,
        })
    }

    fn matches(&self, resource: &Resource) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.matches(|name| resource.label(name)))
            && self.annotations.as_ref().is_none_or(|labels| labels.matches(|name| resource.annotation(name)))
    }
}

/// Makes the fields that a path means where they are missing, each an empty map or list.
fn make(value: &Node, path: &Path, at: usize, root: &mut Node, work: &mut Work<'_>) {
    let mut matches = Matches {
        create: Some(Shape::of(value)),
        layout: Layout { sources: work.sources, document: "" },
        empty_text: EmptyText::Never,
        lists: None,
        place: Vec::new(),
        has_created: false,
        set: &mut |_| Ok(()),
    };
    // What is wrong with the path is told when the value is put there.
    let _ = matches.visit(root, &path.parts);
    if matches.has_created
        && let Some(lists) = work.lists.get_mut(&at)
    {
        lists.forget();
    }
}

/// Puts a value into all fields of a resource's tree that a path means.
fn put(
    value: &Node,
    path: &Path,
    options: Option<&FieldOptions>,
    at: usize,
    root: &mut Node,
    work: &mut Work<'_>,
) -> Result<(), BuildError> {
    let Work { lists, budget, sources, .. } = work;
    let lists = lists.entry(at).or_default();
    budget.tree(value, path.parts.len())?;
    let create = options.filter(|options| options.create).map(|_| Shape::of(value));
    if structured::put(value, path, create, root, lists, sources) {
        lists.forget_fields_of(path);
        return Ok(());
    }
    let mut has_reshaped = false;
    let mut set = |field: &mut Node| {
        has_reshaped |= field.as_scalar().is_none();
        set_field(field, value, options, budget)
    };
    let mut matches = Matches {
        create,
        layout: Layout { sources, document: "" },
        empty_text: if value.as_scalar().is_some_and(|value| value.text().is_empty()) {
            EmptyText::Null
        } else {
            EmptyText::Never
        },
        lists: Some(&mut *lists),
        place: Vec::new(),
        has_created: false,
        set: &mut set,
    };
    let found = matches.visit(root, &path.parts)?;
    if matches.has_created || has_reshaped {
        lists.forget();
    } else {
        lists.forget_fields_of(path);
    }
    if found {
        return Ok(());
    }
    let error = error(&format!("the target of a replacement has no field `{}`", path.text));
    Err(match create {
        Some(_) => error,
        None => error.with_help("`options: {create: true}` makes missing fields"),
    })
}

/// Puts a value into a field. A scalar keeps its type and style, which the new text has to fit.
fn set_field(
    field: &mut Node,
    value: &Node,
    options: Option<&FieldOptions>,
    budget: &mut Budget,
) -> Result<(), BuildError> {
    let options = options.filter(|options| !options.delimiter.is_empty());
    match &mut field.value {
        Value::Scalar(scalar) => {
            match options {
                Some(options) => {
                    budget.text(scalar.text().len() + value.text().len())?;
                    scalar.set_text(with_part(scalar.text(), value, options));
                }
                None => {
                    let new = value.as_scalar().cloned().unwrap_or_default();
                    *scalar = new.with(scalar.tag(), scalar.style());
                }
            }
            Ok(())
        }
        _ if options.is_some() => Err(error("only a scalar can be split by a delimiter").at(field.pos)),
        _ => {
            budget.tree(value, 0)?;
            field.clone_from(value);
            Ok(())
        }
    }
}

/// A text with one of its parts replaced, or one more before or after them.
fn with_part(text: &str, value: &Node, options: &FieldOptions) -> Str {
    let new = if value.is_null() { "" } else { value.text() };
    let delimiter = options.delimiter.as_str();
    let Ok(index) = usize::try_from(options.index) else { return [new, delimiter, text].concat().into() };
    match nth_part(text, delimiter, index) {
        Some(Range { start, end }) => [&text[..start], new, &text[end..]].concat().into(),
        None => [text, delimiter, new].concat().into(),
    }
}

/// Where a part of a text stands that is split by a delimiter.
fn nth_part(text: &str, delimiter: &str, index: usize) -> Option<Range<usize>> {
    let start = match (index.checked_sub(1), delimiter.as_bytes()) {
        (None, _) => 0,
        (Some(before), [byte]) => nth_byte(text.as_bytes(), *byte, before)? + 1,
        (Some(before), _) => text.match_indices(delimiter).nth(before)?.0 + delimiter.len(),
    };
    let rest = text.get(start..)?;
    Some(start..start + rest.find(delimiter).unwrap_or(rest.len()))
}

/// Where a byte stands for the n-th time, counted from 0.
fn nth_byte(bytes: &[u8], byte: u8, mut n: usize) -> Option<usize> {
    // Counting is much quicker than finding each: thousands of replacements may go into one text.
    const BLOCK: usize = 256;
    let mut start = 0;
    for block in bytes.chunks(BLOCK) {
        let count = memchr::memchr_iter(byte, block).count();
        if n < count {
            return memchr::memchr_iter(byte, block).nth(n).map(|at| start + at);
        }
        n -= count;
        start += block.len();
    }
    None
}

fn error(message: &str) -> BuildError {
    BuildError::new(ErrorKind::Replacement, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_put_together_counts() {
        let mut budget = Budget::new();
        for length in (0..40).rev().map(|power| 1 << power) {
            while budget.text(length).is_ok() {}
        }
        let options = FieldOptions { delimiter: ",".to_owned(), ..FieldOptions::default() };
        let set = |field: &str, value: &str, budget: &mut Budget| {
            set_field(&mut Node::string(field), &Node::string(value), Some(&options), budget).is_ok()
        };
        assert!(set("", "", &mut budget));
        assert!(!set("a", "", &mut budget));
        assert!(!set("", "a", &mut budget));
    }

    #[test]
    fn parts_are_those_that_a_split_gives() {
        let long: String = (0..500).map(|n| format!("é{n},")).collect();
        for (text, delimiter) in
            [("a,b,c", ","), ("", ","), (",", ","), ("a--b---c", "--"), (&long, ","), ("a", "é")]
        {
            let expected: Vec<&str> = text.split(delimiter).collect();
            for (index, part) in expected.iter().enumerate() {
                let range = nth_part(text, delimiter, index).unwrap();
                assert_eq!(&text[range], *part, "part {index} of {text}");
            }
            assert_eq!(nth_part(text, delimiter, expected.len()), None);
        }
    }
}
