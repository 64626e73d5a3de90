//! The service: who asks, what for, and which handler answers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;

use crate::access;
use crate::call::{Call, object_response, with_warnings};
use crate::request::{Query, Target, verb, wanted_form};
use crate::state::State;
use crate::status::ApiError;
use crate::{delete, discovery, protobuf, read, reviews, watch, write};

/// The largest body that is accepted.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// The API server as a [`tower::Service`] over HTTP requests.
#[derive(Clone)]
pub struct ClusterService {
    state: Arc<State>,
}

impl ClusterService {
    pub(crate) fn new(state: Arc<State>) -> ClusterService {
        ClusterService { state }
    }
}

impl<B> tower::Service<Request<B>> for ClusterService
where
    B: axum::body::HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = self.state.clone();
        Box::pin(
            async move { Ok(answer(&state, request).await.unwrap_or_else(|error| error_response(&error))) },
        )
    }
}

async fn answer<B>(state: &Arc<State>, request: Request<B>) -> Result<Response<Body>, ApiError>
where
    B: axum::body::HttpBody + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let query = Query::parse(parts.uri.query());
    let registry = state.registry();
    let user = access::user_of(state, &parts.headers)?;
    let Some(target) = Target::parse(path) else {
        access::check_path(state, &user, &parts.method, path)?;
        return discovery::answer(&registry, &parts.headers, path);
    };
    let body = http_body_util::Limited::new(body, LARGEST_BODY);
    let body = body.collect().await.map_err(|error| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("cannot read the request's body: {error}"),
        )
    })?;
    let body = protobuf::to_json(&parts.headers, body.to_bytes())?;
    let verb = verb(&parts.method, &target, &query);
    access::check(state, &user, verb, &target)?;
    let kind =
        registry.get(&target.group, &target.version, &target.resource).ok_or_else(ApiError::unknown_path)?;
    if !target.namespace.is_empty() && !kind.namespaced {
        return Err(ApiError::unknown_path());
    }
    if !target.subresource.is_empty() && !kind.has(&target.subresource) {
        return Err(ApiError::unknown_path());
    }
    // Reviews are answered and never stored, so none has a name.
    if reviews::GROUPS.contains(&&*target.group) {
        if !target.name.is_empty() || (target.namespace.is_empty() && kind.namespaced) {
            return Err(ApiError::unknown_path());
        }
        if verb != "create" {
            return Err(method_not_allowed());
        }
        let answer = reviews::answer(state, &user, kind, &target, &body)?;
        return Ok(object_response(StatusCode::CREATED, &answer));
    }
    if ["eviction", "token"].contains(&&*target.subresource) && verb != "create" {
        return Err(method_not_allowed());
    }
    let form = wanted_form(&parts.headers);
    let call = Call {
        state,
        kind,
        target: &target,
        query: &query,
        headers: &parts.headers,
        form,
        body,
        user: &user,
        warnings: Mutex::default(),
    };
    let response = match verb {
        "get" => read::get(&call),
        "list" => read::list(&call),
        "watch" => watch::watch(&call),
        "create" if target.subresource == "token" => reviews::create_token(&call),
        "create" => write::create(&call).await,
        "update" => write::update(&call).await,
        "patch" => write::patch(&call).await,
        "delete" => delete::delete(&call).await,
        "deletecollection" if parts.method == Method::DELETE => delete::delete_collection(&call).await,
        _ => Err(method_not_allowed()),
    };
    let response = response.unwrap_or_else(|error| error_response(&error));
    let warnings = call.warnings.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(with_warnings(response, &warnings))
}

fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
}

fn error_response(error: &ApiError) -> Response<Body> {
    object_response(error.code, &error.to_value())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};
    use tower::ServiceExt;

    use crate::Cluster;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const ROBOT: &[u8] = b"system:serviceaccount:default:robot";
    const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";

    /// Sends a request, and gives the code and the message of the answer back.
    async fn ask(
        cluster: &Cluster,
        path: &str,
        headers: &[(&str, &[u8])],
        body: &Value,
    ) -> Result<(u16, String), Box<dyn std::error::Error>> {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = cluster.service().oneshot(request.body(Body::from(body.to_string()))?).await?;
        let code = answer.status().as_u16();
        let answer: Value = serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?;
        Ok((code, answer["message"].as_str().unwrap_or_default().to_owned()))
    }

    #[tokio::test]
    async fn large_roles_are_refused_quickly() -> Outcome {
        let cluster = Cluster::in_memory_without_controllers();
        let binding = json!({
            "metadata": {"name": "robot"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        });
        let (code, message) = ask(&cluster, &format!("{RBAC}/rolebindings"), &[], &binding).await?;
        assert_eq!(code, 201, "{message}");
        let words = |count: usize| (0..count).map(|number| format!("r{number:05}")).collect::<Vec<_>>();
        let group = "g".repeat(150);
        let cut = format!("APIGroups:[\"{}…\"]", &group[..100]);
        for (group, resources, names, wanted) in [
            ("x".repeat(300_000), 100, 0, "a word of more than 512 bytes"),
            (group.clone(), 200, 200, "more than 20000 single rights"),
            (String::new(), 1, 19_000, "and 18980 more"),
            (group, 21, 0, &*cut),
        ] {
            let rule = json!({
                "apiGroups": [group], "resources": words(resources), "resourceNames": words(names),
                "verbs": ["get"],
            });
            let role = json!({"metadata": {"name": "large"}, "rules": [rule]});
            let start = Instant::now();
            let user = [("impersonate-user", ROBOT)];
            let (code, message) = ask(&cluster, &format!("{RBAC}/roles"), &user, &role).await?;
            assert!(start.elapsed() < Duration::from_secs(10), "{wanted}: {:?}", start.elapsed());
            assert_eq!(code, 403, "{message}");
            assert!(message.contains(wanted), "{message}");
            assert!(message.len() < 8_000, "{wanted}: {} bytes", message.len());
        }
        // Whoever holds many rules may grant fewer rights at once.
        let rules = |count: usize| {
            json!(vec![json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}); count])
        };
        let mut other = binding;
        other["metadata"]["name"] = "many".into();
        other["roleRef"]["kind"] = "Role".into();
        other["roleRef"]["name"] = "many".into();
        for (resource, body) in
            [("roles", json!({"metadata": {"name": "many"}, "rules": rules(2_000)})), ("rolebindings", other)]
        {
            let (code, message) = ask(&cluster, &format!("{RBAC}/{resource}"), &[], &body).await?;
            assert_eq!(code, 201, "{message}");
        }
        let role = json!({"metadata": {"name": "large"}, "rules": rules(1_000)});
        let user = [("impersonate-user", ROBOT)];
        let (code, message) = ask(&cluster, &format!("{RBAC}/roles"), &user, &role).await?;
        assert_eq!(code, 403, "{message}");
        assert!(message.contains("more than 1000000 comparisons"), "{message}");
        Ok(())
    }

    #[tokio::test]
    async fn unreadable_and_unknown_impersonation_is_refused() -> Outcome {
        let cluster = Cluster::in_memory_without_controllers();
        let map = json!({"metadata": {"name": "a"}});
        let user = ("impersonate-user", b"bob".as_slice());
        for (headers, wanted) in [
            (vec![("impersonate-user", b"b\xffb".as_slice())], 400),
            (vec![("impersonate-user", "böb".as_bytes())], 403),
            (vec![user, ("impersonate-group", b"\xff")], 400),
            (vec![user, ("impersonate-uid", b"1")], 400),
            (vec![user, ("impersonate-extra-scopes", b"view")], 400),
            (vec![("impersonate-group", b"system:masters")], 400),
        ] {
            let found = ask(&cluster, "/api/v1/namespaces/default/configmaps", &headers, &map).await?;
            assert_eq!(found.0, wanted, "{headers:?}: {}", found.1);
        }
        Ok(())
    }

    #[tokio::test]
    async fn tokens_that_end_with_a_pod_are_refused() -> Outcome {
        let cluster = Cluster::in_memory_without_controllers();
        let accounts = "/api/v1/namespaces/default/serviceaccounts";
        ask(&cluster, accounts, &[], &json!({"metadata": {"name": "robot"}})).await?;
        let request = json!({"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "a"}}});
        let (code, message) = ask(&cluster, &format!("{accounts}/robot/token"), &[], &request).await?;
        assert_eq!(code, 422, "{message}");
        assert!(message.contains("spec.boundObjectRef: Forbidden: "), "{message}");
        Ok(())
    }
}
