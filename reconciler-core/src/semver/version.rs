//! One version.

use std::cmp::Ordering;
use std::fmt;

use thiserror::Error;

/// The longest version that is read, in bytes.
const MAX_LENGTH: usize = 256;

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionError {
    /// The text is empty.
    #[error("version string empty")]
    Empty,
    /// The text is too long.
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// The text does not have the form of a version.
    #[error("invalid semantic version")]
    Invalid,
    /// A number holds something else than digits.
    #[error("invalid characters in version")]
    Characters,
    /// A number starts with zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// The part after `+` is not a list of identifiers.
    #[error("invalid metadata string")]
    Metadata,
    /// The part after `-` is not a list of identifiers.
    #[error("invalid prerelease string")]
    Prerelease,
    /// A number is empty or too large; the second field says whether the message has a prefix.
    #[error("{prefix}strconv.ParseUint: parsing \"{text}\": {reason}")]
    Number {
        /// What stands before the message.
        prefix: &'static str,
        /// The number as it was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A semantic version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    prerelease: String,
    metadata: String,
    original: String,
}

impl Version {
    /// Reads a version and fills up what is missing: `v1` is 1.0.0.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (rest, None),
        };
        let (numbers, prerelease) = match rest.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (rest, None),
        };
        let numbers: Vec<&str> = numbers.split('.').collect();
        let formed = numbers.len() <= 3
            && numbers.iter().all(|number| !number.is_empty() && is_digits(number))
            && prerelease.is_none_or(are_identifiers)
            && metadata.is_none_or(are_identifiers);
        if !formed {
            return Err(VersionError::Invalid);
        }
        let mut parsed = [0; 3];
        for (place, number) in parsed.iter_mut().zip(numbers) {
            *place = parse_number(number, "error parsing version segment: ")?;
        }
        if let Some(prerelease) = prerelease {
            validate_prerelease(prerelease)?;
        }
        let [major, minor, patch] = parsed;
        Ok(Self {
            major,
            minor,
            patch,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// Reads a version that follows the specification to the letter.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VersionError::Invalid);
        };
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (rest, None),
        };
        if metadata.is_some_and(|metadata| !are_identifiers(metadata)) {
            return Err(VersionError::Metadata);
        }
        let (patch, prerelease) = match rest.split_once('-') {
            Some((patch, prerelease)) => (patch, Some(prerelease)),
            None => (rest, None),
        };
        if let Some(prerelease) = prerelease {
            validate_prerelease(prerelease)?;
        }
        for number in [major, minor, patch] {
            if !is_digits(number) {
                return Err(VersionError::Characters);
            }
            if has_leading_zero(number) {
                return Err(VersionError::LeadingZero);
            }
        }
        Ok(Self {
            major: parse_number(major, "")?,
            minor: parse_number(minor, "")?,
            patch: parse_number(patch, "")?,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// The part after `-`, empty for a release.
    pub fn prerelease(&self) -> &str {
        &self.prerelease
    }

    /// The part after `+`.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text as it was read.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Orders versions by precedence, which leaves the metadata out.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (&*self.prerelease, &*other.prerelease) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (one, two) => cmp_prerelease(one, two),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Orders two prereleases, identifier by identifier.
pub(super) fn cmp_prerelease(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.split('.'), other.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => cmp_identifier(left.unwrap_or_default(), right.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Orders two identifiers: none before numbers, numbers before words.
fn cmp_identifier(one: &str, other: &str) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    if one.is_empty() || other.is_empty() {
        return one.len().cmp(&other.len());
    }
    let number = |text: &str| if is_digits(text) { text.parse::<u64>().ok() } else { None };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

fn are_identifiers(text: &str) -> bool {
    text.split('.').all(|identifier| {
        !identifier.is_empty() && identifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn validate_prerelease(text: &str) -> Result<(), VersionError> {
    for identifier in text.split('.') {
        if !are_identifiers(identifier) {
            return Err(VersionError::Prerelease);
        }
        if is_digits(identifier) && has_leading_zero(identifier) {
            return Err(VersionError::LeadingZero);
        }
    }
    Ok(())
}

fn parse_number(text: &str, prefix: &'static str) -> Result<u64, VersionError> {
    text.parse().map_err(|_| VersionError::Number {
        prefix,
        text: text.to_owned(),
        reason: if text.is_empty() { "invalid syntax" } else { "value out of range" },
    })
}
