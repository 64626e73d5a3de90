//! Numbers about what the controllers do, with Flux's names.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::queue::Key;

/// Upper bounds of durations, in seconds.
const BOUNDS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: String,
    name: String,
    namespace: String,
}

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    durations: Family<Labels, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        let mut registry = Registry::default();
        registry.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a reconciliation",
            durations.clone(),
        );
        Metrics { registry, durations }
    }
}

impl Metrics {
    /// Counts a reconciliation.
    pub(super) fn reconciled(&self, kind: &str, key: &Key, took: Duration) {
        let labels =
            Labels { kind: kind.to_owned(), name: key.name.clone(), namespace: key.namespace.clone() };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Forgets an object.
    pub(super) fn forget(&self, kind: &str, key: &Key) {
        let labels =
            Labels { kind: kind.to_owned(), name: key.name.clone(), namespace: key.namespace.clone() };
        self.durations.remove(&labels);
    }

    /// All numbers as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
