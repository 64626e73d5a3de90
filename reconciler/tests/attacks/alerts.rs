//! Alerts that tell what they must not.

use serde_json::{Value, json};

use crate::outbound::listener;
use crate::stage::Outcome;
use crate::world::{ATTACKER, World, kustomization};

/// An alert of the attacker for the events of some objects, with its provider.
pub(crate) async fn alert(world: &World, name: &str, provider: Value, source: Value) -> Outcome {
    let api = "notification.toolkit.fluxcd.io/v1beta3";
    let metadata = json!({"name": name, "namespace": ATTACKER});
    world
        .create(&json!({"apiVersion": api, "kind": "Provider", "metadata": metadata, "spec": provider}))
        .await?;
    let spec = json!({"providerRef": {"name": name}, "eventSources": [source]});
    world.create(&json!({"apiVersion": api, "kind": "Alert", "metadata": metadata, "spec": spec})).await
}

/// The API server repeats what it does not accept, and that may be the value of a Secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_what_the_api_server_refuses() -> Outcome {
    let secret = "Not_For_Others";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"${one}\", namespace: attacker}\n";
    let world = World::new(&[("leak/map.yaml", map)]).await?;
    let (address, heard) = listener().await?;
    let values = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "values"}, "stringData": {"one": secret},
    });
    world.stage.post(&format!("/api/v1/namespaces/{ATTACKER}/secrets"), &values).await?;
    let provider = json!({"type": "generic", "address": format!("http://{address}/")});
    alert(&world, "leak", provider, json!({"kind": "Kustomization", "name": "*"})).await?;
    let from = json!({"substituteFrom": [{"kind": "Secret", "name": "values"}]});
    world.create(&kustomization("leak", json!({"path": "./leak", "postBuild": from}))).await?;
    world.refused("kustomizations", "leak", "is invalid").await?;
    // The listener has no such path, and has read what it was sent.
    let is_sent = |found: &Value| {
        found["status"]["lastFailure"]["message"].as_str().is_some_and(|text| text.contains("is invalid"))
    };
    world.stage.object_becomes(&world.path("alerts", "leak"), is_sent).await?;
    let bodies = heard.bodies();
    assert!(bodies.iter().any(|body| body.contains("is invalid")), "{bodies:#?}");
    let found = world.stage.get(&world.path("kustomizations", "leak")).await?.unwrap_or_default();
    let events = world.stage.get(&format!("/api/v1/namespaces/{ATTACKER}/events")).await?.unwrap_or_default();
    for text in bodies.iter().chain([&found["status"]["conditions"].to_string(), &events.to_string()]) {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(!world.stage.text().contains(secret));
    world.end().await
}

/// The address of a webhook is a secret: whoever has it can write to the channel.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_provider_that_cannot_be_reached() -> Outcome {
    let world = World::new(&[]).await?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let address = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "address"},
        "stringData": {"address": format!("http://{closed}/T0/SECRET")},
    });
    world.stage.post(&format!("/api/v1/namespaces/{ATTACKER}/secrets"), &address).await?;
    let provider = json!({"type": "slack", "channel": "x", "secretRef": {"name": "address"}});
    alert(&world, "slack", provider, json!({"kind": "Kustomization", "name": "*"})).await?;
    world.create(&kustomization("broken", json!({"path": "./nowhere"}))).await?;
    let has_failed = |found: &Value| found["status"]["lastFailure"]["error"].is_string();
    for plural in ["alerts", "providers"] {
        let path = world.path(plural, "slack");
        world.stage.object_becomes(&path, has_failed).await?;
        let found = world.stage.get(&path).await?.unwrap_or_default();
        assert!(!found.to_string().contains("SECRET"), "{found:#}");
    }
    assert!(!world.stage.text().contains("SECRET"));
    world.end().await
}

/// A tenant decides how long the messages are, and how many of its alerts keep them while its provider is down.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_message_for_many_alerts() -> Outcome {
    let long = format!("resources: [{}.yaml]\n", "x".repeat(500_000));
    let world = World::new(&[("long/kustomization.yaml", &long)]).await?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let api = "notification.toolkit.fluxcd.io/v1beta3";
    let provider = json!({"type": "slack", "channel": "x", "address": format!("http://{closed}/")});
    alert(&world, "alert-0", provider, json!({"kind": "Kustomization", "name": "*"})).await?;
    for number in 1..150 {
        let metadata = json!({"name": format!("alert-{number}"), "namespace": ATTACKER});
        let sources = json!([{"kind": "Kustomization", "name": "*"}]);
        let spec = json!({"providerRef": {"name": "alert-0"}, "eventSources": sources});
        world
            .create(&json!({"apiVersion": api, "kind": "Alert", "metadata": metadata, "spec": spec}))
            .await?;
    }
    world.create(&kustomization("long", json!({"path": "./long"}))).await?;
    let waits = |found: &Value| found["status"]["pending"].as_i64().is_some_and(|pending| pending >= 150);
    world.stage.object_becomes(&world.path("providers", "alert-0"), waits).await?;
    let file = world.directory().join("data/notifications.jsonl");
    let kept = std::fs::read_to_string(&file)?;
    assert!(kept.len() < 5_000_000, "{} bytes are kept", kept.len());
    assert!(kept.contains("bytes of this message were left out"));
    // Messages for a deleted provider are not kept.
    world.stage.remove(&world.path("providers", "alert-0")).await?;
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !std::fs::read_to_string(&file)?.contains("\"providerGone\"") {
        assert!(std::time::Instant::now() < end, "nothing was dropped");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    world.end().await
}
