//! The roles that every cluster has.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles>.

use serde_json::{Value, json};

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

/// Objects in namespaces that `edit` may write and `view` may read: an API group, and its resources.
const EDITABLE: [(&str, &[&str]); 8] = [
    ("", &["configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "replicationcontrollers"]),
    ("", &["replicationcontrollers/scale", "serviceaccounts", "services"]),
    ("apps", &["daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale"]),
    ("apps", &["statefulsets", "statefulsets/scale"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
];

/// Objects that `view` may read, and `edit` not write.
const VISIBLE: [(&str, &[&str]); 7] = [
    ("", &["bindings", "limitranges", "namespaces", "namespaces/status", "resourcequotas"]),
    ("", &["persistentvolumeclaims/status", "pods/log", "pods/status", "resourcequotas/status"]),
    ("", &["services/status"]),
    ("apps", &["controllerrevisions", "daemonsets/status", "deployments/status", "replicasets/status"]),
    ("apps", &["statefulsets/status"]),
    ("batch", &["cronjobs/status", "jobs/status"]),
    ("discovery.k8s.io", &["endpointslices"]),
];

/// The ClusterRoles `cluster-admin`, `admin`, `edit` and `view`.
pub(crate) fn cluster_roles() -> [Value; 4] {
    let view: Vec<Value> = EDITABLE.iter().chain(&VISIBLE).map(|rule| rule_of(rule, &READ)).collect();
    let mut edit = view.clone();
    edit.extend(EDITABLE.iter().map(|rule| rule_of(rule, &WRITE)));
    let all = [&READ[..], &WRITE].concat();
    edit.push(rule_of(&("", &["secrets"]), &all));
    edit.push(rule_of(&("coordination.k8s.io", &["leases"]), &all));
    edit.push(rule_of(&("", &["pods/eviction", "serviceaccounts/token"]), &["create"]));
    edit.push(rule_of(&("", &["serviceaccounts"]), &["impersonate"]));
    let mut admin = edit.clone();
    admin.push(rule_of(&("rbac.authorization.k8s.io", &["rolebindings", "roles"]), &all));
    admin.push(rule_of(&("authorization.k8s.io", &["localsubjectaccessreviews"]), &["create"]));
    let every = vec![rule_of(&("*", &["*"]), &["*"]), json!({"nonResourceURLs": ["*"], "verbs": ["*"]})];
    [("cluster-admin", every), ("admin", admin), ("edit", edit), ("view", view)].map(|(name, rules)| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": rules,
        })
    })
}

fn rule_of((group, resources): &(&str, &[&str]), verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}
