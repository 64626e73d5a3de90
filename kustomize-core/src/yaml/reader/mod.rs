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
pub(crate) use merge::refuse_duplicates;

use std::convert::Infallible;
use std::ops::Range;

use super::resolve::Dialect;
use super::{FileId, Node};
use crate::parallel::Crew;

/// By which of kustomize's libraries to read.
#[derive(Clone, Copy, Debug)]
struct Rules {
    dialect: Dialect,
    /// Whether equal keys are refused.
    strict: bool,
}

/// Reads the documents of a text as resources are read: kustomize's `kio.ByteReader` over
/// go-yaml v3. Documents that are empty or null are left out.
///
/// A null that is left out inside a flow collection, as in `{a, b: }`, has the tag
/// [`Null`](crate::yaml::Tag::Null) and the style [`SingleQuoted`](crate::yaml::Style::SingleQuoted):
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
pub(crate) struct Documents {
    /// Those that are neither empty nor null.
    pub(crate) nodes: Vec<Node>,
    /// How many there are, counting the others too.
    pub(crate) parts: usize,
}

/// Reads as [`read`] does. Equal keys are only refused by `strict`; they all stay in the tree, where
/// look-ups find the first.
pub(crate) fn read_documents(text: &str, file: FileId, strict: bool) -> Result<Documents, ReadError> {
    let mut reading = [Reading::begin(text, file)?];
    read_parts(&mut reading, strict, &Crew::one());
    let [reading] = reading;
    reading.finish()
}

/// Reads several texts as [`read`] does, on several threads when there is enough to read: each
/// takes documents of whichever text is next.
pub(crate) fn read_all_documents(texts: &[(FileId, &str)], crew: &Crew) -> Vec<Result<Documents, ReadError>> {
    /// Fewer bytes are not worth a thread.
    const LEAST: usize = 64 * 1024;

    let is_enough = texts.iter().map(|(_, text)| text.len()).sum::<usize>() >= LEAST;
    if is_enough {
        crew.prepare();
    }
    let mut readings: Vec<_> = texts.iter().map(|(file, text)| Reading::begin(text, *file)).collect();
    let begun = readings.iter_mut().filter_map(|reading| reading.as_mut().ok());
    let alone = Crew::one();
    read_parts(begun, true, if is_enough { crew } else { &alone });
    readings.into_iter().map(|reading| reading.and_then(Reading::finish)).collect()
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

    fn finish(self) -> Result<Documents, ReadError> {
        let mut documents =
            Documents { nodes: Vec::with_capacity(self.parts.len()), parts: self.parts.len() };
        for part in self.parts {
            documents.nodes.extend(part.node?.filter(|node| !node.is_null()));
        }
        Ok(documents)
    }
}

fn read_parts<'r, 't: 'r>(
    readings: impl IntoIterator<Item = &'r mut Reading<'t>>,
    strict: bool,
    crew: &Crew,
) {
    let mut parts: Vec<(&input::Input<'_>, &mut Part)> = Vec::new();
    for Reading { input, parts: own } in readings {
        parts.extend(own.iter_mut().map(|part| (&*input, part)));
    }
    let read: Result<(), Infallible> = crew.for_each_chunk(&mut parts, 1, |_, parts| {
        for parts in parts.chunk_by_mut(|(one, _), (other, _)| std::ptr::eq(*one, *other)) {
            read_parts_of_one(parts, strict);
        }
        Ok(())
    });
    let Ok(()) = read;
}

/// Reads documents of one text, up to the first that fails.
fn read_parts_of_one(parts: &mut [(&input::Input<'_>, &mut Part)], strict: bool) {
    let Some((input, _)) = parts.first() else { return };
    let mut parser = parse::Parser::new(input, Rules { dialect: Dialect::V3, strict });
    for (_, part) in parts {
        part.node = parser.first_document(part.range.clone());
        if part.node.is_err() {
            break;
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
    let mut reading = [Reading::of(input)?];
    read_parts(&mut reading, true, &Crew::one());
    let [reading] = reading;
    reading.finish().map(|documents| documents.nodes)
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
    let rules = Rules { dialect: Dialect::V2, strict };
    parse::Parser::new(&input, rules).first_document(0..input.text.len())
}
