//! Providers that refuse messages, and why their status says so.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::server::{Server, Taken};
use crate::world::{NAMESPACE, Outcome, World, until};

const HOOK: &str = "/services/T00000000/B00000000/Not-For-Others";

/// A Kustomization that is broken by a file that is not there.
async fn broken(world: &World, name: &str, file: &str) -> Outcome {
    world.commit(&[(format!("{name}/kustomization.yaml"), format!("resources: [{file}]\n"))]).await
}

async fn failure(world: &World, provider: &str) -> Outcome<Value> {
    Ok(world.status(provider).await?["lastFailure"].clone())
}

fn texts(server: &Server) -> Vec<(String, String)> {
    let taken = server.received().taken.clone();
    taken.iter().map(|one| (one.path.clone(), String::from_utf8_lossy(&one.body).into_owned())).collect()
}

fn secret(name: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/secrets/{name}")
}

fn provider(name: &str) -> String {
    format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{NAMESPACE}/providers/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_arrives_when_the_provider_is_mended() -> Outcome {
    let (server, address) = Server::start().await?;
    server.received().is_up = true;
    // It repeats what it was sent, as some do.
    server.received().refusal = Some(Box::new(|taken: &Taken| {
        let said = format!("no_service\r\n\t\u{1b}[31m for {} {:?}", taken.path, taken.headers);
        (taken.path == HOOK).then(|| (StatusCode::NOT_FOUND, said).into_response())
    }));
    let mut world = World::new().await?;
    let data = json!({"address": format!("http://{address}{HOOK}"), "token": "hush-hush"});
    world.provider("people", &json!({"type": "slack"}), &data).await?;
    world.kustomization("app", "app").await?;
    broken(&world, "app", "absent-1.yaml").await?;
    world.start()?;
    until("it is refused", async || Ok(!failure(&world, "people").await?.is_null())).await?;
    let found = failure(&world, "people").await?;
    let error = found["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("request failed with status code 404: no_service [31m for *** {"), "{error}");
    assert_eq!(found["isTriedAgain"], true, "{found}");
    for text in [&found.to_string(), &world.log()] {
        assert!(!text.contains("Not-For-Others") && !text.contains("hush-hush"), "{text}");
    }
    assert_eq!(world.status("people").await?["pending"], 1);

    // The Secret is mended.
    let mended = json!({"stringData": {"address": format!("http://{address}/mended")}});
    world.change(&secret("people"), &mended).await?;
    let is_sent = async |count: usize| Ok(texts(&server).len() >= count);
    until("the first event comes", async || is_sent(1).await).await?;
    until("the status says so", async || {
        let status = world.status("people").await?;
        Ok(status["delivered"] == 1 && status["lastFailure"].is_null() && status["pending"] == 0)
    })
    .await?;

    // It breaks again, the reconciler ends, and this time the Provider is mended.
    let wrong = json!({"stringData": {"address": format!("http://{address}{HOOK}")}});
    world.change(&secret("people"), &wrong).await?;
    broken(&world, "app", "absent-2.yaml").await?;
    until("it is refused", async || Ok(!failure(&world, "people").await?.is_null())).await?;
    world.kill().await?;
    world.start()?;
    let other = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"},
        "stringData": {"address": format!("http://{address}/other")}});
    world.create(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), &other).await?;
    world.change(&provider("people"), &json!({"spec": {"secretRef": {"name": "other"}}})).await?;
    until("the second event comes", async || is_sent(2).await).await?;
    world.kill().await?;
    let texts = texts(&server);
    let came =
        |number: usize, path: &str, file: &str| texts[number].0 == path && texts[number].1.contains(file);
    assert!(texts.len() == 2 && came(0, "/mended", "absent-1") && came(1, "/other", "absent-2"), "{texts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_a_message_that_is_refused_alone() -> Outcome {
    let (server, address) = Server::start().await?;
    server.received().is_up = true;
    server.received().refusal = Some(Box::new(|taken: &Taken| {
        let is_poison = String::from_utf8_lossy(&taken.body).contains("poison");
        is_poison.then(|| (StatusCode::BAD_REQUEST, "invalid_payload").into_response())
    }));
    let mut world = World::new().await?;
    let data = json!({"address": format!("http://{address}/programs")});
    world.provider("programs", &json!({"type": "generic"}), &data).await?;
    for name in ["poison", "one", "two"] {
        world.kustomization(name, name).await?;
    }
    broken(&world, "poison", "absent.yaml").await?;
    world.start()?;
    until("it is refused", async || Ok(failure(&world, "programs").await?["isTriedAgain"] == true)).await?;
    broken(&world, "one", "absent.yaml").await?;
    broken(&world, "two", "absent.yaml").await?;
    // Both come, and the one that is refused is given up.
    until("the others come", async || Ok(texts(&server).len() >= 2)).await?;
    until("the status says so", async || {
        let status = world.status("programs").await?;
        Ok(status["pending"] == 0 && status["delivered"].as_i64() >= Some(2))
    })
    .await?;
    let found = failure(&world, "programs").await?;
    assert!(found.is_null() || found["isTriedAgain"].is_null(), "{found}");
    assert!(world.log().contains("it is given up"), "{}", world.log());
    world.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_pause_gets_it() -> Outcome {
    let (server, address) = Server::start().await?;
    server.received().is_up = true;
    server.received().refusal = Some(Box::new(|_: &Taken| {
        Some((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "8")], "rate_limited").into_response())
    }));
    let mut world = World::new().await?;
    let data = json!({"address": format!("http://{address}/people")});
    world.provider("people", &json!({"type": "slack"}), &data).await?;
    world.kustomization("app", "app").await?;
    broken(&world, "app", "absent.yaml").await?;
    world.start()?;
    until("it is asked twice", async || Ok(server.received().refusals.len() >= 2)).await?;
    let refusals = server.received().refusals.clone();
    let pause = refusals[1] - refusals[0];
    assert!(pause >= Duration::from_secs(8) && pause < Duration::from_secs(30), "{pause:?}");
    server.received().refusal = None;
    until("it is delivered", async || Ok(world.status("people").await?["delivered"] == 1)).await?;
    world.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_when_nothing_is_tried_again() -> Outcome {
    let (server, address) = Server::start().await?;
    let mut world = World::new().await?;
    let data = json!({"address": format!("http://{address}/people")});
    world.provider("people", &json!({"type": "slack"}), &data).await?;
    world.kustomization("app", "app").await?;
    broken(&world, "app", "absent-1.yaml").await?;
    world.start()?;
    let alert = format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{NAMESPACE}/alerts/people");
    let both = async |world: &World, is_tried_again: bool| -> Outcome<bool> {
        let says_so = |status: &Value| {
            let failure = &status["lastFailure"];
            !failure.is_null()
                && (failure["isTriedAgain"] == true) == is_tried_again
                && (status["pending"] != 0) == is_tried_again
        };
        Ok(says_so(&world.status("people").await?) && says_so(&world.get(&alert).await?["status"]))
    };
    until("it is tried again", async || both(&world, true).await).await?;

    // A provider that is suspended gets nothing.
    world.change(&provider("people"), &json!({"spec": {"suspend": true}})).await?;
    until("nothing is tried again", async || both(&world, false).await).await?;
    world.change(&provider("people"), &json!({"spec": {"suspend": false}})).await?;
    broken(&world, "app", "absent-2.yaml").await?;
    until("it is tried again", async || both(&world, true).await).await?;

    // The messages are lost with the directory.
    world.kill().await?;
    std::fs::remove_dir_all(world.data())?;
    world.start()?;
    until("nothing is tried again", async || both(&world, false).await).await?;
    assert_eq!(texts(&server), []);
    world.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_missing() -> Outcome {
    let mut world = World::new().await?;
    world.provider("people", &json!({"type": "slack"}), &json!({"adress": "http://127.0.0.1/"})).await?;
    let without = json!({"type": "slack", "secretRef": null});
    world.provider("none", &without, &json!({})).await?;
    world.change(&provider("none"), &json!({"spec": {"secretRef": null}})).await?;
    world.kustomization("app", "app").await?;
    broken(&world, "app", "absent.yaml").await?;
    world.start()?;
    for (name, wanted) in [
        (
            "people",
            "the secret 'delivery/people' has no key 'address'; add it, for example with kubectl -n delivery patch secret people",
        ),
        (
            "none",
            "the provider has no address; set spec.address, or name a secret with the key 'address' in spec.secretRef: kubectl -n delivery create secret generic NAME --from-literal=address=https://…",
        ),
    ] {
        until("it fails", async || Ok(!failure(&world, name).await?.is_null())).await?;
        let error = failure(&world, name).await?["error"].clone();
        assert!(error.as_str().is_some_and(|error| error.contains(wanted)), "{error}");
    }
    world.kill().await
}
