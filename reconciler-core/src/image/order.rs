//! The orders in which a policy looks for the latest tag.

use reconciler_api::image_policy::PolicyChoice;

use crate::go::parse_float;
use crate::semver::{self, Constraints, Version};

/// What latest means.
pub(super) enum Order {
    /// The newest version of a range.
    Semver(Constraints),
    /// The last word, or the first.
    Alphabetical {
        /// Whether the first is wanted.
        descending: bool,
    },
    /// The largest number, or the smallest.
    Numerical {
        /// Whether the smallest is wanted.
        descending: bool,
    },
}

impl Order {
    /// Reads the order of a policy.
    pub(super) fn new(policy: &PolicyChoice) -> Result<Self, String> {
        if let Some(policy) = &policy.semver {
            return Constraints::parse(&policy.range)
                .map(Self::Semver)
                .map_err(|failure| failure.to_string());
        }
        if let Some(policy) = &policy.alphabetical {
            return Ok(Self::Alphabetical {
                descending: is_descending(policy.order.as_deref().unwrap_or_default())?,
            });
        }
        if let Some(policy) = &policy.numerical {
            return Ok(Self::Numerical {
                descending: is_descending(policy.order.as_deref().unwrap_or_default())?,
            });
        }
        Err("given ImagePolicyChoice object is invalid".to_owned())
    }

    /// The latest of the tags. The error says why there is none.
    pub(super) fn latest<'a>(&self, tags: &[&'a str]) -> Result<&'a str, String> {
        let empty = || "version list argument cannot be empty".to_owned();
        match self {
            _ if tags.is_empty() => Err(empty()),
            Self::Semver(range) => latest_version(range, tags),
            Self::Alphabetical { descending: true } => tags.iter().min().copied().ok_or_else(empty),
            Self::Alphabetical { descending: false } => tags.iter().max().copied().ok_or_else(empty),
            Self::Numerical { descending } => latest_number(*descending, tags),
        }
    }
}

/// Reads `ASC` or `DESC` in any case; without a word the order ascends.
fn is_descending(order: &str) -> Result<bool, String> {
    match order.to_uppercase().as_str() {
        "" | "ASC" => Ok(false),
        "DESC" => Ok(true),
        other => Err(format!("invalid order argument provided: '{other}', must be one of: ASC, DESC")),
    }
}

/// The newest version of the range. Of equal versions the first counts.
fn latest_version<'a>(range: &Constraints, tags: &[&'a str]) -> Result<&'a str, String> {
    let mut latest: Option<(Version, &'a str)> = None;
    for tag in tags {
        let Ok(version) = semver::parse(tag) else { continue };
        let newer = latest.as_ref().is_none_or(|(latest, _)| version.cmp_precedence(latest).is_gt());
        if newer && range.check(&version) {
            latest = Some((version, tag));
        }
    }
    let none = || "unable to determine latest version from provided list".to_owned();
    latest.map(|(_, tag)| tag).ok_or_else(none)
}

/// The largest or smallest number. Of equal numbers the last counts, and so does whatever follows NaN.
fn latest_number<'a>(descending: bool, tags: &[&'a str]) -> Result<&'a str, String> {
    let mut latest: Option<(f64, &'a str)> = None;
    for tag in tags {
        let number =
            parse_float(tag).ok_or_else(|| format!("failed to parse invalid numeric value '{tag}'"))?;
        let passed =
            latest.is_some_and(|(latest, _)| if descending { number > latest } else { number < latest });
        if !passed {
            latest = Some((number, tag));
        }
    }
    latest.map(|(_, tag)| tag).ok_or_else(|| "version list argument cannot be empty".to_owned())
}
