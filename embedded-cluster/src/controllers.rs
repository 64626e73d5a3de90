//! The controllers of a cluster: basics, namespaces, owners, workloads.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::delete::{FOREGROUND, ORPHAN, Options, remove};
use crate::edit::{change, create};
use crate::roles;
use crate::state::State;
use crate::storage::{Change, Expect, Name, Notice};
use crate::workloads;

/// Creates what every cluster has.
pub(crate) fn create_basics(state: &State) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        create(state, "namespaces", "", namespace);
    }
    for role in roles::cluster_roles() {
        create(state, "clusterroles.rbac.authorization.k8s.io", "", role);
    }
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "cluster-admin"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}]});
    create(state, "clusterrolebindings.rbac.authorization.k8s.io", "", binding);
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "embedded", "labels": {"kubernetes.io/hostname": "embedded", "kubernetes.io/os": "linux"}}, "spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": state.now(), "lastTransitionTime": state.now()}]}});
    create(state, "nodes", "", node);
}

/// Runs all controllers until the cluster ends.
pub(crate) async fn run(state: Arc<State>, mut heard: mpsc::UnboundedReceiver<Notice>) {
    let mut stop = state.stop.subscribe();
    loop {
        let notice = tokio::select! {
            notice = heard.recv() => notice,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Some(notice) = notice else { return };
        react(&state, &notice).await;
    }
}

async fn react(state: &Arc<State>, notice: &Notice) {
    let value = &notice.event.object.value;
    let deleting = value["metadata"].get("deletionTimestamp").is_some();
    if &*notice.resource == "namespaces" && notice.event.change == Change::Added {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        create(state, "serviceaccounts", &notice.name.name, account);
        let roots = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}});
        create(state, "configmaps", &notice.name.name, roots);
    }
    if &*notice.resource == "namespaces" && deleting && notice.event.change != Change::Deleted {
        end_namespace(state, &notice.name.name).await;
    }
    if notice.event.change == Change::Deleted {
        collect(state, value, None).await;
        let namespace = Name { namespace: String::new(), name: notice.name.namespace.clone() };
        if !namespace.name.is_empty()
            && state
                .store
                .get(&"namespaces".into(), &namespace)
                .is_some_and(|found| found.value["metadata"].get("deletionTimestamp").is_some())
        {
            end_namespace(state, &namespace.name).await;
        }
        release_foreground(state, value);
        return;
    }
    if deleting {
        for (finalizer, policy) in [(FOREGROUND, Some("Foreground")), (ORPHAN, None)] {
            let held = value["metadata"]["finalizers"]
                .as_array()
                .is_some_and(|list| list.iter().any(|held| held == finalizer));
            if held && policy.is_some() {
                collect(state, value, policy).await;
                if blocking(state, value) == 0 {
                    drop_finalizer(state, &notice.resource, &notice.name, finalizer);
                }
            } else if held {
                orphan(state, value);
                drop_finalizer(state, &notice.resource, &notice.name, finalizer);
            }
        }
        return;
    }
    if notice.event.change == Change::Added && absent_owners(state, value) {
        delete_name(state, &notice.resource, &notice.name, None).await;
        return;
    }
    workloads::react(state, notice);
}

async fn delete_name(state: &Arc<State>, resource: &Arc<str>, name: &Name, propagation: Option<&str>) {
    let registry = state.registry();
    let Some(kind) = registry.of_resource(resource) else { return };
    let options = Options { propagation: propagation.map(str::to_owned), ..Options::default() };
    // It may be gone already.
    let _ = remove(state, kind, name, &options).await;
}

/// Deletes what is in a namespace, then the namespace.
async fn end_namespace(state: &Arc<State>, namespace: &str) {
    for (resource, name) in state.store.names_in(namespace) {
        delete_name(state, &resource, &name, None).await;
    }
    if state.store.names_in(namespace).is_empty() {
        let (resource, name) =
            ("namespaces".into(), Name { namespace: String::new(), name: namespace.to_owned() });
        change(state, &resource, &name, |value| value["spec"]["finalizers"] = json!([]));
        delete_name(state, &resource, &name, None).await;
    }
}

fn uid(value: &Value) -> &str {
    value["metadata"]["uid"].as_str().unwrap_or_default()
}

fn owners(value: &Value) -> &[Value] {
    value["metadata"]["ownerReferences"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether an object has owners of which none exists.
fn absent_owners(state: &State, value: &Value) -> bool {
    let owners = owners(value);
    !owners.is_empty()
        && owners.iter().all(|owner| state.store.find(owner["uid"].as_str().unwrap_or_default()).is_none())
}

/// Deletes the dependents of an owner that have no other owner left.
async fn collect(state: &Arc<State>, owner: &Value, propagation: Option<&str>) {
    for (resource, name) in state.store.dependents(uid(owner)) {
        let Some(object) = state.store.get(&resource, &name) else { continue };
        let others = owners(&object.value).iter().filter_map(|other| other["uid"].as_str());
        let kept = others.filter(|other| *other != uid(owner)).any(|other| state.store.find(other).is_some());
        if !kept && object.value["metadata"].get("deletionTimestamp").is_none() {
            delete_name(state, &resource, &name, propagation).await;
        }
    }
}

/// How many dependents keep an owner that is deleted in the foreground.
fn blocking(state: &State, owner: &Value) -> usize {
    let blocks = |(resource, name): &(Arc<str>, Name)| {
        state.store.get(resource, name).is_some_and(|object| {
            owners(&object.value)
                .iter()
                .any(|entry| entry["uid"] == uid(owner) && entry["blockOwnerDeletion"] == true)
        })
    };
    state.store.dependents(uid(owner)).iter().filter(|dependent| blocks(dependent)).count()
}

fn release_foreground(state: &State, gone: &Value) {
    for entry in owners(gone) {
        let Some((resource, name)) = state.store.find(entry["uid"].as_str().unwrap_or_default()) else {
            continue;
        };
        let Some(owner) = state.store.get(&resource, &name) else { continue };
        if owner.value["metadata"].get("deletionTimestamp").is_some() && blocking(state, &owner.value) == 0 {
            drop_finalizer(state, &resource, &name, FOREGROUND);
        }
    }
}

fn orphan(state: &State, owner: &Value) {
    for (resource, name) in state.store.dependents(uid(owner)) {
        change(state, &resource, &name, |value| {
            if let Some(list) = value.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
                list.retain(|entry| entry["uid"] != uid(owner));
                if list.is_empty()
                    && let Some(metadata) = value["metadata"].as_object_mut()
                {
                    metadata.shift_remove("ownerReferences");
                }
            }
        });
    }
}

fn drop_finalizer(state: &State, resource: &Arc<str>, name: &Name, finalizer: &str) {
    change(state, resource, name, |value| {
        if let Some(list) = value.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) {
            list.retain(|held| held != finalizer);
            if list.is_empty()
                && let Some(metadata) = value["metadata"].as_object_mut()
            {
                metadata.shift_remove("finalizers");
            }
        }
    });
    if let Some(object) = state.store.get(resource, name)
        && object.value["metadata"].get("deletionTimestamp").is_some()
        && crate::delete::is_free(&object.value)
    {
        // Whoever wrote in between is heard of next.
        let _ = state.store.commit(resource, name, Expect::Revision(object.revision), None);
    }
}
