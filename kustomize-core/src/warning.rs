//! What a build noticed without failing.

use crate::yaml::Location;

/// A remark about the input: a deprecated field, a patch that matched nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// What was noticed; for deprecated fields, kustomize's own words.
    pub message: String,
    /// Where.
    pub location: Option<Location>,
    /// What to do about it.
    pub help: Option<String>,
}
