//! Which object a place in a file belongs to.

/// An object, by what its file says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectIdentifier {
    /// The group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, if there is one.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// The object at a byte of a file, or nothing where the document is no mapping.
///
/// The lines are read rather than the document parsed, so that a duplicate key elsewhere does no harm.
pub(super) fn identify(text: &str, at: usize) -> Option<ObjectIdentifier> {
    let start = text[..at].rfind("\n---").map_or(0, |found| found + 1);
    let end = text[at..].find("\n---").map_or(text.len(), |found| at + found);
    let document = text[start..end].trim_start_matches('\u{feff}');
    let lines: Vec<&str> = document.lines().filter(|line| !line.starts_with("---")).collect();
    let content = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if lines.iter().find(content).is_none_or(|line| line.trim_start().starts_with("- ")) {
        return None;
    }
    let object = read(&lines, 0);
    if !object.kind.ends_with("List") {
        return Some(object);
    }
    // The items of a list are objects of their own.
    let before = text[start..at].lines().filter(|line| !line.starts_with("---")).count().saturating_sub(1);
    let items = lines.iter().position(|line| line.starts_with("items:"));
    let Some(indent) = items.and_then(|items| lines.get(items + 1)).map(|line| indent(line)) else {
        return Some(object);
    };
    let opens = |line: &str| {
        line.get(indent..).is_some_and(|rest| rest.starts_with("- ")) && self::indent(line) == indent
    };
    let Some(first) = (0..=before).rev().find(|index| lines.get(*index).is_some_and(|line| opens(line)))
    else {
        return Some(object);
    };
    let mut item = vec![format!("{}  {}", &lines[first][..indent], &lines[first][indent + 2..])];
    item.extend(lines[first + 1..].iter().take_while(|line| !opens(line)).map(|line| (*line).to_owned()));
    let item: Vec<&str> = item.iter().map(String::as_str).collect();
    Some(read(&item, indent + 2))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Reads an object whose keys have this indentation.
fn read(lines: &[&str], base: usize) -> ObjectIdentifier {
    let mut object = ObjectIdentifier::default();
    // The indentation of the keys below `metadata`, while the lines are in it.
    let (mut in_metadata, mut inner) = (false, None);
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let indent = indent(line);
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        if indent == base {
            in_metadata = key == "metadata";
            match key {
                "apiVersion" => object.api_version = scalar(value),
                "kind" => object.kind = scalar(value),
                "metadata" if value.trim().starts_with('{') => flow(value, &mut object),
                _ => {}
            }
        } else if in_metadata && *inner.get_or_insert(indent) == indent {
            match key {
                "name" => object.name = scalar(value),
                "namespace" => object.namespace = scalar(value),
                _ => {}
            }
        }
    }
    object
}

/// Reads `{name: x, namespace: y}`.
fn flow(value: &str, object: &mut ObjectIdentifier) {
    let Ok(metadata) = serde_yaml::from_str::<serde_json::Value>(value.trim()) else { return };
    let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
    object.name = text("name");
    object.namespace = text("namespace");
}

/// A scalar on one line, without its quotes and comment.
fn scalar(value: &str) -> String {
    match serde_yaml::from_str::<serde_json::Value>(value.trim()) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}
