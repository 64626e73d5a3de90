//! Strings that YAML 1.1 would read as something else, such as `yes` or `1`. kustomize quotes them when it sets them.

use crate::reader::read_config;
use crate::resolve::{Dialect, Resolved, value};
use crate::{FileId, Key, Map, Node, Scalar, Style, Tag, Value};

/// Whether YAML 1.1 (go-yaml v2) would read this unquoted text as anything but a string: as a
/// number, say, but also as a map, a list or a comment (kustomize's `IsValueNonString`).
#[must_use]
pub fn is_non_string(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    if is_plain(text.as_bytes()) {
        // Timestamps stay strings where v2 decodes into a value of any type.
        return !matches!(value(text, Dialect::V2), Resolved::Str | Resolved::Timestamp(_));
    }
    match read_config(text, FileId::UNKNOWN) {
        Err(_) => false,
        Ok(Some(Node { value: Value::Scalar(scalar), .. })) => scalar.tag() != Tag::Str,
        Ok(_) => true,
    }
}

/// Whether a text is a plain scalar for sure. What is not is left to the reader.
fn is_plain(text: &[u8]) -> bool {
    let starts = match text {
        [b'-', second, ..] => second.is_ascii_alphanumeric() || *second == b'.',
        [first, ..] => {
            first.is_ascii_alphanumeric() || matches!(first, b'.' | b'_' | b'/' | b'+' | b'~' | b'$' | b'(')
        }
        [] => false,
    };
    let means_itself = |(at, byte): (usize, &u8)| match byte {
        b' ' => at + 1 < text.len(),
        b':' => text.get(at + 1).is_some_and(|next| *next != b' '),
        b'#' => at > 0 && text[at - 1] != b' ',
        _ => byte.is_ascii_graphic(),
    };
    starts && !text.starts_with(b"...") && text.iter().enumerate().all(means_itself)
}

impl Map {
    /// Sets a field the way kustomize's `FieldSetter` does: a null clears the field, and a
    /// scalar keeps the style that the old value was written in.
    pub fn set_field(&mut self, name: &str, mut value: Node) {
        if value.is_null() {
            self.remove(name);
            return;
        }
        value.quote_if_yaml11_would_mistake();
        match self.get_mut(name) {
            Some(old) => {
                value.keep_style_of(old);
                *old = value;
            }
            None => self.push(Key::new(name), value),
        }
    }
}

impl Node {
    /// Quotes a plain string that YAML 1.1 would read as something else, as kustomize does
    /// with each value that it sets.
    pub fn quote_if_yaml11_would_mistake(&mut self) {
        if let Value::Scalar(scalar) = &mut self.value {
            scalar.quote_if_yaml11_would_mistake();
        }
    }
}

impl Scalar {
    /// kustomize quotes plain strings that YAML 1.1 would read as something else when it sets
    /// them (`FieldSetter` with `IsYaml1_1NonString`).
    pub fn quote_if_yaml11_would_mistake(&mut self) {
        if matches!(self.tag(), Tag::Str | Tag::None)
            && self.style() == Style::Plain
            && is_non_string(self.text())
        {
            self.set_style(Style::DoubleQuoted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_yaml_1_1_mistakes() {
        // Expectations: kyaml's IsValueNonString.
        for text in [
            "yes", "1", "0x1F", "~", "null", "1e3", ".5", "a: b", "a:", "- a", "-", "[a]", "{}", "# a",
            "---", "...a: b", "&a", "!!int 1", "? a", "-.inf", " 1", "1 ", "1 # a", "--- 1", "a\t: b",
        ] {
            assert!(is_non_string(text), "{text:?}");
        }
        for text in [
            "",
            "a",
            "a b",
            "a:b",
            "a#b",
            "@a",
            "*a",
            "2001-01-01",
            "1.2.3",
            "'1'",
            "\"1\"",
            "!!str 1",
            "a\nb",
            "{",
            "%a",
            "-a",
            "--- a",
            "--a",
            "...",
            "http://a:1/",
            "a # b",
            "1:30",
            "\u{7f}",
            "a: b: c",
            "[a]: b",
            "é",
        ] {
            assert!(!is_non_string(text), "{text:?}");
        }
    }
}
