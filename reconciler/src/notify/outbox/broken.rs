//! What is broken, why, and who was told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use reconciler_core::notify::Event;
use serde::{Deserialize, Serialize};

use super::message::Name;

/// How long it is known that people were told of a cause, if nothing says before that it is gone.
const TOLD: SignedDuration = SignedDuration::from_hours(24);
/// How many causes are noted of one object.
const MOST_CAUSES: usize = 100;

/// How an object is named in notes of what is broken.
pub fn object_of(event: &Event) -> String {
    let object = &event.involved_object;
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
}

/// What an object has that decides which alerts take its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The namespaces that its owner allows to refer to it, as its annotation lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

/// Something that is broken, and has been said to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// Since when.
    pub since: Timestamp,
    /// The first event that said so.
    pub event: Event,
    /// What decides which alerts take it.
    #[serde(flatten)]
    pub traits: Traits,
    /// The alerts that have said so.
    #[serde(default)]
    pub told: BTreeSet<Name>,
    /// All causes that were named for it.
    #[serde(default)]
    pub causes: BTreeSet<String>,
}

/// The objects that are broken, by their names, and the causes that people were told of.
#[derive(Default)]
pub(super) struct BrokenObjects {
    objects: BTreeMap<String, Broken>,
    /// How many objects are broken by a cause.
    causes: HashMap<String, usize>,
    /// By cause, the alerts that people were told by.
    told: BTreeMap<String, BTreeMap<Name, Timestamp>>,
}

impl BrokenObjects {
    pub(super) fn get(&self, object: &str) -> Option<&Broken> {
        self.objects.get(object)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Broken)> {
        self.objects.iter().map(|(object, broken)| (object.as_str(), broken))
    }

    pub(super) fn insert(&mut self, object: String, broken: Broken) {
        for cause in &broken.causes {
            *self.causes.entry(cause.clone()).or_default() += 1;
        }
        let old = self.objects.insert(object, broken);
        self.release(old);
    }

    pub(super) fn remove(&mut self, object: &str) {
        let old = self.objects.remove(object);
        self.release(old);
    }

    /// Counts an object out of its causes.
    fn release(&mut self, broken: Option<Broken>) {
        for cause in broken.into_iter().flat_map(|broken| broken.causes) {
            if let Some(count) = self.causes.get_mut(&cause) {
                *count -= 1;
                if *count == 0 {
                    self.causes.remove(&cause);
                }
            }
        }
    }

    /// What is to be noted of an object that breaks, or breaks by a further cause. What it was broken by first is kept.
    /// Nothing if that is known, or if too many causes are.
    pub(super) fn with_causes(&self, object: &str, broken: Broken) -> Option<Broken> {
        match self.objects.get(object) {
            Some(known) if known.causes.len() >= MOST_CAUSES || known.causes.is_superset(&broken.causes) => {
                None
            }
            Some(known) => Some(Broken { causes: &known.causes | &broken.causes, ..known.clone() }),
            None => Some(broken),
        }
    }

    /// What is to be noted of an object that alerts have said is broken. Nothing if that is known.
    pub(super) fn with_told(&self, object: &str, alerts: impl IntoIterator<Item = Name>) -> Option<Broken> {
        let mut broken = self.objects.get(object)?.clone();
        let before = broken.told.len();
        broken.told.extend(alerts);
        (broken.told.len() != before).then_some(broken)
    }

    /// Forgets that an alert has said that an object is broken.
    pub(super) fn untell(&mut self, object: &str, alert: &Name) {
        if let Some(broken) = self.objects.get_mut(object) {
            broken.told.remove(alert);
        }
    }

    /// Whether an alert has told anybody of anything.
    pub(super) fn has_alert(&self, alert: &Name) -> bool {
        self.objects.values().any(|broken| broken.told.contains(alert))
            || self.told.values().any(|alerts| alerts.contains_key(alert))
    }

    /// Forgets what an alert has told.
    pub(super) fn remove_alert(&mut self, alert: &Name) {
        for broken in self.objects.values_mut() {
            broken.told.remove(alert);
        }
        for alerts in self.told.values_mut() {
            alerts.remove(alert);
        }
    }

    /// Whether people were told of a cause by an alert.
    pub(super) fn is_told(&self, alert: &Name, cause: &str) -> bool {
        self.told.get(cause).is_some_and(|alerts| alerts.contains_key(alert))
    }

    /// The causes that people were told of, with the alerts.
    pub(super) fn told(&self) -> impl Iterator<Item = (&Name, &str, Timestamp)> {
        self.told
            .iter()
            .flat_map(|(cause, alerts)| alerts.iter().map(|(alert, at)| (alert, cause.as_str(), *at)))
    }

    pub(super) fn tell(&mut self, alert: Name, cause: String, at: Timestamp) {
        self.told.entry(cause).or_default().insert(alert, at);
    }

    /// Whether people were told of a cause that breaks nothing any more.
    pub(super) fn is_over(&self, cause: &str) -> bool {
        !self.causes.contains_key(cause) && self.told.contains_key(cause)
    }

    /// Forgets that people were told of a cause.
    pub(super) fn remove_cause(&mut self, cause: &str) {
        self.told.remove(cause);
    }

    /// Forgets what people were told long ago.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.told.retain(|_, alerts| {
            alerts.retain(|_, at| now.duration_since(*at) < TOLD);
            !alerts.is_empty()
        });
    }

    /// How many lines of the file are needed for all this, more or less.
    pub(super) fn len(&self) -> usize {
        self.objects.len() + self.told.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::notify::Outbox;
    use crate::notify::outbox::tests::{broken_by, message};

    #[test]
    fn the_first_failure_counts_until_it_is_mended() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let broken = |second| Broken {
            since: Timestamp::from_second(second).unwrap_or_default(),
            ..broken_by(&format!("cause {second}"))
        };
        let mut outbox = Outbox::open(&path)?;
        outbox.broke("Kustomization/apps/x", broken(1))?;
        outbox.broke("Kustomization/apps/x", broken(2))?;
        let alert = message("slack", "").alert;
        outbox.told("Kustomization/apps/x", [alert.clone()])?;
        outbox.told("Kustomization/apps/y", [alert.clone()])?;
        drop(outbox);
        let mut outbox = Outbox::open(&path)?;
        let causes = BTreeSet::from(["cause 1".to_owned(), "cause 2".to_owned()]);
        let wanted = Broken { told: BTreeSet::from([alert]), causes, ..broken(1) };
        assert_eq!(outbox.mend("Kustomization/apps/x")?, Some(wanted));
        assert_eq!(outbox.mend("Kustomization/apps/x")?, None);
        Ok(())
    }

    #[test]
    fn a_cause_is_over_when_nothing_is_broken_by_it() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        let alert = message("slack", "").alert;
        let mut outbox = Outbox::open(&path)?;
        outbox.broke("a", broken_by("cause"))?;
        outbox.broke("b", broken_by("cause"))?;
        outbox.tell(&alert, "cause", now)?;
        outbox.mend("a")?;
        let mut outbox = Outbox::open(&path)?;
        assert!(outbox.is_told(&alert, "cause"));
        outbox.mend("b")?;
        assert!(!outbox.is_told(&alert, "cause"));
        assert!(!Outbox::open(&path)?.is_told(&alert, "cause"));
        Ok(())
    }
}
