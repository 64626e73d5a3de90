//! Whether an alert can be used as its spec has it: a condition says so.

use std::time::Duration;

use reconciler_api::{Alert, AlertSpec, annotation, reason};
use reconciler_core::notify::check_patterns;

use super::delivery_status::noted;
use crate::controller::outcome::{Failure, Names, conclude};
use crate::controller::queue::Key;
use crate::controller::{Context, Next, status};

const NAMES: Names = Names {
    component: "notification-controller",
    controller: "alert",
    group: "notification.toolkit.fluxcd.io",
    kind: "Alert",
};
/// The pause while the namespace of an alert is not known.
const SOON: Duration = Duration::from_secs(1);

/// Checks an alert, and says in its status what is wrong with it.
pub(super) async fn check(context: &Context, key: &Key) -> Next {
    let alert = match context.notifications.alerts.get(key) {
        None => return Next::Gone,
        Some(Err(_)) => return Next::OnChange,
        Some(Ok(alert)) => alert,
    };
    let is_left = alert.spec.suspend || alert.metadata.deletion_timestamp.is_some();
    if is_left || !context.shard.has(&*alert) {
        return Next::OnChange;
    }
    let Some(is_strict) = context.tenants.is_strict(&key.namespace) else { return Next::After(SOON) };
    let old = alert.status.clone().unwrap_or_default();
    let mut new = old.clone();
    new.observed_generation = alert.metadata.generation;
    let outcome = check_patterns(&alert.spec)
        .map(|()| ready_message(&alert.spec, &key.namespace, is_strict))
        .map_err(|message| Failure::permanent(reason::INVALID_CONFIG, message));
    match &outcome {
        Ok(message) => NAMES.mended(context, &*alert, message).await,
        Err(failure) => NAMES.fail(context, &*alert, key, &old.conditions, failure).await,
    }
    let said = outcome.as_ref().map(String::as_str);
    conclude(&mut new.conditions, said, new.observed_generation, context.environment.now());
    let written = status::write::<Alert>(&context.client, key, &old, &new).await;
    noted(context, &context.notifications.alerts, key, written);
    Next::OnChange
}

/// What is said of an alert that can be used. Of events in other namespaces, a strict one hears only those that their
/// owners let it hear of.
fn ready_message(alert: &AlertSpec, own: &str, is_strict: bool) -> String {
    let foreign = alert.event_sources.iter().filter_map(|source| {
        let namespace =
            source.namespace.as_deref().filter(|namespace| !namespace.is_empty() && *namespace != own)?;
        Some(format!("'{}/{namespace}/{}'", source.kind, source.name))
    });
    let foreign: Vec<String> = foreign.filter(|_| is_strict).collect();
    if foreign.is_empty() {
        return "Initialized".to_owned();
    }
    format!(
        "Initialized; cross-namespace references are blocked: of {}, only objects count that have the annotation {} with this namespace",
        foreign.join(", "),
        annotation::ALLOWED_NAMESPACES
    )
}
