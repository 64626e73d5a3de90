//! Look-ups in the generated table.

use super::table::{DEFINITIONS, FIELDS, KEYS, KINDS, NAMES, TYPES};

/// "No type", in the table.
pub(super) const NONE: u8 = u8::MAX;

/// A kind of the built-in schema.
pub(super) struct Kind {
    pub(super) kind: &'static str,
    pub(super) api_version: &'static str,
    pub(super) scope: Scope,
    /// Index in [`TYPES`]; [`NONE`] when no list below merges.
    pub(super) shape: u8,
}

/// Whether resources of a kind stand in a namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Cluster,
    Namespaced,
    Unknown,
}

/// A type of the built-in schema.
pub(super) struct Type {
    /// First of its fields in [`FIELDS`].
    pub(super) first: u16,
    /// Number of its fields.
    pub(super) fields: u8,
    /// Index in [`KEYS`] when it is a list that merges.
    pub(super) keys: u8,
    /// Type of its elements, or of the values of free keys.
    pub(super) rest: u8,
}

/// Scope of a kind, [`Scope::Unknown`] when the table does not know it.
pub(super) fn scope(group: &str, version: &str, kind: &str) -> Scope {
    let mut kinds = kinds(kind);
    kinds
        .find(|entry| is_api_version(entry.api_version, group, version))
        .map_or(Scope::Unknown, |entry| entry.scope)
}

/// Type of a kind.
pub(super) fn root(api_version: &str, kind: &str) -> Option<u8> {
    let entry = kinds(kind).find(|entry| entry.api_version == api_version)?;
    (entry.shape != NONE).then_some(entry.shape)
}

/// Type of a definition.
pub(super) fn definition(name: &str) -> Option<u8> {
    let at = DEFINITIONS.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
    DEFINITIONS.get(at).map(|(_, shape)| *shape)
}

/// Type of a field.
pub(super) fn field(shape: u8, name: &str) -> Option<u8> {
    let shape = TYPES.get(usize::from(shape))?;
    let first = usize::from(shape.first);
    let fields = FIELDS.get(first..first + usize::from(shape.fields))?;
    let name_of = |at: u8| NAMES.get(usize::from(at)).copied().unwrap_or_default();
    match fields.binary_search_by(|(at, _)| name_of(*at).cmp(name)) {
        Ok(at) => fields.get(at).map(|(_, target)| *target),
        Err(_) if shape.keys == NONE && shape.rest != NONE => Some(shape.rest),
        Err(_) => None,
    }
}

/// Type of the elements, for lists that merge.
pub(super) fn elements(shape: u8) -> Option<u8> {
    let shape = TYPES.get(usize::from(shape))?;
    (shape.keys != NONE && shape.rest != NONE).then_some(shape.rest)
}

/// Merge keys, for lists that merge.
pub(super) fn merge_keys(shape: u8) -> Option<&'static [&'static str]> {
    let shape = TYPES.get(usize::from(shape))?;
    KEYS.get(usize::from(shape.keys)).copied()
}

/// Whether `api_version` is `group/version`, or `version` where the group is empty.
pub(super) fn is_api_version(api_version: &str, group: &str, version: &str) -> bool {
    if group.is_empty() {
        return api_version == version;
    }
    api_version.strip_prefix(group).and_then(|rest| rest.strip_prefix('/')) == Some(version)
}

/// For each letter, the first of [`KINDS`] that does not start with an earlier one.
const STARTS: [u8; 27] = {
    let mut starts = [0; 27];
    let (mut letter, mut at) = (0, 0);
    while letter < 27 {
        while at < KINDS.len() && KINDS[at].kind.as_bytes()[0] < b'A' + letter {
            at += 1;
        }
        assert!(at <= u8::MAX as usize, "a byte is enough for the number of a kind");
        starts[letter as usize] = at as u8;
        letter += 1;
    }
    starts
};

/// All entries of one kind.
#[inline]
fn kinds(kind: &str) -> impl Iterator<Item = &'static Kind> {
    let range = match kind.as_bytes().first() {
        Some(letter @ b'A'..=b'Z') => {
            let letter = usize::from(letter - b'A');
            usize::from(STARTS[letter])..usize::from(STARTS[letter + 1])
        }
        _ => 0..0,
    };
    KINDS.get(range).unwrap_or_default().iter().filter(move |entry| entry.kind == kind)
}
