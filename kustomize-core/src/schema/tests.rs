use super::*;

fn keys<'s>(schema: &'s Schema, api_version: &str, kind: &str, path: &[&str]) -> Option<Vec<&'s str>> {
    let mut shape = schema.root(api_version, kind)?;
    for part in path {
        shape = if *part == "[]" { shape.elements()? } else { shape.field(part)? };
    }
    shape.merge_keys().map(Cow::into_owned)
}

#[test]
fn built_in_lists_know_their_merge_keys() {
    let schema = Schema::default();
    let deployment = |path: &[&str]| keys(&schema, "apps/v1", "Deployment", path);
    let pod = ["spec", "template", "spec"];
    let in_pod = |rest: &[&str]| deployment(&[&pod, rest].concat());
    assert_eq!(in_pod(&["containers"]), Some(vec!["name"]));
    assert_eq!(in_pod(&["containers", "[]", "ports"]), Some(vec!["containerPort", "protocol"]));
    assert_eq!(in_pod(&["containers", "[]", "args"]), None);
    assert_eq!(in_pod(&["tolerations"]), None);
    assert_eq!(in_pod(&["volumes"]), Some(vec!["name"]));
    assert_eq!(in_pod(&["topologySpreadConstraints"]), Some(vec!["topologyKey", "whenUnsatisfiable"]));
    assert_eq!(deployment(&["metadata", "finalizers"]), Some(vec![]));
    assert_eq!(keys(&schema, "v1", "Service", &["spec", "ports"]), Some(vec!["port", "protocol"]));
    assert_eq!(keys(&schema, "v1", "Deployment", &["spec"]), None);
    assert!(schema.root("apps/v1beta1", "Deployment").is_none());
}

#[test]
fn scopes_need_the_exact_group_and_version() {
    let schema = Schema::default();
    assert!(schema.is_cluster_scoped("", "v1", "Namespace"));
    assert!(schema.is_cluster_scoped("rbac.authorization.k8s.io", "v1", "ClusterRole"));
    assert!(!schema.is_cluster_scoped("rbac.authorization.k8s.io", "v2", "ClusterRole"));
    assert!(!schema.is_cluster_scoped("", "v1", "ConfigMap"));
    assert!(!schema.is_cluster_scoped("example.com", "v1", "Namespace"));
}
