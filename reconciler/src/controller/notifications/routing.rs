//! Which alerts an event is for, and which of them say that something is mended.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciler_api::AlertSpec;
use reconciler_core::notify::{Event, InvolvedObject, Severity, cause, dropped, matches, rate_limit_key};

use super::traits::Known;
use super::{Notifications, change, key, name};
use crate::controller::queue::Key;
use crate::controller::tenancy::Tenants;
use crate::notify::{Broken, Message, Name, Outbox, Traits, object_of};

/// How long to wait until it is known who takes events, and how often to look.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

impl Notifications {
    /// Takes an event, and keeps it until all alerts and namespaces are known.
    pub(in crate::controller) async fn take(
        &self,
        event: Event,
        traits: Traits,
        tenants: &Tenants,
    ) -> io::Result<()> {
        if self.lock().await.is_none() {
            return Ok(());
        }
        self.early.lock().unwrap_or_else(PoisonError::into_inner).push((event, traits));
        self.route(tenants).await
    }

    /// Whether all alerts and namespaces are known. On a cluster that does not define alerts, there are none.
    fn are_takers_known(&self, tenants: &Tenants) -> bool {
        self.alerts.is_known() && tenants.namespaces.is_listed()
    }

    /// Waits until it is known who takes events: what is taken before that is only in memory, and would be lost if the
    /// process was killed. Not for long, since a cluster may not let alerts be listed.
    pub(in crate::controller) async fn until_takers_are_known(&self, tenants: &Tenants) {
        if self.lock().await.is_none() {
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
    pub(super) async fn route(&self, tenants: &Tenants) -> io::Result<()> {
        if self.are_takers_known(tenants) {
            self.route_early(tenants).await?;
            self.added.notify_one();
        }
        Ok(())
    }

    pub(super) async fn route_early(&self, tenants: &Tenants) -> io::Result<()> {
        let outbox = self.lock().await;
        // No await comes between this and the change, which is completed even if this task is cancelled: no event is lost.
        let events = std::mem::take(&mut *self.early.lock().unwrap_or_else(PoisonError::into_inner));
        if events.is_empty() {
            return Ok(());
        }
        let now = self.environment.now();
        let routed = events.into_iter().map(|(event, traits)| {
            let takers = self.takers(&event, &traits, tenants);
            (event, traits, takers)
        });
        let routed: Vec<_> = routed.collect();
        change(outbox, move |outbox| {
            routed
                .into_iter()
                .try_for_each(|(event, traits, takers)| note(outbox, event, traits, takers, now))
        })
        .await
    }

    /// Tells an alert that is new, or that has changed, what is broken already. `traits` are those that an object has now:
    /// its owner may allow others less, or more, than when it broke. Returns false if an object is not known yet.
    pub(super) async fn catch_up(
        &self,
        key: &Key,
        tenants: &Tenants,
        traits: impl Fn(&InvolvedObject) -> Known,
    ) -> io::Result<bool> {
        let Some(Ok(alert)) = self.alerts.get(key) else { return Ok(true) };
        let guard = self.lock().await;
        let Some(outbox) = guard.as_ref() else { return Ok(true) };
        let mut are_known = true;
        let alert_name = name(key);
        let provider = Name { namespace: key.namespace.clone(), name: alert.spec.provider_ref.name.clone() };
        let mut is_news = |broken: &Broken| {
            if broken.told.contains(&alert_name) {
                return false;
            }
            let traits = match traits(&broken.event.involved_object) {
                Known::Found(traits) => traits,
                // An object that is gone is not broken.
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
        if !news.is_empty() {
            let added = self.environment.now();
            change(guard, move |outbox| {
                news.into_iter().try_for_each(|(_, object, event)| {
                    let (alert, provider, event) = (alert_name.clone(), provider.clone(), Arc::new(event));
                    outbox.add(Message { alert, provider, event, added })?;
                    outbox.told(&object, [alert_name.clone()])
                })
            })
            .await?;
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

    /// Whether a provider sends such events. For a provider that is not known yet, this is decided later.
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
    pub(in crate::controller) async fn mended(
        &self,
        mut event: Event,
        traits: Traits,
        tenants: &Tenants,
    ) -> io::Result<()> {
        let guard = self.lock().await;
        let Some(outbox) = guard.as_ref() else { return Ok(()) };
        let object = object_of(&event);
        let Some(broken) = outbox.broken_object(&object).cloned() else { return Ok(()) };
        let now = self.environment.now();
        let seconds = now.duration_since(broken.since).max(SignedDuration::ZERO).as_secs();
        let after = reconciler_api::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        event.message = format!("Recovered after {after}: {}", event.message);
        let event = Arc::new(event);
        let told =
            broken.told.into_iter().filter(|alert| may_hear(&alert.namespace, &event, &traits, tenants));
        let message = |alert: Name| {
            let provider = self.provider_of(&key(&alert))?;
            Some(Message { alert, provider, event: Arc::clone(&event), added: now })
        };
        let messages: Vec<Message> = told.filter_map(message).collect();
        change(guard, move |outbox| {
            messages.into_iter().try_for_each(|message| outbox.add(message))?;
            // Only now, so that a kill loses no message.
            outbox.mend(&object)
        })
        .await?;
        self.added.notify_one();
        Ok(())
    }
}

/// Notes an event for the alerts that take it, each with its provider.
fn note(
    outbox: &mut Outbox,
    event: Event,
    traits: Traits,
    takers: Vec<(Name, Name)>,
    now: Timestamp,
) -> io::Result<()> {
    let object = object_of(&event);
    if event.severity == Severity::Error {
        let causes = BTreeSet::from([cause(&event)]);
        let broken = Broken { since: now, event: event.clone(), traits, told: BTreeSet::new(), causes };
        outbox.broke(&object, broken)?;
    }
    // An event that nobody was told of is news to the next alert.
    if takers.is_empty() {
        return Ok(());
    }
    let event = Arc::new(event);
    let message = |(alert, provider)| Message { alert, provider, event: Arc::clone(&event), added: now };
    let messages = takers.into_iter().map(message).collect();
    let broken = (event.severity == Severity::Error).then_some(object.as_str());
    outbox.say(&rate_limit_key(&event), broken, messages, now)
}

/// Whether an alert takes an event.
fn takes(key: &Key, alert: &AlertSpec, event: &Event, traits: &Traits, tenants: &Tenants) -> bool {
    matches(alert, &key.namespace, event, &traits.labels) && may_hear(&key.namespace, event, traits, tenants)
}

/// Whether alerts of a namespace may tell of an event. If not, nobody there learns that there was one.
fn may_hear(namespace: &str, event: &Event, traits: &Traits, tenants: &Tenants) -> bool {
    tenants.may_refer(namespace, &event.involved_object.namespace, traits.allowed.as_deref())
}
