//! Inputs on which an obvious implementation takes quadratic time.

use std::fmt::Write as _;

/// An input that can be made in any size.
pub struct Input {
    /// What grows.
    pub name: &'static str,
    /// The smaller of the two sizes that are measured; the larger one is ten times this.
    pub size: usize,
    /// Makes the files: path and text.
    pub files: fn(usize) -> Vec<(&'static str, String)>,
}

/// All inputs.
pub const INPUTS: &[Input] = &[
    Input { name: "field paths `env.[name=Ei].value` into one list", size: 3000, files: field_paths },
    Input { name: "generators that merge into one ConfigMap", size: 2000, files: merging_generators },
    Input { name: "labels in one `pairs`", size: 5000, files: pairs },
    Input { name: "JSON patches of one resource", size: 2000, files: json_patches },
    Input { name: "patches of 10 resources, with transformer annotations", size: 100, files: noted_patches },
    Input { name: "one name in n API groups, each with an autoscaler", size: 500, files: groups },
    Input { name: "replacements in the containers of 10 Deployments", size: 200, files: containers },
    Input { name: "patches with a pattern as target, on n resources", size: 300, files: patterns },
    Input { name: "`labels` entries, with transformer annotations", size: 300, files: noted_labels },
    Input { name: "replacements of the parts of one value", size: 1000, files: parts },
];

const RESOURCES: &str = "resources: [r.yaml]\n";

fn field_paths(n: usize) -> Vec<(&'static str, String)> {
    let mut top = RESOURCES.to_owned();
    top += "replacements:\n- source: {kind: ConfigMap, name: from, fieldPath: data.a}\n  targets:\n  \
            - select: {kind: Deployment}\n    fieldPaths:\n";
    for i in 0..n {
        let _ = writeln!(top, "    - spec.template.spec.containers.0.env.[name=E{i}].value");
    }
    vec![("kustomization.yaml", top), ("r.yaml", config_map("from", "  a: new\n") + &deployment("web", n))]
}

fn merging_generators(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}configMapGenerator:\n");
    for i in 0..n {
        let _ = writeln!(top, "- name: one\n  behavior: merge\n  literals: [key{i}=value]");
    }
    vec![("kustomization.yaml", top), ("r.yaml", config_map("one", "  first: value\n"))]
}

fn pairs(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}labels:\n- includeTemplates: true\n  pairs:\n");
    for i in 0..n {
        let _ = writeln!(top, "    label{i}: value");
    }
    vec![("kustomization.yaml", top), ("r.yaml", deployment("web", 1))]
}

fn json_patches(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}patches:\n");
    for i in 0..n {
        let _ = write!(
            top,
            "- target: {{kind: ConfigMap, name: one}}\n  patch: |-\n    - {{op: add, path: /data/key{i}, value: v}}\n"
        );
    }
    vec![("kustomization.yaml", top), ("r.yaml", config_map("one", "  first: value\n"))]
}

fn noted_patches(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}buildMetadata: [transformerAnnotations]\npatches:\n");
    for i in 0..n {
        let _ = write!(
            top,
            "- target: {{kind: ConfigMap}}\n  patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    \
             metadata: {{name: any}}\n    data: {{a: v{i}}}\n"
        );
    }
    let resources: String = (0..10).map(|i| config_map(&format!("c{i}"), "  a: b\n")).collect();
    vec![("kustomization.yaml", top), ("r.yaml", resources)]
}

fn groups(n: usize) -> Vec<(&'static str, String)> {
    let mut resources = String::new();
    for i in 0..n {
        let _ = write!(
            resources,
            "apiVersion: g{i}.example.com/v1\nkind: Deployment\nmetadata: {{name: web}}\n---\napiVersion: \
             autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h{i}}}\nspec:\n  scaleTargetRef: \
             {{apiVersion: g{i}.example.com/v1, kind: Deployment, name: web}}\n---\n"
        );
    }
    vec![("kustomization.yaml", format!("{RESOURCES}namePrefix: p-\n")), ("r.yaml", resources)]
}

fn containers(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}replacements:\n");
    for i in 0..n {
        let _ = write!(
            top,
            "- source: {{kind: ConfigMap, name: from, fieldPath: data.a}}\n  targets:\n  - select: {{kind: \
             Deployment}}\n    fieldPaths: ['spec.template.spec.containers.*.env.[name=E{i}].value']\n"
        );
    }
    let deployments: String = (0..10).map(|at| deployment(&format!("web-{at}"), n)).collect();
    vec![("kustomization.yaml", top), ("r.yaml", config_map("from", "  a: new\n") + &deployments)]
}

fn patterns(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}patches:\n");
    let mut resources = String::new();
    for i in 0..n {
        let _ = write!(
            top,
            "- target: {{kind: ConfigMap, name: 'app-{i}-.*'}}\n  patch: |-\n    apiVersion: v1\n    kind: \
             ConfigMap\n    metadata: {{name: any}}\n    data: {{a: v{i}}}\n"
        );
        resources += &config_map(&format!("app-{i}-x"), "  a: b\n");
    }
    vec![("kustomization.yaml", top), ("r.yaml", resources)]
}

fn noted_labels(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}buildMetadata: [originAnnotations, transformerAnnotations]\nlabels:\n");
    for i in 0..n {
        let _ = writeln!(top, "- pairs: {{label{i}: value}}");
    }
    vec![("kustomization.yaml", top), ("r.yaml", deployment("web", 1))]
}

fn parts(n: usize) -> Vec<(&'static str, String)> {
    let mut top = format!("{RESOURCES}replacements:\n");
    for i in 0..n {
        let _ = write!(
            top,
            "- source: {{kind: ConfigMap, name: from, fieldPath: data.a}}\n  targets:\n  - select: {{kind: \
             ConfigMap, name: to}}\n    fieldPaths: [data.list]\n    options: {{delimiter: ',', index: {i}}}\n"
        );
    }
    let list = vec!["a"; n].join(",");
    let to = config_map("to", &format!("  list: \"{list}\"\n"));
    vec![("kustomization.yaml", top), ("r.yaml", config_map("from", "  a: b\n") + &to)]
}

/// A ConfigMap with these lines of data, and the end of its document.
fn config_map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n{data}---\n")
}

/// A Deployment with as many environment variables, and the end of its document.
fn deployment(name: &str, variables: usize) -> String {
    let mut text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      \
         containers:\n      - name: main\n        image: nginx\n        env:\n"
    );
    for i in 0..variables {
        let _ = writeln!(text, "        - {{name: E{i}, value: old}}");
    }
    text + "---\n"
}
