//! Requests that nobody means well: they are refused, and nothing else is lost.

use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::suite::{Outcome, fresh_namespace};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The status code and the body of an answer.
async fn ask(
    client: &Client,
    method: &str,
    path: &str,
    content: &str,
    body: impl ToString,
) -> Result<(u16, Value), Failure> {
    let request = http::Request::builder().method(method).uri(path).header("content-type", content);
    let request = request.body(Body::from(body.to_string().into_bytes()))?;
    let answer = client.send(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect_bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// As [`ask`]; the answer has this status code.
async fn expect(
    client: &Client,
    wanted: u16,
    method: &str,
    path: &str,
    content: &str,
    body: impl ToString,
) -> Result<Value, Failure> {
    let body = body.to_string();
    let (status, answer) = ask(client, method, path, content, &body).await?;
    if status != wanted {
        let body: String = body.chars().take(200).collect();
        return Err(
            format!("{method} {path} {content} {body}: {status} instead of {wanted}: {answer}").into()
        );
    }
    Ok(answer)
}

/// A definition with anything below `spec`, and a scale.
fn definition(plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.hostile.example")},
        "spec": {
            "group": "hostile.example", "scope": "Namespaced", "names": {"plural": plural, "kind": plural},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"x-kubernetes-preserve-unknown-fields": true},
                }}},
                "subresources": {"scale": {
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                }},
            }],
        },
    })
}

/// Creates a definition and waits until it is served. Returns the path of its objects.
async fn define(client: &Client, namespace: &str, definition: &Value) -> Result<String, Failure> {
    // An earlier run on the same server may have left it.
    let (status, answer) = ask(client, "POST", CRDS, JSON, definition).await?;
    if !matches!(status, 201 | 409) {
        return Err(format!("POST {CRDS}: {status}: {answer}").into());
    }
    let plural = definition["spec"]["names"]["plural"].as_str().unwrap_or_default();
    let path = format!("/apis/hostile.example/v1/namespaces/{namespace}/{plural}");
    for _ in 0..100 {
        if ask(client, "GET", &path, JSON, "").await?.0 == 200 {
            return Ok(path);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(format!("{plural} is not served").into())
}

pub(crate) async fn dry_runs_delete_nothing(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "hostile-").await?;
    let path = define(client, &namespace, &definition("drafts")).await?;
    let kept = json!({"apiVersion": "hostile.example/v1", "kind": "drafts", "metadata": {"name": "kept"}});
    expect(client, 201, "POST", &path, JSON, kept).await?;
    let name = format!("{CRDS}/drafts.hostile.example");
    expect(client, 200, "DELETE", &format!("{name}?dryRun=All"), JSON, "").await?;
    expect(client, 200, "DELETE", &name, JSON, json!({"dryRun": ["All"]})).await?;
    expect(client, 200, "GET", &format!("{path}/kept"), JSON, "").await?;
    expect(client, 200, "DELETE", &name, JSON, "").await?;

    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    // A real server creates the account of a namespace a moment after the namespace.
    let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    ask(client, "POST", &accounts, JSON, json!({"metadata": {"name": "default"}})).await?;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    expect(client, 201, "POST", &pods, JSON, pod).await?;
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"},
        "deleteOptions": {"dryRun": ["All"]},
    });
    ask(client, "POST", &format!("{pods}/p/eviction"), JSON, eviction).await?;
    let pod = expect(client, 200, "GET", &format!("{pods}/p"), JSON, "").await?;
    if pod["metadata"].get("deletionTimestamp").is_some() {
        return Err("a dry run has deleted the pod".into());
    }
    // Options that cannot be read may be what protects the object.
    for options in
        [r#"{"preconditions": {"uid": "other"}"#, r#"{"dryRun": "All"}"#, r#"{"preconditions": []}"#, "[]"]
    {
        expect(client, 400, "DELETE", &format!("{pods}/p"), JSON, options).await?;
    }
    expect(client, 409, "DELETE", &format!("{pods}/p"), "application/yaml", "preconditions:\n  uid: other\n")
        .await?;
    expect(client, 200, "GET", &format!("{pods}/p"), JSON, "").await?;
    Ok(())
}

pub(crate) async fn json_patches_have_limits(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "hostile-").await?;
    let path = define(client, &namespace, &definition("doublings")).await?;
    let object = json!({
        "apiVersion": "hostile.example/v1", "kind": "doublings", "metadata": {"name": "d"},
        "spec": {"a": "x".repeat(1000), "b": {}},
    });
    expect(client, 201, "POST", &path, JSON, object).await?;
    let path = format!("{path}/d");
    let copies: Vec<Value> = (0..26)
        .map(|index| json!({"op": "copy", "from": "/spec", "path": format!("/spec/b/{index}")}))
        .collect();
    let answer = expect(client, 422, "PATCH", &path, JSON_PATCH, json!(copies)).await?;
    let message = answer["message"].as_str().unwrap_or_default();
    if !message.starts_with("the server rejected our request due to an error in our request") {
        return Err(format!("the message is {message}").into());
    }
    let tests = vec![json!({"op": "test", "path": "/kind", "value": "doublings"}); 10_001];
    let answer = expect(client, 413, "PATCH", &path, JSON_PATCH, json!(tests)).await?;
    let wanted =
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001";
    if answer["message"] != wanted {
        return Err(format!("the message is {}", answer["message"]).into());
    }
    expect(client, 200, "PATCH", &path, JSON_PATCH, json!(&tests[..10_000])).await?;
    Ok(())
}

/// Lists of thousands of items are merged in linear time: the cluster is of use to others meanwhile.
pub(crate) async fn long_lists_are_merged(client: &Client) -> Outcome {
    const COUNT: usize = 3_000;
    let namespace = fresh_namespace(client, "lists").await?;
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    let owner = |number: usize| json!({"apiVersion": "v1", "kind": "Node", "name": format!("n{number}"), "uid": format!("u{number}")});
    let owners: Vec<Value> = (0..COUNT).map(owner).collect();
    let finalizers: Vec<String> = (0..COUNT).map(|number| format!("example.com/f{number}")).collect();
    let metadata = json!({"name": "long", "ownerReferences": owners, "finalizers": finalizers});
    expect(client, 201, "POST", &maps, JSON, json!({"metadata": metadata})).await?;
    // Every other owner goes, one changes, and one is new. A finalizer that is there already is not added.
    let mut changes: Vec<Value> = (0..COUNT)
        .step_by(2)
        .map(|number| json!({"$patch": "delete", "uid": format!("u{number}")}))
        .collect();
    changes.extend([json!({"uid": "u1", "blockOwnerDeletion": true}), owner(COUNT)]);
    let mut reversed = finalizers.clone();
    reversed.reverse();
    reversed.push("example.com/new".to_owned());
    let patch = json!({"metadata": {
        "ownerReferences": changes,
        "finalizers": ["example.com/f7", "example.com/new"],
        "$setElementOrder/finalizers": reversed,
        "$deleteFromPrimitiveList/finalizers": finalizers[10..],
    }});
    let map = format!("{maps}/long");
    let merged = expect(client, 200, "PATCH", &map, STRATEGIC, patch).await?;
    let mut wanted: Vec<Value> = (1..COUNT).step_by(2).chain([COUNT]).map(owner).collect();
    wanted[0]["blockOwnerDeletion"] = json!(true);
    // The order of owners without an order is up to the cluster.
    let mut found = merged["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    for owners in [&mut found, &mut wanted] {
        owners.sort_by_key(|owner| owner["uid"].to_string());
    }
    if found != wanted {
        return Err(format!("{} owners are left instead of {}", found.len(), wanted.len()).into());
    }
    let mut found: Vec<String> = serde_json::from_value(merged["metadata"]["finalizers"].clone())?;
    let wanted = (0..10).rev().map(|number| format!("example.com/f{number}"));
    if !wanted.chain(["example.com/new".to_owned()]).eq(found.iter().cloned()) {
        found.truncate(20);
        return Err(format!("the finalizers are {found:?}").into());
    }
    expect(client, 200, "PATCH", &map, MERGE_PATCH, json!({"metadata": {"finalizers": null}})).await?;
    Ok(())
}

pub(crate) async fn objects_stay_objects(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "hostile-").await?;
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    expect(client, 201, "POST", &maps, JSON, json!({"metadata": {"name": "m"}})).await?;
    let map = format!("{maps}/m");
    for body in
        ["[]", "1", "\"text\"", r#"{"metadata": "text"}"#, r#"{"metadata": {"name": "n", "labels": []}}"#]
    {
        expect(client, 400, "POST", &maps, JSON, body).await?;
        expect(client, 400, "PUT", &map, JSON, body).await?;
    }
    for (content, body) in [
        (MERGE_PATCH, r#"{"metadata": "text"}"#),
        (MERGE_PATCH, r#"{"metadata": [1]}"#),
        (STRATEGIC, r#"{"metadata": "text"}"#),
        (JSON_PATCH, r#"[{"op": "replace", "path": "/metadata", "value": "text"}]"#),
        (JSON_PATCH, r#"[{"op": "replace", "path": "", "value": "text"}]"#),
    ] {
        let (status, answer) = ask(client, "PATCH", &map, content, body).await?;
        if !matches!(status, 400 | 422) {
            return Err(format!("PATCH {content} {body}: {status}: {answer}").into());
        }
    }
    for body in
        ["[]", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": "text"}"#, "{", "a: [", "text"]
    {
        let (status, answer) =
            ask(client, "PATCH", &format!("{map}?fieldManager=x&force=true"), APPLY, body).await?;
        if !matches!(status, 400 | 500) {
            return Err(format!("apply {body}: {status}: {answer}").into());
        }
    }
    expect(client, 200, "GET", &map, JSON, "").await?;
    let namespace = r#"{"metadata": {"name": "labelled", "labels": "text"}}"#;
    expect(client, 400, "POST", "/api/v1/namespaces", JSON, namespace).await?;
    let names = r#"{"metadata": {"name": "a.b"}, "spec": {"names": "text"}}"#;
    expect(client, 400, "POST", CRDS, JSON, names).await?;
    Ok(())
}

pub(crate) async fn scales_are_checked(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "hostile-").await?;
    let path = define(client, &namespace, &definition("scalings")).await?;
    let object = json!({
        "apiVersion": "hostile.example/v1", "kind": "scalings", "metadata": {"name": "text"}, "spec": "text",
    });
    // A real server refuses an object that has no place for the number; the embedded one refuses the number.
    ask(client, "POST", &path, JSON, object).await?;
    let scale = format!("{path}/text/scale");
    let three = json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "text"}, "spec": {"replicas": 3},
    });
    for (method, content) in [("PUT", JSON), ("PATCH", MERGE_PATCH)] {
        let (status, answer) = ask(client, method, &scale, content, &three).await?;
        if !matches!(status, 400 | 404) {
            return Err(format!("{method} {scale}: {status}: {answer}").into());
        }
    }
    let deployments = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    let deployment = json!({"metadata": {"name": "d"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    }});
    expect(client, 201, "POST", &deployments, JSON, deployment).await?;
    let scale = format!("{deployments}/d/scale");
    for body in [
        "[]",
        "\"text\"",
        r#"{"metadata": {"name": "d"}, "spec": "text"}"#,
        r#"{"metadata": {"name": "d"}, "spec": {"replicas": "text"}}"#,
    ] {
        expect(client, 400, "PUT", &scale, JSON, body).await?;
    }
    let negative = json!({"metadata": {"name": "d", "namespace": namespace}, "spec": {"replicas": -1}});
    let answer = expect(client, 422, "PUT", &scale, JSON, negative).await?;
    let wanted = "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0";
    if answer["message"] != wanted {
        return Err(format!("the message is {}", answer["message"]).into());
    }
    Ok(())
}

/// A real server has no such bounds.
#[tokio::test]
async fn errors_and_warnings_are_bounded() -> Outcome {
    let cluster = embedded_cluster::Cluster::in_memory_without_controllers();
    let client = Client::new(cluster.service(), "default");
    let pods = "/api/v1/namespaces/default/pods";
    let containers =
        |count: usize| json!({"metadata": {"name": "p"}, "spec": {"containers": vec![json!({}); count]}});
    expect(&client, 413, "POST", pods, JSON, containers(100_000)).await?;
    let answer = expect(&client, 422, "POST", pods, JSON, containers(10_000)).await?;
    let causes = answer["details"]["causes"].as_array().map_or(0, Vec::len);
    if !(100..=110).contains(&causes) {
        return Err(format!("there are {causes} causes").into());
    }
    let unknown: serde_json::Map<String, Value> =
        (0..40_000).map(|index| (format!("unknown-{index}"), Value::Null)).collect();
    let mut map = json!({"metadata": {"name": "m"}, "data": {"a": "b"}});
    map.as_object_mut().ok_or("no object")?.extend(unknown);
    expect(&client, 201, "POST", "/api/v1/namespaces/default/configmaps", JSON, map).await?;
    Ok(())
}
