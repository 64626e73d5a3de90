//! The operations.

use super::pointer::{self, Container, NoWay, Pointer};
use super::{Effort, JsonPatch, Operation};
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{MAX_DEPTH, Map, Node, Tag, Value, through_json};

/// How many values all `copy` operations of a patch may copy together: a few of them can double
/// the resource each.
const MAX_COPIED: usize = 1 << 22;

/// How many fields and items they may pass together: tens of thousands of operations on one long
/// list move it as often.
const MAX_PASSED: usize = 1 << 29;

impl JsonPatch {
    pub(super) fn apply_one(
        &self,
        operation: &Operation,
        document: &mut Node,
        effort: &mut Effort<'_>,
    ) -> Result<(), BuildError> {
        match text(operation.op.as_ref()).unwrap_or("unknown") {
            "add" => operation.add(document, operation.value.clone().unwrap_or_else(Node::null), effort),
            "remove" => operation.take("path", document, effort).map(drop),
            "replace" => operation.replace(document, effort),
            "move" => {
                let value = operation.take("from", document, effort)?;
                operation.add(document, value, effort)
            }
            "copy" => {
                let value = operation.copied(document, effort)?;
                operation.add(document, value, effort)
            }
            "test" => self.test(operation, document, effort),
            other => Err(operation
                .fails(format!("unknown operation `{other}`"))
                .with_help("`op` is one of add, remove, replace, move, copy and test")),
        }
    }

    fn test(
        &self,
        operation: &Operation,
        document: &mut Node,
        effort: &mut Effort<'_>,
    ) -> Result<(), BuildError> {
        let path = operation.path_text("path")?;
        let expected = operation.value.as_ref().filter(|value| !value.is_null());
        let found = if path.is_empty() {
            Some(&*document)
        } else {
            let pointer = operation.pointer("path")?;
            let container = operation.container(&pointer, document, effort)?;
            operation.found(&pointer, container, effort)?.filter(|found| !found.is_null())
        };
        let passes = match (found, expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => self.equal(found, expected),
            _ => false,
        };
        if passes {
            return Ok(());
        }
        let shown = |node: Option<&Node>| match node {
            None => "nothing".to_owned(),
            Some(node) => match &node.value {
                Value::Scalar(scalar) => format!("`{}`", scalar.text()),
                Value::Map(_) => "a map".to_owned(),
                Value::Seq(_) => "a list".to_owned(),
            },
        };
        let message =
            format!("the test of {path} failed: it expects {}, there is {}", shown(expected), shown(found));
        let error = operation.fails(message);
        Err(match found {
            Some(found) => error.with_note("what is there", found.pos),
            None => error,
        })
    }
}

impl Operation {
    fn add(&self, document: &mut Node, mut value: Node, effort: &mut Effort<'_>) -> Result<(), BuildError> {
        let pointer = self.pointer("path")?;
        self.receive(&pointer, &mut value, effort)?;
        let container = self.container(&pointer, document, effort)?;
        match &mut container.node.value {
            Value::Map(_) => pointer.put(container, value, effort),
            Value::Seq(list) => match pointer::insertion_index(list, &pointer.last) {
                Some(at) => list.insert(at, value),
                None => return Err(self.bad_index(&pointer, list.len())),
            },
            Value::Scalar(_) => return Err(self.no_container()),
        }
        Ok(())
    }

    /// Replacing a field that a map does not have adds it.
    fn replace(&self, document: &mut Node, effort: &mut Effort<'_>) -> Result<(), BuildError> {
        let mut value = self.value.clone().unwrap_or_else(Node::null);
        if self.path_text("path")?.is_empty() {
            if value.as_scalar().is_some() {
                return Err(self.fails("the whole resource can be replaced by a map only".to_owned()));
            }
            *document = value;
            effort.long_maps.clear();
            return Ok(());
        }
        let pointer = self.pointer("path")?;
        self.receive(&pointer, &mut value, effort)?;
        let container = self.container(&pointer, document, effort)?;
        match &container.node.value {
            Value::Map(_) => pointer.put(container, value, effort),
            _ => *self.item(&pointer, container.node)? = value,
        }
        Ok(())
    }

    /// Takes a value out of the document.
    fn take(
        &self,
        field: &'static str,
        document: &mut Node,
        effort: &mut Effort<'_>,
    ) -> Result<Node, BuildError> {
        let pointer = self.pointer(field)?;
        let mut container = self.container(&pointer, document, effort)?;
        match &mut container.node.value {
            Value::Map(_) => {
                let taken = pointer.take(&mut container, effort);
                taken.ok_or_else(|| self.missing_field(&pointer, container.node))
            }
            Value::Seq(list) => match pointer::index(list, &pointer.last) {
                Some(at) => Ok(list.remove(at)),
                None => Err(self.bad_index(&pointer, list.len())),
            },
            Value::Scalar(_) => Err(self.no_container()),
        }
    }

    /// A copy of what `from` points at: null where a map lacks the field.
    fn copied(&self, document: &mut Node, effort: &mut Effort<'_>) -> Result<Node, BuildError> {
        let pointer = self.pointer("from")?;
        let container = self.container(&pointer, document, effort)?;
        let Some(found) = self.found(&pointer, container, effort)? else { return Ok(Node::null()) };
        effort.copied += size(found);
        if effort.copied > MAX_COPIED {
            return Err(self.fails("the patch copies more than a resource can hold".to_owned()));
        }
        Ok(found.clone())
    }

    /// What a pointer leads to; nothing where a map lacks the field.
    fn found<'n>(
        &self,
        pointer: &Pointer,
        container: Container<'n>,
        effort: &mut Effort<'_>,
    ) -> Result<Option<&'n Node>, BuildError> {
        if container.node.as_map().is_none() {
            return self.item(pointer, container.node).map(|item| Some(&*item));
        }
        let position = pointer.position(&container, effort);
        let entries = container.node.as_map().map_or(&[][..], Map::as_slice);
        Ok(position.and_then(|at| entries.get(at)).map(|entry| &entry.value))
    }

    fn item<'n>(&self, pointer: &Pointer, container: &'n mut Node) -> Result<&'n mut Node, BuildError> {
        let Value::Seq(list) = &mut container.value else { return Err(self.no_container()) };
        let count = list.len();
        let at = pointer::index(list, &pointer.last);
        at.and_then(|at| list.get_mut(at)).ok_or_else(|| self.bad_index(pointer, count))
    }

    fn container<'n>(
        &self,
        pointer: &Pointer,
        document: &'n mut Node,
        effort: &mut Effort<'_>,
    ) -> Result<Container<'n>, BuildError> {
        let found = pointer.container(document, effort).map_err(|no_way| self.no_way(&no_way));
        if effort.passed > MAX_PASSED {
            let message = "the patch has too many operations on maps and lists this long".to_owned();
            return Err(self.fails(message).with_help("replace the whole map or list in one operation"));
        }
        found
    }

    pub(super) fn path_text(&self, field: &'static str) -> Result<&str, BuildError> {
        let node = if field == "from" { &self.from } else { &self.path };
        text(node.as_ref()).ok_or_else(|| self.fails(format!("the operation needs `{field}`, a string")))
    }

    pub(super) fn pointer(&self, field: &'static str) -> Result<Pointer, BuildError> {
        let path = self.path_text(field)?;
        Pointer::parse(path).ok_or_else(|| {
            self.fails(format!("`{field}: {path}` leads nowhere"))
                .with_help("paths start with a slash, for example /spec/template/spec/containers/0/image")
        })
    }

    /// Looks at a value before it is added.
    fn receive(
        &self,
        pointer: &Pointer,
        value: &mut Node,
        effort: &mut Effort<'_>,
    ) -> Result<(), BuildError> {
        if pointer.depth() + depth(value) > MAX_DEPTH {
            return Err(self.fails(format!("maps and lists are nested more than {MAX_DEPTH} deep")));
        }
        if effort.reads_values {
            // What cannot be read may be removed again.
            effort.is_read &= through_json::read_below(value, pointer.depth()).is_ok();
            effort.is_settled &= through_json::is_settled(value);
        }
        Ok(())
    }

    fn fails(&self, message: String) -> BuildError {
        let error = BuildError::new(ErrorKind::Patch, message).at(self.pos);
        match text(self.path.as_ref()) {
            Some(path) => error.field(path),
            None => error,
        }
    }

    fn no_way(&self, no_way: &NoWay<'_>) -> BuildError {
        self.fails(format!("there is no map or list at {}", no_way.path()))
            .with_help("a JSON patch creates only the last step of its path: add what leads there first")
    }

    fn no_container(&self) -> BuildError {
        self.fails("the path leads through a single value".to_owned())
    }

    fn missing_field(&self, pointer: &Pointer, node: &Node) -> BuildError {
        let entries = node.as_map().map_or(&[][..], Map::as_slice).iter();
        let names: Vec<&str> = entries.take(20).map(|entry| entry.key.as_str()).collect();
        let error = self.fails(format!("there is no field `{}` to remove", pointer.last));
        match names.is_empty() {
            true => error,
            false => error.with_help(format!("there are {}", names.join(", "))),
        }
    }

    fn bad_index(&self, pointer: &Pointer, count: usize) -> BuildError {
        let last = &pointer.last;
        self.fails(format!("`{last}` is no index in a list of {count}"))
            .with_help("lists count from 0; -1 is the last element, and `-` adds one at the end")
    }
}

pub(super) fn text(node: Option<&Node>) -> Option<&str> {
    node?.as_scalar().filter(|scalar| scalar.tag() == Tag::Str).map(|scalar| scalar.text())
}

/// Number of values in a tree.
fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) => 0,
        Value::Map(map) => map.iter().map(|entry| size(&entry.value)).sum(),
        Value::Seq(list) => list.iter().map(size).sum::<usize>(),
    }
}

fn depth(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) => 0,
        Value::Map(map) => map.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
        Value::Seq(list) => list.iter().map(depth).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::LongMaps;
    use crate::yaml::{FileId, SourceText, reader};

    const WIDGET: &str = "spec: {list: [1, {a: 2}], map: {b: {c: {}}}}\n";

    /// Whether an operation applies, after so many values were copied and passed.
    fn applies(operation: &str, copied: usize, passed: usize) -> bool {
        let text = SourceText::from(format!("[{operation}]"));
        let patch = JsonPatch::read(&text, FileId::UNKNOWN).unwrap();
        let mut document = reader::read(WIDGET, FileId::UNKNOWN).unwrap().remove(0);
        let mut long_maps = LongMaps::default();
        let mut effort = Effort { copied, passed, ..Effort::new(&mut long_maps) };
        patch.apply_one(&patch.operations[0], &mut document, &mut effort).is_ok()
    }

    #[test]
    fn copies_and_ways_have_a_limit() {
        let copy = r#"{"op": "copy", "from": "/spec/list", "path": "/spec/new"}"#;
        assert!(applies(copy, MAX_COPIED - 4, 0));
        assert!(!applies(copy, MAX_COPIED - 3, 0));
        let add = r#"{"op": "add", "path": "/spec/new", "value": 1}"#;
        assert!(applies(add, 0, MAX_PASSED - 1));
        assert!(!applies(add, 0, MAX_PASSED));
    }

    #[test]
    fn values_are_nested_to_a_limit() {
        let lists = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let maps = |depth: usize| "{\"a\": ".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
        let fits = |path: &str, value: &str| {
            applies(&format!(r#"{{"op": "add", "path": "{path}", "value": {value}}}"#), 0, 0)
        };
        // The patch itself nests values two deep, to the same limit.
        for (path, depth) in [("/spec/map/b/new", 4), ("/spec/map/b/c/new", 5)] {
            let room = MAX_DEPTH - depth;
            assert!(fits(path, &lists(room)) && fits(path, &maps(room)), "{path}");
            assert!(!fits(path, &lists(room + 1)) && !fits(path, &maps(room + 1)), "{path}");
        }
    }
}
