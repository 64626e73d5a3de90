//! What is secret, so that messages can be kept free of it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kustomize_core::yaml::Node;
use serde_json::Value;

/// What stands in a message instead of a decrypted text.
const MASK: &str = "***";

/// The shortest text that is looked for: shorter ones stand in any message by chance.
const SHORTEST: usize = 4;

/// Texts that were decrypted, or are secret for another reason.
#[derive(Clone, Default)]
pub struct Plaintext(BTreeSet<String>);

impl Plaintext {
    /// The values of an object if it is a Secret; nothing otherwise.
    #[must_use]
    pub fn of_secret(object: &Value) -> Self {
        let mut plaintext = Plaintext::default();
        if object["apiVersion"] == "v1" && object["kind"] == "Secret" {
            for key in ["data", "stringData"] {
                plaintext.add_values(&object[key]);
            }
        }
        plaintext
    }

    fn add_values(&mut self, value: &Value) {
        match value {
            Value::Object(map) => map.values().for_each(|value| self.add_values(value)),
            Value::Array(items) => items.iter().for_each(|value| self.add_values(value)),
            Value::String(text) => self.add_both(text),
            other => self.add(&other.to_string()),
        }
    }

    /// Adds everything that another one has.
    pub fn extend(&mut self, other: Plaintext) {
        self.0.extend(other.0);
    }

    /// Adds what a file holds now and did not hold when it was encrypted: its lines, and what follows the
    /// first `=` or `:` in them.
    pub fn add_file(&mut self, encrypted: &[u8], plain: &[u8]) {
        let [encrypted, plain] = [encrypted, plain].map(String::from_utf8_lossy);
        for line in plain.lines() {
            let value = line.split_once(['=', ':']).map(|(_, value)| value);
            for text in std::iter::once(line).chain(value) {
                let text = text.trim().trim_matches(['"', '\'', ',']);
                if !encrypted.contains(text) {
                    self.add(text);
                }
            }
        }
    }

    /// Adds what a resource holds now and did not hold when it was encrypted.
    pub fn add_resource(&mut self, encrypted: &Node, plain: &Node) {
        let mut known = BTreeSet::new();
        scalars(encrypted, &mut |text| {
            known.insert(text.to_owned());
        });
        scalars(plain, &mut |text| {
            if known.contains(text) {
                return;
            }
            self.add_both(text);
        });
    }

    /// Adds a text, and what it stands for if it is base64.
    fn add_both(&mut self, text: &str) {
        self.add(text);
        if let Some(decoded) = BASE64.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            self.add(&decoded);
        }
    }

    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        let whole = text.trim();
        let is_long = |text: &&str| text.len() >= SHORTEST;
        if let Some(whole) = Some(whole).filter(is_long) {
            // As it stands in the data of a Secret.
            self.0.insert(BASE64.encode(text));
            self.0.insert(whole.to_owned());
        }
        self.0.extend(whole.lines().map(str::trim).filter(is_long).map(str::to_owned));
    }

    /// A message with everything in it masked that is secret.
    #[must_use]
    pub fn mask(&self, message: &str) -> String {
        let mut texts: Vec<&String> = self.0.iter().filter(|text| message.contains(text.as_str())).collect();
        // A part of a text is no use once the text is gone.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.into_iter().fold(message.to_owned(), |message, text| message.replace(text.as_str(), MASK))
    }
}

/// Visits all scalars below a node.
fn scalars(node: &Node, visit: &mut impl FnMut(&str)) {
    if let Some(map) = node.as_map() {
        map.iter().for_each(|entry| scalars(&entry.value, visit));
    } else if let Some(items) = node.as_seq() {
        items.iter().for_each(|item| scalars(item, visit));
    } else {
        visit(node.text());
    }
}

#[cfg(test)]
mod tests {
    use kustomize_core::yaml::Map;

    use super::*;

    #[test]
    fn only_what_was_encrypted_is_masked() {
        let mut plaintext = Plaintext::default();
        let encrypted = b"kind: Secret\npassword: ENC[x]\n";
        plaintext.add_file(encrypted, b"kind: Secret\npassword: \"correct horse\"\nok: yes\n");
        let message = "Secret/x: correct horse is no password, nor is Y29ycmVjdCBob3JzZQ==, yes";
        assert_eq!(plaintext.mask(message), "Secret/x: *** is no password, nor is ***, yes");
    }

    #[test]
    fn values_of_secrets_are_masked() {
        let mut secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "name"},
            "data": {"a": "aHVudGVyMg=="}, "stringData": {"b": {"c": ["correct horse", 12345]}},
        });
        let message = "name: got hunter2, aHVudGVyMg==, [correct horse 12345]";
        assert_eq!(Plaintext::of_secret(&secret).mask(message), "name: got ***, ***, [*** ***]");
        secret["kind"] = "ConfigMap".into();
        assert_eq!(Plaintext::of_secret(&secret).mask(message), message);
    }

    #[test]
    fn values_of_resources_are_masked() {
        let node = |value: &str| {
            let mut map = Map::new();
            map.insert("kind", Node::string("Secret"));
            map.insert("a", Node::string(value));
            Node::map(map)
        };
        let mut plaintext = Plaintext::default();
        plaintext.add_resource(&node("ENC[x]"), &node("aHVudGVyMg=="));
        assert_eq!(plaintext.mask("Secret: hunter2, aHVudGVyMg=="), "Secret: ***, ***");
    }
}
