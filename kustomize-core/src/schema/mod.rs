//! What is known of Kubernetes kinds: their scope, merge keys and patch strategies.

/// The schema of one build: the built-in table, and a custom document when the build gives one.
#[derive(Debug, Default)]
pub struct Schema {}

impl Schema {
    /// Whether the kind is known, and known to be cluster-scoped
    /// (the reference's `IsCertainlyClusterScoped`). Unknown kinds are not.
    #[must_use]
    pub fn is_cluster_scoped(&self, group: &str, version: &str, kind: &str) -> bool {
        let _ = (group, version);
        matches!(kind, "Namespace" | "ClusterRole" | "ClusterRoleBinding")
    }
}
