//! From nodes to typed configuration, with the habits of kustomize's decoders: field names match
//! whatever their case, null means "not given", the last of duplicates wins.
//!
//! Absent and null fields keep the value that they have. Whether unknown fields are refused is up to
//! [`Rules`], not to the types.
//!
//! Errors carry the position of the value that did not fit.

mod decoder;
mod entries;
mod fields;
mod free_form;
mod scalar;
mod spanned;

use super::{Entry, Map, Node, Pos};

pub use crate::fields;
pub use decoder::Decoder;
pub use decoder::PUT_IN_QUOTES;
pub use fields::{Anything, ways};
pub use fields::{Decode, Fields};
pub(super) use scalar::{json_number, shortest_f32};
pub use spanned::Spanned;

/// Decodes a typed value from a node by the given rules.
///
/// # Errors
/// What did not fit, and where.
pub fn from_node<T: Decode + Default>(node: &Node, rules: Rules) -> Result<T, DecodeError> {
    let mut value = T::default();
    value.decode(Decoder { node, rules }).map_err(|mismatch| *mismatch.0)?;
    Ok(value)
}

/// Decodes the configuration of a builtin plugin ([`Rules::PLUGIN`]).
///
/// # Errors
/// What did not fit, and where.
pub fn from_node_loosely<T: Decode + Default>(node: &Node) -> Result<T, DecodeError> {
    from_node(node, Rules::PLUGIN)
}

/// The entries of a map that decoding it as a struct with these fields would take, by the name of
/// the field. Nulls are not among them.
pub fn effective_entries<'a>(
    map: &'a Map,
    fields: &'static [&'static str],
) -> Result<Vec<(&'static str, &'a Entry)>, DecodeError> {
    let found = entries::effective(map.as_slice(), fields, Rules::KUSTOMIZATION);
    let named = |found: Vec<Option<&'a Entry>>| {
        fields.iter().zip(found).filter_map(|(field, entry)| entry.map(|entry| (*field, entry))).collect()
    };
    found.map(named).map_err(|mismatch| *mismatch.0)
}

/// How strictly to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Refuses fields that a type does not have.
    known_fields_only: bool,
    /// Whether numbers and booleans are taken for strings where a string is wanted.
    coercion: Coercion,
}

/// What becomes of a number where a string is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coercion {
    /// It is refused.
    None,
    /// It becomes its text in Go's shortest form.
    Direct,
    /// The same, but it has come through JSON before, which makes integers of whole numbers.
    ThroughJson,
}

impl Rules {
    /// The kustomization file: unknown fields are refused, nothing is coerced.
    pub const KUSTOMIZATION: Rules = Rules { known_fields_only: true, coercion: Coercion::None };
    /// Files under `configurations`: unknown fields are refused, numbers and booleans are taken for
    /// strings. (That keys may not stand there twice is up to the reader.)
    pub const CONFIGURATION: Rules = Rules { known_fields_only: true, coercion: Coercion::Direct };
    /// Other files, such as those that `replacements` name: unknown fields are ignored, numbers and
    /// booleans are taken for strings.
    pub const FILE: Rules = Rules { known_fields_only: false, coercion: Coercion::Direct };
    /// Configuration of builtin plugins: as [`Rules::FILE`], but it comes from a resource.
    pub const PLUGIN: Rules = Rules { known_fields_only: false, coercion: Coercion::ThroughJson };
    /// Parts of such a configuration that kustomize keeps in an embedded struct, which its
    /// coercion does not look into.
    pub const EMBEDDED: Rules = Rules { known_fields_only: false, coercion: Coercion::None };
}

/// A value that does not fit the type it is decoded into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// What did not fit.
    pub message: String,
    /// Where it stands.
    pub pos: Pos,
    /// Path of fields that leads there, outermost first: `images`, `[0]`, `newTag`.
    pub path: Vec<String>,
    /// For an unknown field: its name and the names that exist.
    pub unknown_field: Option<(String, &'static [&'static str])>,
    /// What to write instead, where that is plain.
    pub help: Option<String>,
}

impl DecodeError {
    /// The path as one text: `images[0].newTag`; empty at the root.
    #[must_use]
    pub fn field_path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            if !path.is_empty() && !segment.starts_with('[') {
                path.push('.');
            }
            path.push_str(segment);
        }
        path
    }
}

/// A [`DecodeError`] on its way out. It is handed on at every field: it has to be small.
#[derive(Debug)]
pub struct Mismatch(Box<DecodeError>);

impl Mismatch {
    #[cold]
    #[inline(never)]
    fn new(message: String) -> Self {
        Mismatch(Box::new(DecodeError {
            message,
            pos: Pos::NONE,
            path: Vec::new(),
            unknown_field: None,
            help: None,
        }))
    }

    #[cold]
    #[inline(never)]
    fn at(mut self, pos: Pos) -> Self {
        if self.0.pos.is_none() {
            self.0.pos = pos;
        }
        self
    }

    /// Says that it happened in the value of an entry of a map.
    #[cold]
    #[inline(never)]
    fn in_entry(self, entry: &Entry) -> Self {
        self.at(entry.value.pos).below(entry.key.as_str().to_owned())
    }

    /// Says that it happened in an item of a list.
    #[cold]
    #[inline(never)]
    fn in_item(self, item: &Node, index: usize) -> Self {
        self.at(item.pos).below(format!("[{index}]"))
    }

    fn below(mut self, segment: String) -> Self {
        self.0.path.insert(0, segment);
        self
    }

    #[cold]
    #[inline(never)]
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut mismatch = Mismatch::new(format!("unknown field `{field}`"));
        mismatch.0.unknown_field = Some((field.to_owned(), expected));
        mismatch
    }
}

#[cfg(test)]
mod tests;
