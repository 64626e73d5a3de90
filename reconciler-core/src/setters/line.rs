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
    /// The number of the line, counted from 1.
    pub(super) line: usize,
    /// For a block scalar, where its text starts.
    body: Option<usize>,
}

/// A comment that was meant as a marker, and marks no scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stray {
    /// The number of the line, counted from 1.
    pub(super) line: usize,
    /// The comment, without the number sign.
    pub(super) comment: String,
    /// What it names, if it is written as a marker.
    pub(super) setter: Option<String>,
}

/// What the comments of a file mark.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The marked scalars, from top to bottom.
    pub(super) marked: Vec<Marked>,
    /// Comments that were meant as markers.
    pub(super) stray: Vec<Stray>,
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

/// Whether a comment that is no marker was meant as one. One on a line of its own can as well be a remark about markers,
/// or a line of YAML that was commented out.
fn is_meant(comment: &str, is_alone: bool) -> bool {
    let comment = comment.trim().to_ascii_lowercase();
    let is_object = comment.starts_with('{') && comment.contains("imagepolicy");
    is_object || (!is_alone && comment.contains(KEY))
}

/// The marked scalars of a file.
pub(super) fn marked(text: &str) -> Found {
    let Found { marked: mut found, mut stray } = Found::default();
    let mut at = 0;
    let Some(patterns) = PATTERNS.as_ref().filter(|_| text.to_ascii_lowercase().contains("imagepolicy"))
    else {
        return Found::default();
    };
    // The column that ends the current block scalar, and whether it is a marked one.
    let mut block: Option<(usize, bool)> = None;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
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
        if let Some(comment) = content.trim_start().strip_prefix('#') {
            if is_meant(comment, true) {
                stray.push(Stray { line: number, comment: comment.to_owned(), setter: setter(comment) });
            }
            continue;
        }
        let comment = content.rfind('#').filter(|hash| content[..*hash].ends_with([' ', '\t']));
        let comment = comment.map(|hash| (&content[..hash], &content[hash + 1..]));
        let named = comment.and_then(|(before, comment)| Some((before, setter(comment)?)));
        let lost = |setter| {
            let (_, comment) = comment.filter(|(_, comment)| is_meant(comment, false))?;
            Some(Stray { line: number, comment: comment.to_owned(), setter })
        };
        if let Some(captures) = patterns.block.captures(content) {
            let column = |name: &str| captures.name(name).map(|part| part.range());
            let (Some(lead), Some(value)) = (column("lead"), column("value")) else { continue };
            let keyed = captures.name("key").is_some();
            // The text of a keyed scalar is right of its key, that of an item right of the hyphen.
            let column = if keyed { lead.end } else { content[..lead.end].rfind('-').unwrap_or(0) };
            block = Some((column, named.is_some()));
            match named {
                Some((_, setter)) => {
                    let range = start + value.start..at;
                    found.push(Marked { range, setter, line: number, body: Some(at) });
                }
                None => stray.extend(lost(None)),
            }
            continue;
        }
        let Some((before, setter)) = named else {
            stray.extend(lost(None));
            continue;
        };
        let captures = patterns.scalar.captures(before.trim_end());
        let value = captures.as_ref().and_then(|captures| {
            let is_item = captures.name("lead").is_some_and(|lead| lead.as_str().contains('-'));
            captures.name("value").filter(|_| is_item || captures.name("key").is_some())
        });
        match value {
            Some(value) => {
                let range = start + value.start()..start + value.end();
                found.push(Marked { range, setter, line: number, body: None });
            }
            None => stray.extend(lost(Some(setter))),
        }
    }
    Found { marked: found, stray }
}
