//! What happened to a resource on its way: kustomize keeps this in hidden annotations, which
//! it prints and parses at every step; here it is a struct beside the tree.

use super::id::{IdRef, effective_namespace};
use super::{Gvk, ResId};
use crate::schema::SchemaComment;
use crate::yaml::Str;

/// An identity that a resource had before a transformer changed it. Group and version are always
/// the current ones, as in kustomize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousId {
    /// Kind.
    pub kind: Str,
    /// Name.
    pub name: Str,
    /// Effective namespace at that time.
    pub namespace: Str,
}

impl PreviousId {
    /// What told the resource from others.
    pub(crate) fn as_ref<'a>(&'a self, group: &'a str, version: &'a str) -> IdRef<'a> {
        let namespace = effective_namespace(&self.namespace, false);
        IdRef { name: &self.name, namespace, kind: &self.kind, group, version }
    }

    pub(crate) fn with_group_version(&self, group: &Str, version: &Str) -> ResId {
        ResId {
            gvk: Gvk { group: group.clone(), version: version.clone(), kind: self.kind.clone() },
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            cluster_scoped: false,
        }
    }
}

/// What a generated resource does to one of the same id that exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// Nothing said.
    #[default]
    Unspecified,
    /// Refuse.
    Create,
    /// Take its place, keeping labels and annotations that are not overridden.
    Replace,
    /// Merge data, labels and annotations into it.
    Merge,
}

impl Behavior {
    /// From the text in a kustomization; anything unknown is as good as nothing.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "create" => Behavior::Create,
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            _ => Behavior::Unspecified,
        }
    }
}

/// The bookkeeping of one resource.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Earlier identities, oldest first.
    pub previous: Vec<PreviousId>,
    /// Prefixes added, in order.
    pub prefixes: Vec<Str>,
    /// Suffixes added, in order; the content hash is none of them.
    pub suffixes: Vec<Str>,
    /// For generated resources.
    pub behavior: Behavior,
    /// Whether the name gets a content hash at the end.
    pub needs_hash: bool,
    /// On a patch: whether it may change its target's name.
    pub allow_name_change: bool,
    /// On a patch: whether it may change its target's kind.
    pub allow_kind_change: bool,
    /// Names of vars that take their value from this resource.
    pub vars: Vec<Str>,
    /// Schemas in comments; what merging takes from comments is all that is kept of them.
    pub(crate) schema_comments: Vec<SchemaComment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaviors_go_by_their_names() {
        for (name, behavior) in [
            ("create", Behavior::Create),
            ("replace", Behavior::Replace),
            ("merge", Behavior::Merge),
            ("", Behavior::Unspecified),
            ("Create", Behavior::Unspecified),
        ] {
            assert_eq!(Behavior::named(name), behavior, "{name}");
        }
    }
}
