//! The rules by which one resource out of several of a name is the one that is meant.

use super::book::Known;
use super::referrer_fields::Reference;
use crate::error::{BuildError, ErrorKind};
use crate::resource::{Gvk, History, Resource, split_api_version};
use crate::yaml::Str;

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
    pub(super) fn new(resource: &Resource, at: usize) -> Self {
        let role = resource.node.get("roleRef").and_then(|role| {
            let text = |field| role.get(field).map(|node| Str::from(node.text()));
            Some(Gvk { group: text("apiGroup")?, version: Str::default(), kind: text("kind")? })
        });
        Referrer { at: u32::try_from(at).unwrap_or(u32::MAX), role }
    }

    /// Leaves those candidates that a reference can mean (the reference's `selectReferral`).
    pub(super) fn narrow(&self, candidates: &mut Vec<u32>, set: &[Known], reference: Reference<'_>) {
        candidates.retain(|at| Self::was(*at, set, reference.target));
        if let Some(role) = self.role.as_ref().filter(|_| reference.is_role_ref()) {
            candidates.retain(|at| Self::was(*at, set, role));
        }
        if candidates.len() == 1 {
            return;
        }
        let own = &set[self.at as usize].history;
        candidates.retain(|at| same_context(&set[*at as usize].history, own, true));
        if candidates.len() > 1 {
            candidates.retain(|at| same_context(&set[*at as usize].history, own, false));
        }
    }

    /// Whether a selector picks any earlier id of a candidate.
    fn was(at: u32, set: &[Known], selector: &Gvk) -> bool {
        let resource = &set[at as usize];
        let (group, version) = split_api_version(&resource.api_version);
        (selector.group.is_empty() || selector.group == group)
            && (selector.version.is_empty() || selector.version == version)
            && (selector.kind.is_empty()
                || resource.history.previous.iter().any(|id| id.kind == selector.kind))
    }

    /// Name and namespace of a candidate.
    pub(super) fn referral<'a>(set: &'a [Known], at: u32) -> Referral<'a> {
        let Known { name, namespace, .. } = &set[at as usize];
        Referral { name, namespace }
    }

    /// The error when several candidates are left that do not go by the same name.
    pub(super) fn ambiguous(
        &self,
        name: &str,
        candidates: &[u32],
        set: &[Known],
        reference: Reference<'_>,
    ) -> BuildError {
        let kind = &reference.target.kind;
        let names: Vec<_> = candidates
            .iter()
            .map(|at| match Self::referral(set, *at) {
                Referral { name, namespace: "" } => format!("`{name}`"),
                Referral { name, namespace } => format!("`{name}` in `{namespace}`"),
            })
            .collect();
        let message = format!("the name `{name}` could mean several {kind} resources: {}", names.join(", "));
        let mut error = BuildError::new(ErrorKind::Reference, message)
            .with_help("give the resources distinct names before prefixes and suffixes are added");
        for at in candidates.iter().filter(|at| **at != self.at) {
            let pos = set[*at as usize].pos;
            if !pos.is_none() {
                error = error.with_note("this could be meant", pos);
            }
        }
        error
    }
}

/// Whether two resources got their prefixes and suffixes on the same way: the shorter lists are
/// the ends of the longer ones (the reference's `PrefixesSuffixesEquals`).
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
