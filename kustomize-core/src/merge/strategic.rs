//! Strategic merge: kustomize's `merge2` over its `walk`, in place.
//!
//! kustomize walks the target and the patch side by side, always through the whole target.
//! That is visible in targets that the patch does not touch: nulls that were left implicit go,
//! plain strings that YAML 1.1 would read otherwise get quotes, lists that merge lose their
//! duplicates.

use super::directive::{self, Directive};
use super::path::Path;
use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::schema::{Schema, SchemaComment, Shape};
use crate::yaml::{Entry, Map, Node, Pos, Tag, Value};

/// Merges a patch into a target. `api_version` is what the patch's own is taken to be; `comments`
/// are those of both.
///
/// Returns false when the patch deletes the target. `$patch: replace` at the root changes nothing.
///
/// # Errors
/// The patch has another shape than the target, or an unknown directive.
pub(crate) fn merge(
    target: &mut Node,
    patch: &Node,
    api_version: &str,
    schema: &Schema,
    comments: &[SchemaComment],
) -> Result<bool, BuildError> {
    let walk = Walk { schema, comments };
    let shape = walk.own_shape(target).or_else(|| schema.root(api_version, patch.get("kind")?.text()));
    // What replaces the root is lost in kustomize, which only looks whether something is left.
    Ok(match walk.both(target, patch, shape, &Path::ROOT)? {
        Merged::Kept | Merged::Replaced(_) => true,
        Merged::Cleared => false,
    })
}

/// What becomes of a value of the target.
pub(super) enum Merged {
    /// It stays, perhaps changed.
    Kept,
    /// Another value takes its place, and the value itself was not changed.
    Replaced(Node),
    /// It goes.
    Cleared,
}

/// What a value is merged with.
#[derive(Clone, Copy)]
pub(super) enum With<'p> {
    /// Nothing: the patch says nothing of it.
    Nothing,
    /// Itself: the value comes from the patch, and its own directives and nulls take effect.
    Itself,
    /// The patch's value.
    Patch(&'p Node),
}

/// The walk, through one schema.
#[derive(Clone, Copy)]
pub(super) struct Walk<'s> {
    schema: &'s Schema,
    comments: &'s [SchemaComment],
}

impl<'s> Walk<'s> {
    /// Merges one value that the target has.
    pub(super) fn walk(
        self,
        node: &mut Node,
        with: With<'_>,
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<Merged, BuildError> {
        match with {
            With::Nothing if node.is_null() => {
                // A null that was spelled out is kept.
                return Ok(if node.text().is_empty() { Merged::Cleared } else { Merged::Kept });
            }
            With::Itself if node.is_null() => return Ok(Merged::Cleared),
            With::Patch(patch) if patch.is_null() => return Ok(Merged::Cleared),
            With::Patch(patch) if node.is_null() => {
                return Ok(self.added(patch, shape, path)?.map_or(Merged::Cleared, Merged::Replaced));
            }
            With::Patch(patch) => {
                let shape = shape.or_else(|| self.own_shape(node)).or_else(|| self.own_shape(patch));
                return self.both(node, patch, shape, path);
            }
            With::Nothing | With::Itself => {}
        }
        let shape = shape.or_else(|| self.own_shape(node));
        let itself = matches!(with, With::Itself);
        match &mut node.value {
            Value::Scalar(_) => {}
            Value::Map(map) => {
                if itself && let Some(directive) = Directive::of_map(map, path)? {
                    // Also where the map goes: a list by value looks at it once more.
                    map.remove(directive::KEY);
                    if directive == Directive::Delete {
                        return Ok(Merged::Cleared);
                    }
                }
                self.entries(map, itself, shape, path)?;
            }
            Value::Seq(list) => {
                if let Some(keys) = shape.and_then(Shape::merge_keys) {
                    if itself && let Some(directive) = Directive::of_list(list, path)? {
                        if directive == Directive::Delete {
                            return Ok(Merged::Cleared);
                        }
                        list.retain(|item| directive.leaves(item));
                    }
                    self.list(list, with, &keys, shape, path)?;
                }
            }
        }
        Ok(Merged::Kept)
    }

    /// What a value of the patch becomes where the target has none.
    pub(super) fn added(
        self,
        patch: &Node,
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<Option<Node>, BuildError> {
        if patch.is_null() {
            return Ok(None);
        }
        let shape = shape.or_else(|| self.own_shape(patch));
        let mut node = patch.clone();
        match &mut node.value {
            Value::Scalar(_) => {}
            Value::Map(map) => {
                match Directive::of_added_map(map) {
                    Some(Directive::Delete) => return Ok(None),
                    Some(_) => drop(map.remove(directive::KEY)),
                    None => {}
                }
                self.entries(map, true, shape, path)?;
            }
            Value::Seq(list) => {
                if let Some(keys) = shape.and_then(Shape::merge_keys) {
                    self.list(list, With::Itself, &keys, shape, path)?;
                }
            }
        }
        Ok(Some(node))
    }

    /// Merges two values, neither of them null.
    fn both(
        self,
        node: &mut Node,
        patch: &Node,
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<Merged, BuildError> {
        match (&mut node.value, &patch.value) {
            (Value::Scalar(_), Value::Scalar(_)) => Ok(Merged::Replaced(patch.clone())),
            (Value::Map(map), Value::Map(changes)) => match Directive::of_map(changes, path)? {
                Some(Directive::Delete) => Ok(Merged::Cleared),
                Some(Directive::Replace) => {
                    let mut node = patch.clone();
                    if let Some(map) = node.as_map_mut() {
                        map.remove(directive::KEY);
                        self.entries(map, true, shape, path)?;
                    }
                    Ok(Merged::Replaced(node))
                }
                directive => {
                    self.changes(map, changes, directive.is_some(), shape, path)?;
                    Ok(Merged::Kept)
                }
            },
            (Value::Seq(list), Value::Seq(changes)) => {
                let Some(keys) = shape.and_then(Shape::merge_keys) else {
                    return Ok(Merged::Replaced(patch.clone()));
                };
                match Directive::of_list(changes, path)? {
                    Some(Directive::Delete) => Ok(Merged::Cleared),
                    Some(directive @ Directive::Replace) => {
                        let mut node = patch.clone();
                        if let Some(list) = node.as_seq_mut() {
                            list.retain(|item| directive.leaves(item));
                            self.list(list, With::Itself, &keys, shape, path)?;
                        }
                        Ok(Merged::Replaced(node))
                    }
                    directive => {
                        let stays = |item: &&Node| directive.is_none_or(|directive| directive.leaves(item));
                        let changes: Vec<&Node> = changes.iter().filter(stays).collect();
                        self.merge_list(list, &changes, &keys, shape, path)?;
                        Ok(Merged::Kept)
                    }
                }
            }
            _ => Err(mismatch(node, patch, path)),
        }
    }

    /// Walks the fields of a map that is merged with nothing or with itself.
    fn entries(
        self,
        map: &mut Map,
        itself: bool,
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<(), BuildError> {
        let mut failure = None;
        map.retain(|Entry { key, value }| {
            if failure.is_some() {
                return true;
            }
            if !itself && is_given_scalar(value) {
                value.quote_if_yaml11_would_mistake();
                return true;
            }
            let with = if itself { With::Itself } else { With::Nothing };
            let shape = self.field_shape(shape, key.as_str(), &[key.pos]);
            match self.walk(value, with, shape, &path.field(key.as_str())) {
                Ok(merged) => settle(value, merged),
                Err(error) => {
                    failure = Some(error);
                    true
                }
            }
        });
        failure.map_or(Ok(()), Err)
    }

    /// Merges the fields of a patch into those of a map.
    fn changes(
        self,
        map: &mut Map,
        changes: &Map,
        has_directive: bool,
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<(), BuildError> {
        let fields = Fields::new(changes, map.len());
        let mut known = vec![false; changes.len()];
        if has_directive && let Some(at) = changes.position(directive::KEY) {
            known[at] = true;
        }
        let mut failure = None;
        map.retain(|Entry { key, value }| {
            if failure.is_some() {
                return true;
            }
            let name = key.as_str();
            let (with, patch_key) = match fields.position(name) {
                Some(at) if !(has_directive && name == directive::KEY) => {
                    known[at] = true;
                    let entry = &changes.as_slice()[at];
                    (With::Patch(&entry.value), entry.key.pos)
                }
                _ if is_given_scalar(value) => {
                    value.quote_if_yaml11_would_mistake();
                    return true;
                }
                _ => (With::Nothing, Pos::NONE),
            };
            let shape = self.field_shape(shape, name, &[key.pos, patch_key]);
            match self.walk(value, with, shape, &path.field(name)) {
                Ok(merged) => settle(value, merged),
                Err(error) => {
                    failure = Some(error);
                    true
                }
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        if known.iter().all(|known| *known) {
            return Ok(());
        }
        let mut fields: Vec<(&Entry, bool)> = changes.iter().zip(known).collect();
        fields.sort_by(|(a, _), (b, _)| a.key.as_str().cmp(b.key.as_str()));
        // Of equal keys in a patch only the first counts.
        fields.dedup_by(|(later, _), (first, _)| later.key.as_str() == first.key.as_str());
        let mut new = Vec::new();
        for (entry, _) in fields.into_iter().filter(|(_, known)| !known) {
            let name = entry.key.as_str();
            let shape = self.field_shape(shape, name, &[entry.key.pos]);
            if let Some(mut node) = self.added(&entry.value, shape, &path.field(name))? {
                node.quote_if_yaml11_would_mistake();
                let mut key = entry.key.clone();
                if SchemaComment::find(self.comments, &[key.pos]).is_some() {
                    // kustomize makes the key anew, without its comment.
                    key.pos = Pos::NONE;
                }
                new.push(Entry { key, value: node });
            }
        }
        map.extend(new);
        Ok(())
    }

    /// Type of a field: what the comment at one of its keys says, else what follows from its map's.
    fn field_shape(self, map: Option<Shape<'s>>, name: &str, keys: &[Pos]) -> Option<Shape<'s>> {
        match SchemaComment::find(self.comments, keys) {
            Some(comment) => Some(self.schema.in_comment(comment)),
            None => map?.field(name),
        }
    }

    /// Type of a value that says itself of which kind it is.
    fn own_shape(self, node: &Node) -> Option<Shape<'s>> {
        let map = node.as_map()?;
        let text = |name: &str| map.get(name).filter(|value| !value.is_null()).map(Node::text);
        let kind = text("kind").filter(|kind| !kind.is_empty())?;
        let api_version = text("apiVersion").filter(|version| !version.is_empty())?;
        self.schema.root(api_version, kind)
    }
}

/// Whether a value is a scalar that stays as it is where a patch says nothing of it.
fn is_given_scalar(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| scalar.tag() != Tag::Null)
}

/// Puts the outcome of a walk into a field that exists (kustomize's `FieldSetter`): a new
/// value takes over the old one's style. Returns whether the field stays.
fn settle(field: &mut Node, merged: Merged) -> bool {
    match merged {
        Merged::Cleared => false,
        Merged::Kept => {
            field.quote_if_yaml11_would_mistake();
            true
        }
        Merged::Replaced(mut node) => {
            node.keep_style_of(field);
            *field = node;
            true
        }
    }
}

fn mismatch(node: &Node, patch: &Node, path: &Path<'_>) -> BuildError {
    let kind = |node: &Node| match &node.value {
        Value::Scalar(_) => "a single value",
        Value::Map(_) => "a map",
        Value::Seq(_) => "a list",
    };
    BuildError::new(
        ErrorKind::Patch,
        format!("the patch has {} where the resource has {}", kind(patch), kind(node)),
    )
    .at(patch.pos)
    .field(path.to_string())
    .with_note("the resource's value", node.pos)
}

/// Fields of a patch, hashed where there are many.
struct Fields<'p> {
    map: &'p Map,
    hashed: Option<IndexMap<&'p str, usize>>,
}

impl<'p> Fields<'p> {
    fn new(map: &'p Map, lookups: usize) -> Self {
        // The last one inserted stays, which is to be the first of equal keys.
        let hashed = (map.len().min(lookups) > 12)
            .then(|| map.iter().enumerate().rev().map(|(at, entry)| (entry.key.as_str(), at)).collect());
        Fields { map, hashed }
    }

    fn position(&self, name: &str) -> Option<usize> {
        match &self.hashed {
            Some(hashed) => hashed.get(name).copied(),
            None => self.map.position(name),
        }
    }
}
