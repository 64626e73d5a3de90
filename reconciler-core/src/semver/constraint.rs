//! Ranges of versions.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use thiserror::Error;

use super::version::{Version, cmp_prerelease};
use crate::quote::quote;

/// How many groups divided by `||` a range may have.
const MAX_GROUPS: usize = 32;

/// Why a text is not a range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConstraintError {
    /// A group does not have the form of a list of comparisons.
    #[error("improper constraint: {}", quote(.0))]
    Improper(String),
    /// A comparison's version does not parse.
    #[error("constraint parser error")]
    Version,
    /// There are too many groups.
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
}

/// A range: groups of which one must hold, each a list of comparisons that must all hold.
#[derive(Debug, Clone)]
pub struct Constraints {
    groups: Vec<Group>,
    /// Whether prereleases are looked at even where the range names none.
    pub include_prerelease: bool,
}

#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Whether a comparison names a prerelease, which lets the group match others.
    names_prerelease: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Which part of a comparison's version is a wildcard or missing; what follows it is then, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wildcard {
    None,
    Major,
    Minor,
    Patch,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    wildcard: Wildcard,
    /// The operator as it was written.
    sign: String,
    /// The version as it was written.
    text: String,
}

/// The patterns that take a range apart.
struct Patterns {
    /// A group of comparisons divided by spaces or commas.
    group: Regex,
    /// One comparison within a group.
    comparison: Regex,
    /// A comparison taken apart.
    parts: Regex,
    /// Two versions with a hyphen between spaces.
    hyphen: Regex,
}

const SPACE: &str = r"[\t\n\f\r ]";
const SIGN: &str = r"(?:=>|=<|>=|<=|!=|~>|[=<>~^])?";
const NUMBER: &str = r"[0-9xX|*]+";
const IDENTIFIERS: &str = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*";

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let numbers = format!(r"v?{NUMBER}(?:\.{NUMBER})?(?:\.{NUMBER})?");
    let version = format!(r"{numbers}(?:-{IDENTIFIERS})?(?:\+{IDENTIFIERS})?");
    let one = format!("{SIGN}{SPACE}*{version}");
    let compile = |pattern: String| Regex::new(&pattern).ok();
    Some(Patterns {
        group: compile(format!("^{SPACE}*{one}{SPACE}*(?:(?:{SPACE}+|,{SPACE}*){one}{SPACE}*)*$"))?,
        comparison: compile(one)?,
        parts: compile(format!(
            r"^{SPACE}*(?<sign>{SIGN}){SPACE}*(?<version>v?(?<major>{NUMBER})(?:\.(?<minor>{NUMBER}))?(?:\.(?<patch>{NUMBER}))?(?<prerelease>-{IDENTIFIERS})?(?:\+{IDENTIFIERS})?){SPACE}*$"
        ))?,
        hyphen: compile(format!("{SPACE}*({version}){SPACE}+-{SPACE}+({version}){SPACE}*"))?,
    })
});

impl Constraints {
    /// Reads a range.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        let improper = |text: &str| ConstraintError::Improper(text.to_owned());
        let patterns = PATTERNS.as_ref().ok_or_else(|| improper(text))?;
        let text = patterns.hyphen.replace_all(text, ">= $1, <= $2 ");
        if text.split("||").count() > MAX_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        let mut groups = Vec::new();
        for group in text.split("||") {
            if !patterns.group.is_match(group) {
                return Err(improper(group));
            }
            let comparisons: Vec<Comparison> = patterns
                .comparison
                .find_iter(group)
                .map(|found| Comparison::parse(patterns, found.as_str()))
                .collect::<Result<_, _>>()?;
            let names_prerelease = comparisons.iter().any(|one| !one.version.prerelease().is_empty());
            groups.push(Group { comparisons, names_prerelease });
        }
        Ok(Self { groups, include_prerelease: false })
    }

    /// Whether the version lies in the range.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let prereleases = self.include_prerelease || group.names_prerelease;
            (prereleases || version.prerelease().is_empty())
                && group.comparisons.iter().all(|one| one.check(version).is_ok())
        })
    }

    /// Says why the version does not lie in the range; nothing if it does.
    pub fn reasons(&self, version: &Version) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut said = false;
        for group in &self.groups {
            let prereleases = self.include_prerelease || group.names_prerelease;
            if !prereleases && !version.prerelease().is_empty() {
                if !said {
                    reasons.push(format!(
                        "{} is a prerelease version and the constraint is only looking for release versions",
                        quote(&version.to_string())
                    ));
                    said = true;
                }
                continue;
            }
            let failed: Vec<String> =
                group.comparisons.iter().filter_map(|one| one.check(version).err()).collect();
            if failed.is_empty() {
                return Vec::new();
            }
            reasons.extend(failed);
        }
        reasons
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.groups.iter().enumerate() {
            if index > 0 {
                f.write_str(" || ")?;
            }
            for (index, one) in group.comparisons.iter().enumerate() {
                let space = if index > 0 { " " } else { "" };
                write!(f, "{space}{}{}", one.sign, one.text)?;
            }
        }
        Ok(())
    }
}

impl Comparison {
    fn parse(patterns: &Patterns, text: &str) -> Result<Self, ConstraintError> {
        let parts = patterns.parts.captures(text);
        let parts = parts.ok_or_else(|| ConstraintError::Improper(text.to_owned()))?;
        let part = |name: &str| parts.name(name).map_or("", |found| found.as_str());
        let any = |name: &str| matches!(part(name), "" | "x" | "X" | "*");
        let (major, minor, prerelease) = (part("major"), part("minor"), part("prerelease"));
        let (wildcard, version) = if any("major") {
            (Wildcard::Major, format!("0.0.0{prerelease}"))
        } else if any("minor") {
            (Wildcard::Minor, format!("{major}.0.0{prerelease}"))
        } else if any("patch") {
            (Wildcard::Patch, format!("{major}.{minor}.0{prerelease}"))
        } else {
            (Wildcard::None, part("version").to_owned())
        };
        let operator = match part("sign") {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterEqual,
            "<=" | "=<" => Operator::LessEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Equal,
        };
        Ok(Self {
            operator,
            version: Version::parse(&version).map_err(|_| ConstraintError::Version)?,
            wildcard,
            sign: part("sign").to_owned(),
            text: part("version").to_owned(),
        })
    }

    /// Compares; the error says why it does not hold.
    fn check(&self, version: &Version) -> Result<(), String> {
        let order = version.cmp_precedence(&self.version);
        let wildcard = self.wildcard != Wildcard::None;
        match self.operator {
            Operator::Equal if wildcard => self.check_tilde(version),
            Operator::Equal => self.holds(order.is_eq(), version, "is not equal to"),
            Operator::NotEqual => self.holds(self.differs(version), version, "is equal to"),
            Operator::Greater => {
                self.holds(self.is_exceeded_by(version), version, "is less than or equal to")
            }
            Operator::Less => self.holds(order.is_lt(), version, "is greater than or equal to"),
            Operator::GreaterEqual => self.holds(order.is_ge(), version, "is less than"),
            Operator::LessEqual => {
                let holds = if wildcard { !self.ends_before(version) } else { order.is_le() };
                self.holds(holds, version, "is greater than")
            }
            Operator::Tilde => self.check_tilde(version),
            Operator::Caret => self.check_caret(version),
        }
    }

    fn holds(&self, holds: bool, version: &Version, relation: &str) -> Result<(), String> {
        if holds {
            return Ok(());
        }
        Err(format!("{} {relation} {}", quote(&version.to_string()), quote(&self.text)))
    }

    /// Whether the version lies outside of what `!=` excludes.
    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.wildcard {
            Wildcard::None => version.cmp_precedence(own).is_ne(),
            // A wildcard in first place excludes version 0.0.0 only.
            Wildcard::Major => version.cmp_precedence(own).is_ne(),
            Wildcard::Minor => own.major != version.major,
            Wildcard::Patch => {
                own.major != version.major
                    || own.minor != version.minor
                    || cmp_prerelease(version.prerelease(), own.prerelease()) != Ordering::Equal
            }
        }
    }

    /// Whether the version is above all that the comparison's version stands for.
    fn is_exceeded_by(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.wildcard {
            Wildcard::None => version.cmp_precedence(own).is_gt(),
            _ if version.major != own.major => version.major > own.major,
            Wildcard::Minor => false,
            Wildcard::Patch => version.minor > own.minor,
            Wildcard::Major => version.cmp_precedence(own).is_gt(),
        }
    }

    /// Whether the version is above what a `<=` with a wildcard covers.
    fn ends_before(&self, version: &Version) -> bool {
        let own = &self.version;
        version.major > own.major
            || (version.major == own.major && version.minor > own.minor && self.wildcard != Wildcard::Minor)
    }

    fn check_tilde(&self, version: &Version) -> Result<(), String> {
        let own = &self.version;
        self.holds(version.cmp_precedence(own).is_ge(), version, "is less than")?;
        let zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        if zero && !matches!(self.wildcard, Wildcard::Minor | Wildcard::Patch) {
            return Ok(());
        }
        self.holds(version.major == own.major, version, "does not have same major version as")?;
        let minor = version.minor == own.minor || self.wildcard == Wildcard::Minor;
        self.holds(minor, version, "does not have same major and minor version as")
    }

    fn check_caret(&self, version: &Version) -> Result<(), String> {
        let own = &self.version;
        self.holds(version.cmp_precedence(own).is_ge(), version, "is less than")?;
        let major = "does not have same major version as";
        if own.major > 0 || self.wildcard == Wildcard::Minor {
            return self.holds(version.major == own.major, version, major);
        }
        self.holds(version.major == 0, version, major)?;
        let minor = version.minor == own.minor;
        let relation = "does not have same minor version as";
        if own.minor > 0 || self.wildcard == Wildcard::Patch {
            return self.holds(minor, version, relation).map_err(|reason| {
                reason + ". Expected minor versions to match when constraint major version is 0"
            });
        }
        self.holds(minor, version, relation)?;
        self.holds(version.patch == own.patch, version, "does not equal").map_err(|reason| {
            reason + ". Expect version and constraint to equal when major and minor versions are 0"
        })
    }
}
