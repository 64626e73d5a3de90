//! Finding the fields that field specs name, and making the missing ones.

use std::sync::OnceLock;

use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::resource::{NodePath, NodeStep, Resource, split_api_version};
use crate::yaml::{MAX_DEPTH, Map, Node, Scalar, Seq, Str, Style, Tag, Value};

use super::path::{self, Segments, trimmed};
use super::{FieldSpec, Table};

/// What to make where a field spec says `create` and its field is missing or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing, whatever the field spec says.
    Never,
    /// An empty scalar; a null one gets this tag.
    Scalar(Tag),
    /// An empty map.
    Map,
}

impl FieldSpec {
    /// Where the fields are that [`FieldSpecs::apply`](super::FieldSpecs::apply) would call `set` on, in the same order,
    /// if it were not to create any.
    pub(crate) fn places(&self, root: &Node) -> Vec<NodePath> {
        let mut places = Vec::new();
        collect(root, self.path.segments(), &mut Vec::new(), &mut places);
        places
    }
}

fn collect(node: &Node, path: Segments<'_>, way: &mut Vec<NodeStep>, places: &mut Vec<NodePath>) {
    let mut path = path;
    let mut rest = path;
    let segment = loop {
        let Some(segment) = rest.next() else {
            places.push(way.as_slice().into());
            return;
        };
        // A part of blanks means the map itself.
        if node.as_map().is_none() || !trimmed(&segment.name).is_empty() {
            break segment;
        }
        path = rest;
    };
    match &node.value {
        Value::Scalar(_) => {}
        Value::Seq(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(NodeStep::Item(index));
                collect(item, path, way, places);
                way.pop();
            }
        }
        Value::Map(map) => {
            let name = trimmed(&segment.name);
            if let Some(field) = map.get(name) {
                way.push(NodeStep::Field(name.into()));
                collect(field, rest, way, places);
                way.pop();
            }
        }
    }
}

/// The field specs of a transformer, grouped by kind: most of them name one, so a resource is held
/// against those only that could mean it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldSpecs {
    table: Table<FieldSpec>,
    /// Their paths, split when they are first needed.
    steps: Vec<OnceLock<Box<[path::Step]>>>,
    /// For each kind that is named: positions of the specs that name it or no kind, in order.
    by_kind: IndexMap<Str, Vec<u32>>,
    /// Positions of the specs that name no kind.
    any_kind: Vec<u32>,
}

/// One of the field specs of a transformer, ready to be applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selected<'a> {
    /// The field spec.
    pub(crate) spec: &'a FieldSpec,
    /// Its number among them.
    pub(crate) number: u32,
    steps: &'a [path::Step],
}

impl<'a> Selected<'a> {
    fn new(number: u32, specs: &'a FieldSpecs) -> Option<Self> {
        let spec = specs.get(number)?;
        let steps = specs.steps.get(number as usize)?.get_or_init(|| spec.path.steps());
        Some(Selected { spec, number, steps })
    }

    /// Calls `set` on each field that the spec names in the resource.
    ///
    /// # Errors
    /// Those of `set`, and a value on the way that is neither map nor list.
    pub(crate) fn apply(
        self,
        resource: &mut Resource,
        create: Create,
        set: &mut impl FnMut(&mut Node) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let create = if self.spec.create { create } else { Create::Never };
        walk(&mut resource.node, self.steps, 0, create, set)
            .map_err(|error| error.field(self.spec.path.as_str()).about(resource.written_id()))
    }
}

impl FieldSpecs {
    /// Groups field specs; their order stays the one in which they are applied.
    pub(crate) fn new(table: Table<FieldSpec>) -> Self {
        let mut by_kind: IndexMap<Str, Vec<u32>> = IndexMap::default();
        let mut any_kind: Vec<u32> = Vec::new();
        for (at, spec) in (0u32..).zip(&table) {
            if spec.kind.is_empty() {
                by_kind.values_mut().for_each(|positions| positions.push(at));
                any_kind.push(at);
            } else if let Some(positions) = by_kind.get_mut(&spec.kind) {
                positions.push(at);
            } else {
                let mut positions = any_kind.clone();
                positions.push(at);
                by_kind.insert(spec.kind.clone(), positions);
            }
        }
        let steps = vec![OnceLock::new(); table.len()];
        FieldSpecs { table, steps, by_kind, any_kind }
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Selected<'_>> {
        (0..).map_while(|number| Selected::new(number, self))
    }

    /// The one with a number.
    pub(crate) fn get(&self, number: u32) -> Option<&FieldSpec> {
        self.table.get(number as usize)
    }

    /// Those that mean resources of this `apiVersion` and kind, in order.
    pub(crate) fn selecting<'a>(
        &'a self,
        api_version: &str,
        kind: &str,
    ) -> impl Iterator<Item = Selected<'a>> + use<'a> {
        let api_version = Str::from(api_version);
        let numbers = self.by_kind.get(kind).unwrap_or(&self.any_kind);
        let selects = move |spec: &FieldSpec| {
            // Hardly any names more than a kind.
            (spec.group.is_empty() && spec.version.is_empty()) || {
                let (group, version) = split_api_version(&api_version);
                (spec.group.is_empty() || spec.group == group)
                    && (spec.version.is_empty() || spec.version == version)
            }
        };
        let selected = numbers.iter().filter(move |number| self.get(**number).is_some_and(&selects));
        selected.filter_map(|number| Selected::new(*number, self))
    }

    /// Calls `set` on each field that they name in the resource, spec by spec.
    ///
    /// # Errors
    /// Those of `set`, and a value on the way that is neither map nor list.
    pub(crate) fn apply(
        &self,
        resource: &mut Resource,
        create: Create,
        mut set: impl FnMut(&mut Node) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        self.selecting(resource.api_version(), resource.kind())
            .try_for_each(|selected| selected.apply(resource, create, &mut set))
    }
}

fn error(message: &str, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Transformer, message).at(node.pos)
}

fn walk(
    node: &mut Node,
    path: &[path::Step],
    depth: usize,
    create: Create,
    set: &mut impl FnMut(&mut Node) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let Some((step, rest)) = path.split_first() else { return set(node) };
    if depth == MAX_DEPTH {
        return Err(error("the path has too many parts", node));
    }
    match &mut node.value {
        Value::Scalar(scalar) if scalar.tag() == Tag::Null => Ok(()),
        Value::Scalar(_) => {
            Err(error("the path leads through a value that is neither a map nor a list", node))
        }
        // Lists have no part of their own in the path.
        Value::Seq(items) => items.iter_mut().try_for_each(|item| walk(item, path, depth + 1, create, set)),
        Value::Map(_) if step.refused.is_some() => Err(error(step.refused.unwrap_or_default(), node)),
        // A part of blanks: kustomize drops it when it looks the field up.
        Value::Map(_) if step.name.is_empty() => walk(node, rest, depth + 1, create, set),
        Value::Map(map) => {
            let below = create;
            let create = if step.is_list { Create::Never } else { create };
            let Some(field) = find_or_create(map, step, rest.is_empty(), create) else { return Ok(()) };
            fill_null(field, step.is_list, rest.is_empty(), create);
            walk(field, rest, depth + 1, below, set)
        }
    }
}

/// Looks a field up; one that is missing is made when it may be.
fn find_or_create<'a>(
    map: &'a mut Map,
    step: &path::Step,
    is_last: bool,
    create: Create,
) -> Option<&'a mut Node> {
    if create == Create::Never {
        return map.get_mut(&step.name);
    }
    Some(map.get_or_insert_with(&step.name, || {
        if is_last && create != Create::Map {
            Node::scalar(Scalar::untyped(""))
        } else {
            Node::map(Map::new())
        }
    }))
}

/// Turns a null into what is expected in its place: kustomize does so for fields that it may
/// create and for those marked as lists.
fn fill_null(field: &mut Node, is_list: bool, is_last: bool, create: Create) {
    let Value::Scalar(scalar) = &mut field.value else { return };
    if scalar.tag() != Tag::Null {
        return;
    }
    match create {
        _ if is_list => field.value = Value::Seq(Seq::new()),
        Create::Never => {}
        Create::Scalar(tag) if is_last => {
            // That of a null is only a remark of the reader.
            scalar.set_style(Style::Plain);
            scalar.set_tag(tag);
        }
        Create::Scalar(_) | Create::Map => field.value = Value::Map(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field_spec::FieldPath;

    fn can_be_followed(path: &str, mut node: Node) -> bool {
        walk(&mut node, &FieldPath::from(path).steps(), 0, Create::Map, &mut |_| Ok(())).is_ok()
    }

    #[test]
    fn fields_blanks_and_lists_have_a_limit() {
        for part in ["a/", " /"] {
            assert!(can_be_followed(&(part.repeat(MAX_DEPTH - 1) + "a"), Node::map(Map::new())));
            assert!(!can_be_followed(&(part.repeat(MAX_DEPTH) + "a"), Node::map(Map::new())));
        }
        let lists =
            |count| (0..count).fold(Node::map(Map::new()), |item, _| Node::seq(Seq::from_items(vec![item])));
        assert!(can_be_followed("a", lists(MAX_DEPTH - 1)));
        assert!(!can_be_followed("a", lists(MAX_DEPTH)));
    }
}
