//! Maps of strings: `data` and `binaryData` of ConfigMaps, `data` of Secrets.

use crate::yaml::{Entry, Key, Node, Pos, Scalar, Style, Tag, Value};

/// A string as kustomize writes it there, texts of several lines as literal blocks.
pub(crate) fn data_entry(key: &str, text: &str, pos: Pos) -> Entry {
    let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
    let mut value = Node { pos, value: Value::Scalar(Scalar::new(text, Tag::Str, style)) };
    value.quote_if_yaml11_would_mistake();
    Entry { key: Key { pos, ..Key::new(key) }, value }
}
