//! Which alerts an event is for, and which of them say that something is mended.

use std::collections::BTreeSet;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciler_api::AlertSpec;
use reconciler_core::notify::{Event, InvolvedObject, Severity, cause, dropped, matches, rate_limit_key};

use super::traits::Known;
use super::{Notifications, key, name, object_of};
use crate::controller::queue::Key;
use crate::controller::tenancy::Tenants;
use crate::notify::{Broken, Message, Name, Traits};

/// How long to wait until it is known who takes events, and how often to look.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

impl Notifications {
    /// Takes an event. Before all alerts and namespaces are known it waits.
    pub(in crate::controller) fn take(
        &self,
        event: Event,
        traits: Traits,
        tenants: &Tenants,
    ) -> io::Result<()> {
        if self.outbox().is_none() {
            return Ok(());
        }
        self.early.lock().unwrap_or_else(PoisonError::into_inner).push((event, traits));
        self.route(tenants)
    }

    /// Whether all alerts and namespaces are known. On a cluster that does not define alerts, there are none.
    fn are_takers_known(&self, tenants: &Tenants) -> bool {
        self.alerts.is_known() && tenants.namespaces.is_listed()
    }

    /// Waits until it is known who takes events: what is taken before that is only in memory, and would be lost if the
    /// process was killed. Not for long, since a cluster may not let alerts be listed.
    pub(in crate::controller) async fn until_takers_are_known(&self, tenants: &Tenants) {
        if self.outbox().is_none() {
            return;
        }
        let known = async {
            while !self.are_takers_known(tenants) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, known).await;
    }

    /// Gives the events that have been taken to the alerts that they are for.
    pub(super) fn route(&self, tenants: &Tenants) -> io::Result<()> {
        if self.are_takers_known(tenants) {
            self.route_early(tenants)?;
            self.added.notify_one();
        }
        Ok(())
    }

    pub(super) fn route_early(&self, tenants: &Tenants) -> io::Result<()> {
        let events = std::mem::take(&mut *self.early.lock().unwrap_or_else(PoisonError::into_inner));
        events.into_iter().try_for_each(|(event, traits)| self.route_one(event, &traits, tenants))
    }

    fn route_one(&self, event: Event, traits: &Traits, tenants: &Tenants) -> io::Result<()> {
        let mut outbox = self.outbox();
        let Some(outbox) = outbox.as_mut() else { return Ok(()) };
        let now = self.environment.now();
        let object = object_of(&event);
        if event.severity == Severity::Error {
            let causes = BTreeSet::from([cause(&event)]);
            let (event, traits) = (event.clone(), traits.clone());
            outbox.broke(&object, Broken { since: now, event, traits, told: BTreeSet::new(), causes })?;
        }
        let takers = self.takers(&event, traits, tenants);
        // What nobody has been told is news to the alert that comes next.
        if takers.is_empty() {
            return Ok(());
        }
        let message = |(alert, provider)| Message { alert, provider, event: event.clone(), added: now };
        let messages = takers.into_iter().map(message).collect();
        let broken = (event.severity == Severity::Error).then_some(object.as_str());
        let dropped = outbox.say(&rate_limit_key(&event), broken, messages, now)?;
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        Ok(())
    }

    /// Tells an alert that is new, or that has changed, what is broken already. `traits` are those that an object has now:
    /// its owner may allow others less, or more, than when it broke. Returns false if an object is not known yet.
    pub(super) fn catch_up(
        &self,
        key: &Key,
        tenants: &Tenants,
        traits: impl Fn(&InvolvedObject) -> Known,
    ) -> io::Result<bool> {
        let Some(Ok(alert)) = self.alerts.get(key) else { return Ok(true) };
        let mut outbox = self.outbox();
        let Some(outbox) = outbox.as_mut() else { return Ok(true) };
        let mut are_known = true;
        let alert_name = name(key);
        let provider = Name { namespace: key.namespace.clone(), name: alert.spec.provider_ref.name.clone() };
        let mut is_news = |broken: &Broken| {
            if broken.told.contains(&alert_name) {
                return false;
            }
            let traits = match traits(&broken.event.involved_object) {
                Known::Found(traits) => traits,
                // Whatever is gone is not broken.
                Known::Gone => return false,
                Known::NotYet => {
                    are_known = false;
                    return false;
                }
            };
            takes(key, &alert.spec, &broken.event, &traits, tenants)
        };
        let mut news: Vec<(Timestamp, String, Event)> = outbox
            .broken()
            .filter(|(_, broken)| is_news(broken))
            .map(|(object, broken)| (broken.since, object.to_owned(), broken.event.clone()))
            .collect();
        news.sort_by(|(a, x, _), (b, y, _)| (a, x).cmp(&(b, y)));
        for (_, object, event) in news {
            let (alert, provider) = (alert_name.clone(), provider.clone());
            self.add(outbox, Message { alert, provider, event, added: self.environment.now() })?;
            outbox.told(&object, [alert_name.clone()])?;
        }
        self.added.notify_one();
        Ok(are_known)
    }

    /// The alerts that take an event, with their providers.
    fn takers(&self, event: &Event, traits: &Traits, tenants: &Tenants) -> Vec<(Name, Name)> {
        let keys = self.alerts.keys(|key, alert| takes(key, &alert.spec, event, traits, tenants));
        let takers = keys.iter().filter_map(|key| Some((name(key), self.provider_of(key)?)));
        takers.filter(|(_, provider)| self.is_wanted(provider, event)).collect()
    }

    /// Whether a provider sends such events. Of one that is not known yet, that is found out later.
    fn is_wanted(&self, provider: &Name, event: &Event) -> bool {
        match self.providers.get(&key(provider)) {
            Some(Ok(found)) => dropped(&found.spec.type_, event).is_none(),
            _ => true,
        }
    }

    /// The provider of an alert.
    fn provider_of(&self, alert: &Key) -> Option<Name> {
        let found = self.alerts.get(alert)?.ok()?;
        Some(Name { namespace: alert.namespace.clone(), name: found.spec.provider_ref.name.clone() })
    }

    /// Takes the news that an object is as it should be. If it was broken, the alerts that said so say that it
    /// is mended, whatever severity they are for.
    pub(in crate::controller) fn mended(
        &self,
        mut event: Event,
        traits: &Traits,
        tenants: &Tenants,
    ) -> io::Result<()> {
        let mut guard = self.outbox();
        let Some(outbox) = guard.as_mut() else { return Ok(()) };
        let object = object_of(&event);
        let Some(broken) = outbox.broken_object(&object).cloned() else { return Ok(()) };
        let now = self.environment.now();
        let seconds = now.duration_since(broken.since).max(SignedDuration::ZERO).as_secs();
        let after = reconciler_api::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        event.message = format!("Recovered after {after}: {}", event.message);
        let may_hear = |alert: &Name| may_hear(&alert.namespace, &event, traits, tenants);
        for alert in broken.told.into_iter().filter(may_hear) {
            let Some(provider) = self.provider_of(&key(&alert)) else { continue };
            self.add(outbox, Message { alert, provider, event: event.clone(), added: now })?;
        }
        // Only now, so that a kill loses no message.
        outbox.mend(&object)?;
        drop(guard);
        self.added.notify_one();
        Ok(())
    }
}

/// Whether an alert takes an event.
fn takes(key: &Key, alert: &AlertSpec, event: &Event, traits: &Traits, tenants: &Tenants) -> bool {
    matches(alert, &key.namespace, event, &traits.labels) && may_hear(&key.namespace, event, traits, tenants)
}

/// Whether alerts of a namespace may tell of an event. Nobody learns of those that they may not hear of, not even that
/// there was one.
fn may_hear(namespace: &str, event: &Event, traits: &Traits, tenants: &Tenants) -> bool {
    tenants.may_refer(namespace, &event.involved_object.namespace, traits.allowed.as_deref())
}
