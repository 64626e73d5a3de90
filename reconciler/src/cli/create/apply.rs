//! Putting what was created into the cluster, and waiting until it is ready.

use kube::api::ApiResource;
use kube::core::{GroupVersionKind, TypeMeta};
use serde_json::Value;

use super::{Context, Credentials, Objects};
use crate::cli::cluster::{Cluster, Upserted, block_on};
use crate::cli::delete::confirm;
use crate::cli::kinds::Kind;
use crate::cli::manifest::Manifest;
use crate::cli::reconcile::success_message;
use crate::cli::{Failure, Global, Result, term, wait};

/// Applies the objects in their order, and waits for those that have a controller.
pub(super) fn apply(
    global: &Global,
    flags: &dyn Objects,
    context: &Context<'_>,
    mut objects: Vec<Manifest>,
) -> Result {
    block_on(async {
        let cluster = Cluster::connect(global).await?;
        for manifest in &mut objects {
            if let Some(known) = source(&manifest.0) {
                term::generate(&format!("generating {} source", known.kind));
                if let Some(credentials) = flags.credentials(context)? {
                    let name = authenticate(&cluster, &credentials).await?;
                    *manifest = manifest.clone().with("/spec/secretRef/name", name);
                }
            }
            one(&cluster, &manifest.0).await?;
        }
        Ok(())
    })
}

/// The kind of a source.
fn source(object: &Value) -> Option<&'static Kind> {
    Kind::find(object["kind"].as_str()?).filter(|known| known.is_source())
}

/// Applies a Secret, once its public key is known to the server; gives its name.
async fn authenticate(cluster: &Cluster, credentials: &Credentials) -> Result<String> {
    let secret = &credentials.secret.0;
    let text = |pointer: &str| secret.pointer(pointer).and_then(Value::as_str);
    if let Some(hosts) = text("/stringData/known_hosts") {
        term::success(&format!("collected public key from SSH server:\n{}", hosts.trim_end()));
    }
    if let Some(public) = text("/stringData/identity.pub") {
        term::generate(&format!("deploy key: {public}"));
        if !credentials.is_silent {
            confirm("Have you added the deploy key to your repository", "--silent")?;
        }
    }
    term::action(&format!("applying secret with {} credentials", credentials.what));
    cluster.upsert(&resource("v1", "Secret")?, secret).await?;
    term::success("authentication configured");
    Ok(text("/metadata/name").unwrap_or_default().to_owned())
}

async fn one(cluster: &Cluster, object: &Value) -> Result {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
    let Some(known) = Kind::find(kind) else {
        let done = word(cluster.upsert(&resource(text("/apiVersion"), kind)?, object).await?);
        let place = if namespace.is_empty() { String::new() } else { format!(" in '{namespace}' namespace") };
        term::success(&format!("{} '{name}' {done}{place}", kind.to_lowercase()));
        return Ok(());
    };
    let is_source = known.is_source();
    let noun = if is_source { format!("{kind} source") } else { kind.to_owned() };
    if !is_source {
        term::generate(&format!("generating {noun}"));
    }
    term::action(&format!("applying {noun}"));
    let done = word(cluster.upsert(&known.resource(), object).await?);
    let named = if known.human.contains(' ') { noun.clone() } else { format!("{kind} {name}") };
    term::success(&format!("{named} {done}"));
    term::waiting(&format!("waiting for {noun} reconciliation"));
    let ready = wait::until_ready(cluster, known, namespace, name, |_| true).await?;
    if !is_source {
        term::success(&format!("{kind} {name} is ready"));
        if kind == "Kustomization" {
            term::success(&success_message(known, &ready));
        }
        return Ok(());
    }
    term::success(&format!("{noun} reconciliation completed"));
    match ready.pointer("/status/artifact/revision").and_then(Value::as_str) {
        Some(revision) => term::success(&format!("fetched revision: {revision}")),
        None => {
            return Err(Failure::failed(format!(
                "{noun} reconciliation completed but no artifact was found"
            )));
        }
    }
    Ok(())
}

fn word(done: Upserted) -> &'static str {
    match done {
        Upserted::Created => "created",
        Upserted::Updated => "updated",
        Upserted::Unchanged => "unchanged",
    }
}

/// What requests need to know of a kind of Kubernetes itself.
fn resource(api_version: &str, kind: &str) -> Result<ApiResource> {
    let types = TypeMeta { api_version: api_version.to_owned(), kind: kind.to_owned() };
    let kind = GroupVersionKind::try_from(&types).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(ApiResource::from_gvk(&kind))
}
