//! What every API server does with admission webhooks, which are served here over HTTPS.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::suite::{Outcome, config_map, fresh_namespace, kind, message, object, of, same};
use crate::tls::Tls;

/// The requests that the webhooks were sent, with the path of the webhook.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A webhook server.
struct Webhooks {
    address: SocketAddr,
    /// The certificate, as a configuration names it.
    bundle: String,
    asked: Asked,
    /// Where key and certificate are.
    _directory: tempfile::TempDir,
}

impl Webhooks {
    async fn start() -> Result<Webhooks, Box<dyn std::error::Error + Send + Sync>> {
        let directory = tempfile::tempdir()?;
        let (key, certificate) = (directory.path().join("key"), directory.path().join("certificate"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
        }
        let chain = CertificateDer::pem_file_iter(&certificate)?.collect::<Result<Vec<_>, _>>()?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(&key)?)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let asked = Asked::default();
        let router = Router::new().route("/{webhook}", routing::post(answer)).with_state(asked.clone());
        let tls = Tls::new(listener, config);
        tokio::spawn(async move { axum::serve(tls, router).await });
        let bundle = STANDARD.encode(std::fs::read(&certificate)?);
        Ok(Webhooks { address, bundle, asked, _directory: directory })
    }

    /// The requests that a webhook was sent about an object.
    fn about(&self, webhook: &str, name: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = asked.iter().filter(|(path, request)| path == webhook && request["name"] == name);
        asked.map(|(_, request)| request.clone()).collect()
    }

    /// A configuration with one webhook, for ConfigMaps of one namespace. `path` is also its name.
    fn configuration(&self, kind: &str, namespace: &str, path: &str, more: Value) -> Value {
        let mut webhook = json!({
            "name": format!("{path}.suite.example.org"),
            "clientConfig": {"url": format!("https://{}/{path}", self.address), "caBundle": self.bundle},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"],
            }],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "matchConditions": [{"name": "ours", "expression": "request.name != 'kube-root-ca.crt'"}],
            "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 5,
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            webhook[field] = value.clone();
        }
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": format!("{namespace}-{path}")}, "webhooks": [webhook],
        })
    }
}

/// The webhooks: `first` and `second` note that they were there, `judge` refuses some modes.
async fn answer(
    State(asked): State<Asked>,
    Path(webhook): Path<String>,
    Json(review): Json<Value>,
) -> Json<Value> {
    let request = &review["request"];
    asked.lock().unwrap_or_else(PoisonError::into_inner).push((webhook.clone(), request.clone()));
    let mut response = json!({"uid": request["uid"], "allowed": true});
    match webhook.as_str() {
        "first" | "second" if request["operation"] != "DELETE" => {
            let before = request["object"]["data"]["seen"].as_str().unwrap_or_default();
            let patch = json!([{"op": "add", "path": "/data/seen", "value": format!("{before}{webhook} ")}]);
            response["patchType"] = "JSONPatch".into();
            response["patch"] = STANDARD.encode(patch.to_string()).into();
        }
        "judge" => {
            let is_deleted = request["operation"] == "DELETE";
            let subject = if is_deleted { &request["oldObject"] } else { &request["object"] };
            response["warnings"] = json!(["be careful"]);
            let status = match subject["data"]["mode"].as_str() {
                Some("off") => {
                    Some(json!({"message": "mode off is not allowed", "code": 403, "reason": "Forbidden"}))
                }
                Some("silent") => Some(Value::Null),
                Some("kept") if is_deleted => Some(json!({"message": "this one is kept"})),
                _ => None,
            };
            if let Some(status) = status {
                response["allowed"] = false.into();
                response["status"] = status;
            }
        }
        _ => {}
    }
    Json(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}))
}

/// Tries something until it succeeds: a real server takes a while to notice a configuration.
async fn eventually<T, F: Future<Output = Result<Option<T>, Error>>>(
    attempt: impl Fn() -> F,
) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
    for _ in 0..240 {
        if let Some(found) = attempt().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err("the configuration has no effect".into())
}

/// The whole suite.
pub(crate) async fn run(client: Client) -> Outcome {
    let webhooks = Webhooks::start().await?;
    changes_and_refusals(&client, &webhooks).await?;
    versions_and_another_turn(&client, &webhooks).await?;
    failures(&client, &webhooks).await
}

fn configurations(client: &Client, name: &str) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &kind("admissionregistration.k8s.io", "v1", name))
}

async fn changes_and_refusals(client: &Client, webhooks: &Webhooks) -> Outcome {
    let post = PostParams::default();
    let namespace = fresh_namespace(client, "webhooks-").await?;
    let mutating = configurations(client, "MutatingWebhookConfiguration");
    let validating = configurations(client, "ValidatingWebhookConfiguration");
    let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
    // The names decide about the order, not the age.
    for (path, more) in [("second", json!({})), ("first", json!({"sideEffects": "NoneOnDryRun"}))] {
        let wanted = webhooks.configuration("MutatingWebhookConfiguration", &namespace, path, more);
        let made = mutating.create(&post, &object(wanted)?).await?;
        let made = &made.data["webhooks"][0];
        same(&made["matchPolicy"], &json!("Equivalent"))?;
        same(&made["failurePolicy"], &json!("Fail"))?;
        same(&made["reinvocationPolicy"], &json!("Never"))?;
        same(&made["rules"][0]["scope"], &json!("*"))?;
    }
    let exempt =
        json!({"objectSelector": {"matchExpressions": [{"key": "exempt", "operator": "DoesNotExist"}]}});
    let judge = webhooks.configuration("ValidatingWebhookConfiguration", &namespace, "judge", exempt);
    validating.create(&post, &object(judge)?).await?;

    let probe = object(config_map("probe", json!({"mode": "off"})))?;
    let dry = PostParams { dry_run: true, ..post.clone() };
    let refused = eventually(async || match maps.create(&dry, &probe).await {
        Ok(_) => Ok(None),
        Err(error) => Ok(Some(error)),
    })
    .await?;
    let denied = "admission webhook \"judge.suite.example.org\" denied the request";
    same(&message::<()>(Err(refused))?, &(403, format!("{denied}: mode off is not allowed")))?;
    let whole = object(config_map("whole", json!({"mode": "on"})))?;
    eventually(async || {
        let tried = maps.create(&dry, &whole).await?;
        Ok((tried.data["data"]["seen"] == "first second ").then_some(()))
    })
    .await?;

    let made = maps.create(&post, &whole).await?;
    same(&made.data["data"], &json!({"mode": "on", "seen": "first second "}))?;
    let asked = webhooks.about("second", "whole");
    let asked = asked.last().ok_or("the second webhook was not asked")?;
    same(&asked["operation"], &json!("CREATE"))?;
    same(&asked["dryRun"], &json!(false))?;
    same(&asked["kind"], &json!({"group": "", "version": "v1", "kind": "ConfigMap"}))?;
    same(&asked["resource"], &json!({"group": "", "version": "v1", "resource": "configmaps"}))?;
    same(&asked["namespace"], &json!(namespace))?;
    same(&asked["oldObject"], &Value::Null)?;
    same(&asked["options"]["kind"], &json!("CreateOptions"))?;
    same(&asked["object"]["data"]["seen"], &json!("first "))?;
    same(&asked["object"]["metadata"].get("uid"), &None)?;
    same(&asked["userInfo"]["username"].is_string(), &true)?;
    let judged = webhooks.about("judge", "whole");
    let judged = judged.last().ok_or("the validating webhook was not asked")?;
    same(&judged["object"]["data"]["seen"], &json!("first second "))?;
    same(&judged["object"]["metadata"]["uid"], &json!(made.metadata.uid))?;
    same(&webhooks.about("judge", "probe").iter().all(|request| request["dryRun"] == true), &true)?;

    let patched =
        maps.patch("whole", &PatchParams::default(), &Patch::Merge(&json!({"data": {"mode": "off"}}))).await;
    same(&message(patched)?, &(403, format!("{denied}: mode off is not allowed")))?;
    let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"mode": "silent"}});
    let parameters = PatchParams::apply("suite").force();
    let applied = maps.patch("whole", &parameters, &Patch::Apply(&applied)).await;
    same(&message(applied)?, &(400, format!("{denied} without explanation")))?;
    let kept = maps
        .patch("whole", &PatchParams::default(), &Patch::Merge(&json!({"data": {"mode": "kept"}})))
        .await?;
    same(&kept.data["data"]["seen"], &json!("first second first second "))?;
    let asked = webhooks.about("judge", "whole");
    let asked = asked.last().ok_or("the validating webhook was not asked")?;
    same(&asked["operation"], &json!("UPDATE"))?;
    same(&asked["oldObject"]["data"]["mode"], &json!("on"))?;
    let deleted = maps.delete("whole", &DeleteParams::default()).await.map(|_| ());
    same(&message(deleted)?, &(400, format!("{denied}: this one is kept")))?;

    let mut free = config_map("free", json!({"mode": "off"}));
    free["metadata"]["labels"]["exempt"] = "yes".into();
    maps.create(&post, &object(free)?).await?;
    let warned = http::Request::post(format!("/api/v1/namespaces/{namespace}/configmaps"))
        .header("content-type", "application/json")
        .body(kube::client::Body::from(
            config_map("warned", json!({"mode": "on"})).to_string().into_bytes(),
        ))?;
    let warned = client.send(warned).await?;
    same(&warned.status().as_u16(), &201)?;
    let warning = warned.headers().get("warning").and_then(|value| value.to_str().ok());
    same(&warning, &Some("299 - \"be careful\""))?;
    for (api, path) in [(&mutating, "first"), (&mutating, "second"), (&validating, "judge")] {
        api.delete(&format!("{namespace}-{path}"), &DeleteParams::default()).await?;
    }
    Ok(())
}

/// A webhook is asked about all versions of a kind, in the one that it knows, and again if others have changed the
/// object after it.
async fn versions_and_another_turn(client: &Client, webhooks: &Webhooks) -> Outcome {
    let post = PostParams::default();
    let namespace = fresh_namespace(client, "webhooks-").await?;
    let group = format!("{namespace}.example.org");
    let version = |name: &str, is_stored: bool| {
        json!({
            "name": name, "served": true, "storage": is_stored,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        })
    };
    let definitions: Api<DynamicObject> =
        Api::all_with(client.clone(), &kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("gadgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [version("v1beta1", true), version("v1", false)],
        },
    });
    definitions.create(&post, &object(definition)?).await?;
    let rules = json!([{
        "apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["gadgets"],
    }]);
    let mutating = configurations(client, "MutatingWebhookConfiguration");
    for (path, again) in [("first", "IfNeeded"), ("second", "Never")] {
        let more = json!({"rules": rules, "reinvocationPolicy": again});
        let wanted = webhooks.configuration("MutatingWebhookConfiguration", &namespace, path, more);
        mutating.create(&post, &object(wanted)?).await?;
    }
    let gadgets = of(client, &namespace, &kind(&group, "v1beta1", "Gadget"));
    let gadget = object(json!({
        "apiVersion": format!("{group}/v1beta1"), "kind": "Gadget", "metadata": {"name": "gadget"}, "data": {},
    }))?;
    let dry = PostParams { dry_run: true, ..post };
    let made = eventually(async || match gadgets.create(&dry, &gadget).await {
        Ok(made)
            if made.data["data"]["seen"].as_str().is_some_and(|seen| seen.starts_with("first second")) =>
        {
            Ok(Some(made))
        }
        Ok(_) => Ok(None),
        Err(Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    })
    .await?;
    same(&made.data["data"]["seen"], &json!("first second first "))?;
    same(&made.types.map(|types| types.api_version), &Some(format!("{group}/v1beta1")))?;
    let asked = webhooks.about("second", "gadget");
    let asked = asked.last().ok_or("the webhook was not asked")?;
    same(&asked["kind"], &json!({"group": group, "version": "v1", "kind": "Gadget"}))?;
    same(&asked["resource"]["version"], &json!("v1"))?;
    same(&asked["requestKind"]["version"], &json!("v1beta1"))?;
    same(&asked["object"]["apiVersion"], &json!(format!("{group}/v1")))?;
    for path in ["first", "second"] {
        mutating.delete(&format!("{namespace}-{path}"), &DeleteParams::default()).await?;
    }
    definitions.delete(&format!("gadgets.{group}"), &DeleteParams::default()).await?;
    Ok(())
}

/// Webhooks that cannot be called, or cannot be configured.
async fn failures(client: &Client, webhooks: &Webhooks) -> Outcome {
    let post = PostParams::default();
    let validating = configurations(client, "ValidatingWebhookConfiguration");
    // Nobody listens on a port that was given back.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let closed = json!({"url": format!("https://{closed}/x")});
    // The certificate is not one of those that machines trust.
    let strange = json!({"url": format!("https://{}/strange", webhooks.address)});
    let service = json!({"service": {"name": "absent", "namespace": "default", "path": "/x"}});
    let no_service = "Post \"https://absent.default.svc:443/x?timeout=5s\": service \"absent\" not found";
    for (path, config, exact) in
        [("closed", closed, None), ("strange", strange, None), ("service", service, Some(no_service))]
    {
        let namespace = fresh_namespace(client, "webhooks-").await?;
        let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
        let wanted = webhooks.configuration(
            "ValidatingWebhookConfiguration",
            &namespace,
            path,
            json!({"clientConfig": config}),
        );
        let made = validating.create(&post, &object(wanted)?).await?;
        let map = object(config_map("a", json!({})))?;
        let dry = PostParams { dry_run: true, ..post.clone() };
        let refused = eventually(async || match maps.create(&dry, &map).await {
            Ok(_) => Ok(None),
            Err(error) => Ok(Some(error)),
        })
        .await?;
        let (code, text) = message::<()>(Err(refused))?;
        let start = format!(
            "Internal error occurred: failed calling webhook \"{path}.suite.example.org\": failed to call webhook: Post \"https://"
        );
        if code != 500 || !text.starts_with(&start) || exact.is_some_and(|exact| !text.ends_with(exact)) {
            return Err(format!("{path}: {code} {text}").into());
        }
        let name = made.metadata.name.ok_or("no name")?;
        let ignore = json!([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]);
        let ignore: Patch<DynamicObject> = Patch::Json(serde_json::from_value(ignore)?);
        validating.patch(&name, &PatchParams::default(), &ignore).await?;
        eventually(async || Ok(maps.create(&dry, &map).await.ok())).await?;
        validating.delete(&name, &DeleteParams::default()).await?;
    }
    for (more, wanted) in [
        (
            json!({"sideEffects": "Some"}),
            "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"",
        ),
        (
            json!({"timeoutSeconds": 31}),
            "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        ),
        (
            json!({"clientConfig": {}}),
            "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        ),
        (
            json!({"clientConfig": {"url": "http://127.0.0.1/"}}),
            "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ),
        (
            json!({"name": "short"}),
            "webhooks[0].name: Invalid value: \"short\": should be a domain with at least three segments separated by dots",
        ),
    ] {
        let wrong = webhooks.configuration("ValidatingWebhookConfiguration", "webhooks", "wrong", more);
        let refused = validating.create(&post, &object(wrong)?).await;
        let refused = message(refused)?;
        let wanted = format!(
            "ValidatingWebhookConfiguration.admissionregistration.k8s.io \"webhooks-wrong\" is invalid: {wanted}"
        );
        same(&refused, &(422, wanted))?;
    }
    Ok(())
}
