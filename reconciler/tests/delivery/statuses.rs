//! Statuses of commits: red when a commit breaks something, green when it is applied.

use serde_json::{Value, json};

use crate::server::Server;
use crate::world::{NAMESPACE, Outcome, World, until};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app, namespace: delivery}\n";

#[tokio::test(flavor = "multi_thread")]
async fn commits_become_red_and_green() -> Outcome {
    let (server, address) = Server::start().await?;
    server.received().is_up = true;
    let mut world = World::new().await?;
    let forge = json!({"type": "github", "address": format!("http://{address}/org/repo")});
    world.provider_of("info", "forge", &forge, &json!({"token": "hush"})).await?;
    let people = json!({"address": format!("http://{address}/people")});
    world.provider_of("info", "people", &json!({"type": "slack"}), &people).await?;
    world.kustomization("app", "app").await?;
    world.start()?;
    let states = || -> Vec<(String, Value)> {
        let taken = server.received().taken.clone();
        let sent = taken.iter().filter(|taken| !taken.body.is_empty());
        let sent = sent.filter_map(|taken| {
            let commit = taken.path.strip_prefix("/api/v3/repos/org/repo/statuses/")?;
            let body: Value = serde_json::from_slice(&taken.body).ok()?;
            Some((commit.to_owned(), body["state"].clone()))
        });
        sent.collect()
    };
    let mut wanted = Vec::new();
    for (resource, state) in [("map", "success"), ("absent", "failure"), ("map", "success")] {
        let kustomization = format!("# {}\nresources: [{resource}.yaml]\n", wanted.len());
        world
            .commit(&[
                ("app/kustomization.yaml".to_owned(), kustomization),
                ("app/map.yaml".to_owned(), MAP.to_owned()),
            ])
            .await?;
        wanted.push((world.head().await?, json!(state)));
        let shown = until(state, async || Ok(states().len() >= wanted.len())).await;
        shown.map_err(|error| format!("{error}: {:?}\n{}", states(), world.log()))?;
        assert_eq!(states(), wanted);
    }

    // People are told what was applied, and that it is well again; not that each reconciliation went well.
    let people = || -> Vec<String> {
        let taken = server.received().taken.clone();
        let sent = taken.iter().filter(|taken| taken.path == "/people");
        sent.map(|taken| String::from_utf8_lossy(&taken.body).into_owned()).collect()
    };
    until("people are told", async || Ok(people().iter().any(|text| text.contains("Recovered after "))))
        .await?;
    assert!(!people().iter().any(|text| text.contains("Reconciliation finished")), "{:?}", people());
    // Only what was sent counts as delivered.
    let mut count = 0;
    until("the status counts it", async || {
        count = people().len();
        Ok(world.status("people").await?["delivered"] == count)
    })
    .await
    .map_err(|error| format!("{error} in {NAMESPACE}: {count} messages"))?;
    world.kill().await
}
