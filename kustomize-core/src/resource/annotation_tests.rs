//! Annotations that a build reads, writes and removes; the expectations are kustomize's.

use super::final_form::finish_resource;
use super::parse_resources;
use crate::host::MemoryHost;
use crate::yaml::FileId;
use crate::{BuildError, BuildOptions, ErrorKind, build};

fn render(kustomization: &str, resources: &str) -> Result<String, BuildError> {
    let kustomization = format!("resources: [r.yaml]\n{kustomization}");
    let host: MemoryHost = [("/app/kustomization.yaml", kustomization.as_str()), ("/app/r.yaml", resources)]
        .into_iter()
        .collect();
    build(&host, "/app", &BuildOptions::default())?.yaml()
}

fn annotated(annotations: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations: {annotations}\n")
}

#[test]
fn annotations_become_strings_and_those_of_the_build_go() {
    let text = render(
        "",
        &annotated(
            "
    n: 1.0
    nul: null
    til: ~
    emp:
    config.kubernetes.io/path: foo
    internal.config.kubernetes.io/path: foo
    internal.config.kubernetes.io/x: foo
    config.kubernetes.io/origin: 'path: zzz'
    t: 2001-01-01
    m: {a: b}
    d: 0777",
        ),
    );
    let expected = r#"apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    d: "0777"
    emp: ""
    internal.config.kubernetes.io/x: foo
    m: ""
    "n": "1.0"
    nul: "null"
    t: "2001-01-01"
    til: "~"
  name: a
"#;
    assert_eq!(text.unwrap(), expected);
}

#[test]
fn annotations_of_any_shape_end_as_a_map() {
    let bare = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
    for annotations in ["{}", "null", "text", "5", "[]"] {
        assert_eq!(render("", &annotated(annotations)).unwrap(), bare, "{annotations}");
    }
    let text = render("", &annotated("[a, b, c, d, a, e]")).unwrap();
    assert_eq!(text, bare.replace("  name", "  annotations:\n    a: e\n    c: d\n  name"));
    for annotations in
        ["[a]", "[[a, b], [c, d]]", "{'': a}", "{'1': a}", "{'true': a}", "{'2001-01-01': a}", "{'~': a}"]
    {
        let error = render("", &annotated(annotations)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Resource, "{annotations}");
        assert_eq!(error.location().map(|place| place.line), Some(5), "{annotations}");
    }
    // It was not refused as it stood, but is when kustomize has written it anew.
    assert!(render("", &annotated("\n    a: \"\\tx\\ny\"")).is_err());
    let list = render("", "{apiVersion: v1, kind: AList}").unwrap();
    assert_eq!(list, "apiVersion: v1\nkind: AList\nmetadata: {}\n");
}

#[test]
fn local_configuration_is_dropped_unless_it_says_false() {
    for (value, stays) in
        [("\"true\"", false), ("", false), ("null", false), ("\"\"", false), ("false", true)]
    {
        let text =
            render("", &annotated(&format!("{{config.kubernetes.io/local-config: {value}}}"))).unwrap();
        assert_eq!(!text.is_empty(), stays, "{value}");
    }
}

#[test]
fn origins_and_transformations_are_written_as_asked_for() {
    let both = "buildMetadata: [originAnnotations, transformerAnnotations]\nnamePrefix: p-";
    let others = annotated(
        r#"
    n: 1
    config.kubernetes.io/origin: "path: zzz"
    alpha.config.kubernetes.io/transformations: |
      - {path: 12, configuredBy: {Kind: x, foo: y}, zz: [1]}
      -
      - {repo: "a: b"}"#,
    );
    let expected = r#"apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    alpha.config.kubernetes.io/transformations: |
      - path: "12"
        configuredBy:
          kind: x
      - null
      - repo: 'a: b'
      - configuredIn: kustomization.yaml
        configuredBy:
          apiVersion: builtin
          kind: PrefixTransformer
    config.kubernetes.io/origin: |
      path: r.yaml
    "n": "1"
  name: p-a
"#;
    assert_eq!(render(both, &others).unwrap(), expected);
    let neither =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n    \"n\": \"1\"\n  name: p-a\n";
    assert_eq!(render("namePrefix: p-", &others).unwrap(), neither);
    let label = "buildMetadata: [managedByLabel]";
    let labels = "  labels:\n    app.kubernetes.io/managed-by: kustomize-v5.8.1\n";
    let expected = neither.replace("p-a", "a").replace("  name", &format!("{labels}  name"));
    assert_eq!(render(label, &others).unwrap(), expected);
}

#[test]
fn origins_that_cannot_be_read_are_refused() {
    let metadata = "buildMetadata: [managedByLabel]";
    let transformed = format!("{metadata}\nnamePrefix: p-");
    for annotations in ["junk", "'[{path: [a]}]'", "'{a: b}'"] {
        let junk = annotated(&format!("{{alpha.config.kubernetes.io/transformations: {annotations}}}"));
        assert!(render(metadata, &junk).is_ok(), "{annotations}");
        assert!(render("namePrefix: p-", &junk).is_ok(), "{annotations}");
        assert!(render(&transformed, &junk).is_err(), "{annotations}");
    }
    assert!(render(metadata, &annotated("text")).is_err());
    let junk = format!("{metadata}\ncommonAnnotations: {{config.kubernetes.io/origin: junk}}");
    assert!(render(&junk, &annotated("{}")).is_err());
}

#[test]
fn validators_may_not_even_write_what_is_there() {
    let validator = |labels: &str, kind: &str| {
        format!(
            "validators:
- |-
  apiVersion: builtin
  kind: LabelTransformer
  metadata: {{name: v}}
  labels: {labels}
  fieldSpecs: [{{path: metadata/labels, create: true, kind: {kind}}}]"
        )
    };
    let bare = annotated("{}");
    let labelled = format!("{bare}  labels: {{app: x}}\n");
    assert!(render(&validator("{app: x}", "Other"), &labelled).is_ok());
    assert!(render(&validator("{app: x}", "ConfigMap"), &labelled).is_err());
    let text = render(&validator("{validated-by: x}", "ConfigMap"), &bare).unwrap();
    assert!(text.contains("  labels:\n    validated-by: x\n"), "{text}");
    assert!(render(&validator("{validated-by: x}", "ConfigMap"), &labelled).is_err());
}

#[test]
fn bookkeeping_of_the_input_is_believed() {
    let internal = |entries: &[(&str, &str)]| {
        let pairs: Vec<_> = entries
            .iter()
            .map(|(name, value)| format!("internal.config.kubernetes.io/{name}: '{value}'"))
            .collect();
        annotated(&format!("{{{}}}", pairs.join(", ")))
    };
    let renamed = internal(&[
        ("previousNames", "old"),
        ("previousNamespaces", "default"),
        ("previousKinds", "ConfigMap"),
    ]);
    let pod =
        "---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {volumes: [{configMap: {name: old}}]}}";
    let text = render("", &(renamed + pod)).unwrap();
    assert!(text.ends_with("  - configMap:\n      name: a\n"), "{text}");
    let uneven =
        internal(&[("previousNames", "old,older"), ("previousNamespaces", "x"), ("previousKinds", "y")]);
    assert!(render("", &uneven).is_err());
}

#[test]
fn annotations_that_are_none_go_if_any_of_the_build_go() {
    for (origins, transformations) in [(false, false), (true, false), (false, true)] {
        for annotations in ["null", "text", "{}"] {
            let text = annotated(annotations);
            let mut resource = parse_resources(&text, FileId::UNKNOWN).unwrap().remove(0);
            finish_resource(&mut resource, origins, transformations).unwrap();
            assert!(resource.node.at(&["metadata", "annotations"]).is_none(), "{annotations}");
        }
    }
}
