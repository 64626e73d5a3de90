//! Which events an alert takes.

use std::collections::BTreeMap;

use reconciler_api::AlertSpec;
use reconciler_api::reference::ObjectSelector;

use super::{Event, Severity};
use crate::go;

/// Whether an alert in a namespace takes the event of an object with these labels.
///
/// A pattern that does not compile matches nothing.
pub fn matches(alert: &AlertSpec, namespace: &str, event: &Event, labels: &BTreeMap<String, String>) -> bool {
    let listed = |patterns: &[String]| {
        patterns.iter().any(|pattern| go::compile(pattern).is_ok_and(|regex| regex.is_match(&event.message)))
    };
    let severity = alert.event_severity.as_deref().unwrap_or("info");
    !alert.suspend
        && (alert.inclusion_list.is_empty() || listed(&alert.inclusion_list))
        && !listed(&alert.exclusion_list)
        && alert.event_sources.iter().any(|source| matches_source(source, namespace, severity, event, labels))
}

/// Whether one source of an alert takes the event.
pub fn matches_source(
    source: &ObjectSelector,
    namespace: &str,
    severity: &str,
    event: &Event,
    labels: &BTreeMap<String, String>,
) -> bool {
    let object = &event.involved_object;
    let wanted = source.namespace.as_deref().filter(|wanted| !wanted.is_empty()).unwrap_or(namespace);
    object.namespace == wanted
        && object.kind == source.kind
        && (source.name == "*" || source.name == object.name)
        && (severity != "error" || event.severity == Severity::Error)
        && source.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
}
