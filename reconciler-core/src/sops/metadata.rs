//! What SOPS notes in a document about its encryption: the field `sops`.

use regex::Regex;

use super::SopsError;
use super::cipher::{self, DataKey};
use super::format::Format;
use super::keys::Keys;
use super::value::{Branch, Item, Value, get};
use crate::go;

/// The field, and how keys begin that belong to it where there are no fields in fields.
const FIELD: &str = "sops";
const PREFIX: &str = "sops_";

/// How many columns a reason has in a message.
const WIDTH: usize = 60;

/// Lists of keys of other services, with what they are called.
const OTHER_SERVICES: &[(&str, &str, &str)] = &[
    ("pgp", "fp", "PGP"),
    ("kms", "arn", "AWS KMS"),
    ("gcp_kms", "resource_id", "Google Cloud KMS"),
    ("hckms", "key_id", "Huawei Cloud KMS"),
    ("azure_kv", "name", "Azure Key Vault"),
    ("hc_vault", "key_name", "Vault"),
];

/// What is known of the encryption of a document.
pub(super) struct Metadata {
    /// Recipients and the key of the document, encrypted for each.
    age_keys: Vec<(String, String)>,
    /// Names of keys of other services, each with the service.
    other_keys: Vec<(String, &'static str)>,
    has_groups: bool,
    modified: String,
    mac: String,
    /// Whether values that are not encrypted have no part in the MAC.
    pub(super) mac_only_encrypted: bool,
    rule: Rule,
}

/// Which values are encrypted, by the keys on the way to them.
enum Rule {
    UnlessSuffix(String),
    IfSuffix(String),
    Unless(Regex),
    If(Regex),
}

impl Metadata {
    /// Whether the value at a path is encrypted.
    pub(super) fn is_encrypted(&self, path: &[&str]) -> bool {
        let any = |matches: &dyn Fn(&str) -> bool| path.iter().any(|key| matches(key));
        match &self.rule {
            Rule::UnlessSuffix(suffix) => !any(&|key| key.ends_with(suffix)),
            Rule::IfSuffix(suffix) => any(&|key| key.ends_with(suffix)),
            Rule::Unless(pattern) => !any(&|key| pattern.is_match(key)),
            Rule::If(pattern) => any(&|key| pattern.is_match(key)),
        }
    }

    /// The MAC of the document that was encrypted.
    pub(super) fn mac(&self, key: &DataKey) -> Result<String, String> {
        Ok(cipher::decrypt(&self.mac, key, &self.modified)?.plain())
    }

    /// The key of the document.
    pub(super) fn data_key(&self, keys: &Keys) -> Result<DataKey, SopsError> {
        if self.has_groups {
            return Err(SopsError::NoKey("groups of keys are not supported".to_owned()));
        }
        let mut failures = Vec::new();
        for (recipient, encrypted) in &self.age_keys {
            match keys.open(encrypted) {
                Ok(key) => return Ok(key),
                Err(reason) => failures.push((recipient.as_str(), reason)),
            }
        }
        for (name, service) in &self.other_keys {
            failures.push((name, format!("keys of {service} are not supported, only those of age")));
        }
        Err(SopsError::NoKey(report(&failures)))
    }
}

/// What is told when none of the keys fits.
fn report(failures: &[(&str, String)]) -> String {
    let mut text =
        "Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED\n".to_owned();
    for (key, reason) in failures {
        let lines = wrap(reason);
        text.push_str(&format!("  {key}: FAILED\n    - | {}\n\n", lines.join("\n      | ")));
    }
    text.push_str("Recovery failed because no master key was able to decrypt the file. In\n");
    text.push_str("order for SOPS to recover the file, at least one key has to be successful,\n");
    text.push_str("but none were.");
    text
}

/// Lines of a text.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Takes the metadata out of documents. There is the same in each.
pub(super) fn take(documents: &mut [Branch], format: Format) -> Result<Metadata, String> {
    let mut found = None;
    for document in documents {
        let (metadata, rest): (Branch, Branch) = std::mem::take(document).into_iter().partition(|item| {
            matches!(item, Item::Entry(key, _)
                if key == FIELD || (format == Format::Dotenv && key.starts_with(PREFIX)))
        });
        *document = rest;
        if found.is_none() && !metadata.is_empty() {
            found = Some(metadata);
        }
    }
    let found = found.ok_or("sops metadata not found")?;
    let fields = match format {
        Format::Dotenv => {
            let texts = found.into_iter().filter_map(|item| match item {
                Item::Entry(key, value) => Some((key.strip_prefix(PREFIX)?.to_owned(), value)),
                Item::Comment(_) => None,
            });
            unflatten(texts)?
        }
        Format::Ini => match found.into_iter().next() {
            Some(Item::Entry(_, Value::Map(section))) => unflatten(section.into_iter().filter_map(|item| {
                let Item::Entry(key, value) = item else { return None };
                Some((key, Value::Text(value.plain().replace("\\n", "\n"))))
            }))?,
            _ => Branch::new(),
        },
        Format::Binary | Format::Json | Format::Yaml => match found.into_iter().next() {
            Some(Item::Entry(_, Value::Map(fields))) => fields,
            _ => return Err("sops metadata is not a map".to_owned()),
        },
    };
    read(&fields)
}

fn read(fields: &Branch) -> Result<Metadata, String> {
    let text = |name: &str| get(fields, name).map(Value::plain).filter(|text| !text.is_empty());
    let list = |name: &str| match get(fields, name) {
        Some(Value::List(items)) => items.iter().filter_map(as_map).collect(),
        _ => Vec::new(),
    };
    let field = |map: &Branch, name: &str| get(map, name).map(Value::plain).unwrap_or_default();
    let age_keys = list("age").into_iter().map(|map| (field(map, "recipient"), field(map, "enc"))).collect();
    let other_keys = OTHER_SERVICES
        .iter()
        .flat_map(|(name, id, service)| list(name).into_iter().map(|map| (field(map, id), *service)))
        .collect();
    if text("encrypted_comment_regex").or_else(|| text("unencrypted_comment_regex")).is_some() {
        return Err("rules about comments are not supported".to_owned());
    }
    let pattern = |text: String| go::compile(&text).map_err(|failure| failure.to_string());
    let mut rules = Vec::new();
    rules.extend(text("unencrypted_suffix").map(Rule::UnlessSuffix));
    rules.extend(text("encrypted_suffix").map(Rule::IfSuffix));
    rules.extend(text("unencrypted_regex").map(pattern).transpose()?.map(Rule::Unless));
    rules.extend(text("encrypted_regex").map(pattern).transpose()?.map(Rule::If));
    if rules.len() > 1 {
        return Err("Cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, \
                    unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex in the same file"
            .to_owned());
    }
    let truth = |value: &Value| matches!(value, Value::Bool(true)) || value.as_text() == Some("true");
    Ok(Metadata {
        age_keys,
        other_keys,
        has_groups: !list("key_groups").is_empty(),
        modified: text("lastmodified").unwrap_or_default(),
        mac: text("mac").unwrap_or_default(),
        mac_only_encrypted: get(fields, "mac_only_encrypted").is_some_and(truth),
        rule: rules.pop().unwrap_or_else(|| Rule::UnlessSuffix("_unencrypted".to_owned())),
    })
}

fn as_map(value: &Value) -> Option<&Branch> {
    if let Value::Map(map) = value { Some(map) } else { None }
}

/// Makes fields in fields of keys like `age__list_0__map_enc`.
fn unflatten(entries: impl IntoIterator<Item = (String, Value)>) -> Result<Branch, String> {
    let mut root = Branch::new();
    for (key, value) in entries {
        let steps = steps(&key);
        let Some((Step::Key(first), rest)) = steps.split_first() else { continue };
        place(slot(&mut root, first), rest, value)?;
    }
    Ok(root)
}

/// A step into a document.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

fn steps(key: &str) -> Vec<Step<'_>> {
    const MAP: &str = "__map_";
    const LIST: &str = "__list_";
    let mut steps = Vec::new();
    let mut rest = key;
    let mut make: fn(&str) -> Step<'_> = |text| Step::Key(text);
    loop {
        let next = [MAP, LIST].into_iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min();
        let Some((at, mark)) = next else {
            steps.push(make(rest));
            return steps;
        };
        steps.push(make(&rest[..at]));
        rest = &rest[at + mark.len()..];
        make = if mark == MAP {
            |text| Step::Key(text)
        } else {
            |text| Step::Index(text.parse().unwrap_or_default())
        };
    }
}

/// The value of a key, null if there is none yet.
fn slot<'a>(branch: &'a mut Branch, key: &str) -> &'a mut Value {
    let found = branch.iter().position(|item| matches!(item, Item::Entry(name, _) if name == key));
    let at = found.unwrap_or_else(|| {
        branch.push(Item::Entry(key.to_owned(), Value::Null));
        branch.len() - 1
    });
    match &mut branch[at] {
        Item::Entry(_, value) => value,
        Item::Comment(_) => unreachable!("an entry was looked for"),
    }
}

fn place(into: &mut Value, steps: &[Step<'_>], value: Value) -> Result<(), String> {
    let Some((first, rest)) = steps.split_first() else {
        *into = value;
        return Ok(());
    };
    match (first, &mut *into) {
        (Step::Key(_), Value::Null) => *into = Value::Map(Branch::new()),
        (Step::Index(_), Value::Null) => *into = Value::List(Vec::new()),
        _ => {}
    }
    match (first, into) {
        (Step::Key(key), Value::Map(map)) => place(slot(map, key), rest, value),
        // Lists are written in order.
        (Step::Index(index), Value::List(list)) if *index <= list.len() => {
            if *index == list.len() {
                list.push(Value::Null);
            }
            place(&mut list[*index], rest, value)
        }
        (Step::Index(_), Value::List(_)) => Err("Incomplete list".to_owned()),
        _ => Err("Type mismatch".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_keys_become_fields() {
        let text = |text: &str| Value::Text(text.to_owned());
        let entries = [
            ("age__list_0__map_enc".to_owned(), text("a")),
            ("age__list_0__map_recipient".to_owned(), text("b")),
            ("mac".to_owned(), text("c")),
        ];
        let key = Value::Map(vec![
            Item::Entry("enc".to_owned(), text("a")),
            Item::Entry("recipient".to_owned(), text("b")),
        ]);
        let wanted = vec![
            Item::Entry("age".to_owned(), Value::List(vec![key])),
            Item::Entry("mac".to_owned(), text("c")),
        ];
        assert_eq!(unflatten(entries), Ok(wanted));
        assert!(unflatten([("age__list_7".to_owned(), text("a"))]).is_err());
    }

    #[test]
    fn reasons_are_wrapped() {
        let text = report(&[("age1x", "one ".repeat(30))]);
        assert!(text.lines().all(|line| line.len() <= 76), "{text}");
    }
}
