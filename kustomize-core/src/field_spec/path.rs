//! Paths of field specs: `spec/template/spec/containers[]/image`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::yaml::Str;
use crate::yaml::decode::{Decode, Decoder, Mismatch};

/// The path of a field spec. Its parts are separated by `/`; `\/` is a slash within a part, and a
/// slash at the very start is ignored. `[]` after a part says that a list is expected there.
///
/// Parts are split off while walking, since most walks end at the first or second of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FieldPath(#[cfg_attr(feature = "json-schema", schemars(with = "String"))] Str);

impl FieldPath {
    /// A path known at compile time.
    #[must_use]
    pub const fn new_static(text: &'static str) -> Self {
        FieldPath(Str::new_static(text))
    }

    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts from the first to the last. There is always at least one, which may be empty.
    #[must_use]
    pub fn segments(&self) -> Segments<'_> {
        let text = self.as_str();
        Segments { rest: Some(text.strip_prefix('/').unwrap_or(text)) }
    }
}

impl Decode for FieldPath {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        self.0.decode(decoder)
    }
}

impl<T: Into<Str>> From<T> for FieldPath {
    fn from(text: T) -> Self {
        FieldPath(text.into())
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parts of a path that are still to be walked. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    /// None when the last part has been taken.
    rest: Option<&'a str>,
}

impl Segments<'_> {
    /// Parts are a few bytes long: any other way to look would take longer to set up than this.
    #[inline]
    fn next_slash(text: &str, from: usize) -> Option<usize> {
        text.as_bytes().get(from..)?.iter().position(|byte| *byte == b'/').map(|at| from + at)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Segment<'a>> {
        let text = self.rest?;
        let Some(slash) = Self::next_slash(text, 0) else {
            self.rest = None;
            return Some(Segment::new(Cow::Borrowed(text)));
        };
        if slash == 0 || text.as_bytes()[slash - 1] != b'\\' {
            self.rest = Some(&text[slash + 1..]);
            return Some(Segment::new(Cow::Borrowed(&text[..slash])));
        }
        let mut part = String::new();
        let mut start = 0;
        loop {
            let end = Self::next_slash(text, start);
            part.push_str(&text[start..end.unwrap_or(text.len())]);
            match end {
                Some(end) if part.ends_with('\\') => {
                    part.pop();
                    part.push('/');
                    start = end + 1;
                }
                _ => {
                    self.rest = end.map(|end| &text[end + 1..]);
                    return Some(Segment::new(Cow::Owned(part)));
                }
            }
        }
    }
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Name of the field, without `[]`.
    pub name: Cow<'a, str>,
    /// Whether `[]` followed it.
    pub is_list: bool,
}

/// A part of a path without the blanks around it, of which there are hardly ever any.
#[inline]
pub(super) fn trimmed(part: &str) -> &str {
    match part.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => part,
        _ => part.trim(),
    }
}

impl<'a> Segment<'a> {
    #[inline]
    fn new(text: Cow<'a, str>) -> Self {
        let Some(length) = text.strip_suffix("[]").map(str::len) else {
            return Segment { name: text, is_list: false };
        };
        let name = match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..length]),
            Cow::Owned(mut text) => {
                text.truncate(length);
                Cow::Owned(text)
            }
        };
        Segment { name, is_list: true }
    }
}

/// A part of a path, looked at once for all resources.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The field that it names in a map; empty when it is nothing but blanks, which kustomize
    /// drops.
    pub(super) name: Str,
    /// Whether `[]` followed it.
    pub(super) is_list: bool,
    /// Why it cannot name a field.
    pub(super) refused: Option<&'static str>,
}

impl FieldPath {
    /// Its parts, ready to be walked.
    pub(super) fn steps(&self) -> Box<[Step]> {
        self.segments().map(Step::from).collect()
    }
}

impl From<Segment<'_>> for Step {
    fn from(Segment { name: part, is_list }: Segment<'_>) -> Self {
        const NOT_A_FIELD: Option<&str> = Some("the path names an item of a list where there is a map");
        let name = trimmed(&part);
        let refused = match name.as_bytes().first() {
            None if part.is_empty() => Some("the path has an empty part"),
            Some(b'*') if name.len() == 1 => Some("a field spec's path may not have wildcards"),
            Some(b'[') if name.ends_with(']') => NOT_A_FIELD,
            Some(b'0'..=b'9' | b'+' | b'-') if name == "-" || name.parse::<i64>().is_ok() => NOT_A_FIELD,
            _ => None,
        };
        Step { name: name.into(), is_list, refused }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    fn parts(path: &str) -> Vec<String> {
        FieldPath::from(path)
            .segments()
            .map(|part| if part.is_list { format!("{}[]", part.name) } else { part.name.into_owned() })
            .collect()
    }

    #[test]
    fn splits_as_kustomize_does() {
        assert_eq!(parts("spec/containers[]/image"), ["spec", "containers[]", "image"]);
        assert_eq!(parts("/metadata/name"), ["metadata", "name"]);
        assert_eq!(parts(r"metadata/annotations/a.io\/b"), ["metadata", "annotations", "a.io/b"]);
        assert_eq!(parts(r"a\/b\/c/d"), ["a/b/c", "d"]);
        assert_eq!(parts(r"\/a"), ["/a"]);
        assert_eq!(parts(r"a\\/b"), [r"a\/b"]);
        assert_eq!(parts(r"a\"), [r"a\"]);
        assert_eq!(parts(""), [""]);
        assert_eq!(parts("/"), [""]);
        assert_eq!(parts("//a/"), ["", "a", ""]);
    }
}
