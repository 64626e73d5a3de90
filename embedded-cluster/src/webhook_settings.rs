//! Webhook configurations: their resources, defaults and validation.

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::status::FieldError;

/// The resource of mutating webhook configurations.
pub(crate) const MUTATING: &str = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
/// The resource of validating webhook configurations.
pub(crate) const VALIDATING: &str = "validatingwebhookconfigurations.admissionregistration.k8s.io";

/// Sets the defaults of a configuration.
pub(crate) fn set_defaults(kind: &Kind, value: &mut Value) {
    let mutates = kind.is(MUTATING);
    if !mutates && !kind.is(VALIDATING) {
        return;
    }
    for webhook in value.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(fields) = webhook.as_object_mut() else { continue };
        let mut fallback = |field: &str, value: Value| {
            fields.entry(field).or_insert(value);
        };
        fallback("failurePolicy", "Fail".into());
        fallback("matchPolicy", "Equivalent".into());
        fallback("namespaceSelector", json!({}));
        fallback("objectSelector", json!({}));
        fallback("timeoutSeconds", 10.into());
        if mutates {
            fallback("reinvocationPolicy", "Never".into());
        }
        for rule in webhook.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(rule) = rule.as_object_mut() {
                rule.entry("scope").or_insert_with(|| "*".into());
            }
        }
        if let Some(service) = webhook.pointer_mut("/clientConfig/service").and_then(Value::as_object_mut) {
            service.entry("port").or_insert_with(|| 443.into());
        }
    }
}

/// Validates a configuration.
pub(crate) fn check(kind: &Kind, value: &Value, errors: &mut Vec<FieldError>) {
    if !kind.is(MUTATING) && !kind.is(VALIDATING) {
        return;
    }
    for (index, webhook) in value["webhooks"].as_array().into_iter().flatten().enumerate() {
        let path = |field: &str| format!("webhooks[{index}].{field}");
        let name = webhook["name"].as_str().unwrap_or_default();
        if name.split('.').filter(|part| !part.is_empty()).count() < 3 {
            errors.push(FieldError::invalid(
                path("name"),
                &webhook["name"],
                "should be a domain with at least three segments separated by dots",
            ));
        }
        let versions = webhook["admissionReviewVersions"].as_array().map_or(0, Vec::len);
        if versions == 0 {
            errors.push(FieldError::required(
                path("admissionReviewVersions"),
                "must specify one of v1, v1beta1",
            ));
        }
        let allowed = [Value::from("None"), Value::from("NoneOnDryRun")];
        if webhook["sideEffects"].is_null() {
            errors.push(FieldError::required(path("sideEffects"), "must specify one of None, NoneOnDryRun"));
        } else if !allowed.contains(&webhook["sideEffects"]) {
            errors.push(FieldError::not_supported(path("sideEffects"), &webhook["sideEffects"], &allowed));
        }
        if !webhook["timeoutSeconds"].as_i64().is_none_or(|seconds| (1..=30).contains(&seconds)) {
            errors.push(FieldError::invalid(
                path("timeoutSeconds"),
                &webhook["timeoutSeconds"],
                "the timeout value must be between 1 and 30 seconds",
            ));
        }
        check_client(&webhook["clientConfig"], &path("clientConfig"), errors);
    }
}

fn check_client(config: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let url = config["url"].as_str();
    if url.is_some() == config["service"].is_object() {
        errors.push(FieldError::required(path, "exactly one of url or service is required"));
        return;
    }
    if let Some(url) = url
        && !url.starts_with("https://")
    {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        errors.push(FieldError::invalid(
            format!("{path}.url"),
            &scheme.into(),
            "'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ));
    }
}
