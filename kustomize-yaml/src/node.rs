//! The tree that everything works on.
//!
//! Kubernetes maps are small, so a map is a slice of entries searched in order. All access goes
//! through the methods of [`Map`] and [`Seq`], which keeps the representation free to change.

mod collection;

use crate::{Pos, Scalar, Style, Tag};

pub use collection::{Map, Seq};

/// A YAML value and where it came from.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value starts.
    pub pos: Pos,
    /// The value.
    pub value: Value,
}

/// The three shapes of a value. Aliases and merge keys are expanded by the reader.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string, number, boolean, null or timestamp.
    Scalar(Scalar),
    /// A mapping.
    Map(Map),
    /// A sequence.
    Seq(Seq),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where the key starts.
    pub pos: Pos,
    /// The key's scalar; kustomize compares keys by text alone.
    pub scalar: Scalar,
}

/// One key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

// Trees are most of what a build keeps in memory.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Scalar>() == 24);
    assert!(size_of::<Value>() == 24);
    assert!(size_of::<Key>() == 32);
    assert!(size_of::<Node>() == 32);
    assert!(size_of::<Entry>() == 64);
};

impl Key {
    /// A key that stands in no file.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        Key { pos: Pos::NONE, scalar: Scalar::untyped(text) }
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.scalar.text()
    }

    /// Whether this is the key's text. Most keys that are not the one looked for differ from it in
    /// length or in their first byte.
    #[inline]
    pub(super) fn is(&self, name: &str) -> bool {
        let (key, name) = (self.as_str().as_bytes(), name.as_bytes());
        key.len() == name.len() && key.first() == name.first() && key == name
    }
}

impl Node {
    /// A scalar that stands in no file.
    #[must_use]
    pub fn scalar(scalar: Scalar) -> Self {
        Node { pos: Pos::NONE, value: Value::Scalar(scalar) }
    }

    /// A string that stands in no file ([`Scalar::string`]).
    #[must_use]
    pub fn string(text: impl AsRef<str>) -> Self {
        Node::scalar(Scalar::string(text))
    }

    /// A scalar without a type that stands in no file ([`Scalar::untyped`]).
    #[must_use]
    pub fn untyped(text: impl AsRef<str>) -> Self {
        Node::scalar(Scalar::untyped(text))
    }

    /// Null.
    #[must_use]
    pub fn null() -> Self {
        Node::scalar(Scalar::null())
    }

    /// A map that stands in no file.
    #[must_use]
    pub fn map(map: Map) -> Self {
        Node { pos: Pos::NONE, value: Value::Map(map) }
    }

    /// A sequence that stands in no file.
    #[must_use]
    pub fn seq(seq: Seq) -> Self {
        Node { pos: Pos::NONE, value: Value::Seq(seq) }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let Value::Map(map) = &mut self.value { Some(map) } else { None }
    }

    /// The sequence, if it is one.
    #[must_use]
    pub fn as_seq(&self) -> Option<&Seq> {
        if let Value::Seq(seq) = &self.value { Some(seq) } else { None }
    }

    /// The sequence, if it is one.
    #[must_use]
    pub fn as_seq_mut(&mut self) -> Option<&mut Seq> {
        if let Value::Seq(seq) = &mut self.value { Some(seq) } else { None }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Scalar> {
        if let Value::Scalar(scalar) = &self.value { Some(scalar) } else { None }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub fn as_scalar_mut(&mut self) -> Option<&mut Scalar> {
        if let Value::Scalar(scalar) = &mut self.value { Some(scalar) } else { None }
    }

    /// The text of a scalar of any type (kustomize's `YNode().Value`); empty for maps and sequences.
    #[must_use]
    pub fn text(&self) -> &str {
        self.as_scalar().map_or("", Scalar::text)
    }

    /// Whether this is a scalar tagged null (kustomize's `IsTaggedNull`).
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.tag() == Tag::Null)
    }

    /// Null, an empty map or an empty sequence; an empty string is not empty
    /// (kustomize's `IsYNodeNilOrEmpty`).
    #[must_use]
    pub fn is_nil_or_empty(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => scalar.tag() == Tag::Null,
            Value::Map(map) => map.is_empty(),
            Value::Seq(seq) => seq.is_empty(),
        }
    }

    /// Value of the field `name`, if this is a map that has it.
    #[must_use]
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.as_map()?.get(name)
    }

    /// Value of the field `name`, if this is a map that has it.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.as_map_mut()?.get_mut(name)
    }

    /// Value at a path of field names. In a list, a step is an index, counted from zero.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match &node.value {
            Value::Seq(items) => items.get(step.parse().ok()?),
            _ => node.get(step),
        })
    }

    /// Whether both trees say the same, whatever their positions and styles.
    #[must_use]
    pub fn same(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar(a), Value::Scalar(b)) => a.text() == b.text() && a.tag() == b.tag(),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b.iter())
                        .all(|(x, y)| x.key.as_str() == y.key.as_str() && x.value.same(&y.value))
            }
            (Value::Seq(a), Value::Seq(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| x.same(y))
            }
            _ => false,
        }
    }
}

impl Node {
    /// Overwrites a scalar the way kustomize's `FieldSetter` without a name does: the new
    /// value's text and tag count, the old value's style stays. A null value changes nothing.
    ///
    /// # Errors
    /// The node as it was, when it is a map or a sequence.
    pub fn set_scalar(&mut self, mut value: Scalar) -> Result<(), WrongShape> {
        if value.tag() == Tag::Null {
            return Ok(());
        }
        match &mut self.value {
            Value::Scalar(old) => {
                value.set_style(old.style_to_keep());
                *old = value;
                Ok(())
            }
            Value::Map(_) | Value::Seq(_) => Err(WrongShape),
        }
    }
}

/// A scalar was expected where a map or sequence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a scalar, found a map or a sequence")]
pub struct WrongShape;

impl Node {
    /// Takes over the style of the value that this one replaces.
    pub fn keep_style_of(&mut self, old: &Node) {
        if let Value::Scalar(scalar) = &mut self.value {
            scalar.set_style(old.as_scalar().map_or(Style::Plain, Scalar::style_to_keep));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{FileId, Node, read};

    #[test]
    fn paths_lead_through_maps_and_lists() {
        let nodes = read("spec: {containers: [{image: nginx}, {image: caddy}]}", FileId::new(0)).unwrap();
        let image = |path: &[&str]| nodes[0].at(path).map(Node::text);
        assert_eq!(image(&["spec", "containers", "1", "image"]), Some("caddy"));
        for path in [&["spec", "containers", "2"][..], &["spec", "containers", "image"], &["spec", "0"]] {
            assert_eq!(image(path), None, "{path:?}");
        }
    }
}
