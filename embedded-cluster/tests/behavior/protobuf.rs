//! Bodies in protobuf, as kubectl 1.36 has sent them. Next to each is what `--dry-run=client` prints.

use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

use crate::suite::{Outcome, fresh_namespace};

/// `kubectl create` of an object: where it is sent, and the two files. What is not namespaced has no place for it.
const CREATED: [(&str, &[u8], &str); 8] = [
    (
        "/api/v1/namespaces/NS/secrets",
        include_bytes!("protobuf/secret.pb"),
        include_str!("protobuf/secret.json"),
    ),
    (
        "/apis/apps/v1/namespaces/NS/deployments",
        include_bytes!("protobuf/deployment.pb"),
        include_str!("protobuf/deployment.json"),
    ),
    (
        "/apis/batch/v1/namespaces/NS/cronjobs",
        include_bytes!("protobuf/cronjob.pb"),
        include_str!("protobuf/cronjob.json"),
    ),
    (
        "/api/v1/namespaces/NS/resourcequotas",
        include_bytes!("protobuf/quota.pb"),
        include_str!("protobuf/quota.json"),
    ),
    (
        "/apis/policy/v1/namespaces/NS/poddisruptionbudgets",
        include_bytes!("protobuf/pdb.pb"),
        include_str!("protobuf/pdb.json"),
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
        include_bytes!("protobuf/rolebinding.pb"),
        include_str!("protobuf/rolebinding.json"),
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/NS/ingresses",
        include_bytes!("protobuf/ingress.pb"),
        include_str!("protobuf/ingress.json"),
    ),
    (
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        include_bytes!("protobuf/priority.pb"),
        include_str!("protobuf/priority.json"),
    ),
];

/// Everything that `--dry-run=client` printed is in what the server stores.
pub(crate) async fn bodies_are_read(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "protobuf-").await?;
    for (path, body, printed) in CREATED {
        let path = format!("{}?dryRun=All", path.replace("NS", &namespace));
        let answer = post(client, &path, body, None).await?;
        let mut printed: Value = serde_json::from_str(printed)?;
        // What kubectl found in its kubeconfig, and what the server says about the object.
        if let Some(printed) = printed.as_object_mut() {
            printed.shift_remove("status");
        }
        if let Some(metadata) = printed["metadata"].as_object_mut() {
            metadata.shift_remove("namespace");
        }
        contains(&answer, &printed, &path)?;
    }
    Ok(())
}

/// What service accounts may do, and their tokens, as `kubectl auth can-i` and `kubectl create token` ask.
pub(crate) async fn accounts_have_tokens_and_rights(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "tokens-").await?;
    let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    let account = json!({"metadata": {"name": "robot"}});
    post_json(client, &accounts, &account, None).await?;
    let subjects = [json!({"kind": "ServiceAccount", "name": "robot", "namespace": namespace})];
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "metadata": {"name": "robot"}, "subjects": subjects,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "edit"},
    });
    post_json(client, &format!("/apis/{group}/v1/namespaces/{namespace}/rolebindings"), &binding, None)
        .await?;

    // `kubectl auth can-i create deployments.apps -n staging`, where the account has no rights.
    let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let question = include_bytes!("protobuf/can-i.pb");
    let user = format!("system:serviceaccount:{namespace}:robot");
    assert_eq!(post(client, review, question, None).await?["status"]["allowed"], true);
    assert_eq!(post(client, review, question, Some(&user)).await?["status"]["allowed"], false);
    for (verb, resource, is_allowed) in [
        ("create", "secrets", true),
        ("list", "pods", true),
        ("create", "roles", false),
        ("get", "nodes", false),
    ] {
        let attributes = json!({"namespace": namespace, "verb": verb, "resource": resource});
        let question = json!({"spec": {"resourceAttributes": attributes}});
        let answer = post_json(client, review, &question, Some(&user)).await?;
        assert_eq!(answer["status"]["allowed"], is_allowed, "{verb} {resource}");
    }
    let rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let question = json!({"spec": {"namespace": namespace}});
    let answer = post_json(client, rules, &question, Some(&user)).await?;
    let rules = answer["status"]["resourceRules"].as_array().ok_or("no rules")?;
    let has = |field: &str, rule: &Value, word: &str| {
        rule[field].as_array().is_some_and(|words| words.contains(&word.into()))
    };
    assert!(rules.iter().any(|rule| has("resources", rule, "secrets") && has("verbs", rule, "create")));

    // `kubectl create token robot --duration=1h`
    let path = format!("{accounts}/robot/token");
    let answer = post(client, &path, include_bytes!("protobuf/token.pb"), None).await?;
    let token = answer["status"]["token"].as_str().ok_or("no token")?.to_owned();
    assert_eq!(answer["spec"]["expirationSeconds"], 3600);
    let refused = post_json(client, &path, &json!({"spec": {"expirationSeconds": 1}}), None).await;
    let message = refused.err().ok_or("a token for a second")?.to_string();
    assert!(message.contains("may not specify a duration less than 10 minutes"), "{message}");
    let absent = post_json(client, &format!("{accounts}/nobody/token"), &json!({"spec": {}}), None).await;
    let message = absent.err().ok_or("a token of nobody")?.to_string();
    assert!(message.contains(r#"serviceaccounts "nobody" not found"#), "{message}");

    let reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    let known = post_json(client, reviews, &json!({"spec": {"token": token}}), None).await?;
    assert_eq!(known["status"]["authenticated"], true, "{known}");
    assert_eq!(known["status"]["user"]["username"], *user);
    let groups = json!([
        "system:serviceaccounts",
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated"
    ]);
    assert_eq!(known["status"]["user"]["groups"], groups);
    let (claims, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let other_audience = json!({"spec": {"token": token, "audiences": ["vault"]}});
    let wrong_signature = json!({"spec": {"token": format!("{claims}.x{signature}")}});
    for question in [other_audience, wrong_signature, json!({"spec": {"token": "x"}})] {
        let unknown = post_json(client, reviews, &question, None).await?;
        assert_ne!(unknown["status"]["authenticated"], true, "{unknown}");
        assert!(unknown["status"]["error"].is_string(), "{unknown}");
    }
    // A token ends with its account, even if there is one of that name again.
    let delete = Request::builder().method(Method::DELETE).uri(format!("{accounts}/robot"));
    client.request::<Value>(delete.body(Vec::new())?).await?;
    post_json(client, &accounts, &account, None).await?;
    // The real API server keeps what it knows of a token for ten seconds.
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while post_json(client, reviews, &json!({"spec": {"token": token}}), None).await?["status"]["authenticated"]
        == true
    {
        assert!(tokio::time::Instant::now() < end, "the token outlives its account");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Roles, and bindings to roles, that allow more than their author may do.
pub(crate) async fn nobody_grants_more_than_they_have(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "escalation-").await?;
    let group = "rbac.authorization.k8s.io";
    let path = |resource: &str| format!("/apis/{group}/v1/namespaces/{namespace}/{resource}");
    let subjects = [json!({"kind": "ServiceAccount", "name": "robot", "namespace": namespace})];
    let binding = |name: &str, kind: &str, role: &str| {
        json!({
            "metadata": {"name": name}, "subjects": subjects,
            "roleRef": {"apiGroup": group, "kind": kind, "name": role},
        })
    };
    let role = |name: &str, resources: &[&str], verbs: &[&str]| {
        let rule = json!({"apiGroups": [""], "resources": resources, "verbs": verbs});
        json!({"metadata": {"name": name}, "rules": [rule]})
    };
    let user = format!("system:serviceaccount:{namespace}:robot");
    post_json(client, &path("rolebindings"), &binding("robot", "ClusterRole", "admin"), None).await?;
    for (resource, object) in [
        ("roles", role("a", &["pods", "secrets"], &["get", "delete"])),
        ("rolebindings", binding("a", "ClusterRole", "edit")),
        ("rolebindings", binding("b", "Role", "a")),
    ] {
        // An API server knows a moment later what was granted.
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while let Err(error) = post_json(client, &path(resource), &object, Some(&user)).await {
            if tokio::time::Instant::now() > end {
                return Err(error.into());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    let held = "is attempting to grant RBAC permissions not currently held:";
    for (resource, object, message) in [
        (
            "roles",
            role("c", &["pods", "nodes"], &["get", "approve"]),
            "{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\" \"approve\"]}\n\
             {APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"approve\"]}",
        ),
        (
            "rolebindings",
            binding("d", "ClusterRole", "cluster-admin"),
            "{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}",
        ),
        ("rolebindings", binding("e", "Role", "absent"), "\"absent\" not found"),
    ] {
        let refused = post_json(client, &path(resource), &object, Some(&user)).await;
        let found = refused.err().ok_or_else(|| format!("{object} was accepted"))?.to_string();
        let is_held = message.contains("not found") || found.contains(held);
        assert!(found.contains(message) && is_held, "{found}");
    }
    // Not even an administrator makes rules that are for URLs and something else.
    let rule = json!({"apiGroups": ["*"], "resources": ["*"], "nonResourceURLs": ["/a"], "verbs": ["*"]});
    for (path, rule, message) in [
        (
            format!("/apis/{group}/v1/clusterroles?dryRun=All"),
            rule,
            "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: rules cannot apply to both regular resources and \
             non-resource URLs",
        ),
        (
            path("roles"),
            json!({"nonResourceURLs": ["/a"], "verbs": ["get"]}),
            "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: namespaced rules cannot apply to non-resource URLs",
        ),
    ] {
        let role = json!({"metadata": {"name": "urls"}, "rules": [rule]});
        let refused = post_json(client, &path, &role, None).await;
        let found = refused.err().ok_or_else(|| format!("{role} was accepted"))?.to_string();
        assert!(found.contains(message), "{found}");
    }
    let patch = json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    let request = Request::builder().method(Method::PATCH).uri(format!("{}/a", path("roles")));
    let request =
        request.header("content-type", "application/merge-patch+json").header("impersonate-user", &user);
    let refused = client.request::<Value>(request.body(patch.to_string().into_bytes())?).await;
    let found = refused.err().ok_or("the role was changed")?.to_string();
    assert!(found.contains(held), "{found}");
    Ok(())
}

/// Reviews and requests for tokens are answered if they have the right form, and nothing of them is stored.
pub(crate) async fn reviews_are_only_answered(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "reviews-").await?;
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let local = format!("/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews");
    let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    post_json(client, &accounts, &json!({"metadata": {"name": "robot"}}), None).await?;
    let token = format!("{accounts}/robot/token");
    let custom = format!("/apis/example.com/v1/namespaces/{namespace}/selfsubjectsecrets");
    let named = format!("{reviews}/a");
    let robot = format!("system:serviceaccount:{namespace}:robot");
    let of = |namespace: &str| {
        json!({"spec": {
            "user": "bob", "resourceAttributes": {"namespace": namespace, "verb": "get", "resource": "pods"},
        }})
    };
    for (method, path, body, user, wanted) in [
        (Method::POST, &*local, of(&namespace), None, 0),
        (Method::POST, &local, of("default"), None, 422),
        (Method::POST, &local, of(""), None, 422),
        (Method::GET, reviews, json!({}), None, 405),
        (Method::DELETE, reviews, json!({}), None, 405),
        (Method::PUT, &named, json!({}), None, 404),
        (Method::PATCH, &named, json!({}), None, 404),
        (Method::PATCH, &named, json!({}), Some(&robot), 403),
        (Method::POST, &custom, json!({}), Some(&robot), 403),
        (Method::GET, &custom, json!({}), Some(&robot), 403),
        (Method::POST, reviews, json!([]), None, 400),
        (Method::POST, reviews, json!({"spec": "a"}), None, 400),
        (Method::POST, &token, json!([]), None, 400),
        (Method::POST, &token, json!({"spec": "a"}), None, 400),
        (Method::POST, &token, json!({"spec": {"audiences": [1]}}), None, 400),
        (Method::POST, &token, json!({"spec": {"audiences": "a"}}), None, 400),
        (Method::POST, &token, json!({"spec": {"expirationSeconds": "a"}}), None, 400),
    ] {
        let what = format!("{method} {path} {body} as {user:?}");
        let patch = method == Method::PATCH;
        let content = if patch { "application/merge-patch+json" } else { "application/json" };
        let mut request = Request::builder().method(method).uri(path).header("content-type", content);
        if let Some(user) = user {
            request = request.header("impersonate-user", user);
        }
        let found = match client.request::<Value>(request.body(body.to_string().into_bytes())?).await {
            Ok(_) => 0,
            Err(kube::Error::Api(status)) => status.code,
            Err(error) => return Err(format!("{what}: {error}").into()),
        };
        assert_eq!(found, wanted, "{what}");
    }
    Ok(())
}

/// The cluster's own namespaces stay.
pub(crate) async fn namespaces_of_the_cluster_stay(client: &Client) -> Outcome {
    for name in ["default", "kube-system"] {
        let delete = Request::builder().method(Method::DELETE).uri(format!("/api/v1/namespaces/{name}"));
        let refused = client.request::<Value>(delete.body(Vec::new())?).await;
        let message = refused.err().ok_or("the namespace was deleted")?.to_string();
        let wanted = format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted");
        assert!(message.contains(&wanted), "{message}");
    }
    Ok(())
}

async fn post(client: &Client, path: &str, body: &[u8], user: Option<&str>) -> Result<Value, kube::Error> {
    let content =
        if body.starts_with(b"k8s\0") { "application/vnd.kubernetes.protobuf" } else { "application/json" };
    let mut request = Request::builder().method(Method::POST).uri(path).header("content-type", content);
    if let Some(user) = user {
        request = request.header("impersonate-user", user);
    }
    client.request(request.body(body.to_vec()).map_err(kube::Error::HttpError)?).await
}

async fn post_json(
    client: &Client,
    path: &str,
    body: &Value,
    user: Option<&str>,
) -> Result<Value, kube::Error> {
    post(client, path, body.to_string().as_bytes(), user).await
}

/// Whether a value has everything that another has.
fn contains(value: &Value, part: &Value, path: &str) -> Outcome {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            for (name, part) in part {
                let path = format!("{path}.{name}");
                contains(value.get(name).unwrap_or(&Value::Null), part, &path)?;
            }
            Ok(())
        }
        (Value::Array(value), Value::Array(part)) if value.len() == part.len() => {
            value.iter().zip(part).try_for_each(|(value, part)| contains(value, part, path))
        }
        // The server says what is empty in other words.
        (Value::Null, Value::Object(part)) if part.is_empty() => Ok(()),
        _ if value == part => Ok(()),
        _ => Err(format!("{path}: {value} instead of {part}").into()),
    }
}
