//! Equality, for `test`.

use std::borrow::Cow;

use super::{JsonPatch, parse};
use crate::yaml::{Node, Scalar, Tag, Value, json};

impl JsonPatch {
    /// Whether a value of the document is what the patch expects.
    ///
    /// kustomize compares single values by their JSON text: `1.0` is not `1`, and a `<` that
    /// the patch does not spell `\u003c`, as Go does, is not a `<`.
    pub(super) fn equal(&self, found: &Node, expected: &Node) -> bool {
        match (&found.value, &expected.value) {
            (Value::Scalar(a), Value::Scalar(b)) => {
                a.tag() == Tag::Null && b.tag() == Tag::Null
                    || self.spelled(found, a) == self.spelled(expected, b)
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|entry| {
                        b.get(entry.key.as_str()).is_some_and(|other| self.equal(&entry.value, other))
                    })
            }
            // Nulls in lists make kustomize panic.
            (Value::Seq(a), Value::Seq(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| !a.is_null() && self.equal(a, b))
            }
            _ => false,
        }
    }

    /// The JSON text of a single value: as the patch has it, or as Go writes it.
    fn spelled<'a>(&'a self, node: &Node, scalar: &'a Scalar) -> Cow<'a, str> {
        if let Some((file, text)) = &self.source
            && node.pos.file() == Some(*file)
            && let Some(token) = parse::token(text, node.pos.offset() as usize)
        {
            return Cow::Borrowed(token);
        }
        if scalar.tag() == Tag::Str {
            let mut text = String::with_capacity(scalar.text().len() + 2);
            json::push_string(&mut text, scalar.text());
            return Cow::Owned(text);
        }
        Cow::Borrowed(scalar.text())
    }
}
