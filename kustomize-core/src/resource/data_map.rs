//! Maps of strings: `data` and `binaryData` of ConfigMaps, `data` of Secrets.

use crate::yaml::{Key, Map, Node, Pos, Scalar, Style, Tag, Value};

/// Appends a string as the reference writes it there, texts of several lines as literal blocks.
/// The map is expected not to have the key.
pub(crate) fn push_data(map: &mut Map, key: &str, text: String, pos: Pos) {
    let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
    let mut value = Node { pos, value: Value::Scalar(Scalar::new(text, Tag::Str, style)) };
    value.quote_if_yaml11_would_mistake();
    map.push(Key { pos, ..Key::new(key) }, value);
}
