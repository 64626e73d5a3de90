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

const CUSTOM: &str = r##"
definitions:
  Widget:
    properties:
      spec:
        type: object
        properties:
          parts:
            type: array
            items: {type: object}
            x-kubernetes-list-map-keys: [id, side]
            x-kubernetes-patch-strategy: merge
          loop: {$ref: "#/definitions/Loop"}
          template: {$ref: "#/definitions/io.k8s.api.core.v1.PodTemplateSpec"}
    x-kubernetes-group-version-kind: [{group: example.com, kind: Widget, version: v1}]
  Loop: {$ref: "#/definitions/Loop"}
paths:
  /apis/example.com/v1/widgets:
    get:
      x-kubernetes-group-version-kind: {group: example.com, kind: Widget, version: v1}
"##;

fn custom(before: &Schema) -> Schema {
    let file = crate::yaml::Sources::default().add("schema.yaml", CUSTOM.into(), None);
    let document = crate::yaml::reader::read_config(CUSTOM, file).unwrap().unwrap();
    Schema::from_field(&BTreeMap::new(), Some(&document), before).unwrap().unwrap()
}

#[test]
fn a_custom_schema_takes_the_place_of_the_built_in_one() {
    let schema = custom(&Schema::default());
    let widget = |path: &[&str]| keys(&schema, "example.com/v1", "Widget", path);
    assert_eq!(widget(&["spec", "parts"]), Some(vec!["id", "side"]));
    assert_eq!(widget(&["spec", "loop", "parts"]), None);
    assert_eq!(widget(&["spec", "template", "spec", "containers"]), None);
    assert_eq!(keys(&schema, "v1", "Service", &["spec", "ports"]), None);
    assert!(schema.is_cluster_scoped("example.com", "v1", "Widget"));
    assert!(schema.is_cluster_scoped("", "v1", "Namespace"));
}

#[test]
fn the_built_in_schema_stays_where_it_was_needed_before() {
    let needed = [
        |schema: &Schema| {
            let _ = schema.root("v1", "Pod");
        },
        |schema: &Schema| {
            let _ = schema.is_cluster_scoped("example.com", "v1", "Unknown");
        },
    ];
    for need in needed {
        let before = Schema::default();
        need(&before);
        let schema = custom(&before);
        assert_eq!(keys(&schema, "v1", "Service", &["spec", "ports"]), Some(vec!["port", "protocol"]));
        let containers = ["spec", "template", "spec", "containers"];
        assert_eq!(keys(&schema, "example.com/v1", "Widget", &containers), Some(vec!["name"]));
    }
}

#[test]
fn only_one_version_is_built_in() {
    let version = |text: &str| {
        let openapi = BTreeMap::from([("version".to_owned(), text.to_owned().into())]);
        Schema::from_field(&openapi, None, &Schema::default())
    };
    assert!(version("v1.21.2").unwrap().is_some());
    assert!(version("").unwrap().is_none());
    assert!(version("v1.20.4").is_err());
}

#[test]
fn an_empty_document_defines_nothing() {
    assert!(Schema::with_custom(&Node::null(), &Schema::default()).is_ok());
}
