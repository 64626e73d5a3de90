//! Sending what waits in the outbox, for each provider in its order.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reconciler_core::notify::{DispatchError, Rules, dispatch, is_for_people};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection::Setup;
use super::delivery_status::{settle, write_status};
use super::{Notifications, change, key};
use crate::controller::Context;
use crate::notify::{self, Dropped, Message, Name, Outbox, Outgoing, Refusal, Refusals, SendError};

/// The first pause after a provider could not be reached, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How often a provider's Secrets are looked at while it takes no messages.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is said which messages were dropped.
const REPORT: Duration = Duration::from_secs(10);

/// Sends what is there to be sent, for each provider in its order, and says what was dropped.
pub(in crate::controller) async fn deliver(context: &Arc<Context>) {
    tokio::join!(send_all(context), report_dropped(context));
}

/// Says which messages were dropped because a namespace had too many, in the log and in the status of the alert and the
/// provider.
async fn report_dropped(context: &Arc<Context>) {
    let notifications = &context.notifications;
    loop {
        tokio::time::sleep(REPORT).await;
        let dropped = notifications.lock().await.as_mut().map(Outbox::take_dropped).unwrap_or_default();
        for Dropped { count, last } in dropped {
            let message = format!(
                "{count} old messages were dropped: too many wait for the providers of the namespace '{}'",
                last.provider.namespace
            );
            let fields = json!({
                "controllerKind": "Alert", "name": last.alert.name, "namespace": last.alert.namespace,
                "provider": last.provider.name,
            });
            context.log.error(&message, fields);
            write_status(context, &last, &Err(SendError::Never(message)), false).await;
        }
    }
}

async fn send_all(context: &Arc<Context>) {
    let notifications = &context.notifications;
    let mut workers: JoinSet<Name> = JoinSet::new();
    let mut busy: HashSet<Name> = HashSet::new();
    let mut trouble = None;
    let mut is_settled = false;
    loop {
        let still = change(notifications.lock().await, |outbox| Ok(outbox.flush())).await.unwrap_or_default();
        match (&trouble, &still) {
            (None, Some(why)) => {
                let message =
                    "notifications cannot be written to disk, they are kept in memory until that is possible";
                context.log.error(message, json!({"error": why}));
            }
            (Some(_), None) => context.log.info("notifications are written to disk again", json!({})),
            _ => {}
        }
        trouble = still;
        let is_known = notifications.alerts.is_listed()
            && notifications.providers.is_listed()
            && context.tenants.namespaces.is_listed();
        if is_known {
            // What came before the alerts were known, if no alert is there to ask for it.
            if let Err(error) = notifications.route_early(&context.tenants).await {
                context
                    .log
                    .error("events could not be kept for sending", json!({"error": error.to_string()}));
            }
            if !is_settled {
                // What an earlier process wrote, and had no time to mend.
                settle(context, None).await;
                is_settled = true;
            }
            let providers = notifications.lock().await.as_ref().map(Outbox::providers).unwrap_or_default();
            for provider in providers {
                if busy.insert(provider.clone()) {
                    workers.spawn(drain(Arc::clone(context), provider));
                }
            }
        }
        tokio::select! {
            () = notifications.added.notified() => {}
            () = tokio::time::sleep(PAUSES.0), if !is_known || trouble.is_some() => {}
            Some(Ok(provider)) = workers.join_next(), if !workers.is_empty() => {
                busy.remove(&provider);
            }
        }
    }
}

impl Notifications {
    /// The next message for a provider, without some.
    async fn next(&self, provider: &Name, without: &BTreeSet<u64>) -> io::Result<Option<Outgoing>> {
        let is_for_people = match self.providers.get(&key(provider)) {
            Some(Ok(found)) => is_for_people(&found.spec.type_),
            _ => false,
        };
        let (provider, without, now) = (provider.clone(), without.clone(), self.environment.now());
        change(self.lock().await, move |outbox| {
            if is_for_people {
                outbox.next_for_people(&provider, &without, now)
            } else {
                Ok(outbox.next(&provider, &without))
            }
        })
        .await
    }

    /// Notes that a message will never be sent.
    async fn give_up(&self, outgoing: Outgoing) -> io::Result<()> {
        change(self.lock().await, move |outbox| outbox.give_up(&outgoing)).await
    }

    /// Notes that a message has been sent.
    async fn sent(&self, outgoing: Outgoing) -> io::Result<()> {
        let now = self.environment.now();
        change(self.lock().await, move |outbox| outbox.sent(&outgoing, now)).await
    }
}

/// What a provider is set up with; nothing if there is no such provider.
async fn setup_of(context: &Context, provider: &Name) -> Option<Setup> {
    let found = context.notifications.providers.get(&key(provider))?.ok()?;
    Some(Setup::read(context, &found).await)
}

/// What ends a pause.
#[derive(PartialEq)]
enum End {
    /// Its time.
    Time,
    /// What the provider is set up with was changed.
    Change,
    /// There is another message.
    Message,
}

/// Waits for a while, or until the provider or one of its Secrets is changed, or there is a message that it has not refused
/// yet. Secrets are not watched, since that needs the right to list them.
async fn rest(
    context: &Context,
    provider: &Name,
    tried: &Option<Setup>,
    pause: Duration,
    refusals: Option<&Refusals>,
) -> End {
    let end = Instant::now() + pause;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return End::Time;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(LOOK)) => {}
            () = context.notifications.changed.notified() => {}
        }
        if setup_of(context, provider).await != *tried {
            return End::Change;
        }
        if let Some(refusals) = refusals
            && refusals.may_try()
            && context.notifications.pending(provider).await > refusals.aside().len()
        {
            return End::Message;
        }
    }
}

/// Sends all messages for a provider. Those that may be sent later are kept; those that are refused are given up after an
/// hour.
async fn drain(context: Arc<Context>, provider: Name) -> Name {
    let notifications = &context.notifications;
    let mut pause = PAUSES.0;
    let mut refusals = Refusals::default();
    let mut setup = None;
    loop {
        let next = match refusals.may_try() {
            true => notifications.next(&provider, refusals.aside()).await,
            false => Ok(None),
        };
        let outgoing = match next {
            Ok(Some(outgoing)) => outgoing,
            Ok(None) if refusals.aside().is_empty() => {
                settle(&context, Some(&provider)).await;
                return provider;
            }
            Ok(None) => {
                match rest(&context, &provider, &setup, PAUSES.1, Some(&refusals)).await {
                    End::Time => refusals.retry(),
                    End::Change => refusals.forget(),
                    End::Message => {}
                }
                continue;
            }
            Err(error) => {
                let fields = json!({"provider": provider.name, "error": error.to_string()});
                context.log.error("what was sent could not be noted", fields);
                tokio::time::sleep(PAUSES.1).await;
                continue;
            }
        };
        if let Some(held) = outgoing.held {
            tokio::time::sleep(held).await;
            continue;
        }
        let message = &outgoing.message;
        setup = setup_of(&context, &provider).await;
        let outcome = deliver_one(&context, message, setup.as_ref()).await;
        let fields = |error: &str| {
            json!({
                "controllerKind": "Alert", "name": message.alert.name, "namespace": message.alert.namespace,
                "provider": message.provider.name, "error": error,
            })
        };
        let is_kept = match &outcome {
            Ok(_) | Err(SendError::Never(_)) => false,
            Err(SendError::Refused(_)) => {
                refusals.refused(&outgoing, context.environment.now()) != Refusal::GiveUp
            }
            Err(SendError::Later(_) | SendError::NotBefore(..)) => true,
        };
        if outcome == Ok(true) {
            refusals.taken();
        }
        if let Err(error) = &outcome {
            let what = if is_kept {
                "failed to send notification, it is tried again"
            } else {
                "failed to send notification, it is given up"
            };
            context.log.error(what, fields(&error.to_string()));
        }
        let noted = match &outcome {
            _ if is_kept => Ok(()),
            Ok(_) => notifications.sent(outgoing.clone()).await,
            Err(_) => notifications.give_up(outgoing.clone()).await,
        };
        if let Err(error) = noted {
            // Without the note it would be sent again at once.
            context.log.error("what was sent could not be noted", fields(&error.to_string()));
            tokio::time::sleep(PAUSES.1).await;
        }
        write_status(&context, message, &outcome, is_kept).await;
        settle(&context, Some(&provider)).await;
        let time = match outcome {
            Err(SendError::Later(_)) => pause,
            Err(SendError::NotBefore(_, time)) => time,
            _ => {
                pause = PAUSES.0;
                continue;
            }
        };
        rest(&context, &provider, &setup, time, None).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Sends one message. Returns whether the provider wanted it.
async fn deliver_one(context: &Context, message: &Message, setup: Option<&Setup>) -> Result<bool, SendError> {
    let notifications = &context.notifications;
    let Some(Ok(alert)) = notifications.alerts.get(&key(&message.alert)) else {
        let name = &message.alert;
        return Err(SendError::Never(format!("alert '{}/{}' does not exist", name.namespace, name.name)));
    };
    let provider = notifications.providers.get(&key(&message.provider));
    let (Some(Ok(provider)), Some(setup)) = (provider, setup) else {
        // It may be applied after its alert.
        let name = &message.provider;
        return Err(SendError::Refused(format!(
            "provider '{}/{}' does not exist",
            name.namespace, name.name
        )));
    };
    let sent = async {
        let secret = setup.own()?;
        // Whether the alert may tell of the event was decided when it came.
        let notification = dispatch(Rules::default(), &alert, &provider, secret, &message.event);
        let Some(notification) = notification.map_err(|error| undispatched(error, setup))? else {
            return Ok(false);
        };
        notify::deliver(&setup.connection()?, notification).await
    };
    sent.await.map_err(|error: SendError| error.map(|text| setup.plaintext().mask(&text)))
}

/// Why an event cannot be sent to a provider as it is set up, and what can be done about it.
fn undispatched(error: DispatchError, setup: &Setup) -> SendError {
    match &error {
        DispatchError::CrossNamespace { .. } => SendError::Never(error.to_string()),
        DispatchError::Provider { reason, .. } if reason.is_about_event() => {
            SendError::Never(error.to_string())
        }
        DispatchError::Provider { reason, .. } if reason.is_about_address() => {
            SendError::Refused(match setup.address_help() {
                Some(help) => format!("{error}: {help}"),
                None => error.to_string(),
            })
        }
        _ => SendError::Refused(error.to_string()),
    }
}
