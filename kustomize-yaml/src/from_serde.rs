//! Trees made from data by serde, the counterpart of [`Data`].

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{Data, Entry, Key, Map, Node, Scalar, Seq, Style, Tag, float};

impl Serialize for Node {
    /// As [`Data`] does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Data::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Node {
    /// A tree without positions. Keys are strings, as in JSON.
    ///
    /// ```
    /// use kustomize_yaml::Node;
    ///
    /// let node: Node = serde_json::from_str(r#"{"spec": {"replicas": 3}}"#)?;
    /// assert_eq!(node.at(&["spec", "replicas"]).map(Node::text), Some("3"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

fn typed<E>(text: impl AsRef<str>, tag: Tag) -> Result<Node, E> {
    Ok(Node::scalar(Scalar::new(text, tag, Style::Plain)))
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, number, boolean, null, list, or map with strings as keys")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        typed(value.to_string(), Tag::Bool)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        typed(value.to_string(), Tag::Int)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        typed(value.to_string(), Tag::Int)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let mut text = String::new();
        float::push_yaml(&mut text, value);
        typed(text, Tag::Float)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::string(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::null())
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::null())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut seq = Vec::new();
        while let Some(item) = items.next_element()? {
            seq.push(item);
        }
        Ok(Node::seq(Seq::from_items(seq)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<String, Node>()? {
            map.push(Entry { key: Key::new(key), value });
        }
        Ok(Node::map(Map::from_entries(map)))
    }
}
