//! Builds that would take hours.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Outcome, condition};
use crate::world::{ATTACKER, World, kustomization};

/// Longer than any other build here takes, and shorter than the slow one by far.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A build that looks for thousands of patterns in hundreds of long names.
fn slow() -> (String, String) {
    let (mut top, mut maps) = (String::from("resources: [maps.yaml]\npatches:\n"), String::new());
    for number in 0..3_000 {
        let pattern = format!("(x*y*){{20}}z{number}");
        let target = format!("{{kind: ConfigMap, name: '{pattern}'}}");
        let _ =
            writeln!(top, "- {{target: {target}, patch: '[{{\"op\": \"remove\", \"path\": \"/kind\"}}]'}}");
    }
    let long = "xy".repeat(2_000);
    for number in 0..300 {
        let _ = writeln!(maps, "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {long}{number}}}\n---");
    }
    (top, maps)
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_without_an_end() -> Outcome {
    let (top, maps) = slow();
    let files = [
        ("slow/kustomization.yaml", top.as_str()),
        ("slow/maps.yaml", maps.as_str()),
        ("other/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: default}\n"),
    ];
    let world = World::with(&files, |options| options.build_timeout = TIMEOUT).await?;
    let count = std::thread::available_parallelism()?.get() + 2;
    let names: Vec<String> = (0..count).map(|number| format!("slow-{number}")).collect();
    for name in &names {
        world.create(&kustomization(name, json!({"path": "./slow"}))).await?;
    }
    // They are built again and again, and others have their turn.
    world.stage.create("other", &json!({})).await?;
    let is_ready = |found: &Value| condition(found)["status"] == "True";
    world.stage.object_becomes(&world.stage.path_of("other"), is_ready).await?;
    for name in &names {
        let why = "kustomize build failed: the build took longer than 10s and was cancelled";
        world.refused("kustomizations", name, why).await?;
        let path = world.path("kustomizations", name);
        let found = world.stage.get(&path).await?.unwrap_or_default();
        assert_eq!(condition(&found)["reason"], "BuildFailed", "{ATTACKER}/{name}");
        world.stage.remove(&path).await?;
    }
    world.stage.delete("other").await?;
    world.stage.disappears(&world.stage.path_of("other")).await?;
    world.end().await
}
