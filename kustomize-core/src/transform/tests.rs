//! Whole builds; the expectations are kustomize v5.8.1's own output.

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

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: c, image: 'nginx:1.0'}]}}}
";

const MAP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: d}
data: {a: b}
";

#[test]
fn labels_that_were_added_together_change_together() {
    let text = yaml(&[
        (
            "base/kustomization.yaml",
            "resources: [r.yaml]\nlabels: [{pairs: {app: one}, includeSelectors: true}]",
        ),
        ("base/r.yaml", DEPLOYMENT),
        ("kustomization.yaml", "resources: [base]\nlabels: [{pairs: {app: two}}]"),
    ]);
    assert_eq!(text.matches("app: two").count(), 3, "{text}");
    assert!(!text.contains("app: one"), "{text}");
}

#[test]
fn annotations_that_are_not_to_be_created_join_those_of_kustomize() {
    let transformer = "apiVersion: builtin
kind: AnnotationsTransformer
metadata: {name: any}
annotations: {note: x}
fieldSpecs: [{path: metadata/annotations, create: false}]
";
    let annotated = |fields: &str| {
        let top = format!("resources: [r.yaml]\ntransformers: [t.yaml]\n{fields}");
        yaml(&[("kustomization.yaml", &top), ("r.yaml", MAP), ("t.yaml", transformer)]).contains("note: x")
    };
    assert!(!annotated(""));
    assert!(annotated("namePrefix: p-\n"));
}

#[test]
fn images_of_containers_are_visited_twice() {
    let text = yaml(&[
        ("kustomization.yaml", "resources: [r.yaml]\nimages: [{name: n.*, tagSuffix: -x}]"),
        ("r.yaml", DEPLOYMENT),
    ]);
    assert!(text.contains("image: nginx:1.0-x-x\n"), "{text}");
}

#[test]
fn what_means_nothing_is_warned_of() {
    let of = |images: &str, resource: &str| {
        let kustomization = format!("resources: [r.yaml]\nimages:\n- {{name: nginx, newTag: '2'}}\n{images}");
        let rendered = render(&[("kustomization.yaml", &kustomization), ("r.yaml", resource)]).unwrap();
        let warning = |warning: &crate::Warning| {
            let line = warning.location.as_ref().map_or(0, |place| place.line);
            format!("{line}: {} ({})", warning.message, warning.help.as_deref().unwrap_or_default())
        };
        rendered.warnings().iter().map(warning).collect::<Vec<_>>()
    };
    let library = DEPLOYMENT.replace("nginx", "library/web");
    let nothing = |name: &str, help: &str| {
        format!("4: this changes nothing: there is no image called `{name}` ({help})")
    };
    assert!(of("", DEPLOYMENT).is_empty());
    assert!(of("- {name: 'ng.*', newTag: '3'}", DEPLOYMENT).is_empty());
    assert_eq!(of("- name: ngnix", DEPLOYMENT), [nothing("ngnix", "did you mean `name: nginx`?")]);
    assert_eq!(of("- name: redis", DEPLOYMENT), [nothing("redis", "images here are called `nginx`")]);
    let full = "an image is called by all of its name: `name: library/web`";
    assert_eq!(of("- name: web", &library)[1], nothing("web", full));
    assert_eq!(of("- name: redis", MAP)[1], nothing("redis", ""));
    let empty = of("", "# nothing\n");
    assert!(empty[0].starts_with("1: `r.yaml` holds no resources ("), "{empty:?}");
}

#[test]
fn a_bad_image_name_is_refused_only_where_there_is_an_image() {
    let kustomization = ("kustomization.yaml", "resources: [r.yaml]\nimages: [{name: 'n(', newTag: v2}]");
    assert!(render(&[kustomization, ("r.yaml", MAP)]).is_ok());
    assert_eq!(refused(&[kustomization, ("r.yaml", DEPLOYMENT)]).kind(), &ErrorKind::Transformer);
}

#[test]
fn moving_into_one_namespace_may_not_bring_two_together() {
    let two = format!("{MAP}---{}", MAP.replace("{name: d}", "{name: d, namespace: test}"));
    let error = refused(&[("kustomization.yaml", "resources: [r.yaml]\nnamespace: test"), ("r.yaml", &two)]);
    assert_eq!(error.kind(), &ErrorKind::Conflict);
    assert_eq!(error.notes().len(), 1);
}

#[test]
fn replicas_of_nothing_name_what_there_is() {
    let error = refused(&[
        ("kustomization.yaml", "resources: [r.yaml]\nreplicas: [{name: x, count: 2}]"),
        ("r.yaml", DEPLOYMENT),
    ]);
    assert!(error.help().is_some_and(|help| help.contains("Deployment `d`")), "{error:?}");
}

#[test]
fn field_specs_make_what_is_missing_and_go_through_lists() {
    let transformer = "
apiVersion: builtin
kind: LabelTransformer
metadata: {name: t}
labels: {p: 3}
fieldSpecs:
- {path: 'spec/x[]/labels', create: true}
- {path: 'spec/new/labels', create: true}
- {path: 'spec/none/labels'}
";
    let resource = format!("{MAP}spec: {{x: [{{}}, {{labels: null}}, null]}}");
    let text = yaml(&[
        ("kustomization.yaml", "resources: [r.yaml]\ntransformers: [t.yaml]"),
        ("t.yaml", transformer),
        ("r.yaml", &resource),
    ]);
    let spec = "spec:
  new:
    labels:
      p: \"3\"
  x:
  - labels:
      p: \"3\"
  - labels:
      p: \"3\"
  - null
";
    assert!(text.ends_with(spec), "{text}");
}

fn replaced(target: &str, resource: &str) -> Result<String, BuildError> {
    let kustomization = format!(
        "resources: [r.yaml]\nreplacements:\n- sourceValue: '7'\n  targets: [{{select: {{kind: X}}, {target}}}]"
    );
    let resource = format!("apiVersion: v1\nkind: X\nmetadata: {{name: x}}\nspec: {resource}");
    render(&[("kustomization.yaml", &kustomization), ("r.yaml", &resource)])
        .and_then(|rendered| rendered.yaml())
        .map(|text| text.split_once("spec:\n").map_or(String::new(), |(_, spec)| spec.to_owned()))
}

#[test]
fn replacements_find_their_fields() {
    let ok = |target: &str, resource: &str, expected: &str| {
        assert_eq!(replaced(target, resource).unwrap(), expected, "{target}");
    };
    ok("fieldPaths: [spec.a]", "{a: x}", "  a: \"7\"\n");
    ok("fieldPaths: [spec.a]", "{a: 1}", "  a: 7\n");
    ok("fieldPaths: ['spec.*.v']", "[{v: 1}, {v: x}]", "- v: 7\n- v: \"7\"\n");
    ok(
        "fieldPaths: ['spec.[n=b].v']",
        "[{n: a, v: 1}, {n: abc, v: 1}]",
        "- \"n\": a\n  v: 1\n- \"n\": abc\n  v: 7\n",
    );
    ok("fieldPaths: [spec.a.0.b], options: {create: true}", "{}", "  a:\n  - b: 7\n");
    ok("fieldPaths: [spec.a], options: {delimiter: /, index: 1}", "{a: x/y/z}", "  a: x/7/z\n");
    ok("fieldPaths: [spec.a], options: {delimiter: /, index: -1}", "{a: x}", "  a: 7/x\n");
}

#[test]
fn replacements_without_a_field_are_refused() {
    for (target, resource) in [
        ("fieldPaths: [spec.a]", "{}"),
        ("fieldPaths: [spec.a.b]", "{a: x}"),
        ("fieldPaths: [spec.1]", "[x]"),
        ("fieldPaths: ['spec.[n=^q$].v'], options: {create: true}", "[]"),
    ] {
        let error = replaced(target, resource).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Replacement, "{target}");
    }
}

#[test]
fn replacements_may_go_into_their_own_source() {
    // As kustomize prints it.
    for (paths, spec, wanted) in [
        (
            "spec.copied",
            "{replicas: 1, x: {y: z}}",
            "  copied:\n    copied: {}\n    replicas: 1\n    x:\n      \"y\": z\n  replicas: 1\n  x:\n    \"y\": z\n",
        ),
        ("spec.deep.er", "{a: 1}", "  a: 1\n  deep:\n    er:\n      a: 1\n      deep:\n        er: {}\n"),
        (
            "spec.one, spec.two",
            "{a: 1}",
            "  a: 1\n  one:\n    a: 1\n    one: {}\n  two:\n    a: 1\n    one:\n      a: 1\n      one: {}\n    two: {}\n",
        ),
        ("spec.x", "{x: {y: z}}", "  x:\n    x:\n      \"y\": z\n"),
    ] {
        let kustomization = format!(
            "resources: [r.yaml]\nreplacements:\n- source: {{kind: X, fieldPath: spec}}\n  targets: [{{select: \
             {{kind: X}}, fieldPaths: [{paths}], options: {{create: true}}}}]"
        );
        let resource = format!("apiVersion: v1\nkind: X\nmetadata: {{name: x}}\nspec: {spec}");
        let made = yaml(&[("kustomization.yaml", &kustomization), ("r.yaml", &resource)]);
        assert_eq!(made.split_once("spec:\n").map(|(_, spec)| spec), Some(wanted), "{paths}");
    }
}

/// Patches of resources that are looked up by the beginnings of their names.
#[test]
fn patches_reach_the_same_resources_however_these_are_found() {
    // Spelled the second way, a pattern has no beginning to look up.
    let rendered = |spell: fn(&str) -> String| {
        let mut top = "resources: [r.yaml]\npatches:\n".to_owned();
        let mut patch = |target: &str, patch: &str| {
            let renames = patch.contains("new-");
            top += &format!("- target: {target}\n  options: {{allowNameChange: {renames}}}\n  patch: |-\n");
            patch.lines().for_each(|line| top += &format!("    {line}\n"));
        };
        for i in 0..40 {
            let name = spell(&format!("app-{i}(-.*)?"));
            let value =
                format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: any}}\ndata: {{v: '{i}'}}");
            patch(&format!("{{kind: ConfigMap, name: '{name}'}}"), &value);
            let add = format!("- {{op: add, path: /data/json{i}, value: x}}");
            patch(&format!("{{name: '{name}', labelSelector: 'tier in (a, b)'}}"), &add);
            if i % 4 == 0 {
                let rename = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: new-{i}}}");
                patch(&format!("{{name: '{name}'}}"), &rename);
                patch(&format!("{{name: '{}'}}", spell("new.*")), "- {op: add, path: /data/new, value: z}");
            }
            if i % 7 == 0 {
                let delete = "$patch: delete\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: any}";
                patch(&format!("{{name: '{name}'}}"), delete);
            }
        }
        let mut resources = String::new();
        for i in 0..40 {
            let tier = ["a", "b", "c"][i % 3];
            resources += &format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app-{i}, labels: {{tier: {tier}}}}}\ndata: {{a: b}}\n---\n"
            );
        }
        yaml(&[("kustomization.yaml", &top), ("r.yaml", &resources)])
    };
    let looked_up = rendered(|pattern| pattern.to_owned());
    assert_eq!(looked_up, rendered(|pattern| format!(".*nothing|.{{0}}{pattern}")));
    assert_eq!(looked_up.matches("kind: ConfigMap").count(), 34);
    assert_eq!(looked_up.matches("  new: z").count(), 8);
}

/// The messages and help of the warnings of a build.
fn warned(files: &[(&str, &str)]) -> Vec<String> {
    let rendered = render(files).unwrap();
    let line = |warning: &crate::Warning| {
        let help = warning.help.as_deref().map_or(String::new(), |help| format!(" ({help})"));
        format!("{}{help}", warning.message)
    };
    rendered.warnings().iter().map(line).collect()
}

#[test]
fn patches_that_change_nothing_are_warned_of() {
    let maps = |count: usize| {
        let name = |n: usize| MAP.replace("name: d", &format!("name: map-{n}"));
        (0..count).map(name).collect::<Vec<_>>().join("---")
    };
    let (one, five, six) = (maps(1) + "---" + DEPLOYMENT, maps(5) + "---" + DEPLOYMENT, maps(6));
    let strategic = "'{apiVersion: v1, kind: any, metadata: {name: any}}'";
    let json = "'- {op: add, path: /spec, value: 1}'";
    for (resources, target, help) in [
        (&one, "kind: Deploymnt", " (did you mean `kind: Deployment`?)"),
        (&one, "kind: Nothing", ""),
        (&one, "name: mpa-0", " (did you mean `name: map-0`?)"),
        (&one, "kind: Deployment, name: map-9", " (resources of that kind are called d)"),
        (&one, "name: map-0, namespace: x", ""),
        (&one, "labelSelector: a=b", ""),
        (
            &five,
            "kind: ConfigMap, annotationSelector: a=b",
            " (resources of that kind are called map-0, map-1, map-2, map-3, map-4)",
        ),
        (&six, "kind: ConfigMap, annotationSelector: a=b", ""),
        (
            &one,
            "group: g, version: v, kind: ConfigMap, namespace: other",
            " (resources of that kind are called map-0)",
        ),
    ] {
        let expected = [format!("this patch changes nothing: no resource matches {{{target}}}{help}")];
        for patch in [strategic, json] {
            let top = format!("resources: [r.yaml]\npatches: [{{target: {{{target}}}, patch: {patch}}}]\n");
            assert_eq!(warned(&[("kustomization.yaml", &top), ("r.yaml", resources)]), expected, "{patch}");
        }
    }
}

#[test]
fn patches_that_change_something_are_not_warned_of() {
    let labels = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {a: b}\nfieldSpecs: [{path: metadata/labels, create: true}]\n";
    let labels = format!("{labels}---\n");
    let targets = ["{kind: ConfigMap}", "{name: d}", "{name: 'd.*'}", "{labelSelector: a=b}"];
    let cases = targets.map(|target| (labels.as_str(), target)).into_iter();
    // Without another step before it, what it selects is found in other ways.
    for (before, target) in cases.chain([("", "{kind: ConfigMap}"), ("", "{name: d}")]) {
        for patch in
            ["'- {op: add, path: /spec, value: 1}'", "'{apiVersion: v1, kind: any, metadata: {name: any}}'"]
        {
            let patch = format!(
                "{before}apiVersion: builtin\nkind: PatchTransformer\nmetadata: {{name: p}}\ntarget: {target}\npatch: {patch}\n"
            );
            let top = "resources: [r.yaml]\ntransformers: [t.yaml]";
            let warnings = warned(&[("kustomization.yaml", top), ("r.yaml", MAP), ("t.yaml", &patch)]);
            assert!(warnings.is_empty(), "{warnings:?}");
        }
    }
}

#[test]
fn a_few_images_are_listed_where_none_is_meant() {
    let of = |count: usize| {
        let containers = (0..count).map(|n| format!("{{image: image-{n}}}")).collect::<Vec<_>>().join(", ");
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{initContainers: [{containers}]}}"
        );
        let top = "resources: [r.yaml]\nimages: [{name: redis, newTag: '2'}]";
        warned(&[("kustomization.yaml", top), ("r.yaml", &pod)])
    };
    let nothing = "this changes nothing: there is no image called `redis`";
    let five = "`image-0`, `image-1`, `image-2`, `image-3`, `image-4`";
    assert_eq!(of(5), [format!("{nothing} (images here are called {five})")]);
    assert_eq!(of(6), [nothing]);
}
