//! Patches that follow each other give the same with and without what earlier ones have left.

use proptest::prelude::*;

use super::*;
use crate::yaml::{Map, Sources, print};

const START: &str = "apiVersion: example.com/v1
kind: Widget
metadata: {name: w, labels: {n: 010}, annotations: {a: b}}
spec: {list: [1, {a: 1, b: 0x10}, x], map: {a: 1000000, b: \"y\", \"3\": three}, day: 2001-01-01}
data:
";

/// A resource with a map that is long enough to be remembered.
fn start(file: FileId) -> Node {
    let data: String = (0..70).map(|i| format!("  k{i}: v{i}\n")).collect();
    reader::read(&(START.to_owned() + &data), file).unwrap().remove(0)
}

const PATHS: &[&str] = &[
    "",
    "/",
    "/data",
    "/data/k3",
    "/data/k69",
    "/data/new",
    "/data/new/deep",
    "/data/<<",
    "/spec",
    "/spec/list",
    "/spec/list/-",
    "/spec/list/0",
    "/spec/list/1/a",
    "/spec/list/-1",
    "/spec/map",
    "/spec/map/a",
    "/spec/map/7",
    "/spec/map/b",
    "/spec/day",
    "/metadata/labels",
    "/metadata/labels/n",
    "/metadata/annotations/a",
    "/metadata",
];

const VALUES: &[&str] = &[
    "1",
    "1000000",
    "12345678901234567",
    "-0",
    "-0.0",
    "1e21",
    "1.50",
    "null",
    "true",
    "\"v3\"",
    "\"y\"",
    "\"\\tx\\ny\"",
    "\"\\tx \\ny\"",
    "\"a\\u0085b\"",
    "{\"a\": 1, \"7\": [1000000, \"0x10\"]}",
    "[{\"a\": 1000000}, 2]",
    "{}",
];

fn operation() -> impl Strategy<Value = String> {
    let path = || prop::sample::select(PATHS);
    let value = prop::sample::select(VALUES);
    let op = prop::sample::select(&["add", "add", "add", "replace", "remove", "test", "move", "copy"][..]);
    (op, path(), path(), value).prop_map(|(op, path, from, value)| {
        format!("{{\"op\": \"{op}\", \"path\": \"{path}\", \"from\": \"{from}\", \"value\": {value}}}")
    })
}

/// A patch in JSON or, with a space before it, in YAML.
fn patch() -> impl Strategy<Value = String> {
    (prop::collection::vec(operation(), 1..4), any::<bool>()).prop_map(|(operations, is_yaml)| {
        format!("{}[{}]", if is_yaml { " " } else { "" }, operations.join(", "))
    })
}

/// What patches do between each other, see `transform/patch_apply.rs`.
fn between(resource: &mut Node) {
    let root = resource.as_map_mut().unwrap();
    let metadata = root.get_or_insert_with("metadata", || Node::map(Map::new()));
    if let Some(metadata) = metadata.as_map_mut() {
        metadata.insert("annotations", Node::map(Map::new()));
    }
}

fn printed(node: &Node) -> Result<String, String> {
    let mut text = String::new();
    print(node, &mut text).map_err(|error| error.to_string()).map(|()| text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn patches_that_know_more_do_the_same(patches in prop::collection::vec(patch(), 1..12)) {
        let sources = Sources::default();
        let mut slow = start(sources.add("w.yaml", "".into(), None));
        let mut quick = slow.clone();
        let mut form = JsonForm::eager();
        for patch in patches {
            let text = SourceText::from(patch.as_str());
            let Ok(patch) = JsonPatch::read(&text, sources.add("patch", text.clone(), None)) else { continue };
            let (mut slow_next, mut quick_next) = (slow.clone(), quick.clone());
            let expected = patch.apply(&mut slow_next, &mut JsonForm::default());
            let applied = patch.apply(&mut quick_next, &mut form);
            prop_assert_eq!(
                applied.map_err(|error| error.to_string()),
                expected.clone().map_err(|error| error.to_string())
            );
            if expected.is_err() {
                // A failed patch ends a build; here the next one starts from the last result.
                form = JsonForm::eager();
                continue;
            }
            (slow, quick) = (slow_next, quick_next);
            prop_assert!(format!("{slow:?}") == format!("{quick:?}"), "the trees differ");
            prop_assert_eq!(printed(&slow), printed(&quick));
            between(&mut slow);
            between(&mut quick);
        }
    }
}

#[test]
fn many_patches_leave_a_resource_settled() {
    let sources = Sources::default();
    let mut resource = start(sources.add("w.yaml", "".into(), None));
    let mut form = JsonForm::eager();
    for i in 0..5 {
        let text = SourceText::from(format!("[{{\"op\": \"add\", \"path\": \"/data/n{i}\", \"value\": 1}}]"));
        let patch = JsonPatch::read(&text, sources.add("patch", text.clone(), None)).unwrap();
        patch.apply(&mut resource, &mut form).unwrap();
    }
    assert_eq!(form.state, FormState::Settled);
}

/// A map that is long enough to be remembered, from its last key to its first if `is_reversed`.
fn long_map(value: &str, is_reversed: bool) -> String {
    let mut fields: Vec<String> = (0..70).map(|i| format!("k{i}: {value}{i}")).collect();
    if is_reversed {
        fields.reverse();
    }
    format!("{{{}}}", fields.join(", "))
}

/// Applies patches one after the other to a resource of which long maps are remembered.
fn apply_all(resource: &str, patches: &[String]) -> String {
    let sources = Sources::default();
    let mut resource = reader::read(resource, sources.add("w.yaml", "".into(), None)).unwrap().remove(0);
    let mut form = JsonForm::eager();
    for patch in patches {
        let text = SourceText::from(patch.as_str());
        let patch = JsonPatch::read(&text, sources.add("patch", text.clone(), None)).unwrap();
        patch.apply(&mut resource, &mut form).unwrap();
    }
    printed(&resource).unwrap()
}

#[test]
fn what_is_remembered_of_a_map_ends_with_it() {
    let (first, second) = (long_map("v", false), long_map("w", true));
    let test = |path: &str, value: &str| format!("- {{op: test, path: {path}, value: {value}}}\n");
    // Another map takes its place, or what is around it does.
    let moved = "- {op: move, from: /a, path: /c}\n- {op: move, from: /b, path: /a}\n";
    let replaced = format!("- {{op: replace, path: \"\", value: {{a: {second}}}}}\n");
    for change in [moved, &replaced] {
        let patch = test("/a/k3", "v3") + change + &test("/a/k3", "w3");
        apply_all(&format!("a: {first}\nb: {second}\n"), &[patch]);
    }
    let inner = format!("- {{op: replace, path: /a, value: {{x: {second}}}}}\n");
    let patch = test("/a/x/k3", "v3") + &inner + &test("/a/x/k3", "w3");
    apply_all(&format!("a: {{x: {first}}}\n"), &[patch]);
    // Items of lists have other places after an insertion.
    let inserted = format!("- {{op: add, path: /list/0, value: {second}}}\n");
    let patch = test("/list/0/k3", "v3") + &inserted + &test("/list/0/k3", "w3");
    apply_all(&format!("list: [{first}]\n"), &[patch]);
}

#[test]
fn a_test_sees_the_json_form_of_what_was_moved() {
    let patches = [
        "- {op: add, path: /spec/x, value: 1000000}",
        "- {op: move, from: /spec/x, path: /spec/y}\n- {op: test, path: /spec/y, value: 1000000}",
    ];
    assert_eq!(apply_all("spec: {}\n", &patches.map(str::to_owned)), "spec:\n  \"y\": 1000000\n");
}

#[test]
fn a_value_that_cannot_be_read_may_be_removed_again() {
    let patches = [
        r#"[{"op": "add", "path": "/spec/a", "value": 1}]"#,
        r#"[{"op": "add", "path": "/spec/b", "value": 1e400}, {"op": "remove", "path": "/spec/b"}]"#,
    ];
    assert_eq!(apply_all("spec: {}\n", &patches.map(str::to_owned)), "spec:\n  a: 1\n");
}

#[test]
fn a_value_that_changes_each_time_changes_each_time() {
    let patches = [
        r#"[{"op": "add", "path": "/spec/a", "value": 1}]"#,
        r#"[{"op": "test", "path": "/spec/a", "value": 1}, {"op": "add", "path": "/spec/n", "value": -0}]"#,
        r#"[{"op": "add", "path": "/spec/b", "value": 1}]"#,
    ];
    let fresh = patches.map(str::to_owned);
    assert_eq!(apply_all("spec: {}\n", &fresh), "spec:\n  a: 1\n  b: 1\n  \"n\": 0\n");
}

#[test]
fn a_value_that_changes_each_time_leaves_a_resource_unsettled() {
    let sources = Sources::default();
    let mut resource = reader::read("spec: {}\n", sources.add("w.yaml", "".into(), None)).unwrap().remove(0);
    let mut form = JsonForm::eager();
    let test = r#"{"op": "test", "path": "/spec/a", "value": 1}"#;
    for (patch, state) in [
        (r#"[{"op": "add", "path": "/spec/a", "value": 1}]"#.to_owned(), FormState::Patched),
        (format!(r#"[{test}, {{"op": "add", "path": "/spec/b", "value": "x"}}]"#), FormState::Settled),
        (format!(r#"[{test}, {{"op": "add", "path": "/spec/c", "value": -0}}]"#), FormState::Unsettled),
    ] {
        let text = SourceText::from(patch.as_str());
        let patch = JsonPatch::read(&text, sources.add("patch", text.clone(), None)).unwrap();
        patch.apply(&mut resource, &mut form).unwrap();
        assert_eq!(form.state, state, "{text:?}");
    }
}
