//! Field paths of replacements: `spec.containers.[name=web].image`.

use crate::pattern::{BadPattern, Pattern};

/// No path may be longer: each part may make a level of nesting.
const MAX_PARTS: usize = 500;

/// A path, taken apart once.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// As written.
    pub(crate) text: String,
    /// Its parts as written.
    pub(crate) parts: Vec<Part>,
}

/// A part of a path.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// As written, brackets around a list selector included.
    pub(crate) text: String,
    /// What it means where all matches count.
    pub(crate) target: Target,
}

/// What a part means in a target's path.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// `*`: every item of a list.
    Every,
    /// A number: one item of a list.
    Item(usize),
    /// `[field=pattern]`, or `[=pattern]` for lists of scalars: the items that match.
    Matching {
        /// Empty for lists of scalars.
        field: String,
        /// The pattern as written.
        value: String,
        /// A bad one is an error only where there is an item to hold against it.
        pattern: Result<Pattern, BadPattern>,
    },
    /// Brackets without `=`.
    BadSelector,
    /// A field of a map.
    Field,
}

impl Path {
    /// Takes a path apart; none when it is too long.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<Part> = split_fields(text).into_iter().map(Part::new).collect();
        (parts.len() <= MAX_PARTS).then(|| Path { text: text.to_owned(), parts })
    }

    /// Whether a write to this path may change what a resource is called.
    pub(crate) fn may_change_id(&self) -> bool {
        self.parts
            .first()
            .is_some_and(|part| matches!(part.text.as_str(), "metadata" | "kind" | "apiVersion"))
    }
}

impl Part {
    fn new(text: String) -> Self {
        let target = if let Some(index) = as_index(&text) {
            Target::Item(index)
        } else if let Some(selector) = in_brackets(&text) {
            match selector.split_once('=') {
                Some((field, value)) => Target::Matching {
                    field: field.to_owned(),
                    value: value.to_owned(),
                    pattern: Pattern::anywhere(value),
                },
                None => Target::BadSelector,
            }
        } else if text == "*" {
            Target::Every
        } else {
            Target::Field
        };
        Part { text, target }
    }

    /// Whether the value that the part before this one leads to must be a list.
    pub(crate) fn is_in_list(&self) -> bool {
        matches!(self.target, Target::Item(_) | Target::Matching { .. } | Target::BadSelector)
    }
}

/// A number that is no less than 0, as Go's `Atoi` reads it.
fn as_index(text: &str) -> Option<usize> {
    text.parse::<i64>().ok().and_then(|number| usize::try_from(number).ok())
}

/// What stands between `[` and `]`.
pub(crate) fn in_brackets(part: &str) -> Option<&str> {
    let inner = part.strip_prefix('[')?;
    if part == "[" { None } else { inner.strip_suffix(']') }
}

/// Splits a path at a separator, unless a backslash stands before it. A separator at the start is
/// dropped (kustomize's `PathSplitter`).
pub(crate) fn split(path: &str, separator: char) -> Vec<String> {
    let path = path.strip_prefix(separator).unwrap_or(path);
    let mut parts: Vec<String> = Vec::new();
    for piece in path.split(separator) {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(separator);
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
}

/// Splits a path at dots, but not within brackets. Brackets around something without `=` only
/// protect its dots, and are taken off (kustomize's `SmarterPathSplitter`).
fn split_fields(path: &str) -> Vec<String> {
    let mut result = Vec::new();
    let mut pieces = split(path, '.').into_iter();
    while let Some(piece) = pieces.next() {
        if !piece.starts_with('[') || piece.ends_with(']') {
            result.push(piece);
            continue;
        }
        let mut joined = piece;
        for piece in pieces.by_ref() {
            joined.push('.');
            joined.push_str(&piece);
            if piece.ends_with(']') {
                break;
            }
        }
        if joined.contains('=') {
            result.push(joined);
        } else {
            result.push(joined.trim_matches(['[', ']']).to_owned());
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_kustomize_does() {
        // Expectations: kustomize's pathsplitter_test.go.
        assert_eq!(split_fields("a.b.c"), ["a", "b", "c"]);
        assert_eq!(split_fields(r"a\.b.c"), ["a.b", "c"]);
        assert_eq!(split_fields("a.[b.c]"), ["a", "b.c"]);
        assert_eq!(split_fields("a.[b.c=d.e].f"), ["a", "[b.c=d.e]", "f"]);
        assert_eq!(split_fields("a.[b.c"), ["a", "b.c"]);
        assert_eq!(split_fields(".a..b"), ["a", "", "b"]);
        assert_eq!(split(r"a\/b/c", '/'), ["a/b", "c"]);
    }
}
