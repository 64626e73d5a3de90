//! Semantic versions and ranges, with the rules of the library that Flux uses.
//!
//! The crate `semver` follows Cargo: it has no `v` prefix, no short versions, no `||` and no hyphen ranges,
//! and treats prereleases differently. Users' ranges are written for the other rules, so they stand here.

mod constraint;
mod version;

pub use constraint::{ConstraintError, Constraints};
pub use version::{Version, VersionError};

/// Parses a version as Flux does: three parts divided by dots, a `v` prefix and leading zeros allowed.
pub fn parse(text: &str) -> Result<Version, VersionError> {
    if text.splitn(3, '.').count() < 3 {
        return Err(VersionError::Invalid);
    }
    Version::parse(text)
}

/// Sorts the versions that parse and lie in the range, the newest first.
///
/// Equal versions keep their order.
pub fn sort(constraints: Option<&Constraints>, versions: &[String]) -> Vec<String> {
    let mut found: Vec<Version> = versions
        .iter()
        .filter_map(|text| parse(text).ok())
        .filter(|version| constraints.is_none_or(|wanted| wanted.check(version)))
        .collect();
    found.sort_by(|one, other| other.cmp_precedence(one));
    found.into_iter().map(|version| version.original().to_owned()).collect()
}
