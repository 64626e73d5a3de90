//! What the server adds to and demands of built-in kinds.

use std::sync::LazyLock;

use base64::Engine as _;
use http::StatusCode;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::check::MOST_ERRORS;
use crate::definitions;
use crate::kinds::Kind;
use crate::state::State;
use crate::status::{ApiError, FieldError, Subject};
use crate::storage::Name;
use crate::webhook_settings;

/// Names that both groups of events use for the same field: in the core group, and in the other.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// An event in the other group's form.
pub(crate) fn rename_event(mut event: Value, to_events: bool) -> Value {
    if let Some(fields) = event.as_object_mut() {
        for (core, other) in EVENT_FIELDS {
            let (from, to) = if to_events { (core, other) } else { (other, core) };
            if let Some(value) = fields.shift_remove(*from) {
                fields.insert((*to).to_owned(), value);
            }
        }
        let version = if to_events { "events.k8s.io/v1" } else { "v1" };
        fields.insert("apiVersion".to_owned(), version.into());
    }
    event
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static SUBDOMAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"));
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"));

/// Changes that come before defaults: text that becomes data.
pub(crate) fn before(kind: &Kind, value: &mut Value) {
    if kind.is("secrets")
        && let Some(fields) = value.as_object_mut()
        && let Some(Value::Object(plain)) = fields.shift_remove("stringData")
    {
        let data = fields.entry("data").or_insert_with(|| json!({}));
        if !data.is_object() {
            *data = json!({});
        }
        for (key, text) in plain {
            let bytes = text.as_str().unwrap_or_default().as_bytes();
            data[key] = base64::engine::general_purpose::STANDARD.encode(bytes).into();
        }
    }
}

/// Checks and additions on creation that need to see other objects.
pub(crate) fn on_create(
    state: &State,
    kind: &Kind,
    namespace: &str,
    value: &mut Value,
) -> Result<(), ApiError> {
    if kind.namespaced {
        let name = Name { namespace: String::new(), name: namespace.to_owned() };
        let Some(found) = state.store.get(&"namespaces".into(), &name) else {
            let subject = Subject { group: "", resource: "namespaces", kind: "Namespace", name: namespace };
            return Err(ApiError::not_found(subject));
        };
        if found.value["metadata"].get("deletionTimestamp").is_some() {
            let object = value["metadata"]["name"].as_str().unwrap_or_default();
            let detail = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            let mut error = ApiError::forbidden(kind.subject(object), &detail);
            if let Some(details) = &mut error.details {
                details["causes"] = json!([{"reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"}]);
            }
            return Err(ApiError { code: StatusCode::FORBIDDEN, ..error });
        }
    }
    if kind.is("namespaces") {
        let name = value["metadata"]["name"].clone();
        value["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        value["spec"] = json!({"finalizers": ["kubernetes"]});
        value["status"] = json!({"phase": "Active"});
    }
    if kind.is("customresourcedefinitions.apiextensions.k8s.io") {
        value["status"] = definitions::status(value, &state.now());
    }
    Ok(())
}

fn fallback(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    map.entry(key).or_insert_with(|| value.into());
}

/// Sets the fields that the server returns for a kind even when they are empty.
pub(crate) fn show_empty(kind: &Kind, value: &mut Value) {
    let is_role = kind.group == "rbac.authorization.k8s.io" && matches!(&*kind.kind, "Role" | "ClusterRole");
    if is_role && value["rules"].as_array().is_none_or(Vec::is_empty) {
        value["rules"] = Value::Null;
    }
}

/// Defaults of built-in kinds.
pub(crate) fn set_defaults(state: &State, kind: &Kind, value: &mut Value) {
    show_empty(kind, value);
    let resource = &*kind.resource;
    if resource == "secrets"
        && let Some(fields) = value.as_object_mut()
    {
        fallback(fields, "type", "Opaque");
    }
    if resource == "storageclasses.storage.k8s.io"
        && let Some(fields) = value.as_object_mut()
    {
        fallback(fields, "reclaimPolicy", "Delete");
        fallback(fields, "volumeBindingMode", "Immediate");
    }
    webhook_settings::set_defaults(kind, value);
    let identity = value.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) else { return };
    match resource {
        "pods" => {
            pod_defaults(spec);
            fallback(spec, "enableServiceLinks", true);
        }
        "deployments.apps" => {
            fallback(spec, "replicas", 1);
            fallback(spec, "revisionHistoryLimit", 10);
            fallback(spec, "progressDeadlineSeconds", 600);
            rolling(spec, "strategy", json!({"maxUnavailable": "25%", "maxSurge": "25%"}));
        }
        "statefulsets.apps" => {
            fallback(spec, "replicas", 1);
            fallback(spec, "revisionHistoryLimit", 10);
            fallback(spec, "podManagementPolicy", "OrderedReady");
            fallback(
                spec,
                "persistentVolumeClaimRetentionPolicy",
                json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
            );
            rolling(spec, "updateStrategy", json!({"partition": 0}));
        }
        "daemonsets.apps" => {
            fallback(spec, "revisionHistoryLimit", 10);
            rolling(spec, "updateStrategy", json!({"maxUnavailable": 1, "maxSurge": 0}));
        }
        "replicasets.apps" => fallback(spec, "replicas", 1),
        "jobs.batch" => {
            fallback(spec, "parallelism", 1);
            fallback(spec, "completions", 1);
            fallback(spec, "backoffLimit", 6);
            fallback(spec, "completionMode", "NonIndexed");
            fallback(spec, "suspend", false);
            fallback(spec, "manualSelector", false);
            fallback(spec, "podReplacementPolicy", "TerminatingOrFailed");
            if !spec.contains_key("selector") {
                spec.insert(
                    "selector".to_owned(),
                    json!({"matchLabels": {"batch.kubernetes.io/controller-uid": identity}}),
                );
            }
        }
        "cronjobs.batch" => {
            fallback(spec, "concurrencyPolicy", "Allow");
            fallback(spec, "suspend", false);
            fallback(spec, "successfulJobsHistoryLimit", 3);
            fallback(spec, "failedJobsHistoryLimit", 1);
            if let Some(pod) = spec
                .get_mut("jobTemplate")
                .and_then(|job| job.pointer_mut("/spec/template/spec"))
                .and_then(Value::as_object_mut)
            {
                pod_defaults(pod);
            }
        }
        "services" => service_defaults(state, spec, &identity),
        "horizontalpodautoscalers.autoscaling" => fallback(spec, "minReplicas", 1),
        "persistentvolumeclaims" => fallback(spec, "volumeMode", "Filesystem"),
        "customresourcedefinitions.apiextensions.k8s.io" => {
            fallback(spec, "conversion", json!({"strategy": "None"}));
            if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
                let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
                fallback(names, "listKind", format!("{kind}List"));
                fallback(names, "singular", kind.to_lowercase());
            }
        }
        _ => {}
    }
    if let Some(pod) =
        spec.get_mut("template").and_then(|template| template.get_mut("spec")).and_then(Value::as_object_mut)
    {
        pod_defaults(pod);
    }
    if resource == "customresourcedefinitions.apiextensions.k8s.io"
        && value.pointer("/metadata/deletionTimestamp").is_none()
    {
        let old = value["status"]["conditions"].clone();
        let mut status = definitions::status(value, &state.now());
        if old.is_array() {
            status["conditions"] = old;
        }
        value["status"] = status;
    }
}

fn rolling(spec: &mut Map<String, Value>, field: &str, default: Value) {
    let strategy = spec.entry(field).or_insert_with(|| json!({}));
    let Some(strategy) = strategy.as_object_mut() else { return };
    fallback(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
        let update = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
        if let (Some(update), Value::Object(default)) = (update.as_object_mut(), default) {
            for (key, value) in default {
                update.entry(key).or_insert(value);
            }
        }
    }
}

fn pod_defaults(pod: &mut Map<String, Value>) {
    fallback(pod, "restartPolicy", "Always");
    fallback(pod, "terminationGracePeriodSeconds", 30);
    fallback(pod, "dnsPolicy", "ClusterFirst");
    fallback(pod, "securityContext", json!({}));
    fallback(pod, "schedulerName", "default-scheduler");
    if let Some(account) = pod.get("serviceAccountName").cloned() {
        fallback(pod, "serviceAccount", account);
    }
    for list in ["containers", "initContainers"] {
        for container in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(container) = container.as_object_mut() else { continue };
            let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
            let last = image.rsplit('/').next().unwrap_or_default();
            let tag = if last.contains('@') { Some("") } else { last.split_once(':').map(|(_, tag)| tag) };
            let policy = if matches!(tag, None | Some("latest")) { "Always" } else { "IfNotPresent" };
            fallback(container, "imagePullPolicy", policy);
            fallback(container, "terminationMessagePath", "/dev/termination-log");
            fallback(container, "terminationMessagePolicy", "File");
            fallback(container, "resources", json!({}));
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(port) = port.as_object_mut() {
                    fallback(port, "protocol", "TCP");
                }
            }
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) else { continue };
                fallback(probe, "timeoutSeconds", 1);
                fallback(probe, "periodSeconds", 10);
                fallback(probe, "successThreshold", 1);
                fallback(probe, "failureThreshold", 3);
                if let Some(get) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
                    fallback(get, "path", "/");
                    fallback(get, "scheme", "HTTP");
                }
            }
            for env in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(field) = env.pointer_mut("/valueFrom/fieldRef").and_then(Value::as_object_mut) {
                    fallback(field, "apiVersion", "v1");
                }
            }
        }
    }
    for volume in pod.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source).and_then(Value::as_object_mut) {
                fallback(source, "defaultMode", 420);
            }
        }
    }
}

fn service_defaults(state: &State, spec: &mut Map<String, Value>, identity: &str) {
    fallback(spec, "type", "ClusterIP");
    fallback(spec, "sessionAffinity", "None");
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            fallback(port, "protocol", "TCP");
            let unset = |target: &Value| target.is_null() || target == 0 || target == "";
            if let Some(number) = port.get("port").cloned()
                && port.get("targetPort").is_none_or(unset)
            {
                port.insert("targetPort".to_owned(), number);
            }
        }
    }
    if spec.get("type").and_then(Value::as_str) == Some("ExternalName") {
        return;
    }
    fallback(spec, "internalTrafficPolicy", "Cluster");
    if matches!(spec.get("type").and_then(Value::as_str), Some("NodePort" | "LoadBalancer")) {
        fallback(spec, "externalTrafficPolicy", "Cluster");
    }
    if !spec.contains_key("clusterIP") {
        let taken = |address: &str| {
            let listing = state
                .store
                .list(&"services".into(), "", None, 1, |value| value["spec"]["clusterIP"] == address);
            !listing.objects.is_empty()
        };
        let mut number =
            identity.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)))
                % 0x000f_fffe;
        let address = loop {
            let [_, high, middle, low] = (number + 1).to_be_bytes();
            let address = format!("10.{}.{middle}.{low}", 96 + (high & 0x0f));
            if !taken(&address) {
                break address;
            }
            number = (number + 1) % 0x000f_fffe;
        };
        spec.insert("clusterIP".to_owned(), address.into());
    }
    if let Some(address) = spec.get("clusterIP").cloned() {
        fallback(spec, "clusterIPs", json!([address]));
    }
    fallback(spec, "ipFamilies", json!(["IPv4"]));
    fallback(spec, "ipFamilyPolicy", "SingleStack");
}

/// Checks a name.
pub(crate) fn check_metadata(kind: &Kind, value: &Value, errors: &mut Vec<FieldError>) {
    let name = &value["metadata"]["name"];
    let text = name.as_str().unwrap_or_default();
    if matches!(&*kind.group, "rbac.authorization.k8s.io") {
        return;
    }
    let fits =
        |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
    if matches!(&*kind.resource, "namespaces" | "services") {
        if !fits(&LABEL) {
            errors.push(FieldError::invalid("metadata.name", name, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"));
        }
    } else if !fits(&SUBDOMAIN) {
        errors.push(FieldError::invalid("metadata.name", name, "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
    }
}

/// Checks of built-in kinds.
pub(crate) fn check(kind: &Kind, old: Option<&Value>, value: &Value, errors: &mut Vec<FieldError>) {
    webhook_settings::check(kind, value, errors);
    let spec = &value["spec"];
    let changed = |pointer: &str| old.is_some_and(|old| old.pointer(pointer) != value.pointer(pointer));
    match &*kind.resource {
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" | "statefulsets.apps" => {
            let labels = spec.pointer("/template/metadata/labels").unwrap_or(&Value::Null);
            match spec.get("selector").filter(|selector| selector.is_object()) {
                None => errors.push(FieldError::required("spec.selector", "")),
                Some(selector) => {
                    let wanted = selector["matchLabels"].as_object();
                    if wanted.into_iter().flatten().any(|(key, value)| labels.get(key) != Some(value)) {
                        errors.push(FieldError::invalid(
                            "spec.template.metadata.labels",
                            labels,
                            "`selector` does not match template `labels`",
                        ));
                    }
                }
            }
            if changed("/spec/selector") {
                errors.push(FieldError::invalid("spec.selector", &spec["selector"], "field is immutable"));
            }
            check_containers(&spec["template"]["spec"], "spec.template.spec", errors);
        }
        "jobs.batch" => {
            check_containers(&spec["template"]["spec"], "spec.template.spec", errors);
            if changed("/spec/template") {
                errors.push(FieldError::invalid("spec.template", &spec["template"], "field is immutable"));
            }
        }
        "pods" => check_containers(spec, "spec", errors),
        "configmaps" | "secrets" => {
            let frozen = old.is_some_and(|old| old["immutable"] == true);
            if frozen && value["immutable"] != true {
                errors.push(FieldError::forbidden("immutable", "field is immutable when `immutable` is set"));
            }
            if frozen && changed("/data") {
                errors.push(FieldError::forbidden("data", "field is immutable when `immutable` is set"));
            }
            if kind.is("secrets") && changed("/type") {
                errors.push(FieldError::invalid("type", &value["type"], "field is immutable"));
            }
        }
        "services" => {
            let plain = spec["type"] != "ExternalName" && spec["clusterIP"] != "None";
            if plain && spec["ports"].as_array().is_none_or(Vec::is_empty) {
                errors.push(FieldError::required("spec.ports", ""));
            }
            if changed("/spec/clusterIP") && old.is_some_and(|old| old["spec"]["type"] == spec["type"]) {
                let addresses = &spec["clusterIPs"];
                errors.push(FieldError::invalid("spec.clusterIPs[0]", addresses, "may not change once set"));
            }
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io"
            if changed("/roleRef") =>
        {
            errors.push(FieldError::invalid("roleRef", &value["roleRef"], "cannot change roleRef"));
        }
        "customresourcedefinitions.apiextensions.k8s.io" => {
            let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let name = format!("{}.{}", text("/names/plural"), text("/group"));
            if value["metadata"]["name"] != name.as_str() {
                errors.push(FieldError::invalid(
                    "metadata.name",
                    &value["metadata"]["name"],
                    "must be spec.names.plural+\".\"+spec.group",
                ));
            }
            let stored = value.pointer("/status/storedVersions").and_then(Value::as_array);
            for (index, version) in stored.into_iter().flatten().enumerate() {
                let versions = spec["versions"].as_array().into_iter().flatten();
                if versions.into_iter().any(|one| one["name"] == *version) {
                    continue;
                }
                let name = version.as_str().unwrap_or_default();
                errors.push(FieldError::invalid(
                    format!("status.storedVersions[{index}]"),
                    version,
                    &format!("missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"),
                ));
            }
        }
        _ => {}
    }
}

fn check_containers(pod: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let containers = pod["containers"].as_array().map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    for (index, container) in containers.iter().enumerate() {
        if errors.len() >= MOST_ERRORS {
            return;
        }
        for field in ["name", "image"] {
            if container[field].as_str().is_none_or(str::is_empty) {
                errors.push(FieldError::required(format!("{path}.containers[{index}].{field}"), ""));
            }
        }
    }
}
