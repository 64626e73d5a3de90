//! `logs`: what controllers have logged, filtered and on one line each.

use clap::Args;
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, LogParams};
use serde_json::Value;

use super::cluster::{Cluster, block_on, request_failed};
use super::{Failure, Global, Result, term};

/// Options of `logs`.
#[derive(Args)]
pub(crate) struct Logs {
    /// Only lines of this level: debug, info, error
    #[arg(long)]
    level: Option<String>,
    /// Only lines about objects of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Only lines about the object of this name
    #[arg(long)]
    name: Option<String>,
    /// Lines about objects of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Go on with what is logged
    #[arg(long, short)]
    follow: bool,
    /// How many of the last lines of each controller
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,
    /// Only lines that are not older than this, such as 5m
    #[arg(long)]
    since: Option<reconciler_api::Duration>,
    /// Only lines after this time
    #[arg(long)]
    since_time: Option<jiff::Timestamp>,
    /// Namespace of the controllers
    #[arg(long, default_value = "flux-system")]
    flux_namespace: String,
}

impl Logs {
    /// Prints the lines of all controllers.
    pub(crate) fn run(&self, global: &Global) -> Result {
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &self.flux_namespace);
            let selector = ListParams::default().labels("app.kubernetes.io/part-of=flux");
            let found = pods.list(&selector).await.map_err(request_failed)?;
            let names: Vec<String> = found.items.into_iter().filter_map(|pod| pod.metadata.name).collect();
            if names.is_empty() {
                return Err(Failure::failed(format!(
                    "no pods of a reconciler found in {} namespace; `reconciler run` writes its log to standard error",
                    self.flux_namespace
                )));
            }
            let seconds = self.since.map(|since| std::time::Duration::from(since).as_secs());
            let params = LogParams {
                follow: self.follow,
                tail_lines: Some(self.tail).filter(|tail| *tail >= 0),
                since_seconds: seconds.and_then(|seconds| i64::try_from(seconds).ok()),
                since_time: self.since_time,
                ..LogParams::default()
            };
            let mut streams = Vec::new();
            for name in &names {
                streams.push(pods.log_stream(name, &params).await.map_err(request_failed)?.lines());
            }
            let mut lines = futures::stream::select_all(streams.into_iter().map(StreamExt::boxed_local));
            while let Some(line) = lines.try_next().await? {
                if let Some(text) = self.shown(&line, &cluster.namespace) {
                    term::print(&text)?;
                }
            }
            Ok(())
        })
    }

    /// A line as it is shown, if it is wanted.
    fn shown(&self, line: &str, namespace: &str) -> Option<String> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let field = |key: &str| entry[key].as_str().unwrap_or_default();
        let kind = if field("kind").is_empty() { field("controllerKind") } else { field("kind") };
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let here = self.all_namespaces || field("namespace").is_empty() || field("namespace") == namespace;
        let wanted = same(&self.level, field("level"))
            && same(&self.kind, kind)
            && self.name.as_deref().is_none_or(|name| name == field("name"))
            && here;
        let about = match field("name") {
            "" => kind.to_owned(),
            name => format!("{kind}/{name}.{}", field("namespace")),
        };
        let end = [field("msg"), field("error")].join(" ");
        wanted.then(|| format!("{} {} {about} - {}\n", field("ts"), field("level"), end.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Logs;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        logs: Logs,
    }

    const LINE: &str = r#"{"level":"error","ts":"t","msg":"failed","controllerKind":"Kustomization","name":"a","namespace":"b","error":"why"}"#;

    #[test]
    fn lines_are_filtered_and_shortened() {
        let shown = |args: &[&str], namespace: &str| {
            let words = std::iter::once("logs").chain(args.iter().copied());
            Command::try_parse_from(words).ok().and_then(|command| command.logs.shown(LINE, namespace))
        };
        let wanted = Some("t error Kustomization/a.b - failed why\n".to_owned());
        assert_eq!(shown(&[], "b"), wanted);
        assert_eq!(shown(&["--kind=kustomization", "--level=error", "--name=a", "-A"], "c"), wanted);
        assert_eq!(shown(&[], "c"), None);
        assert_eq!(shown(&["--name=z"], "b"), None);
    }
}
