//! Reads YAML, as go-yaml does and as kustomize uses it.
//!
//! A text is checked and cut into documents (`input`, `documents`); each is turned into tokens
//! (`scan`, `cursor`), the tokens into nodes (`parse`, `build`), and aliases, merge keys and equal
//! keys are settled on the way (`merge`, `config`). Comments are dropped. Simple lines take a short
//! way past the tokens (`lines`).

mod build;
mod config;
mod cursor;
mod documents;
mod error;
mod input;
mod lines;
mod merge;
mod parse;
mod scan;
mod scan_block_scalar;
mod scan_colon;
mod scan_flow_scalar;
mod scan_property;
mod tag;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod two_ways_tests;

pub use error::ReadError;
pub use merge::refuse_duplicates;

use std::ops::Range;

use super::resolve::Dialect;
use super::{FileId, Node};

/// By which of kustomize's libraries to read.
#[derive(Clone, Copy, Debug)]
struct Rules {
    dialect: Dialect,
    /// Whether equal keys are refused.
    strict: bool,
    /// Whether aliases and merge keys stay in the tree.
    as_written: bool,
}

/// Reads the documents of a text as resources are read: kustomize's `kio.ByteReader` over
/// go-yaml v3. Documents that are empty or null are left out.
///
/// A null that is left out inside a flow collection, as in `{a, b: }`, has the tag
/// [`Null`](crate::Tag::Null) and the style [`SingleQuoted`](crate::Style::SingleQuoted):
/// go-yaml prints it as `''`.
///
/// # Errors
/// What kustomize refuses, at once or when it later prints what it read: text that is not
/// YAML, equal keys, tags that do not fit. Nesting deeper than 500 levels, where kustomize
/// takes 10,000.
pub fn read(text: &str, file: FileId) -> Result<Vec<Node>, ReadError> {
    read_documents(text, file, true).map(|documents| documents.nodes)
}

/// The documents of a text.
#[derive(Debug)]
pub struct Documents {
    /// Those that are neither empty nor null.
    pub nodes: Vec<Node>,
    /// How many there are, counting the others too.
    pub parts: usize,
}

/// Reads as [`read`] does. Equal keys are only refused by `strict`; they all stay in the tree, where
/// look-ups find the first.
pub fn read_documents(text: &str, file: FileId, strict: bool) -> Result<Documents, ReadError> {
    let mut reading = Reading::begin(text, file)?;
    read_parts(&mut reading.unread().collect::<Vec<_>>(), strict);
    reading.finish()
}

/// Texts that are read together: their documents can be shared out among threads.
///
/// ```
/// use kustomize_yaml::{Batch, Sources};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sources = Sources::default();
/// let texts = ["a: 1\n---\nb: 2\n", "c: 3\n"].map(|text| (sources.add("x.yaml", text.into(), None), text));
/// let mut batch = Batch::new(&texts);
/// let mut unread = batch.unread();
/// let (first, rest) = unread.split_at_mut(1);
/// std::thread::scope(|scope| {
///     scope.spawn(|| Batch::read(first));
///     Batch::read(rest);
/// });
/// let numbers: Result<Vec<_>, _> = batch.finish().into_iter().map(|text| Ok(text?.nodes.len())).collect();
/// assert_eq!(numbers.map_err(|error: kustomize_yaml::ReadError| error.to_string())?, [2, 1]);
/// # Ok(())
/// # }
/// ```
pub struct Batch<'t>(Vec<Result<Reading<'t>, ReadError>>);

/// A document of a [`Batch`] that is still to be read.
pub struct Unread<'r, 't> {
    input: &'r input::Input<'t>,
    part: &'r mut Part,
}

impl<'t> Batch<'t> {
    /// Splits texts into documents, without reading those.
    #[must_use]
    pub fn new(texts: &[(FileId, &'t str)]) -> Self {
        Batch(texts.iter().map(|(file, text)| Reading::begin(text, *file)).collect())
    }

    /// The documents of all texts, in order.
    pub fn unread(&mut self) -> Vec<Unread<'_, 't>> {
        self.0.iter_mut().flatten().flat_map(Reading::unread).collect()
    }

    /// Reads documents as [`read`](fn@read) does. After one that fails, the others of its text may be skipped.
    pub fn read(documents: &mut [Unread<'_, '_>]) {
        read_parts(documents, true);
    }

    /// What the texts contain, in their order.
    ///
    /// A document that was never handed to [`Batch::read`] is left out.
    pub fn finish(self) -> Vec<Result<Documents, ReadError>> {
        self.0.into_iter().map(|reading| reading.and_then(Reading::finish)).collect()
    }
}

/// A text on its way to its documents.
struct Reading<'t> {
    input: input::Input<'t>,
    parts: Vec<Part>,
}

/// Where a document stands, and what was read there.
struct Part {
    range: Range<usize>,
    /// Nothing for what comes after a document that failed.
    node: Result<Option<Node>, ReadError>,
}

impl<'t> Reading<'t> {
    fn begin(text: &'t str, file: FileId) -> Result<Self, ReadError> {
        Reading::of(input::prepare(text, file, true)?)
    }

    fn of(input: input::Input<'t>) -> Result<Self, ReadError> {
        let parts = documents::split(&input)?;
        let parts = parts.into_iter().map(|range| Part { range, node: Ok(None) }).collect();
        Ok(Reading { input, parts })
    }

    /// Its documents, to be read.
    fn unread(&mut self) -> impl Iterator<Item = Unread<'_, 't>> {
        let Reading { input, parts } = self;
        parts.iter_mut().map(|part| Unread { input, part })
    }

    fn finish(self) -> Result<Documents, ReadError> {
        let mut documents =
            Documents { nodes: Vec::with_capacity(self.parts.len()), parts: self.parts.len() };
        for part in self.parts {
            documents.nodes.extend(part.node?.filter(|node| !node.is_null()));
        }
        Ok(documents)
    }
}

/// Reads documents, those of each text up to the first that fails.
fn read_parts(parts: &mut [Unread<'_, '_>], strict: bool) {
    for parts in parts.chunk_by_mut(|one, other| std::ptr::eq(one.input, other.input)) {
        let Some(Unread { input, .. }) = parts.first() else { continue };
        let rules = Rules { dialect: Dialect::V3, strict, as_written: false };
        let mut parser = parse::Parser::new(input, rules);
        for Unread { part, .. } in parts {
            part.node = parser.first_document(part.range.clone());
            if part.node.is_err() {
                break;
            }
        }
    }
}

/// Reads as [`read`] does, token by token: what the short way is held against.
///
/// # Errors
/// As [`read`].
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn read_the_long_way(text: &str, file: FileId) -> Result<Vec<Node>, ReadError> {
    let mut input = input::prepare(text, file, true)?;
    input.only_line_feeds = false;
    let mut reading = Reading::of(input)?;
    read_parts(&mut reading.unread().collect::<Vec<_>>(), true);
    reading.finish().map(|documents| documents.nodes)
}

/// Reads the first document of a text without interpreting it, as go-yaml v3 reads a document into
/// nodes; `None` if there is none.
///
/// - An alias is a plain scalar, such as `*name`, with the tag [`Other`](crate::Tag::Other).
/// - A merge key is a key with the tag [`Merge`](crate::Tag::Merge). A plain value `<<` has it, too.
/// - Equal keys and null keys stay, and tags need not fit.
///
/// A node with an anchor or a tag has the position of the first of them, so that the text shows
/// them.
///
/// # Errors
/// Text that is not YAML, and a map or list as a key, which a [`Node`] cannot hold.
pub fn read_as_written(text: &str, file: FileId) -> Result<Option<Node>, ReadError> {
    let input = input::prepare(text, file, true)?;
    let rules = Rules { dialect: Dialect::V3, strict: false, as_written: true };
    parse::Parser::new(&input, rules).first_document(0..input.text.len())
}

/// Reads a text as configuration is read: kustomize's `sigs.k8s.io/yaml`, which goes through
/// go-yaml v2 and JSON. Only the first document counts; `None` when there is none.
///
/// All keys are strings. Numbers and booleans are in their JSON form (`0x1F` is `31`, `yes` is
/// `true`), all other scalars but null are strings. Of equal keys the last one counts.
///
/// # Errors
/// Text that is not YAML or has no form in JSON.
pub fn read_config(text: &str, file: FileId) -> Result<Option<Node>, ReadError> {
    first_config(text, file, false)
}

/// Reads a text as [`read_config`] does, but refuses equal keys: kustomize's `UnmarshalStrict`.
///
/// # Errors
/// Text that is not YAML or has no form in JSON, and equal keys.
pub fn read_config_strict(text: &str, file: FileId) -> Result<Option<Node>, ReadError> {
    first_config(text, file, true)
}

fn first_config(text: &str, file: FileId, strict: bool) -> Result<Option<Node>, ReadError> {
    let input = input::prepare(text, file, false)?;
    let rules = Rules { dialect: Dialect::V2, strict, as_written: false };
    parse::Parser::new(&input, rules).first_document(0..input.text.len())
}
