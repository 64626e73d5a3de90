//! What every API server does, asked through a client.

use std::time::Duration;

use futures::TryStreamExt;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use kube::core::GroupVersionKind;
use kube::{Client, Error};
use serde_json::{Value, json};

use crate::policies::Enforced;
use crate::{hostile, library, protobuf};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Runs all cases in namespaces of their own.
pub(crate) async fn run_suite(client: Client) -> Outcome {
    let mut failures = Vec::new();
    let mut note = |name: &str, outcome: Outcome| {
        if let Err(error) = outcome {
            failures.push(format!("{name}: {error}"));
        }
    };
    note("crud", crud(&client).await);
    note("apply", apply(&client).await);
    note("custom", custom(&client).await);
    note("expressions", expressions(&client).await);
    note("quantities", quantities(&client).await);
    note("openapi", openapi(&client).await);
    note("watch", watch(&client).await);
    note("workload", workload(&client).await);
    note("namespace", namespace(&client).await);
    note("empty maps", empty_maps(&client).await);
    note("watch what is new", watch_what_is_new(&client).await);
    note("policy", policy(&client).await);
    note("library", library::functions_of_kubernetes(&client).await);
    note("protobuf", protobuf::bodies_are_read(&client).await);
    note("tokens", protobuf::accounts_have_tokens_and_rights(&client).await);
    note("escalation", protobuf::nobody_grants_more_than_they_have(&client).await);
    note("reviews", protobuf::reviews_are_only_answered(&client).await);
    note("own namespaces", protobuf::namespaces_of_the_cluster_stay(&client).await);
    note("dry runs", hostile::dry_runs_delete_nothing(&client).await);
    note("limits of JSON patches", hostile::json_patches_have_limits(&client).await);
    note("long lists", hostile::long_lists_are_merged(&client).await);
    note("no objects", hostile::objects_stay_objects(&client).await);
    note("scales", hostile::scales_are_checked(&client).await);
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

pub(crate) fn kind(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

pub(crate) fn of(client: &Client, namespace: &str, resource: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, resource)
}

pub(crate) fn object(value: Value) -> Result<DynamicObject, serde_json::Error> {
    serde_json::from_value(value)
}

pub(crate) async fn fresh_namespace(
    client: &Client,
    prefix: &str,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let namespaces: Api<DynamicObject> = Api::all_with(client.clone(), &kind("", "v1", "Namespace"));
    let wanted =
        object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": prefix}}))?;
    Ok(namespaces.create(&PostParams::default(), &wanted).await?.metadata.name.ok_or("no name")?)
}

pub(crate) fn message<T>(
    result: Result<T, Error>,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    match result {
        Err(Error::Api(status)) => Ok((status.code, status.message.clone())),
        Err(other) => Err(other.into()),
        Ok(_) => Err("the request should have failed".into()),
    }
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("found {found:?}\nwanted {wanted:?}").into()) }
}

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": name}}, "data": data})
}

async fn crud(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "crud-").await?;
    let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
    let post = PostParams::default();
    let created = maps.create(&post, &object(config_map("a", json!({"x": "1"})))?).await?;
    let again = message(maps.create(&post, &object(config_map("a", json!({})))?).await)?;
    same(&again, &(409, "configmaps \"a\" already exists".to_owned()))?;
    let mut changed = created.clone();
    changed.data["data"]["x"] = "2".into();
    let changed = maps.replace("a", &post, &changed).await?;
    let mut late = created.clone();
    late.data["data"]["x"] = "3".into();
    let conflict = message(maps.replace("a", &post, &late).await)?;
    same(&conflict, &(409, "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again".to_owned()))?;
    let same_again =
        maps.patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": {"x": "2"}}))).await?;
    same(&same_again.metadata.resource_version, &changed.metadata.resource_version)?;
    maps.create(&post, &object(config_map("b", json!({})))?).await?;
    let page = maps.list(&ListParams::default().limit(1).labels("app in (a,b)")).await?;
    same(&page.items.len(), &1)?;
    let token = page.metadata.continue_.clone().ok_or("no continue token")?;
    let rest = maps.list(&ListParams::default().labels("app in (a,b)").continue_token(&token)).await?;
    same(
        &rest.items.iter().map(|item| item.metadata.name.clone().unwrap_or_default()).collect::<Vec<_>>(),
        &vec!["b".to_owned()],
    )?;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    maps.create(&dry, &object(config_map("c", json!({})))?).await?;
    same(&message(maps.get("c").await)?, &(404, "configmaps \"c\" not found".to_owned()))?;
    let lost = of(client, "defailt", &kind("", "v1", "ConfigMap"));
    same(
        &message(lost.create(&post, &object(config_map("a", json!({})))?).await)?,
        &(404, "namespaces \"defailt\" not found".to_owned()),
    )?;
    maps.patch(
        "a",
        &PatchParams::default(),
        &Patch::Merge(json!({"metadata": {"finalizers": ["example.com/hold"]}})),
    )
    .await?;
    maps.delete("a", &DeleteParams::default()).await?;
    if maps.get("a").await?.metadata.deletion_timestamp.is_none() {
        return Err("a held object has no deletion time".into());
    }
    maps.patch("a", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": null}})))
        .await?;
    same(&message(maps.get("a").await)?.0, &404)
}

fn owners(object: &DynamicObject) -> Vec<(String, Value)> {
    let entries = object.metadata.managed_fields.clone().unwrap_or_default();
    let entry = |entry: k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry| {
        (
            format!("{}/{}", entry.manager.unwrap_or_default(), entry.operation.unwrap_or_default()),
            entry.fields_v1.map(|fields| fields.0).unwrap_or_default(),
        )
    };
    let mut entries: Vec<_> = entries.into_iter().map(entry).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

async fn apply(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "apply-").await?;
    let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
    let plain = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
    let first = maps
        .patch("a", &PatchParams::apply("one"), &Patch::Apply(plain(json!({"x": "1", "y": "1"}))))
        .await?;
    same(&owners(&first), &vec![("one/Apply".to_owned(), json!({"f:data": {"f:x": {}, "f:y": {}}}))])?;
    let again = maps
        .patch("a", &PatchParams::apply("one"), &Patch::Apply(plain(json!({"x": "1", "y": "1"}))))
        .await?;
    same(&again.metadata.resource_version, &first.metadata.resource_version)?;
    let conflict =
        message(maps.patch("a", &PatchParams::apply("two"), &Patch::Apply(plain(json!({"x": "2"})))).await)?;
    same(&conflict, &(409, "Apply failed with 1 conflict: conflict with \"one\": .data.x".to_owned()))?;
    let forced =
        maps.patch("a", &PatchParams::apply("two").force(), &Patch::Apply(plain(json!({"x": "2"})))).await?;
    same(
        &owners(&forced),
        &vec![
            ("one/Apply".to_owned(), json!({"f:data": {"f:y": {}}})),
            ("two/Apply".to_owned(), json!({"f:data": {"f:x": {}}})),
        ],
    )?;
    let dropped = maps.patch("a", &PatchParams::apply("one"), &Patch::Apply(plain(json!({})))).await?;
    same(&dropped.data["data"], &json!({"x": "2"}))?;
    let workloads = of(client, &namespace, &kind("apps", "v1", "Deployment"));
    let image = |image: &str| deployment(image);
    let applied = workloads.patch("web", &PatchParams::apply("one"), &Patch::Apply(image("nginx:1"))).await?;
    same(&applied.metadata.generation, &Some(1))?;
    let added = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}]}}}});
    let both = workloads.patch("web", &PatchParams::apply("two"), &Patch::Apply(added)).await?;
    let container = both.data.pointer("/spec/template/spec/containers/0").cloned().unwrap_or_default();
    same(
        &(container["image"].clone(), container["env"].clone()),
        &(json!("nginx:1"), json!([{"name": "A", "value": "1"}])),
    )?;
    same(&container["ports"], &json!([{"containerPort": 80, "protocol": "TCP"}]))?;
    let strict = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let unknown =
        message(workloads.patch("web", &strict, &Patch::Merge(json!({"spec": {"replica": 2}}))).await)?;
    same(&unknown.1.contains("unknown field \"spec.replica\""), &true)
}

fn deployment(image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]}},
    }})
}

async fn custom(client: &Client) -> Outcome {
    let definitions: Api<DynamicObject> =
        Api::all_with(client.clone(), &kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.suite.example.com"}, "spec": {
        "group": "suite.example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "minimum": 1}, "color": {"type": "string", "default": "red"}}},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }}}}],
    }});
    definitions
        .patch("widgets.suite.example.com", &PatchParams::apply("suite").force(), &Patch::Apply(definition))
        .await?;
    established(&definitions, "widgets.suite.example.com").await?;
    let namespace = fresh_namespace(client, "custom-").await?;
    let widgets = of(client, &namespace, &kind("suite.example.com", "v1", "Widget"));
    let widget = |spec: Value| json!({"apiVersion": "suite.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec});
    let wrong =
        message(widgets.create(&PostParams::default(), &object(widget(json!({"size": "big"})))?).await)?;
    same(&wrong, &(422, "Widget.suite.example.com \"w\" is invalid: spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"".to_owned()))?;
    let missing = message(widgets.create(&PostParams::default(), &object(widget(json!({})))?).await)?;
    same(
        &missing,
        &(422, "Widget.suite.example.com \"w\" is invalid: spec.size: Required value".to_owned()),
    )?;
    let small = message(widgets.create(&PostParams::default(), &object(widget(json!({"size": 0})))?).await)?;
    same(&small.1, &"Widget.suite.example.com \"w\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1".to_owned())?;
    let created =
        widgets.create(&PostParams::default(), &object(widget(json!({"size": 1, "strange": true})))?).await?;
    same(&created.data["spec"], &json!({"size": 1, "color": "red"}))?;
    let status = widgets
        .patch_status(
            "w",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": {"size": 5}, "status": {"ok": true}})),
        )
        .await?;
    same(
        &(status.data["spec"]["size"].clone(), status.data["status"].clone(), status.metadata.generation),
        &(json!(1), json!({"ok": true}), Some(1)),
    )?;
    let bigger =
        widgets.patch("w", &PatchParams::default(), &Patch::Merge(json!({"spec": {"size": 2}}))).await?;
    same(&bigger.metadata.generation, &Some(2))?;
    let strict = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::apply("suite")
    };
    let unknown =
        message(widgets.patch("w", &strict, &Patch::Apply(widget(json!({"size": 2, "x": 1})))).await)?;
    same(&unknown.1.contains("x"), &true)
}

/// Waits until a definition can be used.
async fn established(definitions: &Api<DynamicObject>, name: &str) -> Outcome {
    for _ in 0..200 {
        let conditions = definitions.get(name).await?.data["status"]["conditions"].clone();
        let mut conditions = conditions.as_array().into_iter().flatten();
        if conditions.any(|entry| entry["type"] == "Established" && entry["status"] == "True") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{name} is not established").into())
}

async fn expressions(client: &Client) -> Outcome {
    let definitions: Api<DynamicObject> =
        Api::all_with(client.clone(), &kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "ranges.suite.example.com"}, "spec": {
        "group": "suite.example.com", "scope": "Namespaced", "names": {"plural": "ranges", "kind": "Range"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "least": {"type": "integer"},
                    "most": {"type": "integer", "x-kubernetes-validations": [{"rule": "self < 100"}]},
                    "unit": {"type": "string", "maxLength": 20, "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "unit cannot be changed"}]},
                },
                "x-kubernetes-validations": [
                    {"rule": "!has(self.most) || self.least <= self.most", "message": "least is more than most"},
                    {"rule": "has(self.least)", "fieldPath": ".least", "reason": "FieldValueRequired", "message": "give least"},
                ],
            },
        }}}}],
    }});
    definitions
        .patch("ranges.suite.example.com", &PatchParams::apply("suite").force(), &Patch::Apply(definition))
        .await?;
    established(&definitions, "ranges.suite.example.com").await?;
    let namespace = fresh_namespace(client, "expressions-").await?;
    let ranges = of(client, &namespace, &kind("suite.example.com", "v1", "Range"));
    let range = |spec: Value| json!({"apiVersion": "suite.example.com/v1", "kind": "Range", "metadata": {"name": "r"}, "spec": spec});
    let post = PostParams::default();
    let refused = |spec: Value| {
        let (ranges, post) = (&ranges, &post);
        async move { message(ranges.create(post, &object(range(spec))?).await) }
    };
    let prefix = "Range.suite.example.com \"r\" is invalid: ";
    let wrong = refused(json!({"least": 3, "most": 2})).await?;
    same(&wrong, &(422, format!("{prefix}spec: Invalid value: least is more than most")))?;
    let wrong = refused(json!({"least": 3, "most": 200})).await?;
    same(&wrong, &(422, format!("{prefix}spec.most: Invalid value: 200: failed rule: self < 100")))?;
    let wrong = refused(json!({"unit": "m"})).await?;
    same(&wrong, &(422, format!("{prefix}spec.least: Required value: give least")))?;
    // A rule about changes does not hold for what is new.
    ranges.create(&post, &object(range(json!({"least": 1, "most": 2, "unit": "m"})))?).await?;
    let patch = |spec: Value| Patch::Merge(json!({"spec": spec}));
    ranges.patch("r", &PatchParams::default(), &patch(json!({"most": 3}))).await?;
    let wrong = message(ranges.patch("r", &PatchParams::default(), &patch(json!({"unit": "s"}))).await)?;
    same(&wrong, &(422, format!("{prefix}spec.unit: Invalid value: \"s\": unit cannot be changed")))
}

async fn quantities(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "quantities-").await?;
    let pods = of(client, &namespace, &kind("apps", "v1", "Deployment"));
    let resources =
        json!({"requests": {"cpu": "2000m", "memory": "0.5Gi"}, "limits": {"cpu": 4, "memory": "1024Mi"}});
    let container = json!({"name": "main", "image": "nginx:1.27.0", "resources": resources});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "q"}, "spec": {
        "selector": {"matchLabels": {"app": "q"}},
        "template": {"metadata": {"labels": {"app": "q"}}, "spec": {"containers": [container]}},
    }});
    let apply = PatchParams::apply("suite");
    let applied = pods.patch("q", &apply, &Patch::Apply(&deployment)).await?;
    let found = &applied.data["spec"]["template"]["spec"]["containers"][0]["resources"];
    let wanted =
        json!({"requests": {"cpu": "2", "memory": "512Mi"}, "limits": {"cpu": "4", "memory": "1Gi"}});
    same(found, &wanted)?;
    let again = pods.patch("q", &apply, &Patch::Apply(&deployment)).await?;
    same(&again.metadata.generation, &applied.metadata.generation)
}

/// What `kubectl` wants to know before it applies.
async fn openapi(client: &Client) -> Outcome {
    let get = async |path: &str| -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Ok(client.request(http::Request::get(path).body(Vec::new())?).await?)
    };
    let index = get("/openapi/v3").await?;
    for (path, group, kind, plural) in [
        ("api/v1", "", "ConfigMap", "/api/v1/namespaces/{namespace}/configmaps/{name}"),
        ("apis/apps/v1", "apps", "Deployment", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
    ] {
        let address = index["paths"][path]["serverRelativeURL"].as_str().ok_or("no address")?;
        let document = get(address).await?;
        let patch = &document["paths"][plural]["patch"];
        let wanted = json!({"group": group, "version": "v1", "kind": kind});
        same(&patch["x-kubernetes-group-version-kind"], &wanted)?;
        let item = document["paths"][plural]["parameters"].as_array().into_iter().flatten();
        let mut parameters = patch["parameters"].as_array().into_iter().flatten().chain(item);
        same(&parameters.any(|parameter| parameter["name"] == "fieldValidation"), &true)?;
        let content = &patch["requestBody"]["content"]["application/strategic-merge-patch+json"];
        same(&content.is_object(), &true)?;
        let schemas = document["components"]["schemas"].as_object().ok_or("no schemas")?;
        let of_kind = |schema: &&Value| {
            let mut kinds = schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten();
            kinds.any(|known| *known == wanted)
        };
        let schema = schemas.values().find(of_kind).ok_or("no schema of the kind")?;
        same(&schema["properties"]["metadata"].is_object(), &true)?;
    }
    Ok(())
}

async fn watch(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "watch-").await?;
    let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
    let start = maps.list(&ListParams::default()).await?.metadata.resource_version.ok_or("no version")?;
    let mut events = Box::pin(maps.watch(&WatchParams::default().labels("app=a").timeout(20), &start).await?);
    maps.create(&PostParams::default(), &object(config_map("a", json!({})))?).await?;
    maps.create(&PostParams::default(), &object(config_map("b", json!({})))?).await?;
    maps.patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": {"x": "1"}}))).await?;
    maps.patch("a", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"labels": {"app": "z"}}})))
        .await?;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let event = events.try_next().await?.ok_or("the watch ended early")?;
        seen.push(match event {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            _ => continue,
        });
    }
    same(&seen, &vec!["added", "modified", "deleted"])
}

async fn workload(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "workload-").await?;
    let deployments = of(client, &namespace, &kind("apps", "v1", "Deployment"));
    deployments.create(&PostParams::default(), &object(deployment("nginx:1"))?).await?;
    for _ in 0..200 {
        let status = deployments.get("web").await?.data["status"].clone();
        if status["availableReplicas"] == 2 && status["observedGeneration"] == 1 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("the deployment did not become ready".into())
}

async fn namespace(client: &Client) -> Outcome {
    let name = fresh_namespace(client, "ends-").await?;
    let maps = of(client, &name, &kind("", "v1", "ConfigMap"));
    maps.create(&PostParams::default(), &object(config_map("a", json!({})))?).await?;
    let namespaces: Api<DynamicObject> = Api::all_with(client.clone(), &kind("", "v1", "Namespace"));
    namespaces.delete(&name, &DeleteParams::default()).await?;
    for _ in 0..300 {
        if namespaces.get_opt(&name).await?.is_none() {
            return same(&message(maps.get("a").await)?.0, &404);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the namespace did not go".into())
}

/// An empty map that is applied again removes nothing that the server has put into it.
async fn empty_maps(client: &Client) -> Outcome {
    let name = fresh_namespace(client, "empty-").await?;
    let namespaces: Api<DynamicObject> = Api::all_with(client.clone(), &kind("", "v1", "Namespace"));
    let config = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}});
    let first = namespaces.patch(&name, &PatchParams::apply("one"), &Patch::Apply(config.clone())).await?;
    let again = namespaces.patch(&name, &PatchParams::apply("one"), &Patch::Apply(config)).await?;
    same(&again.data["spec"], &json!({"finalizers": ["kubernetes"]}))?;
    same(&again.data["spec"], &first.data["spec"])
}

/// A kind that is new can be followed from where it was listed, whatever else has happened since.
async fn watch_what_is_new(client: &Client) -> Outcome {
    let namespace = fresh_namespace(client, "watched-").await?;
    // No other test makes any of these.
    let limits = of(client, &namespace, &kind("", "v1", "LimitRange"));
    let start = limits.list(&ListParams::default()).await?.metadata.resource_version.ok_or("no version")?;
    let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
    maps.create(&PostParams::default(), &object(config_map("between", json!({})))?).await?;
    let mut events = Box::pin(limits.watch(&WatchParams::default().timeout(20), &start).await?);
    let range =
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "a"}, "spec": {"limits": []}});
    limits.create(&PostParams::default(), &object(range)?).await?;
    match events.try_next().await?.ok_or("the watch ended early")? {
        WatchEvent::Added(_) => Ok(()),
        other => Err(format!("not what was added, but {other:?}").into()),
    }
}

/// A ValidatingAdmissionPolicy refuses what it forbids, in its own words.
async fn policy(client: &Client) -> Outcome {
    let enforced = Enforced::new(
        client,
        "policy-",
        &["CREATE", "UPDATE", "DELETE"],
        json!([{"name": "data", "expression": "request.operation == 'DELETE' ? oldObject.data : object.data"}]),
        json!([
            {"expression": "variables.data.mode != 'off'", "messageExpression": "'mode ' + variables.data.mode + ' is not allowed'"},
            {"expression": "request.operation != 'DELETE' || variables.data.mode != 'kept'", "message": "this one is kept", "reason": "Forbidden"},
        ]),
    )
    .await?;
    let (maps, namespace) = (&enforced.maps, &enforced.namespace);
    let refused = format!(
        "configmaps \"bad\" is forbidden: ValidatingAdmissionPolicy '{namespace}' with binding '{namespace}' denied request: "
    );
    let first = enforced.refusal(&object(config_map("bad", json!({"mode": "off"})))?).await?;
    let first = message::<DynamicObject>(Err(first))?;
    same(&first, &(422, format!("{refused}mode off is not allowed")))?;
    maps.create(&PostParams::default(), &object(config_map("bad", json!({"mode": "kept"})))?).await?;
    let patch = json!({"data": {"mode": "off"}});
    let patched = maps.patch("bad", &PatchParams::default(), &Patch::Merge(&patch)).await;
    same(&message(patched)?, &(422, format!("{refused}mode off is not allowed")))?;
    let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"mode": "off"}});
    let parameters = PatchParams::apply("suite").force();
    let applied = maps.patch("bad", &parameters, &Patch::Apply(&applied)).await;
    same(&message(applied)?, &(422, format!("{refused}mode off is not allowed")))?;
    let deleted = maps.delete("bad", &DeleteParams::default()).await.map(|_| ());
    same(&message(deleted)?, &(403, format!("{refused}this one is kept")))?;
    enforced.end().await
}
