//! Where the data of ConfigMaps and Secrets comes from: literals, files, files of variables.

use std::borrow::Cow;

use super::Files;
use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::host::path;
use crate::kustomization::KeyValueSources;
use crate::yaml::decode::Spanned;
use crate::yaml::{Pos, text_through_json};

/// The longest line of a file of variables that Go's `bufio.Scanner` takes. At a longer one
/// kustomize stops reading the file, without a word.
const LONGEST_LINE: usize = 64 * 1024 - 1;

/// One key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) key: String,
    /// Not always UTF-8.
    pub(super) value: Vec<u8>,
    /// The entry that it comes from.
    pub(super) pos: Pos,
}

/// Reads all sources, variables first, then literals, then files. No key may come twice.
pub(super) fn load(sources: KeyValueSources<'_>, files: &dyn Files) -> Result<Vec<Pair>, BuildError> {
    let mut pairs = Vec::new();
    for source in sources.envs {
        let content = files.bytes(source).map_err(|error| error.at(source.pos))?;
        variables(&content, source, &mut pairs)?;
    }
    for source in sources.literals {
        pairs.push(literal(source)?);
    }
    for source in sources.files {
        let (key, file) = split_file_source(source)?;
        let value = files.bytes(file).map_err(|error| error.at(source.pos))?;
        pairs.push(Pair { key: key.to_owned(), value, pos: source.pos });
    }
    refuse_repeated(&pairs)?;
    Ok(pairs)
}

fn refuse_repeated(pairs: &[Pair]) -> Result<(), BuildError> {
    let mut seen: IndexMap<&str, Pos> = IndexMap::with_capacity_and_hasher(pairs.len(), Default::default());
    for pair in pairs {
        match seen.entry(&pair.key) {
            indexmap::map::Entry::Vacant(slot) => {
                slot.insert(pair.pos);
            }
            indexmap::map::Entry::Occupied(first) => {
                return Err(BuildError::new(
                    ErrorKind::Generator,
                    format!("the key `{}` is given twice", pair.key),
                )
                .at(pair.pos)
                .with_note("it is given here first", *first.get()));
            }
        }
    }
    Ok(())
}

/// `key=value`; quotes around the value are taken off when they match.
fn literal(source: &Spanned<String>) -> Result<Pair, BuildError> {
    // kustomize writes the generator's configuration and reads it again.
    let text = match source.contains('\u{85}') {
        true => text_through_json(source)
            .map_err(|problem| refused(source, &format!("cannot be used: {problem}")))?,
        false => Cow::Borrowed(source.as_str()),
    };
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            let value = unquoted(value).as_bytes().to_vec();
            Ok(Pair { key: key.to_owned(), value, pos: source.pos })
        }
        Some(_) => Err(refused(source, "has no key")),
        None => {
            Err(refused(source, "has no value")
                .with_help(format!("write `{}=` for an empty one", source.value)))
        }
    }
    .map_err(|error| error.with_help("a literal is written `key=value`"))
}

fn refused(source: &Spanned<String>, what: &str) -> BuildError {
    BuildError::new(ErrorKind::Generator, format!("the literal `{}` {what}", source.value)).at(source.pos)
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

/// `path`, whose last part is the key, or `key=path`.
fn split_file_source(source: &Spanned<String>) -> Result<(&str, &str), BuildError> {
    let refused = |message: String| {
        BuildError::new(ErrorKind::Generator, message)
            .at(source.pos)
            .with_help("a file is given as `path` or as `key=path`")
    };
    let Some((key, file)) = source.split_once('=') else {
        return Ok((path::base_name(source), source));
    };
    if file.contains('=') {
        return Err(refused(format!("`{}` has more than one `=`", source.value)));
    }
    if key.is_empty() {
        return Err(refused(format!("there is no key for the file `{file}`")));
    }
    if file.is_empty() {
        return Err(refused(format!("there is no file for the key `{key}`")));
    }
    Ok((key, file))
}

/// Lines of `KEY=value`. Blank lines and those that start with `#` count for nothing; a line
/// without `=` has an empty value.
fn variables(content: &[u8], source: &Spanned<String>, pairs: &mut Vec<Pair>) -> Result<(), BuildError> {
    for (number, line) in lines(content).enumerate() {
        let Ok(line) = std::str::from_utf8(line) else {
            let message = format!("line {} is not UTF-8", number + 1);
            return Err(BuildError::new(ErrorKind::Generator, message)
                .at(source.pos)
                .in_file(source.value.as_str())
                .with_help("give files that are not text under `files`"));
        };
        let line = if number == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() && !key.starts_with('#') {
            pairs.push(Pair { key: key.to_owned(), value: value.as_bytes().to_vec(), pos: source.pos });
        }
    }
    Ok(())
}

/// Lines without their ends, up to the first that is too long.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        if end > LONGEST_LINE {
            return None;
        }
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}
