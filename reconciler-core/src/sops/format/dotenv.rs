//! Lines `KEY=value`; line breaks in values are written `\n`.

use crate::sops::value::{Branch, Item, Value};

pub(super) fn load(text: &str) -> Result<Branch, String> {
    let mut branch = Branch::new();
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix('#') {
            branch.push(Item::Comment(comment.to_owned()));
            continue;
        }
        let (key, value) = line.split_once('=').ok_or("invalid dotenv input line")?;
        branch.push(Item::Entry(key.to_owned(), Value::Text(value.replace("\\n", "\n"))));
    }
    Ok(branch)
}

pub(super) fn emit(branch: &Branch) -> Result<String, String> {
    let mut text = String::new();
    for item in branch {
        match item {
            Item::Comment(comment) => text.push_str(&format!("#{comment}\n")),
            Item::Entry(key, Value::Map(_) | Value::List(_)) => {
                return Err(format!("cannot use complex value in dotenv file; offending key {key}"));
            }
            Item::Entry(key, value) => {
                text.push_str(&format!("{key}={}\n", value.plain().replace('\n', "\\n")));
            }
        }
    }
    Ok(text)
}
