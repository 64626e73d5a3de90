//! The rules by which one resource out of several of a name is the one that is meant.

use super::referents::{Identity, Referent, Referents};
use super::referrer_fields::Reference;
use crate::error::{BuildError, ErrorKind};
use crate::resource::{Gvk, History, split_api_version};
use crate::yaml::{Node, Str};

/// The resource in which a name stands.
pub(super) struct Referrer {
    at: u32,
    /// Group and kind in `roleRef`, where both are there.
    role: Option<Gvk>,
}

/// What is written into the field that refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Referral<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
}

impl Referrer {
    /// The resource at a position of the set.
    pub(super) fn new(root: &Node, at: usize) -> Self {
        let role = root.get("roleRef").and_then(|role| {
            let text = |field| role.get(field).map(|node| Str::from(node.text()));
            Some(Gvk { group: text("apiGroup")?, version: Str::default(), kind: text("kind")? })
        });
        Referrer { at: u32::try_from(at).unwrap_or(u32::MAX), role }
    }

    /// What happened to the resource in which the name stands.
    pub(super) fn history<'a>(&self, referents: Referents<'a>) -> &'a History {
        referent(referents, self.at).history
    }

    /// Leaves those candidates that a reference can mean (kustomize's `selectReferral`).
    pub(super) fn narrow(
        &self,
        candidates: &mut Vec<u32>,
        referents: Referents<'_>,
        reference: Reference<'_>,
    ) {
        candidates.retain(|at| was(referent(referents, *at), reference.target));
        if let Some(role) = self.role.as_ref().filter(|_| reference.is_role_ref()) {
            candidates.retain(|at| was(referent(referents, *at), role));
        }
        if candidates.len() == 1 {
            return;
        }
        let own = referent(referents, self.at).history;
        candidates.retain(|at| same_context(referent(referents, *at).history, own, true));
        if candidates.len() > 1 {
            candidates.retain(|at| same_context(referent(referents, *at).history, own, false));
        }
    }

    /// Name and namespace of a candidate.
    pub(super) fn referral(referents: Referents<'_>, at: u32) -> Referral<'_> {
        let Identity { name, namespace, .. } = referent(referents, at).identity;
        Referral { name, namespace }
    }

    /// The error when several candidates are left that do not go by the same name.
    pub(super) fn ambiguous(
        &self,
        name: &str,
        candidates: &[u32],
        referents: Referents<'_>,
        reference: Reference<'_>,
    ) -> BuildError {
        let kind = &reference.target.kind;
        let names: Vec<_> = candidates
            .iter()
            .map(|at| match Self::referral(referents, *at) {
                Referral { name, namespace: "" } => format!("`{name}`"),
                Referral { name, namespace } => format!("`{name}` in `{namespace}`"),
            })
            .collect();
        let message = format!("the name `{name}` could mean several {kind} resources: {}", names.join(", "));
        let mut error = BuildError::new(ErrorKind::Reference, message)
            .with_help("give the resources distinct names before prefixes and suffixes are added");
        for at in candidates.iter().filter(|at| **at != self.at) {
            let pos = referent(referents, *at).identity.pos;
            if !pos.is_none() {
                error = error.with_note("this could be meant", pos);
            }
        }
        error
    }
}

fn referent(referents: Referents<'_>, at: u32) -> Referent<'_> {
    referents.referent(at as usize)
}

/// Whether a selector picks any earlier id of a candidate.
fn was(candidate: Referent<'_>, selector: &Gvk) -> bool {
    let (group, version) = split_api_version(&candidate.identity.api_version);
    (selector.group.is_empty() || selector.group == group)
        && (selector.version.is_empty() || selector.version == version)
        && (selector.kind.is_empty() || candidate.history.previous.iter().any(|id| id.kind == selector.kind))
}

/// Whether two resources got their prefixes and suffixes on the same way: the shorter lists are
/// the ends of the longer ones (kustomize's `PrefixesSuffixesEquals`).
fn same_context(a: &History, b: &History, allow_empty: bool) -> bool {
    let same = |a: &[Str], b: &[Str]| {
        if a.is_empty() || b.is_empty() {
            allow_empty || (a.is_empty() && b.is_empty())
        } else {
            a.ends_with(b) || b.ends_with(a)
        }
    };
    same(&a.prefixes, &b.prefixes) && same(&a.suffixes, &b.suffixes)
}
