//! From nodes to typed configuration, through serde, with the habits of the reference's decoders:
//! field names match whatever their case, null means "not given", the last of duplicates wins.
//!
//! Give structs `#[serde(default)]`, so that absent and null fields take their default.
//! Whether unknown fields are refused is up to [`Rules`], not to the types.
//!
//! Errors carry the position of the value that did not fit.

mod decoder;
mod entries;
mod free_form;
mod scalar;
mod spanned;

use serde::de;

use super::{Entry, Map, Node, Pos};
use decoder::Decoder;

pub(crate) use decoder::PUT_IN_QUOTES;
pub use decoder::verbatim;
pub use entries::without_nulls;
pub use free_form::free_form_map;
pub(super) use scalar::{json_number, shortest_f32};
pub use spanned::Spanned;

/// Decodes a typed value from a node by the given rules.
///
/// # Errors
/// What did not fit, and where.
pub fn from_node<'de, T: de::Deserialize<'de>>(node: &'de Node, rules: Rules) -> Result<T, DecodeError> {
    T::deserialize(Decoder::new(node, rules)).map_err(|mismatch| *mismatch.0)
}

/// Decodes the configuration of a builtin plugin ([`Rules::PLUGIN`]).
///
/// # Errors
/// What did not fit, and where.
pub fn from_node_loosely<'de, T: de::Deserialize<'de>>(node: &'de Node) -> Result<T, DecodeError> {
    from_node(node, Rules::PLUGIN)
}

/// Names of the fields of a struct type, as its `Deserialize` gives them.
pub(crate) fn fields_of<T: de::DeserializeOwned>() -> &'static [&'static str] {
    let mut probe = Map::new();
    probe.insert("", Node::null());
    match from_node::<T>(&Node::map(probe), Rules::KUSTOMIZATION) {
        Err(DecodeError { unknown_field: Some((_, fields)), .. }) => fields,
        _ => &[],
    }
}

/// The entries of a map that decoding it as a struct with these fields would take, by the name of
/// the field. Nulls are not among them.
pub(crate) fn effective_entries<'a>(
    map: &'a Map,
    fields: &'static [&'static str],
) -> Result<Vec<(&'static str, &'a Entry)>, DecodeError> {
    let found = entries::effective(map.as_slice(), fields, Rules::KUSTOMIZATION);
    found.map(|found| found.known).map_err(|mismatch| *mismatch.0)
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
    /// Parts of such a configuration that the reference keeps in an embedded struct, which its
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

/// A [`DecodeError`] on its way out. Code that serde makes for a type hands it on at every field:
/// it has to be small.
#[derive(Debug)]
struct Mismatch(Box<DecodeError>);

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
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Mismatch::new(message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut mismatch = Mismatch::new(format!("unknown field `{field}`"));
        mismatch.0.unknown_field = Some((field.to_owned(), expected));
        mismatch
    }
}

#[cfg(test)]
mod tests;
