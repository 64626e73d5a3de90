//! How generated resources join a set: as new ones, or in place of others.

use super::origin_annotations::ORIGIN;
use super::{Behavior, Origin, Resource, ResourceSet, data_entry, origin_text};
use crate::error::{BuildError, ErrorKind};
use crate::schema::Schema;
use crate::yaml::{Map, Node, Pos, Str};

impl ResourceSet {
    /// Adds a generated resource, replaces one of its id, or merges itself into one, as its
    /// behaviour says (the reference's `appendReplaceOrMerge`).
    ///
    /// # Errors
    /// The behaviour does not go with what is there.
    pub(crate) fn absorb(&mut self, mut resource: Resource, schema: &Schema) -> Result<(), BuildError> {
        let id = resource.id(schema);
        let behavior = resource.history.behavior;
        let pos = resource.node.pos;
        let refused = |message: &str| {
            BuildError::new(ErrorKind::Generator, format!("{message}: {id}")).at(pos).about(&id)
        };
        let at = match *self.positions_with_any_id(&id, schema) {
            [] => {
                return match behavior {
                    Behavior::Merge | Behavior::Replace => {
                        Err(refused("there is no resource to merge into or replace")
                            .with_help("leave `behavior` out, or give the name and namespace of a resource"))
                    }
                    // The reference's own check for conflicts has nothing left to find.
                    Behavior::Create | Behavior::Unspecified => {
                        self.append(resource, schema).map_err(|_| refused("there is such a resource already"))
                    }
                };
            }
            [at] => at,
            [first, second, ..] => {
                let places = [first, second].map(|at| self.as_slice()[at].node.pos);
                return Err(refused("more than one resource could be replaced")
                    .with_note("one is here", places[0])
                    .with_note("another is here", places[1]));
            }
        };
        let old = &self.as_slice()[at];
        match behavior {
            Behavior::Replace => take_metadata(&mut resource, old, None),
            Behavior::Merge => {
                let origin = old.origin()?;
                take_metadata(&mut resource, old, origin.as_ref());
                merge_field(&mut resource, old, "data");
                merge_field(&mut resource, old, "binaryData");
            }
            Behavior::Create | Behavior::Unspecified => {
                return Err(refused("there is such a resource already")
                    .with_note("it is here", old.node.pos)
                    .with_help("use `behavior: merge` or `behavior: replace`"));
            }
        }
        // It is found by its earlier ids, but it is replaced by the current one.
        if self.position(&resource.id(schema), schema) != Some(at) {
            return Err(refused("the resource to replace has another kind or version by now"));
        }
        self.update(at, schema, |old| *old = resource);
        Ok(())
    }
}

/// Takes over labels and annotations that the new resource does not have, as well as name,
/// namespace and bookkeeping (the reference's `CopyMergeMetaDataFieldsFrom`). The new resource's
/// origin wins, unless another one is given.
fn take_metadata(new: &mut Resource, old: &Resource, origin: Option<&Origin>) {
    let texts = |(name, value): (&str, &str)| (Str::from(name), Str::from(value));
    let labels = old.labels().chain(new.labels()).map(texts).collect();
    new.set_labels(last_of_each(labels));
    let origin = origin.map(|origin| (Str::new_static(ORIGIN), origin_text::print(origin).into()));
    let annotations = old.annotations().chain(new.annotations()).map(texts).chain(origin).collect();
    new.set_annotations(last_of_each(annotations));
    new.set_name(old.name());
    new.set_namespace(old.namespace());
    let needs_hash = new.history.needs_hash && old.history.needs_hash;
    new.history = old.history.clone();
    new.history.needs_hash = needs_hash;
}

/// Sorted by name; of several with the same name, the last.
fn last_of_each<T>(mut pairs: Vec<(Str, T)>) -> Vec<(Str, T)> {
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs.dedup_by(|(later, value), (name, kept)| {
        let same = later == name;
        if same {
            std::mem::swap(value, kept);
        }
        same
    });
    pairs
}

/// Merges a map of strings; what is no scalar counts as an empty string.
fn merge_field(new: &mut Resource, old: &Resource, field: &str) {
    let mut pairs: Vec<(Str, (Str, Pos))> = Vec::new();
    for resource in [old, new] {
        for entry in resource.node.get(field).and_then(Node::as_map).into_iter().flatten() {
            let text = if entry.value.is_null() { "" } else { entry.value.text() };
            pairs.push((entry.key.as_str().into(), (text.into(), entry.value.pos)));
        }
    }
    let root = new.root_mut();
    root.remove(field);
    if pairs.is_empty() {
        return;
    }
    let entries = last_of_each(pairs).into_iter().map(|(key, (text, pos))| data_entry(&key, &text, pos));
    root.insert(field, Node::map(Map::from_entries(entries.collect())));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::resource::PreviousId;
    use crate::yaml::{Sources, print, read};

    const OLD: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: cm
  labels: {l: old, k: keep}
  annotations: {x: old}
data:
  a: 1
  b: null
  c: {d: e}
  keep: kept
binaryData:
  bin: AAAA
";

    const NEW: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: cm
  labels: {l: new}
  annotations: {w: new}
immutable: true
data: {a: new, z: '1'}
";

    fn resource(text: &str, behavior: Behavior) -> Resource {
        let text = crate::yaml::SourceText::from(text);
        let file = Sources::default().add("test", text.clone(), None);
        let mut resource = Resource::new(read(&text, file).unwrap().remove(0));
        resource.history.behavior = behavior;
        resource.history.needs_hash = behavior != Behavior::Unspecified;
        resource
    }

    fn absorbed(behavior: Behavior) -> Result<Resource, BuildError> {
        let schema = Schema::default();
        let mut old = resource(OLD, Behavior::Unspecified);
        old.history.previous =
            vec![PreviousId { kind: "ConfigMap".into(), name: "cm".into(), namespace: "default".into() }];
        old.set_name("renamed");
        let mut set = ResourceSet::from_list(vec![old]);
        set.absorb(resource(NEW, behavior), &schema)?;
        assert_eq!(set.len(), 1);
        Ok(Arc::unwrap_or_clone(set.into_list().remove(0)))
    }

    fn printed(resource: &Resource) -> String {
        let mut out = String::new();
        print(&resource.node, &mut out).unwrap();
        out
    }

    const METADATA: &str = "immutable: true
kind: ConfigMap
metadata:
  annotations:
    w: new
    x: old
  labels:
    k: keep
    l: new
  name: renamed
";

    // Expectations: `kustomize build` of a generator over a base that has the resource.

    #[test]
    fn merges_data_and_metadata() {
        let merged = absorbed(Behavior::Merge).unwrap();
        let data = "apiVersion: v1
binaryData:
  bin: AAAA
data:
  a: new
  b: \"\"
  c: \"\"
  keep: kept
  z: \"1\"
";
        assert_eq!(printed(&merged), [data, METADATA].concat());
        assert_eq!(merged.history.previous.len(), 1);
        assert_eq!(merged.history.behavior, Behavior::Unspecified);
        assert!(!merged.history.needs_hash, "the resource in the set had none");
    }

    #[test]
    fn replaces_all_but_metadata() {
        let replaced = absorbed(Behavior::Replace).unwrap();
        let data = "apiVersion: v1\ndata:\n  a: new\n  z: \"1\"\n";
        assert_eq!(printed(&replaced), [data, METADATA].concat());
    }

    #[test]
    fn behavior_must_go_with_what_is_there() {
        assert!(absorbed(Behavior::Create).is_err());
        assert!(absorbed(Behavior::Unspecified).is_err());
        let schema = Schema::default();
        let mut set = ResourceSet::new();
        assert!(set.absorb(resource(NEW, Behavior::Merge), &schema).is_err());
        set.absorb(resource(NEW, Behavior::Create), &schema).unwrap();
        assert_eq!(set.len(), 1);
    }
}
