//! Markers, and the scalars that they mark.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// The key of a marker.
const KEY: &str = "$imagepolicy";

/// A scalar with a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    /// The bytes of the scalar; of a block scalar those from its header to its end.
    pub(super) range: Range<usize>,
    /// What the marker names.
    pub(super) setter: String,
    /// For a block scalar, where its text starts.
    body: Option<usize>,
}

impl Marked {
    /// The value of the scalar.
    pub(super) fn value(&self, text: &str) -> String {
        let raw = &text[self.range.clone()];
        if self.body.is_some() || raw.starts_with(['"', '\'']) {
            return serde_yaml::from_str(raw).unwrap_or_default();
        }
        raw.to_owned()
    }

    /// The scalar with another value, in the style that it had.
    pub(super) fn replacement(&self, text: &str, value: &str) -> String {
        let raw = &text[self.range.clone()];
        if let Some(body) = self.body {
            let header = &text[self.range.start..body];
            let comment = header.find([' ', '\t', '\r', '\n']).map_or("", |end| &header[end..]);
            let lines = &text[body..self.range.end];
            let indent = &lines[..lines.len() - lines.trim_start_matches(' ').len()];
            let ending = if lines.ends_with("\r\n") {
                "\r\n"
            } else if lines.ends_with('\n') {
                "\n"
            } else {
                ""
            };
            return format!("|-{comment}{indent}{value}{ending}");
        }
        match raw.chars().next() {
            Some('"') => format!("\"{value}\""),
            Some('\'') => format!("'{value}'"),
            _ if is_string(value) => value.to_owned(),
            _ => format!("\"{value}\""),
        }
    }
}

/// Patterns for lines.
struct Patterns {
    /// What stands before a marker, with a scalar at its end.
    scalar: Regex,
    /// What opens a block scalar.
    block: Regex,
    /// Values that YAML reads as something else than text.
    other: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let lead = r#"^(?<lead>[ \u{feff}]*(?:-[ ]+)*)(?<key>(?:"[^"]*"|'[^']*'|[^\s"'#\[\]{},&*!|>%@`](?:[^#:]|:[^\s])*?)[ \t]*:[ \t]+)?(?:[&!]\S*[ \t]+)*"#;
    Some(Patterns {
        scalar: Regex::new(&format!(
            r#"{lead}(?<value>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#\[\]{{}},&*!|>%@`][^\s]*)$"#
        ))
        .ok()?,
        block: Regex::new(&format!(r"{lead}(?<value>[|>][-+0-9]*)[ \t\r]*(?:[ \t]#.*)?$")).ok()?,
        other: Regex::new(concat!(
            r"(?i)^(?:|~|null|true|false|yes|no|on|off|y|n|<<|=|[-+]?\.inf|\.nan",
            r"|[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:e[-+]?[0-9]+)?",
            r"|[-+]?0[xob][0-9a-f_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?",
            r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t \t].*)?)$"
        ))
        .ok()?,
    })
});

/// Whether a plain scalar with this value is text, and reads as it is written.
fn is_string(value: &str) -> bool {
    let plain = value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    plain && PATTERNS.as_ref().is_some_and(|patterns| !patterns.other.is_match(value))
}

/// What a marker names, if the comment is one. Other text in the comment disables it.
fn setter(comment: &str) -> Option<String> {
    let marker: serde_json::Map<String, serde_json::Value> = serde_json::from_str(comment.trim()).ok()?;
    marker.get(KEY)?.as_str().map(str::to_owned)
}

/// The marked scalars of a file, from top to bottom.
pub(super) fn marked(text: &str) -> Vec<Marked> {
    let (mut found, mut at): (Vec<Marked>, usize) = (Vec::new(), 0);
    let Some(patterns) = PATTERNS.as_ref() else { return found };
    // The column that ends the current block scalar, and whether it is a marked one.
    let mut block: Option<(usize, bool)> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if let Some((column, is_marked)) = block {
            let indent = line.len() - line.trim_start_matches(' ').len();
            if line.trim().is_empty() || indent > column {
                if let Some(last) = found.last_mut().filter(|_| is_marked && !line.trim().is_empty()) {
                    last.range.end = at;
                }
                continue;
            }
            block = None;
        }
        let content = line.trim_end_matches(['\n', '\r']);
        let named = content
            .rfind('#')
            .filter(|hash| content[..*hash].ends_with([' ', '\t']))
            .and_then(|hash| Some((&content[..hash], setter(&content[hash + 1..])?)));
        if let Some(captures) = patterns.block.captures(content) {
            let column = |name: &str| captures.name(name).map(|part| part.range());
            let (Some(lead), Some(value)) = (column("lead"), column("value")) else { continue };
            let keyed = captures.name("key").is_some();
            // The text of a keyed scalar is right of its key, that of an item right of the hyphen.
            let column = if keyed { lead.end } else { content[..lead.end].rfind('-').unwrap_or(0) };
            block = Some((column, named.is_some()));
            if let Some((_, setter)) = named {
                found.push(Marked { range: start + value.start..at, setter, body: Some(at) });
            }
            continue;
        }
        let Some((before, setter)) = named else { continue };
        let Some(captures) = patterns.scalar.captures(before.trim_end()) else { continue };
        let item = captures.name("lead").is_some_and(|lead| lead.as_str().contains('-'));
        if let Some(value) = captures.name("value").filter(|_| item || captures.name("key").is_some()) {
            found.push(Marked { range: start + value.start()..start + value.end(), setter, body: None });
        }
    }
    found
}
