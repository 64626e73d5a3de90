//! What a tenant does so that objects are not deleted. As with Flux, an object stays if its annotation says so or if its
//! labels name another owner. Both take the right to write the object, and neither outlives the namespace.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::stage::Outcome;
use crate::world::{ATTACKER, PLATFORM, VICTIM, World, kustomization};

/// Objects of the attacker: one is to be kept, and one says that the Kustomization of the cluster owns it.
const OWN: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: kept
  namespace: attacker
  annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: spoofed
  namespace: attacker
  labels:
    kustomize.toolkit.fluxcd.io/name: flux-system
    kustomize.toolkit.fluxcd.io/namespace: attacks
";

/// An object of the platform with an annotation that would keep it, and labels that would give it to the attacker.
const FOREIGN: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: rules
  namespace: victim
  annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}
  labels:
    kustomize.toolkit.fluxcd.io/name: foreign
    kustomize.toolkit.fluxcd.io/namespace: attacker
";

const RULES: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules, namespace: victim}\n";

#[tokio::test(flavor = "multi_thread")]
async fn annotations_and_labels_that_avoid_pruning() -> Outcome {
    let files = [("attack/own.yaml", OWN), ("foreign/rules.yaml", FOREIGN), ("main/rules.yaml", RULES)];
    let world = World::new(&files).await?;
    let map = |namespace: &str, name: &str| format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let (kept, spoofed, rules) = (map(ATTACKER, "kept"), map(ATTACKER, "spoofed"), map(VICTIM, "rules"));
    world.create(&kustomization("attack", json!({}))).await?;
    world.stage.object_becomes(&kept, |_| true).await?;
    // Whoever applies an object owns it, whatever its file says.
    let is_own = |found: &serde_json::Value| {
        let label =
            |name: &str| found["metadata"]["labels"][format!("kustomize.toolkit.fluxcd.io/{name}")].clone();
        (label("name"), label("namespace")) == (json!("attack"), json!(ATTACKER))
    };
    world.stage.object_becomes(&spoofed, is_own).await?;

    // What others have applied can be neither kept nor taken over without the right to write it.
    world.create(&kustomization("foreign", json!({"path": "./foreign"}))).await?;
    let account = format!("User \"system:serviceaccount:{ATTACKER}:default\" cannot ");
    world.refused("kustomizations", "foreign", &account).await?;
    let found = world.stage.get(&rules).await?.unwrap_or_default();
    assert!(found["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"].is_null(), "{found:#}");
    world.stage.commit("no rules", &[("main/rules.yaml", "")])?;
    world.stage.reconcile("main").await?;
    world.stage.disappears(&rules).await?;
    assert!(world.stage.exists(&spoofed).await?);

    world.stage.remove(&world.path("kustomizations", "attack")).await?;
    world.stage.disappears(&spoofed).await?;
    world.stage.disappears(&world.path("kustomizations", "attack")).await?;
    assert!(world.stage.exists(&kept).await?);
    world.remove_tenants().await?;
    assert!(!world.stage.exists(&kept).await?);
    world.end().await
}

/// Whoever prunes waits for other Kustomizations of the same source, which may want what is to be deleted. One that may
/// not use the source is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_is_refused_delays_no_pruning() -> Outcome {
    let world = World::new(&[("main/rules.yaml", RULES)]).await?;
    let source = json!({"kind": "GitRepository", "name": "flux-system", "namespace": PLATFORM});
    world.create(&kustomization("late", json!({"sourceRef": source}))).await?;
    world.refused("kustomizations", "late", "cross-namespace references have been blocked").await?;
    world.stage.commit("no rules", &[("main/rules.yaml", "")])?;
    let start = Instant::now();
    world.stage.reconcile("main").await?;
    let took = start.elapsed();
    assert!(!world.stage.exists(&format!("/api/v1/namespaces/{VICTIM}/configmaps/rules")).await?);
    assert!(took < Duration::from_secs(8), "pruning took {took:?}");
    world.end().await
}
