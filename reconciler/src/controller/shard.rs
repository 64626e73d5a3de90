//! Shards: which objects this process reconciles. It knows the others too, and leaves them alone.

use std::collections::BTreeSet;

use kube::ResourceExt;
use kube::core::{Expression, Selector, SelectorExt as _};
use sha2::{Digest as _, Sha256};

/// Which objects a process reconciles: all, unless labels or a namespace are given.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    /// The selector, as it was given.
    text: String,
    labels: Selector,
    namespace: Option<String>,
}

/// A label selector that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} is not a label requirement, such as sharding.fluxcd.io/key=shard1 or !sharding.fluxcd.io/key"
)]
pub struct SelectorError {
    part: String,
}

impl Shard {
    /// The objects with labels that a selector picks, as `kubectl -l` reads it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_labels(text: &str) -> Result<Self, SelectorError> {
        let labels = split(text).into_iter().map(requirement).collect::<Result<Vec<_>, _>>()?;
        Ok(Shard { text: text.to_owned(), labels: labels.into_iter().collect(), namespace: None })
    }

    /// The same in one namespace only.
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Self {
        Shard { namespace: Some(namespace.into()), ..self }
    }

    /// The only namespace that is looked at, if it is one.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Whether this process reconciles everything.
    pub(super) fn is_all(&self) -> bool {
        self.text.is_empty() && self.namespace.is_none()
    }

    /// Whether this process reconciles an object.
    pub(super) fn has(&self, object: &impl ResourceExt) -> bool {
        self.labels.matches(object.labels())
            && self.namespace.as_ref().is_none_or(|only| object.namespace().as_ref() == Some(only))
    }

    /// The name of the Lease of this shard, as Flux makes it from the one for all.
    #[must_use]
    pub fn lease(&self, base: &str) -> String {
        if self.text.is_empty() {
            return base.to_owned();
        }
        let digest = Sha256::digest(&self.text);
        let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{base}-{hex}")
    }
}

/// The parts of a selector, which commas separate unless they are in parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Parses one requirement.
fn requirement(part: &str) -> Result<Expression, SelectorError> {
    let error = || SelectorError { part: part.to_owned() };
    let key = |text: &str| {
        let text = text.trim();
        let is_key =
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        is_key.then(|| text.to_owned()).ok_or_else(error)
    };
    if let Some(absent) = part.strip_prefix('!') {
        return Ok(Expression::DoesNotExist(key(absent)?));
    }
    if let Some(list) = part.strip_suffix(')') {
        let (before, list) = list.split_once('(').ok_or_else(error)?;
        let values: BTreeSet<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
        let (name, operator) = before.trim().rsplit_once(char::is_whitespace).ok_or_else(error)?;
        return match operator {
            "in" => Ok(Expression::In(key(name)?, values)),
            "notin" => Ok(Expression::NotIn(key(name)?, values)),
            _ => Err(error()),
        };
    }
    let Some((name, value)) = part.split_once('=') else { return Ok(Expression::Exists(key(part)?)) };
    let value = value.strip_prefix('=').unwrap_or(value).trim().to_owned();
    match name.strip_suffix('!') {
        Some(name) => Ok(Expression::NotEqual(key(name)?, value)),
        None => Ok(Expression::Equal(key(name)?, value)),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn picks(selector: &str, labels: &[(&str, &str)]) -> Result<bool, SelectorError> {
        let mut object = ConfigMap::default();
        object.metadata.namespace = Some("x".to_owned());
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        object.metadata.labels = Some(labels.collect());
        Ok(Shard::of_labels(selector)?.in_namespace("x").has(&object))
    }

    #[test]
    fn selectors_pick_objects() -> Result<(), SelectorError> {
        let shard = [("sharding.fluxcd.io/key", "one")];
        for selector in [
            "",
            "sharding.fluxcd.io/key=one",
            "sharding.fluxcd.io/key == one",
            "sharding.fluxcd.io/key in (one, two)",
            "sharding.fluxcd.io/key",
            "sharding.fluxcd.io/key!=two, !other",
            "other notin (a,b),sharding.fluxcd.io/key notin (two)",
        ] {
            assert!(picks(selector, &shard)?, "{selector}");
        }
        for selector in ["!sharding.fluxcd.io/key", "sharding.fluxcd.io/key=two", "a in (b)", "a=b"] {
            assert!(!picks(selector, &shard)?, "{selector}");
        }
        assert!(picks("!sharding.fluxcd.io/key,a!=b,a notin (c)", &[])?);
        for wrong in ["a b", "=b", "!", "a in b", "a of (b)", "(b)"] {
            assert!(Shard::of_labels(wrong).is_err(), "{wrong}");
        }
        assert!(!Shard::default().in_namespace("y").has(&ConfigMap::default()));
        Ok(())
    }

    #[test]
    fn each_shard_has_its_lease() -> Result<(), SelectorError> {
        assert_eq!(Shard::default().lease("a-leader-election"), "a-leader-election");
        // The first digits of `printf %s a=b | sha256sum`.
        assert_eq!(Shard::of_labels("a=b")?.lease("a"), "a-42144f39");
        Ok(())
    }
}
