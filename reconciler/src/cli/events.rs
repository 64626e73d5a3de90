//! `events`: what controllers have said about objects.

use clap::Args;
use futures::TryStreamExt;
use jiff::Timestamp;
use kube::api::{ApiResource, ListParams};
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;

use super::cluster::{Cluster, block_on, request_failed, value};
use super::kinds::Kind;
use super::table::table;
use super::{Failure, Global, Result, term};

/// Options of `events`.
#[derive(Args)]
pub(crate) struct Events {
    /// Events of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Go on with what happens
    #[arg(long, short)]
    watch: bool,
    /// Only those about a kind or an object, and about the source of that: KIND or KIND/NAME
    #[arg(long = "for", value_name = "OBJECT")]
    about: Option<String>,
    /// Only those of these types: Normal, Warning
    #[arg(long, value_delimiter = ',')]
    types: Vec<String>,
}

/// Which events are wanted: kind, name and namespace, of which the last two may be empty.
struct Selector {
    kind: &'static Kind,
    name: String,
    namespace: String,
}

impl Events {
    /// Prints the events.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let is_type = |text: &str| ["Normal", "Warning"].iter().any(|type_| type_.eq_ignore_ascii_case(text));
        if let Some(unknown) = self.types.iter().find(|text| !is_type(text)) {
            return Err(Failure::usage(format!(
                "type '{unknown}' not supported. Supported types are Normal, Warning"
            )));
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let selectors = self.selectors(&cluster).await?;
            let elsewhere = selectors.iter().any(|selector| selector.namespace != cluster.namespace);
            let show_namespace = self.all_namespaces || elsewhere;
            let namespace = if show_namespace { "" } else { &cluster.namespace };
            let view = View { events: self, selectors: &selectors, show_namespace };
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Event"));
            if self.watch {
                return view.watch(&cluster, &resource, namespace).await;
            }
            let found = cluster.list(&resource, namespace, &ListParams::default()).await?;
            let mut found: Vec<Value> =
                found.unwrap_or_default().into_iter().filter(|event| view.wants(event)).collect();
            found.sort_by_key(time);
            if found.is_empty() {
                term::failure(&match self.all_namespaces {
                    true => "No events found.".to_owned(),
                    false => format!("No events found in {} namespace.", cluster.namespace),
                });
                return Ok(());
            }
            let rows: Vec<_> = found.iter().map(|event| view.row(event)).collect();
            term::print(&table(&view.header(), &rows))
        })
    }

    /// What `--for` means: the object, and what it refers to.
    async fn selectors(&self, cluster: &Cluster) -> Result<Vec<Selector>> {
        let Some(about) = &self.about else { return Ok(Vec::new()) };
        let (kind, name) = about.split_once('/').unwrap_or((about, ""));
        if kind.is_empty() {
            return Err(Failure::usage("--for selector must be of format <kind>[/<name>]"));
        }
        let kind = Kind::find(kind)
            .ok_or_else(|| Failure::usage(format!("'{kind}' is not a recognized Flux kind")))?;
        let own = cluster.namespace.clone();
        let mut selectors = vec![Selector { kind, name: name.to_owned(), namespace: own.clone() }];
        if name.is_empty() {
            return Ok(selectors);
        }
        let object = cluster.get(kind, &own, name).await?;
        let references = [
            ("/spec/sourceRef", ""),
            ("/spec/chart/spec/sourceRef", ""),
            ("/spec/providerRef", "Provider"),
            ("/spec/imageRepositoryRef", "ImageRepository"),
        ];
        for (pointer, known) in references {
            let Some(reference) = object.pointer(pointer) else { continue };
            let field = |key: &str| reference[key].as_str().unwrap_or_default();
            let kind = Kind::find(if known.is_empty() { field("kind") } else { known });
            let namespace = match field("namespace") {
                "" => own.clone(),
                given => given.to_owned(),
            };
            selectors.extend(kind.map(|kind| Selector { kind, name: field("name").to_owned(), namespace }));
        }
        Ok(selectors)
    }
}

/// The events that are shown, and how.
struct View<'a> {
    events: &'a Events,
    selectors: &'a [Selector],
    show_namespace: bool,
}

impl View<'_> {
    fn wants(&self, event: &Value) -> bool {
        let about = |key: &str| event["involvedObject"][key].as_str().unwrap_or_default();
        let Some(kind) = Kind::find(about("kind")) else { return false };
        let type_ = event["type"].as_str().unwrap_or_default();
        let types = &self.events.types;
        let typed = types.is_empty() || types.iter().any(|wanted| wanted.eq_ignore_ascii_case(type_));
        let all = self.events.all_namespaces;
        let selected = self.selectors.iter().any(|selector| {
            selector.kind == kind
                && (selector.name.is_empty() || selector.name == about("name"))
                && (all || selector.namespace == about("namespace"))
        });
        typed && (self.selectors.is_empty() || selected)
    }

    fn header(&self) -> Vec<&'static str> {
        let columns = ["Last seen", "Type", "Reason", "Object", "Message"];
        self.show_namespace.then_some("Namespace").into_iter().chain(columns).collect()
    }

    fn row(&self, event: &Value) -> Vec<String> {
        let text =
            |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = format!("{}/{}", text("/involvedObject/kind"), text("/involvedObject/name"));
        let namespace = self.show_namespace.then(|| text("/metadata/namespace"));
        let columns = [last_seen(event), text("/type"), text("/reason"), object, text("/message")];
        namespace.into_iter().chain(columns).collect()
    }

    async fn watch(&self, cluster: &Cluster, resource: &ApiResource, namespace: &str) -> Result {
        let api = cluster.api(resource, namespace);
        let mut events = std::pin::pin!(watcher::watcher(api, watcher::Config::default()));
        let mut header = self.header();
        loop {
            let event = match events.try_next().await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(watcher::Error::InitialListFailed(error)) => return Err(request_failed(error)),
                // The watch starts anew by itself.
                Err(_) => continue,
            };
            let (Event::Apply(object) | Event::InitApply(object)) = event else { continue };
            let event = value(&object)?;
            if self.wants(&event) {
                term::print(&table(&header, &[self.row(&event)]))?;
                header.clear();
            }
        }
    }
}

/// A time in an event.
fn timestamp(event: &Value, pointer: &str) -> Option<Timestamp> {
    event.pointer(pointer)?.as_str()?.parse().ok()
}

/// When an event was last seen.
fn time(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .into_iter()
        .find_map(|pointer| timestamp(event, pointer))
}

/// How long ago an event was seen, and how often.
fn last_seen(event: &Value) -> String {
    let ago = |time: Option<Timestamp>| match time {
        Some(time) => age(Timestamp::now().duration_since(time).as_secs()),
        None => "<unknown>".to_owned(),
    };
    let first = timestamp(event, "/eventTime").or_else(|| timestamp(event, "/firstTimestamp"));
    let count = event.pointer("/series/count").or_else(|| event.get("count")).and_then(Value::as_i64);
    match count {
        Some(count) if count > 1 => format!("{} (x{count} over {})", ago(time(event)), ago(first)),
        _ => ago(first.or_else(|| time(event))),
    }
}

/// A length of time in one or two units, as Kubernetes' tools write it.
fn age(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |whole: i64, unit: &str, rest: i64, rest_unit: &str| match rest {
        0 => format!("{whole}{unit}"),
        _ => format!("{whole}{unit}{rest}{rest_unit}"),
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_get_coarser() {
        let ages = [5, 119, 125, 600, 7200, 10_860, 30_000, 200_000, 700_000].map(age);
        assert_eq!(ages, ["5s", "119s", "2m5s", "10m", "120m", "3h1m", "8h", "2d7h", "8d"]);
    }
}
