//! Events as spans, sent to a collector that is down at first.

use serde_json::json;

use crate::server::Server;
use crate::world::{Outcome, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_what_happened_while_it_was_down() -> Outcome {
    let (server, address) = Server::start().await?;
    let mut world = World::new().await?;
    let secret = json!({"address": format!("http://{address}"), "token": "hush", "headers": "X-Scope: a"});
    world.provider("traces", &json!({"type": "otel"}), &secret).await?;
    world.kustomization("app", "app").await?;
    let broken = "resources:\n- absent.yaml\n".to_owned();
    world.commit(&[("app/kustomization.yaml".to_owned(), broken)]).await?;
    world.start()?;
    until("a span is refused", async || Ok(server.received().refused > 0)).await?;
    world.kill().await?;
    server.received().is_up = true;
    world.start()?;
    until("a span is taken", async || Ok(!server.received().taken.is_empty())).await?;
    until("the status says so", async || Ok(world.status("traces").await?["delivered"] == 1)).await?;
    world.kill().await?;

    let taken = server.received().taken.clone();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].path, "/v1/traces");
    for (name, value) in
        [("content-type", "application/x-protobuf"), ("authorization", "Bearer hush"), ("x-scope", "a")]
    {
        assert_eq!(taken[0].headers.get(name).and_then(|found| found.to_str().ok()), Some(value), "{name}");
    }
    // What the bytes look like is compared with Flux's in reconciler-core.
    let text = String::from_utf8_lossy(&taken[0].body);
    for wanted in ["Kustomization: delivery/app", "delivery/traces", "absent.yaml"] {
        assert!(text.contains(wanted), "{wanted} is not in {text:?}");
    }
    Ok(())
}
