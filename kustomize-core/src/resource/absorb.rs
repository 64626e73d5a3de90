//! How generated resources join a set: as new ones, or in place of others.

use std::collections::BTreeMap;

use super::origin_annotations::ORIGIN;
use super::{Behavior, Origin, ResId, Resource, ResourceSet, data_entry, origin_text};
use crate::error::{BuildError, ErrorKind};
use crate::schema::Schema;
use crate::yaml::{Map, Node, Pos, Str};

/// Adds generated resources to a set one after the other.
///
/// Generators that merge into the same resource in succession are merged with each other first: each
/// costs what it brings along, not what was gathered before it.
pub(crate) struct Absorber<'s> {
    set: &'s mut ResourceSet,
    schema: &'s Schema,
    merging: Option<Merging>,
}

/// A resource that generators are merged into.
struct Merging {
    /// Its position in the set.
    at: usize,
    /// The id by which generators ask for it.
    id: ResId,
    /// The resource, without its data.
    resource: Resource,
    data: MergedData,
    binary_data: MergedData,
}

/// Data by key: text, and where it stands.
type MergedData = BTreeMap<Str, (Str, Pos)>;

impl<'s> Absorber<'s> {
    /// An absorber for a set. [`finish`](Self::finish) is to be called at the end.
    pub(crate) fn new(set: &'s mut ResourceSet, schema: &'s Schema) -> Self {
        Absorber { set, schema, merging: None }
    }

    /// Adds a generated resource, replaces one of its id, or merges it into one, as its behavior
    /// says (`appendReplaceOrMerge` of kustomize).
    ///
    /// # Errors
    /// The behavior does not go with what is there.
    pub(crate) fn add(&mut self, mut resource: Resource) -> Result<(), BuildError> {
        let schema = self.schema;
        let id = resource.id(schema);
        let behavior = resource.history.behavior;
        if let Some(merging) = self.merging.as_mut().filter(|merging| merging.id == id)
            && behavior == Behavior::Merge
        {
            return merging.merge(resource);
        }
        self.finish();
        let pos = resource.node.pos;
        let refused = |message: &str| {
            BuildError::new(ErrorKind::Generator, format!("{message}: {id}")).at(pos).about(&id)
        };
        let at = match *self.set.positions_with_any_id(&id, schema) {
            [] => {
                return match behavior {
                    Behavior::Merge | Behavior::Replace => {
                        Err(refused("there is no resource to merge into or replace")
                            .with_help("leave `behavior` out, or give the name and namespace of a resource"))
                    }
                    // kustomize's own check for conflicts has nothing left to find.
                    Behavior::Create | Behavior::Unspecified => self
                        .set
                        .append(resource, schema)
                        .map_err(|_| refused("there is such a resource already")),
                };
            }
            [at] => at,
            [first, second, ..] => {
                let places = [first, second].map(|at| self.set.as_slice()[at].node.pos);
                return Err(refused("more than one resource could be replaced")
                    .with_note("one is here", places[0])
                    .with_note("another is here", places[1]));
            }
        };
        let old = &self.set.as_slice()[at];
        let merging = match behavior {
            Behavior::Replace => {
                take_metadata(&mut resource, old, None);
                None
            }
            Behavior::Merge => {
                let mut merging = Merging::into(Resource::clone(old), at, id.clone());
                merging.merge(resource)?;
                resource = merging.resource.clone();
                Some(merging)
            }
            Behavior::Create | Behavior::Unspecified => {
                return Err(refused("there is such a resource already")
                    .with_note("it is here", old.node.pos)
                    .with_help("use `behavior: merge` or `behavior: replace`"));
            }
        };
        // It is found by its earlier ids, but it is replaced by the current one.
        if self.set.position(&resource.id(schema), schema) != Some(at) {
            return Err(refused("the resource to replace has another kind or version by now"));
        }
        match merging {
            Some(merging) => self.merging = Some(merging),
            None => self.replace(at, resource),
        }
        Ok(())
    }

    /// Puts the resource that generators were merged into back into the set.
    pub(crate) fn finish(&mut self) {
        if let Some(merging) = self.merging.take() {
            let at = merging.at;
            self.replace(at, merging.finish());
        }
    }

    fn replace(&mut self, at: usize, resource: Resource) {
        self.set.update(at, self.schema, |old| *old = resource);
    }
}

impl Merging {
    fn into(resource: Resource, at: usize, id: ResId) -> Self {
        let (data, binary_data) = (MergedData::new(), MergedData::new());
        let mut merging = Merging { at, id, resource, data, binary_data };
        merging.take_data();
        merging
    }

    /// Merges a generated resource into what is there.
    ///
    /// # Errors
    /// The origin of what is there cannot be read.
    fn merge(&mut self, mut new: Resource) -> Result<(), BuildError> {
        let origin = self.resource.origin()?;
        take_metadata(&mut new, &self.resource, origin.as_ref());
        self.resource = new;
        self.take_data();
        Ok(())
    }

    /// Moves the resource's data to what was gathered. What is no scalar counts as an empty string.
    fn take_data(&mut self) {
        let root = self.resource.root_mut();
        for (field, gathered) in [("data", &mut self.data), ("binaryData", &mut self.binary_data)] {
            let Some(removed) = root.remove(field) else { continue };
            for entry in removed.value.as_map().into_iter().flatten() {
                let text = if entry.value.is_null() { "" } else { entry.value.text() };
                gathered.insert(entry.key.as_str().into(), (text.into(), entry.value.pos));
            }
        }
    }

    fn finish(mut self) -> Resource {
        let root = self.resource.root_mut();
        for (field, gathered) in [("data", self.data), ("binaryData", self.binary_data)] {
            if !gathered.is_empty() {
                let entries = gathered.into_iter().map(|(key, (text, pos))| data_entry(&key, &text, pos));
                root.insert(field, Node::map(Map::from_entries(entries.collect())));
            }
        }
        self.resource
    }
}

/// Takes over labels and annotations that the new resource does not have, as well as name,
/// namespace and bookkeeping (kustomize's `CopyMergeMetaDataFieldsFrom`). The new resource's
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

    fn absorb(set: &mut ResourceSet, resource: Resource, schema: &Schema) -> Result<(), BuildError> {
        let mut absorber = Absorber::new(set, schema);
        absorber.add(resource)?;
        absorber.finish();
        Ok(())
    }

    fn absorbed(behavior: Behavior) -> Result<Resource, BuildError> {
        let schema = Schema::default();
        let mut old = resource(OLD, Behavior::Unspecified);
        old.history.previous =
            vec![PreviousId { kind: "ConfigMap".into(), name: "cm".into(), namespace: "default".into() }];
        old.set_name("renamed");
        let mut set = ResourceSet::from_list(vec![old]);
        absorb(&mut set, resource(NEW, behavior), &schema)?;
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
        assert!(absorb(&mut set, resource(NEW, Behavior::Merge), &schema).is_err());
        absorb(&mut set, resource(NEW, Behavior::Create), &schema).unwrap();
        assert_eq!(set.len(), 1);
    }
}
