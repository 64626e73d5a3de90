//! The cluster that commands ask, through a kubeconfig or from inside.

use std::time::Duration;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::Kubeconfig;
use kube::{Client, Config};
use serde_json::Value;

use super::kinds::Kind;
use super::{Failure, Global, Result};

/// The field manager of what commands change.
const MANAGER: &str = "flux";

/// A cluster, with the namespace and the patience of the call.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) timeout: Duration,
}

/// Runs what asks a cluster.
pub(crate) fn block_on<F: Future<Output = Result>>(future: F) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(future)
}

/// The configuration that the flags ask for: a file, else what kubectl would take.
pub(crate) async fn config(global: &Global) -> Result<Config> {
    let broken = |error: &dyn std::fmt::Display| Failure::failed(format!("no cluster to talk to: {error}"));
    let connection = &global.connection;
    let mut options = connection.options(global.context.as_deref());
    let file = match &global.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).map_err(|error| broken(&chain(&error)))?,
        None => match Kubeconfig::read() {
            Ok(file) => file,
            Err(_) if connection.has_server() => Kubeconfig::default(),
            // Without a file this may be a pod.
            Err(error) => return Config::incluster().map_err(|_| broken(&chain(&error))),
        },
    };
    // A user that is not in the file would be anonymous, without an error.
    if let Some(user) = &options.user
        && !file.auth_infos.iter().any(|known| known.name == *user)
    {
        return Err(broken(&format!("the kubeconfig has no user {user}")));
    }
    let file = connection.apply(file, &mut options);
    let loaded = Config::from_custom_kubeconfig(file, &options).await;
    match loaded {
        Ok(config) => Ok(config),
        Err(error) if global.kubeconfig.is_some() => Err(broken(&chain(&error))),
        Err(error) => Config::incluster().map_err(|_| broken(&chain(&error))),
    }
}

/// The namespace of the kubeconfig's context, if the flags ask for it and there is one.
pub(crate) fn context_namespace(global: &Global) -> Option<String> {
    if !global.connection.follows_context() {
        return None;
    }
    // A file that cannot be read is reported by the command that needs it.
    let file = match &global.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).ok()?,
        None => Kubeconfig::read().ok()?,
    };
    global.connection.namespace(&file, global.context.as_deref())
}

impl Cluster {
    /// The cluster that the flags name. Nothing is asked yet.
    pub(crate) async fn connect(global: &Global) -> Result<Self> {
        let client = Client::try_from(config(global).await?).map_err(request_failed)?;
        Ok(Cluster { client, namespace: global.namespace.clone(), timeout: global.timeout.into() })
    }

    /// The objects of a kind in a namespace; everywhere without one.
    pub(crate) fn api(&self, resource: &ApiResource, namespace: &str) -> Api<DynamicObject> {
        match namespace {
            "" => Api::all_with(self.client.clone(), resource),
            _ => Api::namespaced_with(self.client.clone(), namespace, resource),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// It does not exist, or the cluster does not answer.
    pub(crate) async fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Value> {
        value(&self.api(&kind.resource(), namespace).get(name).await.map_err(request_failed)?)
    }

    /// An object, if it exists; nothing if the cluster does not know the kind.
    pub(crate) async fn find(
        &self,
        resource: &ApiResource,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>> {
        match self.api(resource, namespace).get_opt(name).await {
            Ok(Some(object)) => value(&object).map(Some),
            Ok(None) => Ok(None),
            // For an unknown kind, an API server answers with a plain page that has no reason.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(request_failed(error)),
        }
    }

    /// The objects of a kind in a namespace, everywhere if it is empty; nothing if the cluster does not
    /// know the kind.
    pub(crate) async fn list(
        &self,
        resource: &ApiResource,
        namespace: &str,
        params: &ListParams,
    ) -> Result<Option<Vec<Value>>> {
        let mut params = params.clone().limit(500);
        let api = self.api(resource, namespace);
        let mut found = Vec::new();
        loop {
            let page = match api.list(&params).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
                Err(error) => return Err(request_failed(error)),
            };
            for object in &page.items {
                let mut object = value(object)?;
                // Lists leave out what all their objects share.
                object["apiVersion"] = resource.api_version.clone().into();
                object["kind"] = resource.kind.clone().into();
                found.push(object);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => return Ok(Some(found)),
            }
        }
    }

    /// Changes fields of an object.
    pub(crate) async fn merge(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value> {
        let api = self.api(&kind.resource(), namespace);
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..Default::default() };
        value(&api.patch(name, &params, &Patch::Merge(patch)).await.map_err(request_failed)?)
    }

    /// Deletes an object; says whether there was one.
    pub(crate) async fn delete(&self, resource: &ApiResource, namespace: &str, name: &str) -> Result<bool> {
        match self.api(resource, namespace).delete(name, &DeleteParams::background()).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(request_failed(error)),
        }
    }

    /// Creates an object, or gives an existing one these labels and this content. Says which.
    pub(crate) async fn upsert(&self, resource: &ApiResource, object: &Value) -> Result<Upserted> {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let api = self.api(resource, namespace);
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..Default::default() };
        let Some(existing) = api.get_opt(name).await.map_err(request_failed)? else {
            let created = serde_json::from_value(object.clone()).map_err(unreadable)?;
            api.create(&params, &created).await.map_err(request_failed)?;
            return Ok(Upserted::Created);
        };
        let existing = value(&existing)?;
        let mut changed = existing.clone();
        for (key, field) in object.as_object().into_iter().flatten() {
            match key.as_str() {
                "metadata" => {
                    for (key, field) in field.as_object().into_iter().flatten() {
                        changed["metadata"][key] = field.clone();
                    }
                }
                _ => changed[key] = field.clone(),
            }
        }
        let replaced = serde_json::from_value(changed).map_err(unreadable)?;
        let after = value(&api.replace(name, &params, &replaced).await.map_err(request_failed)?)?;
        let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
        match version(&after) == version(&existing) {
            true => Ok(Upserted::Unchanged),
            false => Ok(Upserted::Updated),
        }
    }
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upserted {
    Created,
    Updated,
    Unchanged,
}

/// An object as plain data.
pub(crate) fn value(object: &DynamicObject) -> Result<Value> {
    serde_json::to_value(object).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::failed(format!("an object cannot be read: {error}"))
}

/// Why a request failed: the server's own words, or what kept it from answering.
pub(crate) fn request_failed(error: kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => Failure::Failed(status.message.clone()),
        other => Failure::failed(format!("the cluster does not answer: {}", chain(&other))),
    }
}

/// An error and what caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
