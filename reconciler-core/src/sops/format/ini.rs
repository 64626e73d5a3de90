//! Sections of `key = value`.

use crate::sops::value::{Branch, Item, Value};

/// The section of what comes before the first one.
const DEFAULT: &str = "DEFAULT";

pub(super) fn load(text: &str) -> Result<Branch, String> {
    let mut sections: Vec<(String, Branch)> = vec![(DEFAULT.to_owned(), Branch::new())];
    let mut comments: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix([';', '#']) {
            comments.push(comment.trim_start_matches([';', '#', ' ']).to_owned());
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let comments = comments.drain(..).map(Item::Comment).collect();
            sections.push((name.trim().to_owned(), comments));
            continue;
        }
        let at = line.find(['=', ':']).ok_or("key-value delimiter not found")?;
        let (key, value) = (line[..at].trim(), unquoted(line[at + 1..].trim()));
        if let Some((_, items)) = sections.last_mut() {
            items.push(Item::Entry(key.to_owned(), Value::Text(value.to_owned())));
            items.extend(comments.drain(..).map(Item::Comment));
        }
    }
    Ok(sections.into_iter().map(|(name, items)| Item::Entry(name, Value::Map(items))).collect())
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    let quoted = ["\"\"\"", "`", "\"", "'"]
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    quoted.unwrap_or(value)
}

pub(super) fn emit(branch: &Branch) -> Result<String, String> {
    let mut sections = Vec::new();
    for item in branch {
        let Item::Entry(name, value) = item else { continue };
        let Value::Map(items) = value else {
            return Err("Error encoding section: Section values should always be TreeBranches".to_owned());
        };
        if name == DEFAULT && items.is_empty() {
            continue;
        }
        sections.push(section(name, items));
    }
    Ok(sections.join("\n"))
}

fn section(name: &str, items: &Branch) -> String {
    let width = items.iter().map(|item| match item {
        Item::Entry(key, _) => key.len(),
        Item::Comment(_) => 0,
    });
    let width = width.max().unwrap_or_default();
    let mut text = if name == DEFAULT { String::new() } else { format!("[{name}]\n") };
    let mut rest = items.as_slice();
    if let [Item::Comment(comment), after @ ..] = rest {
        text.insert_str(0, &format!("; {comment}\n"));
        rest = after;
    }
    for (index, item) in rest.iter().enumerate() {
        let Item::Entry(key, value) = item else { continue };
        // A comment follows what it is about.
        if let Some(Item::Comment(comment)) = rest.get(index + 1) {
            text.push_str(&format!("; {comment}\n"));
        }
        let value = value.plain();
        let value = if value.contains('\n') || value.contains('`') {
            format!("\"\"\"{value}\"\"\"")
        } else if value.contains([';', '#']) || value.trim() != value {
            format!("`{value}`")
        } else {
            value
        };
        text.push_str(&format!("{key:width$} = {value}\n"));
    }
    text
}
