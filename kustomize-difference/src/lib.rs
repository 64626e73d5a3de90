//! What differs between two renderings, by resource and by field.
//!
//! Either side is a [`Snapshot`]: of a build, or of a text that was kept. Resources are paired by
//! group, kind, namespace and name, and where that fails by what they were before hash suffixes,
//! prefixes and namespaces were added. Within a resource, lists whose items all have a `name` are
//! compared by it, other lists by index.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod compare;
mod fields;
mod hash_suffix;
mod lines;
mod pairs;
mod path;
mod secrets;
mod shown;
mod snapshot;
#[cfg(test)]
mod tests;
mod value;

use serde::Serialize;

pub use lines::{Line, LineRole};
pub use path::{FieldPath, Segment};
pub use secrets::{masked_texts, secrets_of};
pub use snapshot::{ResourceName, Snapshot};
pub use value::Value;

/// What differs between two renderings. `Display` prints it as plain text, [`Difference::lines`]
/// line by line.
///
/// ```
/// use kustomize_difference::{Difference, Snapshot};
///
/// let old = Snapshot::read("kind: Pod\nmetadata: {name: a}\nspec: {priority: 1}\n", "old.yaml")?;
/// let new = Snapshot::read("kind: Pod\nmetadata: {name: a}\nspec: {priority: 2}\n", "new.yaml")?;
/// assert_eq!(
///     Difference::between(&old, &new).to_string(),
///     "changed Pod a\n    spec.priority: 1 → 2\n"
/// );
/// # Ok::<(), kustomize_core::BuildError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Resources that are not the same on both sides: those of the new side in its order, then
    /// those that are gone.
    pub resources: Vec<ResourceChange>,
    /// Whether resources that are on both sides stand in another order.
    pub reordered: bool,
}

/// A resource that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ResourceChange {
    /// Its name; the new one, if it still exists.
    pub resource: ResourceName,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
}

/// How a resource changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Change {
    /// It was added.
    Added {
        /// The whole resource.
        value: Value,
    },
    /// It was removed.
    Removed {
        /// The whole resource.
        value: Value,
    },
    /// It exists on both sides.
    Changed {
        /// Its former name, if that differs.
        was: Option<ResourceName>,
        /// Fields that differ, sorted by path.
        fields: Vec<FieldChange>,
    },
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// Its path.
    pub path: FieldPath,
    /// The old value; none if the field is new.
    pub old: Option<Value>,
    /// The new value; none if the field was removed.
    pub new: Option<Value>,
}

impl Difference {
    /// Compares two sides.
    #[must_use]
    pub fn between(old: &Snapshot, new: &Snapshot) -> Self {
        compare::between(old, new)
    }

    /// Hides the values of Secrets, and passwords in URLs. Values that differ become `*** (before)` and `*** (after)`,
    /// others `***`.
    #[must_use]
    pub fn mask_secrets(mut self) -> Self {
        secrets::mask(&mut self);
        self
    }

    /// Whether both sides hold the same resources, in the same order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && !self.reordered
    }

    /// The difference as text for people, line by line.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        lines::lines(self)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
