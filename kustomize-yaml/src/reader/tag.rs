//! Explicit tags.

use crate::Tag;

/// What an explicit tag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagName {
    /// `!`, the tag that is none.
    NonSpecific,
    /// One of the core types, or a tag that makes a string of any scalar.
    Is(Tag),
}

impl TagName {
    /// What `!!` stands for.
    pub(super) const CORE: &'static str = "tag:yaml.org,2002:";

    /// The tag whose two parts these are.
    pub(super) fn new(prefix: &str, suffix: &str) -> Self {
        if prefix.len() + suffix.len() == 1 && (prefix == "!" || suffix == "!") {
            return TagName::NonSpecific;
        }
        let whole;
        let name = if prefix == Self::CORE {
            suffix
        } else {
            whole = format!("{prefix}{suffix}");
            match whole.strip_prefix(Self::CORE).or_else(|| whole.strip_prefix("!!")) {
                Some(name) => name,
                None => return TagName::Is(Tag::Other),
            }
        };
        TagName::Is(match name {
            "null" => Tag::Null,
            "bool" => Tag::Bool,
            "int" => Tag::Int,
            "float" => Tag::Float,
            "str" => Tag::Str,
            "timestamp" => Tag::Timestamp,
            "binary" => Tag::Binary,
            "merge" => Tag::Merge,
            _ => Tag::Other,
        })
    }
}
