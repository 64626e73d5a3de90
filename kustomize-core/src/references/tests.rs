//! Whole builds; the expectations are kustomize's own output.

use crate::host::MemoryHost;
use crate::{BuildError, BuildOptions, ErrorKind, Rendered, build};

fn render(files: &[(&str, &str)]) -> Result<Rendered, BuildError> {
    let host: MemoryHost = files.iter().map(|(path, text)| (format!("/app/{path}"), *text)).collect();
    build(&host, "/app", &BuildOptions::default())
}

fn yaml(files: &[(&str, &str)]) -> String {
    render(files).and_then(|rendered| rendered.yaml()).unwrap()
}

fn refused(files: &[(&str, &str)]) -> BuildError {
    render(files).map(|_| ()).unwrap_err()
}

const MAP_AND_POD: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {volumes: [{configMap: {name: cm}}, {configMap: {name: other}}, {configMap: null}]}
";

#[test]
fn names_mean_what_stands_in_the_same_base() {
    let text = yaml(&[
        ("kustomization.yaml", "resources: [a, b]\nnameSuffix: -x"),
        ("a/kustomization.yaml", "resources: [r.yaml]\nnamePrefix: a-"),
        ("b/kustomization.yaml", "resources: [r.yaml]\nnamePrefix: b-"),
        ("a/r.yaml", MAP_AND_POD),
        ("b/r.yaml", MAP_AND_POD),
    ]);
    for prefix in ["a", "b"] {
        let pod = format!(
            "kind: Pod
metadata:
  name: {prefix}-p-x
spec:
  volumes:
  - configMap:
      name: {prefix}-cm-x
  - configMap:
      name: other
  - configMap: null
"
        );
        assert!(text.contains(&pod), "{text}");
    }
}

#[test]
fn a_name_that_could_mean_several_is_refused() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}";
    let pod = "apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {volumes: [{configMap: {name: cm}}]}";
    let files = |top| {
        [
            ("kustomization.yaml", top),
            ("r.yaml", pod),
            ("a/kustomization.yaml", "resources: [r.yaml]\nnamePrefix: a-"),
            ("b/kustomization.yaml", "resources: [r.yaml]\nnamePrefix: b-"),
            ("a/r.yaml", map),
            ("b/r.yaml", map),
        ]
    };
    let error = refused(&files("resources: [a, b, r.yaml]\nnamePrefix: o-"));
    assert_eq!(*error.kind(), ErrorKind::Reference);
    assert_eq!(error.location().map(|place| (place.line, place.column)), Some((4, 37)));
    assert_eq!(error.notes().len(), 2);
    // Without a prefix of its own the pod shares no way with either, and nothing is meant.
    assert!(yaml(&files("resources: [a, b, r.yaml]")).ends_with("      name: cm\n"));
}

#[test]
fn bindings_reach_into_the_namespaces_that_they_name() {
    let text = yaml(&[
        ("kustomization.yaml", "resources: [r.yaml, accounts]"),
        ("accounts/kustomization.yaml", "resources: [r.yaml]\nnamePrefix: p-"),
        (
            "accounts/r.yaml",
            "
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: one}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: two}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: one}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}",
        ),
        (
            "r.yaml",
            "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: role, namespace: one}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects:
- {kind: ServiceAccount, name: a, namespace: two}
- {kind: ServiceAccount, name: a, namespace: one}
- {kind: ServiceAccount, name: a}
- {kind: ServiceAccount, name: a, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
subjects:
- {kind: ServiceAccount, name: a, namespace: two}
- {kind: ServiceAccount, name: a, namespace: default}",
        ),
    ]);
    let bindings = text.find("kind: RoleBinding").unwrap();
    assert_eq!(
        &text[bindings..],
        "kind: RoleBinding
metadata:
  name: role
  namespace: one
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: p-r
subjects:
- kind: ServiceAccount
  name: p-a
  namespace: two
- kind: ServiceAccount
  name: p-a
  namespace: one
- kind: ServiceAccount
  name: a
- kind: ServiceAccount
  name: a
  namespace: default
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: cluster
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: p-r
subjects:
- kind: ServiceAccount
  name: p-a
  namespace: two
- kind: ServiceAccount
  name: p-a
  namespace: default
"
    );
}

#[test]
fn fields_of_any_shape_are_fixed() {
    let text = yaml(&[
        ("kustomization.yaml", "resources: [r.yaml]\nnamePrefix: \"1\"\nconfigurations: [c.yaml]"),
        (
            "c.yaml",
            "
nameReference:
- kind: ConfigMap
  fieldSpecs:
  - {path: spec/refs, kind: X}
  - {path: 'spec/list[]/ref', kind: X}
  - {path: 'spec/none[]/ref', kind: X}
  - {path: spec/obj, kind: X}",
        ),
        (
            "r.yaml",
            "
apiVersion: v1
kind: ConfigMap
metadata: {name: \"2\"}
---
apiVersion: v1
kind: X
metadata: {name: x}
spec:
  refs: [2, \"2\", '2', {name: 2}, null, other]
  list: [{ref: \"2\"}, {}]
  none: null
  obj: {name: \"2\", namespace: default}",
        ),
    ]);
    let spec = text.find("spec:").unwrap();
    assert_eq!(
        &text[spec..],
        "spec:
  list:
  - ref: \"12\"
  - {}
  none: []
  obj:
    name: \"12\"
    namespace: default
  refs:
  - 12
  - \"12\"
  - \"12\"
  - name: 12
  - null
  - other
"
    );
}

#[test]
fn paths_that_overlap_are_followed_in_their_order() {
    let text = yaml(&[
        ("kustomization.yaml", "resources: [r.yaml]\nnamePrefix: p-\nconfigurations: [c.yaml]"),
        (
            "c.yaml",
            "
nameReference:
- kind: ConfigMap
  fieldSpecs: [{path: spec/ref, kind: X}, {path: spec/ref/name, kind: X}]
- kind: Secret
  fieldSpecs: [{path: spec/ref/name, kind: X}]",
        ),
        (
            "r.yaml",
            "
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: p-a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: p-p-a}}
---
{apiVersion: v1, kind: X, metadata: {name: x}, spec: {ref: {name: a}}}",
        ),
    ]);
    assert!(text.ends_with("  ref:\n    name: p-p-p-a\n"), "{text}");
}

#[test]
fn what_is_no_reference_is_refused_even_if_nothing_was_renamed() {
    let refused =
        |resource: &str| refused(&[("kustomization.yaml", "resources: [r.yaml]"), ("r.yaml", resource)]);
    let binding = |kind: &str, subjects: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: x}}\nsubjects: {subjects}"
        )
    };
    for resource in [
        binding("ClusterRoleBinding", "[{kind: User}]"),
        binding("RoleBinding", "[text]"),
        binding("RoleBinding", "[{kind: ServiceAccount, name: a, namespace: null}]"),
        binding("RoleBinding", "[{kind: ServiceAccount, name: a, namespace: 1}]"),
        binding("RoleBinding", "[{kind: 1, name: a, namespace: n}]"),
        binding("ClusterRoleBinding", "[[a]]"),
    ] {
        let error = refused(&resource);
        assert_eq!(*error.kind(), ErrorKind::Reference, "{resource}: {error}");
        assert_eq!(error.location().map(|place| place.line), Some(4), "{resource}");
    }
    let through = "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {volumes: [{configMap: text}]}}";
    assert_eq!(refused(through).field_path(), Some("spec/volumes/configMap/name"));
    let version = "{apiVersion: /v1, kind: Pod, metadata: {name: x}}";
    assert_eq!(refused(version).field_path(), Some("apiVersion"));
}

const VARS: &str = "
resources: [base]
namePrefix: p-
vars:
- {name: SVC, objref: {apiVersion: v1, kind: Service, name: web}}
- {name: PORT, objref: {apiVersion: v1, kind: Service, name: web}, fieldref: {fieldPath: 'spec.ports[0].port'}}
- {name: UNUSED, objref: {apiVersion: v1, kind: Service, name: web}}
- {name: MAP, objref: {apiVersion: v1, kind: Service, name: web}, fieldref: {fieldPath: spec}}";

#[test]
fn vars_are_replaced_with_their_type() {
    let rendered = render(&[
        ("kustomization.yaml", VARS),
        (
            "base/kustomization.yaml",
            "
resources: [r.yaml]
vars:
- name: NS
  objref: {apiVersion: apps/v1, kind: Deployment, name: d, namespace: m}
  fieldref: {fieldPath: metadata.namespace}",
        ),
        (
            "base/r.yaml",
            "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: m, annotations: {a: \"$(SVC).$(NS)\"}}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: m}
spec:
  template:
    spec:
      containers:
      - name: c
        args: [\"$(PORT)\", \"$(PORT)0\", \"$$(PORT)\", \"$(NONE)\", \"$(MAP)\", \"$é\"]
        env: [{name: X, value: \"$(SVC)\"}]",
        ),
    ])
    .unwrap();
    let text = rendered.yaml().unwrap();
    assert!(text.contains("    a: p-web.m\n"), "{text}");
    let containers = text.find("      containers:").unwrap();
    assert_eq!(
        &text[containers..],
        "      containers:
      - args:
        - 80
        - \"800\"
        - $(PORT)
        - $(NONE)
        - $(MAP)
        - JMODqQ==
        env:
        - name: X
          value: p-web
        name: c
"
    );
    let warning = rendered.warnings().iter().find(|warning| warning.message.starts_with("well-defined"));
    let message = warning.map(|warning| warning.message.as_str());
    assert_eq!(message, Some("well-defined vars that were never replaced: MAP,UNUSED"));
    let help = warning.and_then(|warning| warning.help.as_deref());
    assert_eq!(help, Some("a map or a list is no value for a var: MAP"));
}

#[test]
fn values_are_read_by_kustomize_s_rules() {
    let object = "
apiVersion: v1
kind: X
metadata: {name: x}
spec:
  nothing: null
  octal: 0777
  underscore: 1_000
  hex: 0x10
  float: 1234567.5
  huge: 99999999999999999999
  quoted: '17'
  date: 2001-01-01
  bool: true
  no: False
  list: [{a: c, b: e}, {a: d}]
  dots: {x.y: z}
  empty: []
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{args: [\"$(V)\", \"x$(V)\"]}]}";
    let files = |path: &str| {
        let kustomization = format!(
            "resources: [r.yaml]
vars: [{{name: V, objref: {{apiVersion: v1, kind: X, name: x}}, fieldref: {{fieldPath: '{path}'}}}}]"
        );
        render(&[("kustomization.yaml", &kustomization), ("r.yaml", object)])
    };
    for (path, whole, within) in [
        ("spec.nothing", "\"null\"", "xnull"),
        ("spec.octal", "777", "x777"),
        ("spec.float", "1.2345675e+06", "x1.2345675e+06"),
        ("spec.huge", "1e+20", "x1e+20"),
        ("spec.quoted", "\"17\"", "x17"),
        ("spec.date", "\"2001-01-01\"", "x2001-01-01"),
        ("spec.bool", "true", "xtrue"),
        ("spec.no", "false", "xfalse"),
        ("spec.list[0].b", "e", "xe"),
        ("spec.list.+1.a", "d", "xd"),
        ("spec.list.-.a", "d", "xd"),
        ("spec.list.[a=c].b", "e", "xe"),
        ("spec.dots.[x.y]", "z", "xz"),
        ("spec.dots.x\\.y", "z", "xz"),
        ("spec. dots .[x.y]", "z", "xz"),
        ("spec.list.0", "$(V)", "x$(V)"),
    ] {
        let text = files(path).and_then(|rendered| rendered.yaml()).unwrap();
        assert!(text.contains(&format!("  - args:\n    - {whole}\n    - {within}\n")), "{path}: {text}");
    }
    for path in [
        "spec.none",
        "spec.nothing.x",
        "spec.quoted.x",
        "spec.underscore",
        "spec.hex",
        "spec.list[9]",
        "spec.list[-1]",
        "spec.list.*",
        "spec.empty.-",
    ] {
        assert_eq!(*files(path).unwrap_err().kind(), ErrorKind::Var, "{path}");
    }
}

#[test]
fn vars_without_one_clear_meaning_are_refused() {
    let service = |namespace: &str| {
        format!("{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {namespace}}}}}\n---\n")
    };
    let var = |version: &str| {
        format!("resources: [r.yaml]\nvars: [{{name: V, objref: {{{version}kind: Service, name: web}}}}]")
    };
    let refused = |kustomization: &str, resources: &str| {
        let error = refused(&[("kustomization.yaml", kustomization), ("r.yaml", resources)]);
        assert_eq!(*error.kind(), ErrorKind::Var);
        error.to_string()
    };
    let two = service("a") + &service("b");
    assert!(refused(&var("apiVersion: v1, "), &two).contains("several"));
    // What is left out is the empty version, not any version.
    assert!(refused(&var(""), &service("a")).contains("there is no Service"));
    let twice = var("apiVersion: v1, ").replace("vars: [", "vars: [{name: V},");
    assert!(refused(&twice, &service("a")).contains("declared twice"));
    let list =
        service("a") + "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{args: [1]}]}}";
    assert!(refused(&var("version: v1, "), &list).contains("not a string"));
}

#[test]
fn fields_that_share_a_value_are_replaced_twice() {
    let text = yaml(&[
        (
            "kustomization.yaml",
            "
resources: [r.yaml]
commonAnnotations: {a: \"$$(V)\"}
vars: [{name: V, objref: {apiVersion: v1, kind: Service, name: web}}]",
        ),
        (
            "r.yaml",
            "
{apiVersion: v1, kind: Service, metadata: {name: web}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: p}}",
        ),
    ]);
    assert!(
        text.starts_with("apiVersion: v1\nkind: Service\nmetadata:\n  annotations:\n    a: $(V)\n"),
        "{text}"
    );
    assert!(text.ends_with("metadata:\n      annotations:\n        a: web\n"), "{text}");
}
