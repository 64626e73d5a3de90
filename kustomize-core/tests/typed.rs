//! Kustomizations and JSON patches as values: they mean the same as the files and patches that they
//! stand for.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

use std::path::{Path, PathBuf};

use kustomize_core::host::MemoryHost;
use kustomize_core::kustomization::{Image, Kustomization, Label, Patch, Replica, Selector};
use kustomize_core::resource::Resource;
use kustomize_core::{BuildOptions, build, build_kustomization};
use kustomize_host::OsHost;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Directories with a kustomization and a golden file.
fn rendered_fixtures(directory: &Path, found: &mut Vec<PathBuf>) {
    if directory.join("kustomization.snap.yaml").is_file() && directory.join("kustomization.yaml").is_file() {
        found.push(directory.to_owned());
    }
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            rendered_fixtures(&path, found);
        }
    }
}

/// Fixtures with what kustomize's decoder accepts and serde does not.
const ONLY_IN_FILES: &[(&str, &str)] = &[("vars", "a field name in another case")];

#[test]
fn fixtures_read_by_serde_render_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").canonicalize().unwrap();
    let mut fixtures = Vec::new();
    rendered_fixtures(&root, &mut fixtures);
    assert!(fixtures.len() > 20, "{}", fixtures.len());
    let (host, options) = (OsHost::new(), BuildOptions::default());
    let mut wrong = Vec::new();
    for directory in &fixtures {
        let name = directory.strip_prefix(&root).unwrap().display().to_string();
        let text = std::fs::read_to_string(directory.join("kustomization.yaml")).unwrap();
        let known = ONLY_IN_FILES.iter().any(|(known, _)| *known == name);
        let kustomization: Kustomization = match serde_yaml::from_str(&text) {
            Ok(kustomization) => kustomization,
            Err(error) => {
                if !known {
                    wrong.push(format!("{name}: {error}"));
                }
                continue;
            }
        };
        let directory = OsHost::path(directory).unwrap();
        let golden = build(&host, &directory, &options).and_then(|rendered| rendered.yaml());
        let value = build_kustomization(&host, &directory, &kustomization, &options)
            .and_then(|rendered| rendered.yaml());
        match (golden, value) {
            (Ok(golden), Ok(value)) if (golden == value) != known => {}
            (golden, value) => wrong.push(format!("{name}:\n{golden:?}\n{value:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        prop::sample::select(vec![
            "yes",
            "null",
            "~",
            "017",
            "1e3",
            "2001-01-01",
            "a: b",
            "- a",
            "#a",
            "x\ny\n"
        ])
        .prop_map(str::to_owned),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("[a-z]{1,8}", text()), 0..3)
}

prop_compose! {
    fn kustomizations()(
        namespace in "[a-z]{0,8}",
        name_prefix in "[a-z]{0,4}",
        annotations in pairs(),
        labels in pairs(),
        include_templates in any::<bool>(),
        image in "[a-z]{1,8}",
        new_tag in "[a-z0-9]{1,6}",
        count in 0..100_i64,
        literals in prop::collection::vec(("[a-z]{1,6}", "[a-z0-9 :#]{0,12}"), 0..3),
    ) -> Kustomization {
        let mut literal_texts: Vec<String> = literals.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        literal_texts.dedup_by(|one, other| one.split('=').next() == other.split('=').next());
        let mut generator = kustomize_core::kustomization::ConfigMapArgs { name: "made".to_owned(), ..Default::default() };
        generator.literals = literal_texts.into_iter().map(Into::into).collect();
        Kustomization {
            namespace,
            name_prefix,
            common_annotations: annotations.into_iter().collect(),
            labels: vec![Label { pairs: labels.into_iter().collect(), include_templates, ..Label::default() }],
            images: vec![Image { name: image, new_tag, ..Image::default() }.into()],
            replicas: vec![Replica { name: "web".to_owned(), count }.into()],
            patches: vec![Patch::from_json(
                &serde_json::from_value(json!([{"op": "add", "path": "/spec/paused", "value": true}])).unwrap(),
                Selector { kind: "Deployment".to_owned(), ..Selector::default() },
            ).into()],
            config_map_generator: vec![generator.into()],
            resources: vec!["web.yaml".into()],
            ..Kustomization::default()
        }
    }
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - name: web\n        image: nginx\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// serde and our decoder read the same from what a value is written as, and it renders alike.
    #[test]
    fn a_kustomization_survives_being_written(kustomization in kustomizations()) {
        let text = kustomization.to_yaml().unwrap();
        let again: Kustomization = serde_yaml::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_value(&kustomization).unwrap(), serde_json::to_value(&again).unwrap());
        let options = BuildOptions::default();
        let host = MemoryHost::from_iter([("/app/web.yaml", WEB)]);
        let value = build_kustomization(&host, "/app", &kustomization, &options).map(|it| it.yaml().unwrap());
        let with_file = MemoryHost::from_iter([("/app/web.yaml", WEB), ("/app/kustomization.yaml", &text)]);
        let file = build(&with_file, "/app", &options).map(|it| it.yaml().unwrap());
        match (value, file) {
            (Ok(value), Ok(file)) => prop_assert_eq!(value, file),
            (value, file) => prop_assert_eq!(value.unwrap_err().to_string(), file.unwrap_err().to_string()),
        }
    }
}

/// The paths of a patch: members that exist and that do not, and items of a list.
fn paths() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "/spec/a",
        "/spec/b",
        "/spec/new",
        "/spec/map",
        "/spec/map/x",
        "/spec/map/new",
        "/spec/list/0",
        "/spec/list/2",
        "/spec/list/3",
        "/spec/list/-",
        "/spec/list/9",
        "/spec/none/x",
        "/spec/m~1n",
    ])
    .prop_map(str::to_owned)
}

fn values() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!("x"), json!(7), json!(true), json!(["p"]), json!({"k": "v"}), json!({})])
}

fn operations() -> impl Strategy<Value = Value> {
    prop_oneof![
        (paths(), values()).prop_map(|(path, value)| json!({"op": "add", "path": path, "value": value})),
        (paths(), values()).prop_map(|(path, value)| json!({"op": "replace", "path": path, "value": value})),
        (paths(), values()).prop_map(|(path, value)| json!({"op": "test", "path": path, "value": value})),
        paths().prop_map(|path| json!({"op": "remove", "path": path})),
        (paths(), paths()).prop_map(|(from, path)| json!({"op": "copy", "from": from, "path": path})),
    ]
}

fn widget() -> Value {
    json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "web"},
        "spec": {"a": "x", "b": 7, "list": ["p", "q", "r"], "m/n": 1, "map": {"x": true}},
    })
}

/// Applies a patch to a resource with our engine and with the crate `json_patch`.
fn both(resource: &Value, patch: &Value) -> (Option<Value>, Option<Value>) {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
    let mut patched = Resource::from_serializable(resource).unwrap();
    let ours = patched.patch(&patch).ok().map(|()| patched.deserialize().unwrap());
    let mut theirs = resource.clone();
    let theirs = json_patch::patch(&mut theirs, &patch).ok().map(|()| theirs);
    (ours, theirs)
}

/// Whether an operation reads a value that is not there, which is a listed difference.
fn reads_what_is_missing(resource: &Value, operation: &Value) -> bool {
    let read = match operation["op"].as_str() {
        Some("replace" | "test") => &operation["path"],
        Some("copy") => &operation["from"],
        _ => return false,
    };
    resource.pointer(read.as_str().unwrap()).is_none()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Operations mean the same to both engines, one after the other, but for what is listed below.
    #[test]
    fn json_patches_mean_what_the_crate_says(operations in prop::collection::vec(operations(), 1..8)) {
        let mut resource = widget();
        for operation in operations {
            if reads_what_is_missing(&resource, &operation) {
                continue;
            }
            let (ours, theirs) = both(&resource, &json!([operation]));
            prop_assert_eq!(&ours, &theirs, "{} on {}", operation, resource);
            resource = ours.unwrap_or(resource);
        }
    }
}

/// What kustomize's engine (evanphx/json-patch v4) does differently from RFC 6902 and so from the
/// crate: why we have our own.
#[test]
fn json_patches_differ_from_the_crate_here_only() {
    for (operation, path, expected) in [
        (
            json!({"op": "replace", "path": "/spec/list/-1", "value": "z"}),
            "/spec/list",
            json!(["p", "q", "z"]),
        ),
        (
            json!({"op": "replace", "path": "/spec/list/01", "value": "z"}),
            "/spec/list",
            json!(["p", "z", "r"]),
        ),
        (json!({"op": "replace", "path": "/spec/new", "value": "z"}), "/spec/new", json!("z")),
        (json!({"op": "test", "path": "/spec/new", "value": null}), "/spec/b", json!(7)),
    ] {
        let (ours, theirs) = both(&widget(), &json!([operation]));
        let ours = ours.unwrap_or_else(|| panic!("{operation} does not apply"));
        assert_eq!(ours.pointer(path), Some(&expected), "{operation}");
        assert_eq!(theirs, None, "{operation}");
    }
}
