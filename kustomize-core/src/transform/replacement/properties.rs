//! Anchors and tags of nodes: trees do not hold them, but the text at the position of a node shows
//! them.

/// What stands before the content of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties<'t> {
    /// The name of the anchor, without `&`.
    pub(super) anchor: Option<&'t str>,
    /// The tag as it was written, such as `!own`; none for `!`, which has no effect.
    pub(super) tag: Option<&'t str>,
    /// The offset of the content.
    pub(super) content: usize,
}

impl<'t> Properties<'t> {
    /// The properties that start at an offset of a YAML text. Content starts with neither `&` nor
    /// `!`, unless it is quoted.
    pub(super) fn at(text: &'t str, offset: usize) -> Self {
        let mut properties = Properties { content: offset, ..Properties::default() };
        loop {
            let rest = text.get(properties.content..).unwrap_or_default();
            let mut word =
                rest.split([' ', '\t', '\r', '\n', ',', '[', ']', '{', '}']).next().unwrap_or_default();
            if let Some(name) = word.strip_prefix('&') {
                properties.anchor = Some(name);
            } else if word.starts_with('!') {
                let end = if word.starts_with("!<") { rest.find('>').map(|end| end + 1) } else { None };
                word = rest.get(..end.unwrap_or(word.len())).unwrap_or(word);
                properties.tag = (word != "!").then_some(word);
            } else {
                return properties;
            }
            properties.content += word.len();
            properties.content += blank(text.get(properties.content..).unwrap_or_default());
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.anchor.is_none() && self.tag.is_none()
    }
}

/// The length of the blanks, line breaks and comments at the start of a text.
fn blank(text: &str) -> usize {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if !trimmed.starts_with('#') || trimmed.len() == rest.len() {
            return text.len() - trimmed.len();
        }
        rest = trimmed.find('\n').and_then(|end| trimmed.get(end..)).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_stand_before_the_content() {
        for (text, anchor, tag, content) in [
            ("a: 1", None, None, "a: 1"),
            ("&x a", Some("x"), None, "a"),
            ("!own {a: b}", None, Some("!own"), "{a: b}"),
            ("!own &x\n  # why\n  [a]", Some("x"), Some("!own"), "[a]"),
            ("&x !<tag:example.com,2000:x> 'y'", Some("x"), Some("!<tag:example.com,2000:x>"), "'y'"),
            ("! a", None, None, "a"),
            ("&x", Some("x"), None, ""),
        ] {
            let found = Properties::at(text, 0);
            assert_eq!((found.anchor, found.tag, &text[found.content..]), (anchor, tag, content), "{text}");
        }
    }
}
