//! The objects of a cluster.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{SelfSubjectReview, TokenRequest, TokenRequestSpec};
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;
use reconciler_core::object;
use reconciler_core::ssa::{FieldManager, ObjectId, take_over};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::FIELD_MANAGER;
use super::kinds::{ApiKind, Kinds};
use super::observer::{Observer, Owner};
use super::request::{RequestError, Requests};
use crate::environment::Environment;

/// How long to wait for the deletion of an object that is to be created again.
const GONE: Duration = Duration::from_secs(60);

/// A kind of the core group, by its name in paths.
fn core_kind(plural: &str) -> ApiKind {
    ApiKind {
        api_version: "v1".to_owned(),
        kind: String::new(),
        plural: plural.to_owned(),
        is_namespaced: true,
    }
}

/// An object after it was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// As the server has it now.
    pub object: Value,
    /// Whether it is new.
    pub is_created: bool,
}

impl Applied {
    /// Its resource version; empty for a dry run of a new object.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        object::text(&self.object, &["metadata", "resourceVersion"])
    }
}

/// The objects of a cluster. Clones are about the same cluster.
#[derive(Clone)]
pub struct Objects {
    requests: Requests,
    kinds: Arc<Kinds>,
    observer: Arc<Observer>,
    environment: Environment,
}

impl Objects {
    /// The objects of the cluster that a client is connected to.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Objects::observed(client, mpsc::unbounded_channel().0)
    }

    /// Like `new`, and sends the owner of an object that drifted to `drifts`.
    #[must_use]
    pub fn observed(client: Client, drifts: mpsc::UnboundedSender<Owner>) -> Self {
        let requests = Requests::new(client.clone());
        Objects {
            kinds: Arc::new(Kinds::new(requests.clone())),
            observer: Arc::new(Observer::new(client, drifts)),
            requests,
            environment: Environment::default(),
        }
    }

    /// Like `observed`, with no more watches than `limit` has permits.
    #[must_use]
    pub(crate) fn limited(
        client: Client,
        drifts: mpsc::UnboundedSender<Owner>,
        limit: Arc<Semaphore>,
    ) -> Self {
        let observer = Observer::new(client.clone(), drifts).limited(limit);
        Objects { observer: Arc::new(observer), ..Objects::new(client) }
    }

    /// Uses the clock of an environment.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Objects { environment, ..self }
    }

    /// The current time, for health checks.
    pub(super) fn now(&self) -> Timestamp {
        self.environment.now()
    }

    /// Impersonates a service account.
    pub fn on_behalf_of(&self, namespace: &str, account: &str) -> Result<Self, RequestError> {
        Ok(Objects { requests: self.requests.on_behalf_of(namespace, account)?, ..self.clone() })
    }

    /// The service account that is impersonated.
    pub(crate) fn user(&self) -> Option<String> {
        self.requests.user()
    }

    /// The kinds of the cluster.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The observer of changes.
    #[must_use]
    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Applies an object, taking over fields of other managers.
    pub async fn apply(&self, kind: &ApiKind, object: &Value, is_dry: bool) -> Result<Applied, RequestError> {
        let dry_run = if is_dry { "&dryRun=All" } else { "" };
        let path = kind.path(object::namespace(object), object::name(object));
        let uri = format!("{path}?fieldManager={FIELD_MANAGER}&force=true{dry_run}");
        let body = serde_json::to_vec(object).map_err(|error| RequestError::NoAnswer(error.to_string()))?;
        let (code, body) = self.requests.send("PATCH", &uri, "application/apply-patch+yaml", &body).await?;
        let object = serde_json::from_slice(&body)
            .map_err(|error| RequestError::NoAnswer(format!("{path}: {error}")))?;
        Ok(Applied { object, is_created: code == 201 })
    }

    /// Takes over the fields that `kubectl` and others set before, so that fields which are no longer
    /// wanted are removed. `found` is the object with its managers. Returns whether the object was changed.
    pub(super) async fn take_over(
        &self,
        kind: &ApiKind,
        id: &ObjectId,
        found: &Value,
    ) -> Result<bool, RequestError> {
        let managers = FieldManager::taken_over_by(FIELD_MANAGER);
        if take_over(found, &managers, FIELD_MANAGER).is_none() {
            return Ok(false);
        }
        let Some(current) = self.get(kind, id).await? else { return Ok(false) };
        let Some(patch) = take_over(&current, &managers, FIELD_MANAGER) else { return Ok(false) };
        let path = kind.path(&id.namespace, &id.name);
        let uri = format!("{path}?fieldManager={FIELD_MANAGER}");
        let body = patch.to_string();
        self.requests.send("PATCH", &uri, "application/json-patch+json", body.as_bytes()).await.map(|_| true)
    }

    /// Gets an object of the core group, by the name of its kind in paths.
    pub(crate) async fn core<T: DeserializeOwned>(
        &self,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Result<T, RequestError> {
        self.requests.get(&core_kind(plural).path(namespace, name)).await
    }

    /// Makes a token of a service account, for these audiences. Returns it, and when it expires: after an hour unless the
    /// cluster decides otherwise.
    pub(crate) async fn token(
        &self,
        namespace: &str,
        account: &str,
        audiences: &[String],
    ) -> Result<(String, Timestamp), RequestError> {
        let spec = TokenRequestSpec { audiences: Some(audiences.to_vec()), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let path = core_kind("serviceaccounts").path(namespace, account) + "/token";
        let made = self.requests.post(&path, &request).await?;
        made.status
            .and_then(|status| Some((status.token?, status.expiration_timestamp?.0)))
            .ok_or_else(|| RequestError::NoAnswer(format!("{path}: the answer has no token")))
    }

    /// The name of the user that the cluster takes the reconciler for.
    pub(crate) async fn own_name(&self) -> Result<Option<String>, RequestError> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = self.requests.post(path, &SelfSubjectReview::default()).await?;
        Ok(review.status.and_then(|status| status.user_info).and_then(|user| user.username))
    }

    /// Gets an object. None if it does not exist.
    pub async fn get(&self, kind: &ApiKind, id: &ObjectId) -> Result<Option<Value>, RequestError> {
        match self.requests.get(&kind.path(&id.namespace, &id.name)).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.code() == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gets the object that applying another one would change. None if that one would be new.
    pub async fn find_like(&self, object: &Value) -> Result<Option<Value>, RequestError> {
        let id = ObjectId::of(object);
        match self.kinds().find(object::api_version(object), &id.kind).await? {
            // Applying it fails then, and says why.
            Some(kind) if kind.is_namespaced && id.namespace.is_empty() => Ok(None),
            Some(kind) => self.get(&kind, &id).await,
            None => Ok(None),
        }
    }

    /// Gets an object by what an inventory says of it. None if it or its kind does not exist.
    pub async fn find(&self, id: &ObjectId, version: &str) -> Result<Option<Value>, RequestError> {
        match self.kinds().find_id(id, version).await? {
            Some(kind) => self.get(&kind, id).await,
            None => Ok(None),
        }
    }

    /// Deletes an object, and its dependents in the background. It is not an error if the object is gone.
    pub async fn delete(&self, kind: &ApiKind, id: &ObjectId, uid: &str) -> Result<(), RequestError> {
        self.delete_if(kind, id, &json!({"uid": uid})).await
    }

    /// Deletes an object if it has not changed since it was read.
    pub(super) async fn delete_as_found(
        &self,
        kind: &ApiKind,
        id: &ObjectId,
        found: &Value,
    ) -> Result<(), RequestError> {
        let text = |key| object::text(found, &["metadata", key]);
        let conditions = json!({"uid": text("uid"), "resourceVersion": text("resourceVersion")});
        self.delete_if(kind, id, &conditions).await
    }

    async fn delete_if(
        &self,
        kind: &ApiKind,
        id: &ObjectId,
        preconditions: &Value,
    ) -> Result<(), RequestError> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        });
        let path = kind.path(&id.namespace, &id.name);
        let body = options.to_string();
        match self.requests.send("DELETE", &path, "application/json", body.as_bytes()).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Waits until a deleted object is gone.
    pub async fn wait_until_gone(
        &self,
        kind: &ApiKind,
        id: &ObjectId,
        timeout: Duration,
    ) -> Result<(), RequestError> {
        let Some(found) = self.get(kind, id).await? else { return Ok(()) };
        let (client, resource) = (self.requests.client().clone(), kind.resource());
        let api: Api<DynamicObject> = if id.namespace.is_empty() {
            Api::all_with(client, &resource)
        } else {
            Api::namespaced_with(client, &id.namespace, &resource)
        };
        let gone = await_condition(api, &id.name, is_deleted(object::text(&found, &["metadata", "uid"])));
        match tokio::time::timeout(timeout, gone).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(RequestError::NoAnswer(error.to_string())),
            Err(_) => Err(RequestError::NoAnswer(format!(
                "{} is not gone after {}",
                id.subject(),
                reconciler_api::Duration::from(timeout)
            ))),
        }
    }

    /// Deletes an object and creates it again.
    pub(super) async fn recreate(
        &self,
        kind: &ApiKind,
        id: &ObjectId,
        object: &Value,
    ) -> Result<Applied, RequestError> {
        if let Some(found) = self.get(kind, id).await? {
            self.delete(kind, id, object::text(&found, &["metadata", "uid"])).await?;
            self.wait_until_gone(kind, id, GONE).await?;
        }
        let applied = self.apply(kind, object, false).await?;
        Ok(Applied { is_created: true, ..applied })
    }

    /// Names of all namespaces.
    pub async fn namespaces(&self) -> Result<Vec<String>, RequestError> {
        let list: Value = self.requests.get("/api/v1/namespaces").await?;
        let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Ok(items.iter().map(|item| object::name(item).to_owned()).collect())
    }
}
