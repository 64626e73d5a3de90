//! What policies find, feature by feature.

use admission_policy::{Objects, Operation, Policies, PolicyError, Request, Review, UserInfo};
use serde_json::{Value, json};

fn policy(spec: Value) -> Value {
    let mut all = json!({
        "matchConstraints": {"resourceRules": [{
            "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"],
        }]},
    });
    if let (Some(all), Value::Object(spec)) = (all.as_object_mut(), spec) {
        all.extend(spec);
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"}, "spec": all,
    })
}

fn binding(spec: Value) -> Value {
    let mut all = json!({"policyName": "p", "validationActions": ["Deny"]});
    if let (Some(all), Value::Object(spec)) = (all.as_object_mut(), spec) {
        all.extend(spec);
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "b"}, "spec": all,
    })
}

fn deployment(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "team", "labels": {"app": "web"}},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}},
    })
}

/// The messages about a new object.
fn messages(objects: &[Value], object: &Value) -> Result<Vec<String>, PolicyError> {
    messages_of(objects, &Request::new(Operation::Create, object, "deployments"))
}

fn messages_of(objects: &[Value], request: &Request<'_>) -> Result<Vec<String>, PolicyError> {
    let objects = Objects::new(objects.iter().cloned());
    let findings = Policies::of(&objects)?.check(request, &objects);
    Ok(findings.into_iter().map(|finding| finding.message).collect())
}

type Outcome = Result<(), PolicyError>;

#[test]
fn messages_come_from_the_policy() -> Outcome {
    let spec = json!({
        "variables": [
            {"name": "containers", "expression": "object.spec.template.spec.containers"},
            {"name": "images", "expression": "variables.containers.map(c, c.image)"},
        ],
        "validations": [
            {"expression": "object.spec.replicas <= 5", "message": "at most 5"},
            {"expression": "variables.images.all(i, i.startsWith('registry.example.org/'))",
             "messageExpression": "'not allowed: ' + variables.images[0]", "reason": "Forbidden"},
            {"expression": "has(object.metadata.annotations)"},
        ],
    });
    let found = messages(&[policy(spec), binding(json!({}))], &deployment(6))?;
    assert_eq!(
        found,
        ["at most 5", "not allowed: nginx:1", "failed expression: has(object.metadata.annotations)"]
    );
    Ok(())
}

#[test]
fn nothing_is_found_without_a_binding_or_a_match() -> Outcome {
    let never = policy(json!({"validations": [{"expression": "false"}]}));
    let all = [never.clone(), binding(json!({}))];
    assert!(messages(std::slice::from_ref(&never), &deployment(1))?.is_empty());
    assert_eq!(messages(&all, &deployment(1))?.len(), 1);
    let object = deployment(1);
    let other = |resource, subresource| {
        let mut request = Request::new(Operation::Update, &object, resource);
        request.subresource = subresource;
        messages_of(&all, &request)
    };
    assert_eq!(other("deployments", "")?.len(), 1);
    assert!(other("deployments", "status")?.is_empty());
    assert!(other("statefulsets", "")?.is_empty());
    assert!(messages_of(&all, &Request::new(Operation::Delete, &object, "deployments"))?.is_empty());
    // A policy is never refused by a policy.
    assert!(messages(&all, &never)?.is_empty());
    Ok(())
}

#[test]
fn selectors_choose_namespaces_and_objects() -> Outcome {
    let never = policy(json!({"validations": [{"expression": "false", "message": "no"}]}));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"env": "prod"}}});
    let count = |wanted: Value| {
        let objects = [never.clone(), binding(json!({"matchResources": wanted})), namespace.clone()];
        messages(&objects, &deployment(1)).map(|found| found.len())
    };
    assert_eq!(count(json!({"namespaceSelector": {"matchLabels": {"env": "prod"}}}))?, 1);
    assert_eq!(count(json!({"namespaceSelector": {"matchLabels": {"env": "test"}}}))?, 0);
    let expression = |operator: &str, values: Value| json!({"objectSelector": {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}});
    assert_eq!(count(expression("In", json!(["web", "x"])))?, 1);
    assert_eq!(count(expression("NotIn", json!(["web"])))?, 0);
    assert_eq!(count(expression("Exists", json!([])))?, 1);
    assert_eq!(count(expression("DoesNotExist", json!([])))?, 0);
    let excluded = json!({"excludeResourceRules": [{
        "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "resourceNames": ["web"],
    }]});
    assert_eq!(count(excluded)?, 0);
    Ok(())
}

#[test]
fn parameters_are_objects() -> Outcome {
    let policy = policy(json!({
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "validations": [{"expression": "object.spec.replicas <= int(params.data.max)", "messageExpression": "'at most ' + params.data.max"}],
    }));
    let max = |name: &str, max: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "policies"}, "data": {"max": max}});
    let binding = |name: &str, action: &str| {
        binding(
            json!({"paramRef": {"name": name, "namespace": "policies", "parameterNotFoundAction": action}}),
        )
    };
    let objects = |binding: Value| [policy.clone(), binding, max("low", "2"), max("high", "9")];
    assert_eq!(messages(&objects(binding("low", "Deny")), &deployment(3))?, ["at most 2"]);
    assert!(messages(&objects(binding("high", "Deny")), &deployment(3))?.is_empty());
    assert!(messages(&objects(binding("none", "Allow")), &deployment(3))?.is_empty());
    let missing =
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
    assert_eq!(messages(&objects(binding("none", "Deny")), &deployment(3))?, [missing]);
    Ok(())
}

#[test]
fn conditions_and_requests_decide() -> Outcome {
    let spec = json!({
        "matchConditions": [{"name": "people", "expression": "!('system:nodes' in request.userInfo.groups)"}],
        "validations": [{"expression": "request.operation == 'CREATE' || object.spec.replicas >= oldObject.spec.replicas", "message": "no shrinking"}],
    });
    let objects = [policy(spec), binding(json!({}))];
    let (old, new) = (deployment(3), deployment(2));
    let mut request = Request::new(Operation::Update, &new, "deployments");
    request.old_object = Some(&old);
    assert_eq!(messages_of(&objects, &request)?, ["no shrinking"]);
    request.user = UserInfo { username: "node".to_owned(), groups: vec!["system:nodes".to_owned()] };
    assert!(messages_of(&objects, &request)?.is_empty());
    assert!(messages(&objects, &new)?.is_empty());
    Ok(())
}

#[test]
fn a_condition_that_does_not_hold_outweighs_one_that_fails() -> Outcome {
    let found = |conditions: &[&str], failure_policy: &str| {
        let named = |(index, expression): (usize, &&str)| json!({"name": index.to_string(), "expression": expression});
        let conditions: Vec<Value> = conditions.iter().enumerate().map(named).collect();
        let spec = json!({
            "failurePolicy": failure_policy, "matchConditions": conditions, "validations": [{"expression": "true"}],
        });
        messages(&[policy(spec), binding(json!({}))], &deployment(1))
    };
    assert_eq!(found(&["object.spec.nothing", "false"], "Fail")?, Vec::<String>::new());
    let failed = found(&["object.spec.nothing", "true"], "Fail")?;
    assert!(failed[0].starts_with("match condition '0' resulted in error: "), "{failed:?}");
    assert!(found(&["object.spec.nothing", "true"], "Ignore")?.is_empty());
    Ok(())
}

#[test]
fn namespaces_have_their_name_as_a_label() -> Outcome {
    let only = |name: &str| {
        binding(json!({
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}},
        }))
    };
    let spec = json!({"validations": [{"expression": "false", "message": "no"}]});
    let deployment = deployment(1);
    let namespace = deployment["metadata"]["namespace"].as_str().unwrap_or_default();
    let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    assert_eq!(messages(&[policy(spec.clone()), only(namespace), manifest.clone()], &deployment)?, ["no"]);
    assert!(messages(&[policy(spec), only("other"), manifest], &deployment)?.is_empty());
    Ok(())
}

#[test]
fn audit_annotations_can_fail() -> Outcome {
    let found = |failure_policy: &str| {
        let spec = json!({
            "failurePolicy": failure_policy, "validations": [{"expression": "true"}],
            "auditAnnotations": [{"key": "a", "valueExpression": "object.spec.nothing"}],
        });
        messages(&[policy(spec), binding(json!({}))], &deployment(1))
    };
    let failed = found("Fail")?;
    assert!(failed[0].starts_with("expression 'object.spec.nothing' resulted in error: "), "{failed:?}");
    assert!(found("Ignore")?.is_empty());
    Ok(())
}

#[test]
fn failures_count_unless_they_are_ignored() -> Outcome {
    let found = |failure_policy: &str, expression: &str| {
        let spec = json!({"failurePolicy": failure_policy, "validations": [{"expression": expression}]});
        messages(&[policy(spec), binding(json!({}))], &deployment(1))
    };
    for expression in [
        "object.spec.nothing == 1",
        "1 +",
        "1",
        "authorizer.group('').resource('pods').check('get').allowed()",
    ] {
        let failed = found("Fail", expression)?;
        assert!(
            failed[0].starts_with(&format!("expression '{expression}' resulted in error: ")),
            "{failed:?}"
        );
        assert!(found("Ignore", expression)?.is_empty());
    }
    Ok(())
}

#[test]
fn actions_and_annotations_are_told() -> Outcome {
    let spec = json!({
        "auditAnnotations": [{"key": "replicas", "valueExpression": "string(object.spec.replicas)"}],
        "validations": [{"expression": "false", "message": "no"}],
    });
    let objects = Objects::new([policy(spec), binding(json!({"validationActions": ["Warn", "Audit"]}))]);
    let object = deployment(4);
    let request = Request::new(Operation::Create, &object, "deployments");
    let review = Policies::of(&objects)?.review(&request, &objects);
    assert!(!review.findings[0].is_denied());
    assert_eq!(
        review.findings[0].to_string(),
        "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"
    );
    let noted = ["ValidatingAdmissionPolicy 'p' adds the audit annotation p/replicas: 4"];
    let annotations =
        |review: &Review| -> Vec<String> { review.annotations.iter().map(ToString::to_string).collect() };
    assert_eq!(annotations(&review), noted);

    // An API server notes them as well if all validations hold.
    let spec = json!({
        "auditAnnotations": [
            {"key": "replicas", "valueExpression": "string(object.spec.replicas)"},
            {"key": "nothing", "valueExpression": "null"},
        ],
        "validations": [{"expression": "true"}],
    });
    let objects = Objects::new([policy(spec), binding(json!({"validationActions": ["Deny"]}))]);
    let review = Policies::of(&objects)?.review(&request, &objects);
    assert!(review.findings.is_empty());
    assert_eq!(annotations(&review), noted);
    Ok(())
}

#[test]
fn what_cannot_be_read_is_named() {
    let wrong = policy(json!({"validations": [{"message": "no expression"}]}));
    let error = Policies::of(&Objects::new([wrong])).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(error, Err("ValidatingAdmissionPolicy \"p\": missing field `expression`".to_owned()));
}
