//! Which groups, versions and kinds there are.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::call::{json_response, object_response};
use crate::kinds::{Kind, Registry};
use crate::openapi;
use crate::status::ApiError;

/// The version of Kubernetes that is imitated.
const VERSION: &str = "v1.36.3";

/// Answers a path that is no resource.
pub(crate) fn answer(
    registry: &Registry,
    headers: &HeaderMap,
    path: &str,
) -> Result<Response<Body>, ApiError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let aggregated = accept.contains("as=APIGroupDiscoveryList");
    let value = match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => {
            let mut response = json_response(StatusCode::OK, "ok");
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            return Ok(response);
        }
        ["version"] => {
            json!({"major": "1", "minor": "36", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64"})
        }
        ["api"] if aggregated => return Ok(aggregated_groups(registry, |group| group.is_empty())),
        ["apis"] if aggregated => return Ok(aggregated_groups(registry, |group| !group.is_empty())),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ["apis"] => {
            let groups: Vec<Value> = registry
                .groups()
                .iter()
                .filter(|(group, _)| !group.is_empty())
                .map(|(group, versions)| group_value(group, versions))
                .collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["api", version] => resources(registry, "", version)?,
        ["apis", group] => {
            let versions = registry.groups().get(*group).ok_or_else(ApiError::unknown_path)?;
            let mut value = group_value(group, versions);
            value["kind"] = "APIGroup".into();
            value["apiVersion"] = "v1".into();
            value
        }
        ["apis", group, version] => resources(registry, group, version)?,
        ["openapi", "v2"] => {
            json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": VERSION}, "paths": {}, "definitions": {}})
        }
        ["openapi", "v3"] => openapi::index(registry),
        ["openapi", "v3", "api", version] => {
            openapi::document(registry, "", version).ok_or_else(ApiError::unknown_path)?
        }
        ["openapi", "v3", "apis", group, version] => {
            openapi::document(registry, group, version).ok_or_else(ApiError::unknown_path)?
        }
        _ => return Err(ApiError::unknown_path()),
    };
    Ok(object_response(StatusCode::OK, &value))
}

fn group_value(group: &str, versions: &[String]) -> Value {
    let of = |version: &String| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let all: Vec<Value> = versions.iter().map(of).collect();
    json!({"name": group, "versions": all, "preferredVersion": versions.first().map(of)})
}

fn resources(registry: &Registry, group: &str, version: &str) -> Result<Value, ApiError> {
    let kinds = registry.kinds(group, version);
    let first = kinds.first().ok_or_else(ApiError::unknown_path)?;
    let mut list = Vec::new();
    for kind in &kinds {
        let mut entry = json!({"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": kind.verbs});
        if !kind.short_names.is_empty() {
            entry["shortNames"] = kind.short_names.clone().into();
        }
        if !kind.categories.is_empty() {
            entry["categories"] = kind.categories.clone().into();
        }
        list.push(entry);
        for subresource in &kind.subresources {
            let (of, group, version) = subresource_kind(kind, subresource);
            let mut entry = json!({"name": format!("{}/{subresource}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "kind": of, "verbs": subresource_verbs(subresource)});
            if let (Some(group), Some(version)) = (group, version) {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    Ok(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": list}),
    )
}

fn subresource_kind<'a>(kind: &'a Kind, subresource: &str) -> (&'a str, Option<&'a str>, Option<&'a str>) {
    match subresource {
        "scale" => ("Scale", Some("autoscaling"), Some("v1")),
        "eviction" => ("Eviction", Some("policy"), Some("v1")),
        "token" => ("TokenRequest", Some("authentication.k8s.io"), Some("v1")),
        _ => (&kind.kind, None, None),
    }
}

fn subresource_verbs(subresource: &str) -> &'static [&'static str] {
    match subresource {
        "eviction" | "token" => &["create"],
        "finalize" => &["update"],
        _ => &["get", "patch", "update"],
    }
}

fn aggregated_groups(registry: &Registry, wanted: impl Fn(&str) -> bool) -> Response<Body> {
    let kind_value = |kind: &Kind| {
        let subresources: Vec<Value> = kind
            .subresources
            .iter()
            .map(|subresource| {
                let (of, group, version) = subresource_kind(kind, subresource);
                json!({"subresource": subresource, "responseKind": {"group": group.unwrap_or(&kind.group), "version": version.unwrap_or(&kind.version), "kind": of}, "verbs": subresource_verbs(subresource)})
            })
            .collect();
        json!({
            "resource": kind.plural,
            "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
            "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": kind.singular,
            "verbs": kind.verbs,
            "shortNames": kind.short_names,
            "categories": kind.categories,
            "subresources": subresources,
        })
    };
    let groups: Vec<Value> = registry
        .groups()
        .iter()
        .filter(|(group, _)| wanted(group))
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    let kinds: Vec<Value> =
                        registry.kinds(group, version).into_iter().map(|kind| kind_value(kind)).collect();
                    json!({"version": version, "freshness": "Current", "resources": kinds})
                })
                .collect();
            json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions})
        })
        .collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups});
    let mut response = object_response(StatusCode::OK, &list);
    let kind =
        HeaderValue::from_static("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
