//! Where a field stands in a resource.

use std::fmt;

use serde::{Serialize, Serializer};

/// A path to a field, as in `spec.template.spec.containers[name=main].image`. It serialises as
/// its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Vec<Segment>);

/// A segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Segment {
    /// The field of a map; `.name`, or `["a.b"]` where a dot would mislead.
    Field(String),
    /// The item of a list by its `name`; `[name=main]`.
    Named(String),
    /// The item of a list by its index, counted from zero; `[0]`. Of items that are gone it is the
    /// old index.
    Index(usize),
    /// The names of all items of a list, in order; `[*].name`.
    Names,
}

impl FieldPath {
    /// The segments from the root of the resource.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// Whether it leads along these fields and no further.
    pub(crate) fn is(&self, fields: &[&str]) -> bool {
        self.0.len() == fields.len()
            && self
                .0
                .iter()
                .zip(fields)
                .all(|(segment, field)| matches!(segment, Segment::Field(name) if name == field))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if is_plain(name) => {
                    write!(f, "{}{name}", if at > 0 { "." } else { "" })?;
                }
                Segment::Field(name) => write!(f, "[{name:?}]")?,
                Segment::Named(name) if is_plain(name) => write!(f, "[name={name}]")?,
                Segment::Named(name) => write!(f, "[name={name:?}]")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Names => f.write_str("[*].name")?,
            }
        }
        Ok(())
    }
}

/// Whether a name needs no quotes in a path.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '$'))
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
