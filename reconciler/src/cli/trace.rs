//! `trace`: where an object in the cluster comes from.

use clap::Args;
use futures::future::LocalBoxFuture;
use kube::api::ApiResource;
use kube::core::{GroupVersionKind, TypeMeta};
use reconciler_core::object;
use serde_json::Value;
use std::fmt::Write as _;

use super::cluster::{Cluster, block_on};
use super::kinds::{HELM_CHART, HELM_RELEASE, KUSTOMIZATION, Kind};
use super::resource_type::ResourceTypes;
use super::wait::{condition, text};
use super::{Failure, Global, Result, term};

/// Annotations of pushed artifacts, and how they are shown.
const ORIGIN: [(&str, &str); 2] = [
    ("Origin Revision", "org.opencontainers.image.revision"),
    ("Origin Source", "org.opencontainers.image.source"),
];

/// Options of `trace`.
#[derive(Args)]
pub(crate) struct Trace {
    /// TYPE/NAME or TYPE NAME, where TYPE is as in kubectl: cm, deployments.apps; or a name next to --kind and
    /// --api-version
    #[arg(value_name = "OBJECT", num_args = 0..)]
    object: Vec<String>,
    /// Kind of the object
    #[arg(long)]
    kind: Option<String>,
    /// Group and version of the object
    #[arg(long)]
    api_version: Option<String>,
}

impl Trace {
    /// Prints what each object belongs to, up to its source.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let wanted = self.wanted()?;
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let (mut reports, mut failures) = (Vec::new(), Vec::new());
            for (resource, namespace, name) in located(&cluster, wanted).await? {
                let found = cluster.find(&resource, &namespace, &name).await?.ok_or_else(|| {
                    let place = match namespace.as_str() {
                        "" => "in the cluster".to_owned(),
                        namespace => format!("in namespace {namespace}"),
                    };
                    let kind = &resource.kind;
                    Failure::failed(format!("failed to find object: there is no {kind} {name} {place}"))
                })?;
                match report(&cluster, &found).await {
                    Ok(report) => reports.push(report),
                    Err(Failure::Failed(reason)) => failures.push(reason),
                    Err(other) => return Err(other),
                }
            }
            term::print(&reports.join("---\n"))?;
            if failures.is_empty() { Ok(()) } else { Err(Failure::Failed(failures.join("\n"))) }
        })
    }

    fn wanted(&self) -> Result<Wanted> {
        if self.kind.is_none() && self.api_version.is_none() {
            return words(&self.object).map(Wanted::Words);
        }
        let name = self.object.first().ok_or_else(|| Failure::usage("object name is required"))?;
        let kind = self.kind.clone().ok_or_else(|| Failure::usage("object kind is required (--kind)"))?;
        let api_version = self
            .api_version
            .clone()
            .ok_or_else(|| Failure::usage("object apiVersion is required (--api-version)"))?;
        let kind = GroupVersionKind::try_from(&TypeMeta { api_version, kind })
            .map_err(|error| Failure::usage(format!("invalid apiVersion: {error}")))?;
        Ok(Wanted::Exactly { resource: ApiResource::from_gvk(&kind), name: name.clone() })
    }
}

/// How objects were asked for.
enum Wanted {
    Exactly {
        resource: ApiResource,
        name: String,
    },
    /// A word for a kind and a name each.
    Words(Vec<[String; 2]>),
}

/// Kinds and names, as `TYPE/NAME …` or `TYPE NAME …`; several types are separated by commas.
fn words(arguments: &[String]) -> Result<Vec<[String; 2]>> {
    let usage =
        || Failure::usage("either `<resource>/<name>` or `<resource> <name>` is required as an argument");
    if arguments.iter().any(|argument| argument.contains('/')) {
        let pair = |argument: &String| {
            let (resource, name) = argument.split_once('/').ok_or_else(usage)?;
            Ok([resource.to_owned(), name.to_owned()])
        };
        return arguments.iter().map(pair).collect();
    }
    let (resources, names) =
        arguments.split_first().filter(|(_, names)| !names.is_empty()).ok_or_else(usage)?;
    let pairs = resources
        .split(',')
        .flat_map(|resource| names.iter().map(move |name| [resource.to_owned(), name.clone()]));
    Ok(pairs.collect())
}

/// The kinds, namespaces and names of what was asked for.
async fn located(cluster: &Cluster, wanted: Wanted) -> Result<Vec<(ApiResource, String, String)>> {
    let words = match wanted {
        Wanted::Exactly { resource, name } => return Ok(vec![(resource, cluster.namespace.clone(), name)]),
        Wanted::Words(words) => words,
    };
    let types = ResourceTypes::of(cluster).await?;
    let locate = |[word, name]: [String; 2]| {
        let (resource, is_namespaced) = types.find(&word)?;
        let namespace = if is_namespaced { cluster.namespace.clone() } else { String::new() };
        Ok((resource.clone(), namespace, name))
    };
    words.into_iter().map(locate).collect()
}

/// Name and namespace of the manager that labels or those of owners name.
fn manager<'a>(
    cluster: &'a Cluster,
    object: &'a Value,
    group: &'a str,
) -> LocalBoxFuture<'a, Result<Option<[String; 2]>>> {
    Box::pin(async move {
        let label =
            |key: &str| object::label(object, &format!("{group}/{key}")).unwrap_or_default().to_owned();
        if !label("name").is_empty() {
            return Ok(Some([label("name"), label("namespace")]));
        }
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        for owner in owners.into_iter().flatten() {
            let types = TypeMeta {
                api_version: text(owner, "apiVersion").to_owned(),
                kind: text(owner, "kind").to_owned(),
            };
            let Ok(kind) = GroupVersionKind::try_from(&types) else { continue };
            let resource = ApiResource::from_gvk(&kind);
            let namespace = object::namespace(object);
            if let Some(owner) = cluster.find(&resource, namespace, text(owner, "name")).await?
                && let Some(found) = manager(cluster, &owner, group).await?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    })
}

async fn report(cluster: &Cluster, traced: &Value) -> Result<String> {
    let mut out = format!("\nObject:          {}/{}\n", object::kind(traced), object::name(traced));
    line(&mut out, "Namespace", object::namespace(traced));
    line(&mut out, "Status", "Managed by Flux");
    if let Some([name, namespace]) = manager(cluster, traced, KUSTOMIZATION.group).await? {
        let owner = cluster.get(&KUSTOMIZATION, &namespace, &name).await.map_err(lost("kustomization"))?;
        out.push_str("---\n");
        line(&mut out, "Kustomization", &name);
        line(&mut out, "Namespace", &namespace);
        line(&mut out, "Target", at(&owner, "/spec/targetNamespace"));
        always(&mut out, "Path", at(&owner, "/spec/path"));
        always(&mut out, "Revision", at(&owner, "/status/lastAppliedRevision"));
        status(&mut out, &owner, false);
        source(cluster, &owner, "/spec/sourceRef", &mut out).await?;
        return Ok(out);
    }
    let Some([name, namespace]) = manager(cluster, traced, HELM_RELEASE.group).await? else {
        return Err(Failure::failed(format!(
            "failed to trace {}/{} in namespace {}: object not managed by Flux",
            object::kind(traced),
            object::name(traced),
            object::namespace(traced)
        )));
    };
    let release = cluster.get(&HELM_RELEASE, &namespace, &name).await.map_err(lost("HelmRelease"))?;
    out.push_str("---\n");
    line(&mut out, "HelmRelease", &name);
    line(&mut out, "Namespace", &namespace);
    line(&mut out, "Target", at(&release, "/spec/targetNamespace"));
    let version = match at(&release, "/status/history/0/chartVersion") {
        "" => at(&release, "/status/lastAttemptedRevision"),
        version => version,
    };
    always(&mut out, "Revision", version);
    status(&mut out, &release, false);
    if let Some((namespace, name)) = at(&release, "/status/helmChart").split_once('/') {
        let chart = cluster.get(&HELM_CHART, namespace, name).await.map_err(lost("HelmChart"))?;
        out.push_str("---\n");
        line(&mut out, "HelmChart", name);
        line(&mut out, "Namespace", namespace);
        always(&mut out, "Chart", at(&chart, "/spec/chart"));
        always(&mut out, "Version", at(&chart, "/spec/version"));
        line(&mut out, "Revision", at(&chart, "/status/artifact/revision"));
        status(&mut out, &chart, true);
    }
    let pointers = ["/spec/chart/spec/sourceRef", "/spec/chartRef"];
    if let Some(pointer) = pointers.into_iter().find(|pointer| release.pointer(pointer).is_some()) {
        source(cluster, &release, pointer, &mut out).await?;
    }
    Ok(out)
}

/// Describes the source that an object refers to.
async fn source(cluster: &Cluster, owner: &Value, pointer: &str, out: &mut String) -> Result {
    let reference = |key: &str| at(owner, &format!("{pointer}/{key}"));
    let Some(kind) = Kind::find(reference("kind")) else { return Ok(()) };
    let namespace = match reference("namespace") {
        "" => object::namespace(owner),
        given => given,
    };
    let name = reference("name");
    let found = cluster.get(kind, namespace, name).await.map_err(lost(kind.kind))?;
    out.push_str("---\n");
    always(out, kind.kind, name);
    line(out, "Namespace", namespace);
    line(out, "URL", at(&found, "/spec/url"));
    let version =
        ["/spec/ref/tag", "/spec/ref/semver"].into_iter().find(|pointer| !at(&found, pointer).is_empty());
    match version {
        Some(pointer) => line(out, "Tag", at(&found, pointer)),
        None => {
            line(out, "Branch", at(&found, "/spec/ref/branch"));
            line(out, "Digest", at(&found, "/spec/ref/digest"));
        }
    }
    line(out, "Revision", at(&found, "/status/artifact/revision"));
    for (title, annotation) in ORIGIN {
        let origin = found.pointer("/status/artifact/metadata").map(|metadata| text(metadata, annotation));
        line(out, title, origin.unwrap_or_default());
    }
    status(out, &found, true);
    Ok(())
}

fn lost(what: &str) -> impl Fn(Failure) -> Failure {
    move |failure| match failure {
        Failure::Failed(reason) => Failure::Failed(format!("failed to find {what}: {reason}")),
        other => other,
    }
}

fn at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A line with a title, unless there is nothing to say.
fn line(out: &mut String, title: &str, value: &str) {
    if !value.is_empty() {
        always(out, title, value);
    }
}

fn always(out: &mut String, title: &str, value: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(out, "{:<16} {value}", format!("{title}:"));
}

/// The last reconciliation.
fn status(out: &mut String, object: &Value, may_fail: bool) {
    let Some(ready) = condition(object, "Ready") else {
        return always(out, "Status", "Unknown");
    };
    let time = text(ready, "lastTransitionTime").parse::<jiff::Timestamp>();
    let time = time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()).unwrap_or_default();
    let failed = may_fail && text(ready, "status") == "False";
    let verb = if failed { "Last reconciliation failed at" } else { "Last reconciled at" };
    always(out, "Status", &format!("{verb} {time}"));
    always(out, "Message", text(ready, "message"));
}
