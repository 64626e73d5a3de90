//! What became of the Kustomizations.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Outcome;
use crate::cluster::Cluster;

/// The state of one Kustomization.
pub(crate) struct State {
    pub(crate) is_ready: bool,
    /// The reason and the message of the condition Ready.
    said: String,
    /// The ids of the objects that it has applied.
    objects: Vec<String>,
}

/// All Kustomizations, by namespace and name.
pub(crate) struct Report(pub(crate) BTreeMap<String, State>);

impl Report {
    /// What the cluster says now.
    pub(crate) async fn take(cluster: &Cluster, revision: &str) -> Outcome<Self> {
        let mut states = BTreeMap::new();
        for object in cluster.items("/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations").await? {
            let (metadata, status) = (&object["metadata"], &object["status"]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let conditions = status["conditions"].as_array();
            let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
            let ready = ready.cloned().unwrap_or_default();
            let entries = status["inventory"]["entries"].as_array();
            let is_of_copy = object["spec"]["sourceRef"]["kind"] != "GitRepository"
                || object["spec"]["sourceRef"]["name"] != "flux-system"
                || status["lastAppliedRevision"] == *revision;
            let state = State {
                is_ready: ready["status"] == "True"
                    && status["observedGeneration"] == metadata["generation"]
                    && is_of_copy,
                said: format!("{}: {}", text(&ready["reason"]), text(&ready["message"])),
                objects: entries.into_iter().flatten().map(|entry| text(&entry["id"])).collect(),
            };
            states.insert(format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"])), state);
        }
        Ok(Report(states))
    }

    /// How many are ready.
    pub(crate) fn ready(&self) -> usize {
        self.0.values().filter(|state| state.is_ready).count()
    }

    /// How many objects are applied.
    pub(crate) fn objects(&self) -> usize {
        self.0.values().map(|state| state.objects.len()).sum()
    }

    /// Whether all are ready, and there are any.
    pub(crate) fn is_done(&self) -> bool {
        !self.0.is_empty() && self.ready() == self.0.len()
    }

    /// Prints a line for each.
    pub(crate) fn print(&self) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, state) in &self.0 {
            match state.is_ready {
                true => println!("READY   {name} ({} objects)", state.objects.len()),
                false => println!("FAILED  {name} ({} objects): {}", state.objects.len(), state.said),
            }
            for id in &state.objects {
                *kinds.entry(id.rsplit('_').next().unwrap_or_default()).or_default() += 1;
            }
        }
        let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        println!("objects by kind: {}", kinds.join(", "));
    }
}
