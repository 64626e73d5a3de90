//! Simulated workloads: they become ready at once, or fail when an image's tag is `broken`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::edit::{change, create};
use crate::state::{State, seconds};
use crate::storage::{Change, Name, Notice};

/// Reacts to a new or changed workload.
pub(crate) fn react(state: &Arc<State>, notice: &Notice) {
    let value = &notice.event.object.value;
    let seen = value["status"]["observedGeneration"] == value["metadata"]["generation"];
    match &*notice.resource {
        "deployments.apps" if !seen => deployment(state, notice),
        "statefulsets.apps" | "replicasets.apps" if !seen => replicated(state, notice),
        "daemonsets.apps" if !seen => daemon_set(state, notice),
        "jobs.batch" if notice.event.change == Change::Added => job(state, notice),
        "pods" if notice.event.change == Change::Added => pod(state, notice),
        "persistentvolumeclaims" if notice.event.change == Change::Added => {
            set_status(
                state,
                notice,
                &|value| json!({"phase": "Bound", "accessModes": value["spec"]["accessModes"], "capacity": value["spec"]["resources"]["requests"]}),
            );
        }
        _ => {}
    }
}

/// Whether any container's image cannot be pulled.
fn is_broken(pod: &Value) -> bool {
    let lists = ["containers", "initContainers"];
    lists
        .iter()
        .filter_map(|list| pod[*list].as_array())
        .flatten()
        .any(|container| container["image"].as_str().is_some_and(|image| image.ends_with(":broken")))
}

fn set_status(state: &State, notice: &Notice, status: &dyn Fn(&Value) -> Value) {
    change(state, &notice.resource, &notice.name, |value| {
        let fresh = status(value);
        value["status"] = fresh;
    });
}

fn condition(of: &str, status: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({"type": of, "status": status, "reason": reason, "message": message, "lastTransitionTime": now, "lastUpdateTime": now})
}

fn count(value: &Value) -> i64 {
    value["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// A hash of a pod template, as names carry it.
fn template_hash(template: &Value) -> String {
    let text = template.to_string();
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

fn deployment(state: &Arc<State>, notice: &Notice) {
    let value = &notice.event.object.value;
    let broken = is_broken(&value["spec"]["template"]["spec"]);
    let replicas = count(value);
    let set = format!("{}-{}", notice.name.name, template_hash(&value["spec"]["template"]));
    replace_pods(state, notice, &set, replicas);
    let now = state.now();
    let status = |value: &Value| {
        let old = value["status"]["availableReplicas"].as_i64().unwrap_or(0);
        let generation = &value["metadata"]["generation"];
        if broken {
            let message = format!("ReplicaSet \"{set}\" is progressing.");
            let available = if old > 0 {
                condition(
                    "Available",
                    "True",
                    "MinimumReplicasAvailable",
                    "Deployment has minimum availability.",
                    &now,
                )
            } else {
                condition(
                    "Available",
                    "False",
                    "MinimumReplicasUnavailable",
                    "Deployment does not have minimum availability.",
                    &now,
                )
            };
            return json!({
                "observedGeneration": generation, "replicas": replicas + i64::from(old > 0), "updatedReplicas": 1.min(replicas),
                "readyReplicas": old, "availableReplicas": old, "unavailableReplicas": 1.min(replicas),
                "conditions": [available, condition("Progressing", "True", "ReplicaSetUpdated", &message, &now)],
            });
        }
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        let conditions = json!([
            condition(
                "Available",
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
                &now
            ),
            condition("Progressing", "True", "NewReplicaSetAvailable", &message, &now),
        ]);
        json!({
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
            "availableReplicas": replicas, "conditions": conditions,
        })
    };
    set_status(state, notice, &status);
    if broken {
        let deadline = value["spec"]["progressDeadlineSeconds"].as_i64().unwrap_or(600);
        watch_deadline(state.clone(), notice.clone(), set, deadline);
    }
}

/// Gives up on a deployment that is still at the same generation after its deadline.
fn watch_deadline(state: Arc<State>, notice: Notice, set: String, deadline: i64) {
    let end: Timestamp = state.clock.now() + SignedDuration::from_secs(deadline);
    let mut stop = state.stop.subscribe();
    tokio::spawn(async move {
        while state.clock.now() < end {
            tokio::select! {
                () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
        let generation = notice.event.object.value["metadata"]["generation"].clone();
        let (uid, now) = (notice.event.object.value["metadata"]["uid"].clone(), seconds(state.clock.now()));
        change(&state, &notice.resource, &notice.name, |value| {
            if value["metadata"]["generation"] != generation || value["metadata"]["uid"] != uid {
                return;
            }
            let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
            for entry in value["status"]["conditions"].as_array_mut().into_iter().flatten() {
                if entry["type"] == "Progressing" {
                    *entry = condition("Progressing", "False", "ProgressDeadlineExceeded", &message, &now);
                }
            }
        });
    });
}

fn replicated(state: &Arc<State>, notice: &Notice) {
    let value = &notice.event.object.value;
    let ready = if is_broken(&value["spec"]["template"]["spec"]) { 0 } else { count(value) };
    let revision = format!("{}-{}", notice.name.name, template_hash(&value["spec"]["template"]));
    replace_pods(state, notice, &notice.name.name, count(value));
    let stateful = &*notice.resource == "statefulsets.apps";
    set_status(state, notice, &|value| {
        let mut status = json!({"observedGeneration": value["metadata"]["generation"], "replicas": count(value), "readyReplicas": ready, "availableReplicas": ready});
        if stateful {
            status["currentReplicas"] = count(value).into();
            status["updatedReplicas"] = count(value).into();
            status["currentRevision"] = revision.clone().into();
            status["updateRevision"] = revision.clone().into();
            status["collisionCount"] = 0.into();
        } else {
            status["fullyLabeledReplicas"] = count(value).into();
        }
        status
    });
}

fn daemon_set(state: &Arc<State>, notice: &Notice) {
    let broken = is_broken(&notice.event.object.value["spec"]["template"]["spec"]);
    let ready = i64::from(!broken);
    replace_pods(state, notice, &notice.name.name, 1);
    set_status(
        state,
        notice,
        &|value| json!({"observedGeneration": value["metadata"]["generation"], "desiredNumberScheduled": 1, "currentNumberScheduled": 1, "updatedNumberScheduled": 1, "numberMisscheduled": 0, "numberReady": ready, "numberAvailable": ready, "numberUnavailable": 1 - ready}),
    );
}

fn job(state: &Arc<State>, notice: &Notice) {
    let value = &notice.event.object.value;
    if value["spec"]["suspend"] == true {
        return;
    }
    replace_pods(state, notice, &notice.name.name, 1);
    let broken = is_broken(&value["spec"]["template"]["spec"]);
    let now = state.now();
    set_status(state, notice, &|value| {
        if broken {
            return json!({"active": 1, "ready": 0, "startTime": now});
        }
        let done = |of: &str| json!({"type": of, "status": "True", "reason": "CompletionsReached", "message": "Reached expected number of succeeded pods", "lastProbeTime": now, "lastTransitionTime": now});
        json!({"startTime": now, "completionTime": now, "succeeded": value["spec"]["completions"], "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}, "conditions": [done("SuccessCriteriaMet"), done("Complete")]})
    });
}

/// Makes the pods of a workload, and takes those of an earlier template away.
fn replace_pods(state: &State, notice: &Notice, prefix: &str, replicas: i64) {
    let owner = &notice.event.object.value;
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    let template = &owner["spec"]["template"];
    let ordered = &*notice.resource == "statefulsets.apps";
    let hash = template_hash(template);
    let names: Vec<String> = (0..replicas.min(100))
        .map(|index| {
            if ordered {
                format!("{prefix}-{index}")
            } else {
                format!("{prefix}-{}", pod_suffix(uid, &hash, index))
            }
        })
        .collect();
    for (resource, name) in state.store.dependents(uid) {
        if &*resource == "pods"
            && let Some(object) = state.store.get(&resource, &name)
            && (!names.contains(&name.name)
                || (ordered
                    && object.value["metadata"]["annotations"]["embedded-cluster/template"] != hash.as_str()))
        {
            // A pod that changed in between is looked at with the next change of its owner.
            let _ =
                state.store.commit(&resource, &name, crate::storage::Expect::Revision(object.revision), None);
        }
    }
    for name in names {
        let mut metadata = template["metadata"].clone();
        if !metadata.is_object() {
            metadata = json!({});
        }
        metadata["name"] = name.into();
        if ordered {
            metadata["annotations"]["embedded-cluster/template"] = hash.clone().into();
        }
        metadata["ownerReferences"] = json!([{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": notice.name.name, "uid": uid, "controller": true, "blockOwnerDeletion": true}]);
        create(
            state,
            "pods",
            &notice.name.namespace,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}),
        );
    }
}

fn pod_suffix(uid: &str, hash: &str, index: i64) -> String {
    template_hash(&json!([uid, hash, index])).chars().take(5).collect()
}

fn pod(state: &Arc<State>, notice: &Notice) {
    let now = state.now();
    let finished = notice.event.object.value["metadata"]["ownerReferences"][0]["kind"] == "Job";
    let Name { .. } = &notice.name;
    change(state, &notice.resource, &notice.name, |value| {
        let broken = is_broken(&value["spec"]);
        let phase = if broken {
            "Pending"
        } else if finished {
            "Succeeded"
        } else {
            "Running"
        };
        let ready = !broken && !finished;
        let containers = value["spec"]["containers"].as_array().cloned().unwrap_or_default();
        let containers: Vec<Value> = containers
            .iter()
            .map(|container| {
                let image = container["image"].as_str().unwrap_or_default();
                let of = if broken && image.ends_with(":broken") {
                    json!({"waiting": {"reason": "ImagePullBackOff", "message": format!("Back-off pulling image {image:?}")}})
                } else if finished {
                    json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}})
                } else {
                    json!({"running": {"startedAt": now}})
                };
                json!({"name": container["name"], "image": image, "imageID": "", "ready": ready, "restartCount": 0, "lastState": {}, "state": of})
            })
            .collect();
        let truth = |ready: bool| if ready { "True" } else { "False" };
        let conditions: Vec<Value> = [("Initialized", true), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", true)]
            .iter()
            .map(|(of, ready)| json!({"type": of, "status": truth(*ready), "lastProbeTime": null, "lastTransitionTime": now}))
            .collect();
        value["status"] = json!({"phase": phase, "conditions": conditions, "containerStatuses": containers, "startTime": now, "podIP": "10.200.0.2", "hostIP": "10.201.0.1", "qosClass": "BestEffort"});
        value["spec"]["nodeName"] = "embedded".into();
    });
}
