//! Maps of strings: `data` and `binaryData` of ConfigMaps, `data` of Secrets.

use crate::yaml::{Entry, Key, Node, Pos, Scalar, Style, Tag, Value};

/// A string as kustomize writes it there, texts of several lines as literal blocks.
pub(crate) fn data_entry(key: &str, text: &str, pos: Pos) -> Entry {
    let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
    let mut value = Node { pos, value: Value::Scalar(Scalar::new(text, Tag::Str, style)) };
    value.quote_if_yaml11_would_mistake();
    Entry { key: Key { pos, ..Key::new(key) }, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::FileId;

    #[test]
    fn an_entry_stands_where_its_text_was_read() {
        let pos = Pos::new(FileId::new(0), 7);
        let entry = data_entry("key", "text", pos);
        assert_eq!((entry.key.pos, entry.value.pos), (pos, pos));
    }
}
