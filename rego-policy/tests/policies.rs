//! What policies find, in real processes: this program is one when it is called so.

use std::time::{Duration, Instant};

use admission_policy::{Action, Objects, Operation, Request};
use rego_policy::{Finding, Module, Policies, Worker};
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
type Test = (&'static str, fn() -> Outcome);

const TESTS: [Test; 9] = [
    ("conftest_rules_find_texts_and_objects", conftest_rules_find_texts_and_objects),
    ("both_syntaxes_are_read", both_syntaxes_are_read),
    ("exceptions_leave_rules_out", exceptions_leave_rules_out),
    ("mistakes_have_a_place", mistakes_have_a_place),
    ("modules_that_check_nothing_are_mistakes", modules_that_check_nothing_are_mistakes),
    ("gatekeeper_constraints_have_parameters", gatekeeper_constraints_have_parameters),
    ("constraints_choose_objects", constraints_choose_objects),
    ("nothing_outside_is_reached", nothing_outside_is_reached),
    ("hostile_modules_end", hostile_modules_end),
];

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return Ok(rego_policy::serve()?);
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let mut failed = 0;
    for (name, test) in TESTS {
        if arguments.iter().any(|argument| argument == "--list")
            || wanted.is_some_and(|wanted| !name.contains(wanted))
        {
            continue;
        }
        let outcome = std::panic::catch_unwind(test).unwrap_or_else(|_| Err("it panicked".into()));
        let _ = outcome.inspect_err(|error| {
            failed += 1;
            panic_message(name, error.as_ref());
        });
    }
    if failed > 0 { Err(format!("{failed} tests failed").into()) } else { Ok(()) }
}

#[expect(clippy::print_stderr)]
fn panic_message(name: &str, error: &dyn std::error::Error) {
    eprintln!("{name} failed: {error}");
}

fn worker() -> Outcome<Worker> {
    Ok(Worker::new(std::env::current_exe()?, &["serve"]))
}

fn module(path: &str, text: &str) -> Module {
    Module { path: path.to_owned(), text: text.to_owned() }
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:latest"}]}}},
    })
}

fn check(modules: &[(&str, &str)], known: &[Value], object: &Value) -> Outcome<Vec<Finding>> {
    let modules = modules.iter().map(|(path, text)| module(path, text)).collect();
    let policies = Policies::new(modules, known)?;
    let request = Request::new(Operation::Create, object, "deployments");
    let lookup = Objects::new(known.iter().cloned());
    Ok(policies.check(&worker()?, &[request], &lookup)?.concat())
}

fn error(modules: &[(&str, &str)], known: &[Value]) -> String {
    check(modules, known, &deployment())
        .map_or_else(|error| error.to_string(), |found| format!("found {found:?}"))
}

fn finding(policy: &str, message: &str, action: Action) -> Finding {
    Finding { policy: policy.to_owned(), message: message.to_owned(), action }
}

fn conftest_rules_find_texts_and_objects() -> Outcome {
    let rules = r#"package main

import data.lib.images

deny contains msg if {
	some image in images.all(input)
	endswith(image, ":latest")
	msg := sprintf("%s uses %s", [input.metadata.name, image])
}

violation_replicas contains {"msg": "one replica", "details": {"found": input.spec.replicas}} if input.spec.replicas < 2

warn contains "no owner" if not input.metadata.annotations.owner

test_nothing if false

denial contains "not a rule of this kind"
"#;
    let library = r#"package lib.images

all(object) := {container.image | some container in object.spec.template.spec.containers}

deny contains "not in package main"
"#;
    let found = check(&[("rules.rego", rules), ("lib/images.rego", library)], &[], &deployment())?;
    let wanted = [
        finding("main.deny", "web uses nginx:latest", Action::Deny),
        finding("main.violation_replicas", "one replica", Action::Deny),
        finding("main.warn", "no owner", Action::Warn),
    ];
    assert_eq!(found, wanted);
    assert_eq!(found[0].to_string(), "Rego policy 'main.deny' denied request: web uses nginx:latest");
    assert_eq!(found[2].to_string(), "Rego policy 'main.warn' warned: no owner");
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"owner": "b"}}});
    assert_eq!(check(&[("rules.rego", rules), ("lib/images.rego", library)], &[], &config)?, []);
    Ok(())
}

fn both_syntaxes_are_read() -> Outcome {
    let old = "package main\n\ndeny[msg] {\n\tinput.kind == \"Deployment\"\n\tmsg := \"old\"\n}\n";
    let new = "package main\n\nimport rego.v1\n\nwarn contains \"new\" if input.kind == \"Deployment\"\n";
    let found = check(&[("old.rego", old), ("new.rego", new)], &[], &deployment())?;
    assert_eq!(found, [finding("main.deny", "old", Action::Deny), finding("main.warn", "new", Action::Warn)]);
    Ok(())
}

fn exceptions_leave_rules_out() -> Outcome {
    let text = "package main

deny_one contains \"one\"

deny_two contains \"two\"

exception contains [\"one\"] if input.metadata.name == \"web\"
";
    let found = check(&[("rules.rego", text)], &[], &deployment())?;
    assert_eq!(found, [finding("main.deny_two", "two", Action::Deny)]);
    Ok(())
}

fn mistakes_have_a_place() -> Outcome {
    let text = "package main\n\ndeny contains msg if {\n\tmsg := := 1\n}\n";
    let found = error(&[("policies/a.rego", text)], &[]);
    assert!(found.starts_with("policies/a.rego:4:9: "), "{found}");
    // A mistake in the old syntax is that of the old syntax.
    let text = "package main\n\ndeny[msg] {\n\tinput.a\n\tmsg := := 1\n}\n";
    let found = error(&[("a.rego", text)], &[]);
    assert!(found.starts_with("a.rego:5:9: "), "{found}");
    let found = error(&[("a.rego", "package main\n\ndeny contains msg if msg := no_such(1)\n")], &[]);
    assert!(found.contains("a.rego:3:"), "{found}");
    for value in ["1", "{\"message\": \"a\"}"] {
        let found = error(&[("a.rego", &format!("package main\n\ndeny contains {value}\n"))], &[]);
        assert!(found.starts_with("Deployment web: main.deny: "), "{found}");
    }
    Ok(())
}

fn modules_that_check_nothing_are_mistakes() -> Outcome {
    let found = error(&[("a.rego", "package other\n\ndeny contains \"a\"\n")], &[]);
    let wanted = "no rule `deny`, `violation` or `warn` is in `package main`, so that these would check nothing: a.rego (package other)";
    assert_eq!(found, wanted);
    Ok(())
}

const REQUIRED_LABELS: &str = r#"package k8srequiredlabels

import data.lib.labels

violation[{"msg": msg, "details": {"missing": missing}}] {
	missing := {label | label := input.parameters.labels[_]} - labels.of(input.review.object)
	count(missing) > 0
	msg := sprintf("%v %v misses %v", [input.review.kind.kind, input.review.name, missing])
}
"#;

fn template() -> Value {
    json!({
        "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
        "metadata": {"name": "k8srequiredlabels"},
        "spec": {
            "crd": {"spec": {"names": {"kind": "K8sRequiredLabels"}}},
            "targets": [{
                "target": "admission.k8s.gatekeeper.sh", "rego": REQUIRED_LABELS,
                "libs": ["package lib.labels\n\nof(object) = {label | object.metadata.labels[label]}\n"],
            }],
        },
    })
}

fn constraint(name: &str, matches: Value, action: Value) -> Value {
    json!({
        "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sRequiredLabels", "metadata": {"name": name},
        "spec": {"match": matches, "parameters": {"labels": ["app", "owner"]}, "enforcementAction": action},
    })
}

fn gatekeeper_constraints_have_parameters() -> Outcome {
    let known = [
        template(),
        constraint(
            "owner",
            json!({"kinds": [{"apiGroups": ["apps"], "kinds": ["Deployment"]}]}),
            json!("deny"),
        ),
        constraint("advice", json!({}), json!("warn")),
        constraint("others", json!({"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}), json!("deny")),
    ];
    let found = check(&[], &known, &deployment())?;
    let words = "Deployment web misses {\"owner\"}";
    let wanted = [
        finding("K8sRequiredLabels/owner", words, Action::Deny),
        finding("K8sRequiredLabels/advice", words, Action::Warn),
    ];
    assert_eq!(found, wanted);
    let mut inventory = template();
    inventory["spec"]["targets"][0]["rego"] =
        json!("package a\nviolation[{\"msg\": \"a\"}] { data.inventory.cluster }");
    let mut cel = template();
    cel["spec"]["targets"][0]["code"] = json!([{"engine": "K8sNativeValidation", "source": {}}]);
    let orphan = constraint("owner", json!({}), json!("deny"));
    let odd = constraint("owner", json!({"sauce": "All"}), json!("deny"));
    for (known, wanted) in [
        (vec![inventory], "ConstraintTemplate \"k8srequiredlabels\": it uses data.inventory"),
        (
            vec![cel],
            "ConstraintTemplate \"k8srequiredlabels\": the engine K8sNativeValidation is not supported",
        ),
        (vec![orphan], "K8sRequiredLabels \"owner\": there is no ConstraintTemplate of this kind"),
        (vec![template(), odd], "K8sRequiredLabels \"owner\": spec: unknown field `sauce`"),
    ] {
        let found = error(&[], &known);
        assert!(found.starts_with(wanted), "{found}");
    }
    Ok(())
}

fn constraints_choose_objects() -> Outcome {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"env": "test"}}});
    for (matches, is_meant) in [
        (json!({"namespaces": ["sh*"]}), true),
        (json!({"namespaces": ["*op"], "excludedNamespaces": ["shop"]}), false),
        (json!({"namespaces": ["other"]}), false),
        (json!({"scope": "Cluster"}), false),
        (json!({"scope": "Namespaced", "name": "w*"}), true),
        (json!({"labelSelector": {"matchLabels": {"app": "db"}}}), false),
        (
            json!({"namespaceSelector": {"matchExpressions": [{"key": "env", "operator": "In", "values": ["test"]}]}}),
            true,
        ),
        (json!({"namespaceSelector": {"matchLabels": {"env": "production"}}}), false),
        (json!({"kinds": [{"apiGroups": [""], "kinds": ["*"]}]}), false),
    ] {
        let known = [template(), constraint("owner", matches.clone(), json!("deny")), namespace.clone()];
        assert_eq!(!check(&[], &known, &deployment())?.is_empty(), is_meant, "{matches}");
    }
    Ok(())
}

fn nothing_outside_is_reached() -> Outcome {
    for call in [
        "http.send({\"method\": \"GET\", \"url\": \"http://127.0.0.1:1\"})",
        "opa.runtime()",
        "net.lookup_ip_addr(\"localhost\")",
        "time.now_ns()",
    ] {
        let found =
            error(&[("a.rego", &format!("package main\n\ndeny contains msg if msg := {call}\n"))], &[]);
        assert!(
            found.starts_with("Deployment web: main.deny: a.rego:3:") && found.contains("function"),
            "{call}: {found}"
        );
    }
    Ok(())
}

fn hostile_modules_end() -> Outcome {
    for body in [
        // Many steps.
        "count([1 | numbers.range(1, 100000)[_]; numbers.range(1, 100000)[_]]) == 0",
        // One step that takes long and much memory.
        "count(numbers.range(1, 100000000000)) == 0",
        // Texts that double.
        &(0..40).fold("a0 := \"aaaaaaaaaaaaaaaa\"".to_owned(), |text, n| {
            format!("{text}; a{} := concat(\"\", [a{n}, a{n}])", n + 1)
        }),
        // A call of itself.
        "f(1) == 0",
        &format!("{}1{} == 0", "[".repeat(5000), "]".repeat(5000)),
    ] {
        let text = format!("package main\n\nf(x) := f(x + 1) + 1\n\ndeny contains \"a\" if {{ {body} }}\n");
        let modules = vec![module("a.rego", &text)];
        let object = deployment();
        let request = Request::new(Operation::Create, &object, "deployments");
        let start = Instant::now();
        let found = Policies::new(modules, &[])?.check(
            &worker()?.with_patience(Duration::from_secs(20)),
            &[request],
            &Objects::default(),
        );
        let short: String = body.chars().take(60).collect();
        assert!(found.is_err(), "{short}: {found:?}");
        assert!(start.elapsed() < Duration::from_secs(40), "{short}: {:?}", start.elapsed());
    }
    Ok(())
}
