//! What differs between two versions of an object, in the form of dyff.

use serde_json::{Map, Value, json};

use super::manifest::to_yaml;

/// Lines up to this width stand beside each other.
const WIDTH: usize = 80;
/// Fields by which entries of lists are told apart.
const KEYS: [&str; 4] = ["name", "key", "id", "containerPort"];

/// The differences, one block each.
pub(crate) fn compare(before: &Value, after: &Value) -> String {
    let mut out = String::new();
    values(&mut Vec::new(), before, after, &mut out);
    out
}

/// Something that was removed, added or changed at one place.
struct Detail {
    title: String,
    lines: Vec<String>,
}

fn values(path: &mut Vec<String>, before: &Value, after: &Value, out: &mut String) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => maps(path, before, after, out),
        (Value::Array(before), Value::Array(after)) => lists(path, before, after, out),
        _ if before == after => {}
        _ => {
            let mut lines: Vec<String> = Vec::new();
            for (sign, value) in [('-', before), ('+', after)] {
                lines.extend(scalar(value).lines().map(|line| format!("{sign} {line}")));
            }
            let same_type = std::mem::discriminant(before) == std::mem::discriminant(after);
            let title = if same_type {
                "± value change".to_owned()
            } else {
                format!("± type change from {} to {}", type_of(before), type_of(after))
            };
            block(path, &[Detail { title, lines }], out);
        }
    }
}

fn maps(path: &mut Vec<String>, before: &Map<String, Value>, after: &Map<String, Value>, out: &mut String) {
    let only = |one: &Map<String, Value>, other: &Map<String, Value>| -> Map<String, Value> {
        one.iter()
            .filter(|(key, _)| !other.contains_key(*key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let mut details = Vec::new();
    for (sign, word, entries) in [('-', "removed", only(before, after)), ('+', "added", only(after, before))]
    {
        if !entries.is_empty() {
            details.push(Detail {
                title: format!("{sign} {} {word}:", count(entries.len(), "map entry", "map entries")),
                lines: printed(&Value::Object(entries)),
            });
        }
    }
    block(path, &details, out);
    for (key, value) in before {
        if let Some(other) = after.get(key) {
            path.push(key.clone());
            values(path, value, other, out);
            path.pop();
        }
    }
}

/// Entries with a key of their own are compared with each other, others by their value.
fn lists(path: &mut Vec<String>, before: &[Value], after: &[Value], out: &mut String) {
    let key = KEYS.into_iter().find(|key| {
        let named = |item: &Value| item.get(key).is_some_and(|name| name.is_string() || name.is_number());
        before.iter().chain(after).all(named) && !(before.is_empty() && after.is_empty())
    });
    let same = |one: &Value, other: &Value| match key {
        Some(key) => one[key] == other[key],
        None => one == other,
    };
    let only = |one: &[Value], other: &[Value]| -> Vec<Value> {
        one.iter().filter(|item| !other.iter().any(|found| same(item, found))).cloned().collect()
    };
    let (removed, added) = (only(before, after), only(after, before));
    let common = |one: &[Value], other: &[Value]| -> Vec<Value> {
        let kept = one.iter().filter(|item| other.iter().any(|found| same(item, found)));
        kept.map(|item| key.map_or_else(|| item.clone(), |key| item[key].clone())).collect()
    };
    let mut details = Vec::new();
    let (order, new_order) = (common(before, after), common(after, before));
    if order != new_order {
        let names = |items: &[Value]| items.iter().map(scalar).collect::<Vec<_>>().join(", ");
        let lines = vec![format!("- {}", names(&order)), format!("+ {}", names(&new_order))];
        details.push(Detail { title: "⇆ order changed".to_owned(), lines });
    }
    for (sign, word, items) in [('-', "removed", removed), ('+', "added", added)] {
        if !items.is_empty() {
            details.push(Detail {
                title: format!("{sign} {} {word}:", count(items.len(), "list entry", "list entries")),
                lines: printed(&Value::Array(items)),
            });
        }
    }
    block(path, &details, out);
    let Some(key) = key else { return };
    for item in before {
        if let Some(other) = after.iter().find(|other| other[key] == item[key]) {
            path.push(scalar(&item[key]));
            values(path, item, other, out);
            path.pop();
        }
    }
}

/// Prints what differs at one place; details stand beside each other where there is room.
fn block(path: &[String], details: &[Detail], out: &mut String) {
    if details.is_empty() {
        return;
    }
    let place = if path.is_empty() { "(root level)".to_owned() } else { path.join(".") };
    out.push_str(&format!("\n{place}\n"));
    let columns: Vec<Vec<&str>> = details
        .iter()
        .map(|detail| {
            let lines = detail.lines.iter().map(String::as_str);
            std::iter::once(detail.title.as_str()).chain(lines).collect()
        })
        .collect();
    let width = |column: &[&str]| column.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let total: usize = columns.iter().map(|column| width(column) + 3).sum();
    if columns.len() == 1 || total > WIDTH + 3 {
        let indent = |detail: &Detail| if detail.title.ends_with(':') { "  " } else { "" };
        let blocks: Vec<String> = details
            .iter()
            .map(|detail| {
                let lines = detail.lines.iter().map(|line| format!("\n{}{line}", indent(detail)));
                std::iter::once(detail.title.clone()).chain(lines).collect()
            })
            .collect();
        out.push_str(&blocks.join("\n\n"));
        out.push_str("\n\n");
        return;
    }
    let height = columns.iter().map(Vec::len).max().unwrap_or_default();
    for row in 0..height {
        let mut line = String::new();
        for (index, column) in columns.iter().enumerate() {
            let cell = column.get(row).copied().unwrap_or_default();
            if index > 0 && row > 0 {
                // Only lines at the margin lose the two spaces below a title.
                line.push_str("  ");
            }
            line.push_str(cell);
            if index + 1 < columns.len() {
                let missing = width(column) - cell.chars().count();
                line.extend(std::iter::repeat_n(' ', missing + 3));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push('\n');
}

/// A number in words up to twelve, and what is counted.
fn count(number: usize, one: &str, many: &str) -> String {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let noun = if number == 1 { one } else { many };
    match WORDS.get(number) {
        Some(word) => format!("{word} {noun}"),
        None => format!("{number} {noun}"),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// A scalar as it stands behind a sign.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => printed(value).join("\n"),
        other => other.to_string(),
    }
}

/// Data as lines of YAML; an empty text is shown as nothing.
fn printed(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let mut lines = Vec::new();
            for (key, field) in fields {
                match field {
                    Value::Object(inner) if !inner.is_empty() => {
                        lines.push(format!("{key}:"));
                        lines.extend(printed(field).into_iter().map(|line| format!("  {line}")));
                    }
                    Value::Array(items) if !items.is_empty() => {
                        lines.push(format!("{key}:"));
                        lines.extend(printed(field));
                    }
                    Value::String(text) if text.is_empty() => lines.push(format!("{key}:")),
                    Value::String(text) if text.starts_with('*') => lines.push(format!("{key}: \"{text}\"")),
                    _ => {
                        let text = to_yaml(&json!({key.as_str(): field})).unwrap_or_default();
                        lines.extend(text.lines().map(str::to_owned));
                    }
                }
            }
            lines
        }
        Value::Array(items) => {
            let mut lines = Vec::new();
            for item in items {
                for (index, line) in printed(item).into_iter().enumerate() {
                    lines.push(if index == 0 { format!("- {line}") } else { format!("  {line}") });
                }
            }
            lines
        }
        other => to_yaml(other).unwrap_or_default().lines().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::compare;

    #[test]
    fn entries_of_lists_are_known_by_their_names() {
        let ports = |port: u16| json!({"spec": {"ports": [{"name": "http", "port": port}, {"name": "b", "port": 1}]}});
        assert_eq!(compare(&ports(1), &ports(2)), "\nspec.ports.http.port\n± value change\n- 1\n+ 2\n\n");
    }

    #[test]
    fn what_was_removed_stands_beside_what_was_added() {
        let text = compare(&json!({"data": {"old-key": "*"}}), &json!({"data": {"new": "*"}}));
        let wanted = "\ndata\n- one map entry removed:   + one map entry added:\nold-key: \"*\"                 new: \"*\"\n\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn equal_values_differ_in_nothing() {
        let value = json!({"a": [1, {"name": "b"}], "c": null});
        assert_eq!(compare(&value, &value), "");
    }
}
