//! Many field specs walked at once.
//!
//! Name references and vars look at dozens of paths in every resource, and most of these share
//! their first parts. Paths are merged into tries, so a resource is walked once, not once a path.

use super::{FieldPath, FieldSpec, Segment};
use crate::error::{BuildError, ErrorKind};
use crate::resource::Gvk;
use crate::yaml::{MAX_DEPTH, Node, Seq, Str, Tag, Value};

/// The paths of some field specs, in their order.
///
/// Within one trie no path is a part of another, so the fields they lead to are distinct and the
/// order among them does not matter. A path that would break this starts the next trie.
#[derive(Debug, Default)]
pub(crate) struct FieldTries {
    tries: Vec<Trie>,
}

#[derive(Debug)]
struct Trie {
    /// The first is the root.
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    /// The path that made this branch, for messages.
    path: FieldPath,
    steps: Vec<(Edge, usize)>,
    /// Numbers of the specs whose path ends here.
    specs: Vec<u32>,
}

/// One part of a path.
#[derive(Debug, PartialEq, Eq)]
enum Edge {
    /// The field with this name; `list` makes a null one an empty list.
    Field { name: Str, list: bool },
    /// A part of spaces alone: kustomize stays where it is.
    Stay,
    /// A part that no map can have: kustomize takes it for an index, or refuses it.
    Refused(Str),
}

impl From<Segment<'_>> for Edge {
    fn from(segment: Segment<'_>) -> Self {
        let is_index = |text: &str| text.parse::<i64>().is_ok() || matches!(text, "-" | "*");
        if segment.name.is_empty() {
            return Edge::Refused(Str::default());
        }
        let name = Str::from(segment.name.trim());
        if name.is_empty() {
            Edge::Stay
        } else if is_index(&name) || (name.starts_with('[') && name.ends_with(']')) {
            Edge::Refused(name)
        } else {
            Edge::Field { name, list: segment.is_list }
        }
    }
}

impl Branch {
    fn new(path: &FieldPath) -> Self {
        Branch { path: path.clone(), steps: Vec::new(), specs: Vec::new() }
    }
}

impl FieldTries {
    /// The paths of those specs that pick a kind. The number of a spec is its index.
    pub(crate) fn of(gvk: &Gvk, specs: &[FieldSpec]) -> Self {
        let mut tries = FieldTries::default();
        for (number, spec) in specs.iter().enumerate() {
            if spec.selects(&gvk.group, &gvk.version, &gvk.kind) {
                tries.add(&spec.path, u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        tries
    }

    /// Whether there are no paths.
    pub(crate) fn is_empty(&self) -> bool {
        self.tries.is_empty()
    }

    /// Adds the path of a spec; specs are visited in the order in which they are added.
    pub(crate) fn add(&mut self, path: &FieldPath, spec: u32) {
        if !self.tries.last_mut().is_some_and(|trie| trie.add(path, spec)) {
            let mut trie = Trie { branches: vec![Branch::new(path)] };
            trie.add(path, spec);
            self.tries.push(trie);
        }
    }

    /// Calls `visit` with every field that a path leads to and the number of its spec. Lists on
    /// the way are gone through; nothing is made.
    ///
    /// # Errors
    /// Those of `visit`, and a value on the way that is neither map nor list.
    pub(crate) fn walk(
        &self,
        node: &mut Node,
        visit: &mut impl FnMut(&mut Node, u32) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        self.tries.iter().try_for_each(|trie| trie.walk(0, 0, node, visit))
    }
}

impl Trie {
    /// Adds a path unless it is a part of another or the other way round.
    fn add(&mut self, path: &FieldPath, spec: u32) -> bool {
        let mut at = 0;
        for segment in path.segments() {
            if !self.branches[at].specs.is_empty() {
                return false;
            }
            let step = Edge::from(segment);
            let known = self.branches[at].steps.iter().find(|(known, _)| *known == step);
            at = match known {
                Some((_, next)) => *next,
                None => {
                    let next = self.branches.len();
                    self.branches.push(Branch::new(path));
                    self.branches[at].steps.push((step, next));
                    next
                }
            };
        }
        let end = &mut self.branches[at];
        let fits = end.steps.is_empty();
        if fits {
            end.specs.push(spec);
        }
        fits
    }

    fn walk(
        &self,
        at: usize,
        depth: usize,
        node: &mut Node,
        visit: &mut impl FnMut(&mut Node, u32) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let branch = &self.branches[at];
        if depth == MAX_DEPTH {
            let error = BuildError::new(ErrorKind::Transformer, "the path has too many parts");
            return Err(error.at(node.pos).field(branch.path.as_str()));
        }
        if !branch.specs.is_empty() {
            let visited = branch.specs.iter().try_for_each(|spec| visit(node, *spec));
            return visited.map_err(|error| error.at(node.pos).field(branch.path.as_str()));
        }
        match &mut node.value {
            Value::Seq(items) => items.iter_mut().try_for_each(|item| self.walk(at, depth + 1, item, visit)),
            Value::Map(_) => branch.steps.iter().try_for_each(|(step, next)| match step {
                Edge::Field { name, list } => match node.get_mut(name) {
                    None => Ok(()),
                    Some(field) => {
                        if *list && field.is_null() {
                            field.value = Value::Seq(Seq::new());
                        }
                        self.walk(*next, depth + 1, field, visit)
                    }
                },
                Edge::Stay => self.walk(*next, depth + 1, node, visit),
                Edge::Refused(name) => Err(self.refused(*next, name, node)),
            }),
            Value::Scalar(scalar) if scalar.tag() == Tag::Null => Ok(()),
            Value::Scalar(scalar) => {
                let message = format!(
                    "the field spec `{}` leads through `{}`, which is neither a map nor a list",
                    branch.path,
                    scalar.text()
                );
                let error = BuildError::new(ErrorKind::Transformer, message);
                Err(error.at(node.pos).field(branch.path.as_str()))
            }
        }
    }

    fn refused(&self, at: usize, name: &str, node: &Node) -> BuildError {
        let path = &self.branches[at].path;
        let message = if name.is_empty() {
            format!("the field spec `{path}` has an empty part")
        } else {
            format!("the field spec `{path}` has the part `{name}`, which cannot be a field of a map")
        };
        BuildError::new(ErrorKind::Transformer, message)
            .at(node.pos)
            .field(path.as_str())
            .with_help("field specs name fields only; lists are gone through by themselves")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Map;

    fn can_be_followed(path: &str, mut node: Node) -> bool {
        let mut tries = FieldTries::default();
        tries.add(&FieldPath::from(path), 0);
        tries.walk(&mut node, &mut |_, _| Ok(())).is_ok()
    }

    fn nested(count: usize, within: impl Fn(Node) -> Node) -> Node {
        (0..count).fold(Node::map(Map::new()), |node, _| within(node))
    }

    fn below_field(node: Node) -> Node {
        let mut map = Map::new();
        map.insert("a", node);
        Node::map(map)
    }

    #[test]
    fn fields_blanks_and_lists_have_a_limit() {
        for count in [MAX_DEPTH - 1, MAX_DEPTH] {
            let is_short = count < MAX_DEPTH;
            let path = |part: &str| vec![part; count].join("/");
            assert_eq!(can_be_followed(&path("a"), nested(count, below_field)), is_short);
            assert_eq!(can_be_followed(&path(" "), Node::map(Map::new())), is_short);
            let lists = nested(count, |item| Node::seq(Seq::from_items(vec![item])));
            assert_eq!(can_be_followed("a", lists), is_short);
        }
    }
}
