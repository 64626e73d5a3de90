//! Reads YAML, as go-yaml does and as the reference uses it.
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
pub(crate) use merge::refuse_duplicates;

use std::ops::Range;

use super::resolve::Dialect;
use super::{FileId, Node};
use crate::parallel::Crew;

/// By which of the reference's libraries to read.
#[derive(Clone, Copy, Debug)]
struct Rules {
    dialect: Dialect,
    /// Whether equal keys are refused.
    strict: bool,
}

/// Reads the documents of a text as resources are read: the reference's `kio.ByteReader` over
/// go-yaml v3. Documents that are empty or null are left out.
///
/// A null that is left out inside a flow collection, as in `{a, b: }`, has the tag
/// [`Null`](crate::yaml::Tag::Null) and the style [`SingleQuoted`](crate::yaml::Style::SingleQuoted):
/// go-yaml prints it as `''`.
///
/// # Errors
/// What the reference refuses, at once or when it later prints what it read: text that is not
/// YAML, equal keys, tags that do not fit. Nesting deeper than 500 levels, where the reference
/// takes 10,000.
pub fn read(text: &str, file: FileId) -> Result<Vec<Node>, ReadError> {
    read_documents(text, file, true, Crew::One).map(|documents| documents.nodes)
}

/// The documents of a text.
#[derive(Debug)]
pub(crate) struct Documents {
    /// Those that are neither empty nor null.
    pub(crate) nodes: Vec<Node>,
    /// How many there are, counting the others too.
    pub(crate) parts: usize,
}

/// Reads as [`read`] does. Equal keys are only refused by `strict`; they all stay in the tree, where
/// look-ups find the first.
pub(crate) fn read_documents(
    text: &str,
    file: FileId,
    strict: bool,
    crew: Crew,
) -> Result<Documents, ReadError> {
    /// A shorter text is not worth a thread.
    const LEAST: usize = 64 * 1024;

    let crew = if text.len() < LEAST { Crew::One } else { crew };
    read_input(&input::prepare(text, file, true)?, strict, crew)
}

fn read_input(input: &input::Input<'_>, strict: bool, crew: Crew) -> Result<Documents, ReadError> {
    let parts = documents::split(input)?;
    let mut documents = Documents { nodes: Vec::with_capacity(parts.len()), parts: parts.len() };
    let mut read: Vec<(Range<usize>, Option<Node>)> = parts.into_iter().map(|part| (part, None)).collect();
    crew.for_each_chunk(&mut read, 1, |_, read| {
        let mut parser = parse::Parser::new(input, Rules { dialect: Dialect::V3, strict });
        read.iter_mut().try_for_each(|(part, node)| {
            *node = parser.first_document(part.clone())?;
            Ok(())
        })
    })?;
    documents.nodes.extend(read.into_iter().filter_map(|(_, node)| node).filter(|node| !node.is_null()));
    Ok(documents)
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
    read_input(&input, true, Crew::One).map(|documents| documents.nodes)
}

/// Reads a text as configuration is read: the reference's `sigs.k8s.io/yaml`, which goes through
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

/// Reads a text as [`read_config`] does, but refuses equal keys: the reference's `UnmarshalStrict`.
///
/// # Errors
/// Text that is not YAML or has no form in JSON, and equal keys.
pub fn read_config_strict(text: &str, file: FileId) -> Result<Option<Node>, ReadError> {
    first_config(text, file, true)
}

fn first_config(text: &str, file: FileId, strict: bool) -> Result<Option<Node>, ReadError> {
    let input = input::prepare(text, file, false)?;
    let rules = Rules { dialect: Dialect::V2, strict };
    parse::Parser::new(&input, rules).first_document(0..input.text.len())
}
