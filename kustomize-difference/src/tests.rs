//! Differences as text, and what they are made of.

use proptest::prelude::*;

use super::*;

/// The difference between two texts, as text.
fn difference(old: &str, new: &str) -> String {
    let read = |text| Snapshot::read(text, "test.yaml").unwrap();
    Difference::between(&read(old), &read(new)).to_string()
}

/// A Deployment with this spec.
fn deployment(spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: prod\nspec: {spec}\n"
    )
}

#[test]
fn the_same_in_other_words_is_no_difference() {
    let old = "kind: Pod\nmetadata: {name: a}\nspec: {a: 'x', n: 1, m: 1.50}\n";
    let new = "# a remark\nspec:\n  m: 1.5\n  n: 0x1\n  a: x\nmetadata:\n  name: a\nkind: Pod\n";
    assert_eq!(difference(old, new), "");
}

#[test]
fn resources_come_and_go() {
    let one = "kind: Pod\nmetadata: {name: one}\n";
    let two = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: two, namespace: prod}\n";
    assert_eq!(difference(one, two), "added Job.batch prod/two\nremoved Pod one\n");
    assert_eq!(
        difference(&format!("{one}---\n{two}"), &format!("{two}---\n{one}")),
        "the resources stand in another order\n"
    );
}

#[test]
fn fields_are_named_by_path() {
    let old = deployment(
        "{replicas: 2, paused: true, strategy: {type: Recreate}, template: {spec: {containers: [{name: main, image: a}, {name: old}]}}}",
    );
    let new = deployment(
        "{replicas: '2', minReadySeconds: 5, strategy: [], template: {spec: {containers: [{name: new}, {name: main, image: b}]}}}",
    );
    let wanted = "\
changed Deployment.apps prod/web
    + spec.minReadySeconds: 5
    - spec.paused: true
    spec.replicas: 2 → \"2\"
    spec.strategy: {type: Recreate} → []
    + spec.template.spec.containers[name=new]: {name: new}
    spec.template.spec.containers[name=main].image: a → b
    - spec.template.spec.containers[name=old]: {name: old}
";
    assert_eq!(difference(&old, &new), wanted);
}

#[test]
fn a_version_is_a_field_and_not_an_identity() {
    let old = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n";
    let wanted = "changed PodDisruptionBudget.policy a\n    apiVersion: policy/v1beta1 → policy/v1\n";
    assert_eq!(difference(old, &old.replace("v1beta1", "v1")), wanted);
    assert!(difference(old, &old.replace("policy/", "other/")).contains("removed"));
}

#[test]
fn lists_with_names_are_compared_by_name() {
    for (old, new, wanted) in [
        // Order counts.
        ("[{name: a}, {name: b}]", "[{name: b}, {name: a}]", "spec.l[*].name: [a, b] → [b, a]"),
        // A list where a name is missing, or there twice, goes by index.
        ("[{name: a, v: 1}, {v: 2}]", "[{name: a, v: 2}, {v: 2}]", "spec.l[0].v: 1 → 2"),
        ("[{name: a, v: 1}, {name: a, v: 2}]", "[{name: a, v: 1}, {name: a, v: 3}]", "spec.l[1].v: 2 → 3"),
        ("[{name: '', v: 1}]", "[{name: '', v: 2}]", "spec.l[name=\"\"].v: 1 → 2"),
        ("[]", "[{name: a}]", "+ spec.l[name=a]: {name: a}"),
        // By index, after what is the same at both ends.
        ("[a, b, c]", "[b, c]", "- spec.l[0]: a"),
        ("[a, b]", "[a, x, z, b]", "+ spec.l[1]: x\n    + spec.l[2]: z"),
        ("[a, a]", "[a, a, a]", "+ spec.l[2]: a"),
        ("[a, b, c]", "[a, x, c]", "spec.l[1]: b → x"),
        ("[a, b, c]", "[b, c, d]", "spec.l[0]: a → b\n    spec.l[1]: b → c\n    spec.l[2]: c → d"),
    ] {
        let wanted = format!("changed Deployment.apps prod/web\n    {wanted}\n");
        let (old, new) = (deployment(&format!("{{l: {old}}}")), deployment(&format!("{{l: {new}}}")));
        assert_eq!(difference(&old, &new), wanted, "{old} {new}");
    }
}

#[test]
fn names_that_are_no_words_are_quoted_in_paths() {
    let old = "kind: Pod\nmetadata:\n  name: a\n  annotations: {example.com/x: '1', plain: 'on'}\n";
    let new = "kind: Pod\nmetadata:\n  name: a\n  annotations: {example.com/x: '', plain: 'off'}\n";
    let wanted = "changed Pod a\n    metadata.annotations[\"example.com/x\"]: \"1\" → \"\"\n    \
                  metadata.annotations.plain: \"on\" → \"off\"\n";
    assert_eq!(difference(old, new), wanted);
}

#[test]
fn a_new_hash_is_a_change() {
    let map = |hash: &str, value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings{hash}}}\ndata: {{a: {value}}}\n")
    };
    assert_eq!(
        difference(&map("-46mt9k8k84", "x"), &map("-998t7k744h", "z")),
        "changed ConfigMap settings-998t7k744h, which was ConfigMap settings-46mt9k8k84\n    data.a: x → z\n"
    );
    // Where the hash was switched off.
    assert!(difference(&map("-46mt9k8k84", "x"), &map("", "x")).starts_with("changed ConfigMap settings,"));
    // Two that could have been it are none.
    let two = format!("{}---\n{}", map("-998t7k744h", "x"), map("-4h2mbtbbt6", "z"));
    assert_eq!(
        difference(&map("-46mt9k8k84", "x"), &two),
        "added ConfigMap settings-998t7k744h\nadded ConfigMap settings-4h2mbtbbt6\nremoved ConfigMap settings-46mt9k8k84\n"
    );
}

#[test]
fn texts_are_compared_by_line() {
    let map = |text: &str| format!("kind: ConfigMap\nmetadata: {{name: a}}\ndata: {{x.conf: {text:?}}}\n");
    assert_eq!(
        difference(&map("one\ntwo\nthree\n"), &map("one\n2\n2.5\nthree\n")),
        "changed ConfigMap a\n    data[\"x.conf\"]:\n        - two\n        + 2\n        + 2.5\n"
    );
    assert_eq!(
        difference(&map("one\ntwo\n"), &map("one\ntwo")),
        "changed ConfigMap a\n    data[\"x.conf\"]:\n        - two\n        + two (no line break at the end)\n"
    );
    let many = difference(&map("one\n"), &map(&"x\n".repeat(100)));
    assert!(many.ends_with("+ x\n        + … 88 more lines\n"), "{many}");
}

#[test]
fn long_values_are_shown_where_they_differ() {
    let (old, new) = (format!("{}1{}", "a".repeat(500), "b".repeat(500)), format!("{}2", "a".repeat(500)));
    let text = difference(&deployment(&format!("{{x: {old}}}")), &deployment(&format!("{{x: {new}}}")));
    let wanted = format!("    spec.x: …{}1{}… → …{}2\n", "a".repeat(20), "b".repeat(79), "a".repeat(20));
    assert!(text.ends_with(&wanted), "{text}");
}

#[test]
fn nothing_moves_the_cursor() {
    let old = "kind: Pod\nmetadata: {name: \"a\\e[2J\"}\nspec: {\"\\e[1m\": \"x\\u202e\"}\n";
    let text = difference(old, &old.replace('x', "y"));
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
}

#[test]
fn overlays_are_compared_through_their_names() {
    use kustomize_core::host::MemoryHost;
    let overlay = |name: &str, replicas: u32| {
        format!(
            "namespace: {name}\nnamePrefix: {name}-\nresources: [../base]\nreplicas: [{{name: web, count: {replicas}}}]\n"
        )
    };
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n";
    let host = MemoryHost::from_iter([
        ("/base/kustomization.yaml", "resources: [web.yaml]\n".to_owned()),
        ("/base/web.yaml", deployment.to_owned()),
        ("/staging/kustomization.yaml", overlay("staging", 1)),
        ("/production/kustomization.yaml", overlay("production", 5)),
    ]);
    let snapshot = |path| {
        Snapshot::of(&kustomize_core::build(&host, path, &kustomize_core::BuildOptions::default()).unwrap())
            .unwrap()
    };
    assert_eq!(
        Difference::between(&snapshot("/staging"), &snapshot("/production")).to_string(),
        "changed Deployment.apps production/production-web, which was Deployment.apps staging/staging-web\n    \
         spec.replicas: 1 → 5\n"
    );
}

#[test]
fn what_is_no_resource_is_refused_with_its_place() {
    let error = Snapshot::read("kind: Pod\n---\n- a\n", "golden.yaml").unwrap_err();
    assert_eq!(error.location().map(|place| (place.file.as_str(), place.line)), Some(("golden.yaml", 3)));
    assert!(Snapshot::read("a: [\n", "golden.yaml").is_err());
    assert!(Snapshot::read("", "golden.yaml").unwrap().names().next().is_none());
}

#[test]
fn it_serialises_as_plain_data() {
    let read = |text| Snapshot::read(text, "test.yaml").unwrap();
    let old = read("kind: Pod\nmetadata: {name: a}\nspec: {l: [{name: x, v: 1}]}\n");
    let new = read(
        "kind: Pod\nmetadata: {name: a}\nspec: {l: [{name: x, v: null}]}\n---\nkind: Job\nmetadata: {name: b}\n",
    );
    let json = serde_json::to_value(Difference::between(&old, &new)).unwrap();
    let name = |kind, name| serde_json::json!({"group": "", "kind": kind, "namespace": null, "name": name});
    assert_eq!(
        json,
        serde_json::json!({"resources": [
            {"resource": name("Pod", "a"), "change": "changed", "was": null,
             "fields": [{"path": "spec.l[name=x].v", "old": 1, "new": null}]},
            {"resource": name("Job", "b"), "change": "added", "value": {"kind": "Job", "metadata": {"name": "b"}}},
        ], "reordered": false})
    );
}

/// Small values of any shape, with names that meet.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (0..3_i64).prop_map(Value::Int),
        "[a-c]{0,2}".prop_map(Value::String),
        "[ab]\n[ab]?".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let named = ("[a-c]", inner.clone()).prop_map(|(name, value)| {
            Value::Map([("name".to_owned(), Value::String(name)), ("v".to_owned(), value)].into())
        });
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(named, 0..4).prop_map(Value::List),
            prop::collection::btree_map("(name|[a-c])", inner, 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn no_change_is_missed_and_none_is_made_up(old in values(), new in values()) {
        let changes = fields::compare(&old, &new);
        prop_assert_eq!(changes.is_empty(), old == new);
        for change in &changes {
            prop_assert!(change.old != change.new, "{:?}", change);
        }
    }

    #[test]
    fn a_difference_is_the_same_seen_from_the_other_side(old in values(), new in values()) {
        let sorted = |mut changes: Vec<(Option<Value>, Option<Value>)>| {
            changes.sort_by_key(|change| format!("{change:?}"));
            changes
        };
        let there = fields::compare(&old, &new).into_iter().map(|change| (change.old, change.new));
        let back = fields::compare(&new, &old).into_iter().map(|change| (change.new, change.old));
        prop_assert_eq!(sorted(there.collect()), sorted(back.collect()));
    }
}
