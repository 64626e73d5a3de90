//! A reconciler that starts again, and has nothing new to say.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::server::Server;
use crate::world::{NAMESPACE, Outcome, World, until};

/// How many Kustomizations another one applies.
const CHILDREN: usize = 20;
/// How often the reconciler starts again.
const RESTARTS: usize = 3;

/// A registry with one image, which takes its time.
async fn registry() -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answer = async |request: Request| {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let is_list = request.uri().path().ends_with("/tags/list");
        axum::Json(if is_list { json!({"name": "app", "tags": ["1.0.0", "1.1.0"]}) } else { json!({}) })
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("{address}/app"))
}

fn child(number: usize) -> Value {
    let spec = json!({
        "interval": "1h", "path": "./child", "prune": true, "wait": true, "targetNamespace": NAMESPACE,
        "namePrefix": format!("{number}-"), "sourceRef": {"kind": "GitRepository", "name": "apps"},
        "dependsOn": (0..number).rev().take(1).map(|one| json!({"name": format!("child-{one}")})).collect::<Vec<_>>(),
    });
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": format!("child-{number}"), "namespace": NAMESPACE}, "spec": spec,
    })
}

/// Whether all objects of a kind are ready.
async fn are_ready(world: &World, path: &str, count: usize) -> Outcome<bool> {
    let found = world.get(path).await?;
    let items = found["items"].as_array().cloned().unwrap_or_default();
    let is_ready = |item: &Value| {
        let conditions = item["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    Ok(items.len() == count && items.iter().all(is_ready))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_no_news() -> Outcome {
    let (server, address) = Server::start().await?;
    server.received().is_up = true;
    let mut world = World::new().await?;
    let data = json!({"address": format!("http://{address}/programs")});
    world.provider_of("info", "programs", &json!({"type": "generic"}), &data).await?;
    let group =
        |group: &str, kind: &str| format!("/apis/{group}.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/{kind}");
    let sources: Vec<Value> = ["GitRepository", "Kustomization", "ImageRepository", "ImagePolicy"]
        .map(|kind| json!({"kind": kind, "name": "*"}))
        .into();
    let alert =
        format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{NAMESPACE}/alerts/programs");
    world.change(&alert, &json!({"spec": {"eventSources": sources}})).await?;
    let (repositories, policies) = (group("image", "imagerepositories"), group("image", "imagepolicies"));
    let api = "image.toolkit.fluxcd.io/v1";
    let spec = json!({"image": registry().await?, "interval": "1h", "insecure": true});
    let repository =
        json!({"apiVersion": api, "kind": "ImageRepository", "metadata": {"name": "app"}, "spec": spec});
    world.create(&repositories, &repository).await?;
    let spec = json!({"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "1.x"}}});
    let policy = json!({"apiVersion": api, "kind": "ImagePolicy", "metadata": {"name": "app"}, "spec": spec});
    world.create(&policies, &policy).await?;
    let children: Vec<String> = (0..CHILDREN).map(|number| child(number).to_string()).collect();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n";
    // A field that does not exist is reported once, too.
    let odd = "resources: [map.yaml]\nresuorces: []\n";
    world
        .commit(&[
            ("parent/children.yaml".to_owned(), children.join("\n---\n")),
            ("child/kustomization.yaml".to_owned(), odd.to_owned()),
            ("child/map.yaml".to_owned(), map.to_owned()),
        ])
        .await?;
    world.kustomization("parent", "./parent").await?;
    world.start()?;
    let kustomizations = group("kustomize", "kustomizations");
    let settled = async |world: &World| -> Outcome {
        until("all are ready", async || {
            Ok(are_ready(world, &kustomizations, CHILDREN + 1).await?
                && are_ready(world, &policies, 1).await?
                && are_ready(world, &repositories, 1).await?)
        })
        .await
        .map_err(|error| format!("{error}\n{}", world.log()))?;
        // Whatever else is done after a start.
        tokio::time::sleep(Duration::from_secs(10)).await;
        until("all is sent", async || Ok(world.status("programs").await?["pending"] == 0)).await
    };
    settled(&world).await?;
    let known = server.received().taken.len();
    assert!(known > CHILDREN, "{known}");
    for _ in 0..RESTARTS {
        world.kill().await?;
        world.forget_said()?;
        world.start()?;
        settled(&world).await?;
    }
    world.kill().await?;
    let taken = server.received().taken.clone();
    // That a reconciliation went well is said at every one, for programs only.
    let news: Vec<String> = taken[known..]
        .iter()
        .map(|one| String::from_utf8_lossy(&one.body).into_owned())
        .filter(|text| !text.contains("\"commit_status\":\"update\""))
        .collect();
    assert!(news.is_empty(), "{news:#?}\n{}", world.log());
    Ok(())
}
