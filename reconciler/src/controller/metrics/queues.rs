//! Numbers of work queues, under the names of client-go.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::controller::queue::{Figures, Queue};

/// A queue, which has the name of its controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    name: String,
    controller: String,
}

/// The queues of all controllers. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Queues(Arc<Mutex<Vec<Followed>>>);

#[derive(Clone)]
struct Followed {
    controller: String,
    queue: Arc<Queue>,
}

impl Queues {
    /// Adds a queue.
    pub(super) fn follow(&self, controller: String, queue: Arc<Queue>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Followed { controller, queue });
    }
}

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}

/// What is told of each queue.
type Gauge = (&'static str, &'static str, fn(&Figures) -> f64);
const GAUGES: [Gauge; 3] = [
    ("workqueue_depth", "How many objects are due and wait", |figures| figures.waiting as f64),
    ("workqueue_unfinished_work_seconds", "For how many seconds all objects in work have been", |figures| {
        figures.unfinished.as_secs_f64()
    }),
    (
        "workqueue_longest_running_processor_seconds",
        "For how many seconds the first of the objects in work has been",
        |figures| figures.longest.as_secs_f64(),
    ),
];

impl Collector for Queues {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let figures: Vec<(Labels, Figures)> = queues
            .iter()
            .map(|Followed { controller, queue }| {
                (Labels { name: controller.clone(), controller: controller.clone() }, queue.figures())
            })
            .collect();
        for (name, help, of) in GAUGES {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, figures) in &figures {
                ConstGauge::new(of(figures)).encode(metric.encode_family(labels)?)?;
            }
        }
        let help = "How many objects have become due";
        let mut metric = encoder.encode_descriptor("workqueue_adds", help, None, MetricType::Counter)?;
        for (labels, figures) in &figures {
            ConstCounter::new(figures.added).encode(metric.encode_family(labels)?)?;
        }
        Ok(())
    }
}
