//! `get`: objects and how they are, as a table.

use clap::{Args, Subcommand};
use futures::TryStreamExt;
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;

use super::cluster::{Cluster, block_on, value};
use super::kinds::{self, Kind};
use super::select::{Image, Names, Plain, Source};
use super::table::{shorten, table};
use super::wait::condition;
use super::{Failure, Global, Result, term};

/// Options of `get`.
#[derive(Args)]
pub(crate) struct Get {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Args)]
struct Flags {
    /// Objects of all namespaces
    #[arg(long, short = 'A', global = true)]
    all_namespaces: bool,
    /// Leave out the titles of the columns
    #[arg(long, global = true)]
    no_header: bool,
    /// Keep running, and print what changes
    #[arg(long, short, global = true)]
    watch: bool,
    /// Only objects with a condition like this: TYPE=STATUS or TYPE!=STATUS
    #[arg(long, global = true)]
    status_selector: Option<String>,
    /// Only objects with these labels
    #[arg(long, short = 'l', global = true)]
    label_selector: Option<String>,
    /// Show where Kustomizations and HelmReleases come from
    #[arg(long, global = true)]
    show_source: bool,
}

#[derive(Subcommand)]
enum What {
    /// Everything
    All(Names),
    #[command(flatten)]
    Plain(Plain),
    /// Sources
    #[command(subcommand, visible_alias = "source")]
    Sources(Sources),
    /// Objects of image automation
    #[command(subcommand, visible_alias = "image")]
    Images(Images),
}

#[derive(Subcommand)]
enum Sources {
    /// All sources
    All(Names),
    #[command(flatten)]
    Source(Source),
}

#[derive(Subcommand)]
enum Images {
    /// All objects of image automation
    All(Names),
    #[command(flatten)]
    Image(Image),
}

/// What `get sources all` shows.
static SOURCES: [&Kind; 6] = [
    &kinds::OCI_REPOSITORY,
    &kinds::BUCKET,
    &kinds::GIT_REPOSITORY,
    &kinds::HELM_REPOSITORY,
    &kinds::HELM_CHART,
    &kinds::EXTERNAL_ARTIFACT,
];
/// What `get images all` shows.
static IMAGES: [&Kind; 3] = [&kinds::IMAGE_REPOSITORY, &kinds::IMAGE_POLICY, &kinds::IMAGE_UPDATE];
/// What `get all` shows besides.
static OTHERS: [&Kind; 5] =
    [&kinds::HELM_RELEASE, &kinds::KUSTOMIZATION, &kinds::RECEIVER, &kinds::PROVIDER, &kinds::ALERT];

impl Get {
    /// Prints the table, or one for each kind.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (kinds, names): (Vec<&'static Kind>, &[String]) = match &self.what {
            What::All(names) => {
                (SOURCES.iter().chain(&IMAGES).chain(&OTHERS).copied().collect(), &names.names)
            }
            What::Sources(Sources::All(names)) => (SOURCES.to_vec(), &names.names),
            What::Images(Images::All(names)) => (IMAGES.to_vec(), &names.names),
            What::Plain(plain) => return self.one(global, plain.parts()),
            What::Sources(Sources::Source(source)) => return self.one(global, source.parts()),
            What::Images(Images::Image(image)) => return self.one(global, image.parts()),
        };
        if self.flags.watch {
            return Err(Failure::usage("expected a single resource type, but found all"));
        }
        let filter = self.flags.filter()?;
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            for kind in kinds {
                let found = self.flags.list(&cluster, kind, names.first()).await?.unwrap_or_default();
                let view = View { kind, flags: &self.flags, with_kind: true };
                let rows = view.rows(&found, filter.as_ref());
                if !rows.is_empty() {
                    term::print(&format!("{}\n", table(&view.header(), &rows)))?;
                }
            }
            Ok(())
        })
    }

    fn one(&self, global: &Global, (kind, names): (&'static Kind, &[String])) -> Result {
        let filter = self.flags.filter()?;
        let view = View { kind, flags: &self.flags, with_kind: false };
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            if self.flags.watch {
                return view.watch(&cluster, names.first(), filter.as_ref()).await;
            }
            let found = self.flags.list(&cluster, kind, names.first()).await?;
            let place = match self.flags.all_namespaces {
                true => "any".to_owned(),
                false => format!("\"{}\"", cluster.namespace),
            };
            let Some(found) = found else {
                return Err(Failure::failed(format!(
                    "the cluster does not know the kind {} in {}: install it first",
                    kind.kind, kind.group
                )));
            };
            if found.is_empty() {
                return Err(Failure::Failed(match names.first() {
                    Some(name) => format!("{} object '{name}' not found in {place} namespace", kind.kind),
                    None => format!("no {} objects found in {place} namespace", kind.kind),
                }));
            }
            term::print(&table(&view.header(), &view.rows(&found, filter.as_ref())))
        })
    }
}

/// A condition that objects have to have, or not to have.
struct Filter {
    type_: String,
    status: String,
    wanted: bool,
}

impl Filter {
    fn matches(&self, kind: &Kind, object: &Value) -> bool {
        let is_type = |type_: &str| type_.eq_ignore_ascii_case(&self.type_);
        let found = if kind.is_static {
            is_type("Ready") && self.status.eq_ignore_ascii_case("True")
        } else {
            let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
            let field = |condition: &Value, key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            conditions
                .and_then(|all| all.iter().rfind(|condition| is_type(&field(condition, "type"))))
                .is_some_and(|condition| field(condition, "status").eq_ignore_ascii_case(&self.status))
        };
        found == self.wanted
    }
}

impl Flags {
    fn filter(&self) -> Result<Option<Filter>> {
        let Some(text) = &self.status_selector else { return Ok(None) };
        let (wanted, parts) = match text.split_once("!=") {
            Some(parts) => (false, Some(parts)),
            None => (true, text.split_once('=')),
        };
        let (type_, status) = parts.ok_or_else(|| {
            Failure::usage(format!(
                "expected status selector in type=status or type!=status format, but found: {text}"
            ))
        })?;
        Ok(Some(Filter { type_: type_.to_owned(), status: status.to_owned(), wanted }))
    }

    fn namespace<'a>(&self, cluster: &'a Cluster) -> &'a str {
        if self.all_namespaces { "" } else { &cluster.namespace }
    }

    async fn list(
        &self,
        cluster: &Cluster,
        kind: &Kind,
        name: Option<&String>,
    ) -> Result<Option<Vec<Value>>> {
        let params = ListParams {
            label_selector: self.label_selector.clone(),
            field_selector: name.map(|name| format!("metadata.name={name}")),
            ..Default::default()
        };
        cluster.list(&kind.resource(), self.namespace(cluster), &params).await
    }
}

/// The columns of a kind, with those that flags add.
struct View<'a> {
    kind: &'static Kind,
    flags: &'a Flags,
    with_kind: bool,
}

/// A column: its title, and what it shows of an object.
type Column = (&'static str, fn(&Value) -> String);

const REVISION: Column = ("Revision", |object| shorten(&at(object, "/status/artifact/revision")));
const SUSPENDED: Column = ("Suspended", |object| {
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or_default();
    if suspended { "True".to_owned() } else { "False".to_owned() }
});
const READY: Column = ("Ready", |object| match condition(object, "Ready") {
    Some(ready) => at(ready, "/status"),
    None => "False".to_owned(),
});
const MESSAGE: Column = ("Message", |object| match condition(object, "Ready") {
    Some(ready) => at(ready, "/message"),
    None => "waiting to be reconciled".to_owned(),
});
const SHORT_MESSAGE: Column = ("Message", |object| shorten(&(MESSAGE.1)(object)));

/// A text in an object, or an empty one.
fn at(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A reference to a source, with the namespace that it means.
fn reference(object: &Value, pointer: &str) -> String {
    let field = |name: &str| at(object, &format!("{pointer}/{name}"));
    let namespace = match field("namespace") {
        empty if empty.is_empty() => at(object, "/metadata/namespace"),
        given => given,
    };
    format!("{}/{namespace}/{}", field("kind"), field("name"))
}

/// The columns of a kind after its name.
fn columns(kind: &Kind, show_source: bool) -> Vec<Column> {
    let source: Column = ("Source", |object| {
        let pointer = ["/spec/sourceRef", "/spec/chartRef", "/spec/chart/spec/sourceRef"];
        let found = pointer.into_iter().find(|pointer| object.pointer(pointer).is_some());
        found.map(|pointer| reference(object, pointer)).unwrap_or_default()
    });
    let mut columns = Vec::new();
    match kind.kind {
        "Kustomization" | "HelmRelease" => {
            columns.extend(show_source.then_some(source));
            columns.push(match kind.kind {
                "Kustomization" => ("Revision", |object| shorten(&at(object, "/status/lastAppliedRevision"))),
                _ => ("Revision", |object| match object.pointer("/status/history/0/chartVersion") {
                    Some(version) => version.as_str().unwrap_or_default().to_owned(),
                    None => at(object, "/status/lastAttemptedRevision"),
                }),
            });
            let message = if kind.kind == "Kustomization" { SHORT_MESSAGE } else { MESSAGE };
            columns.extend([SUSPENDED, READY, message]);
        }
        "ExternalArtifact" => columns.extend([REVISION, source, READY, SHORT_MESSAGE]),
        "HelmRepository" => {
            // One of the type oci has no controller.
            columns.extend([REVISION, SUSPENDED]);
            columns.push(("Ready", |object| match at(object, "/spec/type").as_str() {
                "oci" => "True".to_owned(),
                _ => (READY.1)(object),
            }));
            columns.push(("Message", |object| match at(object, "/spec/type").as_str() {
                "oci" => "Helm repository is Ready".to_owned(),
                _ => (SHORT_MESSAGE.1)(object),
            }));
        }
        "ImageRepository" => {
            columns.push(("Last scan", |object| at(object, "/status/lastScanResult/scanTime")));
            columns.extend([SUSPENDED, READY, MESSAGE]);
        }
        "ImagePolicy" => {
            columns.push(("Image", |object| at(object, "/status/latestRef/name")));
            columns.push(("Tag", |object| at(object, "/status/latestRef/tag")));
            columns.extend([READY, MESSAGE]);
        }
        "ImageUpdateAutomation" => {
            columns.push(("Last run", |object| at(object, "/status/lastAutomationRunTime")));
            columns.extend([SUSPENDED, READY, MESSAGE]);
        }
        "Alert" => {
            columns.push(SUSPENDED);
            // On a cluster with Flux's definitions, alerts have no status.
            columns.push(("Ready", |object| match condition(object, "Ready") {
                Some(ready) => at(ready, "/status"),
                None => "True".to_owned(),
            }));
            columns.push(("Message", |object| match condition(object, "Ready") {
                Some(ready) if at(ready, "/status") != "True" => at(ready, "/message"),
                _ => "Alert is Ready".to_owned(),
            }));
        }
        "Provider" => {
            columns.push(("Ready", |_| "True".to_owned()));
            columns.push(("Message", |_| "Provider is Ready".to_owned()));
        }
        "Receiver" => columns.extend([SUSPENDED, READY, MESSAGE]),
        _ => columns.extend([REVISION, SUSPENDED, READY, SHORT_MESSAGE]),
    }
    columns
}

impl View<'_> {
    fn header(&self) -> Vec<&'static str> {
        if self.flags.no_header {
            return Vec::new();
        }
        let first = self.flags.all_namespaces.then_some("Namespace").into_iter().chain(["Name"]);
        first.chain(columns(self.kind, self.flags.show_source).into_iter().map(|(title, _)| title)).collect()
    }

    fn rows(&self, objects: &[Value], filter: Option<&Filter>) -> Vec<Vec<String>> {
        let wanted = |object: &&Value| filter.is_none_or(|filter| filter.matches(self.kind, object));
        objects.iter().filter(wanted).map(|object| self.row(object)).collect()
    }

    fn row(&self, object: &Value) -> Vec<String> {
        let mut row = Vec::new();
        if self.flags.all_namespaces {
            row.push(at(object, "/metadata/namespace"));
        }
        let name = at(object, "/metadata/name");
        row.push(match self.with_kind {
            true => format!("{}/{name}", self.kind.kind.to_lowercase()),
            false => name,
        });
        row.extend(columns(self.kind, self.flags.show_source).iter().map(|(_, show)| show(object)));
        row
    }

    /// Prints the objects, and each again when it changes, until interrupted.
    async fn watch(&self, cluster: &Cluster, name: Option<&String>, filter: Option<&Filter>) -> Result {
        let api = cluster.api(&self.kind.resource(), self.flags.namespace(cluster));
        let config = watcher::Config {
            label_selector: self.flags.label_selector.clone(),
            field_selector: name.map(|name| format!("metadata.name={name}")),
            ..Default::default()
        };
        let mut events = std::pin::pin!(watcher::watcher(api, config));
        let mut header = self.header();
        loop {
            let event = match events.try_next().await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) => {
                    return Err(super::cluster::request_failed(error));
                }
                // The watch starts anew by itself.
                Err(_) => continue,
            };
            let (Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = event else {
                continue;
            };
            let rows = self.rows(&[value(&object)?], filter);
            if !rows.is_empty() {
                term::print(&table(&header, &rows))?;
                header.clear();
            }
        }
    }
}
