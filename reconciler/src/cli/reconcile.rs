//! `reconcile`: asks the controllers to look at an object now, and waits for what comes of it.

use clap::Args;
use serde_json::{Value, json};

use super::cluster::{Cluster, block_on};
use super::kinds::{self, Kind};
use super::select::Selection;
use super::wait::{self, condition, text};
use super::{Failure, Global, Result, term};

/// Asks for a reconciliation; status hands its value back.
const REQUEST: &str = "reconcile.fluxcd.io/requestedAt";

/// Options of `reconcile`.
#[derive(Args)]
pub(crate) struct Reconcile {
    #[command(subcommand)]
    selection: Selection,
    /// Fetch the source of the object before
    #[arg(long, global = true)]
    with_source: bool,
    /// Force a HelmRelease to be installed or upgraded
    #[arg(long, global = true)]
    force: bool,
    /// Forget how often a HelmRelease has failed
    #[arg(long, global = true)]
    reset: bool,
}

impl Reconcile {
    /// Asks and waits.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (kind, names) = self.selection.parts();
        let Some(name) = names.first() else {
            return Err(Failure::usage(format!("{} name is required", kind.kind)));
        };
        let has_source = matches!(kind.kind, "Kustomization" | "HelmRelease" | "HelmChart");
        if self.with_source && !has_source {
            return Err(Failure::usage(format!("--with-source makes no sense for a {}", kind.kind)));
        }
        if (self.force || self.reset) && kind.kind != "HelmRelease" {
            return Err(Failure::usage("--force and --reset are for HelmReleases only"));
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let object = cluster.get(kind, &cluster.namespace, name).await?;
            if is_suspended(&object) {
                return Err(Failure::failed("resource is suspended"));
            }
            if self.with_source {
                let (source, namespace, name) = source(&cluster, &object)?;
                request(&cluster, source, &namespace, &name, &[]).await?;
            }
            let mut more = Vec::new();
            if self.force {
                more.push("reconcile.fluxcd.io/forceAt");
            }
            if self.reset {
                more.push("reconcile.fluxcd.io/resetAt");
            }
            request(&cluster, kind, &cluster.namespace, name, &more).await
        })
    }
}

fn is_suspended(object: &Value) -> bool {
    object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or_default()
}

/// The source of an object: its kind, namespace and name.
fn source(cluster: &Cluster, object: &Value) -> Result<(&'static Kind, String, String)> {
    let pointers = ["/spec/sourceRef", "/spec/chartRef", "/spec/chart/spec/sourceRef"];
    let reference = pointers.iter().find_map(|pointer| object.pointer(pointer));
    let reference = reference.ok_or_else(|| Failure::failed("the object names no source"))?;
    let kind = Kind::find(text(reference, "kind")).filter(|kind| **kind != kinds::EXTERNAL_ARTIFACT);
    let kind = kind.ok_or_else(|| {
        Failure::failed(format!("cannot reconcile source of kind {}", text(reference, "kind")))
    })?;
    let namespace = match text(reference, "namespace") {
        "" => cluster.namespace.as_str(),
        given => given,
    };
    Ok((kind, namespace.to_owned(), text(reference, "name").to_owned()))
}

/// Annotates one object, and waits until its controller has answered.
async fn request(cluster: &Cluster, kind: &Kind, namespace: &str, name: &str, more: &[&str]) -> Result {
    let object = cluster.get(kind, namespace, name).await?;
    if kind.is_static || *kind == kinds::EXTERNAL_ARTIFACT {
        term::success("reconciliation not supported by the object");
        return Ok(());
    }
    if is_suspended(&object) {
        return Err(Failure::failed("resource is suspended"));
    }
    term::action(&format!("annotating {} {name} in {namespace} namespace", kind.kind));
    let handled = |object: &Value| {
        object.pointer("/status/lastHandledReconcileAt").and_then(Value::as_str).map(str::to_owned)
    };
    let before = handled(&object);
    let now = jiff::Timestamp::now().to_string();
    let mut annotations = json!({REQUEST: now});
    for key in more {
        annotations[*key] = now.as_str().into();
    }
    cluster.merge(kind, namespace, name, &json!({"metadata": {"annotations": annotations}})).await?;
    term::success(&format!("{} annotated", kind.kind));
    term::waiting(&format!("waiting for {} reconciliation", kind.kind));
    let failed = |object: &Value| {
        let ready = condition(object, "Ready")?;
        let generation = &object["metadata"]["generation"];
        let is_final = text(ready, "status") == "False"
            && text(ready, "reason") != "DependencyNotReady"
            && ready["observedGeneration"] == *generation;
        is_final.then(|| format!("{} reconciliation failed: {}", kind.kind, text(ready, "message")))
    };
    // What was asked for has failed as soon as the answer says so, even if it is tried again later.
    let failure = std::cell::RefCell::new(None);
    let done = |object: &Value| {
        let answered = handled(object) != before;
        if answered {
            *failure.borrow_mut() = failed(object);
        }
        answered
    };
    let waited = tokio::select! {
        waited = wait::until_ready(cluster, kind, namespace, name, done) => waited,
        message = appears(&failure) => Err(Failure::Failed(message)),
    };
    let object = waited?;
    match condition(&object, "Ready") {
        None => Err(Failure::failed("status can't be determined")),
        Some(ready) if text(ready, "status") != "True" => {
            Err(Failure::failed(format!("{} reconciliation failed: {}", kind.kind, text(ready, "message"))))
        }
        Some(_) => {
            term::success(&success_message(kind, &object));
            Ok(())
        }
    }
}

/// Waits until there is a message.
async fn appears(message: &std::cell::RefCell<Option<String>>) -> String {
    loop {
        if let Some(message) = message.borrow_mut().take() {
            return message;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// What a reconciled object has to say.
pub(crate) fn success_message(kind: &Kind, object: &Value) -> String {
    let at = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match kind.kind {
        "Kustomization" => format!("applied revision {}", at("/status/lastAppliedRevision")),
        "HelmRelease" => match at("/status/history/0/chartVersion") {
            "" => format!("applied revision {}", at("/status/lastAttemptedRevision")),
            version => format!("applied revision {version}"),
        },
        "ImageRepository" => {
            let count = object.pointer("/status/lastScanResult/tagCount").and_then(Value::as_i64);
            format!("scan fetched {} tags", count.unwrap_or_default())
        }
        "ImagePolicy" => {
            let [name, tag, digest] =
                ["name", "tag", "digest"].map(|key| at(&format!("/status/latestRef/{key}")));
            let digest = if digest.is_empty() { String::new() } else { format!("@{digest}") };
            format!("selected ref {name}:{tag}{digest}")
        }
        "ImageUpdateAutomation" => {
            condition(object, "Ready").map(|ready| text(ready, "message")).unwrap_or_default().to_owned()
        }
        "Alert" | "Provider" | "Receiver" => format!("{} reconciliation completed", kind.kind),
        _ => format!("fetched revision {}", at("/status/artifact/revision")),
    }
}
