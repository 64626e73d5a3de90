//! The rules for Kubernetes' own kinds.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Conditions, Outcome, UnreadableStatus, integer};
use crate::object;

/// How long a pod may wait to be scheduled.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// The deadline that stands for none.
const NO_DEADLINE: i64 = i32::MAX as i64;

/// The status of an object of a built-in kind; nothing for other kinds.
pub(super) fn compute(
    object: &Value,
    conditions: &Conditions<'_>,
    now: Timestamp,
) -> Result<Option<Outcome>, UnreadableStatus> {
    let outcome = match (object::group(object), object::kind(object)) {
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => Outcome::current("Resource is always ready"),
        ("", "Service") => service(object),
        ("", "Pod") => pod(object, conditions, now)?,
        ("", "PersistentVolumeClaim") => volume_claim(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object)?,
        ("apps" | "extensions", "Deployment") => deployment(object, conditions),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object, conditions),
        ("policy", "PodDisruptionBudget") => Outcome::current("AllowedDisruptions has been computed."),
        ("batch", "Job") => job(object, conditions),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(conditions),
        _ => return Ok(None),
    };
    Ok(Some(outcome))
}

/// A number, or what stands for it where there is none.
fn number(object: &Value, path: &[&str], default: i64) -> i64 {
    object::at(object, path).and_then(Value::as_i64).unwrap_or(default)
}

/// A number of the status.
fn counted(object: &Value, field: &str) -> i64 {
    number(object, &["status", field], 0)
}

/// The wanted replicas, which are one unless said otherwise.
fn wanted_replicas(object: &Value) -> i64 {
    number(object, &["spec", "replicas"], 1)
}

/// In progress as long as there are fewer than wanted.
fn at_least(reason: &str, what: &str, have: i64, want: i64) -> Option<Outcome> {
    (want > have).then(|| Outcome::in_progress(reason, format!("{what}: {have}/{want}")))
}

/// In progress as long as there are more than wanted.
fn at_most(have: i64, want: i64) -> Option<Outcome> {
    (have > want).then(|| {
        Outcome::in_progress("ExtraPods", format!("Pending termination: {}", have.saturating_sub(want)))
    })
}

fn service(object: &Value) -> Outcome {
    let spec = |field| object::text(object, &["spec", field]);
    if spec("type") == "LoadBalancer" && spec("clusterIP").is_empty() {
        return Outcome::in_progress("NoIPAssigned", "ClusterIP not set. Service type: LoadBalancer");
    }
    Outcome::current("Service is ready")
}

fn volume_claim(object: &Value) -> Outcome {
    match object::at(object, &["status", "phase"]).and_then(Value::as_str).unwrap_or("unknown") {
        "Bound" => Outcome::current("PVC is Bound"),
        phase => Outcome::in_progress("NotBound", format!("PVC is not Bound. phase: {phase}")),
    }
}

fn stateful_set(object: &Value) -> Outcome {
    if object::text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Outcome::current("StatefulSet is using the ondelete update strategy");
    }
    let want = wanted_replicas(object);
    let (have, updated) = (counted(object, "replicas"), counted(object, "updatedReplicas"));
    let missing = at_least("LessReplicas", "Replicas", have, want)
        .or_else(|| at_least("LessReady", "Ready", counted(object, "readyReplicas"), want))
        .or_else(|| at_most(have, want));
    if let Some(outcome) = missing {
        return outcome;
    }
    let partition = number(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], -1);
    if partition != -1 {
        return at_least("PartitionRollout", "updated", updated, want.saturating_sub(partition))
            .unwrap_or_else(|| Outcome::current(format!("Partition rollout complete. updated: {updated}")));
    }
    if let Some(outcome) = at_least("LessCurrent", "current", counted(object, "currentReplicas"), want) {
        return outcome;
    }
    let revision = |field| object::text(object, &["status", field]);
    if revision("currentRevision") != revision("updateRevision") {
        return Outcome::in_progress("RevisionMismatch", "Waiting for updated revision to match current");
    }
    Outcome::current(format!("All replicas scheduled as expected. Replicas: {have}"))
}

fn deployment(object: &Value, conditions: &Conditions<'_>) -> Outcome {
    // Without a deadline the controller sets no condition of this name.
    let mut has_progressed = number(object, &["spec", "progressDeadlineSeconds"], NO_DEADLINE) == NO_DEADLINE;
    let mut is_available = false;
    for condition in conditions.iter() {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                let mut outcome = Outcome::failed(condition.reason, condition.message);
                outcome.message = "Progress deadline exceeded".to_owned();
                return outcome;
            }
            "Progressing" if condition.status == "True" && condition.reason == "NewReplicaSetAvailable" => {
                has_progressed = true;
            }
            "Available" if condition.status == "True" => is_available = true,
            _ => {}
        }
    }
    let want = wanted_replicas(object);
    let (have, updated) = (counted(object, "replicas"), counted(object, "updatedReplicas"));
    let missing = at_least("LessReplicas", "Replicas", have, want)
        .or_else(|| at_least("LessUpdated", "Updated", updated, want))
        .or_else(|| at_most(have, want))
        .or_else(|| at_least("LessAvailable", "Available", counted(object, "availableReplicas"), updated))
        .or_else(|| at_least("LessReady", "Ready", counted(object, "readyReplicas"), want));
    if let Some(outcome) = missing {
        outcome
    } else if !has_progressed {
        Outcome::in_progress("ReplicaSetNotAvailable", "ReplicaSet not Available")
    } else if !is_available {
        Outcome::in_progress("DeploymentNotAvailable", "Deployment not Available")
    } else {
        Outcome::current(format!("Deployment is available. Replicas: {have}"))
    }
}

fn replica_set(object: &Value, conditions: &Conditions<'_>) -> Outcome {
    if conditions.find("ReplicaFailure", "True").is_some() {
        return Outcome::in_progress("ReplicaFailure", "Replica Failure condition. Check Pods");
    }
    let want = wanted_replicas(object);
    let have = counted(object, "replicas");
    at_least("LessLabelled", "Labelled", counted(object, "fullyLabeledReplicas"), want)
        .or_else(|| at_least("LessAvailable", "Available", counted(object, "availableReplicas"), want))
        .or_else(|| at_least("LessReady", "Ready", counted(object, "readyReplicas"), want))
        .or_else(|| at_most(have, want))
        .unwrap_or_else(|| Outcome::current(format!("ReplicaSet is available. Replicas: {have}")))
}

fn daemon_set(object: &Value) -> Result<Outcome, UnreadableStatus> {
    // The controller always sets the generation it has seen.
    for (path, reason) in [
        (["metadata", "generation"], "NoGeneration"),
        (["status", "observedGeneration"], "NoObservedGeneration"),
    ] {
        if integer(object, &path)?.is_none() {
            let message = format!("{} {} not found", object::kind(object), path.join("."));
            return Ok(Outcome::in_progress(reason, message));
        }
    }
    let want = number(object, &["status", "desiredNumberScheduled"], -1);
    if want == -1 {
        return Ok(Outcome::in_progress("NoDesiredNumber", "Missing .status.desiredNumberScheduled"));
    }
    let missing = [
        ("LessCurrent", "Current", "currentNumberScheduled"),
        ("LessUpdated", "Updated", "updatedNumberScheduled"),
        ("LessAvailable", "Available", "numberAvailable"),
        ("LessReady", "Ready", "numberReady"),
    ]
    .into_iter()
    .find_map(|(reason, what, field)| at_least(reason, what, counted(object, field), want));
    Ok(missing
        .unwrap_or_else(|| Outcome::current(format!("All replicas scheduled as expected. Replicas: {want}"))))
}

fn pod(object: &Value, conditions: &Conditions<'_>, now: Timestamp) -> Result<Outcome, UnreadableStatus> {
    Ok(match object::text(object, &["status", "phase"]) {
        "Succeeded" => Outcome::current("Pod has completed successfully"),
        "Failed" => Outcome::current("Pod has completed, but not successfully"),
        "Running" if conditions.find("Ready", "True").is_some() => Outcome::current("Pod is Ready"),
        "Running" => {
            let crashing = crashing_containers(object);
            if crashing.is_empty() {
                Outcome::in_progress("PodRunningNotReady", "Pod is running but is not Ready")
            } else {
                let message = format!("Containers in CrashLoop state: {}", crashing.join(","));
                Outcome::failed("ContainerCrashLooping", message)
            }
        }
        "Pending" => {
            let scheduled = conditions.find("PodScheduled", "False");
            if scheduled.is_none_or(|condition| condition.reason != "Unschedulable") {
                Outcome::in_progress("PodPending", "Pod is in the Pending phase")
            } else if is_young(object, now) {
                Outcome::in_progress("PodNotScheduled", "Pod has not been scheduled")
            } else {
                Outcome::failed("PodUnschedulable", "Pod could not be scheduled")
            }
        }
        "" => Outcome::in_progress("PodNotObserved", "Pod phase not available"),
        phase => return Err(UnreadableStatus(format!("unknown phase {phase}"))),
    })
}

fn is_young(object: &Value, now: Timestamp) -> bool {
    object::text(object, &["metadata", "creationTimestamp"])
        .parse::<Timestamp>()
        .is_ok_and(|created| now.duration_since(created) < SCHEDULE_WINDOW)
}

fn crashing_containers(object: &Value) -> Vec<&str> {
    let containers = object::at(object, &["status", "containerStatuses"]).and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter(|container| object::text(container, &["state", "waiting", "reason"]) == "CrashLoopBackOff")
        .filter_map(|container| container.get("name").and_then(Value::as_str))
        .collect()
}

fn job(object: &Value, conditions: &Conditions<'_>) -> Outcome {
    let parallelism = number(object, &["spec", "parallelism"], 1);
    let completions = number(object, &["spec", "completions"], parallelism);
    let [succeeded, active, failed] = ["succeeded", "active", "failed"].map(|field| counted(object, field));
    for condition in conditions.iter().filter(|condition| condition.status == "True") {
        match condition.kind {
            "Complete" => {
                return Outcome::current(format!("Job Completed. succeeded: {succeeded}/{completions}"));
            }
            "Failed" => {
                return Outcome::failed("JobFailed", format!("Job Failed. failed: {failed}/{completions}"));
            }
            _ => {}
        }
    }
    if object::text(object, &["status", "startTime"]).is_empty() {
        return Outcome::in_progress("JobNotStarted", "Job not started");
    }
    // A job that runs is current; who wants it complete waits for the condition.
    Outcome::current(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}"))
}

fn definition(conditions: &Conditions<'_>) -> Outcome {
    for condition in conditions.iter() {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return Outcome::failed(condition.reason, condition.message),
            ("Established", "False") if condition.reason != "Installing" => {
                return Outcome::failed(condition.reason, condition.message);
            }
            ("Established", "True") => return Outcome::current("CRD is established"),
            _ => {}
        }
    }
    Outcome::in_progress("Installing", "Install in progress")
}
