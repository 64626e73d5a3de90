//! What holds for every input.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Texts that YAML would read as something else, or cannot hold plainly.
const TRICKY: &[&str] = &[
    "",
    " ",
    "~",
    "null",
    "yes",
    "n",
    "On",
    "true",
    "017",
    "0o17",
    "0x1F",
    "0b1",
    "1_000",
    "1:30",
    "1e3",
    ".5",
    "-.inf",
    ".nan",
    "2001-01-01",
    "=",
    "<<",
    "-",
    "- a",
    "? a",
    ": a",
    "a: b",
    "a #b",
    "#a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "@a",
    "`a",
    "%a",
    "{a",
    "[a",
    "'a'",
    "\"a\"",
    "a\\b",
    "a\nb",
    "a\n",
    "\na",
    "a\n\nb\n\n",
    " a\nb",
    "a \nb",
    "a\tb",
    "a\rb",
    "\u{2028}x",
    "😀",
    "héllo",
    "---",
    "...",
    "--- a",
    "a:",
    ":a",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => proptest::sample::select(TRICKY).prop_map(str::to_owned),
        2 => "[ -~]{0,12}",
        1 => "([a-z'\":#-]{1,12} ){5,30}[a-z]{0,5}",
        1 => "[a-zà-ü☃ \\n]{0,40}",
    ]
}

/// Keys; but for the merge key, which kustomize obeys even in quotes.
fn key() -> impl Strategy<Value = String> {
    text().prop_filter("the merge key", |text| text != "<<")
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u32>().prop_map(Value::from),
        1 => (-1e30..1e30).prop_map(|number: f64| json!(number)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn resource(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Any", "metadata": {"name": "any"}, "spec": spec})
}

fn render(kustomization: &str, resource: &str) -> Option<String> {
    let host = MemoryHost::from_iter([("/kustomization.yaml", kustomization), ("/r.yaml", resource)]);
    build(&host, "/", &BuildOptions::default()).ok()?.yaml().ok()
}

fn plain(resource: &str) -> Option<String> {
    render("resources: [r.yaml]\n", resource)
}

/// The same tree with the keys of every map turned around.
fn turned(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(turned).collect(),
        Value::Object(map) => {
            let pairs: Vec<_> = map.iter().map(|(key, value)| (key.clone(), turned(value))).collect();
            Value::Object(pairs.into_iter().rev().collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Equal, where a float that is a whole number may have become one.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_reader_reads_what_was_meant(spec in value()) {
        let resource = resource(spec);
        let Some(text) = plain(&resource.to_string()) else { return Ok(()) };
        let read: Value = serde_yaml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert!(same(&read, &resource), "{text}");
    }

    #[test]
    fn output_renders_as_itself(spec in value()) {
        let Some(once) = plain(&resource(spec).to_string()) else { return Ok(()) };
        prop_assert_eq!(plain(&once), Some(once));
    }

    #[test]
    fn the_order_of_keys_does_not_matter(spec in value()) {
        let resource = resource(spec);
        prop_assert_eq!(plain(&resource.to_string()), plain(&turned(&resource).to_string()));
    }

    #[test]
    fn no_text_panics(text in "(\\PC|[\\n\\t :{}\\[\\]&*!|>'\"%@`#,?-]){0,200}") {
        let _ = plain(&text);
        let _ = render(&text, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n");
    }

    #[test]
    fn no_value_of_a_field_panics(
        field in proptest::sample::select(&["namePrefix", "namespace", "commonLabels", "labels", "images", "patches",
            "replacements", "configMapGenerator", "replicas", "vars", "resources", "transformers", "sortOptions"]),
        value in value(),
    ) {
        let kustomization = json!({"resources": ["r.yaml"], field: value}).to_string();
        let _ = render(&kustomization, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n");
    }

    #[test]
    fn a_prefix_stands_before_every_name(names in prop::collection::btree_set("[a-z]{1,8}", 1..20), prefix in "[a-z]{1,5}-") {
        let resources: String = names.iter()
            .map(|name| format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name:?}}}\n")).collect();
        let text = render(&format!("namePrefix: {prefix}\nresources: [r.yaml]\n"), &resources);
        let text = text.ok_or_else(|| TestCaseError::fail("refused"))?;
        let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  name: ")).collect();
        let expected: Vec<String> = names.iter().map(|name| format!("{prefix}{name}")).collect();
        prop_assert_eq!(found, expected);
    }
}
