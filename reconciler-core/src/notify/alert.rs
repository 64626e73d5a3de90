//! Which events an alert takes.

use std::collections::BTreeMap;

use reconciler_api::AlertSpec;
use reconciler_api::reference::ObjectSelector;

use super::{Event, Severity};
use crate::go;

/// Checks the patterns of an alert, and says which cannot be compiled, and why.
pub fn check_patterns(alert: &AlertSpec) -> Result<(), String> {
    let lists = [("inclusion", &alert.inclusion_list), ("exclusion", &alert.exclusion_list)];
    let patterns =
        lists.into_iter().flat_map(|(list, patterns)| patterns.iter().map(move |pattern| (list, pattern)));
    let broken: Vec<String> = patterns
        .filter_map(|(list, pattern)| {
            let error = go::compile(pattern).err()?;
            Some(format!("failed to compile {list} regex: {pattern}: {error}, it matches nothing"))
        })
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
}

/// Whether an alert in a namespace takes the event of an object with these labels.
///
/// A pattern that does not compile matches nothing, see [`check_patterns`].
pub fn matches(alert: &AlertSpec, namespace: &str, event: &Event, labels: &BTreeMap<String, String>) -> bool {
    let listed = |patterns: &[String]| {
        patterns.iter().any(|pattern| go::compile(pattern).is_ok_and(|regex| regex.is_match(&event.message)))
    };
    let severity = alert.event_severity.as_deref().unwrap_or("info");
    // Patterns come last: those of one tenant must not cost time for the events of all others.
    !alert.suspend
        && alert.event_sources.iter().any(|source| matches_source(source, namespace, severity, event, labels))
        && (alert.inclusion_list.is_empty() || listed(&alert.inclusion_list))
        && !listed(&alert.exclusion_list)
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

#[cfg(test)]
mod tests {
    use reconciler_api::LocalReference;

    use super::*;

    #[test]
    fn broken_patterns_are_named() {
        let alert = |inclusion: &[&str], exclusion: &[&str]| AlertSpec {
            provider_ref: LocalReference { name: "slack".to_owned() },
            event_sources: Vec::new(),
            event_severity: None,
            inclusion_list: inclusion.iter().map(|pattern| (*pattern).to_owned()).collect(),
            exclusion_list: exclusion.iter().map(|pattern| (*pattern).to_owned()).collect(),
            event_metadata: BTreeMap::new(),
            summary: None,
            suspend: false,
        };
        assert_eq!(check_patterns(&alert(&["a+", "^b"], &["c"])), Ok(()));
        // In Go's words.
        let wanted = "failed to compile inclusion regex: (: error parsing regexp: missing closing ): `(`, it matches \
                      nothing; failed to compile exclusion regex: *a: error parsing regexp: missing argument to \
                      repetition operator: `*`, it matches nothing";
        assert_eq!(check_patterns(&alert(&["a", "("], &["*a"])), Err(wanted.to_owned()));
    }
}
