//! Sets of fields: which manager owns what, as `fieldsV1` writes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::schema::Type;

/// One step of a path to a field. Values are kept as their JSON text, which is ordered and exact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field or the key of a map.
    Field(String),
    /// An item of a list that merges by keys.
    Key(Vec<(String, String)>),
    /// An item of a set.
    Value(String),
    /// An item by its place.
    Index(usize),
}

/// A set of paths. A path is a member or leads to members below it, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    pub(crate) members: BTreeSet<Element>,
    pub(crate) children: BTreeMap<Element, FieldSet>,
}

impl Element {
    /// The key in `fieldsV1`, such as `f:spec` or `k:{"name":"x"}`.
    fn encode(&self) -> String {
        match self {
            Element::Field(name) => format!("f:{name}"),
            Element::Key(keys) => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
                    .collect();
                format!("k:{{{}}}", keys.join(","))
            }
            Element::Value(value) => format!("v:{value}"),
            Element::Index(index) => format!("i:{index}"),
        }
    }

    fn decode(text: &str) -> Option<Element> {
        let (tag, rest) = text.split_once(':')?;
        match tag {
            "f" => Some(Element::Field(rest.to_owned())),
            "k" => {
                let keys: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let mut keys: Vec<_> =
                    keys.into_iter().map(|(key, value)| (key, value.to_string())).collect();
                keys.sort();
                Some(Element::Key(keys))
            }
            "v" => {
                let value: Value = serde_json::from_str(rest).ok()?;
                Some(Element::Value(value.to_string()))
            }
            "i" => rest.parse().ok().map(Element::Index),
            _ => None,
        }
    }
}

/// How a path reads in messages, such as `.spec.containers[name="x"].image`.
pub(crate) fn path_text(path: &[Element]) -> String {
    let mut text = String::new();
    for element in path {
        match element {
            Element::Field(name) => {
                text.push('.');
                text.push_str(name);
            }
            Element::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                text.push_str(&format!("[{}]", keys.join(",")));
            }
            Element::Value(value) => text.push_str(&format!("[={value}]")),
            Element::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(FieldSet::is_empty)
    }

    pub(crate) fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Puts a set below a step, unless it is empty.
    pub(crate) fn attach(&mut self, element: Element, below: FieldSet) {
        if !below.is_empty() {
            self.children.insert(element, below);
        }
    }

    pub(crate) fn union(&self, other: &FieldSet) -> FieldSet {
        let mut union = self.clone();
        union.members.extend(other.members.iter().cloned());
        for (element, below) in &other.children {
            let mine = union.children.entry(element.clone()).or_default();
            *mine = mine.union(below);
        }
        union
    }

    pub(crate) fn difference(&self, other: &FieldSet) -> FieldSet {
        let mut difference = FieldSet {
            members: self.members.difference(&other.members).cloned().collect(),
            children: BTreeMap::new(),
        };
        for (element, below) in &self.children {
            let below = match other.children.get(element) {
                Some(theirs) => below.difference(theirs),
                None => below.clone(),
            };
            difference.attach(element.clone(), below);
        }
        difference
    }

    /// What is neither in `other` nor below one of its members.
    pub(crate) fn without(&self, other: &FieldSet) -> FieldSet {
        let mut rest = FieldSet {
            members: self.members.difference(&other.members).cloned().collect(),
            children: BTreeMap::new(),
        };
        for (element, below) in &self.children {
            if other.members.contains(element) {
                continue;
            }
            let below = match other.children.get(element) {
                Some(theirs) => below.without(theirs),
                None => below.clone(),
            };
            rest.attach(element.clone(), below);
        }
        rest
    }

    pub(crate) fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut both = FieldSet {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: BTreeMap::new(),
        };
        for (element, below) in &self.children {
            if let Some(theirs) = other.children.get(element) {
                both.attach(element.clone(), below.intersection(theirs));
            }
        }
        both
    }

    /// Makes every declared field that leads to members a member itself.
    pub(crate) fn with_named_fields(&self, of: Type<'_>) -> FieldSet {
        let mut set = FieldSet { members: self.members.clone(), children: BTreeMap::new() };
        for (element, below) in &self.children {
            let child = match element {
                Element::Field(name) => {
                    if of.declared(name).is_some() {
                        set.members.insert(element.clone());
                    }
                    of.field(name)
                }
                _ => of.items(),
            };
            set.children.insert(element.clone(), below.with_named_fields(child));
        }
        set
    }

    /// All members as paths, in order.
    pub(crate) fn paths(&self) -> Vec<Vec<Element>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<Element>, paths: &mut Vec<Vec<Element>>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            paths.push(path);
        }
        for (element, below) in &self.children {
            prefix.push(element.clone());
            below.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// The set as `fieldsV1`.
    pub(crate) fn encode(&self) -> Value {
        let mut object = Map::new();
        let elements: BTreeSet<&Element> = self.members.iter().chain(self.children.keys()).collect();
        for element in elements {
            let mut below = Map::new();
            if let Some(child) = self.children.get(element) {
                if self.members.contains(element) {
                    below.insert(".".to_owned(), Value::Object(Map::new()));
                }
                if let Value::Object(inner) = child.encode() {
                    below.extend(inner);
                }
            }
            object.insert(element.encode(), Value::Object(below));
        }
        Value::Object(object)
    }

    /// Reads `fieldsV1`.
    pub(crate) fn decode(value: &Value) -> Option<FieldSet> {
        let mut set = FieldSet::default();
        for (key, below) in value.as_object()? {
            if key == "." {
                continue;
            }
            let element = Element::decode(key)?;
            let inner = below.as_object()?;
            if inner.is_empty() || inner.contains_key(".") {
                set.members.insert(element.clone());
            }
            set.attach(element, FieldSet::decode(below)?);
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FieldSet;

    #[test]
    fn reads_and_writes_fields() {
        let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}, "v:\"x\"": {}}}});
        let set = FieldSet::decode(&fields).unwrap_or_default();
        assert_eq!(set.encode(), fields);
        assert_eq!(set.union(&set), set);
        assert!(set.difference(&set).is_empty());
        assert_eq!(set.intersection(&set), set);
    }
}
