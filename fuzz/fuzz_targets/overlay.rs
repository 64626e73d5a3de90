//! A kustomization put together from parts that make sense, over resources of any names.

#![no_main]

use arbitrary::Arbitrary;
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Overlay<'a> {
    resources: Vec<(Kind, &'a str, &'a str)>,
    fields: Vec<Field<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Kind {
    ConfigMap,
    Deployment,
    Namespace,
    ServiceAccount,
}

#[derive(Arbitrary, Debug)]
enum Field<'a> {
    Images(&'a str, &'a str),
    JsonPatch(&'a str, &'a str),
    Labels(&'a str, &'a str),
    Literals(&'a str, &'a str),
    MergePatch(&'a str),
    NamePrefix(&'a str),
    NameSuffix(&'a str),
    Namespace(&'a str),
    Replacement(&'a str, &'a str),
    Replicas(&'a str, u8),
}

fuzz_target!(|overlay: Overlay<'_>| {
    let resources: String = overlay.resources.iter().map(resource).collect();
    let fields: String = overlay.fields.iter().map(field).collect();
    let host = MemoryHost::from_iter([
        ("/kustomization.yaml", format!("resources: [r.yaml]\n{fields}")),
        ("/r.yaml", resources),
    ]);
    if let Ok(rendered) = build(&host, "/", &BuildOptions::default()) {
        let _ = rendered.yaml();
    }
});

fn resource((kind, name, namespace): &(Kind, &str, &str)) -> String {
    let version = if matches!(kind, Kind::Deployment) { "apps/v1" } else { "v1" };
    format!(
        "---\napiVersion: {version}\nkind: {kind:?}\nmetadata: {{name: {name:?}, namespace: {namespace:?}}}\n\
         spec: {{replicas: 1, template: {{spec: {{containers: [{{name: a, image: nginx}}]}}}}}}\n"
    )
}

fn field(field: &Field<'_>) -> String {
    match field {
        Field::Images(name, tag) => format!("images: [{{name: {name:?}, newTag: {tag:?}}}]\n"),
        Field::JsonPatch(path, value) => format!(
            "patches: [{{target: {{kind: Deployment}}, patch: '[{{op: add, path: {path:?}, value: {value:?}}}]'}}]\n"
        ),
        Field::Labels(key, value) => {
            format!("labels: [{{pairs: {{{key:?}: {value:?}}}, includeSelectors: true}}]\n")
        }
        Field::Literals(name, literal) => {
            format!("configMapGenerator: [{{name: {name:?}, literals: [{literal:?}]}}]\n")
        }
        Field::MergePatch(text) => {
            format!("patches: [{{target: {{kind: '.*'}}, patch: {text:?}}}]\n")
        }
        Field::NamePrefix(text) => format!("namePrefix: {text:?}\n"),
        Field::NameSuffix(text) => format!("nameSuffix: {text:?}\n"),
        Field::Namespace(text) => format!("namespace: {text:?}\n"),
        Field::Replacement(from, to) => format!(
            "replacements: [{{source: {{kind: Deployment, fieldPath: {from:?}}}, \
             targets: [{{select: {{kind: '.*'}}, fieldPaths: [{to:?}], options: {{create: true}}}}]}}]\n"
        ),
        Field::Replicas(name, count) => format!("replicas: [{{name: {name:?}, count: {count}}}]\n"),
    }
}
