//! Numbers about what the controllers do, with the names that Flux and its dashboards have for them.

mod process;
mod queues;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tower::BoxError;

use super::Next;
use super::queue::{Key, Queue};
use process::Process;
use queues::Queues;

/// Upper bounds of the durations for each object, in seconds.
const BOUNDS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];
/// Upper bounds of the durations for each kind, in seconds.
const KIND_BOUNDS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// How a reconciliation can end, as controller-runtime names it.
const RESULTS: [&str; 3] = ["success", "requeue_after", "error"];

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: String,
    name: String,
    namespace: String,
}

impl Labels {
    fn of(kind: &str, key: &Key) -> Self {
        Labels { kind: kind.to_owned(), name: key.name.clone(), namespace: key.namespace.clone() }
    }
}

/// A controller. Flux names them after their kinds, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: String,
}

impl Controller {
    fn of(kind: &str) -> Self {
        Controller { controller: kind.to_lowercase() }
    }
}

/// What became of the reconciliations of a controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    controller: String,
    result: &'static str,
}

/// How the cluster has answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    code: String,
    method: String,
}

/// What is counted. Clones share it.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    durations: Family<Labels, Histogram>,
    reconciled: Family<Ended, Counter>,
    errors: Family<Controller, Counter>,
    times: Family<Controller, Histogram>,
    requests: Family<Answered, Counter>,
    queues: Queues,
}

impl Default for Metrics {
    fn default() -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        let times = Family::new_with_constructor((|| Histogram::new(KIND_BOUNDS)) as fn() -> Histogram);
        let (reconciled, errors, requests) = (Family::default(), Family::default(), Family::default());
        let queues = Queues::default();
        let mut registry = Registry::default();
        registry.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a reconciliation",
            durations.clone(),
        );
        // A counter's name gets the ending _total.
        registry.register(
            "controller_runtime_reconcile",
            "How many reconciliations a controller has ended, by their result",
            reconciled.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_errors",
            "How many reconciliations of a controller have failed",
            errors.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "The duration in seconds of a controller's reconciliations",
            times.clone(),
        );
        registry.register(
            "rest_client_requests",
            "How many requests the cluster has answered, by status and method",
            requests.clone(),
        );
        registry.register_collector(Box::new(queues.clone()));
        registry.register_collector(Box::new(Process));
        Metrics { registry: Arc::new(registry), durations, reconciled, errors, times, requests, queues }
    }
}

impl Metrics {
    /// Counts what happens to the objects of a kind, which wait in a queue.
    pub(super) fn follow(&self, kind: &str, queue: &Arc<Queue>) {
        let controller = Controller::of(kind);
        // A rate needs to know that there was nothing before the first.
        for result in RESULTS {
            let ended = Ended { controller: controller.controller.clone(), result };
            drop(self.reconciled.get_or_create(&ended));
        }
        drop(self.errors.get_or_create(&controller));
        self.queues.follow(controller.controller, Arc::clone(queue));
    }

    /// Counts a reconciliation, and forgets an object that is gone.
    pub(super) fn reconciled(&self, kind: &str, key: &Key, took: Duration, next: Next) {
        let (labels, controller) = (Labels::of(kind, key), Controller::of(kind));
        let result = match next {
            Next::Gone | Next::OnChange => "success",
            Next::After(_) | Next::AtInterval(_) => "requeue_after",
            Next::Failed(_) => "error",
        };
        if next == Next::Gone {
            self.durations.remove(&labels);
        } else {
            self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        }
        self.times.get_or_create(&controller).observe(took.as_secs_f64());
        if result == "error" {
            self.errors.get_or_create(&controller).inc();
        }
        self.reconciled.get_or_create(&Ended { controller: controller.controller, result }).inc();
    }

    /// A client of the cluster whose requests are counted.
    pub(crate) fn counted(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let requests = self.requests.clone();
        let counted = tower::service_fn(move |request: Request<Body>| {
            let (client, requests) = (client.clone(), requests.clone());
            async move {
                let method = request.method().to_string();
                let answer: Result<Response<Body>, _> = client.send(request).await;
                let code = match &answer {
                    Ok(answer) => answer.status().as_str().to_owned(),
                    Err(_) => "<error>".to_owned(),
                };
                requests.get_or_create(&Answered { code, method }).inc();
                answer.map_err(BoxError::from)
            }
        });
        Client::new(counted, namespace)
    }

    /// All numbers as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use embedded_cluster::Cluster;
    use kube::api::{Api, ApiResource, DynamicObject, PostParams};
    use serde_json::json;

    use super::*;
    use crate::controller::Log;
    use crate::run::{RunOptions, install_definitions, run};

    fn value(text: &str, series: &str) -> Option<f64> {
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// What the dashboards of fluxcd/flux2-monitoring-example ask for, but numbers of the runtime of Go.
    #[tokio::test]
    async fn dashboards_find_what_they_ask_for() -> Result<(), Box<dyn std::error::Error>> {
        let cluster = Cluster::in_memory();
        let metrics = Metrics::default();
        let client = metrics.counted(Client::new(cluster.service(), "default"));
        let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::default_namespaced(client);
        assert!(secrets.get_opt("none").await?.is_none());
        let queue = Arc::new(Queue::default());
        metrics.follow("Kustomization", &queue);
        let key = |name: &str| Key { namespace: "x".to_owned(), name: name.to_owned() };
        queue.add(key("a"));
        queue.add(key("b"));
        let first = queue.next().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let text = metrics.text();
        let labels = r#"{name="kustomization",controller="kustomization"}"#;
        assert_eq!(value(&text, &format!("workqueue_depth{labels}")), Some(1.0), "{text}");
        assert_eq!(value(&text, &format!("workqueue_adds_total{labels}")), Some(2.0), "{text}");
        for name in ["workqueue_longest_running_processor_seconds", "workqueue_unfinished_work_seconds"] {
            assert!(value(&text, &format!("{name}{labels}")).is_some_and(|found| found >= 0.02), "{text}");
        }
        let results = |text: &str| {
            RESULTS.map(|result| {
                let labels = format!(r#"{{controller="kustomization",result="{result}"}}"#);
                value(text, &format!("controller_runtime_reconcile_total{labels}"))
            })
        };
        assert_eq!(results(&text), [Some(0.0); 3], "{text}");
        assert_eq!(
            value(&text, r#"rest_client_requests_total{code="404",method="GET"}"#),
            Some(1.0),
            "{text}"
        );

        let second = Duration::from_secs(1);
        metrics.reconciled("Kustomization", &first, second, Next::AtInterval(second));
        metrics.reconciled("Kustomization", &first, second, Next::Failed(Some(second)));
        metrics.reconciled("Kustomization", &key("b"), second, Next::OnChange);
        queue.done(&first, Some(second));
        let text = metrics.text();
        assert_eq!(results(&text), [Some(1.0); 3], "{text}");
        let controller = r#"{controller="kustomization"}"#;
        assert_eq!(
            value(&text, &format!("controller_runtime_reconcile_errors_total{controller}")),
            Some(1.0)
        );
        let bucket =
            r#"controller_runtime_reconcile_time_seconds_bucket{le="1.0",controller="kustomization"}"#;
        assert_eq!(value(&text, bucket), Some(3.0), "{text}");
        let object = r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="b",namespace="x"}"#;
        assert_eq!(value(&text, object), Some(1.0), "{text}");
        assert_eq!(value(&text, &format!("workqueue_longest_running_processor_seconds{labels}")), Some(0.0));
        metrics.reconciled("Kustomization", &key("b"), second, Next::Gone);
        assert_eq!(value(&metrics.text(), object), None);
        #[cfg(target_os = "linux")]
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
            assert!(value(&text, name).is_some_and(|found| found > 0.0), "{name}: {text}");
        }
        cluster.shutdown();
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn they_are_served() -> Result<(), Box<dyn std::error::Error>> {
        let cluster = Cluster::in_memory();
        let client = Client::new(cluster.service(), "default");
        install_definitions(&client).await?;
        let kind = ApiResource::erase::<reconciler_api::Kustomization>(&());
        let api: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &kind);
        let spec = json!({
            "interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "absent"},
        });
        let object = DynamicObject::new("apps", &kind).data(json!({"spec": spec}));
        api.create(&PostParams::default(), &object).await?;
        let directory = tempfile::tempdir()?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut options = RunOptions::new(directory.path().to_owned(), Log::new(std::io::sink()));
        options.metrics = Some(address);
        let count = async {
            loop {
                let text = match reqwest::get(format!("http://{address}/metrics")).await {
                    Ok(answer) => answer.text().await?,
                    Err(_) => String::new(),
                };
                let object = r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="apps",namespace="default"}"#;
                if value(&text, object).is_some() {
                    return Ok::<_, reqwest::Error>(text);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let text = tokio::select! {
            ended = run(client, options, std::future::pending()) => return Err(format!("{ended:?}").into()),
            text = tokio::time::timeout(Duration::from_secs(60), count) => text??,
        };
        let sum: f64 = RESULTS
            .iter()
            .filter_map(|result| {
                let labels = format!(r#"{{controller="kustomization",result="{result}"}}"#);
                value(&text, &format!("controller_runtime_reconcile_total{labels}"))
            })
            .sum();
        assert!(sum >= 1.0, "{text}");
        let requests = r#"rest_client_requests_total{code="200",method="GET"}"#;
        assert!(value(&text, requests).is_some_and(|found| found > 0.0), "{text}");
        let depth = r#"workqueue_depth{name="gitrepository",controller="gitrepository"}"#;
        assert_eq!(value(&text, depth), Some(0.0), "{text}");
        cluster.shutdown();
        Ok(())
    }
}
